# SPDX-License-Identifier: GPL-2.0-or-later
"""
A gateway between its networks, made of network namespaces:

    wan  203.0.113.2 ---+
                        |--- 203.0.113.1 wan0 [gw] lan0 192.168.1.1 ---+--- a 192.168.1.10
    wan2 203.0.113.3 ---+                     lan1 192.168.2.1 --+     +--- b 192.168.1.11
                                                                 +--------- c 192.168.2.10

The three cables are bridges in a namespace of their own, so that every interface of the gateway can
go down, vanish and come back while its network stays. Everything needs root, and everything made
here is removed by close(), also what an earlier run left behind that was killed.

Sockets for any namespace are opened by the calling thread (setns() is per thread and a socket stays
where it was opened), so servers, probes and sniffers are plain threads of one program.
"""
import contextlib
import ctypes
import ipaddress
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import zlib

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
STAGE = os.environ.get("PORTREEVE_STAGE", os.path.join(TOP, "build", "stage"))
PREFIX = "prv"  # of the namespaces' names, before the pid of who made them

# A slow machine gets this many times the time. What is promised is measured with 1.
PATIENCE = float(os.environ.get("PORTREEVE_PATIENCE", "1"))

WAN_HOST, WAN_HOST2, WAN_GW = "203.0.113.2", "203.0.113.3", "203.0.113.1"
LAN0_GW, LAN1_GW = "192.168.1.1", "192.168.2.1"
HOST_A, HOST_B, HOST_C = "192.168.1.10", "192.168.1.11", "192.168.2.10"
# With Lab.add_ipv6(): no translation there, each host has addresses of the Internet.
WAN6_HOST, WAN6_HOST2, WAN6_GW = "2001:db8:f::2", "2001:db8:f::3", "2001:db8:f::1"
LAN0_GW6, LAN1_GW6 = "2001:db8:1::1", "2001:db8:2::1"
HOST6_A, HOST6_B, HOST6_C = "2001:db8:1::10", "2001:db8:1::11", "2001:db8:2::10"
HTTP_PORT = 5431
TABLE = ("inet", "portreeve")

_libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000


def wait_for(condition, seconds=5.0, what="condition", every=0.01):
    """The first true value of @condition(); AssertionError when the time is over."""
    deadline = time.monotonic() + seconds * PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError("not within %.1f s: %s" % (seconds, what))
        time.sleep(every)


def took(action):
    """Seconds that @action() took, and what it returned."""
    begun = time.monotonic()
    value = action()
    return time.monotonic() - begun, value


class Output:
    """Starts a program in a namespace and gathers what it prints while it runs."""

    def __init__(self, ns, *command):
        self.text = ""
        self.proc = ns.popen(*command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             stdin=subprocess.DEVNULL, text=True, errors="replace")
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        for line in self.proc.stdout:
            self.text += line

    def lines(self):
        return self.text.splitlines()

    def wait(self, *words, seconds=5.0, since=0):
        wait_for(lambda: all(word in self.text[since:] for word in words), seconds,
                 "output with %s; so far %r" % (words, self.text[since:]))

    def close(self):
        self.proc.kill()
        self.proc.wait()
        self._thread.join()
        self.proc.stdout.close()


def gone(pid):
    """Has the process ended? One that nobody has reaped yet has."""
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as f:
            return f.read().rsplit(")", 1)[1].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


class Ns:
    """One network namespace. As a context it moves the calling thread there and back."""

    def __init__(self, label, name):
        self.label = label
        self.name = name
        self.path = "/run/netns/" + name
        self._home = threading.local()

    def __enter__(self):
        stack = self._home.__dict__.setdefault("stack", [])
        stack.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC))
        fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        _setns(fd)
        os.close(fd)
        return self

    def __exit__(self, *exc):
        fd = self._home.stack.pop()
        _setns(fd)
        os.close(fd)

    def socket(self, family=socket.AF_INET, kind=socket.SOCK_STREAM, proto=0):
        with self:
            return socket.socket(family, kind, proto)

    def popen(self, *command, **kwargs):
        with self:
            return subprocess.Popen([str(c) for c in command], **kwargs)

    def run(self, *command, check=True, timeout=20, **kwargs):
        """Runs a program to its end; returns the CompletedProcess with text output."""
        with self:
            done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
                                  errors="replace", timeout=timeout * PATIENCE, check=False,
                                  **kwargs)
        if check and done.returncode:
            raise AssertionError("%s: %s: exit %d\n%s" % (
                self.label, " ".join(map(str, command)), done.returncode, done.stdout))
        return done

    def ip(self, *args):
        """ip(8) with the words of each argument: ns.ip("link set lan0 up", "addr add ...")."""
        batch("".join(line + "\n" for line in args), "-n", self.name)

    def sysctl(self, key, value):
        with self:
            with open("/proc/sys/" + key.replace(".", "/"), "w", encoding="ascii") as f:
                f.write(str(value))

    def nft(self, *args, check=True):
        return self.run("nft", *args, check=check).stdout


def _setns(fd):
    if _libc.setns(fd, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def batch(lines, *options):
    done = subprocess.run(["ip", *options, "-batch", "-"], input=lines, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise AssertionError("ip -batch: %s\n%s" % (done.stdout, lines))


def sweep():
    """Removes namespaces that a killed run left behind."""
    for name in os.listdir("/run/netns") if os.path.isdir("/run/netns") else []:
        match = re.fullmatch(PREFIX + r"(\d+)\..*", name)
        if match and not os.path.exists("/proc/" + match.group(1)):
            subprocess.run(["ip", "netns", "del", name], check=False)


class Network:
    """Namespaces and the cables between them, and the daemons and servers started in them."""

    _made = 0
    probes = {}  # LAN of a daemon -> (host on it, the gateway's address there)

    def __init__(self):
        sweep()
        Network._made += 1
        self._tag = "%s%d.%d" % (PREFIX, os.getpid(), Network._made)
        self.tmp = tempfile.mkdtemp(prefix="portreeve-lab-")
        os.chmod(self.tmp, 0o755)
        self.spaces = {}
        self.closing = []  # what to stop before the namespaces go
        self._daemons = 0
        try:
            self._build()
        except BaseException:
            self.close()
            raise

    def __getattr__(self, label):
        try:
            return self.__dict__["spaces"][label]
        except KeyError:
            raise AttributeError(label) from None

    def _build(self):
        """What is there from the start."""
        self.add_spaces("sw")

    def add_spaces(self, *labels):
        """New namespaces. The one called sw holds the bridges."""
        made = [Ns(label, "%s.%s" % (self._tag, label)) for label in labels]
        self.spaces.update((ns.label, ns) for ns in made)
        batch("".join("netns add %s\n" % ns.name for ns in made))
        for ns in made:
            # Without duplicate address detection an interface is usable at once.
            ns.sysctl("net.ipv6.conf.default.accept_dad", 0)
        return made

    def add_bridges(self, *names):
        self.sw.ip(*("link add %s type bridge mcast_snooping 0" % b for b in names),
                   *("link set %s up" % b for b in names))

    def add_ipv6(self):
        """Gives everybody addresses of 2001:db8::/32 as well, and lets the gateway forward."""
        self.gw.sysctl("net.ipv6.conf.all.forwarding", 1)
        self.gw.ip(*("addr add %s/64 dev %s" % pair for pair in (
            (WAN6_GW, "wan0"), (LAN0_GW6, "lan0"), (LAN1_GW6, "lan1"))))
        for ns, address, via in ((self.wan, WAN6_HOST, WAN6_GW), (self.wan2, WAN6_HOST2, WAN6_GW),
                                 (self.a, HOST6_A, LAN0_GW6), (self.b, HOST6_B, LAN0_GW6),
                                 (self.c, HOST6_C, LAN1_GW6)):
            ns.ip("addr add %s/64 dev eth0" % address, "route add default via " + via)
            with ns.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
                sock.sendto(b"", (via, 9))  # and the gateway knows whose it is

    def cable(self, ns, ifname, bridge):
        """
        A new interface in @ns, down, plugged into a bridge. One that is made again has the hardware
        address of the old one, as a real card would: the neighbours remember it.
        """
        port = "%s-%s" % (ns.label, ifname)
        mac = "02:00:" + zlib.crc32(port.encode()).to_bytes(4, "big").hex(":")
        batch("link add name %s netns %s address %s type veth peer name %s netns %s\n" % (
            ifname, ns.name, mac, port, self.sw.name))
        self.sw.ip("link set %s master %s" % (port, bridge), "link set %s up" % port)

    def daemon(self, *args, **kwargs):
        """A Daemon with directories of its own, not started yet."""
        self._daemons += 1
        base = os.path.join(self.tmp, "d%d" % self._daemons)
        os.mkdir(base)
        daemon = Daemon(self, base, *args, **kwargs)
        self.closing.append(daemon)
        return daemon

    def start(self, *args, **kwargs):
        return self.daemon(*args, **kwargs).start()

    def write_conf(self, text):
        """The configuration file of the gateway, for its daemon's -c; its path."""
        path = os.path.join(self.tmp, "portreeve.conf")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def close(self):
        for thing in reversed(self.closing):
            with contextlib.suppress(Exception):
                thing.close()
        for ns in self.spaces.values():
            subprocess.run(["ip", "netns", "del", ns.name], check=False,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        shutil.rmtree(self.tmp, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


class Lab(Network):
    """The network of the drawing above."""

    def __init__(self, second_lan=True):
        self.second_lan = second_lan
        super().__init__()
        self.probes = {"lan0": (self.a, LAN0_GW), "lan1": (self.c, LAN1_GW)}

    def _build(self):
        self.add_spaces("sw", "gw", "wan", "wan2", "a", "b", "c")
        self.add_bridges("brw", "br0", "br1")
        self.gw.ip("link set lo up")
        self.gw.sysctl("net.ipv4.ip_forward", 1)
        self.plug_wan()
        self.plug_lan("lan0", "br0", LAN0_GW)
        if self.second_lan:
            self.plug_lan("lan1", "br1", LAN1_GW)
        for ns, bridge, address, via in (
                (self.wan, "brw", WAN_HOST, None), (self.wan2, "brw", WAN_HOST2, None),
                (self.a, "br0", HOST_A, LAN0_GW), (self.b, "br0", HOST_B, LAN0_GW),
                (self.c, "br1", HOST_C, LAN1_GW)):
            self.cable(ns, "eth0", bridge)
            ns.ip("link set lo up", "addr add %s/24 dev eth0" % address, "link set eth0 up",
                  *(["route add default via " + via] if via else []))
        # Whole offloaded segments with unfinished checksums confuse nobody here but sniffers.

    def plug_wan(self, address=WAN_GW):
        self.cable(self.gw, "wan0", "brw")
        self.gw.ip("link set wan0 up", "addr add %s/24 dev wan0" % address,
                   "route add default via " + WAN_HOST)

    def plug_lan(self, ifname, bridge, address):
        self.cable(self.gw, ifname, bridge)
        self.gw.ip("addr add %s/24 dev %s" % (address, ifname), "link set %s up" % ifname)

    def unplug(self, ifname):
        self.gw.ip("link del " + ifname)

    def hosts(self):
        return {"a": HOST_A, "b": HOST_B, "c": HOST_C}


class Daemon:
    """One portreeved in a gateway's namespace, with its own run and state directories."""

    def __init__(self, lab, base, *args, wan="wan0", lans=None, wrap=(), ns=None, probes=None):
        self.lab = lab
        self.ns = ns or lab.gw
        self.run_dir = os.path.join(base, "run")
        self.state_dir = os.path.join(base, "state")
        self.log_path = os.path.join(base, "log")
        os.mkdir(self.run_dir)
        os.mkdir(self.state_dir)
        self.args = list(args)
        self.wan = wan
        self.lans = lans if lans is not None else ["lan0"] + ["lan1"] * lab.second_lan
        self.probes = lab.probes if probes is None else probes
        self.wrap = list(wrap)
        self.proc = None

    def command(self):
        interfaces = ["--wan", self.wan] if self.wan else []
        for lan in self.lans:
            interfaces += ["--lan", lan]
        return [*self.wrap, os.path.join(STAGE, "sbin", "portreeved"), "--run-dir", self.run_dir,
                "--state-dir", self.state_dir, *interfaces, *self.args]

    def start(self, wait=True):
        with open(self.log_path, "ab") as log:
            self.proc = self.ns.popen(*self.command(), stdout=log, stderr=log,
                                      stdin=subprocess.DEVNULL, start_new_session=True)
        if wait:
            self.wait_serving()
        return self

    @property
    def pid(self):
        return self.proc.pid

    def alive(self):
        return self.proc is not None and self.proc.poll() is None

    def wait_serving(self, seconds=10):
        """Every LAN that should be served answers HTTP."""
        def check():
            if not self.alive():
                raise AssertionError("portreeved ended with %s\n%s" % (
                    self.proc.returncode, self.log()))
            return all(self.answers(lan) for lan in self.lans)
        try:
            wait_for(check, seconds, "serving on " + ", ".join(self.lans))
        except AssertionError:
            print(self.log())
            raise

    def answers(self, lan, address=None):
        """Does a host on @lan get the description?"""
        ns, usual = self.probes[lan]
        address = address or usual
        sock = ns.socket()
        sock.settimeout(0.5)
        try:
            sock.connect((address, HTTP_PORT))
            sock.sendall(b"GET /description.xml HTTP/1.1\r\nHost: %s:%d\r\nConnection: close\r\n\r\n"
                         % (address.encode(), HTTP_PORT))
            return sock.recv(64).startswith(b"HTTP/1.1 200 ")
        except OSError:
            return False
        finally:
            sock.close()

    def processes(self):
        """{"portreeve-core": [pid], "portreeve-upnp": [pid, ...]}: the supervisor's children."""
        found = {}
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                with open("/proc/%s/stat" % entry, encoding="utf-8", errors="replace") as f:
                    head, tail = f.read().rsplit(")", 1)
                state, ppid = tail.split()[:2]
                if int(ppid) == self.root_pid() and state != "Z":
                    found.setdefault(head.split("(", 1)[1], []).append(int(entry))
            except (OSError, ValueError):
                continue
        return found

    def root_pid(self):
        return self.pid

    def core_pid(self):
        return self.processes()["portreeve-core"][0]

    def worker_pid(self, lan="lan0"):
        """From the process list: the worker whose options name that LAN."""
        for pid in self.processes().get("portreeve-upnp", []):
            with contextlib.suppress(OSError):
                with open("/proc/%d/cmdline" % pid, "rb") as f:
                    if lan.encode() in f.read().split(b"\0"):
                        return pid
        return None

    def all_pids(self):
        return [self.pid, *(p for pids in self.processes().values() for p in pids)]

    def log(self, since=0):
        with open(self.log_path, "rb") as f:
            f.seek(since)
            return f.read().decode(errors="replace")

    def log_size(self):
        return os.path.getsize(self.log_path)

    def wait_log(self, pattern, seconds=2, since=0):
        return wait_for(lambda: re.search(pattern, self.log(since)), seconds,
                        "log line like %r" % pattern)

    def control(self, verb, **fields):
        """One request on the control socket: the parsed answer."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with sock:
            sock.settimeout(5 * PATIENCE)
            sock.connect(os.path.join(self.run_dir, "control.sock"))
            sock.sendall(json.dumps({"verb": verb, **fields}).encode() + b"\n")
            data = b""
            while not data.endswith(b"\n"):
                piece = sock.recv(65536)
                if not piece:
                    raise AssertionError("the control socket closed after %r" % data)
                data += piece
        return json.loads(data)

    def cli(self, *args, check=True, **kwargs):
        """The real portreeve; the CompletedProcess."""
        return self.ns.run(os.path.join(STAGE, "bin", "portreeve"), args[0], "--run-dir",
                           self.run_dir, *args[1:], check=check, **kwargs)

    def cli_json(self, *args):
        return json.loads(self.cli(*args, "--json").stdout)

    def status(self):
        return self.control("status")

    def status_if_up(self):
        """The status, or None as long as nobody listens: the socket is there a moment before."""
        try:
            return self.status()
        except OSError:
            return None

    def mappings(self):
        """All of them, page by page."""
        found, after = [], 0
        while after is not None:
            page = self.control("list", after=after, limit=500)
            found += page["mappings"]
            after = page.get("next")
        return found

    def pinholes(self):
        return self.cli_json("list")["pinholes"]

    def reload(self):
        """Has the configuration read again; it is in force when this returns."""
        since = self.log_size()
        self.cli("reload")
        self.wait_log("configuration (was )?read again", since=since)

    def clear(self):
        for mapping in self.mappings():
            self.control("delete", id=mapping["id"])

    def signal(self, number):
        os.kill(self.pid, number)

    def stop(self, seconds=5):
        """SIGTERM, then the exit status."""
        if not self.alive():
            return self.proc.returncode if self.proc else None
        self.proc.send_signal(signal.SIGTERM)
        try:
            return self.proc.wait(seconds * PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError("portreeved did not stop\n" + self.log()) from None

    def kill_all(self):
        """SIGKILL to every process at once, as power loss would."""
        pids = self.all_pids()
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.proc.wait()
        wait_for(lambda: all(map(gone, pids)), 5, "all processes gone")

    def restart(self, wait=True):
        assert self.stop() == 0
        return self.start(wait)

    def close(self):
        if self.proc is None:
            return
        children = [p for pids in self.processes().values() for p in pids] if self.alive() else []
        try:
            self.stop()
        except AssertionError:
            for pid in [*children, self.pid]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.proc.wait()


def same_network(address, network):
    return ipaddress.ip_address(address) in ipaddress.ip_network(network)
