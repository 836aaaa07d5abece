"""Hostile checkpoints: read, or refused in a sentence, for little memory and time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gpu_peer.models.checkpoint_source import CheckpointSource
from gpu_peer.models.errors import SourceDamaged
from gpu_peer.models.export import export_model
from gpu_peer.models.safetensors_file import MAX_HEADER_BYTES, SafetensorsFile
from tests.gpu_peer.models.bounded import read_or_refused
from tests.gpu_peer.models.checkpoint import CONFIGS, framed, twin_of, write_checkpoint, write_json
from tests.gpu_peer.models.tiny import write_tiny

HUGE = [-1, 0, 1, 2, 8, 2**31, 2**32, 10**9, 2**53, 2**63, 2**64 - 1, 10**19]
NUMBERS = st.sampled_from(HUGE) | st.integers(0, 200)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | NUMBERS
    | st.floats()
    | st.text(st.characters(), max_size=8)
    | st.sampled_from(["\ud800", "llama3", "linear", "F32", "BF16", "__metadata__", "\n", 1e308])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=8,
)


def read_file(path: Path) -> None:
    file = SafetensorsFile(path)
    try:
        for name, place in file.tensors.items():
            if place.begin < place.end and place.shape:
                list(file.rows(name, place.shape, 5))
    finally:
        file.close()


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "a.safetensors"


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("checkpoints")
    made = {}
    for family in CONFIGS:
        twin = write_tiny(folder / f"{family}.gguf", family=twin_of(family))
        made[family] = write_checkpoint(folder / family, twin, family)
    return made


def entry(dtype: object, shape: object, begin: object, end: object) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


DATA = np.arange(16, dtype="<f4").tobytes()
SOUND = {"a": entry("F32", [4, 2], 0, 32), "b": entry("F32", [8], 32, 64)}


def test_a_sound_file_is_read(scratch: Path) -> None:
    empty = {"e": entry("F32", [0, 3], 64, 64), "__metadata__": {"format": "pt"}}
    scratch.write_bytes(framed({**SOUND, **empty}, DATA))
    assert read_or_refused(lambda: read_file(scratch)) is None
    file = SafetensorsFile(scratch)
    assert np.concatenate(list(file.rows("b", (8,), 3))).tolist() == [*range(8, 16)]
    file.close()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"\1\0\0", "within its first 8 bytes"),
        (b"\xff" * 8 + b"{}", "a header of 18446744073709551615 bytes in a file of 10"),
        (framed(b"{}", b"")[:-1], "in a file of 9"),
        (framed(b"\xff", b""), "not JSON"),
        (framed(b"{", b""), "not JSON"),
        (framed(b"[]", b""), "not a JSON object"),
        (framed(b'{"a":' * 100_000, b""), "not JSON"),
        (framed(b'{"a":1,"a":1}', b""), "not JSON"),
        (framed(b'{"a":NaN}', b""), "not JSON"),
        (framed(b'{"\\ud800":1}', b""), "not JSON"),
        (framed(b'{"a":' + b"9" * 30 + b"}", b""), "not JSON"),
        (framed({"a": 1}, b""), "a is not an object"),
        (framed({"a": {}}, b""), "dtype is missing"),
        (framed({"a": entry("F32", [4], 0, 16)}, b""), "end at byte"),
        (framed({"a": entry("F32", [4], 0, 16)}, DATA), "end at byte"),
        (framed({**SOUND, "b": entry("F32", [8], 16, 48)}, DATA), "b begins at byte"),
        (framed({**SOUND, "b": entry("F32", [7], 36, 64)}, DATA), "b begins at byte"),
        (framed({**SOUND, "c": entry("F32", [8], 32, 64)}, DATA), "c begins at byte"),
        (framed({"a": entry("F32", [16], 64, 0)}, DATA), "the 64 bytes of its shape"),
        (framed({"a": entry("F32", [17], 0, 64)}, DATA), "the 68 bytes of its shape"),
        (framed({"a": entry("F32", [2**63, 2**63], 0, 0)}, DATA), "too many elements"),
        (framed({"a": entry("F32", [2**32, 2**32, 0], 0, 0)}, b""), ""),
        (framed({"a": entry("F32", [1] * 100_000, 0, 4)}, DATA[:4]), "100000 dimensions"),
        (framed({"a": entry("F32", [-1], 0, 4)}, DATA[:4]), "no whole number"),
        (framed({"a": entry("F32", [1.0], 0, 4)}, DATA[:4]), "no whole number"),
        (framed({"a": entry("F32", [True], 0, 4)}, DATA[:4]), "no whole number"),
        (framed({"a": entry("F4", [8], 0, 4)}, DATA[:4]), "unknown type F4"),
        (framed({"a": {**SOUND["a"], "data_offsets": [0]}}, DATA), "bytes of its shape"),
        (framed({"n" * 300: SOUND["a"]}, DATA[:32]), "a name of 300 characters"),
    ],
)
def test_a_hostile_header_is_named(scratch: Path, content: bytes, why: str) -> None:
    scratch.write_bytes(content)
    refusal = read_or_refused(lambda: read_file(scratch))
    assert (refusal is None) == (not why)
    assert why in (refusal or "")


def test_a_billion_tensors_are_refused_by_the_size_of_the_header(scratch: Path) -> None:
    one = b'"%09d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},'
    text = b"{" + b"".join(one % i for i in range(80_000)) + b'"__metadata__":{}}'
    assert len(text) > MAX_HEADER_BYTES
    scratch.write_bytes(framed(text, b""))
    assert "a header of" in str(read_or_refused(lambda: read_file(scratch)))
    claimed = (60 * 10**9).to_bytes(8, "little") + text
    scratch.write_bytes(claimed)
    assert "a header of 60000000000 bytes in a file" in str(
        read_or_refused(lambda: read_file(scratch))
    )


def test_the_largest_header_takes_bounded_memory(scratch: Path) -> None:
    """Empty objects are what grows most: two characters of text, 72 bytes of memory."""
    scratch.write_bytes(framed(b'{"a":[' + b"{}," * 1_390_000 + b"0]}", b""))
    with pytest.raises(SourceDamaged, match="a is not an object"):
        read_file(scratch)
    scratch.write_bytes(framed(b"[" + b"[]," * 2_000_000 + b"0]", b"")[:MAX_HEADER_BYTES])
    assert read_or_refused(lambda: read_file(scratch)) is not None


@st.composite
def headers(draw: st.DrawFn) -> Any:
    """Headers whose tensors mostly fit, with lies among them."""
    header: dict[str, Any] = {}
    position = 0
    for name in draw(st.lists(st.text(max_size=4), max_size=5, unique=True)):
        shape = draw(st.lists(st.integers(0, 4), max_size=3) | st.lists(NUMBERS, max_size=9))
        dtype, width = draw(st.sampled_from([("F32", 4), ("BF16", 2), ("F16", 2), ("I64", 8)]))
        size = width
        for count in shape:
            size *= count
        end = position + size
        header[name] = entry(dtype, shape, position, end)
        if draw(st.integers(0, 5)) == 0:
            header[name][draw(st.sampled_from(["dtype", "shape", "data_offsets"]))] = draw(JSON)
        if draw(st.integers(0, 5)) == 0:
            header[name]["data_offsets"] = [draw(NUMBERS), draw(NUMBERS)]
        position = end
    if draw(st.booleans()):
        header["__metadata__"] = draw(JSON)
    return header


@given(header=headers(), size=st.integers(0, 64) | st.just(None))
def test_any_header(scratch: Path, header: Any, size: int | None) -> None:
    ends = [item["data_offsets"] for key, item in header.items() if key != "__metadata__"]
    most = max(
        (pair[1] for pair in ends if isinstance(pair, list) and len(pair) == 2 and _small(pair)),
        default=0,
    )
    scratch.write_bytes(framed(header, bytes(most if size is None else size)))
    read_or_refused(lambda: read_file(scratch))


def _small(pair: list[Any]) -> bool:
    return all(type(value) is int and 0 <= value < 10_000 for value in pair)


@given(
    changes=st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.binary(max_size=4), st.integers(0, 9)),
        min_size=1,
        max_size=4,
    )
)
def test_any_change_of_bytes(scratch: Path, changes: list[tuple[float, bytes, int]]) -> None:
    content = bytearray(framed(SOUND, DATA))
    for share, data, removed in changes:
        place = int(share * len(content))
        content[place : place + removed] = data
    scratch.write_bytes(content)
    read_or_refused(lambda: read_file(scratch))


KEYS = sorted({key for config in CONFIGS.values() for key in config})
KEYS += ["hidden_size", "num_hidden_layers", "num_attention_heads", "head_dim", "vocab_size"]
KEYS += ["rope_parameters", "rope_theta", "layer_types", "eos_token_id", "num_key_value_heads"]
KEYS += ["max_position_embeddings", "rms_norm_eps", "sliding_window_pattern", "max_window_layers"]
ROPE = st.dictionaries(
    st.sampled_from(
        [
            "rope_type",
            "rope_theta",
            "factor",
            "low_freq_factor",
            "high_freq_factor",
            "original_max_position_embeddings",
            "full_attention",
            "sliding_attention",
        ]
    ),
    SCALARS | st.sampled_from([1e-300, 1e300, 5, 2**40]),
    max_size=6,
)


@given(
    family=st.sampled_from(sorted(CONFIGS)),
    change=st.dictionaries(st.sampled_from(KEYS), JSON | ROPE, min_size=1, max_size=3),
)
@example(family="llama", change={"rope_theta": 1e308, "rope_scaling": {"type": "linear"}})
@example(family="gemma2", change={"query_pre_attn_scalar": 1e-320})
@example(
    family="llama3",
    change={
        "rope_scaling": {
            "rope_type": "llama3",
            "factor": 1e308,
            "low_freq_factor": 1e-308,
            "high_freq_factor": 1e308,
            "original_max_position_embeddings": 5,
        }
    },
)
def test_any_config(checkpoints: dict[str, Path], family: str, change: dict[str, Any]) -> None:
    folder = checkpoints[family]
    path = folder / "config.json"
    whole = path.read_text(encoding="utf-8")
    try:
        path.write_text(json.dumps({**json.loads(whole), **change}), encoding="utf-8")

        def read() -> None:
            with CheckpointSource(folder):
                pass

        read_or_refused(read)
    finally:
        path.write_text(whole, encoding="utf-8")


@given(
    name=st.sampled_from(
        [
            "tokenizer.json",
            "tokenizer_config.json",
            "generation_config.json",
            "model.safetensors.index.json",
        ]
    ),
    keys=st.lists(
        st.sampled_from(
            [
                "added_tokens",
                "model",
                "decoder",
                "eos_token",
                "bos_token",
                "chat_template",
                "eos_token_id",
                "weight_map",
            ]
        ),
        min_size=1,
        max_size=2,
    ),
    value=JSON | st.dictionaries(st.text(max_size=300), st.text(max_size=300), max_size=2),
)
@example(name="tokenizer.json", keys=["decoder"], value="\ud800")
@example(name="tokenizer_config.json", keys=["chat_template"], value="\udfff")
@example(name="model.safetensors.index.json", keys=["weight_map"], value={"a": "x" * 5000})
@example(
    name="model.safetensors.index.json",
    keys=["weight_map"],
    value={"a": "x" * 5000 + ".safetensors"},
)
def test_any_other_file(
    checkpoints: dict[str, Path],
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    keys: list[str],
    value: Any,
) -> None:
    """To the end: what was read must also be possible to write."""
    folder = checkpoints["llama"]
    path = folder / name
    whole = path.read_text(encoding="utf-8") if path.exists() else None
    made = tmp_path_factory.mktemp("made")
    try:
        content = json.loads(whole or "{}")
        write_raw(path, {**content, **dict.fromkeys(keys, value)})
        read_or_refused(lambda: export_model(folder, made))
    finally:
        path.unlink() if whole is None else path.write_text(whole, encoding="utf-8")


@pytest.mark.parametrize("depth", [10, 300, 900, 990, 5_000])
def test_nesting_is_copied_or_refused(
    checkpoints: dict[str, Path], tmp_path: Path, depth: int
) -> None:
    path = checkpoints["qwen2"] / "tokenizer.json"
    whole = path.read_text(encoding="utf-8")
    try:
        inner = '{"a":[' * (depth // 2) + "]}" * (depth // 2)
        path.write_text(f'{{"x":{inner},{whole[1:]}', encoding="utf-8")
        refusal = read_or_refused(lambda: export_model(checkpoints["qwen2"], tmp_path))
        assert (refusal is None) == (depth < 990)
    finally:
        path.write_text(whole, encoding="utf-8")


def write_raw(path: Path, content: Any) -> None:
    """As JSON in ASCII, which can say what UTF-8 cannot."""
    path.write_text(json.dumps(content), encoding="utf-8")


def test_a_very_long_name_is_a_sentence(checkpoints: dict[str, Path], tmp_path: Path) -> None:
    write_json(tmp_path / "config.json", {})
    index = {"weight_map": {"a": "x" * 5_000 + ".safetensors"}}
    write_json(tmp_path / "model.safetensors.index.json", index)
    refusal = read_or_refused(lambda: CheckpointSource(tmp_path))
    assert refusal is not None
