# SPDX-License-Identifier: GPL-2.0-or-later
"""
WANIPv6FirewallControl:1 with real IPv6 packets: what comes from the WAN uninvited is dropped, what
a host has opened for itself passes, and ends when it was to end.

Clients call over IPv4; which IPv6 addresses are theirs the gateway knows from its neighbours.
"""
import contextlib
import os
import socket
import time

import pytest

from igd import FIREWALL, Firewall, Subscriber, fault
from lab import (HOST6_A, HOST6_B, HOST6_C, HOST_A, LAN0_GW6, Output, PATIENCE, STAGE, WAN6_GW,
                 WAN6_HOST, wait_for)
from traffic import TcpEcho, TcpFlow, UdpEcho, ask, tcp_ask, wait_ask, wait_silent

FILTER_ON = ["-o", "firewall=own"]
OPTIONS = FILTER_ON

HOST6_A2 = "2001:db8:1::1:10"  # another of host a's, as privacy extensions make them
TCP, UDP, ANY = 6, 17, 65535
NUMBER = {"TCP": TCP, "UDP": UDP}
EXPERIMENTAL = 253  # RFC 3692: a protocol without ports
SILENT_S = 0.3      # that long nothing may come through


@pytest.fixture(scope="module")
def lab(lab):
    lab.add_ipv6()
    lab.a.ip("addr add %s/64 dev eth0 preferred_lft 0" % HOST6_A2)  # no source by itself
    return lab


@pytest.fixture(scope="module")
def _seen(lab, gateway):
    return {ns.label: Firewall.discover(ns) for ns in (lab.a, lab.b, lab.c)}


@pytest.fixture
def a(_seen, gateway):
    for pinhole in gateway.pinholes():
        gateway.cli("delete", "p%d" % pinhole["id"])
    return _seen["a"]


@pytest.fixture
def b(_seen):
    return _seen["b"]


@pytest.fixture(scope="module", autouse=True)
def servers(lab):
    """Hosts a and b answer on ports 7000 and 7001 of every address of theirs."""
    with contextlib.ExitStack() as stack:
        for ns in (lab.a, lab.b, lab.c):
            for port in (7000, 7001):
                for kind in (TcpEcho, UdpEcho):
                    stack.callback(kind(ns, port, "::").close)
        yield


def blocked(protocol, ns, address, port, **kwargs):
    return ask(protocol, ns, address, port, timeout=SILENT_S, **kwargs) is None


# ---- what passes without a pinhole ----

@pytest.mark.parametrize("protocol", ["TCP", "UDP"])
def test_from_the_wan_nothing_comes_in_uninvited(lab, a, protocol):
    for address in (HOST6_A, HOST6_A2, HOST6_B, HOST6_C):
        assert blocked(protocol, lab.wan, address, 7000), address
    # and they are there: their neighbours reach them
    assert ask(protocol, lab.c, HOST6_A, 7000) and ask(protocol, lab.a, HOST6_C, 7000)


@pytest.mark.parametrize("protocol,kind", [("TCP", TcpEcho), ("UDP", UdpEcho)])
def test_answers_to_what_began_inside_come_in(lab, a, keep, protocol, kind):
    keep(kind(lab.wan, 9000, "::"))
    got = wait_for(lambda: ask(protocol, lab.a, WAN6_HOST, 9000, sport=5557), 2, "an answer")
    assert got == ["wan", HOST6_A, "5557"]  # not translated


def raw_icmp(ns):
    sock = ns.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    sock.settimeout(SILENT_S * PATIENCE)
    return sock


def icmp_types(sock, seconds=SILENT_S):
    """Types of the ICMPv6 messages that come within that time, without those of the own link."""
    found, deadline = set(), time.monotonic() + seconds * PATIENCE
    while time.monotonic() < deadline:
        with contextlib.suppress(TimeoutError):
            found.add(sock.recv(2048)[0])
    return found - {130, 131, 132, 133, 134, 135, 136, 143}


def test_echo_is_answered(lab, a):
    """RFC 4890 4.3.1."""
    with raw_icmp(lab.wan) as sock:
        sock.sendto(b"\x80\0\0\0\x12\x34\0\1", (HOST6_A, 0))
        assert 129 in icmp_types(sock)


def test_other_icmp_does_not_come_in(lab, a):
    with raw_icmp(lab.a) as inside, raw_icmp(lab.wan) as outside:
        outside.sendto(b"\x8b\0\0\0" + b"\0" * 12, (HOST6_A, 0))  # node information query
        assert 139 not in icmp_types(inside)


def test_errors_about_what_was_sent_come_in(lab, a):
    """Nobody listens there: the sender is told, and need not wait."""
    sock = lab.a.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    with sock:
        sock.settimeout(2 * PATIENCE)
        sock.connect((WAN6_HOST, 9))
        sock.send(b"x")
        with pytest.raises(ConnectionRefusedError):
            sock.recv(16)


# ---- a pinhole ----

@pytest.mark.parametrize("protocol", ["TCP", "UDP"])
def test_a_pinhole_lets_in_what_it_is_for_and_nothing_else(lab, a, protocol):
    other = "UDP" if protocol == "TCP" else "TCP"
    a.open(HOST6_A, 7000, NUMBER[protocol])
    for outside in (lab.wan, lab.wan2):
        wait_ask(protocol, outside, HOST6_A, 7000, "a")
    assert blocked(protocol, lab.wan, HOST6_A, 7001)
    assert blocked(other, lab.wan, HOST6_A, 7000)
    assert blocked(protocol, lab.wan, HOST6_A2, 7000)
    assert blocked(protocol, lab.wan, HOST6_B, 7000)


@pytest.mark.parametrize("remote", ["", "::", "::/0", "0:0:0:0:0:0:0:0"])
def test_any_remote_host_however_that_is_written(lab, a, remote):
    a.open(HOST6_A, 7000, remote=remote)
    wait_ask("TCP", lab.wan, HOST6_A, 7000, "a")
    wait_ask("TCP", lab.wan2, HOST6_A, 7000, "a")


def test_the_ways_to_write_any_are_one_pinhole(a):
    numbers = {a.open(HOST6_A, 7000, remote=remote) for remote in ("", "::", "::/0")}
    assert len(numbers) == 1


@pytest.mark.parametrize("protocol", ["TCP", "UDP"])
def test_one_remote_host_only(lab, a, protocol):
    a.open(HOST6_A, 7000, NUMBER[protocol], remote=WAN6_HOST)
    wait_ask(protocol, lab.wan, HOST6_A, 7000, "a")
    assert blocked(protocol, lab.wan2, HOST6_A, 7000)


@pytest.mark.parametrize("remote", ["", WAN6_HOST])
def test_one_remote_port_only(lab, a, remote):
    a.open(HOST6_A, 7000, UDP, remote=remote, remote_port=4444)
    wait_ask("UDP", lab.wan, HOST6_A, 7000, "a", sport=4444)
    assert blocked("UDP", lab.wan, HOST6_A, 7000, sport=4445)


@pytest.mark.parametrize("remote", ["", WAN6_HOST])
def test_any_port_of_the_host_but_the_low_ones(lab, a, keep, remote):
    keep(TcpEcho(lab.a, 80, "::"))
    a.open(HOST6_A, 0, TCP, remote=remote)
    for port in (7000, 7001):
        wait_ask("TCP", lab.wan, HOST6_A, port, "a")
    assert blocked("TCP", lab.wan, HOST6_A, 80)
    assert blocked("UDP", lab.wan, HOST6_A, 7000)
    assert blocked("TCP", lab.wan, HOST6_A2, 7000)
    assert blocked("TCP", lab.wan2, HOST6_A, 7000) == bool(remote)


@pytest.mark.parametrize("remote", ["", WAN6_HOST])
def test_any_protocol_of_the_host_but_no_low_port(lab, a, keep, remote):
    keep(TcpEcho(lab.a, 80, "::"))
    a.open(HOST6_A, 0, ANY, remote=remote)
    for protocol in ("TCP", "UDP"):
        wait_ask(protocol, lab.wan, HOST6_A, 7000, "a")
    assert blocked("TCP", lab.wan, HOST6_A, 80)
    assert blocked("TCP", lab.wan, HOST6_B, 7000)
    assert blocked("TCP", lab.wan2, HOST6_A, 7000) == bool(remote)


def test_a_protocol_without_ports(lab, a):
    def arrives(text):
        with lab.wan.socket(socket.AF_INET6, socket.SOCK_RAW, EXPERIMENTAL) as out:
            out.sendto(text, (HOST6_A, 0))
        with contextlib.suppress(TimeoutError):
            return inside.recv(2048) == text
        return False
    with lab.a.socket(socket.AF_INET6, socket.SOCK_RAW, EXPERIMENTAL) as inside:
        inside.settimeout(SILENT_S * PATIENCE)
        assert not arrives(b"one")
        number = a.open(HOST6_A, 0, EXPERIMENTAL)
        wait_for(lambda: arrives(b"two"), 2, "a packet of protocol 253")
        assert a.packets(number) >= 1
        a.shut(number)
        wait_for(lambda: not arrives(b"three"), 2, "an end of that")


# ---- whose it may be ----

def test_every_address_of_the_host_may_be_opened_by_it(lab, a):
    for address in (HOST6_A, HOST6_A2):
        a.open(address, 7000)
        wait_ask("TCP", lab.wan, address, 7000, "a")


def test_an_address_that_the_gateway_has_not_met_yet(lab, a):
    """It asks the link whose that is, and the client asks again, or waits."""
    fresh = "2001:db8:1::2:10"
    lab.a.ip("addr add %s/64 dev eth0 preferred_lft 0" % fresh)
    try:
        assert fresh not in lab.gw.run("ip", "-6", "neigh").stdout
        a.open_soon(fresh, 7000)
        wait_ask("TCP", lab.wan, fresh, 7000, "a")
    finally:
        lab.a.ip("addr del %s/64 dev eth0" % fresh)


@pytest.mark.parametrize("client", [
    HOST6_B, HOST6_C, LAN0_GW6, WAN6_GW, WAN6_HOST, "2001:db8:1::dead", "fe80::1", "ff02::1",
    "fd00::1", "::1", "::ffff:192.168.1.10"])
def test_what_is_not_ones_own_cannot_be_opened(lab, a, client):
    assert fault(a.open, client, 7000) == 606
    assert blocked("TCP", lab.wan, HOST6_B, 7000)


def test_low_ports_cannot_be_opened(a):
    assert fault(a.open, HOST6_A, 1023) == 606
    assert fault(a.open, HOST6_A, 80, UDP) == 606
    assert a.open(HOST6_A, 1024)


def test_anothers_pinhole_cannot_be_touched(lab, gateway, a, b):
    number = a.open(HOST6_A, 7000)
    wait_ask("TCP", lab.wan, HOST6_A, 7000, "a")
    for action in (lambda: b.update(number, 60), lambda: b.shut(number),
                   lambda: b.packets(number), lambda: b.works(number)):
        assert fault(action) == 606
    left, = gateway.pinholes()
    assert left["lease_remaining_s"] > 500
    assert tcp_ask(lab.wan, HOST6_A, 7000)


def test_a_host_of_another_lan_cannot_either(_seen, a):
    number = a.open(HOST6_A, 7000)
    c = _seen["c"]
    assert fault(c.open, HOST6_A, 7000) == 606
    assert fault(c.shut, number) == 606
    assert c.open(HOST6_C, 7000) != number


# ---- the numbers ----

def test_the_same_again_is_the_same_pinhole_renewed(lab, gateway, a):
    number = a.open(HOST6_A, 7000, lease=60)
    wait_ask("TCP", lab.wan, HOST6_A, 7000, "a")
    before = a.packets(number)
    assert a.open(HOST6_A, 7000, lease=600) == number
    left, = gateway.pinholes()
    assert left["id"] == number and left["lease_remaining_s"] > 500
    assert a.packets(number) >= before


def test_each_other_key_is_another_pinhole(a):
    numbers = [a.open(HOST6_A, 7000), a.open(HOST6_A, 7001), a.open(HOST6_A, 7000, UDP),
               a.open(HOST6_A2, 7000), a.open(HOST6_A, 7000, remote=WAN6_HOST),
               a.open(HOST6_A, 7000, remote_port=5000)]
    assert len(set(numbers)) == len(numbers)


def test_a_number_is_not_given_again(a):
    numbers = []
    for _ in range(5):
        numbers.append(a.open(HOST6_A, 7000))
        a.shut(numbers[-1])
    assert len(set(numbers)) == 5


def test_leases_from_a_second_to_a_day(gateway, a):
    for lease in (0, 86401, 2 ** 32 - 1):
        assert fault(a.open, HOST6_A, 7000, lease=lease) == 601  # by the document
    number = a.open(HOST6_A, 7000, lease=86400)
    assert 86390 < gateway.pinholes()[0]["lease_remaining_s"] <= 86400
    for lease in (0, 86401):
        assert fault(a.update, number, lease) == 601
    a.update(number, 1)
    wait_for(lambda: not gateway.pinholes(), 3, "its end")
    assert fault(a.update, number, 60) == 704


def test_an_update_makes_it_longer_and_shorter(lab, gateway, a):
    number = a.open(HOST6_A, 7000, lease=2)
    a.update(number, 600)
    assert gateway.pinholes()[0]["lease_remaining_s"] > 590
    time.sleep(2.2)  # the first lease would be over
    assert tcp_ask(lab.wan, HOST6_A, 7000)
    a.update(number, 1)
    wait_silent("TCP", lab.wan, HOST6_A, 7000, seconds=3)


def test_what_is_no_pinhole_at_all(a):
    assert fault(a.open, "", 7000) == 708
    assert fault(a.open, "::", 7000) == 708
    assert fault(a.open, HOST6_A, 7000, ANY) == 707
    assert fault(a.open, HOST6_A, 0, ANY, remote_port=5) == 707
    for extension in (0, 43, 44, 59, 60):
        assert fault(a.open, HOST6_A, 7000, extension) == 705, extension
    assert fault(a.open, HOST6_A, 7000, 300) == 705
    for text in ("203.0.113.2", "host.example", "2001:db8::/32", "2001:db8::2%eth0", "x" * 500):
        assert fault(a.open, HOST6_A, 7000, remote=text) == 402, text
        assert fault(a.open, text, 7000) == 402, text
    for action in (lambda: a.update(65535, 60), lambda: a.shut(65535), lambda: a.packets(65535),
                   lambda: a.works(65535)):
        assert fault(action) == 704
    assert fault(a.call, "AddPinhole", RemoteHost="") == 402
    assert fault(a.open, HOST6_A, 65536) in (402, 601)
    assert fault(a.open, HOST6_A, 7000, 65536) in (402, 601)


# ---- its end ----

def tracked(lab, port=7000):
    """Does the gateway know of a flow to that port?"""
    return " sport=5000 dport=%d " % port in lab.gw.run("conntrack", "-L", "-f", "ipv6").stdout


@pytest.mark.parametrize("how", ["deleted", "expired", "deleted by the administrator"])
def test_with_its_end_the_datagrams_end(lab, gateway, a, how):
    number = a.open(HOST6_A, 7000, UDP, lease=2 if how == "expired" else 600)
    wait_ask("UDP", lab.wan, HOST6_A, 7000, "a", sport=5000)
    assert tracked(lab)
    if how == "deleted":
        a.shut(number)
    elif how == "deleted by the administrator":
        gateway.cli("delete", "p%d" % number)
    wait_for(lambda: not tracked(lab), 4, "the end of the flow")
    assert blocked("UDP", lab.wan, HOST6_A, 7000, sport=5000)
    assert fault(a.shut, number) == 704


@pytest.mark.parametrize("how", ["deleted", "expired", "deleted by the administrator"])
def test_with_its_end_the_connections_end(lab, gateway, a, keep, how):
    """Though the host inside would go on: it answers each line."""
    number = a.open(HOST6_A, 7000, lease=2 if how == "expired" else 600)
    flow = keep(TcpFlow(lab.wan, HOST6_A, 7000))
    assert flow.works() and flow.works()
    if how == "deleted":
        a.shut(number)
    elif how == "deleted by the administrator":
        gateway.cli("delete", "p%d" % number)
    wait_for(lambda: not flow.works(), 4, "the end of the flow")
    assert not flow.works()
    assert fault(a.shut, number) == 704


def test_the_end_of_one_leaves_the_flows_of_others(lab, a, keep):
    mine, _ = a.open(HOST6_A, 7000), a.open(HOST6_A, 7001)
    one, two = (keep(TcpFlow(lab.wan, HOST6_A, port)) for port in (7000, 7001))
    keep(TcpEcho(lab.wan, 9000, "::"))
    outward = keep(TcpFlow(lab.a, WAN6_HOST, 9000))
    a.shut(mine)
    wait_for(lambda: not one.works(), 3, "the end of the flow")
    assert two.works() and outward.works()


# ---- what went through ----

def test_packets_are_counted_one_by_one(lab, a):
    number = a.open(HOST6_A, 7000, UDP)
    assert a.packets(number) == 0
    with lab.wan.socket(socket.AF_INET6, socket.SOCK_DGRAM) as out:
        for _ in range(7):
            out.sendto(b"x", (HOST6_A, 7000))
        wait_for(lambda: a.packets(number) == 7, 2, "a count of 7")
        out.sendto(b"x", (HOST6_A, 7000))
        wait_for(lambda: a.packets(number) == 8, 2, "a count of 8")


def test_the_count_survives_renewal_and_update(lab, a):
    number = a.open(HOST6_A, 7000, UDP)
    with lab.wan.socket(socket.AF_INET6, socket.SOCK_DGRAM) as out:
        out.sendto(b"x", (HOST6_A, 7000))
        wait_for(lambda: a.packets(number) == 1, 2, "a count of 1")
        a.update(number, 700)
        a.open(HOST6_A, 7000, UDP, lease=500)
        out.sendto(b"x", (HOST6_A, 7000))
        wait_for(lambda: a.packets(number) == 2, 2, "a count of 2")


def test_whether_it_works_is_known_when_a_packet_came(lab, a):
    number = a.open(HOST6_A, 7000)
    assert fault(a.works, number) == 709
    assert ask("TCP", lab.c, HOST6_A, 7000)  # of the next LAN: not through the pinhole
    assert fault(a.works, number) == 709
    wait_ask("TCP", lab.wan, HOST6_A, 7000, "a")
    assert a.works(number) == {"IsWorking": "1"}


@pytest.mark.parametrize("protocol,key", [
    (TCP, "tcp_timeout_established"), (UDP, "udp_timeout_stream"), (58, "icmpv6_timeout"),
    (EXPERIMENTAL, "generic_timeout")])
def test_the_outbound_timeout_is_that_of_connection_tracking(lab, a, protocol, key):
    path = "net.netfilter.nf_conntrack_" + key
    before = lab.gw.run("cat", "/proc/sys/" + path.replace(".", "/")).stdout.strip()
    assert a.outbound(protocol) == a.outbound(protocol, HOST6_A, WAN6_HOST) == int(before)
    lab.gw.sysctl(path, 777)
    try:
        assert a.outbound(protocol) == 777
    finally:
        lab.gw.sysctl(path, before)


def test_the_outbound_timeout_of_what_there_is_not(a):
    assert fault(a.outbound, ANY) == 707
    assert fault(a.outbound, 44) == 705
    assert fault(a.outbound, TCP, HOST6_B) == 606


# ---- the administrator's view ----

def test_it_shows_in_the_list_and_by_itself(lab, gateway, a):
    number = a.open(HOST6_A, 7000, lease=600, remote=WAN6_HOST, remote_port=5000)
    listed, = gateway.pinholes()
    assert 595 <= listed.pop("lease_remaining_s") <= 600
    assert listed.pop("created")
    assert listed == {"id": number, "protocol": "TCP", "remote_host": WAN6_HOST,
                      "remote_port": 5000, "internal_client": HOST6_A, "internal_port": 7000,
                      "origin": "upnp", "client": HOST_A, "last_used": None, "packets": 0}
    for text in (gateway.cli("list").stdout, gateway.cli("show", "p%d" % number).stdout):
        assert HOST6_A in text and "7000" in text and WAN6_HOST in text
    wait_ask("TCP", lab.wan, HOST6_A, 7000, "a", sport=5000)
    shown = gateway.cli_json("show", "p%d" % number)
    assert shown["packets"] > 0 and shown["last_used"]


def test_what_happens_is_watched_and_logged(lab, gateway, a, b, keep):
    watch = keep(Output(lab.gw, os.path.join(STAGE, "bin", "portreeve"), "watch", "--json",
                        "--run-dir", gateway.run_dir))

    def heard():
        a.shut(a.open(HOST6_A, 7001))
        return '"deleted"' in watch.text
    wait_for(heard, 3, "the watcher hearing of a pinhole", every=0.05)
    since, seen = gateway.log_size(), len(watch.text)
    number = a.open(HOST6_A, 7000, lease=1)
    watch.wait('"added"', '"pinhole"', '"expired"', seconds=4, since=seen)
    gateway.wait_log(r"pinhole %d: TCP from any to %s port 7000 granted for %s, 1 s" % (
        number, HOST6_A, HOST_A), since=since)
    gateway.wait_log(r"pinhole %d: .* expired" % number, since=since)
    assert fault(b.open, HOST6_A, 7000) == 606
    gateway.wait_log(r"refused to .*another host", since=since)


def test_the_trail_knows_who_had_what(gateway, a, b):
    number = a.open(HOST6_A, 7000, lease=600)
    assert fault(b.shut, number) == 606
    a.update(number, 500)
    a.shut(number)
    rows = gateway.cli_json("audit", "trail")["trail"]
    mine = [r for r in rows if r.get("pinhole") == number]
    assert {r["action"] for r in mine} >= {"pinhole-add", "pinhole-update", "pinhole-delete"}
    assert [r for r in mine if r["result"] != "ok"]
    assert all(r["client"] == HOST_A for r in mine if r["result"] == "ok")


def test_the_status_of_the_firewall_is_told_and_evented(lab, a, keep):
    assert a.call("GetFirewallStatus") == {"FirewallEnabled": "1", "InboundPinholeAllowed": "1"}
    told = keep(Subscriber(lab.a, HOST_A, a.services[FIREWALL]["eventSubURL"]))
    wait_for(lambda: told.events, 2, "the initial event")
    assert told.events[0][1:3] == (0, {"FirewallEnabled": "1", "InboundPinholeAllowed": "1"})


# ---- the same life as mappings ----

def passes(lab):
    wait_ask("TCP", lab.wan, HOST6_A, 7000, "a", seconds=3)
    return True


@pytest.mark.parametrize("what", [
    "delete element inet portreeve ph6 { %s . tcp . 7000 }" % HOST6_A,
    "flush set inet portreeve ph6", "flush chain inet portreeve pinholes",
    "flush ruleset", "delete table inet portreeve"])
def test_what_others_remove_is_restored(lab, gateway, a, what):
    """Or cannot be removed at all, where the kernel lets us own the table."""
    number = a.open(HOST6_A, 7000)
    passes(lab)
    lab.gw.nft(what, check=False)
    wait_ask("TCP", lab.wan, HOST6_A, 7000, "a", seconds=2)
    wait_for(lambda: blocked("TCP", lab.wan, HOST6_B, 7000), 2, "the filter")
    assert gateway.pinholes()[0]["id"] == number
