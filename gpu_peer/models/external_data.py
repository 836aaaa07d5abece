"""Which files beside itself a graph reads its weights from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError

from gpu_peer.models.errors import FolderDamaged, system_errors


def external_files(model: Path) -> set[str]:
    """Return the locations of external data in the graph `model`, as written there.

    Raises:
        FolderDamaged: The file is not an ONNX graph.
        StorageFailed: The file cannot be read.
    """
    try:
        with system_errors(model):
            graph = onnx.load(model, load_external_data=False)
    except DecodeError as error:
        raise FolderDamaged(model.parent, f"{model.name} is not an ONNX graph") from error
    nodes = (node for function in graph.functions for node in function.node)
    tensors = (*_tensors_of_graph(graph.graph), *_tensors_of_nodes(nodes))
    entries = (entry for tensor in tensors for entry in tensor.external_data)
    return {entry.value for entry in entries if entry.key == "location"}


def _tensors_of_graph(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    yield from _tensors_of_nodes(graph.node)


def _tensors_of_nodes(nodes: Iterable[onnx.NodeProto]) -> Iterator[onnx.TensorProto]:
    for node in nodes:
        for field in node.attribute:
            yield from (field.t, *field.tensors)
            for sparse in (field.sparse_tensor, *field.sparse_tensors):
                yield from (sparse.values, sparse.indices)
            for inner in (field.g, *field.graphs):
                yield from _tensors_of_graph(inner)
