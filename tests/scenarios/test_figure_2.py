# SPDX-License-Identifier: GPL-2.0-or-later
"""
Two homes, each with a gateway of its own, and alike inside:

    a 192.168.1.10 --- 192.168.1.1 [portreeve] 203.0.113.1 ---+--- 203.0.113.2 server
                                                              |
    b 192.168.1.10 --- 192.168.1.1 [portreeve] 203.0.113.9 ---+
"""
import pytest

from scene import EACH_DIRECTION, EACH_FEATURE, Scene, at_home
from sip import Server
from world import HOME1, HOME2, SERVER, SERVER_PORT, Internet

FIGURE = "2"
TITLE = "two homes, each with a gateway"


@pytest.fixture(scope="module")
def scene():
    with Internet() as net:
        homes, (a, b) = zip(at_home(net, "a", HOME1), at_home(net, "b", HOME2))
        server = Server(net.host("server", SERVER), SERVER_PORT)
        yield Scene(net, server, a, b, *homes, sign_in_at=(SERVER, SERVER_PORT))


@EACH_DIRECTION
@EACH_FEATURE
def test_it_works(scene, seen, feature, direction):
    outcome = scene.attempt(seen, feature, direction)
    assert outcome.verdict == "yes" and "elsewhere" not in outcome.detail, outcome


def test_each_found_its_own_gateway(scene):
    assert (scene.a.external_address, scene.b.external_address) == (HOME1, HOME2)
