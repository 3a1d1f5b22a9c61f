"""The little of ZooKeeper's protocol that hostile clients need, and a client that must not suffer from them."""
import os
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "conformance"))
import wire  # noqa: E402  pylint: disable=wrong-import-position

SET_DATA, GET_DATA, CREATE, PING = wire.SET_DATA, wire.GET_DATA, wire.CREATE, wire.PING


def connect_frame(timeout_ms=6000, session=0, password=b"\0" * 16):
    return wire.frame(wire.connect_request(timeout=timeout_ms, session=session, password=password, read_only=False))


def request_frame(xid, op, body=b""):
    return wire.frame(wire.integer(xid) + wire.integer(op) + body)


class Raw:
    """A socket that speaks frames and never hides what happened to it."""

    def __init__(self, port, seconds=10.0, source=None):
        self.socket = socket.create_connection(("127.0.0.1", port), seconds, source_address=(source, 0) if source else None)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.unread = b""

    def send(self, data):
        """False: the other side closed."""
        try:
            self.socket.sendall(data)
            return True
        except OSError:
            return False

    def frame(self, seconds=10.0):
        """The next frame's payload; None: closed. Raises TimeoutError."""
        until = time.monotonic() + seconds
        while True:
            if len(self.unread) >= 4:
                size = struct.unpack(">i", self.unread[:4])[0]
                if len(self.unread) >= 4 + size:
                    payload, self.unread = self.unread[4:4 + size], self.unread[4 + size:]
                    return payload
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self.socket.settimeout(left)
            try:
                piece = self.socket.recv(1 << 16)
            except TimeoutError:
                raise
            except OSError:
                return None
            if not piece:
                return None
            self.unread += piece

    def connect(self, timeout_ms=6000):
        self.send(connect_frame(timeout_ms))
        answer = self.frame()
        if answer is None or struct.unpack_from(">i", answer, 4)[0] <= 0:
            raise AssertionError(f"no session was granted: {answer!r}")
        return self

    def closed(self, seconds=10.0):
        """Whether the server closes within the time; frames that come before are skipped."""
        try:
            while self.frame(seconds) is not None:
                pass
            return True
        except TimeoutError:
            return False

    def close(self):
        self.socket.close()


class Victim:
    """An honest session that writes and reads all the time on a thread of its own; what it suffers is told by `sorrow`."""

    def __init__(self, port, name):
        self.raw = Raw(port).connect(timeout_ms=8000)
        self.path = f"/victim-{name}"
        self.sorrow, self.rounds, self.slowest = "", 0, 0.0
        self._stop = threading.Event()
        body = wire.string(self.path) + wire.buffer(b"0") + wire.acl_list(wire.OPEN) + wire.integer(0)
        self.xid = 0
        error = self._ask(CREATE, body)[0]
        if error not in (0, -110):
            raise AssertionError(f"create {self.path}: {error}")
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _ask(self, op, body):
        self.xid += 1
        if not self.raw.send(request_frame(self.xid, op, body)):
            raise AssertionError("its connection was closed")
        payload = self.raw.frame(8.0)
        if payload is None:
            raise AssertionError("its connection was closed")
        xid, _, error = struct.unpack_from(">iqi", payload)
        if xid != self.xid:
            raise AssertionError(f"the reply to {self.xid} has the xid {xid}")
        return error, payload[16:]

    def _run(self):
        try:
            while not self._stop.is_set():
                text = str(self.rounds).encode()
                started = time.monotonic()
                error, _ = self._ask(SET_DATA, wire.string(self.path) + wire.buffer(text) + wire.integer(-1))
                if error:
                    raise AssertionError(f"setData: {error}")
                error, rest = self._ask(GET_DATA, wire.string(self.path) + wire.boolean(False))
                if error or wire.Reader(rest).buffer() != text:
                    raise AssertionError(f"getData after setData {text!r}: {error} {rest!r}")
                self.slowest = max(self.slowest, time.monotonic() - started)
                self.rounds += 1
                self._stop.wait(0.005)
        except (AssertionError, TimeoutError, OSError) as e:
            self.sorrow = f"{type(e).__name__}: {e} after {self.rounds} rounds"

    def end(self):
        """Stops it; raises if it suffered."""
        self._stop.set()
        self._thread.join(20)
        self.raw.close()
        if self.sorrow:
            raise AssertionError(f"the session of {self.path} was not served on: {self.sorrow}")
        if self.rounds == 0:
            raise AssertionError(f"the session of {self.path} was never served")
