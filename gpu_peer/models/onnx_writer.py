"""Writes an ONNX graph node by node, with its weights in one external data file.

Weights go to disk as they come, so that memory holds one matrix at a time; a tensor may be declared
twice over the same bytes with two shapes (the embedding and the tied output matrix).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

MODEL_FILE = "model.onnx"
DATA_FILE = "model.onnx.data"
OPSET = 23  # the first with RMSNormalization
MICROSOFT = "com.microsoft"

_INLINE_BYTES = 4_096  # shape inference reads small constants, so they stay in the graph
_ALIGNMENT = 4_096
_BIG_ALIGNMENT = 65_536  # what Windows maps; only worth its padding for big tensors
_BIG_BYTES = 1 << 20


@dataclass(frozen=True)
class StoredWeight:
    """A weight in the data file that may be declared again under another shape.

    Attributes:
        name: Of the initializer.
        data_type: ONNX element type.
        offset: Bytes from the start of the data file.
        size: Bytes.
    """

    name: str
    data_type: int
    offset: int
    size: int


class OnnxWriter:
    """A graph under construction in `folder`. A context manager: closes the data file."""

    def __init__(self, folder: Path) -> None:
        """Create the data file in `folder`, which must exist."""
        self._folder = folder
        self._data = (folder / DATA_FILE).open("wb")
        self._nodes: list[onnx.NodeProto] = []
        self._initializers: list[onnx.TensorProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []

    def __enter__(self) -> Self:
        """Return self."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the data file."""
        self._data.close()

    def declare_input(self, name: str, data_type: int, shape: list[str | int]) -> str:
        """Add a graph input and return its name."""
        self._inputs.append(helper.make_tensor_value_info(name, data_type, shape))
        return name

    def declare_output(self, name: str, data_type: int, shape: list[str | int]) -> str:
        """Add a graph output, which a node must produce, and return its name."""
        self._outputs.append(helper.make_tensor_value_info(name, data_type, shape))
        return name

    def node(
        self, operator: str, inputs: list[str], outputs: list[str], domain: str = "", **fields: Any
    ) -> str:
        """Add a node named after its first output and return that output."""
        self._nodes.append(
            helper.make_node(
                operator, inputs, outputs, name=f"{outputs[0]}/{operator}", domain=domain, **fields
            )
        )
        return outputs[0]

    def constant(self, name: str, values: npt.NDArray[Any]) -> str:
        """Add a small initializer inside the graph file and return its name."""
        self._initializers.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def weight(self, name: str, values: npt.NDArray[Any]) -> StoredWeight:
        """Append `values` to the data file as initializer `name`."""
        data_type = helper.np_dtype_to_tensor_dtype(values.dtype)
        raw = np.ascontiguousarray(values)
        if raw.nbytes <= _INLINE_BYTES:
            self.constant(name, raw)
            return StoredWeight(name, data_type, -1, raw.nbytes)
        alignment = _BIG_ALIGNMENT if raw.nbytes >= _BIG_BYTES else _ALIGNMENT
        self._data.write(bytes(-self._data.tell() % alignment))
        stored = StoredWeight(name, data_type, self._data.tell(), raw.nbytes)
        self._data.write(raw.data)
        self._declare(stored, name, values.shape)
        return stored

    def view(self, stored: StoredWeight, name: str, shape: tuple[int, ...]) -> str:
        """Declare the bytes of `stored` once more, as initializer `name` of `shape`."""
        if stored.offset < 0:
            raise ValueError(f"{stored.name} lies inside the graph and cannot be shared")
        self._declare(stored, name, shape)
        return name

    def _declare(self, stored: StoredWeight, name: str, shape: tuple[int, ...]) -> None:
        tensor = TensorProto(name=name, data_type=stored.data_type, dims=shape)
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (
            ("location", DATA_FILE),
            ("offset", str(stored.offset)),
            ("length", str(stored.size)),
        ):
            tensor.external_data.add(key=key, value=value)
        self._initializers.append(tensor)

    def save(self, graph_name: str, producer: str, version: int) -> None:
        """Write the graph file."""
        graph = helper.make_graph(
            self._nodes, graph_name, self._inputs, self._outputs, self._initializers
        )
        model = helper.make_model(
            graph,
            producer_name=producer,
            producer_version=str(version),
            opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)],
            ir_version=11,
        )
        (self._folder / MODEL_FILE).write_bytes(model.SerializeToString(deterministic=True))
