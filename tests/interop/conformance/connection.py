"""A connection to one server that writes down what it asks and what it is told.

Every request waits for its answer, unless it is made inside `with connection.together():`; then all of them leave in one segment and
the answers are read after it. Events are shown in the step during which they came, before its reply, as they came on the wire.
"""
import contextlib
import socket
import time

import wire
from transcript import Zxid

ANSWER_SECONDS = 8


class Pending:
    def __init__(self, step, xid, read):
        self.step, self.xid, self.read, self.value = step, xid, read, None


class Connection:
    def __init__(self, run, name, address, source=None):
        self.run, self.name, self.address = run, name, address
        self.session, self.password, self.last_zxid, self.timeout = 0, b"", 0, 0
        self.open, self._xid, self._queue, self._unread = True, 0, None, b""
        self.socket = socket.socket()
        self.socket.settimeout(ANSWER_SECONDS)
        run.opened.append(self)
        try:
            if source:
                self.socket.bind((source, 0))
            self.socket.connect(address)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except ConnectionRefusedError:
            raise
        except OSError:
            self.open = False  # The server accepted and closed at once.

    # ---- bytes ----
    def send(self, data):
        try:
            self.socket.sendall(data)
        except OSError:
            pass  # The answer to come tells that it is closed.

    def read_frame(self, seconds=ANSWER_SECONDS):
        """A frame; None when the connection ended. Raises TimeoutError."""
        until = time.monotonic() + seconds
        while len(self._unread) < 4 or len(self._unread) < 4 + int.from_bytes(self._unread[:4], "big"):
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self.socket.settimeout(left)
            try:
                more = self.socket.recv(1 << 16)
            except TimeoutError:
                raise
            except OSError:
                more = b""
            if not more:
                self.open = False
                return None
            self._unread += more
        size = int.from_bytes(self._unread[:4], "big")
        payload, self._unread = self._unread[4:4 + size], self._unread[4 + size:]
        return payload

    def drop(self):
        """Ends the TCP connection without a word."""
        self.open = False
        self.socket.close()

    # ---- connecting ----
    def connect(self, text="connect", body=None, behind=b"", **fields):
        """Sends a connect request (or `body` in its place) and writes down the response. `behind` goes in the same segment."""
        step = self.run.trace.step(f"{self.name} {text}")
        if not self.open:
            step.add("closed")
            return self
        self.send(wire.frame(wire.connect_request(**fields) if body is None else body) + behind)
        self.read_connect_response(step)
        return self

    def read_connect_response(self, step):
        try:
            payload = self.read_frame()
        except TimeoutError:
            step.add("silence")
            return
        if payload is None:
            step.add("closed")
            return
        reader = wire.Reader(payload)
        try:
            version, timeout, session, password = reader.integer(), reader.integer(), reader.long(), reader.buffer()
        except wire.Malformed as e:
            step.add(f"a response that cannot be read: {e}")
            return
        tail = {0: "no readOnly", 1: "readOnly=0"}.get(reader.left(), f"{reader.left()} bytes more")
        if reader.left() == 1 and reader.boolean():
            tail = "readOnly=1"
        known = self.run.trace.sessions.get(session)
        if timeout <= 0 or session == 0:
            step.add(f"refused version={version} timeout={timeout} session={session}"
                     f" password={'16 zeros' if password == bytes(16) else 'odd'} {tail}")
            return
        if known is None:
            self.run.trace.sessions[session] = known = self.name
            self.run.passwords[session] = password
            known = "new"
        same = "of that session" if self.run.passwords[session] == password else "another"
        size = f"{len(password)} bytes" + (" all zero" if not any(password) else "")
        step.add(f"connected version={version} timeout={timeout} session={known} password={size}, {same} {tail}")
        self.session, self.password, self.timeout = session, password, timeout

    # ---- requests ----
    @contextlib.contextmanager
    def together(self):
        self._queue = []
        try:
            yield self
        finally:
            queue, self._queue = self._queue, None
            self.send(b"".join(data for data, _ in queue))
            for _, pending in queue:
                self.await_reply(pending)

    def request(self, op, body, text, read=None, xid=None, answer_xid=None):
        """Sends one request; returns what `read` made of the reply's record, None if there was none."""
        if xid is None:
            self._xid += 1
            xid = self._xid
        pending = Pending(self.run.trace.step(f"{self.name} {text}"), xid if answer_xid is None else answer_xid, read)
        data = wire.frame(wire.integer(xid) + wire.integer(op) + body)
        if self._queue is not None:
            self._queue.append((data, pending))
            return None
        if self.open:
            self.send(data)
        self.await_reply(pending)
        return pending.value

    def await_reply(self, pending):
        step = pending.step
        while self.open:
            try:
                payload = self.read_frame()
            except TimeoutError:
                step.add("silence")
                return
            if payload is None:
                break
            reader = wire.Reader(payload)
            xid, zxid, error = reader.integer(), reader.long(), reader.integer()
            if xid == wire.EVENT_XID and pending.xid != wire.EVENT_XID:
                self._show_event(step, reader, zxid, error)
                continue
            self._show_reply(pending, reader, xid, zxid, error)
            return
        step.add("closed")

    def _show_event(self, step, reader, zxid, error):
        kind, state, path = reader.integer(), reader.integer(), reader.string()
        parts = [f"event {wire.EVENTS.get(kind, kind)} {path}"]
        if state != 3 or error != 0 or reader.left():
            parts.append(f" state={state} err={error} left={reader.left()}")
        if self.run.show_event_zxids:
            parts += [" zxid=", Zxid(zxid)]
        step.add(*parts)

    def _show_reply(self, pending, reader, xid, zxid, error):
        step, parts, self.run.body_zxid = pending.step, [], 0
        if xid != pending.xid:
            parts.append(f"XID {xid} FOR {pending.xid}: ")
        parts.append(wire.error_name(error))
        try:
            if error == 0 and pending.read:
                pending.value, shown = pending.read(reader)
                parts += [" ", *shown]
        except wire.Malformed as e:
            parts.append(f" MALFORMED ({e})")
        if reader.left():
            parts.append(f" then {reader.left()} bytes: {reader.take(reader.left())[:64].hex()}")
        # Sections 3 and 15: never behind what the reply shows, never back. Auth and SASL replies carry 0.
        if zxid == 0:
            parts.append(" zxid=0")
        elif zxid < 0:
            parts.append(f" zxid={zxid}")
        elif zxid < self.last_zxid:
            parts.append(" ZXID-WENT-BACK")
        elif zxid < self.run.body_zxid:
            parts.append(" ZXID-BEHIND-ITS-BODY")
        self.last_zxid = max(self.last_zxid, zxid)
        step.add(*parts)

    # ---- the end of a connection ----
    def expect_end(self, seconds=ANSWER_SECONDS, text="waits for the end"):
        """Whether the server closes within that time; what still comes is written down."""
        step = self.run.trace.step(f"{self.name} {text}")
        until = time.monotonic() + seconds
        while self.open:
            try:
                payload = self.read_frame(max(until - time.monotonic(), 0.01))
            except TimeoutError:
                step.add("open")
                return
            if payload is None:
                break
            reader = wire.Reader(payload)
            xid, zxid, error = reader.integer(), reader.long(), reader.integer()
            if xid == wire.EVENT_XID:
                self._show_event(step, reader, zxid, error)
            else:
                step.add(f"xid {xid} {wire.error_name(error)}")
        step.add("closed")
