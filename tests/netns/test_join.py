# SPDX-License-Identifier: GPL-2.0-or-later
"""
firewall = join: beside a firewall of others that drops by default, what is mapped or let in by a
pinhole passes, and nothing else does, also after that firewall was loaded again.
"""
import json
import os
import re

import pytest

import firewalls
from igd import Firewall
from lab import HOST6_A, HOST_A, LAN0_GW, WAN_GW, WAN_HOST, wait_for
from traffic import ECHO, TcpEcho, TcpFlow, ask, tcp_ask, wait_ask, wait_silent

COMMENT = "let in by the table inet portreeve"


@pytest.fixture(scope="module")
def wired(lab):
    lab.add_ipv6()
    lab.wan.ip("route add 192.168.0.0/16 via " + WAN_GW)
    made = [protocol(lab.a, 7000, address) for protocol in ECHO.values() for address in ("", "::")]
    made.append(TcpEcho(lab.gw, 7000))
    yield lab
    for server in made:
        server.close()


@pytest.fixture(scope="module", params=firewalls.ALL, ids=lambda kind: kind.__name__)
def other(request, wired):
    made = request.param(wired.gw, wired.tmp)
    yield made
    made.close()


@pytest.fixture(scope="module")
def conf(wired):
    return lambda text: wired.write_conf("share = yes\n" + text)


def joining(other, more=""):
    return "firewall = join\njoin_chain = {%s}\n%s" % (
        ", ".join('"%s"' % chain for chain in other.CHAINS), more)


@pytest.fixture(scope="module")
def daemon(wired, other, conf):
    started = wired.start("-c", conf(joining(other)))
    yield started
    assert started.stop() == 0, started.log()
    wired.gw.nft("delete table inet portreeve", check=False)


@pytest.fixture
def mapped(wired, daemon):
    """TCP and UDP 5000 to host a, and a pinhole to its port 7000 for each."""
    daemon.clear()
    for protocol in ECHO:
        daemon.cli("add", protocol.lower(), "5000", HOST_A + ":7000")
    if not daemon.pinholes():
        igd = Firewall.discover(wired.a)
        for number in (6, 17):
            igd.open(HOST6_A, 7000, number)
    return daemon


def reload(daemon, conf, text):
    conf(text)
    daemon.reload()


def passes(lab, seconds=1):
    for protocol in ECHO:
        wait_ask(protocol, lab.wan, WAN_GW, 5000, "a", seconds=seconds)
        wait_ask(protocol, lab.wan, HOST6_A, 7000, "a", seconds=seconds)


def nothing_else_passes(lab):
    for address, port in ((WAN_GW, 5001), (WAN_GW, 7000), (HOST_A, 7000), (HOST6_A, 7001)):
        assert tcp_ask(lab.wan, address, port, timeout=0.15) is None


def rules(lab, chain):
    """The rules of a chain, as nft writes them; None when there is no such chain."""
    text = lab.gw.run("nft", "-j", "list chain " + chain, check=False)
    if text.returncode:
        return None
    return [item["rule"] for item in json.loads(text.stdout)["nftables"] if "rule" in item]


def is_ours(rule):
    return rule.get("comment") == COMMENT


def is_joined(lab, chain):
    """Our rule stands first, and there is one of it."""
    found = rules(lab, chain)
    return bool(found) and is_ours(found[0]) and sum(map(is_ours, found)) == 1


def wait_joined(lab, other, seconds=1):
    for chain in other.CHAINS:
        wait_for(lambda chain=chain: is_joined(lab, chain), seconds, "our rule first in " + chain)


def test_what_is_mapped_passes_and_nothing_else(wired, other, mapped):
    wait_joined(wired, other)
    passes(wired)
    nothing_else_passes(wired)


def test_the_other_firewall_would_have_dropped_it(wired, other, mapped, conf):
    """Else all of this would show nothing. firewalld lets translated flows in by itself."""
    reload(mapped, conf, "firewall = off\n")
    assert not any(is_joined(wired, chain) for chain in other.CHAINS)
    for protocol in ECHO:
        if not isinstance(other, firewalls.Firewalld):
            wait_silent(protocol, wired.wan, WAN_GW, 5000, seconds=2)
        wait_silent(protocol, wired.wan, HOST6_A, 7000, seconds=2)
    reload(mapped, conf, joining(other))
    passes(wired)


def test_after_its_reload_it_passes_again(wired, other, mapped):
    for _ in range(3):
        other.reload()
        wait_joined(wired, other)
        passes(wired)
        nothing_else_passes(wired)


def test_the_rule_comes_back_and_stands_first(wired, other, mapped):
    for chain in other.CHAINS:
        wired.gw.nft("insert rule %s counter" % chain)
        wait_joined(wired, other)
        wired.gw.nft("delete rule %s handle %d" % (chain, rules(wired, chain)[0]["handle"]))
        wait_joined(wired, other)
        if isinstance(other, firewalls.Plain):  # the tools put back less than all of it
            wired.gw.nft("flush chain " + chain)
            wait_joined(wired, other)
    other.reload()
    wait_joined(wired, other)
    passes(wired)
    nothing_else_passes(wired)


def test_a_remote_host_lets_that_host_in_only(wired, other, mapped):
    mapped.cli("add", "tcp", "5002", HOST_A + ":7000", "--remote", WAN_HOST)
    assert tcp_ask(wired.wan, WAN_GW, 5002)[0] == "a"
    assert tcp_ask(wired.wan2, WAN_GW, 5002, timeout=0.2) is None


def test_what_ended_passes_no_more(wired, other, mapped):
    flow = TcpFlow(wired.wan, WAN_GW, 5000)
    mapped.clear()
    wait_for(lambda: not flow.works(0.1), 1, "the flow being cut")
    flow.close()
    wait_silent("TCP", wired.wan, WAN_GW, 5000)
    for pinhole in mapped.pinholes():
        mapped.cli("delete", "p%d" % pinhole["id"])
    wait_silent("TCP", wired.wan, HOST6_A, 7000)


def test_flows_that_others_translate_are_theirs_to_judge(wired, other, mapped):
    wired.gw.nft("add table ip theirs; add chain ip theirs pre { type nat hook prerouting priority "
                 "-90; }; add rule ip theirs pre iifname wan0 tcp dport 5100 dnat to %s:7000" % HOST_A)
    wired.gw.nft("add chain ip theirs see { type filter hook forward priority -1; }; "
                 "add rule ip theirs see iifname wan0 ct status dnat meta mark and 0x10000000 == 0 "
                 "counter comment unmarked")
    try:
        tcp_ask(wired.wan, WAN_GW, 5100, timeout=0.2)
        assert tcp_ask(wired.wan, WAN_GW, 5000)[0] == "a"
        text = wired.gw.nft("list chain ip theirs see")
        assert 1 <= int(re.search(r"packets (\d+)", text).group(1))
    finally:
        wired.gw.nft("delete table ip theirs")


def test_other_bits_of_the_mark_stay(wired, other, mapped):
    wired.gw.nft("add table inet marks; add chain inet marks pre { type filter hook prerouting "
                 "priority -150; }; add rule inet marks pre meta mark set 0x123; "
                 "add chain inet marks see { type filter hook forward priority -1; }; "
                 "add rule inet marks see iifname wan0 meta mark 0x10000123 counter")
    try:
        assert tcp_ask(wired.wan, WAN_GW, 5000)[0] == "a"
        assert "packets 0 " not in wired.gw.nft("list chain inet marks see")
    finally:
        wired.gw.nft("delete table inet marks")


def test_the_status_says_how_many_are_joined(other, mapped):
    kernel = mapped.status()["kernel"]
    assert kernel["joins"] == kernel["joined"] == len(other.CHAINS)


def test_the_rule_goes_at_the_stop_unless_mappings_stay(wired, other, mapped, conf):
    assert mapped.stop() == 0
    wait_joined(wired, other)
    passes(wired)
    mapped.start()
    reload(mapped, conf, joining(other, "keep_mappings_on_exit = no\n"))
    assert mapped.stop() == 0
    for chain in other.CHAINS:
        assert not any(map(is_ours, rules(wired, chain)))
    conf(joining(other))
    mapped.start()
    wait_joined(wired, other)


def test_after_a_crash_the_next_one_takes_out_what_it_does_not_join(wired, other, mapped, conf):
    mapped.kill_all()
    wait_joined(wired, other)
    conf("firewall = off\n")
    mapped.start()
    for chain in other.CHAINS:
        assert not any(map(is_ours, rules(wired, chain)))
    reload(mapped, conf, joining(other))
    wait_joined(wired, other)


def test_rules_that_were_saved_and_loaded_are_not_doubled(wired, other, mapped):
    if isinstance(other, firewalls.Ufw):
        for tool in ("iptables", "ip6tables"):
            other.place.run("sh", "-c", "%s-save >/run/saved && %s-restore </run/saved" % (tool, tool))
            text = other.place.run(tool, "-S", "FORWARD")
            wait_for(lambda tool=tool: other.place.run(tool, "-S", "FORWARD").count(COMMENT) == 1, 1,
                     "one rule of ours; now\n" + text)
    else:
        table = " ".join(other.CHAINS[0].split()[:2])
        saved = wired.gw.nft("list table " + table)
        path = os.path.join(wired.tmp, "saved.nft")
        with open(path, "w", encoding="utf-8") as f:
            f.write("delete table %s\n%s" % (table, saved))
        wired.gw.nft("-f", path)
    wait_joined(wired, other)
    passes(wired)


def test_a_chain_that_is_not_there_is_awaited(wired, other, mapped, conf):
    since = mapped.log_size()
    reload(mapped, conf, joining(other).replace('{"', '{"inet later forward", "'))
    mapped.wait_log('there is no "inet later forward"', since=since)
    passes(wired)
    assert mapped.status()["kernel"]["joined"] == len(other.CHAINS)
    try:
        wired.gw.nft("add table inet later; add chain inet later forward { type filter hook forward "
                     "priority 5; policy drop; }; add rule inet later forward ct state established "
                     "accept")
        wait_for(lambda: is_joined(wired, "inet later forward"), 1, "the chain being joined")
        passes(wired)
    finally:
        wired.gw.nft("delete table inet later")
    reload(mapped, conf, joining(other))


# Of the rulesets written by hand, whose input chain is known.
@pytest.mark.parametrize("other", [firewalls.HandWritten, firewalls.Fw4], indirect=True,
                         ids=["HandWritten", "Fw4"])
def test_a_mapping_to_the_gateway_itself_passes_where_input_is_joined(wired, other, mapped, conf):
    chain = other.CHAINS[0].replace("forward", "input")
    mapped.cli("add", "tcp", "5003", LAN0_GW + ":7000")
    assert tcp_ask(wired.wan, WAN_GW, 5003, timeout=0.2) is None
    reload(mapped, conf, joining(other).replace('{"', '{"%s", "' % chain))
    assert tcp_ask(wired.wan, WAN_GW, 5003)[0] == "gw"
    assert ask("TCP", wired.wan, WAN_GW, 7000, timeout=0.2) is None
    reload(mapped, conf, joining(other))
    wait_for(lambda: not any(map(is_ours, rules(wired, chain))), 1, "our rule being out of it")
