# SPDX-License-Identifier: GPL-2.0-or-later
"""SSDP: said on the LANs, and only there; each LAN hears of its own address."""
import os
import re
import signal
import time
import urllib.parse

import pytest

from igd import (DEVICES, DEVICES2, ETHLINK, FIREWALL, HTTP_PORT, IGD, IGD2, LANHOST, SERVICES,
                 SERVICES2, SSDP, WANIP2, Igd, http_raw, is_ssdp, is_whole_set, msearch, notifies)
from lab import HOST_A, LAN0_GW, LAN1_GW, WAN_GW, wait_for
from traffic import Sniffer

OPTIONS = ["-o", "notify_interval_s=600"]
MAX_AGE = "max-age=1200"


@pytest.fixture(scope="module")
def life(lab):
    """Sniffers on all interfaces of the gateway while a daemon lives from start to end."""
    sniffers = {i: Sniffer(lab.gw, i) for i in ("wan0", "lan0", "lan1")}
    daemon = lab.start("-o", "share=yes", *OPTIONS)
    for lan in ("lan0", "lan1"):
        wait_for(lambda lan=lan: is_whole_set(notifies(sniffers[lan], "ssdp:alive")), 3,
                 "advertisements on " + lan)
    assert daemon.stop() == 0
    for lan in ("lan0", "lan1"):
        wait_for(lambda lan=lan: is_whole_set(notifies(sniffers[lan], "ssdp:byebye")), 1,
                 "byebyes on %s: %s" % (lan, list(notifies(sniffers[lan], "ssdp:byebye"))))
    for sniffer in sniffers.values():
        sniffer.close()  # what the next daemon says is no part of this life
    yield sniffers


@pytest.mark.parametrize("lan,address", [("lan0", LAN0_GW), ("lan1", LAN1_GW)])
def test_each_lan_hears_alive_with_a_location_on_that_lan(life, lan, address):
    for nt, sent in notifies(life[lan], "ssdp:alive").items():
        for packet, headers in sent:
            assert packet.src == address
            assert packet.dst == SSDP[0]
            assert urllib.parse.urlsplit(headers["LOCATION"]).netloc == "%s:%d" % (
                address, HTTP_PORT)
            assert headers["CACHE-CONTROL"].replace(" ", "") == MAX_AGE
            assert "UPnP/1." in headers["SERVER"]
            assert headers["USN"].startswith("uuid:")
            assert nt.startswith("uuid:") or headers["USN"].endswith("::" + nt)


@pytest.mark.parametrize("lan,address", [("lan0", LAN0_GW), ("lan1", LAN1_GW)])
def test_each_lan_hears_byebye_for_all_that_was_alive(life, lan, address):
    alive = {h["USN"] for sent in notifies(life[lan], "ssdp:alive").values() for _, h in sent}
    byebye = {h["USN"] for sent in notifies(life[lan], "ssdp:byebye").values() for _, h in sent}
    assert byebye == alive


def test_each_message_tells_the_boot_and_the_configuration(life):
    """Both stay the same in all messages of one life (UDA 1.1 1.2.2)."""
    said = {(h["BOOTID.UPNP.ORG"], h["CONFIGID.UPNP.ORG"])
            for nts in ("ssdp:alive", "ssdp:byebye")
            for sent in notifies(life["lan0"], nts).values() for _, h in sent}
    assert len(said) == 1
    boot, config = map(int, said.pop())
    assert 0 < boot < 2 ** 31 and 0 <= config < 2 ** 24


def test_the_boot_is_the_same_on_all_lans(life):
    """It is one device, whoever hears of it where (UDA 1.1 1.2.2)."""
    said = {h["BOOTID.UPNP.ORG"] for lan in ("lan0", "lan1")
            for sent in notifies(life[lan], "ssdp:alive").values() for _, h in sent}
    assert len(said) == 1


def test_nothing_is_said_on_the_wan_although_the_default_route_is_there(life):
    assert not life["wan0"].find(is_ssdp)


@pytest.mark.parametrize("st", dict.fromkeys(
    ["upnp:rootdevice", *DEVICES, *SERVICES, *DEVICES2, *SERVICES2]))
def test_a_search_is_answered_with_what_was_asked_for(lab, gateway, st):
    reply = wait_for(lambda: msearch(lab.a, st), 5, "an answer for " + st)[0]
    assert reply.status == 200
    assert reply["ST"] == st
    assert re.fullmatch(r"uuid:[0-9a-f-]{36}::" + re.escape(st), reply["USN"])
    assert reply["LOCATION"].startswith("http://%s:%d/" % (LAN0_GW, HTTP_PORT))
    assert reply["EXT"] == ""
    assert "UPnP/1." in reply["SERVER"]
    assert reply["CACHE-CONTROL"].replace(" ", "") == MAX_AGE
    assert reply.peer == (LAN0_GW, 1900)


def test_a_search_for_everything_finds_root_devices_and_services(lab, gateway):
    replies = msearch(lab.a, "ssdp:all", wait=2, until=15)
    asked = [r["ST"] for r in replies]
    uuids = [st for st in asked if st.startswith("uuid:")]
    assert sorted(set(asked) - set(uuids)) == sorted(["upnp:rootdevice", *DEVICES2, *SERVICES2])
    assert len(set(uuids)) == 4


def test_answers_tell_the_boot_and_the_configuration_too(lab, gateway):
    said = {(r["BOOTID.UPNP.ORG"], r["CONFIGID.UPNP.ORG"])
            for st in (IGD, IGD2, "upnp:rootdevice") for r in msearch(lab.b, st)}
    assert len(said) == 1


def test_server_names_the_product_and_not_the_kernel(life, lab, gateway):
    release = lab.gw.run("uname", "-r").stdout.strip()
    servers = {h["SERVER"] for sent in notifies(life["lan0"], "ssdp:alive").values() for _, h in sent}
    servers |= {r["SERVER"] for r in msearch(lab.a, IGD)}
    servers.add(Igd.discover(lab.a).document["SERVER"])
    for server in servers:
        assert "portreeve" in server and release not in server
    assert re.fullmatch(r"\S+/\S+ UPnP/1\.\d portreeve/\S+", msearch(lab.a, IGD)[0]["SERVER"])


@pytest.mark.parametrize("st,path", [
    (IGD, "/description.xml"), ("upnp:rootdevice", "/description.xml"),
    *((st, "/description.xml") for st in SERVICES),
    (IGD2, "/description2.xml"), (WANIP2, "/description2.xml"), (FIREWALL, "/description2.xml"),
    (ETHLINK, "/description2.xml"), (LANHOST, "/description2.xml"),
])
def test_each_version_is_led_to_its_document(life, lab, gateway, st, path):
    """And an advertisement leads where a search for the same leads: clients keep USN and place."""
    reply = wait_for(lambda: msearch(lab.a, st), 5, "an answer for " + st)[0]
    assert urllib.parse.urlsplit(reply["LOCATION"]).path == path
    for _, headers in notifies(life["lan0"], "ssdp:alive").get(st, []):
        assert urllib.parse.urlsplit(headers["LOCATION"]).path == path


def test_only_the_highest_version_is_advertised(life):
    told = set(notifies(life["lan0"], "ssdp:alive"))
    assert not told & ({*DEVICES, *SERVICES} - {*DEVICES2, *SERVICES2})


@pytest.mark.parametrize("st,mx", [(IGD, 1), ("ssdp:all", 1), ("ssdp:all", 2), (IGD2, 3)])
def test_all_replies_leave_within_mx(lab, gateway, keep, st, mx):
    """By the clock of the gateway's own link: how soon we get to read them is another matter."""
    sniffer = keep(Sniffer(lab.gw, "lan0"))
    wanted = 15 if st == "ssdp:all" else 1
    assert len(msearch(lab.b, st, mx=mx, wait=mx + 3, until=wanted)) == wanted

    def said(words):
        return sniffer.find(lambda p: is_ssdp(p) and p.data.startswith(words))
    wait_for(lambda: len(said(b"HTTP/1.1 200")) == wanted, 3, "all replies on the link")
    asked = said(b"M-SEARCH")[0]
    assert all(0 <= reply.time - asked.time < mx for reply in said(b"HTTP/1.1 200"))


def test_a_search_for_the_beginning_of_a_type_is_not_answered(lab, gateway):
    for st in ("urn:schemas-upnp-org:service:WANIP:1", "urn:schemas-upnp-org:device:WAN:1",
               "urn:schemas-upnp-org:service:WANIPConnection:0"):
        assert not msearch(lab.a, st, wait=0.4), st


def test_a_search_for_a_udn_finds_that_device(lab, gateway):
    udn = msearch(lab.a, IGD)[0]["USN"].split("::")[0]
    reply = msearch(lab.a, udn)[0]
    assert reply["ST"] == reply["USN"] == udn


def test_a_search_sent_to_the_gateway_alone_is_answered(lab, gateway):
    assert msearch(lab.a, IGD, to=(LAN0_GW, 1900))[0]["ST"] == IGD


@pytest.mark.parametrize("lines", [
    ["M-SEARCH * HTTP/1.1", "HOST:239.255.255.250:1900", 'MAN:"ssdp:discover"', "MX:1", "ST:" + IGD],
    ["M-SEARCH * HTTP/1.1", "Host: 239.255.255.250:1900", "St: " + IGD, 'Man: "ssdp:discover"',
     "Mx: 2", "User-Agent: Microsoft-Windows/10.0 UPnP/1.0"],
], ids=["no-blanks", "other-case-and-order"])
def test_searches_as_odd_clients_send_them(lab, gateway, lines):
    assert msearch(lab.a, IGD, lines=lines, wait=3)


def test_a_search_from_port_1900_is_answered(lab, gateway):
    assert msearch(lab.b, IGD, sport=1900)


@pytest.mark.parametrize("st", [
    "urn:schemas-upnp-org:device:InternetGatewayDevice:7",
    "urn:schemas-upnp-org:device:MediaServer:1",
    "urn:schemas-upnp-org:service:WANIPConnection:9",
    "uuid:00000000-0000-0000-0000-000000000000",
], ids=["newer-device", "other-device", "newer-service", "other-udn"])
def test_what_we_are_not_is_not_answered(lab, gateway, st):
    assert not msearch(lab.a, st, wait=0.4)


def test_a_man_other_than_discover_is_ignored(lab, gateway):
    lines = ["M-SEARCH * HTTP/1.1", "HOST: 239.255.255.250:1900", 'MAN: "ssdp:else"', "MX: 1",
             "ST: " + IGD]
    assert not msearch(lab.a, IGD, lines=lines, wait=0.4)


def test_the_wan_gets_no_answer_to_any_search(lab, gateway):
    lab.wan.ip("route replace 192.168.0.0/16 via " + WAN_GW)
    try:
        begun = time.monotonic()
        for to in (SSDP, (WAN_GW, 1900), (LAN0_GW, 1900), (LAN1_GW, 1900)):
            for st in ("ssdp:all", IGD):
                assert not msearch(lab.wan, st, to=to, wait=0.4), to
        # The gateway was well meanwhile: it is silence, not absence.
        assert msearch(lab.a, IGD)
        assert time.monotonic() - begun < 30
    finally:
        lab.wan.ip("route del 192.168.0.0/16")


def test_the_wan_gets_no_http(lab, gateway):
    lab.wan.ip("route replace 192.168.0.0/16 via " + WAN_GW)
    try:
        for address in (WAN_GW, LAN0_GW, LAN1_GW):
            with pytest.raises(OSError):
                http_raw(lab.wan, address,
                         b"GET / HTTP/1.1\r\nHost: %s:%d\r\n\r\n" % (address.encode(), HTTP_PORT),
                         timeout=0.5)
        assert gateway.answers("lan0")
    finally:
        lab.wan.ip("route del 192.168.0.0/16")


def test_each_lan_finds_the_gateway_at_its_own_address(lab, gateway):
    for ns, address in ((lab.a, LAN0_GW), (lab.c, LAN1_GW)):
        igd = Igd.discover(ns)
        assert urllib.parse.urlsplit(igd.location).hostname == address
        replies = msearch(ns, IGD, wait=1.0, until=9)
        assert {r.peer[0] for r in replies} == {address}
        assert igd.call("GetExternalIPAddress") == {"NewExternalIPAddress": WAN_GW}


def test_at_the_address_of_the_other_lan_there_is_nothing_but_ones_own(lab, gateway):
    for ns, own, other in ((lab.c, LAN1_GW, LAN0_GW), (lab.a, LAN0_GW, LAN1_GW)):
        for reply in msearch(ns, IGD, to=(other, 1900), wait=0.5, until=9):
            assert urllib.parse.urlsplit(reply["LOCATION"]).hostname == own
    for ns, address in ((lab.c, LAN0_GW), (lab.a, LAN1_GW)):
        with pytest.raises(OSError):
            http_raw(ns, address,
                     b"GET / HTTP/1.1\r\nHost: %s:%d\r\n\r\n" % (address.encode(), HTTP_PORT),
                     timeout=0.5)


def test_http_is_bound_to_the_lan_addresses_only(lab, gateway):
    lines = lab.gw.run("ss", "-Htln").stdout.splitlines()
    local = {line.split()[3] for line in lines if line.split()[3].endswith(":%d" % HTTP_PORT)}
    assert {re.sub(r"%\w+", "", l) for l in local} == {
        "%s:%d" % (LAN0_GW, HTTP_PORT), "%s:%d" % (LAN1_GW, HTTP_PORT)}
    assert HOST_A not in str(local)


def test_a_boot_on_one_lan_is_told_on_the_others(lab, gateway, keep):
    """
    Who has heard of the gateway there must know that it has forgotten everything; who has heard of it
    elsewhere that it has not, and which BOOTID is the next (UDA 1.1 1.2.4).
    """
    before = int(msearch(lab.a, IGD)[0]["BOOTID.UPNP.ORG"])
    assert int(msearch(lab.c, IGD)[0]["BOOTID.UPNP.ORG"]) == before
    one, other = (keep(Sniffer(lab.gw, lan)) for lan in ("lan0", "lan1"))
    worker = gateway.worker_pid("lan1")
    os.kill(gateway.worker_pid("lan0"), signal.SIGKILL)
    wait_for(lambda: is_whole_set(notifies(one, "ssdp:alive")), 3, "advertisements on lan0")
    wait_for(lambda: is_whole_set(notifies(other, "ssdp:alive")), 3, "advertisements on lan1")
    after = int(msearch(lab.a, IGD)[0]["BOOTID.UPNP.ORG"])
    assert after > before
    assert int(msearch(lab.c, IGD)[0]["BOOTID.UPNP.ORG"]) == after
    for sniffer in (one, other):
        assert {h["BOOTID.UPNP.ORG"] for sent in notifies(sniffer, "ssdp:alive").values()
                for _, h in sent} == {str(after)}
    updates = notifies(other, "ssdp:update")
    assert is_whole_set(updates)
    for sent in updates.values():
        for _, headers in sent:
            assert headers["BOOTID.UPNP.ORG"] == str(before)
            assert headers["NEXTBOOTID.UPNP.ORG"] == str(after)
            assert urllib.parse.urlsplit(headers["LOCATION"]).hostname == LAN1_GW
            assert "CACHE-CONTROL" not in headers and "SERVER" not in headers
    assert not notifies(one, "ssdp:update") and not notifies(other, "ssdp:byebye")
    assert gateway.worker_pid("lan1") == worker
