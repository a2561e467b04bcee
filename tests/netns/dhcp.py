# SPDX-License-Identifier: GPL-2.0-or-later
"""A host that gets its address by DHCP, with the udhcpc of Debian, and asks names of DNS."""
import os
import socket
import struct
import subprocess

from lab import wait_for

# Sets up what the server says and writes it down.
SCRIPT = """#!/bin/sh
case "$1" in
deconfig)
	ip addr flush dev "$interface" scope global
	;;
bound | renew)
	ip addr replace "$ip/$mask" dev "$interface"
	[ -z "$router" ] || ip route replace default via "${router%% *}"
	env > "$OUT.new" && mv "$OUT.new" "$OUT"
	;;
esac
"""


class Client:
    """udhcpc on a host's interface, until closed. .lease holds what it was given."""

    def __init__(self, lab, ns, hostname=None, ifname="eth0"):
        self.ns = ns
        self.path = os.path.join(lab.tmp, "lease-%s" % ns.label)
        script = os.path.join(lab.tmp, "udhcpc.sh")
        if not os.path.exists(script):
            with open(script, "w", encoding="ascii") as f:
                f.write(SCRIPT)
            os.chmod(script, 0o755)
        if os.path.exists(self.path):
            os.unlink(self.path)
        name = ["-x", "hostname:" + hostname] if hostname else []
        self.proc = ns.popen("udhcpc", "-f", "-i", ifname, "-s", script, "-t", "100", "-T", "1",
                             "-R", *name, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL, env={**os.environ, "OUT": self.path})

    @property
    def lease(self):
        if not os.path.exists(self.path):
            return None
        with open(self.path, encoding="utf-8") as f:
            return dict(line.rstrip("\n").split("=", 1) for line in f if "=" in line)

    def wait(self, seconds=10):
        return wait_for(lambda: self.lease, seconds, "a lease for " + self.ns.label)

    def close(self):
        self.proc.terminate()
        self.proc.wait()


def _name(data, at):
    """Skips a name of an answer; where it ends."""
    while data[at]:
        if data[at] & 0xc0:
            return at + 2
        at += 1 + data[at]
    return at + 1


def resolve(ns, server, name, kind=1, timeout=1.0):
    """The addresses of @name as the DNS server tells @ns (kind 1: IPv4, 28: IPv6); None: no answer."""
    question = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
    sock = ns.socket(socket.AF_INET6 if ":" in server else socket.AF_INET, socket.SOCK_DGRAM)
    with sock:
        sock.settimeout(timeout)
        try:
            sock.sendto(struct.pack("!HHHHHH", 7, 0x100, 1, 0, 0, 0) + question +
                        struct.pack("!HH", kind, 1), (server, 53))
            data = sock.recv(4096)
        except OSError:
            return None
    at, found = 12 + len(question) + 4, []
    for _ in range(struct.unpack("!H", data[6:8])[0]):
        at = _name(data, at)
        rtype, _, _, length = struct.unpack("!HHIH", data[at:at + 10])
        if rtype == kind:
            family = socket.AF_INET if kind == 1 else socket.AF_INET6
            found.append(socket.inet_ntop(family, data[at + 10:at + 10 + length]))
        at += 10 + length
    return found


def wait_resolve(ns, server, name, kind=1, seconds=5):
    return wait_for(lambda: resolve(ns, server, name, kind), seconds, "the address of " + name)
