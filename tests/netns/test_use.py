# SPDX-License-Identifier: GPL-2.0-or-later
"""
What goes through a mapping is counted, packet by packet and both ways, while the kernel's own
accounting is off. Each count here is of datagrams that the test itself sends.
"""
import os
import signal
import socket

import pytest

from igd import Igd
from lab import HOST_A, LAN0_GW, WAN_GW, WAN_HOST, gone, wait_for
from traffic import TcpEcho, TcpFlow

HEADERS = 28  # of IP and UDP
FIREWALLS = {
    "off": ["firewall=off"],
    "own": ["firewall=own"],
    "join": ["firewall=join", "join_chain=inet other forward"],
}


def start(lab, *options):
    lab.gw.sysctl("net.netfilter.nf_conntrack_acct", 0)
    words = [word for option in ("share=yes",) + options for word in ("-o", option)]
    return lab.start(*words)


@pytest.fixture(params=FIREWALLS)
def daemon(request, lab):
    started = start(lab, *FIREWALLS[request.param])
    yield started
    assert started.stop() == 0, started.log()


@pytest.fixture
def server(lab, keep):
    """A socket of host a at UDP port 7000, which says nothing by itself."""
    sock = keep(lab.a.socket(kind=socket.SOCK_DGRAM))
    sock.bind(("", 7000))
    sock.settimeout(5)
    return sock


@pytest.fixture
def mapped(daemon):
    return add(daemon)


def add(daemon, *more, port=5000):
    return daemon.cli_json("add", "udp", port, HOST_A + ":7000", *more)["id"]


def peer(lab, keep, ns=None, sport=0):
    sock = keep((ns or lab.wan).socket(kind=socket.SOCK_DGRAM))
    sock.bind(("", sport))
    sock.settimeout(5)
    return sock


def send(sock, server, count=5, size=1000, port=5000):
    """Returns whom the last one seemed to come from."""
    for _ in range(count):
        sock.sendto(b"x" * size, (WAN_GW, port))
        data, whom = server.recvfrom(2000)
        assert len(data) == size
    return whom


def counted(daemon, ident):
    shown = daemon.cli_json("show", ident)
    return shown["packets"], shown["octets"], shown["connections"]


def test_packets_are_counted_both_ways(lab, daemon, mapped, server, keep):
    assert counted(daemon, mapped) == (0, 0, 0)
    sock = peer(lab, keep)
    whom = send(sock, server, 5, 1000)
    assert counted(daemon, mapped) == (5, 5 * (1000 + HEADERS), 1)
    for _ in range(3):
        server.sendto(b"y" * 200, whom)
        assert len(sock.recv(2000)) == 200
    want = (8, 5 * (1000 + HEADERS) + 3 * (200 + HEADERS), 1)
    assert counted(daemon, mapped) == want
    listed = daemon.mappings()[0]
    assert (listed["packets"], listed["octets"]) == want[:2]
    assert "\npackets      8, both ways (5.7 KiB)\n" in daemon.cli("show", mapped).stdout


def test_each_mapping_counts_its_own(lab, daemon, mapped, server, keep):
    """One for a certain remote host on the same port has its packets, and the other those of others."""
    narrow = add(daemon, "--remote", WAN_HOST)
    other = add(daemon, port=5001)
    send(peer(lab, keep), server, 2)
    send(peer(lab, keep, lab.wan2), server, 3)
    send(peer(lab, keep), server, 4, port=5001)
    assert [counted(daemon, ident)[0] for ident in (narrow, mapped, other)] == [2, 3, 4]


def test_a_neighbour_counts_as_anybody(lab, daemon, mapped, server, keep):
    send(peer(lab, keep, lab.b), server, 3)
    assert counted(daemon, mapped)[0] == 3


def test_what_does_not_come_through_the_mapping_is_not_counted(lab, daemon, mapped, server, keep):
    """Neither the mapped program's own flows, nor those of a neighbour from a port of that number."""
    far = peer(lab, keep, sport=9000)
    server.sendto(b"z", (WAN_HOST, 9000))
    assert far.recvfrom(100)[1] == (WAN_GW, 5000)
    far.sendto(b"z", (WAN_GW, 5000))  # an answer: not a flow of the mapping's
    server.recv(100)
    neighbour = peer(lab, keep, lab.b, sport=5000)
    neighbour.sendto(b"z", (WAN_HOST, 9000))
    assert far.recvfrom(100)[1][1] != 5000
    assert counted(daemon, mapped) == (0, 0, 0)


def test_what_leads_to_the_gateway_itself_is_counted_inbound(lab, daemon, keep):
    ident = daemon.cli_json("add", "udp", 5000, LAN0_GW + ":7000")["id"]
    sock = keep(lab.gw.socket(kind=socket.SOCK_DGRAM))
    sock.bind((LAN0_GW, 7000))
    sock.settimeout(5)
    send(peer(lab, keep), sock, 3)
    assert counted(daemon, ident) == (3, 3 * (1000 + HEADERS), 1)


def test_a_flow_that_goes_on_is_use(lab, daemon, keep):
    """No connection begins any more, and yet the mapping is not unused."""
    keep(TcpEcho(lab.a, 7000))
    ident = daemon.cli_json("add", "tcp", 5000, HOST_A + ":7000")["id"]
    flow = keep(TcpFlow(lab.wan, WAN_GW, 5000))
    assert flow.works()
    before = daemon.cli_json("show", ident)

    def used_later():
        assert flow.works()
        return daemon.cli_json("show", ident)["last_used"] != before["last_used"]
    wait_for(used_later, 3, "a later time of use")
    assert counted(daemon, ident)[2] == 1


def test_a_port_of_the_gateway_that_is_open_anyway_is_counted_when_mapped(lab, keep):
    """In each mode: whichever rule lets it in, it came through the mapping."""
    server = keep(lab.gw.socket(kind=socket.SOCK_DGRAM))
    server.bind((LAN0_GW, 51820))
    server.settimeout(5)
    for options in FIREWALLS.values():
        daemon = start(lab, *options, "open=wireguard")
        try:
            ident = daemon.cli_json("add", "udp", 5000, LAN0_GW + ":51820")["id"]
            send(peer(lab, keep), server)
            assert counted(daemon, ident)[0] == 5, options
        finally:
            assert daemon.stop() == 0, daemon.log()


# ---- what survives ----

SHARED_TABLE = ["table_owner=no", "keep_mappings_on_exit=no"]  # at a stop it goes


@pytest.fixture(params=[["table_owner=yes"], SHARED_TABLE], ids=["table-stays", "table-goes"])
def fresh(request, lab):
    started = start(lab, *request.param)
    yield started
    started.close()
    lab.gw.nft("delete table inet portreeve", check=False)


def test_counts_survive_renewal_crash_and_restart(lab, fresh, server, keep):
    igd = Igd.discover(lab.a)
    igd.add("UDP", 5000, HOST_A, 7000, lease=600)
    ident = fresh.mappings()[0]["id"]
    send(peer(lab, keep), server)
    igd.add("UDP", 5000, HOST_A, 7000, lease=700)
    core = fresh.core_pid()
    os.kill(core, signal.SIGKILL)
    wait_for(lambda: gone(core) and fresh.status_if_up(), 5, "the next core")
    want = (5, 5 * (1000 + HEADERS), 1)
    assert counted(fresh, ident) == want
    send(peer(lab, keep), server, 1)
    want = (want[0] + 1, want[1] + 1000 + HEADERS, 2)
    fresh.restart()  # without another look
    assert counted(fresh, ident) == want


@pytest.mark.parametrize("fresh", [SHARED_TABLE], indirect=True)
def test_counts_that_were_seen_survive_what_others_do_to_the_table(lab, fresh, server, keep):
    ident = add(fresh)
    send(peer(lab, keep), server)
    seen = counted(fresh, ident)
    since = fresh.log_size()
    lab.gw.nft("delete table inet portreeve")
    fresh.wait_log("table deleted", since=since)
    wait_for(lambda: counted(fresh, ident) == seen, 5, "the counts that were seen")


def test_a_mapping_that_leads_elsewhere_goes_on_counting(lab, fresh, server, keep):
    igd = Igd.discover(lab.a)
    igd.add("UDP", 5000, HOST_A, 7000)
    ident = fresh.mappings()[0]["id"]
    send(peer(lab, keep), server)
    igd.add("UDP", 5000, HOST_A, 7001)
    assert counted(fresh, ident)[0] == 5
