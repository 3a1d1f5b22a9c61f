"""Four-letter words and mntr (sections 19 and 20; conformance test 27). Compared line by line, numbers aside."""
import re
import socket

from scenario import scenario, shape
from wire import EPHEMERAL


def kind(value):
    for name, convert in (("integer", int), ("decimal", float)):
        try:
            convert(value)
            return name
        except ValueError:
            pass
    return "text"


def talk(address, *pieces, pause=None):
    """Sends the pieces in segments of their own, reads to the end."""
    with socket.create_connection(address, timeout=5) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            connection.sendall(piece)
            if pause:
                pause(0.05)
        answer = b""
        try:
            while more := connection.recv(1 << 16):
                answer += more
        except ConnectionResetError:
            answer += b" (reset)" if not answer else b""
        except TimeoutError:
            answer += b" (no end)"
        return answer.decode("utf-8", "backslashreplace")


def whole(run, word, at):
    run.trace.note(f"{word} at {at}", repr(shape(run.word(word, at))))


def by_line(run, word, at):
    """Each distinct line a step of its own."""
    for line in dict.fromkeys(shape(line) for line in run.word(word, at).split("\n")):
        run.trace.note(f"{word} at {at}: {line}", "there")


def by_key(run, word, at, separator, values=()):
    """One step per key, with its kind of value, or the value itself for keys in `values`."""
    for line in run.word(word, at).splitlines():
        key, found, value = line.partition(separator)
        if key.startswith("server."):
            value, key = shape(value), shape(key)
        shown = value if key in values or key.startswith("server.") else kind(value)
        run.trace.note(f"{word} at {at}: {key}", shown if found else "no value")


@scenario
def short_words(run):
    for at in ("leader", "follower"):
        for word in ("ruok", "isro", "crst", "srst", "gtmk"):
            whole(run, word, at)


@scenario
def word_segments(run):
    """Only the first four bytes count, in however many segments they come; what follows is ignored."""
    address = run.address("follower")
    for name, pieces in (("with a newline", (b"ruok\n",)), ("with more", (b"ruok and more",)), ("in halves", (b"ru", b"ok")),
                         ("in bytes", (b"r", b"u", b"o", b"k"))):
        run.trace.note(f"ruok {name}", talk(address, *pieces, pause=run.pause))
    for word in (b"RUOK", b"nope", b"GET ", b"\xff\xf4\xff\xfd", b"    ", b"kill"):
        run.trace.note(f"the unknown word {word!r}", talk(address, word + b"\n"))


@scenario
def srvr_and_stat(run):
    for at in ("leader", "follower"):
        run.connect(f"at-{at}", at=at).ping()
        by_line(run, "srvr", at)
        by_line(run, "stat", at)


@scenario
def cons(run):
    alice = run.start()
    alice.get(run.root, watch=True)
    show_cons(run, alice)
    alice.ping()
    show_cons(run, alice)
    alice.auth("digest", b"bob:secret")
    alice.set(run.root)
    alice.sync()
    show_cons(run, alice)


def show_cons(run, client):
    """The line of one connection, and that of the word's own."""
    lines = [shape(line) for line in run.word("cons", "follower").split("\n")
             if f"sid=0x{client.session & (1 << 64) - 1:x}," in line or "sid=" not in line]
    for line in dict.fromkeys(lines):
        run.trace.note(f"cons: {line}", "there")


@scenario
def conf(run):
    for at in ("leader", "follower"):
        by_key(run, "conf", at, "=", ("tickTime", "maxClientCnxns", "minSessionTimeout", "maxSessionTimeout", "clientPortListenBacklog",
                                      "initLimit", "syncLimit", "electionAlg", "peerType"))


@scenario
def envi(run):
    by_key(run, "envi", "follower", "=")


@scenario
def dirs(run):
    by_line(run, "dirs", "follower")


@scenario
def dump(run):
    alice = run.start()
    alice.create(run.root + "/e", flags=EPHEMERAL)
    for at in ("leader", "follower"):
        for line in dict.fromkeys(shape(line) for line in run.word("dump", at).split("\n")):
            # Paths of other scenarios are not this one's business.
            if not line.startswith("\t/") or run.root in line:
                run.trace.note(f"dump at {at}: {line}", "there")


@scenario
def watch_words(run):
    alice = run.start()
    alice.get(run.root, watch=True)
    alice.children(run.root, watch=True)
    for word in ("wchs", "wchc", "wchp"):
        lines = dict.fromkeys(shape(line) for line in run.word(word).split("\n"))
        for line in lines:
            # Paths of other connections that are about to end are not this one's business.
            if run.root in line or line in ("", "\tHEX", "HEX") or word == "wchs":
                run.trace.note(f"{word}: {line}", "there")


@scenario
def mntr(run):
    """One step for a gauge, with its kind of value; one for a summary, with its members. What metrics are of (a server, a namespace) is left out."""
    for at in ("leader", "follower"):
        show_metrics(run, f"mntr at {at}", dict(line.split("\t", 1) for line in run.word("mntr", at).splitlines()))
    for at in ("leader", "follower"):
        lines = dict(line.split("\t", 1) for line in run.word("mntr", at).splitlines())
        for key in ("zk_server_state", "zk_peer_state", "zk_quorum_size", "zk_learners", "zk_synced_followers", "zk_synced_observers"):
            run.trace.note(f"mntr at {at}: the value of {key}", lines.get(key, "none"))


def show_metrics(run, where, metrics):
    """`metrics`: names with values."""
    summaries, quotas = {}, None
    for name, value in metrics.items():
        member = re.match(r"(?:zk_)?(avg|min|max|cnt|sum|p50|p95|p99|p999)_(.*)", name)
        if member:
            family = re.sub(r".+(_(?:read|write)_per_namespace)", r"NAMESPACE\1", member.group(2))
            summaries.setdefault(re.sub(r"^\d(_ack_latency|_learner_handler_qp_)", r"N\1", family), set()).add(member.group(1))
        elif name.endswith("_quota_exceeded_error_per_namespace"):
            quotas = kind(str(value))
        else:
            run.trace.note(f"{where}: {name.removeprefix('zk_')}", kind(str(value)))
    if quotas:
        run.trace.note(f"{where}: NAMESPACE_quota_exceeded_error_per_namespace", quotas)
    for family, members in summaries.items():
        run.trace.note(f"{where}: {family}", " ".join(sorted(members)))
