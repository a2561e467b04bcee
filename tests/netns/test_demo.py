# SPDX-License-Identifier: GPL-2.0-or-later
"""What a newcomer runs first."""
import os
import shutil
import signal
import subprocess

import pytest

from lab import STAGE, TOP, Output, wait_for


class Here:
    """Starts programs where we are, with the Ns interface that Output needs."""

    @staticmethod
    def popen(*command, **kwargs):
        return subprocess.Popen(command, env={**os.environ, "PORTREEVE_STAGE": STAGE}, **kwargs)


@pytest.fixture
def demo(keep):
    return keep(Output(Here, "/usr/bin/python3", "-B", os.path.join(TOP, "scripts", "demo")))


def nothing_left_of(pid):
    return not any(name.startswith("prv%d." % pid) for name in os.listdir("/run/netns"))


def test_the_demo_sees_all_it_shows(demo):
    assert demo.proc.wait(60) == 0, demo.text
    demo.wait("all of it was seen")
    assert "MISSING" not in demo.text
    assert nothing_left_of(demo.proc.pid)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_nothing(demo, number):
    demo.wait("looks for a gateway", seconds=20)
    demo.proc.send_signal(number)
    assert demo.proc.wait(10) == 130
    wait_for(lambda: nothing_left_of(demo.proc.pid), 1, "namespaces gone")


def test_bootstrap_explains_itself():
    def bootstrap(*words):
        return subprocess.run([os.path.join(TOP, "bootstrap"), *words], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
    for words in ((), ("help",), ("--help",)):
        done = bootstrap(*words)
        assert done.returncode == 0
        assert all(verb in done.stdout for verb in ("deps", "build", "demo", "check"))
    assert bootstrap("frobnicate").returncode == 2
    assert bootstrap("demo", "more").returncode != 0


def test_a_checkout_that_cannot_be_built_is_said_in_plain_words(tmp_path):
    """Autoconf takes no blanks in paths."""
    (tmp_path / "a b").mkdir()
    shutil.copy(os.path.join(TOP, "bootstrap"), tmp_path / "a b")
    done = subprocess.run([str(tmp_path / "a b" / "bootstrap"), "build"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 1
    assert "blank" in done.stdout and str(tmp_path / "a b") in done.stdout


@pytest.mark.parametrize("candidate,words", [
    ("(none)", "deps: apt has no python3-async-upnp-client here"),
    ("0.44.0-1", "installing with apt: python3-async-upnp-client"),
])
def test_bootstrap_takes_what_later_releases_have_where_apt_has_it(tmp_path, candidate, words):
    for name, text in {
            "dpkg-query": 'case "$*" in *async-upnp*) ;; *) printf installed ;; esac',
            "apt-cache": 'printf "%%s:\\n  Candidate: %s\\n" "$2"' % candidate,
            "apt-get": "exit 1",
            "sh": 'echo "installed: ${*:4}"'}.items():  # what apt_install does it does in a sh
        (tmp_path / name).write_text("#!/bin/bash\n%s\n" % text)
        (tmp_path / name).chmod(0o755)
    done = subprocess.run([os.path.join(TOP, "bootstrap"), "deps"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False,
                          env={**os.environ, "PATH": "%s:%s" % (tmp_path, os.environ["PATH"])})
    assert done.returncode == 0, done.stdout
    assert words in done.stdout
    assert ("installed: python3-async-upnp-client" in done.stdout) == (candidate != "(none)")
