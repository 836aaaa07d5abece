"""The file of a backup: a ZIP of the home's files, with a manifest of their sizes and SHA-256.

The sums find what has rotted or was cut short. They keep nobody from making another backup: the
file has the home's key in it, and is worth as much as that.
"""

import hashlib
import shutil
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from gpu_peer.errors import BackupFailed
from gpu_peer.key_file import written_whole

FORMAT = 1
_MANIFEST = "hearth-backup.json"
_MANIFEST_BYTES = 65_536
_BLOCK = 1 << 20


class Entry(msgspec.Struct, frozen=True):
    """What a file in the archive has to be."""

    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What the archive says of itself.

    Attributes:
        format: Of the archive; this build writes and reads `FORMAT`.
        home: The id of the home.
        made_ms: Unix time in milliseconds.
        files: By name.
    """

    format: int
    home: str
    made_ms: int
    files: dict[str, Entry]


def pack(archive: Path, files: Mapping[str, Path], home: str, made_ms: int) -> None:
    """Write the archive, with mode 0600, whole or not at all. Replaces nothing.

    Raises:
        BackupFailed: the file is there already, or the system refused.
    """
    with _said(archive, "written"):
        if archive.exists():
            raise BackupFailed(f"There is a file {archive} already. Choose another name.")
        entries = {name: _entry(path) for name, path in files.items()}
        manifest = Manifest(format=FORMAT, home=home, made_ms=made_ms, files=entries)
        with (
            written_whole(archive, replace=False) as raw,
            zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as zipped,
        ):
            zipped.writestr(_MANIFEST, msgspec.json.encode(manifest))
            for name, path in files.items():
                with path.open("rb") as file, zipped.open(name, "w", force_zip64=True) as member:
                    shutil.copyfileobj(file, member, _BLOCK)


def unpack(archive: Path, folder: Path, names: frozenset[str]) -> Manifest:
    """Write exactly these files of the archive into the folder, each as its sum says.

    Raises:
        BackupFailed: it is not a whole backup, or of a newer Hearth, or the system refused.
    """
    with _said(archive, "read"), zipfile.ZipFile(archive) as zipped:
        with zipped.open(_MANIFEST) as file:
            manifest = msgspec.json.decode(file.read(_MANIFEST_BYTES), type=Manifest)
        if manifest.format != FORMAT:
            raise BackupFailed(f"{archive} was made by a newer Hearth. Update this one.")
        if manifest.files.keys() != names:
            raise _not_whole(archive)
        for name, entry in manifest.files.items():
            with zipped.open(name) as member, written_whole(folder / name) as target:
                left = entry.size
                while left and (block := member.read(min(left, _BLOCK))):
                    target.write(block)
                    left -= len(block)
            if left or _entry(folder / name) != entry:
                raise _not_whole(archive)
        return manifest


def _entry(path: Path) -> Entry:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Entry(path.stat().st_size, digest)


@contextmanager
def _said(archive: Path, done: str) -> Iterator[None]:
    """Turn what the system and the archive's libraries raise into a sentence."""
    try:
        yield
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise BackupFailed(f"The backup {archive} cannot be {done}: {why}.") from None
    except (
        zipfile.BadZipFile,
        zlib.error,
        msgspec.MsgspecError,
        EOFError,
        KeyError,
        NotImplementedError,  # a compression that nobody here wrote
        RuntimeError,  # encrypted
        ValueError,
    ):
        raise _not_whole(archive) from None


def _not_whole(archive: Path) -> BackupFailed:
    return BackupFailed(f"{archive} is not a whole backup of Hearth. Take another one.")
