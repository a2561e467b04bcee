# SPDX-License-Identifier: GPL-2.0-or-later
"""LAN interfaces come late, change their address, vanish and come back: served within a second."""
import time
import urllib.parse

import pytest

from igd import IGD, Igd, msearch, notifies
from lab import HOST_C, LAN1_GW, Lab, PATIENCE, WAN_GW, wait_for
from traffic import Sniffer, TcpEcho, tcp_ask

OTHER = "192.168.2.254"


@pytest.fixture(scope="module")
def lab():
    with Lab(second_lan=False) as made:
        # As in real life: an address on a new interface is tentative for a while.
        made.gw.sysctl("net.ipv6.conf.default.accept_dad", 1)
        yield made


@pytest.fixture
def daemon(lab):
    """Told to serve lan1 from the start, which does not exist yet."""
    started = lab.daemon("-o", "share=yes", "-o", "http_port=5431")
    started.lans = ["lan0", "lan1"]
    started.start(wait=False)
    wait_for(lambda: started.answers("lan0"), 10, "serving on lan0")
    yield started
    assert started.stop() == 0
    lab.gw.run("ip", "link", "del", "lan1", check=False)


def serves(daemon, address, begun, seconds=1.0):
    wait_for(lambda: daemon.answers("lan1", address), 5, "HTTP on " + address)
    spent = time.monotonic() - begun
    assert spent < seconds * PATIENCE, "served only after %.2f s" % spent
    reply = wait_for(lambda: msearch(daemon.lab.c, IGD, wait=0.3), 2, "SSDP on " + address)[0]
    assert urllib.parse.urlsplit(reply["LOCATION"]).hostname == address
    assert Igd(daemon.lab.c, reply["LOCATION"]).call("GetExternalIPAddress") == {
        "NewExternalIPAddress": WAN_GW}


def located(sniffer, address):
    return [h for sent in notifies(sniffer, "ssdp:alive").values() for _, h in sent
            if urllib.parse.urlsplit(h["LOCATION"]).hostname == address]


def test_a_lan_that_comes_late(lab, daemon):
    begun = time.monotonic()
    lab.plug_lan("lan1", "br1", LAN1_GW)
    with Sniffer(lab.c, "eth0") as sniffer:
        serves(daemon, LAN1_GW, begun)
        wait_for(lambda: located(sniffer, LAN1_GW), 2, "alive")
    lans = {lan["interface"]: lan for lan in daemon.status()["lans"]}
    assert lans["lan1"]["address"].split("/")[0] == LAN1_GW


def test_an_address_that_comes_late(lab, daemon):
    lab.cable(lab.gw, "lan1", "br1")
    lab.gw.ip("link set lan1 up")
    time.sleep(0.2)  # an interface without an address must not upset anybody
    begun = time.monotonic()
    lab.gw.ip("addr add %s/24 dev lan1" % LAN1_GW)
    serves(daemon, LAN1_GW, begun)


def test_another_address(lab, daemon):
    lab.plug_lan("lan1", "br1", LAN1_GW)
    serves(daemon, LAN1_GW, time.monotonic(), 5)
    with Sniffer(lab.c, "eth0") as sniffer:
        begun = time.monotonic()
        lab.gw.ip("addr add %s/24 dev lan1" % OTHER, "addr del %s/24 dev lan1" % LAN1_GW)
        lab.gw.ip("addr replace %s/24 dev lan1" % OTHER)
        lab.c.ip("route replace default via " + OTHER)
        serves(daemon, OTHER, begun)
        wait_for(lambda: notifies(sniffer, "ssdp:byebye"), 1, "byebye")
        wait_for(lambda: located(sniffer, OTHER), 2, "alive at the new address")
    assert not daemon.answers("lan1", LAN1_GW)
    lab.c.ip("route replace default via " + LAN1_GW)


def test_deleted_and_created_again(lab, daemon, keep):
    keep(TcpEcho(lab.c, 7000))
    lab.plug_lan("lan1", "br1", LAN1_GW)
    serves(daemon, LAN1_GW, time.monotonic(), 5)
    Igd.discover(lab.c).add("TCP", 5000, HOST_C, 7000)
    lab.c.ip("route replace default via " + LAN1_GW)
    assert tcp_ask(lab.wan, WAN_GW, 5000)
    lab.unplug("lan1")
    assert daemon.answers("lan0")
    wait_for(lambda: "lan1" not in [lan["interface"] for lan in daemon.status()["lans"]
                                    if lan.get("control_url")], 1, "lan1 being given up")
    begun = time.monotonic()
    lab.plug_lan("lan1", "br1", LAN1_GW)
    serves(daemon, LAN1_GW, begun)
    assert tcp_ask(lab.wan, WAN_GW, 5000)[0] == "c"


def test_link_down_and_up(lab, daemon):
    lab.plug_lan("lan1", "br1", LAN1_GW)
    serves(daemon, LAN1_GW, time.monotonic(), 5)
    lab.gw.ip("link set lan1 down")
    assert daemon.answers("lan0")
    begun = time.monotonic()
    lab.gw.ip("link set lan1 up")
    serves(daemon, LAN1_GW, begun)


def test_the_other_lan_does_not_notice(lab, daemon):
    worker = daemon.worker_pid("lan0")
    for _ in range(3):
        lab.plug_lan("lan1", "br1", LAN1_GW)
        wait_for(lambda: daemon.answers("lan1"), 3, "lan1 served")
        lab.unplug("lan1")
        assert daemon.answers("lan0")
    assert daemon.worker_pid("lan0") == worker
