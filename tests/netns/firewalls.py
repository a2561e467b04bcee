# SPDX-License-Identifier: GPL-2.0-or-later
"""
Firewalls of others beside the gateway: rulesets by hand, and real ufw and firewalld.

The two run in mount namespaces of their own, with their packages laid over /usr, /etc and /var and
a /run that nobody else sees: nothing is installed and no file of the machine is touched. The
packages were unpacked by "./bootstrap firewalls".
"""
import os
import subprocess

import pytest

from lab import TOP, wait_for

PACKAGES = os.environ.get("PORTREEVE_FIREWALLS", os.path.join(TOP, "build", "firewalls"))

SETUP = r"""
set -eu
mount --make-rprivate /
mount -t tmpfs tmpfs "$2"
for d in usr etc var; do
	mkdir -p "$1/$d" "$2/$d/upper" "$2/$d/work"
	mount -t overlay overlay -o "lowerdir=$1/$d:/$d,upperdir=$2/$d/upper,workdir=$2/$d/work" /$d
done
mount -t tmpfs tmpfs /run
mkdir -p /run/dbus /run/lock
for t in iptables ip6tables iptables-save ip6tables-save iptables-restore ip6tables-restore; do
	ln -sf xtables-nft-multi /usr/sbin/$t
done
cp -Ln /usr/share/ufw/ufw.conf /usr/share/ufw/*.init /usr/share/ufw/iptables/*.rules /etc/ufw/
[ -e /etc/default/ufw ] || cp /usr/share/ufw/default.ufw /etc/default/ufw
cat >/run/dbus.conf <<END
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=/run/dbus/system_bus_socket</listen>
<auth>EXTERNAL</auth><policy context="default"><allow send_destination="*" eavesdrop="true"/>
<allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
END
echo ready
exec cat
"""


class Place:
    """A mount namespace in which the packages are installed; programs run in the network of @ns."""

    def __init__(self, ns, tmp):
        if not os.path.exists(os.path.join(PACKAGES, "usr", "sbin", "ufw")):
            pytest.skip("no packages in %s: ./bootstrap firewalls" % PACKAGES)
        self.ns = ns
        scratch = os.path.join(tmp, "place")
        os.makedirs(scratch, exist_ok=True)
        self.holder = ns.popen("unshare", "-m", "sh", "-c", SETUP, "sh", PACKAGES, scratch,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
        if self.holder.stdout.readline() != b"ready\n":
            raise AssertionError(self.holder.communicate()[1].decode())
        self.enter = ["nsenter", "--mount=/proc/%d/ns/mnt" % self.holder.pid]
        self.children = []

    def run(self, *command, check=True):
        return self.ns.run(*self.enter, *command, check=check, timeout=30).stdout

    def start(self, *command):
        self.children.append(self.ns.popen(*self.enter, *command, stdout=subprocess.DEVNULL,
                                           stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL))

    def close(self):
        for child in reversed(self.children):
            child.terminate()
            child.wait(10)
        self.holder.stdin.close()
        self.holder.wait(10)
        self.holder.stdout.close()
        self.holder.stderr.close()


class Plain:
    """A ruleset that is loaded with nft -f, as an administrator would do it."""

    def __init__(self, ns, tmp):
        self.ns = ns
        self.path = os.path.join(tmp, type(self).__name__ + ".nft")
        with open(self.path, "w", encoding="ascii") as f:
            f.write(self.TEXT)
        self.reload()

    def reload(self):
        self.ns.nft("-f", self.path)

    def close(self):
        self.ns.nft("delete table " + self.TABLE, check=False)


class HandWritten(Plain):
    TABLE = "inet filter"
    CHAINS = ["inet filter forward"]
    TEXT = """flush ruleset
table inet filter {
    chain input {
        type filter hook input priority filter; policy drop;
        ct state established,related accept
        iifname { lo, "lan0", "lan1" } accept
        icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
    }
    chain forward {
        type filter hook forward priority filter; policy drop;
        ct state established,related accept
        iifname { "lan0", "lan1" } accept
    }
}
"""


class Fw4(Plain):
    """Shaped like that of OpenWrt: base chains that jump to chains of zones, and a reload that
    flushes the table and fills it again."""
    TABLE = "inet fw4"
    CHAINS = ["inet fw4 forward"]
    TEXT = """table inet fw4
flush table inet fw4
table inet fw4 {
    chain input {
        type filter hook input priority filter; policy drop;
        iif "lo" accept
        ct state vmap { established : accept, related : accept }
        tcp flags & (fin | syn | rst | ack) == syn jump syn_flood
        iifname { "lan0", "lan1" } jump input_lan
        iifname "wan0" jump input_wan
        jump handle_reject
    }
    chain forward {
        type filter hook forward priority filter; policy drop;
        ct state vmap { established : accept, related : accept }
        iifname { "lan0", "lan1" } jump forward_lan
        iifname "wan0" jump forward_wan
        jump handle_reject
    }
    chain syn_flood {
        limit rate 25/second burst 50 packets return
        drop
    }
    chain handle_reject {
        meta l4proto tcp reject with tcp reset
        reject
    }
    chain input_lan { accept; }
    chain input_wan {
        icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
        jump reject_from_wan
    }
    chain forward_lan { accept; }
    chain forward_wan { jump reject_to_wan; }
    chain reject_from_wan { iifname "wan0" counter jump handle_reject; }
    chain reject_to_wan { oifname "wan0" counter jump handle_reject; }
}
"""


class Ufw:
    CHAINS = ["ip filter FORWARD", "ip6 filter FORWARD"]

    def __init__(self, ns, tmp):
        self.place = Place(ns, tmp)
        self.ns = ns
        for lan in ("lan0", "lan1"):
            self.place.run("ufw", "allow", "in", "on", lan)
            self.place.run("ufw", "route", "allow", "in", "on", lan)
        self.place.run("ufw", "--force", "enable")

    def reload(self):
        self.place.run("ufw", "reload")

    def close(self):
        self.place.close()
        for family in ("ip", "ip6"):
            self.ns.nft("delete table %s filter" % family, check=False)


class Firewalld:
    CHAINS = ["inet firewalld filter_FORWARD"]

    def __init__(self, ns, tmp):
        self.place = Place(ns, tmp)
        self.ns = ns
        self.place.start("dbus-daemon", "--config-file=/run/dbus.conf", "--nofork", "--nopidfile")
        wait_for(self._bus_is_there, 10, "the bus")
        self.place.start("firewalld", "--nofork", "--nopid")
        wait_for(lambda: "running" in self.place.run("firewall-cmd", "--state", check=False).split(),
                 30, "firewalld", every=0.2)
        for lan in ("lan0", "lan1"):
            self.place.run("firewall-cmd", "--permanent", "--zone=trusted",
                           "--add-interface=" + lan)
        self.place.run("firewall-cmd", "--permanent", "--zone=public", "--add-interface=wan0")
        self.reload()

    def _bus_is_there(self):
        return self.ns.run(*self.place.enter, "test", "-S", "/run/dbus/system_bus_socket",
                           check=False).returncode == 0

    def reload(self):
        self.place.run("firewall-cmd", "--reload")

    def close(self):
        self.place.close()
        self.ns.nft("delete table inet firewalld", check=False)


ALL = [HandWritten, Fw4, Ufw, Firewalld]
