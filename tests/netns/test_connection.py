# SPDX-License-Identifier: GPL-2.0-or-later
"""
The connection as clients may manage it: the configured commands run, and what is told is what the
line shows.
"""
import os
import threading
import time

import pytest

from igd import IGD2, WANIP, WANIP2, Igd, Subscriber, fault, msearch
from lab import HOST_A, PATIENCE, WAN_GW, WAN_HOST, wait_for
from traffic import TcpEcho, tcp_ask, udp_ask

# Waits until the file "go" is there, notes what it was told, and does the rest.
COMMAND = """#!/bin/sh
echo "$PORTREEVE_ACTION $PORTREEVE_WAN $*" >> "%(dir)s/told"
n=0
while [ ! -e "%(dir)s/go" ] && [ $n -lt 400 ]; do sleep 0.05; n=$((n + 1)); done
%(act)s
"""


class Line:
    """on_connect and on_disconnect, which take wan0 up and down."""

    def __init__(self, lab):
        self.dir = os.path.join(lab.tmp, "hooks")
        os.makedirs(self.dir, exist_ok=True)
        for name in os.listdir(self.dir):
            os.unlink(os.path.join(self.dir, name))
        self.write("connect", "ip link set wan0 up && ip route add default via " + WAN_HOST)
        self.write("disconnect", "ip link set wan0 down")
        self.go()

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, act):
        with open(self.path(name), "w", encoding="ascii") as f:
            f.write(COMMAND % {"dir": self.dir, "act": act})
        os.chmod(self.path(name), 0o755)

    def options(self):
        return ["-o", "on_connect=%s up now" % self.path("connect"),
                "-o", "on_disconnect=" + self.path("disconnect")]

    def go(self):
        with open(self.path("go"), "w", encoding="ascii"):
            pass

    def hold(self):
        os.unlink(self.path("go"))

    def told(self):
        if not os.path.exists(self.path("told")):
            return []
        with open(self.path("told"), encoding="utf-8") as f:
            return f.read().splitlines()


class Connection(Igd):
    """WANIPConnection:2 as host a sees it."""

    def call(self, action, service=WANIP2, timeout=5.0, **args):
        return super().call(action, service, timeout, **args)

    @classmethod
    def discover(cls, ns, seconds=5):
        return cls(ns, wait_for(lambda: msearch(ns, IGD2, wait=0.5), seconds,
                                "an answer to M-SEARCH")[0]["LOCATION"])

    def status(self):
        info = self.call("GetStatusInfo")
        return info["NewConnectionStatus"], info["NewLastConnectionError"]

    def wait(self, status, error, seconds=3):
        wait_for(lambda: self.status() == (status, error), seconds,
                 "%s, %s; it is %s" % (status, error, self.status()))


def version_1(con):
    """The name of version 1 at the service of version 2."""
    con.services[WANIP] = con.services[WANIP2]
    return WANIP


@pytest.fixture
def line(lab):
    made = Line(lab)
    yield made
    lab.gw.ip("link set wan0 up")
    lab.gw.ip("addr replace %s/24 dev wan0" % WAN_GW, "route replace default via " + WAN_HOST)


@pytest.fixture
def start(lab, line):
    """start(with commands?) starts a daemon and returns it and the connection it shows."""
    started = []

    def make(commands=True, **kwargs):
        options = line.options() if commands else []
        started.append(lab.start("-o", "share=yes", *options, **kwargs))
        return started[-1], Connection.discover(lab.a)
    yield make
    for daemon in started:
        assert daemon.stop() == 0


# ---- the line as it is ----

def test_without_commands_clients_can_only_look(lab, start):
    _, con = start(commands=False)
    for action in ("RequestTermination", "ForceTermination"):
        assert fault(con.call, action) == 606
    assert con.call("RequestConnection") == {}
    assert con.status() == ("Connected", "ERROR_NONE")
    lab.gw.ip("link set wan0 down")
    con.wait("Disconnected", "ERROR_NO_CARRIER")
    assert fault(con.call, "RequestConnection") == 704
    for time_of in ("AutoDisconnectTime", "IdleDisconnectTime", "WarnDisconnectDelay"):
        assert fault(con.call, "Set" + time_of, **{"New" + time_of: 60}) == 606
        assert con.call("Get" + time_of) == {"New" + time_of: "0"}


def test_the_state_is_that_of_link_and_address(lab, start, keep):
    _, con = start()
    told = keep(Subscriber(lab.a, HOST_A, con.services[WANIP2]["eventSubURL"]))
    told.wait(ConnectionStatus="Connected", ExternalIPAddress=WAN_GW)
    before = int(con.call("GetStatusInfo")["NewUptime"])
    wait_for(lambda: int(con.call("GetStatusInfo")["NewUptime"]) > before, 3, "uptime growing")

    lab.sw.ip("link set gw-wan0 down")  # the cable
    told.wait(ConnectionStatus="Disconnected", ExternalIPAddress="", seconds=3)
    assert con.status() == ("Disconnected", "ERROR_NO_CARRIER")
    assert con.call("GetStatusInfo")["NewUptime"] == "0"
    assert con.call("GetExternalIPAddress") == {"NewExternalIPAddress": ""}
    lab.sw.ip("link set gw-wan0 up")
    told.wait(ConnectionStatus="Connected", ExternalIPAddress=WAN_GW, seconds=3)
    assert con.status() == ("Connected", "ERROR_NONE")
    assert int(con.call("GetStatusInfo")["NewUptime"]) <= 3 * PATIENCE

    lab.gw.ip("addr del %s/24 dev wan0" % WAN_GW)  # the provider
    con.wait("Disconnected", "ERROR_ISP_DISCONNECT")
    lab.gw.ip("addr add 203.0.113.77/24 dev wan0")
    told.wait(ConnectionStatus="Connected", ExternalIPAddress="203.0.113.77", seconds=3)
    assert con.status() == ("Connected", "ERROR_NONE")
    lab.gw.ip("addr del 203.0.113.77/24 dev wan0")


def test_a_gateway_without_a_wan_is_not_configured(lab, line, start):
    lab.gw.ip("route del default")
    daemon, con = start(wan=None)
    assert con.status() == ("Unconfigured", "ERROR_NONE")
    for action in ("RequestConnection", "RequestTermination", "ForceTermination"):
        assert fault(con.call, action) == 706
    assert line.told() == []
    lab.gw.ip("route add default via " + WAN_HOST)
    con.wait("Connected", "ERROR_NONE")
    assert daemon.status()["wan"]["interface"] == "wan0"


# ---- the commands ----

def test_clients_take_the_line_down_and_up(lab, line, start, keep):
    _, con = start()
    told = keep(Subscriber(lab.a, HOST_A, con.services[WANIP2]["eventSubURL"]))
    told.wait(ConnectionStatus="Connected")
    line.hold()
    assert con.call("ForceTermination") == {}
    told.wait(ConnectionStatus="Disconnecting")
    assert con.status() == ("Disconnecting", "ERROR_NONE")
    for action in ("RequestConnection", "RequestTermination", "ForceTermination"):
        assert fault(con.call, action) == 707
    line.go()
    told.wait(ConnectionStatus="Disconnected", ExternalIPAddress="", seconds=3)
    assert con.status() == ("Disconnected", "ERROR_FORCED_DISCONNECT")
    assert line.told() == ["disconnect wan0 "]
    for action in ("RequestTermination", "ForceTermination"):
        assert fault(con.call, action) == 711

    line.hold()
    assert con.call("RequestConnection") == {}
    told.wait(ConnectionStatus="Connecting")
    assert con.status()[0] == "Connecting"
    assert fault(con.call, "RequestConnection") == 705
    line.go()
    told.wait(ConnectionStatus="Connected", ExternalIPAddress=WAN_GW, seconds=3)
    assert con.status() == ("Connected", "ERROR_NONE")
    assert line.told()[1:] == ["connect wan0 up now"]
    assert [v["ConnectionStatus"] for _, _, v, _ in told.events if "ConnectionStatus" in v] == [
        "Connected", "Disconnecting", "Disconnected", "Connecting", "Connected"]


def test_a_client_of_version_1_may_do_the_same(lab, line, start):
    _, con = start()
    con.call("ForceTermination", version_1(con))
    con.wait("Disconnected", "ERROR_FORCED_DISCONNECT")
    con.call("RequestConnection", version_1(con))
    con.wait("Connected", "ERROR_NONE")


def test_mappings_wait_for_the_line(lab, line, start, keep):
    _, con = start()
    keep(TcpEcho(lab.a, 7000))
    con.add("TCP", 5000, HOST_A, 7000, lease=600)
    assert tcp_ask(lab.wan, WAN_GW, 5000)
    con.call("ForceTermination")
    con.wait("Disconnected", "ERROR_FORCED_DISCONNECT")
    assert con.get("TCP", 5000)
    con.call("RequestConnection")
    con.wait("Connected", "ERROR_NONE")
    wait_for(lambda: tcp_ask(lab.wan, WAN_GW, 5000, timeout=0.3), 3, "the mapping")


def test_a_command_that_fails_is_told(lab, line, start):
    _, con = start()
    line.write("disconnect", "exit 3")
    con.call("ForceTermination")
    con.wait("Connected", "ERROR_COMMAND_ABORTED")
    line.write("disconnect", "ip link set wan0 down")
    con.call("RequestTermination")
    con.wait("Disconnected", "ERROR_USER_DISCONNECT")
    line.write("connect", "exit 1")
    con.call("RequestConnection")
    wait_for(lambda: len(line.told()) == 3, 3, "the command being run")
    con.wait("Disconnected", "ERROR_UNKNOWN")
    lab.gw.ip("link set wan0 up")  # somebody else does it
    con.wait("Connected", "ERROR_NONE")


def test_a_termination_while_connecting_wins(lab, line, start):
    _, con = start()
    con.call("ForceTermination")
    con.wait("Disconnected", "ERROR_FORCED_DISCONNECT")
    line.hold()
    con.call("RequestConnection")
    assert con.status()[0] == "Connecting"
    con.call("ForceTermination")
    line.go()
    con.wait("Disconnected", "ERROR_FORCED_DISCONNECT")
    wait_for(lambda: line.told()[-1] == "disconnect wan0 ", 2, "the command being run")


# ---- times ----

def test_times_are_kept_and_survive_a_restart(lab, start):
    daemon, con = start()
    wanted = {"AutoDisconnectTime": 86400, "IdleDisconnectTime": 3600, "WarnDisconnectDelay": 90}
    for name, seconds in wanted.items():
        assert con.call("Get" + name) == {"New" + name: "0"}
        assert con.call("Set" + name, **{"New" + name: seconds}) == {}
    for _ in range(2):
        for name, seconds in wanted.items():
            assert con.call("Get" + name) == {"New" + name: str(seconds)}
        daemon.restart()
        con = Connection.discover(lab.a)
    for name in wanted:
        assert fault(con.call, "Set" + name, **{"New" + name: "soon"}) == 402
        con.call("Set" + name, **{"New" + name: 0})


def test_clients_are_warned_before_the_line_goes(lab, line, start, keep):
    _, con = start()
    con.call("SetWarnDisconnectDelay", NewWarnDisconnectDelay=2)
    told = keep(Subscriber(lab.a, HOST_A, con.services[WANIP2]["eventSubURL"]))
    told.wait(ConnectionStatus="Connected")
    con.call("RequestTermination")
    told.wait(ConnectionStatus="PendingDisconnect")
    assert fault(con.call, "RequestTermination") == 707
    assert con.call("RequestConnection") == {}  # one changes one's mind
    told.wait(ConnectionStatus="Connected")
    assert line.told() == []
    begun = time.monotonic()
    con.call("RequestTermination")
    told.wait(ConnectionStatus="Disconnected", seconds=5)
    assert time.monotonic() - begun > 1.9
    assert con.status() == ("Disconnected", "ERROR_USER_DISCONNECT")
    con.call("RequestConnection")
    con.wait("Connected", "ERROR_NONE")
    con.call("RequestTermination")
    con.call("ForceTermination")  # without delay
    con.wait("Disconnected", "ERROR_FORCED_DISCONNECT", seconds=1.5)


def test_a_line_goes_after_its_longest_time(lab, line, start):
    _, con = start()
    up = int(con.call("GetStatusInfo")["NewUptime"])
    con.call("SetAutoDisconnectTime", NewAutoDisconnectTime=up + 3)
    con.wait("Disconnected", "ERROR_USER_DISCONNECT", seconds=8)
    con.call("RequestConnection")  # and is taken up again for as long
    con.wait("Connected", "ERROR_NONE")
    con.wait("Disconnected", "ERROR_USER_DISCONNECT", seconds=8)


def test_an_idle_line_goes_and_a_busy_one_stays(lab, line, start, keep):
    for ns, ifname in ((lab.gw, "wan0"), (lab.wan, "eth0"), (lab.wan2, "eth0")):
        ns.sysctl("net.ipv6.conf.%s.disable_ipv6" % ifname, 1)  # it talks by itself
    _, con = start()
    keep(TcpEcho(lab.wan, 9000))
    stop = threading.Event()

    def talk():
        while not stop.wait(0.3):
            udp_ask(lab.a, WAN_HOST, 9, timeout=0.01)
    thread = threading.Thread(target=talk)
    thread.start()
    try:
        con.call("SetIdleDisconnectTime", NewIdleDisconnectTime=4)
        begun = time.monotonic()
        while time.monotonic() - begun < 7:
            assert con.status() == ("Connected", "ERROR_NONE")
            time.sleep(0.2)
    finally:
        stop.set()
        thread.join()
    # Neighbours that look for each other (ARP, some seconds after the last packet) are traffic, too.
    con.wait("Disconnected", "ERROR_IDLE_DISCONNECT", seconds=25)
    assert line.told() == ["disconnect wan0 "]
