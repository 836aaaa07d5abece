"""What every message has in common."""

import re
from typing import Annotated

import msgspec

from protocol import limits


def snake_case(name: str) -> str:
    """Give the `type` a struct travels under: `AnswerBegun` becomes `answer_begun`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A value inside a message.

    Subclasses say `frozen` and `kw_only` again: msgspec hands neither on to a type checker.
    """


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=snake_case):
    """A value that travels alone and names itself in its key `type`."""


Id = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$(?!\n)"
    ),
]
"""A UUIDv7 (RFC 9562, section 5.7) in lower case. Whoever makes the thing makes its id.

In Python `$` also matches before a last line break, in JavaScript it does not: hence the lookahead.
"""

Count = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
"""A whole number that JavaScript holds exactly."""

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=limits.TEXT_CHARS)]
Title = Annotated[str, msgspec.Meta(min_length=1, max_length=limits.TITLE_CHARS)]
Folder = Annotated[str, msgspec.Meta(min_length=1, max_length=limits.FOLDER_CHARS)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
