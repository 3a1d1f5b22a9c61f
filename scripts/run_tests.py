#!/usr/bin/env python3
"""Runs the tests of one or more build trees and adds up what they say.

    run_tests.py [--jobs N] [--skip-label L] BUILD_DIR[:LABEL]...

What to run, and how, comes from CTest (`ctest --show-only=json-v1`): the command, the TIMEOUT, the LABELS, and RUN_SERIAL for tests that
start servers or measure time. BUILD_DIR:LABEL runs only tests with that label; --skip-label leaves those with L out. A skipped test is
counted and its reason printed. A binary that dies, hangs or runs no test counts as a failure. The last line is
`N passed, N failed, N skipped`.

Each test is a GoogleTest binary, unless it has the label `script`: such a command is run as it is, and its last line must say
`N passed, N failed` or `N passed, N failed, N skipped`. It prints what failed, and for each skipped test a line `skipped: NAME: REASON`.
One that needs what this machine cannot reach says `unavailable: REASON` and counts nothing.
"""
import argparse
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile
import time


class Tally:
    def __init__(self):
        self.passed, self.failed, self.skipped = 0, [], []
        self.unavailable = ""


def discover(tree, label, skip_label):
    """The tests of a build tree: dicts of name, command, timeout, script, serial, directory, environment."""
    out = subprocess.run(["ctest", "--test-dir", tree, "--show-only=json-v1"], capture_output=True, text=True, check=True).stdout
    found = []
    for test in json.loads(out)["tests"]:
        properties = {p["name"]: p["value"] for p in test.get("properties", [])}
        labels = properties.get("LABELS", [])
        if (label and label not in labels) or (skip_label and skip_label in labels):
            continue
        found.append({
            "name": f"{os.path.basename(tree.rstrip('/'))}/{test['name']}",
            "command": test["command"],
            "timeout": float(properties.get("TIMEOUT", 300)),
            "script": "script" in labels,
            "serial": bool(properties.get("RUN_SERIAL", False)),
            "directory": properties.get("WORKING_DIRECTORY", tree),
            "environment": dict(e.split("=", 1) for e in properties.get("ENVIRONMENT", [])),
        })
    return found


def run(test):
    """Runs one binary; returns (test, seconds, tally)."""
    tally = Tally()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        report = os.path.join(scratch, "report.json")
        command = test["command"] + ([] if test["script"] else [f"--gtest_output=json:{report}"])
        ending = ""
        try:
            done = subprocess.run(command, cwd=test["directory"], env={**os.environ, **test["environment"]}, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=test["timeout"])
            output, code = done.stdout, done.returncode
            if code != 0:
                ending = f"ended with {code}" if code > 0 else f"was killed by signal {-code}"
        except subprocess.TimeoutExpired as e:
            output, code, ending = e.stdout or b"", 1, f"did not end within {test['timeout']:.0f} s"
        except OSError as e:
            output, code, ending = b"", 1, f"could not be started: {e}"
        output = output.decode("utf-8", "replace")
        if test["script"]:
            read_last_line(test, output, ending, tally)
        elif os.path.exists(report):
            read_report(test, report, output, tally)
            if code != 0 and not tally.failed:
                tally.failed.append((test["name"], f"all its tests passed, but the process {ending}\n{output[-4000:]}"))
        else:
            # It died half-way: count what it finished, and blame the test that ran.
            tally.passed += len(re.findall(r"^\[       OK \]", output, re.M))
            begun = re.findall(r"^\[ RUN      \] (\S+)", output, re.M)
            tally.failed.append((f"{test['name']} {begun[-1] if begun else ''}", f"the process {ending or 'wrote no report'}\n{output[-8000:]}"))
        if tally.passed + len(tally.failed) + len(tally.skipped) == 0 and not tally.unavailable:
            tally.failed.append((test["name"], "it ran no test"))
    return test, time.monotonic() - started, tally


def read_last_line(test, output, ending, tally):
    """Counts what a script says of itself."""
    lines = output.strip().splitlines()
    said = re.fullmatch(r"(\d+) passed, (\d+) failed(?:, (\d+) skipped)?", lines[-1].strip()) if lines else None
    if not said:
        tally.failed.append((test["name"], f"its last line does not say what passed; it {ending or 'ended'}\n{output[-8000:]}"))
        return
    passed, failed, skipped = (int(n or 0) for n in said.groups())
    tally.passed += passed
    if ending and not failed:
        failed, output = 1, f"{output}\nall its tests passed, but it {ending}"
    # The script's own words once, not once for each.
    tally.failed += [(test["name"], output[-8000:] if i == 0 else "see above") for i in range(failed)]
    if passed + failed + skipped == 0:
        tally.unavailable = (re.findall(r"^unavailable: (.*)", output, re.M) or [""])[0]
    reasons = re.findall(r"^skipped: (.*)", output, re.M)
    tally.skipped += [(test["name"], reasons[i] if i < len(reasons) else "no reason given") for i in range(skipped)]


def read_report(test, report, output, tally):
    with open(report, encoding="utf-8") as file:
        suites = json.load(file).get("testsuites", [])
    for suite in suites:
        for case in suite.get("testsuite", []):
            name = f"{test['name']} {suite['name']}.{case['name']}"
            if case.get("failures"):
                text = "\n".join(f.get("failure", "") for f in case["failures"])
                tally.failed.append((name, text + "\n" + section(output, f"{suite['name']}.{case['name']}")))
            elif case.get("result") == "SKIPPED" or case.get("status") == "NOTRUN":
                tally.skipped.append((name, section(output, f"{suite['name']}.{case['name']}").strip()))
            else:
                tally.passed += 1


def section(output, name):
    """What one test printed, at most its last 4,000 characters."""
    start = output.find(f"[ RUN      ] {name}")
    if start < 0:
        return ""
    end = output.find("[ RUN      ] ", start + 1)
    return output[start:end if end >= 0 else len(output)][-4000:]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--skip-label")
    parser.add_argument("trees", nargs="+", metavar="BUILD_DIR[:LABEL]")
    arguments = parser.parse_args()

    tests = []
    for tree in arguments.trees:
        path, _, label = tree.partition(":")
        tests += discover(path, label, arguments.skip_label)
    total = Tally()

    def finish(result):
        test, seconds, tally = result
        total.passed += tally.passed
        total.failed += tally.failed
        total.skipped += tally.skipped
        print(f"{'FAIL' if tally.failed else 'ok  '} {test['name']}: {tally.passed} passed, {len(tally.failed)} failed, "
              f"{len(tally.skipped)} skipped ({seconds:.1f} s){' unavailable: ' + tally.unavailable if tally.unavailable else ''}", flush=True)
        for name, text in tally.failed:
            print(f"---- FAILED {name}\n{text}\n----", flush=True)

    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for future in concurrent.futures.as_completed([pool.submit(run, t) for t in tests if not t["serial"]]):
            finish(future.result())
    for test in tests:
        if test["serial"]:
            finish(run(test))

    for name, reason in total.skipped:
        print(f"skipped: {name}: {reason}")
    if total.failed:
        print("failed:")
        for name, _ in total.failed:
            print(f"  {name}")
    print(f"{total.passed} passed, {len(total.failed)} failed, {len(total.skipped)} skipped")
    # Everything a test here may want is a Debian package that scripts/packages.sh installs, so a skip hides something.
    return 0 if total.passed > 0 and not total.failed and not total.skipped else 1


if __name__ == "__main__":
    sys.exit(main())
