"""Every recipe of kazoo on an ensemble that is well. Contenders are clients of different servers: before one may count on seeing what
another wrote, it syncs."""
import contextlib
import datetime
import threading
import time

from clients import connected, end, new_client
from kazoo.exceptions import CancelledError, LockTimeout, NodeExistsError
from kazoo.protocol.states import EventType
from kazoo.recipe.cache import TreeCache, TreeEvent
from kazoo.recipe.watchers import ChildrenWatch, DataWatch, PatientChildrenWatch
from report import check, equal, eventually, raises

NAMES = {}


def recipe(function):
    NAMES[function.__name__] = function
    return function


def run(report, ensemble):
    clients = [new_client(ensemble.host(i)) for i in ensemble.ids()]
    try:
        for name, test in NAMES.items():
            report.run("kazoo.recipes." + name, test, clients, ensemble)
    finally:
        for client in clients:
            end(client)


def in_background(*functions):
    """Runs each on a thread; a function that waits for all of them and raises what one of them raised."""
    sorrows = []

    def guarded(function):
        try:
            function()
        except Exception as e:  # pylint: disable=broad-except
            sorrows.append(e)
    threads = [threading.Thread(target=guarded, args=(f,), daemon=True) for f in functions]
    for thread in threads:
        thread.start()

    def wait(seconds=20.0):
        deadline = time.monotonic() + seconds
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
            check(not thread.is_alive(), f"a thread still waits after {seconds} s")
        if sorrows:
            raise sorrows[0]
    return wait


class Occupancy:
    """How many are inside at once, at most."""

    def __init__(self):
        self.now, self.most, self.visits = 0, 0, 0
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def visit(self, seconds=0.005):
        with self._lock:
            self.now += 1
            self.visits += 1
            self.most = max(self.most, self.now)
        time.sleep(seconds)
        yield
        with self._lock:
            self.now -= 1


@recipe
def lock(clients, _):
    one, two, three = clients
    held = one.Lock("/recipes/lock", "first")
    check(held.acquire(), "nobody else wants it")
    other = two.Lock("/recipes/lock", "second")
    check(not other.acquire(blocking=False), "it is held")
    raises(LockTimeout, other.acquire, timeout=0.3)
    got = threading.Event()
    wait = in_background(lambda: other.acquire() and got.set())
    eventually(lambda: three.Lock("/recipes/lock").contenders() == ["first", "second"], "two contenders in order")
    check(not got.is_set(), "it is still held")
    held.release()
    wait()
    check(got.is_set() and other.is_acquired, "handed on")
    third = three.Lock("/recipes/lock", "third")
    wait = in_background(lambda: raises(CancelledError, third.acquire))
    eventually(lambda: len(other.contenders()) == 2, "a third contender")
    third.cancel()
    wait()
    other.release()

    inside = Occupancy()

    def contend(client):
        for _ in range(10):
            with client.Lock("/recipes/lock", "c"):
                with inside.visit():
                    pass
    in_background(*[lambda c=c: contend(c) for c in clients])()
    equal((inside.most, inside.visits), (1, 30))


@recipe
def lock_of_a_dead_client(clients, ensemble):
    dying = new_client(ensemble.host(2))
    dying.Lock("/recipes/dead", "dying").acquire()
    heir = clients[0].Lock("/recipes/dead", "heir")
    wait = in_background(heir.acquire)
    eventually(lambda: len(heir.contenders()) == 2, "the heir waits")
    end(dying)
    wait()
    heir.release()


@recipe
def read_and_write_lock(clients, _):
    one, two, three = clients
    readers = [one.ReadLock("/recipes/rw"), two.ReadLock("/recipes/rw")]
    for reader in readers:
        check(reader.acquire(timeout=5), "readers share")
    writer = three.WriteLock("/recipes/rw")
    check(not writer.acquire(blocking=False), "a writer waits for readers")
    wait = in_background(writer.acquire)
    eventually(lambda: len(writer.contenders()) == 3, "the writer waits")
    late = one.ReadLock("/recipes/rw")
    check(not late.acquire(blocking=False), "a reader waits for a writer before it")
    for reader in readers:
        reader.release()
    wait()
    check(not late.acquire(blocking=False), "the writer is alone")
    writer.release()
    check(late.acquire(timeout=5), "the writer has left")
    late.release()


@recipe
def semaphore(clients, _):
    one, two, three = clients
    first, second = one.Semaphore("/recipes/sem", "a", max_leases=2), two.Semaphore("/recipes/sem", "b", max_leases=2)
    check(first.acquire() and second.acquire(), "two leases")
    third = three.Semaphore("/recipes/sem", "c", max_leases=2)
    check(not third.acquire(blocking=False), "and not three")
    raises(LockTimeout, third.acquire, timeout=0.3)
    equal(sorted(third.lease_holders()), ["a", "b"])
    wait = in_background(third.acquire)
    first.release()
    wait()
    equal(sorted(third.lease_holders()), ["b", "c"])
    raises(ValueError, one.Semaphore("/recipes/sem", max_leases=3).acquire)
    second.release()
    third.release()


@recipe
def election(clients, _):
    led, go = [], [threading.Event() for _ in clients]

    def lead(i):
        led.append(i)
        check(go[i].wait(10), "told to resign")
    elections = [c.Election("/recipes/election", f"c{i}") for i, c in enumerate(clients)]
    waits = []
    for i, e in enumerate(elections):
        waits.append(in_background(lambda e=e, i=i: e.run(lead, i)))
        eventually(lambda n=i + 1: len(elections[0].contenders()) == n, "it stands")
    equal(elections[0].contenders(), ["c0", "c1", "c2"])
    eventually(lambda: led == [0], "the first leads")
    elections[1].cancel()
    waits[1]()
    go[0].set()
    eventually(lambda: led == [0, 2], "the third follows, as the second gave up")
    go[2].set()
    for wait in waits:
        wait()


@recipe
def barrier(clients, _):
    barriers = [c.Barrier("/recipes/barrier") for c in clients]
    barriers[0].create()
    for client in clients:
        client.sync("/")
    check(not barriers[1].wait(0.2), "it stands")
    wait = in_background(*[lambda b=b: check(b.wait(10), "it is lifted") for b in barriers[1:]])
    check(barriers[0].remove(), "it was there")
    wait()
    check(not barriers[0].remove(), "it is gone")
    check(barriers[0].wait(1), "none stands")


@recipe
def double_barrier(clients, _):
    entered, left, go = [], [], threading.Event()

    def take_part(i, client):
        both = client.DoubleBarrier("/recipes/double", len(clients), identifier=str(i))
        both.enter()
        check(both.participating, "it takes part")
        entered.append(i)
        check(go.wait(10), "told to leave")
        if i == 0:
            time.sleep(0.3)
        both.leave()
        left.append((i, time.monotonic()))
    waits = [in_background(lambda i=i, c=c: take_part(i, c)) for i, c in list(enumerate(clients))[:-1]]
    clients[0].ensure_path("/recipes/double")
    eventually(lambda: len(clients[0].get_children("/recipes/double")) == len(clients) - 1, "all but one wait")
    equal(entered, [], "nobody enters before all are there")
    waits.append(in_background(lambda: take_part(len(clients) - 1, clients[-1])))
    eventually(lambda: len(entered) == len(clients), "all enter together")
    started = time.monotonic()
    go.set()
    for wait in waits:
        wait()
    check(all(at - started > 0.25 for _, at in left), f"nobody leaves before all do: {left}")


@recipe
def counter(clients, _):
    def count(client):
        mine = client.Counter("/recipes/counter")
        for _ in range(20):
            mine += 2
            mine -= 1
    in_background(*[lambda c=c: count(c) for c in clients])(40)
    clients[0].sync("/recipes/counter")
    equal(clients[0].Counter("/recipes/counter").value, 60)
    real = clients[0].Counter("/recipes/real", default=0.5)
    real += 1.25
    equal(real.value, 1.75)
    shared = clients[0].Counter("/recipes/curator", support_curator=True)
    shared += 3
    equal(clients[0].get("/recipes/curator")[0], b"\0\0\0\3")


@recipe
def party(clients, _):
    parties = [c.Party("/recipes/party", f"p{i}") for i, c in enumerate(clients)]
    for p in parties:
        p.join()
    clients[0].sync("/")
    equal((sorted(parties[0]), len(parties[0])), (["p0", "p1", "p2"], 3))
    parties[1].leave()
    clients[0].sync("/")
    equal(sorted(parties[0]), ["p0", "p2"])
    shallow = [c.ShallowParty("/recipes/shallow", f"s{i}") for i, c in enumerate(clients)]
    for p in shallow:
        p.join()
    clients[2].sync("/")
    equal((sorted(shallow[2]), len(shallow[2])), (["s0", "s1", "s2"], 3))
    shallow[0].leave()
    clients[2].sync("/")
    equal(sorted(shallow[2]), ["s1", "s2"])


@recipe
def queue(clients, _):
    mine = clients[0].Queue("/recipes/queue")
    equal(mine.get(), None)
    for value, priority in ((b"late", 900), (b"one", 100), (b"two", 100), (b"first", 1)):
        mine.put(value, priority)
    equal(len(mine), 4)
    equal([mine.get() for _ in range(5)], [b"first", b"one", b"two", b"late", None])
    items, got = [b"%d" % i for i in range(60)], []
    taken = threading.Lock()

    def consume(client):
        theirs = client.Queue("/recipes/queue")
        while True:
            value = theirs.get()
            with taken:
                if value is not None:
                    got.append(value)
                if len(got) >= len(items):
                    return
    wait = in_background(*[lambda c=c: consume(c) for c in clients[1:]])
    for item in items:
        mine.put(item)
    wait()
    equal(sorted(got), sorted(items))


@recipe
def locking_queue(clients, _):
    mine, theirs = clients[0].LockingQueue("/recipes/locking"), clients[1].LockingQueue("/recipes/locking")
    mine.put_all([b"a", b"b"])
    mine.put(b"urgent", priority=1)
    equal(mine.get(5), b"urgent")
    equal(mine.get(5), b"urgent", "it is held until it is consumed")
    clients[1].sync("/")
    equal(theirs.get(5), b"a")
    check(mine.holds_lock() and mine.consume() and not mine.consume(), "consumed once")
    check(theirs.release(), "given back")
    clients[0].sync("/")
    equal(mine.get(5), b"a")
    check(mine.consume() and mine.get(5) == b"b" and mine.consume(), "the rest")
    equal(mine.get(0.2), None)
    wait = in_background(lambda: equal(theirs.get(10), b"later"))
    mine.put(b"later")
    wait()
    check(theirs.consume(), "consumed")
    clients[0].sync("/")
    equal(len(mine), 0)


@recipe
def data_watch(clients, _):
    seen, existing = [], []
    DataWatch(clients[0], "/recipes/watched", lambda data, stat: seen.append(data))
    equal(seen, [None], "it is not there yet")
    clients[1].create("/recipes/watched", b"1", makepath=True)
    eventually(lambda: seen[-1] == b"1", "created")
    clients[2].sync("/")

    @clients[2].DataWatch("/recipes/watched")
    def _with_event(data, stat, event):
        existing.append((data, event.type if event else None))
        return data != b"3"
    for data in (b"2", b"3"):
        clients[1].set("/recipes/watched", data)
        eventually(lambda d=data: seen[-1] == d and existing[-1][0] == d, "changed")
    equal(existing[-1], (b"3", EventType.CHANGED))
    clients[1].delete("/recipes/watched")
    eventually(lambda: seen[-1] is None, "deleted")
    clients[1].create("/recipes/watched", b"again")
    eventually(lambda: seen[-1] == b"again", "created again")
    equal(existing[-1][0], b"3", "it had asked to hear no more")


@recipe
def children_watch(clients, _):
    clients[0].ensure_path("/recipes/children")
    clients[1].sync("/")
    seen = []
    ChildrenWatch(clients[1], "/recipes/children", lambda children, event: seen.append((sorted(children), event)), send_event=True)
    equal(seen, [([], None)])
    for i in range(3):
        clients[2].create(f"/recipes/children/{i}")
        eventually(lambda n=i + 1: len(seen[-1][0]) == n, "a child more")
    equal((seen[-1][0], seen[-1][1].type), (["0", "1", "2"], EventType.CHILD))
    clients[2].delete("/recipes/children/1")
    eventually(lambda: seen[-1][0] == ["0", "2"], "a child less")
    patient = PatientChildrenWatch(clients[0], "/recipes/children", time_boundary=0.3)
    children, changed = patient.start().get(10)
    equal(sorted(children), ["0", "2"])
    check(not changed.ready(), "it is quiet")
    clients[2].create("/recipes/children/9")
    check(changed.get(5) > 0, "it is told of the next change")


@recipe
def lease(clients, _):
    hour = datetime.timedelta(hours=1)
    check(clients[0].NonBlockingLease("/recipes/lease", hour, "a"), "free")
    check(clients[0].NonBlockingLease("/recipes/lease", hour, "a"), "renewed")
    check(not clients[1].NonBlockingLease("/recipes/lease", hour, "b"), "taken")
    later = lambda: datetime.datetime.utcnow() + datetime.timedelta(hours=2)  # noqa: E731
    check(clients[1].NonBlockingLease("/recipes/lease", hour, "b", utcnow=later), "run out")
    got = [bool(c.MultiNonBlockingLease(2, "/recipes/leases", hour, f"c{i}")) for i, c in enumerate(clients)]
    equal(got, [True, True, False])


def settle(partitioners, total, seconds=15.0):
    """Drives set partitioners until each has its share; every item then has one owner."""
    def step():
        for p in partitioners:
            check(not p.failed, "a partitioner failed")
            if p.release:
                p.release_set()
            elif p.allocating:
                p.wait_for_acquire(0.05)
        return all(p.acquired for p in partitioners) and sum(len(list(p)) for p in partitioners) == total
    eventually(step, "each has its share", seconds)
    return sorted(item for p in partitioners for item in p)


@recipe
def set_partitioner(clients, _):
    items = tuple(f"item-{i}" for i in range(7))

    def join(i):
        return clients[i].SetPartitioner("/recipes/partition", set=items, identifier=f"p{i}", time_boundary=0.2, max_reaction_time=0.5)
    members = [join(0)]
    equal(settle(members, 7), sorted(items))
    members += [join(1), join(2)]
    equal(settle(members, 7), sorted(items))
    equal(sorted(len(list(m)) for m in members), [2, 2, 3])
    members.pop().finish()
    equal(settle(members, 7), sorted(items))
    for member in members:
        member.finish()


@recipe
def tree_cache(clients, _):
    clients[1].create("/recipes/tree/a/deep", b"0", makepath=True)
    clients[0].sync("/")
    cache, events, faults = TreeCache(clients[0], "/recipes/tree"), [], []
    cache.listen(events.append)
    cache.listen_fault(faults.append)
    cache.start()
    eventually(lambda: any(e.event_type == TreeEvent.INITIALIZED for e in events), "initialized")
    equal(cache.get_data("/recipes/tree/a/deep").data, b"0")
    clients[1].set("/recipes/tree/a/deep", b"1")
    clients[2].create("/recipes/tree/b", b"new")
    eventually(lambda: cache.get_data("/recipes/tree/a/deep").data == b"1", "updated")
    eventually(lambda: cache.get_data("/recipes/tree/b"), "added")
    equal(cache.get_children("/recipes/tree"), frozenset(["a", "b"]))
    clients[2].delete("/recipes/tree/a", recursive=True)
    eventually(lambda: cache.get_data("/recipes/tree/a") is None, "removed")
    # The cache shows a change before its listeners have heard of it.
    wanted = {(TreeEvent.NODE_UPDATED, "/recipes/tree/a/deep"), (TreeEvent.NODE_ADDED, "/recipes/tree/b"),
              (TreeEvent.NODE_REMOVED, "/recipes/tree/a/deep"), (TreeEvent.NODE_REMOVED, "/recipes/tree/a")}
    eventually(lambda: wanted <= {(e.event_type, e.event_data.path) for e in list(events) if e.event_data is not None}, "all events")
    equal(faults, [])
    cache.close()


@recipe
def create_races(clients, _):
    """Not a recipe, but what many make their own of: of many creates of one name one succeeds."""
    clients[0].ensure_path("/recipes/race")
    won, lock_of_won = [], threading.Lock()

    def race(client, number):
        for i in range(30):
            try:
                client.create(f"/recipes/race/{i}", b"%d" % number)
            except NodeExistsError:
                continue
            with lock_of_won:
                won.append((i, number))
    in_background(*[lambda c=c, n=n: race(c, n) for n, c in enumerate(clients)])()
    equal(sorted(i for i, _ in won), list(range(30)))
    with connected(clients[0].hosts[0][0] + ":" + str(clients[0].hosts[0][1])) as zk:
        zk.sync("/")
        equal([int(zk.get(f"/recipes/race/{i}")[0]) for i in range(30)], [n for _, n in sorted(won)])
