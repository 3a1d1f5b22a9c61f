"""Watches: what fires them, once or always, for whom (sections 13.1 to 13.4, 13.7, 13.8; conformance tests 9, 10, 19)."""
import wire
from scenario import scenario

BOB_ONLY = ((31, "digest", "bob:fyVmFCwVbTJYrznoSu1koqYEYF0="),)


@scenario
def exists_watch(run):
    """Conformance test 9."""
    alice = run.start()
    bob = run.connect("bob")
    node = run.root + "/n"
    bob.exists(node, watch=True)
    alice.create(node)
    bob.sync()
    alice.delete(node)
    alice.create(node)
    bob.sync()
    bob.exists(node, watch=True)
    bob.exists(node, watch=True)
    alice.set(node, b"")
    bob.sync()
    alice.set(node, b"x")
    bob.sync()
    bob.exists(node, watch=True)
    alice.set_acl(node, wire.OPEN)
    alice.create(node + "/child")
    bob.sync()
    alice.delete(node + "/child")
    alice.delete(node)
    bob.sync()


@scenario
def failed_reads_set_no_watch(run):
    """Only exists does, on a missing node (11.7)."""
    alice = run.start()
    bob = run.connect("bob")
    node = run.root + "/n"
    bob.get(node, watch=True)
    bob.children(node, watch=True)
    bob.children2(node, watch=True)
    alice.create(node)
    alice.set(node)
    bob.sync()
    alice.create(run.root + "/closed", acl=BOB_ONLY)
    bob.get(run.root + "/closed", watch=True)
    bob.children(run.root + "/closed", watch=True)
    alice.auth("digest", b"bob:secret")
    alice.set(run.root + "/closed")
    alice.create(run.root + "/closed/x")
    bob.sync()
    bob.exists(run.root + "/bad/", watch=True)


@scenario
def data_and_child_watches(run):
    """Conformance test 10: one NodeDeleted for a connection that has both."""
    alice = run.start()
    bob, carol = run.connect("bob"), run.connect("carol")
    node = run.root + "/n"
    alice.create(node)
    bob.get(node, watch=True)
    bob.children(node, watch=True)
    bob.children2(run.root, watch=True)
    carol.children(node, watch=True)
    alice.delete(node)
    bob.sync()
    carol.sync()
    alice.create(node)
    bob.sync()
    bob.exists(node, watch=True)
    bob.get(node, watch=True)
    bob.children(node, watch=True)
    alice.create(node + "/a")
    bob.sync()
    alice.create(node + "/b")
    alice.set(node, b"x")
    bob.sync()
    alice.set(node, b"y")
    alice.delete(node + "/a")
    bob.sync()


@scenario
def child_watch_on_the_root(run):
    alice = run.start()
    bob = run.connect("bob")
    bob.request(wire.GET_CHILDREN, wire.string("/") + b"\1", "getChildren / watch", lambda r: (r.take(r.left()), ("a list",)))
    alice.set(run.root, b"x")
    alice.create(run.root + "/deep")
    bob.sync()
    alice.create(run.root + "-2")
    bob.sync()
    alice.delete(run.root + "-2")
    bob.sync()


@scenario
def persistent_watch(run):
    """All four events of just that path, again and again (13.4)."""
    alice = run.start()
    bob = run.connect("bob")
    node = run.root + "/n"
    bob.add_watch(node, 0)
    bob.add_watch(node, 0)
    alice.create(node)
    alice.set(node, b"x")
    alice.create(node + "/child")
    alice.set(node + "/child", b"x")
    alice.delete(node + "/child")
    bob.sync()
    alice.delete(node)
    alice.create(node)
    alice.set_acl(node, wire.OPEN)
    bob.sync()
    bob.drop()
    alice.set(node)


@scenario
def recursive_watch(run):
    """The changed node's path, never NodeChildrenChanged (13.4; conformance test 19)."""
    alice = run.start()
    bob = run.connect("bob")
    r = run.root + "/r"
    bob.add_watch(r, 1)
    alice.create(r)
    alice.create(r + "/a")
    alice.create(r + "/a/b", b"x")
    alice.set(r + "/a/b", b"y")
    alice.create(run.root + "/rx")
    alice.create(r + "/a/b/c", flags=wire.EPHEMERAL)
    alice.delete(r + "/a/b/c")
    alice.delete(r + "/a/b")
    alice.set(r)
    bob.sync()
    bob.add_watch(r + "/a", 1)
    bob.add_watch(r + "/a", 1)
    alice.create(r + "/a/b")
    bob.sync()
    alice.delete(r + "/a/b")
    alice.delete(r + "/a")
    alice.delete(r)
    bob.sync()
    alice.create(r)
    bob.sync()


@scenario
def recursive_watch_on_the_root(run):
    alice = run.start()
    bob = run.connect("bob")
    bob.add_watch("/", 1)
    alice.create(run.root + "/n")
    alice.set(run.root, b"x")
    alice.delete(run.root + "/n")
    bob.sync()


@scenario
def recursive_and_child_watch(run):
    """A child watch beside a recursive one on the node above."""
    alice = run.start()
    bob = run.connect("bob")
    alice.create(run.root + "/n")
    bob.add_watch(run.root, 1)
    bob.children(run.root + "/n", watch=True)
    bob.get(run.root + "/n", watch=True)
    alice.create(run.root + "/n/c")
    bob.sync()
    alice.set(run.root + "/n", b"x")
    bob.sync()
    alice.delete(run.root + "/n/c")
    alice.delete(run.root + "/n")
    bob.sync()


@scenario
def several_modes_on_one_path(run):
    """3.9 keeps them side by side; in 3.8.0 the last one replaces the others (13.1)."""
    alice = run.start()
    bob = run.connect("bob")
    bob.add_watch(run.root, 0)
    bob.get(run.root, watch=True)
    alice.set(run.root, b"1")
    bob.sync()
    alice.set(run.root, b"2")
    bob.sync()
    carol = run.connect("carol")
    carol.add_watch(run.root, 0)
    carol.add_watch(run.root, 1)
    alice.set(run.root, b"3")
    alice.create(run.root + "/c")
    carol.sync()
    dave = run.connect("dave")
    dave.add_watch(run.root, 1)
    dave.add_watch(run.root, 0)
    alice.set(run.root, b"4")
    alice.create(run.root + "/d")
    alice.set(run.root + "/d", b"5")
    dave.sync()


@scenario
def add_watch_arguments(run):
    """The mode is checked, the path is not (11.11)."""
    alice = run.start()
    for mode in (2, -1, 5, 2147483647):
        alice.add_watch(run.root, mode)
    for path in ("x", "/a/", "/a//b", "/missing/deep", None):
        alice.add_watch(path, 0)
    alice.ping()


@scenario
def delivery_needs_read(run):
    """Dropped without READ on the node, or on the parent for NodeChildrenChanged; a one-shot watch is used up all the same (13.7)."""
    alice = run.start()
    alice.auth("digest", b"bob:secret")
    carol = run.connect("carol")
    closed = run.root + "/closed"
    carol.exists(closed, watch=True)
    alice.create(closed, acl=BOB_ONLY)
    carol.sync()
    carol.add_watch(closed, 0)
    carol.add_watch(run.root, 1)
    alice.set(closed, b"x")
    alice.create(closed + "/child")
    alice.create(closed + "/closed-child", acl=BOB_ONLY)
    alice.delete(closed + "/closed-child")
    alice.delete(closed + "/child")
    carol.sync()
    alice.set_acl(closed, wire.OPEN)
    alice.set(closed, b"y")
    carol.sync()
    carol.get(closed, watch=True)
    carol.children(closed, watch=True)
    alice.set_acl(closed, BOB_ONLY)
    run.all_see()
    alice.set(closed, b"z")
    alice.create(closed + "/x")
    carol.sync()
    alice.delete(closed + "/x")
    alice.delete(closed)
    carol.sync()
    carol.auth("digest", b"bob:secret")
    alice.create(closed, acl=BOB_ONLY)
    carol.sync()


@scenario
def watches_of_other_servers(run):
    """A write at one server fires the watches at all of them."""
    alice = run.start()
    watchers = [run.connect(f"at-{at}", at=at) for at in ("leader", "follower", "other")]
    run.all_see()
    for watcher in watchers:
        watcher.get(run.root, watch=True)
        watcher.children(run.root, watch=True)
        watcher.exists(run.root + "/n", watch=True)
        watcher.add_watch(run.root + "/n", 1)
    alice.create(run.root + "/n", flags=wire.EPHEMERAL)
    alice.set(run.root, b"x")
    alice.close()
    run.all_see()
    for watcher in watchers:
        watcher.sync()
        watcher.get(run.root)


@scenario
def watches_end_with_the_connection(run):
    """They are the connection's, not the session's (13.1)."""
    alice = run.start()
    bob = run.connect("bob")
    bob.get(run.root, watch=True)
    bob.add_watch(run.root, 0)
    second = run.resume("second", bob)
    alice.set(run.root, b"x")
    second.sync()
    second.check_watches(run.root, 3)


@scenario
def events_of_a_closing_session(run):
    """Every ephemeral as a delete of its own (13.3)."""
    alice = run.connect("alice")
    alice.create(run.root)
    bob = run.connect("bob")
    for name in ("/a", "/b"):
        alice.create(run.root + name, flags=wire.EPHEMERAL)
        bob.exists(run.root + name, watch=True)
    bob.children(run.root, watch=True)
    alice.close()
    bob.sync()
    run.trace.sort_events()
    bob.children2(run.root)
