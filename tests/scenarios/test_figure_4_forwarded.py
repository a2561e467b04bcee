# SPDX-License-Identifier: GPL-2.0-or-later
"""
The provider translates, too, but one to one: all that comes to the outside address goes on to the
gateway, where external_address = 203.0.113.1 says so:

    a 192.168.1.10 ----------+
    neighbour 192.168.1.11 --+--- 192.168.1.1 [portreeve] 10.0.0.10 --- 10.0.0.1 [NAT] 203.0.113.1 ---+
                                                                                                      |
                                                              203.0.113.2 server, 203.0.113.3 b ------+
"""
import pytest

from features import FEATURES
from scene import EACH_BY_THEMSELVES, EACH_DIRECTION, EACH_FEATURE, Scene, at_home
from sip import Server
from station import Station
from world import HOME1, PEER, SERVER, SERVER_PORT, SHARED, Internet

FIGURE = "4, one to one"
TITLE = "the provider translates one to one"
INNER = "10.0.0.10"


@pytest.fixture(scope="module")
def scene():
    with Internet() as net:
        provider = net.nat("provider", HOME1, "10.0.0", all_to=INNER)
        home, a = at_home(net, "a", INNER, *SHARED, "-o", "external_address=" + HOME1,
                          **provider.uplink())
        server = Server(net.host("server", SERVER), SERVER_PORT)
        b = Station(net.host("b", PEER), "b")
        made = Scene(net, server, a, b, home, sign_in_at=(SERVER, SERVER_PORT))
        made.neighbour = Station(home.host("neighbour", 11), "neighbour")
        made.neighbour.find_gateway().sign_in(SERVER)
        made.mapped = made.all_mapped()
        yield made


def test_the_daemon_does_not_complain(scene, also):
    daemon = scene.homes[0].daemon
    assert daemon.status()["wan"]["double_nat"] is False
    text = daemon.cli("status").stdout
    assert "Double NAT" not in text and "Clients are told " + HOME1 in text
    also("`portreeve status`", "clients are told %s; no word of double NAT" % HOME1)


@EACH_DIRECTION
@EACH_FEATURE
def test_it_works(scene, seen, feature, direction):
    outcome = scene.attempt(seen, feature, direction)
    assert outcome.verdict == "yes" and "elsewhere" not in outcome.detail, outcome


@pytest.fixture
def neighbours(scene):
    """b is the neighbour, and both use what they are told."""
    b, scene.b = scene.b, scene.neighbour
    scene.a.direct = scene.b.direct = False
    yield
    scene.a.direct = scene.b.direct = True
    scene.b = b


@EACH_DIRECTION
@EACH_BY_THEMSELVES
def test_neighbours_reach_each_other_by_the_external_address(
        scene, neighbours, seen, feature, direction):
    outcome = scene.attempt(seen, feature + ", b next to a, by the external address", direction,
                            FEATURES[feature])
    assert outcome.verdict == "yes" and "elsewhere" not in outcome.detail, outcome
    assert HOME1 in outcome.detail
