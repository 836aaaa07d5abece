"""The folder in which TensorRT keeps the kernels that it compiled on this card.

They fit one card, driver and version of the provider. What was made for others is deleted, since a
provider that reads it may do worse than compile anew.
"""

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

MADE_FOR = "made-for.json"


@dataclass(frozen=True)
class MadeFor:
    """What compiled kernels depend on."""

    card: str
    capability: str
    driver: str
    provider: str


def fresh_cache(folder: Path, made_for: MadeFor) -> str | None:
    """Have an empty or a fitting cache in `folder`.

    Returns:
        A sentence where one was there that did not fit; else None.

    Raises:
        OSError: the folder cannot be written.
    """
    note = folder / MADE_FOR
    wanted = asdict(made_for)
    before = _read(note)
    if before == wanted:
        return None
    stale = folder.exists()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    note.write_text(json.dumps(wanted), encoding="utf-8")
    if not stale:
        return None
    changed = [name for name in wanted if before is None or before.get(name) != wanted[name]]
    return (
        f"The compiled kernels were made for another {' and '.join(changed)}. "
        "They are deleted and compiled again, so this start takes longer."
    )


def _read(note: Path) -> dict[str, str] | None:
    try:
        content = json.loads(note.read_bytes())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None
