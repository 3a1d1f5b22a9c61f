"""ACLs and authentication (section 7; conformance tests 20, 21, 22)."""
import wire
from client import check_op
from scenario import scenario

BOB = "bob:fyVmFCwVbTJYrznoSu1koqYEYF0="


@scenario
def acl_fix_up(run):
    """What is stored of what was sent (7.3)."""
    alice = run.start()
    alice.auth("digest", b"bob:secret")
    cases = (
        None, (), ((31, "world", "anyone"), (31, "world", "anyone")), ((1, "world", "anyone"), (31, "world", "anyone"), (1, "world", "anyone")),
        ((31, "world", "someone"),), ((31, "world", ""),), ((31, "world", None),), ((31, None, "anyone"),), ((31, "", ""),), ((31, "nosuch", "x"),),
        ((31, "super", ""),), ((31, "auth", ""),), ((31, "auth", None),), ((31, "auth", "anything"),), ((5, "auth", ""), (31, "world", "anyone")),
        ((31, "digest", BOB),), ((31, "digest", BOB), (31, "auth", "")), ((31, "digest", "bob"),), ((31, "digest", "bob:"),), ((31, "digest", ":x"),),
        ((31, "digest", ""),), ((31, "digest", "a:b:c"),), ((31, "digest", None),), ((31, "sasl", "bob"),), ((31, "x509", "CN=bob"),),
        ((0, "world", "anyone"),), ((-1, "world", "anyone"),), ((64, "world", "anyone"),), ((31, "world", "anyone"), (31, "nosuch", "x")),
    )
    for number, acl in enumerate(cases):
        alice.create(f"{run.root}/n{number}", acl=acl)
        alice.get_acl(f"{run.root}/n{number}")
        alice.create(f"{run.root}/s{number}")
        alice.set_acl(f"{run.root}/s{number}", acl)
        alice.get_acl(f"{run.root}/s{number}")
    alice.auth("digest", b"carol:word")
    alice.create(run.root + "/two", acl=((3, "auth", ""),))
    alice.get_acl(run.root + "/two")
    nobody = run.connect("nobody")
    nobody.create(run.root + "/auth", acl=((31, "auth", ""),))
    nobody.set_acl(run.root, ((31, "auth", ""),))
    root = run.connect("root")
    root.auth("digest", b"super:test")
    root.create(run.root + "/by-super", acl=((31, "auth", ""),))
    root.get_acl(run.root + "/by-super")


@scenario
def acl_ip_ids(run):
    alice = run.start()
    for number, address in enumerate(("127.0.0.1", "127.0.0.1/32", "127.0.0.9/8", "0.0.0.0/0", "127.0.0.1/33", "127.0.0.1/-1", "127.0.0.1/",
                                      "127.0.0.1/x", "127.0.0", "127.0.0.256", "127.0.0.1.1", "localhost", "", "1", "127.0.0.1/8/8", " 127.0.0.1")):
        alice.create(f"{run.root}/n{number}", acl=((31, "ip", address),))
        alice.get(f"{run.root}/n{number}")


@scenario
def acl_ip_ids_of_version_6(run):
    alice = run.start()
    for number, address in enumerate(("::1", "::1/128", "fe80::/10", "::ffff:127.0.0.1", "::1/129")):
        alice.create(f"{run.root}/n{number}", acl=((31, "ip", address),))


@scenario
def acl_ip_match(run):
    alice = run.start()
    nodes = {"own": "127.0.0.5", "net": "127.0.0.0/29", "all": "0.0.0.0/0", "other": "127.0.0.6", "host-bits": "127.0.0.7/30"}
    for name, address in nodes.items():
        alice.create(f"{run.root}/{name}", acl=((31, "ip", address),))
    for source in ("127.0.0.5", "127.0.0.6", "127.0.0.12"):
        client = run.connect(f"from-{source}", source=source)
        for name in nodes:
            client.get(f"{run.root}/{name}")


@scenario
def digest(run):
    """Conformance tests 20 and 21."""
    alice = run.start()
    alice.auth("digest", b"bob:secret")
    node = run.root + "/n"
    alice.create(node, b"secret", acl=((31, "auth", ""),))
    alice.get_acl(node)
    alice.get(node)
    nobody = run.connect("nobody")
    nobody.get(node)
    nobody.get_acl(node)
    nobody.children(node)
    nobody.children2(node)
    nobody.count(node)
    nobody.set(node)
    nobody.set_acl(node, wire.OPEN)
    nobody.create(node + "/below")
    nobody.auth("digest", b"bob:wrong")
    nobody.get(node)
    nobody.auth("digest", b"bob:secret")
    nobody.get(node)
    reader = run.connect("reader")
    alice.create(run.root + "/shown", acl=((wire.READ, "world", "anyone"), (31, "auth", "")))
    reader.get_acl(run.root + "/shown")
    alice.get_acl(run.root + "/shown")
    alice.create(run.root + "/adm", acl=((wire.ADMIN, "world", "anyone"), (31, "auth", "")))
    reader.get_acl(run.root + "/adm")
    reader.get(run.root + "/adm")
    reader.delete(node)
    reader.exists(node)


@scenario
def exists_without_read(run):
    """3.9 asks for READ on an existing node, 3.8.0 does not (7.1)."""
    alice = run.start()
    alice.create(run.root + "/closed", acl=((wire.ALL & ~wire.READ, "world", "anyone"),))
    alice.exists(run.root + "/closed")
    alice.exists(run.root + "/closed/missing")


@scenario
def permissions(run):
    """Each operation with each single permission (7.1)."""
    alice = run.start()
    for name, bit in (("read", 1), ("write", 2), ("create", 4), ("delete", 8), ("admin", 16), ("none", 0), ("bit6", 64), ("read-admin", 17)):
        node = f"{run.root}/{name}"
        root = alice
        root.create(node, b"x", acl=((bit, "world", "anyone"), (31, "digest", BOB)))
        alice.get(node)
        alice.children(node)
        alice.children2(node)
        alice.count(node)
        alice.get_acl(node)
        alice.set(node, b"y")
        alice.create(node + "/c")
        alice.delete(node + "/c")
        alice.delete(node + "/missing")
        alice.multi()
        alice.set_acl(node, ((bit, "world", "anyone"), (31, "digest", BOB)))


@scenario
def check_needs_read(run):
    alice = run.start()
    alice.create(run.root + "/closed", acl=((wire.ALL & ~wire.READ, "world", "anyone"),))
    alice.multi(check_op(run.root + "/closed", 0))
    alice.multi(check_op(run.root + "/closed", 9))
    alice.multi(check_op(run.root + "/closed/missing", 9))


@scenario
def super_user(run):
    alice = run.start()
    node = run.root + "/locked"
    alice.create(node, b"x", acl=((0, "world", "anyone"),))
    alice.get(node)
    root = run.connect("root")
    root.auth("digest", b"super:wrong")
    root.get(node)
    root.auth("digest", b"super:test")
    root.get(node)
    root.get_acl(node)
    root.set(node, b"y")
    root.create(node + "/n")
    root.set_acl(node, wire.READ_ONLY)
    root.delete(node + "/n")
    root.set_acl("/zookeeper/config", wire.READ_ONLY, 77)
    root.delete("/zookeeper/config")
    root.who_am_i()


@scenario
def auth_packets(run):
    """Any number, at any time; unknown ones are answered -115 and closed (7.4)."""
    alice = run.start()
    alice.create(run.root + "/mine", flags=wire.EPHEMERAL)
    alice.auth("digest", b"no-colon")
    alice.auth("digest", b":")
    alice.auth("digest", b"a:b:c")
    alice.auth("digest", b"type:5", kind=5)
    alice.auth("digest", "é:ü".encode())
    alice.auth("ip", b"10.0.0.1")
    alice.auth("ip", None)
    alice.who_am_i()
    alice.create(run.root + "/auth", acl=((31, "auth", ""),))
    alice.get_acl(run.root + "/auth")
    last = alice
    for scheme in ("nosuch", "world", "auth", "super", "sasl", "x509", "", "DIGEST"):
        client = run.resume(f"with-{scheme}", last)
        client.auth(scheme, b"x:y")
        client.expect_end(2)
        last = client if client.session else last
    client = run.resume("with-null", last)
    client.auth(None, b"x:y")
    client.expect_end(2)
    client = run.connect("empty")
    client.auth("digest", b"")
    client.expect_end(0.5)
    client = run.connect("null-data")
    client.auth("digest", None)
    client.expect_end(2)
    again = run.resume("again", last)
    again.ephemerals("/")
    again.who_am_i()


@scenario
def ids_belong_to_the_connection(run):
    """After a resume they are gone until they are sent again (7.4)."""
    alice = run.start()
    alice.auth("digest", b"bob:secret")
    alice.create(run.root + "/n", acl=((31, "auth", ""),))
    with alice.together():
        # In 3.8.0 the reply to auth may overtake others, so nothing is before it.
        alice.auth("digest", b"x:y")
        alice.get(run.root + "/n")
        alice.who_am_i()
    second = run.resume("second", alice)
    second.who_am_i()
    second.get(run.root + "/n")
    second.auth("digest", b"bob:secret")
    second.get(run.root + "/n")
    second.ephemerals("/")


@scenario
def sasl_without_configuration(run):
    """An empty token comes back and the client goes on (7.4)."""
    alice = run.start()
    for token in (b"", b"abc"):
        alice.sasl(token)
    alice.ping()
    alice.exists(run.root)
    alice.sasl(None)
    alice.ping()
