"""Mints a token for anybody, as whoever holds the VDS can: it has the key and the accounts.

`python -m tests.hostile.mint --data FOLDER --origin URL --name NAME` prints a `Session` that the
app takes for its own, in the newest session of that account.
"""

import argparse
import sqlite3
import sys
import time
from pathlib import Path

from protocol import codec
from protocol.accounts import Session, User
from signaling.keys import load_or_create
from signaling.tokens import ACCESS_SECONDS, Signer


def mint(folder: Path, origin: str, name: str) -> Session:
    """Give a session of somebody's account, without asking them."""
    signer = Signer(load_or_create(folder / "signing-key.pem"), origin)
    with sqlite3.connect(folder / "accounts.sqlite3") as db:
        user, session = db.execute(
            "SELECT users.id, sessions.id FROM users JOIN sessions ON user_id = users.id"
            " WHERE folded_name = ? ORDER BY expires_at DESC",
            (name,),
        ).fetchone()
    person = User(id=user, name=name)
    token = signer.mint(person, session, time.time())
    return Session(access_token=token, expires_in_s=ACCESS_SECONDS, user=person)


def main() -> None:
    """Print one."""
    parser = argparse.ArgumentParser()
    for option in ("--data", "--origin", "--name"):
        parser.add_argument(option, required=True)
    asked = parser.parse_args()
    folder = Path(asked.data) / "signaling"
    sys.stdout.write(codec.encode(mint(folder, asked.origin, asked.name)).decode())


if __name__ == "__main__":
    main()
