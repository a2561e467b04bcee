# SPDX-License-Identifier: GPL-2.0-or-later
"""portreeve list: filters, order, the live view, and what a terminal gets."""
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios

import pytest

from igd import Firewall, Igd, fault
from lab import HOST6_A, HOST_A, HOST_B, Lab, Output, STAGE, WAN_GW, wait_for
from traffic import TcpEcho, UdpEcho, socket_for, udp_ask

PROGRAM = os.path.join(STAGE, "bin", "portreeve")


@pytest.fixture
def three(lab, gateway, igd):
    """Two of host a's, one of which was used, and one of host b's."""
    igd.add("TCP", 5200, HOST_A, 7000, lease=3600, description="one")
    igd.add("UDP", 5201, HOST_A, 7001, lease=600, description="two")
    igd.seen_from(lab.b).add("TCP", 5199, HOST_B, 7002, lease=1200, description="three")


def shown(gateway, *options):
    return [m["description"] for m in gateway.cli_json("list", *options)["mappings"]]


def test_filters_narrow_the_list(gateway, three):
    assert shown(gateway) == ["one", "two", "three"]
    assert shown(gateway, "--client", HOST_A) == ["one", "two"]
    assert shown(gateway, "--client", HOST_A, "--proto", "udp") == ["two"]
    assert shown(gateway, "--port", "7002") == ["three"]
    assert shown(gateway, "--origin", "static") == []
    gateway.cli("add", "tcp", 5210, HOST_A, "--description", "four")
    assert shown(gateway, "--origin", "static") == ["four"]


def test_order_is_as_asked_for(gateway, three):
    assert shown(gateway, "--sort", "port") == ["three", "one", "two"]
    assert shown(gateway, "--sort", "left") == ["two", "three", "one"]


def test_unused_are_those_without_traffic(lab, gateway, three, keep):
    assert shown(gateway, "--unused") == ["one", "two", "three"]
    keep(UdpEcho(lab.a, 7001))
    wait_for(lambda: udp_ask(lab.wan, WAN_GW, 5201), 5, "an echo")
    assert shown(gateway, "--unused") == ["one", "three"]


@pytest.mark.parametrize("options", [("--proto", "icmpx"), ("--port", "70000"),
                                     ("--origin", "me"), ("--sort", "name")])
def test_what_makes_no_sense_is_usage(gateway, options):
    done = gateway.cli("list", *options, check=False)
    assert done.returncode == 2
    assert options[0] in done.stdout


def test_a_filter_goes_with_the_list_only(gateway):
    done = gateway.cli("status", "--sort", "port", check=False)
    assert done.returncode == 2 and "--sort" in done.stdout


def test_the_live_view_follows_changes(gateway, igd, keep):
    live = keep(Output(gateway.ns, PROGRAM, "list", "--watch", "--run-dir", gateway.run_dir))
    live.wait("There are no mappings.")
    igd.add("TCP", 5200, HOST_A, 7000, description="comes")
    live.wait("comes")
    since = len(live.text)
    igd.delete("TCP", 5200)
    live.wait("There are no mappings.", since=since)
    live.proc.send_signal(signal.SIGINT)
    assert live.proc.wait(5) == 0


def test_the_live_view_for_programs_is_an_object_for_each_change(gateway, igd, keep):
    live = keep(Output(gateway.ns, PROGRAM, "list", "--watch", "--json", "--run-dir",
                       gateway.run_dir))
    wait_for(lambda: len(live.lines()) >= 1, 5, "the first object")
    igd.add("TCP", 5200, HOST_A, 7000, description="comes")
    wait_for(lambda: "comes" in live.text, 5, "the change")
    wait_for(lambda: live.text.endswith("\n"), 5, "whole lines")
    assert all(set(json.loads(line)) == {"mappings", "pinholes"} for line in live.lines())


def test_the_live_view_ends_with_the_daemon(lab, keep):
    daemon = lab.daemon(wan="wan0", lans=[], ns=lab.a)
    daemon.start(wait=False)
    wait_for(daemon.status_if_up, 5, "the socket")
    live = keep(Output(daemon.ns, PROGRAM, "list", "--watch", "--run-dir", daemon.run_dir))
    live.wait("There are no mappings.")
    daemon.stop()
    assert live.proc.wait(5) == 3
    assert "portreeve: " in live.text


# ---- the life of one ----

def test_show_tells_the_flows_and_the_whole_life_of_a_mapping(lab, gateway, igd, keep):
    lab.gw.sysctl("net.netfilter.nf_conntrack_acct", 1)
    keep(TcpEcho(lab.a, 7000))
    igd.add("TCP", 5200, HOST_A, 7000, lease=3600)
    igd.add("TCP", 5200, HOST_A, 7000, lease=7200)
    ident = gateway.cli_json("list")["mappings"][0]["id"]
    assert gateway.cli_json("show", ident)["flows"] == []
    sock = keep(socket_for(lab.wan, WAN_GW))
    sock.settimeout(5)
    sock.connect((WAN_GW, 5200))
    assert sock.recv(100)
    told = gateway.cli_json("show", ident)
    flow, = told["flows"]
    assert (flow["peer"], flow["peer_port"]) == sock.getsockname()
    assert flow["answered"] is True and flow["packets_in"] >= 2 and flow["octets_out"] > 0
    assert told["connections"] == 1
    assert [row["action"] for row in told["trail"]] == ["add", "renew"]
    text = gateway.cli("show", ident).stdout
    assert "%s:%d, both ways" % sock.getsockname() in text and "renew" in text


def test_flows_of_other_mappings_are_not_told(lab, gateway, igd, keep):
    keep(TcpEcho(lab.a, 7000))
    igd.add("TCP", 5200, HOST_A, 7000)
    igd.add("TCP", 5201, HOST_A, 7000)
    first, second = [m["id"] for m in gateway.cli_json("list")["mappings"]]
    sock = keep(socket_for(lab.wan, WAN_GW))
    sock.settimeout(5)
    sock.connect((WAN_GW, 5201))
    assert sock.recv(100)
    assert len(gateway.cli_json("show", second)["flows"]) == 1
    # Those that port 5200 had in another test end with the next sweep, at most a second later.
    wait_for(lambda: gateway.cli_json("show", first)["flows"] == [], 3, "no flows of the first")
    assert len(gateway.cli_json("show", second)["flows"]) == 1


# ---- terminals ----

def on_terminal(gateway, columns, *words, statuses=(0,), **environment):
    """What the program prints on a terminal that wide."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    with gateway.ns:
        proc = subprocess.Popen([PROGRAM, *words, "--run-dir", gateway.run_dir], stdin=slave,
                                stdout=slave, stderr=slave,
                                env={"TERM": "xterm", "PATH": os.environ["PATH"], **environment})
    os.close(slave)
    data = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:
            break
        if not piece:
            break
        data += piece
    os.close(master)
    assert proc.wait(5) in statuses
    return data.decode()


class Screen:
    """A verb that goes on and on, on a terminal that may be resized."""

    def __init__(self, gateway, columns, *words):
        self.text = ""
        self.master, slave = pty.openpty()
        self.resize(columns)
        with gateway.ns:
            self.proc = subprocess.Popen([PROGRAM, *words, "--run-dir", gateway.run_dir],
                                         stdin=slave, stdout=slave, stderr=slave,
                                         env={"TERM": "xterm", "PATH": os.environ["PATH"]})
        os.close(slave)

    def resize(self, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))

    def read(self, seconds):
        """What came until it was silent for so long."""
        data = b""
        while select.select([self.master], [], [], seconds)[0]:
            data += os.read(self.master, 65536)
        self.text += data.decode()
        return self.text

    def pictures(self):
        """The widths of the widest lines of those that are whole."""
        return [max(len(line) for line in plain(part).splitlines())
                for part in self.text.split("\033[H\033[2J")[1:-1]]

    def close(self):
        self.proc.send_signal(signal.SIGINT)
        try:
            assert self.proc.wait(5) == 0
        finally:
            os.close(self.master)


def plain(text):
    return re.sub("\033\\[[0-9]*m", "", text)


def test_a_terminal_gets_colours_and_its_own_width(gateway, igd):
    igd.add("TCP", 5200, HOST_A, 7000, description="long " * 40)
    text = on_terminal(gateway, 140, "list")
    assert "\033[1m" in text
    assert max(len(line) for line in plain(text).splitlines()) == 140
    assert max(len(line) for line in gateway.cli("list").stdout.splitlines()) == 100


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": ""}])
def test_colours_can_be_refused(gateway, igd, environment):
    igd.add("TCP", 5200, HOST_A, 7000)
    assert "\033" not in on_terminal(gateway, 80, "list", **environment)


def test_what_is_no_terminal_gets_no_colours(gateway, igd):
    igd.add("TCP", 5200, HOST_A, 7000)
    assert "\033" not in gateway.cli("list").stdout


READING = [("status",), ("list",), ("show", "1"), ("show", "p1"), ("audit",), ("audit", "trail"),
           ("doctor",), ("explain", HOST_A, "tcp", "80"), ("explain", "--last", HOST_A)]


@pytest.fixture(scope="module")
def long_lived():
    """A gateway with something to tell by each of those."""
    with Lab() as lab:
        lab.add_ipv6()
        daemon = lab.start("-o", "share=yes", "-o", "dhcp=no", "-o", "firewall=own", "-o",
                           "secure=no")
        a = Igd.discover(lab.a)
        a.add("TCP", 5200, HOST_A, 7000, lease=3600, description="ünïcødé-" * 10)
        Firewall.discover(lab.a).open(HOST6_A, 7000)
        assert fault(a.add, "TCP", 80, HOST_A, 7000) == 606
        yield daemon
        assert daemon.stop() == 0


@pytest.mark.parametrize("words", READING, ids=" ".join)
@pytest.mark.parametrize("columns", [40, 60, 80, 133])
def test_every_verb_fits_every_terminal(long_lived, words, columns):
    text = on_terminal(long_lived, columns, *words, statuses=(0, 1, 2))
    lines = plain(text).splitlines()
    assert len(lines) > 1
    assert max(len(line) for line in lines) <= columns, text
    assert words[-1] != "trail" or all(line.strip() for line in lines), text


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_every_verb_obeys_no_color(long_lived, words):
    text = on_terminal(long_lived, 80, *words, statuses=(0, 1, 2), NO_COLOR="1")
    assert text.strip() and "\033" not in text


def test_watch_fits_the_terminal_too(long_lived, keep):
    screen = keep(Screen(long_lived, 60, "watch"))

    def told():  # whenever it has begun to listen
        long_lived.cli("add", "udp", 5300, HOST_A, "--remote", "203.0.113.203", "--description",
                       "a long description that needs more than a line of this terminal")
        long_lived.cli("delete", "udp", 5300, "--remote", "203.0.113.203")
        text = screen.read(0.2)
        return "added" in text and "deleted" in text
    wait_for(told, 5, "changes")
    lines = plain(screen.text).splitlines()
    assert "\033[32madded" in screen.text and len(lines) > 2
    assert max(len(line) for line in lines) <= 60, screen.text


def test_the_live_view_follows_the_size_of_the_terminal(long_lived, keep):
    screen = keep(Screen(long_lived, 133, "list", "--watch"))
    wait_for(lambda: screen.read(0.1) and 133 in screen.pictures(), 5, "a wide picture")
    screen.resize(70)
    wait_for(lambda: screen.read(0.1) and screen.pictures()[-1] <= 70, 5, "a narrow picture")


def test_times_are_for_people(long_lived):
    text = long_lived.cli("show", 1).stdout
    assert re.search(r"^created      \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC \((\d+m )?\d+s ago\)$",
                     text, re.M)
