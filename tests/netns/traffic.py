# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets: echo servers that say whom they saw, probes, and a sniffer."""
import contextlib
import fcntl
import os
import select
import socket
import struct
import threading
import time

from lab import PATIENCE, wait_for

ETH_P_ALL = 3
PACKET_OUTGOING = 4
SO_TIMESTAMPNS = 35
TUNSETIFF, TUNSETLINK = 0x400454ca, 0x400454cd
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
ARPHRD_PPP = 512


def socket_for(ns, address, kind=socket.SOCK_STREAM):
    """A socket of the family that @address is of; "" is IPv4, "::" the whole of IPv6."""
    if ":" not in address:
        return ns.socket(kind=kind)
    sock = ns.socket(socket.AF_INET6, kind)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    return sock


class TcpEcho:
    """Greets each connection with "LABEL PEER-ADDRESS PEER-PORT", then echoes."""

    def __init__(self, ns, port, address=""):
        self.ns = ns
        self.seen = []  # (address, port) of every peer
        self.sock = socket_for(ns, address)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind((address, port))
        self.sock.listen(64)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                conn, peer = self.sock.accept()
            except OSError:
                return
            self.seen.append(peer[:2])
            threading.Thread(target=self._talk, args=(conn, peer), daemon=True).start()

    def _talk(self, conn, peer):
        with conn:
            try:
                conn.sendall(b"%s %s %d\n" % (self.ns.label.encode(), peer[0].encode(), peer[1]))
                while data := conn.recv(65536):
                    conn.sendall(data)
            except OSError:
                pass

    def close(self):
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()


class UdpEcho:
    """Answers each datagram with "LABEL PEER-ADDRESS PEER-PORT DATA"."""

    def __init__(self, ns, port, address=""):
        self.ns = ns
        self.seen = []
        self.sock = socket_for(ns, address, socket.SOCK_DGRAM)
        self.sock.bind((address, port))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        while True:
            try:
                data, peer = self.sock.recvfrom(65536)
            except OSError:
                return
            if not peer:
                return  # woken by close()
            self.seen.append(peer[:2])
            with contextlib.suppress(OSError):  # no way back to that peer: his trouble
                self.sock.sendto(b"%s %s %d %s" % (
                    self.ns.label.encode(), peer[0].encode(), peer[1], data), peer)

    def close(self):
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # never connected: the shutdown wakes the reader all the same
        self._thread.join(5)  # until then it has the port
        self.sock.close()


ECHO = {"TCP": TcpEcho, "UDP": UdpEcho}


def tcp_ask(ns, address, port, sport=0, timeout=1.0):
    """Who answered there: [label, address, port] as the server saw us, or None."""
    sock = socket_for(ns, address)
    with sock:
        sock.settimeout(timeout * PATIENCE)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if sport:
                sock.bind(("", sport))
            sock.connect((address, port))
            data = b""
            while not data.endswith(b"\n"):
                piece = sock.recv(256)
                if not piece:
                    return None
                data += piece
            return data.decode().split()
        except OSError:
            return None


def udp_ask(ns, address, port, sport=0, timeout=1.0, text="x"):
    """As tcp_ask(), with one datagram."""
    sock = socket_for(ns, address, socket.SOCK_DGRAM)
    with sock:
        sock.settimeout(timeout * PATIENCE)
        try:
            if sport:
                sock.bind(("", sport))
            sock.sendto(text.encode(), (address, port))
            return sock.recv(4096).decode().split()[:3]
        except OSError:
            return None


def ask(protocol, *args, **kwargs):
    return (tcp_ask if protocol == "TCP" else udp_ask)(*args, **kwargs)


def wait_ask(protocol, ns, address, port, label, seconds=1.0, **kwargs):
    """Waits until a probe is answered by the host @label."""
    def check():
        got = ask(protocol, ns, address, port, timeout=0.1, **kwargs)
        return got if got and got[0] == label else None
    return wait_for(check, seconds, "%s to %s:%d answered by %s" % (protocol, address, port, label))


def wait_silent(protocol, ns, address, port, seconds=1.0):
    wait_for(lambda: ask(protocol, ns, address, port, timeout=0.1) is None, seconds,
             "%s to %s:%d unanswered" % (protocol, address, port))


class TcpFlow:
    """A connection that is kept open, to see whether it still carries data."""

    def __init__(self, ns, address, port, timeout=2.0):
        self.sock = socket_for(ns, address)
        self.sock.settimeout(timeout * PATIENCE)
        self.sock.connect((address, port))
        self.greeting = self._line().split()

    def _line(self):
        data = b""
        while not data.endswith(b"\n"):
            piece = self.sock.recv(256)
            if not piece:
                raise ConnectionError("closed")
            data += piece
        return data.decode()

    def works(self, timeout=0.3):
        """Does an echo come back?"""
        try:
            self.sock.settimeout(timeout * PATIENCE)
            self.sock.sendall(b"ping\n")
            return self._line() == "ping\n"
        except OSError:
            return False

    def close(self):
        self.sock.close()


def ppp(ns, name):
    """
    An interface of @ns that the kernel says is of PPP; its wire is the descriptor returned, and it is
    gone when that is closed. It has its name only when it is of that kind, as a real one.
    """
    with ns:
        fd = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
        fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH14x", b"making", IFF_TUN | IFF_NO_PI))
        fcntl.ioctl(fd, TUNSETLINK, ARPHRD_PPP)
    ns.ip("link set making name " + name)
    return fd


class PppLine:
    """
    A point-to-point line from @here to @there (a real one needs a module that not every kernel has);
    the packets are carried by a thread.
    """

    def __init__(self, here, there, name, address, peer):
        self.fds = [ppp(here, name), ppp(there, name)]
        self._stop, self._stopped = os.pipe()
        for ns, own, other in ((here, address, peer), (there, peer, address)):
            ns.sysctl("net.ipv6.conf.%s.disable_ipv6" % name, 1)
            ns.ip("addr add %s peer %s dev %s" % (own, other, name), "link set %s up" % name)
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def _carry(self):
        one, other = self.fds
        while True:
            ready = select.select([one, other, self._stop], [], [])[0]
            if self._stop in ready:
                return
            for fd in ready:
                with contextlib.suppress(OSError):  # an end is down: the packet is lost
                    os.write(other if fd == one else one, os.read(fd, 65536))

    def close(self):
        """Hangs up: the interfaces are gone."""
        os.write(self._stopped, b"x")
        self._thread.join()
        for fd in (*self.fds, self._stop, self._stopped):
            os.close(fd)


class Packet:
    """What a sniffer saw of one IPv4 packet."""

    def __init__(self, frame, outgoing, when):
        self.outgoing = outgoing
        self.time = when  # as the kernel saw it, of time.monotonic()
        self.eth_dst = frame[:6]
        ip = frame[14:]
        header = (ip[0] & 15) * 4
        self.protocol = ip[9]
        self.ttl = ip[8]
        self.src = socket.inet_ntoa(ip[12:16])
        self.dst = socket.inet_ntoa(ip[16:20])
        total = struct.unpack("!H", ip[2:4])[0]
        body = ip[header:total]
        self.sport = self.dport = 0
        self.data = b""
        if self.protocol in (6, 17) and len(body) >= 8:
            self.sport, self.dport = struct.unpack("!HH", body[:4])
            offset = 8 if self.protocol == 17 else (body[12] >> 4) * 4
            self.data = body[offset:]

    def __repr__(self):
        return "<%s:%d > %s:%d proto %d %r>" % (
            self.src, self.sport, self.dst, self.dport, self.protocol, self.data[:60])


class Sniffer:
    """IPv4 packets on one interface of a namespace, both directions, until closed."""

    def __init__(self, ns, ifname):
        self.packets = []
        with ns:
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            self.sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            self.sock.bind((ifname, ETH_P_ALL))
        self.sock.settimeout(0.2)
        self._stop = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        while not self._stop:
            try:
                frame, control, _, address = self.sock.recvmsg(65536, 256)
            except TimeoutError:
                continue
            except OSError:
                return
            if frame[12:14] == b"\x08\x00" and len(frame) >= 34:
                self.packets.append(
                    Packet(frame, address[2] == PACKET_OUTGOING, self._when(control)))

    @staticmethod
    def _when(control):
        for level, kind, data in control:
            if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS):
                seconds, nanoseconds = struct.unpack("qq", data[:16])
                return seconds + nanoseconds / 1e9 - time.time() + time.monotonic()
        return time.monotonic()

    def find(self, wanted):
        return [p for p in list(self.packets) if wanted(p)]

    def wait(self, wanted, seconds=2.0, what="packet"):
        return wait_for(lambda: self.find(wanted), seconds, what)

    def close(self):
        self._stop = True
        self._thread.join()
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
