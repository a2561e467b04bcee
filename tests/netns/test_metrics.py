# SPDX-License-Identifier: GPL-2.0-or-later
"""What monitoring can see: OpenMetrics text by the CLI and by HTTP on a socket of its own."""
import os
import re
import signal
import socket

from igd import fault
from lab import HOST_A, HOST_B, wait_for

OPTIONS = ["-o", "table_owner=no"]  # one test deletes the table

SAMPLE = re.compile(r'([a-z_]+)(?:\{(.*)\})? ([0-9.]+)')
LABEL = re.compile(r'([a-z]+)="((?:[^"\\]|\\.)*)"(?:,|$)')


def parse(text):
    """{(name, ((label, value), ...)): number}; AssertionError on what is no OpenMetrics."""
    lines = text.splitlines()
    assert lines[-1] == "# EOF"
    found, family, families = {}, None, set()
    for line in lines[:-1]:
        if line.startswith("# TYPE "):
            family = line.split()[2]
            assert family not in families, "%s comes twice" % family
            families.add(family)
            continue
        if line.startswith("# HELP "):
            assert line.split()[2] == family
            continue
        match = SAMPLE.fullmatch(line)
        assert match, line
        assert match[1].startswith(family), line
        key = match[1], tuple(LABEL.findall(match[2] or ""))
        assert key not in found, line
        found[key] = float(match[3])
    return found


def ask(gateway):
    return parse(gateway.cli("metrics").stdout)


def rise(before, after, name, **labels):
    key = name, tuple(labels.items())
    return after.get(key, 0) - before.get(key, 0)


def scrape(gateway, request):
    sock = socket.socket(socket.AF_UNIX)
    with sock:
        sock.settimeout(5)
        sock.connect(os.path.join(gateway.run_dir, "metrics.sock"))
        sock.sendall(request)
        data = b""
        while True:
            piece = sock.recv(65536)
            if not piece:
                return data
            data += piece


def test_requests_are_counted_by_action_and_result(lab, gateway, igd):
    before = ask(gateway)
    igd.add("TCP", 5100, HOST_A, 7000)
    igd.add("TCP", 5100, HOST_A, 7001)
    assert fault(igd.seen_from(lab.b).add, "TCP", 5100, HOST_B, 7000) == 718
    after = ask(gateway)
    assert rise(before, after, "portreeve_requests_total", action="map-add", result="ok") == 2
    assert rise(before, after, "portreeve_requests_total", action="map-add",
                result="conflict") == 1
    assert rise(before, after, "portreeve_changes_total", origin="upnp", action="add",
                result="ok") == 1
    assert rise(before, after, "portreeve_changes_total", origin="upnp", action="renew",
                result="ok") == 1
    assert rise(before, after, "portreeve_refusals_total", rule="built-in") == 1


def test_mappings_are_counted_by_origin_and_clients_once(lab, gateway, igd):
    igd.add("TCP", 5100, HOST_A, 7000)
    igd.add("TCP", 5101, HOST_A, 7000)
    igd.seen_from(lab.b).add("TCP", 5102, HOST_B, 7000)
    gateway.cli("add", "tcp", 5103, HOST_A)
    now = ask(gateway)
    assert now["portreeve_mappings", (("origin", "upnp"),)] == 3
    assert now["portreeve_mappings", (("origin", "static"),)] == 1
    assert now["portreeve_mapping_clients", ()] == 2


def test_the_histogram_holds_every_request_once(gateway, igd):
    for _ in range(5):
        igd.call("GetExternalIPAddress")
    now = ask(gateway)
    buckets = [(dict(labels)["le"], n) for (name, labels), n in now.items()
               if name == "portreeve_request_seconds_bucket"]
    assert [n for _, n in buckets] == sorted(n for _, n in buckets)
    assert buckets[-1][0] == "+Inf"
    requests = sum(n for (name, _), n in now.items() if name == "portreeve_requests_total")
    assert buckets[-1][1] == now["portreeve_request_seconds_count", ()] == requests
    assert 0 < now["portreeve_request_seconds_sum", ()] < 60


def test_healing_and_restarts_are_counted(lab, gateway, igd):
    before = ask(gateway)
    worker = gateway.worker_pid()
    os.kill(worker, signal.SIGKILL)
    wait_for(lambda: gateway.worker_pid() not in (None, worker), 5, "another worker")
    gateway.wait_serving()
    igd.add("TCP", 5100, HOST_A, 7000)
    lab.gw.nft("delete", "table", "inet", "portreeve")
    wait_for(lambda: rise(before, ask(gateway), "portreeve_heals_total") >= 1, 5, "healing")
    after = ask(gateway)
    assert rise(before, after, "portreeve_worker_restarts_total", lan="lan0") == 1
    assert after["portreeve_kernel_table_ok", ()] == 1


def test_a_scraper_is_answered_by_http_on_the_socket(gateway, igd):
    answer = scrape(gateway, b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    head, _, body = answer.decode().partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 200 ")
    assert "application/openmetrics-text" in head
    assert parse(body)["portreeve_wan_connected", ()] == 1


def test_other_requests_there_get_an_http_error_and_change_nothing(gateway, igd):
    for request, statuses in ((b"GET / HTTP/1.0\r\n\r\n", "404"),
                              (b"POST /metrics HTTP/1.0\r\nContent-Length: 0\r\n\r\n", "405 501"),
                              (b"GET /metrics HTTP/1.0\r\nA: " + 8000 * b"a" + b"\r\n\r\n", "400"),
                              (b"\0\xff\r\n\r\n", "400")):
        answer = scrape(gateway, request)
        assert answer.split()[1].decode() in statuses.split(), answer
    assert b" 200 " in scrape(gateway, b"GET /metrics HTTP/1.0\r\n\r\n")[:20]


def test_a_scraper_that_says_nothing_holds_up_nobody(gateway, igd):
    idle = [socket.socket(socket.AF_UNIX) for _ in range(8)]
    try:
        for sock in idle:
            sock.connect(os.path.join(gateway.run_dir, "metrics.sock"))
        igd.add("TCP", 5100, HOST_A, 7000)
        assert b" 200 " in scrape(gateway, b"GET /metrics HTTP/1.0\r\n\r\n")[:20]
    finally:
        for sock in idle:
            sock.close()


def test_the_socket_is_for_those_who_may_read_the_other_one(gateway, igd):
    modes = [os.stat(os.path.join(gateway.run_dir, name)).st_mode & 0o777
             for name in ("control.sock", "metrics.sock")]
    assert modes[0] == modes[1]
    assert modes[0] & 0o007 == 0


def test_text_is_as_json_for_programs(gateway, igd):
    assert parse(gateway.cli_json("metrics")["metrics"])


def test_whoever_opens_all_it_can_keeps_the_core_from_nothing(gateway):
    path, held = os.path.join(gateway.run_dir, "metrics.sock"), []
    try:
        for _ in range(400):
            sock = socket.socket(socket.AF_UNIX)
            held.append(sock)
            sock.setblocking(False)
            sock.connect(path)
            if len(held) % 8 == 0:
                gateway.status()  # the core's loop has had its turn
    except BlockingIOError:
        pass  # as many as wait at most
    assert 16 < len(held) < 200
    pid = gateway.processes()["portreeve-core"[:15]][0]
    assert len(os.listdir("/proc/%d/fd" % pid)) < 160
    assert gateway.status()["version"]
    for sock in held:
        sock.close()

    def answered():
        try:
            return b" 200 " in scrape(gateway, b"GET /metrics HTTP/1.0\r\n\r\n")
        except BlockingIOError:  # not yet
            return False
    wait_for(answered, 5, "an answer")
