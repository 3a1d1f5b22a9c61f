"""Reads (sections 11.6 to 11.10, 5.3)."""
import wire
from scenario import scenario


@scenario
def reads(run):
    alice = run.start(data=b"data")
    for name in ("b", "a", "c"):
        alice.create(f"{run.root}/{name}")
    alice.create(run.root + "/a/deep")
    for path in (run.root, run.root + "/a", run.root + "/missing", run.root + "/a/deep/missing"):
        alice.exists(path)
        alice.get(path)
        alice.get_acl(path)
        alice.children(path)
        alice.children2(path)
        alice.count(path)
        alice.sync(path)


@scenario
def ephemerals_by_prefix(run):
    """A plain prefix of the full path, of the own session only (11.10)."""
    alice = run.start()
    bob = run.connect("bob")
    for name in ("/a", "/ab", "/b"):
        alice.create(run.root + name, flags=wire.EPHEMERAL)
    alice.create(run.root + "/p")
    bob.create(run.root + "/p/bob", flags=wire.EPHEMERAL)
    for prefix in ("/", "", "  ", None, run.root, run.root + "/", run.root + "/a", run.root + "/ab", run.root + "/p", "/missing", "x"):
        alice.ephemerals(prefix)
    bob.ephemerals("/")
    bob.ephemerals(run.root + "/a")
    alice.delete(run.root + "/ab")
    alice.ephemerals("/")
    bob.delete(run.root + "/a")
    alice.ephemerals("/")
    bob.set(run.root + "/b", b"by bob")
    alice.exists(run.root + "/b")


@scenario
def count_of_descendants(run):
    alice = run.start()
    alice.create(run.root + "/a")
    alice.create(run.root + "/a/b")
    alice.create(run.root + "/a/b/c")
    alice.create(run.root + "/ab")
    for path in ("", "/a", "/a/b", "/a/b/c", "/missing"):
        alice.count(run.root + path)


@scenario
def sync_paths(run):
    """Not looked at, echoed (11.9)."""
    alice = run.start()
    for path in ("/", run.root, "/missing", "x", "", "/a//b", None, "/\U0001f600"):
        alice.sync(path)
    bob = run.connect("bob", at="leader")
    bob.sync("/")
    other = run.connect("carol", at="other")
    with other.together():
        other.sync("/a")
        other.exists(run.root)
        other.sync("/b")


@scenario
def who_am_i(run):
    """Every identity once: scheme and name (section 7.4)."""
    alice = run.connect("alice")
    alice.who_am_i()
    alice.auth("digest", b"bob:secret")
    alice.auth("digest", b"bob:secret")
    alice.auth("digest", b"carol:secret")
    alice.auth("digest", b"bob:other")
    alice.auth("ip", b"")
    alice.auth("digest", b"super:test")
    alice.who_am_i()
    alice.raw(wire.WHO_AM_I, b"abcd", "whoAmI with 4 bytes behind", alice.read_identities)
    elsewhere = run.connect("elsewhere", source="127.0.0.7")
    elsewhere.who_am_i()


@scenario
def reads_at_every_server(run):
    """What one server was told the others show after a sync (section 15)."""
    alice = run.start()
    alice.create(run.root + "/n", b"x")
    run.all_see()
    for at in ("leader", "follower", "other"):
        client = run.connect(f"at-{at}", at=at)
        client.sync("/")
        client.get(run.root + "/n")
        client.children2(run.root)
        client.set(run.root + "/n", b"x")
        client.get(run.root + "/n")
        run.all_see()
