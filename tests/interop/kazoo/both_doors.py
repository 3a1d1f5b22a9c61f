"""One tree through two doors: what Synod's own client does over gRPC, a client of ZooKeeper sees, and the other way round."""
import json
import os
import subprocess
import threading

from clients import connected
from ensemble import ROOT
from kazoo import exceptions as errors
from kazoo.protocol.states import EventType
from kazoo.security import make_digest_acl
from report import check, equal, eventually, raises

PROGRAM = os.path.join(os.environ.get("SYNOD_BIN_DIR", os.path.join(ROOT, "build", "release", "bin")), "synod")


def run(report, ensemble):
    for test in (_writes, _versions_and_zxids, _watches_of_zookeeper, _watches_of_grpc, _locks_of_both, _identities):
        report.run("kazoo.both_doors." + test.__name__.strip("_"), test, ensemble)


def _command(ensemble, *words):
    servers = ",".join(f"127.0.0.1:{ensemble.base_port + 100 + i}" for i in ensemble.ids())
    return [PROGRAM, "--servers", servers, *words]


def synod(ensemble, *words):
    """What the command line prints."""
    done = subprocess.run(_command(ensemble, *words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=30, check=False)
    if done.returncode != 0:
        raise AssertionError(f"synod {' '.join(words)} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout.rstrip("\n")


def _writes(ensemble):
    with connected(ensemble.hosts()) as zk:
        synod(ensemble, "create", "/doors", "from gRPC")
        zk.sync("/")
        equal(zk.get("/doors")[0], b"from gRPC")
        zk.set("/doors", b"from kazoo")
        equal(synod(ensemble, "get", "/doors"), "from kazoo")
        owner = zk.create("/doors/e-", ephemeral=True, sequence=True)
        equal(synod(ensemble, "ls", "/doors"), owner.rpartition("/")[2])
    equal(synod(ensemble, "count", "/doors").split()[0], "0")


def _versions_and_zxids(ensemble):
    with connected(ensemble.hosts()) as zk:
        zk.create("/doors/stat", b"abc")
        zk.set("/doors/stat", b"defg")
        stat = zk.exists("/doors/stat")
        shown = json.loads(synod(ensemble, "--json", "stat", "/doors/stat"))
        for ours, theirs in (("version", stat.version), ("czxid", stat.czxid), ("mzxid", stat.mzxid), ("data_length", stat.data_length)):
            equal(int(shown.get("stat", shown)[ours]), theirs, ours)
        synod(ensemble, "set", "/doors/stat", "x", "--version", "1")
        zk.sync("/")
        raises(errors.BadVersionError, zk.set, "/doors/stat", b"", version=1)
        check(zk.exists("/doors/stat").mzxid > stat.mzxid, "one count of zxids")


def _watches_of_zookeeper(ensemble):
    with connected(ensemble.hosts()) as zk:
        heard = []
        zk.exists("/doors/watched", watch=heard.append)
        zk.get_children("/doors", watch=heard.append)
        synod(ensemble, "create", "/doors/watched")
        eventually(lambda: len(heard) == 2, "two events")
        equal([(e.type, e.path) for e in heard], [(EventType.CREATED, "/doors/watched"), (EventType.CHILD, "/doors")])
        zk.get("/doors/watched", watch=heard.append)
        synod(ensemble, "delete", "/doors/watched")
        eventually(lambda: len(heard) == 3, "a deletion")
        equal(heard[2].type, EventType.DELETED)


def _watches_of_grpc(ensemble):
    """`synod watch` follows what kazoo writes."""
    lines, ready = [], threading.Event()
    with connected(ensemble.hosts()) as zk:
        zk.create("/doors/followed")
        process = subprocess.Popen(_command(ensemble, "watch", "-R", "/doors/followed"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, text=True)

        def read():
            for line in process.stdout:
                lines.append(line)
                ready.set()
        threading.Thread(target=read, daemon=True).start()
        try:
            def heard_of_probe():
                zk.set("/doors/followed", b"probe")
                return ready.wait(0.2)
            eventually(heard_of_probe, "the watch is set")
            with zk.transaction() as both:
                both.create("/doors/followed/a", b"1")
                both.delete("/doors/followed/a")
            eventually(lambda: sum("/doors/followed/a" in line for line in lines) >= 2, f"both changes of the transaction: {lines}")
        finally:
            process.terminate()
            process.wait(10)


def _locks_of_both(ensemble):
    """A session that ends over one door frees what waits at the other."""
    with connected(ensemble.hosts()) as zk:
        process = subprocess.Popen(_command(ensemble, "lock", "/doors/lock", "--", "sleep", "60"), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        try:
            def nodes():
                zk.sync("/")
                return zk.exists("/doors/lock") and zk.get_children("/doors/lock")
            names = eventually(nodes, "it holds the lock")
            gone = threading.Event()
            check(zk.exists(f"/doors/lock/{names[0]}", watch=lambda event: gone.set()).ephemeralOwner, "an ephemeral of that session")
        finally:
            process.terminate()
            process.wait(15)
        check(gone.wait(15), "it is gone with its session")


def _identities(ensemble):
    with connected(ensemble.hosts()) as zk:
        zk.create("/doors/secret", b"s", acl=[make_digest_acl("bob", "secret", all=True)])
        equal(synod(ensemble, "--auth", "digest:bob:secret", "get", "/doors/secret"), "s")
        refused = subprocess.run(_command(ensemble, "get", "/doors/secret"), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False)
        equal(refused.returncode, 1)
        check("NoAuth" in refused.stderr, refused.stderr)
