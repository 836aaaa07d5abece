"""Plain sockets for a host of the tests: what comes through a network, and as whom.

`python sockets.py echo PORT …` answers UDP and takes TCP on these ports; says `ready` first.
`python sockets.py seen HOST:PORT …` says as whom one UDP socket is seen by each, or `nobody`.
`python sockets.py reach HOST:PORT` says `reached` or `refused` of a TCP connection.
`python sockets.py punch HOST:PORT` says as whom it is seen, is told of a peer, says what it heard.
"""

import contextlib
import json
import select
import socket
import sys
import time

WAIT_S = 1.0
PUNCH_S = 2.0
EVERY_S = 0.1


def address(text: str) -> tuple[str, int]:
    """Read HOST:PORT."""
    host, port = text.rsplit(":", 1)
    return host, int(port)


def udp_socket(family: socket.AddressFamily, port: int = 0) -> socket.socket:
    """Open a UDP socket on all addresses of one family."""
    one = socket.socket(family, socket.SOCK_DGRAM)
    if family == socket.AF_INET6:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    one.bind(("", port))
    return one


def family_of(host: str) -> socket.AddressFamily:
    """Tell an address's family."""
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def echo(*ports: str) -> None:
    """Tell whoever sends as whom they are seen, for ever."""
    datagrams, listeners = [], []
    for port in map(int, ports):
        for family in (socket.AF_INET, socket.AF_INET6):
            datagrams.append(udp_socket(family, port))
            listeners.append(socket.create_server(("", port), family=family))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        for ready in select.select([*datagrams, *listeners], [], [])[0]:
            if ready in datagrams:
                _, sender = ready.recvfrom(2048)
                ready.sendto(json.dumps(sender[:2]).encode(), sender)
            else:
                ready.accept()[0].close()


def asked(one: socket.socket, server: tuple[str, int]) -> str:
    """Ask a server as whom a socket is seen."""
    one.settimeout(WAIT_S)
    with contextlib.suppress(TimeoutError, OSError):
        one.sendto(b"who am I?", server)
        host, port = json.loads(one.recvfrom(2048)[0])
        return f"{host}:{port}"
    return "nobody"


def seen(*servers: str) -> None:
    """Say as whom one socket is seen by each server."""
    with udp_socket(family_of(address(servers[0])[0])) as one:
        for server in servers:
            sys.stdout.write(f"{asked(one, address(server))}\n")


def reach(server: str) -> None:
    """Say whether a TCP connection opens."""
    try:
        socket.create_connection(address(server), timeout=WAIT_S).close()
        sys.stdout.write("reached\n")
    except OSError:
        sys.stdout.write("refused\n")


def punch(server: str) -> None:
    """Meet a peer with the addresses that a server has seen, both sending at the same time."""
    with udp_socket(family_of(address(server)[0])) as one:
        sys.stdout.write(f"{asked(one, address(server))}\n")
        sys.stdout.flush()
        peer = address(sys.stdin.readline().strip())
        end = time.monotonic() + PUNCH_S
        heard = False
        # To the end of the time also where the peer was heard: it may still have to hear us.
        while (left := end - time.monotonic()) > 0:
            one.sendto(b"here", peer)
            if select.select([one], [], [], min(EVERY_S, left))[0]:
                with contextlib.suppress(OSError):
                    heard = one.recvfrom(2048)[0] == b"here" or heard
                time.sleep(EVERY_S)
        sys.stdout.write("heard\n" if heard else "nothing\n")


if __name__ == "__main__":
    {"echo": echo, "seen": seen, "reach": reach, "punch": punch}[sys.argv[1]](*sys.argv[2:])
