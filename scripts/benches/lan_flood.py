"""Dials a LAN port wrongly, so many times a second, until it is told to stop.

Prints how many were sent and how many answers came, of which there should be none.
"""

import itertools
import random
import secrets
import socket
import sys
import threading
import time

from protocol import stun

SOURCES = 16
STEP_S = 0.01


def wrong_check(ufrag: str) -> bytes:
    """A sound check, but for its password."""
    return stun.build(
        stun.Method.BINDING,
        stun.Class.REQUEST,
        secrets.token_bytes(12),
        [stun.USERNAME.of(f"{ufrag}:{secrets.token_hex(4)}"), stun.PRIORITY.of(1)],
        key=secrets.token_bytes(32),
        fingerprint=True,
    )


def main() -> None:
    address, port, per_s, known = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(SOURCES)]
    for one in sockets:
        one.setblocking(False)
    kinds = itertools.cycle(
        (
            lambda: wrong_check(random.choice(known)),
            lambda: wrong_check(secrets.token_hex(6)),
            lambda: b"\0\x01" + secrets.token_bytes(60),
            lambda: b"\x16\xfe\xfd" + secrets.token_bytes(120),
        )
    )
    stop = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.readline(), stop.set()), daemon=True).start()
    sent = answers = 0
    begun = time.monotonic()
    while not stop.wait(STEP_S):
        while sent < (time.monotonic() - begun) * per_s:
            sockets[sent % SOURCES].sendto(next(kinds)(), (address, port))
            sent += 1
        for one in sockets:
            try:
                while one.recv(2048):
                    answers += 1
            except BlockingIOError:
                continue
    print(sent, answers)


if __name__ == "__main__":
    main()
