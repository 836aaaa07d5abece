"""What can be done to a session description on its way. Pure text."""

import re
from collections.abc import Callable

Edit = Callable[[str], str]

_LINE = re.compile(r"^a=fingerprint:(\S+) (\S+)\r?$", re.MULTILINE)
_CANDIDATE = re.compile(r"^a=(?:candidate:|end-of-candidates).*\r\n", re.MULTILINE)

LENGTHS = {"sha-1": 20, "sha-256": 32, "sha-384": 48, "sha-512": 64}


def some_fingerprint(kind: str) -> str:
    """Give a fingerprint that is well-formed, and nobody's."""
    return ":".join(f"{n * 7 % 256:02X}" for n in range(LENGTHS[kind]))


def swap_fingerprint(description: str) -> str:
    """Put a certificate of somebody else's in the place of each one."""
    changed = _LINE.sub(
        lambda m: f"a=fingerprint:{m[1]} {some_fingerprint(m[1].lower())}\r", description
    )
    assert changed != description
    return changed


def add_fingerprint(kind: str, *, lower: bool = False, first: bool = False) -> Edit:
    """Put another one beside it, before or after, in capitals or not."""
    line = f"a=fingerprint:{kind} {some_fingerprint(kind)}"
    added = line.lower() if lower else line.replace(kind, kind.upper())

    def edit(description: str) -> str:
        kept = _LINE.search(description)
        assert kept is not None
        pair = (added, kept[0].rstrip()) if first else (kept[0].rstrip(), added)
        return description[: kept.start()] + "\r\n".join(pair) + "\r" + description[kept.end() :]

    return edit


def only_candidate(host: str, port: int) -> Edit:
    """Leave one address only: this one."""
    line = f"a=candidate:1 1 udp 2130706431 {host} {port} typ host\r\n"
    return lambda description: _CANDIDATE.sub("", description) + line


def add_candidate(host: str, port: int) -> Edit:
    """Put this address before all others."""
    line = f"a=candidate:1 1 udp 2130706431 {host} {port} typ host\r\n"

    def edit(description: str) -> str:
        found = _CANDIDATE.search(description)
        at = found.start() if found else len(description)
        return description[:at] + line + description[at:]

    return edit


def without_candidates(description: str) -> str:
    """Leave no address."""
    return _CANDIDATE.sub("", description)


def candidates(description: str) -> list[tuple[str, int]]:
    """Give its addresses and ports."""
    lines = re.findall(r"^a=candidate:\S+ \d+ \S+ \d+ (\S+) (\d+) ", description, re.MULTILINE)
    return [(host, int(port)) for host, port in lines]
