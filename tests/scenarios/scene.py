# SPDX-License-Identifier: GPL-2.0-or-later
"""What figures are made of: stations at homes, two of whom try every feature both ways."""
import pytest

from features import FEATURES, NO, YES
from station import Station

DIRECTIONS = ("a to b", "b to a")
EACH_FEATURE = pytest.mark.parametrize("feature", FEATURES)
EACH_BY_THEMSELVES = pytest.mark.parametrize(  # without the server, once they know of each other
    "feature", [feature for feature in FEATURES if "message" not in feature])
EACH_DIRECTION = pytest.mark.parametrize("direction", DIRECTIONS)

# Who listens and must be reached, of "x to y".
LISTENER = {"T.120": "y", "ten files": "x", "remote assistance": "x"}


def at_home(net, name, wan, *options, lan="192.168.1", **uplink):
    """A home with a gateway of ours at @wan, and the station @name there: (home, station)."""
    home = net.home("home-" + name, wan, lan, **uplink)
    station = Station(home.host(name, 10), name)
    return home.start(*options, probe=station.ns), station


def expected(feature, direction, out_of_reach, media):
    """The verdict when nobody can come in to the station @out_of_reach; @media: that of a call."""
    if "audio" in feature:
        return media
    x, y = direction[0], direction[-1]
    return NO if {"x": x, "y": y}.get(LISTENER.get(feature)) == out_of_reach else YES


class Scene:
    """Two stations, called a and b, signed in at a server, and the homes with a gateway of ours."""

    def __init__(self, net, server, a, b, *homes, sign_in_at):
        self.net = net
        self.server = server
        self.a = a
        self.b = b
        self.homes = homes
        self.closing = net.closing  # a failed test shows its daemons' logs
        for station in (a, b):
            station.find_gateway().sign_in(*sign_in_at)
        self.mapped = self.all_mapped()

    def all_mapped(self):
        return [home.mapped() for home in self.homes]

    def attempt(self, seen, feature, direction, action=None):
        """
        Tries a feature, and notes what was seen: the Outcome. Whatever it was, no gateway may have
        a mapping more or less than before.
        """
        pair = (self.a, self.b) if direction == "a to b" else (self.b, self.a)
        outcome = seen(feature, direction, (action or FEATURES[feature])(self, *pair))
        assert self.all_mapped() == self.mapped
        return outcome
