"""Weights in an exported folder against the file: exact where they can be, else bounded."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, GGUFWriter
from gguf.quants import dequantize as gguf_dequantize

from gpu_peer.models import gguf_source
from gpu_peer.models.export import ExportOptions, export_model
from gpu_peer.models.folder import read_manifest
from gpu_peer.models.gguf_file import GgufFile
from gpu_peer.models.gguf_source import read_matrix
from gpu_peer.models.quantize import WeightFormat, dequantize
from tests.gpu_peer.models.in_place import InPlace
from tests.gpu_peer.models.reference import EXACT, Reference
from tests.gpu_peer.models.stored_weights import stored_weights
from tests.gpu_peer.models.tiny import CONTEXT, write_tiny

Q4_0, Q8_0 = GGMLQuantizationType.Q4_0, GGMLQuantizationType.Q8_0


def exported(tmp_path: Path, options: ExportOptions, **tiny: object) -> tuple[float, str]:
    """Return the largest error of any weight in the folder, and what hearth.json says of them."""
    source = write_tiny(tmp_path / "tiny.gguf", **tiny)  # type: ignore[arg-type]  # its own
    export_model(source, tmp_path, options)
    reference = Reference.load(source)
    stored = stored_weights(tmp_path, reference.config)
    assert set(stored) == {name for name, values in reference.weights.items() if values.ndim == 2}
    error = max(np.abs(stored[name] - reference.weights[name]).max() for name in stored)
    return float(error), str(read_manifest(tmp_path)["quantization"]["weights"])


@pytest.mark.parametrize(
    ("kind", "weights", "called"),
    [
        (Q4_0, "stored", "int4"),
        (Q4_0, "int4", "int4"),
        (Q4_0, "int8", "int8"),
        (Q8_0, "stored", "int8"),
        (Q8_0, "int8", "int8"),
    ],
)
def test_q4_0_and_q8_0_are_kept_bit_for_bit(
    tmp_path: Path, kind: GGMLQuantizationType, weights: WeightFormat, called: str
) -> None:
    assert exported(tmp_path, ExportOptions(weights), kind=kind) == (0.0, called)


def test_a_file_that_mixes_them_is_kept_too(tmp_path: Path) -> None:
    kinds = {"blk.0.attn_v.weight": Q8_0, "blk.1.ffn_down.weight": Q8_0}
    assert exported(tmp_path, ExportOptions(), kind=Q4_0, kinds=kinds) == (0.0, "int4+int8")


def test_all_else_is_quantised_again(tmp_path: Path) -> None:
    error, called = exported(tmp_path, ExportOptions(), kind=GGMLQuantizationType.Q4_1)
    assert 0 < error < 0.01
    assert called == "int8"


# Where each kind of block keeps its float16 scales; the rest may be any bytes.
SCALES = {"Q2_K": (80, 82), "Q3_K": (108,), "Q4_K": (0, 2), "Q5_K": (0, 2), "Q6_K": (208,)}


def k_quant(path: Path, name: str) -> tuple[np.ndarray, int]:
    """Write `matrix` [8, 512] of random blocks; returns its values and its columns."""
    kind = GGMLQuantizationType[name]
    columns, size = GGML_QUANT_SIZES[kind]
    raw = np.random.default_rng(6).integers(0, 256, (8, 2 * size), dtype=np.uint8)
    for start in SCALES[name]:
        scale = np.frombuffer(np.float16(0.01 + start / 1e5).tobytes(), dtype=np.uint8)
        raw.reshape(8, 2, size)[..., start : start + 2] = scale
    writer = GGUFWriter(path, "llama")
    writer.add_tensor("matrix", raw, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return gguf_dequantize(raw, kind), 2 * columns


@pytest.mark.parametrize("name", SCALES)
def test_k_quants_are_quantised_again(tmp_path: Path, name: str) -> None:
    expected, columns = k_quant(tmp_path / "a.gguf", name)
    with GgufFile(tmp_path / "a.gguf") as gguf:
        got = dequantize(read_matrix(gguf, "matrix", 8, columns, "stored"))
    share = np.linalg.norm(got - expected) / np.linalg.norm(expected)
    assert 0 < share < 0.005


def test_q4_k_is_kept_with_offsets(tmp_path: Path) -> None:
    expected, columns = k_quant(tmp_path / "a.gguf", "Q4_K")
    with GgufFile(tmp_path / "a.gguf") as gguf:
        matrix = read_matrix(gguf, "matrix", 8, columns, "offset4")
    assert matrix.bits == 4
    assert np.abs(dequantize(matrix) - expected).max() < 1e-6 * np.abs(expected).max()


def test_q4_1_is_kept_with_offsets(tmp_path: Path) -> None:
    kinds = {"blk.0.attn_v.weight": Q8_0, "blk.1.attn_output.weight": Q4_0}
    options = ExportOptions("offset4", accuracy_level=0)
    kind = GGMLQuantizationType.Q4_1
    error, called = exported(tmp_path, options, kind=kind, kinds=kinds)
    assert error < 1e-6
    assert called == "int4+int8"
    reference = Reference.load(tmp_path / "tiny.gguf")
    prompt, answer = [5, 77, 130, 9, 201], [33, 64, 12]
    expected = reference.forced(prompt, answer)
    model = InPlace(tmp_path, CONTEXT)
    got = [model.append(prompt), *(model.append([token]) for token in answer[:-1])]
    assert np.abs(np.stack(got) - expected).max() < EXACT


def test_a_large_matrix_is_never_whole_in_float32(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, columns = 5_000, 256
    values = np.random.default_rng(8).standard_normal((rows, columns)).astype(np.float16)
    writer = GGUFWriter(tmp_path / "a.gguf", "llama")
    writer.add_tensor("matrix", values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with GgufFile(tmp_path / "a.gguf") as gguf:
        whole = read_matrix(gguf, "matrix", rows, columns, "int8")
        monkeypatch.setattr(gguf_source, "ROWS_AT_ONCE", 512)
        tracemalloc.start()
        parts = read_matrix(gguf, "matrix", rows, columns, "int8")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert (dequantize(parts) == dequantize(whole)).all()
    assert np.abs(dequantize(parts) - values).max() < 0.03
    assert peak < 4 * values.size, "less than the matrix in float32"
