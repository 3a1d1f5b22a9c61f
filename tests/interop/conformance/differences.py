"""Every difference between ZooKeeper 3.8.0 and Synod that is meant to be, with its reason.

`steps` say where the comparison sees it: (scenario, step, ZooKeeper's outcome, Synod's outcome), where * stands for anything. A difference
without steps is one that no scripted session can show. docs/zookeeper_differences.md is written from this table.
"""
from collections import namedtuple

Difference = namedtuple("Difference", "topic what zookeeper synod reason steps", defaults=((),))

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
READING = "Reading, paths and permissions"
WATCHES = "Watches"
MULTI = "Transactions"
QUOTAS = "Quotas"
WORDS = "Four-letter words"
GUARANTEES = "Guarantees that no scripted session shows"

TOPICS = (
    (CONNECTIONS, ""), (REQUESTS, ""), (CREATING, ""), (READING, ""), (WATCHES, ""), (MULTI, ""), (QUOTAS, ""),
    (WORDS, "Lines, keys and order are ZooKeeper's but for these."),
    (GUARANTEES, ""),
)

DIFFERENCES = [
    # ---- connections ----
    Difference(
        CONNECTIONS, "A try to resume a session with a wrong password", "closes the connection that has the session, then refuses",
        "refuses; the session's own connection stays", "Otherwise anyone who guesses a session id can cut its client off.",
        (("wrong-password-and-the-old-connection", "alice ping", "closed", "Ok"),
         ("wrong-password-and-the-old-connection", "alice waits for the end", "closed", "open"))),
    Difference(
        CONNECTIONS, "The zxid in the header of an event", "-1", "that of the transaction that fired it", "As 3.9; Java 3.9 shows it to the caller.",
        (("event-headers", "*", "event * zxid=-1; Ok *", "event * zxid=z*; Ok *"),)),
    Difference(
        CONNECTIONS, "The zxid in the reply to an unknown opcode", "-1", "the last one applied, as in any reply",
        "Nobody looks at it; one rule is simpler.",
        (("unknown-opcode*", "* opcode *", "Unimplemented zxid=-1", "Unimplemented"),)),
    # ---- requests ----
    Difference(
        REQUESTS, "Opcode 13 (check) outside a multi", "is logged as a transaction that no server can read back: the ensemble falls",
        "Unimplemented, then the end of the connection", "3.9 answers so."),
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
        "taken: the first is answered with a second connect response, the "
        "second deletes containers without asking for permission", "Unimplemented, then the end of the connection", "They are internal to ZooKeeper.",
        (("internal-opcodes", "alice deleteContainer", "BadArguments", "Unimplemented"),
         ("internal-opcodes", "alice waits for the end", "open", "closed"),
         ("internal-opcodes", "bob createSession", "an answer of 37 bytes", "an answer of 16 bytes"),
         ("internal-opcodes", "bob waits for the end", "open", "closed"))),
    # ---- guarantees ----
    Difference(
        GUARANTEES, "A write whose server or leader fails while it is on its way", "ConnectionLoss; the caller has to find out whether it was done",
        "held through the change of leader and done once; the connection stays", "The server numbers the writes of a connection (rule S2)."),
    Difference(
        GUARANTEES, "sync", "the leader answers without asking a quorum whether it still leads; at the leader itself it may overtake what is about "
        "to be applied", "a read barrier that a quorum confirmed", "What sync is for (rule L9)."),
    Difference(
        GUARANTEES, "Pings", "answered by the server alone",
        "answered when the leader has confirmed the session with a quorum; else the connection is "
        "closed at two thirds of the timeout", "A client is not told that its session lives when nobody can know (rule S6)."),
    Difference(
        GUARANTEES, "A write behind another client's setACL that was already answered", "may still pass under the old list",
        "is judged by the new list", "Checks are made when the write is applied."),
    Difference(
        GUARANTEES, "Replies to auth and to unknown opcodes", "may overtake those to earlier requests", "in the order of the requests",
        "All clients are happy with that."),
    Difference(
        GUARANTEES, "zxid", "epoch and counter, 32 bits each; an election when the counter is full", "one counter of 64 bits",
        "Clients only compare it. Tools that show its upper half as an epoch show 0."),
    Difference(
        GUARANTEES, "The counter of sequential names after 2147483647", "sticks; creates fail with NodeExists", "goes on, with 10 or more digits",
        "64 bits; the last 10 characters are still digits."),
    Difference(
        GUARANTEES, "Order in which the ephemerals of one session go", "that of a hash table", "always the same", "Replicas must agree."),
    Difference(
        GUARANTEES, "Read-only mode", "works only with localSessionsEnabled=true", "needs readonlymode.enabled=true alone",
        "3.8.0 cannot open a session there."),
]
