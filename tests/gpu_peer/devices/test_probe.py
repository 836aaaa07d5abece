"""The probe: NVIDIA's own Python face of NVML over a library that knows one card, or none."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gpu_peer.devices import probe
from gpu_peer.devices.machine import Card, Machine
from tests.gpu_peer.devices.fake_nvml import probe_with

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the stand-in is an ELF library")

NOT_LOADED, UNKNOWN = 9, 999


def test_a_card_is_found_with_all_that_matters(tmp_path: Path) -> None:
    card = Card("RTX 4070", (8, 9), 12_000, 9_000, 10_501e6 * 2 * 192 / 8)
    assert probe_with(tmp_path) == f"{Machine('580.95.05', (card,))!r}\n"


def test_a_driver_that_is_not_loaded_is_no_driver(tmp_path: Path) -> None:
    assert probe_with(tmp_path, answer=NOT_LOADED) == f"{Machine()!r}\n"


def test_a_driver_that_fails_is_told_with_its_words(tmp_path: Path) -> None:
    assert "does not answer: Unknown Error. Restart" in probe_with(tmp_path, answer=UNKNOWN)
    assert "does not answer: Unknown Error. Restart" in probe_with(tmp_path, later=UNKNOWN)


def test_without_the_package_it_says_how_to_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "NVML", "hearth_has_no_such_module")
    assert "pip install nvidia-ml-py" in (probe.probe_machine().unknown or "")
