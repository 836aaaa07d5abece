"""The way down the list of devices, with the real core and a machine that claims a card."""

from __future__ import annotations

import shutil
from pathlib import Path

import onnx
import pytest
import structlog

from gpu_peer.devices.machine import AskedDevice, Card, Machine, Packages
from gpu_peer.errors import DeviceUnavailable, EngineUnavailable
from gpu_peer.models.embedded import embedded_gguf
from gpu_peer.models.precision import DtypeName
from gpu_peer.models.store import ensure_model
from gpu_peer.rust_engine import Settings, load_engine

CARD = Card("NVIDIA H100", (9, 0), 80_000_000_000, 79_000_000_000)
CLAIMED = Machine("580.95.05", (CARD,))
WITH_CUDA = Packages("1.31.1", "1.31.1", None, None)
RTX_HOME = Machine("580.95.05", (Card("RTX 4070", (8, 9), 12_000_000_000, 11_000_000_000),))
WITH_TENSORRT = Packages("1.31.1", None, "0.5.0", 13)


class Folders:
    """Gives the folder that is asked for, and remembers the types."""

    def __init__(self, wide: Path, half: Path | None = None) -> None:
        self._folders: dict[DtypeName, Path] = {"f32": wide, "f16": half or wide}
        self.asked: list[DtypeName] = []

    def __call__(self, dtype: DtypeName) -> Path:
        self.asked.append(dtype)
        return self._folders[dtype]


@pytest.fixture(scope="module")
def half_folder(model_folder: Path) -> Path:
    return ensure_model(embedded_gguf(), model_folder.parent, dtype="f16")


def settings(tmp_path: Path, device: AskedDevice = "auto") -> Settings:
    return Settings(device, threads=1, context_length=256, max_tokens=8, cache=tmp_path / "cache")


def test_a_card_that_is_not_there_leads_to_the_cpu_with_the_reason(
    model_folder: Path, half_folder: Path, tmp_path: Path
) -> None:
    folders = Folders(model_folder, half_folder)
    with structlog.testing.capture_logs() as logs:
        engine = load_engine(folders, settings(tmp_path), CLAIMED, WITH_CUDA)
    try:
        assert engine.info.device == "cpu"
        assert folders.asked == ["f16", "f32"]
        passed = {one.device: one.reason for one in engine.info.passed_over}
        assert passed.keys() == {"tensorrt", "cuda"}
        assert "compute capability 9.0" in passed["tensorrt"]
        told = {line["device"]: line["reason"] for line in logs}
        assert [line["event"] for line in logs] == ["device_passed_over"] * 2
        assert told == passed
    finally:
        engine.close()


def test_a_device_asked_for_by_name_does_not_become_another(
    model_folder: Path, half_folder: Path, tmp_path: Path
) -> None:
    folders = Folders(model_folder, half_folder)
    with pytest.raises(DeviceUnavailable, match="HEARTH_DEVICE=cuda cannot be had"):
        load_engine(folders, settings(tmp_path, "cuda"), CLAIMED, WITH_CUDA)
    assert folders.asked == ["f16"]


def test_a_folder_for_the_cpu_is_never_given_to_a_card(model_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DeviceUnavailable, match="computes in float32, which is for the CPU"):
        load_engine(Folders(model_folder), settings(tmp_path, "cuda"), CLAIMED, WITH_CUDA)


def test_a_graph_that_would_end_the_process_is_not_given_to_tensorrt(
    half_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    shutil.copytree(half_folder, folder)
    model = onnx.load(folder / "model.onnx", load_external_data=False)
    node = next(node for node in model.graph.node if node.op_type == "MatMulNBits")
    next(field for field in node.attribute if field.name == "bits").i = 8
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(DeviceUnavailable, match=f"end the process over {node.name}"):
        load_engine(Folders(folder), settings(tmp_path, "tensorrt"), RTX_HOME, WITH_TENSORRT)


@pytest.mark.tensorrt
def test_a_provider_that_finds_no_driver_leads_to_the_cpu(
    model_folder: Path, half_folder: Path, tmp_path: Path
) -> None:
    folders = Folders(model_folder, half_folder)
    engine = load_engine(folders, settings(tmp_path), RTX_HOME, WITH_TENSORRT)
    try:
        assert engine.info.device == "cpu"
        assert [one.device for one in engine.info.passed_over] == ["cuda", "tensorrt"]
        assert (tmp_path / "cache" / "made-for.json").exists()
    finally:
        engine.close()


def test_a_model_beyond_the_card_is_not_tried(
    model_folder: Path, half_folder: Path, tmp_path: Path
) -> None:
    small = Machine("580.95.05", (Card("NVIDIA H100", (9, 0), 1_000_000, 1_000_000),))
    folders = Folders(model_folder, half_folder)
    with pytest.raises(DeviceUnavailable, match=r"needs 0\.\d GB and NVIDIA H100 has 0\.0 GB free"):
        load_engine(folders, settings(tmp_path, "cuda"), small, WITH_CUDA)


def test_a_damaged_model_is_no_reason_to_try_the_next_device(tmp_path: Path) -> None:
    folders = Folders(tmp_path)
    with pytest.raises(EngineUnavailable) as raised:
        load_engine(folders, settings(tmp_path), Machine(), WITH_CUDA)
    assert not isinstance(raised.value, DeviceUnavailable)
    assert folders.asked == ["f32"]
