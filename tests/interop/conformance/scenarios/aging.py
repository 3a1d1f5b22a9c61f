"""Containers and TTL nodes, with a scan every 500 ms (sections 8.5 and 8.6; conformance tests 25, 26)."""
import wire
from client import create_op
from scenario import SLOW, scenario
from scenarios.sessions import names_below, seconds_until


@scenario(when=SLOW)
def containers(run):
    """One that has had a child goes, one that never had any stays; the event is an ordinary NodeDeleted."""
    alice = run.start()
    bob = run.connect("bob")
    c = run.root + "/c"
    alice.create_container(c)
    alice.create_container(run.root + "/unused")
    alice.create_container(run.root + "/used")
    alice.create(run.root + "/used/stays")
    alice.exists(c)
    bob.exists(c, watch=True)
    alice.create(c + "/child")
    alice.delete(c + "/child")
    gone = seconds_until(lambda: len(names_below(alice, run.root)) == 2)
    run.trace.note("gone within 3 s", str(gone < 3))
    bob.sync()
    alice.children2(run.root)
    alice.create(c + "/child")


@scenario(when=SLOW)
def containers_of_multi(run):
    """Which of the ways to make one in a multi makes a container (8.2)."""
    alice = run.start()
    names = ("container", "flag4", "flag4-2")
    alice.multi(create_op(f"{run.root}/{names[0]}", op=wire.CREATE_CONTAINER, flags=4), create_op(f"{run.root}/{names[1]}", flags=4),
                create_op(f"{run.root}/{names[2]}", op=wire.CREATE2, flags=4))
    for name in names:
        alice.create(f"{run.root}/{name}/x")
        alice.delete(f"{run.root}/{name}/x")
    seconds_until(lambda: not names_below(alice, run.root), at_most=3)
    alice.children(run.root)


@scenario(when=SLOW)
def containers_of_create(run):
    """create and create2 with flag 4 make a plain node in ZooKeeper (8.2)."""
    alice = run.start()
    alice.create(run.root + "/create", flags=4)
    alice.create2(run.root + "/create2", flags=4)
    for name in ("create", "create2"):
        alice.create(f"{run.root}/{name}/x")
        alice.delete(f"{run.root}/{name}/x")
    run.pause(2.5)
    alice.sync()
    alice.children(run.root)


@scenario(when=SLOW)
def ttl_nodes(run):
    """Gone when their time is over and they have no children; setData renews."""
    alice = run.start()
    alice.create_ttl(run.root + "/short", 1500)
    alice.create_ttl(run.root + "/long", 1000000)
    alice.create_ttl(run.root + "/renewed", 6000)
    alice.create_ttl(run.root + "/s-", 1500, flags=6)
    alice.create_ttl(run.root + "/parent", 1500)
    alice.create(run.root + "/parent/child")
    alice.exists(run.root + "/short", watch=True)
    alice.exists(run.root + "/short")
    seconds_until(lambda: len(names_below(alice, run.root)) == 3, at_most=8)
    alice.set(run.root + "/renewed", b"x")
    alice.children2(run.root)
    run.pause(4.5)
    alice.sync()
    alice.children(run.root)
    alice.delete(run.root + "/parent/child")
    seconds_until(lambda: names_below(alice, run.root) == ["long"], at_most=10)
    alice.children2(run.root)
