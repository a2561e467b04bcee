# SPDX-License-Identifier: GPL-2.0-or-later
"""
upnp-client, the program of python3-async-upnp-client: search, description, calls, events. Debian 12
does not have it, later releases do. Where it is on PATH it is run itself and told to be strict;
elsewhere a control point with its forms (controlpoint.py) plays the same scenes. The name of each
test says who did: [upnp-client] or [its-forms].
"""
import asyncio
import contextlib
import json
import re
import shutil
import signal
import socket
import threading

import pytest

from controlpoint import ControlPoint
from igd import FIREWALL, IGD, IGD2, L3F, SSDP, WANCOMMON, WANIP, WANIP2, Message, msearch
from lab import HOST6_A, HOST_A, HOST_B, WAN_GW, Output, wait_for

OPTIONS = ["-o", "firewall=own"]
TCP = 6
SEARCH_S = 1
COUNTERS = ["TotalBytesReceived", "TotalBytesSent", "TotalPacketsReceived", "TotalPacketsSent"]

# The library's profile of a gateway as home automation holds it: one HTTP client, events of every
# service it knows, renewals of nine minutes, which it begins a minute before their end.
RENEWAL_S, BEFORE_S = 540, 60
PROFILE = """
import asyncio, datetime, ipaddress, json, sys
import aiohttp
from async_upnp_client.aiohttp import AiohttpNotifyServer, AiohttpSessionRequester
from async_upnp_client.client_factory import UpnpFactory
from async_upnp_client.profiles.igd import IgdDevice

async def until(condition):
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise SystemExit("no such event")

async def main(url, here):
    anybody = ipaddress.IPv4Address("0.0.0.0")
    async with aiohttp.ClientSession() as session:
        requester = AiohttpSessionRequester(session, with_sleep=True)
        device = await UpnpFactory(requester).async_create_device(url)
        server = AiohttpNotifyServer(requester, source=(here, 0))
        await server.async_start_server()
        igd = IgdDevice(device, server.event_handler)
        await igd.async_subscribe_services()
        await until(lambda: igd.port_mapping_number_of_entries == 0)
        await igd.async_add_port_mapping(
            anybody, 8123, "TCP", 8123, ipaddress.IPv4Address(here), True, "profile",
            datetime.timedelta(minutes=10))
        await until(lambda: igd.port_mapping_number_of_entries == 1)
        entry = await igd.async_get_specific_port_mapping_entry(None, 8123, "TCP")
        again = await igd.async_subscribe_services()
        state = await igd.async_get_traffic_and_status_data(force_poll=True)
        await igd.async_delete_port_mapping(anybody, 8123, "TCP")
        await until(lambda: igd.port_mapping_number_of_entries == 0)
        await igd.async_unsubscribe_services()
        await server.async_stop_server()
    print(json.dumps({
        "to": "%s:%d" % (entry.internal_client, entry.internal_port),
        "again": round(again.total_seconds()), "address": state.external_ip_address,
        "status": state.connection_status, "counters": [
            state.bytes_received, state.bytes_sent, state.packets_received, state.packets_sent]}))

asyncio.run(main(*sys.argv[1:]))
"""


def said(text):
    """What the program printed, without the warnings of its Python."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


class UpnpClient:
    """The program itself, on host a. It prints a line of JSON for all that it has to say."""

    def __init__(self, lab):
        self.ns = lab.a

    def _start(self, *words):
        return Output(self.ns, "env", "PYTHONUNBUFFERED=1", "upnp-client", "--strict", *words)

    def search(self, target):
        """LOCATION of each reply."""
        done = self.ns.run("upnp-client", "--timeout", SEARCH_S, "search", "--search_target", target)
        return [reply["LOCATION"] for reply in said(done.stdout)]

    def call(self, url, service, action, **args):
        """{argument: value} of the answer, or the error's number."""
        words = ["%s=%s" % (k, int(v) if isinstance(v, bool) else v) for k, v in args.items()]
        done = self.ns.run("upnp-client", "--strict", "call-action", url, service + "/" + action,
                           *words, check=False)
        if done.returncode == 0:
            return said(done.stdout)[0]["out_parameters"]
        error = re.search(r"upnp error: (\d+) ", done.stdout)
        assert error, done.stdout
        return int(error.group(1))

    @contextlib.contextmanager
    def subscribed(self, url, *services):
        """A function that returns {variable: value} of each event so far."""
        output = self._start("subscribe", url, *services)
        try:
            yield lambda: [event["state_variables"] for event in said(output.text)]
            output.proc.send_signal(signal.SIGINT)  # it gives its subscriptions back
            assert output.proc.wait(10) == 0, output.text
        finally:
            output.close()

    @contextlib.contextmanager
    def advertisements(self):
        """A function that returns (NTS, NT) of each so far."""
        output = self._start("advertisements", "--bind", HOST_A)

        def seen():
            return {(m["NTS"], m["NT"]) for m in said(output.text)}
        try:
            wait_for(lambda: in_group(self.ns), 5, "somebody in the group")
            yield seen
        finally:
            output.close()

    def profile(self, url):
        """What the scene of PROFILE saw."""
        done = self.ns.run("/usr/bin/python3", "-B", "-c", PROFILE, url, HOST_A)
        return said(done.stdout)[0]


class ItsForms:
    """The same through ControlPoint, which ends after each call as the program does."""

    def __init__(self, lab):
        self.ns = lab.a

    def _play(self, url, scene):
        async def play():
            async with ControlPoint(url) as point:
                await point.read_description()
                return await scene(point)
        with self.ns:
            return asyncio.run(play())

    def search(self, target):
        lines = ["M-SEARCH * HTTP/1.1", "HOST:%s:%d" % SSDP, 'MAN:"ssdp:discover"',
                 "MX:%d" % SEARCH_S, "ST:" + target]
        return [reply["LOCATION"] for reply in msearch(self.ns, target, lines=lines, wait=SEARCH_S,
                                                      until=99)]

    def call(self, url, service, action, **args):
        return self._play(url, lambda point: point.call(service, action, **args))

    @contextlib.contextmanager
    def subscribed(self, url, *services):
        loop, stop, events, errors = [], asyncio.Event(), [], []

        async def scene(point):
            sids = [(await point.subscribe(service))[0] for service in services]
            loop.append(asyncio.get_running_loop())
            while not stop.is_set():
                with contextlib.suppress(asyncio.TimeoutError):
                    events.append((await asyncio.wait_for(point.event(), 0.1))[2])
            for service, sid in zip(services, sids):
                assert await point.unsubscribe(service, sid) == 200

        def play():
            try:
                self._play(url, scene)
            except BaseException as error:  # it ends a thread, where nobody would see it
                errors.append(error)
        thread = threading.Thread(target=play, daemon=True)
        thread.start()
        try:
            wait_for(lambda: loop or errors, 10, "subscriptions")
            yield lambda: list(events)
        finally:
            if loop:
                loop[0].call_soon_threadsafe(stop.set)
            thread.join()
        assert not errors, errors

    @contextlib.contextmanager
    def advertisements(self):
        seen = set()
        with self.ns.socket(kind=socket.SOCK_DGRAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                            socket.inet_aton(SSDP[0]) + socket.inet_aton(HOST_A))
            sock.bind(("", SSDP[1]))
            sock.setblocking(False)

            def read():
                with contextlib.suppress(BlockingIOError):
                    while True:
                        message = Message(sock.recv(4096))
                        if message.start == "NOTIFY * HTTP/1.1":
                            seen.add((message["NTS"], message["NT"]))
                return seen
            yield read

    def profile(self, url):
        return self._play(url, self._profile)

    @staticmethod
    async def _profile(point):
        sids = {s: (await point.subscribe(s))[0] for s in point.services if s in PROFILE_SERVICES}
        connection = WANIP2 if WANIP2 in sids else WANIP

        async def until(entries):
            while True:
                sid, _, values = await point.event()
                if sid == sids[connection] and values["PortMappingNumberOfEntries"] == entries:
                    return
        await until(0)
        anybody = {**mapping(8123), "NewRemoteHost": "0.0.0.0"}
        assert await point.call(connection, "AddPortMapping", **anybody) == {}
        await until(1)
        entry = await point.call(connection, "GetSpecificPortMappingEntry", **which(8123))
        granted = [(await point.renew(s, sid, RENEWAL_S))[1]["timeout"] for s, sid in sids.items()]
        status, address, *counters = await asyncio.gather(
            point.call(connection, "GetStatusInfo"), point.call(connection, "GetExternalIPAddress"),
            *(point.call(WANCOMMON, "Get" + name) for name in COUNTERS))
        assert await point.call(connection, "DeletePortMapping", **{
            **which(8123), "NewRemoteHost": "0.0.0.0"}) == {}
        await until(0)
        assert [await point.unsubscribe(s, sid) for s, sid in sids.items()] == [200] * len(sids)
        return {"to": "%s:%d" % (entry["NewInternalClient"], entry["NewInternalPort"]),
                "again": min(int(text.partition("-")[2]) for text in granted) - BEFORE_S,
                "address": address["NewExternalIPAddress"],
                "status": status["NewConnectionStatus"],
                "counters": [c["New" + name] for c, name in zip(counters, COUNTERS)]}


def in_group(ns):
    """Does a program of this host listen to the SSDP group?"""
    return SSDP[0] in ns.run("ip", "-4", "maddress", "show", "dev", "eth0").stdout


INSTALLED = bool(shutil.which("upnp-client"))
PLAYER = UpnpClient if INSTALLED else ItsForms
PROFILE_SERVICES = {FIREWALL, WANIP, WANIP2, WANCOMMON, L3F}
VIEWS = {"igd1": (IGD, WANIP), "igd2": (IGD2, WANIP2)}


@pytest.fixture(scope="module")
def lab(lab):
    lab.add_ipv6()
    return lab


@pytest.fixture(params=[PLAYER], ids=["upnp-client" if INSTALLED else "its-forms"])
def client(request, lab, gateway):
    gateway.clear()
    return request.param(lab)


@pytest.fixture(params=VIEWS.values(), ids=VIEWS)
def view(request, client):
    """(URL of the description, type of its connection service)"""
    device, connection = request.param
    return client.search(device)[0], connection


def mapping(port, **others):
    return {"NewRemoteHost": "", "NewExternalPort": port, "NewProtocol": "TCP",
            "NewInternalPort": port, "NewInternalClient": HOST_A, "NewEnabled": True,
            "NewPortMappingDescription": "home & <away>", "NewLeaseDuration": 600, **others}


def which(port):
    return {"NewRemoteHost": "", "NewExternalPort": port, "NewProtocol": "TCP"}


@pytest.mark.parametrize("target", [IGD, WANIP, IGD2, WANIP2])
def test_search_finds_one_description_of_its_version(client, target):
    (url,) = client.search(target)
    connection = WANIP2 if target in (IGD2, WANIP2) else WANIP
    assert client.call(url, connection, "GetExternalIPAddress") == {"NewExternalIPAddress": WAN_GW}


def test_a_mapping_is_added_found_and_deleted(view, client):
    url, connection = view
    assert client.call(url, connection, "AddPortMapping", **mapping(8123)) == {}
    entry = client.call(url, connection, "GetSpecificPortMappingEntry", **which(8123))
    left = entry.pop("NewLeaseDuration")
    assert 0 < left <= 600
    assert entry == {"NewInternalPort": 8123, "NewInternalClient": HOST_A, "NewEnabled": True,
                     "NewPortMappingDescription": "home & <away>"}
    assert client.call(url, connection, "DeletePortMapping", **which(8123)) == {}
    assert client.call(url, connection, "GetSpecificPortMappingEntry", **which(8123)) == 714


def test_any_mapping_moves_to_another_port_when_its_own_is_taken(lab, gateway, client):
    url = client.search(IGD2)[0]
    gateway.cli("add", "tcp", 8123, "%s:%d" % (HOST_B, 8123))
    answer = client.call(url, WANIP2, "AddAnyPortMapping", **mapping(8123))
    assert answer["NewReservedPort"] != 8123
    listed = client.call(url, WANIP2, "GetListOfPortMappings", NewStartPort=1024, NewEndPort=65535,
                         NewProtocol="TCP", NewManage=False, NewNumberOfPorts=0)
    assert "<p:NewExternalPort>%d<" % answer["NewReservedPort"] in listed["NewPortListing"]


def test_a_pinhole_is_opened_renewed_and_shut(client):
    url = client.search(IGD2)[0]
    assert client.call(url, FIREWALL, "GetFirewallStatus") == {
        "FirewallEnabled": True, "InboundPinholeAllowed": True}
    # A host that has said nothing over IPv6 yet is no neighbour, and may not ask.
    added = wait_for(lambda: add_pinhole(client, url), 5, "a pinhole")
    number = {"UniqueID": added["UniqueID"]}
    assert client.call(url, FIREWALL, "UpdatePinhole", **number, NewLeaseTime=1200) == {}
    assert client.call(url, FIREWALL, "GetPinholePackets", **number) == {"PinholePackets": 0}
    assert client.call(url, FIREWALL, "CheckPinholeWorking", **number) == 709
    assert client.call(url, FIREWALL, "DeletePinhole", **number) == {}
    assert client.call(url, FIREWALL, "GetPinholePackets", **number) == 704


def add_pinhole(client, url):
    answer = client.call(url, FIREWALL, "AddPinhole", RemoteHost="", RemotePort=0,
                         InternalClient=HOST6_A, InternalPort=8123, Protocol=TCP, LeaseTime=600)
    return answer if answer != 606 else None


def test_a_subscriber_hears_of_the_start_and_of_each_change(view, client):
    url, connection = view
    with client.subscribed(url, connection) as events:
        wait_for(lambda: len(events()) == 1, 5, "the initial event")
        first = events()[0]
        assert first["ExternalIPAddress"] == WAN_GW
        assert first["ConnectionStatus"] == "Connected"
        assert first["PortMappingNumberOfEntries"] == 0
        assert client.call(url, connection, "AddPortMapping", **mapping(8123)) == {}
        wait_for(lambda: len(events()) == 2, 5, "the event of a mapping")
        assert events()[1]["PortMappingNumberOfEntries"] == 1
        assert client.call(url, connection, "DeletePortMapping", **which(8123)) == {}
        wait_for(lambda: len(events()) == 3, 5, "the event of its end")
        assert events()[2]["PortMappingNumberOfEntries"] == 0


def test_the_librarys_gateway_maps_hears_of_it_renews_and_reads_all_at_once(view, client):
    seen = client.profile(view[0])
    counters = seen.pop("counters")
    assert len(counters) == 4 and all(isinstance(n, int) and n >= 0 for n in counters)
    assert seen == {"to": HOST_A + ":8123", "again": RENEWAL_S - BEFORE_S, "address": WAN_GW,
                    "status": "Connected"}


def test_advertisements_are_heard_when_it_goes_and_comes(gateway, client):
    with client.advertisements() as seen:
        assert gateway.stop() == 0
        for target in ("upnp:rootdevice", IGD2, WANIP2):
            wait_for(lambda: ("ssdp:byebye", target) in seen(), 5, "byebye of " + target)
        gateway.start()
        for target in ("upnp:rootdevice", IGD2, WANIP2):
            wait_for(lambda: ("ssdp:alive", target) in seen(), 10, "alive of " + target)
