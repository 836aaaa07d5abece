"""The element type of activations, of the cache and of all that is not quantised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from onnx import TensorProto

DtypeName: TypeAlias = Literal["f32", "f16"]


@dataclass(frozen=True)
class Precision:
    """One of the two types that a graph computes in.

    Attributes:
        name: As in `hearth.json`.
        element: Of ONNX tensors.
        dtype: Of numpy arrays.
    """

    name: DtypeName
    element: int
    dtype: npt.DTypeLike

    def cast(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return `values` in this type; what is beyond its range becomes the largest number."""
        limits = np.finfo(np.dtype(self.dtype))
        return np.asarray(np.clip(values, limits.min, limits.max), dtype=self.dtype)


PRECISIONS: dict[DtypeName, Precision] = {
    "f32": Precision("f32", TensorProto.FLOAT, np.float32),
    "f16": Precision("f16", TensorProto.FLOAT16, np.float16),
}
