"""Holds the transcripts of both sides against each other and against the differences that are expected."""
import fnmatch

from differences import DIFFERENCES

NOTHING = "(no such step)"


def pattern(text):
    """fnmatch, where only * is special: outcomes are full of brackets."""
    return text.replace("[", "[[]").replace("?", "[?]")


def matches(text, wanted):
    return fnmatch.fnmatchcase(text, pattern(wanted))


def pairs(left, right):
    """(key, left's outcome, right's) for all keys, in the order of the left side."""
    other = dict(right)
    mine = dict(left)
    keys = [k for k, _ in left] + [k for k, _ in right if k not in mine]
    return [(k, mine.get(k, NOTHING), other.get(k, NOTHING)) for k in keys]


def expected(name, key, left, right, used):
    """Whether differences.py foresees this one; notes in `used` what did."""
    found = False
    for number, difference in enumerate(DIFFERENCES):
        for index, (scenario, step, zookeeper, synod) in enumerate(difference.steps):
            if matches(name, scenario) and matches(key, step) and matches(left, zookeeper) and matches(right, synod):
                used.add((number, index))
                found = True
    return found


def report(names, zookeeper, synod, show, complete):
    """Prints what differs; returns how many scenarios failed. With `complete`, a difference that was not seen counts too."""
    failed, used = [], set()
    for name in names:
        odd = []
        seconds = f"{zookeeper[1][name]:.1f} s and {synod[1][name]:.1f} s"
        rows = pairs(zookeeper[0][name], synod[0][name])
        for key, left, right in rows:
            same = left == right and key != "the script"
            known = not same and expected(name, key, left, right, used)
            if not same and not known:
                odd.append((key, left, right))
            if show:
                mark = "  " if same else "~ " if known else "! "
                print(f"  {mark}{key}\n        {left}" + ("" if same else f"\n        {right}"))
        if odd:
            failed.append(name)
        print(f"{'FAIL' if odd else 'ok  '} {name}: {len(rows)} steps, {len(odd)} differ ({seconds})", flush=True)
        # The first difference is the one to look at; of the rest a few, as later ones often follow from it.
        for key, left, right in odd[:8]:
            print(f"     {key}\n       ZooKeeper: {left}\n       Synod:     {right}")
        if len(odd) > 8:
            print(f"     ... and {len(odd) - 8} more")
    if complete:
        failed += vanished(used, set(failed))
    return len(failed)


def vanished(used, failed):
    """Scenarios in which an expected difference was not seen."""
    gone = []
    for number, difference in enumerate(DIFFERENCES):
        for index, (scenario, step, _, _) in enumerate(difference.steps):
            if (number, index) not in used:
                print(f"FAIL {scenario}: differences.py expects one at '{step}' ({difference.what}), and there was none")
                if scenario not in failed and scenario not in gone:
                    gone.append(scenario)
    return gone
