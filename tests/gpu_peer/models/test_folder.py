"""hearth.json: what it says, and that every change of a file is noticed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gpu_peer.models.errors import FolderDamaged
from gpu_peer.models.export import export_model
from gpu_peer.models.folder import MANIFEST_FILE, sha256_of, verify_folder
from tests.gpu_peer.models.tiny import tokens, write_tiny


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "folder"
    made.mkdir()
    export_model(write_tiny(tmp_path / "Tiny-Chat.Q4_1.gguf"), made)
    return made


def test_hearth_json_says_what_the_folder_is(folder: Path) -> None:
    content = verify_folder(folder)
    files = content.pop("files")
    assert content == {
        "format": 1,
        "name": "Tiny-Chat",
        "architecture": "llama",
        "source": {
            "file": "Tiny-Chat.Q4_1.gguf",
            "sha256": sha256_of(folder.parent / "Tiny-Chat.Q4_1.gguf"),
        },
        "context_length": 128,
        "vocab_size": len(tokens()),
        "layers": 2,
        "kv_heads": 2,
        "head_dim": 16,
        "kv_dtype": "f32",
        "bos_token": None,
        "eos_token": "<|im_end|>",
        "stop_token_ids": [0, 2],
        "quantization": {
            "weights": "int8",
            "embedding": "int8",
            "block_size": 32,
            "accuracy_level": 4,
            "exporter": 2,
        },
    }
    on_disk = {path.name for path in folder.iterdir()} - {MANIFEST_FILE}
    assert set(files) == on_disk
    assert on_disk >= {"model.onnx", "model.onnx.data", "tokenizer.json", "chat_template.jinja"}


@pytest.mark.parametrize(
    "name", ["model.onnx", "model.onnx.data", "tokenizer.json", "chat_template.jinja"]
)
def test_every_damage_is_noticed(folder: Path, name: str) -> None:
    path = folder / name
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(FolderDamaged, match="another size"):
        verify_folder(folder)
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(FolderDamaged, match="another content"):
        verify_folder(folder)
    path.unlink()
    with pytest.raises(FolderDamaged, match="is missing"):
        verify_folder(folder)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "is missing"),
        (b"{", "cannot be read"),
        (b"\xff", "cannot be read"),
        (b"[]", "cannot be read"),
        (b'{"format": 2, "files": {}}', "another format"),
        (b'{"format": 1}', "another format"),
        (b'{"format": 1, "files": []}', "does not name"),
        (b'{"format": 1, "files": {}}', "does not name"),
    ],
)
def test_a_broken_hearth_json_is_named(folder: Path, content: bytes | None, why: str) -> None:
    path = folder / MANIFEST_FILE
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(FolderDamaged, match=why):
        verify_folder(folder)


def test_a_file_outside_the_folder_is_refused(folder: Path) -> None:
    content = json.loads((folder / MANIFEST_FILE).read_text())
    content["files"]["../outside"] = {"size": 0, "sha256": ""}
    (folder / MANIFEST_FILE).write_text(json.dumps(content))
    with pytest.raises(FolderDamaged, match="wrongly"):
        verify_folder(folder)


def test_the_same_source_gives_the_same_bytes(folder: Path) -> None:
    again = folder.with_name("again")
    again.mkdir()
    export_model(folder.parent / "Tiny-Chat.Q4_1.gguf", again)
    assert (again / MANIFEST_FILE).read_bytes() == (folder / MANIFEST_FILE).read_bytes()
