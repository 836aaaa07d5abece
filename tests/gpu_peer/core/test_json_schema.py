"""Answers that follow a JSON Schema, with a real model and its vocabulary."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gpu_peer import _rust_trt as core
from gpu_peer.rust_engine import runtime_library
from tests.gpu_peer.support.generations import answer, drain, user

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 20},
        "age": {"type": "integer", "minimum": 0, "maximum": 130},
        "friends": {
            "type": "array",
            "items": {"type": "string", "maxLength": 10},
            "maxItems": 3,
        },
    },
    "required": ["name", "age", "friends"],
    "additionalProperties": False,
}
QUESTION = user("Describe a person, as JSON.")


@pytest.fixture(scope="module")
def engine(model_folder: Path) -> Iterator[core.Engine]:
    with core.Engine.load(
        model_folder, library=runtime_library(), threads=2, context_length=1024, max_active=4
    ) as engine:
        yield engine


@pytest.mark.parametrize("schema", [PERSON, json.dumps(PERSON)])
def test_an_answer_follows_its_schema(engine: core.Engine, schema: Any) -> None:
    text, end = answer(engine, QUESTION, core.Sampling(max_tokens=300, json_schema=schema))
    assert end.reason == "stop"
    jsonschema.validate(json.loads(text), PERSON)


def test_a_seed_gives_the_same_guided_answer_whatever_runs_beside(engine: core.Engine) -> None:
    seeded = core.Sampling(max_tokens=300, temperature=1.0, seed=5, json_schema=PERSON)
    alone, _ = answer(engine, QUESTION, seeded)
    engine.submit("seeded", QUESTION, seeded)
    engine.submit("other", user("Count to ten."), core.Sampling(max_tokens=30))
    assert drain(engine, "seeded", "other")["seeded"][0] == alone


_LEAVES = st.one_of(
    st.tuples(st.integers(-999, 999), st.integers(0, 999)).map(
        lambda of: {"type": "integer", "minimum": of[0], "maximum": sum(of)}
    ),
    st.tuples(st.integers(0, 4), st.integers(0, 12)).map(
        lambda of: {"type": "string", "minLength": of[0], "maxLength": sum(of)}
    ),
    st.sampled_from(
        [
            {"type": "boolean"},
            {"type": "null"},
            {"enum": ["да", "нет", 3]},
            {"const": {"a": [1, None]}},
            {"type": "string", "pattern": "^[a-f]{2,6}$"},
            {"type": "integer", "multipleOf": 7, "minimum": 0, "maximum": 10_000},
            {"anyOf": [{"type": "boolean"}, {"type": "string", "maxLength": 3}]},
        ]
    ),
)
SCHEMAS = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        inner.map(lambda items: {"type": "array", "items": items, "maxItems": 2}),
        st.dictionaries(st.text("abж", min_size=1, max_size=3), inner, max_size=3).map(
            lambda properties: {
                "type": "object",
                "properties": properties,
                "required": sorted(properties)[:2],
                "additionalProperties": False,
            }
        ),
    ),
    max_leaves=4,
)


@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(schema=SCHEMAS, seed=st.integers(0, 2**64 - 1))
def test_whatever_is_drawn_is_what_the_schema_describes(
    engine: core.Engine, schema: dict[str, Any], seed: int
) -> None:
    """At this temperature every token that may follow is nearly as likely as any other."""
    random = core.Sampling(max_tokens=400, temperature=100.0, seed=seed, json_schema=schema)
    text, end = answer(engine, QUESTION, random)
    assert end.reason == "stop", text
    jsonschema.validate(json.loads(text), schema)


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ("{", "not valid JSON"),
        ("[]", "JSON object"),
        ("\udc80", "text"),
        ({"pattern": object()}, "JSON object"),
        ({"minItems": 10**9}, "at most 10000"),
        ({"multipleOf": 1234567}, "multipleOf"),
    ],
)
def test_what_is_no_schema_is_refused_at_once(schema: Any, reason: str) -> None:
    with pytest.raises(core.InvalidSampling, match=f"'json_schema'.*{reason}") as caught:
        core.Sampling(json_schema=schema)
    assert caught.value.code == "invalid_sampling"


@pytest.mark.parametrize(
    "schema", [{"not": {}}, {"type": "text"}, {"$ref": "#"}, {"allOf": [False]}]
)
def test_a_schema_that_cannot_be_enforced_is_refused(
    engine: core.Engine, schema: dict[str, Any]
) -> None:
    with pytest.raises(core.InvalidSampling, match=r"'json_schema'.*cannot be enforced"):
        engine.submit("refused", QUESTION, core.Sampling(json_schema=schema))
    # Nothing was begun under this id.
    engine.submit("refused", QUESTION, core.Sampling(max_tokens=1))
    drain(engine, "refused")
