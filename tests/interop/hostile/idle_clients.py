"""Opens many sessions that then say nothing but pings, from a process of its own (a process may have so many files).

    idle_clients.py COUNT FIRST_SOURCE PORT...

Prints `open N` when N sessions were granted (or what went wrong), keeps them alive, and ends when its standard input does.
"""
import select
import socket
import struct
import sys
import time

import raw

PING = raw.request_frame(-2, raw.PING)
AT_ONCE = 200


def fail(text):
    print(text, flush=True)
    sys.exit(1)


def main():
    count, first, ports = int(sys.argv[1]), int(sys.argv[2]), [int(p) for p in sys.argv[3:]]
    poll, clients = select.epoll(), {}
    granted, opened, deadline = 0, 0, time.monotonic() + 60
    while granted < count:
        while opened < count and opened - granted < AT_ONCE:
            s = socket.socket()
            s.bind((f"127.0.{first}.{1 + opened // 5000}", 0))
            s.connect(("127.0.0.1", ports[opened % len(ports)]))
            s.sendall(raw.connect_frame(timeout_ms=40000))
            s.setblocking(False)
            poll.register(s, select.EPOLLIN)
            clients[s.fileno()] = s
            opened += 1
        for fd, _ in poll.poll(1.0):
            answer = clients[fd].recv(4096)
            if len(answer) < 41 or struct.unpack_from(">i", answer, 8)[0] <= 0:
                fail(f"after {granted} sessions one was not granted: {answer!r}")
            granted += 1
            poll.unregister(fd)
        if time.monotonic() > deadline:
            fail(f"only {granted} sessions were granted within a minute")
    print(f"open {granted}", flush=True)
    sys.stdin.readline()  # now all of them ping once, and must be answered
    for s in clients.values():
        s.setblocking(True)
        s.settimeout(30)
        s.sendall(PING)
    for s in clients.values():
        if len(s.recv(4096)) != 20:
            fail("a ping was not answered: the connection of an idle session was closed")
    print(f"alive {granted}", flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main()
