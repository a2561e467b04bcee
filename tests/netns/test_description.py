# SPDX-License-Identifier: GPL-2.0-or-later
"""Descriptions: a well-formed tree of what is really there, the same after every start."""
import re
import urllib.parse
import xml.etree.ElementTree

import pytest

from igd import DEVICE_NS, HTTP_PORT, L3F, SERVICE_NS, WANCOMMON, WANIP, Igd, http, local_name
from lab import LAN0_GW

# (standard id, evented variables, required actions) of each service of IGD:1
SERVICES = {
    L3F: ("L3Forwarding1", {"DefaultConnectionService"},
          {"SetDefaultConnectionService", "GetDefaultConnectionService"}),
    WANCOMMON: ("WANCommonIFC1", {"PhysicalLinkStatus"},
                {"GetCommonLinkProperties"}),
    WANIP: ("WANIPConn1", {"PossibleConnectionTypes", "ConnectionStatus", "ExternalIPAddress",
                           "PortMappingNumberOfEntries"},
            {"SetConnectionType", "GetConnectionTypeInfo", "RequestConnection", "ForceTermination",
             "GetStatusInfo", "GetNATRSIPStatus", "GetGenericPortMappingEntry",
             "GetSpecificPortMappingEntry", "AddPortMapping", "DeletePortMapping",
             "GetExternalIPAddress"}),
}
VERSION_2_ONLY = {"AddAnyPortMapping", "DeletePortMappingRange", "GetListOfPortMappings"}
LENGTHS = {"deviceType": 64, "friendlyName": 63, "manufacturer": 63, "modelDescription": 127,
           "modelName": 31, "modelNumber": 31, "serialNumber": 63}


def devices(igd):
    return list(igd.root.iter(DEVICE_NS + "device"))


def text(device, name):
    return device.findtext(DEVICE_NS + name)


def scpd(igd, service):
    message = http(igd.ns, igd.services[service]["SCPDURL"])
    assert message.status == 200
    assert message["CONTENT-TYPE"].startswith("text/xml")
    assert int(message["CONTENT-LENGTH"]) == len(message.body)
    root = xml.etree.ElementTree.fromstring(message.body)
    assert root.tag == SERVICE_NS + "scpd"
    return root


def test_the_tree_is_that_of_igd_1(igd):
    types = [text(d, "deviceType") for d in devices(igd)]
    assert types == ["urn:schemas-upnp-org:device:%s:1" % name for name in (
        "InternetGatewayDevice", "WANDevice", "WANConnectionDevice")]
    assert igd.root.tag == DEVICE_NS + "root"
    assert igd.root.findtext(DEVICE_NS + "specVersion/" + DEVICE_NS + "major") == "1"
    assert set(igd.services) == set(SERVICES)


def test_the_document_comes_as_xml(igd):
    assert igd.document["CONTENT-TYPE"].startswith("text/xml")
    assert int(igd.document["CONTENT-LENGTH"]) == len(igd.document.body)


def test_each_device_has_a_name_of_its_own(igd):
    udns = [text(d, "UDN") for d in devices(igd)]
    assert all(re.fullmatch(r"uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", u) for u in udns)
    assert len(set(udns)) == len(udns) == 3


def test_device_texts_are_there_and_not_too_long(igd):
    for device in devices(igd):
        for name in ("deviceType", "friendlyName", "manufacturer", "modelName", "UDN"):
            assert text(device, name), name
        for name, longest in LENGTHS.items():
            assert len(text(device, name) or "") <= longest, name
        assert b"@" not in igd.document.body  # no place-holder was left unfilled


@pytest.mark.parametrize("service", SERVICES, ids=lambda s: s.split(":")[-2])
def test_service_ids_and_urls(igd, service):
    fields = igd.services[service]
    assert fields["serviceId"] == "urn:upnp-org:serviceId:" + SERVICES[service][0]
    for key in ("SCPDURL", "controlURL", "eventSubURL"):
        parts = urllib.parse.urlsplit(fields[key])
        assert parts.netloc == "%s:%d" % (LAN0_GW, HTTP_PORT)
        assert not parts.query
        assert len(fields[key]) < 128  # miniupnpc's buffer


@pytest.mark.parametrize("service", SERVICES, ids=lambda s: s.split(":")[-2])
def test_scpd_is_complete_and_consistent(igd, service):
    root = scpd(igd, service)
    variables = {v.findtext(SERVICE_NS + "name"): v for v in root.iter(SERVICE_NS + "stateVariable")}
    evented = {name for name, v in variables.items() if v.get("sendEvents") == "yes"}
    assert evented >= SERVICES[service][1]
    assert all(v.get("sendEvents") in ("yes", "no") for v in variables.values())
    actions = {}
    for action in root.iter(SERVICE_NS + "action"):
        arguments = list(action.iter(SERVICE_NS + "argument"))
        directions = [a.findtext(SERVICE_NS + "direction") for a in arguments]
        assert directions == sorted(directions), "in before out"
        for argument in arguments:
            assert argument.findtext(SERVICE_NS + "relatedStateVariable") in variables
            assert argument.findtext(SERVICE_NS + "name").startswith("New")
        actions[action.findtext(SERVICE_NS + "name")] = arguments
    assert set(actions) >= SERVICES[service][2]
    assert not set(actions) & VERSION_2_ONLY
    used = {a.findtext(SERVICE_NS + "relatedStateVariable")
            for arguments in actions.values() for a in arguments}
    assert used | evented == set(variables), "no variable without use"


def test_every_action_without_in_arguments_that_reads_answers_what_the_scpd_says(igd):
    for service in SERVICES:
        root = scpd(igd, service)
        for action in root.iter(SERVICE_NS + "action"):
            name = action.findtext(SERVICE_NS + "name")
            arguments = list(action.iter(SERVICE_NS + "argument"))
            outs = [a.findtext(SERVICE_NS + "name") for a in arguments
                    if a.findtext(SERVICE_NS + "direction") == "out"]
            if name.startswith("Get") and len(outs) == len(arguments):
                assert list(igd.call(name, service)) == outs, name


def test_an_unknown_document_is_not_found(igd):
    assert http(igd.ns, urllib.parse.urljoin(igd.location, "/no-such.xml")).status == 404
    for path in ("/../../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/igd.xml/../.."):
        message = http(igd.ns, "http://%s:%d%s" % (LAN0_GW, HTTP_PORT, path))
        assert message.status in (400, 403, 404)
        assert b"root:" not in message.body


def test_all_lans_show_one_gateway(lab, igd):
    other = Igd.discover(lab.c)
    assert [text(d, "deviceType") for d in devices(other)] == [
        text(d, "deviceType") for d in devices(igd)]
    assert LAN0_GW.encode() not in other.document.body


def test_names_survive_a_restart_and_the_loss_of_all_state(lab, gateway, igd):
    before = [text(d, "UDN") for d in devices(igd)]
    gateway.restart()
    again = Igd.discover(lab.a)
    assert [text(d, "UDN") for d in devices(again)] == before
    assert again.location == igd.location
    assert gateway.stop() == 0
    fresh = lab.start("-o", "share=yes")
    assert [text(d, "UDN") for d in devices(Igd.discover(lab.a))] == before
    assert fresh.stop() == 0
    gateway.start()


def test_elements_stand_in_the_order_of_the_schema(igd):
    order = ["deviceType", "friendlyName", "manufacturer", "manufacturerURL", "modelDescription",
             "modelName", "modelNumber", "modelURL", "serialNumber", "UDN", "UPC", "iconList",
             "serviceList", "deviceList", "presentationURL"]
    for device in devices(igd):
        names = [local_name(e) for e in device]
        assert names == sorted(names, key=order.index)
