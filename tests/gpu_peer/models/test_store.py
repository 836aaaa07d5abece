"""The data folder's models: made once, checked, redone, and never half there."""

from __future__ import annotations

import errno
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from filelock import FileLock

from gpu_peer.models import store
from gpu_peer.models.errors import ConversionInterrupted, DiskFull, SourceDamaged, StorageFailed
from gpu_peer.models.folder import sha256_of, verify_folder
from gpu_peer.models.sources import model_name
from gpu_peer.models.store import LOCK_FILE, ensure_model
from tests.gpu_peer.models.tiny import write_tiny

ROOT = Path(__file__).parents[3]


class Recorder:
    """A progress callback that remembers, and raises `error` at call number `at`."""

    def __init__(self, error: BaseException | None = None, at: int = 0) -> None:
        self.calls: list[tuple[str, int, int]] = []
        self._error = error
        self._at = at

    def __call__(self, stage: str, done: int, total: int) -> None:
        self.calls.append((stage, done, total))
        if self._error is not None and len(self.calls) == self._at:
            raise self._error


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_tiny(tmp_path / "Tiny.Q4_1.gguf")


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "data" / "models"


def left_in(models: Path) -> list[str]:
    return sorted(path.name for path in models.iterdir() if path.name != LOCK_FILE)


def test_a_model_is_converted_once(source: Path, models: Path) -> None:
    first = Recorder()
    folder = ensure_model(source, models, first)
    assert folder == models / f"Tiny-{sha256_of(source)[:12]}-v2"
    verify_folder(folder)
    assert [call[0] for call in first.calls] == [
        "reading",
        *["converting"] * 3,
        *["checking"] * 2,
    ]
    assert [call[1] for call in first.calls] == [0, 1, 2, 3, 4, 5]
    assert {call[2] for call in first.calls} == {5}
    second = Recorder()
    assert ensure_model(source, models, second) == folder
    assert second.calls == []
    assert left_in(models) == [folder.name]


def test_a_damaged_folder_is_converted_again_and_says_so(
    source: Path, models: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = ensure_model(source, models)
    (folder / "model.onnx.data").write_bytes(b"")
    assert ensure_model(source, models) == folder
    verify_folder(folder)
    assert "model.onnx.data has another size" in caplog.text
    assert "converted again" in caplog.text


def test_each_dtype_has_a_folder_of_its_own(source: Path, models: Path) -> None:
    wide, half = ensure_model(source, models), ensure_model(source, models, dtype="f16")
    assert half.name == f"{wide.name}-f16"
    assert verify_folder(wide)["kv_dtype"] == "f32"
    assert verify_folder(half)["kv_dtype"] == "f16"


@pytest.mark.parametrize("at", range(1, 7))
def test_a_conversion_stopped_at_any_step_leaves_nothing(
    source: Path, models: Path, at: int
) -> None:
    with pytest.raises(ConversionInterrupted, match=r"Tiny\.Q4_1\.gguf was stopped"):
        ensure_model(source, models, Recorder(KeyboardInterrupt(), at))
    assert left_in(models) == []
    verify_folder(ensure_model(source, models))


def test_an_error_of_the_progress_callback_comes_through(source: Path, models: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        ensure_model(source, models, Recorder(ZeroDivisionError(), 3))
    assert left_in(models) == []


def test_what_a_killed_conversion_left_is_removed(source: Path, models: Path) -> None:
    folder = ensure_model(source, models)
    for name in (folder.name, "Other-000000000000-v2"):
        shutil.copytree(folder, models / f"{name}{store.PARTIAL_SUFFIX}")
    shutil.rmtree(folder)
    ensure_model(source, models)
    assert left_in(models) == [folder.name]


def test_a_disk_that_fills_up_is_a_sentence(source: Path, models: Path) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(DiskFull, match=r"is full\. About 1 MB are needed\. Free some space"):
        ensure_model(source, models, Recorder(full, 3))
    assert left_in(models) == []


def test_a_disk_that_is_too_full_is_not_begun(
    source: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store.shutil, "disk_usage", lambda _: SimpleNamespace(free=100))
    progress = Recorder()
    with pytest.raises(DiskFull):
        ensure_model(source, models, progress)
    assert progress.calls == []


def test_a_stopped_replacement_keeps_the_old_folder(source: Path, models: Path) -> None:
    folder = ensure_model(source, models)
    with pytest.raises(ConversionInterrupted):
        store.replace_folder(source, folder, store.ExportOptions(), Recorder(SystemExit(), 4))
    verify_folder(folder)


def test_a_data_folder_that_cannot_be_made_is_a_sentence(source: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageFailed, match="could not be read or written"):
        ensure_model(source, tmp_path / "file" / "models")


def test_a_missing_or_cut_source_is_a_sentence(source: Path, models: Path) -> None:
    with pytest.raises(StorageFailed, match=r"gone\.gguf"):
        ensure_model(source.with_name("gone.gguf"), models)
    source.write_bytes(source.read_bytes()[:-1000])
    with pytest.raises(SourceDamaged):
        ensure_model(source, models)
    assert left_in(models) == []


def test_whoever_finds_the_lock_taken_says_so_and_waits(source: Path, models: Path) -> None:
    models.mkdir(parents=True)
    lock = FileLock(models / LOCK_FILE)
    lock.acquire()
    stages = []

    def progress(stage: str, done: int, total: int) -> None:
        stages.append(stage)
        if lock.is_locked:
            assert left_in(models) == []
            lock.release()

    verify_folder(ensure_model(source, models, progress))
    assert stages[:2] == ["waiting for another process", "reading"]


def test_two_processes_at_once_do_not_collide(source: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "gpu_peer.models", "ensure"]
    command += ["--data", str(tmp_path / "data"), "--model", str(source)]
    pair = [
        subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    answers = [process.communicate(timeout=60) for process in pair]
    assert [process.returncode for process in pair] == [0, 0], answers
    folders = {out.splitlines()[-1] for out, _ in answers}
    assert len(folders) == 1
    verify_folder(Path(folders.pop()))
    assert sum("converting" in err for _, err in answers) == 1


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("SmolLM2-135M-Instruct.Q4_1.gguf", "SmolLM2-135M-Instruct"),
        ("Llama-3.2-1B-Instruct-Q4_K_M.gguf", "Llama-3.2-1B-Instruct"),
        ("model-f16.gguf", "model"),
        ("мой чат.gguf", "model"),
        ("..gguf", "model"),
    ],
)
def test_names_of_models(file: str, name: str) -> None:
    assert model_name(Path(file)) == name
