# SPDX-License-Identifier: GPL-2.0-or-later
"""
One gateway with portreeve, and a peer on the open Internet:

    a 192.168.1.10 --- 192.168.1.1 [portreeve] 203.0.113.1 ---+--- 203.0.113.2 server
                                                              +--- 203.0.113.3 b
"""
import pytest

from igd import fault
from scene import EACH_DIRECTION, EACH_FEATURE, Scene, at_home
from sip import Server, connect
from station import Station
from world import HOME1, PEER, SERVER, SERVER_PORT, Internet

FIGURE = "1"
TITLE = "a gateway, and a peer on the open Internet"


@pytest.fixture(scope="module")
def scene():
    with Internet() as net:
        home, a = at_home(net, "a", HOME1)
        server = Server(net.host("server", SERVER), SERVER_PORT)
        b = Station(net.host("b", PEER), "b")
        yield Scene(net, server, a, b, home, sign_in_at=(SERVER, SERVER_PORT))


@EACH_DIRECTION
@EACH_FEATURE
def test_it_works(scene, seen, feature, direction):
    outcome = scene.attempt(seen, feature, direction)
    assert outcome.verdict == "yes" and "elsewhere" not in outcome.detail, outcome


def test_the_gateway_is_found_on_the_lan_alone(scene):
    assert scene.a.igd and scene.a.external_address == HOME1
    assert not scene.b.igd


def test_no_port_that_the_presets_do_not_name_can_be_had(scene):
    assert fault(scene.a.igd.add, "TCP", 8080, scene.a.ns.address) == 606


def test_who_signs_off_is_out_of_reach(scene, also):
    """Runs last: the Contact is a mapping, and ends as one."""
    contact = scene.a.contact[:2]
    connect(scene.server.ns, contact).close()
    scene.a.close_port("TCP", contact[1])
    with pytest.raises(ConnectionRefusedError):
        connect(scene.server.ns, contact)
    also("once a has signed off", "the server's connection to %s:%d is refused" % contact)
