"""An ensemble of real server processes on loopback for the tests with ZooKeeper's clients: Synod, or ZooKeeper itself.

    ensemble.py --against synod|zookeeper --data DIR --base-port P [--servers N] [--set KEY=VALUE]... COMMAND [ID]

COMMAND is up, kill ID, start ID, wait ID (until it serves), leader or down. The state stands in DIR, so that the C++ and Java programs
work the same ensemble by running this file. Server N listens for clients on P+N. Synod's servers are run by scripts/cluster.sh.
"""
import argparse
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
CLUSTER = os.path.join(ROOT, "scripts", "cluster.sh")
SERVE_SECONDS = 60
# All words are asked for by one client or another; TTL nodes are off in ZooKeeper unless asked for.
COMMON = {"4lw.commands.whitelist": "*", "extendedTypesEnabled": "true"}


class EnsembleError(Exception):
    pass


def four_letters(port, word, timeout=2.0):
    """The answer to a four-letter word, or None if nobody listens."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout) as s:
            s.sendall(word.encode())
            out = b""
            while True:
                piece = s.recv(65536)
                if not piece:
                    return out.decode("utf-8", "replace")
                out += piece
    except OSError:
        return None


def grants_session(port, timeout=2.0):
    """Whether a server gives a session, which takes a quorum; the session is closed again."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout) as s:
            s.settimeout(timeout)
            s.sendall(struct.pack(">iiqiqi16s?", 45, 0, 0, 10000, 0, 16, b"", False))
            answer = b""
            while len(answer) < 41:
                piece = s.recv(64)
                if not piece:
                    return False
                answer += piece
            granted = struct.unpack_from(">i", answer, 8)[0] > 0
            s.sendall(struct.pack(">iii", 8, 1, -11))
            s.recv(64)
            return granted
    except OSError:
        return False


class Ensemble:
    def __init__(self, against, data, base_port, servers=3, settings=None):
        self.against, self.data, self.base_port, self.servers = against, os.path.abspath(data), base_port, servers
        self.settings = {**COMMON, **(settings or {})}

    # ---- where it is ----
    def ids(self):
        return range(1, self.servers + 1)

    def port(self, server):
        return self.base_port + server

    def host(self, server):
        return f"127.0.0.1:{self.port(server)}"

    def hosts(self):
        return ",".join(self.host(i) for i in self.ids())

    def control(self):
        """The words that, followed by `kill 1` and the like, do the same from another program."""
        sets = [word for key, value in self.settings.items() for word in ("--set", f"{key}={value}")]
        return [sys.executable, os.path.abspath(__file__), "--against", self.against, "--data", self.data,
                "--base-port", str(self.base_port), "--servers", str(self.servers), *sets]

    # ---- processes ----
    def up(self):
        if self.against == "synod":
            sets = [word for key, value in self.settings.items() for word in ("--set", f"{key}={value}")]
            self._cluster("up", "--servers", str(self.servers), "--base-port", str(self.base_port), *sets)
        else:
            for server in self.ids():
                self._write_zookeeper(server)
                self.start(server)
        for server in self.ids():
            self.wait(server)

    def start(self, server):
        if self.against == "synod":
            self._cluster("start", str(server))
            return
        if self._zookeeper_pid(server):
            return
        directory = self._directory(server)
        read_only = self.settings.get("readonlymode.enabled", "false")
        command = ["/usr/bin/java", "-Xmx256m", "-XX:+UseSerialGC", f"-Dreadonlymode.enabled={read_only}", "-cp", "/usr/share/java/zookeeper.jar",
                   "org.apache.zookeeper.server.quorum.QuorumPeerMain", os.path.join(directory, "zoo.cfg")]
        with open(os.path.join(directory, "log"), "ab") as log:
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        with open(os.path.join(directory, "pid"), "w", encoding="utf-8") as file:
            file.write(f"{child.pid} {_start_time(child.pid)}")

    def kill(self, server, name="KILL"):
        if self.against == "synod":
            self._cluster("kill", str(server), name)
            return
        pid = self._zookeeper_pid(server)
        if not pid:
            raise EnsembleError(f"server {server} does not run")
        os.kill(pid, getattr(signal, f"SIG{name}"))
        if name in ("KILL", "TERM"):
            self._until(lambda: not self._zookeeper_pid(server), f"server {server} does not end")

    def wait(self, server):
        self._until(lambda: grants_session(self.port(server)), f"server {server} does not serve")

    def mode(self, server):
        """leader, follower, ... or None."""
        for line in (four_letters(self.port(server), "srvr") or "").splitlines():
            if line.startswith("Mode: "):
                return line[6:].strip()
        return None

    def leader(self):
        found = []

        def look():
            found[:] = [i for i in self.ids() if self.mode(i) == "leader"]
            return bool(found)
        self._until(look, "no server says that it leads")
        return found[0]

    def down(self):
        if self.against == "synod":
            if os.path.exists(os.path.join(self.data, "cluster")):
                self._cluster("down")
            return
        for server in self.ids():
            if self._zookeeper_pid(server):
                self.kill(server, "CONT")
                self.kill(server, "KILL")

    def logs(self, lines=15):
        """The ends of the servers' logs, for a report."""
        out = []
        for server in self.ids():
            path = os.path.join(self._directory(server), "log")
            if os.path.exists(path):
                with open(path, encoding="utf-8", errors="replace") as file:
                    out += [f"server {server}: {line.rstrip()}" for line in file.readlines()[-lines:]]
        return "\n".join(out)

    # ---- inside ----
    def _directory(self, server):
        return os.path.join(self.data, f"server-{server}")

    def _until(self, true, sorrow):
        deadline = time.monotonic() + SERVE_SECONDS
        while not true():
            if time.monotonic() > deadline:
                raise EnsembleError(f"{sorrow} after {SERVE_SECONDS} s; {self.logs()}")
            time.sleep(0.05)

    def _cluster(self, *words):
        done = subprocess.run([CLUSTER, *words, "--data", self.data], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, check=False)
        if done.returncode != 0:
            raise EnsembleError(f"cluster.sh {' '.join(words)}: {done.stdout.strip()}")
        return done.stdout

    def _write_zookeeper(self, server):
        directory = self._directory(server)
        os.makedirs(os.path.join(directory, "data"), exist_ok=True)
        with open(os.path.join(directory, "data", "myid"), "w", encoding="utf-8") as file:
            file.write(f"{server}\n")
        lines = ["tickTime=2000", "initLimit=10", "syncLimit=5", f"dataDir={directory}/data", f"clientPort={self.port(server)}",
                 "admin.enableServer=false"]
        lines += [f"{key}={value}" for key, value in self.settings.items()]
        if self.servers > 1:
            lines += [f"server.{i}=127.0.0.1:{self.base_port + 200 + i}:{self.base_port + 300 + i}" for i in self.ids()]
        with open(os.path.join(directory, "zoo.cfg"), "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")

    def _zookeeper_pid(self, server):
        """Its process, if it still is the one that was started here."""
        try:
            with open(os.path.join(self._directory(server), "pid"), encoding="utf-8") as file:
                pid, started = file.read().split()
        except (OSError, ValueError):
            return None
        try:  # A child of ours that has ended is a zombie until it is waited for.
            os.waitpid(int(pid), os.WNOHANG)
        except ChildProcessError:
            pass
        return int(pid) if _start_time(int(pid)) == started else None


def _start_time(pid):
    """The 22nd field of /proc/PID/stat, which tells a process from a later one with the same number; "" if there is none."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            fields = file.read().rsplit(")", 1)[1].split()
            return "" if fields[0] == "Z" else fields[19]
    except OSError:
        return ""


class Scratch:
    """A directory of a test's own: removed in the end, unless something failed."""

    def __init__(self, name, given=None):
        self.path = os.path.abspath(given) if given else tempfile.mkdtemp(prefix=f"synod-{name}-")
        os.makedirs(self.path, exist_ok=True)

    def end(self, failed):
        if failed:
            print(f"what the servers left behind stands in {self.path}")
        else:
            shutil.rmtree(self.path, ignore_errors=True)


def arguments(description, base_port):
    """The options that all tests with ZooKeeper's clients have. `base_port` + 5,900 and all between must lie below 32,768: from there on
    the kernel draws ports for clients, and a server may find one of its own taken."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--against", choices=["synod", "zookeeper"], default="synod", help="whose servers; zookeeper tests the test")
    parser.add_argument("--base-port", type=int, default=base_port)
    parser.add_argument("--data", help="where the servers' data and logs go (default: a directory made for it)")
    parser.add_argument("--only", default="", help="run only the tests whose name contains this")
    return parser


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--against", choices=["synod", "zookeeper"], default="synod")
    parser.add_argument("--data", required=True)
    parser.add_argument("--base-port", type=int, required=True)
    parser.add_argument("--servers", type=int, default=3)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("command", choices=["up", "kill", "start", "wait", "leader", "down"])
    parser.add_argument("id", nargs="?", type=int)
    parser.add_argument("signal", nargs="?", default="KILL")
    given = parser.parse_args()
    ensemble = Ensemble(given.against, given.data, given.base_port, given.servers, dict(s.split("=", 1) for s in given.set))
    if given.command in ("kill", "start", "wait") and given.id not in ensemble.ids():
        parser.error(f"{given.command} needs an ID of 1..{given.servers}")
    try:
        if given.command == "up":
            ensemble.up()
        elif given.command == "kill":
            ensemble.kill(given.id, given.signal)
        elif given.command == "start":
            ensemble.start(given.id)
        elif given.command == "wait":
            ensemble.wait(given.id)
        elif given.command == "leader":
            print(ensemble.leader())
        else:
            ensemble.down()
    except EnsembleError as e:
        print(f"ensemble.py: {e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
