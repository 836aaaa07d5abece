"""What `doctor` says, as text and for programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gpu_peer.__main__ import main
from gpu_peer.devices.machine import Card, Machine, Packages
from gpu_peer.doctor import diagnose

CARD = Card("NVIDIA GeForce RTX 4070", (8, 9), 12_000_000_000, 11_000_000_000)
PLAIN = Packages(onnxruntime="1.31.1")


def test_the_text_says_what_is_there_what_is_used_and_why_not_the_better() -> None:
    text = diagnose(Machine("580.95.05", (CARD,)), PLAIN, "auto").as_text()
    lines = [line.split(maxsplit=1) for line in text.splitlines()]
    said = {first: rest for first, rest in lines if first != "Not"}
    assert said["Driver"] == "580.95.05"
    assert said["Card"].endswith("RTX 4070, compute capability 8.9, 11.0 of 12.0 GB free")
    assert said["Uses"] == "cpu"
    assert [rest.split()[0] for first, rest in lines if first == "Not"] == ["tensorrt", "cuda"]


def test_what_is_worse_than_what_is_used_is_not_told() -> None:
    packages = Packages("1.31.1", None, "0.5.0", 13)
    found = diagnose(Machine("580.95.05", (CARD,)), packages, "auto")
    assert found.uses == "tensorrt"
    assert found.passed_over == ()


def test_nothing_to_use_is_a_problem_with_its_reason() -> None:
    found = diagnose(Machine(), PLAIN, "tensorrt")
    assert found.uses is None
    assert "There is no NVIDIA driver" in found.as_text()
    assert "pip install onnxruntime" in diagnose(Machine(), Packages(), "cpu").as_text()


def test_the_command_prints_json_and_its_status_says_whether_something_can_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEARTH_DEVICE", "cpu")
    assert main(["doctor", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["uses"] == "cpu"
    monkeypatch.setenv("HEARTH_DEVICE", "toaster")
    assert main(["doctor"]) == 1
    assert "HEARTH_DEVICE" in capsys.readouterr().err
