"""Goals of the ZooKeeper door, and the table that says which are met."""
from machine import median


class Row:
    """One line of the table. `goal` is a factor on ZooKeeper's figure of the same run, or, if `absolute`, a figure of its own; None: shown
    for what it tells."""

    def __init__(self, key, title, unit, goal, *, higher=False, absolute=False, orientation=None, shown="-"):
        self.key, self.title, self.unit, self.goal = key, title, unit, goal
        self.higher, self.absolute, self.orientation = higher, absolute, orientation
        self.shown = shown  # the goal in words

    def met(self, theirs, ours):
        limit = self.goal if self.absolute else self.goal * theirs
        return ours >= limit if self.higher else ours <= limit


ROWS = [
    Row("write", "setData", "/s", 3, higher=True, orientation=23_200, shown="3 x"),
    Row("write_cpu", "  server CPU", "us/op", 1 / 4, orientation=77, shown="1/4"),
    Row("read", "getData", "/s", 4, higher=True, orientation=70_700, shown="4 x"),
    Row("read_cpu", "  server CPU", "us/op", 1 / 5, orientation=26, shown="1/5"),
    Row("create", "create", "/s", 3, higher=True, orientation=18_800, shown="3 x"),
    Row("ephemeral", "create ephemeral sequential", "/s", 4, higher=True, orientation=11_800, shown="4 x"),
    Row("latency", "one client, one write at a time, p50", "ms", 1, orientation=0.60, shown="1 x"),
    Row("watch", "3,000 watchers, write to last event", "ms", 1 / 3, orientation=56, shown="1/3"),
    Row("connect", "2,000 sessions connecting at once", "/s", 3, higher=True, orientation=1_430, shown="3 x"),
    Row("connect_bounded", "  the same, 100 at a time", "/s", None),
    Row("memory", "memory per znode of {znodes:,}", "B", 1 / 3, orientation=726, shown="1/3"),
    Row("restart", "restart with {znodes:,} znodes", "ms", 1 / 3, orientation=2_800, shown="1/3"),
    Row("kill", "write gap, leader killed, empty tree", "ms", 130, absolute=True, orientation=410, shown="130 ms"),
    Row("kill_full", "write gap, leader killed, {znodes:,}", "ms", 130, absolute=True, orientation=1_080, shown="130 ms"),
    Row("pause", "write gap, leader paused", "ms", 1 / 10, orientation=10_650, shown="1/10"),
]


def number(value):
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def cell(values, unit):
    """The median, and from where to where if there are several."""
    if not values:
        return "-"
    text = f"{number(median(values))} {unit}" if not unit.startswith("/") else f"{number(median(values))}{unit}"
    if len(values) > 1:
        text += f" ({number(min(values))}..{number(max(values))})"
    return text


def render(results, znodes):
    """`results`: key -> name of the system -> figures of the rounds or trials. Returns the lines, and how many goals are missed."""
    header = ["what", "ZooKeeper", "Synod", "ratio", "goal", "met", "ZooKeeper in the issue"]
    lines, missed = [header], 0
    for row in ROWS:
        theirs, ours = (results.get(row.key, {}).get(name, []) for name in ("ZooKeeper", "Synod"))
        if not theirs and not ours:
            continue
        ratio = met = "-"
        if theirs and ours:
            ratio = f"{median(ours) / median(theirs):.3g}"
        if row.goal and ours and (theirs or row.absolute):
            fine = row.met(median(theirs) if theirs else 0, median(ours))
            missed += not fine
            met = "yes" if fine else "NO"
        issue = cell([row.orientation] if row.orientation else [], row.unit)
        lines.append([row.title.format(znodes=znodes), cell(theirs, row.unit), cell(ours, row.unit), ratio, row.shown, met, issue])
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    text = ["| " + " | ".join(field.ljust(width) for field, width in zip(line, widths)) + " |" for line in lines]
    text.insert(1, "| " + " | ".join("-" * width for width in widths) + " |")
    return text, missed
