"""The recipes while servers die: kill -9 and a new start, one server at a time, the leader first; in the end it is paused."""
import threading
import time

from clients import States, connected
from kazoo.exceptions import ConnectionLoss
from loads import LOADS
from report import check, equal

# A server stays down for this long, and all are up for this long before the next one goes.
DOWN_SECONDS = 2.5
UP_SECONDS = 1.5


def run(report, ensemble):
    if ensemble.against == "synod":
        report.run("kazoo.killing.followers_keep_their_clients", _followers_keep_their_clients, ensemble)
    if report.only and "killing" not in report.only:
        return
    with connected(ensemble.hosts()) as zk:
        zk.ensure_path("/killing/ephemerals")
    stop, started = threading.Event(), time.monotonic()
    wanted = report.only.rpartition("killing.")[2]
    loads = [load(ensemble, stop) for load in LOADS if wanted in ("", "killing") or wanted in load.__name__]
    for load in loads:
        load.start()
    time.sleep(1.0)
    sorrow = ""
    try:
        leader = ensemble.leader()
        for server in [leader] + [i for i in ensemble.ids() if i != leader]:
            ensemble.kill(server)
            time.sleep(DOWN_SECONDS)
            ensemble.start(server)
            ensemble.wait(server)
            time.sleep(UP_SECONDS)
        if ensemble.against == "synod":
            # A leader that sleeps through the election of the next, and wakes up believing that it leads.
            leader = ensemble.leader()
            ensemble.kill(leader, "STOP")
            time.sleep(DOWN_SECONDS)
            ensemble.kill(leader, "CONT")
            ensemble.wait(leader)
            time.sleep(UP_SECONDS)
    except Exception as e:  # pylint: disable=broad-except
        sorrow = repr(e)
    report.add("kazoo.killing.every_server_came_back", sorrow, time.monotonic() - started)
    started = time.monotonic()
    stop.set()
    for load in loads:
        load.finish()
    report.run("kazoo.killing.all_work_ends", lambda: check(time.monotonic() - started < 20, f"it took {time.monotonic() - started:.1f} s"))
    report.run("kazoo.killing.connections_were_lost", lambda: check(sum(s.suspended() for load in loads for s in load.states) >= 4,
                                                                    "the deaths hit hardly anyone: this run shows nothing"))
    for load in loads:
        report.run("kazoo.killing." + load.name, load.verify)
    for load in loads:
        load.end()


def _followers_keep_their_clients(ensemble):
    """A change of leader is nothing that a client of another server notices, but for a moment's wait."""
    leader = ensemble.leader()
    followers = [i for i in ensemble.ids() if i != leader]
    with connected(ensemble.host(followers[0])) as one, connected(ensemble.host(followers[1])) as two:
        states = [States(one), States(two)]
        one.ensure_path("/kept")
        two.sync("/")
        longest, stop, written = [0.0], threading.Event(), [0]

        def write():
            while not stop.is_set():
                started = time.monotonic()
                try:
                    two.set("/kept", b"%d" % (written[0] + 1))
                except ConnectionLoss:
                    continue
                written[0] += 1
                longest[0] = max(longest[0], time.monotonic() - started)
        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        time.sleep(0.5)
        ensemble.kill(leader)
        time.sleep(2.0)
        stop.set()
        writer.join(10)
        one.sync("/kept")
        equal((one.get("/kept")[0], one.get("/kept")[1].version), (b"%d" % written[0], written[0]), "each write was done once")
        equal([s.heard for s in states], [[], []], "no connection was lost")
        check(longest[0] < 1.5, f"a write waited {longest[0]:.2f} s")
    ensemble.start(leader)
    ensemble.wait(leader)
