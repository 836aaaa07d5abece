"""Families that only the other converter knows, with a stand-in at the border of its process.

The stand-in takes the arguments that mobius-onnx 0.1.0 takes, and no others, and writes what that
version was seen to write for Phi-3, Granite, OLMo 2 and SmolLM3: the graph and its weights.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from gpu_peer.models import __main__ as command
from gpu_peer.models import convert
from gpu_peer.models.errors import ArchitectureUnknown, ConverterFailed, SourceUnsupported
from gpu_peer.models.export import ExportOptions, export_model
from gpu_peer.models.folder import read_manifest, verify_folder
from gpu_peer.models.store import ensure_model
from tests.gpu_peer.models.checkpoint import write_checkpoint
from tests.gpu_peer.models.in_place import InPlace
from tests.gpu_peer.models.tiny import CONTEXT, write_tiny

ROOT = Path(__file__).parents[3]
STAND_IN = """
import argparse, os, pathlib, shutil
parser = argparse.ArgumentParser()
commands = parser.add_subparsers(required=True)
build, gguf = commands.add_parser("build"), commands.add_parser("build-gguf")
build.add_argument("--config", required=True)
build.add_argument("output")
gguf.add_argument("model")
gguf.add_argument("--output", required=True)
gguf.add_argument("--keep-quantized", action="store_true")
for command in (build, gguf):
    command.add_argument("--ep", choices=["cpu"], required=True)
output = parser.parse_args().output
for file in pathlib.Path(os.environ["STAND_IN_MADE"]).glob("model.onnx*"):
    shutil.copy(file, output)
"""


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """What the converter will have made: a graph and its weights."""
    folder = tmp_path / "made"
    folder.mkdir()
    export_model(write_tiny(tmp_path / "known.gguf"), folder, ExportOptions(accuracy_level=0))
    return folder


@pytest.fixture
def installed(tmp_path: Path, made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The converter's `__main__.py`."""
    package = tmp_path / "site" / "mobius"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    main = package / "__main__.py"
    main.write_text(STAND_IN)
    monkeypatch.syspath_prepend(str(package.parent))
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    monkeypatch.setenv("STAND_IN_MADE", str(made))
    return main


@pytest.fixture
def unknown(tmp_path: Path) -> Path:
    """A GGUF of a family that our exporter does not know."""
    path = tmp_path / "Odd-Chat.gguf"
    path.write_bytes(write_tiny(path).read_bytes().replace(b"llama", b"odd_1"))
    return path


def test_without_it_the_sentence_says_what_to_install(
    unknown: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(convert, "is_installed", lambda: False)
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    (pinned,) = extras["optional-dependencies"]["convert"]
    with pytest.raises(ArchitectureUnknown, match=f"odd_1.* pip install {pinned}, which"):
        ensure_model(unknown, tmp_path / "models")
    assert not list((tmp_path / "models").glob("Odd*"))


@pytest.mark.usefixtures("installed")
def test_a_gguf_of_another_family_becomes_a_model_folder(
    unknown: Path, made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["convert", str(unknown), str(tmp_path / "folder")]) == 0
    folder = Path(capsys.readouterr().out.strip())
    verify_folder(folder)
    manifest, known = read_manifest(folder), read_manifest(made)
    assert (manifest["name"], manifest["architecture"]) == ("Odd-Chat", "odd_1")
    assert manifest["quantization"] == {"exporter": "mobius-onnx"}
    taken_over = ("layers", "kv_heads", "head_dim", "vocab_size", "context_length", "kv_dtype")
    for key in (*taken_over, "eos_token", "bos_token", "stop_token_ids"):
        assert manifest[key] == known[key], key
    assert manifest["files"].keys() == known["files"].keys()
    logits = InPlace(folder, CONTEXT).append([5, 77, 130])
    assert np.array_equal(logits, InPlace(made, CONTEXT).append([5, 77, 130]))


@pytest.mark.usefixtures("installed")
def test_a_checkpoint_of_another_family_too(unknown: Path, made: Path, tmp_path: Path) -> None:
    source = write_checkpoint(tmp_path / "Odd", tmp_path / "known.gguf", "llama")
    config = json.loads((source / "config.json").read_text())
    (source / "config.json").write_text(json.dumps({**config, "model_type": "odd_2"}))
    folder = ensure_model(source, tmp_path / "models")
    assert verify_folder(folder)["architecture"] == "odd_2"
    assert ensure_model(source, tmp_path / "models") == folder


@pytest.mark.usefixtures("installed")
def test_families_that_we_know_are_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convert, "export_with_mobius", None)
    verify_folder(ensure_model(write_tiny(tmp_path / "a.gguf"), tmp_path / "models"))


def test_its_failure_is_a_sentence_and_leaves_nothing(
    unknown: Path, installed: Path, tmp_path: Path
) -> None:
    installed.write_text("raise ValueError('no such\\x1b family')")
    with pytest.raises(ConverterFailed, match="mobius says") as caught:
        ensure_model(unknown, tmp_path / "models")
    assert "no such" in str(caught.value)
    assert str(caught.value).isprintable()
    installed.write_text("")
    with pytest.raises(ConverterFailed, match="mobius says 'no reason'"):
        ensure_model(unknown, tmp_path / "models")
    assert not list((tmp_path / "models").glob("Odd*"))


@pytest.mark.usefixtures("installed")
def test_float16_is_refused(unknown: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceUnsupported, match="f32 only, not f16"):
        ensure_model(unknown, tmp_path / "models", dtype="f16")


def _no_logits(graph: onnx.GraphProto) -> None:
    graph.output[-1].name = "other"


def _image(graph: onnx.GraphProto) -> None:
    graph.input.append(onnx.helper.make_tensor_value_info("pixel_values", 1, [1]))


def _no_mask(graph: onnx.GraphProto) -> None:
    del graph.input[1]


def _half_cache(graph: onnx.GraphProto) -> None:
    graph.input[3].type.tensor_type.elem_type = onnx.TensorProto.FLOAT16


def _wider_cache(graph: onnx.GraphProto) -> None:
    graph.input[4].type.tensor_type.shape.dim[3].dim_value = 32


def _free_vocabulary(graph: onnx.GraphProto) -> None:
    graph.output[-1].type.tensor_type.shape.dim[2].dim_param = "vocab"


def _copied_cache(graph: onnx.GraphProto) -> None:
    next(n for n in graph.node if n.op_type == "GroupQueryAttention").op_type = "Attention"


def _newer_operator(graph: onnx.GraphProto) -> None:
    node = next(n for n in graph.node if n.op_type == "GroupQueryAttention")
    node.attribute.append(onnx.helper.make_attribute("of_tomorrow", 1))


def _weights_elsewhere(graph: onnx.GraphProto) -> None:
    for tensor in graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = __file__  # absolute, and there


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_no_logits, "no output logits"),
        (_image, "an unknown input pixel_values"),
        (_no_mask, "lacks the input attention_mask"),
        (_half_cache, r"the input past_key_values\.0\.value of its graph is of another kind"),
        (_wider_cache, r"the input past_key_values\.1\.key of its graph is of another kind"),
        (_free_vocabulary, "does not fix the sizes"),
        (_copied_cache, "1 of its 2 caches stay in one place"),
        (_newer_operator, "ONNX Runtime cannot open its graph"),
        (_weights_elsewhere, "put weights into"),
    ],
)
@pytest.mark.usefixtures("installed")
def test_a_graph_that_does_not_fit_is_refused_with_the_reason(
    unknown: Path,
    made: Path,
    tmp_path: Path,
    change: Callable[[onnx.GraphProto], None],
    why: str,
) -> None:
    model = onnx.load(made / "model.onnx", load_external_data=False)
    change(model.graph)
    (made / "model.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(SourceUnsupported, match=why):
        ensure_model(unknown, tmp_path / "models")
    assert not list((tmp_path / "models").glob("Odd*"))
