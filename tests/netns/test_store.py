# SPDX-License-Identifier: GPL-2.0-or-later
"""Leases on disk: they outlive restart, reboot, a broken file and a full disk."""
import glob
import json
import os
import re
import socket
import subprocess
import time

import pytest

from igd import Igd, fault
from lab import HOST_A, PATIENCE, WAN_GW, wait_for
from traffic import TcpEcho, tcp_ask


@pytest.fixture
def daemon(lab, keep):
    keep(TcpEcho(lab.a, 7000))
    started = lab.start("-o", "share=yes")
    yield started
    assert started.stop() == 0
    lab.gw.run("nft", "delete table inet portreeve", check=False)


def reboot(lab, daemon):
    """Stopped, and the kernel has forgotten."""
    assert daemon.stop() == 0
    lab.gw.run("nft", "delete table inet portreeve")
    assert "portreeve" not in lab.gw.nft("list tables")


@pytest.mark.parametrize("how", ["restart", "reboot"])
def test_every_lease_comes_back_with_its_remaining_time(lab, daemon, how):
    igd = Igd.discover(lab.a)
    igd.add("TCP", 5000, HOST_A, 7000, lease=300, description="finite \u2192 \"x\"")
    igd.add("TCP", 5001, HOST_A, 7000, description="permanent")
    igd.add("UDP", 5002, HOST_A, 7000, remote="203.0.113.3", lease=100)
    igd.add("TCP", 5003, HOST_A, 7000, enabled=0)
    igd.add("TCP", 5004, HOST_A, 7000)
    igd.delete("TCP", 5004)
    before, listed = igd.entries(), daemon.mappings()
    if how == "reboot":
        reboot(lab, daemon)
    else:
        assert daemon.stop() == 0
    daemon.start()
    after = Igd.discover(lab.a).entries()

    def plain(entries):
        return [{k: v for k, v in e.items() if k != "NewLeaseDuration"} for e in entries]
    assert plain(after) == plain(before)
    for old, new in zip(before, after):
        old, new = int(old["NewLeaseDuration"]), int(new["NewLeaseDuration"])
        assert old - 10 * PATIENCE <= new <= old
    assert [m["created"] for m in daemon.mappings()] == [m["created"] for m in listed]
    assert tcp_ask(lab.wan, WAN_GW, 5000) and tcp_ask(lab.wan, WAN_GW, 5001)
    assert tcp_ask(lab.wan, WAN_GW, 5003, timeout=0.2) is None
    assert tcp_ask(lab.wan, WAN_GW, 5004, timeout=0.2) is None


def test_changes_to_a_lease_are_kept_too(lab, daemon):
    igd = Igd.discover(lab.a)
    igd.add("TCP", 5000, HOST_A, 7777, lease=1000, description="old")
    igd.add("TCP", 5000, HOST_A, 7000, lease=50, description="new")
    reboot(lab, daemon)
    daemon.start()
    entry = Igd.discover(lab.a).get("TCP", 5000)
    assert entry["NewPortMappingDescription"] == "new" and entry["NewInternalPort"] == "7000"
    assert int(entry["NewLeaseDuration"]) <= 50
    assert tcp_ask(lab.wan, WAN_GW, 5000)


def test_ids_are_not_used_again_after_a_restart(lab, daemon):
    igd = Igd.discover(lab.a)
    igd.add("TCP", 5000, HOST_A, 7000)
    igd.add("TCP", 5001, HOST_A, 7000)
    before = {m["id"]: m["external_port"] for m in daemon.mappings()}
    daemon.restart()
    assert {m["id"]: m["external_port"] for m in daemon.mappings()} == before
    Igd.discover(lab.a).add("TCP", 5002, HOST_A, 7000)
    new = next(m["id"] for m in daemon.mappings() if m["external_port"] == 5002)
    assert new > max(before)


@pytest.mark.parametrize("damage", [b"", b"not a database at all" * 1000, b"SQLite format 3\0" +
                                    b"\xff" * 8176], ids=["empty", "text", "garbled"])
def test_a_corrupt_database_is_set_aside_and_said(lab, daemon, damage):
    Igd.discover(lab.a).add("TCP", 5000, HOST_A, 7000)
    reboot(lab, daemon)
    for path in glob.glob(os.path.join(daemon.state_dir, "portreeve.db*")):
        os.unlink(path)
    path = os.path.join(daemon.state_dir, "portreeve.db")
    with open(path, "wb") as f:
        f.write(damage)
    since = daemon.log_size()
    daemon.start()
    if damage:
        daemon.wait_log(r"portreeve\.db\.corrupt-", since=since)
        aside = glob.glob(path + ".corrupt-*")
        assert any(open(p, "rb").read() == damage for p in aside)
    # and works on
    igd = Igd.discover(lab.a)
    igd.add("TCP", 5000, HOST_A, 7000)
    assert tcp_ask(lab.wan, WAN_GW, 5000)
    daemon.restart()
    assert tcp_ask(lab.wan, WAN_GW, 5000)


def test_a_database_that_is_a_directory_is_set_aside(lab, daemon):
    assert daemon.stop() == 0
    path = os.path.join(daemon.state_dir, "portreeve.db")
    for name in glob.glob(path + "*"):
        os.unlink(name)
    os.mkdir(path)
    daemon.start()
    Igd.discover(lab.a).add("TCP", 5000, HOST_A, 7000)
    assert os.path.isfile(path)


def test_the_database_is_for_its_owner_only(daemon):
    """dhcp.leases is none of it: dnsmasq's user owns it, and the core reads it without rights."""
    names = [n for n in os.listdir(daemon.state_dir) if n.startswith("portreeve.db")]
    assert names
    for name in names:
        mode = os.stat(os.path.join(daemon.state_dir, name)).st_mode
        assert mode & 0o077 == 0, name


def test_a_full_disk_refuses_new_requests_and_keeps_the_old(lab, keep):
    keep(TcpEcho(lab.a, 7000))
    daemon = lab.daemon("-o", "share=yes")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", daemon.state_dir], check=True)
    try:
        daemon.start()
        igd = Igd.discover(lab.a)
        igd.add("TCP", 5000, HOST_A, 7000, lease=100)
        filler = os.path.join(daemon.state_dir, "filler")
        with open(filler, "wb", buffering=0) as f:
            try:
                while True:
                    f.write(b"x" * 4096)
            except OSError:
                pass
        codes = [fault(igd.add, "TCP", port, HOST_A, 7000, description="d" * 400)
                 for port in range(5001, 5100)]
        assert codes[-1] == 501
        assert set(codes) <= {0, 501}
        refused = [5001 + i for i, code in enumerate(codes) if code]
        # what was refused is nowhere
        assert fault(igd.get, "TCP", refused[0]) == 714
        assert tcp_ask(lab.wan, WAN_GW, refused[0], timeout=0.2) is None
        # whoever looks is told that the disk is full, and where
        full = "%s cannot be written: the disk is full" % daemon.state_dir
        done = daemon.cli("add", "tcp", 6000, HOST_A + ":7000", check=False)
        assert (done.returncode, done.stdout) == (1, "portreeve: %s\n" % full)
        assert re.search(r"TCP %d .* refused .*%s" % (refused[0], full), daemon.log())
        assert daemon.log().count("portreeve.db cannot be written: the disk is full") == 1
        done = daemon.cli("doctor", check=False)
        assert ("%s could not be written when that was last tried: the disk is full"
                % daemon.state_dir) in " ".join(done.stdout.split())
        finding, = [f for f in json.loads(daemon.cli("audit", "--json", check=False).stdout)["findings"]
                    if f["id"] == "store-unwritable"]
        assert finding["severity"] == "critical" and "the disk is full" in finding["seen"]
        # what was granted lives on
        assert igd.get("TCP", 5000)
        assert tcp_ask(lab.wan, WAN_GW, 5000)
        # a deletion is done whole or refused whole
        code = fault(igd.delete, "TCP", 5000)
        assert code in (0, 501)
        assert fault(igd.get, "TCP", 5000) == (714 if code == 0 else 0)
        assert bool(tcp_ask(lab.wan, WAN_GW, 5000, timeout=0.2)) == (code == 501)
        os.unlink(filler)
        wait_for(lambda: fault(igd.add, "TCP", refused[0], HOST_A, 7000) == 0, 3, "room again")
        assert tcp_ask(lab.wan, WAN_GW, refused[0])
        # the trail waits for room as well, and then has kept why
        wait_for(lambda: full in daemon.cli("audit", "trail", "--json", "--result", "refused").stdout,
                 15, "the refusals in the trail", every=0.2)
        daemon.restart()
        assert tcp_ask(lab.wan, WAN_GW, refused[0])
        assert daemon.stop() == 0
    finally:
        daemon.close()
        subprocess.run(["umount", "-l", daemon.state_dir], check=True)
        lab.gw.run("nft", "delete table inet portreeve", check=False)


def add_many(daemon, count):
    """@count static mappings to host a, pipelined on one control connection."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with sock:
        sock.settimeout(20 * PATIENCE)
        sock.connect(os.path.join(daemon.run_dir, "control.sock"))
        reader = sock.makefile("rb")
        for number in range(count):
            request = {"verb": "add", "protocol": ("TCP", "UDP")[number % 2],
                       "external_port": 10000 + number // 2, "internal_client": HOST_A,
                       "internal_port": 7000, "lease_s": 3600, "description": "number %d" % number}
            sock.sendall(json.dumps(request).encode() + b"\n")
            answer = json.loads(reader.readline())
            assert "error" not in answer, answer


def test_ten_thousand_leases_are_served_within_a_second_of_the_start(lab, keep):
    keep(TcpEcho(lab.a, 7000))
    daemon = lab.start("-o", "share=yes", "-o", "max_mappings_per_client=20000")
    location = Igd.discover(lab.a).location
    add_many(daemon, 10000)
    for how in ("kernel kept", "kernel empty"):
        assert daemon.stop() == 0
        if how == "kernel empty":
            lab.gw.run("nft", "delete table inet portreeve")
        begun = time.monotonic()
        daemon.start(wait=False)
        wait_for(lambda: daemon.answers("lan0"), 10, "HTTP")
        igd = Igd(lab.a, location)
        assert igd.get("TCP", 14999)["NewPortMappingDescription"] == "number 9998"
        spent = time.monotonic() - begun
        assert tcp_ask(lab.wan, WAN_GW, 14999, timeout=0.5)
        assert tcp_ask(lab.wan, WAN_GW, 10000, timeout=0.5)
        assert spent < 1 * PATIENCE, "%s: served only after %.2f s" % (how, spent)
        assert daemon.status()["mappings"]["count"] == 10000
    assert len(daemon.mappings()) == 10000
    assert daemon.stop() == 0
    lab.gw.run("nft", "delete table inet portreeve", check=False)
