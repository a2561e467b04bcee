# SPDX-License-Identifier: GPL-2.0-or-later
"""The requests of tests/data: Windows with Teredo, Xbox and PlayStation, each from its search on."""
import os
import urllib.parse
import xml.etree.ElementTree

import pytest

from igd import DEVICE_NS, IGD, WANIP, UpnpError, http_raw, local_name, msearch, soap_answer
from lab import HOST_A, HOST_B, HTTP_PORT, LAN0_GW, TOP, WAN_GW, wait_for
from traffic import UdpEcho, udp_ask

DATA = os.path.join(TOP, "tests", "data")


def sample(name, **filled):
    with open(os.path.join(DATA, name), encoding="utf-8") as f:
        head, _, body = f.read().partition("\n\n")
    for text in ("GATEWAY", "CLIENT", "DESCRIPTION", "CONTROL", "EVENTS"):
        head = head.replace("@%s@" % text, filled.get(text.lower(), ""))
        body = body.replace("@%s@" % text, filled.get(text.lower(), ""))
    head = head.replace("@LENGTH@", str(len(body.encode())))
    return (head + "\n\n").replace("\n", "\r\n").encode() + body.encode()


class Console:
    """Somebody on the LAN who says what a file says."""

    def __init__(self, name, ns, address):
        self.name, self.ns, self.address = name, ns, address
        self.fields = {"gateway": "%s:%d" % (LAN0_GW, HTTP_PORT), "client": address}
        lines = sample(name + "-search.ssdp").decode().rstrip("\r\n").split("\r\n")
        self.found = wait_for(lambda: msearch(ns, IGD, lines=lines, wait=4), 9, "an answer")[0]
        self.fields["description"] = urllib.parse.urlsplit(self.found["LOCATION"]).path
        self.document = self.say("description")
        root = xml.etree.ElementTree.fromstring(self.document.body)
        for service in root.iter(DEVICE_NS + "service"):
            urls = {local_name(e): e.text for e in service}
            if urls["serviceType"] == WANIP:
                self.fields["control"] = urls["controlURL"]
                self.fields["events"] = urls["eventSubURL"]

    def say(self, what):
        return http_raw(self.ns, LAN0_GW, sample("%s-%s.http" % (self.name, what), **self.fields))

    def call(self, what):
        message = self.say(what)
        assert message["CONTENT-TYPE"].startswith("text/xml")
        return soap_answer(message)


@pytest.fixture
def console(lab, igd):
    def make(name, ns=lab.a, address=HOST_A):
        return Console(name, ns, address)
    return make


@pytest.mark.parametrize("name", ["windows", "xbox", "playstation"])
def test_they_find_an_igd_1_and_its_connection(console, name):
    seen = console(name)
    assert b"InternetGatewayDevice:1<" in seen.document.body
    assert b":2<" not in seen.document.body
    assert "control" in seen.fields


def test_teredo_gets_its_week_and_its_arrow(lab, igd, console, keep):
    windows = console("windows")
    keep(UdpEcho(lab.a, 61234))
    assert windows.call("teredo-add") == {}
    entry = igd.get("UDP", 61234)
    assert entry["NewPortMappingDescription"] == "Teredo %s:61234->61234 UDP" % HOST_A
    assert 604790 <= int(entry["NewLeaseDuration"]) <= 604800
    assert udp_ask(lab.wan, WAN_GW, 61234)
    assert windows.call("teredo-delete") == {}
    assert igd.entries() == []


def test_windows_asks_for_status_and_address(console):
    windows = console("windows")
    assert windows.call("address") == {"NewExternalIPAddress": WAN_GW}
    message = windows.say("query")
    assert message.status == 200
    assert b"<return>Connected</return>" in message.body


def test_windows_may_subscribe_from_its_own_port(console):
    reply = console("windows").say("subscribe")
    assert reply.status == 200 and reply["SID"].startswith("uuid:")


def test_an_xbox_keeps_its_port_for_ever(lab, igd, console, keep):
    keep(UdpEcho(lab.a, 3074))
    assert console("xbox").call("add") == {}
    assert igd.get("UDP", 3074)["NewLeaseDuration"] == "0"
    assert udp_ask(lab.wan, WAN_GW, 3074)


@pytest.mark.parametrize("port", [9308, 3074])
def test_a_playstation_gets_its_port_and_the_second_one_718(lab, igd, console, keep, port):
    keep(UdpEcho(lab.a, port))
    first, second = console("playstation"), console("playstation", lab.b, HOST_B)
    assert first.call("add-%d" % port) == {}
    assert first.call("add-%d" % port) == {}, "again, as it does after sleep"
    assert udp_ask(lab.wan, WAN_GW, port)
    with pytest.raises(UpnpError) as error:
        second.call("add-%d" % port)
    assert error.value.code == 718


def test_the_samples_are_all_used():
    """So that none stays behind that no longer means anything."""
    used = {"README"}
    with open(__file__, encoding="utf-8") as f:
        text = f.read()
    for name in os.listdir(DATA):
        program, _, what = name.rpartition(".")[0].partition("-")
        if not what or what in ("search", "description") or '"%s"' % what in text or (
                what.startswith("add-") and '"add-%d"' in text):
            used.add(name)
    assert used == set(os.listdir(DATA))
