# SPDX-License-Identifier: GPL-2.0-or-later
"""A program's own packets leave from the port it mapped, whoever the peer is."""
import pytest

from lab import HOST_A, HOST_B, WAN_GW, WAN_HOST, WAN_HOST2
from traffic import ECHO, ask, udp_ask

BOTH = pytest.mark.parametrize("protocol", ["TCP", "UDP"])


@BOTH
def test_two_hosts_with_one_source_port_keep_each_the_mapped_one(lab, igd, protocol, keep):
    igd.add(protocol, 3074, HOST_A, 3074)
    igd.seen_from(lab.b).add(protocol, 43074, HOST_B, 3074)
    for ns, address in ((lab.wan, WAN_HOST), (lab.wan2, WAN_HOST2)):
        keep(ECHO[protocol](ns, 9000))
        assert ask(protocol, lab.a, address, 9000, sport=3074)[1:] == [WAN_GW, "3074"]
        assert ask(protocol, lab.b, address, 9000, sport=3074)[1:] == [WAN_GW, "43074"]


def test_a_peer_reaches_the_program_at_the_port_it_saw(lab, igd, keep):
    """Endpoint-independent: learned by one peer, used by another."""
    igd.add("UDP", 40001, HOST_A, 7000)
    keep(ECHO["UDP"](lab.wan, 9000))
    assert udp_ask(lab.a, WAN_HOST, 9000, sport=7000)[1:] == [WAN_GW, "40001"]
    keep(ECHO["UDP"](lab.a, 7000))
    assert udp_ask(lab.wan2, WAN_GW, 40001)[:2] == ["a", WAN_HOST2]


def test_an_unmapped_source_port_still_works(lab, igd, keep):
    keep(ECHO["UDP"](lab.wan, 9000))
    igd.add("UDP", 40001, HOST_A, 7000)
    assert udp_ask(lab.a, WAN_HOST, 9000, sport=7001)[1] == WAN_GW
    assert udp_ask(lab.b, WAN_HOST, 9000, sport=7000)[2] != "40001"


def forget_flows(lab):
    """The kernel gives a source the port that a live flow of it has; without any, the rules tell."""
    lab.gw.run("conntrack", "-F")


@pytest.fixture(autouse=True)
def no_flows(lab):
    forget_flows(lab)


def test_new_flows_leave_from_elsewhere_once_the_mapping_is_gone(lab, igd, keep):
    keep(ECHO["UDP"](lab.wan, 9000))
    igd.add("UDP", 40001, HOST_A, 7000)
    assert udp_ask(lab.a, WAN_HOST, 9000, sport=7000)[2] == "40001"
    igd.delete("UDP", 40001)
    forget_flows(lab)
    assert udp_ask(lab.a, WAN_HOST, 9000, sport=7000)[2] != "40001"


def test_the_older_of_two_mappings_of_one_endpoint_owns_the_source_port(lab, igd, keep):
    keep(ECHO["UDP"](lab.wan, 9000))
    keep(ECHO["UDP"](lab.wan, 9001))
    igd.add("UDP", 40001, HOST_A, 7000)
    igd.add("UDP", 40002, HOST_A, 7000)
    assert udp_ask(lab.a, WAN_HOST, 9000, sport=7000)[2] == "40001"
    igd.delete("UDP", 40001)
    assert udp_ask(lab.a, WAN_HOST, 9001, sport=7000)[2] == "40002"


def test_a_disabled_mapping_keeps_no_source_port(lab, igd, keep):
    keep(ECHO["UDP"](lab.wan, 9000))
    igd.add("UDP", 40001, HOST_A, 7000, enabled=0)
    assert udp_ask(lab.a, WAN_HOST, 9000, sport=7000)[2] != "40001"
