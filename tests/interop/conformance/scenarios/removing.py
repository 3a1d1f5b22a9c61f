"""checkWatches and removeWatches (section 13.6)."""
from scenario import scenario


@scenario
def check_and_remove_standard(run):
    """Types 1 (children), 2 (data), 3 (any) on one-shot watches."""
    alice = run.start()
    alice.create(run.root + "/n")
    node = run.root + "/n"
    for kind in (1, 2, 3):
        alice.check_watches(node, kind)
        alice.remove_watches(node, kind)
    alice.get(node, watch=True)
    alice.check_watches(node, 1)
    alice.remove_watches(node, 1)
    alice.check_watches(node, 2)
    alice.check_watches(node, 3)
    alice.remove_watches(node, 2)
    alice.remove_watches(node, 2)
    alice.set(node, b"x")
    alice.children(node, watch=True)
    alice.check_watches(node, 2)
    alice.check_watches(node, 1)
    alice.remove_watches(node, 1)
    alice.create(node + "/c")
    alice.get(node, watch=True)
    alice.children(node, watch=True)
    alice.remove_watches(node, 3)
    alice.check_watches(node, 3)
    alice.set(node, b"y")
    alice.create(node + "/d")
    alice.exists(run.root + "/missing", watch=True)
    alice.check_watches(run.root + "/missing", 2)
    alice.remove_watches(run.root + "/missing", 3)
    alice.create(run.root + "/missing")


@scenario
def check_and_remove_unknown_types(run):
    alice = run.start()
    alice.get(run.root, watch=True)
    for kind in (0, -1, 6, 99, 2147483647):
        alice.check_watches(run.root, kind)
        alice.remove_watches(run.root, kind)
    alice.set(run.root, b"x")


@scenario
def remove_all_of_a_persistent_watch(run):
    """Type 3 takes both halves; then silence."""
    alice = run.start()
    alice.add_watch(run.root, 0)
    alice.check_watches(run.root, 3)
    alice.remove_watches(run.root, 3)
    alice.set(run.root, b"x")
    alice.create(run.root + "/c")
    alice.check_watches(run.root, 3)
    alice.remove_watches(run.root, 3)
    alice.add_watch(run.root, 1)
    alice.check_watches(run.root, 3)
    alice.check_watches(run.root + "/c", 3)
    alice.remove_watches(run.root + "/c", 3)
    alice.remove_watches(run.root, 3)
    alice.set(run.root, b"y")
    alice.create(run.root + "/d")
    alice.remove_watches(run.root, 3)


@scenario
def halves_of_a_persistent_watch(run):
    """Types 1 and 2 on a persistent watch: in 3.8 they match any mode, in 3.9 only one-shot watches."""
    alice = run.start()
    alice.add_watch(run.root, 0)
    alice.check_watches(run.root, 1)
    alice.check_watches(run.root, 2)
    alice.remove_watches(run.root, 2)
    alice.set(run.root, b"x")
    alice.create(run.root + "/c")
    alice.remove_watches(run.root, 1)
    alice.create(run.root + "/d")
    alice.remove_watches(run.root, 3)


@scenario
def types_of_3_9(run):
    """4 (persistent) and 5 (recursive) came with 3.9."""
    alice = run.start()
    alice.add_watch(run.root, 0)
    alice.check_watches(run.root, 4)
    alice.check_watches(run.root, 5)
    alice.remove_watches(run.root, 5)
    alice.remove_watches(run.root, 4)
    alice.remove_watches(run.root, 4)
    alice.set(run.root, b"x")
    alice.add_watch(run.root, 1)
    alice.check_watches(run.root, 4)
    alice.check_watches(run.root, 5)
    alice.remove_watches(run.root, 5)
    alice.set(run.root, b"y")
    alice.remove_watches(run.root, 5)


@scenario
def watches_of_another_connection(run):
    """What checkWatches and removeWatches say when only somebody else watches the path."""
    alice = run.start()
    bob = run.connect("bob")
    bob.get(run.root, watch=True)
    bob.children(run.root, watch=True)
    for kind in (1, 2, 3):
        alice.check_watches(run.root, kind)
        alice.remove_watches(run.root, kind)
    alice.set(run.root, b"x")
    bob.sync()


@scenario
def watch_removal_paths(run):
    alice = run.start()
    for path in (run.name, "", run.root + "/a/", run.root + "/missing", None):
        alice.check_watches(path, 3)
        alice.remove_watches(path, 3)
    alice.ping()
