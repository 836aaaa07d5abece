"""Converts a GGUF file or a Hugging Face checkpoint to a model folder.

How matrices are stored was decided by measuring SmolLM2-135M (Q4_1, its embedding Q8_0) along 48
greedy tokens of six prompts of the float32 reference, against that reference, and by paired runs on
2 cores (AVX-512 VNNI) after 512 tokens. `same` is the share of equal next tokens, KL the mean
divergence of their distributions, `error` the root mean square of the logits' error:

| weights | accuracy_level | same | KL     | error | decode tok/s | prefill tok/s | MB  |
|---------|----------------|------|--------|-------|--------------|---------------|-----|
| int4    | 0              | 71 % | 0.381  | 1.43  | 7            | 550           | 103 |
| int4    | 4              | 69 % | 0.386  | 1.44  | 72           | 437           | 103 |
| uint4   | 4              | 74 % | 0.307  | 1.33  | 74           | 453           | 106 |
| int8    | 0              | 99 % | 0.001  | 0.10  | 3            | 420           | 157 |
| int8    | 4              | 97 % | 0.0035 | 0.15  | 63           | 480           | 157 |
| llama.cpp on the GGUF    | | 97 % | 0.0031 | 0.14  |              |               | 98  |

Q4_1 does not survive a second rounding to 4 bits, with whole zero points or without; as int8 it is
as faithful as llama.cpp, which rounds activations in the same way. So int8 is the default. Tried
and left: int8 in blocks of 64 (4 % faster, twice the KL), and moving the activations' outliers into
the weights as SmoothQuant does (4 times the KL, since it spreads the weights within a block).

`offset4` keeps the codes of Q4_1 and of Q4_K, with an offset for each block beside the scale. Along
32 tokens of four prompts it gave KL 0.0026 and error 0.26 where int8 gave 0.0028 and 0.28, in 112
MB, and the product alone took about half the time of int8 at 576 by 1536 (31 and 56 us, one token).
It is not the default until whole answers are measured on a machine that does nothing else. A float
zero point in MatMulNBits would hold the same without further nodes, but leaves the fast kernels: at
576 by 1536 a token took 1.8 ms with it and 0.04 ms with a whole zero point.

In float16, for cards, `offset4` is the default. TensorRT builds it for 8.6, 8.9 and 12.0, a card's
decode is bound by the bytes of the weights, and it is nearest to the file. Along 37 tokens of one
chat on the CPU, activations not rounded, the error of the logits as a share of their spread:

| weights | error | MB of the folder | MB of the engine |
|---------|-------|------------------|------------------|
| offset4 | 0.003 | 158              | 160              |
| stored  | 0.026 | 205              | 204              |
| int4    | 0.44  | 151              | 158              |
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from gpu_peer.models.errors import OptionsInvalid, system_errors
from gpu_peer.models.folder import TEMPLATE_FILE, TOKENIZER_FILE, Manifest, write_manifest
from gpu_peer.models.graph import GraphBuilder
from gpu_peer.models.onnx_writer import OnnxWriter
from gpu_peer.models.precision import PRECISIONS, DtypeName
from gpu_peer.models.quantize import BLOCK, WeightFormat
from gpu_peer.models.source import Source
from gpu_peer.models.sources import model_name, open_source, source_digest
from gpu_peer.models.tokenizer import Tokenizer
from gpu_peer.models.weights import read_layer

EXPORTER_VERSION = 2
PRODUCER = "hearth"

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with the stage, the steps done, and all steps; whatever it raises ends the conversion."""


@dataclass(frozen=True)
class ExportOptions:
    """What is decided for each export.

    Attributes:
        weights: How matrices inside the blocks are stored; `stored` keeps what the file has as
            Q4_0 or Q8_0 and makes int8 of all else, `offset4` keeps Q4_1 and Q4_K too. None:
            `offset4` for float16, else `stored`.
        accuracy_level: MatMulNBits' own: 4 rounds activations to int8 (fast), 0 does not.
        dtype: Of activations and cache. `f16` is what graphics cards want. The embedding is float16
            then, and `uint4` is not possible: TensorRT takes no zero points.
    """

    weights: WeightFormat | None = None
    accuracy_level: int = 4
    dtype: DtypeName = "f32"

    @property
    def weight_format(self) -> WeightFormat:
        """How matrices inside the blocks are stored, decided."""
        return self.weights or ("offset4" if self.dtype == "f16" else "stored")

    def __post_init__(self) -> None:
        """Refuse what cannot be built.

        Raises:
            OptionsInvalid: `uint4` with `f16`.
        """
        if self.dtype == "f16" and self.weights == "uint4":
            raise OptionsInvalid(
                "Weights of the form uint4 need zero points, which TensorRT does not take: "
                "choose int4 or int8 with --dtype f16."
            )


def silent(stage: str, done: int, total: int) -> None:
    """Report nothing."""


def export_model(
    path: Path,
    folder: Path,
    options: ExportOptions | None = None,
    progress: Progress = silent,
) -> None:
    """Convert the GGUF file or checkpoint folder `path` into the existing, empty `folder`.

    `hearth.json` comes last, so that a folder without it is one whose conversion was cut off.

    Raises:
        SourceDamaged: The model's files contradict themselves.
        SourceUnsupported: The model holds something that is not converted.
        DiskFull: There is no room.
        StorageFailed: The system refused to read or write.
    """
    options = options or ExportOptions()
    with system_errors(folder), open_source(path) as source:
        total = source.config.layers + 3
        progress("reading", 0, total)
        digest = source_digest(path)
        write_tokenizer(folder, source.tokenizer)
        bits = _write_graph(source, folder, options, progress)
        progress("checking", total - 1, total)
        write_manifest(folder, _manifest(source, digest, options, bits))
        progress("checking", total, total)


def write_tokenizer(folder: Path, tokenizer: Tokenizer) -> None:
    """Write `tokenizer.json` and the chat template into `folder`."""
    text = json.dumps(tokenizer.json, ensure_ascii=False)
    (folder / TOKENIZER_FILE).write_text(text, encoding="utf-8")
    (folder / TEMPLATE_FILE).write_text(tokenizer.chat_template, encoding="utf-8", newline="")


def _write_graph(
    source: Source, folder: Path, options: ExportOptions, progress: Progress
) -> set[int]:
    """Write the graph and its weights; returns the bits of the matrices inside the blocks."""
    config = source.config
    total = config.layers + 3
    bits: set[int] = set()
    with OnnxWriter(folder) as writer:
        precision = PRECISIONS[options.dtype]
        builder = GraphBuilder(writer, config, options.accuracy_level, precision)
        outer = (config.vocab, config.hidden)
        embedding = None
        if options.dtype == "f32":
            matrix = source.matrix("token_embd.weight", *outer, "int8")
            embedding = builder.begin(matrix)
        else:
            builder.begin_with_table(source.tensor("token_embd.weight", outer))
        for index in range(config.layers):
            progress("converting", index + 1, total)
            layer = read_layer(source, index, options.weight_format)
            bits |= layer.bits
            builder.layer(index, layer)
        progress("converting", config.layers + 1, total)
        tied = embedding if config.tied_embedding else None
        name = "token_embd.weight" if config.tied_embedding else "output.weight"
        output = tied or source.matrix(name, *outer, "int8")
        builder.end(source.tensor("output_norm.weight", (config.hidden,)), output)
        writer.save(config.architecture, PRODUCER, EXPORTER_VERSION)
    return bits


def _manifest(source: Source, digest: str, options: ExportOptions, bits: set[int]) -> Manifest:
    config, tokenizer = source.config, source.tokenizer
    return Manifest(
        name=model_name(source.path),
        architecture=config.architecture,
        source={"file": source.path.absolute().name, "sha256": digest},
        context_length=config.context_length,
        vocab_size=config.vocab,
        layers=config.layers,
        kv_heads=config.kv_heads,
        head_dim=config.head_dim,
        kv_dtype=options.dtype,
        bos_token=tokenizer.bos_token,
        eos_token=tokenizer.eos_token,
        stop_token_ids=tokenizer.stop_token_ids,
        quantization={
            "weights": "uint4" if options.weight_format == "uint4" else _formats(bits),
            "embedding": "int8" if options.dtype == "f32" else options.dtype,
            "block_size": BLOCK,
            "accuracy_level": options.accuracy_level,
            "exporter": EXPORTER_VERSION,
        },
    )


def _formats(bits: set[int]) -> str:
    """Return what matrices of so many bits are called; a file may mix Q4_0 with others."""
    return "+".join(f"int{count}" for count in sorted(bits))
