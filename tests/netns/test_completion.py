# SPDX-License-Identifier: GPL-2.0-or-later
"""What bash and zsh propose after a part of a command line. Both are asked for real."""
import fcntl
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import termios
import time

import pytest

from lab import HOST_A, PATIENCE, STAGE, wait_for

PROGRAM = os.path.join(STAGE, "bin", "portreeve")
BASH = os.path.join(STAGE, "share/bash-completion/completions/portreeve")
ZSH = os.path.join(STAGE, "share/zsh/site-functions/_portreeve")


def usage():
    """{verb: its words}, [option] from --help, which follows the same tables."""
    text = subprocess.run([PROGRAM, "--help"], stdout=subprocess.PIPE, text=True, check=True).stdout
    verbs, options = text.split("\nVerbs:\n")[1].split("\nOptions:\n")
    return (re.findall(r"^  ([a-z]\S*)", verbs, re.M), re.findall(r"^  (--[a-z-]+)", options, re.M))


VERBS, KNOWN = usage() if os.path.exists(PROGRAM) else ([], [])


def bash(*words, cwd="/"):
    """What bash proposes for the last of @words."""
    script = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _portreeve "$1"; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "--norc", "-c", script, "bash", BASH, PROGRAM, *map(str, words)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True,
                          cwd=cwd)
    return done.stdout.split()


def test_bash_proposes_every_verb():
    assert len(VERBS) >= 7
    assert sorted(bash("")) == sorted(VERBS)
    assert bash("stat") == ["status"]
    assert bash("--json", "stat") == ["status"]
    assert bash("--socket", "status", "stat") == ["status"]  # the first is the socket's name
    assert bash("frobn") == []


@pytest.mark.parametrize("verb", VERBS)
def test_bash_proposes_the_options_that_the_verb_takes_and_no_other(verb):
    """As the program itself sees it: it complains of others before it does anything."""
    proposed = bash(verb, "--")
    assert len(proposed) == len(set(proposed)) and set(proposed) <= set(KNOWN)
    words = {"add": ["tcp", "1", HOST_A], "delete": ["1"], "show": ["1"],
             "share": ["one", "one"]}.get(verb, [])
    for option in KNOWN:
        if option in ("--help", "--version"):
            continue
        for value in ([], ["1"]):
            done = subprocess.run([PROGRAM, verb, *words, option, *value, "--run-dir", "/nonexistent"],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  check=False)
            if "does not go with" in done.stdout:
                assert option not in proposed
                break
        else:
            assert option in proposed


def test_bash_proposes_what_may_stand_at_each_place(tmp_path):
    assert bash("add", "") == ["tcp", "udp"]
    assert bash("add", "--lease", "60", "u") == ["udp"]
    assert bash("add", "tcp", "") == []
    assert bash("add", "--lease", "") == []
    assert "udp" in bash("delete", "")
    assert bash("status", "") == []
    assert bash("audit", "") == ["trail"]
    assert bash("audit", "trail", "--result", "ref") == ["refused"]
    assert bash("list", "--origin", "") == ["upnp", "static", "config"]
    assert bash("list", "--sort", "i") == ["id", "inside"]
    (tmp_path / "some.sock").write_text("")
    (tmp_path / "some.dir").mkdir()
    assert sorted(bash("--socket", "some", cwd=tmp_path)) == ["some.dir", "some.sock"]
    assert bash("list", "--run-dir", "some", cwd=tmp_path) == ["some.dir"]
    assert bash("list", "--run-dir", "=", "some", cwd=tmp_path) == ["some.dir"]


@pytest.mark.parametrize("option", ["--sort", "--origin", "--proto"])
def test_what_is_proposed_is_taken(gateway, option):
    words = bash("list", option, "")
    assert len(words) > 1
    for word in words:
        gateway.cli("list", option, word)


def test_bash_proposes_the_ids_that_there_are(gateway, igd):
    igd.add("TCP", 5000, HOST_A)
    igd.add("TCP", 5001, HOST_A)
    ids = sorted(str(m["id"]) for m in gateway.mappings())
    where = ("--run-dir", gateway.run_dir)
    assert sorted(bash(*where, "show", "")) == ids
    assert sorted(bash(*where, "delete", "")) == sorted([*ids, "tcp", "udp"])
    assert bash("--run-dir", "/nonexistent", "show", "") == []


class Zsh:
    """An interactive zsh on a terminal."""

    def __init__(self, home):
        if not shutil.which("zsh"):
            pytest.skip("zsh is not installed")
        self.text = ""
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", 50, 200, 0, 0))
        self.proc = subprocess.Popen(
            ["zsh", "-f", "-i"], stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            env={"PATH": os.path.dirname(PROGRAM) + ":/usr/bin:/bin", "TERM": "xterm",
                 "HOME": str(home), "ZDOTDIR": str(home)})
        os.close(slave)
        self.type("PS1='> '; setopt no_auto_menu; fpath=(%s $fpath); "
                  "autoload -U compinit; compinit -D -u; echo re''ady\n" % os.path.dirname(ZSH))
        self.wait("ready")

    def type(self, text):
        os.write(self.master, text.encode())

    def read(self, seconds):
        end = time.monotonic() + seconds
        while select.select([self.master], [], [], max(end - time.monotonic(), 0))[0]:
            piece = os.read(self.master, 4096).decode(errors="replace")
            self.text += re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\x00", "", piece)
            end = min(end, time.monotonic() + 0.1)

    def wait(self, *words):
        def there():
            self.read(0.05)
            return all(word in self.text for word in words)
        wait_for(there, 10, "%s on the terminal; there is %r" % (words, self.text))

    def close(self):
        self.proc.kill()
        self.proc.wait()
        os.close(self.master)


@pytest.mark.parametrize("line,seen", [
    ("portreeve ", VERBS),
    ("portreeve stat", ["portreeve stat", "us "]),
    ("portreeve add u", ["add u", "dp "]),
    ("portreeve add --", ["--lease", "--remote", "--json"]),
    ("portreeve --run-dir=RUN show ", ["show ", "ID "]),
    ("portreeve list --run-dir TMP/so", ["TMP/so", "me.dir/"]),
])
def test_zsh_proposes_the_same(gateway, igd, tmp_path, keep, line, seen):
    igd.add("TCP", 5000, HOST_A)
    (tmp_path / "some.dir").mkdir()
    zsh = keep(Zsh(tmp_path))

    def fill(text):
        for name, value in (("RUN", gateway.run_dir), ("TMP", tmp_path),
                            ("ID", gateway.mappings()[0]["id"])):
            text = text.replace(name, str(value))
        return text
    zsh.text = ""
    zsh.type(fill(line) + "\t")
    zsh.wait(*map(fill, seen))


def test_both_shells_take_their_file():
    for shell, path in (("bash", BASH), ("zsh", ZSH)):
        if shutil.which(shell):
            assert subprocess.run([shell, "-n", path], check=False).returncode == 0
    if shutil.which("shellcheck"):
        done = subprocess.run(["shellcheck", "-s", "bash", BASH], check=False,
                              stdout=subprocess.PIPE, text=True)
        assert done.returncode == 0, done.stdout
