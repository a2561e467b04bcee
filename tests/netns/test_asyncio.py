# SPDX-License-Identifier: GPL-2.0-or-later
"""
A control point on aiohttp, as home automation has one (python3-async-upnp-client, which Debian 12
does not package, speaks so): description, calls and events, several calls at a time, answers read by
a strict HTTP parser. It would keep its connections; each answer tells it not to.
"""
import asyncio
import contextlib
import urllib.parse
import xml.etree.ElementTree
from xml.sax.saxutils import escape

import aiohttp
import aiohttp.web
import pytest

from igd import (DEVICE_NS, EVENT_NS, IGD, IGD2, L3F, SERVICE_NS, WANCOMMON, WANIP, WANIP2,
                 local_name, msearch)
from lab import HOST_A, PATIENCE, WAN_GW, wait_for

AGENT = "unix/5.1 UPnP/2.0 control-point/1.0"
COUNTERS = ["TotalBytesReceived", "TotalBytesSent", "TotalPacketsReceived", "TotalPacketsSent"]


class ControlPoint:
    def __init__(self, location):
        self.location = location
        self.host = urllib.parse.urlsplit(location).netloc
        self.services = {}
        self.events = asyncio.Queue()
        self.session = self.runner = self.callback = None

    async def __aenter__(self):
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=8), headers={"User-Agent": AGENT},
            timeout=aiohttp.ClientTimeout(total=5 * PATIENCE))
        app = aiohttp.web.Application()
        app.router.add_route("NOTIFY", "/notify", self._on_notify)
        self.runner = aiohttp.web.AppRunner(app)
        await self.runner.setup()
        site = aiohttp.web.TCPSite(self.runner, HOST_A, 0)
        await site.start()
        self.callback = "http://%s:%d/notify" % site._server.sockets[0].getsockname()
        return self

    async def __aexit__(self, *exc):
        await self.session.close()
        await self.runner.cleanup()

    async def _on_notify(self, request):
        """As the other one judges: what is missing is a 400, what is wrong a 412."""
        headers = request.headers
        if "NT" not in headers or "NTS" not in headers:
            return aiohttp.web.Response(status=400)
        if headers["NT"] != "upnp:event" or headers["NTS"] != "upnp:propchange" or (
                "SID" not in headers):
            return aiohttp.web.Response(status=412)
        root = xml.etree.ElementTree.fromstring(await request.text())
        values = {local_name(v): v.text or "" for p in root.iter(EVENT_NS + "property") for v in p}
        await self.events.put((headers["SID"], int(headers["SEQ"]), values))
        return aiohttp.web.Response(status=200)

    async def get(self, url):
        async with self.session.get(url) as answer:
            assert answer.status == 200 and answer.content_type == "text/xml"
            assert answer.headers["connection"].lower() == "close"
            return xml.etree.ElementTree.fromstring(await answer.text())

    async def read_description(self):
        root = await self.get(self.location)
        for service in root.iter(DEVICE_NS + "service"):
            urls = {local_name(e): e.text or "" for e in service}
            self.services[urls["serviceType"]] = {
                k: urllib.parse.urljoin(self.location, urls[k])
                for k in ("SCPDURL", "controlURL", "eventSubURL")}
        documents = await asyncio.gather(*(self.get(s["SCPDURL"]) for s in self.services.values()))
        for service, document in zip(self.services.values(), documents):
            service["actions"] = [a.findtext(SERVICE_NS + "name")
                                  for a in document.iter(SERVICE_NS + "action")]

    async def call(self, service, action, **args):
        inside = "".join("<%s>%s</%s>" % (k, escape(str(v)), k) for k, v in args.items())
        body = ('<?xml version="1.0"?>'
                '<s:Envelope s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/" '
                'xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
                '<u:%s xmlns:u="%s">%s</u:%s></s:Body></s:Envelope>' % (
                    action, service, inside, action))
        headers = {"SOAPAction": '"%s#%s"' % (service, action), "Host": self.host,
                   "Content-Type": 'text/xml; charset="utf-8"'}
        async with self.session.post(self.services[service]["controlURL"], headers=headers,
                                     data=body) as answer:
            root = xml.etree.ElementTree.fromstring(await answer.text())
            assert answer.headers["connection"].lower() == "close"
        fields = {local_name(e): e.text or "" for e in root.iter() if len(e) == 0}
        if answer.status != 200:
            return int(fields["errorCode"])
        return {k: v for k, v in fields.items() if not k.endswith("Response")}

    async def gena(self, method, service, **headers):
        async with self.session.request(method, self.services[service]["eventSubURL"],
                                        headers={"HOST": self.host, **headers}) as answer:
            return answer.status, answer.headers

    async def subscribe(self, service):
        status, headers = await self.gena(
            "SUBSCRIBE", service, NT="upnp:event", TIMEOUT="Second-1800",
            CALLBACK="<%s>" % self.callback)
        assert status == 200
        return headers["sid"], headers["timeout"]

    async def event(self):
        return await asyncio.wait_for(self.events.get(), 3 * PATIENCE)


@pytest.fixture(params=[(IGD, WANIP), (IGD2, WANIP2)], ids=["igd1", "igd2"])
def run(request, lab, gateway):
    """run(scene) runs scene(control point, its connection service) on host a."""
    gateway.clear()
    location = wait_for(lambda: msearch(lab.a, request.param[0]), 5, "an answer")[0]["LOCATION"]

    def runner(scene):
        async def play():
            async with ControlPoint(location) as point:
                await point.read_description()
                await scene(point, request.param[1])
        with lab.a:
            asyncio.run(play())
    return runner


def test_it_reads_all_documents_again_and_again(run):
    async def scene(point, connection):
        for _ in range(20):
            assert {L3F, WANCOMMON, connection} <= set(point.services)
            assert all(service["actions"] for service in point.services.values())
            await point.read_description()
    run(scene)


def test_it_calls_one_after_another_and_several_at_once(run):
    async def scene(point, connection):
        for _ in range(10):
            assert await point.call(connection, "GetExternalIPAddress") == {
                "NewExternalIPAddress": WAN_GW}
            status, *counters = await asyncio.gather(
                point.call(connection, "GetStatusInfo"),
                *(point.call(WANCOMMON, "Get" + name) for name in COUNTERS))
            assert status["NewConnectionStatus"] == "Connected"
            assert [list(c) for c in counters] == [["New" + name] for name in COUNTERS]
        assert await point.call(connection, "NoSuchAction") == 401
    run(scene)


def test_it_maps_a_port_and_is_told_of_it(run):
    async def scene(point, connection):
        sid, timeout = await point.subscribe(connection)
        assert timeout == "Second-1800"
        first = await point.event()
        assert first[:2] == (sid, 0)
        assert first[2]["ExternalIPAddress"] == WAN_GW
        assert first[2]["PortMappingNumberOfEntries"] == "0"
        added = await point.call(
            connection, "AddPortMapping", NewRemoteHost="", NewExternalPort=8123,
            NewProtocol="TCP", NewInternalPort=8123, NewInternalClient=HOST_A, NewEnabled="1",
            NewPortMappingDescription="home & <away>", NewLeaseDuration=600)
        assert added == {}
        second = await point.event()
        assert second[:2] == (sid, 1) and second[2]["PortMappingNumberOfEntries"] == "1"
        entry = await point.call(connection, "GetGenericPortMappingEntry", NewPortMappingIndex=0)
        assert entry["NewPortMappingDescription"] == "home & <away>"

        status, headers = await point.gena("SUBSCRIBE", connection, SID=sid, TIMEOUT="Second-900")
        assert (status, headers["sid"], headers["timeout"]) == (200, sid, "Second-900")
        assert await point.call(connection, "DeletePortMapping", NewRemoteHost="",
                                NewExternalPort=8123, NewProtocol="TCP") == {}
        third = await point.event()
        assert third[:2] == (sid, 2) and third[2]["PortMappingNumberOfEntries"] == "0"
        status, _ = await point.gena("UNSUBSCRIBE", connection, SID=sid)
        assert status == 200
        status, _ = await point.gena("UNSUBSCRIBE", connection, SID=sid)
        assert status == 412
        with contextlib.suppress(asyncio.QueueEmpty):
            raise AssertionError(point.events.get_nowait())
    run(scene)
