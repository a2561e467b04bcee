# SPDX-License-Identifier: GPL-2.0-or-later
"""Hosts at home use the external address, and reach who mapped the port."""
import pytest

from igd import Igd
from lab import HOST_A, HOST_B, HOST_C, LAN0_GW, WAN_GW
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
def test_a_neighbour_is_seen_at_the_external_address(lab, igd, protocol, keep):
    """RFC 4787, REQ-9: who was told where the other is knows it by that."""
    keep(ECHO[protocol](lab.a, 7000))
    igd.add(protocol, 8080, HOST_A, 7000)
    igd.seen_from(lab.b).add(protocol, 43074, HOST_B, 3074)
    assert ask(protocol, lab.b, WAN_GW, 8080, sport=3074) == ["a", WAN_GW, "43074"]
    assert ask(protocol, lab.b, WAN_GW, 8080, sport=3075)[1] == WAN_GW


@BOTH
def test_a_neighbour_is_not_taken_for_the_owner_of_a_port(lab, igd, protocol, keep):
    keep(ECHO[protocol](lab.a, 7000))
    igd.add(protocol, 8080, HOST_A, 7000)
    igd.seen_from(lab.b).add(protocol, 43074, HOST_B, 3074)
    answer = ask(protocol, lab.b, WAN_GW, 8080, sport=43074)
    assert answer[1] == WAN_GW and answer[2] != "43074"


@BOTH
def test_what_another_ruleset_sends_back_is_masqueraded(lab, igd, protocol, keep):
    """Its address is not ours to show: nothing of it need lead back to us."""
    keep(ECHO[protocol](lab.a, 7000))
    lab.gw.nft("add table ip other; add chain ip other pre { type nat hook prerouting priority 0; };"
               "add rule ip other pre ip daddr 198.51.100.1 %s dport 9 dnat to %s:7000" % (
                   protocol.lower(), HOST_A))
    try:
        assert ask(protocol, lab.b, "198.51.100.1", 9)[:2] == ["a", LAN0_GW]
    finally:
        lab.gw.nft("delete table ip other")


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
