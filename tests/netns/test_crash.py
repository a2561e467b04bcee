# SPDX-License-Identifier: GPL-2.0-or-later
"""SIGKILL and SIGTERM: no lease is lost, no packet waits, nothing is left behind."""
import os
import signal
import subprocess
import time

import pytest

from igd import WANIP, Igd, Subscriber, envelope, fault, is_whole_set, notifies, soap_post
from lab import HOST_A, HOST_B, PATIENCE, WAN_GW, gone, wait_for
from traffic import Sniffer, TcpEcho, TcpFlow, tcp_ask


@pytest.fixture
def daemon(lab):
    started = lab.start("-o", "share=yes")
    yield started
    assert started.stop() == 0
    lab.gw.run("nft", "delete table inet portreeve", check=False)


@pytest.fixture
def busy(lab, daemon, keep):
    """Two leases and a flow under way."""
    keep(TcpEcho(lab.a, 7000))
    igd = Igd.discover(lab.a)
    igd.add("TCP", 5000, HOST_A, 7000, lease=500, description="finite")
    igd.add("UDP", 5001, HOST_A, 7001, description="permanent")
    igd.flow = keep(TcpFlow(lab.wan, WAN_GW, 5000))
    return igd


def leases(igd):
    found = {e["NewPortMappingDescription"]: int(e["NewLeaseDuration"]) for e in igd.entries()}
    assert set(found) == {"finite", "permanent"}
    assert found["permanent"] == 0
    return found


def still_passing(lab, igd):
    assert igd.flow.works(1)
    assert tcp_ask(lab.wan, WAN_GW, 5000, timeout=0.5)


def test_the_core_killed(lab, daemon, busy):
    before = leases(busy)
    core, workers = daemon.core_pid(), daemon.processes()["portreeve-upnp"]
    os.kill(core, signal.SIGKILL)
    still_passing(lab, busy)
    wait_for(lambda: daemon.processes().get("portreeve-core", [core]) != [core], 1, "a new core")
    wait_for(lambda: fault(busy.get, "TCP", 5000) == 0, 1, "answers again")
    after = leases(busy)
    assert before["finite"] - 5 <= after["finite"] <= before["finite"]
    still_passing(lab, busy)
    busy.add("TCP", 5002, HOST_A, 7000)
    assert tcp_ask(lab.wan, WAN_GW, 5002)
    time.sleep(1.1 - time.time() % 1)  # and one that comes in another second
    os.kill(daemon.core_pid(), signal.SIGKILL)
    wait_for(lambda: fault(busy.get, "TCP", 5002) == 0, 2, "answers again")
    assert daemon.processes()["portreeve-upnp"] == workers, "what LANs see has gone on"


def test_a_worker_killed_is_back_within_200_ms(lab, daemon, busy):
    for lan in ("lan0", "lan1"):
        worker = daemon.worker_pid(lan)
        begun = time.monotonic()
        os.kill(worker, signal.SIGKILL)
        wait_for(lambda lan=lan, worker=worker: daemon.worker_pid(lan) not in (None, worker), 1,
                 "a new worker", every=0.002)
        wait_for(lambda lan=lan: daemon.answers(lan), 1, "it serving", every=0.002)
        spent = time.monotonic() - begun
        assert spent < 0.2 * PATIENCE, "served again only after %.3f s" % spent
    leases(busy)
    still_passing(lab, busy)
    assert len([w for lan in daemon.status()["lans"] for w in [lan.get("worker_pid")] if w]) in (0, 2)


def test_a_worker_killed_often_still_comes_back(lab, daemon, busy):
    for _ in range(5):
        worker = wait_for(daemon.worker_pid, 15, "a worker")
        os.kill(worker, signal.SIGKILL)
    wait_for(lambda: daemon.answers("lan0"), 20, "serving after repeated deaths")
    leases(busy)


def test_a_core_that_hangs_grants_nothing_afterwards(lab, daemon, busy):
    """The client was told 501; a mapping of which it does not know must not come later."""
    core = daemon.core_pid()
    os.kill(core, signal.SIGSTOP)
    try:
        assert fault(busy.call, "AddPortMapping", timeout=8, NewRemoteHost="", NewExternalPort=6000,
                     NewProtocol="TCP", NewInternalPort=6000, NewInternalClient=HOST_A, NewEnabled=1,
                     NewPortMappingDescription="late", NewLeaseDuration=0) == 501
        assert fault(busy.call, "DeletePortMapping", timeout=8, NewRemoteHost="",
                     NewExternalPort=5001, NewProtocol="UDP") == 501
    finally:
        os.kill(core, signal.SIGCONT)
    wait_for(lambda: daemon.answers("lan0"), 5, "serving")
    leases(busy)


def test_a_worker_stopped_is_replaced(lab, daemon):
    """The sign of life: a worker that hangs is as bad as a dead one."""
    worker = daemon.worker_pid("lan0")
    os.kill(worker, signal.SIGSTOP)
    wait_for(lambda: daemon.worker_pid("lan0") not in (None, worker), 60, "a new worker")
    wait_for(lambda: daemon.answers("lan0"), 2, "it serving")


def test_the_supervisor_killed(lab, daemon, busy):
    before = leases(busy)
    others = [p for pids in daemon.processes().values() for p in pids]
    os.kill(daemon.pid, signal.SIGKILL)
    daemon.proc.wait()
    wait_for(lambda: all(map(gone, others)), 2, "its children ending, too")
    still_passing(lab, busy)
    daemon.start()
    assert before["finite"] - 10 <= leases(busy)["finite"] <= before["finite"]
    still_passing(lab, busy)


def test_all_killed_at_once(lab, daemon, busy):
    before = leases(busy)
    daemon.kill_all()
    still_passing(lab, busy)
    daemon.start()
    assert before["finite"] - 10 <= leases(busy)["finite"] <= before["finite"]
    still_passing(lab, busy)


@pytest.mark.parametrize("victim", ["core", "worker"])
def test_killed_in_the_middle_of_requests(lab, daemon, busy, victim):
    """Whatever was answered "yes" is there afterwards."""
    granted = []
    for port in range(6000, 6040):
        if port == 6015:
            os.kill(daemon.core_pid() if victim == "core" else daemon.worker_pid("lan0"),
                    signal.SIGKILL)
        try:
            code = fault(busy.add, "TCP", port, HOST_A, 7000)
        except (OSError, AssertionError):
            code = -1
        if code == 0:
            granted.append(port)
    wait_for(lambda: daemon.answers("lan0"), 5, "serving")
    assert len(granted) >= 15
    wait_for(lambda: fault(busy.get, "TCP", 5000) == 0, 2, "answers again")
    ports = {int(e["NewExternalPort"]) for e in busy.entries()}
    assert set(granted) <= ports
    assert all(tcp_ask(lab.wan, WAN_GW, p, timeout=0.5) for p in granted)


def test_a_second_start_is_refused_with_the_pid_of_the_first(lab, daemon):
    command = daemon.command()
    done = lab.gw.run(*command, check=False, timeout=5)
    assert done.returncode not in (0, -15)
    assert str(daemon.pid) in done.stdout
    assert daemon.answers("lan0") and daemon.alive()


def test_a_second_daemon_with_its_own_directories_is_refused(lab, daemon, busy):
    """There is one table in a network namespace: two would restore it against each other."""
    second = lab.daemon("-o", "share=yes", "-o", "http_port=5555")
    since = daemon.log_size()
    for _ in range(12):  # more often than anything could queue up
        done = lab.gw.run(*second.command(), check=False, timeout=5)
        assert done.returncode == 1
        assert "pid %d" % daemon.core_pid() in done.stdout
    assert "was changed by" not in daemon.log(since)
    still_passing(lab, busy)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_well_within_a_second(lab, daemon, busy, number, keep):
    # Subscribers that never answer have held up others for minutes.
    silent = [keep(Subscriber(lab.b, HOST_B, busy.services[WANIP]["eventSubURL"], answer=False))
              for _ in range(2)]
    assert all(s.sid for s in silent)
    pids = daemon.all_pids()
    with Sniffer(lab.a, "eth0") as sniffer:
        begun = time.monotonic()
        daemon.signal(number)
        assert daemon.proc.wait(5) == 0
        spent = time.monotonic() - begun
        assert spent < 1 * PATIENCE, "took %.2f s" % spent
        assert all(map(gone, pids))
        wait_for(lambda: is_whole_set(notifies(sniffer, "ssdp:byebye")), 1, "byebye")
    assert os.listdir(daemon.run_dir) == [] or "control.sock" not in os.listdir(daemon.run_dir)
    # keep_mappings_on_exit is "yes" by default: traffic goes on while we are upgraded
    still_passing(lab, busy)
    daemon.start()
    leases(busy)
    still_passing(lab, busy)


def test_the_kernel_table_goes_at_the_end_if_so_configured(lab, keep):
    keep(TcpEcho(lab.a, 7000))
    daemon = lab.start("-o", "share=yes", "-o", "keep_mappings_on_exit=no")
    Igd.discover(lab.a).add("TCP", 5000, HOST_A, 7000)
    assert tcp_ask(lab.wan, WAN_GW, 5000)
    assert daemon.stop() == 0
    assert "portreeve" not in lab.gw.nft("list tables")
    assert tcp_ask(lab.wan, WAN_GW, 5000, timeout=0.2) is None
    # ... but not the leases
    daemon.start()
    assert tcp_ask(lab.wan, WAN_GW, 5000)
    assert daemon.stop() == 0


def test_what_is_kept_at_the_end_still_ends_by_itself(lab, keep):
    """With nobody of ours left, the kernel ends a lease a minute after its time at the latest."""
    daemon = lab.start("-o", "share=yes")
    Igd.discover(lab.a).add("TCP", 5000, HOST_A, 7000, lease=100)
    assert daemon.stop() == 0
    line = next(l for l in lab.gw.nft("list table inet portreeve").splitlines()
                if "5000" in l and "expires" in l)
    minutes = line.split("expires ")[1].split()[0]
    assert minutes.startswith("2m"), line
    lab.gw.run("nft", "delete table inet portreeve")


def test_a_lease_that_ended_while_nobody_ran_does_not_come_back(lab, keep):
    keep(TcpEcho(lab.a, 7000))
    daemon = lab.start("-o", "share=yes")
    Igd.discover(lab.a).add("TCP", 5000, HOST_A, 7000, lease=1)
    daemon.kill_all()
    time.sleep(1.2)  # the lease's time passes
    daemon.start()
    assert daemon.mappings() == []
    assert tcp_ask(lab.wan, WAN_GW, 5000, timeout=0.2) is None
    assert daemon.stop() == 0


def test_ctrl_c_in_a_terminal_reaches_all_and_ends_well(lab):
    """A terminal signals the whole process group: children must leave the order of things to us."""
    daemon = lab.start("-o", "share=yes")
    with Sniffer(lab.a, "eth0") as sniffer:
        os.killpg(daemon.pid, signal.SIGINT)
        try:
            assert daemon.proc.wait(3) == 0
        except subprocess.TimeoutExpired:
            pytest.fail("did not end")
        wait_for(lambda: is_whole_set(notifies(sniffer, "ssdp:byebye")), 1, "byebye")


def test_requests_during_the_goodbye_are_not_told_that_there_is_nothing(lab, daemon, busy):
    """libupnp takes the device away first: asked then, it would answer 404."""
    body = envelope(WANIP, "GetExternalIPAddress", {})
    url = busy.services[WANIP]["controlURL"]
    seen = set()
    daemon.signal(signal.SIGTERM)
    while daemon.alive():
        try:
            seen.add(soap_post(lab.a, url, WANIP, "GetExternalIPAddress", body).status)
        except OSError:
            time.sleep(0.001)
    assert seen <= {200, 503}
    daemon.start()
