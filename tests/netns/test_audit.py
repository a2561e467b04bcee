# SPDX-License-Identifier: GPL-2.0-or-later
"""The audit: what real requests and real mishaps leave in the trail, and what is found wrong."""
import contextlib
import json
import os
import re
import signal
import socket
import sqlite3
import threading
import time

import pytest

import igd as control_point
from igd import fault, upnpc
from lab import HOST_A, HOST_B, Lab, PATIENCE, took, wait_for

ROW_KEYS = {"id", "time", "last", "count", "outcome", "origin", "client", "mac", "host", "uid", "action",
            "protocol", "external_port", "last_port", "remote_host", "internal_client",
            "internal_port", "enabled", "lease_s", "description", "result", "upnp_code", "rule",
            "rule_line", "reason", "mapping", "pinhole"}


@pytest.fixture(scope="module")
def alone():
    """A gateway for daemons that a test starts itself."""
    with Lab() as made:
        yield made


@pytest.fixture
def start(alone):
    """start(option, ...): a daemon there, stopped at the end."""
    started = []

    def run(*options):
        started.append(alone.start("-o", "share=yes", *options))
        return started[-1]
    yield run
    for daemon in started:
        daemon.close()
    alone.gw.nft("delete", "table", "inet", "portreeve", check=False)


def rows(daemon, *options, **like):
    """The rows that the CLI gives and that are like this."""
    found = daemon.cli_json("audit", "trail", *options)["trail"]
    return [r for r in found if all(r[name] == value for name, value in like.items())]


def wait_row(daemon, seconds=3, **like):
    return wait_for(lambda: rows(daemon, **like), seconds, "a row like %s" % like)[-1]


def mac_of(ns):
    link = json.loads(ns.run("ip", "-j", "link", "show", "eth0").stdout)
    return link[0]["address"]


# ---- requests ----

def test_a_grant_a_renewal_and_a_deletion_by_upnpc(lab, gateway, igd):
    upnpc(lab.a, "-e", "game", "-a", HOST_A, 7000, 5001, "TCP", 600, url=igd.location)
    number = gateway.mappings()[0]["id"]
    row = rows(gateway, external_port=5001, action="add")[-1]
    assert set(row) == ROW_KEYS
    assert row["origin"] == "upnp" and row["outcome"] == "ok" and row["result"] == "ok"
    assert row["client"] == row["internal_client"] == HOST_A
    assert row["mac"] == mac_of(lab.a)
    assert (row["protocol"], row["internal_port"], row["lease_s"]) == ("TCP", 7000, 600)
    assert row["description"] == "game" and row["mapping"] == number
    assert row["upnp_code"] is None and row["count"] == 1
    upnpc(lab.a, "-e", "game", "-a", HOST_A, 7000, 5001, "TCP", 600, url=igd.location)
    assert rows(gateway, external_port=5001, action="renew")[-1]["mapping"] == number
    upnpc(lab.a, "-d", 5001, "TCP", url=igd.location)
    gone = rows(gateway, external_port=5001, action="delete")[-1]
    assert gone["client"] == HOST_A and gone["mapping"] == number and gone["outcome"] == "ok"


def test_switching_a_mapping_off_and_on_is_told(gateway, igd):
    for enabled in (0, 1, 0):
        igd.add("TCP", 5030, HOST_A, 7000, enabled=enabled)
    found = rows(gateway, external_port=5030)
    assert [(r["action"], r["enabled"]) for r in found] == [
        ("add", False), ("renew", True), ("renew", False)]
    assert gateway.cli("audit", "trail", "--port", 5030).stdout.count("disabled") == 2


def test_a_refusal_has_its_code_and_its_reason(lab, gateway, igd):
    igd.add("UDP", 5002, HOST_A, 7000)
    assert fault(igd.seen_from(lab.b).add, "UDP", 5002, HOST_B, 7001) == 718
    row = rows(gateway, external_port=5002, outcome="refused")[-1]
    assert row["client"] == HOST_B and row["mac"] == mac_of(lab.b)
    assert row["result"] == "conflict" and row["upnp_code"] == 718
    assert HOST_A in row["reason"]
    assert row["mapping"] is None


def test_a_request_that_makes_no_sense_is_told(lab, gateway, igd):
    assert fault(igd.add, "TCP", 70000, HOST_A, 7000) == 601
    row = rows(gateway, upnp_code=601)[-1]
    assert row["action"] == "add" and row["client"] == HOST_A and row["outcome"] == "refused"
    assert row["mac"] == mac_of(lab.a) and "itself is wrong" in row["reason"]
    assert "NewExternalPort=70000" in row["reason"]


def test_the_same_refusal_again_is_counted(lab, gateway, igd):
    for _ in range(7):
        assert fault(igd.add, "TCP", 80, HOST_A, 7000) == 606
    found = rows(gateway, external_port=80, outcome="refused", client=HOST_A)
    assert [row["count"] for row in found] == [7]
    assert "min_port" in found[0]["reason"]
    assert "7 times until" in gateway.cli("audit", "trail", "--port", 80).stdout


def test_a_flood_leaves_room_for_others(lab, gateway, igd):
    igd.seen_from(lab.b).add("TCP", 5003, HOST_B, 7000)
    before = gateway.cli_json("audit", "trail")["trail"][-1]["id"]
    for port in range(1, 601):
        assert fault(igd.add, "UDP", port, HOST_A, 7000) == 606
    flood = [r for r in rows(gateway, client=HOST_A) if r["id"] > before]
    assert len([r for r in flood if r["action"] == "add"]) < 350
    left = [r for r in flood if r["action"] == "left-out"]
    assert len(left) == 1 and left[0]["result"] == "not-authorized"
    assert sum(r["count"] for r in flood) == 600
    assert rows(gateway, external_port=5003, client=HOST_B)
    igd.seen_from(lab.b).delete("TCP", 5003)
    assert rows(gateway, external_port=5003, action="delete", client=HOST_B)


def test_the_administrator_is_told_from_clients(gateway, igd):
    gateway.cli("add", "tcp", 2222, HOST_A + ":22", "--description", "by hand")
    row = rows(gateway, external_port=2222)[-1]
    assert row["origin"] == "cli" and row["client"] is None and row["outcome"] == "ok"
    assert row["internal_client"] == HOST_A and row["lease_s"] == 0
    assert gateway.cli("add", "tcp", 2222, HOST_B + ":22", check=False).returncode == 1
    row = rows(gateway, external_port=2222, outcome="refused")[-1]
    assert row["result"] == "conflict" and row["upnp_code"] is None and HOST_A in row["reason"]
    gateway.cli("delete", "tcp", 2222)
    row = rows(gateway, external_port=2222, action="delete")[-1]
    assert row["origin"] == "cli" and row["mapping"]


@pytest.mark.parametrize("words, named", [
    (("udp", 2223, "--remote", "203.0.113.9"),
     {"protocol": "UDP", "external_port": 2223, "remote_host": "203.0.113.9"}),
    ((999999,), {"mapping": 999999}), (("p999",), {"pinhole": 999, "action": "pinhole-delete"}),
], ids=str)
def test_what_the_administrator_does_not_find_is_told(gateway, igd, words, named):
    assert gateway.cli("delete", *words, check=False).returncode == 1
    row = rows(gateway, origin="cli", **named)[-1]
    assert row["outcome"] == "refused" and "there is no such" in row["reason"]
    assert row["client"] is None and row["upnp_code"] is None


def test_expiry_is_told(gateway, igd):
    igd.seen_from(igd.ns).add("UDP", 5004, HOST_A, 7000, lease=1)
    row = wait_row(gateway, 5, external_port=5004, outcome="expired")
    assert row["origin"] == "expiry" and row["client"] == HOST_A and row["mapping"]
    assert rows(gateway, "--result", "expired", external_port=5004) == [row]


def test_a_reload_is_told(gateway, igd):
    before = len(rows(gateway, action="reload"))
    gateway.cli("reload")
    assert [r["outcome"] for r in rows(gateway, action="reload")[before:]] == ["ok"]


def test_the_user_of_the_cli_is_told(gateway, igd):
    """Also whoever was not permitted; of what clients and signals ask for there is none."""
    gateway.cli("add", "tcp", 5040, HOST_A)
    gateway.cli("delete", "tcp", 5040)
    gateway.cli("reload")
    igd.add("TCP", 5041, HOST_A, 7000)
    assert {r["uid"] for r in rows(gateway, external_port=5040)} == {0}
    assert rows(gateway, action="reload")[-1]["uid"] == 0
    assert rows(gateway, external_port=5041)[-1]["uid"] is None
    assert "uid 0 (root)" in gateway.cli("audit", "trail").stdout
    before = len(rows(gateway, action="reload"))
    os.kill(gateway.pid, signal.SIGHUP)
    wait_for(lambda: len(rows(gateway, action="reload")) > before, 3, "the reload in the trail")
    assert rows(gateway, action="reload")[-1]["uid"] is None


def test_the_name_that_the_dhcp_server_knows(alone, start):
    daemon = start()
    with open(os.path.join(daemon.state_dir, "dhcp.leases"), "w", encoding="ascii") as f:
        f.write("%d %s %s Desktop *\n" % (time.time() + 600, mac_of(alone.a), HOST_A))
        f.write("%d %s %s Gone *\n" % (time.time() - 600, mac_of(alone.b), HOST_B))
    igd = control_point.Igd.discover(alone.a)
    igd.add("TCP", 5020, HOST_A, 7000)
    igd.seen_from(alone.b).add("TCP", 5021, HOST_B, 7000)
    assert rows(daemon, external_port=5020)[-1]["host"] == "Desktop"
    assert rows(daemon, external_port=5021)[-1]["host"] is None
    assert rows(daemon, "--client", "desktop", external_port=5020)
    assert fault(igd.add, "TCP", 80, HOST_A, 7000) == 606
    assert daemon.cli_json("explain", "--last", "desktop")["last"]["external_port"] == 80
    assert "Desktop, " + mac_of(alone.a) in daemon.cli("audit", "trail").stdout


# ---- mishaps ----

def test_healing_names_who_did_it(alone, start):
    daemon = start("-o", "table_owner=no")
    alone.gw.nft("delete", "table", "inet", "portreeve")
    row = wait_row(daemon, 5, action="heal")
    assert row["origin"] == "healing" and row["outcome"] == "event"
    assert re.search(r"by nft \(pid \d+\)", row["reason"])


def test_a_worker_that_dies_is_told(gateway, igd):
    pid = gateway.worker_pid("lan0")
    os.kill(pid, signal.SIGKILL)
    row = wait_row(gateway, 5, action="worker-end")
    assert row["origin"] == "daemon" and "lan0" in row["reason"] and str(pid) in row["reason"]
    gateway.wait_serving()


def test_the_trail_survives_a_restart_and_a_kill(alone, start):
    daemon = start()
    control_point.Igd.discover(alone.a).add("TCP", 5006, HOST_A, 7000)
    number = rows(daemon, external_port=5006)[-1]["id"]
    daemon.restart()
    assert [r["action"] for r in rows(daemon)] == ["start", "add", "stop", "start"]
    assert rows(daemon, external_port=5006)[-1]["id"] == number
    daemon.signal(signal.SIGSTOP)  # else the core may hear of its end, and end in order
    os.kill(daemon.core_pid(), signal.SIGKILL)
    daemon.kill_all()
    daemon.start()
    assert [r["action"] for r in rows(daemon)][4:] == ["crash", "start"]


def spoil(daemon, name):
    """Stops the daemon and leaves something else in the place of a database."""
    assert daemon.stop() == 0
    for suffix in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(daemon.state_dir, name + suffix))
    with open(os.path.join(daemon.state_dir, name), "wb") as f:
        f.write(b"x" * 5000)


def test_a_broken_trail_harms_no_lease_and_a_broken_store_is_told(alone, start):
    daemon = start()
    control_point.Igd.discover(alone.a).add("TCP", 5007, HOST_A, 7000)
    spoil(daemon, "audit.db")
    daemon.start()
    assert [m["external_port"] for m in daemon.mappings()] == [5007]
    assert "audit.db.corrupt-" in rows(daemon, action="set-aside")[-1]["reason"]
    assert [n for n in os.listdir(daemon.state_dir) if n.startswith("audit.db.corrupt-")]
    spoil(daemon, "portreeve.db")
    daemon.start()
    assert "portreeve.db.corrupt-" in rows(daemon, action="set-aside")[-1]["reason"]
    control_point.Igd.discover(alone.a).add("TCP", 5008, HOST_A, 7000)
    assert rows(daemon, external_port=5008)


# ---- reading ----

def test_filters(lab, gateway, igd):
    igd.add("TCP", 5010, HOST_A, 7010)
    igd.seen_from(lab.b).add("TCP", 5011, HOST_B, 7011)
    ports = lambda *options: {r["external_port"] for r in rows(gateway, *options)}  # noqa: E731
    assert 5010 in ports() and 5011 in ports()
    assert 5010 not in ports("--client", HOST_B) and 5011 in ports("--client", HOST_B)
    assert 5011 in ports("--client", mac_of(lab.b).upper())
    assert ports("--port", 5010) == {5010} and ports("--port", 7010) == {5010}
    assert {r["outcome"] for r in rows(gateway, "--result", "ok")} == {"ok"}
    assert 5010 in ports("--since", "1h") and 5010 in ports("--since", "2026-01-01")
    assert ports("--since", "2099-01-01") == set()
    assert "There is nothing like that in the trail." in gateway.cli(
        "audit", "trail", "--since", "2099-01-01").stdout


@pytest.mark.parametrize("options, word", [
    (("--since", "yesterday"), "2h"), (("--since", "2026-02-31"), "2h"), (("--port", "0"), "65535"),
    (("--port", "x"), "65535"), (("--result", "no"), "refused")])
def test_what_makes_no_sense_is_told(gateway, igd, options, word):
    done = gateway.cli("audit", "trail", *options, check=False)
    assert done.returncode == 2 and word in done.stdout


def test_the_table_fits(lab, gateway, igd):
    igd.add("TCP", 5012, HOST_A, 7012, 
            description="ünï \u202e" + "long " * 50)
    text = gateway.cli("audit", "trail").stdout
    assert all(len(line) <= 100 for line in text.splitlines())
    assert "\u202e" not in text and "5012" in text and HOST_A in text


def test_people_can_ask_the_database(gateway, igd):
    igd.add("TCP", 5013, HOST_A, 7013)
    assert rows(gateway, external_port=5013)
    with sqlite3.connect("file:%s/audit.db?mode=ro" % gateway.state_dir, uri=True) as db:
        found = db.execute("SELECT client, action, result FROM trail WHERE external_port = 5013")
        assert (HOST_A, "add", "ok") in found.fetchall()


def test_a_long_trail_comes_in_pages(gateway, igd):
    for port in range(20000, 22000):
        assert "error" not in gateway.control(
            "add", protocol="UDP", external_port=port, internal_client=HOST_A, internal_port=port)
    assert len(rows(gateway, origin="cli", action="add")) >= 2000
    page = gateway.control("trail", limit=200)
    assert len(page["trail"]) == 200 and page["next"] == page["trail"][-1]["id"]
    assert gateway.control("trail", limit=201)["error"]["code"] == "invalid-args"


# ---- findings ----

def findings(daemon):
    """{id: [finding, ...]} and the exit status."""
    done = daemon.cli("audit", "--json", check=False)
    report = json.loads(done.stdout)
    found = {}
    for finding in report["findings"]:
        assert set(finding) == {"id", "severity", "subject", "seen", "why", "remedy", "mapping",
                                "pinhole", "accepted"}
        assert finding["seen"] and finding["why"] and finding["remedy"]
        found.setdefault(finding["id"], []).append(finding)
    counted = [f for f in report["findings"] if not f["accepted"]]
    assert report["critical"] == sum(f["severity"] == "critical" for f in counted)
    assert report["warnings"] == sum(f["severity"] == "warning" for f in counted)
    return found, done.returncode


def test_a_gateway_that_is_well(alone, start):
    daemon = start()
    control_point.Igd.discover(alone.a).add("UDP", 30000, HOST_A, 30000, lease=3600)
    assert findings(daemon) == ({}, 0)
    assert daemon.cli("audit").stdout == "Nothing is wrong.\n"


def test_warnings_are_status_1_and_what_is_critical_2(alone, start):
    daemon = start()
    igd = control_point.Igd.discover(alone.a)
    igd.add("UDP", 30000, HOST_A, 30000)
    found, status = findings(daemon)
    assert set(found) == {"permanent-lease"} and status == 1
    assert found["permanent-lease"][0]["mapping"] == daemon.mappings()[0]["id"]
    daemon.control("add", protocol="TCP", external_port=2222, internal_client=HOST_A, internal_port=22)
    found, status = findings(daemon)
    assert set(found) == {"permanent-lease", "management-port"} and status == 2
    text = daemon.cli("audit", check=False).stdout
    assert all(len(line) <= 100 for line in text.splitlines())
    assert text.index("CRITICAL  management-port") < text.index("WARNING   permanent-lease")
    assert HOST_A in text and "why: " in text and "do: " in text
    assert text.endswith("1 critical, 1 warning.\n")


def test_pinholes_are_told_and_looked_at_too(alone, start):
    host = "2001:db8:1::10"
    alone.gw.ip("addr add 2001:db8:1::1/64 dev lan0 nodad")
    alone.a.ip("addr add %s/64 dev eth0 nodad" % host)
    try:
        daemon = start("-o", "firewall=own")
        number = control_point.Firewall.discover(alone.a).open_soon(host, 27017)
        row = rows(daemon, action="pinhole-add", outcome="ok")[-1]
        assert row["pinhole"] == number and row["internal_client"] == host
        assert row["internal_port"] == 27017 and row["client"] == HOST_A
        found, status = findings(daemon)
        assert set(found) == {"management-port"} and status == 2
        assert [f["pinhole"] for f in found["management-port"]] == [number]
        daemon.cli("delete", "p%d" % number)
        assert rows(daemon, action="pinhole-delete")[-1]["origin"] == "cli"
        assert findings(daemon) == ({}, 0)
    finally:
        alone.gw.ip("addr del 2001:db8:1::1/64 dev lan0")
        alone.a.ip("addr del %s/64 dev eth0" % host)


def test_what_is_accepted_by_id_does_not_count(alone, start):
    daemon = start("-o", "audit_accept=permanent-lease", "-o", "audit_accept=secure-off",
                   "-o", "secure=no")
    control_point.Igd.discover(alone.a).add("UDP", 30000, HOST_A, 30000)
    found, status = findings(daemon)
    assert set(found) == {"permanent-lease", "secure-off"} and status == 0
    assert all(f["accepted"] for kind in found.values() for f in kind)
    assert daemon.cli("audit").stdout == "Nothing is wrong, 2 accepted.\n"


def test_without_secure_another_host_is_named(alone, start):
    daemon = start("-o", "secure=no", "-o", "audit_many_ports=3")
    igd = control_point.Igd.discover(alone.a)
    for port in range(30000, 30003):
        igd.add("UDP", port, HOST_B, port, lease=3600)
    found, status = findings(daemon)
    assert set(found) == {"secure-off", "other-host", "many-ports"} and status == 2
    assert len(found["other-host"]) == 3 and HOST_A in found["other-host"][0]["seen"]
    assert [f["subject"] for f in found["many-ports"]] == [HOST_B]


def test_a_host_that_has_left_the_lan_is_named(alone, start):
    daemon = start()
    control_point.Igd.discover(alone.b).add("UDP", 30001, HOST_B, 30001, lease=3600)
    control_point.Igd.discover(alone.a).add("UDP", 30000, HOST_A, 30000, lease=3600)
    assert findings(daemon) == ({}, 0)
    alone.b.ip("link set eth0 down")
    try:
        # The kernel believes for up to a minute what it knows; here it is told to doubt.
        alone.gw.run("ip", "neigh", "change", HOST_B, "dev", "lan0", "nud", "stale")
        found, status = findings(daemon)
        assert set(found) == {"host-gone"} and status == 1
        assert HOST_B in found["host-gone"][0]["seen"]
    finally:
        alone.b.ip("link set eth0 up", "route add default via 192.168.1.1")


def test_forwarding_off(alone, start):
    daemon = start()
    alone.gw.sysctl("net.ipv4.ip_forward", 0)
    try:
        found, status = findings(daemon)
        assert "forwarding-off" in found and status == 2
        assert "ip_forward" in found["forwarding-off"][0]["remedy"]
    finally:
        alone.gw.sysctl("net.ipv4.ip_forward", 1)


def test_another_table_that_drops(alone, start):
    daemon = start()
    alone.gw.nft("add table inet other; add chain inet other through "
                 "{ type filter hook forward priority 0; policy drop; }")
    try:
        found, status = findings(daemon)
        assert status == 2
        assert any("inet other" in f["seen"] and "through" in f["seen"] for f in found["foreign-drop"])
    finally:
        alone.gw.nft("delete table inet other")


def test_double_nat(alone, start):
    alone.gw.ip("addr flush dev wan0", "addr add 10.9.8.7/24 dev wan0", "link set wan0 up",
                "route add default via 10.9.8.1")
    try:
        found, status = findings(start())
        assert set(found) == {"double-nat"} and status == 1
        assert "10.9.8.7 is private" in found["double-nat"][0]["seen"]
    finally:
        alone.gw.ip("addr flush dev wan0", "addr add 203.0.113.1/24 dev wan0",
                    "route add default via 203.0.113.2")


def is_back(daemon, killed):
    with contextlib.suppress(OSError, KeyError):
        return daemon.core_pid() != killed and "uptime_s" in daemon.control("status")
    return False


def test_mishaps_are_findings(alone, start):
    daemon = start("-o", "table_owner=no")
    alone.gw.nft("delete", "table", "inet", "portreeve")
    wait_row(daemon, 5, action="heal")
    os.kill(daemon.worker_pid("lan0"), signal.SIGKILL)
    wait_row(daemon, 5, action="worker-end")
    daemon.wait_serving()
    killed = daemon.core_pid()
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: is_back(daemon, killed), 5, "another core")
    wait_row(daemon, 5, action="crash")
    found, status = findings(daemon)
    assert set(found) == {"table-changed", "worker-restarts", "core-crash"} and status == 1
    assert re.search(r"by nft \(pid \d+\)", found["table-changed"][0]["seen"])
    spoil(daemon, "portreeve.db")
    daemon.start()
    found, status = findings(daemon)
    assert "store-set-aside" in found and status == 2


def test_unreachable_is_neither_a_warning_nor_critical(alone, start):
    daemon = start()
    assert daemon.stop() == 0
    assert daemon.cli("audit", check=False).returncode == 3


def test_many_mappings_are_looked_at_in_slices(alone, start):
    daemon = start("-o", "max_mappings=20000")
    sock_add(daemon, range(30000, 40000))
    slowest = []
    done = threading.Event()

    def ask():
        igd = control_point.Igd.discover(alone.a)
        while not done.is_set():
            seconds, _ = took(lambda: igd.get("UDP", 30000))
            slowest.append(seconds)
    asking = threading.Thread(target=ask)
    asking.start()
    wait_for(lambda: len(slowest) > 3, 5, "answers")
    try:
        found, status = findings(daemon)
    finally:
        done.set()
        asking.join()
    assert status == 1 and len(found["many-ports"]) == 1
    assert max(slowest) < 0.25 * PATIENCE, max(slowest)


def sock_add(daemon, ports):
    """Many mappings of the administrator's over one connection."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(20)
        sock.connect(os.path.join(daemon.run_dir, "control.sock"))
        answers = sock.makefile("r")
        for port in ports:
            sock.sendall(json.dumps({
                "verb": "add", "protocol": "UDP", "external_port": port,
                "internal_client": HOST_A, "internal_port": port}).encode() + b"\n")
            assert "error" not in json.loads(answers.readline())
