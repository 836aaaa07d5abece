"""Reads a JSON file that nobody vouches for, into values whose types are asked for by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Never

from gpu_peer.models.errors import SourceDamaged, system_errors
from gpu_peer.models.typed_values import TypedValues

_LONGEST_INTEGER = 40  # characters; transformers writes 10 ** 30 where it means no limit
_MOST_CONTAINERS = 2_000_000  # a byte or two of text make an empty one, which takes 72 in memory


class JsonObject(TypedValues):
    """The object in `path`, or one inside of it. What is null counts as absent."""

    def __init__(self, path: Path, content: dict[str, Any]) -> None:
        """Wrap `content`, which came from `path` (named in errors)."""
        self.path = path
        self.content = content

    def __contains__(self, key: str) -> bool:
        """Whether `key` is there and not null."""
        return self.content.get(key) is not None

    def items(self, key: str) -> list[Any]:
        """Return a list."""
        value = self._value(key, None)
        if not isinstance(value, list):
            raise self._wrong_type(key, "a list")
        return value

    def inner(self, key: str) -> JsonObject:
        """Return the object at `key`; an empty one where the key is absent or null."""
        value = self._value(key, {})
        if not isinstance(value, dict):
            raise self._wrong_type(key, "an object")
        return JsonObject(self.path, value)

    def _find(self, key: str) -> Any:
        return self.content.get(key)


def read_json(path: Path, limit: int) -> JsonObject:
    """Return the object in the file `path`, of at most `limit` bytes.

    Raises:
        SourceDamaged: It is missing, too large, or is not a JSON object.
        StorageFailed: The system refused to read it.
    """
    if not path.is_file():
        raise SourceDamaged(path, "the file is missing")
    return parse_json(path, read_bytes(path, limit))


def read_bytes(path: Path, limit: int) -> bytes:
    """Return the content of the file `path`, of at most `limit` bytes.

    Raises:
        SourceDamaged: It is larger.
        StorageFailed: The system refused to read it.
    """
    with system_errors(path), path.open("rb") as file:
        # Asking for the limit would allocate the limit.
        data = file.read(min(limit, path.stat().st_size) + 1)
    if len(data) > limit:
        raise SourceDamaged(path, f"it is larger than {limit} bytes")
    return data


def parse_json(path: Path, data: bytes) -> JsonObject:
    """Return the object that `data`, read from `path`, is as JSON in UTF-8 (RFC 8259).

    Stricter than the standard: no key twice, no endless integer, and only what can be written
    again: no half of a surrogate pair, no nesting that exhausts the stack.

    Raises:
        SourceDamaged: It is something else.
    """
    if data.count(b"[") + data.count(b"{") > _MOST_CONTAINERS:
        raise SourceDamaged(path, f"it has more than {_MOST_CONTAINERS} objects and lists")
    try:
        content = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_without_repetition,
            parse_int=_integer,
            parse_constant=_no_constant,
        )
        json.dumps(content, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise SourceDamaged(path, "it is not JSON") from error
    if not isinstance(content, dict):
        raise SourceDamaged(path, "it is not a JSON object")
    return JsonObject(path, content)


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("a key is given twice")
    return content


def _integer(digits: str) -> int:
    if len(digits) > _LONGEST_INTEGER:
        raise ValueError(f"an integer of {len(digits)} digits")
    return int(digits)


def _no_constant(name: str) -> Never:
    raise ValueError(f"{name} is not JSON")
