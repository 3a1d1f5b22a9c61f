"""`scripts/bench.sh zookeeper`: Synod's ZooKeeper door beside the real ZooKeeper, row by row. docs/benchmarks.md says how it measures."""
import argparse
import fcntl
import json
import os
import signal
import subprocess
import sys
import time

import machine
from ensembles import SERVERS, BenchError, Synod, ZooKeeper, die_with_parent
from table import render

LOAD_ROWS = ["write", "read", "create", "ephemeral", "latency", "watch", "connect"]
TREE_ROWS = ["memory", "restart", "kill_full"]  # on a tree of --znodes
GAP_ROWS = ["kill", "pause"]                    # on an empty one
LATEST_ZNODE = "/fill/{parent:04d}/n-{znode:014d}"
ZNODES_PER_PARENT = 1_000


class Bench:
    def __init__(self, options):
        self.options = options
        self.generator = os.path.join(options.bin, "zookeeper_load")
        self.results = {}  # row -> system -> figures
        self.notes = []
        self.raw = open(os.path.join(options.data, "raw.jsonl"), "w")

    # ---- the generator ----
    def load(self, ensemble, mode, *arguments, ports=None, quiet=False):
        """Runs one mode and returns its line. Anything that it does not like ends the whole run."""
        command = [self.generator, "--ports", ",".join(map(str, ports or ensemble.ports)), "--pids", ",".join(map(str, ensemble.pids)), mode,
                   *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, preexec_fn=die_with_parent, check=False)
        if done.returncode != 0:
            raise BenchError(f"{ensemble.name}, {mode}: {done.stderr.strip() or done.returncode}\n  {' '.join(command)}")
        result = json.loads(done.stdout)
        if not quiet:
            self.raw.write(json.dumps({"system": ensemble.name, **result}) + "\n")
            self.raw.flush()
            self.say(ensemble, mode, result)
        return result

    def say(self, ensemble, mode, result):
        shown = {key: value for key, value in result.items() if key not in ("mode", "operations")}
        text = ", ".join(f"{k} {v:,.1f}" if isinstance(v, float) else f"{k} {v}" for k, v in shown.items())
        print(f"  {ensemble.name:9} {mode:9} {text}", flush=True)

    def record(self, row, ensemble, value):
        self.results.setdefault(row, {}).setdefault(ensemble.name, []).append(value)

    # ---- phases ----
    def load_phase(self, ensemble, rows):
        """Throughput and latency of a warm ensemble that began empty."""
        o = self.options
        ensemble.start_fresh()
        self.header(ensemble, "load")
        for mode in ("write", "read"):
            self.load(ensemble, mode, "--warm-up", 0, "--seconds", o.warm_up, quiet=True)
        watch = machine.Watch()
        for row in rows:
            if row in ("write", "read", "create", "ephemeral"):
                result = self.load(ensemble, row, "--warm-up", min(2, o.seconds / 2), "--seconds", o.seconds)
                self.record(row, ensemble, result["per_second"])
                self.record(row + "_cpu", ensemble, result["server_us_per_operation"])
                if result["generator_cpu"] > 0.35 * os.cpu_count():
                    self.notes.append(f"{ensemble.name} {row}: the generator took {result['generator_cpu']:.2f} of {os.cpu_count()} cores")
            elif row == "latency":
                self.record(row, ensemble, self.load(ensemble, row, "--seconds", o.seconds)["p50_us"] / 1000)
            elif row == "watch":
                self.record(row, ensemble, self.load(ensemble, row, "--rounds", 3 if o.quick else 7)["milliseconds"])
            elif row == "connect":
                rounds = ["--rounds", 1 if o.quick else 3]
                self.record(row, ensemble, self.load(ensemble, row, "--concurrent", 2000, *rounds)["per_second"])
                self.record("connect_bounded", ensemble, self.load(ensemble, row, "--concurrent", 100, *rounds)["per_second"])
        print(f"  steal {watch.percent('steal'):.1f} % of the machine", flush=True)
        ensemble.stop()

    def gap(self, ensemble, row, pause):
        """One trial: the signal goes to the leader; afterwards the ensemble is whole again."""
        leader = ensemble.leader()
        result = self.load(ensemble, "gap", "--victim", leader, *(["--pause"] if pause else []))
        self.record(row, ensemble, result["milliseconds"])
        if pause:
            ensemble.resume(leader)
        else:
            ensemble.processes[leader].wait()
            ensemble.start(leader)
        time.sleep(1)  # until a resumed leader has learned that it does not lead any more
        ensemble.wait_serving()
        time.sleep(2)

    def gap_phase(self, ensemble, rows):
        ensemble.start_fresh()
        self.header(ensemble, "gaps, empty tree")
        self.load(ensemble, "write", "--warm-up", 0, "--seconds", self.options.warm_up, quiet=True)
        for row in rows:
            for _ in range(self.options.trials if row == "kill" else max(1, self.options.trials // 2)):
                self.gap(ensemble, row, row == "pause")
        ensemble.stop()

    def tree_phase(self, ensemble, rows):
        o = self.options
        ensemble.start_fresh()
        self.header(ensemble, f"tree of {o.znodes:,} znodes")
        time.sleep(2)
        before = [ensemble.resident_bytes(i) for i in range(SERVERS)]
        self.load(ensemble, "fill", "--znodes", o.znodes)
        time.sleep(3 if o.quick else 10)  # until what was only a buffer is given back
        after = [ensemble.resident_bytes(i) for i in range(SERVERS)]
        growth = max(b - a for a, b in zip(before, after)) / o.znodes
        print(f"  {ensemble.name:9} memory    before {[b // 2**20 for b in before]} MiB, after {[b // 2**20 for b in after]} MiB: "
              f"{growth:,.0f} B per znode", flush=True)
        if "memory" in rows:
            self.record("memory", ensemble, growth)
        if "restart" in rows:
            for trial in range(o.trials):
                self.restart(ensemble, trial)
        if "kill_full" in rows:
            for _ in range(o.trials):
                self.gap(ensemble, "kill_full", False)
        ensemble.stop()

    def restart(self, ensemble, trial):
        """kill -9 of a follower; from its start until it reads the newest znode to a new session."""
        followers = [i for i in range(SERVERS) if i != ensemble.leader()]
        follower = followers[trial % len(followers)]
        ensemble.kill(follower)
        znode = self.options.znodes - 1
        started = time.monotonic()
        ensemble.start(follower)
        result = self.load(ensemble, "serves", "--path", LATEST_ZNODE.format(parent=znode // ZNODES_PER_PARENT, znode=znode),
                           ports=[ensemble.ports[follower]], quiet=True)
        took = (result["monotonic_seconds"] - started) * 1000
        print(f"  {ensemble.name:9} restart   {took:,.0f} ms", flush=True)
        self.raw.write(json.dumps({"system": ensemble.name, "mode": "restart", "milliseconds": took}) + "\n")
        self.record("restart", ensemble, took)
        ensemble.wait_serving()
        time.sleep(2)

    def header(self, ensemble, phase):
        print(f"{ensemble.name} {ensemble.version()}: {phase}; fdatasync of 200 B {machine.sync_probe(self.options.data):.0f} us, "
              f"spin {machine.spin_probe():.1f} ms", flush=True)

    # ---- all ----
    def run(self, ensembles):
        rows = self.options.rows
        load, gaps, tree = ([r for r in part if r in rows] for part in (LOAD_ROWS, GAP_ROWS, TREE_ROWS))
        if load:
            for turn in range(self.options.rounds):
                # A B B A: what drifts with time drifts for both.
                for ensemble in ensembles if turn % 2 == 0 else ensembles[::-1]:
                    self.load_phase(ensemble, load)
        for ensemble in ensembles:
            if gaps:
                self.gap_phase(ensemble, gaps)
            if tree:
                self.tree_phase(ensemble, tree)


def parse(arguments):
    parser = argparse.ArgumentParser(prog="scripts/bench.sh zookeeper", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short: about three minutes, for a look; figures are rougher")
    parser.add_argument("--rows", default=",".join(LOAD_ROWS + GAP_ROWS + TREE_ROWS), help="which rows, separated by commas (%(default)s)")
    parser.add_argument("--rounds", type=int, help="of the load rows, in the order A B B A (2; --quick: 1)")
    parser.add_argument("--trials", type=int, help="of restarts and kills (3; --quick: 1)")
    parser.add_argument("--seconds", type=float, help="measured of each throughput (8; --quick: 2)")
    parser.add_argument("--warm-up", type=float, help="seconds of writes and again of reads before anything is measured (10; --quick: 4)")
    parser.add_argument("--znodes", type=int, help="of the large tree (1000000; --quick: 100000)")
    parser.add_argument("--only", choices=["zookeeper", "synod"], help="measure one system alone")
    parser.add_argument("--data", default="run/bench", help="directory for the servers' data; no tmpfs (%(default)s)")
    parser.add_argument("--base-port", type=int, default=25_100, help="the 100 ports from here are used (%(default)s)")
    parser.add_argument("--bin", required=True, help=argparse.SUPPRESS)
    o = parser.parse_args(arguments)
    usual, quick = {"rounds": 2, "trials": 3, "seconds": 8, "warm_up": 10, "znodes": 1_000_000}, \
                   {"rounds": 1, "trials": 1, "seconds": 2, "warm_up": 4, "znodes": 100_000}
    for key, value in (quick if o.quick else usual).items():
        if getattr(o, key) is None:
            setattr(o, key, value)
    o.rows = o.rows.split(",")
    unknown = set(o.rows) - set(LOAD_ROWS + GAP_ROWS + TREE_ROWS)
    if unknown:
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    o.data, o.bin = os.path.realpath(o.data), os.path.realpath(o.bin)
    return o


def main():
    o = parse(sys.argv[1:])
    os.makedirs(o.data, exist_ok=True)
    # Two at once would measure each other.
    lock = open("/tmp/synod-bench.lock", "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise BenchError("another benchmark runs (/tmp/synod-bench.lock)") from None
    kind = machine.file_system(o.data)
    if kind == "tmpfs":
        raise BenchError(f"{o.data} is on tmpfs, where a sync costs nothing; name a directory on a disk with --data")
    Synod.binaries = o.bin
    zookeeper, synod = ZooKeeper(o.data, o.base_port), Synod(o.data, o.base_port + 50)
    ensembles = {"zookeeper": [zookeeper], "synod": [synod], None: [zookeeper, synod]}[o.only]
    busy, watch, started = machine.idle_check(), machine.Watch(), time.monotonic()
    print(f"{os.cpu_count()} cores, data on {kind}, 3 servers each, 12 sessions x 64 outstanding, 100 B; {busy:.0f} % busy before we began",
          flush=True)
    bench = Bench(o)
    if busy > 10:
        bench.notes.append(f"the machine was {busy:.0f} % busy with something else before the run: do not quote these figures")
    try:
        bench.run(ensembles)
    finally:
        for ensemble in ensembles:
            ensemble.stop()
    if watch.percent("steal") > 2:
        bench.notes.append(f"{watch.percent('steal'):.1f} % of the machine was stolen by its host: figures are rougher than usual")
    lines, missed = render(bench.results, o.znodes)
    print("\n" + "\n".join(lines) + "\n")
    for note in bench.notes:
        print(f"note: {note}")
    print(f"{missed} goals missed; {time.monotonic() - started:.0f} s; raw lines in {bench.raw.name}")


if __name__ == "__main__":
    # Ends through `finally`: the servers go with us.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        main()
    except BenchError as error:
        sys.exit(f"bench.sh: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
