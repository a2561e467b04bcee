# SPDX-License-Identifier: GPL-2.0-or-later
"""What README.md shows is what the programs print, so that it does not grow old unnoticed."""
import os
import re
import subprocess
import tempfile

import pytest

from lab import HOST_A, STAGE, TOP

with open(os.path.join(TOP, "README.md"), encoding="utf-8") as f:
    README = f.read()


def blocks():
    """The indented blocks, without the indent."""
    found = re.findall(r"(?:^    .*\n|^\n(?=    ))+", README, re.M)
    return [re.sub("^    ", "", block.strip("\n"), flags=re.M) for block in found]


def sample(command):
    """What stands below "$ command"."""
    text = "\n\n".join(blocks())
    match = re.search(r"^\$ %s\n(.*?)(?=^\$ |\n\n|\Z)" % re.escape(command), text, re.M | re.S)
    assert match, command
    return match.group(1)


CONF = "/etc/portreeve/portreeve.conf"  # as the sample has it
with tempfile.NamedTemporaryFile("w", suffix=".conf", delete=False) as given:
    # The rule stands where the sample says.
    line = int(re.search(r"%s:(\d+)\." % re.escape(CONF), README).group(1))
    given.write("\n" * (line - 1) + next(b for b in blocks() if b.startswith("rule ")) + "\n")
OPTIONS = ["-c", given.name]


@pytest.fixture(scope="module", autouse=True)
def tidy():
    yield
    os.unlink(given.name)


def test_a_newcomer_needs_two_commands():
    commands = [line.split("#")[0].strip() for line in blocks()[0].splitlines()]
    assert commands == ["./bootstrap demo", "./bootstrap check"]


def test_it_is_two_screens():
    lines = README.splitlines()
    assert len(lines) <= 80 and max(map(len, lines)) <= 108


def test_the_status_shown_has_the_lines_of_a_real_one(gateway, igd):
    def labels(text):
        return [re.match(r"\S+", line).group() for line in text.splitlines() if line[:1].strip()]
    shown = labels(sample("portreeve status"))
    assert len(shown) >= 5
    assert set(shown) <= set(labels(gateway.cli("status").stdout))


def test_the_list_shown_has_the_columns_of_a_real_one(gateway, igd):
    igd.add("TCP", 5000, HOST_A)
    shown = sample("portreeve list").splitlines()
    assert shown[0].split() == gateway.cli("list").stdout.splitlines()[0].split()
    assert len(shown) == 4


@pytest.mark.parametrize("words", re.findall(r"^    \$ portreeve (explain .*)$", README, re.M))
def test_the_explanation_shown_is_the_real_one(gateway, words):
    """With the rule of the other sample. Where lines are broken depends on the file's name."""
    said = gateway.cli(*words.split()).stdout.replace(given.name, CONF)
    assert sample("portreeve " + words).split() == said.split()


def test_the_verbs_and_files_named_are_there():
    usage = subprocess.run([os.path.join(STAGE, "bin", "portreeve"), "--help"],
                           stdout=subprocess.PIPE, text=True, check=True).stdout
    named = set(re.findall(r"`([a-z]+)[a-z ]*`[,( ]", README.split("More verbs:")[1].split("\n\n")[0]))
    named |= set(re.findall(r"^\$ portreeve (\w+)", "\n".join(blocks()), re.M))
    assert len(named) > 6
    for verb in named - {"portreeve"}:
        assert re.search(r"^  %s\b" % verb, usage, re.M), verb
    for name in re.findall(r"`((?:doc|bench)/[\w./]*)`", README):
        assert os.path.exists(os.path.join(TOP, name)), name


def test_the_rule_shown_is_one_that_the_daemon_takes(tmp_path):
    rule = next(block for block in blocks() if block.startswith("rule "))
    path = tmp_path / "portreeve.conf"
    path.write_text(rule + "\n")
    done = subprocess.run([os.path.join(STAGE, "sbin", "portreeved"), "-c", str(path),
                           "--check-config"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    assert done.returncode == 0, done.stdout
