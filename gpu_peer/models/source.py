"""What the exporter asks of a model, whatever files it comes in.

Tensors go by the names of GGUF files. What a kind of file keeps in another way (the order of rows
that rotations mix, norms less one) its source puts right, so that nothing after it knows.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Self

from gpu_peer.models.config import NetworkConfig
from gpu_peer.models.quantize import Float32Array, QuantizedMatrix, WeightFormat
from gpu_peer.models.tokenizer import Tokenizer

ROWS_AT_ONCE = 4_096  # an embedding of 262,144 tokens would take gigabytes as float32


class Source(ABC):
    """An open model whose header has been checked. A context manager.

    Attributes:
        path: The file or folder, named in errors.
        config: Sizes and features of the network.
        tokenizer: The tokenizer and what belongs to it.
    """

    path: Path
    config: NetworkConfig
    tokenizer: Tokenizer

    def __enter__(self) -> Self:
        """Return self."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the files."""
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Close the files."""

    @abstractmethod
    def tensor(self, name: str, shape: tuple[int, ...]) -> Float32Array:
        """Return tensor `name` of exactly `shape`, as the graph computes with it.

        Raises:
            SourceDamaged: It holds values that are not finite.
        """

    @abstractmethod
    def matrix(
        self, name: str, rows: int, columns: int, weight_format: WeightFormat
    ) -> QuantizedMatrix:
        """Return matrix `name` [rows, columns] in `weight_format`.

        The rows of queries and keys are those of rotations that mix row i of a head with row
        i + head_dim / 2. `stored` and `offset4` keep what the file has in a form that they can
        hold, bit for bit, and are int8 for all else.

        Raises:
            SourceDamaged: It holds values that are not finite.
        """
