"""Converts families that our exporter does not know with Microsoft's `mobius-onnx`.

It needs torch and transformers, so it is an extra and runs in a process of its own. Only the graph
and its weights are taken from it: the tokenizer and the template are read as for any other model.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import onnxruntime

from gpu_peer.models.checkpoint_source import CONFIG_FILE, MAX_CONFIG_BYTES
from gpu_peer.models.checkpoint_tokenizer import read_tokenizer as read_checkpoint_tokenizer
from gpu_peer.models.config import MAX_POSITIONS
from gpu_peer.models.errors import ConverterFailed, SourceDamaged, SourceUnsupported, system_errors
from gpu_peer.models.export import ExportOptions, Progress, silent, write_tokenizer
from gpu_peer.models.external_data import external_files
from gpu_peer.models.folder import GRAPH_FILE, Manifest, write_manifest
from gpu_peer.models.gguf_file import GgufFile
from gpu_peer.models.gguf_tokenizer import read_tokenizer as read_gguf_tokenizer
from gpu_peer.models.json_file import read_json
from gpu_peer.models.ports import GraphSizes, read_sizes
from gpu_peer.models.sources import model_name, source_digest
from gpu_peer.models.tokenizer import Tokenizer

MODULE = "mobius"
PRODUCER = "mobius-onnx"

_STEPS = 3
_OFFLINE = {"HF_HUB_OFFLINE": "1"}  # it would look for missing files on the network


def is_installed() -> bool:
    """Whether the extra `convert` is installed."""
    return importlib.util.find_spec(MODULE) is not None


def export_with_mobius(
    path: Path, folder: Path, options: ExportOptions, progress: Progress = silent
) -> None:
    """Convert the GGUF file or checkpoint folder `path` into the existing, empty `folder`.

    Weights stay as the converter writes them: float32, or 4 and 8 bits where a GGUF has them so.

    Raises:
        ConverterFailed: The converter ended with an error.
        SourceUnsupported: It made something that the engine does not run.
        ModelError: As `export_model`.
    """
    if options.dtype != "f32":
        raise SourceUnsupported(path, f"this family is converted to f32 only, not {options.dtype}")
    progress("converting with mobius", 0, _STEPS)
    with system_errors(folder):
        with TemporaryDirectory(dir=folder, prefix="mobius-") as scratch:
            made = Path(scratch)
            _run(path, made)
            progress("checking", 1, _STEPS)
            sizes = read_sizes(made / GRAPH_FILE, path)
            tokenizer, context_length = _text_of(path, sizes)
            _take_graph(path, made, folder)
        _open(path, folder / GRAPH_FILE)
        write_tokenizer(folder, tokenizer)
        progress("checking", 2, _STEPS)
        write_manifest(folder, _manifest(path, sizes, tokenizer, context_length))
    progress("checking", _STEPS, _STEPS)


def _run(path: Path, made: Path) -> None:
    """Have the converter write what it makes of `path` into the folder `made`."""
    model = str(path.absolute())
    arguments = (
        ["build", "--config", model, str(made)]
        if path.is_dir()
        else ["build-gguf", model, "--output", str(made), "--keep-quantized"]
    )
    # Graphs for the CPU have attention that writes its cache in place.
    done = subprocess.run(  # noqa: S603 - a list of arguments, and no shell
        [sys.executable, "-m", MODULE, *arguments, "--ep", "cpu"],
        env={**os.environ, **_OFFLINE},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode or not (made / GRAPH_FILE).is_file():
        lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise ConverterFailed(path, lines[-1] if lines else "no reason")


def _take_graph(path: Path, made: Path, folder: Path) -> None:
    """Move the graph and its weights from `made` to `folder`."""
    for name in (GRAPH_FILE, *sorted(external_files(made / GRAPH_FILE))):
        file = made / name
        if file.parent != made or not file.is_file():
            raise SourceUnsupported(path, f"the converter put weights into {name!r}")
        file.rename(folder / name)


def _open(path: Path, graph: Path) -> None:
    """Open `graph` once: a converter may be ahead of the runtime's operators."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    try:
        onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no base of their own
        raise SourceUnsupported(path, f"ONNX Runtime cannot open its graph ({error})") from error


def _text_of(path: Path, sizes: GraphSizes) -> tuple[Tokenizer, int]:
    """Return the tokenizer of the model at `path`, and the positions that it was trained for."""
    if path.is_dir():
        config = read_json(path / CONFIG_FILE, MAX_CONFIG_BYTES)
        tokenizer = read_checkpoint_tokenizer(path, config, sizes.vocab)
        inner = config.inner("text_config")
        length = (inner if inner.content else config).integer("max_position_embeddings")
    else:
        with GgufFile(path) as gguf:
            tokenizer = read_gguf_tokenizer(gguf, sizes.vocab)
            length = gguf.integer(f"{gguf.text('general.architecture')}.context_length")
    if not 0 < length <= MAX_POSITIONS:
        raise SourceDamaged(path, f"its context length is {length}")
    return tokenizer, length


def _manifest(path: Path, sizes: GraphSizes, tokenizer: Tokenizer, context_length: int) -> Manifest:
    return Manifest(
        name=model_name(path),
        architecture=_architecture(path),
        source={"file": path.absolute().name, "sha256": source_digest(path)},
        context_length=context_length,
        vocab_size=sizes.vocab,
        layers=sizes.layers,
        kv_heads=sizes.kv_heads,
        head_dim=sizes.head_dim,
        kv_dtype="f32",
        bos_token=tokenizer.bos_token,
        eos_token=tokenizer.eos_token,
        stop_token_ids=tokenizer.stop_token_ids,
        quantization={"exporter": PRODUCER},
    )


def _architecture(path: Path) -> str:
    if path.is_dir():
        return read_json(path / CONFIG_FILE, MAX_CONFIG_BYTES).text("model_type")
    with GgufFile(path) as gguf:
        return gguf.text("general.architecture")
