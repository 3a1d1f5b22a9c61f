#!/usr/bin/env python3
"""Writes the kept inputs of the fuzzers, corpus/TARGET/NAME: well-formed requests in the manner of the protocol sheet's section 26, and the
cases that its other sections tell apart. The fuzzers start from these; what they find stays in build/fuzz/corpus."""
import os
import struct


def number(value): return struct.pack(">i", value)
def long(value): return struct.pack(">q", value)
def flag(value): return bytes([1 if value else 0])
def text(value): return number(len(value.encode())) + value.encode()


NULL = number(-1)
OPEN = number(1) + number(31) + text("world") + text("anyone")
LIST = number(3) + number(31) + text("auth") + NULL + number(1) + text("digest") + text("bob:x") + number(31) + NULL + text("ip")


def strings(*values): return number(len(values)) + b"".join(text(v) for v in values)
def create(path, flags, data=text("x"), acl=OPEN): return text(path) + data + acl + number(flags)
def listed(*parts): return b"".join(number(op) + flag(False) + NULL + record for op, record in parts) + NULL + flag(True) + NULL
def frame(payload): return number(len(payload)) + payload
def request(xid, op, record=b""): return frame(number(xid) + number(op) + record)
def connect(session=0, password=b"\0" * 16, zxid=0, timeout=30000):
    return number(0) + long(zxid) + number(timeout) + long(session) + number(len(password)) + password


path, watched = text("/a"), text("/a") + flag(True)
lists = long(7) + strings("/a", "/b") + strings() + strings("/")
creates = {"plain": create("/a", 0), "sequential": create("/q/n-", 3), "container": create("/c", 4), "ttl": create("/t", 5),
           "nulls": NULL + NULL + NULL + number(0), "acl": create("/a", 1, NULL, LIST), "flag": create("/a", 7)}
RECORDS = {
    "create": (1, creates),
    "create2": (15, creates),
    "createContainer": (19, creates),
    "createTtl": (21, {name: record + long(100) for name, record in creates.items()}),
    "delete": (2, {"any": path + NULL, "version": path + number(3), "root": text("/") + NULL}),
    "exists": (3, {"watch": watched, "null": NULL + flag(False)}),
    "getData": (4, {"watch": watched, "null": NULL + flag(False)}),
    "setData": (5, {"value": path + text("value") + NULL, "null": path + NULL + number(0), "nulls": NULL + NULL + NULL}),
    "getAcl": (6, {"path": path, "null": NULL}),
    "setAcl": (7, {"open": path + OPEN + NULL, "list": path + LIST + number(0), "nulls": NULL + NULL + NULL}),
    "getChildren": (8, {"watch": watched, "null": NULL + flag(False)}),
    "getChildren2": (12, {"watch": watched, "null": NULL + flag(False)}),
    "sync": (9, {"path": path, "null": NULL}),
    "ping": (11, {"empty": b"", "more": b"more"}),
    "closeSession": (-11, {"empty": b"", "more": b"more"}),
    "whoAmI": (107, {"empty": b"", "more": b"more"}),
    "multi": (14, {
        "check_create": listed((13, path + number(5)), (1, create("/b", 0, text("")))),
        "every": listed((1, create("/a", 0)), (2, path + NULL), (5, path + text("v") + NULL), (13, path + NULL), (15, create("/b", 2)),
                        (19, create("/c", 4)), (21, create("/t", 5) + long(9))),
        "none": listed(), "read": listed((4, watched)), "nested": listed((14, listed()))}),
    "multiRead": (22, {"both": listed((4, watched), (8, watched)), "none": listed(), "write": listed((2, path + NULL))}),
    "reconfig": (16, {"join": text("server.4=h:1:2;3") + NULL + NULL + long(-1), "nulls": NULL * 3 + long(0)}),
    "checkWatches": (17, {str(kind): path + number(kind) for kind in range(1, 7)}),
    "removeWatches": (18, {str(kind): path + number(kind) for kind in range(1, 7)}),
    "addWatch": (106, {str(mode): path + number(mode) for mode in range(0, 3)}),
    "auth": (100, {"digest": number(0) + text("digest") + text("bob:secret"), "nulls": number(0) + NULL + NULL}),
    "sasl": (102, {"token": text("token"), "null": NULL}),
    "setWatches": (101, {"lists": lists, "nulls": long(7) + NULL * 3}),
    "setWatches2": (105, {"lists": lists + strings("/p") + strings("/r", "/"), "short": lists}),
    "getEphemerals": (103, {"path": path, "null": NULL, "empty": text("")}),
    "getAllChildrenNumber": (104, {"path": path, "root": text("/")}),
}
CONNECTS = {"new": connect() + flag(False), "old_client": connect(), "resume": connect(0x100, bytes(range(16)), 7) + flag(True),
            "short_password": connect(5, b"abc") + flag(False), "null_password": connect()[:-20] + NULL}


def conversations():
    """First byte: the size of the pieces; 0: at once."""
    hello = frame(connect() + flag(False))
    watch = request(1, 106, path + number(1)) + request(2, 3, watched)
    write = request(3, 1, create("/a", 0)) + request(4, 5, path + text("y") + NULL) + request(5, 4, watched) + request(6, 2, path + NULL)
    yield "watched", b"\0" + hello + watch + write + request(-2, 11) + request(7, -11)
    yield "byte_by_byte", b"\1" + hello + request(1, 14, RECORDS["multi"][1]["check_create"]) + request(2, 4, watched)
    yield "ephemerals", b"\7" + hello + request(1, 1, create("/e", 3)) + request(2, 103, NULL) + request(3, 12, text("/") + flag(True))
    yield "refused", b"\0" + frame(CONNECTS["resume"])
    yield "unknown", b"\0" + hello + request(1, 999) + request(2, 8, watched)
    yield "auth", b"\0" + hello + request(-4, 100, RECORDS["auth"][1]["digest"]) + request(1, 107) + request(2, 6, path)
    yield "rearmed", b"\0" + hello + request(-8, 105, RECORDS["setWatches2"][1]["lists"]) + request(1, 15, create("/a", 0))
    yield "failed_multi", b"\0" + hello + request(1, 14, RECORDS["multi"][1]["every"]) + request(2, 22, RECORDS["multiRead"][1]["both"])
    yield "word", b"\0srvr\n"
    yield "too_long", b"\0" + hello + number(0x7fffffff)
    yield "negative", b"\0" + hello + number(-1)
    yield "no_header", b"\0" + hello + frame(b"\0\0\0\1")
    for name, (op, records) in RECORDS.items():
        yield f"all_{name}", b"\0" + hello + b"".join(request(xid + 1, op, record) for xid, record in enumerate(records.values()))


def write(target, name, content):
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus", target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as file:
        file.write(content)


for target, (_, records) in RECORDS.items():
    for name, record in records.items():
        write(target, name, record)
for name, payload in CONNECTS.items():
    write("connect", name, payload)
for name, stream in conversations():
    write("connection", name, stream)
