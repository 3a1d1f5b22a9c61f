"""Connecting, resuming and being refused (section 2; conformance tests 15, 16, 17)."""
import wire
from client import create_op
from connection import Pending
from scenario import SLOW, scenario

FAR = (1 << 63) - 1


@scenario
def connect_shapes(run):
    """45 bytes with readOnly, 44 without; anything goes as the password of a new session."""
    run.connect("alice").ping()
    run.dial("old").connect("connect without readOnly", read_only=None).ping()
    run.dial("reader").connect("connect readOnly", read_only=True).ping()
    run.dial("null").connect("connect null password", password=None).ping()
    run.dial("empty").connect("connect empty password", password=b"").ping()
    run.dial("short").connect("connect 5-byte password", password=b"abcde").ping()
    run.dial("long").connect("connect 40-byte password", password=b"x" * 40).ping()
    run.dial("version").connect("connect protocolVersion=7", version=7).ping()
    run.dial("behind").connect("connect with a byte behind", body=wire.connect_request() + b"\1").ping()
    run.dial("at-leader", "leader").connect("connect at the leader").ping()


@scenario
def connect_timeouts(run):
    """Clamped into 2 to 20 ticks of 500 ms."""
    for timeout in (0, -1, 1, 999, 1000, 1001, 4321, 10000, 10001, 1000000000, -2147483648):
        client = run.dial(f"t{timeout}").connect(f"connect timeout={timeout}", timeout=timeout)
        client.close()


@scenario
def connect_truncated(run):
    whole = wire.connect_request()
    for size in (0, 1, 4, 8, 12, 16, 24, 27, 28, 40, 43):
        run.dial(f"c{size}").connect(f"connect cut at {size} bytes", body=whole[:size])
    for length in (-2, 17, 1 << 20, 0x7fffffff):
        body = whole[:24] + wire.integer(length) + bytes(17)
        run.dial(f"p{length}").connect(f"connect with a password length of {length}", body=body)
    run.connect("alice").ping()


@scenario
def connect_frames(run):
    """A frame length below 0 or above jute.maxbuffer ends the connection, before and after the session is granted."""
    for length in (-1, -2147483648, 1048576, 1 << 24, 0x7fffffff):
        client = run.dial(f"before{length}")
        client.send(wire.integer(length) + bytes(64))
        client.expect_end(text=f"sends the length {length} first")
    for length in (-1, 1048576, 0x7fffffff):
        client = run.connect(f"after{length}")
        client.send(wire.integer(length) + bytes(64))
        client.expect_end(text=f"sends the length {length}")
    run.connect("alice").ping()


@scenario
def connect_split(run):
    """Bytes that come one by one are the same conversation."""
    client = run.dial("slow")
    step = run.trace.step("slow connect byte by byte")
    for byte in wire.frame(wire.connect_request()):
        client.send(bytes((byte,)))
        run.pause(0.001)
    client.read_connect_response(step)
    for byte in wire.frame(wire.integer(5) + wire.integer(wire.EXISTS) + wire.string("/") + b"\0"):
        client.send(bytes((byte,)))
        run.pause(0.001)
    client.await_reply(Pending(run.trace.step("slow exists / byte by byte"), 5, lambda reader: (reader.take(68), ("a Stat",))))
    client.ping()


@scenario
def connect_pipelined(run):
    """Requests in the connect request's segment are answered behind it."""
    client = run.dial("eager")
    requests = b"".join(wire.frame(wire.integer(xid) + wire.integer(op) + body) for xid, op, body in (
        (1, wire.CREATE, wire.create_body("/connect-pipelined")), (2, wire.EXISTS, wire.string("/connect-pipelined") + b"\0")))
    client.connect("connect, create and exists in one segment", behind=requests)
    client.await_reply(Pending(run.trace.step("eager create"), 1, client.read_path))
    client.await_reply(Pending(run.trace.step("eager exists"), 2, client.read_stat))


@scenario
def connect_zxid(run):
    """A client that has seen more than the server is closed without a word (2.3); one that has seen as much is served."""
    alice = run.start()
    alice.set(run.root, b"x")
    run.dial("same").connect("connect with the last zxid", zxid=alice.last_zxid).ping()
    run.dial("negative").connect("connect with zxid -1", zxid=-1).ping()
    run.dial("ahead").connect("connect with a zxid ahead", zxid=FAR)
    run.dial("ahead-old").connect("connect with a zxid ahead without readOnly", zxid=FAR, read_only=None)
    run.resume("resumer", alice, text="resume with a zxid ahead", zxid=FAR)
    alice.ping()


@scenario
def resume(run):
    """The same session on the same server: the old connection is closed, ephemerals and password stay (conformance test 15)."""
    alice = run.start()
    alice.create(run.root + "/mine", flags=wire.EPHEMERAL)
    second = run.resume("second", alice)
    alice.expect_end()
    second.exists(run.root + "/mine")
    second.create(run.root + "/mine-too", flags=wire.EPHEMERAL)
    second.ephemerals("/")
    third = run.resume("third", second, text="resume without readOnly", read_only=None)
    second.expect_end()
    third.ephemerals("/")
    third.drop()
    fourth = run.resume("fourth", third, text="resume with another timeout", timeout=5000)
    fourth.drop()
    fifth = run.resume("fifth", third, text="resume with a timeout of 1", timeout=1)
    fifth.ephemerals("/")
    fifth.close()
    bob = run.connect("bob")
    bob.children(run.root)


@scenario
def resume_elsewhere(run):
    """A session moves between servers; what its old connection still sends is not done (section 14)."""
    alice = run.start(at="follower")
    alice.create(run.root + "/mine", flags=wire.EPHEMERAL)
    run.all_see()
    second = run.resume("second", alice, at="leader", text="resume at the leader")
    second.create(run.root + "/moved", flags=wire.EPHEMERAL)
    second.sync()
    alice.create(run.root + "/left-behind")
    alice.expect_end()
    run.all_see()
    third = run.resume("third", second, at="other", text="resume at the other follower", zxid=second.last_zxid)
    third.sync()
    third.ephemerals("/")
    second.set(run.root, b"left behind")
    second.expect_end()
    third.children(run.root)
    third.get(run.root)
    third.close()


@scenario
def resume_multi_elsewhere(run):
    """A multi of the old connection is not done either."""
    alice = run.start()
    run.all_see()
    second = run.resume("second", alice, at="leader")
    second.create(run.root + "/moved")
    alice.multi(create_op(run.root + "/a"), create_op(run.root + "/b"))
    alice.expect_end()
    second.sync()
    second.children(run.root)
    second.close()


@scenario
def refused(run):
    """Never a new session for one who asks for an old one: timeout 0, id 0, 16 zeros, and the end (section 2.3)."""
    alice = run.start()
    alice.create(run.root + "/mine", flags=wire.EPHEMERAL)
    cases = (("a wrong password", alice.session, b"y" * 16), ("a password of zeros", alice.session, bytes(16)),
             ("a short password", alice.session, alice.password[:15]), ("an empty password", alice.session, b""),
             ("a null password", alice.session, None), ("an unknown id", 0x123456789, alice.password),
             ("an unknown negative id", -5, alice.password), ("the smallest id", -1 << 63, bytes(16)))
    for number, (text, session, password) in enumerate(cases):
        for read_only in (False, None):
            client = run.dial(f"r{number}{'-old' if read_only is None else ''}")
            client.connect(f"resume with {text}", session=session, password=password, read_only=read_only)
            client.expect_end()
    run.dial("again", "leader").connect("resume with a wrong password at the leader", session=alice.session, password=b"z" * 16)
    again = run.resume("again", alice)
    again.ephemerals("/")
    again.close()
    closed = run.resume("closed", alice, text="resume of a closed session")
    closed.expect_end()
    closed = run.resume("closed", alice, at="leader", text="resume of a closed session at the leader")
    closed.expect_end()


@scenario
def wrong_password_and_the_old_connection(run):
    """What a try with a wrong password does to the connection that has the session."""
    alice = run.start()
    run.dial("thief").connect("resume with a wrong password", session=alice.session, password=b"y" * 16)
    alice.ping()
    alice.expect_end(1)


@scenario
def connection_limit(run):
    """maxClientCnxns=60 counts per client address (2.3)."""
    many = [run.dial("many", source="127.0.0.60") for _ in range(60)]
    last = many[-1].connect()
    last.ping()
    run.dial("one-too-many", source="127.0.0.60").connect()
    run.dial("neighbour", source="127.0.0.61").connect()
    last.ping()
    for client in many:
        client.drop()
    run.pause(0.5)
    run.dial("later", source="127.0.0.60").connect().ping()


@scenario(when=SLOW)
def sessionless(run):
    """A connection that says nothing, or only half of it, is dropped after sessionlessCnxnTimeout (2 s here)."""
    silent, half = run.dial("silent"), run.dial("half")
    half.send(wire.frame(wire.connect_request())[:20])
    run.pause(0.5)
    silent.expect_end(0.5, "waits for 0.5 s")
    silent.expect_end(5)
    half.expect_end(1)
