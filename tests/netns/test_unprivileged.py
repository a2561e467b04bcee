# SPDX-License-Identifier: GPL-2.0-or-later
"""Who parses what the LAN sends has no rights; who has rights parses nothing."""
import os
import pwd
import subprocess

import pytest

from igd import Igd
from lab import HOST_A, HOST_C, LAN1_GW, STAGE, WAN_HOST, wait_for
from traffic import TcpEcho, UdpEcho, wait_ask

CAP_SETUID, CAP_NET_ADMIN, CAP_NET_RAW, CAP_SYS_MODULE, CAP_SYS_PTRACE, CAP_SYS_ADMIN = (
    7, 12, 13, 16, 19, 21)


def proc_status(pid):
    with open("/proc/%d/status" % pid, encoding="utf-8") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def caps(status, which):
    value = int(status[which], 16)
    return {bit for bit in range(64) if value >> bit & 1}


@pytest.fixture
def workers(gateway):
    return [proc_status(gateway.worker_pid(lan)) for lan in ("lan0", "lan1")]


def test_workers_are_nobody_in_particular(workers):
    try:
        uid = pwd.getpwnam("portreeve").pw_uid
    except KeyError:
        uid = pwd.getpwnam("nobody").pw_uid
    for status in workers:
        assert set(status["Uid"].split()) == {str(uid)}
        assert "0" not in status["Gid"].split()
        assert "0" not in status.get("Groups", "").split()


def test_workers_have_no_capability_and_no_way_to_one(workers):
    for status in workers:
        for which in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            assert caps(status, which) == set(), which
        assert status["NoNewPrivs"] == "1"
        assert status["Seccomp"] == "2"


def test_the_core_keeps_what_it_needs_and_no_more(gateway):
    status = proc_status(gateway.core_pid())
    for which in ("CapPrm", "CapEff", "CapBnd"):
        kept = caps(status, which)
        assert CAP_NET_ADMIN in kept or which == "CapBnd"
        assert not kept & {CAP_SYS_ADMIN, CAP_SYS_PTRACE, CAP_SYS_MODULE, CAP_NET_RAW, CAP_SETUID}
        assert len(kept) <= 6, kept
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"


def test_no_process_holds_descriptors_it_has_no_use_for(gateway):
    """A worker must not be able to reach the core's sockets, the database or the kernel tables."""
    for lan in ("lan0", "lan1"):
        folder = "/proc/%d/fd" % gateway.worker_pid(lan)
        for fd in os.listdir(folder):
            target = os.readlink(os.path.join(folder, fd))
            assert ".db" not in target and "control.sock" not in target, target


def test_only_the_core_links_netlink_and_only_workers_link_libupnp():
    def libraries(program):
        out = subprocess.run(["ldd", os.path.join(STAGE, program)], stdout=subprocess.PIPE,
                             text=True, check=True).stdout
        return {line.split()[0].split(".so")[0] for line in out.splitlines() if ".so" in line}
    core = libraries("libexec/portreeve/portreeve-core")
    worker = libraries("libexec/portreeve/portreeve-upnp")
    supervisor = libraries("sbin/portreeved")
    assert "libnftnl" in core and not {"libupnp", "libixml", "libexpat"} & core
    assert "libupnp" in worker and not {"libnftnl", "libsqlite3"} & worker
    assert not {"libupnp", "libixml", "libexpat", "libnftnl", "libsqlite3"} & supervisor


OURS = 64999  # an id that nobody has


@pytest.fixture
def own_user(lab, gateway):
    """A daemon on a system with a user portreeve: /etc/passwd and group are covered for it alone."""
    assert gateway.stop() == 0
    script = "set -e\n"
    for name, line in (("passwd", "portreeve:x:%d:%d::/:/bin/false\n"), ("group", "portreeve:x:%d:\n")):
        path = os.path.join(lab.tmp, name)
        with open("/etc/" + name, encoding="utf-8") as old, open(path, "w", encoding="utf-8") as new:
            new.writelines(l for l in old if not l.startswith("portreeve:"))
            new.write(line % ((OURS,) * line.count("%d")))
        script += "mount --bind %s /etc/%s\n" % (path, name)
    daemon = lab.start("-o", "share=yes",
                       wrap=["unshare", "-m", "sh", "-c", script + 'exec "$@"', "sh"])
    yield daemon
    assert daemon.stop() == 0
    gateway.start()


def test_workers_run_as_the_user_portreeve_where_there_is_one(own_user):
    for lan in ("lan0", "lan1"):
        status = proc_status(own_user.worker_pid(lan))
        assert set(status["Uid"].split()) == set(status["Gid"].split()) == {str(OURS)}
        assert status.get("Groups", "").split() in ([], [str(OURS)])
    assert "workers run as" not in own_user.log()


def test_that_user_can_send_nothing_into_the_wan(lab, own_user, keep):
    """A second layer: its packets may leave by LANs only."""
    heard = keep(UdpEcho(lab.wan, 9000))
    beside = keep(UdpEcho(lab.a, 9000))
    send = ("import socket, sys\ns = socket.socket(type=socket.SOCK_DGRAM)\n"
            "s.sendto(b'x', (sys.argv[1], 9000))")

    def try_to(address, *user):
        return lab.gw.run(*user, "/usr/bin/python3", "-c", send, address, check=False)
    as_worker = ["setpriv", "--reuid=%d" % OURS, "--clear-groups"]
    try_to(WAN_HOST, *as_worker)
    try_to(HOST_A, *as_worker)
    wait_for(lambda: beside.seen, 1, "its packet on the LAN")
    assert not heard.seen
    assert try_to(WAN_HOST).returncode == 0  # root may
    wait_for(lambda: heard.seen, 1, "root's packet on the WAN")
    assert len(heard.seen) == 1


def test_the_whole_daemon_runs_in_an_unprivileged_user_namespace(lab, keep):
    """With interfaces moved into it, as for a try-out by somebody who is not root."""
    script = (
        "set -e; echo ready; read -r go; "
        "ip link set lo up; ip link set wan9 up; ip link set lan9 up; "
        "ip addr add 203.0.113.9/24 dev wan9; ip addr add 192.168.9.1/24 dev lan9; "
        "ip route add default via %s; echo 1 >/proc/sys/net/ipv4/ip_forward; "
        "exec \"$@\"" % WAN_HOST)
    run, state = (os.path.join(lab.tmp, d) for d in ("user-run", "user-state"))
    for path in (run, state):
        os.mkdir(path)
    log = open(os.path.join(lab.tmp, "user-log"), "w+b")
    proc = subprocess.Popen(
        ["unshare", "-Urn", "sh", "-c", script, "sh", os.path.join(STAGE, "sbin", "portreeved"),
         "--run-dir", run, "--state-dir", state, "--wan", "wan9", "--lan", "lan9", "-o",
         "share=yes"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
    try:
        assert proc.stdout.readline() == b"ready\n"
        for ifname, bridge in (("wan9", "brw"), ("lan9", "br1")):
            subprocess.run(["ip", "-n", lab.sw.name, "link", "add", "u-" + ifname, "type", "veth",
                            "peer", "name", ifname, "netns", str(proc.pid)], check=True)
            lab.sw.ip("link set u-%s master %s" % (ifname, bridge), "link set u-%s up" % ifname)
        lab.c.ip("addr flush dev eth0", "addr add 192.168.9.10/24 dev eth0",
                 "route replace default via 192.168.9.1")
        keep(TcpEcho(lab.c, 7000))
        proc.stdin.write(b"go\n")
        proc.stdin.flush()
        igd = Igd.discover(lab.c, 10, "http://192.168.9.1:")
        assert igd.call("GetExternalIPAddress") == {"NewExternalIPAddress": "203.0.113.9"}
        igd.add("TCP", 5000, "192.168.9.10", 7000)
        wait_ask("TCP", lab.wan, "203.0.113.9", 5000, "c")
        proc.terminate()
        assert proc.wait(5) == 0
    except BaseException:
        log.seek(0)
        print(log.read().decode(errors="replace"))
        raise
    finally:
        proc.kill()
        proc.wait()
        log.close()
        lab.c.ip("addr flush dev eth0", "addr add %s/24 dev eth0" % HOST_C,
                 "route replace default via " + LAN1_GW)


def test_an_unknown_worker_user_falls_back_and_says_so(lab, gateway):
    assert gateway.stop() == 0
    daemon = lab.start("-o", "share=yes", "-o", "worker_user=no-such-user")
    assert "no-such-user" in daemon.log()
    assert proc_status(daemon.worker_pid())["Uid"].split()[0] == str(pwd.getpwnam("nobody").pw_uid)
    assert Igd.discover(lab.a).add("TCP", 5000, HOST_A) == {}
    assert daemon.stop() == 0
    gateway.start()
