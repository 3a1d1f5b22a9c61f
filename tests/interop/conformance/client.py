"""One method per request type, each with a text that tells what was asked and a reader for the reply's record."""
import wire
from connection import Connection


def show_path(path):
    return "null" if path is None else repr(path)[2:-1] if isinstance(path, bytes) else path.encode("unicode_escape").decode() or "''"


def show_data(data):
    return "null" if data is None else repr(data)[1:] if len(data) <= 40 else f"{len(data)} bytes"


def show_acl(entries):
    if entries is None:
        return "null"
    return "[" + ", ".join(f"{perms} {scheme}:{identity}" for perms, scheme, identity in entries) + "]"


def create_text(name, path, data, acl, flags, ttl=None):
    text = f"{name} {show_path(path)}"
    text += "" if data == b"" else f" {show_data(data)}"
    text += "" if acl is wire.OPEN else f" acl={show_acl(acl)}"
    text += "" if flags == (wire.CONTAINER if name == "createContainer" else 0) else f" flags={flags}"
    return text if ttl is None else f"{text} ttl={ttl}"


class Op:
    """An operation of a multi or multiRead."""

    def __init__(self, kind, body, text):
        self.kind, self.body, self.text = kind, body, text


def create_op(path, data=b"", acl=wire.OPEN, flags=0, op=wire.CREATE):
    names = {wire.CREATE: "create", wire.CREATE2: "create2", wire.CREATE_CONTAINER: "createContainer"}
    return Op(op, wire.create_body(path, data, acl, flags), create_text(names[op], path, data, acl, flags))


def create_ttl_op(path, ttl, flags=wire.TTL):
    return Op(wire.CREATE_TTL, wire.create_body(path, flags=flags, ttl=ttl), create_text("createTTL", path, b"", wire.OPEN, flags, ttl))


def delete_op(path, version=-1):
    return Op(wire.DELETE, wire.string(path) + wire.integer(version), f"delete {show_path(path)} v={version}")


def set_op(path, data=b"", version=-1):
    return Op(wire.SET_DATA, wire.string(path) + wire.buffer(data) + wire.integer(version),
              f"setData {show_path(path)} {show_data(data)} v={version}")


def check_op(path, version=-1):
    return Op(wire.CHECK, wire.string(path) + wire.integer(version), f"check {show_path(path)} v={version}")


def get_op(path, watch=False):
    return Op(wire.GET_DATA, wire.string(path) + wire.boolean(watch), f"getData {show_path(path)}" + (" watch" if watch else ""))


def children_op(path, watch=False):
    return Op(wire.GET_CHILDREN, wire.string(path) + wire.boolean(watch), f"getChildren {show_path(path)}" + (" watch" if watch else ""))


class Client(Connection):
    # ---- records of replies: each returns the value and the parts that show it ----
    def read_stat(self, reader):
        stat = wire.Stat(reader)
        self.run.body_zxid = max(stat.czxid, stat.mzxid, stat.pzxid)
        return stat, self.run.trace.stat(stat)

    def read_path(self, reader):
        path = reader.string()
        return path, (show_path(path),)

    def read_path_and_stat(self, reader):
        path = reader.string()
        stat, shown = self.read_stat(reader)
        return (path, stat), (f"{show_path(path)} ", *shown)

    def read_data_and_stat(self, reader):
        data = reader.buffer()
        stat, shown = self.read_stat(reader)
        return (data, stat), (f"{show_data(data)} ", *shown)

    def read_acl_and_stat(self, reader):
        acl = reader.acl_list()
        stat, shown = self.read_stat(reader)
        return (acl, stat), (f"{show_acl(acl)} ", *shown)

    def read_names(self, reader):
        names = reader.vector(reader.string)
        names = names if names is None else sorted(names)
        return names, (str(names),)

    def read_names_and_stat(self, reader):
        names, shown = self.read_names(reader)
        stat, more = self.read_stat(reader)
        return (names, stat), (*shown, " ", *more)

    @staticmethod
    def read_number(reader):
        number = reader.integer()
        return number, (str(number),)

    @staticmethod
    def read_identities(reader):
        identities = sorted(reader.vector(lambda: (reader.string(), reader.string())))
        return identities, (str(identities),)

    @staticmethod
    def read_token(reader):
        token = reader.buffer()
        return token, (show_data(token),)

    def read_results(self, reader):
        """Section 12.3 and 12.4."""
        values, parts = [], []
        readers = {wire.CREATE: self.read_path, wire.CREATE2: self.read_path_and_stat, wire.SET_DATA: self.read_stat, wire.ERROR: self.read_code,
                   wire.GET_DATA: self.read_data_and_stat, wire.GET_CHILDREN: self.read_names}
        while True:
            kind, done, error = reader.integer(), reader.boolean(), reader.integer()
            if done:
                parts.append(f"| end {kind} {error}")
                return values, parts
            value, shown = readers[kind](reader) if kind in readers else (None, ())
            values.append(value)
            parts += [f"| {kind} header={wire.error_name(error)} ", *shown, " "]

    @staticmethod
    def read_code(reader):
        code = reader.integer()
        return code, (wire.error_name(code),)

    # ---- requests ----
    def create(self, path, data=b"", acl=wire.OPEN, flags=0):
        return self.request(wire.CREATE, wire.create_body(path, data, acl, flags), create_text("create", path, data, acl, flags), self.read_path)

    def create2(self, path, data=b"", acl=wire.OPEN, flags=0):
        return self.request(wire.CREATE2, wire.create_body(path, data, acl, flags), create_text("create2", path, data, acl, flags),
                            self.read_path_and_stat)

    def create_container(self, path, data=b"", acl=wire.OPEN, flags=wire.CONTAINER):
        return self.request(wire.CREATE_CONTAINER, wire.create_body(path, data, acl, flags),
                            create_text("createContainer", path, data, acl, flags), self.read_path_and_stat)

    def create_ttl(self, path, ttl, flags=wire.TTL, acl=wire.OPEN):
        return self.request(wire.CREATE_TTL, wire.create_body(path, b"", acl, flags, ttl),
                            create_text("createTTL", path, b"", acl, flags, ttl), self.read_path_and_stat)

    def delete(self, path, version=-1):
        return self.request(wire.DELETE, wire.string(path) + wire.integer(version), f"delete {show_path(path)} v={version}")

    def _read(self, op, name, path, watch, read):
        return self.request(op, wire.string(path) + wire.boolean(watch), f"{name} {show_path(path)}" + (" watch" if watch else ""), read)

    def exists(self, path, watch=False):
        return self._read(wire.EXISTS, "exists", path, watch, self.read_stat)

    def get(self, path, watch=False):
        return self._read(wire.GET_DATA, "getData", path, watch, self.read_data_and_stat)

    def children(self, path, watch=False):
        return self._read(wire.GET_CHILDREN, "getChildren", path, watch, self.read_names)

    def children2(self, path, watch=False):
        return self._read(wire.GET_CHILDREN2, "getChildren2", path, watch, self.read_names_and_stat)

    def set(self, path, data=b"", version=-1):
        return self.request(wire.SET_DATA, wire.string(path) + wire.buffer(data) + wire.integer(version),
                            f"setData {show_path(path)} {show_data(data)} v={version}", self.read_stat)

    def get_acl(self, path):
        return self.request(wire.GET_ACL, wire.string(path), f"getACL {show_path(path)}", self.read_acl_and_stat)

    def set_acl(self, path, acl, version=-1):
        return self.request(wire.SET_ACL, wire.string(path) + wire.acl_list(acl) + wire.integer(version),
                            f"setACL {show_path(path)} {show_acl(acl)} v={version}", self.read_stat)

    def sync(self, path="/"):
        return self.request(wire.SYNC, wire.string(path), f"sync {show_path(path)}", self.read_path)

    def ping(self, xid=wire.PING_XID):
        return self.request(wire.PING, b"", "ping" if xid == wire.PING_XID else f"ping xid={xid}", xid=xid, answer_xid=wire.PING_XID)

    def auth(self, scheme, data, xid=wire.AUTH_XID, kind=0):
        text = f"auth {scheme} {show_data(data)}" + ("" if xid == wire.AUTH_XID else f" xid={xid}")
        return self.request(wire.AUTH, wire.integer(kind) + wire.string(scheme) + wire.buffer(data), text, xid=xid)

    def multi(self, *operations, op=wire.MULTI):
        name = "multi" if op == wire.MULTI else "multiRead"
        return self.request(op, wire.multi_body([(o.kind, o.body) for o in operations]),
                            f"{name} [{', '.join(o.text for o in operations)}]", self.read_results)

    def multi_read(self, *operations):
        return self.multi(*operations, op=wire.MULTI_READ)

    def set_watches(self, zxid, zxid_text, data=(), exist=(), child=(), xid=wire.SET_WATCHES_XID):
        text = f"setWatches since {zxid_text} data={list(data)} exist={list(exist)} child={list(child)}"
        return self.request(wire.SET_WATCHES, wire.long(zxid) + wire.vector(data) + wire.vector(exist) + wire.vector(child), text, xid=xid)

    def set_watches2(self, zxid, zxid_text, data=(), exist=(), child=(), persistent=(), recursive=()):
        text = (f"setWatches2 since {zxid_text} data={list(data)} exist={list(exist)} child={list(child)} persistent={list(persistent)}"
                f" recursive={list(recursive)}")
        lists = b"".join(wire.vector(paths) for paths in (data, exist, child, persistent, recursive))
        return self.request(wire.SET_WATCHES2, wire.long(zxid) + lists, text, xid=wire.SET_WATCHES_XID)

    def add_watch(self, path, mode):
        return self.request(wire.ADD_WATCH, wire.string(path) + wire.integer(mode), f"addWatch {show_path(path)} mode={mode}", self.read_number)

    def check_watches(self, path, kind):
        return self.request(wire.CHECK_WATCHES, wire.string(path) + wire.integer(kind), f"checkWatches {show_path(path)} type={kind}")

    def remove_watches(self, path, kind):
        return self.request(wire.REMOVE_WATCHES, wire.string(path) + wire.integer(kind), f"removeWatches {show_path(path)} type={kind}")

    def ephemerals(self, prefix):
        return self.request(wire.GET_EPHEMERALS, wire.string(prefix), f"getEphemerals {show_path(prefix)}", self.read_names)

    def count(self, path):
        return self.request(wire.GET_ALL_CHILDREN_NUMBER, wire.string(path), f"getAllChildrenNumber {show_path(path)}", self.read_number)

    def who_am_i(self):
        return self.request(wire.WHO_AM_I, b"", "whoAmI", self.read_identities)

    def sasl(self, token):
        return self.request(wire.SASL, wire.buffer(token), f"sasl {show_data(token)}", self.read_token)

    def reconfig(self, joining=None, leaving=None, members=None, version=-1):
        body = wire.string(joining) + wire.string(leaving) + wire.string(members) + wire.long(version)
        return self.request(wire.RECONFIG, body, f"reconfig joining={joining} leaving={leaving} members={members}", self.read_data_and_stat)

    def close(self):
        self.request(wire.CLOSE_SESSION, b"", "closeSession")
        self.expect_end()

    def raw(self, op, body, text, read=None, xid=None, answer_xid=None):
        """A request whose bytes the scenario made."""
        return self.request(op, body, text, read, xid, answer_xid)
