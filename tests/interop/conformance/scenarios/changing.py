"""setData, setACL, delete and their errors in order (sections 6.4, 11.2 to 11.4; conformance tests 6, 7, 8)."""
import wire
from scenario import scenario


@scenario
def set_data(run):
    alice = run.start(data=b"first")
    alice.get(run.root)
    alice.set(run.root, b"second")
    alice.set(run.root, b"second", 1)
    alice.set(run.root, b"third", 1)
    alice.set(run.root, b"third", 2)
    alice.set(run.root, None)
    alice.get(run.root)
    alice.set(run.root, b"")
    alice.get(run.root)
    alice.set(run.root, b"\x00\xff" * 1000)
    alice.get(run.root)
    for version in (-2, -2147483648, 2147483647, 0):
        alice.set(run.root, b"", version)
    alice.set(run.root + "/missing", b"")
    alice.set(run.root + "/missing", b"", 7)
    alice.exists(run.root)


@scenario
def set_data_precedence(run):
    """Path, NoNode, NoAuth, BadVersion."""
    alice = run.start()
    alice.create(run.root + "/closed", acl=wire.READ_ONLY)
    alice.set(run.root + "/closed", b"", 9)
    alice.set(run.root + "/closed", b"")
    alice.set(run.root + "/closed/missing", b"")
    alice.set(run.root + "/closed/missing/", b"")


@scenario
def set_acl(run):
    alice = run.start()
    alice.get_acl(run.root)
    alice.exists(run.root, watch=True)
    alice.children(run.root, watch=True)
    alice.set_acl(run.root, wire.OPEN)
    alice.set_acl(run.root, wire.OPEN, 0)
    alice.set_acl(run.root, ((wire.READ, "world", "anyone"), (wire.ALL, "ip", "127.0.0.1")), 1)
    alice.get_acl(run.root)
    alice.set_acl(run.root + "/missing", wire.OPEN)
    alice.set_acl(run.root + "/missing", ())
    alice.set_acl(run.root + "/missing/", ())
    alice.set_acl(run.root, (), 99)
    alice.set_acl(run.root, wire.OPEN, -2)
    closed = run.root + "/closed"
    alice.create(closed, acl=((wire.ALL & ~wire.ADMIN, "world", "anyone"),))
    alice.set_acl(closed, wire.OPEN)
    alice.set_acl(closed, wire.OPEN, 9)
    alice.set_acl(closed, ())
    alice.exists(run.root)
    alice.sync()


@scenario
def delete(run):
    alice = run.start()
    node, closed = run.root + "/n", run.root + "/closed"
    alice.create(node)
    alice.create(node + "/child")
    alice.delete(node, 5)
    alice.delete(node, 0)
    alice.delete(node)
    alice.delete(node + "/missing")
    alice.delete(node + "/missing/deep")
    alice.delete(node + "/missing", 4)
    alice.delete(node + "/child", -2)
    alice.delete(node + "/child", 0)
    alice.set(node)
    alice.delete(node, 0)
    alice.delete(node, 1)
    alice.exists(node)
    alice.exists(run.root)
    alice.create(closed, acl=((wire.ALL & ~wire.MAY_DELETE, "world", "anyone"),))
    alice.create(closed + "/child")
    alice.delete(closed + "/child")
    alice.delete(closed + "/child", 9)
    alice.delete(closed + "/missing")
    alice.delete(closed)
    for path in ("/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config"):
        alice.delete(path)
        alice.delete(path, 99)
    alice.delete("")
    alice.delete("/zookeeper/missing")
    alice.create(run.root + "/n")
    alice.delete(run.root + "/n")
    alice.exists(run.root)


@scenario
def large_nodes(run):
    """Frames up to jute.maxbuffer, and a length just beyond it (section 1; conformance test 28)."""
    alice = run.start()
    room = 1048575 - 8 - 4 - len(run.root) - 4 - 4
    alice.request(wire.SET_DATA, wire.string(run.root) + wire.buffer(b"x" * room) + wire.integer(-1), "setData in the largest frame", alice.read_stat)
    alice.exists(run.root)
    alice.get(run.root)
    bob = run.connect("bob")
    alice.request(wire.SET_DATA, wire.string(run.root) + wire.buffer(b"x" * (room + 1)) + wire.integer(-1), "setData one byte longer")
    bob.exists(run.root)
    bob.set(run.root, b"")
