"""Three servers on loopback, of ZooKeeper or of Synod, for scripts/bench.sh. Both are started from the same kind of zoo.cfg and myid, on
the same file system, and are asked the same four-letter word. Only processes started here are ever signalled."""
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import time

SERVERS = 3


class BenchError(Exception):
    """What ends the run; its text says what to look at."""


def die_with_parent():
    # A run that is killed leaves no servers behind.
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def ask(port, word, timeout=1.0):
    """The answer to a four-letter word; empty if there is none."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout) as s:
            s.settimeout(timeout)
            s.sendall(word.encode())
            text = b""
            while chunk := s.recv(65536):
                text += chunk
            return text.decode()
    except OSError:
        return ""


class Ensemble:
    name = ""

    def __init__(self, directory, base_port):
        self.directory = os.path.join(directory, self.name.lower())
        self.base = base_port
        self.processes = [None] * SERVERS

    # What the subclasses say.
    def command(self, config):
        raise NotImplementedError

    def own_keys(self, i):
        return []

    @property
    def ports(self):
        return [self.base + 1 + i for i in range(SERVERS)]

    @property
    def pids(self):
        return [p.pid for p in self.processes]

    def server_directory(self, i):
        return os.path.join(self.directory, f"server-{i + 1}")

    def write_configs(self):
        for i in range(SERVERS):
            directory = self.server_directory(i)
            os.makedirs(os.path.join(directory, "data"))
            with open(os.path.join(directory, "data", "myid"), "w") as f:
                f.write(f"{i + 1}\n")
            keys = ["tickTime=2000", "initLimit=10", "syncLimit=5", f"dataDir={directory}/data", f"clientPort={self.ports[i]}",
                    "maxClientCnxns=0", "4lw.commands.whitelist=*"]
            keys += self.own_keys(i)
            keys += [f"server.{k + 1}=127.0.0.1:{self.base + 11 + k}:{self.base + 21 + k}" for k in range(SERVERS)]
            with open(os.path.join(directory, "zoo.cfg"), "w") as f:
                f.write("\n".join(keys) + "\n")

    def start_fresh(self):
        """All servers, on empty directories."""
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)
        self.write_configs()
        for i in range(SERVERS):
            self.start(i)
        self.wait_serving()

    def start(self, i):
        directory = self.server_directory(i)
        with open(os.path.join(directory, "log"), "ab") as log:
            self.processes[i] = subprocess.Popen(self.command(os.path.join(directory, "zoo.cfg")), stdin=subprocess.DEVNULL, stdout=log,
                                                 stderr=log, cwd=directory, preexec_fn=die_with_parent)

    def roles(self):
        found = []
        for port in self.ports:
            modes = [line.split(": ")[1] for line in ask(port, "srvr").splitlines() if line.startswith("Mode: ")]
            found.append(modes[0] if modes else "")
        return found

    def wait_serving(self, patience=90):
        """Until every server leads or follows."""
        deadline = time.monotonic() + patience
        while True:
            roles = self.roles()
            if roles.count("leader") == 1 and roles.count("follower") == SERVERS - 1:
                return
            for i, process in enumerate(self.processes):
                if process is not None and process.poll() is not None:
                    raise BenchError(f"{self.name} server {i + 1} ended; see {self.server_directory(i)}/log")
            if time.monotonic() > deadline:
                raise BenchError(f"{self.name} does not serve after {patience} s ({roles}); see {self.directory}/server-*/log")
            time.sleep(0.1)

    def leader(self):
        return self.roles().index("leader")

    def resident_bytes(self, i):
        with open(f"/proc/{self.processes[i].pid}/status") as f:
            return next(int(line.split()[1]) * 1024 for line in f if line.startswith("VmRSS"))

    def kill(self, i):
        self.processes[i].kill()
        self.processes[i].wait()

    def resume(self, i):
        os.kill(self.processes[i].pid, signal.SIGCONT)

    def stop(self):
        for process in self.processes:
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.send_signal(signal.SIGCONT)
        for i, process in enumerate(self.processes):
            if process is not None:
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
            self.processes[i] = None


class ZooKeeper(Ensemble):
    """Debian's package, on a heap of 1 GB (the package's own default is 1,000 MB); forceSync and snapCount at their defaults; it logs
    nothing, which is in its favour."""
    name = "ZooKeeper"
    heap = "1g"

    def command(self, config):
        return ["java", f"-Xmx{self.heap}", "-cp", "/usr/share/java/zookeeper.jar", "org.apache.zookeeper.server.quorum.QuorumPeerMain", config]

    def own_keys(self, i):
        return ["admin.enableServer=false"]

    def version(self):
        line = next(line for line in ask(self.ports[0], "srvr").splitlines() if line.startswith("Zookeeper version"))
        java = subprocess.run(["java", "-version"], capture_output=True, text=True, check=True).stderr.splitlines()[0]
        return f"{line.split(': ')[1].split('-')[0]}, -Xmx{self.heap}, {java}"


class Synod(Ensemble):
    name = "Synod"
    binaries = ""

    def command(self, config):
        return [os.path.join(self.binaries, "synod-coordinator"), config]

    def own_keys(self, i):
        return [f"grpcPort={self.base + 31 + i}", f"admin.serverPort={self.base + 41 + i}"]

    def version(self):
        line = subprocess.run([self.command("")[0], "--version"], capture_output=True, text=True, check=False).stdout.strip()
        commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False).stdout.strip()
        return f"{line} ({commit})"
