"""The servers that are compared: for each side an ensemble of three and one server alone, all on loopback, each ended by its pid.

Both sides are given the same configuration file, but for directories and ports.
"""
import ctypes
import os
import signal
import socket
import subprocess
import time

START_SECONDS = 60
SUPER = "super:D/InIHSb7yEEbrWz8b9l71RjZJU="  # The digest of super:test.
JAVA_CLASSES = ("zookeeper", "zookeeper-jute", "slf4j-api", "slf4j-nop", "netty-handler", "netty-common", "netty-buffer", "netty-transport",
                "netty-transport-native-epoll", "netty-transport-native-unix-common", "netty-codec", "netty-resolver", "metrics-core",
                "snappy-java", "commons-cli", "commons-io", "commons-lang", "jetty9-server", "jetty9-servlet", "jetty9-http", "jetty9-io",
                "jetty9-security", "jetty9-util", "jetty9-util-ajax", "jackson-core", "jackson-databind", "jackson-annotations", "servlet-api")

# What the scenarios rely on. A tick of 500 ms bounds session timeouts by 1 and 10 s. The election timeouts are Synod's own keys: on a busy
# machine the leader should not change in the middle of a scenario.
COMMON = """tickTime=500
initLimit=20
electionTimeoutMin=1000
electionTimeoutMax=2000
syncLimit=20
maxClientCnxns=60
admin.serverAddress=127.0.0.1
forceSync=no
sessionlessCnxnTimeout=2000
nio.sessionlessCnxnTimeout=2000
DigestAuthenticationProvider.superDigest=%s
""" % SUPER
ENSEMBLE = COMMON + """4lw.commands.whitelist=*
enforceQuota=true
extendedTypesEnabled=true
znode.container.checkIntervalMs=500
readonlymode.enabled=true
"""
# The server alone keeps the defaults of what the ensemble switches on.
ALONE = COMMON + "reconfigEnabled=true\n"
# ZooKeeper reads these two without its usual prefix, so for it the file is not enough.
JAVA_PROPERTIES = ("-Dznode.container.checkIntervalMs=500", "-Dreadonlymode.enabled=true")


def end_with_parent():
    """A server must not outlive this script, however that ends."""
    ctypes.CDLL("libc.so.6", use_errno=True).prctl(1, signal.SIGKILL)


def ask(address, word, seconds=30):
    """The answer to a four-letter word, to the end of the connection."""
    with socket.create_connection(address, timeout=seconds) as connection:
        connection.sendall(word if isinstance(word, bytes) else word.encode())
        answer = b""
        while more := connection.recv(1 << 16):
            answer += more
    return answer.decode("utf-8", "backslashreplace")


class Server:
    def __init__(self, directory, port, admin_port, command):
        self.admin = ("127.0.0.1", admin_port)
        self.directory, self.address, self.command, self.process, self.mode = directory, ("127.0.0.1", port), command, None, ""

    def start(self):
        log = open(os.path.join(self.directory, "log"), "ab")
        self.process = subprocess.Popen(self.command, cwd=self.directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                        start_new_session=True, preexec_fn=end_with_parent)
        log.close()

    def wait(self):
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                for line in ask(self.address, "srvr").splitlines():
                    if line.startswith("Mode: "):
                        self.mode = line[6:]
                        return
            except OSError:
                pass
            if self.process.poll() is not None or time.monotonic() > until:
                with open(os.path.join(self.directory, "log"), encoding="utf-8", errors="replace") as log:
                    raise RuntimeError(f"{self.command[0]} at {self.address} does not serve: {log.read()[-2000:]}")
            time.sleep(0.1)

    def configure(self, **settings):
        """Changes lines of zoo.cfg for the next start; a dot in a key is written as __."""
        config = os.path.join(self.directory, "zoo.cfg")
        with open(config, encoding="utf-8") as file:
            lines = file.read().splitlines()
        for name, value in settings.items():
            key = name.replace("__", ".")
            lines = [line for line in lines if not line.startswith(key + "=")] + [f"{key}={value}"]
            self.command = [f"-D{key}={value}" if part.startswith(f"-D{key}=") else part for part in self.command]
        with open(config, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()


class Side:
    """All servers of one implementation."""

    def __init__(self, name, directory, base, command):
        """command(server directory, path of zoo.cfg, number) is what starts a server."""
        self.name, self.servers, self.roles = name, [], {}
        lines = "".join(f"server.{n}=127.0.0.1:{base + 10 + n}:{base + 20 + n}\n" for n in (1, 2, 3))
        for number in (1, 2, 3, 4):
            home = os.path.join(directory, name, f"server-{number}")
            os.makedirs(os.path.join(home, "data"))
            config = os.path.join(home, "zoo.cfg")
            with open(config, "w", encoding="utf-8") as file:
                file.write(ENSEMBLE if number < 4 else ALONE)
                file.write(f"dataDir={home}/data\nclientPort={base + number}\nclientPortAddress=127.0.0.1\n")
                file.write(f"grpcPort={base + 30 + number}\nadmin.serverPort={base + 40 + number}\n")
                file.write(lines if number < 4 else "")
            if number < 4:
                with open(os.path.join(home, "data", "myid"), "w", encoding="utf-8") as file:
                    file.write(f"{number}\n")
            self.servers.append(Server(home, base + number, base + 40 + number, command(home, config, number)))

    def start(self):
        for server in self.servers:
            server.start()

    def wait(self):
        self.find_roles()

    def find_roles(self):
        """Servers by role; who leads may have changed since the last time."""
        until = time.monotonic() + START_SECONDS
        while True:
            roles = {}
            for server in self.servers:
                server.wait()
                role = {"standalone": "alone"}.get(server.mode, server.mode)
                roles["other" if role in roles else role] = server
            if set(roles) == {"leader", "follower", "other", "alone"}:
                self.roles = roles
                return roles
            if time.monotonic() > until:
                raise RuntimeError(f"{self.name}: the servers are {sorted(s.mode for s in self.servers)}")
            time.sleep(0.1)

    def kill(self):
        for server in self.servers:
            server.kill()


def zookeeper(directory, base):
    classes = ":".join(f"/usr/share/java/{name}.jar" for name in JAVA_CLASSES)

    def command(home, config, number):
        return ["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", *(JAVA_PROPERTIES if number < 4 else ()),
                f"-Djava.io.tmpdir={home}",
                "-Djava.net.preferIPv4Stack=true", "-cp", classes, "org.apache.zookeeper.server.quorum.QuorumPeerMain", config]
    return Side("zookeeper", directory, base, command)


def synod(directory, base, binary):
    return Side("synod", directory, base, lambda home, config, number: [binary, config])
