"""Both languages are held to the same transcripts, ids, codes and MACs; this is Python's side."""

import json
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import trust_vectors

from protocol import base64url, crockford
from protocol.transcript import (
    Purpose,
    Transcript,
    commitment,
    key_id,
    length_prefixed,
    loopback_fingerprint,
    mac,
)

PATH = Path(__file__).parents[2] / "protocol" / "vectors" / "trust.json"
VECTORS = json.loads(PATH.read_text("utf-8"))
TRANSCRIPTS = [pytest.param(case, id=case["name"]) for case in VECTORS["transcripts"]]


def transcript_of(told: dict[str, Any]) -> Transcript:
    values = {
        name: bytes.fromhex(v) for name, v in told.items() if name not in ("purpose", "version")
    }
    return Transcript(purpose=Purpose(told["purpose"]), version=told["version"], **values)


def flipped(transcript: Transcript) -> Iterator[tuple[str, Transcript]]:
    """The transcript with each bit of each field flipped, one at a time."""
    for purpose in set(Purpose) - {transcript.purpose}:
        yield "purpose", replace(transcript, purpose=purpose)
    for bit in range(16):
        yield "version", replace(transcript, version=transcript.version ^ 1 << bit)
    for field in fields(transcript)[2:]:
        value: bytes = getattr(transcript, field.name)
        for bit in range(len(value) * 8):
            changed = (int.from_bytes(value, "big") ^ 1 << bit).to_bytes(len(value), "big")
            yield field.name, replace(transcript, **{field.name: changed})


def test_the_vectors_are_what_the_generator_makes() -> None:
    assert PATH.read_text("utf-8") == trust_vectors.render()


@pytest.mark.parametrize("case", TRANSCRIPTS)
def test_transcripts_codes_and_macs(case: dict[str, Any]) -> None:
    transcript = transcript_of(case["fields"])
    nonce, secret = bytes.fromhex(case["device_nonce"]), bytes.fromhex(case["secret"])
    assert transcript.of("home").hex() == case["home"]
    assert transcript.of("device").hex() == case["device"]
    assert transcript.code_input(nonce).hex() == case["code_input"]
    assert transcript.code(nonce) == case["code"]
    assert commitment(transcript.device_key, nonce) == transcript.commitment
    assert mac(secret, transcript.of("home")).hex() == case["home_mac"]
    assert mac(secret, transcript.of("device")).hex() == case["device_mac"]


@pytest.mark.parametrize("case", TRANSCRIPTS)
def test_a_flipped_bit_in_any_field_changes_transcripts_macs_and_codes(
    case: dict[str, Any],
) -> None:
    transcript = transcript_of(case["fields"])
    nonce, secret = bytes.fromhex(case["device_nonce"]), bytes.fromhex(case["secret"])
    seen = set()
    for name, other in flipped(transcript):
        seen.add(name)
        assert mac(secret, other.of("home")).hex() != case["home_mac"], name
        assert mac(secret, other.of("device")).hex() != case["device_mac"], name
        assert other.code(nonce) != case["code"], name
    assert seen == {field.name for field in fields(transcript)}
    for bit in range(len(nonce) * 8):
        other_nonce = (int.from_bytes(nonce, "big") ^ 1 << bit).to_bytes(32, "big")
        assert transcript.code(other_nonce) != case["code"]
        assert commitment(transcript.device_key, other_nonce) != transcript.commitment


def test_no_two_purposes_or_roles_share_a_byte_string() -> None:
    transcript = transcript_of(VECTORS["transcripts"][0]["fields"])
    made = [
        said
        for purpose in Purpose
        for other in [replace(transcript, purpose=purpose)]
        for said in (other.of("home"), other.of("device"), other.code_input(b""))
    ]
    assert len(set(made)) == len(made) == 9


def test_fields_cannot_be_moved_into_each_other() -> None:
    assert length_prefixed(b"ab", b"c") != length_prefixed(b"a", b"bc") != length_prefixed(b"abc")
    assert length_prefixed(b"ab", b"").hex() == "000261620000"


@pytest.mark.parametrize("case", VECTORS["loopback"])
def test_the_fingerprint_of_the_loopback_socket(case: dict[str, Any]) -> None:
    assert loopback_fingerprint(case["role"], case["port"]).hex() == case["fingerprint"]


@pytest.mark.parametrize("case", VECTORS["ids"], ids=lambda case: str(case["name"]))
def test_ids(case: dict[str, str]) -> None:
    assert key_id(bytes.fromhex(case["key"])) == case["id"]


@pytest.mark.parametrize("case", VECTORS["typed"], ids=lambda case: ascii(case["text"]))
def test_what_people_type(case: dict[str, Any]) -> None:
    read = crockford.from_text(case["text"], 10)
    assert (read.hex() if read is not None else None) == case["bytes"]
    if read is not None:
        assert crockford.from_text(crockford.to_text(read), 10) == read


@pytest.mark.parametrize("case", VECTORS["base64url"], ids=lambda case: str(case["text"]))
def test_bytes_in_json(case: dict[str, str]) -> None:
    assert base64url.to_text(bytes.fromhex(case["bytes"])) == case["text"]
    assert base64url.from_text(case["text"]).hex() == case["bytes"]
