"""A tree moves from a real ZooKeeper to Synod and back, by the commands of docs/migration.md.

    migration_test.py [--base-port P] [--data DIR] [--only NAME]
"""
import os
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "support")]
from ensemble import ROOT, Ensemble, Scratch, arguments  # noqa: E402  pylint: disable=wrong-import-position
from report import Report, check, equal  # noqa: E402  pylint: disable=wrong-import-position
from kazoo.client import KazooClient  # noqa: E402  pylint: disable=wrong-import-position
from kazoo.security import make_digest_acl  # noqa: E402  pylint: disable=wrong-import-position

SUPER = "DigestAuthenticationProvider.superDigest"
SUPER_DIGEST = "super:D/InIHSb7yEEbrWz8b9l71RjZJU="  # of super:test
BIN = os.environ.get("SYNOD_BIN_DIR", os.path.join(ROOT, "build", "release", "bin"))
MANY = 3000
CREDENTIALS = ["--zookeeper-auth", "digest:super:test", "--auth", "digest:super:test"]


class World:
    def __init__(self, data, base_port):
        self.old = Ensemble("zookeeper", os.path.join(data, "old"), base_port, 1, {SUPER: SUPER_DIGEST})
        self.new = Ensemble("synod", os.path.join(data, "new"), base_port + 1000, 3, {SUPER: SUPER_DIGEST})
        self.back = Ensemble("zookeeper", os.path.join(data, "back"), base_port + 2000, 1, {SUPER: SUPER_DIGEST})
        self.all = [self.old, self.new, self.back]

    def servers(self):
        return subprocess.run([os.path.join(ROOT, "scripts", "cluster.sh"), "servers", "--data", self.new.data], text=True, check=True,
                              stdout=subprocess.PIPE).stdout.strip()

    def command(self, *words):
        return [os.path.join(BIN, "synod"), "--servers", self.servers(), *words]

    def synod(self, *words):
        """(exit code, what it printed, what it complained of)"""
        done = subprocess.run(self.command(*words), text=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=100, check=False)
        return done.returncode, done.stdout, done.stderr


def client(ensemble):
    k = KazooClient(ensemble.hosts())
    k.start(timeout=30)
    k.add_auth("digest", "super:test")
    return k


def picture(ensemble, root="/"):
    """{path: (data, ACL)} of all persistent nodes, as a client sees them."""
    k, out, stack = client(ensemble), {}, [root]
    while stack:
        path = stack.pop()
        data, stat = k.get(path)
        if stat.ephemeralOwner == 0:
            out[path] = (data, sorted(str(a) for a in k.get_acls(path)[0]))
            stack += [path.rstrip("/") + "/" + name for name in k.get_children(path) if (path, name) != ("/", "zookeeper")]
    k.stop()
    return out


def fill(world):
    k = client(world.old)
    k.ensure_path("/app/config")
    k.set("/app/config", b"\x00\xff binary")
    k.create("/app/empty", b"")
    k.create("/app/caf\u00e9", "gr\u00fcn".encode())
    k.create("/app/secret", b"s", acl=[make_digest_acl("bob", "secret", all=True)])
    k.create("/app/secret/below", b"b", acl=[make_digest_acl("bob", "secret", read=True)])
    k.create("/app/queue", b"")
    for _ in range(12):
        k.create("/app/queue/n-", b"", sequence=True)
    for n in range(11):
        k.delete(f"/app/queue/n-{n:010d}")
    k.ensure_path("/many")
    waiting = [k.create_async(f"/many/n{n:06d}", b"d" * 100) for n in range(MANY)]
    for one in waiting:
        one.get(30)
    k.create("/app/ephemeral", b"", ephemeral=True)
    return k  # its ephemeral must live while the tree is copied


def copy_is_complete_and_verified(world):
    holder = fill(world)
    try:
        code, out, err = world.synod("import", "--from-zookeeper", world.old.hosts(), *CREDENTIALS)
    finally:
        holder.stop()
    equal(code, 0, f"exit code ({out} {err})")
    check("1 ephemeral nodes left out" in out and "all equal" in out, out)
    equal(picture(world.new), picture(world.old), "the trees")


def sequential_names_go_on_where_zookeepers_would(world):
    names = []
    for ensemble in (world.old, world.new):
        k = client(ensemble)
        names.append(k.create("/app/queue/n-", b"", sequence=True))
        k.stop()
    equal(names[1], names[0], "the next sequential child")


def differences_are_found_and_brought_up_to_date(world):
    k = client(world.old)
    k.set("/app/config", b"newer")
    k.create("/app/added", b"")
    k.delete("/app/empty")
    k.stop()
    code, out, err = world.synod("import", "--from-zookeeper", world.old.hosts(), "--on-existing", "keep", *CREDENTIALS)
    equal(code, 1, "exit code of a copy that differs")
    check("/app/config: its data differ" in err and "1 differ" in out, out + err)
    check("1 nodes here that ZooKeeper does not have" in out, out)
    code, out, _ = world.synod("import", "--from-zookeeper", world.old.hosts(), "--on-existing", "set", *CREDENTIALS)
    equal(code, 0, "exit code after set")
    check("all equal" in out, out)


def interrupted_copy_goes_on(world):
    equal(world.synod("create", "/second")[0], 0, "create /second")
    words = ["import", "--from-zookeeper", world.old.hosts(), "--into", "/second", "--on-existing", "keep", *CREDENTIALS]
    with subprocess.Popen(world.command(*words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        k = client(world.new)
        while child.poll() is None and not k.exists("/second/app"):
            time.sleep(0.001)
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=60)
        k.stop()
    check(child.returncode in (0, 130), f"exit code {child.returncode}: {err}")  # 0: it was done before the signal
    if child.returncode == 130:
        check("--on-existing keep goes on" in err, err)
    code, out, err = world.synod(*words)
    equal(code, 0, f"exit code of the one that goes on ({out} {err})")
    copied = {path[len("/second"):] or "/": node for path, node in picture(world.new, "/second").items()}
    original = picture(world.old)
    copied.pop("/"), original.pop("/")
    equal(copied, original, "the trees")


def refusals_are_told(world):
    code, _, err = world.synod("import", "--from-zookeeper", world.old.hosts(), "--on-existing", "keep")
    check(code == 1 and "NoAuth" in err and "/app/secret" in err, f"without the credential: {code} {err}")
    code, _, err = world.synod("--timeout", "1s", "import", "--from-zookeeper", "127.0.0.1:9")
    check(code == 3 and "no ZooKeeper server answers" in err, f"nobody there: {code} {err}")
    code, _, err = world.synod("import", "--from-zookeeper", world.old.hosts() + "/nowhere", *CREDENTIALS)
    check(code == 1 and "no such node" in err, f"a chroot that is missing: {code} {err}")


def way_back(world):
    equal(world.synod("rm", "-R", "--force", "/second", "--auth", "digest:super:test")[0], 0, "rm /second")
    words = ["export", "/", "--to-zookeeper", world.back.hosts(), *CREDENTIALS]
    code, out, err = world.synod(*words)
    equal(code, 0, f"exit code ({out} {err})")
    equal(picture(world.back), picture(world.new), "the trees")
    code, _, err = world.synod(*words)
    check(code != 0 and "--on-existing keep or set goes on" in err, f"once more: {code} {err}")
    equal(world.synod(*words, "--on-existing", "set")[0], 0, "once more with set")


TESTS = [copy_is_complete_and_verified, sequential_names_go_on_where_zookeepers_would, differences_are_found_and_brought_up_to_date,
         interrupted_copy_goes_on, refusals_are_told, way_back]


def main():
    given = arguments(__doc__, 20100).parse_args()
    scratch, report = Scratch("migration", given.data), Report()
    world = World(scratch.path, given.base_port)
    try:
        for ensemble in world.all:
            ensemble.up()
        for test in TESTS:  # each goes on where the one before ended
            if not report.run(test.__name__, test, world):
                break
    except Exception as e:  # pylint: disable=broad-except
        report.add("the ensembles", str(e))
    finally:
        for ensemble in world.all:
            ensemble.down()
    scratch.end(report.failed > 0)
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
