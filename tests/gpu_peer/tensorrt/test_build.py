"""Engines built by TensorRT itself, without a card: what it takes, and what it says of the rest."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import pytest
from gguf import GGMLQuantizationType

from gpu_peer.__main__ import main
from gpu_peer.errors import CapabilityUnknown, EngineBuildFailed, EngineToolMissing, GraphRefused
from gpu_peer.models.embedded import embedded_gguf
from gpu_peer.models.export import ExportOptions, export_model
from gpu_peer.models.store import ensure_model
from gpu_peer.tensorrt import build
from gpu_peer.tensorrt.build import build_engine
from tests.gpu_peer.models.test_families import KEPT
from tests.gpu_peer.models.tiny import FAMILIES, write_tiny

pytestmark = pytest.mark.tensorrt

CARDS = ["8.6", "8.9", "12.0"]  # RTX 30, 40 and 50


def tiny(
    tmp_path: Path,
    family: str = "llama",
    kind: GGMLQuantizationType = GGMLQuantizationType.Q8_0,
    change: Callable[[onnx.GraphProto], None] | None = None,
) -> Path:
    folder = tmp_path / "folder"
    folder.mkdir()
    source = write_tiny(tmp_path / "tiny.gguf", family=family, kind=kind)
    export_model(source, folder, ExportOptions(dtype="f16"))
    if change is not None:
        model = onnx.load(folder / "model.onnx", load_external_data=False)
        change(model.graph)
        (folder / "model.onnx").write_bytes(model.SerializeToString())
    return folder


@pytest.mark.parametrize("capability", CARDS)
@pytest.mark.parametrize("kind", KEPT)
@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_builds_with_every_form_of_weights(
    tmp_path: Path, family: str, kind: GGMLQuantizationType, capability: str
) -> None:
    report = build_engine(tiny(tmp_path, family, kind), capability)
    assert report.layers >= report.nodes


@pytest.mark.parametrize("capability", CARDS)
def test_the_embedded_model_builds_and_its_weights_stay_packed(
    model_folder: Path, capability: str
) -> None:
    folder = ensure_model(embedded_gguf(), model_folder.parent, dtype="f16")
    stages: list[str] = []
    report = build_engine(
        folder, capability, progress=lambda stage, _done, _all: stages.append(stage)
    )
    assert stages, "it says how far it is"
    weights = (folder / "model.onnx.data").stat().st_size
    assert weights < report.engine_bytes < 1.1 * weights


def test_an_engine_is_kept_where_that_is_asked(tmp_path: Path) -> None:
    out = tmp_path / "tiny.engine"
    report = build_engine(tiny(tmp_path), "8.9", out=out)
    assert out.stat().st_size == report.engine_bytes
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "folder",
        "tiny.engine",
        "tiny.gguf",
    ]


def with_unknown_operators(graph: onnx.GraphProto) -> None:
    for node in graph.node:
        if node.op_type == "Sigmoid":
            node.op_type, node.domain = "QuickGelu", "com.microsoft"
        if node.op_type == "Split":
            node.op_type = "Cleave"


def test_every_node_of_an_unknown_operator_is_named(tmp_path: Path) -> None:
    folder = tiny(tmp_path, change=with_unknown_operators)
    with pytest.raises(
        GraphRefused, match=r"not take Cleave at layers\.0\..*, and 3 more"
    ) as raised:
        build_engine(folder, "8.9")
    assert [(node.operator, node.name) for node in raised.value.nodes] == [
        ("Cleave", "layers.0.gate/Split"),
        ("QuickGelu", "layers.0.sigmoid/Sigmoid"),
        ("Cleave", "layers.1.gate/Split"),
        ("QuickGelu", "layers.1.sigmoid/Sigmoid"),
    ]


def with_zero_points(graph: onnx.GraphProto) -> None:
    """Give every product of 4 bits zero points of UINT8, as `uint4` of the CPU has them."""
    for node in graph.node:
        if node.op_type == "MatMulNBits":
            fields = {field.name: field.i for field in node.attribute}
            size = (fields["N"], (fields["K"] // fields["block_size"] + 1) // 2)
            zeros = np.full(size, 0x88, dtype=np.uint8)
            graph.initializer.append(onnx.numpy_helper.from_array(zeros, f"{node.name}.zeros"))
            node.input.append(f"{node.name}.zeros")


def test_a_known_operator_that_is_refused_comes_with_the_reason(tmp_path: Path) -> None:
    folder = tiny(tmp_path, kind=GGMLQuantizationType.Q4_0, change=with_zero_points)
    with pytest.raises(GraphRefused, match=r"MatMulNBits at layers\.0\..* UInt8") as raised:
        build_engine(folder, "8.9")
    assert [node.name for node in raised.value.nodes] == ["layers.0.query_key_value/MatMulNBits"]


def with_8_bits(graph: onnx.GraphProto) -> None:
    """Claim that the first product has 8 bits, over which TensorRT ends its process."""
    node = next(node for node in graph.node if node.op_type == "MatMulNBits")
    next(field for field in node.attribute if field.name == "bits").i = 8


def test_a_graph_that_ends_the_process_is_a_sentence(tmp_path: Path) -> None:
    folder = tiny(tmp_path, kind=GGMLQuantizationType.Q4_0, change=with_8_bits)
    with pytest.raises(EngineBuildFailed, match=r"ended while it read the graph: .*bits == 4"):
        build_engine(folder, "8.9")


def test_a_card_that_is_not_built_for_is_refused_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(CapabilityUnknown, match=r"not build for compute capability 9\.0.*8\.9"):
        build_engine(tiny(tmp_path), "9.0")


def test_a_folder_for_the_cpu_is_refused(tmp_path: Path) -> None:
    source = write_tiny(tmp_path / "tiny.gguf")
    folder = ensure_model(source, tmp_path / "models")
    with pytest.raises(EngineBuildFailed, match="Convert the model again with --dtype f16"):
        build_engine(folder, "8.9")


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let no process started here write a larger file: a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_a_sentence_and_leaves_nothing_half_made(tmp_path: Path) -> None:
    folder, out = tiny(tmp_path), tmp_path / "tiny.engine"
    out.write_bytes(b"before")
    with (
        files_of_at_most(1_000_000),
        pytest.raises(EngineBuildFailed, match=r"tiny\.engine is full\. Free some space"),
    ):
        build_engine(folder, "8.9", out=out)
    assert out.read_bytes() == b"before"
    assert not list(tmp_path.glob("*.partial"))


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineBuildFailed, match="nowhere/a could not be written: No such file"):
        build_engine(tiny(tmp_path), "8.9", out=tmp_path / "nowhere" / "a")


def test_without_the_package_there_is_a_command_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "BINDINGS", "hearth_has_no_such_module")
    with pytest.raises(EngineToolMissing, match=r"pip install 'hearth\[tensorrt\]'"):
        build_engine(tmp_path, "8.9")


def test_the_command_takes_a_gguf_and_prints_what_it_came_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_tiny(tmp_path / "tiny.gguf")
    monkeypatch.setenv("HEARTH_DATA", str(tmp_path / "data"))
    arguments = ["engine", "build", "--compute-capability", "8.9", "--model", str(source)]
    assert main(arguments) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("Built for 8.9")
    assert "Engine: Building engine" in shown.err
    arguments[-1] = str(tmp_path / "nothing.gguf")
    assert main(arguments) == 1
    assert "There is no model at" in capsys.readouterr().err
