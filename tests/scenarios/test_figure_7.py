# SPDX-License-Identifier: GPL-2.0-or-later
"""
A proxy outside that helps to set up a call and then steps aside:

    a 192.168.1.10 --- 192.168.1.1 [portreeve] 203.0.113.1 ---+--- 203.0.113.2 proxy
                                                              +--- 203.0.113.3 b
"""
import pytest

from scene import EACH_DIRECTION, EACH_FEATURE, Scene, at_home
from sip import Server
from station import Station
from world import HOME1, PEER, SERVER, SERVER_PORT, Internet

FIGURE = "7"
TITLE = "a proxy outside"


@pytest.fixture(scope="module")
def scene():
    with Internet() as net:
        home, a = at_home(net, "a", HOME1)
        proxy = Server(net.host("proxy", SERVER), SERVER_PORT, stays=False)
        b = Station(net.host("b", PEER), "b")
        yield Scene(net, proxy, a, b, home, sign_in_at=(SERVER, SERVER_PORT))


@EACH_DIRECTION
@EACH_FEATURE
def test_it_works_by_the_external_address(scene, seen, feature, direction):
    outcome = scene.attempt(seen, feature, direction)
    assert outcome.verdict == "yes", outcome
    assert "192.168." not in outcome.detail
