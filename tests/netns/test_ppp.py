# SPDX-License-Identifier: GPL-2.0-or-later
"""A WAN that is a PPP link: WANPPPConnection:1 in place of WANIPConnection, and all works by it."""
import contextlib
import re

import pytest

from igd import (DEVICE_NS, IGD, IGD2, L3F, WANCOMMON, WANIP, WANIP2, WANPPP, Igd, Subscriber,
                 fault, http, msearch, notifies, upnpc)
from lab import HOST_A, LAN0_GW, WAN_GW, WAN_HOST, wait_for
from traffic import PppLine, Sniffer, TcpEcho, UdpEcho, tcp_ask, udp_ask


def dial(lab):
    line = PppLine(lab.gw, lab.wan, "ppp0", WAN_GW, WAN_HOST)
    lab.gw.ip("route replace default dev ppp0")
    return line


@pytest.fixture(scope="module")
def line(lab):
    """Takes the place of the cable."""
    lab.unplug("wan0")
    lab.wan.ip("link set eth0 down")
    made = [dial(lab)]
    yield made
    for one in made:
        one.close()


@pytest.fixture(scope="module")
def ppp(lab, line):
    """The daemon, with what it says on lan0 from the start."""
    sniffer = Sniffer(lab.gw, "lan0")
    daemon = lab.start("-o", "share=yes", wan="ppp0")
    daemon.sniffer = sniffer
    yield daemon
    assert daemon.stop() == 0
    sniffer.close()


class PppIgd(Igd):
    def call(self, action, service=WANPPP, timeout=5.0, **args):
        return super().call(action, service, timeout, **args)


@pytest.fixture(params=[IGD, IGD2], ids=["igd1", "igd2"])
def igd(request, lab, ppp):
    ppp.clear()
    reply, = wait_for(lambda: msearch(lab.a, request.param), 5, "an answer")
    return PppIgd(lab.a, reply["LOCATION"])


def test_wanpppconnection_is_there_instead_of_wanipconnection(igd):
    assert WANPPP in igd.services
    assert not any("WANIPConnection" in service for service in igd.services)
    assert igd.services[WANPPP]["serviceId"] == "urn:upnp-org:serviceId:WANPPPConn1"
    connection, = [d for d in igd.root.iter(DEVICE_NS + "device")
                   if "WANConnectionDevice" in d.findtext(DEVICE_NS + "deviceType")]
    assert WANPPP in [s.findtext(DEVICE_NS + "serviceType")
                      for s in connection.find(DEVICE_NS + "serviceList")]


def test_it_is_found_and_announced_and_the_other_is_not(lab, ppp):
    reply, = msearch(lab.a, WANPPP)
    assert reply["ST"] == WANPPP
    assert re.fullmatch(r"uuid:[0-9a-f-]{36}::" + re.escape(WANPPP), reply["USN"])
    for st in (WANIP, WANIP2):
        assert not msearch(lab.a, st, wait=1.2)
    told = wait_for(lambda: notifies(ppp.sniffer, "ssdp:alive").get(WANPPP), 3, "an announcement")
    assert told[0][1]["USN"] == reply["USN"]
    assert not set(notifies(ppp.sniffer, "ssdp:alive")) & {WANIP, WANIP2}
    assert not any("WANIPConnection" in r["ST"]
                   for r in msearch(lab.a, "ssdp:all", wait=2, until=99))


def test_it_tells_of_the_line(igd):
    assert igd.call("GetExternalIPAddress") == {"NewExternalIPAddress": WAN_GW}
    assert igd.call("GetConnectionTypeInfo")["NewConnectionType"] == "IP_Routed"
    status = igd.call("GetStatusInfo")
    assert status["NewConnectionStatus"] == "Connected"
    assert status["NewLastConnectionError"] == "ERROR_NONE"
    assert igd.call("GetNATRSIPStatus") == {"NewRSIPAvailable": "0", "NewNATEnabled": "1"}
    rates = igd.call("GetLinkLayerMaxBitRates")
    assert set(rates) == {"NewUpstreamMaxBitRate", "NewDownstreamMaxBitRate"}
    assert igd.call("GetCommonLinkProperties", WANCOMMON)["NewPhysicalLinkStatus"] == "Up"
    value = igd.call("GetDefaultConnectionService", L3F)["NewDefaultConnectionService"]
    assert value.endswith(",urn:upnp-org:serviceId:WANPPPConn1")
    assert fault(igd.call, "ConfigureConnection", NewUserName="a", NewPassword="b") == 606
    assert fault(igd.call, "ForceTermination") == 606


@pytest.mark.parametrize("kind,ask,protocol", [(TcpEcho, tcp_ask, "TCP"), (UdpEcho, udp_ask, "UDP")])
def test_mappings_by_it_pass_packets_of_the_line(lab, igd, keep, kind, ask, protocol):
    keep(kind(lab.a, 7000))
    igd.add(protocol, 5000, HOST_A, 7000, lease=0)
    assert ask(lab.wan, WAN_GW, 5000)[:2] == ["a", WAN_HOST]
    assert igd.get(protocol, 5000)["NewLeaseDuration"] == "0"  # as version 1 has it
    assert len(igd.entries()) == 1
    igd.delete(protocol, 5000)
    assert ask(lab.wan, WAN_GW, 5000, timeout=0.2) is None
    assert fault(igd.call, "AddAnyPortMapping") == 401


def test_lan_hosts_reach_the_internet_by_it(lab, ppp, keep):
    server = keep(TcpEcho(lab.wan, 9000))
    assert tcp_ask(lab.a, WAN_HOST, 9000)
    assert server.seen[0][0] == WAN_GW


def test_it_events(lab, igd, keep):
    told = keep(Subscriber(lab.a, HOST_A, igd.services[WANPPP]["eventSubURL"]))
    wait_for(lambda: told.events, 2, "the initial event")
    assert told.events[0][2] == {
        "PossibleConnectionTypes": "IP_Routed", "ConnectionStatus": "Connected",
        "ExternalIPAddress": WAN_GW, "PortMappingNumberOfEntries": "0"}
    igd.add("TCP", 5000, HOST_A)
    told.wait(PortMappingNumberOfEntries="1")


def test_upnpc_is_content_with_it(lab, ppp):
    assert "ExternalIPAddress = " + WAN_GW in upnpc(lab.a, "-s")
    upnpc(lab.a, "-a", HOST_A, 8081, 8080, "TCP", 300)
    assert "%s:8081" % HOST_A in upnpc(lab.a, "-l")
    upnpc(lab.a, "-d", 8080, "TCP")


def test_the_line_may_be_hung_up_and_dialled_again(lab, line, ppp, igd, keep):
    """And is the same to clients meanwhile: no other documents, no farewell."""
    keep(TcpEcho(lab.a, 7000))
    igd.add("TCP", 5000, HOST_A, 7000)
    told = keep(Subscriber(lab.a, HOST_A, igd.services[WANPPP]["eventSubURL"]))
    told.wait(ConnectionStatus="Connected")
    worker, since = ppp.worker_pid(), ppp.log_size()
    line.pop().close()
    told.wait(ConnectionStatus="Disconnected", ExternalIPAddress="", seconds=3)
    assert igd.call("GetStatusInfo")["NewLastConnectionError"] == "ERROR_NO_CARRIER"
    line.append(dial(lab))
    told.wait(ConnectionStatus="Connected", ExternalIPAddress=WAN_GW, seconds=3)
    wait_for(lambda: tcp_ask(lab.wan, WAN_GW, 5000, timeout=0.3), 3, "the mapping")
    assert ppp.worker_pid() == worker and "starting anew" not in ppp.log(since)


def test_a_wan_that_becomes_another_kind_of_link_changes_the_documents(lab, line, ppp):
    def shown(service):
        """Worker after worker comes and goes meanwhile."""
        with contextlib.suppress(OSError):
            return service.encode() in http(lab.a, "http://%s:5431/description.xml" % LAN0_GW).body
        return False
    line.pop().close()
    lab.cable(lab.gw, "ppp0", "brw")
    lab.gw.ip("addr add %s/24 dev ppp0" % WAN_GW, "link set ppp0 up")
    try:
        wait_for(lambda: shown(WANIP), 5, "WANIPConnection")
        wait_for(lambda: msearch(lab.a, WANIP), 3, "an answer")
        assert not msearch(lab.a, WANPPP, wait=1.2)
    finally:
        lab.gw.ip("link del ppp0")
        line.append(dial(lab))
    wait_for(lambda: shown(WANPPP), 5, "WANPPPConnection")
