"""Takes over the tokenizer and the chat template of a Hugging Face checkpoint.

`tokenizer.json` stays as it is, but for tokens that the network has no row for (Gemma 3 lists one
for pictures).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gpu_peer.models.errors import SourceDamaged, SourceUnsupported
from gpu_peer.models.json_file import JsonObject, read_bytes, read_json
from gpu_peer.models.tokenizer import Tokenizer, ends

TOKENIZER_FILE = "tokenizer.json"
SETTINGS_FILE = "tokenizer_config.json"
GENERATION_FILE = "generation_config.json"
TEMPLATE_FILE = "chat_template.jinja"

MAX_TOKENIZER_BYTES = 64 << 20
MAX_SETTINGS_BYTES = 16 << 20  # older ones list every added token here as well
MAX_TEMPLATE_BYTES = 1 << 20


def read_tokenizer(folder: Path, config: JsonObject, vocab: int) -> Tokenizer:
    """Return the tokenizer of the checkpoint in `folder`, whose embedding has `vocab` rows.

    Raises:
        SourceDamaged: A file is missing or contradicts another.
        SourceUnsupported: Another kind of tokenizer, or no chat template.
    """
    path = folder / TOKENIZER_FILE
    if not path.exists():
        raise SourceUnsupported(folder, f"it has no {TOKENIZER_FILE}")
    content = read_json(path, MAX_TOKENIZER_BYTES)
    ids = _vocabulary(content, folder, vocab)
    added = _added_tokens(content)
    kept = [token for token in added if token["id"] < vocab]
    ids |= {token["content"]: token["id"] for token in kept}
    special = {token["id"]: token["content"] for token in kept if token["special"]}
    settings = read_json(folder / SETTINGS_FILE, MAX_SETTINGS_BYTES)
    stops = _stated_stops(folder, config, vocab) | ends(special.items())
    eos = _token(settings, "eos_token", ids)
    if eos is None:
        raise SourceDamaged(settings.path, "eos_token is missing")
    return Tokenizer(
        json={**content.content, "added_tokens": kept},
        bos_token=_token(settings, "bos_token", ids),
        eos_token=eos,
        stop_token_ids=sorted(stops | {ids[eos]}),
        chat_template=_template(folder, settings),
    )


def _vocabulary(content: JsonObject, folder: Path, vocab: int) -> dict[str, int]:
    """Return the tokens of the model by their text, less the added ones."""
    model = content.inner("model")
    kind = model.text("type", "BPE")
    if kind != "BPE":
        raise SourceUnsupported(folder, f"its tokenizer is of the kind {kind}")
    ids = model.inner("vocab").content
    if not ids:
        raise SourceDamaged(content.path, "it has no tokens")
    for text, number in ids.items():
        if type(number) is not int or not 0 <= number < vocab:
            raise SourceDamaged(content.path, f"the token {text!r} is not one of {vocab}")
    if len(set(ids.values())) != len(ids):
        raise SourceDamaged(content.path, "two tokens have the same number")
    if not isinstance(model.content.get("merges"), list):
        raise SourceDamaged(content.path, "merges is not a list")
    return dict(ids)


def _added_tokens(content: JsonObject) -> list[dict[str, Any]]:
    if "added_tokens" not in content:
        return []
    added = content.items("added_tokens")
    for token in added:
        sound = (
            isinstance(token, dict)
            and type(token.get("id")) is int
            and token["id"] >= 0
            and isinstance(token.get("content"), str)
            and isinstance(token.get("special"), bool)
        )
        if not sound:
            raise SourceDamaged(content.path, "added_tokens is not a list of tokens")
    return added


def _stated_stops(folder: Path, config: JsonObject, vocab: int) -> set[int]:
    """Return the tokens that end a text by either file that may say so; each may give several."""
    files = [config]
    if (folder / GENERATION_FILE).exists():
        files.append(read_json(folder / GENERATION_FILE, MAX_SETTINGS_BYTES))
    stops: set[int] = set()
    for file in files:
        stated = file.content.get("eos_token_id")
        for number in stated if isinstance(stated, list) else [stated]:
            if number is None:
                continue
            if type(number) is not int or not 0 <= number < vocab:
                raise SourceDamaged(file.path, f"eos_token_id is {number!r} of {vocab} tokens")
            stops.add(number)
    return stops


def _token(settings: JsonObject, key: str, ids: dict[str, int]) -> str | None:
    """Return the text of the token `key`, which is given as such or inside of an object."""
    if key not in settings:
        return None
    inside = isinstance(settings.content[key], dict)
    text = settings.inner(key).text("content") if inside else settings.text(key)
    if text not in ids:
        raise SourceDamaged(settings.path, f"{key} is {text!r}, which is no token")
    return text


def _template(folder: Path, settings: JsonObject) -> str:
    """Return the chat template: a file of its own before what the settings say."""
    path = folder / TEMPLATE_FILE
    if path.is_file():
        try:
            template = read_bytes(path, MAX_TEMPLATE_BYTES).decode("utf-8")
        except UnicodeDecodeError as error:
            raise SourceDamaged(path, "a text that is not UTF-8") from error
    elif isinstance(settings.content.get("chat_template"), list):
        template = _default_template(settings)
    else:
        template = settings.text("chat_template", "")
    if not template.strip():
        raise SourceUnsupported(folder, "it has no chat template, so it is not made for talking")
    if len(template.encode()) > MAX_TEMPLATE_BYTES:
        raise SourceDamaged(folder, f"a chat template of more than {MAX_TEMPLATE_BYTES} bytes")
    return template


def _default_template(settings: JsonObject) -> str:
    """Return, of several templates, the one that is for talking."""
    for entry in settings.items("chat_template"):
        if isinstance(entry, dict) and entry.get("name") == "default":
            return JsonObject(settings.path, entry).text("template")
    return ""
