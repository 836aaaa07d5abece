"""What TensorRT does not refuse in a graph, but ends the process over."""

from pathlib import Path

import onnx
from google.protobuf.message import DecodeError

BITS = 4
"""The only ones that the plugin for MatMulNBits takes; it asserts that."""


def fatal_node(graph: Path) -> str | None:
    """Name a node that would end the process; None where there is none, or no graph to read."""
    try:
        nodes = onnx.load(graph, load_external_data=False).graph.node
    except (OSError, DecodeError):
        return None  # whoever loads it says what is wrong with it
    for node in nodes:
        if node.op_type == "MatMulNBits":
            bits = next((field.i for field in node.attribute if field.name == "bits"), BITS)
            if bits != BITS:
                return str(node.name)
    return None
