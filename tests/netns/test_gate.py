# SPDX-License-Identifier: GPL-2.0-or-later
"""HTTP as nobody should send it: each gets an answer or a closed door, and nobody else notices."""
import contextlib
import glob
import random
import socket
import time

import pytest

from igd import WANIP, Igd, envelope, http_raw, read_message, soap_answer
from lab import HTTP_PORT, LAN0_GW, Output, PATIENCE, WAN_GW, wait_for

SELF = "%s:%d" % (LAN0_GW, HTTP_PORT)
SEED = 20010101  # of the random input; another one finds other things


def control_path(igd):
    return igd.services[WANIP]["controlURL"].split(SELF, 1)[1]


def post(igd, body=None, *headers, host=SELF, version="1.1", length=None):
    body = envelope(WANIP, "GetExternalIPAddress", {}) if body is None else body
    lines = ["POST %s HTTP/%s" % (control_path(igd), version)]
    if host is not None:
        lines.append("Host: " + host)
    lines += ['SOAPACTION: "%s#GetExternalIPAddress"' % WANIP,
              'Content-Type: text/xml; charset="utf-8"']
    if length is not False:
        lines.append("Content-Length: %s" % (len(body) if length is None else length))
    lines += headers
    return ("\r\n".join(lines) + "\r\n\r\n").encode(), body


def send(lab, data, timeout=4.0):
    """HTTP status of the answer; 0 when the connection was just closed."""
    try:
        return http_raw(lab.b, LAN0_GW, data, timeout=timeout).status
    except (ConnectionError, TimeoutError) as error:
        assert not isinstance(error, TimeoutError), "neither answered nor closed"
        return 0


@pytest.fixture(autouse=True)
def nothing_breaks(gateway):
    """The worker is the same before and after, and still answers."""
    worker = gateway.worker_pid("lan0")
    yield
    wait_for(lambda: gateway.answers("lan0"), 3, "the LAN being served")
    assert gateway.worker_pid("lan0") == worker, "the worker died\n" + gateway.log()[-3000:]


# ---- what must be taken ----

@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("host", [SELF, LAN0_GW])
def test_ordinary_requests_pass(lab, igd, version, host):
    head, body = post(igd, host=host, version=version)
    assert soap_answer(http_raw(lab.b, LAN0_GW, head + body)) == {"NewExternalIPAddress": WAN_GW}


def test_http_1_0_without_host_passes(lab, igd):
    head, body = post(igd, host=None, version="1.0")
    assert send(lab, head + body) == 200


def test_header_and_body_in_two_segments_pass(lab, igd):
    head, body = post(igd)
    sock = lab.b.socket()
    with sock:
        sock.connect((LAN0_GW, HTTP_PORT))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.sendall(head)
        time.sleep(0.05)  # two segments, as clients send them
        sock.sendall(body)
        assert read_message(sock, time.monotonic() + 3).status == 200


def test_a_request_in_single_octets_passes(lab, igd):
    head, body = post(igd)
    sock = lab.b.socket()
    with sock:
        sock.connect((LAN0_GW, HTTP_PORT))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in head + body:
            sock.sendall(bytes([octet]))
        assert read_message(sock, time.monotonic() + 3).status == 200


def test_expect_100_continue_is_answered_before_the_body(lab, igd):
    head, body = post(igd, None, "Expect: 100-continue")
    sock = lab.b.socket()
    with sock:
        sock.settimeout(3)
        sock.connect((LAN0_GW, HTTP_PORT))
        sock.sendall(head)
        assert sock.recv(1000).startswith(b"HTTP/1.1 100 ")
        sock.sendall(body)
        assert read_message(sock, time.monotonic() + 3).status == 200


def test_a_get_with_an_empty_body_passes(lab, igd):
    path = igd.location.split(SELF, 1)[1]
    assert send(lab, ("GET %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 0\r\n\r\n" % (
        path, SELF)).encode()) == 200


def read_all(sock, timeout=3):
    sock.settimeout(timeout)
    return b"".join(iter(lambda: sock.recv(65536), b""))


def test_head_gets_the_head_alone(lab, igd):
    with lab.b.socket() as sock:
        sock.connect((LAN0_GW, HTTP_PORT))
        sock.sendall(("HEAD %s HTTP/1.1\r\nHost: %s\r\n\r\n" % (
            igd.location.split(SELF, 1)[1], SELF)).encode())
        answer = read_all(sock)
    assert answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"\r\n\r\n")
    assert answer.count(b"\r\n\r\n") == 1


def test_an_answer_is_as_long_as_it_says_and_says_that_it_ends(lab, igd):
    head, body = post(igd)
    with lab.b.socket() as sock:
        sock.connect((LAN0_GW, HTTP_PORT))
        sock.sendall(head + body)
        said, _, text = read_all(sock).partition(b"\r\n\r\n")
    lines = said.decode().upper().split("\r\n")
    assert "CONTENT-LENGTH: %d" % len(text) in lines
    assert "CONNECTION: CLOSE" in lines
    assert text.endswith(b"</s:Envelope>") and text.count(b"NewExternalIPAddress>") == 2


def test_keep_alive_does_not_keep_the_connection_stuck(lab, igd):
    head, body = post(igd, None, "Connection: keep-alive")
    begun = time.monotonic()
    assert send(lab, head + body) == 200
    assert time.monotonic() - begun < 1


# ---- what must be refused ----

def test_a_foreign_host_header_is_refused(lab, igd):
    """DNS rebinding: a web page must not speak to us under another name."""
    for host in ("evil.example", "evil.example:5431", "192.168.1.77:5431", WAN_GW, "192.168.2.1:5431",
                 "", "192.168.1.1:5431.evil.example", "192.168.1.1@evil.example", "[::1]:5431"):
        head, body = post(igd, host=host)
        assert 400 <= send(lab, head + body) < 500, host


def test_http_1_1_without_host_is_refused(lab, igd):
    head, body = post(igd, host=None)
    assert send(lab, head + body) == 400


def test_an_absolute_uri_is_refused(lab, igd):
    for uri in ("http://evil.example/", "http://" + SELF + control_path(igd)):
        assert 400 <= send(lab, ("GET %s HTTP/1.1\r\nHost: %s\r\n\r\n" % (uri, SELF)).encode()) < 500


def test_a_chunked_body_is_refused(lab, igd):
    head, _ = post(igd, None, "Transfer-Encoding: chunked", length=False)
    assert send(lab, head + b"5\r\nhello\r\n0\r\n\r\n") in (400, 411, 501)


def test_a_post_without_length_is_refused(lab, igd):
    head, body = post(igd, length=False)
    assert send(lab, head + body) in (400, 411)


@pytest.mark.parametrize("length", ["-1", "x", "1 2", "99999999999999999999", "0x10", "+5", ""])
def test_a_length_that_is_none_is_refused(lab, igd, length):
    head, body = post(igd, length=length)
    assert 400 <= send(lab, head + body) < 500


def test_two_lengths_are_refused(lab, igd):
    head, body = post(igd, None, "Content-Length: 3")
    assert send(lab, head + body) == 400


def test_a_long_header_is_refused(lab, igd):
    head, body = post(igd, None, "X-Long: " + "x" * 9000)
    assert send(lab, head + body) in (400, 413, 431)
    many = ["X-%d: y" % i for i in range(2000)]
    head, body = post(igd, None, *many)
    assert send(lab, head + body) in (400, 413, 431)
    assert send(lab, b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n") in (400, 413, 414, 431)


def test_a_long_body_is_refused_before_it_is_sent(lab, igd):
    head, _ = post(igd, length=70000)
    begun = time.monotonic()
    assert send(lab, head) == 413
    assert time.monotonic() - begun < 1


def test_the_longest_body_that_is_allowed_passes(lab, igd):
    body = envelope(WANIP, "GetExternalIPAddress", {})
    head, body = post(igd, body + b" " * (65536 - len(body)))
    assert send(lab, head + body) == 200


def test_unknown_methods_are_refused(lab):
    for method in ("PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW", "get", "NOTIFY"):
        data = "%s / HTTP/1.1\r\nHost: %s\r\nContent-Length: 0\r\n\r\n" % (method, SELF)
        assert 400 <= send(lab, data.encode()) < 600, method


@pytest.mark.parametrize("data", [
    b"\r\n\r\n", b"GET\r\n\r\n", b"GET /\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET / HTTP/1.1\n\n",
    b" GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nHost\r\n\r\n", b"GET / HTTP/1.1\r\n: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost : 192.168.1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET /\x00 HTTP/1.1\r\nHost: 192.168.1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: 192.168.1.1\r\nX: \x00\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: 192.168.1.1\r\n X: folded\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: 192.168.1.1\r\nHost: 192.168.1.1\r\n\r\n",
    b"\xff" * 100 + b"\r\n\r\n", b"A" * 7000 + b"\r\n\r\n",
], ids=range(16))
def test_malformed_requests_are_refused(lab, data):
    status = send(lab, data)
    assert status == 0 or 400 <= status < 600


BAD_BODIES = {
    "empty": b"",
    "text": b"hello",
    "unclosed": b"<s:Envelope><s:Body>",
    "nul": b"<a>\0</a>",
    "not-utf8": b"<a>\xff\xfe</a>",
    "no-action": b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body/></s:Envelope>',
    "no-body": b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"/>',
    "deep": b"<a>" * 10000 + b"</a>" * 10000,
    "many-attributes": b"<a " + b" ".join(b'x%d="y"' % i for i in range(3000)) + b"/>",
    "bomb": b'<!DOCTYPE a [<!ENTITY a0 "aaaaaaaaaa">' + b"".join(
        b'<!ENTITY a%d "%s">' % (i, b"&a%d;" % (i - 1) * 10) for i in range(1, 10)) + b"]><a>&a9;</a>",
    "external": b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
    "query-empty": b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
                   b'<u:QueryStateVariable xmlns:u="urn:schemas-upnp-org:control-1-0"/></s:Body></s:Envelope>',
    "query-blank": b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
                   b'<u:QueryStateVariable xmlns:u="urn:schemas-upnp-org:control-1-0"><u:varName> '
                   b'</u:varName></u:QueryStateVariable></s:Body></s:Envelope>',
    "query-odd": b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
                 b'<u:QueryStateVariable xmlns:u="urn:schemas-upnp-org:control-1-0"><u:varName/>'
                 b'<u:varName><b/></u:varName></u:QueryStateVariable></s:Body></s:Envelope>',
}


@pytest.mark.parametrize("name", BAD_BODIES)
@pytest.mark.parametrize("query", [False, True], ids=["action", "query"])
def test_bad_bodies_end_in_a_fault_or_refusal(lab, igd, name, query):
    head, body = post(igd, BAD_BODIES[name])
    if query:
        head = head.replace(b"%s#GetExternalIPAddress" % WANIP.encode(),
                            b"urn:schemas-upnp-org:control-1-0#QueryStateVariable")
    begun = time.monotonic()
    status = send(lab, head + body)
    assert status == 0 or 400 <= status < 600
    assert time.monotonic() - begun < 1.5


def test_a_soapaction_that_does_not_fit_is_refused(lab, igd):
    for action in ("", '""', '"#"', '"%s"' % WANIP, '"%s#"' % WANIP, '"urn:x#GetExternalIPAddress"',
                   '"%s#%s"' % (WANIP, "A" * 4000), '"%s#GetStatusInfo"' % WANIP):
        head, body = post(igd)
        head = head.replace(b'"%s#GetExternalIPAddress"' % WANIP.encode(), action.encode())
        status = send(lab, head + body)
        assert status == 0 or 400 <= status < 600, action


def test_random_octets_break_nothing(lab, igd):
    print("seed", SEED)
    rng = random.Random(SEED)
    head, body = post(igd)
    good = head + body
    for _ in range(60):
        data = bytearray(good)
        for _ in range(rng.randint(1, 20)):
            kind, at = rng.randrange(3), rng.randrange(len(data))
            if kind == 0:
                data[at] = rng.randrange(256)
            elif kind == 1:
                del data[at:at + rng.randint(1, 30)]
            else:
                data[at:at] = rng.randbytes(rng.randint(1, 30))
            if not data:
                data = bytearray(b"x")
        sock = lab.b.socket()
        with sock:
            sock.settimeout(0.02)
            sock.connect((LAN0_GW, HTTP_PORT))
            try:
                sock.sendall(data)
                sock.shutdown(socket.SHUT_WR)
                sock.recv(4096)
            except OSError:
                pass


# ---- who is slow, and who must not suffer ----

def test_a_half_sent_request_is_ended_after_two_seconds(lab, igd):
    sock = lab.b.socket()
    with sock:
        sock.settimeout(5)
        sock.connect((LAN0_GW, HTTP_PORT))
        sock.sendall(b"POST / HTTP/1.1\r\nHost: ")
        begun = time.monotonic()
        answer = sock.recv(1000)
        assert not answer or b" 408 " in answer.split(b"\r\n")[0]
        assert 1.5 < time.monotonic() - begun < 3 * PATIENCE


def test_stuck_connections_of_one_host_do_not_delay_another(lab, igd):
    stuck = []
    try:
        for number in range(250):
            sock = lab.b.socket()
            sock.settimeout(1)
            stuck.append(sock)
            try:
                sock.connect((LAN0_GW, HTTP_PORT))
                if number >= 200:
                    sock.sendall(b"POST /ctl HTTP/1.1\r\nHost: 192.")
            except OSError:
                pass  # turned away at the door, as well it may be
        slowest = 0
        for _ in range(30):
            begun = time.monotonic()
            assert igd.call("GetExternalIPAddress", timeout=2)
            slowest = max(slowest, time.monotonic() - begun)
        assert slowest < 0.1 * PATIENCE, "an answer took %.3f s" % slowest
    finally:
        for sock in stuck:
            sock.close()


def switches(pid):
    """How often the threads of @pid have gone to sleep and been woken."""
    total = 0
    for task in glob.glob("/proc/%d/task/*/status" % pid):
        with contextlib.suppress(FileNotFoundError), open(task, encoding="ascii") as f:
            total += sum(int(line.split()[1]) for line in f if "ctxt_switches" in line)
    return total


def test_stuck_connections_do_not_keep_the_worker_busy(lab, gateway):
    worker = gateway.worker_pid("lan0")
    with contextlib.ExitStack() as stack:
        for ns in (lab.a, lab.b):
            for number in range(50):
                sock = stack.enter_context(ns.socket())
                sock.connect((LAN0_GW, HTTP_PORT))
                if number % 2:
                    sock.sendall(b"POST /ctl HTTP/1.1\r\nHost: 192.")
        before = switches(worker)
        time.sleep(4)  # all are accepted, wait, and run into their time limit
        assert switches(worker) - before < 500


STORM = """
import socket, sys
while True:
    with socket.socket() as s:
        s.settimeout(0.5)
        try:
            s.connect((sys.argv[1], int(sys.argv[2])))
            s.sendall(b"GET /")
            print("x", flush=True)
        except OSError:
            pass
"""


def test_a_storm_from_one_host_does_not_delay_another(lab, igd, keep):
    """Connections opened and dropped as fast as one program can."""
    storm = keep(Output(lab.b, "/usr/bin/python3", "-c", STORM, LAN0_GW, HTTP_PORT))
    storm.wait("x")
    slowest = 0
    for _ in range(50):
        begun = time.monotonic()
        assert igd.call("GetExternalIPAddress", timeout=2)
        slowest = max(slowest, time.monotonic() - begun)
    assert slowest < 0.25 * PATIENCE, "an answer took %.3f s" % slowest


def test_a_reader_that_does_not_read_blocks_nobody(lab, igd):
    path = igd.location.split(SELF, 1)[1]
    socks = []
    try:
        for _ in range(4):
            sock = lab.b.socket()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            sock.connect((LAN0_GW, HTTP_PORT))
            sock.sendall(("GET %s HTTP/1.1\r\nHost: %s\r\n\r\n" % (path, SELF)).encode())
            socks.append(sock)
        begun = time.monotonic()
        assert igd.call("GetExternalIPAddress", timeout=2)
        assert time.monotonic() - begun < 0.1 * PATIENCE
    finally:
        for sock in socks:
            sock.close()


def test_both_hosts_are_served_after_all_that(lab, igd):
    for ns in (lab.a, lab.b):
        assert Igd(ns, igd.location).call("GetExternalIPAddress")


# ---- what costs nothing ----

def times_woken(pid):
    """How often the threads of a process gave their processor up, in all."""
    total = 0
    for status in glob.glob("/proc/%d/task/*/status" % pid):
        with contextlib.suppress(OSError), open(status, encoding="utf-8") as file:
            total += next(int(line.split()[1]) for line in file
                          if line.startswith("voluntary_ctxt_switches"))
    return total


def test_a_worker_at_rest_sleeps(gateway, igd):
    """libupnp's four idle threads alone would wake four times in five seconds."""
    igd.call("GetExternalIPAddress")
    worker = gateway.worker_pid("lan0")

    def sleeps():
        before = times_woken(worker)
        time.sleep(5)  # the time that is looked at
        return times_woken(worker) - before <= 2
    wait_for(sleeps, 30, "five seconds in which nothing happens")
