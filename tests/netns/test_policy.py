# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules of the configuration, as real clients meet them: who may open what, for how long, and why."""
import os
import re

import pytest

from igd import Firewall, Igd, fault
from lab import HOST6_A, HOST6_B, HOST_A, HOST_B, STAGE, WAN_GW, WAN_HOST
from traffic import TcpEcho, tcp_ask

PROGRAM = os.path.join(STAGE, "sbin", "portreeved")


def mac_of(ns):
    return re.search(r"link/ether (\S+)", ns.run("ip", "link", "show", "eth0").stdout)[1]


@pytest.fixture(scope="module")
def lab(lab):
    lab.add_ipv6()
    return lab


@pytest.fixture
def conf(lab):
    return lambda text: lab.write_conf("share = yes\n" + text)


@pytest.fixture
def run(lab, conf):
    """run(text of the file) starts a daemon and returns it and the gateway as a and b see it."""
    started = []

    def start(text, *options):
        started.append(lab.start("-c", conf(text), *options))
        igd = Igd.discover(lab.a)
        return started[-1], igd, igd.seen_from(lab.b)
    yield start
    for daemon in started:
        assert daemon.stop() == 0


def test_a_rule_denies_one_client_and_log_and_watch_name_it(run):
    daemon, a, b = run('\nrule "printer" {\n\taction = deny\n\tclient = {"%s"}\n'
                       '\treason = "printers need no port"\n}\n' % HOST_A)
    assert fault(a.add, "TCP", 5000, HOST_A) == 606
    daemon.wait_log(r"TCP 5000 .*refused to %s.*printers need no port "
                    r'\(rule "printer", .*/portreeve.conf:3\)' % re.escape(HOST_A))
    assert fault(b.add, "TCP", 5000, HOST_B) == 0


def test_a_rule_finds_its_client_by_the_mac_address(run, lab):
    daemon, a, b = run('rule "by mac" {\n action = deny\n client = {"%s"}\n}\n' % mac_of(lab.a))
    assert fault(a.add, "TCP", 5000, HOST_A) == 606
    assert fault(b.add, "TCP", 5000, HOST_B) == 0
    # another address does not help
    lab.a.ip("addr add 192.168.1.77/24 dev eth0")
    try:
        assert fault(a.add, "TCP", 5001, HOST_A) == 606
    finally:
        lab.a.ip("addr del 192.168.1.77/24 dev eth0")


def test_rules_decide_by_lan_and_the_first_one_wins(run, lab):
    _, a, b = run('rule "one port" {\n action = allow\n lan = {lan0}\n external_port = {5000}\n}\n'
                  'rule "rest" {\n action = deny\n lan = {lan0}\n}\n')
    assert fault(a.add, "TCP", 5000, HOST_A) == 0
    assert fault(b.add, "TCP", 5001, HOST_B) == 606
    c = Igd.discover(lab.c)  # on the other LAN
    assert fault(c.add, "TCP", 5001, "192.168.2.10") == 0


def test_ports_that_must_be_named(run, lab, keep):
    keep(TcpEcho(lab.a, 80))
    _, a, _ = run('rule "web server" {\n action = allow\n client = {%s}\n protocol = tcp\n'
                  ' external_port = {80}\n internal_port = {80}\n}\n' % HOST_A)
    assert fault(a.add, "TCP", 80, HOST_A) == 0
    assert tcp_ask(lab.wan, WAN_GW, 80)[0] == "a"
    for port, inside in ((443, 8443), (81, 8081), (8080, 80), (8022, 22), (8443, 443), (8023, 23),
                         (8445, 445), (3389, 3389)):
        assert fault(a.add, "TCP", port, HOST_A, inside) == 606, port


def test_shares_leases_and_remote_hosts(run, lab):
    _, a, b = run('rule "few" {\n action = allow\n internal_port = {5000-5999}\n'
                  ' max_mappings_per_client = 2\n max_mappings = 3\n max_lease_s = 100\n}\n'
                  'rule "timed" {\n action = allow\n internal_port = {6000-6999}\n'
                  ' permanent = no\n remote_host_required = yes\n}\n')
    assert fault(a.add, "TCP", 5000, HOST_A) == 0
    assert 95 <= int(a.get("TCP", 5000)["NewLeaseDuration"]) <= 100
    assert fault(a.add, "TCP", 5001, HOST_A) == 0
    assert fault(a.add, "TCP", 5002, HOST_A) == 728
    assert fault(a.add, "TCP", 5001, HOST_A) == 0  # a refresh is not one more
    assert fault(b.add, "TCP", 5003, HOST_B) == 0
    assert fault(b.add, "TCP", 5004, HOST_B) == 728
    a.delete("TCP", 5000)
    assert fault(b.add, "TCP", 5004, HOST_B) == 0
    assert fault(a.add, "TCP", 6000, HOST_A, lease=60) == 606  # no remote host
    assert fault(a.add, "TCP", 6000, HOST_A, remote=WAN_HOST) == 606  # permanent
    assert fault(a.add, "TCP", 6000, HOST_A, lease=60, remote=WAN_HOST) == 0


def test_shares_are_known_again_after_a_restart(run, lab):
    daemon, a, _ = run('rule "few" {\n action = allow\n max_mappings_per_client = 2\n}\n')
    assert fault(a.add, "TCP", 5000, HOST_A) == 0
    assert fault(a.add, "TCP", 5001, HOST_A) == 0
    daemon.restart()
    a = Igd.discover(lab.a)
    assert fault(a.add, "TCP", 5002, HOST_A) == 728
    assert fault(a.add, "TCP", 5001, HOST_A) == 0


def test_the_messenger_has_its_ports_and_strict_leaves_nothing_else(run):
    _, a, _ = run("preset = {messenger, strict}\n")
    for protocol, inside in (
            ("TCP", 5060), ("UDP", 5060), ("TCP", 7100), ("UDP", 7103), ("UDP", 5350),
            ("UDP", 5004), ("UDP", 60000), ("TCP", 1503), ("TCP", 6891), ("TCP", 6900),
            ("TCP", 3389)):
        assert fault(a.add, protocol, 40000 + inside % 1000, HOST_A, inside) == 0, inside
    for protocol, inside in (("TCP", 8000), ("TCP", 22), ("UDP", 3074), ("TCP", 6901), ("UDP", 1503)):
        assert fault(a.add, protocol, 42000, HOST_A, inside) == 606, inside


def test_explain_says_the_same_as_the_answer_and_changes_nothing(run):
    daemon, a, _ = run('rule "few" {\n action = allow\n internal_port = {5000-5999}\n'
                       ' max_mappings_per_client = 1\n}\n')
    assert fault(a.add, "TCP", 5000, HOST_A) == 0
    before = daemon.mappings()
    for port, inside in ((5000, 5000), (5001, 5001), (6000, 6000), (80, 8000), (6000, 443)):
        told = daemon.cli_json("explain", HOST_A, "tcp", port, "--to", "%s:%d" % (HOST_A, inside))
        assert [x["version"] for x in told["answers"]] == [1, 2]
        first = told["answers"][0]
        assert daemon.mappings() == before
        assert fault(a.add, "TCP", port, HOST_A, inside) == (first["upnp_code"] or 0), port
        assert first["granted"] == (first["upnp_code"] is None)
        if first["granted"] and port != 5000:
            a.delete("TCP", port)
    told = daemon.cli("explain", HOST_A, "tcp", 5001).stdout
    assert 'Rule "few", %s/portreeve.conf:2' % os.path.dirname(daemon.command()[
        daemon.command().index("-c") + 1]) in told
    assert "728 (NoPortMapsAvailable)" in told


def test_explain_names_the_key_that_decides_and_where_it_stands(run):
    """In the file, on the command line or nowhere; and after a reload as the file is then."""
    daemon, _, _ = run("\nmin_port = 3000\n", "-o", "max_lease_s=60")
    path = daemon.command()[daemon.command().index("-c") + 1]

    def keys(*words):
        answers = daemon.cli_json("explain", HOST_A, "tcp", *words)["answers"]
        return [answer["key"] for answer in answers]
    line = 3
    assert keys(2999) == 2 * [{"name": "min_port", "set": "file", "file": path, "line": line}]
    text = " ".join(daemon.cli("explain", HOST_A, "tcp", 2999).stdout.split())
    assert "Key min_port, %s:%d." % (path, line) in text
    assert keys(5000, "--to", HOST_B) == 2 * [
        {"name": "secure", "set": "default", "file": None, "line": None}]
    assert "Key secure, which is at its default." in daemon.cli(
        "explain", HOST_A, "tcp", 5000, "--to", HOST_B).stdout
    assert keys(5000) == 2 * [
        {"name": "max_lease_s", "set": "command-line", "file": None, "line": None}]
    assert "Key max_lease_s, of the command line." in daemon.cli(
        "explain", HOST_A, "tcp", 5000).stdout
    assert keys(5000, "--lease", 60) == [None, None]
    with open(path, "a", encoding="utf-8") as f:
        f.write("secure = yes\n")
    daemon.cli("reload")
    assert keys(5000, "--to", HOST_B)[0]["line"] == 4


def test_explain_tells_of_the_last_refusal(run):
    daemon, a, _ = run('rule "never" {\n action = deny\n internal_port = {5000}\n'
                       ' reason = "not this one"\n}\n')
    assert "no refusal" in daemon.cli("explain", "--last", HOST_A).stdout
    assert fault(a.add, "TCP", 5000, HOST_A) == 606
    text = daemon.cli("explain", "--last", HOST_A).stdout
    for part in ("add TCP port 5000 was refused", "606", "not this one", 'Rule "never", line 2',
                 "If it were asked for now:", "portreeve.conf:2"):
        assert part in text, text
    told = daemon.cli_json("explain", "--last", HOST_A)
    assert told["last"]["rule"] == "never" and told["last"]["client"] == HOST_A
    assert not told["now"]["answers"][0]["granted"]


def test_rules_hold_for_pinholes(run, lab):
    run('firewall = own\nrule "mail" {\n action = deny\n internal_port = {2525}\n}\n'
        'rule "b" {\n action = deny\n client = {"%s"}\n}\n' % mac_of(lab.b))
    a, b = Firewall.discover(lab.a), Firewall.discover(lab.b)
    assert fault(a.open, HOST6_A, 2525) == 606
    assert fault(a.open, HOST6_A, 3389) == 606
    assert fault(a.open, HOST6_A, 7000) == 0
    assert fault(b.open, HOST6_B, 7000) == 606


def test_a_pinhole_for_all_ports_opens_none_that_must_be_named(run, lab, keep):
    """By packets: what a rule names passes through a pinhole for that port only."""
    for port in (22, 3389, 7000):
        keep(TcpEcho(lab.a, port, "::"))
    run('firewall = own\nrule "shell" {\n action = allow\n internal_port = {22}\n}\n')
    a = Firewall.discover(lab.a)
    everything = a.open(HOST6_A, 0)
    assert tcp_ask(lab.wan, HOST6_A, 7000)[0] == "a"
    for port in (22, 3389):
        assert tcp_ask(lab.wan, HOST6_A, port, timeout=0.3) is None, port
    a.shut(everything)
    a.open(HOST6_A, 22)
    assert tcp_ask(lab.wan, HOST6_A, 22)[0] == "a"


def test_print_config_shows_rules_and_what_presets_stand_for(lab, conf):
    path = conf('rule "x" {\n action = deny\n client = {10.0.0.0/8}\n}\npreset = {p2p, strict}\n')
    done = lab.gw.run(PROGRAM, "-c", path, "--print-config")
    assert 'rule "x" {\n\taction = deny\n\tclient = {"10.0.0.0/8"}\n}' in done.stdout
    assert '#rule "strict/rest" {' in done.stdout
    again = lab.gw.run(PROGRAM, "-c", conf(done.stdout.replace("share = yes", "", 1)),
                       "--print-config")
    assert again.stdout == done.stdout
