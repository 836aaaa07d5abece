"""Checks the inputs and outputs of a graph that another converter made, and reads its sizes there.

The rules are those by which the core takes a graph (`rust_trt/src/graph.rs`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError
from onnx import TensorProto

from gpu_peer.models.errors import SourceUnsupported, system_errors

_TEXT_INPUTS = ("input_ids", "attention_mask", "position_ids")  # the last one may be absent
_PARTS = ("key", "value")


@dataclass(frozen=True)
class GraphSizes:
    """What `hearth.json` must say of a graph.

    Attributes:
        vocab: Width of the logits.
        layers: Number of key/value caches.
        kv_heads: Heads of each cache.
        head_dim: Width of a head.
    """

    vocab: int
    layers: int
    kv_heads: int
    head_dim: int


def read_sizes(model: Path, source: Path) -> GraphSizes:
    """Return the sizes of the graph `model`, converted from `source`, which errors name.

    Raises:
        SourceUnsupported: It is no graph that the engine runs; the text says why.
        StorageFailed: The file cannot be read.
    """
    try:
        with system_errors(model):
            graph = onnx.load(model, load_external_data=False).graph
    except DecodeError as error:
        raise SourceUnsupported(source, "the converter wrote no ONNX graph") from error
    inputs = {port.name: _port(port) for port in graph.input}
    outputs = {port.name: _port(port) for port in graph.output}
    layers = sum(name.startswith("past_key_values.") for name in inputs) // len(_PARTS)
    first = inputs.get("past_key_values.0.key")
    logits = outputs.get("logits")
    if first is None or logits is None:
        missing = "input past_key_values.0.key" if first is None else "output logits"
        raise SourceUnsupported(source, f"its graph has no {missing}, so it is no chat model")
    cache = (TensorProto.FLOAT, 4, first.heads, first.width)
    names = [f"{layer}.{part}" for layer in range(layers) for part in _PARTS]
    text = dict.fromkeys(_TEXT_INPUTS, (TensorProto.INT64, 2))
    _compare(source, "input", inputs, text | {f"past_key_values.{name}": cache for name in names})
    wanted = {f"present.{name}": cache for name in names}
    _compare(source, "output", outputs, wanted | {"logits": (TensorProto.FLOAT, 3)})
    in_place = sum(node.op_type == "GroupQueryAttention" for node in graph.node)
    if in_place != layers:
        raise SourceUnsupported(source, f"{in_place} of its {layers} caches stay in one place")
    sizes = GraphSizes(logits.width, layers, first.heads, first.width)
    if min(sizes.vocab, sizes.kv_heads, sizes.head_dim) < 1:
        raise SourceUnsupported(source, "its graph does not fix the sizes of its cache or logits")
    return sizes


@dataclass(frozen=True)
class _Port:
    element: int
    shape: tuple[int, ...]  # 0 where a dimension is not fixed

    @property
    def heads(self) -> int:
        return self.shape[1] if len(self.shape) == 4 else 0

    @property
    def width(self) -> int:
        return self.shape[-1] if self.shape else 0


def _port(value: onnx.ValueInfoProto) -> _Port:
    tensor = value.type.tensor_type
    return _Port(tensor.elem_type, tuple(size.dim_value for size in tensor.shape.dim))


def _compare(
    source: Path, side: str, ports: dict[str, _Port], wanted: dict[str, tuple[int, ...]]
) -> None:
    """Compare names, element types, ranks and, for caches, heads and width."""
    extra, missing = sorted(ports.keys() - wanted.keys()), sorted(wanted.keys() - ports.keys())
    if extra:
        raise SourceUnsupported(source, f"its graph has an unknown {side} {extra[0]}")
    if missing and missing != ["position_ids"]:
        raise SourceUnsupported(source, f"its graph lacks the {side} {missing[0]}")
    for name, port in ports.items():
        found = (port.element, len(port.shape), port.heads, port.width)
        if found[: len(wanted[name])] != wanted[name]:
            raise SourceUnsupported(source, f"the {side} {name} of its graph is of another kind")
