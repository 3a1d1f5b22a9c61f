"""What a scenario is given, and how it makes itself known to the runner."""
import re
import time

import servers
import wire
from client import Client
from transcript import Trace

SCENARIOS = {}
# FIRST run alone on untouched servers, LAST when all others have ended; SLOW ones mostly wait and run beside the others.
FIRST, QUICK, SLOW, LAST = range(4)


def scenario(function=None, when=QUICK):
    """Registers a function of one Run under its own name."""
    def register(f):
        SCENARIOS[f.__name__.replace("_", "-")] = (f, when)
        return f
    return register(function) if function else register


class Run:
    """One scenario against one side."""

    def __init__(self, side, name):
        self.side, self.name, self.root, self.roles = side, name, "/" + name, side.roles
        self.trace, self.opened, self.passwords = Trace(), [], {}
        self.show_event_zxids, self.body_zxid = False, 0

    def address(self, at):
        return self.roles[at].address

    def dial(self, name, at="follower", source=None):
        """A TCP connection on which nothing was sent yet."""
        return Client(self, name, self.address(at), source)

    def connect(self, name, at="follower", source=None, **fields):
        return self.dial(name, at, source).connect(**fields)

    def start(self, name="alice", at="follower", data=b""):
        """A connection and the scenario's own node, below which it works."""
        client = self.connect(name, at)
        client.create(self.root, data)
        return client

    def resume(self, name, old, at="follower", text="resume", **fields):
        """A new connection for the session of another one."""
        return self.dial(name, at).connect(text, session=old.session, **{"password": old.password, **fields})

    def word(self, word, at="follower"):
        return servers.ask(self.address(at), word)

    def all_see(self):
        """Waits until all servers have applied what any of them has: what follows is no race between servers. A new session is a write, so
        its grant shows that. A sync at the leader of a 3.8.0 does not: it may overtake what the leader is about to apply."""
        for at in ("leader", "follower", "other"):
            quiet = Client(Run(self.side, "quiet"), "quiet", self.address(at)).connect()
            quiet.request(wire.CLOSE_SESSION, b"", "close")
            quiet.drop()

    @staticmethod
    def pause(seconds):
        time.sleep(seconds)

    def finish(self):
        for client in self.opened:
            client.drop()


def shape(text):
    """A line without what differs from run to run: numbers, hex ids and addresses."""
    text = re.sub(r"version([:=] ?)\S+, built on .*", r"version\1VERSION, built on DATE", text)
    text = re.sub(r"expire at .*:", "expire at DATE:", text)
    text = re.sub(r"127\.0\.0\.\d+:\d+", "ADDRESS", text)
    text = re.sub(r"0x[0-9a-f]+", "HEX", text)
    return re.sub(r"-?\d+(\.\d+)?", "N", text)
