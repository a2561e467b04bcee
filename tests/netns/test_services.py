# SPDX-License-Identifier: GPL-2.0-or-later
"""The actions that are not about mappings: true values, and refusals where nothing can change."""
import pytest

from igd import L3F, WANCOMMON, WANIP, fault
from lab import WAN_GW, WAN_HOST, wait_for
from traffic import TcpEcho, TcpFlow


def test_status_is_connected_and_uptime_grows(igd):
    status = igd.call("GetStatusInfo")
    assert status["NewConnectionStatus"] == "Connected"
    assert status["NewLastConnectionError"] == "ERROR_NONE"
    begun = int(status["NewUptime"])
    wait_for(lambda: int(igd.call("GetStatusInfo")["NewUptime"]) > begun, 3, "uptime growing")


def test_the_external_address_is_that_of_the_wan(igd):
    assert igd.call("GetExternalIPAddress") == {"NewExternalIPAddress": WAN_GW}


def test_connection_type_is_routed(igd):
    assert igd.call("GetConnectionTypeInfo") == {
        "NewConnectionType": "IP_Routed", "NewPossibleConnectionTypes": "IP_Routed"}


def test_nat_is_on_and_rsip_is_not(igd):
    assert igd.call("GetNATRSIPStatus") == {"NewRSIPAvailable": "0", "NewNATEnabled": "1"}


def test_nobody_on_the_lan_changes_the_connection(igd):
    assert fault(igd.call, "SetConnectionType", NewConnectionType="IP_Bridged") in (703, 731)
    assert fault(igd.call, "ForceTermination") in (606, 501)
    assert igd.call("GetStatusInfo")["NewConnectionStatus"] == "Connected"


def test_request_connection_succeeds_when_connected(igd):
    assert igd.call("RequestConnection") == {}


def test_link_properties(igd):
    link = igd.call("GetCommonLinkProperties", WANCOMMON)
    assert link["NewWANAccessType"] == "Ethernet"
    assert link["NewPhysicalLinkStatus"] == "Up"
    assert int(link["NewLayer1UpstreamMaxBitRate"]) > 0
    assert int(link["NewLayer1DownstreamMaxBitRate"]) > 0


@pytest.mark.parametrize("what", ["Bytes", "Packets"])
def test_counters_are_those_of_the_wan_interface(lab, gateway, igd, what, keep):
    def count(direction):
        name = "Total%s%s" % (what, direction)
        return int(igd.call("Get" + name, WANCOMMON)["New" + name])
    before = {d: count(d) for d in ("Sent", "Received")}
    keep(TcpEcho(lab.wan, 9999))
    flow = keep(TcpFlow(lab.a, WAN_HOST, 9999))
    for _ in range(20):
        assert flow.works()
    for direction in before:
        grown = count(direction) - before[direction]
        assert 20 <= grown < 100000


def test_the_default_connection_names_the_wan_connection(igd):
    value = igd.call("GetDefaultConnectionService", L3F)["NewDefaultConnectionService"]
    device, _, service = value.partition(",")
    assert device.startswith("uuid:") and device.endswith(":WANConnectionDevice:1")
    assert service == "urn:upnp-org:serviceId:WANIPConn1"
    udn = device[:41]
    assert udn.encode() in igd.document.body


def test_the_default_connection_can_only_be_what_it_is(igd):
    value = igd.call("GetDefaultConnectionService", L3F)["NewDefaultConnectionService"]
    assert fault(igd.call, "SetDefaultConnectionService", L3F,
                 NewDefaultConnectionService=value) == 0
    assert fault(igd.call, "SetDefaultConnectionService", L3F,
                 NewDefaultConnectionService="uuid:none:WANConnectionDevice:1,none") in (
                     501, 606, 720, 721, 723)
    assert fault(igd.call, "SetDefaultConnectionService", L3F) == 402


@pytest.mark.parametrize("service", [L3F, WANCOMMON, WANIP], ids=lambda s: s.split(":")[-2])
def test_each_service_knows_its_own_actions_only(igd, service):
    for other, action in ((L3F, "GetDefaultConnectionService"), (WANCOMMON, "GetTotalBytesSent"),
                          (WANIP, "GetExternalIPAddress")):
        code = fault(igd.call, action, service)
        assert code == (0 if other == service else 401)


def test_lan_hosts_reach_the_internet_through_the_shared_address(lab, gateway, keep):
    server = keep(TcpEcho(lab.wan, 9998))
    for ns in (lab.a, lab.b, lab.c):
        keep(TcpFlow(ns, WAN_HOST, 9998))
    assert {address for address, _ in server.seen} == {WAN_GW}
