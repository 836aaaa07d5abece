"""The secret that signaling makes credentials with, and what to do where it cannot be had."""

from pathlib import Path

from turn.errors import SecretUnusable
from vds import relay_secret


def load(path: Path) -> bytes:
    """Read the secret, or make it where there is none.

    Raises:
        SecretUnusable: the file cannot be made or read, or holds no secret.
    """
    try:
        return relay_secret.load(path)
    except OSError as error:
        raise SecretUnusable(
            f"The relay's secret cannot be made or read at {path} ({error.strerror}). "
            "Set HEARTH_TURN_SECRET_FILE to a file that this user may write."
        ) from None
    except relay_secret.Damaged:
        raise SecretUnusable(
            f"The relay's secret in {path} is damaged. Delete the file and start signaling and "
            "the relay again."
        ) from None
