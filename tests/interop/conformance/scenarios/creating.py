"""create, create2, createContainer and createTTL: flags, names, errors and their precedence (sections 8, 9 and 11.1)."""
import wire
from scenario import scenario

BAD_ACL = ()


@scenario
def create_flags(run):
    """Every opcode with every flag (8.2)."""
    alice = run.start()
    for flags in (0, 1, 2, 3, 4, 5, 6, 7, -1, 255, 1 << 20):
        alice.create(f"{run.root}/create{flags}-", flags=flags)
        alice.create2(f"{run.root}/create2{flags}-", flags=flags)
    for flags in (4, 5, 6, 7):
        alice.create_container(f"{run.root}/container{flags}-", flags=flags)
    for flags in (0, 1, 2, 3, 4, 5, 6, 7):
        alice.create_ttl(f"{run.root}/ttl{flags}-", 100000, flags=flags)
    alice.children2(run.root)
    alice.ephemerals("/")


@scenario
def create_container_flags(run):
    """createContainer with a flag that is not 4."""
    alice = run.start()
    for flags in (0, 1, 2, 3):
        alice.create_container(f"{run.root}/c{flags}-", flags=flags)


@scenario
def ttl_values(run):
    """1 to 2^40-1 (8.6). A negative one is never sent with another flag than 5 or 6: it ends the servers of a 3.8.0."""
    alice = run.start()
    for ttl in (1000000, (1 << 40) - 1, 1 << 40, 0, -1, -1 << 63, (1 << 63) - 1):
        alice.create_ttl(f"{run.root}/t{ttl}", ttl)
        alice.create_ttl(f"{run.root}/s{ttl}-", ttl, flags=6)
    alice.create_ttl(run.root + "/plain", 0, flags=0)
    alice.create_ttl(run.root + "/ephemeral", 100, flags=1)
    alice.create_ttl(run.root + "/container", 100, flags=4)


@scenario
def create_answers(run):
    """create answers with the path, create2, createContainer and createTTL with the Stat too; data null and empty stay apart."""
    alice = run.start()
    alice.create(run.root + "/a", b"data")
    alice.create2(run.root + "/b", b"data")
    alice.create_container(run.root + "/c", b"data")
    alice.create_ttl(run.root + "/d", 1000000)
    alice.create(run.root + "/null", None)
    alice.create(run.root + "/empty", b"")
    alice.create2(run.root + "/null2", None)
    alice.create2(run.root + "/e", b"e", flags=wire.EPHEMERAL)
    for name in ("a", "b", "c", "d", "null", "empty", "null2", "e"):
        alice.get(f"{run.root}/{name}")
    alice.exists(run.root)


@scenario
def sequential_names(run):
    """The suffix is the number of creates so far, whatever their kind (8.3; conformance test 2)."""
    alice = run.start()
    queue = run.root + "/s"
    alice.create(queue)
    names = [alice.create(queue + "/q-", flags=wire.SEQUENTIAL) for _ in range(3)]
    alice.delete(names[-1] or "")
    alice.create(queue + "/q-", flags=wire.SEQUENTIAL)
    alice.create(queue + "/x")
    alice.create(queue + "/other-", flags=wire.EPHEMERAL_SEQUENTIAL)
    alice.exists(queue)
    alice.create(queue + "/x")
    alice.create(queue + "/q-", flags=wire.SEQUENTIAL)
    alice.create(queue + "/", flags=wire.SEQUENTIAL)
    alice.create2(queue + "/", flags=wire.EPHEMERAL_SEQUENTIAL)
    alice.create_ttl(queue + "/t", 1000000, flags=6)
    alice.create(queue + "/missing/q-", flags=wire.SEQUENTIAL)
    alice.create(queue + "//q-", flags=wire.SEQUENTIAL)
    alice.create(queue + "/..", flags=wire.SEQUENTIAL)
    alice.create(queue + "/.", flags=wire.SEQUENTIAL)
    alice.create(queue + "/\1", flags=wire.SEQUENTIAL)
    alice.children2(queue)
    for name in alice.children(queue) or ():
        alice.delete(f"{queue}/{name}")
    alice.create(queue + "/q-", flags=wire.SEQUENTIAL)
    alice.exists(queue)
    alice.delete(queue + "/q-0000000009")
    alice.delete(queue)
    alice.create(queue)
    alice.create(queue + "/q-", flags=wire.SEQUENTIAL)
    with alice.together():
        for _ in range(3):
            alice.create(queue + "/p-", flags=wire.SEQUENTIAL)
        alice.create(queue + "/p-0000000001")
        alice.create(queue + "/p-", flags=wire.SEQUENTIAL)


@scenario
def counters(run):
    """cversion and pzxid of the parent, and nothing else of it (6.2, 6.3; conformance test 3)."""
    alice = run.start()
    below = run.root + "/p"
    alice.create(below, b"p")
    alice.exists(below)
    for name in "abc":
        alice.create2(f"{below}/{name}")
        alice.exists(below)
    alice.exists(run.root)
    alice.delete(below + "/b")
    alice.exists(below)
    alice.set(below + "/a", b"x")
    alice.set_acl(below + "/a", wire.OPEN)
    alice.exists(below)
    alice.create(below + "/a/deep")
    alice.exists(below)
    alice.exists(below + "/a")
    alice.set(below, b"q")
    alice.exists(below)
    alice.exists(run.root)


@scenario
def create_precedence(run):
    """Of two things wrong at once the first check decides (11.1; conformance tests 4, 5)."""
    alice = run.start()
    closed, ephemeral = run.root + "/closed", run.root + "/ephemeral"
    alice.create(closed, acl=wire.READ_ONLY)
    alice.create(ephemeral, flags=wire.EPHEMERAL)
    missing = run.root + "/missing/x"
    alice.create(missing, acl=BAD_ACL)
    alice.create(missing)
    alice.create(missing, acl=BAD_ACL, flags=77)
    alice.create("no-slash", acl=BAD_ACL, flags=77)
    alice.create("no-slash", acl=BAD_ACL)
    alice.create("nul/\0/", acl=BAD_ACL)
    alice.create_ttl(missing, 0, acl=BAD_ACL)
    alice.create_ttl(missing, 10, acl=BAD_ACL)
    alice.create(closed + "/x", acl=BAD_ACL)
    alice.create(closed + "/x")
    alice.create(closed + "/x/")
    alice.create(closed + "/..")
    alice.create(run.root)
    alice.create(run.root, acl=BAD_ACL)
    alice.create(run.root + "/")
    alice.create(ephemeral + "/child")
    alice.create(ephemeral + "/child", flags=wire.EPHEMERAL)
    alice.create(ephemeral + "/child", acl=BAD_ACL)
    alice.create(ephemeral + "/child/")
    alice.create(ephemeral + "/s", flags=wire.SEQUENTIAL)
    alice.create("/")
    alice.create("/", flags=wire.EPHEMERAL)
    alice.create2("/")
    alice.create_container("/")
    container, ttl = run.root + "/container", run.root + "/ttl"
    alice.create_container(container)
    alice.create_ttl(ttl, 1000000)
    for parent in (container, ttl):
        alice.create(parent + "/child")
        alice.create(parent + "/mine", flags=wire.EPHEMERAL)
        alice.exists(parent)
    alice.create(closed + "/existing")
    alice.exists(run.root)


BAD_PATHS = ("", "x", "x/y", "//", "/x//y", "/x/", "/./x", "/../x", "/x/.", "/x/..", "/x/./y", "/x/../y", "/x\0y", "/x\1y", "/x\x1fy", "/x\x7fy",
             "/x\x80y", "/x\x9fy", "/x\uf8ffy", "/x\ue000y", "/x\ufff0y", "/x\uffffy", "/x\U0001f600y", b"/x\xffy", b"/x\xc3", b"/x\xed\xa0\x80y",
             b"/x\xed\xa0\xbd\xed\xb8\x80y", b"/x\xc0\xafy", b"/x\xc1\x81y", b"/x\xe0\x80\xafy")
GOOD_PATHS = ("/\u00e9", "/...", "/a.", "/.a", "/..a", "/ ", "/a b", "/\"'", "/%", "/\\", "/\ud7ff", "/\uf900", "/\uffef", "/\xa0", "/\u4e16\u754c",
              "/" + "n" * 300)


def below(run, path):
    """A path of the list below the scenario's own node, a relative one as it is."""
    if isinstance(path, bytes):
        return run.root.encode() + path
    return run.root + path if path.startswith("/") else path


@scenario
def paths_of_create(run):
    """Section 9: NoNode where the parent is missing, BadArguments where only the name is bad (conformance test 29)."""
    alice = run.start()
    alice.create(run.root + "/x")
    for path in BAD_PATHS:
        alice.create(below(run, path))
    alice.create(run.root + "/x/")
    alice.create(None)
    alice.create2(None)
    for path in GOOD_PATHS:
        alice.create(below(run, path))
    alice.children(run.root)
    alice.delete(run.root + "/\u00e9")


@scenario
def paths_of_writes(run):
    alice = run.start()
    alice.create(run.root + "/x")
    for path in BAD_PATHS:
        alice.set(below(run, path))
        alice.set_acl(below(run, path), wire.OPEN)
        alice.delete(below(run, path))
    for path in (None, "/"):
        alice.set(path, b"", 99)
        alice.set_acl(path, wire.OPEN, 99)
    alice.delete(None)
    alice.delete("/")
    alice.ping()


@scenario
def paths_of_reads(run):
    alice = run.start()
    alice.create(run.root + "/x")
    for path in BAD_PATHS:
        if path != "":
            alice.exists(below(run, path))
            alice.get(below(run, path))
            alice.get_acl(below(run, path))
            alice.children(below(run, path))
            alice.children2(below(run, path))
            alice.count(below(run, path))


@scenario
def empty_and_null_paths_of_reads(run):
    alice = run.start()
    for path in ("", None):
        for read, op in (("exists", wire.EXISTS), ("getData", wire.GET_DATA), ("getChildren", wire.GET_CHILDREN),
                         ("getChildren2", wire.GET_CHILDREN2)):
            alice.raw(op, wire.string(path) + b"\0", f"{read} {'null' if path is None else 'empty'}", lambda r: (r.take(r.left()), ("a record",)))
        for read, op in (("getACL", wire.GET_ACL), ("getAllChildrenNumber", wire.GET_ALL_CHILDREN_NUMBER)):
            alice.raw(op, wire.string(path), f"{read} {'null' if path is None else 'empty'}", lambda r: (r.take(r.left()), ("a record",)))
        alice.sync(path)
        alice.ephemerals(path)
    alice.ping()
