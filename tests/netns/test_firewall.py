# SPDX-License-Identifier: GPL-2.0-or-later
"""firewall = own: what comes from the WAN unasked ends at the gateway, and nothing else does."""
import select
import socket
import struct
import time

import pytest

from bare import Raw, icmp_asks, icmp_message, pings
from igd import Firewall
from lab import HOST6_A, HOST_A, LAN0_GW, WAN6_GW, WAN6_HOST, WAN_GW, WAN_HOST, wait_for
from traffic import (ECHO, TcpEcho, TcpFlow, UdpEcho, ask, tcp_ask, udp_ask, wait_ask,
                     wait_silent)

LISTENERS = 143  # ICMPv6: report of multicast listeners, version 2


@pytest.fixture(scope="module")
def conf(lab):
    """conf(lines) writes the configuration that the daemon reads."""
    return lambda text="": lab.write_conf("share = yes\n" + text)


@pytest.fixture(scope="module")
def daemon(lab, conf):
    lab.add_ipv6()
    lab.wan.ip("route add 192.168.0.0/16 via " + WAN_GW)
    started = lab.start("-c", conf("firewall = own\n"))
    yield started
    assert started.stop() == 0, started.log()


@pytest.fixture
def own(lab, daemon, conf):
    """reload(lines) changes the configuration for one test."""
    daemon.clear()
    changed = []

    def reload(text):
        changed.append(text)
        conf(text)
        daemon.reload()
    yield reload
    if changed:
        reload("firewall = own\n")


@pytest.fixture(scope="module")
def servers(lab, daemon):
    """Echo servers on the gateway, on host a and on the WAN host, for both families."""
    made = [protocol(ns, port) for protocol in ECHO.values()
            for ns, port in ((lab.gw, 7000), (lab.a, 7000), (lab.wan, 7100))]
    made += [TcpEcho(lab.gw, 7006, WAN6_GW), TcpEcho(lab.a, 7006, HOST6_A),
             UdpEcho(lab.a, 7006, HOST6_A), TcpEcho(lab.wan, 7106, WAN6_HOST)]
    yield
    for server in made:
        server.close()


def readable(flow):
    return select.select([flow.sock], [], [], 0)[0]


def is_closed(lab):
    return (tcp_ask(lab.wan, WAN_GW, 7000, timeout=0.2) is None and
            tcp_ask(lab.wan, HOST_A, 7000, timeout=0.2) is None and
            tcp_ask(lab.wan, WAN6_GW, 7006, timeout=0.2) is None and
            tcp_ask(lab.wan, HOST6_A, 7006, timeout=0.2) is None)


def is_open(lab):
    return (tcp_ask(lab.wan, WAN_GW, 7000) and tcp_ask(lab.wan, HOST_A, 7000) and
            tcp_ask(lab.wan, WAN6_GW, 7006) and tcp_ask(lab.wan, HOST6_A, 7006))


def test_the_gateways_servers_are_closed_to_the_wan_only(lab, own, servers):
    for protocol in ECHO:
        assert ask(protocol, lab.wan, WAN_GW, 7000, timeout=0.2) is None
        assert ask(protocol, lab.a, LAN0_GW, 7000)[0] == "gw"
    assert tcp_ask(lab.wan, WAN6_GW, 7006, timeout=0.2) is None
    assert tcp_ask(lab.a, WAN6_GW, 7006)[0] == "gw"


def test_hosts_behind_it_are_closed_to_the_wan(lab, own, servers):
    for protocol in ECHO:
        assert ask(protocol, lab.wan, HOST_A, 7000, timeout=0.2) is None
        assert ask(protocol, lab.wan, HOST6_A, 7006, timeout=0.2) is None


def test_what_begins_inside_gets_its_answers(lab, own, servers):
    for protocol in ECHO:
        assert ask(protocol, lab.a, WAN_HOST, 7100)[0] == "wan"
        assert ask(protocol, lab.gw, WAN_HOST, 7100)[0] == "wan"
    assert tcp_ask(lab.a, WAN6_HOST, 7106)[0] == "wan"
    assert tcp_ask(lab.gw, WAN6_HOST, 7106)[0] == "wan"


def test_mapped_ports_pass_and_their_neighbours_do_not(lab, daemon, own, servers):
    for protocol in ECHO:
        daemon.cli("add", protocol.lower(), "5000", HOST_A + ":7000")
        assert ask(protocol, lab.wan, WAN_GW, 5000)[0] == "a"
        assert ask(protocol, lab.wan, WAN_GW, 5001, timeout=0.2) is None
        assert ask(protocol, lab.wan, HOST_A, 7000, timeout=0.2) is None
    flow = TcpFlow(lab.wan, WAN_GW, 5000)
    daemon.clear()
    wait_for(lambda: not flow.works(0.1), 1, "the flow of the mapping that is gone being cut")
    flow.close()
    for protocol in ECHO:
        wait_silent(protocol, lab.wan, WAN_GW, 5000)


def test_a_mapping_to_the_gateway_itself_passes(lab, daemon, own, servers):
    daemon.cli("add", "tcp", "5000", LAN0_GW + ":7000")
    assert tcp_ask(lab.wan, WAN_GW, 5000)[0] == "gw"


def test_hairpin_goes_on_working(lab, daemon, own, servers):
    daemon.cli("add", "tcp", "5000", HOST_A + ":7000")
    assert tcp_ask(lab.b, WAN_GW, 5000)[0] == "a"


def test_pinholes_let_ipv6_in_until_they_close(lab, own, servers):
    igd = Firewall.discover(lab.a)
    status = igd.call("GetFirewallStatus")
    assert status == {"FirewallEnabled": "1", "InboundPinholeAllowed": "1"}
    numbers = [igd.open(HOST6_A, 7006, proto) for proto in (6, 17)]
    for protocol in ECHO:
        assert ask(protocol, lab.wan, HOST6_A, 7006)[0] == "a"
    flow = TcpFlow(lab.wan, HOST6_A, 7006)
    assert flow.works()
    for number in numbers:
        igd.shut(number)
    wait_for(lambda: not flow.works(0.1), 1, "the flow through the pinhole being cut")
    flow.close()
    assert is_closed(lab)


def test_a_port_tried_before_its_mapping_is_not_blocked_by_the_try(lab, daemon, own, servers):
    """What is dropped must leave no flow behind that would bypass the mapping."""
    sock = lab.wan.socket(kind=socket.SOCK_DGRAM)
    with sock:
        sock.bind(("", 6500))
        sock.sendto(b"early", (WAN_GW, 5000))
    daemon.cli("add", "udp", "5000", HOST_A + ":7000")
    assert udp_ask(lab.wan, WAN_GW, 5000, sport=6500)[0] == "a"


def test_errors_about_what_went_out_come_in(lab, own):
    """The WAN host has nobody at that port and says so, to the gateway and to the host behind."""
    for ns, address in ((lab.gw, WAN_HOST), (lab.a, WAN_HOST), (lab.a, WAN6_HOST)):
        sock = ns.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        with sock:
            sock.settimeout(2)
            sock.connect((address, 9999))
            sock.send(b"x")
            with pytest.raises(ConnectionRefusedError):
                sock.recv(10)


def test_ipv6_echo_and_neighbour_discovery_pass(lab, own):
    for address in (WAN6_GW, HOST6_A):
        lab.wan.ip("neigh flush dev eth0")
        lab.gw.ip("neigh flush dev wan0")
        wait_for(lambda address=address: pings(lab.wan, address), 3, "echo of " + address)
    assert pings(lab.gw, WAN6_HOST)


def test_icmp_requests_pass_by_their_switches_only(lab, own):
    requests = {"echo": (8, 0), "timestamp": (13, 14)}
    for kind, answer in requests.values():
        assert not icmp_asks(lab.wan, WAN_GW, kind, answer, timeout=0.2)
    assert not pings(lab.wan, HOST_A, timeout=0.2)
    for word, other in (("echo", "timestamp"), ("timestamp", "echo")):
        own("firewall = own\nicmp_allow = {%s}\n" % word)
        assert icmp_asks(lab.wan, WAN_GW, *requests[word])
        assert icmp_asks(lab.wan, HOST_A, *requests[word])
        assert not icmp_asks(lab.wan, WAN_GW, *requests[other], timeout=0.2)
    own("firewall = own\n")
    assert not pings(lab.wan, WAN_GW, timeout=0.2)


@pytest.mark.parametrize("word,kind", [("mask", 17), ("router", 10), ("redirect", 5)])
def test_icmp_that_nobody_answers_passes_by_its_switch(lab, own, keep, word, kind):
    """Linux does not answer these; whether they came in a raw socket of the gateway tells."""
    raw = keep(Raw(lab.gw, socket.IPPROTO_ICMP))

    def comes():
        with lab.wan.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as sock:
            sock.sendto(icmp_message(kind, b"\0" * 8), (WAN_GW, 0))
        return raw.gets(lambda data: data[20] == kind)
    assert not comes()
    own("firewall = own\nicmp_allow = {%s}\n" % word)
    assert comes()


def udp_comes(lab, keep, address, sport, dport):
    """Does a datagram from @sport get to a socket of the gateway at @dport?"""
    six = socket.AF_INET6 if ":" in address else socket.AF_INET
    server = keep(lab.gw.socket(six, socket.SOCK_DGRAM))
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((address, dport))
    server.settimeout(0.3)
    with lab.wan.socket(six, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("", sport))
        sock.sendto(b"offer", (address, dport))
    try:
        return server.recv(100) == b"offer"
    except TimeoutError:
        return False


def test_answers_of_dhcp_servers_come_in_and_what_looks_alike_does_not(lab, own, keep):
    assert udp_comes(lab, keep, WAN_GW, 67, 68)
    assert not udp_comes(lab, keep, WAN_GW, 6700, 68)
    assert not udp_comes(lab, keep, WAN_GW, 67, 69)
    assert udp_comes(lab, keep, WAN6_GW, 547, 546)
    assert not udp_comes(lab, keep, WAN6_GW, 5470, 546)
    assert not udp_comes(lab, keep, WAN6_GW, 67, 68)


def test_the_gateway_hears_igmp_and_mld_of_the_wan(lab, own, keep):
    igmp = keep(Raw(lab.gw, socket.IPPROTO_IGMP))
    with lab.wan.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IGMP) as sock:
        sock.sendto(icmp_message(0x11, b"\0" * 4), (WAN_GW, 0))
    assert igmp.gets(lambda data: data[(data[0] & 15) * 4] == 0x11)
    mld = keep(Raw(lab.gw, socket.IPPROTO_ICMPV6, socket.AF_INET6))
    with lab.wan.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as sock:
        sock.sendto(struct.pack("!BBHHH", LISTENERS, 0, 0, 0, 0), (WAN6_GW, 0))
    assert mld.gets(lambda data: data[0] == LISTENERS)


def test_the_firewall_follows_a_reload(lab, daemon, own, servers):
    own("")
    assert is_open(lab)
    assert daemon.status()["pinholes"]["firewall"] is False
    own("firewall = own\n")
    assert is_closed(lab)
    assert daemon.status()["pinholes"]["firewall"] is True


def test_it_comes_back_when_somebody_empties_its_chains(lab, daemon, own, servers):
    """Without ownership anybody may; with it nobody can, and the end is the same."""
    own("firewall = own\ntable_owner = no\n")
    for chain in ("wan_input", "wan_forward", "refused", "input", "forward"):
        lab.gw.nft("flush chain inet portreeve " + chain)
        wait_for(lambda: is_closed(lab), 1, "the firewall being whole again")


def test_nothing_is_dropped_but_what_comes_from_the_wan(lab, own, servers):
    assert tcp_ask(lab.c, HOST_A, 7000)[0] == "a"
    assert tcp_ask(lab.c, LAN0_GW, 7000)[0] == "gw"


def test_a_cut_connection_is_not_opened_again_by_what_the_server_has_left_to_say(lab, daemon, own,
                                                                                  servers):
    """The peer has not acknowledged everything when the way is closed; the server repeats it."""
    igd = Firewall.discover(lab.a)
    number = igd.open(HOST6_A, 7006)
    daemon.cli("add", "tcp", "7000", HOST_A + ":7000")
    for cut, address, port in (
            (lambda: igd.shut(number), HOST6_A, 7006), (daemon.clear, WAN_GW, 7000)):
        flow = TcpFlow(lab.wan, address, port)
        lab.gw.nft("add table inet mute; add chain inet mute f { type filter hook forward priority "
                   "-200; }; add rule inet mute f iifname wan0 tcp flags == ack "
                   "meta length < 80 drop")
        flow.sock.send(b"ping\n")
        wait_for(lambda flow=flow: readable(flow), 5, "the answer, which is never acknowledged")
        assert flow.sock.recv(16) == b"ping\n"
        cut()
        lab.gw.nft("delete table inet mute")
        ports = "sport=%d dport=%d" % (flow.sock.getsockname()[1], port)
        wait_for(lambda address=address, ports=ports: ports not in lab.gw.run(
            "conntrack", "-L", *(["-f", "ipv6"] if ":" in address else []), check=False).stdout,
            2, "the flow being forgotten")
        deadline = time.monotonic() + 1.5  # retransmissions come after 0.2, 0.4, 0.8 s
        while time.monotonic() < deadline:
            assert not flow.works(0.1)
        flow.close()


@pytest.mark.parametrize("keeps", ["yes", "no"])
def test_after_a_stop_it_stays_as_the_mappings_do(lab, daemon, own, servers, keeps):
    own("firewall = own\nkeep_mappings_on_exit = %s\n" % keeps)
    assert is_closed(lab)
    assert daemon.stop() == 0
    try:
        assert is_closed(lab) if keeps == "yes" else is_open(lab)
    finally:
        daemon.start()


def test_without_it_the_gateway_filters_nothing_but_its_own_ports(lab, daemon, own, servers):
    own("firewall = off\n")
    assert is_open(lab)
    assert pings(lab.wan, WAN_GW)
    wait_ask("TCP", lab.wan, HOST_A, 7000, "a")
