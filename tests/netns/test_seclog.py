# SPDX-License-Identifier: GPL-2.0-or-later
"""The security log: what the firewall drops and what is opened, as the Windows firewall wrote it."""
import os
import re
import signal
import socket
import time

import pytest

from igd import Igd
from lab import HOST_A, LAN0_GW, Output, STAGE, WAN_GW, WAN_HOST, Lab, wait_for
from traffic import TcpEcho, tcp_ask, udp_ask

COMM = "portreeve-seclog"[:15]  # as the kernel has it
FIELDS = ("date time action protocol src-ip dst-ip src-port dst-port size tcpflags tcpsyn tcpack "
          "tcpwin icmptype icmpcode info path").split()


@pytest.fixture(scope="module")
def lab():
    with Lab(second_lan=False) as made:
        yield made


@pytest.fixture(scope="module")
def path(lab):
    return os.path.join(lab.tmp, "log", "security.log")


@pytest.fixture(scope="module")
def conf(lab):
    return lab.write_conf("log_rate = 1000\n")


@pytest.fixture(scope="module")
def gateway(lab, path, conf):
    daemon = lab.start("-c", conf, "-o", "share=yes", "-o", "dhcp=no", "-o", "firewall=own", "-o",
                       "security_log=" + path, "-o", "log_opened=yes", "-o",
                       "security_log_kib=64")
    wait_for(lambda: os.path.exists(path), 5, "the file")
    yield daemon
    assert daemon.stop() == 0


@pytest.fixture
def load(lab, gateway):
    def load(text):
        lab.write_conf(text)
        gateway.reload()
    yield load
    load("log_rate = 1000\n")


def rows(*paths):
    """The lines of the files that are there; AssertionError for what is none."""
    found = []
    for path in filter(os.path.exists, paths):
        with open(path, encoding="ascii") as f:
            for line in f:
                if line.startswith("#") or not line.strip():
                    continue
                words = line.split()
                assert line.endswith("\n") and len(words) == len(FIELDS), line
                found.append(dict(zip(FIELDS, words)))
    return found


def wait_row(log, **fields):
    def look():
        return [row for row in rows(log)
                if all(row[name.replace("_", "-")] == str(value)
                       for name, value in fields.items())]
    return wait_for(look, 5, "a line with %r" % fields)[0]


def test_the_head_names_the_fields(gateway, path):
    with open(path, encoding="ascii") as f:
        head = f.read()
    assert head.startswith("#Version: ")
    assert "#Fields: " + " ".join(FIELDS) + "\n" in head


def test_a_dropped_packet_is_a_line(lab, gateway, path):
    assert tcp_ask(lab.wan, WAN_GW, 4444, sport=40001, timeout=0.2) is None
    row = wait_row(path, action="DROP", protocol="TCP", src_ip=WAN_HOST, dst_ip=WAN_GW,
                   src_port=40001, dst_port=4444)
    assert row["path"] == "RECEIVE" and row["tcpflags"] == "S" and int(row["size"]) >= 40
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", row["date"] + " " + row["time"])
    assert udp_ask(lab.wan, WAN_GW, 4445, timeout=0.2) is None
    wait_row(path, action="DROP", protocol="UDP", dst_port=4445, tcpflags="-")
    with lab.wan.socket(kind=socket.SOCK_RAW, proto=socket.IPPROTO_ICMP) as sock:
        sock.sendto(bytes([8, 0, 0xf7, 0xff, 0, 0, 0, 0]), (WAN_GW, 0))
    wait_row(path, action="DROP", protocol="ICMP", icmptype=8, icmpcode=0)


def test_a_forwarded_packet_that_is_dropped_says_so(lab, gateway, path):
    lab.wan.ip("route replace 192.168.1.0/24 via " + WAN_GW)
    assert tcp_ask(lab.wan, HOST_A, 4446, timeout=0.2) is None
    wait_row(path, action="DROP", dst_ip=HOST_A, dst_port=4446, path="FORWARD")


def test_opened_connections_are_a_line_each_from_either_side(lab, gateway, path, keep):
    keep(TcpEcho(lab.a, 7000))
    keep(TcpEcho(lab.wan, 7100))
    Igd.discover(lab.a).add("TCP", 5300, HOST_A, 7000)
    assert tcp_ask(lab.wan, WAN_GW, 5300)
    assert tcp_ask(lab.a, WAN_HOST, 7100)
    wait_row(path, action="OPEN-INBOUND", src_ip=WAN_HOST, dst_ip=HOST_A, dst_port=7000)
    wait_row(path, action="OPEN", src_ip=HOST_A, dst_ip=WAN_HOST, dst_port=7100)
    again = [row for row in rows(path) if row["action"] == "OPEN" and row["dst-port"] == "7100"]
    assert len(again) == 1


def test_connections_to_the_gateways_own_services_are_lines_too(lab, gateway, path, keep, load):
    load("log_rate = 1000\nopen = {ssh}\n")
    keep(TcpEcho(lab.gw, 22))
    keep(TcpEcho(lab.gw, 7002))
    gateway.cli("add", "tcp", "5302", LAN0_GW + ":7002")
    for sport, port, inside in ((40021, 22, 22), (40022, 5302, 7002)):
        assert tcp_ask(lab.wan, WAN_GW, port, sport=sport)[0] == "gw"
        wait_row(path, action="OPEN-INBOUND", src_port=sport, dst_port=inside, path="RECEIVE")
        assert len([row for row in rows(path) if row["src-port"] == str(sport)]) == 1


def test_drops_are_watched(lab, gateway, path, keep):
    live = keep(Output(gateway.ns, os.path.join(STAGE, "bin", "portreeve"), "watch", "--drops",
                       "--run-dir", gateway.run_dir))
    live.wait("dropped")  # those that are there tell that it has begun
    since = len(live.text)
    udp_ask(lab.wan, WAN_GW, 4460, timeout=0.1)
    live.wait("dropped", "port 4460", since=since)
    live.proc.send_signal(signal.SIGINT)
    assert live.proc.wait(5) == 0


@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_watching_follows_nothing_that_its_writer_could_put_there(gateway, path, kind):
    os.rename(path, path + ".aside")
    try:
        if kind == "link":
            os.symlink(path + ".aside", path)
        else:
            os.mkfifo(path)
        done = gateway.cli("watch", "--drops", check=False, timeout=5)
    finally:
        os.unlink(path)
        os.rename(path + ".aside", path)
    assert done.returncode != 0
    assert path in done.stdout and "DROP" not in done.stdout and "dropped" not in done.stdout


def test_who_writes_it_has_no_rights(gateway):
    pid = gateway.processes()[COMM][0]
    with open("/proc/%d/status" % pid, encoding="ascii") as f:
        status = dict(line.split(":\t", 1) for line in f.read().splitlines() if ":\t" in line)
    assert status["Uid"].split()[0] != "0"
    assert {int(status[cap], 16) for cap in ("CapEff", "CapPrm", "CapInh", "CapAmb")} == {0}
    assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"


def test_who_writes_it_comes_back_when_killed(lab, gateway, path):
    pid = gateway.processes()[COMM][0]
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: gateway.processes().get(COMM, [pid])[0] != pid, 5, "another one")

    def logged():
        udp_ask(lab.wan, WAN_GW, 4470, timeout=0.1)
        return any(row["dst-port"] == "4470" for row in rows(path))
    wait_for(logged, 5, "a line of the new one")


def test_a_flood_keeps_to_the_limit_of_size(lab, gateway, path):
    sock = lab.wan.socket(kind=socket.SOCK_DGRAM)

    def flood():
        for port in range(10000, 10200):
            sock.sendto(b"x" * 20, (WAN_GW, port))
        return os.path.exists(path + ".old")
    with sock:
        wait_for(flood, 20, "the old file", every=0.1)
    assert os.path.getsize(path) <= 64 * 1024 and os.path.getsize(path + ".old") <= 64 * 1024
    assert rows(path + ".old")


def test_packets_of_a_mapping_are_no_drops(lab, gateway, path, keep):
    keep(TcpEcho(lab.a, 7001))
    Igd.discover(lab.a).add("TCP", 5301, HOST_A, 7001)
    assert tcp_ask(lab.wan, WAN_GW, 5301, sport=40009)
    wait_row(path, action="OPEN-INBOUND", src_port=40009)
    assert not [row for row in rows(path)
                if row["action"] == "DROP" and row["src-port"] == "40009"]


def test_no_more_than_the_rate_is_logged(lab, gateway, path, load):
    """Twice the rate at once, then the rate."""
    load("log_rate = 10\n")
    with lab.wan.socket(kind=socket.SOCK_DGRAM) as sock:
        sock.bind(("", 40031))
        begin = time.monotonic()
        while time.monotonic() < begin + 1:
            sock.sendto(b"x", (WAN_GW, 4480))
        took = time.monotonic() - begin
    load("log_rate = 1000\n")

    def logged():
        return [row for row in rows(path + ".old", path) if row["src-port"] == "40031"]
    assert udp_ask(lab.wan, WAN_GW, 4481, timeout=0.1) is None
    wait_row(path, dst_port=4481)  # it comes behind all of them
    assert 20 <= len(logged()) <= 20 + 10 * took + 1


def test_a_directory_of_somebody_else_is_said(lab):
    place = os.path.join(lab.tmp, "theirs")
    os.mkdir(place, 0o755)
    daemon = lab.daemon("-o", "security_log=%s/x.log" % place, lans=[], ns=lab.b)
    daemon.start(wait=False)
    daemon.wait_log("its directory must belong to user", seconds=5)
    assert daemon.stop() == 0
