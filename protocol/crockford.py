"""Bytes as people read and type them: Crockford's base32, in groups of four.

Five bytes are eight characters. Letters that look like digits are read as those digits.
"""

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_GROUP = 4
_LOOK_ALIKES = str.maketrans({"I": "1", "L": "1", "O": "0", "-": None, " ": None})


def to_text(data: bytes) -> str:
    """Give the characters of a whole number of five bytes, such as `7ZRA-0W4K`."""
    value, count = int.from_bytes(data, "big"), len(data) * 8 // 5
    text = "".join(ALPHABET[value >> 5 * place & 31] for place in reversed(range(count)))
    return "-".join(text[start : start + _GROUP] for start in range(0, count, _GROUP))


def from_text(text: str, length: int) -> bytes | None:
    """Read what a person typed as `length` bytes; None when it cannot be that."""
    # Not `upper` alone: it turns some letters of other alphabets into these.
    typed = text.upper().translate(_LOOK_ALIKES) if text.isascii() else ""
    if len(typed) != length * 8 // 5 or not set(typed) <= set(ALPHABET):
        return None
    value = 0
    for character in typed:
        value = value << 5 | ALPHABET.index(character)
    return value.to_bytes(length, "big")
