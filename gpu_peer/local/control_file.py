"""The file by which programs of the same user find the running home and may speak with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec

from gpu_peer.errors import HomeNotRunning, KeyUnreadable
from gpu_peer.key_file import written_whole

NOT_RUNNING = (
    "No home runs here, or it is still starting. Start it with ./scripts/run, and try again once "
    "it says that it is ready."
)


class ControlFile(msgspec.Struct, frozen=True, kw_only=True):
    """What the file says.

    Attributes:
        port: Of 127.0.0.1.
        token: Whoever knows it may do what the owner may.
        origin: The app's address, which a link to it begins with.
    """

    port: Annotated[int, msgspec.Meta(ge=1, le=65535)]
    token: str
    origin: str


@contextmanager
def announced(folder: Path, said: ControlFile) -> Iterator[None]:
    """Keep the file, which only this user may read, until the end.

    Raises:
        KeyUnreadable: the system refused; the sentence names the file and its reason.
    """
    path = _path(folder)
    try:
        with written_whole(path) as file:
            file.write(msgspec.json.encode(said))
    except OSError as error:
        raise KeyUnreadable(f"The file {path} cannot be written: {_why(error)}.") from None
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def read(folder: Path) -> ControlFile:
    """Read what the running home wrote.

    Raises:
        HomeNotRunning: there is no such file, or it is damaged.
        KeyUnreadable: the system refused, as where the home is another user's.
    """
    path = _path(folder)
    try:
        return msgspec.json.decode(path.read_bytes(), type=ControlFile)
    except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError, UnicodeDecodeError):
        raise HomeNotRunning(NOT_RUNNING) from None
    except OSError as error:
        raise KeyUnreadable(f"The file {path} cannot be read: {_why(error)}.") from None


def _path(folder: Path) -> Path:
    return folder / "control.json"


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__
