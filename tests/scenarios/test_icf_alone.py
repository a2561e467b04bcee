# SPDX-License-Identifier: GPL-2.0-or-later
"""
A firewall and no translation; the hosts behind it have addresses of the Internet:

    a 198.51.100.10 ----------+                                            +--- 203.0.113.2 server
    neighbour 198.51.100.11 --+--- 198.51.100.1 [portreeve] 203.0.113.1 ---+--- 203.0.113.3 b
                                                                           +--- 203.0.113.4 peer2
"""
import pytest

from features import FEATURES
from igd import Igd
from lab import wait_for
from scene import EACH_DIRECTION, EACH_FEATURE, Scene, at_home
from sip import Server
from station import SIP_PORT, Station
from traffic import ECHO, TcpFlow, ask, wait_ask, wait_silent
from world import HOME1, PEER, PEER2, SERVER, SERVER_PORT, Internet

FIGURE = "ICF"
TITLE = "a firewall alone"
LAN, A, NEIGHBOUR = "198.51.100", "198.51.100.10", "198.51.100.11"

BOTH = pytest.mark.parametrize("protocol", ["TCP", "UDP"])


@pytest.fixture(scope="module")
def net():
    with Internet() as made:
        made.isp.ip("route add %s.0/24 via %s" % (LAN, HOME1))
        made.home_a, made.a_station = at_home(
            made, "a", HOME1, "-o", "firewall=own", "-o", "share=no", lan=LAN)
        made.home_a.host("neighbour", 11)
        made.host("server", SERVER)
        made.host("b", PEER)
        made.host("peer2", PEER2)
        yield made


@pytest.fixture
def igd(net):
    found = Igd.discover(net.a)
    yield found
    net.home_a.daemon.clear()


def wait_cut(flow):
    wait_for(lambda: not flow.works(timeout=0.1), 1, "the established connection being cut")


@pytest.fixture(params=["delete", "expiry"])
def end(request, net, igd):
    """How a mapping ends. A lease for it, and what to do."""
    if request.param == "delete":
        return 0, lambda protocol: igd.delete(protocol, SIP_PORT)
    return 2, lambda protocol: None


@BOTH
def test_sip_is_reachable_from_mapping_to_end(net, igd, keep, also, protocol, end):
    """At the host's own address, which is what the world knows it by."""
    lease, finish = end
    keep(ECHO[protocol](net.a, SIP_PORT))
    assert ask(protocol, net.b, A, SIP_PORT, timeout=0.3) is None
    igd.add(protocol, SIP_PORT, A, lease=lease)
    assert ask(protocol, net.b, A, SIP_PORT)[:2] == ["a", PEER]
    assert ask(protocol, net.b, HOME1, SIP_PORT)[:2] == ["a", PEER]
    flow = keep(TcpFlow(net.b, A, SIP_PORT)) if protocol == "TCP" else None
    finish(protocol)
    wait_silent(protocol, net.b, A, SIP_PORT, seconds=1 + 2 * lease)
    wait_silent(protocol, net.b, HOME1, SIP_PORT)
    if flow:
        wait_cut(flow)
    also("%s %d of a" % (protocol, SIP_PORT),
         "unreachable before, reachable while mapped, unreachable after %s%s" % (
             "expiry" if lease else "deletion", ", the established connection cut" * bool(flow)))


@BOTH
def test_nothing_else_of_the_host_or_its_neighbours_is(net, igd, keep, protocol):
    igd.add(protocol, SIP_PORT, A)
    for ns, address, port in ((net.a, A, SIP_PORT + 1), (net.neighbour, NEIGHBOUR, SIP_PORT)):
        keep(ECHO[protocol](ns, port))
        assert ask(protocol, net.b, address, port, timeout=0.3) is None
    other = "UDP" if protocol == "TCP" else "TCP"
    keep(ECHO[other](net.a, SIP_PORT))
    assert ask(other, net.b, A, SIP_PORT, timeout=0.3) is None


@BOTH
def test_a_mapping_for_one_remote_host_is_for_no_other(net, igd, keep, protocol):
    keep(ECHO[protocol](net.a, SIP_PORT))
    igd.add(protocol, SIP_PORT, A, remote=PEER2)
    assert ask(protocol, net.peer2, A, SIP_PORT)[0] == "a"
    assert ask(protocol, net.b, A, SIP_PORT, timeout=0.3) is None
    igd.delete(protocol, SIP_PORT, remote=PEER2)
    wait_silent(protocol, net.peer2, A, SIP_PORT)


def test_the_inside_port_counts_where_the_outside_one_is_another(net, igd, keep):
    keep(ECHO["TCP"](net.a, SIP_PORT))
    igd.add("TCP", 7100, A, SIP_PORT)
    assert ask("TCP", net.b, A, SIP_PORT)[0] == "a"
    assert ask("TCP", net.b, A, 7100, timeout=0.3) is None
    flow = keep(TcpFlow(net.b, A, SIP_PORT))
    igd.delete("TCP", 7100)
    wait_silent("TCP", net.b, A, SIP_PORT)
    wait_cut(flow)


def test_it_stays_as_long_as_one_of_two_mappings_does(net, igd, keep):
    keep(ECHO["UDP"](net.a, SIP_PORT))
    igd.add("UDP", 7100, A, SIP_PORT)
    igd.add("UDP", 7101, A, SIP_PORT)
    igd.delete("UDP", 7100)
    wait_ask("UDP", net.b, A, SIP_PORT, "a")
    igd.delete("UDP", 7101)
    wait_silent("UDP", net.b, A, SIP_PORT)


def test_who_speaks_to_the_world_keeps_his_address(net, igd, keep):
    keep(ECHO["TCP"](net.b, 9000))
    assert ask("TCP", net.a, PEER, 9000)[1] == A


def test_a_restart_keeps_it_open(net, igd, keep):
    keep(ECHO["TCP"](net.a, SIP_PORT))
    igd.add("TCP", SIP_PORT, A)
    net.home_a.ns.nft("delete table inet portreeve", check=False)
    wait_ask("TCP", net.b, A, SIP_PORT, "a", seconds=2)
    net.home_a.daemon.restart()
    assert ask("TCP", net.b, A, SIP_PORT)[0] == "a"
    Igd.discover(net.a).delete("TCP", SIP_PORT)
    wait_silent("TCP", net.b, A, SIP_PORT)


@pytest.fixture(scope="module")
def scene(net):
    server = Server(net.server, SERVER_PORT)
    net.home_a.daemon.clear()
    return Scene(net, server, net.a_station, Station(net.b, "b"), net.home_a,
                 sign_in_at=(SERVER, SERVER_PORT))


@EACH_DIRECTION
@EACH_FEATURE
def test_messengers_work_as_behind_a_translator(scene, seen, feature, direction):
    """They say what the gateway tells them: its address."""
    outcome = scene.attempt(seen, feature, direction, FEATURES[feature])
    assert outcome.verdict == "yes", outcome
