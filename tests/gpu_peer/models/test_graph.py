"""The graph against the numpy reference, on a tiny random network and in every way of caching."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import pytest
from gguf import GGMLQuantizationType

from gpu_peer.models.export import ExportOptions, export_model
from gpu_peer.models.quantize import BlockFormat, dequantize, quantize
from tests.gpu_peer.models.in_place import InPlace, open_session
from tests.gpu_peer.models.reference import EXACT, Array, Reference
from tests.gpu_peer.models.tiny import CONTEXT, HEAD_DIM, KV_HEADS, LAYERS, tokens, write_tiny

PROMPT = [5, 77, 130, 9, 201, 33, 64, 12, 250, 101, 3]
ANSWER = [40, 7, 199, 88, 88, 2]


def export(
    tmp_path: Path,
    options: ExportOptions,
    *,
    kind: GGMLQuantizationType = GGMLQuantizationType.Q4_1,
    own_output: bool = False,
) -> tuple[Path, Reference]:
    """Return an exported folder, and the reference over the very weights that it holds."""
    source = write_tiny(tmp_path / "tiny.gguf", kind=kind, own_output=own_output)
    folder = tmp_path / "folder"
    folder.mkdir()
    export_model(source, folder, options)

    kept = options.weight_format == "stored" and kind.name in ("Q4_0", "Q8_0")
    wanted: BlockFormat = "int8" if options.weight_format == "stored" else options.weight_format

    def rewrite(name: str, matrix: Array) -> Array:
        outer = name in ("token_embd.weight", "output.weight")
        if kept or name == "token_embd.weight":  # as the file has them
            return matrix
        return dequantize(quantize(matrix, "int8" if outer else wanted))

    return folder, Reference.load(source, rewrite)


@pytest.fixture
def exact(tmp_path: Path) -> tuple[Path, Reference]:
    """An export without rounding of activations."""
    return export(tmp_path, ExportOptions(accuracy_level=0))


@pytest.mark.parametrize("weight_format", ["int4", "uint4", "int8"])
@pytest.mark.parametrize("own_output", [False, True])
def test_logits_equal_the_reference(
    tmp_path: Path, weight_format: BlockFormat, own_output: bool
) -> None:
    options = ExportOptions(weight_format, accuracy_level=0)
    folder, reference = export(tmp_path, options, own_output=own_output)
    expected = reference.logits(PROMPT)[-1]
    assert np.abs(expected).max() > 0.5
    assert np.abs(InPlace(folder, CONTEXT).append(PROMPT) - expected).max() < EXACT


@pytest.mark.parametrize("name", ["F32", "F16", "BF16", "Q8_0", "Q4_0", "Q5_1"])
def test_other_stored_types_are_converted(tmp_path: Path, name: str) -> None:
    options = ExportOptions(accuracy_level=0)
    folder, reference = export(tmp_path, options, kind=GGMLQuantizationType[name])
    expected = reference.logits(PROMPT)[-1]
    assert np.abs(InPlace(folder, CONTEXT).append(PROMPT) - expected).max() < EXACT


def test_rounded_activations_stay_near(tmp_path: Path) -> None:
    folder, reference = export(tmp_path, ExportOptions(accuracy_level=4))
    expected = reference.logits(PROMPT)[-1]
    error = InPlace(folder, CONTEXT).append(PROMPT) - expected
    assert np.abs(error).max() > EXACT
    assert (error**2).mean() < 0.1**2 * (expected**2).mean()


@pytest.mark.parametrize("cuts", [(), (1,), (4,), (10,), (3, 7), tuple(range(1, 11))])
def test_prefill_in_chunks_and_decode_in_place_equal_one_run(
    exact: tuple[Path, Reference], cuts: tuple[int, ...]
) -> None:
    folder, reference = exact
    expected = reference.forced(PROMPT, ANSWER)
    model = InPlace(folder, CONTEXT)
    edges = [0, *cuts, len(PROMPT)]
    rows = [model.append(PROMPT[a:b]) for a, b in pairwise(edges)][-1:]
    rows += [model.append([token]) for token in ANSWER[:-1]]
    assert np.abs(np.stack(rows) - expected).max() < EXACT


def test_a_rewound_cache_forgets_what_came_after(exact: tuple[Path, Reference]) -> None:
    folder, _ = exact
    model = InPlace(folder, CONTEXT)
    model.append(PROMPT)
    first = model.append(ANSWER)
    model.lengths[0] = len(PROMPT)
    model.append([250, 251, 252])
    model.lengths[0] = len(PROMPT)
    assert np.abs(model.append(ANSWER) - first).max() < EXACT


def test_rows_of_different_age_decode_together(exact: tuple[Path, Reference]) -> None:
    folder, reference = exact
    prompts = [PROMPT, PROMPT[:4], [8, 8, 8]]
    model = InPlace(folder, CONTEXT, rows=3)
    for row, prompt in enumerate(prompts):
        model.append(prompt, row)
    steps = [model.decode([token, token + 1, token + 2]) for token in ANSWER[:-1]]
    for row, prompt in enumerate(prompts):
        answer = [token + row for token in ANSWER[:-1]]
        expected = reference.forced(prompt, [*answer, 0])[1:]
        got = np.stack([step[row] for step in steps])
        assert np.abs(got - expected).max() < EXACT


def test_the_whole_context_can_be_used(exact: tuple[Path, Reference]) -> None:
    folder, reference = exact
    sequence = [3 + position * 7 % 250 for position in range(CONTEXT)]
    model = InPlace(folder, CONTEXT)
    model.append(sequence[:-1])
    expected = reference.logits(sequence)[-1]
    assert np.abs(model.append(sequence[-1:]) - expected).max() < EXACT


def test_separate_past_and_present_work_too(exact: tuple[Path, Reference]) -> None:
    folder, reference = exact
    session = open_session(folder)
    feed = {
        "input_ids": np.array([PROMPT], dtype=np.int64),
        "attention_mask": np.ones((1, len(PROMPT)), dtype=np.int64),
    }
    for layer in range(LAYERS):
        for part in ("key", "value"):
            empty = np.zeros((1, KV_HEADS, 0, HEAD_DIM), dtype=np.float32)
            feed[f"past_key_values.{layer}.{part}"] = empty
    logits, key, *_ = session.run(["logits", "present.0.key"], feed)
    assert key.shape == (1, KV_HEADS, len(PROMPT), HEAD_DIM)
    assert np.abs(logits[0, 0] - reference.logits(PROMPT)[-1]).max() < EXACT


def test_inputs_and_outputs_are_those_of_the_contract(exact: tuple[Path, Reference]) -> None:
    session = open_session(exact[0])
    caches = [f"{layer}.{part}" for layer in range(LAYERS) for part in ("key", "value")]
    inputs = {port.name: (port.type, port.shape) for port in session.get_inputs()}
    outputs = {port.name: (port.type, port.shape) for port in session.get_outputs()}
    cache = ["batch", KV_HEADS, "past", HEAD_DIM]
    assert inputs == {
        "input_ids": ("tensor(int64)", ["batch", "seq"]),
        "attention_mask": ("tensor(int64)", ["batch", "total"]),
        **{f"past_key_values.{name}": ("tensor(float)", cache) for name in caches},
    }
    cache = ["batch", KV_HEADS, "present", HEAD_DIM]
    assert outputs == {
        "logits": ("tensor(float)", ["batch", 1, len(tokens())]),
        **{f"present.{name}": ("tensor(float)", cache) for name in caches},
    }


def test_nodes_are_fused(exact: tuple[Path, Reference]) -> None:
    graph = onnx.load(exact[0] / "model.onnx", load_external_data=False).graph
    count = [node.op_type for node in graph.node].count
    assert count("MatMulNBits") == 4 * LAYERS + 1
    assert count("GroupQueryAttention") == LAYERS
    assert count("SkipSimplifiedLayerNormalization") == 2 * LAYERS
    assert count("RMSNormalization") == 1
    attention = next(node for node in graph.node if node.op_type == "GroupQueryAttention")
    fields = {field.name: onnx.helper.get_attribute_value(field) for field in attention.attribute}
    assert fields["do_rotary"] == 1
    assert fields["scale"] == HEAD_DIM**-0.5


def test_a_tied_embedding_is_stored_once(exact: tuple[Path, Reference]) -> None:
    graph = onnx.load(exact[0] / "model.onnx", load_external_data=False).graph
    places = {
        tensor.name: {item.key: item.value for item in tensor.external_data}
        for tensor in graph.initializer
        if tensor.name.startswith("embedding")
    }
    assert places["embedding"] == places["embedding.rows"]
