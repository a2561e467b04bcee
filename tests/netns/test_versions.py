# SPDX-License-Identifier: GPL-2.0-or-later
"""igd_version: one view of the gateway, the other, or both."""
import pytest

from igd import (DEVICE_NS, DEVICES, DEVICES2, IGD, IGD2, SERVICES, SERVICES2, WANIP, WANIP2, Igd,
                 UpnpError, is_ssdp, msearch, notifies, http, upnpc)
from lab import LAN0_GW, WAN_GW, wait_for
from traffic import Sniffer

PATHS = ("/description.xml", "/description2.xml")


def types(igd):
    return [d.findtext(DEVICE_NS + "deviceType") for d in igd.root.iter(DEVICE_NS + "device")]


@pytest.fixture(scope="module", params=["1", "2"])
def forced(request, lab):
    sniffer = Sniffer(lab.gw, "lan0")
    daemon = lab.start("-o", "share=yes", "-o", "igd_version=" + request.param)
    daemon.version = int(request.param)
    daemon.sniffer = sniffer
    yield daemon
    assert daemon.stop() == 0
    sniffer.close()


def test_only_one_document_is_shown(lab, forced):
    for path in PATHS[:forced.version]:
        igd = Igd(lab.a, "http://%s:5431%s" % (LAN0_GW, path))
        assert types(igd) == (DEVICES if forced.version == 1 else DEVICES2)
        assert sorted(igd.services) == sorted(SERVICES if forced.version == 1 else SERVICES2)
    if forced.version == 1:
        assert http(lab.a, "http://%s:5431%s" % (LAN0_GW, PATHS[1])).status == 404


def test_searches_are_answered_up_to_the_version(lab, forced):
    for st in (IGD, WANIP):
        reply = msearch(lab.a, st)[0]
        assert reply["ST"] == st
        assert reply["LOCATION"].endswith(PATHS[forced.version - 1])
    for st in (IGD2, WANIP2):
        assert bool(msearch(lab.a, st, wait=1.2)) == (forced.version == 2)


def test_that_version_is_advertised(lab, forced):
    expected = {1: {*DEVICES, *SERVICES}, 2: {*DEVICES2, *SERVICES2}}[forced.version]

    def told():
        return {nt for nt in notifies(forced.sniffer, "ssdp:alive") if nt.startswith("urn:")}
    wait_for(lambda: expected <= told(), 3, "advertisements")
    assert told() == expected


def test_a_version_1_call_is_answered_in_version_1(lab, forced):
    igd = Igd(lab.a, "http://%s:5431/description.xml" % LAN0_GW)
    url = igd.services[WANIP if forced.version == 1 else WANIP2]["controlURL"]
    igd.services[WANIP] = {"controlURL": url}
    assert igd.call("GetExternalIPAddress") == {"NewExternalIPAddress": WAN_GW}
    with pytest.raises(UpnpError) as error:
        igd.call("GetListOfPortMappings", NewStartPort=1, NewEndPort=2, NewProtocol="TCP",
                 NewManage=0, NewNumberOfPorts=0)
    assert error.value.code == 401


def test_upnpc_is_content_with_either(lab, forced):
    assert "ExternalIPAddress = " + WAN_GW in upnpc(lab.a, "-s")
    upnpc(lab.a, "-a", "192.168.1.10", 8081, 8080, "TCP", 300)
    assert "192.168.1.10:8081" in upnpc(lab.a, "-l")
    upnpc(lab.a, "-d", 8080, "TCP")
