"""kazoo clients for the tests."""
import contextlib

from kazoo.client import KazooClient
from kazoo.protocol.states import KazooState

# Long enough that no session ends while one server at a time is down, whatever else the machine does.
SESSION_SECONDS = 12.0


def new_client(hosts, **options):
    client = KazooClient(hosts=hosts, timeout=options.pop("timeout", SESSION_SECONDS), **options)
    client.start(timeout=20)
    return client


def end(client):
    client.stop()
    client.close()


@contextlib.contextmanager
def connected(hosts, **options):
    """A started client that is closed in the end."""
    client = new_client(hosts, **options)
    try:
        yield client
    finally:
        end(client)


class States:
    """What a client's state listener heard."""

    def __init__(self, client):
        self.heard = []
        client.add_listener(self._hear)

    def _hear(self, state):
        self.heard.append(state)

    def lost(self):
        return self.heard.count(KazooState.LOST)

    def suspended(self):
        return self.heard.count(KazooState.SUSPENDED)
