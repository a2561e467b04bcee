# SPDX-License-Identifier: GPL-2.0-or-later
"""
The provider translates, too, and does not know UPnP:

    a 192.168.1.10 --- 192.168.1.1 [portreeve] 100.64.0.10 ---+
                                      100.64.0.20 neighbour --+--- 100.64.0.1 [NAT] 203.0.113.1 ---+
                                                                                                   |
                                                           203.0.113.2 server, 203.0.113.3 b ------+
"""
import pytest

from features import FEATURES, ONE_WAY, audio_following
from lab import wait_for
from scene import EACH_BY_THEMSELVES, EACH_DIRECTION, EACH_FEATURE, Scene, at_home, expected
from sip import Server
from station import Station
from world import HOME1, PEER, SERVER, SERVER_PORT, Internet

FIGURE = "4"
TITLE = "the provider translates, too"
SHARED, PRIVATE, PUBLIC = "100.64.0.10", "10.0.0.10", "203.0.113.77"


@pytest.fixture(scope="module")
def scene():
    with Internet() as net:
        provider = net.nat("provider", HOME1, "100.64.0")
        home, a = at_home(net, "a", SHARED, **provider.uplink())
        server = Server(net.host("server", SERVER), SERVER_PORT)
        b = Station(net.host("b", PEER), "b")
        made = Scene(net, server, a, b, home, sign_in_at=(SERVER, SERVER_PORT))
        made.neighbour = Station(provider.host("neighbour", 20), "neighbour")
        made.neighbour.find_gateway().sign_in(SERVER)
        yield made


@pytest.fixture
def daemon(scene):
    return scene.homes[0].daemon


def test_the_daemon_knows_and_says_so(daemon, also):
    wan = daemon.cli_json("status")["wan"]
    assert wan["double_nat"] is True and wan["address_kind"] == "shared"
    text = daemon.cli("status").stdout
    assert "Double NAT: the provider translates, too (a shared address)." in text
    daemon.wait_log(r"warn .*WAN is wan0, 100\.64\.0\.10 \(shared\): double NAT")
    also("`portreeve status` and the log", "double NAT, the WAN address is shared")


@EACH_DIRECTION
@EACH_FEATURE
def test_what_needs_no_way_in_from_the_internet_works(scene, seen, feature, direction):
    outcome = scene.attempt(seen, feature, direction)
    assert outcome.verdict == expected(feature, direction, "a", ONE_WAY), outcome


@EACH_DIRECTION
def test_media_that_follow_the_others_get_through(scene, seen, direction):
    outcome = scene.attempt(
        seen, "audio, answered to where it comes from", direction, audio_following)
    assert outcome.verdict == "yes", outcome


@EACH_DIRECTION
@EACH_BY_THEMSELVES
def test_it_goes_on_serving_who_can_reach_it(scene, seen, feature, direction):
    """In the provider's network the gateway's address is as good as any."""
    b, scene.b = scene.b, scene.neighbour
    try:
        outcome = scene.attempt(seen, feature + ", b in the provider's network", direction,
                                FEATURES[feature])
    finally:
        scene.b = b
    assert outcome.verdict == "yes", outcome


def test_it_follows_the_address(scene, daemon, also):
    """Runs last: the provider changes its mind."""
    ns = scene.homes[0].ns

    def becomes(old, new):
        ns.ip("addr add %s/24 dev wan0" % new, "addr del %s/24 dev wan0" % old)
        return wait_for(lambda: [w for w in [daemon.status()["wan"]] if w["address"] == new],
                        5, "the address " + new)[0]

    assert becomes(SHARED, PRIVATE)["double_nat"] is True
    assert "Double NAT: another router translates before this one" in daemon.cli("status").stdout
    daemon.wait_log(r"warn .*10\.0\.0\.10 \(private\): double NAT")
    assert becomes(PRIVATE, PUBLIC)["double_nat"] is False
    assert "Double NAT" not in daemon.cli("status").stdout
    also("with a private WAN address", "the same; with a public one, nothing of it")
