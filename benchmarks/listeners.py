"""Many WebSocket listeners in a process of their own: cheap enough not to be what is measured.

Speaks over standard input and output with the benchmark that started it. Run by
benchmarks.crowd.Crowd, not by hand.
"""

import json
import os
import re
import select
import socket
import sys
import time
from base64 import b64encode

MARK = re.compile(rb'"sent_ns":(\d+)')
READ_BYTES = 262_144


class Listener:
    """One raw socket. `events` counts what came, `tail` holds a mark that was cut in two."""

    __slots__ = ("events", "sock", "tail")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.events = 0
        self.tail = b""


def connect(port: int, token: str, subscribe: str) -> Listener:
    """Open a WebSocket, subscribe, and wait until it is live; without a token, a bare socket."""
    sock = socket.create_connection(("127.0.0.1", port))
    if token:
        key = b64encode(os.urandom(16)).decode()
        sock.sendall(
            f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"Authorization: Bearer {token}\r\n\r\n".encode()
        )
        payload = subscribe.encode()
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
        sock.sendall(bytes([0x81, 0x80 | len(payload)]) + mask + masked)
        heard = b""
        while b'"type":"live"' not in heard:
            more = sock.recv(READ_BYTES)
            if not more:
                raise SystemExit(f"the server closed the connection: {heard[-300:]!r}")
            heard += more
    sock.setblocking(False)
    return Listener(sock)


def main() -> None:
    """Connect, say so, then count until every listener has had the events that are expected."""
    wanted = json.loads(sys.stdin.readline())
    listeners = {}
    poll = select.epoll()
    for _ in range(wanted["count"]):
        listener = connect(wanted["port"], wanted["token"], wanted["subscribe"])
        listeners[listener.sock.fileno()] = listener
        poll.register(listener.sock.fileno(), select.EPOLLIN)
    print("ready", flush=True)
    expected = wanted["events"]
    missing = len(listeners)
    latencies_ns: list[int] = []
    needle = wanted["needle"].encode()
    while missing:
        ready = poll.poll(60.0)
        if not ready:
            raise SystemExit(f"nothing came for a minute; {missing} listeners still wait")
        for fd, _ in ready:
            listener = listeners[fd]
            data = listener.sock.recv(READ_BYTES)
            if not data:
                raise SystemExit("the server closed a connection")
            if wanted["latency"]:
                now = time.monotonic_ns()
                latencies_ns += [now - int(sent) for sent in MARK.findall(data)]
            before = listener.events
            whole = listener.tail + data
            listener.events += whole.count(needle)
            # The needle may have been cut in two; counted twice it can not be, being longer.
            listener.tail = whole[-(len(needle) - 1) :]
            if before < expected <= listener.events:
                missing -= 1
    print(json.dumps({"latencies_ns": latencies_ns, "done_ns": time.monotonic_ns()}), flush=True)


if __name__ == "__main__":
    main()
