# SPDX-License-Identifier: GPL-2.0-or-later
"""What is measured of one side, and how."""
import contextlib
import os
import socket
import time

from sides import (ADD, DELETE, EXTERNAL, N_CLIENTS, N_STRANGERS, NOWHERE, PORT_BASE, REFRESH,
                   SPECIFIC, STRANGERS, WAN_GATEWAY, Failed)

FLOW_RUNS = 5

class Account:
    """
    CPU time of all processes of a side, by a control group of theirs: exact, and threads that end
    are not forgotten. Without one (only cgroup version 2 there) the scheduler's counts of the
    living threads do.
    """

    BASE = "/sys/fs/cgroup/cpuacct"

    def __init__(self, side):
        self.side = side
        self.path = "%s/portreeve-bench-%s" % (self.BASE, side.gateway.gw.name)
        self.usage = None  # the file that tells ns
        try:
            os.mkdir(self.path)
            for pid in side.pids():
                with open(self.path + "/cgroup.procs", "w", encoding="ascii") as f:
                    f.write(str(pid))
            self.usage = self.path + "/cpuacct.usage"
        except OSError:
            self.close()

    def cpu_us(self):
        return sum(cpu for cpu, _ in threads(self.side.pids()).values())

    def close(self):
        """After the processes have gone."""
        with contextlib.suppress(OSError):
            os.rmdir(self.path)


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


def ask(side, actions, *args, **kwargs):
    """side.soap(), with the CPU time where the load generator could not tell it."""
    account = side.account = side.account or Account(side)
    before_us = 0 if account.usage else account.cpu_us()
    done = side.soap(actions, *args, **kwargs)
    for action, result in done.items():
        if not result["made"]:
            raise Failed("no %s was answered" % action)
        if not account.usage:  # of two actions together, shared alike
            result["cpu_us"] = (account.cpu_us() - before_us) / len(done)
    return done


def requests(side, clients, few, cycles, seconds):
    """
    One round: results by action. Add and delete take turns, @few mappings at a time above the
    side's own, so that their own number does not matter; the others ask for mappings all over the
    table. Each is cut off after @seconds. What comes first is not counted: the other sides have
    had the processor's caches since this one's last turn.
    """
    ask(side, (ADD, DELETE), few, clients, seconds, first=side.size, cycles=1)
    results = ask(side, (ADD, DELETE), few, clients, seconds, first=side.size, cycles=cycles)
    if not side.size:
        side.add(0, few)
    time.sleep(0.1)  # what deletions left to do is done
    for action in (REFRESH, SPECIFIC, EXTERNAL):
        results.update(ask(side, (action,), few * cycles, clients, seconds,
                           spread=side.size or few))
        time.sleep(0.1)
    if not side.size:
        side.remove(0, few)
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
    New flows through mapping @index, in some runs: the least microseconds that one took, and that
    sending alone takes. All work is done on one processor while the sender waits, so its time is
    the cost; what else the machine does can only add to it.
    """
    port = PORT_BASE + index
    each_us, bare_us = [], []
    with sink(side, index):
        side.tools.load(side.gateway.gw, "forget")
        send_flows(side, WAN_GATEWAY, port, 0, 64, 5, cpu)  # neighbours get to know each other
        time.sleep(0.05)
        for run in range(FLOW_RUNS):
            before = side.gateway.lan_packets()
            done = send_flows(side, WAN_GATEWAY, port, 64 + run * count, count, seconds, cpu)
            arrived = side.gateway.lan_packets() - before
            if arrived < done["sent"] * 0.99:
                raise Failed("of %d flows only %d came through" % (done["sent"], arrived))
            each_us.append(done["seconds"] / done["sent"] * 1e6)
            done = send_flows(side, NOWHERE, port, 0, count, seconds, cpu)
            bare_us.append(done["seconds"] / done["sent"] * 1e6)
        side.tools.load(side.gateway.gw, "forget")
    return {"cpu_us": min(each_us) - min(bare_us), "rate": 1e6 / min(each_us)}


def restart(side, seconds):
    """Seconds from the start to the first answer, with what was stored and an empty kernel."""
    side.stop()
    side.forget_kernel()
    return side.start(seconds)
