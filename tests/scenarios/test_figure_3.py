# SPDX-License-Identifier: GPL-2.0-or-later
"""
Two stations and two consoles behind one gateway:

    a 192.168.1.10 ---------+
    b 192.168.1.11 ---------+--- 192.168.1.1 [portreeve] 203.0.113.1 ---+--- 203.0.113.2 server
    console1 192.168.1.20 --+                                           +--- 203.0.113.3 peer
    console2 192.168.1.21 --+                                           +--- 203.0.113.4 peer2
"""
import pytest

from features import FEATURES, T120
from media import Aside, listen, tpkt_host, tpkt_join
from scene import EACH_BY_THEMSELVES, EACH_DIRECTION, EACH_FEATURE, Scene, at_home
from sip import Server
from station import Station
from traffic import UdpEcho, udp_ask
from world import HOME1, PEER, PEER2, SERVER, SERVER_PORT, Internet

FIGURE = "3"
TITLE = "two behind one gateway"
GAME = 3074


@pytest.fixture(scope="module")
def scene():
    with Internet() as net:
        home, a = at_home(net, "a", HOME1)
        b = Station(home.host("b", 11), "b")
        server = Server(net.host("server", SERVER), SERVER_PORT)
        made = Scene(net, server, a, b, home, sign_in_at=(SERVER, SERVER_PORT))
        made.peers = [net.host("peer", PEER), net.host("peer2", PEER2)]
        made.consoles = [Station(home.host("console%d" % (n + 1), 20 + n), "console%d" % (n + 1))
                         for n in range(2)]
        yield made


@pytest.fixture
def by_external_address(scene):
    """Both use what they are told, even when it is their own gateway's address."""
    scene.a.direct = scene.b.direct = False
    yield
    scene.a.direct = scene.b.direct = True


@EACH_DIRECTION
@EACH_FEATURE
def test_they_see_that_they_are_neighbours_and_talk_directly(scene, seen, feature, direction):
    assert scene.a.external_address == scene.b.external_address == HOME1
    outcome = scene.attempt(seen, feature, direction)
    assert outcome.verdict == "yes", outcome
    assert HOME1 not in outcome.detail or "message" in feature


@EACH_DIRECTION
@EACH_BY_THEMSELVES
def test_they_reach_each_other_by_the_external_address(
        scene, by_external_address, seen, feature, direction):
    outcome = scene.attempt(seen, feature + ", by the external address", direction,
                            FEATURES[feature])
    assert outcome.verdict == "yes" and "elsewhere" not in outcome.detail, outcome
    assert HOME1 in outcome.detail


def test_both_have_t120_open_at_once(scene, also, keep):
    """Inside both listen on 1503; outside each has a port of his own."""
    offers, hosts = {}, {}
    for station in (scene.a, scene.b):
        listener = keep(listen(station.ns, T120))
        offers[station] = station.open_port("TCP", T120)
        hosts[station] = Aside(tpkt_host, listener)
    try:
        assert len({offer.port for offer in offers.values()}) == 2
        assert {offer.internal_port for offer in offers.values()} == {T120}
        for station, peer in zip(offers, scene.peers):
            tpkt_join(peer, offers[station][:2])
            assert hosts[station].result()[0] == peer.address
    finally:
        for station in offers:
            station.close_port("TCP", T120)
    also("T.120 of both at once, joined from two hosts outside",
         " and ".join("%s at %s:%d" % (s.user, *offers[s][:2]) for s in offers))


@pytest.fixture(scope="module")
def games(scene):
    """Both consoles use UDP 3074 and have mapped it."""
    offers = [console.find_gateway().open_port("UDP", GAME) for console in scene.consoles]
    yield offers
    for console in scene.consoles:
        console.close_port("UDP", GAME)


def test_two_consoles_on_one_port_are_each_seen_alike_from_everywhere(scene, games, also, keep):
    for peer in scene.peers:
        keep(UdpEcho(peer, 9000))
    assert len({offer.port for offer in games}) == 2
    for _ in range(2):  # not the luck of the first flow
        for console, offer in zip(scene.consoles, games):
            for peer in scene.peers:
                saw = udp_ask(console.ns, peer.address, 9000, sport=GAME)
                assert saw == [peer.label, HOME1, str(offer.port)]
        scene.homes[0].ns.run("conntrack", "-F")
    also("two consoles on UDP %d, each seen alike by two hosts outside" % GAME,
         " and ".join("%s as %s:%d" % (c.user, *o[:2]) for c, o in zip(scene.consoles, games)))


def test_who_never_spoke_to_a_console_reaches_it(scene, games, also, keep):
    for console in scene.consoles:
        keep(UdpEcho(console.ns, GAME))
    for console, offer in zip(scene.consoles, games):
        for peer in scene.peers:
            assert udp_ask(peer, *offer[:2])[:2] == [console.user, peer.address]
    also("both consoles, by who has not heard from them", "reached")


def test_the_consoles_play_with_each_other(scene, games, also, keep):
    """Each knows the other only by the address that a server outside would tell it."""
    for console in scene.consoles:
        keep(UdpEcho(console.ns, GAME))
    for console, other, offer in zip(scene.consoles, reversed(scene.consoles), reversed(games)):
        assert udp_ask(console.ns, *offer[:2])[0] == other.user
    also("the consoles, by each other's external address", "reached")
