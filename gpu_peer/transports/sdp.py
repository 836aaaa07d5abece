"""Session descriptions (RFC 8866) as they are handed to aiortc and to the other end. Pure text."""

import re

from protocol.errors import Malformed

_CANDIDATE = re.compile(r"^(?:a=)?candidate:\S+ \d+ (\S+) \d+ (\S+) (\d+) ", re.IGNORECASE)
_FINGERPRINT = re.compile(r"^a=fingerprint:(\S+) +([0-9A-F:]+)$", re.IGNORECASE)
_SHA256 = re.compile(r"a=fingerprint:sha-256 ((?:[0-9a-f]{2}:){31}[0-9a-f]{2})")


def prepare_offer(sdp: str) -> str:
    """Give the offer as it is enforced here.

    - It describes one data channel transport and nothing else.
    - Exactly one sha-256 fingerprint is left: of several, ends may pick different ones.
    - Candidates with an mDNS name are left out: aioice would wait a second for each that it cannot
      resolve, while the browser's own checks reach this PC and show its address.
    - The end of candidates is not announced: without a candidate, that would be a failure.

    Raises:
        Malformed: no data channel, other media, or not one fingerprint.
    """
    lines = [line for line in sdp.splitlines() if line]
    media = [line for line in lines if line.startswith("m=")]
    if len(media) != 1 or not media[0].startswith("m=application "):
        raise Malformed("An offer describes one data channel and nothing else.")
    kept = [
        line
        for line in only_sha256(lines)
        if line != "a=end-of-candidates" and not (line.startswith("a=candidate:") and is_mdns(line))
    ]
    if len({match[2].upper() for line in kept if (match := _FINGERPRINT.match(line))}) != 1:
        raise Malformed("An offer has exactly one sha-256 fingerprint.")
    return "\r\n".join(kept) + "\r\n"


def prepare_answer(sdp: str) -> str:
    """Give aiortc's answer with its sha-256 fingerprint only."""
    return "\r\n".join(only_sha256([line for line in sdp.splitlines() if line])) + "\r\n"


def only_sha256(lines: list[str]) -> list[str]:
    """Leave out fingerprints of other kinds."""
    return [
        line
        for line in lines
        if not (match := _FINGERPRINT.match(line)) or match[1].lower() == "sha-256"
    ]


def fingerprint(sdp: str) -> bytes:
    """Give the one sha-256 fingerprint (RFC 8122, section 5) of a description that is enforced.

    Fingerprints of other kinds are refused, not passed over: of several kinds a browser enforces
    one of its choice. Of this end's own description take what `prepare_answer` leaves.

    Returns:
        SHA-256 of the certificate, 32 bytes.

    Raises:
        Malformed: none, another kind, several, or not of the form of one.
    """
    lines = {line.strip().lower() for line in re.split(r"[\r\n]+", sdp)}
    found = [line for line in lines if line.startswith("a=fingerprint")]
    match = _SHA256.fullmatch(found[0]) if len(found) == 1 else None
    if match is None:
        raise Malformed("A connection has exactly one sha-256 fingerprint a side.")
    return bytes.fromhex(match[1].replace(":", ""))


def is_mdns(candidate: str) -> bool:
    """Whether the candidate hides its address behind a `.local` name, or is not one at all."""
    match = _CANDIDATE.match(candidate)
    return match is None or match[2].lower().endswith(".local")
