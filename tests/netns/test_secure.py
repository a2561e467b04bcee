# SPDX-License-Identifier: GPL-2.0-or-later
"""Who may have what: secure mode, its limits, and what is left when it is off."""
import pytest

from igd import Igd, fault
from lab import HOST_A, HOST_B, HOST_C, LAN0_GW, WAN_GW, WAN_HOST
from traffic import TcpEcho, tcp_ask


@pytest.fixture
def run(lab):
    """run(options) starts a daemon of its own and returns it and what host a sees."""
    started = []

    def start(*options):
        args = [word for option in options for word in ("-o", option)]
        started.append(lab.start("-o", "share=yes", *args))
        return started[-1], Igd.discover(lab.a)
    yield start
    for daemon in started:
        assert daemon.stop() == 0


def test_secure_mode_maps_only_to_the_caller(run, lab):
    _, igd = run("max_mappings_per_client=3", "max_mappings=5", "min_port=2000")
    for address in (HOST_B, HOST_C, LAN0_GW, WAN_GW, WAN_HOST, "192.168.1.255", "127.0.0.1",
                    "255.255.255.255", "224.0.0.1"):
        assert fault(igd.add, "TCP", 5000, address) == 606, address
    # least port
    assert fault(igd.add, "TCP", 1999, HOST_A) == 606
    assert fault(igd.add, "TCP", 2000, HOST_A) == 0
    # quota of one client: a refresh is not one more, a deletion gives one back
    assert fault(igd.add, "UDP", 2001, HOST_A) == 0
    assert fault(igd.add, "TCP", 2002, HOST_A) == 0
    assert fault(igd.add, "TCP", 2003, HOST_A) == 728
    assert fault(igd.add, "TCP", 2002, HOST_A, 7777, description="again") == 0
    igd.delete("TCP", 2002)
    assert fault(igd.add, "TCP", 2003, HOST_A) == 0
    # and the whole table
    other = igd.seen_from(lab.b)
    assert fault(other.add, "TCP", 3000, HOST_B) == 0
    assert fault(other.add, "TCP", 3001, HOST_B) == 0
    assert fault(other.add, "TCP", 3002, HOST_B) == 728
    assert fault(other.add, "TCP", 3001, HOST_B, 7777) == 0
    assert len(igd.entries()) == 5


def test_open_mode_maps_for_others_on_the_same_lan(run, lab, keep):
    keep(TcpEcho(lab.b, 7000))
    _, igd = run("secure=no")
    assert fault(igd.add, "TCP", 5000, HOST_B, 7000) == 0
    assert tcp_ask(lab.wan, WAN_GW, 5000)[0] == "b"
    for address in (WAN_HOST, WAN_GW, LAN0_GW, "192.168.1.255", "127.0.0.1", "224.0.0.1"):
        assert fault(igd.add, "TCP", 5001, address) != 0, address
    assert fault(igd.delete, "TCP", 5000) == 0


def test_the_longest_lease_is_applied_and_told(run, lab):
    _, igd = run("max_lease_s=100")
    for asked in (0, 101, 604800, 4294967295):
        igd.add("TCP", 5000, HOST_A, lease=asked)
        assert 98 <= int(igd.get("TCP", 5000)["NewLeaseDuration"]) <= 100
    igd.add("TCP", 5000, HOST_A, lease=50)
    assert 48 <= int(igd.get("TCP", 5000)["NewLeaseDuration"]) <= 50


def test_the_configured_external_address_is_reported_and_packets_pass(run, lab, keep):
    keep(TcpEcho(lab.a, 7000))
    _, igd = run("external_address=198.51.100.7")
    assert igd.call("GetExternalIPAddress") == {"NewExternalIPAddress": "198.51.100.7"}
    igd.add("TCP", 5000, HOST_A, 7000)
    assert tcp_ask(lab.wan, WAN_GW, 5000)[0] == "a"


def test_without_sharing_nothing_is_masqueraded(run, lab, keep):
    daemon = lab.start("-o", "share=no")
    server = keep(TcpEcho(lab.wan, 9000))
    keep(TcpEcho(lab.a, 7000))
    lab.wan.ip("route replace 192.168.0.0/16 via " + WAN_GW)
    try:
        assert tcp_ask(lab.a, WAN_HOST, 9000)[1] == HOST_A
        assert server.seen[0][0] == HOST_A
        Igd.discover(lab.a).add("TCP", 5000, HOST_A, 7000)
        assert tcp_ask(lab.wan, WAN_GW, 5000)[0] == "a"
    finally:
        lab.wan.ip("route del 192.168.0.0/16")
        assert daemon.stop() == 0


def test_each_lan_may_map_its_own_hosts_only(run, lab, keep):
    keep(TcpEcho(lab.c, 7000))
    _, igd = run("secure=no")
    other = Igd.discover(lab.c)
    assert fault(other.add, "TCP", 5000, HOST_A) == 606
    assert fault(igd.add, "TCP", 5000, HOST_C) == 606
    assert fault(other.add, "TCP", 5000, HOST_C, 7000) == 0
    assert tcp_ask(lab.wan, WAN_GW, 5000)[0] == "c"
    assert fault(igd.add, "TCP", 5000, HOST_A) == 718
