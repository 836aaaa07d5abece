"""Signatures are verified strictly, and alike in both languages; this is Python's side."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_peer.trust import keys
from tests.gpu_peer.support.trust import VECTORS

TOLD = json.loads(VECTORS.read_text("utf-8"))


def named(cases: list[dict[str, Any]]) -> list[Any]:
    return [pytest.param(case, id=case["name"]) for case in cases]


@pytest.mark.parametrize("case", named(TOLD["signatures"]))
def test_verdicts(case: dict[str, Any]) -> None:
    key, signature, data = (bytes.fromhex(case[name]) for name in ("key", "signature", "data"))
    assert keys.verify(key, signature, data) is case["valid"]


@pytest.mark.parametrize("case", named(TOLD["transcripts"]))
def test_both_signatures_of_a_transcript_and_none_with_a_flipped_bit(case: dict[str, Any]) -> None:
    for role in ("home", "device"):
        key = bytes.fromhex(case["fields"][f"{role}_key"])
        signature, data = bytes.fromhex(case[f"{role}_signature"]), bytes.fromhex(case[role])
        assert keys.verify(key, signature, data)
        for place in range(len(data)):
            for bit in range(8):
                changed = data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]
                assert not keys.verify(key, signature, changed), (place, bit)
        for place in range(len(signature)):
            changed = signature[:place] + bytes([signature[place] ^ 4]) + signature[place + 1 :]
            assert not keys.verify(key, changed, data), place


@given(st.binary(max_size=70), st.binary(max_size=70), st.binary(max_size=9))
def test_no_bytes_are_an_error(key: bytes, signature: bytes, data: bytes) -> None:
    assert keys.verify(key, signature, data) is False


@given(st.binary(min_size=64, max_size=64), st.binary(min_size=64, max_size=64))
def test_no_point_is_an_error(point: bytes, signature: bytes) -> None:
    assert keys.verify(b"\x04" + point, signature, b"") is False
    assert keys.verify(point[:32], signature, b"") is False


def test_the_weak_points_are_those_whose_order_divides_eight() -> None:
    prime = 2**255 - 19
    d = -121665 * pow(121666, -1, prime) % prime

    def add(p: tuple[int, int], q: tuple[int, int]) -> tuple[int, int]:
        product = d * p[0] * q[0] * p[1] * q[1] % prime
        x = (p[0] * q[1] + p[1] * q[0]) * pow(1 + product, -1, prime)
        y = (p[1] * q[1] + p[0] * q[0]) * pow(1 - product, -1, prime)
        return x % prime, y % prime

    def root(square: int) -> int | None:
        for factor in (1, pow(2, (prime - 1) // 4, prime)):
            x = pow(square, (prime + 3) // 8, prime) * factor % prime
            if x * x % prime == square:
                return x
        return None

    points = set()
    for y in keys._SMALL_ORDER_Y:
        x = root((y * y - 1) * pow(d * y * y + 1, -1, prime) % prime)
        assert x is not None, "on the curve"
        for point in ((x, y), (-x % prime, y)):
            twice = add(point, point)
            four = add(twice, twice)
            assert add(four, four) == (0, 1)
            points.add(point)
    assert len(points) == 8, "all of them"
