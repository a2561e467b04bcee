# SPDX-License-Identifier: GPL-2.0-or-later
"""The audit trail: what real requests and real mishaps leave in it."""
import contextlib
import json
import os
import re
import signal
import sqlite3

import pytest

import igd as control_point
from igd import fault, upnpc
from lab import HOST_A, HOST_B, Lab, wait_for

ROW_KEYS = {"id", "time", "last", "count", "outcome", "origin", "client", "mac", "host", "action",
            "protocol", "external_port", "last_port", "remote_host", "internal_client",
            "internal_port", "lease_s", "description", "result", "upnp_code", "rule", "rule_line",
            "reason", "mapping", "pinhole"}


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


def test_a_refusal_has_its_code_and_its_reason(lab, gateway, igd):
    igd.add("UDP", 5002, HOST_A, 7000)
    assert fault(igd.seen_from(lab.b).add, "UDP", 5002, HOST_B, 7001) == 718
    row = rows(gateway, external_port=5002, outcome="refused")[-1]
    assert row["client"] == HOST_B and row["mac"] == mac_of(lab.b)
    assert row["result"] == "conflict" and row["upnp_code"] == 718
    assert HOST_A in row["reason"]
    assert row["mapping"] is None


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


def test_expiry_is_told(gateway, igd):
    igd.seen_from(igd.ns).add("UDP", 5004, HOST_A, 7000, lease=1)
    row = wait_row(gateway, 5, external_port=5004, outcome="expired")
    assert row["origin"] == "expiry" and row["client"] == HOST_A and row["mapping"]
    assert rows(gateway, "--result", "expired", external_port=5004) == [row]


def test_a_reload_is_told(gateway, igd):
    before = len(rows(gateway, action="reload"))
    gateway.cli("reload")
    assert [r["outcome"] for r in rows(gateway, action="reload")[before:]] == ["ok"]


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
