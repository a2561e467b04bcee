# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that people use: upnpc (miniupnpc) and the GUPnP tools, as they come from Debian."""
import re
import shutil

import pytest

from igd import IGD, IGD2, WANIP, WANIP2, table_of, upnpc
from lab import HOST_A, HOST_B, LAN0_GW, LAN1_GW, Output, WAN_GW
from traffic import TcpEcho, UdpEcho, tcp_ask, udp_ask


def needs(program):
    return pytest.mark.skipif(not shutil.which(program), reason=program + " is not installed")


# ---- upnpc ----

def test_upnpc_finds_a_connected_gateway(lab, igd):
    text = upnpc(lab.a, "-s")
    assert "desc: " + igd.location in text
    assert "st: " + IGD in text
    assert "Local LAN ip address : " + HOST_A in text
    assert "Connection Type : IP_Routed" in text
    assert re.search(r"Status : Connected, uptime=\d+s, LastConnectionError : ERROR_NONE", text)
    assert "ExternalIPAddress = " + WAN_GW in text
    assert re.search(r"Bytes:\s+Sent:\s*\d+\s+Recv:\s*\d+", text)


def test_upnpc_on_each_lan_finds_the_gateways_address_there(lab, gateway):
    for ns, address in ((lab.a, LAN0_GW), (lab.b, LAN0_GW), (lab.c, LAN1_GW)):
        assert "desc: http://%s:" % address in upnpc(ns, "-s")


def test_upnpc_takes_it_for_valid_when_the_address_is_a_public_one(lab):
    daemon = lab.daemon("-o", "share=yes", "-o", "external_address=8.8.8.8")
    # A second one beside the module's would be in the way of its port.
    running = [d for d in lab.closing if getattr(d, "proc", None) and d.alive()]
    for other in running:
        assert other.stop() == 0
    daemon.start()
    done = lab.a.run("upnpc", "-s")
    assert "Found valid IGD" in done.stdout
    assert "ExternalIPAddress = 8.8.8.8" in done.stdout
    assert daemon.stop() == 0
    for other in running:
        other.start()


def test_upnpc_maps_lists_and_deletes(lab, igd, keep):
    keep(TcpEcho(lab.a, 8000))
    keep(UdpEcho(lab.a, 3074))
    upnpc(lab.a, "-e", "web", "-a", HOST_A, 8000, 8080, "TCP", 300)
    upnpc(lab.a, "-e", "game", "-a", HOST_A, 3074, 3074, "UDP")
    assert tcp_ask(lab.wan, WAN_GW, 8080) and udp_ask(lab.wan, WAN_GW, 3074)
    text = upnpc(lab.b, "-l")
    assert table_of(text) == [("TCP", "8080", HOST_A, "8000", "web"),
                              ("UDP", "3074", HOST_A, "3074", "game")]
    assert "GetGenericPortMappingEntry() returned 713 (SpecifiedArrayIndexInvalid)" in text
    url = igd.location
    assert "714" in upnpc(lab.a, "-d", 9999, "TCP", url=url, check=False)
    for port, protocol in ((8080, "TCP"), (3074, "UDP")):
        upnpc(lab.a, "-d", port, protocol, url=url)
    assert table_of(upnpc(lab.a, "-l", url=url)) == []


def test_upnpc_with_a_remote_host(lab, igd, keep):
    keep(TcpEcho(lab.a, 8000))
    upnpc(lab.a, "-a", HOST_A, 8000, 8080, "TCP", 0, "203.0.113.3", url=igd.location)
    assert tcp_ask(lab.wan2, WAN_GW, 8080)
    assert tcp_ask(lab.wan, WAN_GW, 8080, timeout=0.2) is None
    upnpc(lab.a, "-d", 8080, "TCP", "203.0.113.3", url=igd.location)
    assert igd.entries() == []


def test_upnpc_maps_several_at_once(lab, igd):
    text = upnpc(lab.a, "-e", "r", "-r", 4001, "TCP", 4002, "UDP", 4003, 4103, "TCP",
                 url=igd.location)
    assert text.count("is redirected to internal") == 3
    assert len(igd.entries()) == 3


def test_upnpc_is_told_of_conflicts_and_limits(lab, igd):
    def refused(ns, *request):
        return upnpc(ns, "-a", *request, url=igd.location, check=False)
    upnpc(lab.a, "-a", HOST_A, 8000, 8080, "TCP", url=igd.location)
    assert "718 (ConflictInMappingEntry)" in refused(lab.b, HOST_B, 8000, 8080, "TCP")
    assert "606" in refused(lab.a, HOST_A, 22, 22, "TCP")
    assert "606" in refused(lab.a, HOST_A, 80, 8081, "TCP")  # nobody's management port
    assert "606" in refused(lab.a, HOST_B, 8000, 8081, "TCP")


def test_upnpc_by_url(lab, igd):
    assert "Found valid IGD" in lab.a.run("upnpc", "-u", igd.location, "-s").stdout


def test_upnpc_hears_it_when_its_request_is_no_xml(lab, igd):
    """It writes the description as it is, and takes any answer without an errorCode for a yes."""
    text = upnpc(lab.a, "-e", "a <b & c", "-a", HOST_A, 8081, 8080, "TCP", check=False)
    assert "failed with code 402" in text
    assert igd.entries() == []


# ---- GUPnP ----

@needs("gssdp-discover")
def test_gssdp_discover_sees_all_resources(lab, igd):
    text = lab.a.run("gssdp-discover", "-i", "eth0", "-n", "3", timeout=15).stdout
    for target in ("upnp:rootdevice", IGD2, WANIP2,
                   "urn:schemas-upnp-org:device:WANDevice:2",
                   "urn:schemas-upnp-org:device:WANConnectionDevice:2"):
        assert re.search(r"USN:\s+uuid:[0-9a-f-]+::" + re.escape(target), text), target
    assert igd.location in text


@needs("gssdp-discover")
def test_gssdp_discover_finds_the_service_alone(lab, igd):
    text = lab.c.run("gssdp-discover", "-i", "eth0", "-n", "2", "-t", WANIP, timeout=15).stdout
    assert "http://%s:" % LAN1_GW in text
    assert LAN0_GW + ":" not in text


@needs("gssdp-discover")
def test_gssdp_discover_hears_byebye_and_alive(lab, gateway, keep):
    watch = keep(Output(lab.a, "stdbuf", "-oL", "gssdp-discover", "-i", "eth0", "-n", "20",
                        "-m", "all", "-t", IGD))
    watch.wait("resource available")
    assert gateway.stop() == 0
    watch.wait("resource unavailable")
    heard = len(watch.text)
    gateway.start()
    watch.wait("resource available", since=heard)


@needs("gupnp-event-dumper")
def test_gupnp_introspects_subscribes_and_gets_the_initial_event(lab, gateway, keep):
    """GUPnP reads the SCPD first, and loses an initial event that comes too early. (This tool of
    theirs looks at the services of the root device only.)"""
    dump = keep(Output(lab.a, "env", "G_MESSAGES_DEBUG=all", "stdbuf", "-oL",
                       "gupnp-event-dumper"))
    dump.wait("Got introspection for urn:upnp-org:serviceId:L3Forwarding1",
              "Subscribing to DefaultConnectionService",
              "|urn:upnp-org:serviceId:L3Forwarding1|DefaultConnectionService|uuid:", seconds=10)
    assert "Failed" not in dump.text
