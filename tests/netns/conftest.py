# SPDX-License-Identifier: GPL-2.0-or-later
"""
Fixtures. A module shares one gateway; its OPTIONS (a list) are the daemon's further arguments.

    lab       the namespaces alone
    gateway   with a running daemon
    igd       what host a discovers there
"""
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import igd as control_point  # noqa: E402
from lab import Lab, STAGE  # noqa: E402


def pytest_collection_modifyitems(items):
    if os.geteuid() != 0:
        pytest.exit("the namespace tests need root", 1)
    if not os.path.exists(os.path.join(STAGE, "sbin", "portreeved")):
        pytest.exit("nothing is installed in %s: ./bootstrap build" % STAGE, 1)


@pytest.fixture(scope="module")
def lab():
    made = Lab()
    yield made
    made.close()


@pytest.fixture(scope="module")
def gateway(request, lab):
    daemon = lab.start("-o", "share=yes", *getattr(request.module, "OPTIONS", []))
    yield daemon
    status = daemon.stop()
    assert status == 0, "portreeved ended with %s\n%s" % (status, daemon.log())


@pytest.fixture(scope="module")
def _igd(lab, gateway):
    return control_point.Igd.discover(lab.a)


@pytest.fixture
def igd(_igd, gateway):
    """The gateway seen from host a, with no mapping at the start of each test."""
    gateway.clear()
    return _igd


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


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_setup(item):
    item.log_starts = {}
    yield
    lab = item.funcargs.get("lab")
    for daemon in getattr(lab, "closing", []):
        if os.path.exists(getattr(daemon, "log_path", "")):
            item.log_starts[daemon.log_path] = daemon.log_size()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows what the daemons said meanwhile."""
    outcome = yield
    report = outcome.get_result()
    if not report.failed:
        return
    for daemon in getattr(item.funcargs.get("lab"), "closing", []):
        if os.path.exists(getattr(daemon, "log_path", "")):
            text = daemon.log(getattr(item, "log_starts", {}).get(daemon.log_path, 0))
            report.sections.append(("portreeved " + daemon.log_path, text[-6000:]))
