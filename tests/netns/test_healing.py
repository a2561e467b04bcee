# SPDX-License-Identifier: GPL-2.0-or-later
"""Somebody else changes our table: it is right again within a second, and the log says who it was."""
import json
import os
import re
import shutil
import time

import pytest

from igd import Igd
from lab import HOST_A, PATIENCE, WAN_GW, WAN_HOST, wait_for
from traffic import TcpEcho, TcpFlow, UdpEcho, tcp_ask, udp_ask, wait_ask

CULPRIT = "meddler"  # at most 15 letters: what the kernel keeps of a program's name


@pytest.fixture(scope="module")
def meddle(lab):
    """meddle(words) is nft under another name, so that the log can be asked for that name."""
    path = os.path.join(lab.tmp, CULPRIT)
    shutil.copy(shutil.which("nft"), path)
    return lambda *words, check=True: lab.gw.run(path, *words, check=check)


@pytest.fixture(scope="module", params=["no", "yes"], ids=["shared-table", "owned-table"])
def daemon(request, lab):
    started = lab.start("-o", "share=yes", "-o", "table_owner=" + request.param)
    started.owned = request.param == "yes"
    yield started
    assert started.stop() == 0
    lab.gw.run("nft", "delete table inet portreeve", check=False)


@pytest.fixture
def mapped(lab, daemon, keep):
    """TCP and UDP 5000 to host a, seen to pass."""
    daemon.clear()
    keep(TcpEcho(lab.a, 7000))
    keep(UdpEcho(lab.a, 7000))
    igd = Igd.discover(lab.a)
    igd.add("TCP", 5000, HOST_A, 7000)
    igd.add("UDP", 5000, HOST_A, 7000)
    wait_ask("TCP", lab.wan, WAN_GW, 5000, "a")
    return igd


def ruleset(lab):
    """Our table as text, without what changes by itself: times, and flows that have just ended."""
    text = lab.gw.nft("-s", "list table inet portreeve")
    text = re.sub(r"(set ended[46] \{[^}]*?)\s*elements = \{[^}]*\}", r"\1", text)
    return [line.split(" expires ")[0] for line in text.splitlines()]


def passes_within_a_second(lab):
    wait_ask("TCP", lab.wan, WAN_GW, 5000, "a", seconds=1)
    wait_ask("UDP", lab.wan, WAN_GW, 5000, "a", seconds=1)


def right_again(lab, before, seconds=1):
    def same():
        try:
            return ruleset(lab) == before
        except AssertionError:
            return False
    wait_for(same, seconds, "the table being what it was")


def elements(lab):
    """[(set or map, element as nft writes it)] of what our table holds."""
    found = []
    for item in json.loads(lab.gw.nft("-j", "list table inet portreeve"))["nftables"]:
        content = item.get("map") or item.get("set")
        for element in (content or {}).get("elem", []):
            key = element[0] if isinstance(element, list) else element
            if isinstance(key, dict) and "elem" in key:
                key = key["elem"]["val"]
            parts = key["concat"] if isinstance(key, dict) and "concat" in key else [key]
            found.append((content["name"], " . ".join(str(p) for p in parts)))
    return found


def test_the_table_deleted(lab, daemon, mapped, meddle):
    before, since = ruleset(lab), daemon.log_size()
    done = meddle("delete table inet portreeve", check=False)
    if daemon.owned and done.returncode:
        assert "not permitted" in done.stdout
    else:
        daemon.wait_log(CULPRIT, since=since)
    passes_within_a_second(lab)
    right_again(lab, before)
    assert daemon.status()["kernel"]["table_ok"] is True


def test_the_ruleset_flushed(lab, daemon, mapped, meddle, keep):
    before, since = ruleset(lab), daemon.log_size()
    flow = keep(TcpFlow(lab.wan, WAN_GW, 5000))
    meddle("flush ruleset")
    passes_within_a_second(lab)
    right_again(lab, before)
    assert flow.works()
    if not daemon.owned:
        daemon.wait_log(CULPRIT, since=since)


def test_flushed_again_and_again(lab, daemon, mapped, meddle):
    before = ruleset(lab)
    for _ in range(10):
        meddle("flush ruleset")
    passes_within_a_second(lab)
    right_again(lab, before)


def test_elements_removed_one_by_one(lab, daemon, mapped, meddle):
    before = ruleset(lab)
    ours = [(name, key) for name, key in elements(lab) if "5000" in key or "7000" in key]
    assert len(ours) >= 2
    for name, key in ours:
        since = daemon.log_size()
        done = meddle("delete element inet portreeve %s { %s }" % (name, key), check=False)
        if daemon.owned:
            assert done.returncode
            continue
        assert done.returncode == 0, done.stdout
        right_again(lab, before)
        daemon.wait_log(CULPRIT, since=since)
    passes_within_a_second(lab)


def test_a_chain_flushed(lab, daemon, mapped, meddle):
    before = ruleset(lab)
    chains = [item["chain"]["name"] for item in json.loads(
        lab.gw.nft("-j", "list table inet portreeve"))["nftables"] if "chain" in item]
    for chain in chains:
        meddle("flush chain inet portreeve " + chain, check=not daemon.owned)
        right_again(lab, before)
    passes_within_a_second(lab)


def test_a_foreign_element_added_is_taken_out(lab, daemon, mapped, meddle):
    """A mapping that nobody asked us for must not stand in our name; an owned table refuses it."""
    before = ruleset(lab)
    meddle("add element inet portreeve pm4 { tcp . 5999 : %s . 7000 }" % HOST_A,
           check=not daemon.owned)
    right_again(lab, before)
    assert tcp_ask(lab.wan, WAN_GW, 5999, timeout=0.2) is None


@pytest.mark.parametrize("thing", ["set inet portreeve theirs { type ipv4_addr; }",
                                   "chain inet portreeve theirs",
                                   "chain inet portreeve theirs { type filter hook forward "
                                   "priority 0; policy drop; }"], ids=["set", "chain", "hook"])
def test_a_foreign_thing_in_our_table_is_taken_out(lab, daemon, mapped, meddle, thing):
    meddle("add " + thing, check=not daemon.owned)
    wait_for(lambda: "theirs" not in lab.gw.nft("list table inet portreeve"), 1, "it being gone")
    passes_within_a_second(lab)


def test_tables_of_others_are_left_alone(lab, daemon, mapped, meddle):
    meddle("add table inet somebody")
    meddle("add chain inet somebody c { type filter hook input priority 0; }")
    since = daemon.log_size()
    meddle("delete table inet somebody")
    time.sleep(0.3)  # nothing must happen; there is no condition to wait for
    assert CULPRIT not in daemon.log(since)
    passes_within_a_second(lab)


def test_requests_while_it_is_being_destroyed(lab, daemon, mapped, meddle):
    """Each add that is answered "yes" passes packets, if not at once then within a second."""
    for port in range(5100, 5120):
        meddle("flush ruleset")
        mapped.add("TCP", port, HOST_A, 7000)
    wait_for(lambda: all(tcp_ask(lab.wan, WAN_GW, p, timeout=0.2 * PATIENCE)
                         for p in range(5100, 5120)), 2, "all ports passing")


def test_masquerading_comes_back_too(lab, daemon, mapped, meddle, keep):
    keep(UdpEcho(lab.wan, 9000))
    meddle("delete table inet portreeve", check=False)
    wait_for(lambda: (udp_ask(lab.a, WAN_HOST, 9000, timeout=0.1) or [0, 0])[1] == WAN_GW, 1,
             "masquerading")
