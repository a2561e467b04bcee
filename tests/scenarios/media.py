# SPDX-License-Identifier: GPL-2.0-or-later
"""What the stations send each other: RTP and RTCP, T.120 and remote desktop, files."""
import contextlib
import hashlib
import queue
import random
import socket
import struct
import threading
import time

from lab import PATIENCE
from sip import connect

RTP_PACKETS, RTCP_PACKETS = 40, 4
PACE_S = 0.002
HEAD_START_S = 0.1     # for the first packets of one way
SILENCE_S = 0.6        # what has not come this long after the last packet was sent never comes
STREAM = 64 * 1024     # octets each way of a TCP session
PIECE = 4096


# ---- RTP and RTCP (RFC 3550) ----

class Media:
    """One kind of media at one end: the pair of sockets, and what arrives there."""

    def __init__(self, ns, port):
        self.ssrc = port
        self.rtp = self._socket(ns, port)
        self.rtcp = self._socket(ns, port + 1)
        self.heard = {}     # sequence number -> (address, port) it came from
        self.reports = {}   # RTP time of each sender report -> the same
        self._readers = [
            threading.Thread(target=self._read, args=(sock, take), daemon=True)
            for sock, take in ((self.rtp, self._rtp), (self.rtcp, self._rtcp))]
        for reader in self._readers:
            reader.start()

    @staticmethod
    def _socket(ns, port):
        sock = ns.socket(kind=socket.SOCK_DGRAM)
        sock.bind(("", port))
        return sock

    def _read(self, sock, take):
        while True:
            try:
                data, peer = sock.recvfrom(2048)
            except ConnectionRefusedError:
                continue  # an ICMP error for something we sent
            except OSError:
                return
            if not peer:
                return  # woken by close()
            take(data, peer)

    def _rtp(self, data, peer):
        if len(data) == 172 and data[0] == 0x80:
            self.heard[struct.unpack("!H", data[2:4])[0]] = peer

    def _rtcp(self, data, peer):
        if len(data) == 28 and data[:2] == b"\x80\xc8":
            self.reports[struct.unpack("!I", data[16:20])[0]] = peer

    def send(self, to):
        """20 ms of sound each, and a report now and then; quicker than a person would speak."""
        for i in range(RTP_PACKETS):
            header = struct.pack("!BBHII", 0x80, 0, i, i * 160, self.ssrc)
            self._send(self.rtp, header + b"\xff" * 160, to)
            if i % (RTP_PACKETS // RTCP_PACKETS) == 0:
                report = struct.pack("!BBHIIIIII", 0x80, 200, 6, self.ssrc, 0, 0, i * 160, i, i * 160)
                self._send(self.rtcp, report, (to[0], to[1] + 1))
            time.sleep(PACE_S)

    @staticmethod
    def _send(sock, data, to):
        with contextlib.suppress(OSError):  # an ICMP error for an earlier one; it goes on all the same
            sock.sendto(data, to)

    def complete(self):
        return len(self.heard) == RTP_PACKETS and len(self.reports) == RTCP_PACKETS

    def sources(self):
        """Where RTP and RTCP came from, RTCP's port one lower, so that a right pair is one."""
        return {*self.heard.values(), *((a, p - 1) for a, p in self.reports.values())}

    def close(self):
        for sock, reader in zip((self.rtp, self.rtcp), self._readers):
            with contextlib.suppress(OSError):  # not connected; it wakes the reader all the same
                sock.shutdown(socket.SHUT_RDWR)
            reader.join()  # who still reads would keep the port
            sock.close()


def talk(*ways):
    """
    Sends all @ways = (Media, address and port to send to, Media that hears it) at the same time. They
    begin one after the other: where the first packets of both ways meet in a NAT, Linux takes them
    for two flows and gives one of them another port.
    """
    senders = []
    for sender, to, hearer in ways:
        senders.append(threading.Thread(target=sender.send, args=(to,)))
        senders[-1].start()
        deadline = time.monotonic() + HEAD_START_S * PATIENCE
        while not (hearer.heard and hearer.reports) and time.monotonic() < deadline:
            time.sleep(PACE_S)
    for sender in senders:
        sender.join()
    deadline = time.monotonic() + SILENCE_S * PATIENCE
    while not all(hearer.complete() for _, _, hearer in ways) and time.monotonic() < deadline:
        time.sleep(0.01)


# ---- TCP ----

def listen(ns, port):
    sock = ns.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("", port))
    sock.listen(4)
    sock.settimeout(5 * PATIENCE)
    return sock


def read_exactly(sock, size):
    data = b""
    while len(data) < size:
        piece = sock.recv(size - len(data))
        if not piece:
            raise ConnectionError("closed after %d of %d octets" % (len(data), size))
        data += piece
    return data


def octets(seed, size=STREAM):
    return random.Random(seed).randbytes(size)


class Aside:
    """Runs something in a thread; result() gives what it returned, or raises what it raised."""

    def __init__(self, action, *args):
        self._done = queue.SimpleQueue()
        threading.Thread(target=self._run, args=(action, *args), daemon=True).start()

    def _run(self, action, *args):
        try:
            self._done.put((action(*args), None))
        except Exception as error:  # it is raised where somebody waits for it
            self._done.put((None, error))

    def result(self):
        value, error = self._done.get(timeout=20 * PATIENCE)
        if error:
            raise error
        return value


# ---- T.120 and remote desktop: TPKT (RFC 1006) with X.224 class 0 ----

CONNECT_REQUEST, CONNECT_CONFIRM, DATA = 0xe0, 0xd0, 0xf0


def tpkt_send(sock, kind, data=b""):
    x224 = bytes([2, DATA, 0x80]) + data if kind == DATA else (
        bytes([6 + len(data), kind, 0, 0, 0, 0, 0]) + data)
    sock.sendall(struct.pack("!BBH", 3, 0, 4 + len(x224)) + x224)


def tpkt_read(sock):
    """(kind, data) of the next one."""
    version, _, length = struct.unpack("!BBH", read_exactly(sock, 4))
    assert version == 3, "no TPKT"
    x224 = read_exactly(sock, length - 4)
    return x224[1], x224[3 if x224[1] == DATA else 7:]


def tpkt_exchange(sock, own, others):
    """Sends and receives STREAM octets at once, both whole or an error."""
    def send():
        data = octets(own)
        for at in range(0, STREAM, PIECE):
            tpkt_send(sock, DATA, data[at:at + PIECE])

    sending = Aside(send)
    data = b""
    while len(data) < STREAM:
        kind, piece = tpkt_read(sock)
        assert kind == DATA
        data += piece
    sending.result()
    assert data == octets(others), "not what was sent"


def tpkt_host(listener):
    """Takes one session on a listening socket: the peer's (address, port)."""
    sock, peer = listener.accept()
    with sock:
        sock.settimeout(5 * PATIENCE)
        kind, _ = tpkt_read(sock)
        assert kind == CONNECT_REQUEST
        tpkt_send(sock, CONNECT_CONFIRM)
        tpkt_exchange(sock, "host", "guest")
    return peer


def tpkt_join(ns, to, cookie=b""):
    """The same from the other end. OSError: no connection."""
    with connect(ns, to) as sock:
        sock.settimeout(5 * PATIENCE)
        tpkt_send(sock, CONNECT_REQUEST, cookie)
        kind, _ = tpkt_read(sock)
        assert kind == CONNECT_CONFIRM
        tpkt_exchange(sock, "guest", "host")


# ---- files: the sender listens, the receiver fetches ----

BLOCK = 2045


def file_name(n):
    return "holiday%d.jpg" % n


def file_send(listener, n, cookie, all_there):
    """Sends file @n to who knows the cookie, once all of @all_there (a barrier) are connected."""
    sock, _ = listener.accept()
    with sock:
        sock.settimeout(5 * PATIENCE)
        lines = sock.makefile("rwb")
        assert lines.readline() == b"VER MSNFTP\r\n"
        _line(lines, "VER MSNFTP")
        assert lines.readline().split()[2].decode() == cookie
        data = octets(file_name(n))
        _line(lines, "FIL %d" % len(data))
        assert lines.readline() == b"TFR\r\n"
        all_there.wait(5 * PATIENCE)
        for at in range(0, len(data), BLOCK):
            piece = data[at:at + BLOCK]
            lines.write(b"\0" + struct.pack("<H", len(piece)) + piece)
        lines.write(b"\1\0\0")
        lines.flush()
        assert lines.readline() == b"BYE 16777989\r\n", "the receiver was not content"


def file_fetch(ns, to, user, cookie):
    """The hash of the file. OSError: no connection."""
    with connect(ns, to) as sock:
        sock.settimeout(10 * PATIENCE)
        lines = sock.makefile("rwb")
        _line(lines, "VER MSNFTP")
        assert lines.readline() == b"VER MSNFTP\r\n"
        _line(lines, "USR %s %s" % (user, cookie))
        size = int(lines.readline().split()[1])
        _line(lines, "TFR")
        data = b""
        while (header := lines.read(3)) and header[:1] == b"\0":
            data += lines.read(struct.unpack("<H", header[1:])[0])
        if len(data) != size:
            raise ConnectionError("%d of %d octets" % (len(data), size))
        _line(lines, "BYE 16777989")
        return hashlib.sha256(data).hexdigest()


def _line(lines, text):
    lines.write(text.encode() + b"\r\n")
    lines.flush()


def file_hash(n):
    return hashlib.sha256(octets(file_name(n))).hexdigest()
