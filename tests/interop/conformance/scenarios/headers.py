"""Headers, special xids, order of replies and events on one connection (section 3), and opcodes (section 4)."""
import wire
from client import create_op
from scenario import scenario


@scenario
def xids(run):
    """Echoed untouched, in any order and twice; a ping is answered with -2."""
    alice = run.start()
    for xid in (0, 1, 1, 77, 5, -3, -1, -2, -4, -8, -2147483648, 2147483647):
        alice.raw(wire.EXISTS, wire.string(run.root) + b"\0", f"exists xid={xid}", alice.read_stat, xid=xid)
    alice.ping()
    alice.ping(xid=9)
    alice.ping(xid=-8)
    alice.raw(wire.PING, b"abcd", "ping with 4 bytes behind", xid=wire.PING_XID)
    alice.auth("digest", b"xid:xid", xid=12)
    alice.set_watches(0, "zero", xid=13)
    alice.raw(wire.CREATE, wire.create_body(run.root + "/n"), "create xid=-2", alice.read_path, xid=-2)
    alice.raw(wire.CREATE, wire.create_body(run.root + "/n"), "create again xid=-8", alice.read_path, xid=-8)


@scenario
def pipeline(run):
    """Everything in one segment: replies in order, every read sees the writes before it and none of those behind it."""
    alice = run.start()
    node = run.root + "/n"
    with alice.together():
        alice.exists(node)
        alice.create(node, b"one")
        alice.get(node)
        alice.set(node, b"two", 0)
        alice.get(node)
        alice.set(node, b"three", 0)
        alice.set(node, b"three", 1)
        alice.children2(run.root)
        alice.delete(node, 1)
        alice.exists(node)
        alice.delete(node, 2)
        alice.exists(node)
        alice.children2(run.root)
        alice.sync(node)
        alice.multi(create_op(node, b"four"), create_op(node + "/below"))
        alice.children(node)
        alice.get(node)


@scenario
def pipeline_of_many(run):
    """The counters in a reply are those of its place in the line, however many are on their way."""
    alice = run.start()
    with alice.together():
        for _ in range(4):
            for _ in range(50):
                alice.create(run.root + "/q", flags=wire.SEQUENTIAL)
            alice.exists(run.root)


@scenario
def own_events_first(run):
    """An event goes before the reply to the write that caused it (conformance test 11)."""
    alice = run.start()
    node = run.root + "/n"
    alice.exists(node, watch=True)
    alice.children(run.root, watch=True)
    alice.create(node)
    alice.get(node, watch=True)
    alice.children(node, watch=True)
    alice.set(node, b"x")
    alice.exists(node, watch=True)
    alice.children(run.root, watch=True)
    alice.delete(node)
    with alice.together():
        alice.exists(node, watch=True)
        alice.create(node)
        alice.get(node, watch=True)
        alice.set(node, b"x")
        alice.set(node, b"y")
        alice.children(run.root, watch=True)
        alice.exists(node, watch=True)
        alice.delete(node)
        alice.exists(node)


@scenario
def event_headers(run):
    """The zxid in an event's header (section 3)."""
    run.show_event_zxids = True
    alice = run.start()
    bob = run.connect("bob", at="other")
    bob.sync()
    bob.get(run.root, watch=True)
    alice.set(run.root, b"x")
    bob.sync()
    bob.get(run.root)
    alice.exists(run.root + "/n", watch=True)
    alice.create2(run.root + "/n")


@scenario
def unknown_opcodes(run):
    """Unimplemented, then the end (section 4). 13 alone is never sent: it destroys a 3.8.0."""
    for op in (0, 10, 23, 24, 99, 108, 500, 501, 503, 507, 999, -1, -2, -9, -12, 2147483647, -2147483648):
        alice = run.connect(f"op{op}")
        alice.raw(op, wire.string("/"), f"opcode {op}")
        alice.expect_end(2)
    alice = run.connect("alice")
    alice.raw(999, b"", "opcode 999 without a record")
    alice.expect_end(2)


@scenario
def unknown_opcode_drops_the_rest(run):
    alice = run.start()
    alice.create(run.root + "/mine", flags=wire.EPHEMERAL)
    alice.raw(999, b"", "opcode 999")
    alice.expect_end(2)
    again = run.resume("again", alice)
    again.ephemerals("/")


@scenario
def closing(run):
    """closeSession is answered, its ephemerals are gone, the connection ends (11.13)."""
    alice = run.start()
    bob = run.connect("bob")
    alice.create(run.root + "/a", flags=wire.EPHEMERAL)
    alice.create(run.root + "/b", flags=wire.EPHEMERAL)
    bob.children(run.root, watch=True)
    bob.exists(run.root + "/a", watch=True)
    alice.close()
    bob.sync()
    run.trace.sort_events()
    bob.children2(run.root)
    carol = run.connect("carol")
    carol.create(run.root + "/c", flags=wire.EPHEMERAL)
    carol.raw(wire.CLOSE_SESSION, b"abcd", "closeSession with 4 bytes behind")
    carol.expect_end()
    bob.sync()
    bob.children2(run.root)
    dave = run.connect("dave")
    with dave.together():
        dave.create(run.root + "/d", flags=wire.EPHEMERAL)
        dave.get(run.root)
        dave.raw(wire.CLOSE_SESSION, b"", "closeSession")
    dave.expect_end()
    bob.sync()
    bob.children(run.root)
