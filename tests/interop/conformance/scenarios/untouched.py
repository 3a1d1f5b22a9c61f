"""A fresh ensemble (sections 6.3, 6.5 and 17; conformance test 1). Runs first and alone: it looks at what all others change."""
import servers
import wire
from scenario import FIRST, scenario, shape


@scenario(when=FIRST)
def fresh_tree(run):
    alice = run.connect("alice")
    for path in ("/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config"):
        alice.exists(path)
        alice.children2(path)
        alice.get_acl(path)
        alice.count(path)
    alice.get("/")
    alice.get("/zookeeper")
    alice.get("/zookeeper/quota")
    alice.ephemerals("/")
    alice.who_am_i()
    run.trace.note("node count", [line for line in run.word("srvr").splitlines() if line.startswith("Node count")][0])
    alice.close()


@scenario(when=FIRST)
def fresh_counters(run):
    """The root counts creates from 0, though its cversion shows -1 (section 8.3)."""
    alice = run.connect("alice")
    alice.create("/", flags=wire.EPHEMERAL_SEQUENTIAL)
    alice.exists("/")
    alice.create("/fresh-", flags=wire.EPHEMERAL_SEQUENTIAL)
    alice.exists("/")
    alice.children("/")
    alice.count("/")
    alice.close()
    bob = run.connect("bob")
    bob.exists("/")
    bob.children("/")
    bob.close()


@scenario(when=FIRST)
def dump_of_one_session(run):
    """dump, cons, wchc and wchp name sessions: with one client their answers can be compared line by line."""
    alice = run.connect("alice", at="leader")
    alice.create("/dumped", flags=wire.EPHEMERAL)
    alice.get("/dumped", watch=True)
    alice.exists("/missing", watch=True)
    alice.children("/dumped", watch=True)
    alice.ping()
    for word in ("wchs", "wchc", "wchp", "cons"):
        show(run, word, "leader")
    alice.sync("/")
    show(run, "dump", "leader", ephemerals_only=True)
    alice.close()
    run.trace.note("wchs afterwards", run.word("wchs", "leader"))


def show(run, word, at, ephemerals_only=False):
    """The lines of a word; ephemerals_only: just the part about them, as other sessions may still be ending."""
    text = servers.ask(run.address(at), word)
    if ephemerals_only:
        text = text[text.index("ephemeral nodes dump"):text.index("Connections dump")]
    for line in text.split("\n"):
        run.trace.note(f"{word}: {shape(line)}", "there")
