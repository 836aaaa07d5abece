"""Values that nobody vouches for, asked for by key and type."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from gpu_peer.models.errors import SourceDamaged


class TypedValues(ABC):
    """Values by key from the file `path`; every wrong type is a `SourceDamaged`."""

    path: Path

    @abstractmethod
    def _find(self, key: str) -> Any:
        """Return the value at `key`, None where there is none."""

    def integer(self, key: str, default: int | None = None) -> int:
        """Return a whole number; `default` where there is none."""
        value = self._value(key, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._wrong_type(key, "a whole number")
        return value

    def number(self, key: str, default: float | None = None) -> float:
        """Return a finite number; `default` where there is none."""
        value = self._value(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong_type(key, "a number")
        if not math.isfinite(value):
            raise self._wrong_type(key, "finite")
        return float(value)

    def flag(self, key: str, default: bool | None = None) -> bool:
        """Return true or false; `default` where there is neither."""
        value = self._value(key, default)
        if not isinstance(value, bool):
            raise self._wrong_type(key, "true or false")
        return value

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text; `default` where there is none."""
        value = self._value(key, default)
        if not isinstance(value, str):
            raise self._wrong_type(key, "a text")
        return value

    def _value(self, key: str, default: Any) -> Any:
        value = self._find(key)
        if value is None:
            value = default
        if value is None:
            raise SourceDamaged(self.path, f"{key} is missing")
        return value

    def _wrong_type(self, key: str, expected: str) -> SourceDamaged:
        return SourceDamaged(self.path, f"{key} is not {expected}")
