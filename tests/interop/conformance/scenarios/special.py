"""The /zookeeper subtree, the configuration node and reconfig (section 17)."""
import wire
from scenario import scenario, shape


@scenario
def zookeeper_subtree(run):
    alice = run.connect("alice")
    for path in ("/zookeeper", "/zookeeper/quota", "/zookeeper/config"):
        alice.delete(path)
        alice.get_acl(path)
    alice.create("/zookeeper/config/x")
    alice.create("/zookeeper", b"")
    alice.create("/zookeeper/quota", b"", flags=wire.SEQUENTIAL)
    alice.create(f"/zookeeper{run.root}")
    alice.delete(f"/zookeeper{run.root}")
    alice.set("/zookeeper/config", b"")
    alice.set("/zookeeper/config", b"", 5)
    alice.set_acl("/zookeeper/config", wire.OPEN)
    alice.set_acl("/zookeeper/config", ())
    alice.set("/zookeeper/quota", b"", 99)
    alice.set("/zookeeper/missing")


@scenario
def config_node(run):
    """One line per server, then the version; Stat.version is -1 (section 17)."""
    alice = run.connect("alice")
    show_config(run, alice, "")
    alice.exists("/zookeeper/config", watch=True)
    show_config(run, run.connect("bob", at="leader"), " at the leader")
    alice.multi_read()


def show_config(run, client, where):
    answer = client.get("/zookeeper/config")
    run.trace.forget_last()
    if answer:
        data, stat = answer
        for line in (data or b"").decode().split("\n"):
            run.trace.note(f"/zookeeper/config{where}: {shape(line)}", "there")
        last = (data or b"").decode().rpartition("version=")[2]
        run.trace.note(f"the version of the text is the mzxid{where}", str(last == f"{stat.mzxid:x}"))
        run.trace.note(f"versions of /zookeeper/config{where}", f"{stat.version} {stat.cversion} {stat.aversion} {stat.owner} {stat.children}")


@scenario
def reconfig_is_disabled(run):
    """-123 whoever asks and whatever for (11.15); only requests that are well formed are sent."""
    alice = run.connect("alice")
    root = run.connect("root")
    root.auth("digest", b"super:test")
    for client in (alice, root):
        client.reconfig("server.9=127.0.0.1:1:2:observer;3")
        client.reconfig(leaving="3")
        client.reconfig(members="server.1=127.0.0.1:1:2:participant;3")
        client.reconfig("", "", "", 5)
        client.reconfig("nonsense", "x", "y")
        client.ping()
