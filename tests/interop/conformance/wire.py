"""ZooKeeper's wire format: writing and reading primitives, the records of the requests, the names of codes.

Nothing here knows of sockets. Numbers and layouts are those of the protocol sheet, sections 1 to 6 and 10.
"""
import struct

(NOTIFICATION, CREATE, DELETE, EXISTS, GET_DATA, SET_DATA, GET_ACL, SET_ACL, GET_CHILDREN, SYNC) = range(10)
PING, GET_CHILDREN2, CHECK, MULTI, CREATE2, RECONFIG, CHECK_WATCHES, REMOVE_WATCHES = range(11, 19)
CREATE_CONTAINER, DELETE_CONTAINER, CREATE_TTL, MULTI_READ = range(19, 23)
AUTH, SET_WATCHES, SASL, GET_EPHEMERALS, GET_ALL_CHILDREN_NUMBER, SET_WATCHES2, ADD_WATCH, WHO_AM_I = range(100, 108)
CREATE_SESSION, CLOSE_SESSION, ERROR = -10, -11, -1

OPCODES = {
    "create": CREATE, "delete": DELETE, "exists": EXISTS, "getData": GET_DATA, "setData": SET_DATA, "getACL": GET_ACL, "setACL": SET_ACL,
    "getChildren": GET_CHILDREN, "sync": SYNC, "getChildren2": GET_CHILDREN2, "multi": MULTI, "create2": CREATE2,
    "checkWatches": CHECK_WATCHES, "removeWatches": REMOVE_WATCHES, "createContainer": CREATE_CONTAINER, "createTTL": CREATE_TTL,
    "multiRead": MULTI_READ, "auth": AUTH, "setWatches": SET_WATCHES, "sasl": SASL, "getEphemerals": GET_EPHEMERALS,
    "getAllChildrenNumber": GET_ALL_CHILDREN_NUMBER, "setWatches2": SET_WATCHES2, "addWatch": ADD_WATCH, "whoAmI": WHO_AM_I,
}

EVENT_XID, PING_XID, AUTH_XID, SET_WATCHES_XID = -1, -2, -4, -8

ERRORS = {
    0: "Ok", -1: "SystemError", -2: "RuntimeInconsistency", -3: "DataInconsistency", -4: "ConnectionLoss", -5: "MarshallingError",
    -6: "Unimplemented", -7: "OperationTimeout", -8: "BadArguments", -12: "UnknownSession", -13: "NewConfigNoQuorum",
    -14: "ReconfigInProgress", -100: "ApiError", -101: "NoNode", -102: "NoAuth", -103: "BadVersion", -108: "NoChildrenForEphemerals",
    -110: "NodeExists", -111: "NotEmpty", -112: "SessionExpired", -113: "InvalidCallback", -114: "InvalidACL", -115: "AuthFailed",
    -118: "SessionMoved", -119: "NotReadOnly", -120: "EphemeralOnLocalSession", -121: "NoWatcher", -123: "ReconfigDisabled",
    -124: "SessionClosedRequireSaslAuth", -125: "QuotaExceeded", -127: "ThrottledOp",
}
EVENTS = {1: "NodeCreated", 2: "NodeDeleted", 3: "NodeDataChanged", 4: "NodeChildrenChanged"}

READ, WRITE, MAY_CREATE, MAY_DELETE, ADMIN, ALL = 1, 2, 4, 8, 16, 31
OPEN = ((ALL, "world", "anyone"),)
READ_ONLY = ((READ, "world", "anyone"),)

PERSISTENT, EPHEMERAL, SEQUENTIAL, EPHEMERAL_SEQUENTIAL, CONTAINER, TTL, TTL_SEQUENTIAL = range(7)


def error_name(code):
    return ERRORS.get(code, f"code {code}")


# ---- writing ----
def boolean(value):
    return b"\x01" if value else b"\x00"


def integer(value):
    return struct.pack(">i", value)


def long(value):
    return struct.pack(">q", value)


def buffer(value):
    """Bytes with their length; None is the null buffer."""
    return integer(-1) if value is None else integer(len(value)) + value


def string(value):
    """Text, or bytes taken as they are; None is the null string."""
    return buffer(value.encode() if isinstance(value, str) else value)


def vector(values, write=string):
    return integer(-1) if values is None else integer(len(values)) + b"".join(write(v) for v in values)


def acl_list(entries):
    return vector(entries, lambda e: integer(e[0]) + string(e[1]) + string(e[2]))


def frame(payload):
    return integer(len(payload)) + payload


def connect_request(zxid=0, timeout=8000, session=0, password=b"\0" * 16, read_only=False, version=0):
    """read_only None leaves the byte out, as old clients do (section 2.1)."""
    tail = b"" if read_only is None else boolean(read_only)
    return integer(version) + long(zxid) + integer(timeout) + long(session) + buffer(password) + tail


def create_body(path, data=b"", acl=OPEN, flags=0, ttl=None):
    return string(path) + buffer(data) + acl_list(acl) + integer(flags) + (b"" if ttl is None else long(ttl))


def multi_header(kind, done=False, error=-1):
    return integer(kind) + boolean(done) + integer(error)


def multi_body(operations, end=True):
    """operations: pairs of op number and its record."""
    return b"".join(multi_header(op) + body for op, body in operations) + (multi_header(-1, True) if end else b"")


# ---- reading ----
class Malformed(Exception):
    """A server's answer ended early, or something was left of it."""


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        if size < 0 or self.at + size > len(self.data):
            raise Malformed(f"wants {size} bytes of {len(self.data) - self.at}")
        self.at += size
        return self.data[self.at - size:self.at]

    def left(self):
        return len(self.data) - self.at

    def boolean(self):
        return self.take(1) != b"\x00"

    def integer(self):
        return struct.unpack(">i", self.take(4))[0]

    def long(self):
        return struct.unpack(">q", self.take(8))[0]

    def buffer(self):
        size = self.integer()
        return None if size == -1 else self.take(size)

    def string(self):
        data = self.buffer()
        return None if data is None else data.decode("utf-8", "backslashreplace")

    def vector(self, read):
        size = self.integer()
        return None if size == -1 else [read() for _ in range(size)]

    def acl_list(self):
        return self.vector(lambda: (self.integer(), self.string(), self.string()))


class Stat:
    """Section 6.1."""

    def __init__(self, reader):
        self.czxid, self.mzxid, self.ctime, self.mtime = reader.long(), reader.long(), reader.long(), reader.long()
        self.version, self.cversion, self.aversion = reader.integer(), reader.integer(), reader.integer()
        self.owner, self.length, self.children, self.pzxid = reader.long(), reader.integer(), reader.integer(), reader.long()
