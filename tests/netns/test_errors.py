# SPDX-License-Identifier: GPL-2.0-or-later
"""
What goes wrong for people: one line on standard error, which says what is wrong and what to do, and
an exit status for scripts.
"""
import os
import re
import signal
import socket
import subprocess
import threading

import pytest

from lab import HOST_A, STAGE, wait_for

CTL = os.path.join(STAGE, "bin", "portreeve")
DAEMON = os.path.join(STAGE, "sbin", "portreeved")
AS_NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


def says(ns, command, status, *patterns):
    """@command fails with that status and one line that matches every pattern; the line."""
    with ns:
        done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
                              timeout=30, check=False)
    assert done.returncode == status, done
    assert done.stdout == ""
    line, rest = done.stderr.split("\n", 1)
    assert rest == "", done.stderr
    for pattern in patterns:
        assert re.search(pattern, line), "%r is not in %r" % (pattern, line)
    return line


def reachable_by_nobody(path):
    return subprocess.run([*AS_NOBODY, "test", "-x", path], check=False).returncode == 0


# ---- no daemon ----

def test_no_daemon(lab, tmp_path):
    where = str(tmp_path / "control.sock")
    says(lab.gw, [CTL, "list", "--run-dir", tmp_path], 3, re.escape(where), "is not there",
         "start portreeved", "--run-dir or --socket")


def test_a_daemon_that_was_killed(lab, keep):
    daemon = lab.start("-o", "share=yes")
    os.kill(daemon.pid, signal.SIGSTOP)
    for pid in daemon.all_pids()[1:]:  # the core first, or it might see that it is alone and tidy up
        os.kill(pid, signal.SIGKILL)
    daemon.kill_all()
    says(lab.gw, [CTL, "list", "--run-dir", daemon.run_dir], 3, "nobody listens at .*control.sock",
         "start portreeved")


# ---- a start that cannot be ----

def first_error(lab, daemon):
    """What is said first is what to do something about."""
    done = lab.gw.run(*daemon.command(), check=False, timeout=10)
    assert done.returncode == 1
    return [line for line in done.stdout.splitlines() if line.startswith("error")][0]


def test_a_directory_that_cannot_be_made(lab):
    daemon = lab.daemon()
    daemon.state_dir = __file__
    assert re.search("%s: Not a directory: name another directory with --state-dir$" % __file__,
                     first_error(lab, daemon))


def test_a_run_directory_too_long_for_a_socket(lab):
    daemon = lab.daemon()
    daemon.run_dir = os.path.join(daemon.run_dir, "x" * 100)
    assert re.search("/control.sock: the path of a socket has at most 106 octets: choose a shorter "
                     "--run-dir$", first_error(lab, daemon))


def test_something_in_the_place_of_the_socket(lab):
    daemon = lab.daemon()
    os.makedirs(os.path.join(daemon.run_dir, "control.sock"))
    assert re.search("/control.sock: is there and no socket.*: remove it$",
                     first_error(lab, daemon))


def test_no_right_to_the_packet_filter(lab):
    daemon = lab.daemon()
    done = lab.gw.run("setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin",
                      *daemon.command(), check=False, timeout=10)
    assert done.returncode == 1
    errors = [line for line in done.stdout.splitlines() if line.startswith("error")]
    assert re.search("nf_tables cannot be used: Operation not permitted: start portreeved as root",
                     errors[0])
    assert re.search("cannot start: packet filter: the line before says why$", errors[1])


@pytest.mark.parametrize("wan,lan,pattern", [
    ("wam0", "lan0", "WAN is wam0: there is no such interface now .*ip link.*when it comes"),
    ("wan0", "lam0", "LAN lam0 is not served: there is no such interface now .*ip link.*when it comes"),
    ("wan0", "bare0", "LAN bare0 is not served: it has no IPv4 address; give it one, or with share"),
    ("wan0", "dark0", "LAN dark0 is not served: the interface is down; it is served once it is up"),
    ("bare0", "lan0", "WAN is bare0: it has no usable address; mappings take effect when it gets one"),
], ids=["no WAN", "no LAN", "no address", "down", "WAN without address"])
def test_interfaces_that_cannot_be_used_yet(lab, keep, wan, lan, pattern):
    """No error: links come late. But a name may be mistyped, so each is said."""
    lab.gw.ip("link add bare0 type veth peer name bare1", "link set bare0 up", "link set bare1 up",
              "link add dark0 type veth peer name dark1")
    try:
        daemon = keep(lab.daemon(wan=wan, lans=[lan]))
        daemon.start(wait=False)
        daemon.wait_log("warn .*" + pattern, 5)
        assert daemon.stop() == 0
    finally:
        lab.gw.ip("link del bare0", "link del dark0")
        lab.gw.run("nft", "delete table inet portreeve", check=False)


@pytest.mark.parametrize("kind,port,patterns", [
    (socket.SOCK_STREAM, 5431, ["TCP port 5431 is taken by another program", "set another http_port"]),
    (socket.SOCK_DGRAM, 1900, ["UDP port 1900 is taken by another program", "another UPnP daemon"]),
], ids=["http", "ssdp"])
def test_a_port_of_ours_that_another_program_has(lab, keep, kind, port, patterns):
    with lab.gw:
        other = socket.socket(socket.AF_INET, kind)
    with other:
        other.bind(("0.0.0.0", port))
        if kind == socket.SOCK_STREAM:
            other.listen()
        daemon = keep(lab.daemon(lans=["lan0"]))
        daemon.start(wait=False)
        daemon.wait_log("lan0 cannot be served", 5)
        errors = [line for line in daemon.log().splitlines() if line.startswith("error")]
        for pattern in ("lan0: ", "ss -lnp", *patterns):
            assert pattern in errors[0]
        # and no words of a library that nobody can do anything with
        assert "libupnp" not in daemon.log()
    wait_for(lambda: daemon.answers("lan0"), 15, "serving once the port is free")
    assert daemon.stop() == 0
    lab.gw.run("nft", "delete table inet portreeve", check=False)


# ---- no permission ----

def test_no_permission(lab, gateway, tmp_path):
    if not reachable_by_nobody(CTL):
        pytest.skip("the user nobody cannot reach %s" % CTL)
    path = os.path.join(gateway.run_dir, "control.sock")
    for folder in (os.path.dirname(gateway.run_dir), gateway.run_dir):
        os.chmod(folder, 0o755)
    line = says(lab.gw, [*AS_NOBODY, CTL, "list", "--socket", path], 3,
                "no permission to open .*control.sock", "become root")
    assert "group" not in line  # it is root's: there is none to join
    group = os.stat(path).st_gid
    os.chown(path, 0, 100)
    try:
        says(lab.gw, [*AS_NOBODY, CTL, "list", "--socket", path], 3, "become root, or a member of "
             "the group users$")
    finally:
        os.chown(path, 0, group)


def test_whoever_may_look_may_not_change(lab, gateway):
    if not reachable_by_nobody(CTL):
        pytest.skip("the user nobody cannot reach %s" % CTL)
    path = os.path.join(gateway.run_dir, "control.sock")
    os.chmod(gateway.run_dir, 0o755)
    os.chmod(path, 0o666)
    try:
        for words in (("add", "tcp", 80, HOST_A), ("delete", 1), ("reload",)):
            says(lab.gw, [*AS_NOBODY, CTL, *words, "--socket", path], 1, "only root may " + words[0])
    finally:
        os.chmod(path, 0o660)


def test_a_daemon_that_is_not_started_as_root(lab, tmp_path):
    if not reachable_by_nobody(DAEMON):
        pytest.skip("the user nobody cannot reach %s" % DAEMON)
    done = lab.gw.run(*AS_NOBODY, DAEMON, "--run-dir", tmp_path / "run", "--state-dir",
                      tmp_path / "state", check=False)
    assert done.returncode == 1
    line, = [line for line in done.stdout.splitlines() if line.startswith("error")]
    assert re.search("/run: Permission denied: start portreeved as root, or name a directory of "
                     "yours with --run-dir$", line)


# ---- the wrong socket ----

class Impostor:
    """Somebody else's socket, who answers every request with @answer and hangs up, or never does."""

    def __init__(self, path, answer, kind=socket.SOCK_STREAM):
        self.answer = answer
        self.sock = socket.socket(socket.AF_UNIX, kind)
        self.sock.bind(str(path))
        self.open = []
        if kind == socket.SOCK_STREAM:
            self.sock.listen(4)
            self.thread = threading.Thread(target=self._serve, daemon=True)
            self.thread.start()

    def _serve(self):
        while True:
            try:
                peer, _ = self.sock.accept()
            except OSError:
                return
            if self.answer is None:
                self.open.append(peer)
                continue
            peer.recv(4096)
            peer.sendall(self.answer)
            peer.close()

    def close(self):
        with self.sock:
            if hasattr(self, "thread"):
                self.sock.shutdown(socket.SHUT_RDWR)
                self.thread.join()
        for peer in self.open:
            peer.close()


@pytest.mark.parametrize("answer,patterns", [
    (b"220 mail.example.org ESMTP\r\n", ["what answers at .*/s is not portreeved", "--socket"]),
    (b"[1]\n", ["what answers at .*/s is not portreeved", "--socket"]),
    (b"", ["/s: closed without an answer", "see whether portreeved still runs"]),
    (b"{}\n", ["answer is not understood", "another version"]),
    (None, ["/s: no answer for 10 s", "daemon's log", "--socket"]),
], ids=["text", "other JSON", "nothing", "empty object", "silence"])
def test_a_socket_that_is_another_programs(lab, tmp_path, keep, answer, patterns):
    keep(Impostor(tmp_path / "s", answer))
    says(lab.gw, [CTL, "status", "--socket", tmp_path / "s"], 3, *patterns)


def test_something_that_is_no_such_socket(lab, tmp_path, keep):
    keep(Impostor(tmp_path / "s", None, socket.SOCK_DGRAM))
    says(lab.gw, [CTL, "status", "--socket", tmp_path / "s"], 3, "another program's socket",
         "--run-dir or --socket")
    (tmp_path / "file").write_text("")
    says(lab.gw, [CTL, "status", "--socket", tmp_path / "file"], 3, "is no socket",
         "--run-dir or --socket")
    says(lab.gw, [CTL, "status", "--socket", "/" + "x" * 200], 3, "at most 107 octets")


# ---- what is not there, and what cannot be ----

@pytest.mark.parametrize("words,pattern", [
    (("show", 999999), "no mapping with id 999999; see portreeve list"),
    (("delete", 999999), "no mapping with id 999999; see portreeve list"),
    (("show", "p999"), "no pinhole with id 999; see portreeve list"),
    (("delete", "p999"), "no pinhole with id 999; see portreeve list"),
    (("delete", "tcp", 9), "no mapping of TCP port 9; see portreeve list"),
], ids=str)
def test_an_unknown_id(lab, gateway, words, pattern):
    says(lab.gw, [CTL, *words, "--run-dir", gateway.run_dir], 1, pattern)


@pytest.mark.parametrize("words,what,legal", [
    (("add", "tcp", 0, HOST_A), "external port", "1 to 65535"),
    (("add", "tcp", 65536, HOST_A), "external port", "1 to 65535"),
    (("add", "tcp", "http", HOST_A), "external port", "1 to 65535"),
    (("add", "tcp", 99999999999999999999, HOST_A), "external port", "1 to 65535"),
    (("add", "tcp", 80, HOST_A + ":70000"), "internal port", "1 to 65535"),
    (("delete", "udp", 65536), "external port", "1 to 65535"),
    (("add", "tcp", 80, HOST_A, "--lease", 4294967296), "lease", "0 to 4294967295"),
    (("show", 0), "id", "1 to 4294967295"),
    (("show", "p65536"), "id", "1 to 65535"),
], ids=str)
def test_a_number_out_of_range(lab, gateway, words, what, legal):
    given = str(words[-1]).rsplit(":", maxsplit=1)[-1].lstrip("p")
    if what == "external port":
        given = words[2]
    says(lab.gw, [CTL, *words, "--run-dir", gateway.run_dir], 2,
         "the %s is a number from %s, not \"%s\"" % (what, legal, given))


@pytest.mark.parametrize("words,pattern", [
    ((), "Name a verb .try --help"), (("fly",), 'no verb "fly" .try --help'),
    (("list", "--fly"), 'no option "--fly" .try --help'),
    (("add", "sctp", 80, HOST_A), '"sctp" is no protocol; it is tcp or udp'),
    (("add", "tcp", 80, "printer"), "is an IPv4 address, or ADDRESS:PORT"),
    (("add", "tcp", 80), "usage: portreeve add PROTO EXT_PORT INTERNAL_CLIENT"),
    (("status", "now"), "usage: portreeve status .try --help"),
], ids=str)
def test_a_command_line_that_makes_no_sense(lab, words, pattern):
    says(lab.gw, [CTL, *words], 2, pattern)


@pytest.mark.parametrize("client,pattern", [
    ("127.0.0.1", "127.0.0.1 is not the address of a host"),
    ("224.0.0.1", "224.0.0.1 is not the address of a host"),
], ids=str)
def test_a_mapping_to_no_host(lab, gateway, client, pattern):
    says(lab.gw, [CTL, "add", "tcp", 8080, client, "--run-dir", gateway.run_dir], 1,
         "refused: " + pattern)


# ---- a second daemon ----

def errors_of(lab, daemon):
    done = lab.gw.run(*daemon.command(), check=False, timeout=10)
    assert done.returncode == 1
    return [line for line in done.stdout.splitlines() if line.startswith("error")]


def test_a_second_daemon(lab, gateway):
    line, = errors_of(lab, gateway)
    assert re.search("already runs on %s: end pid %d first, or .*reload" % (
        re.escape(gateway.run_dir), gateway.pid), line)


def test_a_second_daemon_with_directories_of_its_own(lab, gateway):
    line, *_ = errors_of(lab, lab.daemon("-o", "http_port=5555"))
    assert re.search("another portreeved runs in this network namespace, with the core pid %d: end "
                     "it first" % gateway.core_pid(), line)
    wait_for(lambda: gateway.answers("lan0"), 1, "the first one at work")
