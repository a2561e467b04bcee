# SPDX-License-Identifier: GPL-2.0-or-later
"""portreeve doctor: each thing broken in turn turns its line, with a remedy, and then ok again."""
import contextlib
import json
import os
import shutil
import signal
import socket
import threading
import time

import pytest

from lab import HOST_A, HOST_B, LAN0_GW, Output, STAGE, WAN_GW, WAN_HOST, wait_for
from traffic import TcpEcho, tcp_ask, wait_ask

OPTIONS = ["-o", "external_address=" + WAN_GW]  # the lab's own is one for documentation

# What only the CLI as root can ask of the LANs.
ACTIVE = {"search", "other-igd", "other-dhcp"}


def passive(gateway):
    """The core's checks alone, which take no time: {id: [check, ...]}."""
    return by_id(gateway.control("doctor")["checks"])


def by_id(checks):
    found = {}
    for check in checks:
        found.setdefault(check["id"], []).append(check)
    return found


def active(gateway):
    done = gateway.cli("doctor", "--json", check=False)
    return by_id(json.loads(done.stdout)["checks"]), done.returncode


def worst(checks, name):
    order = ["ok", "skip", "warn", "fail"]
    return max(checks[name], key=lambda check: order.index(check["result"]))


def wait_result(gateway, name, result, *words):
    """Waits until the worst line of that check is @result, with the words in its reason."""
    def check():
        line = worst(passive(gateway), name)
        return line if line["result"] == result and all(w in line["reason"] for w in words) \
            else None
    line = wait_for(check, 5, "%s being %s with %s; it is %r" % (
        name, result, words, worst(passive(gateway), name)))
    assert (line["remedy"] is not None) == (result in ("warn", "fail"))
    return line


def another(lab, ns, *args, lan="eth0"):
    """A second gateway, in the namespace of a host; without its core there is nothing to ask."""
    daemon = lab.daemon(*args, ns=ns, wan="wan9", lans=[lan])
    daemon.start(wait=False)

    def up():
        status = daemon.status_if_up()
        if not status:
            return False
        return "http_port=5600" in args or any(l["worker_pid"] for l in status["lans"])
    wait_for(up, 5, "the other gateway")
    return daemon


@pytest.fixture(autouse=True)
def well_before_and_after(gateway):
    """Nothing that one test broke is left to the next."""
    def all_ok():
        return all(c["result"] == "ok" for lines in passive(gateway).values() for c in lines)
    gateway.clear()
    wait_for(all_ok, 5, "all being ok before the test")
    yield
    gateway.clear()
    wait_for(all_ok, 5, "all being ok after the test: %r" % [
        c for lines in passive(gateway).values() for c in lines if c["result"] != "ok"])


@pytest.fixture
def sysctl(lab):
    """sysctl(key, value) until the end of the test."""
    with contextlib.ExitStack() as undo:
        def change(key, value):
            path = "/proc/sys/" + key.replace(".", "/")
            with lab.gw, open(path, encoding="ascii") as f:
                undo.callback(lab.gw.sysctl, key, f.read().strip())
            lab.gw.sysctl(key, value)
        yield change


@pytest.fixture
def ruleset(lab):
    """ruleset(text) loads others' tables, which go at the end of the test."""
    tables = []

    def load(text):
        path = os.path.join(lab.tmp, "foreign.nft")
        with open(path, "w", encoding="ascii") as f:
            f.write(text)
        lab.gw.nft("-f", path)
        tables.extend(line.split(" {")[0] for line in text.splitlines()
                      if line.startswith("table "))
    yield load
    for table in tables:
        lab.gw.nft("delete", *table.split(), check=False)


@pytest.fixture
def mapped(lab, gateway, keep):
    keep(TcpEcho(lab.a, 7000))
    gateway.cli("add", "tcp", "5000", HOST_A + ":7000")
    wait_ask("TCP", lab.wan, WAN_GW, 5000, "a")


# ---- all is well


def test_a_healthy_gateway_ends_with_0(lab, gateway):
    begun = time.monotonic()
    done = gateway.cli("doctor", check=False)
    assert done.returncode == 0, done.stdout
    assert time.monotonic() - begun < 8
    lines = [line for line in done.stdout.splitlines() if not line.startswith(" ")]
    assert len(lines) >= 20 and all(line.startswith("ok ") for line in lines), done.stdout
    assert all(len(line) <= 100 for line in done.stdout.splitlines())


def test_json_has_each_check(lab, gateway):
    checks, status = active(gateway)
    assert status == 0
    assert ACTIVE < set(checks)
    for lines in checks.values():
        for check in lines:
            assert set(check) == {"id", "result", "reason", "remedy"}
            assert check["result"] == "ok" and check["reason"] and check["remedy"] is None


def test_the_core_answers_in_some_milliseconds(lab, gateway, ruleset):
    ruleset("table inet many {\nchain c {\ntype filter hook forward priority 0;\n%s}\n}\n" % (
        "ip saddr 198.51.100.7 tcp dport 80 drop\n" * 3000))
    took = []
    for _ in range(10):
        begun = time.monotonic()
        gateway.control("doctor")
        took.append(time.monotonic() - begun)
    assert min(took) < 0.1, took


# ---- the kernel's settings


def test_forwarding_off(lab, gateway, sysctl):
    sysctl("net.ipv4.ip_forward", 0)
    line = wait_result(gateway, "forwarding-ipv4", "fail", "forwards no IPv4")
    assert "net.ipv4.ip_forward=1" in line["remedy"]
    done = gateway.cli("doctor", check=False)
    assert done.returncode == 2
    assert "fail  forwarding-ipv4" in done.stdout and "-> sysctl -w" in done.stdout


def test_forwarding_off_for_one_interface(lab, gateway, sysctl):
    sysctl("net.ipv4.conf.lan1.forwarding", 0)
    wait_result(gateway, "forwarding-ipv4", "fail", "lan1")


def test_a_strict_reverse_path_with_an_asymmetric_route(lab, gateway, sysctl, mapped):
    sysctl("net.ipv4.conf.all.rp_filter", 1)
    wait_result(gateway, "reverse-path", "ok", "strict")
    lab.gw.ip("route replace default via 192.168.2.10 dev lan1")
    lab.wan.ip("addr add 198.51.100.1/32 dev lo")
    try:
        line = wait_result(gateway, "reverse-path", "fail", "strict", "lan1")
        assert "net.ipv4.conf.wan0.rp_filter=2" in line["remedy"]
        wait_result(gateway, "default-route", "warn", "lan1")
    finally:
        lab.wan.ip("addr del 198.51.100.1/32 dev lo")
        lab.gw.ip("route replace default via " + WAN_HOST)


def test_no_default_route(lab, gateway):
    lab.gw.ip("route del default")
    try:
        line = wait_result(gateway, "default-route", "fail", "no IPv4 default route")
        assert "ip route add default" in line["remedy"]
    finally:
        lab.gw.ip("route replace default via " + WAN_HOST)


def test_the_wan_down(lab, gateway):
    lab.gw.ip("link set wan0 down")
    try:
        wait_result(gateway, "wan", "fail", "wan0")
    finally:
        lab.gw.ip("link set wan0 up", "route replace default via " + WAN_HOST)


@pytest.mark.parametrize("address, kind", [
    ("192.0.2.77", "documentation"), ("10.7.7.7", "private"), ("100.64.7.7", "100.64.0.0/10")])
def test_the_kind_of_the_wan_address(lab, keep, address, kind):
    """Another gateway, in the namespace of a host: one without external_address."""
    lab.b.ip("link add wan9 type veth peer name far9", "addr add %s/24 dev wan9" % address,
             "link set wan9 up", "link set far9 up")
    try:
        daemon = keep(another(lab, lab.b))
        line = wait_result(daemon, "wan-address", "warn", address, kind)
        assert line["remedy"]
    finally:
        lab.b.ip("link del wan9")


# ---- packet filters


DROPPING = {
    "policy": ("table inet fire {\nchain through {\n"
               "type filter hook forward priority 0; policy drop;\n"
               "ct state established,related accept\niifname lan0 accept\niifname lan1 accept\n"
               "}\n}\n", ("table inet fire", "chain through", "its policy")),
    "rule": ("table ip fire {\nchain through {\ntype filter hook forward priority 10;\n"
             "iifname wan0 ct state new counter drop\n}\n}\n",
             ("table ip fire", "chain through", "priority 10", "rule handle")),
    "jump": ("table inet fire {\nchain last {\nreject\n}\nchain zones {\n"
             "iifname vmap { wan0 : goto last, lan0 : accept }\n}\nchain through {\n"
             "type filter hook forward priority 5;\nct state established,related accept\n"
             "jump zones\n}\n}\n",
             ("chain last", "reached from through", "rule handle")),
    "early": ("table inet fire {\nchain early {\ntype filter hook prerouting priority -150;\n"
              "iifname wan0 tcp dport 1024-65535 ct state new drop\n}\n}\n",
              ("chain early", "hook prerouting")),
}


@pytest.mark.parametrize("how", list(DROPPING))
def test_another_table_drops_what_is_mapped(lab, gateway, ruleset, mapped, how):
    text, words = DROPPING[how]
    ruleset(text)
    assert tcp_ask(lab.wan, WAN_GW, 5000, timeout=0.3) is None
    line = wait_result(gateway, "foreign-rules", "fail", *words)
    if "rule handle" in words:
        handle = line["reason"].split("rule handle ")[1].split()[0]
        assert "# handle %s\n" % handle in lab.gw.nft("-a", "list", "ruleset")
    _, status = active(gateway)
    assert status == 2


def test_the_remedy_helps(lab, gateway, ruleset, mapped):
    ruleset(DROPPING["jump"][0])
    line = wait_result(gateway, "foreign-rules", "fail")
    command = line["remedy"].split(";")[0].split()
    assert command[0] == "nft"
    lab.gw.nft(*command[1:])
    wait_ask("TCP", lab.wan, WAN_GW, 5000, "a")
    wait_result(gateway, "foreign-rules", "ok")


HARMLESS = """
table inet fire {
set bad {
type ipv4_addr; flags interval;
elements = { 198.51.100.0/24 }
}
chain through {
type filter hook forward priority 0; policy drop;
ct state vmap { established : accept, related : accept, invalid : drop }
ip saddr @bad drop
tcp flags & (fin|syn|rst|ack) != syn ct state new drop
iifname { lan0, lan1 } accept
tcp dport 25 drop
ct status dnat accept
}
chain in {
type filter hook input priority 0; policy drop;
iifname lo accept
ct state established,related accept
ip protocol icmp accept
iifname { lan0, lan1 } accept
}
}
"""


def test_a_firewall_that_lets_it_pass_is_not_reported(lab, gateway, ruleset, mapped):
    ruleset(HARMLESS)
    assert tcp_ask(lab.wan, WAN_GW, 5000)[0] == "a"
    line = wait_result(gateway, "foreign-rules", "ok", "tables: 1,")
    assert line["remedy"] is None


def test_a_rule_against_one_port_is_reported_once_it_is_mapped(lab, gateway, ruleset, keep):
    ruleset("table inet fire {\nchain through {\ntype filter hook forward priority 0;\n"
            "tcp dport 7001 drop\n}\n}\n")
    wait_result(gateway, "foreign-rules", "ok")
    keep(TcpEcho(lab.a, 7001))
    shown = gateway.cli_json("add", "tcp", "5001", HOST_A + ":7001")
    assert tcp_ask(lab.wan, WAN_GW, 5001, timeout=0.3) is None
    wait_result(gateway, "foreign-rules", "fail", "mapping %d" % shown["id"])


def test_searches_that_another_table_drops(lab, gateway, ruleset):
    ruleset("table inet fire {\nchain in {\ntype filter hook input priority 0; policy drop;\n"
            "iifname lo accept\nct state established,related accept\ntcp dport 22 accept\n}\n}\n")
    wait_result(gateway, "foreign-rules", "fail", "UPnP searches")
    reasons = [c["reason"] for c in passive(gateway)["foreign-rules"]]
    assert any("UPnP calls" in reason for reason in reasons), reasons
    checks, status = active(gateway)
    assert worst(checks, "search")["result"] == "fail"
    assert status == 2


def test_pinholes_that_another_table_closes(lab, keep):
    daemon = keep(another(lab, lab.c, "-o", "firewall=own"))
    wait_result(daemon, "foreign-rules", "ok")
    lab.c.nft("add table ip6 fire")
    try:
        lab.c.nft("add chain ip6 fire through { type filter hook forward priority 0; policy drop; }")
        line = wait_result(daemon, "foreign-rules", "fail", "table ip6 fire", "pinholes")
        lab.c.nft(*line["remedy"].split(";")[0].split()[1:])
        wait_result(daemon, "foreign-rules", "ok")
    finally:
        lab.c.nft("delete table ip6 fire")


def test_a_firewall_that_we_join(lab, keep):
    closed = "chain inet %s through { type filter hook forward priority 0; policy drop; }"
    lab.c.nft("add table inet fire; add " + closed % "fire")
    try:
        daemon = keep(another(lab, lab.c, "-o", "firewall=join", "-o",
                              "join_chain=inet fire through"))
        wait_result(daemon, "foreign-rules", "ok")
        lab.c.nft("add table inet second; add " + closed % "second")
        line = wait_result(daemon, "foreign-rules", "fail", "table inet second", "what is mapped")
        assert '"inet second through"' in line["remedy"] and "join_chain" in line["remedy"]
    finally:
        lab.c.nft("delete", "table", "inet", "fire", check=False)
        lab.c.nft("delete", "table", "inet", "second", check=False)


def test_iptables_that_drops(lab, gateway, mapped):
    if not shutil.which("iptables-nft"):
        pytest.skip("no iptables-nft")
    lab.gw.run("iptables-nft", "-P", "FORWARD", "DROP")
    try:
        assert tcp_ask(lab.wan, WAN_GW, 5000, timeout=0.3) is None
        line = wait_result(gateway, "foreign-rules", "fail", "table ip filter", "chain FORWARD",
                           "what is mapped")
        command = line["remedy"].split(";")[0].split()
        assert command[0] == "iptables"
        lab.gw.run("iptables-nft", *command[1:])
        wait_ask("TCP", lab.wan, WAN_GW, 5000, "a")
        reasons = [c["reason"] for c in passive(gateway)["foreign-rules"]]
        assert not any("what is mapped" in reason for reason in reasons), reasons
    finally:
        lab.gw.nft("delete", "table", "ip", "filter")


def test_a_port_forward_of_another_table_comes_first(lab, gateway, ruleset, keep, mapped):
    ruleset("table ip other {\nchain pre {\ntype nat hook prerouting priority -150;\n"
            "iifname wan0 tcp dport 5000 dnat to %s:7009\n}\n}\n" % HOST_B)
    wait_result(gateway, "nat-order", "fail", "table ip other", "mapping")


def test_another_table_masquerades_before_us(lab, gateway, ruleset):
    ruleset("table ip share {\nchain post {\ntype nat hook postrouting priority 50;\n"
            "oifname wan0 masquerade\n}\n}\n")
    wait_result(gateway, "nat-order", "warn", "table ip share", "keep their port")


def test_another_table_masquerades_after_us(lab, gateway, ruleset):
    ruleset("table ip share {\nchain post {\ntype nat hook postrouting priority 110;\n"
            "oifname wan0 masquerade\n}\n}\n")
    wait_result(gateway, "nat-order", "ok")
    wait_result(gateway, "sharing", "ok", "table ip share")


# ---- ports and processes


def test_a_program_on_a_mapped_port(lab, gateway, keep, mapped):
    server = TcpEcho(lab.gw, 5000)
    try:
        line = wait_result(gateway, "ports", "warn", "TCP port 5000")
        assert "portreeve delete" in line["remedy"]
    finally:
        server.close()


def test_the_port_of_upnp_taken(lab, keep):
    keep(TcpEcho(lab.c, 5600))
    daemon = keep(another(lab, lab.c, "-o", "http_port=5600"))
    line = wait_result(daemon, "ports", "fail", "5600", "eth0")
    assert "http_port" in line["remedy"]
    wait_result(daemon, "processes", "fail", "eth0")


def test_a_bridge_that_filters_multicast(lab, keep):
    lab.c.ip("link add brl type bridge mcast_snooping 1", "link add p0 type veth peer name p1",
             "link set p0 master brl", "link set p0 up", "link set p1 up",
             "addr add 192.168.9.1/24 dev brl", "link set brl up")
    try:
        daemon = keep(another(lab, lab.c, lan="brl"))
        line = wait_result(daemon, "multicast", "warn", "brl", "IGMP snooping")
        assert "mcast_querier 1" in line["remedy"]
        lab.c.ip("link set brl type bridge mcast_querier 1")
        wait_result(daemon, "multicast", "ok")
    finally:
        lab.c.ip("link del brl", "link del p0")


def test_the_state_directory_closed(lab, gateway):
    os.chmod(gateway.state_dir, 0o500)
    try:
        wait_result(gateway, "state", "fail", gateway.state_dir)
    finally:
        os.chmod(gateway.state_dir, 0o700)


def test_our_table_removed_and_restored(lab, keep):
    """It is back before anybody could ask; that it was gone is told."""
    daemon = keep(another(lab, lab.c, "-o", "table_owner=no"))
    lab.c.nft("delete table inet portreeve")
    wait_result(daemon, "kernel-table", "ok", "restored 1 times")


# ---- what answers on the LANs


def test_a_second_gateway_on_the_lan(lab, gateway, keep):
    other = keep(another(lab, lab.b))
    checks, status = active(gateway)
    line = worst(checks, "other-igd")
    assert line["result"] == "warn" and HOST_B in line["reason"] and "lan0" in line["reason"]
    assert worst(checks, "search")["result"] == "ok"
    assert status == 1
    assert other.stop() == 0
    checks, status = active(gateway)
    assert worst(checks, "other-igd")["result"] == "ok" and status == 0


def test_two_lans_on_one_wire_are_no_second_gateway(lab, gateway):
    lab.sw.ip("link set gw-lan1 master br0")
    try:
        checks, _ = active(gateway)
        assert worst(checks, "other-igd")["result"] == "ok"
        assert [c["result"] for c in checks["search"]] == ["ok", "ok"]
    finally:
        lab.sw.ip("link set gw-lan1 master br1")


@pytest.mark.parametrize("router, result", [(HOST_B, "warn"), (LAN0_GW, "ok")])
def test_another_dhcp_server_on_the_lan(lab, gateway, keep, router, result):
    if not shutil.which("dnsmasq"):
        pytest.skip("no dnsmasq")
    server = keep(Output(lab.b, "dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--port=0",
                         "--interface=eth0", "--bind-interfaces", "--user=root", "--log-dhcp",
                         "--dhcp-range=192.168.1.100,192.168.1.120,2m",
                         "--dhcp-option=3," + router,
                         "--dhcp-leasefile=" + os.path.join(lab.tmp, "leases")))
    server.wait("DHCP, IP range")
    checks, _ = active(gateway)
    line = worst(checks, "other-dhcp")
    assert line["result"] == result and HOST_B in line["reason"], (line, server.text)
    assert "DHCPDISCOVER" in server.text


def test_a_flood_of_nonsense_does_not_disturb_the_search(lab, gateway, keep):
    """Hosts answer with rubbish, again and again; the doctor ends in time and counts none of it."""
    sock = keep(lab.b.socket(socket.AF_INET, socket.SOCK_DGRAM))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("", 1900))
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                    socket.inet_aton("239.255.255.250") + socket.inet_aton(HOST_B))
    sock.settimeout(5)

    def answer():
        with contextlib.suppress(OSError):
            _, asker = sock.recvfrom(2000)
            for i in range(500):
                sock.sendto(os.urandom(1 + i * 2), asker)
                sock.sendto(b"HTTP/1.1 404 no\r\n\r\n", asker)
    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    begun = time.monotonic()
    checks, status = active(gateway)
    thread.join()
    assert time.monotonic() - begun < 8
    assert status == 0 and worst(checks, "search")["result"] == "ok"


# ---- who may ask


def test_without_root_the_lans_are_not_asked(lab, gateway):
    os.chmod(gateway.run_dir, 0o755)
    socket_path = os.path.join(gateway.run_dir, "control.sock")
    mode = os.stat(socket_path).st_mode & 0o777
    os.chmod(socket_path, 0o666)
    try:
        done = gateway.cli("doctor", "--json", check=False, user=65534)
    finally:
        os.chmod(socket_path, mode)
    checks = by_id(json.loads(done.stdout)["checks"])
    for name in ACTIVE:
        assert worst(checks, name)["result"] == "skip"
        assert "root" in worst(checks, name)["reason"]
    assert done.returncode == 0


def test_the_probe_has_no_rights_when_it_reads(lab, gateway):
    """While it listens it is nobody, without capabilities, under the worker's list of calls."""
    program = os.path.join(STAGE, "libexec", "portreeve", "portreeve-probe")
    with open(program, "rb") as f:
        seccomp = "0" if b"__asan_init" in f.read() else "2"  # sanitizers want calls of their own
    probe = Output(lab.gw, program, "5431", "lan0", LAN0_GW)
    try:
        def status():
            with open("/proc/%d/status" % probe.proc.pid, encoding="ascii") as f:
                return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
        now = wait_for(lambda: status() if status()["NoNewPrivs"] == "1" and
                       status()["Seccomp"] == seccomp else None, 2, "the probe shut in")
        assert now["Uid"].split() == ["65534"] * 4
        assert int(now["CapEff"], 16) == int(now["CapPrm"], 16) == int(now["CapBnd"], 16) == 0
        probe.wait("done")
        assert probe.lines()[0] == "searched lan0 yes"
    finally:
        probe.close()


def test_a_worker_that_was_killed(lab, gateway):
    """The last one: what was started again stays told until the daemon is."""
    pid = gateway.worker_pid("lan1")
    os.kill(pid, signal.SIGKILL)
    wait_result(gateway, "processes", "warn", "lan1", "1 times")
    # One core after another is told by their ages, which differ by ten seconds at least.
    wait_for(lambda: gateway.status()["uptime_s"] > 11, 15, "a core of some age", every=0.2)
    os.kill(gateway.core_pid(), signal.SIGKILL)

    def told():
        with contextlib.suppress(OSError, AssertionError):
            return [c for c in passive(gateway)["processes"] if "portreeve-core" in c["reason"]]
    assert wait_for(told, 5, "the second core")[0]["result"] == "warn"
    gateway.restart()
