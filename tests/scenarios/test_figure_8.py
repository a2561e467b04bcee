# SPDX-License-Identifier: GPL-2.0-or-later
"""
The proxy is inside, at a port that the administrator has mapped; everybody, inside too, knows it by
the external address:

    a 192.168.1.10 ------+
    proxy 192.168.1.20 --+--- 192.168.1.1 [portreeve] 203.0.113.1 ---+
                                                                     |
    b 192.168.1.10 ---------- 192.168.1.1 [portreeve] 203.0.113.9 ---+
"""
import pytest

from scene import EACH_DIRECTION, EACH_FEATURE, Scene, at_home
from sip import Server
from world import HOME1, HOME2, SERVER_PORT, Internet

FIGURE = "8"
TITLE = "a proxy inside"


@pytest.fixture(scope="module")
def scene():
    with Internet() as net:
        homes, (a, b) = zip(at_home(net, "a", HOME1), at_home(net, "b", HOME2))
        proxy = Server(homes[0].host("proxy", 20), SERVER_PORT, stays=False)
        homes[0].daemon.cli("add", "tcp", SERVER_PORT, proxy.ns.address)
        yield Scene(net, proxy, a, b, *homes, sign_in_at=(HOME1, SERVER_PORT))


@EACH_DIRECTION
@EACH_FEATURE
def test_it_works_by_the_external_address(scene, seen, feature, direction):
    outcome = scene.attempt(seen, feature, direction)
    assert outcome.verdict == "yes", outcome
    assert "192.168." not in outcome.detail


def test_the_station_beside_the_proxy_took_another_port(scene):
    assert scene.a.contact.port != SERVER_PORT
    assert scene.b.contact.port == SERVER_PORT
