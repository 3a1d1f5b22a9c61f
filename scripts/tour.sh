#!/usr/bin/env bash
# Runs the tour of README.md and compares what it prints with what the README says it prints.
#   scripts/tour.sh [README]
# Every fenced block of the section "A tour" whose language is `console` is run in one shell, in order: a line `$ command` is typed, the
# lines up to the next command are what it must print. `...` alone on a line stands for any lines, `<...>` inside one for any text.
# The ensemble is one of its own, started and ended here; nothing else on the machine is touched.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export SYNOD_TOUR_ROOT=$root
exec python3 - "${1:-$root/README.md}" <<'PYTHON'
import os, re, shutil, subprocess, sys, tempfile

root = os.environ["SYNOD_TOUR_ROOT"]
text = open(sys.argv[1], encoding="utf-8").read()
tour = re.search(r"^## A tour.*?(?=^## |\Z)", text, re.M | re.S)
if not tour:
    sys.exit("tour.sh: no section 'A tour'")
steps = []  # [command, expected lines]
for block in re.findall(r"^```console\n(.*?)^```", tour.group(0), re.M | re.S):
    for line in block.splitlines():
        if line.startswith("$ "):
            steps.append([line[2:], []])
        elif line.startswith("> ") and steps and not steps[-1][1]:
            steps[-1][0] += "\n" + line[2:]
        elif steps:
            steps[-1][1].append(line)
        else:
            sys.exit(f"tour.sh: output without a command: {line}")
if len(steps) < 5:
    sys.exit("tour.sh: the tour has fewer than five steps")


def pattern(lines):
    out = []
    for line in lines:
        if line.strip() == "...":
            out.append(r"(?:.*\n)*?")
            continue
        # Columns of a table widen with their values; runs of blanks are one.
        parts = [r"\s+".join(re.escape(word) for word in re.split(r"\s+", part)) for part in re.split(r"<[^>]*>", line.rstrip())]
        out.append(r".+?".join(parts) + r"[ \t]*\n")
    return re.compile("".join(out) + r"\Z")


data = tempfile.mkdtemp(prefix="synod-tour-")
binaries = os.environ.get("SYNOD_BIN_DIR", root + "/build/release/bin")
environment = {**os.environ, "PATH": binaries + ":" + os.environ["PATH"]}
environment.pop("SYNOD_SERVERS", None)
marker = "---- end of step ----"
cluster = f"{root}/scripts/cluster.sh"
failed = []
try:
    up = subprocess.run([cluster, "up", "--data", data], capture_output=True, text=True, env=environment)
    if up.returncode != 0:
        sys.exit(f"tour.sh: the cluster did not start: {up.stdout}{up.stderr}")
    servers = subprocess.run([cluster, "servers", "--data", data], capture_output=True, text=True, check=True, env=environment).stdout.strip()
    shell = subprocess.Popen(["bash"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=root,
                             env=environment)
    for command, expected in steps:
        # The README speaks of the default cluster; the tour has one of its own.
        typed = command.replace("$PWD/build/release/bin", binaries)
        typed = re.sub(r"SYNOD_SERVERS=\S+", "SYNOD_SERVERS=" + servers, typed)
        typed = re.sub(r"scripts/cluster\.sh (\w+)", rf"scripts/cluster.sh \1 --data {data}", typed)
        shell.stdin.write(f"{typed}\necho; echo '{marker}'\n")
        shell.stdin.flush()
        printed = []
        for line in shell.stdout:
            if line.rstrip("\n") == marker:
                break
            printed.append(line)
        # The blank line before the marker is ours.
        if printed and printed[-1] == "\n":
            printed.pop()
        got = "".join(printed)
        if got and not got.endswith("\n"):
            got += "\n"
        if not pattern(expected).match(got):
            failed.append(command)
            print(f"$ {command}\n-- expected:\n" + "\n".join(expected) + f"\n-- got:\n{got}", flush=True)
    shell.stdin.close()
    shell.wait(timeout=30)
finally:
    subprocess.run([cluster, "down", "--data", data], capture_output=True, env=environment)
    if not failed:
        shutil.rmtree(data, ignore_errors=True)
    else:
        print(f"tour.sh: the servers' logs are kept in {data}")
print(f"{len(steps) - len(failed)} steps of the tour as printed, {len(failed)} not")
sys.exit(1 if failed else 0)
PYTHON
