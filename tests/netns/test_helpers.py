# SPDX-License-Identifier: GPL-2.0-or-later
"""Conntrack helpers: off unless named, and then what was agreed inside a flow comes in."""
import re
import socket
import threading

import pytest

from lab import HOST_A, PATIENCE, WAN_GW, WAN_HOST


@pytest.fixture(scope="module")
def conf(lab):
    return lambda helpers: lab.write_conf(
        "share = yes\nfirewall = own\nhelpers = {%s}\n" % helpers)


@pytest.fixture(scope="module")
def daemon(lab, conf):
    started = lab.start("-c", conf(""))
    yield started
    assert started.stop() == 0, started.log()


@pytest.fixture
def load(daemon, conf):
    def load(helpers):
        conf(helpers)
        daemon.reload()
    return load


class Ftp:
    """Answers PORT by a connection from port 20 to where the client says, with one line on it."""

    def __init__(self, ns):
        self.ns = ns
        self.ports = []
        self.listener = ns.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("", 21))
        self.listener.listen(4)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                conn, _ = self.listener.accept()
            except OSError:
                return
            with conn:
                conn.sendall(b"220 ready\r\n")
                conn.recv(200)  # the kernel takes what follows the end of a line for a command
                conn.sendall(b"230 welcome\r\n")
                words = conn.recv(200).decode()
                numbers = list(map(int, re.match(r"PORT ([\d,]+)", words).group(1).split(",")))
                where = ".".join(map(str, numbers[:4])), numbers[4] * 256 + numbers[5]
                self.ports.append(where)
                try:
                    with self.ns.socket() as data:
                        data.settimeout(0.5 * PATIENCE)
                        data.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                        data.bind(("", 20))
                        data.connect(where)
                        data.sendall(b"listing\r\n")
                    conn.sendall(b"226 done\r\n")
                except OSError:
                    conn.sendall(b"425 cannot\r\n")

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def list_actively(ns):
    """What an FTP client in active mode is told: the server's last word, and the data or None."""
    with ns.socket() as control, ns.socket() as listener:
        listener.bind((HOST_A, 0))
        listener.listen(1)
        listener.settimeout(0.3 * PATIENCE)
        control.settimeout(3 * PATIENCE)
        control.connect((WAN_HOST, 21))
        control.recv(100)
        control.sendall(b"USER anonymous\r\n")
        control.recv(100)
        port = listener.getsockname()[1]
        control.sendall(b"PORT %s,%d,%d\r\n" % (
            HOST_A.replace(".", ",").encode(), port // 256, port % 256))
        try:
            data = listener.accept()[0].recv(100)
        except OSError:
            data = None
        return control.recv(100)[:3], data


def test_ftp_in_active_mode_needs_the_helper(lab, load, keep):
    server = keep(Ftp(lab.wan))
    load("")
    assert list_actively(lab.a) == (b"425", None)
    assert server.ports[-1][0] == HOST_A
    load("ftp")
    assert list_actively(lab.a) == (b"226", b"listing\r\n")
    assert server.ports[-1][0] == WAN_GW, "the helper has translated what the client said"
    load("")
    assert list_actively(lab.a) == (b"425", None)


def test_tftp_answers_come_from_another_port(lab, load, keep):
    server = keep(lab.wan.socket(kind=socket.SOCK_DGRAM))
    server.bind(("", 69))
    server.settimeout(2 * PATIENCE)

    def fetch():
        with lab.a.socket(kind=socket.SOCK_DGRAM) as client:
            client.settimeout(0.3 * PATIENCE)
            client.sendto(b"\0\1file\0octet\0", (WAN_HOST, 69))
            peer = server.recvfrom(100)[1]
            with lab.wan.socket(kind=socket.SOCK_DGRAM) as answer:
                answer.sendto(b"\0\3\0\1data", peer)
            try:
                return client.recv(100)
            except OSError:
                return None
    load("")
    assert fetch() is None
    load("tftp")
    assert fetch() == b"\0\3\0\1data"


INVITE = ("INVITE sip:b@{to} SIP/2.0\r\nVia: SIP/2.0/UDP {me}:5060;branch=z9hG4bK1\r\n"
          "From: <sip:a@{me}>;tag=1\r\nTo: <sip:b@{to}>\r\nCall-ID: {call}@{me}\r\n"
          "CSeq: 1 INVITE\r\nContact: <sip:a@{me}:5060>\r\nContent-Type: application/sdp\r\n"
          "Content-Length: {length}\r\n\r\n{body}")
SDP = ("v=0\r\no=a 1 1 IN IP4 {me}\r\ns=-\r\nc=IN IP4 {me}\r\nt=0 0\r\n"
       "m=audio 5350 RTP/AVP 0\r\n")


def test_a_call_is_heard_by_who_has_mapped_nothing(lab, load, keep):
    """The SIP helper writes the gateway's address into the invitation, and lets the media in."""
    called, media, caller, phone = (
        keep(ns.socket(kind=socket.SOCK_DGRAM)) for ns in (lab.wan, lab.wan, lab.a, lab.a))
    called.bind(("", 5060))
    called.settimeout(2 * PATIENCE)
    caller.bind((HOST_A, 5060))
    phone.bind((HOST_A, 5350))
    phone.settimeout(0.3 * PATIENCE)

    def heard(call):
        body = SDP.format(me=HOST_A)
        caller.sendto(INVITE.format(me=HOST_A, to=WAN_HOST, call=call, length=len(body),
                                    body=body).encode(), (WAN_HOST, 5060))
        text = called.recv(4000).decode()
        address = re.search(r"c=IN IP4 (\S+)", text).group(1)
        media.sendto(b"rtp", (WAN_GW, int(re.search(r"m=audio (\d+)", text).group(1))))
        try:
            return address, phone.recv(10)
        except OSError:
            return address, None
    load("")
    assert heard(1) == (HOST_A, None)
    load("sip")
    lab.gw.run("conntrack", "-F")  # whoever was seen before has no helper
    assert heard(2) == (WAN_GW, b"rtp")


def test_all_helpers_load_or_are_named_as_missing(lab, daemon, load):
    since = daemon.log_size()
    load("ftp, tftp, sip, h323, pptp")
    text = lab.gw.nft("list table inet portreeve")
    for name in ("ftp", "tftp", "sip_udp", "sip_tcp", "ras", "q931", "pptp"):
        assert 'ct helper set "%s"' % name in text or "none for " + name in daemon.log(since), name


def test_nothing_reads_along_where_no_lan_takes_part(lab, daemon, load):
    """The gateway's own flows have no helper."""
    load("ftp")
    with lab.wan.socket() as listener, lab.gw.socket() as client:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("", 21))
        listener.listen(1)
        client.settimeout(2)
        client.connect((WAN_HOST, 21))
        text = lab.gw.run("conntrack", "-L", "-p", "tcp", "--orig-port-dst", "21").stdout
        assert "src=" + WAN_GW in text and "helper=" not in text.split("src=" + WAN_GW)[1].split("\n")[0]
