"""Quotas, with enforceQuota=true (section 18; conformance test 30).

Asked at the leader, which counts usage as it applies: what a follower was answered the leader of a 3.8.0 may not have counted yet.
"""
import wire
from client import create_op, delete_op, set_op
from scenario import scenario

QUOTA = "/zookeeper/quota"


def set_quota(client, path, limits):
    """As zkCli does it: the chain, the limits, the statistics."""
    chain = QUOTA
    for part in path.strip("/").split("/"):
        chain += "/" + part
        client.create(chain)
    client.create(chain + "/zookeeper_limits", limits)
    client.create(chain + "/zookeeper_stats", b"count=0,bytes=0")
    return chain


def remove_quota(client, path):
    """Limits that cannot be read break mntr of a 3.8.0, so none is left behind."""
    for name in ("/zookeeper_limits", "/zookeeper_stats", ""):
        client.delete(QUOTA + path + name)


@scenario
def count_quota(run):
    alice = run.start(at="leader", data=b"12345")
    alice.create(run.root + "/a", b"abc")
    chain = set_quota(alice, run.root, b"count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=3")
    alice.get(chain + "/zookeeper_stats")
    alice.get(chain + "/zookeeper_limits")
    alice.create(run.root + "/b")
    alice.create(run.root + "/c")
    alice.create(run.root + "/a/d")
    alice.create(run.root + "/s", flags=wire.SEQUENTIAL)
    alice.create(run.root + "/e", flags=wire.EPHEMERAL)
    alice.create_container(run.root + "/f")
    alice.create_ttl(run.root + "/t", 1000000)
    alice.create(run.root + "/b")
    alice.create(run.root + "/missing/x")
    alice.multi(create_op(run.root + "/c"))
    alice.multi(set_op(run.root + "/a"), create_op(run.root + "/c"))
    alice.set(run.root + "/a", b"x" * 100)
    alice.get(chain + "/zookeeper_stats")
    alice.delete(run.root + "/b")
    alice.get(chain + "/zookeeper_stats")
    alice.create(run.root + "/c")
    alice.get(chain + "/zookeeper_stats")
    alice.delete(chain + "/zookeeper_limits")
    alice.create(run.root + "/free")
    alice.create(run.root + "/free2")
    alice.get(chain + "/zookeeper_stats")
    alice.delete(chain + "/zookeeper_stats")
    alice.delete(chain)


@scenario
def byte_quota(run):
    alice = run.start(at="leader", data=b"12345")
    chain = set_quota(alice, run.root, b"count=-1,bytes=-1=;byteHardLimit=10;countHardLimit=-1")
    alice.get(chain + "/zookeeper_stats")
    alice.create(run.root + "/a", b"1234")
    alice.create(run.root + "/b", b"12")
    alice.create(run.root + "/b", b"1")
    alice.set(run.root + "/b", b"12")
    alice.set(run.root + "/b", b"12", 7)
    alice.set(run.root + "/b", b"2")
    alice.set(run.root + "/b", None)
    alice.set(run.root + "/a", b"12345")
    alice.set(run.root + "/a", b"123456")
    alice.multi(set_op(run.root + "/a", b"12345"), set_op(run.root + "/b", b"123"))
    alice.set(run.root + "/a", b"x" * 99, 9)
    alice.create(run.root + "/empty")
    alice.get(chain + "/zookeeper_stats")
    alice.delete(run.root + "/a")
    alice.get(chain + "/zookeeper_stats")
    remove_quota(alice, run.root)


@scenario
def soft_quota(run):
    """Passed with a warning in the log."""
    alice = run.start(at="leader")
    chain = set_quota(alice, run.root, b"count=1,bytes=1")
    alice.create(run.root + "/a", b"1234")
    alice.set(run.root, b"12345")
    alice.get(chain + "/zookeeper_stats")
    remove_quota(alice, run.root)


@scenario
def quota_statistics_make_no_events(run):
    alice = run.start(at="leader")
    chain = set_quota(alice, run.root, b"count=100,bytes=100")
    alice.get(chain + "/zookeeper_stats", watch=True)
    alice.add_watch(chain, 1)
    alice.create(run.root + "/a", b"1")
    alice.exists(chain + "/zookeeper_stats")
    alice.get(chain + "/zookeeper_stats")
    alice.create(run.root + "/e", b"22", flags=wire.EPHEMERAL)
    alice.get(chain + "/zookeeper_stats")
    alice.close()
    bob = run.connect("bob")
    bob.get(chain + "/zookeeper_stats")
    remove_quota(bob, run.root)


@scenario
def quota_on_the_deepest_prefix(run):
    """Only the deepest one counts."""
    alice = run.start(at="leader")
    alice.create(run.root + "/deep")
    set_quota(alice, run.root, b"count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=3")
    deep = set_quota(alice, run.root + "/deep", b"count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=2")
    alice.create(run.root + "/deep/a")
    alice.create(run.root + "/deep/b")
    alice.get(deep + "/zookeeper_stats")
    alice.get(QUOTA + run.root + "/zookeeper_stats")
    alice.create(run.root + "/b")
    alice.create(run.root + "/c")
    alice.get(QUOTA + run.root + "/zookeeper_stats")
    remove_quota(alice, run.root + "/deep")
    remove_quota(alice, run.root)


@scenario
def quota_texts(run):
    """How limits are read: separators, order, what is missing (18)."""
    alice = run.start(at="leader")
    texts = (b"count=2,bytes=-1=;byteHardLimit=-1;countHardLimit=2", b"countHardLimit=2", b"bytes=5,countHardLimit=2,count=1",
             b"countHardLimit=2;count=9", b"count=5", b"", b"nonsense", b"count=x", b"countHardLimit=99999999999999999999")
    for number, limits in enumerate(texts):
        node = f"{run.root}/n{number}"
        alice.create(node)
        set_quota(alice, node, limits)
        alice.create(node + "/a")
        alice.create(node + "/b")
        alice.get(QUOTA + node + "/zookeeper_stats")
        remove_quota(alice, node)


@scenario
def changed_limits(run):
    """Limits that are set anew by setData count at once."""
    alice = run.start(at="leader")
    chain = set_quota(alice, run.root, b"countHardLimit=2")
    alice.create(run.root + "/a")
    alice.create(run.root + "/b")
    alice.set(chain + "/zookeeper_limits", b"countHardLimit=3")
    alice.create(run.root + "/b")
    alice.create(run.root + "/c")
    alice.get(chain + "/zookeeper_stats")
    remove_quota(alice, run.root)


@scenario
def quotas_within_a_multi(run):
    """Whether an operation sees the usage that the earlier ones of its multi left (12.2)."""
    alice = run.start(at="leader")
    chain = set_quota(alice, run.root, b"countHardLimit=2")
    alice.create(run.root + "/a")
    alice.multi(delete_op(run.root + "/a"), create_op(run.root + "/b"))
    alice.multi(create_op(run.root + "/c"), delete_op(run.root + "/c"))
    alice.get(chain + "/zookeeper_stats")
    alice.delete(run.root + "/a")
    alice.delete(run.root + "/b")
    alice.multi(create_op(run.root + "/d"), create_op(run.root + "/e"))
    remove_quota(alice, run.root)
