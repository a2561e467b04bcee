# SPDX-License-Identifier: GPL-2.0-or-later
"""WANIPConnection:2: any port, ranges, lists; and that nobody reaches what is another's."""
import time
import xml.etree.ElementTree

import pytest

from igd import (FIREWALL, IGD2, LANHOST, ETHLINK, WANIP, WANIP2, Igd, Subscriber, UpnpError,
                 fault, local_name, msearch)
from lab import HOST_A, HOST_B, LAN0_GW, PATIENCE, WAN_GW, wait_for
from traffic import TcpEcho, UdpEcho, tcp_ask, udp_ask

OPTIONS = ["-o", "max_mappings_per_client=6000"]
LIST = "{urn:schemas-upnp-org:gw:WANIPConnection}"
WEEK = 604800


class Igd2(Igd):
    """The tree of IGD:2; what the mapping calls ask is WANIPConnection:2."""

    def call(self, action, service=WANIP2, timeout=5.0, **args):
        return super().call(action, service, timeout, **args)

    def add_any(self, protocol, port, client, internal_port=None, lease=600, remote="",
                description="any"):
        answer = self.call(
            "AddAnyPortMapping", NewRemoteHost=remote, NewExternalPort=port, NewProtocol=protocol,
            NewInternalPort=internal_port or port, NewInternalClient=client, NewEnabled=1,
            NewPortMappingDescription=description, NewLeaseDuration=lease)
        return int(answer["NewReservedPort"])

    def delete_range(self, protocol, first, last, manage=0):
        return self.call("DeletePortMappingRange", NewStartPort=first, NewEndPort=last,
                         NewProtocol=protocol, NewManage=manage)

    def listing(self, protocol, first=1024, last=65535, manage=0, number=0):
        """The entries of the list, each as it stands in the document."""
        answer = self.call("GetListOfPortMappings", NewStartPort=first, NewEndPort=last,
                           NewProtocol=protocol, NewManage=manage, NewNumberOfPorts=number,
                           timeout=30)
        root = xml.etree.ElementTree.fromstring(answer["NewPortListing"])
        assert root.tag == LIST + "PortMappingList"
        entries = []
        for entry in root:
            assert entry.tag == LIST + "PortMappingEntry"
            assert [e.tag for e in entry] == [LIST + name for name in (
                "NewRemoteHost", "NewExternalPort", "NewProtocol", "NewInternalPort",
                "NewInternalClient", "NewEnabled", "NewDescription", "NewLeaseTime")]
            entries.append({local_name(e): e.text or "" for e in entry})
        return entries

    def ports(self, protocol, **kwargs):
        return sorted(int(e["NewExternalPort"]) for e in self.listing(protocol, **kwargs))


@pytest.fixture(scope="module")
def _two(lab, gateway):
    location = wait_for(lambda: msearch(lab.a, IGD2), 5, "an answer")[0]["LOCATION"]
    return Igd2(lab.a, location), Igd2(lab.b, location)


@pytest.fixture
def a(_two, gateway):
    gateway.clear()
    return _two[0]


@pytest.fixture
def b(_two):
    return _two[1]


# ---- AddAnyPortMapping ----

def test_any_takes_the_port_asked_for_when_it_is_free(lab, a, keep):
    keep(TcpEcho(lab.a, 8000))
    assert a.add_any("TCP", 8000, HOST_A) == 8000
    assert tcp_ask(lab.wan, WAN_GW, 8000)


def test_any_takes_another_port_when_that_is_anothers(lab, a, b, keep):
    keep(UdpEcho(lab.a, 3074))
    keep(UdpEcho(lab.b, 3074))
    assert a.add_any("UDP", 3074, HOST_A) == 3074
    other = b.add_any("UDP", 3074, HOST_B)
    assert other != 3074 and other >= 1024
    assert udp_ask(lab.wan, WAN_GW, 3074) and udp_ask(lab.wan, WAN_GW, other)
    assert b.get("UDP", other)["NewInternalClient"] == HOST_B


def test_any_refreshes_what_is_ones_own(a):
    assert a.add_any("TCP", 8000, HOST_A, lease=60) == 8000
    assert a.add_any("TCP", 8000, HOST_A, lease=600) == 8000
    assert len(a.listing("TCP")) == 1
    assert int(a.get("TCP", 8000)["NewLeaseDuration"]) > 500


def test_any_with_port_0_leaves_the_choice_to_the_gateway(a):
    first, second = (a.add_any("TCP", 0, HOST_A, port) for port in (8000, 8001))
    assert first != second and min(first, second) >= 1024


def test_any_of_many_all_differ(a, b):
    """Twenty hosts could want the same port."""
    got = [a.add_any("UDP", 5000, HOST_A)]
    for port in range(6000, 6020):
        got.append(b.add_any("UDP", 5000, HOST_B, internal_port=port))
    assert got[0] == 5000 and 5000 not in got[1:]


# ---- what version 2 means by a lease, and by an access ----

@pytest.mark.parametrize("asked,least,most", [
    (0, WEEK - 5, WEEK), (600, 595, 600), (WEEK, WEEK - 5, WEEK), (3600000, WEEK - 5, WEEK),
    (2 ** 32, WEEK - 5, WEEK)])
def test_a_lease_is_a_week_at_most_and_0_is_that_week(a, asked, least, most):
    a.add("TCP", 8000, HOST_A, lease=asked)
    assert least <= int(a.get("TCP", 8000)["NewLeaseDuration"]) <= most


def test_version_1_keeps_its_permanent_mappings(lab, a, igd):
    igd.add("TCP", 8000, HOST_A, lease=0)
    assert igd.get("TCP", 8000)["NewLeaseDuration"] == "0"


@pytest.mark.parametrize("args,code", [
    ({"NewInternalPort": 0}, 732), ({"NewInternalPort": 65536}, 601),
    ({"NewExternalPort": 80}, 606), ({"NewInternalPort": 80}, 606),
    ({"NewInternalClient": HOST_B}, 606), ({"NewInternalClient": ""}, 715),
    ({"NewProtocol": "SCTP"}, 601), ({"NewExternalPort": -1}, 402),
], ids=str)
@pytest.mark.parametrize("action", ["AddPortMapping", "AddAnyPortMapping"])
def test_what_may_not_be_added(a, action, args, code):
    asked = {"NewRemoteHost": "", "NewExternalPort": 8000, "NewProtocol": "TCP",
             "NewInternalPort": 8000, "NewInternalClient": HOST_A, "NewEnabled": 1,
             "NewPortMappingDescription": "x", "NewLeaseDuration": 60, **args}
    assert fault(a.call, action, **asked) == code


def test_of_anothers_mapping_nothing_is_seen_and_nothing_can_be_done(a, b):
    a.add("TCP", 8000, HOST_A, lease=600)
    assert fault(b.get, "TCP", 8000) in (606, 714)
    assert fault(b.delete, "TCP", 8000) in (606, 714)
    assert fault(b.add, "TCP", 8000, HOST_B) == 718
    assert b.entries() == []
    assert fault(b.listing, "TCP") == 730
    for manage in (0, 1):
        assert fault(b.delete_range, "TCP", 1024, 65535, manage) == 730
    assert a.ports("TCP") == [8000]


# ---- ranges ----

def test_a_range_deletes_ones_own_within_it_and_nothing_else(a, b):
    for port in (5000, 5001, 5005, 5010, 5011):
        a.add("TCP", port, HOST_A, lease=600)
    a.add("UDP", 5001, HOST_A, lease=600)
    b.add("TCP", 5002, HOST_B, lease=600)
    a.delete_range("TCP", 5001, 5010, manage=1)
    assert a.ports("TCP") == [5000, 5011]
    assert a.ports("UDP") == [5001]
    assert b.ports("TCP") == [5002]


def test_a_range_is_one_change(lab, a, keep):
    for port in range(5000, 5020):
        a.add("TCP", port, HOST_A, lease=600)
    told = keep(Subscriber(lab.a, HOST_A, a.services[WANIP2]["eventSubURL"]))
    told.wait(PortMappingNumberOfEntries="20")
    before = int(told.values()["SystemUpdateID"])
    a.delete_range("TCP", 5000, 5018)
    told.wait(PortMappingNumberOfEntries="1")
    assert [e[2] for e in told.events[1:]] == [
        {"PortMappingNumberOfEntries": "1", "SystemUpdateID": str(before + 1)}]


@pytest.mark.parametrize("action", ["DeletePortMappingRange", "GetListOfPortMappings"])
@pytest.mark.parametrize("args,code", [
    ({"NewStartPort": 5001, "NewEndPort": 5000}, 733),
    ({"NewStartPort": 5000, "NewEndPort": 5001}, 730),
    ({"NewEndPort": 65536}, 601), ({"NewManage": 2}, 402), ({"NewProtocol": ""}, 601),
], ids=str)
def test_ranges_that_cannot_be(a, action, args, code):
    asked = {"NewStartPort": 1024, "NewEndPort": 2000, "NewProtocol": "TCP", "NewManage": 0, **args}
    if action == "GetListOfPortMappings":
        asked["NewNumberOfPorts"] = 0
    assert fault(a.call, action, **asked) == code


# ---- GetListOfPortMappings ----

def test_a_list_tells_all_of_each_entry(a):
    a.add("TCP", 5000, HOST_A, 8080, lease=600, remote="203.0.113.2", enabled=0,
          description="a <b> & \"c\" 'd' ]]> -> \u00fc")
    entry, = a.listing("TCP")
    assert 590 <= int(entry.pop("NewLeaseTime")) <= 600
    assert entry == {"NewRemoteHost": "203.0.113.2", "NewExternalPort": "5000",
                     "NewProtocol": "TCP", "NewInternalPort": "8080", "NewInternalClient": HOST_A,
                     "NewEnabled": "0", "NewDescription": "a <b> & \"c\" 'd' ]]> -> \u00fc"}


def test_a_list_keeps_to_the_number_asked_for(a):
    for port in range(5000, 5010):
        a.add("UDP", port, HOST_A, lease=600)
    assert len(a.listing("UDP", number=3)) == 3
    assert len(a.listing("UDP", number=0)) == 10
    assert a.ports("UDP", first=5003, last=5004) == [5003, 5004]


def test_five_thousand_entries_arrive_whole(a):
    for port in range(10000, 15000):
        a.add("UDP", port, HOST_A, lease=3600, description="entry %d <&>" % port)
    begun = time.monotonic()
    entries = a.listing("UDP")
    assert time.monotonic() - begun < 10 * PATIENCE
    assert sorted(int(e["NewExternalPort"]) for e in entries) == list(range(10000, 15000))
    assert all(e["NewDescription"] == "entry %s <&>" % e["NewExternalPort"] for e in entries)
    a.delete_range("UDP", 10000, 14999)
    assert a.entries() == []


# ---- events ----

def test_each_change_counts_and_is_told_with_the_number(lab, a, keep):
    told = keep(Subscriber(lab.a, HOST_A, a.services[WANIP2]["eventSubURL"]))
    wait_for(lambda: told.events, 2, "the initial event")
    count = int(told.values()["SystemUpdateID"])
    a.add("TCP", 5000, HOST_A, lease=600)
    told.wait(PortMappingNumberOfEntries="1", SystemUpdateID=str(count + 1))
    a.add("TCP", 5000, HOST_A, 5001, lease=600)
    told.wait(SystemUpdateID=str(count + 2))
    a.add("UDP", 5000, HOST_A, lease=1)
    told.wait(PortMappingNumberOfEntries="2")
    told.wait(PortMappingNumberOfEntries="1", SystemUpdateID=str(count + 4), seconds=3)
    for _, _, values, _ in told.events[1:]:
        assert "SystemUpdateID" in values
    assert "PortMappingNumberOfEntries" not in told.events[2][2]


def test_clients_of_version_1_are_told_what_version_1_has(lab, a, igd, keep):
    told = keep(Subscriber(lab.a, HOST_A, igd.services[WANIP]["eventSubURL"]))
    wait_for(lambda: told.events, 2, "the initial event")
    a.add("TCP", 5000, HOST_A, lease=600)
    told.wait(PortMappingNumberOfEntries="1")
    assert not any("SystemUpdateID" in e[2] for e in told.events)


# ---- the versions side by side ----

def test_both_versions_see_one_table(a, igd):
    igd.add("TCP", 5000, HOST_A, lease=600, description="one")
    a.add("TCP", 5001, HOST_A, lease=600, description="two")
    assert len(igd.entries()) == len(a.entries()) == 2
    a.delete("TCP", 5000)
    igd.delete("TCP", 5001)
    assert igd.entries() == []


def test_a_version_1_call_at_the_version_2_service_means_version_1(a):
    a.services[WANIP] = a.services[WANIP2]
    message = None
    try:
        a.call("AddPortMapping", WANIP, NewRemoteHost="", NewExternalPort=8000, NewProtocol="TCP",
               NewInternalPort=8000, NewInternalClient=HOST_A, NewEnabled=1,
               NewPortMappingDescription="x", NewLeaseDuration=0)
        assert a.call("GetSpecificPortMappingEntry", WANIP, NewRemoteHost="", NewExternalPort=8000,
                      NewProtocol="TCP")["NewLeaseDuration"] == "0"
        a.call("AddAnyPortMapping", WANIP)
    except UpnpError as error:
        message = error
    finally:
        del a.services[WANIP]
    assert message is not None and message.code == 401


# ---- the connection, and the small services ----

@pytest.mark.parametrize("action", ["RequestTermination", "ForceTermination"])
def test_nobody_takes_the_connection_away_from_the_others(a, action):
    assert fault(a.call, action) == 606
    assert a.call("GetStatusInfo")["NewConnectionStatus"] == "Connected"


def test_asking_for_a_connection_that_stands_changes_nothing(a):
    assert a.call("RequestConnection") == {}
    assert a.call("GetStatusInfo")["NewConnectionStatus"] == "Connected"


def test_the_lan_as_the_gateway_sees_it(a):
    assert a.call("GetSubnetMask", LANHOST) == {"NewSubnetMask": "255.255.255.0"}
    assert a.call("GetIPRoutersList", LANHOST) == {"NewIPRouters": LAN0_GW}
    assert a.call("GetDHCPServerConfigurable", LANHOST) == {"NewDHCPServerConfigurable": "0"}
    assert "127." not in a.call("GetDNSServers", LANHOST)["NewDNSServers"]


def test_the_wan_link(lab, a, keep):
    told = keep(Subscriber(lab.a, HOST_A, a.services[ETHLINK]["eventSubURL"]))
    told.wait(EthernetLinkStatus="Up")
    assert a.call("GetEthernetLinkStatus", ETHLINK) == {"NewEthernetLinkStatus": "Up"}
    lab.sw.ip("link set gw-wan0 down")
    try:
        told.wait(EthernetLinkStatus="Down", seconds=5)
        assert a.call("GetEthernetLinkStatus", ETHLINK) == {"NewEthernetLinkStatus": "Down"}
    finally:
        lab.sw.ip("link set gw-wan0 up")
    told.wait(EthernetLinkStatus="Up", seconds=5)


def test_the_firewall_says_what_it_does(a):
    status = a.call("GetFirewallStatus", FIREWALL)
    assert set(status) == {"FirewallEnabled", "InboundPinholeAllowed"}
    assert set(status.values()) <= {"0", "1"}
