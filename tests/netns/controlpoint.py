# SPDX-License-Identifier: GPL-2.0-or-later
"""
A control point on python3-aiohttp with the forms of python3-async-upnp-client, the library of home
automation. It sends what that one sends (headers, bodies with a line for each argument, renewals
with a fraction of a second) and reads as that one does when told to be strict: descriptions in their
namespaces, every variable of a known type, answers whose element and arguments the description knows,
values of the type and among those allowed.
"""
import asyncio
import urllib.parse
import xml.etree.ElementTree
from xml.sax.saxutils import escape

import aiohttp
import aiohttp.web

from igd import DEVICE_NS, EVENT_NS, SERVICE_NS
from lab import HOST_A, PATIENCE

SOAP_NS = "{http://schemas.xmlsoap.org/soap/envelope/}"
CONTROL_NS = "{urn:schemas-upnp-org:control-1-0}"
TYPES = {"boolean": lambda text: {"1": True, "0": False}[text], "string": str,
         "ui1": int, "ui2": int, "ui4": int, "i4": int}


class Variable:
    """A state variable of a service's description."""

    def __init__(self, element):
        self.read = TYPES[element.findtext(SERVICE_NS + "dataType")]
        self.allowed = [self.read(v.text) for v in element.iter(SERVICE_NS + "allowedValue")]
        ends = [element.findtext(".//" + SERVICE_NS + end) for end in ("minimum", "maximum")]
        self.least, self.most = (self.read(end) if end else None for end in ends)

    def value(self, text):
        """What @text stands for; AssertionError when the description forbids it."""
        value = self.read(text)
        assert not self.allowed or value in self.allowed, value
        assert self.least is None or value >= self.least, value
        assert self.most is None or value <= self.most, value
        return value


class Service:
    """What the device's and the service's description say."""

    def __init__(self, location, element):
        for key in ("SCPDURL", "controlURL", "eventSubURL"):
            path = element.findtext(DEVICE_NS + key) or ""
            setattr(self, key, urllib.parse.urljoin(location, path))
        self.variables = {}
        self.actions = {}  # name -> {"in": {argument: Variable}, "out": {argument: Variable}}

    def read(self, document):
        assert document.tag == SERVICE_NS + "scpd"
        for element in document.iterfind("./%sserviceStateTable/%sstateVariable" % (
                SERVICE_NS, SERVICE_NS)):
            self.variables[element.findtext(SERVICE_NS + "name")] = Variable(element)
        for action in document.iterfind("./%sactionList/%saction" % (SERVICE_NS, SERVICE_NS)):
            arguments = {"in": {}, "out": {}}
            for argument in action.iter(SERVICE_NS + "argument"):
                name, direction, related = (argument.findtext(SERVICE_NS + key) for key in (
                    "name", "direction", "relatedStateVariable"))
                arguments[direction][name] = self.variables[related]
            self.actions[action.findtext(SERVICE_NS + "name")] = arguments


def written(value):
    return str(int(value)) if isinstance(value, bool) else str(value)


class ControlPoint:
    """On host a; used as an asynchronous context."""

    def __init__(self, location):
        self.location = location
        self.host = urllib.parse.urlsplit(location).netloc
        self.services = {}
        self.subscribed = {}  # SID -> Service
        self.events = asyncio.Queue()
        self.session = self.runner = self.callback = None

    async def __aenter__(self):
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=8),
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
        root = xml.etree.ElementTree.fromstring((await request.text()).rstrip(" \t\r\n\0"))
        texts = {v.tag: v.text or "" for p in root.iterfind("./" + EVENT_NS + "property")
                 for v in p}
        await self.events.put((headers["SID"], int(headers["SEQ"]), texts))
        return aiohttp.web.Response(status=200)

    async def event(self):
        """(SID, SEQ, {variable: value}) of the next event."""
        sid, seq, texts = await asyncio.wait_for(self.events.get(), 3 * PATIENCE)
        variables = self.subscribed[sid].variables
        return sid, seq, {name: variables[name].value(text) for name, text in texts.items()}

    async def get(self, url):
        async with self.session.get(url) as answer:
            assert answer.status == 200 and answer.content_type == "text/xml"
            assert answer.headers["connection"].lower() == "close"
            return xml.etree.ElementTree.fromstring(await answer.text())

    async def read_description(self):
        root = await self.get(self.location)
        for element in root.iter(DEVICE_NS + "service"):
            service = Service(self.location, element)
            service.read(await self.get(service.SCPDURL))
            self.services[element.findtext(DEVICE_NS + "serviceType")] = service

    async def call(self, service, action, **args):
        """{argument: value} of the answer, or the error's number."""
        known = self.services[service].actions.get(action, {"in": args, "out": {}})
        for name, variable in known["in"].items():
            assert isinstance(variable, str) or variable.value(written(args[name])) == args[name]
        inside = "\n".join("<%s>%s</%s>" % (k, escape(written(args[k])), k) for k in known["in"])
        body = ('<?xml version="1.0"?>'
                '<s:Envelope s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/" '
                'xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
                '<u:%s xmlns:u="%s">%s</u:%s></s:Body></s:Envelope>' % (
                    action, service, inside, action))
        headers = {"SOAPAction": '"%s#%s"' % (service, action), "Host": self.host,
                   "Content-Type": 'text/xml; charset="utf-8"'}
        async with self.session.post(self.services[service].controlURL, headers=headers,
                                     data=body) as answer:
            root = xml.etree.ElementTree.fromstring(await answer.text())
            assert answer.headers["connection"].lower() == "close"
        if answer.status != 200:
            fault = root.find(".//%sBody/%sFault" % (SOAP_NS, SOAP_NS))
            return int(fault.findtext(".//" + CONTROL_NS + "errorCode"))
        response = root.find(".//{%s}%sResponse" % (service, action))
        assert [e.tag for e in response] == list(known["out"])
        return {e.tag: known["out"][e.tag].read(e.text or "") for e in response}

    async def gena(self, method, service, **headers):
        async with self.session.request(method, self.services[service].eventSubURL,
                                        headers=headers) as answer:
            return answer.status, answer.headers

    async def subscribe(self, service):
        """(SID, TIMEOUT) as granted."""
        status, headers = await self.gena(
            "SUBSCRIBE", service, NT="upnp:event", TIMEOUT="Second-1800", HOST=self.host,
            CALLBACK="<%s>" % self.callback)
        assert status == 200
        self.subscribed[headers["sid"]] = self.services[service]
        return headers["sid"], headers["timeout"]

    async def renew(self, service, sid, seconds):
        return await self.gena("SUBSCRIBE", service, HOST=self.host, SID=sid,
                               TIMEOUT="Second-%.1f" % seconds)

    async def unsubscribe(self, service, sid):
        status, _ = await self.gena("UNSUBSCRIBE", service, HOST=self.host, SID=sid)
        return status
