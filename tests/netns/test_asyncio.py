# SPDX-License-Identifier: GPL-2.0-or-later
"""
A program of home automation that stays: it reads the description, calls several actions at a time
and renews its subscription, with the forms of python3-async-upnp-client on aiohttp. It would keep its
connections; each answer tells it not to.
"""
import asyncio
import contextlib

import pytest

from controlpoint import ControlPoint
from igd import IGD, IGD2, L3F, WANCOMMON, WANIP, WANIP2, msearch
from lab import HOST_A, WAN_GW, wait_for

COUNTERS = ["TotalBytesReceived", "TotalBytesSent", "TotalPacketsReceived", "TotalPacketsSent"]


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
            assert all(service.actions for service in point.services.values())
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
        assert first[2]["PortMappingNumberOfEntries"] == 0
        added = await point.call(
            connection, "AddPortMapping", NewRemoteHost="", NewExternalPort=8123,
            NewProtocol="TCP", NewInternalPort=8123, NewInternalClient=HOST_A, NewEnabled=True,
            NewPortMappingDescription="home & <away>", NewLeaseDuration=600)
        assert added == {}
        second = await point.event()
        assert second[:2] == (sid, 1) and second[2]["PortMappingNumberOfEntries"] == 1
        entry = await point.call(connection, "GetGenericPortMappingEntry", NewPortMappingIndex=0)
        assert entry["NewPortMappingDescription"] == "home & <away>"

        status, headers = await point.renew(connection, sid, 540)
        assert (status, headers["sid"], headers["timeout"]) == (200, sid, "Second-540")
        assert await point.call(connection, "DeletePortMapping", NewRemoteHost="",
                                NewExternalPort=8123, NewProtocol="TCP") == {}
        third = await point.event()
        assert third[:2] == (sid, 2) and third[2]["PortMappingNumberOfEntries"] == 0
        assert await point.unsubscribe(connection, sid) == 200
        assert await point.unsubscribe(connection, sid) == 412
        with contextlib.suppress(asyncio.QueueEmpty):
            raise AssertionError(point.events.get_nowait())
    run(scene)
