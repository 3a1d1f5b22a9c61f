#!/usr/bin/env python3
"""ZooKeeper's Java shell, as Debian packages it: the same commands against Synod and against ZooKeeper, line by line.

    zkcli_test.py [--against zookeeper] [--only NAME]

With --against zookeeper both sides are ZooKeeper, which tests the test.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))

from ensemble import Ensemble, EnsembleError, Scratch, arguments  # noqa: E402
from report import Report, check, equal  # noqa: E402

from sections import SECTIONS  # noqa: E402
from shell import Normalizer, Shell, once  # noqa: E402

# The server to compare with runs on ports of its own.
REFERENCE_PORTS = 20


class Side:
    """One of the two ensembles with a shell."""

    def __init__(self, ensemble):
        self.ensemble = ensemble
        self.shell = Shell(ensemble.host(1))
        self.normalizer = Normalizer(ensemble.base_port)

    def run(self, commands, events):
        """What a section's commands print, as (command, lines), and its events."""
        said = [(command, self.normalizer.lines(self.shell.run(command))) for command in commands]
        return said, self.shell.drain_events(events)


def compare(ours, theirs, commands, events):
    got, got_events = ours.run(commands, events)
    want, want_events = theirs.run(commands, events)
    differences = [f"> {command}\n  here:      {mine}\n  ZooKeeper: {other}" for (command, mine), (_, other) in zip(got, want) if mine != other]
    check(not differences, "\n".join(differences))
    equal(got_events, want_events, "events")
    equal(len(want_events), events, "events of ZooKeeper itself")
    check(any(lines for _, lines in want), "the section prints nothing")


def one_command(ours, theirs):
    """A command as arguments: what it prints, and its exit code."""
    for words in (["create", "/once", "x"], ["get", "/once"], ["get", "/nothing"], ["create", "/once"], ["ls", "-s", "/once"], ["nonsense"],
                  ["delete", "/once"]):
        # Of one server, so that a command sees what the one before it did.
        got, want = once(ours.ensemble.host(1), *words), once(theirs.ensemble.host(1), *words)
        equal((got[0], Normalizer(ours.ensemble.base_port).lines(got[1])), (want[0], Normalizer(theirs.ensemble.base_port).lines(want[1])),
              " ".join(words))


def closes(ours, theirs):
    """`close` ends the session and its ephemerals; `quit` does too."""
    for side in (ours, theirs):
        for last in ("close", ""):
            shell = Shell(side.ensemble.host(2))
            equal(shell.run("create -e /closes"), ["Created /closes"])
            side.shell.run("sync /")
            equal(side.shell.run("get -w /closes"), ["null"])
            shell.say(last)
            equal(side.shell.drain_events(1), ["NodeDeleted /closes"])
            shell.end()


def outlives_its_server(ours, _):
    """A shell whose server dies goes on with another; its ephemeral is there, its watch fires."""
    shell = Shell(ours.ensemble.hosts())
    try:
        equal(shell.run("create -e /outlives data"), ["Created /outlives"])
        shell.run("create /outlives-watched")
        shell.run("addWatch /outlives-watched")
        shell.run("get -w /outlives")
        for server in ours.ensemble.ids():
            ours.ensemble.kill(server)
            said = []
            for _ in range(40):
                said = shell.run("get /outlives")
                if said == ["data"]:
                    break
            equal(said, ["data"])
            ours.ensemble.start(server)
            ours.ensemble.wait(server)
        equal(shell.drain_events(0), [])
        check("Expired" not in shell.states(), f"{shell.states()}")
        for _ in range(40):
            if not shell.run("set /outlives new"):
                break
        shell.run("create /outlives-watched/child")
        equal(sorted(set(shell.drain_events(2))), ["NodeCreated /outlives-watched/child", "NodeDataChanged /outlives"])
    finally:
        shell.end()


def main():
    given = arguments(__doc__.splitlines()[0], 24150).parse_args()
    report, scratch = Report(given.only), Scratch("zkcli", given.data)
    ensemble = Ensemble(given.against, os.path.join(scratch.path, "ours"), given.base_port)
    reference = Ensemble("zookeeper", os.path.join(scratch.path, "reference"), given.base_port + REFERENCE_PORTS)
    sides = []
    try:
        ensemble.up()
        reference.up()
        sides = [Side(ensemble), Side(reference)]
        for name, (commands, events) in SECTIONS.items():
            report.run("zkcli." + name, compare, *sides, commands, events)
        report.run("zkcli.one_command", one_command, *sides)
        report.run("zkcli.closes", closes, *sides)
        report.run("zkcli.outlives_its_server", outlives_its_server, *sides)
    except (EnsembleError, AssertionError, OSError) as e:
        report.add("zkcli", repr(e))
    finally:
        for side in sides:
            side.shell.end()
        ensemble.down()
        reference.down()
    scratch.end(report.failed)
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
