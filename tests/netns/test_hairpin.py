# SPDX-License-Identifier: GPL-2.0-or-later
"""Hosts at home use the external address, and reach who mapped the port."""
import pytest

from igd import Igd
from lab import HOST_A, HOST_C, LAN0_GW, WAN_GW
from traffic import ECHO, ask

BOTH = pytest.mark.parametrize("protocol", ["TCP", "UDP"])


@BOTH
def test_a_neighbour_reaches_the_mapped_host(lab, igd, protocol, keep):
    keep(ECHO[protocol](lab.a, 7000))
    igd.add(protocol, 8080, HOST_A, 7000)
    answer = ask(protocol, lab.b, WAN_GW, 8080)
    assert answer and answer[0] == "a"
    assert answer[1] != "192.168.1.11", "the reply must come back through the gateway"


@BOTH
def test_the_mapped_host_reaches_itself(lab, igd, protocol, keep):
    keep(ECHO[protocol](lab.a, 7000))
    igd.add(protocol, 8080, HOST_A, 7000)
    answer = ask(protocol, lab.a, WAN_GW, 8080)
    assert answer and answer[0] == "a"


@BOTH
def test_hosts_of_the_other_lan_reach_it_too(lab, igd, protocol, keep):
    keep(ECHO[protocol](lab.a, 7000))
    igd.add(protocol, 8080, HOST_A, 7000)
    assert ask(protocol, lab.c, WAN_GW, 8080)[0] == "a"
    other = Igd.discover(lab.c)
    keep(ECHO[protocol](lab.c, 7000))
    other.add(protocol, 8081, HOST_C, 7000)
    assert ask(protocol, lab.b, WAN_GW, 8081)[0] == "c"


@BOTH
def test_the_gateways_own_lan_address_is_not_mapped(lab, igd, protocol, keep):
    keep(ECHO[protocol](lab.a, 7000))
    igd.add(protocol, 8080, HOST_A, 7000)
    assert ask(protocol, lab.b, LAN0_GW, 8080, timeout=0.2) is None


def test_http_of_the_gateway_cannot_be_mapped_away(lab, gateway, igd, keep):
    keep(ECHO["TCP"](lab.a, 7000))
    igd.add("TCP", 5431, HOST_A, 7000)
    assert gateway.answers("lan0")
    assert ask("TCP", lab.wan, WAN_GW, 5431)[0] == "a"


@BOTH
def test_it_ends_with_the_mapping(lab, igd, protocol, keep):
    keep(ECHO[protocol](lab.a, 7000))
    igd.add(protocol, 8080, HOST_A, 7000)
    assert ask(protocol, lab.b, WAN_GW, 8080)
    igd.delete(protocol, 8080)
    assert ask(protocol, lab.b, WAN_GW, 8080, timeout=0.2) is None
