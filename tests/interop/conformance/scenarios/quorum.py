"""Without a quorum, with readonlymode.enabled=true (section 16.1). Runs last: the servers end, and one starts again with other settings."""
import time

import wire
from client import check_op, create_op, get_op
from scenario import LAST, scenario, shape
from scenarios.words import talk


@scenario(when=LAST)
def without_a_quorum(run):
    alice = run.start(at="follower")
    alice.create(run.root + "/e", flags=wire.EPHEMERAL)
    # What a server knows to be committed: the last write before its end may not be.
    for _ in range(3):
        alice.set("/zookeeper")
    alice.sync()
    for at in ("follower", "leader", "other"):
        run.roles[at].kill()
    # 3.8.0 answers read-only clients only where sessions may be local.
    follower = run.roles["follower"]
    follower.configure(localSessionsEnabled="true")
    follower.start()
    run.trace.note("read-only", str(answers(run, "isro", "ro", "follower")))
    run.dial("writer").connect("connect without readOnly", read_only=False)
    run.dial("old").connect("connect without the byte", read_only=None)
    run.resume("alice-again", alice)
    run.resume("alice-reading", alice, read_only=True, text="resume readOnly")
    run.dial("ahead").connect("connect readOnly, ahead", read_only=True, zxid=(1 << 63) - 1)
    reader = run.dial("reader").connect("connect readOnly", read_only=True)
    reader.get(run.root)
    reader.exists(run.root + "/e")
    reader.exists(run.root + "/missing", watch=True)
    reader.children(run.root, watch=True)
    reader.children2(run.root)
    reader.get_acl(run.root)
    reader.count(run.root)
    reader.ephemerals("/")
    reader.auth("digest", b"bob:secret")
    reader.who_am_i()
    reader.multi_read(get_op(run.root))
    reader.add_watch(run.root, 0)
    reader.set_watches(0, "zero", data=[run.root])
    reader.remove_watches(run.root, 3)
    reader.ping()
    for request in (lambda: reader.create(run.root + "/n"), lambda: reader.create2(run.root + "/n"), lambda: reader.create_container(run.root + "/n"),
                    lambda: reader.create_ttl(run.root + "/n", 1000), lambda: reader.create(run.root + "/n", flags=wire.EPHEMERAL),
                    lambda: reader.delete(run.root), lambda: reader.set(run.root), lambda: reader.set_acl(run.root, wire.OPEN),
                    lambda: reader.sync(), lambda: reader.multi(create_op(run.root + "/n")), lambda: reader.multi(check_op(run.root)),
                    lambda: reader.multi(), lambda: reader.create("bad", acl=()), lambda: reader.ping()):
        request()
    run.trace.note("isro", talk(run.address("follower"), b"isro"))
    run.trace.note("ruok", talk(run.address("follower"), b"ruok"))
    for line in talk(run.address("follower"), b"srvr").splitlines():
        if line.startswith("Mode") or "READ" in line or "not currently" in line:
            run.trace.note("srvr", line)
    reader.close()


@scenario(when=LAST)
def not_serving(run):
    """A server that looks for a leader and may not serve readers: connections are closed, the words say so (19.1)."""
    for at in ("follower", "leader", "other"):
        run.roles[at].kill()
    other = run.roles["other"]
    other.configure(readonlymode__enabled="false")
    other.start()
    run.trace.note("ruok", str(answers(run, "ruok", "imok", "other")))
    for word in ("ruok", "isro", "srvr", "stat", "mntr", "conf", "cons", "dump", "dirs", "wchs", "wchc", "wchp", "crst", "srst", "gtmk"):
        run.trace.note(word, talk(run.address("other"), word.encode()))
    run.trace.note("envi", talk(run.address("other"), b"envi").split("\n")[0])
    run.dial("writer", "other").connect("connect")
    run.dial("reader", "other").connect("connect readOnly", read_only=True)


@scenario(when=LAST)
def enforced_authentication(run):
    """Without an id of the scheme every request but auth is answered -124, and that is the end (7.4)."""
    restart_alone(run, enforce__auth__enabled="true", enforce__auth__schemes="digest", **{"4lw__commands__whitelist": "ruok, stat"})
    for name, ask in (("reader", lambda c: c.exists("/")), ("writer", lambda c: c.create(run.root)), ("syncer", lambda c: c.sync()),
                      ("asker", lambda c: c.who_am_i()), ("closer", lambda c: c.raw(wire.CLOSE_SESSION, b"", "closeSession"))):
        client = run.connect(name, at="alone")
        ask(client)
        client.expect_end(2)
    alice = run.connect("alice", at="alone")
    alice.auth("digest", b"bob:secret")
    alice.create(run.root)
    alice.get(run.root)
    alice.who_am_i()
    pinger = run.connect("pinger", at="alone")
    pinger.ping()
    pinger.expect_end(1)
    for word in ("ruok", "stat", "srvr", "isro", "mntr"):
        run.trace.note(word, shape(talk(run.address("alone"), word.encode()).split("\n")[0]))


@scenario(when=LAST)
def other_settings(run):
    """skipACL, session bounds of their own, two connections per address."""
    restart_alone(run, skipACL="yes", minSessionTimeout="700", maxSessionTimeout="2345", maxClientCnxns="2", enforce__auth__enabled="false")
    # Synod's settings come with the log, a moment after the leader began to lead.
    run.pause(1)
    alice = run.start(at="alone")
    alice.create(run.root + "/closed", b"x", acl=((0, "world", "anyone"),))
    alice.get(run.root + "/closed")
    alice.set(run.root + "/closed", b"y")
    alice.create(run.root + "/closed/below")
    alice.set_acl(run.root + "/closed", wire.READ_ONLY)
    alice.create(run.root + "/n", acl=((31, "nosuch", "x"),))
    alice.create(run.root + "/n", acl=())
    bob = run.dial("bob", "alone").connect("connect timeout=1", timeout=1)
    run.dial("carol", "alone").connect("connect, the third")
    bob.close()
    bob.drop()
    run.pause(0.3)
    run.dial("dave", "alone").connect("connect timeout=100000", timeout=100000)


def restart_alone(run, **settings):
    server = run.roles["alone"]
    server.kill()
    server.configure(**settings)
    server.start()
    run.trace.note("serves again", str(answers(run, "ruok", None, "alone")))
    until = time.monotonic() + 60
    while time.monotonic() < until:
        probe = run.dial("probe", "alone").connect()
        run.trace.forget_last()
        if probe.session:
            probe.request(wire.CLOSE_SESSION, b"", "closeSession")
            run.trace.forget_last()
            probe.drop()
            return
        time.sleep(0.1)


def answers(run, word, wanted, at):
    """Whether the word is answered (with just that, unless None) within a minute."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            answer = run.word(word, at)
            if answer and wanted in (None, answer):
                return True
        except OSError:
            pass
        time.sleep(0.1)
    return False
