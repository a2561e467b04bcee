# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs last: the page in doc/ is what this run saw."""
import difflib
import glob
import os

import pytest

from report import PATH


def was_whole(session):
    """Every figure, and nothing left out of any."""
    figures = glob.glob(os.path.join(os.path.dirname(os.path.abspath(__file__)), "test_*.py"))
    ran = {item.path.name for item in session.items}
    return not session.config.option.keyword and ran == {os.path.basename(f) for f in figures}


def test_the_committed_page_is_what_was_seen(request, report):
    if not was_whole(request.session):
        pytest.skip("only a part of the suite ran")
    text = report.text()
    if request.config.option.write_table:
        with open(PATH, "w", encoding="utf-8") as f:
            f.write(text)
    with open(PATH, encoding="utf-8") as f:
        committed = f.read()
    assert committed == text, "\n" + "".join(difflib.unified_diff(
        committed.splitlines(True), text.splitlines(True), "committed", "seen"))
