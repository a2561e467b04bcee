# SPDX-License-Identifier: GPL-2.0-or-later
"""IPv6 pinholes through restarts and crashes, and under other settings; each with its own daemon."""
import os
import re
import signal
import socket
import sqlite3
import time

import pytest

from igd import FIREWALL, Firewall, Subscriber, fault
from lab import HOST6_A, HOST6_B, HOST_A, PATIENCE, WAN6_HOST, wait_for
from traffic import TcpEcho, TcpFlow, UdpEcho, ask, tcp_ask, wait_ask, wait_silent

FILTER_ON = ["-o", "firewall=own"]
SILENT_S = 0.3


@pytest.fixture(scope="module")
def lab(lab):
    lab.add_ipv6()
    return lab


@pytest.fixture
def run(lab, keep):
    """run(options) starts a daemon; the hosts a and b answer on port 7000."""
    started = []
    for ns in (lab.a, lab.b):
        for kind in (TcpEcho, UdpEcho):
            keep(kind(ns, 7000, "::"))

    def start(*options):
        args = [word for option in options for word in ("-o", option)]
        started.append(lab.start("-o", "share=yes", *FILTER_ON, *args))
        return started[-1], Firewall.discover(lab.a)
    yield start
    for daemon in started:
        assert daemon.stop() == 0
    lab.gw.run("nft", "delete table inet portreeve", check=False)


def blocked(ns, address, port=7000):
    return tcp_ask(ns, address, port, timeout=SILENT_S) is None


# ---- restarts ----

@pytest.mark.parametrize("how", ["restart", "reboot", "killed"])
def test_pinholes_come_back_with_number_lease_and_count(lab, run, how):
    daemon, a = run()
    number = a.open(HOST6_A, 7000, lease=600)
    short = a.open(HOST6_A, 7001, lease=2)
    wait_ask("TCP", lab.wan, HOST6_A, 7000, "a")
    assert a.packets(number) > 0
    if how == "killed":
        daemon.kill_all()
    else:
        assert daemon.stop() == 0
    if how == "reboot":
        lab.gw.run("nft", "delete table inet portreeve")
    else:
        assert tcp_ask(lab.wan, HOST6_A, 7000)  # also while nobody is there
        assert blocked(lab.wan, HOST6_B)
    time.sleep(2)  # the short one's time goes on
    daemon.start()
    wait_ask("TCP", lab.wan, HOST6_A, 7000, "a")
    assert blocked(lab.wan, HOST6_B)
    left, = wait_for(lambda: [p for p in daemon.pinholes() if p["id"] != short] or None, 2, "it")
    assert left["id"] == number and 500 < left["lease_remaining_s"] < 599 and left["packets"] > 0
    wait_for(lambda: len(daemon.pinholes()) == 1, 2, "the end of the short one")
    a = Firewall.discover(lab.a)
    assert a.packets(number) > 0 and a.works(number) == {"IsWorking": "1"}
    assert a.open(HOST6_A, 7000) == number
    assert a.open(HOST6_A, 7002) not in (number, short)


@pytest.mark.parametrize("how", ["restart", "killed"])
def test_numbers_are_not_given_again_after_a_restart(lab, run, how):
    daemon, a = run()
    numbers = []
    for _ in range(3):
        numbers.append(a.open(HOST6_A, 7000))
        a.shut(numbers[-1])
        if how == "killed":
            daemon.kill_all()
            daemon.start()
        else:
            daemon.restart()
        a = Firewall.discover(lab.a)
    numbers.append(a.open(HOST6_A, 7000))
    assert len(set(numbers)) == 4
    for old in numbers[:3]:
        assert fault(a.shut, old) == 704


def test_a_crash_of_the_core_is_not_noticed_by_the_flows(lab, run, keep):
    daemon, a = run()
    number = a.open(HOST6_A, 7000)
    flow = keep(TcpFlow(lab.wan, HOST6_A, 7000))
    core = daemon.core_pid()
    os.kill(core, signal.SIGKILL)
    assert flow.works(1) and blocked(lab.wan, HOST6_B)
    wait_for(lambda: daemon.processes().get("portreeve-core", [core]) != [core], 2, "a new core")
    wait_for(lambda: fault(a.update, number, 500) == 0, 3, "answers again")
    assert flow.works(1)


def test_a_pinhole_ends_though_nobody_of_us_lives(lab, run):
    """The kernel's own clock ends it, a grace of a minute later."""
    daemon, a = run()
    a.open(HOST6_A, 7000, lease=60)
    daemon.kill_all()
    text = lab.gw.nft("-j", "list set inet portreeve ph6")
    assert re.search(r'"timeout": 1(19|20)\b', text), text
    daemon.start()


# ---- other settings ----

def test_where_the_firewall_is_off_all_passes_and_pinholes_are_refused(lab, run):
    _, a = run("firewall=off")
    assert tcp_ask(lab.wan, HOST6_A, 7000) and tcp_ask(lab.wan, HOST6_B, 7000)
    assert a.call("GetFirewallStatus") == {"FirewallEnabled": "0", "InboundPinholeAllowed": "1"}
    for action in (lambda: a.open(HOST6_A, 7000), lambda: a.update(1, 60), lambda: a.shut(1),
                   lambda: a.packets(1), lambda: a.works(1), lambda: a.outbound(6)):
        assert fault(action) == 702


def test_where_pinholes_are_not_allowed_the_firewall_works_without(lab, run, keep):
    _, a = run("allow_pinholes=no")
    assert blocked(lab.wan, HOST6_A)
    assert a.call("GetFirewallStatus") == {"FirewallEnabled": "1", "InboundPinholeAllowed": "0"}
    told = keep(Subscriber(lab.a, HOST_A, a.services[FIREWALL]["eventSubURL"]))
    told.wait(FirewallEnabled="1", InboundPinholeAllowed="0")
    for action in (lambda: a.open(HOST6_A, 7000), lambda: a.update(1, 60), lambda: a.shut(1),
                   lambda: a.packets(1), lambda: a.works(1)):
        assert fault(action) == 703
    assert a.outbound(6) > 0


def test_a_host_has_no_more_than_its_share_whatever_addresses_it_takes(lab, run):
    _, a = run("max_mappings_per_client=3", "max_mappings=5")
    second = "2001:db8:1::3:10"
    lab.a.ip("addr add %s/64 dev eth0 preferred_lft 0" % second)
    try:
        numbers = [a.open(HOST6_A, 7000), a.open(HOST6_A, 7001), a.open_soon(second, 7000)]
        assert fault(a.open, HOST6_A, 7002) == 701
        assert fault(a.open, second, 7002) == 701
        assert a.open(HOST6_A, 7000) == numbers[0]  # a renewal is not one more
        b = Firewall.discover(lab.b)
        b.open(HOST6_B, 7000)
        b.open(HOST6_B, 7001)
        assert fault(b.open, HOST6_B, 7002) == 701
        a.shut(numbers[2])
        assert b.open(HOST6_B, 7002)
    finally:
        lab.a.ip("addr del %s/64 dev eth0" % second)


def test_without_secure_any_host_opens_for_any_other_of_its_lan(lab, run):
    _, a = run("secure=no")
    number = a.open(HOST6_B, 7000)
    wait_ask("TCP", lab.wan, HOST6_B, 7000, "b")
    Firewall.discover(lab.b).shut(number)
    wait_silent("TCP", lab.wan, HOST6_B, 7000)
    assert fault(a.open, WAN6_HOST, 7000) == 606


def test_the_least_port_is_the_configured_one(lab, run):
    _, a = run("min_port=7000")
    assert fault(a.open, HOST6_A, 6999) == 606
    a.open(HOST6_A, 0)
    wait_ask("TCP", lab.wan, HOST6_A, 7000, "a")


def test_a_reload_switches_the_filter_on_and_off(lab, run, tmp_path):
    conf = tmp_path / "portreeve.conf"
    conf.write_text("firewall = off\nshare = yes\n")
    os.chmod(tmp_path, 0o755)
    daemon = lab.start("--config", str(conf))
    try:
        a = Firewall.discover(lab.a)
        assert fault(a.open, HOST6_A, 7000) == 702
        conf.write_text("firewall = own\nshare = yes\n")
        daemon.cli("reload")
        wait_for(lambda: fault(a.open, HOST6_A, 7000) == 0, 3, "the filter")
        assert a.call("GetFirewallStatus")["FirewallEnabled"] == "1"
        conf.write_text("firewall = off\nshare = yes\n")
        daemon.cli("reload")
        wait_for(lambda: a.call("GetFirewallStatus")["FirewallEnabled"] == "0", 3, "it off")
        assert ask("TCP", lab.wan, HOST6_B, 7000, timeout=PATIENCE)
    finally:
        assert daemon.stop() == 0


# ---- what is told of one ----

def udp_to(ns, keep, port=7000):
    sock = keep(ns.socket(socket.AF_INET6, socket.SOCK_DGRAM))
    sock.settimeout(5)
    sock.connect((HOST6_A, port))
    sock.send(b"x")
    assert sock.recv(100)
    return sock.getsockname()


def test_show_tells_the_flows_and_the_past_of_a_pinhole(lab, run, keep):
    lab.gw.run("conntrack", "-F")  # those of the tests before
    daemon, a = run()
    number = a.open(HOST6_A, 7000, 17, lease=600)
    other = a.open(HOST6_A, 7000, 6, lease=600)
    assert daemon.cli_json("show", "p%d" % number)["flows"] == []
    address, port = udp_to(lab.wan, keep)[:2]
    tcp = keep(TcpFlow(lab.wan, HOST6_A, 7000))
    assert tcp.works()
    a.update(number, 700)
    shown = daemon.cli_json("show", "p%d" % number)
    assert [(f["peer"], f["peer_port"], f["answered"]) for f in shown["flows"]] == [
        (address, port, True)]
    assert shown["packets"] == 1 and shown["flows"][0]["packets_in"] is None
    wait_for(lambda: [row["action"] for row in daemon.cli_json("show", "p%d" % number)["trail"]] == [
        "pinhole-add", "pinhole-update"], 3, "its rows of the trail")
    text = daemon.cli("show", "p%d" % number).stdout
    assert "[%s]:%d, both ways, forgotten after" % (address, port) in text
    assert "pinhole-update" in text
    flow, = daemon.cli_json("show", "p%d" % other)["flows"]
    assert flow["peer"] == address and flow["peer_port"] == tcp.sock.getsockname()[1]


def test_show_finds_the_flows_of_a_pinhole_for_one_remote_host_and_any_port(lab, run, keep):
    daemon, a = run()
    number = a.open(HOST6_A, 0, 17, lease=600, remote=WAN6_HOST)
    port = udp_to(lab.wan, keep)[1]
    lab.gw.sysctl("net.netfilter.nf_conntrack_acct", 1)
    try:
        counted = udp_to(lab.wan, keep)[1]
        flows = daemon.cli_json("show", "p%d" % number)["flows"]
    finally:
        lab.gw.sysctl("net.netfilter.nf_conntrack_acct", 0)
    packets = {f["peer_port"]: f["packets_in"] for f in flows}
    assert packets[port] is None and packets[counted] == 1


def test_a_pinhole_has_not_the_past_of_another_with_its_number(lab, run):
    daemon, a = run()
    number = a.open(HOST6_A, 7000, 17, lease=600)
    wait_for(lambda: daemon.cli_json("show", "p%d" % number)["trail"], 3, "its row")
    rows = daemon.control("trail", pinhole=number)["trail"]
    assert [row["action"] for row in rows] == ["pinhole-add"]
    # What an earlier one with this number had would be older than it.
    path = os.path.join(daemon.state_dir, "audit.db")
    with sqlite3.connect(path) as db:
        db.execute("INSERT INTO trail (time_s, last_s, count, outcome, origin, action, result, "
                   "pinhole) VALUES (1, 1, 1, 'expired', 'expiry', 'pinhole-add', 'ok', ?)", (number,))
    assert any(row["pinhole"] == number and row["time"].startswith("1970")
               for row in daemon.cli_json("audit", "trail")["trail"])
    assert [row["id"] for row in daemon.cli_json("show", "p%d" % number)["trail"]] == [
        row["id"] for row in rows]
