# SPDX-License-Identifier: GPL-2.0-or-later
"""Probes of protocols without ports: ICMP, ICMPv6, IGMP."""
import contextlib
import os
import socket
import struct

from lab import PATIENCE


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total & 0xffff) + (total >> 16)
    return ~(total + (total >> 16)) & 0xffff


def icmp_message(kind, body):
    message = struct.pack("!BBH", kind, 0, 0) + body
    return message[:2] + struct.pack("!H", checksum(message)) + message[4:]


def icmp_asks(ns, address, kind, answer, timeout=0.5):
    """Sends an ICMP (ICMPv6) request of type @kind; does one of type @answer come back?"""
    six = ":" in address
    number = int.from_bytes(os.urandom(2), "big")
    body = struct.pack("!HH", number, 1) + b"\0" * 12
    proto = socket.IPPROTO_ICMPV6 if six else socket.IPPROTO_ICMP
    with ns.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_RAW, proto) as sock:
        sock.settimeout(timeout * PATIENCE)
        sock.sendto(icmp_message(kind, body), (address, 0))
        try:
            while True:
                data = sock.recv(4096)
                data = data if six else data[(data[0] & 15) * 4:]
                if data[0] == answer and struct.unpack("!H", data[4:6])[0] == number:
                    return True
        except OSError:
            return False


def pings(ns, address, timeout=0.5):
    return icmp_asks(ns, address, *((128, 129) if ":" in address else (8, 0)), timeout=timeout)


class Raw:
    """Counts what the hosts of a namespace get of one protocol; packets that are dropped are not."""

    def __init__(self, ns, proto, family=socket.AF_INET):
        self.sock = ns.socket(family, socket.SOCK_RAW, proto)
        self.sock.settimeout(0.3 * PATIENCE)

    def gets(self, wanted):
        """Within a moment a packet for which wanted(octets) holds?"""
        with contextlib.suppress(OSError):
            while True:
                if wanted(self.sock.recv(65536)):
                    return True
        return False

    def close(self):
        self.sock.close()
