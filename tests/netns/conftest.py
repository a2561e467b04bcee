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
from lab import Lab  # noqa: E402
from reports import (  # noqa: E402, F401
    keep, pytest_collection_modifyitems, pytest_runtest_makereport, pytest_runtest_setup)


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
