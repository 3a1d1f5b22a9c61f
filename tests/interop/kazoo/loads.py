"""What runs while servers die, one class for each recipe, and what must hold in the end."""
import datetime
import threading
import time

from clients import States, end, new_client
from kazoo.exceptions import ConnectionLoss, KazooException, LockTimeout, NoNodeError
from kazoo.recipe.cache import TreeCache
from kazoo.recipe.watchers import ChildrenWatch, DataWatch
from kazoo.retry import ForceRetryError, KazooRetry, RetryFailedError
from recipes import Occupancy, settle
from report import check, equal, eventually

# A pause in each loop: they are many, and share two cores with the servers.
PAUSE = 0.1
ITEMS = tuple(f"item-{i}" for i in range(6))


class Load:
    """Clients and threads that work until they are told to stop. Every client owns an ephemeral, and no session may be lost."""

    def __init__(self, ensemble, stop):
        self.ensemble, self.stop = ensemble, stop
        self.clients, self.states, self.threads, self.sorrows = [], [], [], []

    @property
    def name(self):
        return type(self).__name__

    def client(self, **options):
        zk = new_client(self.ensemble.hosts(), **options)
        self.states.append(States(zk))
        zk.create(f"/killing/ephemerals/{zk.client_id[0]}", ephemeral=True)
        self.clients.append(zk)
        return zk

    def spawn(self, function, *args):
        def guarded():
            try:
                function(*args)
            except Exception as e:  # pylint: disable=broad-except
                self.sorrows.append(e)
        self.threads.append(threading.Thread(target=guarded, daemon=True))
        self.threads[-1].start()

    def start(self):
        raise NotImplementedError

    def finish(self):
        deadline = time.monotonic() + 20
        for thread in self.threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def verify(self):
        for sorrow in self.sorrows:
            raise sorrow
        check(not any(thread.is_alive() for thread in self.threads), f"a thread hangs; {self.situation()}")
        equal([s.heard for s in self.states if s.lost()], [], "sessions lost")
        for zk in self.clients:
            zk.retry(zk.sync, "/")
            own = zk.retry(zk.exists, f"/killing/ephemerals/{zk.client_id[0]}")
            equal(own and own.ephemeralOwner, zk.client_id[0], "the ephemeral of a live session")
        self.check()

    def check(self):
        raise NotImplementedError

    def situation(self):
        """Who stands in line, for the report of a thread that hangs."""
        return ""

    def end(self):
        for zk in self.clients:
            end(zk)


def stubborn(zk, function, *args):
    """A write that may be done twice without harm is tried until it is answered."""
    return zk.retry(function, *args)


def line(zk, path):
    """The nodes of a lock, with their owners and ages."""
    zk.retry(zk.sync, path)
    return [(name[-18:], hex(stat.ephemeralOwner), f"{time.time() - stat.created:.1f} s")
            for name, stat in sorted(((n, zk.exists(f"{path}/{n}")) for n in zk.get_children(path)), key=lambda pair: pair[0][-10:]) if stat]


class lock(Load):
    """One holder at a time. What the holders read and write back without looking at versions adds up."""

    def start(self):
        self.inside = Occupancy()
        zk = self.client()
        zk.create("/killing/sum", b"0")
        for _ in range(4):
            self.spawn(self.work, self.client())

    def work(self, zk):
        mine = zk.Lock("/killing/lock")
        while not self.stop.is_set():
            with mine:
                with self.inside.visit(0.0):
                    zk.retry(zk.sync, "/killing/sum")
                    value = int(zk.retry(zk.get, "/killing/sum")[0])
                    stubborn(zk, zk.set, "/killing/sum", b"%d" % (value + 1))
            time.sleep(PAUSE)

    def check(self):
        equal(self.inside.most, 1, "holders at once")
        equal(int(self.clients[0].get("/killing/sum")[0]), self.inside.visits)
        check(self.inside.visits > 20, f"{self.inside.visits} visits")


class read_and_write_lock(Load):
    """Readers may not wait for ever: a ReadLock of kazoo 2.8 waits for the writers behind it too, and they for it."""

    def start(self):
        self.readers, self.writers, self.clash = Occupancy(), Occupancy(), []
        for i in range(4):
            self.spawn(self.work, self.client(), i % 2 == 0)

    def work(self, zk, writes):
        mine = (zk.WriteLock if writes else zk.ReadLock)("/killing/rw")
        own, other = (self.writers, self.readers) if writes else (self.readers, self.writers)
        while not self.stop.is_set():
            try:
                mine.acquire(timeout=None if writes else 0.3)
            except LockTimeout:
                continue
            with own.visit():
                if other.now:
                    self.clash.append((own.now, other.now))
            mine.release()
            time.sleep(PAUSE)

    def situation(self):
        return f"{self.writers.now} writers, {self.readers.now} readers inside; in line {line(self.clients[0], '/killing/rw')}"

    def check(self):
        equal((self.writers.most, self.clash), (1, []), "a writer is alone")
        check(self.writers.visits > 5 and self.readers.visits > 5, f"{self.writers.visits} and {self.readers.visits} visits")


class semaphore(Load):
    def start(self):
        self.inside = Occupancy()
        for i in range(4):
            self.spawn(self.work, self.client(), i)

    def work(self, zk, i):
        mine = zk.Semaphore("/killing/semaphore", str(i), max_leases=2)
        while not self.stop.is_set():
            with mine:
                with self.inside.visit():
                    pass
            time.sleep(PAUSE)

    def check(self):
        check(self.inside.most <= 2, f"{self.inside.most} leases of 2")
        check(self.inside.visits > 10, f"{self.inside.visits} visits")


class election(Load):
    def start(self):
        self.inside, self.leaders = Occupancy(), set()
        for i in range(3):
            self.spawn(self.work, self.client(), i)

    def work(self, zk, i):
        mine = zk.Election("/killing/election", str(i))
        while not self.stop.is_set():
            mine.run(self.lead, i)
            time.sleep(PAUSE)

    def lead(self, i):
        with self.inside.visit(0.02):
            self.leaders.add(i)

    def check(self):
        equal((self.inside.most, self.leaders), (1, {0, 1, 2}), "one leader at a time, each once")


class counter(Load):
    """The recipe tells of a lost connection, and then one addition is done or not; never twice, and no other is lost."""

    def start(self):
        self.done, self.maybe, self.guard = 0, 0, threading.Lock()
        for _ in range(3):
            self.spawn(self.work, self.client(command_retry=KazooRetry(max_tries=0)))

    def work(self, zk):
        mine = zk.Counter("/killing/counter")
        while not self.stop.is_set():
            try:
                mine += 1
                done, maybe = 1, 0
            except RetryFailedError as e:
                done, maybe = 0, 0 if isinstance(e.__context__, ForceRetryError) else 1
            except ConnectionLoss:
                done, maybe = 0, 1
            with self.guard:
                self.done += done
                self.maybe += maybe
            time.sleep(PAUSE)

    def check(self):
        value = self.clients[0].Counter("/killing/counter").value
        check(self.done <= value <= self.done + self.maybe, f"{value} after {self.done} additions and {self.maybe} that may be")
        check(self.done > 20, f"{self.done} additions")


class Producers(Load):
    """Puts of a queue: each item once. One whose answer was lost may be there."""
    queue = None

    def produce(self, zk, number):
        mine = getattr(zk, self.queue)(f"/killing/{self.queue}")
        for i in range(10 ** 6):
            if self.stop.is_set():
                return
            item = b"%d-%d" % (number, i)
            try:
                mine.put(item)
                self.put.append(item)
            except ConnectionLoss:
                self.maybe.add(item)
            time.sleep(2 * PAUSE)

    def start(self):
        self.put, self.maybe, self.got, self.consumers = [], set(), [], []
        for i in range(2):
            self.spawn(self.produce, self.client(), i)
        for _ in range(2):
            zk = self.client()
            self.consumers.append(zk)
            self.spawn(self.consume, zk)

    def consume(self, zk):
        raise NotImplementedError

    def accounts(self):
        """Which puts were not got; the other errors of accounting are failures."""
        equal(len(self.got), len(set(self.got)), "got twice")
        equal(set(self.got) - set(self.put) - self.maybe, set(), "got, but never put")
        check(len(self.put) > 20, f"{len(self.put)} items")
        return set(self.put) - set(self.got)


class queue(Producers):
    """Queue takes an item off before it hands it out: with the answer a consumer loses at most that one item."""
    queue = "Queue"

    def consume(self, zk):
        mine = zk.Queue("/killing/Queue")
        while not self.stop.is_set():
            item = mine.get()
            if item is not None:
                self.got.append(item)
            time.sleep(PAUSE)

    def check(self):
        rest = self.clients[0].Queue("/killing/Queue")
        for item in iter(rest.get, None):
            self.got.append(item)
        missing = self.accounts()
        breaks = sum(s.suspended() for s in self.states)
        check(len(missing) <= breaks, f"{missing} lost in {breaks} breaks")


class locking_queue(Producers):
    """LockingQueue promises that nothing is lost; nothing is done twice as long as sessions live."""
    queue = "LockingQueue"

    def consume(self, zk):
        mine = zk.LockingQueue("/killing/LockingQueue")
        while not self.stop.is_set():
            try:
                item = mine.get(0.5)
            except ConnectionLoss:
                time.sleep(0.1)
                continue
            if item is not None:
                self.consume_one(mine, item)

    def consume_one(self, mine, item):
        while True:
            try:
                if mine.consume():
                    self.got.append(item)
                return
            except NoNodeError:
                # The transaction of the try before was done, and its answer lost: our lock is gone with the item.
                mine.processing_element = None
                self.got.append(item)
                return
            except ConnectionLoss:
                time.sleep(0.1)

    def check(self):
        # A take whose answer was lost holds its item until the session ends.
        for zk in self.consumers:
            self.clients.remove(zk)
            end(zk)
        self.clients[0].sync("/")
        rest = self.clients[0].LockingQueue("/killing/LockingQueue")
        while True:
            item = rest.get(1.0)
            if item is None:
                break
            self.consume_one(rest, item)
        equal(self.accounts(), set(), "lost")


class party(Load):
    def start(self):
        self.parties = []
        for i in range(3):
            zk = self.client()
            self.parties += [zk.Party("/killing/party", f"p{i}"), zk.ShallowParty("/killing/shallow", f"p{i}")]
        for one in self.parties:
            one.join()
        self.spawn(self.look, self.client())

    def look(self, zk):
        """Members whose sessions live are never missing, whichever server is asked."""
        mine = zk.Party("/killing/party")
        zk.sync("/")
        while not self.stop.is_set():
            equal(sorted(mine), ["p0", "p1", "p2"])
            time.sleep(PAUSE)

    def check(self):
        for one in self.parties:
            equal(sorted(one), ["p0", "p1", "p2"])


class watches(Load):
    """A session never goes back in time, and no change is missed in the end."""

    def start(self):
        writer = self.client()
        writer.create("/killing/value", b"0")
        writer.create("/killing/names", b"")
        self.values, self.names, self.last = [[], []], [[], []], 0
        for i in range(2):
            zk = self.client()
            zk.sync("/")
            self.follow(zk, self.values[i], self.names[i])
        self.spawn(self.write, writer)

    @staticmethod
    def follow(zk, values, names):
        DataWatch(zk, "/killing/value", lambda data, stat: values.append(int(data)))
        ChildrenWatch(zk, "/killing/names", lambda children: names.append(len(children)))

    def write(self, zk):
        while not self.stop.is_set():
            self.last += 1
            stubborn(zk, zk.set, "/killing/value", b"%d" % self.last)
            stubborn(zk, zk.ensure_path, f"/killing/names/{self.last}")
            time.sleep(PAUSE)

    def check(self):
        for seen in self.values + self.names:
            eventually(lambda seen=seen: seen[-1] == self.last, "the last change is seen")
            equal(seen, sorted(seen), "never back in time")
        check(self.last > 20, f"{self.last} changes")


class set_partitioner(Load):
    """An item belongs to one member at a time, and in the end to exactly one."""

    def start(self):
        self.members, self.owners, self.clash, self.guard, self.shares = [], {}, [], threading.Lock(), 0
        for i in range(3):
            member = self.client().SetPartitioner("/killing/partition", set=ITEMS, identifier=f"p{i}", time_boundary=0.3, max_reaction_time=1)
            self.members.append(member)
            self.spawn(self.work, member, i)

    def work(self, member, i):
        owned = False
        while not self.stop.is_set():
            check(not member.failed, "it failed")
            with self.guard:
                if member.acquired and not owned:
                    owned = True
                    self.shares += 1
                    for item in member:
                        self.clash += [(item, i, self.owners[item])] if self.owners.get(item, i) != i else []
                        self.owners[item] = i
                elif not member.acquired and owned:
                    owned = False
                    self.owners = {item: owner for item, owner in self.owners.items() if owner != i}
            if member.release:
                member.release_set()
            time.sleep(PAUSE)

    def check(self):
        equal(self.clash, [], "items of two members")
        equal(settle(self.members, len(ITEMS), 20), sorted(ITEMS))
        check(self.shares >= 3, f"{self.shares} shares")


class tree_cache(Load):
    def start(self):
        writer, reader = self.client(), self.client()
        writer.create("/killing/tree", b"")
        reader.sync("/")
        self.cache, self.faults = TreeCache(reader, "/killing/tree"), []
        self.cache.listen_fault(self.faults.append)
        self.cache.start()
        self.spawn(self.write, writer)

    def write(self, zk):
        i = 0
        while not self.stop.is_set():
            i += 1
            path = f"/killing/tree/{i % 5}/{i % 3}"
            stubborn(zk, zk.ensure_path, path)
            stubborn(zk, zk.set, path, b"%d" % i)
            if i % 7 == 0:
                try:
                    stubborn(zk, zk.delete, path)
                except NoNodeError:
                    pass
            time.sleep(PAUSE)

    def check(self):
        zk = self.clients[0]

        def same(path):
            cached = self.cache.get_data(path)
            names = zk.get_children(path)
            return (cached is not None and cached.data == zk.get(path)[0] and self.cache.get_children(path) == frozenset(names)
                    and all(same(f"{path}/{name}") for name in names))
        eventually(lambda: same("/killing/tree"), "the cache equals the tree")
        self.cache.close()


class lease(Load):
    """A lease of another is only taken when it has run out by its own clock. To renew one the recipe deletes it first, so that who is
    interrupted there has lost it."""
    seconds = 2

    def start(self):
        self.taken, self.interrupted, self.guard = [], [], threading.Lock()
        for i in range(2):
            self.spawn(self.work, self.client(), i)

    def work(self, zk, i):
        while not self.stop.is_set():
            asked = datetime.datetime.utcnow()
            try:
                got = zk.NonBlockingLease("/killing/lease", datetime.timedelta(seconds=self.seconds), str(i))
            except KazooException:
                self.interrupted.append((asked, i))
                continue
            finally:
                time.sleep(0.3)
            if got:
                with self.guard:
                    self.taken.append((asked, datetime.datetime.utcnow(), i))

    def check(self):
        self.taken.sort()
        for (asked, _, one), (_, later, other) in zip(self.taken, self.taken[1:]):
            # The recipe stores whole seconds.
            runs_out = asked.replace(microsecond=0) + datetime.timedelta(seconds=self.seconds)
            lost = any(asked <= at <= later and who == one for at, who in self.interrupted)
            check(one == other or lost or later >= runs_out, f"{other} took the lease of {one} at {later}, before {runs_out}")
        check(len(self.taken) > 3, f"{len(self.taken)} leases")


LOADS = (lock, read_and_write_lock, semaphore, election, counter, queue, locking_queue, party, watches, set_partitioner, tree_cache, lease)
