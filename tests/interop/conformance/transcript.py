"""What a scenario saw, in a form in which two servers can be compared.

A trace is a list of steps; a step is what was asked, and what came of it: events, a reply, the end of the connection. Ids differ from
server to server and from run to run, so the parts of an outcome hold them as objects that are given names only when the scenario
has ended: zxids become z1, z2, ... in the order in which they were first seen, sessions the name of the connection that opened them.
Which of those zxids is the larger is told by a last step. Times are checked on the spot and never shown.
"""
import time


class Zxid:
    def __init__(self, value):
        self.value = value


class Owner:
    """A session id in an answer."""

    def __init__(self, value):
        self.value = value


class Step:
    def __init__(self, key):
        self.key, self.parts = key, []

    def add(self, *parts):
        """One thing that was observed, made of texts, Zxid and Owner."""
        self.parts.append(parts)


class Trace:
    def __init__(self):
        self.steps, self.sessions, self.times, self._keys = [], {}, {}, {}

    def step(self, key):
        count = self._keys[key] = self._keys.get(key, 0) + 1
        self.steps.append(Step(key if count == 1 else f"{key} #{count}"))
        return self.steps[-1]

    def forget_last(self):
        """Takes the last step back, for what is asked an unknown number of times. Returns it."""
        step = self.steps.pop()
        key, mark, count = step.key.rpartition(" #")
        key = key if mark and count.isdigit() else step.key
        self._keys[key] -= 1
        return step

    def sort_events(self):
        """Puts the events of the last step in one order, where theirs is open: the ephemerals of one session go in any (section 14)."""
        parts = self.steps[-1].parts
        parts[:-1] = sorted(parts[:-1], key=str)

    def note(self, key, outcome):
        """A step that a scenario worked out for itself."""
        self.step(key).add(outcome)

    def stat(self, stat):
        """The parts that show a Stat; its times must be the same wherever the zxid is, and about now (section 6.1)."""
        odd = ""
        for zxid, at in ((stat.czxid, stat.ctime), (stat.mzxid, stat.mtime)):
            if zxid > 0 and self.times.setdefault(zxid, at) != at:
                odd = " TWO-TIMES-FOR-ONE-ZXID"
            if zxid > 0 and abs(at / 1000 - time.time()) > 600:
                odd = " TIME-IS-NOT-NOW"
        return ("{c=", Zxid(stat.czxid), " m=", Zxid(stat.mzxid), " p=", Zxid(stat.pzxid),
                f" v={stat.version} cv={stat.cversion} av={stat.aversion} owner=", Owner(stat.owner),
                f" length={stat.length} children={stat.children}{odd}}}")

    def rendered(self):
        """Pairs of key and outcome, the order of the zxids last."""
        names = {}

        def text(part):
            if isinstance(part, Zxid):
                return str(part.value) if part.value <= 0 else names.setdefault(part.value, f"z{len(names) + 1}")
            if isinstance(part, Owner):
                return "0" if part.value == 0 else self.sessions.get(part.value, "a stranger")
            return part

        shown = [(s.key, "; ".join("".join(text(p) for p in parts) for parts in s.parts)) for s in self.steps]
        if len(names) > 1:
            shown.append(("order of the zxids", " < ".join(names[z] for z in sorted(names))))
        return shown
