# SPDX-License-Identifier: GPL-2.0-or-later
"""
The manual pages against what the programs do: signals, files, exit statuses. That every key, verb and
option has its place is compared with the tables in tests/unit/test_man.c.
"""
import os
import re
import shutil
import signal
import subprocess

import pytest

from lab import HOST_A, STAGE, TOP

WHEN_SHARING = ("changed", "dnsmasq.conf", "dhcp.leases")  # and something had to be done
PAGES = ("portreeve.1", "portreeve.conf.5", "portreeved.8")


def page(name):
    with open(os.path.join(TOP, "doc", name), encoding="utf-8") as f:
        return f.read()


def section(name, title):
    match = re.search(r"^\.Sh %s\n(.*?)(?=^\.Sh |\Z)" % title, page(name), re.M | re.S)
    assert match, "%s has no section %s" % (name, title)
    return match.group(1)


def items(name, title):
    """The heads of a section's list, with what was said of each."""
    parts = re.split(r"^\.It ", section(name, title), flags=re.M)[1:]
    return dict(part.split("\n", 1) for part in parts)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_clean(name):
    path = os.path.join(TOP, "doc", name)
    for command in (["groff", "-ww", "-mdoc", "-Tutf8", "-z", path],
                    ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", path]):
        if not shutil.which(command[0]):
            pytest.skip(command[0] + " is not installed")
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                              check=False, env={**os.environ, "LC_ALL": "C.UTF-8"})
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_its_sections_in_the_usual_order(name):
    titles = re.findall(r"^\.Sh (.*)$", page(name), re.M)
    usual = ["NAME", "SYNOPSIS", "DESCRIPTION", "ENVIRONMENT", "FILES", "EXIT STATUS", "EXAMPLES",
             "SEE ALSO"]
    if name == "portreeve.conf.5":
        usual.remove("EXIT STATUS")
    present = [title for title in titles if title in usual]
    assert present == [title for title in usual if title in titles]
    assert {"NAME", "DESCRIPTION", "FILES", "EXAMPLES", "SEE ALSO"} <= set(titles)
    assert ("EXIT STATUS" in titles) == (name != "portreeve.conf.5")


def test_the_pages_lead_to_each_other():
    for name in PAGES:
        others = {tuple(other.rsplit(".", 1)) for other in PAGES if other != name}
        assert others <= set(re.findall(r"^\.Xr (\S+) (\d)", section(name, "SEE ALSO"), re.M))


def masks(pid):
    """Signals that the process has blocked (it reads them from a descriptor), catches or ignores."""
    with open("/proc/%d/status" % pid, encoding="ascii") as f:
        status = dict(re.findall(r"^(Sig(?:Blk|Cgt|Ign)):\s+([0-9a-f]+)$", f.read(), re.M))
    return {key: {signal.Signals(n + 1) for n in range(31) if int(mask, 16) >> n & 1}
            for key, mask in status.items()}


def test_signals(gateway):
    told = {signal.Signals["SIG" + word] for head in items("portreeved.8", "SIGNALS")
            for word in re.findall(r"SIG(\w+)", head)}
    handled = masks(gateway.pid)
    taken = (handled["SigBlk"] | handled["SigCgt"]) - {signal.SIGCHLD}  # of its own children
    assert told == taken | {signal.SIGKILL}
    inherited = {n for n in signal.Signals if signal.getsignal(n) == signal.SIG_IGN}
    assert handled["SigIgn"] <= {signal.SIGPIPE} | inherited


def test_files_of_the_running_daemon(gateway, igd):
    igd.add("TCP", 5000, HOST_A)
    told = section("portreeved.8", "FILES")
    names = set(re.findall(r"\bPa (?:\S*/)?([\w.-]+)$", told, re.M))
    for folder in (gateway.run_dir, gateway.state_dir):
        for name in os.listdir(folder):
            assert re.sub("-(wal|shm)$", "", name) in names, name + " is not in portreeved(8)"
    for head in items("portreeved.8", "FILES"):
        place = {"/run/portreeve": gateway.run_dir, "/var/lib/portreeve": gateway.state_dir}
        folder, name = os.path.split(head.split()[1])
        if folder in place and name not in WHEN_SHARING:
            assert os.path.exists(os.path.join(place[folder], name)), head
    assert "control.sock" in section("portreeve.1", "FILES")


def test_installed_files():
    assert os.path.exists(os.path.join(STAGE, "etc/portreeve/portreeve.conf"))
    for name in ("portreeve.conf.5", "portreeved.8"):
        assert "/etc/portreeve/portreeve.conf" in section(name, "FILES")


def test_exit_statuses_of_the_cli(lab, gateway, igd):
    ctl = os.path.join(STAGE, "bin", "portreeve")
    seen = {str(gateway.cli(*words, check=False).returncode)
            for words in (("list",), ("show", 999999), ("fly",))}
    seen.add(str(lab.gw.run(ctl, "list", "--run-dir", "/nonexistent", check=False).returncode))
    assert set(items("portreeve.1", "EXIT STATUS")) == seen == set("0123")
    help_line = re.search(r"Exit status: (.*)", lab.gw.run(ctl, "--help").stdout).group(1)
    assert set(re.findall(r"\d", help_line)) == seen


def test_exit_statuses_of_the_daemon(lab, gateway):
    daemon = os.path.join(STAGE, "sbin", "portreeved")
    seen = {str(lab.gw.run(daemon, *words, check=False).returncode)
            for words in (("--check-config",), ("-c", "/nonexistent"), ("--fly",))}
    seen.add(str(lab.gw.run(*gateway.command(), check=False).returncode))
    assert set(items("portreeved.8", "EXIT STATUS")) == seen == set("012")
    help_line = re.search(r"Exit status: (.*)", lab.gw.run(daemon, "--help").stdout).group(1)
    assert set(re.findall(r"\d", help_line)) == seen
