# SPDX-License-Identifier: GPL-2.0-or-later
"""What is measured of one side, and how."""
import contextlib
import os
import socket
import time

from sides import (LEASE_S, N_CLIENTS, N_STRANGERS, NOWHERE, PORT_BASE, STRANGERS, WAN_GATEWAY,
                   Failed)

ACTIONS = ("AddPortMapping", "refresh", "GetSpecific", "GetExternalIP", "DeletePortMapping")
SOAP_NAME = {"refresh": "AddPortMapping", "GetSpecific": "GetSpecificPortMappingEntry",
             "GetExternalIP": "GetExternalIPAddress"}


def cpu_us(pids):
    """CPU time of all threads, from the scheduler's own count in ns."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for tid in os.listdir("/proc/%d/task" % pid):
                with contextlib.suppress(OSError):
                    with open("/proc/%d/task/%s/schedstat" % (pid, tid), encoding="ascii") as f:
                        total += int(f.read().split()[0])
    return total / 1000


def switches(pids):
    """Times that any thread was put on a processor since it began."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for tid in os.listdir("/proc/%d/task" % pid):
                with contextlib.suppress(OSError):
                    with open("/proc/%d/task/%s/status" % (pid, tid), encoding="utf-8") as f:
                        total += sum(int(line.split()[1]) for line in f
                                     if "ctxt_switches" in line)
    return total


def pss_kib(pids):
    total = 0
    for pid in pids:
        with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as f:
            total += next(int(line.split()[1]) for line in f if line.startswith("Pss:"))
    return total


def requests(side, clients, count, seconds):
    """
    One round of all actions on fresh mappings above the side's own: {action: result}. An action is
    cut off after @seconds, but what was added is deleted whatever it takes.
    """
    pids = side.pids()
    results = {}
    for action in ACTIONS:
        begun_us = cpu_us(pids)
        done = side.soap(SOAP_NAME.get(action, action), side.size, count, clients,
                         seconds if action != "DeletePortMapping" else 120)
        used_us = cpu_us(pids) - begun_us
        if not done["made"]:
            raise Failed("no request was answered")
        results[action] = {
            "rate": done["ok"] / done["seconds"], "cpu_us": used_us / done["made"],
            "p50_us": done["p50_us"], "p99_us": done["p99_us"], "max_us": done["max_us"],
            "failed": done["faults"] + done["errors"], "made": done["made"],
        }
        if action == "AddPortMapping":
            count = done["made"]  # the others are about those that are there
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


__all__ = ["ACTIONS", "LEASE_S", "cpu_us", "flows", "pss_kib", "requests", "restart", "switches"]
