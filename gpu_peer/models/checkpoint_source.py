"""A folder as Hugging Face publishes models, with its weights as safetensors, as a source.

Two things differ from a GGUF of the same model: rows of queries and keys already are in the order
of the graph, and Gemma's norms are stored less one.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import numpy as np

from gpu_peer.models.checkpoint_config import read_config
from gpu_peer.models.checkpoint_tokenizer import (
    GENERATION_FILE,
    SETTINGS_FILE,
    TEMPLATE_FILE,
    TOKENIZER_FILE,
    read_tokenizer,
)
from gpu_peer.models.config import NetworkConfig, expected_tensors
from gpu_peer.models.errors import SourceDamaged, SourceUnsupported, system_errors
from gpu_peer.models.json_file import read_json
from gpu_peer.models.quantize import (
    BlockFormat,
    Float32Array,
    QuantizedMatrix,
    WeightFormat,
    concatenate,
    quantize,
)
from gpu_peer.models.safetensors_file import SafetensorsFile
from gpu_peer.models.source import ROWS_AT_ONCE, Source

CONFIG_FILE = "config.json"
INDEX_FILE = "model.safetensors.index.json"
WEIGHTS_FILE = "model.safetensors"

MAX_CONFIG_BYTES = 1 << 20
MAX_INDEX_BYTES = 16 << 20

_OUTER = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}
_PARTS = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_PARTS_WITH_POST_NORMS = {
    **_PARTS,
    "post_attention_norm": "post_attention_layernorm",
    "ffn_norm": "pre_feedforward_layernorm",
    "post_ffw_norm": "post_feedforward_layernorm",
}
_LONGEST_NAME = 200  # characters; file systems take 255 bytes
_COMPUTED = ".rotary_emb.inv_freq"  # old checkpoints store what follows from config.json


def is_checkpoint(path: Path) -> bool:
    """Whether `path` is a folder that describes a model the way Hugging Face does."""
    return (path / CONFIG_FILE).is_file()


def checkpoint_files(folder: Path) -> list[Path]:
    """Return every file that the conversion of `folder` may read, ordered by name."""
    names = (CONFIG_FILE, INDEX_FILE, TOKENIZER_FILE, SETTINGS_FILE, GENERATION_FILE, TEMPLATE_FILE)
    stated = [folder / name for name in names]
    with system_errors(folder):
        weights = folder.glob("*.safetensors")
        return sorted(path for path in {*stated, *weights} if path.is_file())


class CheckpointSource(Source):
    """An open checkpoint.

    Raises:
        SourceDamaged: Its files contradict themselves or each other.
        SourceUnsupported: It holds something that is not converted.
        StorageFailed: A file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        """Open the folder `path` and check the headers of all its files."""
        self.path = path
        self._open = ExitStack()
        try:
            config = read_json(path / CONFIG_FILE, MAX_CONFIG_BYTES)
            self._files = self._open_weights()
            size = sum(file.path.stat().st_size for file in set(self._files.values()))
            self.config = read_config(config, path, size)
            self._names = _names(self.config)
            self._check_tensors()
            self.tokenizer = read_tokenizer(path, config, self.config.vocab)
        except BaseException:
            self._open.close()
            raise

    def close(self) -> None:
        """See `Source`."""
        self._open.close()

    def tensor(self, name: str, shape: tuple[int, ...]) -> Float32Array:
        """Return tensor `name` as float32."""
        stored = self._names[name]
        values = np.concatenate(list(self._files[stored].rows(stored, shape, ROWS_AT_ONCE)))
        # Only Gemma scales its embedding, and only Gemma's norms are stored less one.
        if self.config.family.scaled_embedding and name.endswith("norm.weight"):
            values += np.float32(1)
        return values

    def matrix(
        self, name: str, rows: int, columns: int, weight_format: WeightFormat
    ) -> QuantizedMatrix:
        """Return matrix `name` [rows, columns], quantised in `weight_format`."""
        wanted: BlockFormat = (
            "int8" if weight_format == "stored" or weight_format == "offset4" else weight_format
        )
        stored = self._names[name]
        parts = self._files[stored].rows(stored, (rows, columns), ROWS_AT_ONCE)
        return concatenate([quantize(part, wanted) for part in parts])

    def _open_weights(self) -> dict[str, SafetensorsFile]:
        """Return the open file of every tensor."""
        if not (self.path / INDEX_FILE).exists():
            file = self._open_file(WEIGHTS_FILE)
            return dict.fromkeys(file.tensors, file)
        index = read_json(self.path / INDEX_FILE, MAX_INDEX_BYTES)
        places = index.inner("weight_map").content
        files: dict[str, SafetensorsFile] = {}
        for tensor, name in places.items():
            if not isinstance(name, str) or not _is_plain(name):
                raise SourceDamaged(index.path, f"{tensor} is said to be in {name!r}")
            file = files.get(name) or files.setdefault(name, self._open_file(name))
            if tensor not in file.tensors:
                raise SourceDamaged(file.path, f"the tensor {tensor} is missing")
        claimed = sum(len(file.tensors) for file in files.values())
        if claimed != len(places):
            raise SourceDamaged(index.path, f"it names {len(places)} of {claimed} tensors")
        return {tensor: files[name] for tensor, name in places.items()}

    def _open_file(self, name: str) -> SafetensorsFile:
        path = self.path / name
        with system_errors(path):
            if not path.is_file():
                raise SourceDamaged(self.path, f"{name} is missing")
        file = SafetensorsFile(path)
        self._open.callback(file.close)
        return file

    def _check_tensors(self) -> None:
        """Refuse what is missing or of another shape, and what the graph would leave out."""
        known = set()
        for name, shape in expected_tensors(self.config).items():
            stored = self._names[name]
            file = self._files.get(stored)
            if file is None:
                raise SourceDamaged(self.path, f"the tensor {stored} is missing")
            file.check(stored, shape)
            known.add(stored)
        if self.config.tied_embedding:
            known.add(_OUTER["output.weight"])  # a copy of the embedding that loading replaces
        unknown = sorted(
            name for name in self._files.keys() - known if not name.endswith(_COMPUTED)
        )
        if unknown:
            raise SourceUnsupported(
                self.path, f"it has weights of an unknown use, such as {unknown[0]}"
            )


def _names(config: NetworkConfig) -> dict[str, str]:
    """Return what the checkpoint calls each tensor, by its name in GGUF files."""
    parts = _PARTS_WITH_POST_NORMS if config.family.post_norms else _PARTS
    names = dict(_OUTER)
    for layer in range(config.layers):
        for ours, theirs in parts.items():
            for kind in ("weight", "bias"):
                names[f"blk.{layer}.{ours}.{kind}"] = f"model.layers.{layer}.{theirs}.{kind}"
    return names


def _is_plain(name: str) -> bool:
    """Whether `name` is that of a safetensors file with no folder before it."""
    fits = len(name) < _LONGEST_NAME and name.endswith(".safetensors")
    return fits and not set("/\\:\0") & set(name)
