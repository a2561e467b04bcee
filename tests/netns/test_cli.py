# SPDX-License-Identifier: GPL-2.0-or-later
"""portreeve: each verb, its JSON, its tables, its exit status."""
import json
import os
import subprocess
import time

import pytest

from igd import fault
from lab import HOST_A, HOST_B, LAN0_GW, LAN1_GW, Output, STAGE, WAN_GW, wait_for
from traffic import TcpEcho, tcp_ask

NASTY = "ünïcødé \u202e \x1b[31m <&>\"' " + "long " * 40
MAPPING_KEYS = {"id", "enabled", "protocol", "external_port", "remote_host", "internal_client",
                "internal_port", "lease_remaining_s", "description", "origin", "client", "created",
                "last_used"}


def fits(text):
    assert all(len(line) <= 100 for line in text.splitlines()), text
    return text


def listed(gateway):
    return gateway.cli_json("list")["mappings"]


# ---- reading ----

def test_status_as_json(gateway, igd):
    status = gateway.cli_json("status")
    assert status["wan"]["interface"] == "wan0"
    assert status["wan"]["address"] == WAN_GW
    assert status["wan"]["state"] == "connected"
    assert [lan["interface"] for lan in status["lans"]] == ["lan0", "lan1"]
    for lan, address in zip(status["lans"], (LAN0_GW, LAN1_GW)):
        assert lan["address"].split("/")[0] == address
    assert status["mappings"]["count"] == 0
    assert status["kernel"]["table_ok"] is True
    assert status["uptime_s"] >= 0
    assert status["version"]


def test_the_control_url_in_the_status_is_the_true_one(gateway, igd):
    urls = [lan["control_url"] for lan in gateway.cli_json("status")["lans"]]
    assert urls[0] in [fields["controlURL"] for fields in igd.services.values()]


def test_status_for_people(gateway, igd):
    text = fits(gateway.cli("status").stdout)
    for word in ("wan0", WAN_GW, "lan0", LAN0_GW, "lan1", LAN1_GW):
        assert word in text


def test_list_as_json(lab, gateway, igd, keep):
    igd.add("TCP", 5000, HOST_A, 7000, lease=100, description=NASTY.replace("\x1b", ""))
    igd.seen_from(lab.b).add("UDP", 5001, HOST_B, 7001, remote="203.0.113.3", enabled=0)
    gateway.cli("add", "tcp", 80, HOST_A + ":8000", "--description", "by hand")
    first, second, third = sorted(listed(gateway), key=lambda m: m["id"])
    assert set(first) >= MAPPING_KEYS
    assert first["enabled"] is True and first["protocol"] == "TCP"
    assert first["external_port"] == 5000 and first["internal_port"] == 7000
    assert first["internal_client"] == first["client"] == HOST_A
    assert first["remote_host"] is None
    assert 98 <= first["lease_remaining_s"] <= 100
    assert first["description"] == NASTY.replace("\x1b", "")
    assert first["origin"] == "upnp"
    assert first["created"] and first["last_used"] is None
    assert second["enabled"] is False and second["remote_host"] == "203.0.113.3"
    assert second["lease_remaining_s"] is None
    assert third["origin"] == "static" and third["external_port"] == 80
    assert third["client"] is None


def test_an_empty_list(gateway, igd):
    assert gateway.cli_json("list") == {"mappings": [], "pinholes": []}
    assert gateway.cli("list").returncode == 0


def test_list_for_people_fits_and_aligns(lab, gateway, igd):
    igd.add("TCP", 5000, HOST_A, 7000, lease=100, description=NASTY.replace("\x1b", ""))
    igd.add("UDP", 65535, HOST_A, 65535, remote="203.0.113.203", lease=4294967295)
    igd.seen_from(lab.b).add("UDP", 5001, HOST_B, 7001, enabled=0, description="b")
    text = fits(gateway.cli("list").stdout)
    assert "\x1b" not in text and "\u202e" not in text
    lines = [line for line in text.splitlines() if "192.168.1.1" in line]
    assert len(lines) == 3
    assert len({line.index("192.168.1.1") for line in lines}) == 1
    for word in ("5000", "65535", "203.0.113.203", "5001"):
        assert word in text


def test_a_long_list_is_whole(gateway, igd):
    for port in range(10000, 11200):
        assert "error" not in gateway.control(
            "add", protocol="UDP", external_port=port, internal_client=HOST_A, internal_port=port)
    assert sorted(m["external_port"] for m in listed(gateway)) == list(range(10000, 11200))
    assert len(igd.entries()) == 1200


def test_show(gateway, igd):
    igd.add("TCP", 5000, HOST_A, 7000, lease=100, description="shown")
    number = listed(gateway)[0]["id"]
    text = fits(gateway.cli("show", number).stdout)
    for word in ("5000", "7000", HOST_A, "shown", "TCP"):
        assert word in text
    shown = gateway.cli_json("show", number)
    assert shown["id"] == number and set(shown) >= MAPPING_KEYS


def test_show_tells_when_it_was_last_used(lab, gateway, igd, keep):
    keep(TcpEcho(lab.a, 7000))
    igd.add("TCP", 5000, HOST_A, 7000)
    number = listed(gateway)[0]["id"]
    assert gateway.cli_json("show", number)["last_used"] is None
    assert tcp_ask(lab.wan, WAN_GW, 5000)
    wait_for(lambda: gateway.cli_json("show", number)["last_used"], 3, "a time of use")


# ---- changing ----

def test_add_and_delete_by_the_administrator(lab, gateway, igd, keep):
    keep(TcpEcho(lab.a, 8000))
    done = gateway.cli("add", "TCP", 80, HOST_A + ":8000", "--description", "web")
    assert done.returncode == 0 and done.stdout.strip()
    assert tcp_ask(lab.wan, WAN_GW, 80)[0] == "a"
    # clients see it, and cannot take it
    assert igd.get("TCP", 80)["NewPortMappingDescription"] == "web"
    assert fault(igd.delete, "TCP", 80) == 606
    mapping = listed(gateway)[0]
    assert mapping["origin"] == "static" and mapping["lease_remaining_s"] is None
    assert gateway.cli("delete", mapping["id"]).returncode == 0
    assert tcp_ask(lab.wan, WAN_GW, 80, timeout=0.2) is None
    assert listed(gateway) == []


def test_a_timed_mapping_with_a_remote_host(lab, gateway, igd):
    gateway.cli("add", "udp", 5000, HOST_A, "--lease", "50", "--remote", "203.0.113.3")
    mapping = listed(gateway)[0]
    assert mapping["protocol"] == "UDP" and mapping["internal_port"] == 5000
    assert mapping["remote_host"] == "203.0.113.3"
    assert 48 <= mapping["lease_remaining_s"] <= 50
    assert gateway.cli("delete", "udp", 5000, check=False).returncode == 1
    assert gateway.cli("delete", "udp", 5000, "--remote", "203.0.113.3").returncode == 0


def test_an_administrators_lease_ends(gateway, igd):
    gateway.cli("add", "udp", 5000, HOST_A, "--lease", "1")
    wait_for(lambda: listed(gateway) == [], 3, "expiry")


def test_delete_ends_a_clients_mapping(lab, gateway, igd, keep):
    keep(TcpEcho(lab.a, 7000))
    igd.add("TCP", 5000, HOST_A, 7000)
    gateway.cli("delete", "tcp", 5000)
    assert fault(igd.get, "TCP", 5000) == 714
    assert tcp_ask(lab.wan, WAN_GW, 5000, timeout=0.2) is None


def test_add_and_delete_as_json(gateway, igd):
    added = gateway.cli_json("add", "tcp", 5000, HOST_A)
    assert added["external_port"] == 5000 and added["id"] > 0
    assert gateway.cli_json("delete", added["id"]) == {"deleted": added["id"]}


def test_no_silent_clash_with_a_clients_mapping(lab, gateway, igd):
    igd.add("TCP", 5000, HOST_A, 7000)
    done = gateway.cli("add", "tcp", 5000, HOST_B, check=False)
    assert done.returncode == 1
    assert HOST_A in done.stdout
    assert igd.get("TCP", 5000)["NewInternalClient"] == HOST_A
    gateway.cli("add", "tcp", 5001, HOST_A)
    assert fault(igd.seen_from(lab.b).add, "TCP", 5001, HOST_B) == 718


# ---- watching ----

def watching(lab, gateway, igd, *options):
    """A watcher that is seen to watch."""
    watch = Output(lab.gw, os.path.join(STAGE, "bin", "portreeve"), "watch", *options,
                   "--run-dir", gateway.run_dir)

    def heard():
        igd.add("TCP", 5000, HOST_A, 7000, description="watched")
        return "5000" in watch.text
    wait_for(heard, 3, "the watcher hearing of a mapping", every=0.05)
    return watch


def test_watch_tells_changes_as_they_happen(lab, gateway, igd, keep):
    watch = keep(watching(lab, gateway, igd, "--json"))
    igd.add("UDP", 5001, HOST_A, 7000, lease=1)
    igd.delete("TCP", 5000)
    assert fault(igd.add, "TCP", 80, HOST_A) == 606
    watch.wait("expired", seconds=4)
    lines = watch.lines()
    assert all(isinstance(json.loads(line), dict) for line in lines)
    for words in (("added", "5001"), ("deleted", "5000"), ("refused", "80"), ("expired", "5001")):
        assert any(all(word in line for word in words) for line in lines), words


def test_watch_for_people(lab, gateway, igd, keep):
    fits(keep(watching(lab, gateway, igd)).text)


def test_a_watcher_that_does_not_read_holds_up_nobody(lab, gateway, igd):
    watch = lab.gw.popen(os.path.join(STAGE, "bin", "portreeve"), "watch", "--json", "--run-dir",
                         gateway.run_dir, stdout=subprocess.PIPE)
    try:
        time.sleep(0.2)  # it may or may not have connected; both are fine
        os.kill(watch.pid, 19)
        for _ in range(5):
            for port in range(5000, 5100):
                igd.add("TCP", port, HOST_A, description="d" * 400)
            gateway.clear()
        assert igd.call("GetExternalIPAddress", timeout=1)
    finally:
        watch.kill()
        watch.wait()


# ---- reloading ----

def test_reload_without_a_file_changes_nothing(gateway, igd):
    igd.add("TCP", 5000, HOST_A)
    assert gateway.cli("reload").returncode == 0
    told = gateway.cli_json("reload")
    assert told["reloaded"] is True and told["changed"] == [] and told["revoked"] == []
    assert len(igd.entries()) == 1


# ---- exit status ----

@pytest.mark.parametrize("words,status", [
    (("show", 999999), 1), (("delete", 999999), 1), (("delete", "tcp", 1), 1),
    (("frobnicate",), 2), (("show",), 2), (("show", "x"), 2), (("list", "more"), 2),
    (("add", "tcp"), 2), (("add", "sctp", 80, HOST_A), 2), (("add", "tcp", 0, HOST_A), 2),
    (("add", "tcp", 70000, HOST_A), 2), (("add", "tcp", 80, "somewhere"), 2),
    (("add", "tcp", 80, HOST_A + ":x"), 2), (("add", "tcp", 80, HOST_A, "--lease", "-1"), 2),
    (("status", "--no-such"), 2),
], ids=str)
def test_exit_status_of_what_cannot_be(gateway, igd, words, status):
    done = gateway.cli(*words, check=False)
    assert done.returncode == status, done.stdout
    assert done.stdout.strip()
    assert listed(gateway) == []


def test_errors_as_json(gateway, igd):
    done = gateway.cli("show", 999999, "--json", check=False)
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["code"] == "not-found"


def test_without_words_or_with_help_it_explains_itself(lab):
    program = os.path.join(STAGE, "bin", "portreeve")
    done = lab.gw.run(program, "--help")
    for verb in ("status", "list", "show", "add", "delete", "watch", "reload"):
        assert verb in done.stdout
    assert lab.gw.run(program, check=False).returncode == 2
    assert lab.gw.run(program, "--version").stdout.startswith("portreeve ")


def test_no_daemon_is_exit_status_3(lab):
    program = os.path.join(STAGE, "bin", "portreeve")
    done = lab.gw.run(program, "status", "--run-dir", "/nonexistent", check=False)
    assert done.returncode == 3 and "/nonexistent" in done.stdout
    done = lab.gw.run(program, "--socket", "/nonexistent/s", "list", "--json", check=False)
    assert done.returncode == 3


def test_the_socket_may_be_named(lab, gateway):
    path = os.path.join(gateway.run_dir, "control.sock")
    assert lab.gw.run(os.path.join(STAGE, "bin", "portreeve"), "status", "--socket", path)


# ---- who may ----

def test_strangers_on_the_machine_change_nothing(lab, gateway, igd):
    os.chmod(os.path.dirname(gateway.run_dir), 0o755)
    path = os.path.join(gateway.run_dir, "control.sock")
    assert os.stat(path).st_mode & 0o007 == 0
    os.chmod(gateway.run_dir, 0o755)
    os.chmod(path, 0o666)  # as for somebody of the group: may read, may not change
    try:
        program = os.path.join(STAGE, "bin", "portreeve")
        as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        readable = subprocess.run([*as_nobody, "test", "-x", program], check=False).returncode == 0
        if not readable:
            pytest.skip("this user cannot reach %s" % program)
        assert lab.gw.run(*as_nobody, program, "list", "--socket", path).returncode == 0
        done = lab.gw.run(*as_nobody, program, "add", "tcp", 80, HOST_A, "--socket", path,
                          check=False)
        assert done.returncode == 1 and "root" in done.stdout
        assert listed(gateway) == []
    finally:
        os.chmod(path, 0o660)


@pytest.mark.parametrize("data", [b"\n", b"{\n", b"[]\n", b'{"verb": 1}\n', b'{"verb": "fly"}\n',
                                  b'{"verb":"list","after":"x"}\n', b"\xff\xfe\n", b'"' * 100000,
                                  b'{"verb":"list","limit":-5}\n'], ids=range(9))
def test_nonsense_on_the_socket_gets_an_error_and_harms_nobody(gateway, igd, data):
    import socket
    core = gateway.core_pid()
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with sock:
        sock.settimeout(3)
        sock.connect(os.path.join(gateway.run_dir, "control.sock"))
        try:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            answer = sock.recv(65536)
        except (BrokenPipeError, ConnectionResetError):
            answer = b""
    assert not answer or "error" in json.loads(answer.splitlines()[0])
    assert gateway.core_pid() == core
