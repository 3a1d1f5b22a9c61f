"""A server without an ensemble and with the defaults of its switches."""
import wire
from client import create_ttl_op
from scenario import scenario
from scenarios.quotas import remove_quota, set_quota
from scenarios.words import by_line, talk


@scenario
def alone_config_node(run):
    """Empty data (section 17)."""
    alice = run.connect("alice", at="alone")
    alice.get("/zookeeper/config")
    alice.get_acl("/zookeeper/config")
    alice.exists("/")
    alice.exists("/zookeeper")


@scenario
def alone_reconfig(run):
    """Unimplemented on a standalone server, with reconfigEnabled=true (11.15)."""
    alice = run.connect("alice", at="alone")
    alice.reconfig("server.9=127.0.0.1:1:2:observer;3")
    alice.reconfig(leaving="3")
    alice.ping()


@scenario
def alone_ttl(run):
    """Without extendedTypesEnabled (8.6)."""
    alice = run.start(at="alone")
    alice.create_ttl(run.root + "/t", 1000000)
    alice.create_ttl(run.root + "/t", 0)
    alice.create_ttl("x", 1000000, acl=())
    alice.create_ttl(run.root + "/s", 1000000, flags=6)
    alice.create(run.root + "/c", flags=5)
    alice.multi(create_ttl_op(run.root + "/t", 1000000))
    alice.children(run.root)


@scenario
def alone_quota(run):
    """Without enforceQuota hard limits only warn (section 18)."""
    alice = run.start(at="alone")
    chain = set_quota(alice, run.root, b"count=-1,bytes=-1=;byteHardLimit=3;countHardLimit=1")
    alice.create(run.root + "/a", b"1234")
    alice.set(run.root + "/a", b"12345")
    alice.get(chain + "/zookeeper_stats")
    remove_quota(alice, run.root)


@scenario
def alone_whitelist(run):
    """The default whitelist (section 19.1)."""
    for word in ("srvr", "ruok", "isro", "stat", "mntr", "conf", "envi", "dirs", "wchs", "cons", "dump", "wchc", "wchp", "crst", "srst", "gtmk",
                 "hash"):
        text = run.word(word, "alone")
        run.trace.note(f"{word} alone", text if "is not executed" in text else "runs")
    by_line(run, "srvr", "alone")
    run.trace.note("an unknown word alone", talk(run.address("alone"), b"nope"))


@scenario
def alone_basics(run):
    alice = run.start(at="alone")
    alice.create2(run.root + "/e", b"x", flags=wire.EPHEMERAL)
    alice.get(run.root + "/e", watch=True)
    alice.set(run.root + "/e", b"y")
    alice.sync()
    second = run.resume("second", alice, at="alone")
    second.ephemerals("/")
    second.close()
    bob = run.connect("bob", at="alone")
    bob.children2(run.root)


@scenario
def internal_opcodes(run):
    """createSession and deleteContainer are internal, yet 3.8.0 takes them from clients (section 4)."""
    alice = run.start(at="alone")
    alice.create(run.root + "/closed", acl=((0, "world", "anyone"),))
    alice.raw(wire.DELETE_CONTAINER, wire.string(run.root + "/closed"), "deleteContainer")
    alice.expect_end(0.5)
    bob = run.connect("bob", at="alone")
    bob.children(run.root)
    bob.send(wire.frame(wire.integer(7) + wire.integer(wire.CREATE_SESSION) + wire.integer(4000)))
    run.trace.note("bob createSession", f"an answer of {len(bob.read_frame() or b'')} bytes")
    bob.expect_end(0.5)
    run.connect("carol", at="alone").ping()
