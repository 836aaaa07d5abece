"""The model folder: its files, and `hearth.json` that describes them and is written last."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gpu_peer.models.errors import FolderDamaged, SourceDamaged, system_errors
from gpu_peer.models.external_data import external_files
from gpu_peer.models.json_file import read_json

FORMAT = 1
MANIFEST_FILE = "hearth.json"
TOKENIZER_FILE = "tokenizer.json"
TEMPLATE_FILE = "chat_template.jinja"
GRAPH_FILE = "model.onnx"
MAX_MANIFEST_BYTES = 1 << 20

_REQUIRED_FILES = frozenset({GRAPH_FILE, TOKENIZER_FILE, TEMPLATE_FILE})
_LONGEST_NAME = 200  # characters; file systems take 255 bytes


@dataclass(frozen=True)
class Manifest:
    """The content of `hearth.json`, less its list of files and their digests.

    Attributes:
        name: What the model is called, such as `SmolLM2-135M-Instruct`.
        architecture: Family of the network, such as `llama`.
        source: `file` and `sha256` of what it was converted from.
        context_length: Positions.
        vocab_size: Width of the logits.
        layers: Number of key/value caches.
        kv_heads: Heads of each cache.
        head_dim: Width of a head.
        kv_dtype: Element type of the caches.
        bos_token: Text to put before a prompt; None where the model wants none.
        eos_token: Text that ends an answer.
        stop_token_ids: Tokens after which generation stops.
        quantization: What was done to the weights.
    """

    name: str
    architecture: str
    source: dict[str, str]
    context_length: int
    vocab_size: int
    layers: int
    kv_heads: int
    head_dim: int
    kv_dtype: str
    bos_token: str | None
    eos_token: str
    stop_token_ids: list[int]
    quantization: dict[str, str | int]


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write `hearth.json` over the files that are in `folder` now."""
    files = {
        path.name: {"size": path.stat().st_size, "sha256": sha256_of(path)}
        for path in sorted(folder.iterdir())
        if path.name != MANIFEST_FILE
    }
    content = {"format": FORMAT, **asdict(manifest), "files": files}
    text = json.dumps(content, ensure_ascii=False, indent=2) + "\n"
    (folder / MANIFEST_FILE).write_text(text, encoding="utf-8")


def is_model_folder(path: Path) -> bool:
    """Whether `path` is a folder that says it is a model's, sound or not."""
    return (path / MANIFEST_FILE).is_file()


def verify_folder(folder: Path) -> dict[str, Any]:
    """Check every file of `folder` by size and SHA-256 and return `hearth.json`.

    Raises:
        FolderDamaged: A file is missing, cut, changed, not described, or not inside the folder.
        StorageFailed: A file cannot be read.
    """
    content = read_manifest(folder)
    files = content["files"]
    if not isinstance(files, dict) or not files.keys() >= _REQUIRED_FILES:
        raise FolderDamaged(folder, f"{MANIFEST_FILE} does not name all files")
    for name, claim in files.items():
        if not isinstance(claim, dict) or not _is_plain(name):
            raise FolderDamaged(folder, f"{MANIFEST_FILE} wrongly describes {name!r}")
        path = folder / name
        if path.is_symlink():
            raise FolderDamaged(folder, f"{name} is a link to another file")
        if not path.is_file():
            raise FolderDamaged(folder, f"{name} is missing")
        if path.stat().st_size != claim.get("size"):
            raise FolderDamaged(folder, f"{name} has another size")
        if sha256_of(path) != claim.get("sha256"):
            raise FolderDamaged(folder, f"{name} has another content")
    foreign = external_files(folder / GRAPH_FILE) - files.keys()
    if foreign:
        raise FolderDamaged(folder, f"its graph reads a file beside its own, {min(foreign)!r}")
    return content


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return `hearth.json` of `folder` without checking the files it describes.

    Raises:
        FolderDamaged: It is missing, is not JSON, or is of another format.
    """
    path = folder / MANIFEST_FILE
    if not path.is_file():
        raise FolderDamaged(folder, f"{MANIFEST_FILE} is missing")
    try:
        content = read_json(path, MAX_MANIFEST_BYTES).content
    except SourceDamaged as error:
        raise FolderDamaged(folder, f"{MANIFEST_FILE} cannot be read") from error
    if content.get("format") != FORMAT or "files" not in content:
        raise FolderDamaged(folder, f"{MANIFEST_FILE} is of another format")
    return content


def _is_plain(name: str) -> bool:
    """Whether `name` is that of a file in the folder on every system."""
    return 0 < len(name) < _LONGEST_NAME and name.strip(".") != "" and not set("/\\:\0") & set(name)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with system_errors(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
