# SPDX-License-Identifier: GPL-2.0-or-later
"""
The peer is behind a router that translates and knows no UPnP:

    a 192.168.1.10 --- 192.168.1.1 [portreeve] 203.0.113.1 ---+--- 203.0.113.2 server
                                                              |
    b 192.168.7.10 --- 192.168.7.1 [NAT] 203.0.113.9 ---------+
"""
import pytest

from features import ONE_WAY, audio_following
from scene import EACH_DIRECTION, EACH_FEATURE, Scene, at_home, expected
from sip import Server
from station import Station
from world import HOME1, HOME2, SERVER, SERVER_PORT, Internet

FIGURE = "5"
TITLE = "the peer is behind a NAT without UPnP"


@pytest.fixture(scope="module")
def scene():
    with Internet() as net:
        home, a = at_home(net, "a", HOME1)
        b = Station(net.nat("office", HOME2, "192.168.7").host("b", 10), "b")
        server = Server(net.host("server", SERVER), SERVER_PORT)
        yield Scene(net, server, a, b, home, sign_in_at=(SERVER, SERVER_PORT))


@EACH_DIRECTION
@EACH_FEATURE
def test_outbound_and_relayed_works_the_rest_fails_cleanly(scene, seen, feature, direction):
    outcome = scene.attempt(seen, feature, direction)
    assert outcome.verdict == expected(feature, direction, "b", ONE_WAY), outcome


@EACH_DIRECTION
def test_media_that_follow_the_others_get_through(scene, seen, direction):
    outcome = scene.attempt(
        seen, "audio, answered to where it comes from", direction, audio_following)
    assert outcome.verdict == "yes", outcome
