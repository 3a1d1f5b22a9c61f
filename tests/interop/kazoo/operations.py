"""What kazoo's client does apart from its recipes, on an ensemble that is well."""
import threading
import time

from clients import States, connected, end, new_client
from kazoo import exceptions as errors
from kazoo.protocol.states import EventType, KazooState
from kazoo.retry import KazooRetry
from kazoo.security import ACL, CREATOR_ALL_ACL, OPEN_ACL_UNSAFE, READ_ACL_UNSAFE, Id, make_acl, make_digest_acl, make_digest_acl_credential
from report import check, equal, eventually, raises


def run(report, ensemble):
    with connected(ensemble.hosts()) as zk:
        zk.ensure_path("/operations")
        for test in (_create, _create_modes, _data, _exists, _children, _delete, _ensure_path, _versions, _transactions, _asynchronous, _order,
                     _watches, _acls, _refused_acls, _auth, _large, _paths, _sync, _words, _reconfig):
            report.run("kazoo.operations." + test.__name__.strip("_"), test, zk, ensemble)
    for test in (_chroot, _retry, _ephemerals_end, _session_moves, _session_stolen, _expires, _auth_on_connect, _timeouts):
        report.run("kazoo.operations." + test.__name__.strip("_"), test, ensemble)


def _create(zk, _):
    equal(zk.create("/operations/a", b"1"), "/operations/a")
    equal(zk.get("/operations/a")[0], b"1")
    raises(errors.NodeExistsError, zk.create, "/operations/a")
    raises(errors.NoNodeError, zk.create, "/operations/none/a")
    equal(zk.create("/operations/none/a", b"x", makepath=True), "/operations/none/a")
    path, stat = zk.create("/operations/with-stat", b"abc", include_data=True)
    equal(path, "/operations/with-stat")
    equal((stat.version, stat.data_length, stat.children_count, stat.ephemeralOwner), (0, 3, 0, 0))
    check(stat.czxid == stat.mzxid == stat.pzxid, f"one zxid after a create: {stat}")
    check(abs(stat.created - time.time()) < 60, "created now")


def _create_modes(zk, _):
    zk.create("/operations/modes")
    equal([zk.create("/operations/modes/s-", sequence=True) for _ in range(3)], [f"/operations/modes/s-{i:010d}" for i in range(3)])
    owned = zk.create("/operations/modes/e-", ephemeral=True, sequence=True)
    equal(owned, "/operations/modes/e-0000000003")
    equal(zk.exists(owned).ephemeralOwner, zk.client_id[0])
    raises(errors.NoChildrenForEphemeralsError, zk.create, owned + "/child")
    # The counter is the parent's own and counts every create.
    zk.create("/operations/modes/plain")
    equal(zk.create("/operations/modes/", sequence=True), "/operations/modes/0000000005")


def _data(zk, _):
    zk.create("/operations/data")
    equal(zk.get("/operations/data")[0], b"")
    stat = zk.set("/operations/data", b"two")
    equal((stat.version, stat.data_length), (1, 3))
    data, read = zk.get("/operations/data")
    equal((data, read), (b"two", stat))
    check(stat.mzxid > stat.czxid, "a set raises mzxid")
    zk.set("/operations/data", None)
    equal(zk.get("/operations/data")[0], None, "null data is not empty data")
    equal(zk.get("/operations/data")[1].data_length, 0)


def _exists(zk, _):
    equal(zk.exists("/operations/nothing"), None)
    zk.create("/operations/something", b"12345")
    equal(zk.exists("/operations/something").data_length, 5)


def _children(zk, _):
    for name in ("b", "a", "c"):
        zk.create("/operations/children/" + name, makepath=True)
    equal(sorted(zk.get_children("/operations/children")), ["a", "b", "c"])
    names, stat = zk.get_children("/operations/children", include_data=True)
    equal((sorted(names), stat.children_count, stat.cversion), (["a", "b", "c"], 3, 3))
    zk.delete("/operations/children/b")
    equal(zk.exists("/operations/children").cversion, 4)
    raises(errors.NoNodeError, zk.get_children, "/operations/nothing")
    check("zookeeper" in zk.get_children("/"), "the root lists /zookeeper")


def _delete(zk, _):
    zk.create("/operations/delete/1/2/3", makepath=True)
    raises(errors.NotEmptyError, zk.delete, "/operations/delete/1")
    raises(errors.BadVersionError, zk.delete, "/operations/delete/1/2/3", version=7)
    raises(errors.NoNodeError, zk.delete, "/operations/nothing")
    zk.delete("/operations/delete", recursive=True)
    equal(zk.exists("/operations/delete"), None)
    raises(errors.BadArgumentsError, zk.delete, "/zookeeper/quota")


def _ensure_path(zk, _):
    zk.ensure_path("/operations/ensure/1/2/3")
    zk.ensure_path("/operations/ensure/1/2/3")
    equal(zk.get_children("/operations/ensure/1/2"), ["3"])


def _versions(zk, _):
    zk.create("/operations/versions")
    for version in range(3):
        equal(zk.set("/operations/versions", b"", version=version).version, version + 1)
    raises(errors.BadVersionError, zk.set, "/operations/versions", b"", version=0)
    raises(errors.BadVersionError, zk.set_acls, "/operations/versions", OPEN_ACL_UNSAFE, version=3)
    zk.set_acls("/operations/versions", READ_ACL_UNSAFE, version=0)
    equal(zk.exists("/operations/versions").acl_version, 1)


def _transactions(zk, _):
    zk.create("/operations/t", b"0")
    transaction = zk.transaction()
    transaction.check("/operations/t", version=0)
    transaction.create("/operations/t/a", b"x")
    transaction.create("/operations/t/s-", sequence=True)
    transaction.set_data("/operations/t/a", b"y", version=0)
    transaction.delete("/operations/t/a", version=1)
    done = transaction.commit()
    equal((done[0], done[1], done[2], done[4]), (True, "/operations/t/a", "/operations/t/s-0000000001", True))
    equal((done[3].version, done[3].data_length), (1, 1))
    equal(zk.get_children("/operations/t"), ["s-0000000001"])

    transaction = zk.transaction()
    transaction.create("/operations/t/lost")
    transaction.check("/operations/t", version=9)
    transaction.delete("/operations/t")
    equal([type(r) for r in transaction.commit()], [errors.RolledBackError, errors.BadVersionError, errors.RuntimeInconsistency])
    equal(zk.exists("/operations/t/lost"), None, "nothing of a failed transaction is done")
    equal(zk.create("/operations/t/n-", sequence=True), "/operations/t/n-0000000002")

    with zk.transaction() as both:
        both.create("/operations/t/e", ephemeral=True)
        both.create("/operations/t/se-", ephemeral=True, sequence=True)
    equal(zk.exists("/operations/t/e").ephemeralOwner, zk.client_id[0])
    equal(zk.transaction().commit(), [], "an empty transaction is one")


def _asynchronous(zk, _):
    equal(zk.create_async("/operations/async", b"1").get(5), "/operations/async")
    results = [zk.set_async("/operations/async", b"%d" % i) for i in range(100)]
    equal([r.get(5).version for r in results], list(range(1, 101)))
    calls = [zk.get_async("/operations/async"), zk.exists_async("/operations/async"), zk.get_children_async("/operations/async"),
             zk.get_acls_async("/operations/async"), zk.sync_async("/operations/async"), zk.ensure_path_async("/operations/async/x/y"),
             zk.delete_async("/operations/async/x/y"), zk.delete_async("/operations/nothing")]
    equal(calls[0].get(5)[0], b"99")
    equal(calls[1].get(5).version, 100)
    equal(calls[2].get(5), [])
    equal(calls[3].get(5)[0], OPEN_ACL_UNSAFE)
    equal(calls[4].get(5), "/operations/async")
    calls[5].get(5)
    raises(errors.NoNodeError, calls[7].get, 5)
    told = threading.Event()
    zk.exists_async("/operations/async").rawlink(lambda result: told.set())
    check(told.wait(5), "a completion is called")


def _order(zk, _):
    # Reads sent behind writes see them and nothing later.
    zk.create("/operations/order", b"start")
    calls = []
    for i in range(300):
        calls.append((i, zk.set_async("/operations/order", b"%d" % i), zk.get_async("/operations/order")))
    for i, written, read in calls:
        equal(written.get(10).version, i + 1)
        equal(read.get(10)[0], b"%d" % i)


def _watches(zk, _):
    heard = []
    zk.exists("/operations/w", watch=heard.append)
    zk.create("/operations/w")
    eventually(lambda: len(heard) == 1, "created")
    zk.get("/operations/w", watch=heard.append)
    zk.set("/operations/w", b"x")
    eventually(lambda: len(heard) == 2, "changed")
    zk.get_children("/operations/w", watch=heard.append)
    zk.create("/operations/w/c")
    eventually(lambda: len(heard) == 3, "child")
    zk.delete("/operations/w/c")
    zk.exists("/operations/w", watch=heard.append)
    zk.delete("/operations/w")
    eventually(lambda: len(heard) == 4, "deleted")
    equal([(e.type, e.path) for e in heard], [(t, "/operations/w") for t in
                                              (EventType.CREATED, EventType.CHANGED, EventType.CHILD, EventType.DELETED)])
    equal({e.state for e in heard}, {"CONNECTED"})


def _acls(zk, _):
    equal(zk.get_acls("/operations")[0], OPEN_ACL_UNSAFE)
    zk.create("/operations/acl", acl=[make_acl("world", "anyone", read=True, admin=True)])
    raises(errors.NoAuthError, zk.set, "/operations/acl", b"")
    raises(errors.NoAuthError, zk.create, "/operations/acl/child")
    equal(zk.set_acls("/operations/acl", OPEN_ACL_UNSAFE).acl_version, 1)
    zk.set("/operations/acl", b"now")
    acl = make_digest_acl("bob", "secret", all=True)
    equal(acl.id.id, "bob:fyVmFCwVbTJYrznoSu1koqYEYF0=")
    zk.create("/operations/digest", b"hidden", acl=[acl])
    raises(errors.NoAuthError, zk.get, "/operations/digest")
    raises(errors.NoAuthError, zk.get_acls, "/operations/digest")
    zk.create("/operations/ip", acl=[make_acl("ip", "127.0.0.0/8", all=True)])
    zk.set("/operations/ip", b"from here")


def _refused_acls(zk, _):
    for acl in ([ACL(31, Id("nosuch", "x"))], [ACL(31, Id("world", "nobody"))], [ACL(31, Id("digest", "nocolon"))],
                [ACL(31, Id("ip", "not-an-address"))], CREATOR_ALL_ACL):
        raises(errors.InvalidACLError, zk.create, "/operations/refused", acl=acl)


def _auth(zk, ensemble):
    with connected(ensemble.hosts()) as bob:
        bob.add_auth("digest", "bob:secret")
        zk.sync("/operations/digest")
        bob.sync("/operations/digest")
        equal(bob.get("/operations/digest")[0], b"hidden")
        bob.create("/operations/own", acl=CREATOR_ALL_ACL)
        equal(bob.get_acls("/operations/own")[0], [ACL(31, Id("digest", make_digest_acl_credential("bob", "secret")))])
        zk.sync("/operations")
        raises(errors.NoAuthError, zk.get, "/operations/own")
        bob.add_auth("digest", "alice:pass")
        bob.create("/operations/both", acl=[ACL(31, Id("auth", ""))])
        equal({a.id.id.split(":")[0] for a in bob.get_acls("/operations/both")[0]}, {"alice", "bob"})
    client = new_client(ensemble.hosts())
    try:
        raises(errors.AuthFailedError, client.add_auth, "nosuch", "a:b")
    finally:
        end(client)


def _large(zk, _):
    size = 1024 * 1024 - 4096
    zk.create("/operations/large", b"x" * size)
    equal(len(zk.get("/operations/large")[0]), size)
    # Many children: a reply of several hundred kB.
    zk.create("/operations/many")
    names = ["n" * 40 + f"{i:05d}" for i in range(3000)]
    for result in [zk.create_async("/operations/many/" + name) for name in names]:
        result.get(20)
    equal(sorted(zk.get_children("/operations/many")), names)
    zk.delete("/operations/large")


def _paths(zk, _):
    for name in ("with space", "\u00e9t\u00e9", "\u65e5\u672c", "a.b", "...", "quote'\"", "%41"):
        equal(zk.create("/operations/p/" + name, makepath=True), "/operations/p/" + name)
    check("\u00e9t\u00e9" in zk.get_children("/operations/p"), "UTF-8 names come back")
    for name in ("\u0001", "\u0080", "\ufff0", "\ue000"):
        raises(errors.BadArgumentsError, zk.create, "/operations/p/x" + name)


def _sync(zk, ensemble):
    # A sync through one server makes what another client wrote through another visible.
    with connected(ensemble.host(1)) as writer, connected(ensemble.host(2)) as reader:
        zk.create("/operations/sync", b"")
        for i in range(50):
            writer.set("/operations/sync", b"%d" % i)
            reader.sync("/operations/sync")
            equal(reader.get("/operations/sync")[0], b"%d" % i)


def _words(zk, _):
    equal(zk.command(b"ruok"), "imok")
    check(zk.server_version() >= (3, 4), f"version {zk.server_version()}")
    check("Mode: " in zk.command(b"stat") and "Clients:" in zk.command(b"stat"), "stat")
    check("zk_znode_count\t" in zk.command(b"mntr"), "mntr")
    check("clientPort=" in zk.command(b"conf"), "conf")
    equal(zk.command(b"isro"), "rw")
    check(f"0x{zk.client_id[0]:x}" in zk.command(b"cons"), "cons shows this session")


class ReconfigDisabledError(errors.ZookeeperError):
    """Of ZooKeeper 3.5; kazoo 2.8 does not know the number by itself."""
    code = -123


def _reconfig(zk, _):
    errors.EXCEPTIONS[ReconfigDisabledError.code] = ReconfigDisabledError
    raises(ReconfigDisabledError, zk.reconfig, joining=None, leaving="3", new_members=None)
    data, stat = zk.get("/zookeeper/config")
    equal(stat.version, -1)
    check(data.decode().count("server.") == 3 and "version=" in data.decode(), f"three servers: {data}")


def _chroot(ensemble):
    with connected(ensemble.hosts()) as zk:
        zk.create("/operations/chroot")
    with connected(ensemble.hosts() + "/operations/chroot") as zk:
        zk.create("/in", b"1")
        heard = []
        zk.get("/in", watch=heard.append)
        zk.set("/in", b"2")
        eventually(lambda: heard, "an event")
        equal(heard[0].path, "/in")
        equal(zk.get_children("/"), ["in"])
        done = zk.transaction()
        done.create("/tx")
        equal(done.commit(), ["/tx"])
        equal(zk.create("/seq-", sequence=True), "/seq-0000000002")
    with connected(ensemble.hosts()) as zk:
        zk.sync("/")
        equal(sorted(zk.get_children("/operations/chroot")), ["in", "seq-0000000002", "tx"])


def _retry(ensemble):
    with connected(ensemble.hosts(), command_retry=KazooRetry(max_tries=3, delay=0.01)) as zk:
        tries = []

        def flaky():
            tries.append(1)
            if len(tries) < 3:
                raise errors.ConnectionLoss()
            return zk.exists("/")
        check(zk.retry(flaky) is not None and len(tries) == 3, "the third try")
        raises(errors.NoNodeError, zk.retry, zk.get, "/operations/nothing")


def _ephemerals_end(ensemble):
    with connected(ensemble.host(1)) as watcher:
        owner = new_client(ensemble.host(2))
        for i in range(20):
            owner.create(f"/operations/ends-{i}", ephemeral=True)
        watcher.sync("/")
        heard = []
        for i in range(20):
            check(watcher.exists(f"/operations/ends-{i}", watch=heard.append), "it is there")
        end(owner)
        eventually(lambda: len(heard) == 20, "an event for each")
        equal({e.type for e in heard}, {EventType.DELETED})
        check(all(watcher.exists(f"/operations/ends-{i}") is None for i in range(20)), "all are gone")


def _session_moves(ensemble):
    """A session goes from server to server: set_hosts and a new connection; ephemerals and the id stay."""
    zk = new_client(ensemble.host(1))
    try:
        states, session = States(zk), zk.client_id
        zk.create("/operations/moves", ephemeral=True)
        for server in (2, 3, 1):
            zk.set_hosts(ensemble.host(server))
            # As when a network goes: the socket is shut, the session is not.
            before = len(states.heard)
            zk._connection._socket.shutdown(2)  # pylint: disable=protected-access
            eventually(lambda n=before: KazooState.CONNECTED in states.heard[n:], "connected again")
            peer = zk._connection._socket.getpeername()[1]  # pylint: disable=protected-access
            equal(peer, ensemble.port(server))
            equal(zk.client_id, session)
            equal(zk.retry(zk.exists, "/operations/moves").ephemeralOwner, session[0])
        equal(states.lost(), 0)
    finally:
        end(zk)


def _session_stolen(ensemble):
    """A second client with the id and password takes the session over; a wrong password gets nothing."""
    first = new_client(ensemble.host(1), connection_retry={"max_tries": 0})
    session, password = first.client_id
    first.create("/operations/stolen", ephemeral=True)
    second = new_client(ensemble.host(2), client_id=(session, password))
    try:
        equal(second.client_id[0], session)
        second.sync("/")
        equal(second.exists("/operations/stolen").ephemeralOwner, session)
        third = new_client(ensemble.host(3), client_id=(session, b"\x01" * 16))
        try:
            check(third.client_id[0] != session, "a wrong password does not open a session")
        finally:
            end(third)
        equal(second.exists("/operations/stolen").ephemeralOwner, session)
    finally:
        end(second)
        first.stop()
    with connected(ensemble.hosts()) as zk:
        zk.sync("/")
        equal(zk.exists("/operations/stolen"), None)


def _expires(ensemble):
    """A client that falls silent loses its session: its ephemerals go, and it is told so when it comes back."""
    zk = new_client(ensemble.host(1), timeout=4.0)
    states, session = States(zk), zk.client_id[0]
    zk.create("/operations/expires", ephemeral=True)
    with connected(ensemble.host(2)) as watcher:
        watcher.sync("/")
        heard = []
        check(watcher.exists("/operations/expires", watch=heard.append), "it is there")
        # Nobody listens where it turns now.
        zk.set_hosts("127.0.0.1:1")
        zk._connection._socket.shutdown(2)  # pylint: disable=protected-access
        started = time.monotonic()
        eventually(lambda: heard, "the ephemeral goes", 20)
        check(time.monotonic() - started > 3.0, "not before its time")
    zk.set_hosts(ensemble.hosts())
    eventually(lambda: KazooState.LOST in states.heard, "LOST", 20)
    eventually(lambda: zk.connected, "a new session", 20)
    check(zk.client_id[0] != session, "the new session is another")
    end(zk)


def _auth_on_connect(ensemble):
    with connected(ensemble.hosts(), auth_data=[("digest", "bob:secret")], default_acl=CREATOR_ALL_ACL) as zk:
        zk.create("/operations/default-acl", b"")
        equal(zk.get_acls("/operations/default-acl")[0][0].id.id, "bob:fyVmFCwVbTJYrznoSu1koqYEYF0=")
        # The identities are given again on a new connection.
        states = States(zk)
        zk._connection._socket.shutdown(2)  # pylint: disable=protected-access
        eventually(lambda: KazooState.CONNECTED in states.heard, "connected again")
        zk.retry(zk.set, "/operations/default-acl", b"after")


def _timeouts(ensemble):
    """tickTime 2000: 4 to 40 seconds are granted."""
    for wanted, granted in ((0.5, 4000), (600.0, 40000), (10.0, 10000)):
        zk = new_client(ensemble.hosts(), timeout=wanted)
        try:
            equal(_negotiated(zk), granted)
        finally:
            end(zk)


def _negotiated(zk):
    for line in zk.command(b"cons").splitlines():
        if f"sid=0x{zk.client_id[0]:x}," in line:
            return int(line.split(",to=")[1].split(",")[0])
    raise AssertionError("cons does not show the session")
