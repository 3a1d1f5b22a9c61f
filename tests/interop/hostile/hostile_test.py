"""Clients that mean harm, or are broken, against three real servers: each gets a defined answer, and the sessions of others are served on.

    hostile_test.py [--against zookeeper] [--base-port P] [--data DIR] [--only NAME]
"""
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "support"), HERE]
from ensemble import Ensemble, Scratch, arguments  # noqa: E402  pylint: disable=wrong-import-position
from report import Report, check, equal  # noqa: E402  pylint: disable=wrong-import-position
import raw  # noqa: E402  pylint: disable=wrong-import-position
import wire  # noqa: E402  pylint: disable=wrong-import-position

IDLE_CLIENTS, IDLE_PROCESSES = 20000, 3
FRAME_MAX = 1048575  # jute.maxbuffer


def impossible_length_before_the_connect_closes(ensemble):
    for length in (b"\xff\xff\xff\xff", b"\x80\0\0\0", b"\x7f\xff\xff\xff", b"\0\x10\0\0", b"\0\0\0\x01x"):
        client = raw.Raw(ensemble.port(1))
        client.send(length + b"x" * 100)
        check(client.closed(5), f"length {length!r} before the connect request")


def impossible_length_in_a_session_closes_without_a_reply(ensemble):
    for length in (b"\xff\xff\xff\xfe", b"\x7f\xff\xff\xff", wire.integer(FRAME_MAX + 1), b"\0\0\0\x03abc"):
        client = raw.Raw(ensemble.port(2)).connect()
        client.send(length)
        equal(client.frame(5), None, f"after the length {length!r}")


def nested_length_beyond_the_frame_is_a_marshalling_error(ensemble):
    """The frame is whole, and so is the stream: the next request is answered as ever."""
    client = raw.Raw(ensemble.port(3)).connect()
    path = wire.string("/nested")
    huge = b"\x7f\xff\xff\xff"
    bodies = {"data": path + huge, "path": huge, "negative path": b"\x80\0\0\0", "ACL count": path + wire.buffer(b"") + huge,
              "scheme": path + wire.buffer(b"") + wire.integer(1) + wire.integer(31) + huge}
    for xid, (name, body) in enumerate(bodies.items(), 1):
        client.send(raw.request_frame(xid, raw.CREATE, body))
        payload = client.frame(5)
        check(payload is not None, f"{name}: the connection was closed")
        equal(wire.Reader(payload[12:]).integer(), -5, f"{name}: error of the reply")
    many = b"".join(wire.string("/x") for _ in range(3))
    client.send(raw.request_frame(90, wire.SET_WATCHES, wire.long(0) + huge + many))
    equal(wire.Reader(client.frame(5)[12:]).integer(), -5, "setWatches with 2^31 paths")
    client.send(raw.request_frame(91, raw.GET_DATA, wire.string("/zookeeper") + b"\0"))
    equal(wire.Reader(client.frame(5)[12:]).integer(), 0, "the request behind them")


def half_sent_frame_keeps_nobody_waiting(ensemble):
    clients = [raw.Raw(ensemble.port(1)).connect(timeout_ms=4000) for _ in range(100)]
    for client in clients:
        client.send(wire.integer(FRAME_MAX - 1) + b"half")
    honest = raw.Raw(ensemble.port(1)).connect()
    honest.send(raw.request_frame(1, raw.GET_DATA, wire.string("/zookeeper") + b"\0"))
    equal(wire.Reader(honest.frame(5)[12:]).integer(), 0, "another session meanwhile")
    # They cannot even ping behind it: their sessions expire, and with them their connections go.
    for client in clients:
        check(client.closed(15), "the connection of an expired session")


def client_of_one_byte_a_second_is_cut_before_and_not_in_a_session(ensemble):
    before = [raw.Raw(ensemble.port(2)) for _ in range(50)]
    inside = raw.Raw(ensemble.port(2)).connect(timeout_ms=20000)
    slow = raw.request_frame(1, raw.GET_DATA, wire.string("/zookeeper") + b"\0")
    connect = raw.connect_frame()
    gone = 0
    for second in range(len(slow)):
        for client in before:
            client.send(connect[second % len(connect):][:1])
        check(inside.send(slow[second:second + 1]), "a granted session may be slow")
        time.sleep(0.5)
    equal(wire.Reader(inside.frame(5)[12:]).integer(), 0, "the slow request")
    gone = sum(client.closed(8) for client in before)
    equal(gone, len(before), "clients without a connect request after more than ten seconds that were closed")


def flood_without_a_session_is_not_kept(ensemble):
    """Requests behind the connect request in one go: they wait in the kernel until the session is granted, and are then served in order."""
    clients = [raw.Raw(ensemble.port(3)) for _ in range(20)]
    pings = b"".join(raw.request_frame(n, raw.GET_DATA, wire.string("/zookeeper") + b"\0") for n in range(1, 2001))
    for client in clients:
        client.send(raw.connect_frame() + pings)
    for client in clients:
        check(client.frame() is not None, "the connect response")
        for n in range(1, 2001):
            equal(wire.Reader(client.frame()).integer(), n, "xid")


def idle_sessions_cost_the_others_nothing(ensemble):
    each = IDLE_CLIENTS // IDLE_PROCESSES + 1
    ports = [str(ensemble.port(i)) for i in ensemble.ids()]
    children = [subprocess.Popen([sys.executable, os.path.join(HERE, "idle_clients.py"), str(each), str(10 + n), *ports], text=True,
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE) for n in range(IDLE_PROCESSES)]
    try:
        for child in children:
            equal(child.stdout.readline().strip(), f"open {each}", "sessions of one process")
        honest = raw.Raw(ensemble.port(1)).connect()
        for xid in range(1, 101):
            honest.send(raw.request_frame(xid, raw.GET_DATA, wire.string("/zookeeper") + b"\0"))
            equal(wire.Reader(honest.frame(5)[12:]).integer(), 0, "a new session beside them")
        for child in children:
            child.stdin.write("ping\n")
            child.stdin.flush()
        for child in children:
            equal(child.stdout.readline().strip(), f"alive {each}", "sessions of one process")
    finally:
        for child in children:
            child.stdin.close()
            child.wait(30)


TESTS = [impossible_length_before_the_connect_closes, impossible_length_in_a_session_closes_without_a_reply,
         nested_length_beyond_the_frame_is_a_marshalling_error, half_sent_frame_keeps_nobody_waiting,
         client_of_one_byte_a_second_is_cut_before_and_not_in_a_session, flood_without_a_session_is_not_kept,
         idle_sessions_cost_the_others_nothing]


def with_victims(test, ensemble):
    """Runs a test while an honest session at every server reads and writes."""
    victims = [raw.Victim(ensemble.port(i), f"{test.__name__}-{i}") for i in ensemble.ids()]
    try:
        test(ensemble)
    finally:
        for victim in victims:
            victim.end()


def main():
    given = arguments(__doc__, 25100).parse_args()
    scratch, report = Scratch("hostile", given.data), Report(given.only)
    ensemble = Ensemble(given.against, scratch.path, given.base_port, settings={"maxClientCnxns": "0", "tickTime": "2000"})
    try:
        ensemble.up()
        for test in TESTS:
            report.run(test.__name__, with_victims, test, ensemble)
    except Exception as e:  # pylint: disable=broad-except
        report.add("the ensemble", str(e))
    finally:
        ensemble.down()
    scratch.end(report.failed > 0)
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
