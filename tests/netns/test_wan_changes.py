# SPDX-License-Identifier: GPL-2.0-or-later
"""The WAN comes and goes: mappings are kept, pass again within a second, and subscribers hear of it."""
import time

import pytest

from igd import WANIP, Subscriber, fault
from lab import HOST_A, WAN_GW, WAN_HOST
from traffic import TcpEcho, UdpEcho, tcp_ask, wait_ask

NEW = "203.0.113.77"


@pytest.fixture
def subscriber(lab, igd, keep):
    told = keep(Subscriber(lab.a, HOST_A, igd.services[WANIP]["eventSubURL"]))
    told.wait(ConnectionStatus="Connected", ExternalIPAddress=WAN_GW)
    return told


@pytest.fixture
def mapped(lab, igd, keep):
    keep(TcpEcho(lab.a, 7000))
    keep(UdpEcho(lab.a, 7000))
    igd.add("TCP", 5000, HOST_A, 7000, lease=600)
    igd.add("UDP", 5000, HOST_A, 7000)
    wait_ask("TCP", lab.wan, WAN_GW, 5000, "a")
    return igd


@pytest.fixture(autouse=True)
def wan_as_it_was(lab, gateway):
    yield
    if lab.gw.run("ip", "link", "show", "wan0", check=False).returncode:
        lab.plug_wan()
        return
    lab.gw.ip("link set wan0 up", "addr flush dev wan0", "addr add %s/24 dev wan0" % WAN_GW,
              "route replace default via " + WAN_HOST)


def passes(lab, address, begun=None):
    wait_ask("TCP", lab.wan, address, 5000, "a", seconds=1)
    wait_ask("UDP", lab.wan, address, 5000, "a", seconds=1)


def test_another_address(lab, gateway, mapped, subscriber):
    lab.gw.ip("addr add %s/24 dev wan0" % NEW, "addr del %s/24 dev wan0" % WAN_GW)
    lab.gw.ip("addr replace %s/24 dev wan0" % NEW, "route replace default via " + WAN_HOST)
    passes(lab, NEW)
    subscriber.wait(ExternalIPAddress=NEW, seconds=1)
    assert mapped.call("GetExternalIPAddress") == {"NewExternalIPAddress": NEW}
    assert gateway.status()["wan"]["address"] == NEW
    assert len(mapped.entries()) == 2
    # hairpin follows
    wait_ask("TCP", lab.b, NEW, 5000, "a", seconds=1)


def test_no_address_for_a_while(lab, gateway, mapped, subscriber):
    lab.gw.ip("addr flush dev wan0")
    subscriber.wait(ConnectionStatus="Disconnected", seconds=1)
    assert mapped.call("GetStatusInfo")["NewConnectionStatus"] == "Disconnected"
    assert mapped.call("GetStatusInfo")["NewUptime"] == "0"
    assert mapped.call("GetExternalIPAddress")["NewExternalIPAddress"] in ("", "0.0.0.0")
    # Mappings may be made meanwhile; they take effect when the address comes.
    assert fault(mapped.add, "TCP", 5001, HOST_A, 7000) == 0
    assert len(mapped.entries()) == 3
    lab.gw.ip("addr add %s/24 dev wan0" % WAN_GW, "route replace default via " + WAN_HOST)
    passes(lab, WAN_GW)
    wait_ask("TCP", lab.wan, WAN_GW, 5001, "a", seconds=1)
    subscriber.wait(ConnectionStatus="Connected", ExternalIPAddress=WAN_GW, seconds=1)


def test_link_down_and_up(lab, gateway, mapped, subscriber):
    lab.gw.ip("link set wan0 down")
    subscriber.wait(ConnectionStatus="Disconnected", seconds=1)
    assert gateway.status()["wan"]["state"] != "connected"
    lab.gw.ip("link set wan0 up", "route replace default via " + WAN_HOST)
    passes(lab, WAN_GW)
    subscriber.wait(ConnectionStatus="Connected", ExternalIPAddress=WAN_GW, seconds=1)


def test_carrier_lost_and_back(lab, gateway, mapped, subscriber):
    lab.sw.ip("link set gw-wan0 down")
    subscriber.wait(ConnectionStatus="Disconnected", seconds=1)
    lab.sw.ip("link set gw-wan0 up")
    passes(lab, WAN_GW)
    subscriber.wait(ConnectionStatus="Connected", seconds=1)


def test_interface_deleted_and_created_again(lab, gateway, mapped, subscriber):
    index = lab.gw.run("cat", "/proc/net/dev").stdout.count("wan0")
    assert index == 1
    lab.unplug("wan0")
    subscriber.wait(ConnectionStatus="Disconnected", seconds=1)
    assert len(mapped.entries()) == 2
    lab.plug_wan(NEW)
    passes(lab, NEW)
    subscriber.wait(ConnectionStatus="Connected", ExternalIPAddress=NEW, seconds=1)
    # the new interface's counters are read, too
    assert mapped.call("GetStatusInfo")["NewConnectionStatus"] == "Connected"


def test_a_lease_that_ends_while_there_is_no_wan_is_gone(lab, gateway, mapped):
    lab.gw.ip("addr flush dev wan0")
    mapped.add("TCP", 5000, HOST_A, 7000, lease=1)
    begun = time.monotonic()
    while fault(mapped.get, "TCP", 5000) == 0 and time.monotonic() - begun < 3:
        time.sleep(0.05)
    lab.gw.ip("addr add %s/24 dev wan0" % WAN_GW, "route replace default via " + WAN_HOST)
    wait_ask("UDP", lab.wan, WAN_GW, 5000, "a", seconds=1)
    assert tcp_ask(lab.wan, WAN_GW, 5000, timeout=0.2) is None


def test_lan_answers_promptly_while_the_wan_flaps(lab, gateway, mapped):
    for _ in range(10):
        lab.gw.ip("link set wan0 down")
        lab.gw.ip("link set wan0 up")
        begun = time.monotonic()
        assert mapped.call("GetStatusInfo", timeout=2)
        assert time.monotonic() - begun < 0.5
    lab.gw.ip("route replace default via " + WAN_HOST)
    passes(lab, WAN_GW)


def test_each_change_is_logged_once(lab, gateway, mapped):
    since = gateway.log_size()
    lab.gw.ip("addr flush dev wan0")
    lab.gw.ip("addr add %s/24 dev wan0" % NEW, "route replace default via " + WAN_HOST)
    gateway.wait_log(NEW.replace(".", r"\."), since=since)
    passes(lab, NEW)
    assert gateway.log(since).count(NEW) <= 2
