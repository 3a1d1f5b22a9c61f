"""Sessions that expire, and what becomes of their ephemerals (section 14; conformance test 24)."""
import time

import wire
from scenario import SLOW, scenario


@scenario(when=SLOW)
def expiry(run):
    """A client that falls silent: after its timeout its ephemerals go in one transaction, and it cannot come back."""
    watcher = run.start("watcher")
    alice = run.connect("alice", timeout=1500)
    alice.create(run.root + "/a", flags=wire.EPHEMERAL)
    alice.create(run.root + "/b", flags=wire.EPHEMERAL)
    watcher.exists(run.root + "/a", watch=True)
    watcher.children2(run.root)
    alice.drop()
    gone = seconds_until(lambda: not names_below(watcher, run.root))
    run.trace.note("expired after 1 to 4.5 s", str(1 < gone < 4.5))
    watcher.sync()
    watcher.children2(run.root)
    for at in ("follower", "leader"):
        back = run.resume(f"back-{at}", alice, at=at)
        back.expect_end()


@scenario(when=SLOW)
def expiry_of_a_connected_client(run):
    """One who stays connected but says nothing is closed; pings keep another alive."""
    watcher = run.start("watcher")
    silent = run.connect("silent", timeout=1000)
    silent.create(run.root + "/silent", flags=wire.EPHEMERAL)
    pinging = run.connect("pinging", timeout=1000)
    pinging.create(run.root + "/pinging", flags=wire.EPHEMERAL)
    for _ in range(16):
        ping_quietly(pinging)
        ping_quietly(watcher)
        time.sleep(0.2)
    pinging.ping()
    silent.expect_end(3)
    watcher.sync()
    watcher.children2(run.root)
    back = run.resume("back", silent)
    back.expect_end()
    pinging.close()


@scenario(when=SLOW)
def resume_keeps_alive(run):
    """A longer timeout given on resume counts from then on."""
    alice = run.start()
    bob = run.connect("bob", timeout=1000)
    bob.create(run.root + "/bob", flags=wire.EPHEMERAL)
    second = run.resume("second", bob, timeout=9000)
    for _ in range(5):
        ping_quietly(second)
        time.sleep(0.2)
    second.drop()
    time.sleep(3)
    alice.sync()
    alice.children(run.root)
    third = run.resume("third", bob, at="leader")
    third.ephemerals("/")
    third.close()


@scenario
def ephemeral_owners(run):
    """ephemeralOwner is the session; anyone may write or delete (8.4)."""
    alice, bob = run.start(), run.connect("bob", at="leader")
    _, stat = alice.create2(run.root + "/a", flags=wire.EPHEMERAL)
    run.trace.note("the owner is the session", str(stat.owner == alice.session))
    run.all_see()
    bob.exists(run.root + "/a")
    bob.set(run.root + "/a", b"x")
    bob.create(run.root + "/a", flags=wire.EPHEMERAL)
    bob.create(run.root + "/a/x")
    bob.delete(run.root + "/a")
    bob.create(run.root + "/a", flags=wire.EPHEMERAL)
    alice.sync()
    alice.exists(run.root + "/a")
    alice.close()
    run.all_see()
    bob.exists(run.root + "/a")
    bob.close()
    carol = run.connect("carol")
    carol.sync()
    carol.children2(run.root)


def names_below(client, path):
    """The children, asked for without a step in the transcript."""
    names = client.children(path)
    # An event that came meanwhile is not lost.
    for parts in client.run.trace.forget_last().parts[:-1]:
        client.run.trace.step(f"{client.name} hears").add(*parts)
    return names


def ping_quietly(client):
    client.ping()
    client.run.trace.forget_last()


def seconds_until(reached, at_most=8):
    began = time.monotonic()
    while time.monotonic() - began < at_most and not reached():
        time.sleep(0.1)
    return time.monotonic() - began
