"""setWatches and setWatches2: the watches of a client that comes back (section 13.5; conformance test 18)."""
import wire
from scenario import scenario


@scenario
def set_watches(run):
    """The missed event first, then the reply; what was not missed is registered."""
    alice = run.start()
    for name in ("changed", "same", "gone", "with-child", "quiet", "made-again"):
        alice.create(f"{run.root}/{name}")
    alice.sync()
    since = alice.last_zxid
    alice.set(run.root + "/changed", b"x")
    alice.delete(run.root + "/gone")
    alice.create(run.root + "/with-child/c")
    alice.create(run.root + "/new")
    alice.delete(run.root + "/made-again")
    alice.create(run.root + "/made-again")
    bob = run.connect("bob")
    paths = [f"{run.root}/{name}" for name in ("changed", "same", "gone", "with-child", "new", "made-again", "missing")]
    for path in paths:
        bob.set_watches(since, "before", data=[path])
    for path in paths:
        bob.set_watches(since, "before", exist=[path])
    for path in paths:
        bob.set_watches(since, "before", child=[path])
    bob.sync()
    carol = run.connect("carol")
    carol.set_watches(alice.last_zxid, "now", data=paths[:2], exist=[paths[6]], child=[paths[3]])
    alice.set(paths[0], b"y")
    alice.create(paths[6])
    alice.delete(paths[3] + "/c")
    alice.set(paths[1], b"y")
    carol.sync()
    bob.sync()


@scenario
def set_watches_boundary(run):
    """Strictly newer than relativeZxid."""
    alice = run.start()
    stat = alice.set(run.root, b"x")
    bob = run.connect("bob")
    bob.set_watches(stat.mzxid, "mzxid", data=[run.root])
    bob.set_watches(stat.mzxid - 1, "mzxid-1", data=[run.root])
    _, stat = alice.create2(run.root + "/c")
    bob.set_watches(stat.czxid, "pzxid", child=[run.root])
    bob.set_watches(stat.czxid - 1, "pzxid-1", child=[run.root])
    bob.set_watches(0, "zero", data=[run.root], child=[run.root], exist=[run.root])
    bob.set_watches(-1, "-1", data=[run.root])
    bob.set_watches((1 << 63) - 1, "the largest", data=[run.root], child=[run.root], exist=[run.root + "/none"])
    alice.set(run.root, b"y")
    alice.create(run.root + "/none")
    bob.sync()


@scenario
def set_watches_lists(run):
    alice = run.start()
    bob = run.connect("bob")
    bob.set_watches(0, "zero")
    bob.set_watches(0, "zero", data=["", "x", "/a/", "/a//b"])
    bob.set_watches(0, "zero", exist=["", "x", "/a/", "/a//b"])
    bob.set_watches(0, "zero", child=["x", "/a/"])
    now = alice.last_zxid
    bob.set_watches(now, "now", data=[run.root, run.root], child=[run.root, run.root])
    alice.set(run.root, b"x")
    alice.create(run.root + "/c")
    bob.sync()
    for nulls in range(1, 4):
        lists = b"".join(wire.vector(None if n == nulls else []) for n in (1, 2, 3))
        bob.raw(wire.SET_WATCHES, wire.long(0) + lists, f"setWatches with list {nulls} null", xid=wire.SET_WATCHES_XID)
    bob.raw(wire.SET_WATCHES2, wire.long(0) + wire.vector(None) * 5, "setWatches2 with null lists", xid=wire.SET_WATCHES_XID)
    bob.raw(wire.SET_WATCHES, wire.long(0) + wire.vector([None]) + wire.vector([]) * 2, "setWatches of a null path", xid=wire.SET_WATCHES_XID)
    bob.ping()


@scenario
def set_watches2(run):
    """Persistent and recursive ones are registered without an event."""
    alice = run.start()
    alice.create(run.root + "/n")
    bob = run.connect("bob")
    bob.set_watches2(0, "zero", persistent=[run.root], recursive=[run.root + "/n"])
    bob.set_watches2(alice.last_zxid, "now", data=[run.root + "/n/a"], exist=[run.root + "/other"])
    alice.set(run.root, b"1")
    alice.set(run.root, b"2")
    alice.create(run.root + "/n/a")
    alice.set(run.root + "/n/a", b"3")
    alice.create(run.root + "/other")
    bob.sync()
    carol = run.connect("carol")
    carol.set_watches2(0, "zero", data=[run.root], exist=[run.root], child=[run.root], persistent=[run.root], recursive=[run.root])
    alice.set(run.root, b"4")
    carol.sync()


@scenario
def set_watches_without_read(run):
    """The events of setWatches and the permission to read."""
    alice = run.start()
    alice.create(run.root + "/closed", acl=((wire.ALL & ~wire.READ, "world", "anyone"),))
    bob = run.connect("bob")
    bob.set_watches(0, "zero", data=[run.root + "/closed"])
    bob.set_watches(0, "zero", exist=[run.root + "/closed"])
    bob.set_watches(0, "zero", child=[run.root + "/closed"])


@scenario
def back_with_watches(run):
    """A whole reconnect: resume at another server, auth, setWatches, requests in one go."""
    alice = run.start()
    bob = run.connect("bob")
    bob.auth("digest", b"bob:secret")
    bob.create(run.root + "/n", acl=((31, "auth", ""),))
    bob.get(run.root + "/n", watch=True)
    bob.get(run.root, watch=True)
    bob.sync()
    bob.drop()
    alice.set(run.root, b"while away")
    run.all_see()
    back = run.resume("back", bob, at="leader", zxid=bob.last_zxid)
    with back.together():
        back.auth("digest", b"bob:secret")
        back.set_watches(bob.last_zxid, "last seen", data=[run.root, run.root + "/n"])
        back.get(run.root + "/n")
        back.set(run.root + "/n", b"x")
        back.get(run.root)
