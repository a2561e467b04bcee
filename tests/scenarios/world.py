# SPDX-License-Identifier: GPL-2.0-or-later
"""
The Internet of the scenarios, to which each figure adds what it needs:

    server, peers  203.0.113.x ---+--- "inet", 203.0.113.0/24 ---+--- 203.0.113.254 [isp]
    homes          203.0.113.x ---+

The provider's router refuses what has a private destination, as real ones do: who tries learns at
once that there is no way.
"""
from lab import Network

ISP = "203.0.113.254"
SERVER, SERVER_PORT = "203.0.113.2", 5060
PEER, PEER2 = "203.0.113.3", "203.0.113.4"
HOME1, HOME2 = "203.0.113.1", "203.0.113.9"
NOT_ON_THE_INTERNET = ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16")

SHARED = ("-o", "share=yes")
# What the presets name and not a port more, so that nothing is missing there.
PRESETS = [word for preset in ("messenger", "console", "strict")
           for word in ("-o", "preset=" + preset)]


class Internet(Network):
    def _build(self):
        self.add_spaces("sw")
        self.add_bridges("inet")
        isp = self.host("isp", ISP, via=None)
        isp.sysctl("net.ipv4.ip_forward", 1)
        isp.sysctl("net.ipv4.icmp_ratelimit", 0)  # each failure is told
        # A route of type unreachable would tell each host once a second only.
        self.ruleset(isp, """
            table ip refuse {
                chain prerouting {
                    type filter hook prerouting priority filter
                    ip daddr { %s } reject with icmp host-unreachable
                }
            }""" % ", ".join(NOT_ON_THE_INTERNET))

    def host(self, label, address, bridge="inet", via=ISP):
        """A machine with one interface, at @address of a /24. Its namespace."""
        ns, = self.add_spaces(label)
        ns.address = address
        self.cable(ns, "eth0", bridge)
        ns.ip("link set lo up", "addr add %s/24 dev eth0" % address, "link set eth0 up",
              *(["route add default via " + via] if via else []))
        return ns

    def home(self, label, wan, lan, **uplink):
        """A gateway that will run portreeved, and the LAN behind it."""
        return Home(self, label, wan, lan, **uplink)

    def nat(self, label, wan, lan, masquerade="masquerade", rules="", all_to=None, **uplink):
        """
        A gateway that translates and knows no UPnP. @rules: further ones of its forward chain,
        before that which drops what comes from outside unasked. @all_to: who gets that instead.
        """
        site = Site(self, label, wan, lan, **uplink)
        self.ruleset(site.ns, """
            table ip nat {
                chain postrouting {
                    type nat hook postrouting priority srcnat
                    oifname "wan0" %s
                }
                chain forward {
                    type filter hook forward priority filter
                    %s
                    iifname "wan0" ct status dnat accept
                    iifname "wan0" ct state new drop
                }
                chain prerouting {
                    type nat hook prerouting priority dstnat
                    %s
                }
            }""" % (masquerade, rules, 'iifname "wan0" dnat to ' + all_to if all_to else ""))
        return site

    def ruleset(self, ns, text):
        with open("%s/%s.nft" % (self.tmp, ns.label), "w", encoding="ascii") as f:
            f.write(text)
        ns.nft("-f", f.name)


class Site:
    """A gateway's namespace with wan0 and lan0, and hosts on its LAN."""

    def __init__(self, net, label, wan, lan, bridge="inet", via=ISP):
        """@wan: its address outside. @lan: what its LAN's addresses begin with, "192.168.1"."""
        self.net = net
        self.label = label
        self.wan = wan
        self.lan = lan
        self.inside = lan + ".1"
        self.bridge = label + "-lan"
        self.ns, = net.add_spaces(label)
        net.add_bridges(self.bridge)
        net.cable(self.ns, "wan0", bridge)
        net.cable(self.ns, "lan0", self.bridge)
        self.ns.sysctl("net.ipv4.ip_forward", 1)
        self.ns.ip("link set lo up", "link set wan0 up", "link set lan0 up",
                   "addr add %s/24 dev wan0" % wan, "addr add %s/24 dev lan0" % self.inside,
                   "route add default via " + via)

    def host(self, label, number):
        return self.net.host(label, "%s.%d" % (self.lan, number), self.bridge, self.inside)

    def uplink(self):
        """For what is to stand behind this: the arguments of Internet.home() and nat()."""
        return {"bridge": self.bridge, "via": self.inside}


class Home(Site):
    daemon = None

    def start(self, *options, probe):
        """portreeved as a home would run it, or with @options. @probe: a host of the LAN."""
        self.daemon = self.net.start(
            *(options or SHARED), *PRESETS, wan="wan0", lans=["lan0"], ns=self.ns,
            probes={"lan0": (probe, self.inside)})
        return self

    def mapped(self):
        """{(protocol, external port): internal client} as the daemon says."""
        return {(m["protocol"], m["external_port"]): m["internal_client"]
                for m in self.daemon.mappings()}
