"""Every difference between ZooKeeper 3.8.0 and Synod that is meant to be, with its reason.

`steps` say where the comparison sees it: (scenario, step, ZooKeeper's outcome, Synod's outcome), where * stands for anything. A difference
without steps is one that no scripted session can show. docs/zookeeper_differences.md is written from this table, and what operators see
is in differences_words.py.
"""
from difference import Difference
from differences_words import ADMIN, OPERATORS, WORDS

INTRODUCTION = """
Synod speaks ZooKeeper's client protocol. `tests/interop/conformance` holds the same scripted sessions with a ZooKeeper 3.8.0 ensemble and with a
Synod ensemble, over every request type and error, and compares every reply, Stat, error and event but for times and ids. What is not listed
here is equal. The list is written from `tests/interop/conformance/differences.py`; the comparison fails if a difference is missing from it, and
also if one in it is no longer there.

Where ZooKeeper 3.9 answers otherwise than 3.8, Synod answers as 3.9 does. No difference here is one that Java's, the C, the Go or the Python
client, Curator or Kafka depends on.
"""

CONNECTIONS = "Connections and sessions"
REQUESTS = "Requests that 3.8.0 does not survive, or should refuse"
CREATING = "Creating nodes"
READING = "Paths, permissions and identities"
WATCHES = "Watches"
MULTI = "Transactions"
QUOTAS = "Quotas"
SPECIAL = "/zookeeper/config and reconfig"
GUARANTEES = "Guarantees that no scripted session shows"

TOPICS = (
    (CONNECTIONS, ""), (REQUESTS, ""), (CREATING, ""), (READING, ""), (WATCHES, ""), (MULTI, ""), (QUOTAS, ""), (SPECIAL, ""),
    (WORDS, "Words, lines and order are ZooKeeper's but for these."), (ADMIN, ""), (GUARANTEES, ""),
)

AS_3_9 = "As ZooKeeper 3.9."

DIFFERENCES = [
    # ---- connections ----
    Difference(
        CONNECTIONS, "A try to resume a session with a wrong password", "closes the connection that has the session, then refuses",
        "refuses; the session's own connection stays", "Otherwise anyone who guesses a session id can cut its client off.",
        (("wrong-password-and-the-old-connection", "alice ping", "closed", "Ok"),
         ("wrong-password-and-the-old-connection", "alice waits for the end", "closed", "open"))),
    Difference(
        CONNECTIONS, "The zxid in the header of an event", "-1", "that of the transaction that fired it",
        AS_3_9 + " Java 3.9 shows it to the caller.",
        (("event-headers", "*", "event * zxid=-1; Ok *", "event * zxid=z*; Ok *"),)),
    Difference(
        CONNECTIONS, "The zxid in the reply to an unknown opcode", "-1", "the last one applied, as in any reply",
        "Nobody looks at it; one rule is simpler.", (("unknown-opcode*", "* opcode *", "Unimplemented zxid=-1", "Unimplemented"),)),
    Difference(
        CONNECTIONS, "An auth packet that cannot be read", "ends the connection", "MarshallingError, then the end", "The answer says why.",
        (("cut-requests", "auth cut after", "0..20: closed", "*MarshallingError zxid=0*"),
         ("odd-counts", "auth with a data length of *", "closed", "MarshallingError zxid=0"))),
    Difference(
        CONNECTIONS, "A SASL packet that cannot be read, or has no token", "ends the connection",
        "MarshallingError, or an empty token; the session goes on", "As every other request.",
        (("cut-requests", "sasl cut after", "0..6: closed", "*MarshallingError zxid=0*"),
         ("sasl-without-configuration", "alice sasl null", "closed", "Ok null zxid=0"),
         ("sasl-without-configuration", "alice ping #2", "closed", "Ok"))),
    Difference(
        CONNECTIONS, "Where authentication is enforced: pings and closeSession before it", "SessionClosedRequireSaslAuth, then the end", "answered",
        "They read and change nothing; a session that is closed need not expire.",
        (("enforced-authentication", "pinger ping", "SessionClosedRequireSaslAuth zxid=0", "Ok"),
         ("enforced-authentication", "pinger waits for the end", "closed", "open"),
         ("enforced-authentication", "closer closeSession", "SessionClosedRequireSaslAuth zxid=0", "Ok"))),
    Difference(
        CONNECTIONS, "Where authentication is enforced: the zxid of the refusal", "0", "the last one applied, as in any reply",
        "Nobody looks at it; one rule is simpler.",
        (("enforced-authentication", "*", "SessionClosedRequireSaslAuth zxid=0", "SessionClosedRequireSaslAuth"),)),
    Difference(
        CONNECTIONS, "Read-only mode", "works only with localSessionsEnabled=true", "needs readonlymode.enabled=true alone",
        "3.8.0 cannot open a session there."),
    # ---- requests ----
    Difference(
        REQUESTS, "Opcode 13 (check) outside a multi", "is logged as a transaction that no server can read back: the ensemble falls",
        "Unimplemented, then the end of the connection", AS_3_9),
    Difference(
        REQUESTS, "A reconfig that cannot be decoded", "is never answered and blocks the server and the leader", "MarshallingError",
        "As every other request that cannot be decoded."),
    Difference(
        REQUESTS, "A multi with a null path", "is never answered, nor is any request behind it", "MarshallingError", "As for single requests."),
    Difference(
        REQUESTS, "createTTL with a negative time and a flag that is not for TTL nodes", "makes a broken node at which servers end", "BadArguments",
        "As any other time with such a flag."),
    Difference(
        REQUESTS, "createSession (-10) and deleteContainer (20) from a client",
        "taken: the first is answered with a second connect response, the second deletes containers without asking for permission",
        "Unimplemented, then the end of the connection", "They are internal to ZooKeeper.",
        (("internal-opcodes", "alice deleteContainer", "BadArguments", "Unimplemented"),
         ("internal-opcodes", "alice waits for the end", "open", "closed"),
         ("internal-opcodes", "bob createSession", "an answer of 37 bytes", "an answer of 16 bytes"),
         ("internal-opcodes", "bob waits for the end", "open", "closed"))),
    # ---- creating ----
    Difference(
        CREATING, "create and create2 with flag 4", "make a plain node", "make a container", "What the flag says; in a multi ZooKeeper does so too.",
        (("containers-of-create", "alice getChildren *", "Ok ['create', 'create2']", "Ok []"),)),
    Difference(
        CREATING, "createContainer with flags 0 to 3", "makes a container, with or without a suffix", "BadArguments",
        "The flag contradicts the opcode.",
        (("create-container-flags", "alice createContainer *", "Ok *", "BadArguments"),
         ("create-container-flags", "order of the zxids", "*", "(no such step)"),
         ("multi-create-container-flags", "alice multi [createContainer * flags=0]", "Ok | 1 *", "Ok | -1 header=BadArguments *"),
         ("multi-create-container-flags", "alice getChildren *", "Ok ['c']", "Ok []"))),
    Difference(
        CREATING, "TTL nodes without `extendedTypesEnabled`", "Unimplemented", "made; `extendedTypesEnabled=false` turns them off",
        "There is no reason to leave them out.",
        (("alone-ttl", "alice createTTL /* ttl=1000000", "Unimplemented", "Ok *"),
         ("alone-ttl", "alice createTTL /* ttl=0", "Unimplemented", "BadArguments"),
         ("alone-ttl", "alice createTTL x *", "Unimplemented", "BadArguments"), ("alone-ttl", "alice create */c *", "Unimplemented", "BadArguments"),
         ("alone-ttl", "alice multi *", "Ok | -1 header=Unimplemented *", "Ok | -1 header=NodeExists *"),
         ("alone-ttl", "alice getChildren *", "Ok []", "Ok ['s0000000001', 't']"),
         ("alone-ttl", "order of the zxids", "(no such step)", "z1 < z2"))),
    # ---- paths, permissions ----
    Difference(
        READING, "exists on a node that the caller may not read", "Ok", "NoAuth", AS_3_9,
        (("exists-without-read", "alice exists */closed", "Ok *", "NoAuth"),)),
    Difference(
        READING, "Malformed paths in reads", "NoNode; the empty path is the root", "BadArguments",
        "A caller's mistake is named. Clients check paths first.",
        (("paths-of-reads", "*", "NoNode", "BadArguments"), ("empty-and-null-paths-of-reads", "* empty", "Ok a record", "BadArguments"),
         ("failed-reads-set-no-watch", "bob exists */bad/ watch", "NoNode", "BadArguments"),
         ("multi-read", "alice multiRead [getData x, *", "*NoNode*", "*BadArguments*"))),
    Difference(
        READING, "Malformed paths in delete", "NoNode", "BadArguments", "A caller's mistake is named.",
        (("paths-of-writes", "alice delete *", "NoNode", "BadArguments"),)),
    Difference(
        READING, "create with a relative path whose parent is missing", "NoNode", "BadArguments", "A caller's mistake is named.",
        (("paths-of-create", "alice create x/y", "NoNode", "BadArguments"),)),
    Difference(
        READING, "sync echoes a path beyond the BMP", "as surrogates", "as it came", "Paths are bytes here; no node can have such a path.",
        (("sync-paths", "*", "Ok /*xed*", "Ok /*U0001f600"),)),
    Difference(
        READING, "ACL entries of scheme ip with an IPv6 address", "InvalidACL", "accepted", AS_3_9,
        (("acl-ip-ids-of-version-6", "*", "InvalidACL", "Ok *"),)),
    Difference(
        READING, "whoAmI with two passwords of one user", "shows the user twice", "shows the user once", "Names are all it shows.",
        (("who-am-i", "alice whoAmI*", "Ok [('digest', 'bob'), ('digest', 'bob'), *", "Ok [('digest', 'bob'), ('digest', 'carol'), *"),
         ("super-user", "root whoAmI", "Ok [('digest', 'super'), ('digest', 'super'), *", "Ok [('digest', 'super'), ('ip', *"))),
    Difference(
        READING, "The order of the entries to which `auth` expands", "that of a hash table", "sorted", "Replicas must agree.",
        (("auth-packets", "alice getACL *", "Ok [31 digest:no-colon:*", "Ok [31 digest::*"),)),
    Difference(
        READING, "auth with scheme digest and empty data", "accepted", "AuthFailed", "It proves nothing.",
        (("auth-packets", "empty auth digest ''", "Ok zxid=0", "AuthFailed zxid=0"),
         ("auth-packets", "empty waits for the end", "open", "closed"))),
    # ---- watches ----
    Difference(
        WATCHES, "Several kinds of watch of one connection on one path", "the last one replaces the others", "all stand side by side", AS_3_9,
        (("several-modes-on-one-path", "* sync *", "*Ok /", "event *; Ok /"),)),
    Difference(
        WATCHES, "checkWatches and removeWatches of type 1 and 2", "match a half of a persistent watch too", "match one-shot watches only", AS_3_9,
        (("halves-of-a-persistent-watch", "alice checkWatches * type=1", "Ok", "NoWatcher"),
         ("halves-of-a-persistent-watch", "alice checkWatches * type=2", "Ok", "NoWatcher"),
         ("halves-of-a-persistent-watch", "alice removeWatches * type=2", "Ok", "NoWatcher"),
         ("halves-of-a-persistent-watch", "alice setData *", "Ok *", "event NodeDataChanged /halves-of-a-persistent-watch; Ok *"),
         ("halves-of-a-persistent-watch", "alice removeWatches * type=1", "Ok", "NoWatcher"),
         ("halves-of-a-persistent-watch", "alice create */d", "Ok *", "event NodeChildrenChanged /halves-of-a-persistent-watch; Ok *"),
         ("halves-of-a-persistent-watch", "alice removeWatches * type=3", "NoWatcher", "Ok"))),
    Difference(
        WATCHES, "checkWatches and removeWatches of type 4 and 5", "MarshallingError", "persistent and recursive watches", AS_3_9,
        tuple(("types-of-3-9", f"alice {step}", "MarshallingError", synod) for step, synod in (
            ("checkWatches * type=4", "Ok"), ("checkWatches * type=5", "NoWatcher"), ("removeWatches * type=5", "NoWatcher"),
            ("removeWatches * type=4", "Ok"), ("removeWatches * type=4 #2", "NoWatcher"), ("checkWatches * type=4 #2", "NoWatcher"),
            ("checkWatches * type=5 #2", "Ok"), ("removeWatches * type=5 #2", "Ok"), ("removeWatches * type=5 #3", "NoWatcher")))
        + (("types-of-3-9", "alice setData *", "event *", "Ok *"),)),
    Difference(
        WATCHES, "checkWatches when only another connection watches the path", "Ok", "NoWatcher", "The question is about the caller's watches.",
        (("watches-of-another-connection", "alice checkWatches *", "Ok", "NoWatcher"),)),
    Difference(
        WATCHES, "checkWatches with a path without a slash", "MarshallingError", "NoWatcher", "As removeWatches.",
        (("watch-removal-paths", "alice checkWatches *", "MarshallingError", "NoWatcher"),)),
    Difference(
        WATCHES, "addWatch with a malformed path", "registered", "BadArguments", "It could never fire.",
        (("add-watch-arguments", "alice addWatch * mode=0", "Ok 0", "BadArguments"),)),
    Difference(
        WATCHES, "setWatches with malformed paths", "NodeDeleted for each; the empty path is the root", "nothing for them",
        "They could never have been set.", (("set-watches-lists", "bob setWatches since zero *", "event *; Ok", "Ok"),)),
    Difference(
        WATCHES, "Events of setWatches on a node that the caller may not read", "sent", "not sent", "All other events are held back so too.",
        (("set-watches-without-read", "bob setWatches *", "event *; Ok", "Ok"),)),
    # ---- multi ----
    Difference(
        MULTI, "Results of create2, createContainer and createTTL in a multi", "by the flag: type 1 with the path alone, unless it is 4, 5 or 6",
        "type 15, with path and Stat", AS_3_9,
        (("multi-create2", "alice multi *", "Ok | 1 header=Ok /* | end -1 -1", "Ok | 15 header=Ok /*{c=*} | end -1 -1"),)),
    Difference(
        MULTI, "Unknown flags in a multi", "BadArguments for that operation", "MarshallingError for all of it", AS_3_9,
        (("multi-with-strange-flags", "alice multi *", "Ok | -1 *BadArguments *", "MarshallingError"),)),
    Difference(
        MULTI, "createTTL with a flag that is not for TTL nodes in a multi", "makes the node that the flag says", "BadArguments for that operation",
        "As outside a multi.",
        (("multi-with-strange-flags", "alice multi [createTTL *", "Ok | 1*", "Ok | -1 header=BadArguments *"),
         ("multi-with-strange-flags", "alice getChildren *", "Ok ['t0', 't1', 't4']", "Ok []"))),
    Difference(
        MULTI, "The reply to a multiRead of writes alone", "MarshallingError, with an end header behind it", "MarshallingError",
        "No client reads on.",
        (("multi-read", "alice multiRead [*", "MarshallingError then 9 bytes: ffffffff01ffffffff", "MarshallingError"),)),
    # ---- quotas ----
    Difference(
        QUOTAS, "Hard limits without `enforceQuota`", "only warn", "are enforced; `enforceQuota=false` turns that off",
        "Who sets a hard limit means it.",
        (("alone-quota", "alice create */a '1234'", "Ok *", "QuotaExceeded"), ("alone-quota", "alice setData */a *", "Ok *", "NoNode"),
         ("alone-quota", "alice getData *", "Ok 'count=2,bytes=5' *", "Ok 'count=1,bytes=0' *"),
         ("alone-quota", "order of the zxids", "*", "(no such step)"))),
    Difference(
        QUOTAS, "Usage within a multi", "as before the multi", "as the earlier operations left it",
        "A multi may not overshoot, and may make room for itself.",
        (("quotas-within-a-multi", "alice multi [delete *", "Ok | -1 header=Ok Ok | -1 header=QuotaExceeded *", "Ok | 2 header=Ok  | 1 header=Ok *"),
         ("quotas-within-a-multi", "alice delete */a v=-1", "Ok", "NoNode"), ("quotas-within-a-multi", "alice delete */b v=-1", "NoNode", "Ok"),
         ("quotas-within-a-multi", "alice multi [create */d, *", "Ok | 1 header=Ok *", "Ok | -1 header=Ok Ok | -1 header=QuotaExceeded *"))),
    Difference(
        QUOTAS, "Usage of a quota above another one", "without what is below the other", "with it",
        "Usage is read off the tree. zkCli refuses to nest quotas.",
        (("quota-on-the-deepest-prefix", "alice getData *", "Ok 'count=2,bytes=0' *", "Ok 'count=3,bytes=0' *"),
         ("quota-on-the-deepest-prefix", "alice create */b", "Ok *", "QuotaExceeded"))),
    Difference(
        QUOTAS, "Limits that cannot be read", "MarshallingError for every create below, and mntr is broken", "no limits",
        "A typing error must not stop writers.",
        tuple(("quota-texts", f"alice create */{node}/*", "MarshallingError", "Ok *") for node in ("n6", "n7", "n8"))
        + (("quota-texts", "alice getData *", "Ok 'count=1,*", "Ok 'count=3,*"),)),
    Difference(
        QUOTAS, "The usage that zookeeper_stats shows once the limits are deleted", "stays as it was", "goes on being counted",
        "It is read off the tree.",
        (("count-quota", "alice getData *", "Ok 'count=3,bytes=105' *", "Ok 'count=5,bytes=105' *"),)),
    # ---- config ----
    Difference(
        SPECIAL, "The version of the first configuration, and the mzxid of /zookeeper/config", "0", "the zxid at which the ensemble formed",
        "The configuration is part of the log from the start.",
        (("*", "*/zookeeper/config*", "Ok *{c=0 m=0 p=0 v=-1 *", "Ok *{c=0 m=z* p=0 v=-1 *"),
         ("zookeeper-subtree", "order of the zxids", "(no such step)", "*"))),
    Difference(
        SPECIAL, "Stat.version of /zookeeper/config on a server alone", "0", "-1", "As in an ensemble.",
        (("alone-config-node", "alice get* /zookeeper/config", "Ok *{c=0 m=0 p=0 v=0 *", "Ok *{c=0 m=0 p=0 v=-1 *"),)),
    Difference(
        SPECIAL, "reconfig with `reconfigEnabled=true`", "as configured; Unimplemented on a server alone", "ReconfigDisabled",
        "Not offered in this version.",
        (("alone-reconfig", "alice reconfig *", "Unimplemented", "ReconfigDisabled"),)),
    # ---- guarantees ----
    Difference(
        GUARANTEES, "A write whose server or leader fails while it is on its way", "ConnectionLoss; the caller has to find out whether it was done",
        "held through the change of leader and done once; the connection stays", "The server numbers the writes of a connection (rule S2)."),
    Difference(
        GUARANTEES, "sync", "the leader answers without asking a quorum whether it still leads; at the leader itself it may overtake what is about "
        "to be applied", "a read barrier that a quorum confirmed", "What sync is for (rule L9)."),
    Difference(
        GUARANTEES, "Pings", "answered by the server alone",
        "answered when the leader has confirmed the session with a quorum; else the connection is closed at two thirds of the timeout",
        "A client is not told that its session lives when nobody can know (rule S6)."),
    Difference(
        GUARANTEES, "A write behind another client's setACL that was already answered", "may still pass under the old list",
        "is judged by the new list", "Checks are made when the write is applied."),
    Difference(
        GUARANTEES, "Replies to auth and to unknown opcodes", "may overtake those to earlier requests", "in the order of the requests",
        "All clients are happy with that."),
    Difference(
        GUARANTEES, "A connect with a zxid that the server has not reached", "closed at once", "closed unless the server reaches it within a second",
        "The client need not go from server to server."),
    Difference(
        GUARANTEES, "What a server alone shows in read-only mode after a restart", "all that it has logged", "all that it knows to be committed",
        "What was never committed may be undone by the others."),
    Difference(
        GUARANTEES, "superDigest, skipACL, enforceQuota and extendedTypesEnabled", "of each server, from its own file",
        "of the ensemble: those of the leader's file, a moment after it began to lead", "Replicas must decide alike (rule L4)."),
    Difference(
        GUARANTEES, "zxid", "epoch and counter, 32 bits each; an election when the counter is full", "one counter of 64 bits",
        "Clients only compare it. Tools that show its upper half as an epoch show 0."),
    Difference(
        GUARANTEES, "The counter of sequential names after 2147483647", "sticks; creates fail with NodeExists", "goes on, with 10 or more digits",
        "64 bits; the last 10 characters are still digits."),
    Difference(
        GUARANTEES, "Order in which the ephemerals of one session go", "that of a hash table", "always the same", "Replicas must agree."),
] + OPERATORS
