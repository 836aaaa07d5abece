"""Model folders that nobody vouches for: refused in a sentence, by the check or by the core."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto

from gpu_peer import _rust_trt as core
from gpu_peer.models.errors import FolderDamaged
from gpu_peer.models.export import export_model
from gpu_peer.models.folder import sha256_of, verify_folder
from gpu_peer.rust_engine import runtime_library
from tests.gpu_peer.models.tiny import write_tiny


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "folder"
    made.mkdir()
    export_model(write_tiny(tmp_path / "a.gguf"), made)
    return made


def load(folder: Path) -> None:
    core.Engine.load(folder, library=runtime_library(), context_length=64, max_active=1).close()


def sign(folder: Path) -> None:
    """Describe the files as they are now, as whoever made the folder would."""
    change(folder, "files", described(folder))


def described(folder: Path) -> dict[str, Any]:
    return {
        path.name: {"size": path.stat().st_size, "sha256": sha256_of(path)}
        for path in folder.iterdir()
        if path.name != "hearth.json"
    }


def change(folder: Path, key: str, value: object) -> None:
    path = folder / "hearth.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), key: value}), "utf-8")


def test_the_unchanged_folder_is_taken(folder: Path) -> None:
    verify_folder(folder)
    load(folder)


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


@pytest.mark.parametrize("damage", [cut, lambda content: b"", lambda content: b"\xff" * 5000])
@pytest.mark.parametrize("name", ["model.onnx", "model.onnx.data", "tokenizer.json"])
def test_a_damaged_file_that_is_described_as_it_is(
    folder: Path, name: str, damage: Callable[[bytes], bytes]
) -> None:
    path = folder / name
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(FolderDamaged, match=name):
        verify_folder(folder)
    sign(folder)
    with pytest.raises(core.EngineError) as caught:
        load(folder)
    assert caught.value.code in ("model_damaged", "model_unsupported")
    assert str(caught.value).isprintable()


def relocate(folder: Path, where: str) -> None:
    model = onnx.load(folder / "model.onnx", load_external_data=False)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = where
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    sign(folder)


@pytest.mark.parametrize("road", ["absolute", "upwards", "around"])
def test_weights_outside_of_the_folder_are_refused(folder: Path, road: str) -> None:
    outside = folder.parent / "outside.data"
    (folder / "model.onnx.data").rename(outside)
    where = {
        "absolute": str(outside),
        "upwards": "../outside.data",
        "around": f"../{folder.name}/../outside.data",
    }[road]
    relocate(folder, where)
    with pytest.raises(FolderDamaged, match=r"a file beside its own, '.*outside\.data'"):
        verify_folder(folder)
    with pytest.raises(core.EngineError) as caught:
        load(folder)
    assert caught.value.code == "model_damaged"


def test_weights_in_a_file_that_is_not_described_are_refused(folder: Path) -> None:
    files = described(folder)
    del files["model.onnx.data"]
    change(folder, "files", files)
    with pytest.raises(FolderDamaged, match=r"beside its own, 'model\.onnx\.data'"):
        verify_folder(folder)


def test_weights_of_a_subgraph_count_too(folder: Path) -> None:
    model = onnx.load(folder / "model.onnx", load_external_data=False)
    hidden = TensorProto(name="hidden", data_type=TensorProto.FLOAT, dims=[1])
    hidden.data_location = TensorProto.EXTERNAL
    hidden.external_data.add(key="location", value="/etc/hostname")
    inner = onnx.helper.make_graph([], "inner", [], [], [hidden])
    node = onnx.helper.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner)
    model.graph.node.append(node)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    sign(folder)
    with pytest.raises(FolderDamaged, match=r"beside its own, '/etc/hostname'"):
        verify_folder(folder)


@pytest.mark.parametrize("name", ["model.onnx", "model.onnx.data", "tokenizer.json"])
def test_a_link_out_of_the_folder_is_refused(folder: Path, name: str) -> None:
    outside = folder.parent / "outside"
    (folder / name).rename(outside)
    (folder / name).symlink_to(outside)
    with pytest.raises(FolderDamaged, match=f"{name} is a link"):
        verify_folder(folder)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("context_length", 10**9),
        ("context_length", -1),
        ("vocab_size", 10**9),
        ("vocab_size", 2**22),
        ("layers", 10**9),
        ("layers", 2**10),
        ("kv_heads", 10**9),
        ("head_dim", 2**12),
        ("head_dim", 1e300),
        ("stop_token_ids", [10**9]),
        ("stop_token_ids", []),
        ("kv_dtype", "f8"),
        ("bos_token", {}),
        ("files", {"../outside": {"size": 0, "sha256": ""}}),
        ("files", {}),
        ("files", 7),
        ("format", 10**9),
        ("name", ["a"] * 10),
    ],
)
def test_absurd_claims_are_refused(folder: Path, key: str, value: object) -> None:
    change(folder, key, value)
    with pytest.raises(core.EngineError) as caught:
        load(folder)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"format":' * 100_000,
        b'{"format": 1, "files": {"\\ud800": {}}}',
        b'{"format": 1, "files": ' + b"9" * 5_000 + b"}",
        b'{"format": 1, "files": {' + b" " * 2_000_000 + b"}}",
        b'{"format": 1, "format": 1, "files": {}}',
    ],
)
def test_a_manifest_that_is_none_is_refused_by_both(folder: Path, content: bytes) -> None:
    (folder / "hearth.json").write_bytes(content)
    with pytest.raises(FolderDamaged):
        verify_folder(folder)
    with pytest.raises(core.EngineError) as caught:
        load(folder)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", ["", "..", "a/b", "/etc/passwd", "a\\b", "C:x", "\0", "x" * 999])
def test_names_that_are_no_files_of_the_folder(folder: Path, name: str) -> None:
    change(folder, "files", described(folder) | {name: {"size": 0, "sha256": ""}})
    with pytest.raises(FolderDamaged, match="wrongly") as caught:
        verify_folder(folder)
    assert str(caught.value).isprintable()
    with pytest.raises(core.EngineError):
        load(folder)
