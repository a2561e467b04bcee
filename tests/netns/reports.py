# SPDX-License-Identifier: GPL-2.0-or-later
"""
What every conftest.py of ours has: it needs root and an installed tree, and a failed test shows
what the daemons said meanwhile. A conftest imports the names; pytest finds hooks and fixtures there.
"""
import os

import pytest

from lab import STAGE


def pytest_collection_modifyitems(items):
    if os.geteuid() != 0:
        pytest.exit("the tests between namespaces need root", 1)
    if not os.path.exists(os.path.join(STAGE, "sbin", "portreeved")):
        pytest.exit("nothing is installed in %s: ./bootstrap build" % STAGE, 1)


@pytest.fixture
def keep():
    """keep(thing) closes it at the end of the test."""
    things = []

    def add(thing):
        things.append(thing)
        return thing
    yield add
    for thing in reversed(things):
        thing.close()


def _daemons(item):
    """Those of the networks that the test uses."""
    return [daemon for network in item.funcargs.values()
            for daemon in getattr(network, "closing", [])
            if os.path.exists(getattr(daemon, "log_path", ""))]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_setup(item):
    item.log_starts = {}
    yield
    for daemon in _daemons(item):
        item.log_starts[daemon.log_path] = daemon.log_size()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if not report.failed:
        return
    for daemon in _daemons(item):
        text = daemon.log(getattr(item, "log_starts", {}).get(daemon.log_path, 0))
        report.sections.append(("portreeved " + daemon.log_path, text[-6000:]))
