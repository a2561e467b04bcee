# SPDX-License-Identifier: GPL-2.0-or-later
"""What the suite saw, as the page doc/scenarios.md."""
import os

from features import FEATURES, YES
from lab import TOP
from scene import DIRECTIONS

PATH = os.path.join(TOP, "doc", "scenarios.md")

HEAD = """\
# Scenarios

What programs of the messenger kind get from a gateway with portreeve, figure by figure. This page is
written by `tests/scenarios` from what it saw, and a test compares it with each run; to write it anew:

    pytest tests/scenarios --write-table

Real daemons, real packets: stations find their gateway by SSDP, map ports by SOAP, sign in at a server
with a Contact that the server has to connect to, and invite each other with the address and port that
the gateway gave them. Audio and video are RTP and RTCP pairs both ways, at UDP 5350-5353; T.120 listens
on TCP 1503, files on TCP 6891-6900 (ten at once), remote assistance on TCP 3389. The gateways are
configured with `preset = {messenger, console, strict}`, so that no other port could be had, and with
`share = yes`; that of the firewall alone with `firewall = own` and `share = no`.
"""


class Figure:
    def __init__(self, name, title, drawing):
        self.name = name        # "1", "ICF"
        self.title = title
        self.drawing = drawing
        self.rows = {}          # feature -> {direction: Outcome}
        self.notes = []         # (what, what was seen)

    def verdict(self, feature):
        """One word for the summary."""
        outcomes = self.rows.get(feature)
        if not outcomes:
            return ""
        verdicts = {outcome.verdict for outcome in outcomes.values()}
        return verdicts.pop() if len(verdicts) == 1 else "partly"


class Report:
    def __init__(self):
        self.figures = {}

    def figure(self, module):
        """That of a test module, which says FIGURE, TITLE, and draws it in its docstring."""
        if module.FIGURE not in self.figures:
            drawing = [line for line in module.__doc__.splitlines() if line.startswith("    ")]
            self.figures[module.FIGURE] = Figure(module.FIGURE, module.TITLE, drawing)
        return self.figures[module.FIGURE]

    def text(self):
        figures = [self.figures[name] for name in sorted(self.figures)]
        return "\n".join([HEAD, *summary(figures), *(
            line for figure in figures for line in section(figure))]) + "\n"


def table(head, rows):
    return ["| %s |" % " | ".join(head), "|%s" % ("---|" * len(head)),
            *("| %s |" % " | ".join(row) for row in rows)]


def summary(figures):
    features = [f for f in FEATURES if any(f in figure.rows for figure in figures)]
    return ["## Summary", "",
            *table(["", *(figure.name for figure in figures)],
                   [[feature, *(figure.verdict(feature) for figure in figures)]
                    for feature in features]), ""]


def cell(outcome):
    if outcome is None:
        return ""
    return outcome.detail if outcome.verdict == YES else "**%s**: %s" % (
        outcome.verdict, outcome.detail)


def section(figure):
    lines = ["## %s: %s" % (figure.name, figure.title), "", *figure.drawing, ""]
    if figure.rows:
        lines += table(["", *DIRECTIONS], [
            [feature, *(cell(outcomes.get(d)) for d in DIRECTIONS)]
            for feature, outcomes in figure.rows.items()]) + [""]
    for what, seen in figure.notes:
        lines.append("- %s: %s" % (what, seen))
    return lines + [""] * bool(figure.notes)

