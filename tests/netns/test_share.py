# SPDX-License-Identifier: GPL-2.0-or-later
"""
Sharing the connection: a gateway whose LAN has nothing yet, and hosts that ask for all they need.
dnsmasq, udhcpc and the packets are real.
"""
import os
import signal
import socket
import subprocess

import pytest

from dhcp import Client, resolve, wait_resolve
from lab import STAGE, WAN_HOST, Lab, gone, wait_for
from traffic import TcpEcho, tcp_ask, wait_ask

GW = "192.168.137.1"
MAC_A = "02:00:00:00:00:0a"
NETWORK6 = "2001:db8:5::/48"


@pytest.fixture
def lab():
    """As from the shop: no forwarding, no address on the LAN, hosts without any."""
    with Lab(second_lan=False) as made:
        made.gw.sysctl("net.ipv4.ip_forward", 0)
        made.gw.ip("addr flush dev lan0", "link set lan0 down")
        for ns in (made.a, made.b):
            ns.ip("addr flush dev eth0 scope global", "link set eth0 down")
        made.a.ip("link set eth0 address " + MAC_A)
        for ns in (made.a, made.b):
            ns.ip("link set eth0 up")
        yield made


def start(lab, *args, lans=("lan0",), wait=True):
    """Only what is told by hand: the hosts have no address to ask from, so nobody waits for HTTP."""
    daemon = lab.daemon("-o", "share=yes", *args, lans=list(lans))
    daemon.start(wait=False)
    if wait:
        daemon.wait_log("LAN lan0 is served", 10)
    return daemon


def sysctl(ns, key):
    with ns:
        with open("/proc/sys/" + key.replace(".", "/"), encoding="ascii") as f:
            return f.read().strip()


def addresses(ns, ifname, family="-4"):
    return ns.run("ip", family, "-o", "addr", "show", "dev", ifname).stdout


def dnsmasq(daemon):
    found = daemon.processes().get("dnsmasq")
    return found[0] if found else None


def wait_dnsmasq(daemon, other=None):
    return wait_for(lambda: dnsmasq(daemon) not in (None, other) and dnsmasq(daemon), 15,
                    "dnsmasq running")


def dhcp_state(daemon):
    """What the status says of DHCP on lan0; None while there is no core."""
    try:
        return daemon.status()["lans"][0]["dhcp"]
    except (OSError, IndexError):
        return None


def gateway_name():
    return os.uname().nodename.split(".")[0].lower()


# ---- IPv4 ----

def test_a_host_gets_all_that_it_needs(lab, keep):
    daemon = start(lab)
    keep(TcpEcho(lab.wan, 7000))
    client = keep(Client(lab, lab.a, "laptop"))
    lease = client.wait(15)
    assert lease["ip"].startswith("192.168.137.")
    assert lease["router"] == GW
    assert lease["dns"] == GW
    assert lease["domain"] == "lan"
    assert lease["lease"] == "43200"
    assert wait_ask("TCP", lab.a, WAN_HOST, 7000, "wan", 5)[1] == "203.0.113.1"
    for name in (gateway_name(), gateway_name() + ".lan"):
        assert wait_resolve(lab.a, GW, name) == [GW]
    # its neighbour, by the name that it has told
    keep(Client(lab, lab.b)).wait(15)
    assert wait_resolve(lab.b, GW, "laptop.lan") == [lease["ip"]]
    assert daemon.stop() == 0


def test_reservations_and_keys_are_obeyed(lab, keep):
    start(lab, "-o", "dhcp=yes", "-o", "domain=home.arpa", "-o", "dhcp_lease_s=600",
          "-o", "dhcp_range=192.168.137.50-192.168.137.60",
          "-o", "reservation.printer.mac=" + MAC_A,
          "-o", "reservation.printer.address=192.168.137.20")
    assert keep(Client(lab, lab.a)).wait(15)["ip"] == "192.168.137.20"
    other = keep(Client(lab, lab.b)).wait(15)
    assert 50 <= int(other["ip"].rsplit(".", 1)[1]) <= 60
    assert other["domain"] == "home.arpa"
    assert other["lease"] == "600"
    for name in ("printer", "printer.home.arpa"):
        assert wait_resolve(lab.b, GW, name) == ["192.168.137.20"]


def test_a_reserved_name_is_there_before_its_host(lab, keep):
    start(lab, "-o", "dhcp=yes", "-o", "reservation.printer.mac=" + MAC_A,
          "-o", "reservation.printer.address=192.168.137.20")
    keep(Client(lab, lab.b)).wait(15)
    assert wait_resolve(lab.b, GW, "printer") == ["192.168.137.20"]


def test_names_of_others_are_asked_of_the_configured_server(lab, keep):
    server = lab.wan.popen("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-hosts",
                           "--no-resolv", "--host-record=www.example,198.51.100.7", "--pid-file=",
                           "--user=root", "--interface=eth0", "--bind-interfaces",
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        start(lab, "-o", "dhcp=yes", "-o", "dns=" + WAN_HOST)
        keep(Client(lab, lab.a)).wait(15)
        assert wait_resolve(lab.a, GW, "www.example") == ["198.51.100.7"]
    finally:
        server.terminate()
        server.wait()


def test_it_listens_on_the_lan_only(lab, keep):
    daemon = start(lab, "-o", "dhcp=yes")
    wait_dnsmasq(daemon)
    keep(Client(lab, lab.a)).wait(15)
    listening = lab.gw.run("ss", "-Hlntu", "sport", "=", ":53").stdout
    assert GW + ":53" in listening
    assert "127.0.0.1" not in listening and "203.0.113.1" not in listening, listening
    assert resolve(lab.wan, "203.0.113.1", gateway_name(), timeout=0.5) is None
    assert resolve(lab.wan, GW, gateway_name(), timeout=0.5) is None


def test_it_runs_without_rights_it_does_not_need(lab):
    daemon = start(lab, "-o", "dhcp=yes")
    with open("/proc/%d/status" % wait_dnsmasq(daemon), encoding="utf-8") as f:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
    assert "0" not in status["Uid"].split()
    assert status["NoNewPrivs"] == "1"
    net_bind_service, net_admin, net_raw = 1 << 10, 1 << 12, 1 << 13
    for which in ("CapPrm", "CapEff", "CapBnd"):
        assert not int(status[which], 16) & ~(net_bind_service | net_admin | net_raw), which


def test_leases_are_kept_in_the_state_directory(lab, keep):
    daemon = start(lab, "-o", "dhcp=yes")
    lease = keep(Client(lab, lab.a, "laptop")).wait(15)
    path = os.path.join(daemon.state_dir, "dhcp.leases")

    def told():
        with open(path, encoding="utf-8") as f:
            return [line.split()[1:4] for line in f if MAC_A in line]
    assert wait_for(told, 5, "the lease in the file") == [[MAC_A, lease["ip"], "laptop"]]
    daemon.restart(wait=False)
    wait_dnsmasq(daemon)
    assert told() == [[MAC_A, lease["ip"], "laptop"]]


# ---- supervision ----

def test_it_comes_back_when_it_dies(lab, keep):
    daemon = start(lab)
    keep(Client(lab, lab.a)).wait(15)
    first = wait_dnsmasq(daemon)
    os.kill(first, signal.SIGKILL)
    wait_dnsmasq(daemon, other=first)
    assert wait_resolve(lab.a, GW, gateway_name(), seconds=2) == [GW]
    assert daemon.alive()


def test_a_new_core_leaves_it_running(lab, keep):
    daemon = start(lab)
    keep(Client(lab, lab.a)).wait(15)
    running, core = wait_dnsmasq(daemon), daemon.core_pid()
    os.kill(core, signal.SIGKILL)
    wait_for(lambda: daemon.processes().get("portreeve-core", [core]) != [core], 5, "a new core")
    wait_for(lambda: dhcp_state(daemon) == "served", 5, "DHCP known to the new core")
    assert dnsmasq(daemon) == running


def test_it_ends_with_the_daemon_however_that_ends(lab):
    daemon = start(lab, "-o", "dhcp=yes")
    running = wait_dnsmasq(daemon)
    assert daemon.stop() == 0
    assert gone(running)
    daemon.start(wait=False)
    running = wait_dnsmasq(daemon)
    os.kill(daemon.pid, signal.SIGKILL)
    daemon.proc.wait()
    wait_for(lambda: gone(running), 5, "dnsmasq ending with its supervisor")


def test_another_address_is_another_configuration(lab, keep):
    daemon = start(lab, "-o", "dhcp=yes")
    wait_dnsmasq(daemon)
    lab.gw.ip("addr add 192.168.7.1/24 dev lan0")
    wait_for(lambda: GW not in addresses(lab.gw, "lan0"), 5, "our address gone beside another")
    lease = keep(Client(lab, lab.a)).wait(15)
    assert lease["ip"].startswith("192.168.7.") and lease["router"] == "192.168.7.1"


def test_a_lan_that_comes_late(lab, keep):
    lab.unplug("lan0")
    daemon = start(lab, "-o", "dhcp=yes", wait=False)
    daemon.wait_log("LAN lan0 is not served", 10)
    lab.cable(lab.gw, "lan0", "br0")
    lease = keep(Client(lab, lab.a)).wait(15)
    assert lease["router"] == GW
    lab.unplug("lan0")
    wait_for(lambda: dnsmasq(daemon) is None, 5, "dnsmasq ending with its LAN")
    lab.cable(lab.gw, "lan0", "br0")
    wait_for(lambda: GW in addresses(lab.gw, "lan0"), 5, "the address again")
    assert wait_resolve(lab.a, GW, gateway_name(), seconds=10) == [GW]


def test_without_dnsmasq_the_rest_works(lab, keep):
    """An empty file over the program, in a mount namespace of the daemon's own."""
    daemon = lab.daemon("-o", "share=yes", lans=["lan0"], wrap=[
        "unshare", "-m", "sh", "-c", "mount --bind /dev/null /usr/sbin/dnsmasq && exec \"$@\"",
        "sh"])
    daemon.start(wait=False)
    daemon.wait_log("dnsmasq is not installed", 10)
    keep(TcpEcho(lab.wan, 7000))
    lab.a.ip("addr add 192.168.137.9/24 dev eth0", "route add default via " + GW)
    assert wait_ask("TCP", lab.a, WAN_HOST, 7000, "wan", 5)
    wait_for(lambda: dhcp_state(daemon) == "failed", 5, "the status")
    assert daemon.alive()


# ---- what was changed is put back ----

def snapshot(lab):
    return (sysctl(lab.gw, "net.ipv4.ip_forward"), sysctl(lab.gw, "net.ipv6.conf.all.forwarding"),
            sysctl(lab.gw, "net.ipv6.conf.wan0.accept_ra"),
            "inet" in addresses(lab.gw, "lan0"), "2001:db8" in addresses(lab.gw, "lan0", "-6"),
            "UP" in lab.gw.run("ip", "-o", "link", "show", "dev", "lan0").stdout.split(">")[0])


def wait_changed(lab):
    wait_for(lambda: snapshot(lab) == ("1", "1", "2", True, True, True), 10, "all settings made")


def test_settings_are_put_back_at_the_end(lab):
    before = snapshot(lab)
    daemon = start(lab, "-o", "lan_prefix6=" + NETWORK6)
    wait_changed(lab)
    assert daemon.stop() == 0
    assert snapshot(lab) == before


def test_settings_are_put_back_after_a_kill_and_a_later_end(lab):
    before = snapshot(lab)
    daemon = start(lab, "-o", "lan_prefix6=" + NETWORK6)
    wait_changed(lab)
    daemon.kill_all()
    assert snapshot(lab) == ("1", "1", "2", True, True, True)
    daemon.start(wait=False)
    wait_for(lambda: daemon.log().count("LAN lan0 is served") == 2, 10, "serving again")
    assert daemon.stop() == 0
    assert snapshot(lab) == before


def test_what_others_changed_meanwhile_stays(lab):
    daemon = start(lab, "-o", "dhcp=no")
    lab.gw.ip("addr del %s/24 dev lan0" % GW, "addr add 192.168.9.1/24 dev lan0")
    wait_for(lambda: "192.168.9.1" in daemon.log(), 5, "the other address served")
    assert daemon.stop() == 0
    assert "192.168.9.1" in addresses(lab.gw, "lan0")


def test_what_was_so_before_stays(lab):
    lab.gw.sysctl("net.ipv4.ip_forward", 1)
    lab.gw.ip("addr add 192.168.9.1/24 dev lan0", "link set lan0 up")
    daemon = start(lab, "-o", "dhcp=no")
    assert GW not in addresses(lab.gw, "lan0")
    assert daemon.stop() == 0
    assert sysctl(lab.gw, "net.ipv4.ip_forward") == "1"
    assert "192.168.9.1" in addresses(lab.gw, "lan0")


def test_sharing_that_is_turned_off_is_undone_by_a_reload(lab):
    path = os.path.join(lab.tmp, "share.conf")
    with open(path, "w", encoding="utf-8") as f:
        f.write("share = yes\ndhcp = yes\n")
    daemon = lab.daemon("-c", path, lans=["lan0"])
    daemon.start(wait=False)
    wait_dnsmasq(daemon)
    with open(path, "w", encoding="utf-8") as f:
        f.write("share = no\n")
    daemon.cli("reload")
    wait_for(lambda: dnsmasq(daemon) is None, 5, "dnsmasq stopped")
    wait_for(lambda: GW not in addresses(lab.gw, "lan0"), 5, "the address gone")
    assert sysctl(lab.gw, "net.ipv4.ip_forward") == "0"


def test_the_network_of_the_wan_is_not_used_for_a_lan(lab):
    """Behind another gateway that shares: it uses the same network."""
    lab.gw.ip("addr add 192.168.137.77/24 dev wan0")
    start(lab, "-o", "dhcp=no")
    assert "192.168.138.1/24" in addresses(lab.gw, "lan0")


# ---- IPv6 ----

def test_ipv6_by_router_advertisements(lab, keep):
    lab.wan.ip("addr add 2001:db8::2/64 dev eth0",
               "route add %s via 2001:db8::1" % NETWORK6)
    lab.gw.ip("addr add 2001:db8::1/64 dev wan0")
    start(lab, "-o", "lan_prefix6=" + NETWORK6, "-o", "dhcp=yes")
    own = wait_for(lambda: [word for word in addresses(lab.a, "eth0", "-6").split()
                            if word.startswith("2001:db8:5:")], 10, "an address by SLAAC")[0]
    assert own.endswith("/64")
    server = keep(lab.wan.socket(socket.AF_INET6))
    server.bind(("2001:db8::2", 7000))
    server.listen()

    def connects():
        with lab.a.socket(socket.AF_INET6) as sock:
            sock.settimeout(0.5)
            return sock.connect_ex(("2001:db8::2", 7000)) == 0
    wait_for(connects, 10, "the WAN host by IPv6")
    assert server.accept()[1][0].startswith("2001:db8:5:"), "its own address, untranslated"
    assert wait_resolve(lab.a, "2001:db8:5::1", gateway_name(), 28)


def test_the_wan_goes_on_listening_to_its_router(lab):
    """A router that forwards takes no advertisements, unless it is told to."""
    router = lab.wan.popen(
        "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--pid-file=",
        "--user=root", "--interface=eth0", "--enable-ra", "--leasefile-ro",
        "--dhcp-range=2001:db8::,ra-only,64", "--ra-param=eth0,4",
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        lab.wan.ip("addr add 2001:db8::2/64 dev eth0")

        def learned():
            return "2001:db8::" in addresses(lab.gw, "wan0", "-6") and \
                "default" in lab.gw.run("ip", "-6", "route", "show", "proto", "ra").stdout
        wait_for(learned, 20, "an address and a route by the WAN's router")
        start(lab, "-o", "dhcp=no", "-o", "lan_prefix6=" + NETWORK6)
        wait_for(lambda: sysctl(lab.gw, "net.ipv6.conf.all.forwarding") == "1", 5, "forwarding")
        assert learned()
        lab.gw.run("ip", "-6", "route", "del", "default", "dev", "wan0")
        wait_for(learned, 20, "the route again by the next advertisement")
    finally:
        router.terminate()
        router.wait()


def test_a_delegated_prefix_is_advertised(lab):
    """Somebody else, such as a DHCPv6 client, has put it on the LAN."""
    lab.gw.ip("link set lan0 up", "addr add 2001:db8:77:1::1/64 dev lan0")
    daemon = start(lab, "-o", "lan_prefix6=auto", "-o", "dhcp=yes")
    wait_for(lambda: "2001:db8:77:1:" in addresses(lab.a, "eth0", "-6"), 10, "an address by SLAAC")
    assert daemon.stop() == 0
    assert "2001:db8:77:1::1" in addresses(lab.gw, "lan0", "-6")


# ---- others were here before ----

@pytest.fixture
def foreign_server(lab):
    """Another DHCP server on the LAN, on host b."""
    lab.b.ip("addr add 192.168.44.1/24 dev eth0")
    server = lab.b.popen("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0",
                         "--pid-file=", "--user=root", "--interface=eth0", "--bind-interfaces",
                         "--dhcp-range=192.168.44.10,192.168.44.20", "--leasefile-ro",
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    yield server
    server.terminate()
    server.wait()


def test_another_dhcp_server_is_left_alone(lab, keep, foreign_server):
    daemon = start(lab)
    daemon.wait_log("lan0: 192.168.44.1 serves DHCP there", 15)
    wait_for(lambda: dhcp_state(daemon) == "other", 5, "the status")
    assert dnsmasq(daemon) is None
    assert keep(Client(lab, lab.a)).wait(15)["ip"].startswith("192.168.44.")
    assert sysctl(lab.gw, "net.ipv4.ip_forward") == "1"


def test_who_wants_it_nevertheless_says_so(lab, foreign_server):
    daemon = start(lab, "-o", "dhcp=yes")
    wait_dnsmasq(daemon)


def test_another_server_on_the_gateway_is_left_alone(lab):
    sock = lab.gw.socket(kind=2)
    with sock:
        sock.bind(("0.0.0.0", 67))
        daemon = start(lab)
        daemon.wait_log("lan0: another program of this machine serves DHCP there", 10)
        assert dnsmasq(daemon) is None


def test_looking_changes_nothing_where_dhcp_is_not_wanted(lab):
    daemon = start(lab, "-o", "dhcp=no")
    assert dhcp_state(daemon) == "off"
    assert dnsmasq(daemon) is None
    assert not os.path.exists(os.path.join(daemon.run_dir, "dnsmasq.conf"))


# ---- another ruleset translates ----

MASQUERADE = ("add table ip home; add chain ip home post { type nat hook postrouting priority 100; }; "
              "add rule ip home post oifname wan0 masquerade")


def ours(lab):
    return "shares the WAN address" in lab.gw.nft("list chain inet portreeve outward")


def test_another_translation_is_left_alone(lab, keep):
    lab.gw.nft(MASQUERADE)
    daemon = start(lab, "-o", "dhcp=no")
    daemon.wait_log("table ip home, chain post, translates for the LANs already, so we do not")
    assert not ours(lab)
    assert daemon.status()["lans"][0]["nat"] == "others"
    keep(TcpEcho(lab.wan, 7000))
    lab.a.ip("addr add 192.168.137.9/24 dev eth0", "route add default via " + GW)
    assert wait_ask("TCP", lab.a, WAN_HOST, 7000, "wan", 5)[1] == "203.0.113.1"
    lab.gw.nft("delete table ip home")
    daemon.cli("reload")
    wait_for(lambda: ours(lab), 2, "our translation once the other is gone")
    assert daemon.status()["lans"][0]["nat"] == "ours"
    assert wait_ask("TCP", lab.a, WAN_HOST, 7000, "wan", 5)[1] == "203.0.113.1"


def test_iptables_counts_as_well(lab):
    lab.gw.run("iptables-nft", "-t", "nat", "-A", "POSTROUTING", "-o", "wan0", "-j", "MASQUERADE")
    daemon = start(lab, "-o", "dhcp=no")
    daemon.wait_log("chain POSTROUTING, translates for the LANs already")
    assert not ours(lab)


def test_a_translation_for_others_does_not_matter(lab):
    """One for another interface, and one for some hosts only."""
    lab.gw.nft(MASQUERADE.replace("wan0 masquerade", "tun0 masquerade"))
    lab.gw.nft("add rule ip home post oifname wan0 ip saddr 10.8.0.0/24 masquerade")
    daemon = start(lab, "-o", "dhcp=no")
    assert ours(lab)
    assert daemon.status()["lans"][0]["nat"] == "ours"


def test_a_network_that_was_merely_found_gets_no_server(lab):
    lab.gw.ip("addr add 192.168.9.1/24 dev lan0", "link set lan0 up")
    daemon = start(lab, lans=())
    assert dhcp_state(daemon) == "off"
    assert dnsmasq(daemon) is None
    assert daemon.stop() == 0
    daemon = start(lab, "-o", "dhcp=yes", lans=())
    wait_dnsmasq(daemon)


def test_a_reload_brings_reservations(lab, keep):
    path = os.path.join(lab.tmp, "reserve.conf")

    def write(more):
        with open(path, "w", encoding="utf-8") as f:
            f.write("share = yes\ndhcp = yes\n" + more)
    write("")
    daemon = lab.daemon("-c", path, "-o", "lan=lan0", lans=[])
    daemon.start(wait=False)
    first = wait_dnsmasq(daemon)
    daemon.cli("reload")
    assert dnsmasq(daemon) == first, "nothing has changed"
    write('reservation "printer" {\n\tmac = "%s"\n\taddress = "192.168.137.20"\n}\n' % MAC_A)
    daemon.cli("reload")
    wait_dnsmasq(daemon, other=first)
    assert keep(Client(lab, lab.a)).wait(15)["ip"] == "192.168.137.20"
    assert wait_resolve(lab.a, GW, "printer") == ["192.168.137.20"]


# ---- portreeve share ----

EXAMPLE = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))),
                       "init", "portreeve.conf")


def share(lab, path, *words, run_dir="/nonexistent", wrap=()):
    return lab.gw.run(*wrap, os.path.join(STAGE, "bin", "portreeve"), "share", "--run-dir", run_dir,
                      "--config", path, *(words or ("wan0", "lan0")), check=False)


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def test_share_writes_what_a_daemon_then_does(lab, keep):
    path = os.path.join(lab.tmp, "new.conf")
    done = share(lab, path)
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[0] == "%s now says sharing wan0 with lan0." % path
    assert done.stdout.splitlines()[1].startswith("portreeved does not run: start it")
    assert len(done.stdout.splitlines()) == 2
    assert os.stat(path).st_mode & 0o777 == 0o644
    daemon = keep(lab.daemon("-c", path, wan=None, lans=[]))
    daemon.start(wait=False)
    assert keep(Client(lab, lab.a)).wait(15)["router"] == GW


def test_share_says_which_interface_is_not_there(lab, tmp_path):
    done = share(lab, tmp_path / "new.conf", "wam0", "lan0")
    assert done.stdout.splitlines()[-1] == \
        "There is no interface wam0 at present: portreeved waits for it."


def test_share_keeps_what_else_is_in_the_file(lab):
    path = os.path.join(lab.tmp, "own.conf")
    text = read(EXAMPLE) + '\n# mine\nlan = {"lan9"} // here\nmin_port = 2000\n'
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(path, 0o640)
    assert share(lab, path).returncode == 0
    after = read(path)
    assert '\n# mine\nlan = {"lan9", "lan0"} // here\nmin_port = 2000\n' in after
    assert '\n#share = no\nshare = yes\n' in after and '\nwan = "wan0"\n' in after
    left = [line for line in after.splitlines() if not line.startswith(("wan =", "share =", "lan ="))]
    assert left == [line for line in text.splitlines() if not line.startswith("lan =")]
    assert os.stat(path).st_mode & 0o777 == 0o640
    done = share(lab, path)
    assert done.returncode == 0 and "says already" in done.stdout
    assert read(path) == after
    assert not os.path.exists(path + ".new")


def test_share_lets_a_daemon_that_runs_begin(lab, keep):
    path = os.path.join(lab.tmp, "live.conf")
    with open(path, "w", encoding="utf-8") as f:
        f.write("# nothing yet\n")
    daemon = keep(lab.daemon("-c", path, wan=None, lans=[]))
    daemon.start(wait=False)
    wait_for(daemon.status_if_up, 5, "the daemon")
    done = share(lab, path, run_dir=daemon.run_dir)
    assert done.returncode == 0 and "portreeved shares the connection" in done.stdout, done.stdout
    assert keep(Client(lab, lab.a)).wait(15)["router"] == GW


def test_share_tells_of_others(lab, keep, foreign_server):
    path = os.path.join(lab.tmp, "others.conf")
    lab.gw.ip("link set lan0 up")
    done = share(lab, path)
    assert done.returncode == 0
    assert "lan0: 192.168.44.1 serves DHCP there" in done.stdout
    assert "portreeved will leave that to it" in done.stdout
    lab.gw.nft(MASQUERADE)
    daemon = keep(lab.daemon("-c", path, wan=None, lans=[]))
    daemon.start(wait=False)
    wait_for(lambda: dhcp_state(daemon) == "other", 15, "the other server found")
    done = share(lab, path, run_dir=daemon.run_dir)
    assert "Another ruleset translates for the LAN already" in done.stdout


@pytest.mark.parametrize("words", [("wan0", "wan0"), ("wan0", "a/b"), ("wan0", "n" * 16),
                                   ("wan0", 'a"b'), ("wan0",)], ids=str)
def test_share_refuses_what_cannot_be(lab, words):
    path = os.path.join(lab.tmp, "never.conf")
    done = share(lab, path, *words)
    assert done.returncode == 2 and done.stdout.strip()
    assert not os.path.exists(path)


def test_share_leaves_a_faulty_file_alone(lab):
    path = os.path.join(lab.tmp, "faulty.conf")
    with open(path, "w", encoding="utf-8") as f:
        f.write("min_port = many\n")
    done = share(lab, path)
    assert done.returncode == 1 and path + ":1: min_port" in done.stdout
    assert read(path) == "min_port = many\n"


def test_share_says_when_there_is_no_room_for_another_lan(lab):
    path = os.path.join(lab.tmp, "full.conf")
    text = "lan = {%s}\n" % ", ".join("lan%d" % n for n in range(1, 17))
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    done = share(lab, path)
    assert done.returncode == 1 and "as many LANs as it can" in done.stdout
    assert read(path) == text
    assert share(lab, path, "wan0", "lan7").returncode == 0


def test_share_is_for_root(lab):
    path = os.path.join(lab.tmp, "root.conf")
    done = share(lab, path, wrap=["setpriv", "--reuid", "nobody", "--clear-groups"])
    assert done.returncode == 1 and "only root" in done.stdout
    assert not os.path.exists(path)


# ---- without rights over the system ----

def test_in_a_user_namespace_the_rest_works(lab):
    """What cannot be had there is logged; nothing is fatal."""
    inside = ("ip link set lo up; ip link add wan0 type veth peer name w; "
              "ip link add lan0 type veth peer name l; ip link set l up; ip link set w up; "
              "ip addr add 203.0.113.1/24 dev wan0; ip link set wan0 up; exec \"$@\"")
    daemon = lab.daemon("-o", "share=yes", "-o", "dhcp=yes", lans=["lan0"],
                        wrap=["unshare", "-Urn", "sh", "-c", inside, "sh"])
    daemon.start(wait=False)
    daemon.wait_log("LAN lan0 is served at 192.168.137.1/24", 10)
    wait_dnsmasq(daemon)
    daemon.wait_log("DHCP, IP range", 5)
    assert daemon.stop() == 0
