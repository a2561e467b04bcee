# SPDX-License-Identifier: GPL-2.0-or-later
"""
One file is one figure: it says FIGURE and TITLE, draws the network in its docstring, and has a
fixture "scene" with two stations. What the tests see goes into the page doc/scenarios.md.
"""
import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "netns")]

from report import Report  # noqa: E402
from reports import (  # noqa: E402, F401
    keep, pytest_collection_modifyitems, pytest_runtest_makereport, pytest_runtest_setup)


def pytest_addoption(parser):
    parser.addoption("--write-table", action="store_true",
                     help="write doc/scenarios.md from what this run sees")


@pytest.fixture(scope="session")
def report():
    return Report()


@pytest.fixture
def seen(request, report):
    """seen(feature, direction, outcome) notes it for the page, and gives the outcome back."""
    def note(feature, direction, outcome):
        report.figure(request.module).rows.setdefault(feature, {})[direction] = outcome
        return outcome
    return note


@pytest.fixture
def also(request, report):
    """also(what, seen) notes what is no feature of two stations."""
    def note(what, text):
        report.figure(request.module).notes.append((what, text))
    return note
