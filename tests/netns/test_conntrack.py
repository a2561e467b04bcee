# SPDX-License-Identifier: GPL-2.0-or-later
"""What ends, ends everywhere; and a new mapping is not by-passed by old flows."""
import contextlib
import os
import signal
import socket
import threading
import time

import pytest

from lab import HOST_A, PATIENCE, WAN_GW, WAN_HOST, wait_for
from traffic import TcpEcho, TcpFlow, UdpEcho, socket_for, tcp_ask, udp_ask


class UdpFlow:
    """One socket at the WAN host that keeps sending from one port."""

    def __init__(self, ns, address, port):
        self.sock = ns.socket(kind=socket.SOCK_DGRAM)
        self.sock.settimeout(0.1 * PATIENCE)
        self.to = (address, port)

    def works(self):
        try:
            self.sock.sendto(b"ping", self.to)
            return bool(self.sock.recv(1000))
        except OSError:
            return False

    def close(self):
        self.sock.close()


@pytest.fixture
def flows(lab, igd, keep):
    """flows(lease) maps both protocols and returns a live flow through each."""
    keep(TcpEcho(lab.a, 7000))
    keep(UdpEcho(lab.a, 7000))

    def make(**kwargs):
        igd.add("TCP", 5000, HOST_A, 7000, **kwargs)
        igd.add("UDP", 5000, HOST_A, 7000, **kwargs)
        tcp = keep(TcpFlow(lab.wan, WAN_GW, 5000))
        udp = keep(UdpFlow(lab.wan, WAN_GW, 5000))
        assert tcp.works() and udp.works()
        return tcp, udp
    return make


def test_delete_cuts_established_flows(lab, igd, flows):
    tcp, udp = flows()
    igd.delete("TCP", 5000)
    igd.delete("UDP", 5000)
    wait_for(lambda: not tcp.works(0.1), 1, "the TCP flow being cut")
    wait_for(lambda: not udp.works(), 1, "the UDP flow being cut")
    assert not tcp.works() and not udp.works()


def test_expiry_cuts_established_flows(lab, igd, flows):
    tcp, udp = flows(lease=1)
    wait_for(lambda: not udp.works(), 2.5, "the UDP flow being cut")
    wait_for(lambda: not tcp.works(0.1), 1, "the TCP flow being cut")


def test_delete_cuts_flows_of_before_a_refresh(lab, igd, flows):
    tcp, _ = flows(lease=60)
    igd.add("TCP", 5000, HOST_A, 7000, lease=120)
    assert tcp.works()
    igd.delete("TCP", 5000)
    wait_for(lambda: not tcp.works(0.1), 1, "the TCP flow being cut")


def test_disabling_cuts_established_flows(lab, igd, flows):
    tcp, _ = flows()
    igd.add("TCP", 5000, HOST_A, 7000, enabled=0)
    wait_for(lambda: not tcp.works(0.1), 1, "the TCP flow being cut")


def test_a_mapping_that_leads_elsewhere_cuts_the_old_flows(lab, igd, flows, keep):
    tcp, _ = flows()
    keep(TcpEcho(lab.a, 7009))
    igd.add("TCP", 5000, HOST_A, 7009)
    wait_for(lambda: not tcp.works(0.1), 1, "the TCP flow being cut")
    assert TcpFlow(lab.wan, WAN_GW, 5000).works()


class Source:
    """A server that sends without end: it is never at a loss for the next segment."""

    def __init__(self, ns, port, address=""):
        self.sock = socket_for(ns, address)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind((address, port))
        self.sock.listen(8)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                conn, _ = self.sock.accept()
            except OSError:
                return
            threading.Thread(target=self._send, args=(conn,), daemon=True).start()

    @staticmethod
    def _send(conn):
        with conn, contextlib.suppress(OSError):
            while True:
                conn.sendall(b"x" * 100)
                time.sleep(0.002)

    def close(self):
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()


def hears(sock, seconds=0.5):
    """Does anything come, after what is on its way already?"""
    sock.settimeout(seconds * PATIENCE)
    deadline = time.monotonic() + seconds * PATIENCE
    try:
        while time.monotonic() < deadline:
            if not sock.recv(65536):
                return False
        return True
    except OSError:
        return False


@pytest.mark.parametrize("how", ["deleted", "expired"])
@pytest.mark.parametrize("inside", [5000, 7000])
def test_a_host_inside_does_not_go_on_with_a_flow_that_has_ended(lab, igd, keep, inside, how):
    """
    Connection tracking takes up flows under way, and the next segment from inside looks like one of
    a flow that began there.
    """
    source = Source(lab.a, inside)
    igd.add("TCP", 5000, HOST_A, inside, lease=2 if how == "expired" else 600)
    peer = keep(lab.wan.socket())
    peer.connect((WAN_GW, 5000))
    assert hears(peer)
    if how == "deleted":
        igd.delete("TCP", 5000)
    wait_for(lambda: not hears(peer), 4, "the end of the flow")
    # a connection that the host begins itself, from that port to that peer, is another matter
    source.close()
    keep(TcpEcho(lab.wan, 9000))
    assert tcp_ask(lab.a, WAN_HOST, 9000, sport=inside)


def test_a_refresh_cuts_nothing(lab, igd, flows):
    tcp, udp = flows(lease=60)
    for _ in range(5):
        igd.add("TCP", 5000, HOST_A, 7000, lease=60, description="again")
        igd.add("UDP", 5000, HOST_A, 7000, lease=0)
        assert tcp.works() and udp.works()


def test_flows_of_other_mappings_live_on(lab, igd, flows, keep):
    tcp, udp = flows()
    for port in range(5001, 5021):
        igd.add("TCP", port, HOST_A, 7000)
    other = keep(TcpFlow(lab.wan, WAN_GW, 5001))
    igd.delete("TCP", 5000)
    for port in range(5002, 5021):
        igd.delete("TCP", port)
    wait_for(lambda: not tcp.works(0.1), 1, "the deleted one being cut")
    assert other.works() and udp.works()


@pytest.mark.parametrize("source_port, where", [(5555, "wan"), (5556, "b")])
def test_a_peer_that_was_already_sending_gets_through(lab, igd, keep, source_port, where):
    sock = getattr(lab, where).socket(kind=socket.SOCK_DGRAM)
    keep(sock)
    sock.bind(("", source_port))
    sock.settimeout(0.02)
    server = keep(UdpEcho(lab.a, 7000))
    stop = threading.Event()

    def send():
        while not stop.wait(0.02):
            try:
                sock.sendto(b"knock", (WAN_GW, 6000))
            except OSError:
                pass  # port unreachable, as it should be at first
    thread = threading.Thread(target=send)
    thread.start()
    try:
        wait_for(lambda: "sport=%d" % source_port in lab.gw.run(
            "conntrack", "-L", "-p", "udp", "--dport", "6000", check=False).stdout, 2,
            "the connection table knowing the sender")
        assert not server.seen
        igd.add("UDP", 6000, HOST_A, 7000)
        wait_for(lambda: server.seen, 3, "packets of the eager peer")
    finally:
        stop.set()
        thread.join()


def test_deleting_many_at_once_is_quick_for_everybody(lab, gateway, igd):
    for port in range(10000, 10100):
        igd.add("UDP", port, HOST_A, 7000)
    begun = time.monotonic()
    for port in range(10000, 10100):
        igd.delete("UDP", port)
    assert time.monotonic() - begun < 2 * PATIENCE
    assert udp_ask(lab.wan, WAN_GW, 10050, timeout=0.2) is None


def test_delete_cuts_flows_of_before_a_crash(lab, gateway, flows):
    tcp, udp = flows()
    before = gateway.log_size()
    os.kill(gateway.core_pid(), signal.SIGKILL)
    gateway.wait_log("portreeve-core: ready", since=before)
    assert tcp.works() and udp.works()
    gateway.clear()
    wait_for(lambda: not tcp.works(0.1), 1, "the TCP flow being cut")
    wait_for(lambda: not udp.works(), 1, "the UDP flow being cut")
