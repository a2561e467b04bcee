# SPDX-License-Identifier: GPL-2.0-or-later
"""
What is compared: portreeve and miniupnpd, each instance in a gateway of its own between namespaces.

    wan 203.0.113.2 --- wan0 203.0.113.1 [gw] lan0 192.168.77.1 --- lan 192.168.77.2 .. .251

The LAN host has 250 addresses and is 250 clients, so that quotas per client stay as they are.
"""
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.parse

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tests", "netns"))
from lab import Ns, batch, sweep  # noqa: E402

GATEWAY, WAN_GATEWAY, WAN_HOST = "192.168.77.1", "203.0.113.1", "203.0.113.2"
FIRST_CLIENT, N_CLIENTS = "192.168.77.2", 250
STRANGERS, N_STRANGERS = "203.0.113.100", 100
NOWHERE = "198.51.100.9"  # behind a cable whose other end drops all: what sending alone costs
PORT_BASE, LEASE_S = 10000, 86400  # as in load.c
ADD, REFRESH, SPECIFIC, EXTERNAL, DELETE = ACTIONS = (
    "AddPortMapping", "refresh", "GetSpecific", "GetExternalIP", "DeletePortMapping")
SOAP_NAME = {REFRESH: ADD, SPECIFIC: "GetSpecificPortMappingEntry",
             EXTERNAL: "GetExternalIPAddress"}
SERVICES = ("urn:schemas-upnp-org:service:WANIPConnection:1",
            "urn:schemas-upnp-org:service:WANIPConnection:2")

WARM = 100  # mappings


class Failed(Exception):
    """This side cannot be measured, and why."""


def until(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failed("%s not within %g s" % (what, seconds))
        time.sleep(0.001)


class Gateway:
    """The three namespaces of one instance."""

    made = 0

    def __init__(self):
        if not Gateway.made:
            sweep()
        Gateway.made += 1
        tag = "prv%d.bench%d" % (os.getpid(), Gateway.made)
        self.gw, self.lan, self.wan = (Ns(label, "%s.%s" % (tag, label))
                                       for label in ("gw", "lan", "wan"))
        try:
            self._build()
        except BaseException:
            self.close()
            raise

    def _build(self):
        for ns in (self.gw, self.lan, self.wan):
            batch("netns add %s\n" % ns.name)
            ns.sysctl("net.ipv6.conf.default.accept_dad", 0)
            ns.ip("link set lo up")
        for ns, inside, outside in ((self.lan, "lan0", "eth0"), (self.wan, "wan0", "eth0")):
            batch("link add name %s netns %s type veth peer name %s netns %s\n" % (
                inside, self.gw.name, outside, ns.name))
        self.gw.ip("addr add %s/24 dev lan0" % GATEWAY, "addr add %s/24 dev wan0" % WAN_GATEWAY,
                   "link set lan0 up", "link set wan0 up", "route add default via " + WAN_HOST)
        self.gw.sysctl("net.ipv4.ip_forward", 1)
        self.lan.ip(*("addr add 192.168.77.%d/24 dev eth0" % i for i in range(2, 2 + N_CLIENTS)),
                    "link set eth0 up", "route add default via " + GATEWAY)
        self.wan.ip("addr add %s/24 dev eth0" % WAN_HOST, "link set eth0 up",
                    "link add away0 type veth peer name away1", "link set away1 up",
                    "link set away0 arp off up", "addr add 198.51.100.1/24 dev away0")

    def lan_packets(self):
        """Packets that have reached the LAN host."""
        with self.lan, open("/proc/thread-self/net/dev", encoding="ascii") as f:
            for line in f:
                if line.strip().startswith("eth0:"):
                    return int(line.split(":")[1].split()[1])
        raise Failed("no eth0")

    def close(self):
        for ns in (self.gw, self.lan, self.wan):
            subprocess.run(["ip", "netns", "del", ns.name], check=False,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Side:
    """One daemon with @size mappings: started, found by SSDP, asked, stopped."""

    kind = None

    def __init__(self, tools, size):
        self.tools = tools
        self.size = size
        self.dir = os.path.join(tools.tmp, "%s-%d" % (self.kind, size))
        os.mkdir(self.dir)
        os.chmod(self.dir, 0o755)
        self.gateway = Gateway()
        self.root = None  # pid of the first process
        self.account = None  # measure.py's, of the CPU it takes; ends with the processes
        self.http = self.path = self.service = self.location_path = None

    # what each kind says for itself
    def launch(self):
        raise NotImplementedError

    def forget_kernel(self):
        """The kernel's state as after a reboot."""
        raise NotImplementedError

    def start(self, seconds=20):
        """Starts it; seconds until it has answered HTTP."""
        begun = time.monotonic()
        self.launch()
        if self.http:  # known from last time
            until(lambda: self.get(self.location_path), seconds, "an answer")
            return time.monotonic() - begun
        self.discover(seconds)
        return time.monotonic() - begun

    def discover(self, seconds):
        location = until(self.search, seconds, "an SSDP answer")
        url = urllib.parse.urlsplit(location)
        self.http = (url.hostname, url.port)
        self.location_path = url.path
        text = until(lambda: self.get(url.path), seconds, "the description")
        for service in SERVICES:
            match = re.search(r"<serviceType>%s</serviceType>.*?<controlURL>([^<]*)<" % service,
                              text, re.S)
            if match:
                self.service = service
                self.path = urllib.parse.urljoin(location, match.group(1))
                self.path = urllib.parse.urlsplit(self.path).path
                return
        raise Failed("no WANIPConnection in the description")

    def search(self):
        with self.gateway.lan.socket(kind=socket.SOCK_DGRAM) as sock:
            sock.bind((FIRST_CLIENT, 0))
            sock.settimeout(0.3)
            for target in ("urn:schemas-upnp-org:device:InternetGatewayDevice:1",
                           "upnp:rootdevice"):
                request = ("M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n"
                           "MAN: \"ssdp:discover\"\r\nMX: 1\r\nST: %s\r\n\r\n" % target)
                try:
                    sock.sendto(request.encode(), (GATEWAY, 1900))
                    answer = sock.recv(2048).decode(errors="replace")
                except OSError:
                    continue
                match = re.search(r"^LOCATION:\s*(\S+)", answer, re.M | re.I)
                if match:
                    return match.group(1)
        if not self.alive():
            raise Failed("it ended\n" + self.log())
        return None

    def get(self, path):
        with self.gateway.lan.socket() as sock:
            sock.settimeout(5)
            data = b""
            try:
                sock.bind((FIRST_CLIENT, 0))
                sock.connect(self.http)
                sock.sendall(b"GET %s HTTP/1.1\r\nHost: %s:%d\r\nConnection: close\r\n\r\n" % (
                    path.encode(), self.http[0].encode(), self.http[1]))
                while True:
                    piece = sock.recv(65536)
                    if not piece:
                        break
                    data += piece
            except OSError:
                if not self.alive():
                    raise Failed("it ended\n" + self.log()) from None
                return None
        return data.decode(errors="replace") if b" 200 " in data[:20] else None

    def soap(self, actions, count, clients=1, seconds=30, first=0, spread=0, cycles=1):
        """Runs the load generator (see load.c); the results by action."""
        usage = ["--usage", self.account.usage] if self.account and self.account.usage else []
        return dict(zip(actions, self.tools.load(
            self.gateway.lan, "soap", "--to", "%s:%d" % self.http, "--path", self.path,
            "--service", self.service, "--actions", ",".join(SOAP_NAME.get(a, a) for a in actions),
            "--sources", "%s/%d" % (FIRST_CLIENT, N_CLIENTS), "--first", first, "--count", count,
            "--spread", spread, "--cycles", cycles, "--clients", clients, "--seconds", seconds,
            *usage)))

    def add(self, first, count, clients=1, seconds=30):
        done = self.soap([ADD], count, clients, seconds, first)[ADD]
        if done["ok"] != count:
            raise Failed("only %d of %d mappings after %.0f s (%d faults, the last %d)" % (
                done["ok"], count, done["seconds"], done["faults"], done["last_fault"]))

    def remove(self, first, count):
        self.soap([DELETE], count, first=first)

    def fill(self, seconds):
        """At least a few, which go again: the first requests of a process pay for its start."""
        self.add(0, self.size or WARM, 4, seconds)
        if not self.size:
            self.remove(0, WARM)

    def alive(self):
        """Zombies do not count: whoever should reap them may take his time."""
        try:
            with open("/proc/%d/stat" % (self.root or 0), encoding="utf-8", errors="replace") as f:
                return f.read().rsplit(")", 1)[1].split()[0] != "Z"
        except OSError:
            return False

    def pids(self):
        """The first process and all that descend from it."""
        parents = {}
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                with contextlib.suppress(OSError, ValueError, IndexError):
                    with open("/proc/%s/stat" % entry, encoding="utf-8", errors="replace") as f:
                        parents[int(entry)] = int(f.read().rsplit(")", 1)[1].split()[1])
        family = [self.root]
        for pid in family:
            family += [child for child, parent in parents.items() if parent == pid]
        return family

    def stop(self):
        self.end()
        self.root = None
        if self.account:
            self.account.close()
            self.account = None

    def end(self):
        if not self.alive():
            return
        family = self.pids()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.root, signal.SIGTERM)
        try:
            until(self.gone, 5, "the end")
        except Failed:
            for pid in family:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            until(self.gone, 5, "the end")

    def gone(self):
        return not self.alive()

    def log(self):
        with contextlib.suppress(OSError):
            with open(os.path.join(self.dir, "log"), encoding="utf-8", errors="replace") as f:
                return "".join(f.readlines()[-10:])
        return ""

    def close(self):
        with contextlib.suppress(Failed, OSError):
            self.stop()
        self.gateway.close()


class Portreeve(Side):
    kind = "portreeve"

    def __init__(self, tools, size):
        super().__init__(tools, size)
        self.proc = None

    def launch(self):
        run_dir, state_dir = (os.path.join(self.dir, d) for d in ("run", "state"))
        os.makedirs(run_dir, exist_ok=True)
        os.makedirs(state_dir, exist_ok=True)
        with open(os.path.join(self.dir, "log"), "ab") as log:
            self.proc = self.gateway.gw.popen(
                os.path.join(self.tools.stage, "sbin", "portreeved"), "--wan", "wan0",
                "--lan", "lan0", "--run-dir", run_dir, "--state-dir", state_dir, "-o", "share=yes",
                "-o", "dhcp=no",  # the other one serves none, either
                "--log-level", "warn", stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)
        self.root = self.proc.pid

    def alive(self):
        return self.proc is not None and self.proc.poll() is None

    def forget_kernel(self):
        self.gateway.gw.run("nft", "delete", "table", "inet", "portreeve", check=False)


class Miniupnpd(Side):
    """Debian's, with the tables its own start script makes, and a lease file, since we store too."""

    kind = "miniupnpd"

    CONF = """\
ext_ifname=wan0
# Not an address anything is sent to: the WAN's own is from a reserved block, which it refuses.
ext_ip=9.9.9.9
listening_ip=lan0
http_port=5000
enable_natpmp=no
enable_upnp=yes
ipv6_disable=yes
lease_file={dir}/leases
secure_mode=yes
system_uptime=yes
notify_interval=900
uuid=00000000-0000-4000-8000-000000000001
allow 1024-65535 192.168.77.0/24 1024-65535
deny 0-65535 0.0.0.0/0 0-65535
"""

    TABLES = """\
table inet filter {
	chain forward {
		type filter hook forward priority 0; policy drop;
		jump miniupnpd
	}
	chain miniupnpd { }
	chain prerouting {
		type nat hook prerouting priority -100; policy accept;
		jump prerouting_miniupnpd
	}
	chain postrouting {
		type nat hook postrouting priority 100; policy accept;
		jump postrouting_miniupnpd
	}
	chain prerouting_miniupnpd { }
	chain postrouting_miniupnpd { }
}
"""

    def __init__(self, tools, size):
        super().__init__(tools, size)
        self.forget_kernel()
        self.lease_file = os.path.join(self.dir, "leases")
        with open(os.path.join(self.dir, "conf"), "w", encoding="ascii") as f:
            f.write(self.CONF.format(dir=self.dir))

    def launch(self):
        pid_file = os.path.join(self.dir, "pid")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(pid_file)
        with open(os.path.join(self.dir, "log"), "ab") as log, self.gateway.gw:
            # It goes to the background by itself; its debug mode would write a lot.
            # pylint: disable-next=consider-using-with
            starter = subprocess.Popen([self.tools.miniupnpd, "-f", os.path.join(self.dir, "conf"),
                                        "-P", pid_file], stdin=subprocess.DEVNULL, stdout=log,
                                       stderr=log, start_new_session=True)
        until(lambda: starter.poll() is not None, 5, "the step to the background")
        self.root = until(lambda: self.read_pid(pid_file), 5, "the pid file")

    @staticmethod
    def read_pid(path):
        try:
            with open(path, encoding="ascii") as f:
                return int(f.read() or 0)
        except (FileNotFoundError, ValueError):
            return None

    def forget_kernel(self):
        self.gateway.gw.run("nft", "flush", "ruleset")
        with open(os.path.join(self.dir, "tables.nft"), "w", encoding="ascii") as f:
            f.write(self.TABLES)
        self.gateway.gw.run("nft", "-f", f.name)

    def write_leases(self):
        """A lease file as it would have written it with that many mappings."""
        until_s = int(time.time()) + LEASE_S
        with open(self.lease_file, "w", encoding="ascii") as f:
            for i in range(self.size):
                port = PORT_BASE + i
                f.write("UDP:%d:192.168.77.%d:%d:%d:bench %d\n" % (
                    port, 2 + i % N_CLIENTS, port, until_s, i))


class Tools:
    """The programs that are needed, found or made."""

    def __init__(self, tmp, stage, obj):
        self.tmp = tmp
        self.stage = stage
        self.obj = obj
        self.load_path = os.path.join(obj, "bench", "load")
        self.miniupnpd = None

    def build(self):
        subprocess.run(["make", "-s", "-C", self.obj, "bench-programs"], check=True,
                       stdout=sys.stderr)

    def find_miniupnpd(self, cache):
        """Installed, or Debian's package unpacked under @cache: nothing is installed or started."""
        self.miniupnpd = shutil.which("miniupnpd", path=os.environ["PATH"] + ":/usr/sbin")
        unpacked = os.path.join(cache, "usr", "sbin", "miniupnpd")
        if not self.miniupnpd and not os.path.exists(unpacked):
            os.makedirs(cache, exist_ok=True)
            subprocess.run(["apt-get", "-q", "download", "miniupnpd-nftables"], cwd=cache,
                           check=True, stdout=sys.stderr, stderr=subprocess.DEVNULL)
            for name in os.listdir(cache):
                if name.endswith(".deb"):
                    subprocess.run(["dpkg", "-x", name, "."], cwd=cache, check=True)
        if not self.miniupnpd:
            self.miniupnpd = unpacked
        said = subprocess.run([self.miniupnpd, "--version"], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False).stdout
        if "nftables" not in said:
            raise Failed("%s does not use nftables" % self.miniupnpd)
        return said.split("\n", 1)[0]

    def load(self, ns, *args):
        done = ns.run(self.load_path, *args, timeout=300)
        return json.loads(done.stdout.strip().split("\n")[-1]) if done.stdout.strip() else None
