# SPDX-License-Identifier: GPL-2.0-or-later
"""A control point in plain sockets: SSDP, HTTP, SOAP and GENA, each as raw as a test needs it."""
import contextlib
import re
import select
import socket
import struct
import threading
import time
import urllib.parse
import xml.etree.ElementTree
from xml.sax.saxutils import escape

from lab import HTTP_PORT, PATIENCE, wait_for

SSDP = ("239.255.255.250", 1900)
IGD = "urn:schemas-upnp-org:device:InternetGatewayDevice:1"
WANIP = "urn:schemas-upnp-org:service:WANIPConnection:1"
WANCOMMON = "urn:schemas-upnp-org:service:WANCommonInterfaceConfig:1"
L3F = "urn:schemas-upnp-org:service:Layer3Forwarding:1"
DEVICES = ["urn:schemas-upnp-org:device:%s:1" % d
           for d in ("InternetGatewayDevice", "WANDevice", "WANConnectionDevice")]
SERVICES = [L3F, WANCOMMON, WANIP]
WANPPP = "urn:schemas-upnp-org:service:WANPPPConnection:1"
IGD2, WANIP2 = IGD[:-1] + "2", WANIP[:-1] + "2"
FIREWALL = "urn:schemas-upnp-org:service:WANIPv6FirewallControl:1"
ETHLINK = "urn:schemas-upnp-org:service:WANEthernetLinkConfig:1"
LANHOST = "urn:schemas-upnp-org:service:LANHostConfigManagement:1"
DEVICES2 = [*(d[:-1] + "2" for d in DEVICES), "urn:schemas-upnp-org:device:LANDevice:1"]
SERVICES2 = [L3F, WANCOMMON, WANIP2, FIREWALL, ETHLINK, LANHOST]
DEVICE_NS = "{urn:schemas-upnp-org:device-1-0}"
SERVICE_NS = "{urn:schemas-upnp-org:service-1-0}"
EVENT_NS = "{urn:schemas-upnp-org:event-1-0}"


class Message:
    """An HTTP-like message: start line, headers (names in upper case), body."""

    def __init__(self, data, peer=None):
        head, _, self.body = data.partition(b"\r\n\r\n")
        self.start, *lines = head.decode(errors="replace").split("\r\n")
        self.headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            self.headers[name.strip().upper()] = value.strip()
        self.peer = peer
        self.raw = data

    @property
    def status(self):
        words = self.start.split()
        return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0

    def __getitem__(self, name):
        return self.headers[name.upper()]

    def __repr__(self):
        return "<%s %s>" % (self.start, self.headers)


# ---- SSDP ----

def msearch(ns, st, mx=1, to=SSDP, wait=None, until=1, lines=None, sport=0, interface=None):
    """
    Searches and returns the replies: as soon as @until have come, or what there is after @wait
    seconds (MX and a little without it).
    """
    sock = ns.socket(kind=socket.SOCK_DGRAM)
    replies = []
    with sock:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 2)
        if interface:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(interface))
        sock.bind(("", sport))
        if lines is None:
            lines = ["M-SEARCH * HTTP/1.1", "HOST: %s:%d" % to, 'MAN: "ssdp:discover"',
                     "MX: %d" % mx, "ST: " + st]
        # Not every wire has a route for the group, and a search on none must not fail the test.
        if not interface and to == SSDP:
            with ns:
                index = socket.if_nametoindex("eth0")
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF,
                            struct.pack("4s4si", b"\0" * 4, b"\0" * 4, index))
        sock.sendto(("\r\n".join(lines) + "\r\n\r\n").encode(), to)
        deadline = time.monotonic() + (wait if wait is not None else mx + 1) * PATIENCE
        while len(replies) < until:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([sock], [], [], left)[0]:
                break
            data, peer = sock.recvfrom(4096)
            replies.append(Message(data, peer))
    return replies


def is_ssdp(packet):
    return packet.protocol == 17 and 1900 in (packet.sport, packet.dport)


def notifies(sniffer, nts):
    """{NT: [header lines, ...]} of the advertisements seen."""
    found = {}
    for packet in sniffer.find(is_ssdp):
        text = packet.data.decode(errors="replace")
        if text.startswith("NOTIFY") and "NTS: " + nts in text:
            headers = dict(re.findall(r"^([A-Za-z.-]+): *(.*?)\r$", text, re.M))
            headers = {k.upper(): v for k, v in headers.items()}
            found.setdefault(headers["NT"], []).append((packet, headers))
    return found


def is_whole_set(found):
    types = [nt for nt in found if not nt.startswith("uuid:")]
    uuids = [nt for nt in found if nt.startswith("uuid:")]
    return set(types) >= {"upnp:rootdevice", *DEVICES2, *SERVICES2} and len(uuids) == 4


# ---- HTTP ----

def read_message(sock, deadline):
    """One whole message: by Content-Length, by chunks, or until the end of the connection."""
    data = b""
    while True:
        message = Message(data) if b"\r\n\r\n" in data else None
        if message:
            length = message.headers.get("CONTENT-LENGTH")
            if length is not None and len(message.body) >= int(length):
                return message
            if message.headers.get("TRANSFER-ENCODING", "").lower() == "chunked" and (
                    message.body.endswith(b"0\r\n\r\n")):
                message.body = unchunk(message.body)
                return message
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("no whole message, only %r" % data)
        sock.settimeout(left)
        piece = sock.recv(65536)
        if not piece:
            if not message:
                raise ConnectionError("closed after %r" % data)
            return message
        data += piece


def unchunk(body):
    out = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size.split(b";")[0], 16)
        if not length:
            break
        out += body[:length]
        body = body[length + 2:]
    return out


def http_raw(ns, address, data, port=HTTP_PORT, timeout=5.0, source=None):
    """Sends @data as it is on a new connection and returns the answer."""
    sock = ns.socket()
    with sock:
        sock.settimeout(timeout * PATIENCE)
        if source:
            sock.bind((source, 0))
        sock.connect((address, port))
        try:
            sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused before all was sent; the answer tells
        return read_message(sock, time.monotonic() + timeout * PATIENCE)


def http(ns, url, method="GET", headers=None, body=b"", timeout=5.0):
    parts = urllib.parse.urlsplit(url)
    lines = ["%s %s HTTP/1.1" % (method, parts.path or "/"),
             "Host: %s:%d" % (parts.hostname, parts.port or 80), "Connection: close"]
    lines += ["%s: %s" % pair for pair in (headers or {}).items()]
    if body or method == "POST":
        lines.append("Content-Length: %d" % len(body))
    data = ("\r\n".join(lines) + "\r\n\r\n").encode() + body
    return http_raw(ns, parts.hostname, data, parts.port or 80, timeout)


# ---- SOAP ----

class UpnpError(Exception):
    def __init__(self, code, text, message):
        super().__init__("%d %s" % (code, text))
        self.code = code
        self.text = text
        self.message = message


def envelope(service, action, args):
    inside = "".join("<%s>%s</%s>" % (k, escape(str(v)), k) for k, v in args.items())
    return ('<?xml version="1.0"?>\r\n'
            '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
            's:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>'
            '<u:%s xmlns:u="%s">%s</u:%s></s:Body></s:Envelope>\r\n' % (
                action, service, inside, action)).encode()


def local_name(element):
    return element.tag.rpartition("}")[2]


def soap_answer(message):
    """The out arguments of a response, or UpnpError."""
    try:
        root = xml.etree.ElementTree.fromstring(message.body)
    except xml.etree.ElementTree.ParseError:
        raise AssertionError("not XML: HTTP %d %r" % (message.status, message.body)) from None
    fields = {local_name(e): e.text or "" for e in root.iter() if len(e) == 0}
    if message.status != 200:
        # An answer of HTTP alone says nothing of the request; nor does one that is to come again.
        if "errorCode" not in fields or message.status == 503:
            raise ConnectionError("HTTP %d %r" % (message.status, message.body))
        raise UpnpError(int(fields["errorCode"]), fields.get("errorDescription", ""),
                        message)
    return {k: v for k, v in fields.items() if not k.endswith("Response")}


def soap_post(ns, url, service, action, body, headers=None, timeout=5.0):
    headers = headers or {"SOAPACTION": '"%s#%s"' % (service, action),
                          "Content-Type": 'text/xml; charset="utf-8"'}
    return http(ns, url, "POST", headers, body, timeout)


class Igd:
    """A gateway as one host on its LAN sees it."""

    def __init__(self, ns, location):
        self.ns = ns
        self.location = location
        self.document = http(ns, location)
        assert self.document.status == 200, self.document
        self.root = xml.etree.ElementTree.fromstring(self.document.body)
        self.services = {}  # type -> {"controlURL": absolute URL, ...}
        for service in self.root.iter(DEVICE_NS + "service"):
            fields = {local_name(e): e.text or "" for e in service}
            for key in ("controlURL", "eventSubURL", "SCPDURL"):
                fields[key] = urllib.parse.urljoin(location, fields[key])
            self.services[fields["serviceType"]] = fields

    @classmethod
    def discover(cls, ns, seconds=5, at="http://"):
        """The first to answer whose LOCATION begins with @at."""
        def found():
            return [r["LOCATION"] for r in msearch(ns, IGD, wait=0.5, until=1 if at == "http://" else 9)
                    if r["LOCATION"].startswith(at)]
        return cls(ns, wait_for(found, seconds, "an answer to M-SEARCH")[0])

    def seen_from(self, ns):
        """The same gateway for another host of this LAN."""
        return Igd(ns, self.location)

    def call(self, action, service=WANIP, timeout=5.0, **args):
        message = soap_post(self.ns, self.services[service]["controlURL"], service, action,
                            envelope(service, action, args), timeout=timeout)
        return soap_answer(message)

    def add(self, protocol, port, client, internal_port=None, lease=0, remote="", enabled=1,
            description="test"):
        return self.call(
            "AddPortMapping", NewRemoteHost=remote, NewExternalPort=port, NewProtocol=protocol,
            NewInternalPort=internal_port or port, NewInternalClient=client, NewEnabled=enabled,
            NewPortMappingDescription=description, NewLeaseDuration=lease)

    def delete(self, protocol, port, remote=""):
        return self.call("DeletePortMapping", NewRemoteHost=remote, NewExternalPort=port,
                         NewProtocol=protocol)

    def get(self, protocol, port, remote=""):
        return self.call("GetSpecificPortMappingEntry", NewRemoteHost=remote, NewExternalPort=port,
                         NewProtocol=protocol)

    def entries(self):
        """Walks GetGenericPortMappingEntry up to its 713."""
        found = []
        for index in range(70000):
            try:
                found.append(self.call("GetGenericPortMappingEntry", NewPortMappingIndex=index))
            except UpnpError as error:
                assert error.code == 713
                return found
        raise AssertionError("the table has no end")


def fault(action, *args, **kwargs):
    """The UPnP error code that the call ends with; 0 when it succeeds."""
    try:
        action(*args, **kwargs)
    except UpnpError as error:
        return error.code
    return 0


class Firewall(Igd):
    """WANIPv6FirewallControl:1 as one host sees it."""

    @classmethod
    def discover(cls, ns, seconds=5):
        return cls(ns, wait_for(lambda: msearch(ns, FIREWALL, wait=0.5), seconds,
                                "an answer to M-SEARCH")[0]["LOCATION"])

    def call(self, action, service=FIREWALL, timeout=5.0, **args):
        return super().call(action, service, timeout, **args)

    def open(self, client, port, protocol=socket.IPPROTO_TCP, lease=600, remote="", remote_port=0):
        """AddPinhole: the number of the pinhole."""
        answer = self.call("AddPinhole", RemoteHost=remote, RemotePort=remote_port,
                           InternalClient=client, InternalPort=port, Protocol=protocol,
                           LeaseTime=lease)
        return int(answer["UniqueID"])

    def open_soon(self, client, *args, **kwargs):
        """For an address that the gateway may not have met: it waits for the link a moment only."""
        wait_for(lambda: fault(self.open, client, *args, **kwargs) == 0, 2, "grant for " + client)
        return self.open(client, *args, **kwargs)

    def update(self, number, lease):
        return self.call("UpdatePinhole", UniqueID=number, NewLeaseTime=lease)

    def shut(self, number):
        return self.call("DeletePinhole", UniqueID=number)

    def packets(self, number):
        return int(self.call("GetPinholePackets", UniqueID=number)["PinholePackets"])

    def works(self, number):
        return self.call("CheckPinholeWorking", UniqueID=number)

    def outbound(self, protocol, client="", remote=""):
        """GetOutboundPinholeTimeout, in seconds."""
        answer = self.call("GetOutboundPinholeTimeout", RemoteHost=remote, RemotePort=0,
                           InternalClient=client, InternalPort=0, Protocol=protocol)
        return int(answer["OutboundPinholeTimeout"])


# ---- GENA ----

class Subscriber:
    """Subscribes to a service and keeps what it is told."""

    def __init__(self, ns, address, event_url, timeout="Second-1800", answer=True):
        self.ns = ns
        self.url = event_url
        self.events = []  # (time, SEQ, {variable: value})
        self.answer = answer
        self.address = (address, 0)
        self.open()
        self.callback = "http://%s:%d/events" % self.address
        self.reply = http(ns, event_url, "SUBSCRIBE", {
            "CALLBACK": "<%s>" % self.callback, "NT": "upnp:event", "TIMEOUT": timeout})
        self.subscribed = time.monotonic()
        self.sid = self.reply.headers.get("SID")

    def open(self):
        """Listens, at the same port after shut()."""
        self.listener = self.ns.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(self.address)
        self.listener.listen(16)
        self.address = self.listener.getsockname()
        self.thread = threading.Thread(target=self._serve, args=(self.listener,), daemon=True)
        self.thread.start()

    def shut(self):
        """Takes nothing for a while."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()

    def _serve(self, listener):
        while True:
            try:
                conn, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._take, args=(conn,), daemon=True).start()

    def _take(self, conn):
        with conn:
            if not self.answer:
                time.sleep(30)  # a subscriber that hangs; the thread dies with the program
                return
            with contextlib.suppress(OSError):
                self._note(read_message(conn, time.monotonic() + 5))  # before the next can come
                conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    def _note(self, message):
        root = xml.etree.ElementTree.fromstring(message.body)
        values = {local_name(v): v.text or "" for p in root.iter(EVENT_NS + "property") for v in p}
        self.events.append((time.monotonic(), int(message["SEQ"]), values, message))

    def values(self):
        """Every variable's latest value."""
        merged = {}
        for event in sorted(self.events, key=lambda e: e[1]):
            merged.update(event[2])
        return merged

    def wait(self, seconds=2.0, **wanted):
        """Until the variables have these values."""
        wait_for(lambda: wanted.items() <= self.values().items(), seconds,
                 "event %s; seen %s" % (wanted, [e[1:3] for e in self.events]))

    def renew(self):
        return http(self.ns, self.url, "SUBSCRIBE", {"SID": self.sid, "TIMEOUT": "Second-1800"})

    def unsubscribe(self):
        return http(self.ns, self.url, "UNSUBSCRIBE", {"SID": self.sid})

    def close(self):
        if self.sid:  # there is room for so many only
            with contextlib.suppress(OSError):
                http(self.ns, self.url, "UNSUBSCRIBE", {"SID": self.sid}, timeout=1)
        self.listener.close()


def upnpc(ns, *args, url=None, check=True):
    """
    The real upnpc. It listens two seconds for gateways unless it is given an @url. -i: it takes
    203.0.113.0/24, being set aside for documentation, for "not connected" and would stop there.
    """
    return ns.run("upnpc", "-i", *(["-u", url] if url else []), *args, check=check).stdout


def table_of(text):
    """What `upnpc -l` lists: [(protocol, external port, client, internal port, description)]."""
    return re.findall(r"^\s*\d+ (TCP|UDP)\s+(\d+)->([\d.]+):(\d+)\s+'(.*?)'", text, re.M)
