# SPDX-License-Identifier: GPL-2.0-or-later
"""Numbers to one table, and what was promised against what was measured."""
from statistics import median

from sides import ACTIONS


def number(value):
    if value is None:
        return "n/a"
    if value >= 100:
        return "{:,.0f}".format(value)
    return "%.2f" % value if value < 10 else "%.1f" % value


def ratio(value):
    if value is None:
        return ""
    return "%.0fx" % value if value >= 10 else "%.2fx" % value


class Results:
    """Lists of values by (kind, size, what...), one of each round."""

    def __init__(self):
        self.values = {}
        self.latencies_us = {}
        self.failures = {}  # requests that failed, by (kind, size)
        self.absent = {}    # why a side was not measured

    def add(self, key, value):
        self.values.setdefault(key, []).append(value)

    def add_requests(self, key, done):
        """@done: what load.c told of one round."""
        self.add((*key, "rate"), done["ok"] / done["seconds"])
        self.add((*key, "cpu_us"), done["cpu_us"] / done["made"])
        self.latencies_us.setdefault(key, []).extend(done["latencies_us"])
        self.failures[key[:2]] = self.failures.get(key[:2], 0) + done["made"] - done["ok"]

    def percentile_us(self, percent, *key):
        """Over all requests of all rounds."""
        every = sorted(self.latencies_us.get(key, ()))
        return every[len(every) * percent // 100] if every else None

    def median(self, *key):
        values = self.values.get(key)
        return median(values) if values else None

    def over(self, above, below):
        """Median of @above over @below, round by round: both were measured one after the other."""
        pairs = [(a, b) for a, b in zip(self.values.get(above, ()), self.values.get(below, ()))
                 if b]
        return median(a / b for a, b in pairs) if pairs else None


def request_rows(res, sizes, clients):
    ours, theirs = "portreeve", "miniupnpd"
    for action in ACTIONS:
        for n in clients:
            for size in sizes:
                key = (action, n)
                cells = [action, str(n), "{:,}".format(size)]
                for kind in (ours, theirs):
                    cells += [number(value) for value in (
                        res.median(kind, size, *key, "rate"),
                        res.percentile_us(50, kind, size, *key),
                        res.percentile_us(99, kind, size, *key),
                        res.median(kind, size, *key, "cpu_us"))]
                cells += [ratio(res.over((ours, size, *key, "rate"), (theirs, size, *key, "rate"))),
                          ratio(res.over((theirs, size, *key, "cpu_us"),
                                         (ours, size, *key, "cpu_us")))]
                yield cells


OTHER_ROWS = (
    ("new flows/s, first mapping", ("flows", "first", "rate"), True),
    ("new flows/s, last mapping", ("flows", "last", "rate"), True),
    ("CPU per new flow, first, us", ("flows", "first", "cpu_us"), False),
    ("CPU per new flow, last, us", ("flows", "last", "cpu_us"), False),
    ("start to first answer, ms", ("start_ms",), False),
    ("memory of all processes (PSS), KiB", ("pss_kib",), False),
    ("wake-ups/s when idle", ("wakeups",), False),
)


def other_rows(res, sizes):
    for title, key, more_is_better in OTHER_ROWS:
        for size in sizes:
            ours, theirs = (res.median(kind, size, *key) for kind in ("portreeve", "miniupnpd"))
            better = None
            if ours and theirs:
                better = ours / theirs if more_is_better else theirs / ours
            yield [title, "{:,}".format(size), number(ours), number(theirs), ratio(better)]


def table(head, rows, left, groups=()):
    """
    Columns aligned; the first @left ones to the left. @groups: (first column, number of columns,
    title) for a line above the head.
    """
    rows = [head, *rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    lines = []
    if groups:
        line = ""
        for first, n, title in groups:
            begin = sum(widths[:first]) + 2 * first
            width = sum(widths[first:first + n]) + 2 * (n - 1)
            line = line.ljust(begin) + (" %s " % title).center(width, "-")
        lines.append(line)
    for row in rows:
        lines.append("  ".join(cell.ljust(width) if i < left else cell.rjust(width)
                               for i, (cell, width) in enumerate(zip(row, widths))).rstrip())
    lines.insert(2 if groups else 1, "-" * max(map(len, lines)))
    return "\n".join(lines)


class Goals:
    def __init__(self):
        self.rows = []
        self.missed = 0

    def check(self, what, value, limit, at_most=True, unit=""):
        if value is None:
            self.rows.append([what, "n/a", "", ""])
            return
        met = value <= limit if at_most else value >= limit
        self.missed += not met
        self.rows.append([what, "%s%s" % (number(value), unit),
                          "%s %s%s" % ("<=" if at_most else ">=", number(limit), unit),
                          "met" if met else "MISSED"])


def goals(res, sizes, clients):
    ours, theirs = "portreeve", "miniupnpd"
    largest = max(sizes)
    g = Goals()
    if largest:
        for action in ACTIONS:
            for what, flip in (("rate", True), ("cpu_us", False)):
                worst = None
                for n in clients:
                    pair = [(ours, largest, action, n, what), (ours, 0, action, n, what)]
                    value = res.over(*(reversed(pair) if flip else pair))
                    if value is not None:
                        worst = max(value, worst or 0)
                g.check("%s: %s at %d against 0" % (
                    action, "time per request" if flip else "CPU", largest), worst, 1.25, unit="x")
    costs = [res.median(ours, size, "AddPortMapping", n, "cpu_us")
             for size in sizes for n in clients]
    g.check("CPU per AddPortMapping, worst", max((c for c in costs if c), default=None), 250,
            unit=" us")
    for size, least in ((0, 1), (1000, 30)):
        if size in sizes:
            for n in clients[:1]:
                key = ("AddPortMapping", n, "rate")
                g.check("AddPortMapping at %d against miniupnpd" % size,
                        res.over((ours, size, *key), (theirs, size, *key)), least, False, "x")
    p99 = [res.percentile_us(99, ours, size, action, clients[-1])
           for size in sizes for action in ACTIONS]
    g.check("p99 with %d clients, worst" % clients[-1],
            max((p / 1000 for p in p99 if p), default=None), 20, unit=" ms")
    if largest:
        g.check("CPU per new flow at %d against 1" % largest,
                res.over((ours, largest, "flows", "last", "cpu_us"),
                         (ours, 0, "flows", "last", "cpu_us")), 1.15, unit="x")
    g.check("start with %d leases" % largest, res.median(ours, largest, "start_ms"), 1000,
            unit=" ms")
    pss = res.median(ours, largest, "pss_kib")
    g.check("memory at %d" % largest, pss / 1024 if pss else None, 12, unit=" MiB")
    wakeups = [res.median(ours, size, "wakeups") for size in sizes]
    g.check("wake-ups per second at idle", max((w for w in wakeups if w is not None),
                                               default=None), 2)
    return g


def text(res, sizes, clients, about):
    head = ["action", "clients", "mappings", "req/s", "p50 us", "p99 us", "CPU us", "req/s",
            "p50 us", "p99 us", "CPU us", "rate", "CPU"]
    parts = [about,
             table(head, list(request_rows(res, sizes, clients)), 1,
                   ((3, 4, "portreeve"), (7, 4, "miniupnpd"), (11, 2, "better by"))), "",
             table(["", "mappings", "portreeve", "miniupnpd", "better"],
                   list(other_rows(res, sizes)), 1), ""]
    g = goals(res, sizes, clients)
    parts += [table(["goal", "measured", "limit", ""], g.rows, 1), ""]
    for (kind, size), why in sorted(res.absent.items()):
        parts.append("n/a: %s at %d: %s" % (kind, size, why))
    for (kind, size), n in sorted(res.failures.items()):
        if n:
            parts.append("%d requests to %s at %d failed" % (n, kind, size))
    return "\n".join(parts).rstrip() + "\n", g.missed
