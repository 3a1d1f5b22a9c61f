"""ZooKeeper's own shell, driven command by command, and what it prints made comparable."""
import os
import re
import select
import subprocess
import time

SHELL = "/usr/share/zookeeper/bin/zkCli.sh"
# Said once at its start, or of the program itself.
NOISE = re.compile(r"^(SLF4J:|Connecting to |Welcome to ZooKeeper|JLine support|\s*$)")
EVENT = re.compile(r"^WatchedEvent state:(\S+) type:(\S+) path:(.*?)(?: zxid: \S+)?$")


class Shell:
    """A zkCli.sh that reads its commands from us. Not for several threads."""

    def __init__(self, hosts, *options):
        self.process = subprocess.Popen([SHELL, *options, "-server", hosts], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, env={**os.environ, "CLIENT_JVMFLAGS": "-XX:TieredStopAtLevel=1 -Xshare:auto"})
        self.buffer, self.marks, self.events = b"", 0, []
        self.run("")

    def run(self, command, seconds=20.0):
        """The lines that a command prints. Events of watches are kept apart: they come from a thread of their own."""
        self.marks += 1
        mark = f"/no-such-node-{self.marks}"
        self.process.stdin.write(f"{command}\nget {mark}\n".encode())
        self.process.stdin.flush()
        # Without a connection the mark is answered in another way.
        lines = self._until((f"Node does not exist: {mark}", f"KeeperErrorCode = ConnectionLoss for {mark}"), seconds)
        kept = []
        for line in lines:
            event = EVENT.match(line)
            if event:
                self.events.append(event.groups())
            elif line != "WATCHER::" and not NOISE.match(line):
                kept.append(line.rstrip())
        return kept

    def say(self, command):
        """A command whose output nobody waits for; without one, `quit`."""
        self.process.stdin.write(f"{command or 'quit'}\n".encode())
        self.process.stdin.flush()

    def drain_events(self, count, seconds=10.0):
        """Events since the last call, at least `count` of them if they come in time; those of the connection left out."""
        deadline = time.monotonic() + seconds
        while len(self.node_events()) < count and time.monotonic() < deadline:
            self.run("")
        events, self.events = self.node_events(), []
        return events

    def node_events(self):
        return [f"{kind} {path}" for _, kind, path in self.events if kind != "None"]

    def states(self):
        return [state for state, kind, _ in self.events if kind == "None"]

    def end(self):
        try:
            self.process.stdin.write(b"quit\n")
            self.process.stdin.close()
            return self.process.wait(15)
        except (OSError, subprocess.TimeoutExpired):
            self.process.kill()
            return self.process.wait()

    def _until(self, last_words, seconds):
        deadline = time.monotonic() + seconds
        lines = []
        while True:
            while b"\n" in self.buffer:
                line, self.buffer = self.buffer.split(b"\n", 1)
                text = line.decode("utf-8", "replace").rstrip("\r")
                if text.endswith(last_words):
                    return lines
                lines.append(text)
            if not select.select([self.process.stdout], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise AssertionError(f"the shell said nothing more within {seconds:.0f} s; so far: {lines[-20:]}")
            piece = os.read(self.process.stdout.fileno(), 65536)
            if not piece:
                raise AssertionError(f"the shell ended; its last words: {lines[-20:]}")
            self.buffer += piece


def once(hosts, *words):
    """A command given as arguments: (exit code, lines)."""
    done = subprocess.run([SHELL, "-server", hosts, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=30, check=False)
    kept = [line for line in done.stdout.splitlines() if not NOISE.match(line) and line != "WATCHER::" and not EVENT.match(line)]
    return done.returncode, kept


class Normalizer:
    """Replaces what two servers may differ in: times, zxids and session ids by their order of appearance, ports by their place."""

    def __init__(self, base_port):
        self.base_port = base_port
        self.zxids, self.sessions = {}, {}

    def lines(self, lines):
        lines = [self.line(line) for line in lines]
        if "version=VERSION" in lines:
            # Synod writes the configuration by a command of its own behind the first; ZooKeeper has it at zxid 0.
            lines = [re.sub(r"^(dataLength|mZxid) = .*", r"\1 = VERSION", line) for line in lines]
        return lines

    def line(self, line):
        line = re.sub(r"^([cmp]Zxid = )(0x[0-9a-f]+)$", lambda m: m[1] + self._name("zxid", self.zxids, m[2]), line)
        line = re.sub(r"^(ephemeralOwner = )(0x[0-9a-f]+)$",
                      lambda m: m[1] + (m[2] if m[2] == "0x0" else self._name("session", self.sessions, m[2])), line)
        line = re.sub(r"^([cm]time = ).*$", r"\1TIME", line)
        line = re.sub(r"^version=[0-9a-f]+$", "version=VERSION", line)
        # The address of clients is in the configuration or not, as the servers' lines were given.
        line = re.sub(r"^(server\.\d+=.*?:(?:participant|observer))(;\S*)?$", r"\1", line)
        return re.sub(r"\b\d{5}\b", lambda m: f"BASE+{int(m[0]) - self.base_port}" if 0 < int(m[0]) - self.base_port < 400 else m[0], line)

    @staticmethod
    def _name(kind, known, value):
        return known.setdefault(value, f"{kind}-{len(known)}")
