"""multi and multiRead (section 12; conformance tests 12, 13, 14)."""
import wire
from client import Op, check_op, children_op, create_op, create_ttl_op, delete_op, get_op, set_op
from scenario import scenario


@scenario
def multi_success(run):
    """One zxid for all, each operation sees those before it."""
    alice = run.start()
    m = run.root + "/m"
    alice.multi(create_op(m, b"x"), create_op(m + "/a"), set_op(m, b"y", 0), check_op(m, 1))
    alice.exists(m)
    alice.exists(m + "/a")
    alice.multi(delete_op(m + "/a", 0), set_op(m, b"z", 1), set_op(m, None, 2), delete_op(m, 3))
    alice.exists(m)
    alice.exists(run.root)
    alice.multi(create_op(m), delete_op(m), create_op(m), delete_op(m))
    alice.exists(run.root)
    alice.multi(create_op(m), set_op(m, b"1", 0), set_op(m, b"2", 1), set_op(m, b"3", 2))
    alice.get(m)
    alice.multi(check_op(m), check_op(m, 3), check_op(run.root, 0))
    alice.multi()


@scenario
def multi_result_types(run):
    """Which result type each create is answered with (12.3)."""
    alice = run.start()
    alice.multi(create_op(run.root + "/create"))
    alice.multi(create_op(run.root + "/container", op=wire.CREATE_CONTAINER, flags=4))
    alice.multi(create_ttl_op(run.root + "/ttl", 1000000))
    alice.multi(create_op(run.root + "/flag4", flags=4))
    alice.multi(create_op(run.root + "/flag4-2", op=wire.CREATE2, flags=4))
    alice.children2(run.root)


@scenario
def multi_create2(run):
    alice = run.start()
    alice.multi(create_op(run.root + "/n", op=wire.CREATE2))


@scenario
def multi_create_container_flags(run):
    alice = run.start()
    alice.multi(create_op(run.root + "/c", op=wire.CREATE_CONTAINER, flags=0))
    alice.children(run.root)


@scenario
def multi_sequences(run):
    alice = run.start()
    s = run.root + "/s"
    alice.create(s)
    alice.multi(*[create_op(s + "/q-", flags=wire.SEQUENTIAL) for _ in range(3)])
    alice.multi(create_op(s + "/q-", flags=wire.EPHEMERAL_SEQUENTIAL), create_op(s + "/x"), create_op(s + "/q-", flags=wire.SEQUENTIAL))
    alice.multi(create_op(s + "/q-", flags=wire.SEQUENTIAL), delete_op(s + "/missing"))
    alice.create(s + "/q-", flags=wire.SEQUENTIAL)
    alice.multi(create_op(s + "/new"), create_op(s + "/new/q-", flags=wire.SEQUENTIAL), create_op(s + "/new/q-", flags=wire.SEQUENTIAL))
    alice.multi(create_ttl_op(s + "/t-", 1000000, flags=6), create_op(s + "/", flags=wire.SEQUENTIAL))
    alice.exists(s)
    alice.children(s)
    alice.ephemerals("/")


@scenario
def multi_failures(run):
    """Header 0; 0 before the failing one, its code, -2 behind it; nothing is applied (12.4)."""
    alice = run.start()
    z, y = run.root + "/z", run.root + "/y"
    alice.create(run.root + "/closed", acl=wire.READ_ONLY)
    alice.create(run.root + "/e", flags=wire.EPHEMERAL)
    alice.create(run.root + "/full")
    alice.create(run.root + "/full/child")
    bad = (delete_op(run.root + "/missing"), create_op(run.root + "/missing/x"), create_op(run.root + "/closed/x"), create_op(run.root + "/e"),
           create_op(run.root + "/e/x"), create_op(run.root + "/i", acl=()), create_op(run.root + "/b/"), create_op("x"),
           delete_op(run.root + "/full"),
           delete_op(run.root + "/full", 4), delete_op("/"), set_op(run.root + "/closed"), set_op(run.root + "/full", b"", 3), set_op("x"),
           set_op(run.root + "/missing"), check_op(run.root + "/full", 8), check_op(run.root + "/missing"), check_op("x"),
           check_op(run.root + "/x/"), create_ttl_op(run.root + "/t", 0), create_op(run.root + "/nosuch", acl=((31, "nosuch", ""),)))
    for operation in bad:
        alice.multi(create_op(z, flags=wire.SEQUENTIAL), operation, create_op(y))
        alice.multi(operation)
    alice.multi(delete_op(run.root + "/missing"), delete_op(run.root + "/missing"), check_op(run.root))
    alice.exists(run.root)
    alice.children(run.root)
    alice.create(z, flags=wire.SEQUENTIAL)
    alice.multi(create_op(z), set_op(z, b"", 1))
    alice.multi(set_op(run.root, b"new"), check_op(run.root, 0))
    alice.get(run.root)


@scenario
def multi_with_strange_flags(run):
    alice = run.start()
    for flags in (5, 6, 7, -1):
        alice.multi(create_op(f"{run.root}/a{flags}"), create_op(f"{run.root}/b{flags}", flags=flags))
        alice.multi(create_op(f"{run.root}/c{flags}", flags=flags, op=wire.CREATE2))
    for flags in (0, 1, 4, 7):
        alice.multi(create_ttl_op(f"{run.root}/t{flags}", 1000, flags=flags))
    alice.children(run.root)


@scenario
def multi_of_other_types(run):
    """Mixed or foreign operations: MarshallingError in the header (12.1)."""
    alice = run.start()
    alice.multi(create_op(run.root + "/a"), get_op(run.root))
    alice.multi(get_op(run.root), create_op(run.root + "/a"))
    alice.multi(get_op(run.root))
    alice.multi(children_op(run.root))
    exists = Op(wire.EXISTS, wire.string(run.root) + b"\0", "exists")
    acl = Op(wire.SET_ACL, wire.string(run.root) + wire.acl_list(wire.OPEN) + wire.integer(-1), "setACL")
    for operation in (exists, acl, Op(wire.SYNC, wire.string("/"), "sync"), Op(wire.MULTI, b"", "multi"), Op(0, b"", "op 0"),
                      Op(999, wire.string("/"), "op 999"), Op(wire.CLOSE_SESSION, b"", "closeSession"), Op(wire.ERROR, wire.integer(0), "error")):
        alice.multi(operation)
        alice.multi(create_op(run.root + "/a"), operation)
        alice.multi_read(operation)
    alice.ping()
    alice.children(run.root)


@scenario
def multi_encodings(run):
    """What of the headers is looked at (12.1)."""
    alice = run.start()
    one = (wire.CREATE, wire.create_body(run.root + "/a"))
    two = (wire.DELETE, wire.string(run.root + "/a") + wire.integer(-1))
    body = wire.multi_body([one, two], end=False)
    alice.raw(wire.MULTI, body + wire.multi_header(-1, True, 7), "multi, end with err 7", alice.read_results)
    alice.raw(wire.MULTI, body + wire.multi_header(14, True, -1), "multi, end with type 14", alice.read_results)
    alice.raw(wire.MULTI, body + wire.multi_header(-1, True) + b"abcdef", "multi, bytes behind the end", alice.read_results)
    odd = wire.multi_header(one[0], False, 55) + one[1] + wire.multi_header(two[0], False, 0) + two[1] + wire.multi_header(-1, True)
    alice.raw(wire.MULTI, odd, "multi, err 55 in a header", alice.read_results)
    alice.raw(wire.MULTI, wire.multi_header(-1, True), "multi, empty", alice.read_results)
    alice.raw(wire.MULTI_READ, wire.multi_header(-1, True), "multiRead, empty", alice.read_results)
    alice.exists(run.root)


@scenario
def multi_events(run):
    """Operation by operation, all after the whole is decided (12.2)."""
    alice = run.start()
    bob = run.connect("bob")
    m = run.root + "/m"
    for client in (alice, bob):
        client.exists(m, watch=True)
        client.children(run.root, watch=True)
        client.exists(m + "/a", watch=True)
        client.get(run.root, watch=True)
    alice.multi(create_op(m), create_op(m + "/a"), set_op(m, b"x"), set_op(run.root, b"y"), create_op(run.root + "/n"))
    bob.sync()
    bob.get(m, watch=True)
    bob.children(m, watch=True)
    bob.add_watch(run.root, 1)
    alice.multi(set_op(m), delete_op(m + "/a"), delete_op(m), create_op(m), delete_op(m))
    bob.sync()
    alice.multi(set_op(run.root), delete_op(run.root + "/missing"))
    bob.sync()
    alice.multi(check_op(run.root))
    bob.sync()


@scenario
def multi_ephemerals(run):
    alice = run.start()
    alice.multi(create_op(run.root + "/a", flags=wire.EPHEMERAL), create_op(run.root + "/b", flags=wire.EPHEMERAL),
                create_op(run.root + "/p"), create_op(run.root + "/p/c", flags=wire.EPHEMERAL_SEQUENTIAL))
    alice.ephemerals("/")
    alice.multi(create_op(run.root + "/x", flags=wire.EPHEMERAL), create_op(run.root + "/x/y"))
    alice.multi(delete_op(run.root + "/a"), create_op(run.root + "/a"))
    alice.ephemerals("/")
    alice.exists(run.root + "/a")
    alice.close()
    bob = run.connect("bob")
    bob.children2(run.root)
    bob.children2(run.root + "/p")


@scenario
def multi_acl(run):
    """The node made by the first operation has its ACL for those that follow."""
    alice = run.start()
    alice.multi(create_op(run.root + "/a", acl=wire.READ_ONLY), create_op(run.root + "/a/b"))
    alice.multi(create_op(run.root + "/a", acl=wire.READ_ONLY), set_op(run.root + "/a"))
    alice.multi(create_op(run.root + "/a", acl=((31, "auth", ""),)))
    alice.auth("digest", b"bob:secret")
    alice.multi(create_op(run.root + "/a", acl=((31, "auth", ""),)))
    alice.get_acl(run.root + "/a")


@scenario
def multi_of_many(run):
    alice = run.start()
    alice.request(wire.MULTI, wire.multi_body([(wire.CREATE, wire.create_body(f"{run.root}/n{i}")) for i in range(1000)]), "multi of 1000 creates",
                  lambda r: (None, (f"{len(alice.read_results(r)[0])} results",)))
    alice.exists(run.root)
    alice.count(run.root)
    alice.request(wire.MULTI, wire.multi_body([(wire.DELETE, wire.string(f"{run.root}/n{i}") + wire.integer(0)) for i in range(1000)]),
                  "multi of 1000 deletes", lambda r: (None, (f"{len(alice.read_results(r)[0])} results",)))
    alice.exists(run.root)


@scenario
def multi_read(run):
    """Each read stands alone (12.5)."""
    alice = run.start(data=b"root")
    alice.create(run.root + "/a", b"a")
    alice.create(run.root + "/closed", acl=((wire.ALL & ~wire.READ, "world", "anyone"),))
    alice.multi_read(get_op(run.root), children_op(run.root), get_op(run.root + "/a"))
    alice.multi_read(get_op(run.root + "/missing"), get_op(run.root + "/a"), children_op(run.root + "/missing"), children_op(run.root + "/a"))
    alice.multi_read(get_op(run.root + "/closed"), children_op(run.root + "/closed"))
    alice.multi_read(get_op("x"), get_op(run.root + "/a/"))
    alice.multi_read(get_op(run.root, watch=True), children_op(run.root, watch=True))
    alice.set(run.root)
    alice.create(run.root + "/b")
    alice.sync()
    alice.multi_read(create_op(run.root + "/c"))
    alice.multi_read(set_op(run.root))
    alice.multi_read(check_op(run.root))
    alice.multi_read(get_op(run.root), set_op(run.root))
    alice.multi_read(set_op(run.root), get_op(run.root))
    alice.multi_read()
    alice.children(run.root)
