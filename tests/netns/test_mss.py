# SPDX-License-Identifier: GPL-2.0-or-later
"""A WAN with a small MTU, and ICMP errors that somebody filters: TCP works all the same."""
import contextlib
import threading

import pytest

from igd import Igd
from lab import HOST_A, PATIENCE, WAN_GW, WAN_HOST, Lab, wait_for

SIZE = 200000
MTU = 1400


@pytest.fixture(scope="module")
def lab():
    """
    The gateway's WAN card takes and sends 1400 octets; what is longer the cable loses in silence.
    Nobody learns of it: the hosts drop ICMP errors. Cards do not merge segments, so that each has
    to fit.
    """
    with Lab(second_lan=False) as made:
        made.gw.ip("link set wan0 mtu %d" % MTU)
        for ns in (made.a, made.wan):
            ns.ip("link set eth0 gso_max_segs 1")
            ns.nft("add table ip deaf; "
                   "add chain ip deaf input { type filter hook input priority 0; }; "
                   "add rule ip deaf input icmp type destination-unreachable drop")
        yield made


class Bulk:
    """Sends SIZE octets to who connects, then counts what it gets until the end."""

    def __init__(self, ns, port):
        self.got = 0
        self.sock = ns.socket()
        self.sock.bind(("", port))
        self.sock.listen(8)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                conn, _ = self.sock.accept()
                threading.Thread(target=self._talk, args=(conn,), daemon=True).start()

    def _talk(self, conn):
        with conn, contextlib.suppress(OSError):
            conn.settimeout(5 * PATIENCE)
            conn.sendall(bytes(SIZE))
            while piece := conn.recv(65536):
                self.got += len(piece)

    def close(self):
        self.sock.close()


def download(ns, address, port, seconds):
    """Octets that came within the time; the connection, still open."""
    sock = ns.socket()
    sock.settimeout(seconds * PATIENCE)
    got = 0
    with contextlib.suppress(TimeoutError):
        sock.connect((address, port))
        while got < SIZE:
            got += len(sock.recv(65536))
    return got, sock


def test_both_directions_carry_full_segments(lab, keep):
    keep(lab.start("-o", "share=yes"))
    server = keep(Bulk(lab.wan, 7000))
    got, sock = download(lab.a, WAN_HOST, 7000, 5)
    with sock:
        assert got == SIZE
        sock.sendall(bytes(SIZE))
        wait_for(lambda: server.got == SIZE, 5, "the upload")


def test_who_comes_in_by_a_mapping_is_served_too(lab, keep):
    keep(lab.start("-o", "share=yes"))
    server = keep(Bulk(lab.a, 7001))
    Igd.discover(lab.a).add("TCP", 7001, HOST_A)
    got, sock = download(lab.wan, WAN_GW, 7001, 5)
    with sock:
        assert got == SIZE
        sock.sendall(bytes(SIZE))
        wait_for(lambda: server.got == SIZE, 5, "the upload")


def test_without_it_the_connection_hangs(lab, keep):
    """So the tests above show what they say."""
    keep(lab.start("-o", "share=yes", "-o", "clamp_mss=no"))
    keep(Bulk(lab.wan, 7002))
    got, sock = download(lab.a, WAN_HOST, 7002, 0.5)
    sock.close()
    assert got == 0


def test_links_are_named_as_their_size_changes(lab, keep):
    keep(lab.start("-o", "share=yes"))

    def clamped():
        return lab.gw.run("nft", "get", "element", "inet", "portreeve", "clamp_if", "{ wan0 }",
                          check=False).returncode == 0
    wait_for(clamped, 2, "the small WAN in the set")
    lab.gw.ip("link set wan0 mtu 1500")
    try:
        wait_for(lambda: not clamped(), 2, "the WAN out of the set")
        lab.gw.ip("link set lan0 mtu 9000")
        wait_for(clamped, 2, "the WAN in the set beside jumbo frames")
    finally:
        lab.gw.ip("link set lan0 mtu 1500", "link set wan0 mtu %d" % MTU)


def test_it_is_for_who_shares_or_says_so(lab, keep):
    daemon = keep(lab.start())
    assert "maxseg" not in lab.gw.nft("list chain inet portreeve forward")
    daemon.stop()
    keep(lab.start("-o", "clamp_mss=yes"))
    assert lab.gw.nft("list chain inet portreeve forward").count("maxseg size set rt mtu") == 2
