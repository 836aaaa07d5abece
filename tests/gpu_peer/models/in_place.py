"""Runs a model folder in ONNX Runtime with one buffer for past and present, as the core does."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime as ort


def open_session(folder: Path) -> ort.InferenceSession:
    """Open the graph of `folder` on the CPU."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 2
    options.log_severity_level = 3
    # Where weights are dequantised by a node of their own, do not round activations to int8 either.
    options.add_session_config_entry("session.qdq_matmulnbits_accuracy_level", "0")
    return ort.InferenceSession(
        str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
    )


class InPlace:
    """Sequences side by side over caches of `length` positions, filled with garbage at first."""

    def __init__(self, folder: Path, length: int, rows: int = 1) -> None:
        self.session = open_session(folder)
        manifest = json.loads((folder / "hearth.json").read_text(encoding="utf-8"))
        self._shape = (manifest["kv_heads"], length, manifest["head_dim"])
        self._dtype = {"f32": np.float32, "f16": np.float16}[manifest["kv_dtype"]]
        self._caches = {
            f"{layer}.{part}": np.full((rows, *self._shape), 7.5, dtype=self._dtype)
            for layer in range(manifest["layers"])
            for part in ("key", "value")
        }
        self.lengths = [0] * rows

    def append(self, tokens: list[int], row: int = 0) -> npt.NDArray[np.float32]:
        """Append `tokens` to one row; returns the logits [vocab] after the last of them."""
        self.lengths[row] += len(tokens)
        mask = np.ones((1, self.lengths[row]), dtype=np.int64)
        return self._run(np.array([tokens], dtype=np.int64), mask, slice(row, row + 1))[0]

    def decode(self, tokens: list[int]) -> npt.NDArray[np.float32]:
        """Append one token to every row; returns [rows, vocab]. Rows may differ in age."""
        self.lengths = [length + 1 for length in self.lengths]
        positions = np.arange(max(self.lengths))
        mask = (positions[None, :] < np.array(self.lengths)[:, None]).astype(np.int64)
        return self._run(np.array(tokens, dtype=np.int64)[:, None], mask, slice(None))

    def _run(
        self, ids: npt.NDArray[np.int64], mask: npt.NDArray[np.int64], rows: slice
    ) -> npt.NDArray[np.float32]:
        binding = self.session.io_binding()
        binding.bind_cpu_input("input_ids", ids)
        binding.bind_cpu_input("attention_mask", mask)
        binding.bind_output("logits", "cpu")
        for name, cache in self._caches.items():
            part = cache[rows]
            place = ("cpu", 0, self._dtype, part.shape, part.ctypes.data)
            binding.bind_input(f"past_key_values.{name}", *place)
            binding.bind_output(f"present.{name}", *place)
        self.session.run_with_iobinding(binding)
        logits = binding.get_outputs()[0].numpy()
        assert logits.shape == (len(ids), 1, logits.shape[2])
        return np.array(logits[:, 0])
