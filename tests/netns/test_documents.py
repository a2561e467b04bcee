# SPDX-License-Identifier: GPL-2.0-or-later
"""
Walks all that a client can find, from the search on: each description, each SCPD, each action, each
evented variable; and holds one against the other.
"""
import re
import urllib.parse
import xml.etree.ElementTree
from xml.sax.saxutils import escape

import pytest

from igd import (DEVICE_NS, DEVICES, DEVICES2, ETHLINK, FIREWALL, IGD, IGD2, L3F, LANHOST,
                 SERVICE_NS, SERVICES, SERVICES2, WANCOMMON, WANIP, WANIP2, WANPPP, Igd, Subscriber,
                 UpnpError, http, msearch)
from lab import HOST_A, Lab, WAN_GW, WAN_HOST, wait_for
from traffic import PppLine


def by_ppp(services):
    return [WANPPP if "WANIPConnection" in s else s for s in services]


# What leads there, whether the WAN is a PPP link, and what must be found.
VIEWS = {
    "igd1": (IGD, False, DEVICES, SERVICES),
    "igd2": (IGD2, False, DEVICES2, SERVICES2),
    "igd1-ppp": (IGD, True, DEVICES, by_ppp(SERVICES)),
    "igd2-ppp": (IGD2, True, DEVICES2, by_ppp(SERVICES2)),
}

# By the standards: the actions that each service must have, and the variables it must event.
CONNECTION = {
    "SetConnectionType", "GetConnectionTypeInfo", "RequestConnection", "RequestTermination",
    "ForceTermination", "SetAutoDisconnectTime", "SetIdleDisconnectTime", "SetWarnDisconnectDelay",
    "GetStatusInfo", "GetAutoDisconnectTime", "GetIdleDisconnectTime", "GetWarnDisconnectDelay",
    "GetNATRSIPStatus", "GetGenericPortMappingEntry", "GetSpecificPortMappingEntry",
    "AddPortMapping", "DeletePortMapping", "GetExternalIPAddress"}
CONNECTION_EVENTS = {"PossibleConnectionTypes", "ConnectionStatus", "ExternalIPAddress",
                     "PortMappingNumberOfEntries"}
STANDARD = {
    L3F: ({"SetDefaultConnectionService", "GetDefaultConnectionService"},
          {"DefaultConnectionService"}),
    WANCOMMON: ({"GetCommonLinkProperties", "GetTotalBytesSent", "GetTotalBytesReceived",
                 "GetTotalPacketsSent", "GetTotalPacketsReceived"}, {"PhysicalLinkStatus"}),
    WANIP: (CONNECTION, CONNECTION_EVENTS),
    WANPPP: (CONNECTION | {"ConfigureConnection", "GetLinkLayerMaxBitRates"}, CONNECTION_EVENTS),
    WANIP2: (CONNECTION | {"AddAnyPortMapping", "DeletePortMappingRange", "GetListOfPortMappings"},
             CONNECTION_EVENTS | {"SystemUpdateID"}),
    FIREWALL: ({"GetFirewallStatus", "GetOutboundPinholeTimeout", "AddPinhole", "UpdatePinhole",
                "DeletePinhole", "GetPinholePackets", "CheckPinholeWorking"},
               {"FirewallEnabled", "InboundPinholeAllowed"}),
    ETHLINK: ({"GetEthernetLinkStatus"}, {"EthernetLinkStatus"}),
    LANHOST: ({"GetDHCPServerConfigurable", "GetDHCPRelay", "GetSubnetMask", "GetIPRoutersList",
               "GetDNSServers", "GetDomainName", "GetAddressRange", "GetReservedAddresses"}, set()),
}
# Names that version 1 must not show to those who know nothing newer.
NEWER = {"AddAnyPortMapping", "DeletePortMappingRange", "GetListOfPortMappings", "SystemUpdateID",
         "A_ARG_TYPE_Manage", "A_ARG_TYPE_PortListing"}
TYPES = {"string", "boolean", "ui2", "ui4"}
# The specification of WANIPv6FirewallControl does not have the prefix that all the others have.
NO_PREFIX = "WANIPv6FirewallControl"


def found(ns, st):
    return Igd(ns, wait_for(lambda: msearch(ns, st), 5, "an answer")[0]["LOCATION"])


@pytest.fixture(scope="module")
def ppp_lab():
    """Another gateway, whose WAN is a PPP link."""
    with Lab() as made:
        made.unplug("wan0")
        made.wan.ip("link set eth0 down")
        line = PppLine(made.gw, made.wan, "ppp0", WAN_GW, WAN_HOST)
        daemon = made.start("-o", "share=yes", wan="ppp0")
        yield made
        assert daemon.stop() == 0
        line.close()


@pytest.fixture(scope="module", params=VIEWS)
def view(request, lab, gateway):
    """One of the trees, and what must be in it."""
    st, ppp, devices, expected = VIEWS[request.param]
    seen = found((request.getfixturevalue("ppp_lab") if ppp else lab).a, st)
    seen.devices, seen.expected = devices, expected
    return seen


class Scpd:
    """An SCPD, read as strictly as the strictest client."""

    def __init__(self, ns, url):
        message = http(ns, url)
        assert message.status == 200, url
        assert message["CONTENT-TYPE"].startswith("text/xml")
        root = xml.etree.ElementTree.fromstring(message.body)
        assert root.tag == SERVICE_NS + "scpd"
        assert [e.tag for e in root] == [
            SERVICE_NS + name for name in ("specVersion", "actionList", "serviceStateTable")]
        self.variables = {}
        for variable in root.iter(SERVICE_NS + "stateVariable"):
            name = variable.findtext(SERVICE_NS + "name")
            assert name not in self.variables
            assert variable.findtext(SERVICE_NS + "dataType") in TYPES
            assert variable.get("sendEvents") in ("yes", "no")
            self.variables[name] = variable
        self.actions = {}
        for action in root.iter(SERVICE_NS + "action"):
            name = action.findtext(SERVICE_NS + "name")
            assert name not in self.actions
            self.actions[name] = [
                (a.findtext(SERVICE_NS + "name"), a.findtext(SERVICE_NS + "direction"),
                 a.findtext(SERVICE_NS + "relatedStateVariable"))
                for a in action.iter(SERVICE_NS + "argument")]

    def evented(self):
        return {n for n, v in self.variables.items() if v.get("sendEvents") == "yes"}

    def value(self, name):
        """Something that the variable may be."""
        variable = self.variables[name]
        listed = variable.findtext(".//" + SERVICE_NS + "allowedValue")
        if listed:
            return listed
        least = variable.findtext(".//" + SERVICE_NS + "minimum")
        if least:
            return least
        return "" if variable.findtext(SERVICE_NS + "dataType") == "string" else "1"

    def fits(self, name, value):
        """Is @value one that the variable may be?"""
        variable = self.variables[name]
        kind = variable.findtext(SERVICE_NS + "dataType")
        listed = [v.text for v in variable.iter(SERVICE_NS + "allowedValue")]
        if kind == "boolean":
            return value in ("0", "1")
        if kind == "string":
            return not listed or value in listed
        most = variable.findtext(".//" + SERVICE_NS + "maximum") or (65535 if kind == "ui2" else
                                                                     2 ** 32 - 1)
        return value.isdigit() and int(value) <= int(most)


@pytest.fixture(scope="module")
def scpds(view):
    return {service: Scpd(view.ns, fields["SCPDURL"]) for service, fields in view.services.items()}


def text(device, name):
    return device.findtext(DEVICE_NS + name)


def test_the_tree_is_whole(view):
    assert [text(d, "deviceType") for d in view.root.iter(DEVICE_NS + "device")] == view.devices
    assert sorted(view.services) == sorted(view.expected)


def test_each_device_has_a_udn_of_its_own_and_the_same_in_both_views(view):
    def udns(igd):
        return {text(d, "deviceType").rpartition(":")[0]: text(d, "UDN")
                for d in igd.root.iter(DEVICE_NS + "device")}
    mine, other = udns(view), udns(found(view.ns, IGD if view.devices is DEVICES2 else IGD2))
    assert len(set(mine.values())) == len(mine)
    assert all(re.fullmatch(r"uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", u)
               for u in mine.values())
    assert all(other[name] == udn for name, udn in mine.items() if name in other)
    assert len(set(mine) & set(other)) == 3


def test_each_service_has_an_id_and_urls_of_its_own(view):
    ids = [f["serviceId"] for f in view.services.values()]
    assert all(re.fullmatch(r"urn:upnp-org:serviceId:\w+", i) for i in ids)
    assert len(set(ids)) == len(ids)
    here = urllib.parse.urlsplit(view.location).netloc
    for key in ("SCPDURL", "controlURL", "eventSubURL"):
        urls = [f[key] for f in view.services.values() if f[key] != view.location]
        assert len(set(urls)) == len(urls)
        for url in urls:
            parts = urllib.parse.urlsplit(url)
            assert parts.netloc == here and not parts.query and len(url) < 128


def test_each_service_has_what_its_standard_says(view, scpds):
    for service, scpd in scpds.items():
        actions, events = STANDARD[service]
        assert actions <= set(scpd.actions), service
        assert events <= scpd.evented(), service
        if service != WANIP2:
            assert not NEWER & {*scpd.actions, *scpd.variables}, service


def test_each_argument_has_its_variable_and_each_variable_its_use(view, scpds):
    for service, scpd in scpds.items():
        used = set(scpd.evented())
        for name, arguments in scpd.actions.items():
            directions = [d for _, d, _ in arguments]
            assert directions == sorted(directions), name
            assert len({n for n, *_ in arguments}) == len(arguments)
            for argument, _, related in arguments:
                assert related in scpd.variables, (service, name, argument)
                assert NO_PREFIX in service or argument.startswith("New")
                used.add(related)
        assert used == set(scpd.variables), service


def test_an_event_url_is_there_exactly_where_something_is_evented(view, scpds):
    for service, fields in view.services.items():
        assert (fields["eventSubURL"] != view.location) == bool(scpds[service].evented()), service


def test_each_action_is_known(view, scpds):
    """With arguments that may be: whatever it answers, it is not "no such action"."""
    for service, scpd in scpds.items():
        for name, arguments in scpd.actions.items():
            given = {n: escape(scpd.value(v)) for n, d, v in arguments if d == "in"}
            try:
                answer = view.call(name, service, **given)
            except UpnpError as error:
                assert error.code != 401, (service, name)
                assert error.code == 501 or error.text, (service, name)
                continue
            assert list(answer) == [n for n, d, _ in arguments if d == "out"], name
            for argument, direction, variable in arguments:
                if direction == "out":
                    assert scpd.fits(variable, answer[argument]), (name, argument, answer)


def test_an_action_of_another_service_is_not_known(view, scpds):
    for service in scpds:
        with pytest.raises(UpnpError) as error:
            view.call("NoSuchAction", service)
        assert error.value.code == 401


def test_each_action_refuses_to_go_without_its_arguments(view, scpds):
    left_out = {"NewRemoteHost", "NewEnabled", "NewPortMappingDescription", "NewLeaseDuration"}
    for service, scpd in scpds.items():
        for name, arguments in scpd.actions.items():
            if {n for n, d, _ in arguments if d == "in"} - left_out:
                with pytest.raises(UpnpError) as error:
                    view.call(name, service)
                assert error.value.code == 402, name


def test_each_evented_variable_is_in_the_initial_event(view, scpds, keep):
    for service, fields in view.services.items():
        evented = scpds[service].evented()
        if not evented:
            continue
        told = keep(Subscriber(view.ns, HOST_A, fields["eventSubURL"]))
        wait_for(lambda told=told: told.events, 2, "the initial event of " + service)
        assert set(told.events[0][2]) == evented, service
        for name, value in told.events[0][2].items():
            assert scpds[service].fits(name, value), (name, value)


@pytest.mark.parametrize("agent", [
    "Microsoft-Windows/10.0 UPnP/1.0", "Mozilla/4.0 (compatible; UPnP/1.0; Windows NT/5.1)"
    " Microsoft", "Xbox/2.0.21256.0 UPnP/1.0 Xbox/2.0.21256.0", "UPnP/1.0 PlayStation 4",
    "FDSSDP"])
def test_windows_and_consoles_get_igd_1_wherever_they_look(lab, gateway, agent):
    url = found(lab.a, IGD2).location
    body = http(lab.a, url, headers={"User-Agent": agent}).body
    assert b"InternetGatewayDevice:1" in body and b"WANIPConnection:1" in body
    assert b":2<" not in body
    assert b"InternetGatewayDevice:2" in http(lab.a, url, headers={"User-Agent": "upnpc/1"}).body
