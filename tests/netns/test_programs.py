# SPDX-License-Identifier: GPL-2.0-or-later
"""
Libraries that programs map ports with, as they come from Debian: miniupnpc from Python, GUPnP IGD
(messengers, voice), libtorrent and Transmission.
"""
import os
import shutil

import pytest

from lab import HOST_A, PATIENCE, WAN_GW, Output, wait_for
from traffic import UdpEcho, udp_ask

# They take 203.0.113.0/24, being set aside for documentation, for no address at all.
OPTIONS = ["-o", "external_address=8.8.8.8"]
PYTHON = "/usr/bin/python3"


def needs(module):
    """Debian's own Python has it."""
    found = os.system("%s -c 'import %s' 2>/dev/null" % (PYTHON, module)) == 0
    return pytest.mark.skipif(not found, reason=module + " is not installed")


def script(ns, text, *args):
    return ns.run(PYTHON, "-B", "-c", text, *args, timeout=30).stdout


# ---- miniupnpc ----

MINIUPNPC = """
import miniupnpc, sys
u = miniupnpc.UPnP()
u.discoverdelay = 1000
assert u.discover() >= 1
url = u.selectigd()
assert u.lanaddr == sys.argv[1], u.lanaddr
assert u.statusinfo()[0] == "Connected"
assert u.connectiontype() == "IP_Routed"
assert u.externalipaddress() == "8.8.8.8"
assert u.addportmapping(5000, "UDP", u.lanaddr, 5000, "miniupnpc", "")
entry = u.getspecificportmapping(5000, "UDP")
assert entry[:3] == (u.lanaddr, 5000, "miniupnpc"), entry
entry = u.getgenericportmapping(0)
assert entry[:3] == (5000, "UDP", (u.lanaddr, 5000)), entry
assert u.getgenericportmapping(1) is None
assert u.deleteportmapping(5000, "UDP")
print("works at", url)
"""


@needs("miniupnpc")
def test_miniupnpc_from_python(lab, gateway, igd):
    try:
        text = script(lab.a, MINIUPNPC, HOST_A)
    finally:
        print(gateway.log()[-2000:])
    assert "works at http://" in text
    assert gateway.mappings() == []


# ---- GUPnP IGD ----

GUPNP_IGD = """
import sys, gi
gi.require_version("GUPnPIgd", "1.0")
from gi.repository import GUPnPIgd, GLib
loop = GLib.MainLoop()
igd = GUPnPIgd.SimpleIgd.new()
def mapped(igd, protocol, outside, replaced, outside_port, inside, inside_port, description):
    print("mapped", protocol, outside, outside_port, inside, inside_port, flush=True)
def failed(igd, error, *args):
    print("failed", error.message, flush=True)
    loop.quit()
igd.connect("mapped-external-port", mapped)
igd.connect("error-mapping-port", failed)
igd.add_port("UDP", 5000, sys.argv[1], 5000, 600, "gupnp-igd")
GLib.timeout_add_seconds(60, loop.quit)
sys.stdin.close()
loop.run()
"""


@needs("gi")
def test_gupnp_igd_maps_and_is_told_the_address(lab, gateway, igd, keep):
    if "Simple" not in lab.a.run(PYTHON, "-c", "import gi; gi.require_version('GUPnPIgd', '1.0')\n"
                                 "from gi.repository import GUPnPIgd; print(GUPnPIgd.SimpleIgd)",
                                 check=False).stdout:
        pytest.skip("GUPnP IGD is not installed")
    keep(UdpEcho(lab.a, 5000))
    program = keep(Output(lab.a, PYTHON, "-B", "-c", GUPNP_IGD, HOST_A))
    program.wait("mapped UDP 8.8.8.8 5000 %s 5000" % HOST_A, seconds=15)
    assert [(m["protocol"], m["external_port"]) for m in gateway.mappings()] == [("UDP", 5000)]
    assert udp_ask(lab.wan, WAN_GW, 5000)
    assert "failed" not in program.text


# ---- libtorrent ----

LIBTORRENT = """
import libtorrent as lt, time
s = lt.session({"listen_interfaces": "0.0.0.0:6881", "enable_upnp": True, "enable_natpmp": False,
                "enable_dht": False, "enable_lsd": False,
                "alert_mask": lt.alert.category_t.all_categories})
end = time.time() + 25
seen = set()
while time.time() < end and len(seen) < 2:
    s.wait_for_alert(500)
    for a in s.pop_alerts():
        if isinstance(a, (lt.portmap_alert, lt.portmap_error_alert)):
            print(type(a).__name__, a.message(), flush=True)
        if isinstance(a, lt.portmap_alert):
            seen.add(a.message())
time.sleep(60)  # its end takes the mappings away; the test ends it before that
"""


@needs("libtorrent")
def test_libtorrent_maps_its_two_ports(lab, gateway, igd, keep):
    program = keep(Output(lab.a, PYTHON, "-B", "-c", LIBTORRENT))

    def both():
        return {m["protocol"] for m in gateway.mappings()
                if m["internal_port"] == 6881} == {"TCP", "UDP"}
    wait_for(both, 20, "both mappings")
    wait_for(lambda: program.text.count("portmap_alert") >= 2, 20, "its own word for it")
    assert "error" not in program.text


# ---- Transmission ----

@pytest.mark.skipif(not shutil.which("transmission-daemon"),
                    reason="transmission-daemon is not installed")
def test_transmission_maps_its_port_and_takes_it_away(lab, gateway, igd, keep):
    home = os.path.join(lab.tmp, "transmission")
    os.makedirs(home, exist_ok=True)
    program = keep(Output(
        lab.a, "transmission-daemon", "--foreground", "--config-dir", home, "--download-dir", home,
        "--portmap", "--peerport", "51413", "--no-dht", "--no-lpd", "--no-utp", "--port", "9091"))
    wait_for(lambda: any(m["external_port"] == 51413 for m in gateway.mappings()), 30,
             "the mapping; said: " + program.text)
    program.proc.terminate()
    wait_for(lambda: not gateway.mappings(), 15 * PATIENCE, "an empty table")
