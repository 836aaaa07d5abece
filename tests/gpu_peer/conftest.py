"""The converted embedded model, shared by every test of the PC's part that needs a real one."""

from pathlib import Path

import pytest

from gpu_peer.models.embedded import embedded_gguf
from gpu_peer.models.store import ensure_model

CACHE = Path(__file__).parents[2] / ".cache" / "test-models"


@pytest.fixture(scope="session")
def model_folder() -> Path:
    """The folder of the embedded model: converted on the first run, checked by digest on others."""
    return ensure_model(embedded_gguf(), CACHE)
