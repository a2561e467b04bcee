# SPDX-License-Identifier: GPL-2.0-or-later
"""What is measured of one side, and how."""
import contextlib
import os
import socket
import time

from sides import (N_CLIENTS, N_STRANGERS, NOWHERE, PORT_BASE, STRANGERS, WAN_GATEWAY,
                   Failed)

ACTIONS = ("AddPortMapping", "refresh", "GetSpecific", "GetExternalIP", "DeletePortMapping")
SOAP_NAME = {"refresh": "AddPortMapping", "GetSpecific": "GetSpecificPortMappingEntry",
             "GetExternalIP": "GetExternalIPAddress"}


class Account:
    """
    CPU time of all processes of a side, by a control group of theirs: exact, and threads that end
    are not forgotten. Where none can be made the scheduler's counts of the living threads do.
    """

    KINDS = (("/sys/fs/cgroup/cpuacct", "cpuacct.usage", 1000),  # version 1, ns
             ("/sys/fs/cgroup", "cpu.stat", 1))                  # version 2, usage_usec first

    def __init__(self, side):
        self.side = side
        self.path = None
        for base, self.file, self.divisor in self.KINDS:
            path = "%s/portreeve-bench-%s" % (base, side.gateway.gw.name)
            try:
                os.mkdir(path)
                self.path = path
                for pid in side.pids():
                    with open(path + "/cgroup.procs", "w", encoding="ascii") as f:
                        f.write(str(pid))
                self.cpu_us()
                return
            except OSError:
                self.close()

    def cpu_us(self):
        if not self.path:
            return sum(cpu for cpu, _ in threads(self.side.pids()).values())
        with open("%s/%s" % (self.path, self.file), encoding="ascii") as f:
            return int(f.readline().split()[-1]) / self.divisor

    def close(self):
        """After the processes have gone."""
        if self.path:
            with contextlib.suppress(OSError):
                os.rmdir(self.path)
        self.path = None


def threads(pids):
    """{(pid, tid): (CPU in us, context switches)} of all that live."""
    found = {}
    for pid in pids:
        with contextlib.suppress(OSError):
            for tid in os.listdir("/proc/%d/task" % pid):
                base = "/proc/%d/task/%s/" % (pid, tid)
                with contextlib.suppress(OSError), \
                        open(base + "schedstat", encoding="ascii") as cpu, \
                        open(base + "status", encoding="utf-8") as status:
                    found[pid, tid] = (int(cpu.read().split()[0]) / 1000,
                                       sum(int(line.split()[1]) for line in status
                                           if "ctxt_switches" in line))
    return found


def switches(before, after):
    """Times that a thread was put on a processor between two looks at threads()."""
    return sum(n - before.get(thread, (0, 0))[1] for thread, (_, n) in after.items())


def pss_kib(pids):
    total = 0
    for pid in pids:
        with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as f:
            total += next(int(line.split()[1]) for line in f if line.startswith("Pss:"))
    return total


class Sum:
    """What several runs of one action come to."""

    def __init__(self):
        self.ok = self.made = 0
        self.seconds = self.cpu_us = 0.0
        self.latencies_us = []

    def add(self, done, cpu_us):
        self.ok += done["ok"]
        self.made += done["made"]
        self.seconds += done["seconds"]
        self.cpu_us += cpu_us
        self.latencies_us += done["latencies_us"]


def requests(side, clients, count, repeats, seconds):
    """
    One round: {action: Sum}. @count fresh mappings above the side's own are added, refreshed, asked
    for and deleted again, @repeats times: so few at a time that their own number does not matter.
    An action is cut off after @seconds, but what was added is deleted whatever it takes.
    """
    account = side.account = side.account or Account(side)
    results = {action: Sum() for action in ACTIONS}
    for _ in range(repeats):
        there = count
        for action in ACTIONS:
            begun_us = account.cpu_us()
            done = side.soap(SOAP_NAME.get(action, action), side.size, there, clients,
                             seconds if action != "DeletePortMapping" else 120)
            results[action].add(done, account.cpu_us() - begun_us)
            if not done["made"]:
                raise Failed("no request was answered")
            if action == "AddPortMapping":
                there = done["made"]
    return results


def sink(side, index):
    """A socket that takes what arrives for mapping @index, and throws it away soon."""
    sock = side.gateway.lan.socket(kind=socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    sock.bind(("192.168.77.%d" % (2 + index % N_CLIENTS), PORT_BASE + index))
    return sock


def send_flows(side, target, port, first, count, seconds, cpu):
    return side.tools.load(side.gateway.wan, "flows", "--to", "%s:%d" % (target, port),
                           "--sources", "%s/%d" % (STRANGERS, N_STRANGERS), "--first", first,
                           "--count", count, "--seconds", seconds, "--cpu", cpu)


def flows(side, index, count, seconds, cpu):
    """
    New flows through mapping @index: microseconds of CPU of each. All work is done on one processor
    while the sender waits, so its time is the cost; what sending alone takes is subtracted.
    """
    port = PORT_BASE + index
    with sink(side, index):
        side.tools.load(side.gateway.gw, "forget")
        send_flows(side, WAN_GATEWAY, port, 0, 64, 5, cpu)  # neighbours get to know each other
        time.sleep(0.05)
        before = side.gateway.lan_packets()
        done = send_flows(side, WAN_GATEWAY, port, 64, count, seconds, cpu)
        arrived = side.gateway.lan_packets() - before
        side.tools.load(side.gateway.gw, "forget")
    if arrived < done["sent"] * 0.99:
        raise Failed("of %d flows only %d came through" % (done["sent"], arrived))
    bare = send_flows(side, NOWHERE, port, 0, count, seconds, cpu)
    each_us = done["seconds"] / done["sent"] * 1e6
    return {"cpu_us": each_us - bare["seconds"] / bare["sent"] * 1e6, "rate": 1e6 / each_us}


def restart(side, seconds):
    """Seconds from the start to the first answer, with what was stored and an empty kernel."""
    side.stop()
    side.forget_kernel()
    return side.start(seconds)
