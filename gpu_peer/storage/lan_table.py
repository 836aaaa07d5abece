"""What each device dials this PC with in its own network, on disk."""

import secrets
import sqlite3
import string
from dataclasses import dataclass

from gpu_peer.storage.database import transaction

UFRAG_CHARS = 12
PASSWORD_CHARS = 32
"""Of 62 characters each: 190 bits. RFC 8445, section 5.3, wants 24 and 128."""

_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True)
class LanCredential:
    """A device's ICE credentials (RFC 8445, section 5.3), good until it is removed."""

    device: str
    ufrag: str
    password: str


class LanTable:
    """The table. Every method is one transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def all(self) -> list[LanCredential]:
        """Give those of all devices."""
        rows = self._db.execute("SELECT device, ufrag, password FROM lan_credentials")
        return [LanCredential(*row) for row in rows]

    def of(self, device: str) -> LanCredential | None:
        """Give a device's, made when there are none; None of a device that was removed."""
        fresh = new_credential(device)
        with transaction(self._db):
            self._db.execute(
                "INSERT INTO lan_credentials (device, ufrag, password)"
                " SELECT id, ?, ? FROM devices WHERE id = ? AND NOT revoked"
                " ON CONFLICT (device) DO NOTHING",
                (fresh.ufrag, fresh.password, device),
            )
            row = self._db.execute(
                "SELECT device, ufrag, password FROM lan_credentials WHERE device = ?", (device,)
            ).fetchone()
        return None if row is None else LanCredential(*row)


def new_credential(device: str) -> LanCredential:
    """Make what nobody else has."""
    return LanCredential(device, _random(UFRAG_CHARS), _random(PASSWORD_CHARS))


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
