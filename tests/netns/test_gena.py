# SPDX-License-Identifier: GPL-2.0-or-later
"""Events: the first one whole, changes told soon and in order, and nobody waits for the dead."""
import threading
import time
import urllib.parse
import xml.etree.ElementTree

import pytest

from igd import EVENT_NS, IGD, L3F, WANCOMMON, WANIP, Subscriber, http, msearch
from lab import HOST_A, HOST_B, PATIENCE, WAN_GW, WAN_HOST, wait_for


@pytest.fixture
def subscribe(lab, igd, keep):
    def make(service=WANIP, **kwargs):
        return keep(Subscriber(lab.a, HOST_A, igd.services[service]["eventSubURL"], **kwargs))
    return make


def test_a_subscription_is_granted_properly(subscribe):
    told = subscribe()
    assert told.reply.status == 200
    assert told.sid.startswith("uuid:")
    assert told.reply["TIMEOUT"] == "Second-1800"
    assert "UPnP/1." in told.reply["SERVER"]
    assert told.reply["DATE"].endswith(" GMT")
    assert told.reply.headers.get("CONTENT-LENGTH", "0") == "0"


def test_the_initial_event_holds_all_evented_variables(subscribe):
    told = subscribe()
    wait_for(lambda: told.events, 2, "the initial event")
    when, seq, values, message = told.events[0]
    assert seq == 0
    assert values == {"PossibleConnectionTypes": "IP_Routed", "ConnectionStatus": "Connected",
                      "ExternalIPAddress": WAN_GW, "PortMappingNumberOfEntries": "0"}
    assert message["SID"] == told.sid
    assert message["NT"] == "upnp:event" and message["NTS"] == "upnp:propchange"
    assert message.start.startswith("NOTIFY /events HTTP/1.")
    assert message["HOST"] == urllib.parse.urlsplit(told.callback).netloc
    assert message["CONTENT-TYPE"].replace(" ", "").lower() == 'text/xml;charset="utf-8"'
    assert int(message["CONTENT-LENGTH"]) == len(message.body)
    root = xml.etree.ElementTree.fromstring(message.body)
    assert root.tag == EVENT_NS + "propertyset"
    assert all(p.tag == EVENT_NS + "property" and len(p) == 1 and "}" not in p[0].tag for p in root)


def test_the_initial_event_leaves_the_subscriber_time_to_read_the_answer(subscribe):
    """GUPnP loses one that comes with or before the answer."""
    for _ in range(5):
        told = subscribe()
        wait_for(lambda told=told: told.events, 2, "the initial event")
        assert told.events[0][0] - told.subscribed > 0.005


def test_the_initial_event_comes_before_any_other(lab, igd, subscribe):
    """Whatever changes meanwhile; and nothing of that is lost."""
    stop = threading.Event()

    def change():
        for port in range(20000, 20120):
            igd.add("UDP", port, HOST_A, lease=600)
            if stop.wait(0.02):
                return
    thread = threading.Thread(target=change)
    thread.start()
    try:
        told = [subscribe() for _ in range(8)]
        wait_for(lambda: all(len(t.events) > 2 for t in told), 8, "events for all")
    finally:
        stop.set()
        thread.join()
    count = str(len(igd.entries()))
    for one in told:
        one.wait(PortMappingNumberOfEntries=count)
        events = sorted(one.events, key=lambda e: e[0])
        assert [e[1] for e in events] == list(range(len(events)))
        assert len(events[0][2]) == 4  # all of them
        counts = [int(e[2]["PortMappingNumberOfEntries"]) for e in events]
        assert counts == sorted(counts)


@pytest.mark.parametrize("service,variable", [(L3F, "DefaultConnectionService"),
                                              (WANCOMMON, "PhysicalLinkStatus")])
def test_the_other_services_event_too(subscribe, service, variable):
    told = subscribe(service)
    wait_for(lambda: told.events, 2, "the initial event")
    assert variable in told.values()


def test_mappings_that_come_and_go_are_told(igd, subscribe):
    told = subscribe()
    wait_for(lambda: told.events, 2, "the initial event")
    igd.add("TCP", 5000, HOST_A)
    told.wait(PortMappingNumberOfEntries="1")
    igd.add("UDP", 5000, HOST_A, lease=1)
    told.wait(PortMappingNumberOfEntries="2")
    told.wait(PortMappingNumberOfEntries="1", seconds=3)  # the lease ended
    igd.delete("TCP", 5000)
    told.wait(PortMappingNumberOfEntries="0")
    assert [seq for _, seq, *_ in told.events] == list(range(len(told.events)))


def test_a_change_is_told_soon(igd, subscribe):
    told = subscribe()
    wait_for(lambda: told.events, 2, "the initial event")
    begun = time.monotonic()
    igd.add("TCP", 5000, HOST_A)
    told.wait(PortMappingNumberOfEntries="1")
    assert told.events[-1][0] - begun < 1 * PATIENCE


def test_a_burst_is_told_in_few_events_and_ends_right(igd, subscribe):
    told = subscribe()
    wait_for(lambda: told.events, 2, "the initial event")
    for port in range(5000, 5100):
        igd.add("UDP", port, HOST_A, lease=600)
    told.wait(PortMappingNumberOfEntries="100", seconds=3)
    assert len(told.events) <= 20
    times = [e[0] for e in sorted(told.events, key=lambda e: e[1])][1:]
    assert all(later - sooner > 0.1 for sooner, later in zip(times, times[1:]))  # 0.2 s, sent


def test_a_refresh_is_no_change(igd, subscribe):
    igd.add("TCP", 5000, HOST_A)
    told = subscribe()
    told.wait(PortMappingNumberOfEntries="1")
    for _ in range(10):
        igd.add("TCP", 5000, HOST_A, lease=100)
    igd.add("TCP", 5001, HOST_A)
    told.wait(PortMappingNumberOfEntries="2")
    assert len(told.events) == 2


def test_renewal_keeps_the_sid_and_sends_no_initial_event(igd, subscribe):
    told = subscribe()
    wait_for(lambda: told.events, 2, "the initial event")
    reply = told.renew()
    assert reply.status == 200 and reply["SID"] == told.sid
    igd.add("TCP", 5000, HOST_A)
    told.wait(PortMappingNumberOfEntries="1")
    assert [e[1] for e in told.events] == [0, 1]


def test_a_renewal_lasts_as_long_as_it_says(igd, subscribe):
    told = subscribe(timeout="Second-2")
    assert told.reply["TIMEOUT"] == "Second-2"
    wait_for(lambda: told.events, 2, "the initial event")
    time.sleep(1)
    reply = told.renew()
    assert reply.status == 200 and reply["TIMEOUT"] == "Second-1800" and reply["SID"] == told.sid
    time.sleep(1.5)
    igd.add("TCP", 5000, HOST_A)
    told.wait(PortMappingNumberOfEntries="1")
    assert [e[1] for e in told.events] == [0, 1]


def test_what_is_not_renewed_ends(igd, subscribe):
    told, witness = subscribe(timeout="Second-1"), subscribe()
    wait_for(lambda: told.events and witness.events, 2, "the initial events")
    time.sleep(2.1)  # its seconds are whole ones
    igd.add("TCP", 5000, HOST_A)
    witness.wait(PortMappingNumberOfEntries="1")
    assert len(told.events) == 1
    assert told.renew().status == 412
    assert told.unsubscribe().status == 412


@pytest.mark.parametrize("method,headers", [
    ("SUBSCRIBE", {"CALLBACK": "<http://%s:9000/>" % HOST_A}), ("SUBSCRIBE", {"NT": "upnp:event"}),
    ("UNSUBSCRIBE", {"CALLBACK": "<http://%s:9000/>" % HOST_A}),
    ("UNSUBSCRIBE", {"NT": "upnp:event"}),
], ids=str)
def test_a_sid_goes_with_nothing_that_begins_a_subscription(lab, igd, subscribe, method, headers):
    told = subscribe()
    wait_for(lambda: told.events, 2, "the initial event")
    assert http(lab.a, told.url, method, {"SID": told.sid, **headers}).status == 400
    igd.add("TCP", 5000, HOST_A)  # and changes nothing
    told.wait(PortMappingNumberOfEntries="1")


def test_an_event_that_is_not_taken_counts(igd, subscribe):
    """By the gap the subscriber knows that it has missed one (UDA 1.0 4.2.1)."""
    told = subscribe()
    wait_for(lambda: told.events, 2, "the initial event")
    told.shut()
    igd.add("TCP", 5000, HOST_A)
    time.sleep(1)  # it is sent, and not taken
    told.open()
    igd.add("TCP", 5001, HOST_A)
    told.wait(PortMappingNumberOfEntries="2")
    assert [e[1] for e in told.events] == [0, 2]


def test_link_and_connection_are_told_to_both_services(lab, subscribe):
    link, connection = subscribe(WANCOMMON), subscribe()
    link.wait(PhysicalLinkStatus="Up")
    connection.wait(ConnectionStatus="Connected")
    lab.sw.ip("link set gw-wan0 down")
    try:
        link.wait(PhysicalLinkStatus="Down", seconds=3)
        connection.wait(ConnectionStatus="Disconnected", ExternalIPAddress="", seconds=3)
        together = [e for e in connection.events if "ConnectionStatus" in e[2]][-1]
        assert "ExternalIPAddress" in together[2]  # changed together, told together
    finally:
        lab.sw.ip("link set gw-wan0 up")
    link.wait(PhysicalLinkStatus="Up", seconds=3)
    connection.wait(ConnectionStatus="Connected", ExternalIPAddress=WAN_GW, seconds=3)


def test_unsubscribing_ends_it(igd, subscribe):
    told, witness = subscribe(), subscribe()
    wait_for(lambda: told.events and witness.events, 2, "the initial events")
    assert told.unsubscribe().status == 200
    igd.add("TCP", 5000, HOST_A)
    witness.wait(PortMappingNumberOfEntries="1")
    assert len(told.events) == 1
    assert told.unsubscribe().status == 412
    assert told.renew().status == 412


def headers_for(callback):
    return {"CALLBACK": callback, "NT": "upnp:event", "TIMEOUT": "Second-300"}


@pytest.mark.parametrize("callback", [
    "<http://%s:9000/>" % HOST_B,            # another host of this LAN
    "<http://%s:9000/>" % WAN_HOST,          # out into the world
    "<http://192.168.1.1:5431/ctl>",         # ourselves
    "<http://127.0.0.1:9000/>",
    "<http://localhost:9000/>",
    "<http://host.example:9000/>",
    "<https://%s:9000/>" % HOST_A,
    "<file:///etc/passwd>",
    "<http://%s:0/>" % HOST_A,
    "http://%s:9000/" % HOST_A,
    "<>", "",
], ids=str)
def test_events_go_to_the_caller_itself_and_nowhere_else(lab, igd, callback):
    reply = http(lab.a, igd.services[WANIP]["eventSubURL"], "SUBSCRIBE", headers_for(callback))
    assert reply.status in (400, 412), reply


@pytest.mark.parametrize("headers,status", [
    ({"NT": "upnp:event"}, (412,)),
    ({"CALLBACK": "<http://%s:9000/>" % HOST_A}, (400, 412)),
    ({"CALLBACK": "<http://%s:9000/>" % HOST_A, "NT": "upnp:other"}, (412,)),
    ({"CALLBACK": "<http://%s:9000/>" % HOST_A, "NT": "upnp:event", "SID": "uuid:x"}, (400,)),
    ({"SID": "uuid:00000000-0000-0000-0000-000000000000"}, (412,)),
    ({}, (400, 412)),
], ids=str)
def test_faulty_subscriptions_are_refused(lab, igd, headers, status):
    reply = http(lab.a, igd.services[WANIP]["eventSubURL"], "SUBSCRIBE", headers)
    assert reply.status in status


def test_a_subscription_without_end_gets_an_end(subscribe):
    told = subscribe(timeout="Second-infinite")
    assert told.reply.status == 200
    seconds = int(told.reply["TIMEOUT"].split("-")[1])
    assert 60 <= seconds <= 86400


def test_the_first_callback_that_fits_the_caller_is_taken(lab, igd, subscribe):
    """Clients with several addresses offer several URLs."""
    told = subscribe()
    wait_for(lambda: told.events, 2, "the initial event")
    port = urllib.parse.urlsplit(told.callback).port
    reply = http(lab.a, told.url, "SUBSCRIBE", headers_for(
        "<http://[fe80::1]:%d/v6><http://%s:%d/other><http://%s:%d/second>" % (
            port, HOST_B, port, HOST_A, port)))
    assert reply.status == 200
    wait_for(lambda: any("/second" in e[3].start for e in told.events), 2, "the URL that fits")


def test_callbacks_are_tried_in_turn_until_one_takes_the_event(lab, igd, subscribe):
    told = subscribe()
    wait_for(lambda: told.events, 2, "the initial event")
    port = urllib.parse.urlsplit(told.callback).port
    reply = http(lab.a, told.url, "SUBSCRIBE", headers_for(
        "<http://%s:2/shut><http://%s:%d/second?a=b>" % (HOST_A, HOST_A, port)))
    assert reply.status == 200

    def second():
        return [e for e in told.events if e[3].start == "NOTIFY /second?a=b HTTP/1.1"]
    wait_for(second, 3, "the initial event at the second URL")
    igd.add("TCP", 5000, HOST_A)
    wait_for(lambda: len(second()) == 2, 3, "the change at the second URL")


def test_dead_subscribers_delay_nobody(lab, gateway, igd, keep):
    """One hangs, one has shut its port, one has left the network; all the while others are served."""
    event_url = igd.services[WANIP]["eventSubURL"]
    hanging = [keep(Subscriber(lab.b, HOST_B, event_url, answer=False)) for _ in range(2)]
    shut = keep(Subscriber(lab.b, HOST_B, event_url))
    gone = Subscriber(lab.b, HOST_B, event_url)
    wait_for(lambda: shut.events and gone.events, 2, "initial events")
    assert all(s.sid for s in hanging)
    shut.close()
    lab.b.ip("link set eth0 down")
    try:
        told = keep(Subscriber(lab.a, HOST_A, event_url))
        slowest = 0
        for port in range(5000, 5030):
            begun = time.monotonic()
            igd.add("TCP", port, HOST_A)
            slowest = max(slowest, time.monotonic() - begun)
        assert slowest < 0.1 * PATIENCE, "an answer took %.3f s" % slowest
        for _ in range(3):
            begun = time.monotonic()
            assert msearch(lab.a, IGD)
            assert time.monotonic() - begun < 1.2 * PATIENCE
        told.wait(PortMappingNumberOfEntries="30", seconds=5)
    finally:
        lab.b.ip("link set eth0 up", "route replace default via 192.168.1.1")


def test_one_host_cannot_have_all_subscriptions_of_a_service(lab, gateway, igd, keep):
    gateway.restart()  # what other tests have left behind is forgotten
    url = igd.services[WANIP]["eventSubURL"]
    ours = [keep(Subscriber(lab.a, HOST_A, url)) for _ in range(16)]
    assert all(told.reply.status == 200 for told in ours)
    headers = {"CALLBACK": "<http://%s:9/>" % HOST_A, "NT": "upnp:event",
               "TIMEOUT": "Second-1800"}
    assert http(lab.a, url, "SUBSCRIBE", headers).status == 503
    other = keep(Subscriber(lab.b, HOST_B, url))
    assert other.reply.status == 200
    wait_for(lambda: other.events, 5, "the other's initial event")
    # A renewal is no further one, and what is given up makes room.
    assert http(lab.a, url, "SUBSCRIBE", {"SID": ours[0].sid}).status == 200
    assert http(lab.a, url, "UNSUBSCRIBE", {"SID": ours[1].sid}).status == 200
    assert keep(Subscriber(lab.a, HOST_A, url)).reply.status == 200
