# SPDX-License-Identifier: GPL-2.0-or-later
"""Options and the configuration file: checked at once, told by line, read again without harm."""
import os
import signal

import pytest

from igd import Igd, fault
from lab import HOST_A, HOST_B, LAN0_GW, STAGE, WAN_GW, WAN_HOST, wait_for
from traffic import TcpEcho, TcpFlow, tcp_ask

PROGRAM = os.path.join(STAGE, "sbin", "portreeved")


@pytest.fixture
def conf(lab):
    path = os.path.join(lab.tmp, "portreeve.conf")

    def write(text):
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path
    return write


def check(lab, *args):
    return lab.gw.run(PROGRAM, "--check-config", *args, check=False, timeout=5)


def test_a_good_file_passes_the_check(lab, conf):
    done = check(lab, "-c", conf('wan = "wan0"\nlan = {"lan0", "lan1"}\nshare = yes\n'
                                 'secure = no\nmax_lease_s = 3600\n'))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("text,line,words", [
    ("share = yes\nno_such_key = 1\n", 2, ["no_such_key"]),
    ("\n\nmin_port = 0\n", 3, ["min_port", "1", "65535"]),
    ("http_port = 80\n", 1, ["http_port", "1024"]),
    ("share = perhaps\n", 1, ["share"]),
    ('external_address = "203.0.113.300"\n', 1, ["external_address"]),
    ('log_level = "loud"\n', 1, ["log_level", "debug"]),
    ("max_mappings = many\n", 1, ["max_mappings"]),
    ('wan = "a name that no interface can have"\n', 1, ["wan"]),
], ids=range(8))
def test_a_bad_file_is_told_by_line_and_what_is_legal(lab, conf, text, line, words):
    path = conf(text)
    done = check(lab, "-c", path)
    assert done.returncode != 0
    for word in words:
        assert word in done.stdout
    assert "%s:%d" % (path, line) in done.stdout or ":%d:" % line in done.stdout


def test_a_bad_file_does_not_start(lab, conf):
    daemon = lab.daemon("-c", conf("no_such_key = 1\n"))
    daemon.start(wait=False)
    assert daemon.proc.wait(5) != 0
    assert "no_such_key" in daemon.log()
    assert "portreeve" not in lab.gw.nft("list tables")


@pytest.mark.parametrize("text,status", [("secure = no\\n", 0), ("secure = perhaps\\n", 1)])
@pytest.mark.parametrize("how", ["printf '%s' | {0} --check-config -c /dev/stdin",
                                 "{0} --check-config -c <(printf '%s')"])
def test_a_generated_file_can_be_checked_through_a_pipe(lab, how, text, status):
    done = lab.gw.run("bash", "-c", how.format(PROGRAM) % text, check=False, timeout=5)
    assert done.returncode == status, done.stdout
    assert ("secure" in done.stdout) == bool(status)


def test_a_start_that_fails_leaves_no_open_port_behind(lab):
    daemon = lab.daemon()
    daemon.run_dir = os.path.join(daemon.run_dir, "x" * 100)  # too long for a socket's name
    daemon.start(wait=False)
    daemon.wait_log("cannot start: control socket")
    assert "portreeve" not in lab.gw.nft("list tables")


@pytest.mark.parametrize("args", [("-o", "no_such_key=1"), ("-o", "share"), ("-o", "min_port=0"),
                                  ("--log-level", "loud"), ("-c", "/nonexistent"), ("--frob",),
                                  ("extra",), ("-c",)], ids=str)
def test_bad_options_are_refused(lab, args):
    done = check(lab, *args)
    assert done.returncode != 0
    assert done.stdout.strip()


def test_help_and_version(lab):
    text = lab.gw.run(PROGRAM, "--help").stdout
    for option in ("--lan", "--wan", "--run-dir", "--state-dir", "-o", "-c", "--log-level",
                   "--foreground", "--version", "--help", "--check-config"):
        assert option in text, option
    assert all(len(line) <= 100 for line in text.splitlines() if "/" not in line)
    assert lab.gw.run(PROGRAM, "--version").stdout.startswith("portreeved ")


def test_without_options_it_finds_wan_and_lans_and_says_so(lab):
    lab.cable(lab.gw, "other0", "brw")
    lab.gw.ip("addr add 198.51.100.9/24 dev other0", "link set other0 up")
    daemon = lab.daemon(wan=None, lans=[])
    daemon.start(wait=False)
    try:
        wait_for(lambda: daemon.answers("lan0") and daemon.answers("lan1"), 10, "both LANs")
        status = daemon.status()
        assert status["wan"]["interface"] == "wan0"
        # a public address makes no LAN
        assert sorted(l["interface"] for l in status["lans"]) == ["lan0", "lan1"]
        for word in ("wan0", "lan0", "lan1"):
            assert word in daemon.log()
        # the default route moves, and the WAN with it
        lab.gw.ip("route replace default via 198.51.100.1 dev other0")
        wait_for(lambda: daemon.status()["wan"]["interface"] == "other0", 2, "the new WAN")
        igd = Igd.discover(lab.a)
        assert igd.call("GetExternalIPAddress") == {"NewExternalIPAddress": "198.51.100.9"}
        lab.gw.ip("route replace default via " + WAN_HOST)
        wait_for(lambda: daemon.status()["wan"]["interface"] == "wan0", 2, "the old WAN")
        assert daemon.answers("lan0")
        assert daemon.stop() == 0
    finally:
        lab.gw.ip("link del other0")


def test_the_command_line_wins_over_the_file(lab, conf):
    daemon = lab.start("-c", conf("max_lease_s = 50\nmin_port = 3000\n"), "-o", "max_lease_s=80")
    igd = Igd.discover(lab.a)
    igd.add("TCP", 5000, HOST_A, lease=100)
    assert 78 <= int(igd.get("TCP", 5000)["NewLeaseDuration"]) <= 80
    assert fault(igd.add, "TCP", 2999, HOST_A) == 606
    assert daemon.stop() == 0


@pytest.mark.parametrize("how", ["SIGHUP", "portreeve reload"])
def test_a_reload_takes_the_new_file_and_disturbs_nothing(lab, conf, keep, how):
    path = conf("share = yes\n")
    daemon = lab.start("-c", path)
    keep(TcpEcho(lab.a, 7000))
    igd = Igd.discover(lab.a)
    igd.add("TCP", 5000, HOST_A, 7000)
    flow = keep(TcpFlow(lab.wan, WAN_GW, 5000))
    conf('share = yes\nmin_port = 6000\nexternal_address = "198.51.100.7"\n')
    if how == "SIGHUP":
        daemon.signal(signal.SIGHUP)
    else:
        daemon.cli("reload")
    wait_for(lambda: fault(igd.add, "TCP", 5001, HOST_A) == 606, 2, "the new min_port")
    assert igd.call("GetExternalIPAddress") == {"NewExternalIPAddress": "198.51.100.7"}
    assert flow.works()
    assert tcp_ask(lab.wan, WAN_GW, 5000)
    assert daemon.alive()
    assert daemon.stop() == 0


@pytest.mark.parametrize("action", ["keep", "revoke"])
def test_a_reload_judges_what_is_there_as_on_reload_says(lab, conf, keep, action):
    keep(TcpEcho(lab.a, 7000))
    keep(TcpEcho(lab.b, 7000))
    first = "share = yes\non_reload = %s\n" % action
    daemon = lab.start("-c", conf(first))
    a = Igd.discover(lab.a)
    b = a.seen_from(lab.b)
    a.add("TCP", 5000, HOST_A, 7000)
    b.add("TCP", 5001, HOST_B, 7000)
    stays, goes = (keep(TcpFlow(lab.wan, WAN_GW, port)) for port in (5000, 5001))
    assert stays.works() and goes.works()
    conf(first + 'rule "not b" {\n action = deny\n client = {%s}\n reason = "a test"\n}\n' % HOST_B)
    said = daemon.cli("reload").stdout
    assert 'Changed: rule "not b" (new).' in said
    assert stays.works() and tcp_ask(lab.wan, WAN_GW, 5000)
    if action == "keep":
        assert "1 mapping is kept that would be refused now" in said
        assert goes.works() and tcp_ask(lab.wan, WAN_GW, 5001)
        assert fault(b.add, "TCP", 5001, HOST_B, 7000) == 606  # not refreshed any more
    else:
        assert '%s port 7000: a test (rule "not b", line 3)' % HOST_B in said
        wait_for(lambda: not goes.works(), 3, "the end of the flow")
        assert tcp_ask(lab.wan, WAN_GW, 5001, timeout=0.2) is None
        assert [m["external_port"] for m in daemon.mappings()] == [5000]
        rows = daemon.cli_json("audit", "trail")["trail"]
        assert [(r["reason"], r["rule"]) for r in rows
                if r["origin"] == "configuration" and r["action"] == "delete"] == [
                    ("a test", "not b")]
    assert daemon.stop() == 0


def test_a_reload_says_what_waits_for_the_next_start(lab, conf):
    daemon = lab.start("-c", conf("share = yes\n"))
    conf("share = yes\nhttp_port = 5555\nmin_port = 2000\n")
    told = daemon.cli_json("reload")
    assert told["changed"] == ["min_port", "http_port"]
    assert told["next_start"] == ["http_port"]
    assert daemon.answers("lan0")
    assert daemon.stop() == 0


def test_a_reload_may_switch_sharing_off_and_on(lab, conf, keep):
    path = conf("share = yes\n")
    daemon = lab.start("-c", path)
    server = keep(TcpEcho(lab.wan, 9000))
    lab.wan.ip("route replace 192.168.0.0/16 via " + WAN_GW)
    try:
        for share, seen in (("yes", WAN_GW), ("no", HOST_A), ("yes", WAN_GW)):
            conf("share = %s\n" % share)
            daemon.cli("reload")
            wait_for(lambda seen=seen: (tcp_ask(lab.a, WAN_HOST, 9000, timeout=0.3) or [0, 0])[1]
                     == seen, 2, "sharing: " + share)
        assert server.seen
    finally:
        lab.wan.ip("route del 192.168.0.0/16")
        assert daemon.stop() == 0


def test_a_faulty_reload_changes_nothing_and_says_why(lab, conf, keep):
    path = conf("share = yes\n")
    daemon = lab.start("-c", path)
    keep(TcpEcho(lab.a, 7000))
    igd = Igd.discover(lab.a)
    igd.add("TCP", 5000, HOST_A, 7000)
    conf("share = no\nmin_port = 0\n")
    done = daemon.cli("reload", check=False)
    assert done.returncode == 1
    assert "min_port" in done.stdout
    since = daemon.log_size()
    daemon.signal(signal.SIGHUP)
    daemon.wait_log("min_port", since=since)
    assert tcp_ask(lab.wan, WAN_GW, 5000)
    assert fault(igd.add, "TCP", 5001, HOST_A) == 0
    assert daemon.stop() == 0


def test_another_http_port(lab):
    from igd import msearch, IGD, http
    daemon = lab.daemon("-o", "http_port=49200")
    daemon.start(wait=False)
    reply = wait_for(lambda: msearch(lab.a, IGD, wait=0.5), 10, "an answer")[0]
    assert reply["LOCATION"].startswith("http://%s:49200/" % LAN0_GW)
    assert http(lab.a, reply["LOCATION"]).status == 200
    assert daemon.stop() == 0


def test_one_lan_only(lab):
    daemon = lab.start(lans=["lan0"])
    assert not daemon.answers("lan1")
    assert daemon.stop() == 0


def test_log_levels(lab):
    daemon = lab.start("--log-level", "error")
    igd = Igd.discover(lab.a)
    igd.add("TCP", 5000, HOST_A)
    assert daemon.stop() == 0
    assert daemon.log() == ""
    daemon = lab.start("--log-level", "info")
    Igd.discover(lab.a).add("TCP", 5000, HOST_A, description="line\nbreak")
    daemon.wait_log(r"5000.*%s|%s.*5000" % (HOST_A, HOST_A))
    assert daemon.stop() == 0
    assert not any(line.startswith("break") for line in daemon.log().splitlines())


def test_a_stranger_in_the_way_of_the_port_is_said(lab, keep):
    """HTTP's port on the LAN is taken: the LAN is not served there, and that is said."""
    keep(TcpEcho(lab.gw, 5431, LAN0_GW))
    daemon = lab.daemon()
    daemon.start(wait=False)
    wait_for(lambda: daemon.answers("lan1"), 10, "the other LAN")
    daemon.wait_log("5431", 5)
    assert daemon.alive()
    assert daemon.stop() == 0


def test_two_hosts_see_each_other_refused_in_the_log(lab):
    daemon = lab.start()
    igd = Igd.discover(lab.a)
    igd.add("TCP", 5000, HOST_A)
    assert fault(Igd.discover(lab.b).add, "TCP", 5000, HOST_B) == 718
    daemon.wait_log(r"5000.*%s|%s.*5000" % (HOST_B, HOST_B))
    assert daemon.stop() == 0


def test_a_pipe_is_no_file_to_start_from_nor_to_read_again(lab, tmp_path):
    path, fifo = str(tmp_path / "portreeve.conf"), str(tmp_path / "fifo")
    os.mkfifo(fifo)
    done = lab.gw.run(PROGRAM, "-c", fifo, check=False, timeout=5)
    assert done.returncode == 1
    assert done.stdout.splitlines() == ["%s: is a pipe; legal: a regular file" % fifo]
    with open(path, "w", encoding="utf-8") as f:
        f.write("secure = no\n")
    daemon = lab.start("-c", path)
    os.rename(fifo, path)
    done = daemon.cli("reload", check=False)
    assert done.returncode == 1
    assert "%s: is a pipe; legal: a regular file" % path in done.stdout
    assert daemon.cli_json("status")
    assert daemon.stop() == 0
