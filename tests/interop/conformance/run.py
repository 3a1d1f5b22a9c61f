#!/usr/bin/env python3
"""Plays the same scripted sessions against ZooKeeper 3.8.0 and against Synod and compares what they answer.

    run.py [--synod BINARY] [--only GLOB] [--show] [--zookeeper-only] [--itself] [--write-docs]

--only GLOB         only scenarios whose name matches
--show              print the whole transcripts, side by side by step
--zookeeper-only    run (and show) ZooKeeper alone
--itself            compare ZooKeeper with itself: what differs is a race, or a fault of a scenario
--write-docs        write docs/zookeeper_differences.md from differences.py and stop

A step that differs and is not in differences.py fails its scenario, and so does one that is in it and differs no more.
The last line is `N passed, N failed`: one per scenario, and one for the document.
"""
import argparse
import concurrent.futures
import fnmatch
import os
import shutil
import sys
import tempfile
import time
import traceback

sys.dont_write_bytecode = True
ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
DOCUMENT = os.path.join(ROOT, "docs", "zookeeper_differences.md")

# pylint: disable=wrong-import-position
import compare
import document
import scenarios  # noqa: F401  (registers them)
import servers
from scenario import FIRST, LAST, QUICK, SCENARIOS, SLOW, Run

BASE_PORT = 26100


def play(side, name):
    """The rendered transcript of a scenario; what went wrong in the script itself is a step too."""
    run = Run(side, name)
    try:
        # The last ones end servers themselves.
        if SCENARIOS[name][1] != LAST:
            run.roles = side.find_roles()
        SCENARIOS[name][0](run)
    except Exception:  # pylint: disable=broad-except
        run.trace.note("the script", traceback.format_exc())
    finally:
        run.finish()
    return run.trace.rendered()


def play_all(side, names):
    """Transcripts by name. Slow scenarios wait most of the time, so they run beside the quick ones."""
    transcripts, seconds = {}, {}

    def timed(name):
        began = time.monotonic()
        transcripts[name] = play(side, name)
        seconds[name] = time.monotonic() - began

    chosen = {when: [n for n in names if SCENARIOS[n][1] == when] for when in (FIRST, QUICK, SLOW, LAST)}
    for name in chosen[FIRST]:
        timed(name)
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        waiting = [pool.submit(timed, name) for name in chosen[SLOW]]
        for name in chosen[QUICK]:
            timed(name)
        for future in waiting:
            future.result()
    for name in chosen[LAST]:
        timed(name)
    return transcripts, seconds


def start(sides):
    for side in sides:
        side.start()
    for side in sides:
        side.wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--synod", default=os.path.join(ROOT, "build/release/bin/synod-coordinator"))
    parser.add_argument("--only", default="*")
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--zookeeper-only", action="store_true")
    parser.add_argument("--itself", action="store_true")
    parser.add_argument("--write-docs", action="store_true")
    arguments = parser.parse_args()
    if arguments.write_docs:
        with open(DOCUMENT, "w", encoding="utf-8") as file:
            file.write(document.text())
        return 0

    began = time.monotonic()
    names = [n for n in SCENARIOS if fnmatch.fnmatch(n, arguments.only)]
    directory = tempfile.mkdtemp(prefix="conformance-")
    sides = [servers.zookeeper(directory, BASE_PORT)]
    if arguments.itself:
        sides.append(servers.zookeeper(os.path.join(directory, "again"), BASE_PORT + 50))
    elif not arguments.zookeeper_only:
        sides.append(servers.synod(directory, BASE_PORT + 50, os.path.abspath(arguments.synod)))
    try:
        start(sides)
        print(f"servers serve after {time.monotonic() - began:.1f} s", flush=True)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            played = list(pool.map(lambda side: play_all(side, names), sides))
    finally:
        for side in sides:
            side.kill()
        shutil.rmtree(directory, ignore_errors=True)

    if arguments.zookeeper_only:
        for name in names:
            print(f"==== {name} ({played[0][1][name]:.2f} s)")
            for key, outcome in played[0][0][name]:
                print(f"  {key}\n      {outcome}")
        return 0
    complete = arguments.only == "*" and not arguments.itself
    failed = compare.report(names, played[0], played[1], arguments.show, complete)
    if complete and not document.agrees(DOCUMENT):
        print(f"FAIL document: {DOCUMENT} is not what differences.py says; write it anew: run.py --write-docs")
        failed += 1
    print(f"{len(names) + complete - failed} passed, {failed} failed ({time.monotonic() - began:.0f} s)" if arguments.show else
          f"{len(names) + complete - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
