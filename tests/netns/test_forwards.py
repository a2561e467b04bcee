# SPDX-License-Identifier: GPL-2.0-or-later
"""What the configuration opens by name: services of the gateway, and forwards to hosts."""

import pytest

from igd import WANIP2, Igd, fault
from lab import HOST_A, HOST_B, HTTP_PORT, LAN0_GW, WAN6_GW, WAN_GW, WAN_HOST, wait_for
from traffic import TcpEcho, TcpFlow, UdpEcho, tcp_ask, udp_ask, wait_ask, wait_silent

WEB = 'forward "web" {\n service = "http"\n to = "%s"\n}\n' % HOST_A
CAMERA = ('forward "camera" {\n protocol = tcp\n external_port = 8080\n to = "%s:7000"\n'
          ' description = "the camera"\n}\n' % HOST_A)


@pytest.fixture(scope="module")
def conf(lab):
    return lambda text: lab.write_conf("share = yes\nfirewall = own\n" + text)


@pytest.fixture(scope="module")
def daemon(lab, conf):
    lab.add_ipv6()
    started = lab.start("-c", conf(""))
    servers = [TcpEcho(lab.a, 80), TcpEcho(lab.a, 7000), UdpEcho(lab.a, 7000), TcpEcho(lab.b, 80),
               TcpEcho(lab.gw, 22), TcpEcho(lab.gw, 22, "::"), TcpEcho(lab.gw, 80),
               UdpEcho(lab.gw, 27015)]
    yield started
    for server in servers:
        server.close()
    assert started.stop() == 0, started.log()


@pytest.fixture
def load(daemon, conf):
    def load(text):
        conf(text)
        daemon.reload()
    load("")
    daemon.clear()
    return load


def test_services_of_the_gateway_open_by_name(lab, load):
    assert tcp_ask(lab.wan, WAN_GW, 22, timeout=0.2) is None
    load('open = {"ssh", "game"}\nservice "game" {\n udp = {27015}\n}\n')
    assert tcp_ask(lab.wan, WAN_GW, 22)[0] == "gw"
    assert tcp_ask(lab.wan, WAN6_GW, 22)[0] == "gw"
    assert udp_ask(lab.wan, WAN_GW, 27015)[0] == "gw"
    assert tcp_ask(lab.wan, WAN_GW, 80, timeout=0.2) is None
    load("")
    assert tcp_ask(lab.wan, WAN_GW, 22, timeout=0.2) is None


def test_a_service_of_the_file_goes_before_the_one_built_in(lab, load):
    load('open = {"ssh"}\nservice "ssh" {\n tcp = {80}\n}\n')
    assert tcp_ask(lab.wan, WAN_GW, 80)[0] == "gw"
    assert tcp_ask(lab.wan, WAN_GW, 22, timeout=0.2) is None


def test_forwards_by_name_and_by_port(lab, daemon, load):
    load(WEB + CAMERA)
    assert tcp_ask(lab.wan, WAN_GW, 80)[0] == "a"
    assert tcp_ask(lab.wan, WAN_GW, 8080)[0] == "a"
    assert udp_ask(lab.wan, WAN_GW, 8080, timeout=0.2) is None
    found = {(m["external_port"], m["description"], m["origin"]) for m in daemon.mappings()}
    assert found == {(80, "web", "config"), (8080, "the camera", "config")}


def test_a_range_leads_to_a_range_and_without_protocol_to_both(lab, load):
    load('forward "x" {\n external_port = 6998-7001\n to = "%s:6998"\n}\n' % HOST_A)
    assert tcp_ask(lab.wan, WAN_GW, 7000)[0] == "a"
    assert udp_ask(lab.wan, WAN_GW, 7000)[0] == "a"


def test_a_forward_for_one_remote_host(lab, load):
    load('forward "x" {\n protocol = tcp\n external_port = 8080\n to = "%s:7000"\n'
         ' remote_host = %s\n}\n' % (HOST_A, WAN_HOST))
    assert tcp_ask(lab.wan, WAN_GW, 8080)[0] == "a"
    assert tcp_ask(lab.wan2, WAN_GW, 8080, timeout=0.2) is None


def test_clients_can_neither_take_nor_delete_it(lab, daemon, load):
    load(CAMERA)
    a, b = (Igd(ns, "http://%s:%d/description.xml" % (LAN0_GW, HTTP_PORT))
            for ns in (lab.a, lab.b))
    assert fault(a.add, "TCP", 8080, HOST_A, 7000) == 718
    assert fault(b.add, "TCP", 8080, HOST_B, 7000) == 718
    assert fault(a.add, "TCP", 8080, HOST_A, 7001, remote=WAN_HOST) == 718, "not a part of it"
    assert fault(b.add, "TCP", 8080, HOST_B, 7000, remote=WAN_HOST) == 718
    assert fault(a.delete, "TCP", 8080) == 606
    a2 = Igd(lab.a, "http://%s:%d/description2.xml" % (LAN0_GW, HTTP_PORT))
    assert fault(a2.call, "AddPortMapping", service=WANIP2, NewRemoteHost="", NewExternalPort=8080,
                 NewProtocol="TCP", NewInternalPort=7000, NewInternalClient=HOST_A, NewEnabled=1,
                 NewPortMappingDescription="", NewLeaseDuration=0) == 729
    assert fault(a2.call, "DeletePortMapping", service=WANIP2, NewRemoteHost="",
                 NewExternalPort=8080, NewProtocol="TCP") == 606
    assert a.get("TCP", 8080)["NewInternalClient"] == HOST_A
    assert tcp_ask(lab.wan, WAN_GW, 8080)[0] == "a"


def test_the_command_line_does_not_end_it_but_says_where_to(daemon, load):
    load(CAMERA)
    done = daemon.cli("delete", "%d" % daemon.mappings()[0]["id"], check=False)
    assert done.returncode
    assert "forward" in done.stdout
    assert len(daemon.mappings()) == 1
    row = daemon.cli_json("audit", "trail")["trail"][-1]
    assert (row["origin"], row["action"], row["outcome"]) == ("cli", "delete", "refused")
    assert row["external_port"] == 8080 and "forward" in row["reason"]


def test_a_reload_applies_the_difference_only(lab, daemon, load):
    load(WEB + CAMERA)
    ids = {m["external_port"]: m["id"] for m in daemon.mappings()}
    flow = TcpFlow(lab.wan, WAN_GW, 8080)
    load(CAMERA + 'forward "web" {\n service = "http"\n to = "%s"\n}\n' % HOST_B)
    after = {m["external_port"]: m["id"] for m in daemon.mappings()}
    assert after[8080] == ids[8080] and after[80] != ids[80]
    assert flow.works()
    wait_ask("TCP", lab.wan, WAN_GW, 80, "b")
    load(WEB)
    wait_for(lambda: not flow.works(0.1), 1, "the flow of the forward that is gone being cut")
    flow.close()
    wait_silent("TCP", lab.wan, WAN_GW, 8080)
    wait_ask("TCP", lab.wan, WAN_GW, 80, "a")


@pytest.mark.parametrize("name, host, remote", [
    ("b", HOST_B, ""), ("b", HOST_B, WAN_HOST), ("a", HOST_A, ""), ("a", HOST_A, WAN_HOST)])
def test_what_has_the_port_gives_way(lab, daemon, load, name, host, remote):
    igd = Igd(getattr(lab, name), "http://%s:%d/description.xml" % (LAN0_GW, HTTP_PORT))
    igd.add("TCP", 8080, host, 7001, remote=remote)
    since = daemon.log_size()
    load(CAMERA)
    daemon.wait_log("8080 was mapped by a client, which gives way", since=since)
    wait_ask("TCP", lab.wan, WAN_GW, 8080, "a")
    assert [m["origin"] for m in daemon.mappings()] == ["config"]


@pytest.mark.parametrize("how", ["restart", "crash"])
def test_it_survives(lab, daemon, load, how):
    load(CAMERA)
    number = daemon.mappings()[0]["id"]
    if how == "restart":
        daemon.restart()
    else:
        daemon.kill_all()
        assert tcp_ask(lab.wan, WAN_GW, 8080)[0] == "a"
        daemon.start()
    assert [m["id"] for m in daemon.mappings()] == [number]
    assert tcp_ask(lab.wan, WAN_GW, 8080)[0] == "a"


def test_what_left_the_file_while_the_daemon_was_down_ends_with_its_start(lab, daemon, load, conf):
    load(CAMERA)
    assert daemon.stop() == 0
    conf("")
    daemon.start()
    assert daemon.mappings() == []
    wait_silent("TCP", lab.wan, WAN_GW, 8080)
