"""Requests that end early, that hold odd lengths, or more than they should (sections 1 and 10)."""
import wire
from scenario import scenario

LONG_TEXT = 0x7fffffff


def whole(root):
    """A request of every type that ZooKeeper 3.8.0 survives half of: not reconfig, not check (sections 4 and 11.15)."""
    path = wire.string(root)
    multi = wire.multi_body([(wire.CREATE, wire.create_body(root + "/m")), (wire.DELETE, wire.string(root + "/m") + wire.integer(-1))])
    reads = wire.multi_body([(wire.GET_DATA, path + b"\0"), (wire.GET_CHILDREN, path + b"\0")])
    lists = wire.long(0) + wire.vector([root]) * 3
    return {
        "create": (wire.CREATE, wire.create_body(root + "/a", b"xyz")), "create2": (wire.CREATE2, wire.create_body(root + "/b", b"xyz")),
        "createContainer": (wire.CREATE_CONTAINER, wire.create_body(root + "/c", b"xyz", flags=4)),
        "createTTL": (wire.CREATE_TTL, wire.create_body(root + "/d", b"xyz", flags=5, ttl=1000000)),
        "delete": (wire.DELETE, wire.string(root + "/none") + wire.integer(-1)),
        "setData": (wire.SET_DATA, path + wire.buffer(b"xyz") + wire.integer(-1)),
        "setACL": (wire.SET_ACL, path + wire.acl_list(wire.OPEN) + wire.integer(-1)), "multi": (wire.MULTI, multi),
        "exists": (wire.EXISTS, path + b"\0"), "getData": (wire.GET_DATA, path + b"\0"), "getChildren": (wire.GET_CHILDREN, path + b"\0"),
        "getChildren2": (wire.GET_CHILDREN2, path + b"\0"), "getACL": (wire.GET_ACL, path), "sync": (wire.SYNC, path),
        "multiRead": (wire.MULTI_READ, reads), "getEphemerals": (wire.GET_EPHEMERALS, path),
        "getAllChildrenNumber": (wire.GET_ALL_CHILDREN_NUMBER, path), "setWatches": (wire.SET_WATCHES, lists),
        "setWatches2": (wire.SET_WATCHES2, lists + wire.vector([root]) * 2), "addWatch": (wire.ADD_WATCH, path + wire.integer(0)),
        "checkWatches": (wire.CHECK_WATCHES, path + wire.integer(3)), "removeWatches": (wire.REMOVE_WATCHES, path + wire.integer(3)),
        "auth": (wire.AUTH, wire.integer(0) + wire.string("digest") + wire.buffer(b"a:b")), "sasl": (wire.SASL, wire.buffer(b"abc")),
    }


class Prober:
    """Sends requests whose answers are gathered in one line; connects again when the server has closed."""

    def __init__(self, run):
        self.run, self.client = run, None

    def outcome(self, op, body):
        if self.client is None or not self.client.open:
            self.client = self.run.connect("prober")
            self.run.trace.forget_last()
        self.client.raw(op, body, "probes", lambda reader: (reader.take(reader.left()), ()))
        return "; ".join("".join(str(p) for p in parts) for parts in self.run.trace.forget_last().parts)

    def outcomes(self, cases):
        """cases: (label, op, body). Labels with the same outcome side by side are shown as one range."""
        ranges = []
        for label, op, body in cases:
            outcome = self.outcome(op, body)
            if ranges and ranges[-1][2] == outcome:
                ranges[-1][1] = label
            else:
                ranges.append([label, label, outcome])
        return ", ".join(f"{first}{'' if first == last else f'..{last}'}: {outcome}" for first, last, outcome in ranges)


@scenario
def cut_requests(run):
    """Every request type, cut after every byte."""
    run.start()
    prober = Prober(run)
    for name, (op, body) in whole(run.root).items():
        run.trace.note(f"{name} cut after", prober.outcomes((size, op, body[:size]) for size in range(len(body))))
    run.connect("bob").children(run.root)


@scenario
def longer_requests(run):
    """Bytes behind a whole record."""
    run.start()
    prober = Prober(run)
    for name, (op, body) in whole(run.root).items():
        run.trace.note(f"{name} with 5 bytes behind", prober.outcome(op, body + b"\1\2\3\4\5"))


@scenario
def odd_lengths(run):
    """The path's length replaced by others, the path left as it is."""
    alice = run.start()
    prober = Prober(run)
    for name, (op, body) in whole(run.root).items():
        if name in ("multi", "multiRead", "setWatches", "setWatches2", "auth", "sasl"):
            continue
        # A length of -1 is the null path: how that is answered is the matter of other scenarios.
        cases = [(length, op, wire.integer(length) + body[4:]) for length in (-2, -2147483648, 1 << 20, LONG_TEXT)]
        run.trace.note(f"{name} with a path length of", prober.outcomes(cases))
    alice.ping()


@scenario
def odd_counts(run):
    """Lists and buffers with lengths that cannot be."""
    run.start()
    prober = Prober(run)
    path, n = wire.string(run.root), wire.string(run.root + "/n")
    for count in (-1, -2, -2147483648, 2, 1000, 1 << 20, LONG_TEXT):
        acl = wire.integer(count) + wire.integer(31) + wire.string("world") + wire.string("anyone")
        run.trace.note(f"create with an ACL count of {count}", prober.outcome(wire.CREATE, n + wire.buffer(b"") + acl + wire.integer(0)))
        run.trace.note(f"setACL with an ACL count of {count}", prober.outcome(wire.SET_ACL, path + acl + wire.integer(-1)))
        if count != -1:
            run.trace.note(f"create with a data length of {count}",
                           prober.outcome(wire.CREATE, n + wire.integer(count) + wire.acl_list(wire.OPEN) + wire.integer(0)))
            run.trace.note(f"setData with a data length of {count}", prober.outcome(wire.SET_DATA, path + wire.integer(count) + wire.integer(-1)))
            run.trace.note(f"auth with a data length of {count}",
                           prober.outcome(wire.AUTH, wire.integer(0) + wire.string("digest") + wire.integer(count) + b"a:b"))
            run.trace.note(f"sasl with a token length of {count}", prober.outcome(wire.SASL, wire.integer(count) + b"abc"))
        run.trace.note(f"setWatches with a count of {count}",
                       prober.outcome(wire.SET_WATCHES, wire.long(0) + wire.integer(count) + wire.string("/x") + wire.vector([]) * 2))
    prober.client.children(run.root)


@scenario
def odd_booleans(run):
    """Anything but 0 is true."""
    alice = run.start()
    alice.raw(wire.GET_DATA, wire.string(run.root) + b"\x02", "getData watch=2", alice.read_data_and_stat)
    alice.set(run.root, b"x")
    alice.raw(wire.EXISTS, wire.string(run.root) + b"\xff", "exists watch=255", alice.read_stat)
    alice.set(run.root, b"y")


@scenario
def short_frames(run):
    """A frame too short for a header ends the connection."""
    for size in (0, 1, 4, 7):
        client = run.connect(f"frame{size}")
        client.send(wire.frame((wire.integer(1) + wire.integer(wire.EXISTS))[:size]))
        client.expect_end(2, f"sends a frame of {size} bytes")


@scenario
def cut_frames(run):
    """Half a frame and then the end of the connection leave nothing behind."""
    alice = run.start()
    bob = run.connect("bob")
    body = wire.frame(wire.integer(1) + wire.integer(wire.CREATE) + wire.create_body(run.root + "/half"))
    bob.send(body[:-1])
    bob.drop()
    alice.sync()
    alice.children(run.root)


@scenario
def multi_cut_and_mixed(run):
    """A multi that cannot be read is refused as a whole, and the connection goes on. None with a null path is sent: 3.8.0 never answers it, nor
    anything behind it."""
    alice = run.start()
    header = wire.multi_header
    create = wire.create_body(run.root + "/a")
    cases = {
        "no end header": header(1) + create, "only half a header": b"\0\0\0", "an operation without a record": header(1) + header(-1, True),
        "a path length of -2": header(2) + wire.integer(-2) + wire.integer(-1) + header(-1, True),
        "a path length beyond the end": header(2) + wire.integer(1 << 20) + wire.integer(-1) + header(-1, True),
        "nothing": b"",
    }
    for name, body in cases.items():
        alice.raw(wire.MULTI, body, f"multi with {name}", alice.read_results)
        alice.raw(wire.MULTI_READ, body, f"multiRead with {name}", alice.read_results)
    alice.ping()
    alice.children(run.root)
