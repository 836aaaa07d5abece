"""Command line: `convert` one model into a folder, or `ensure` that a data folder has a model.

A model is a GGUF file, or a folder as Hugging Face publishes models, with safetensors.

The path of the model folder is the last line on standard output; progress goes to standard error.
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import get_args

from gpu_peer.models.embedded import embedded_gguf
from gpu_peer.models.errors import ModelError, ModelMissing, StorageFailed, system_errors
from gpu_peer.models.export import ExportOptions, Progress
from gpu_peer.models.folder import is_model_folder, verify_folder
from gpu_peer.models.precision import DtypeName
from gpu_peer.models.quantize import WeightFormat
from gpu_peer.models.store import ensure_model, replace_folder
from gpu_peer.progress import shown_progress

MODELS_FOLDER = "models"

_STOPPED_BY_USER = 130  # what shells report for SIGINT


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return the exit status."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    try:
        with shown_progress("Preparing the model") as progress:
            folder = _run(options, progress)
    except ModelError as error:
        sys.stderr.write(f"{error}\n")
        stopped = isinstance(error.__cause__, KeyboardInterrupt)
        return _STOPPED_BY_USER if stopped else 1
    except KeyboardInterrupt:
        return _STOPPED_BY_USER
    sys.stdout.write(f"{folder}\n")
    return 0


def _run(options: argparse.Namespace, progress: Progress) -> Path:
    if options.command == "ensure":
        model: Path = options.model or embedded_gguf()
        if not model.exists():
            raise ModelMissing(model)
        if is_model_folder(model):
            verify_folder(model)
            return model.absolute()
        return ensure_model(model, options.data.absolute() / MODELS_FOLDER, progress, options.dtype)
    folder: Path = options.folder.absolute()
    if folder.exists() and not is_model_folder(folder):
        raise StorageFailed(folder, "it exists and is not a model folder, so it is left alone")
    with system_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        chosen = ExportOptions(options.weights, options.accuracy_level, options.dtype)
        replace_folder(options.model, folder, chosen, progress)
    return folder


def _parser() -> argparse.ArgumentParser:
    defaults = ExportOptions()
    parser = argparse.ArgumentParser(prog="python -m gpu_peer.models", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    convert = commands.add_parser("convert", help="convert a model to a model folder")
    convert.add_argument("model", type=Path, help="a GGUF file or a folder with safetensors")
    convert.add_argument("folder", type=Path, help="the model folder to make")
    convert.add_argument("--weights", choices=get_args(WeightFormat), default=defaults.weights)
    convert.add_argument(
        "--accuracy-level", type=int, choices=(0, 1, 4), default=defaults.accuracy_level
    )
    ensure = commands.add_parser("ensure", help="have a model, converted and checked")
    ensure.add_argument("--data", type=Path, required=True, help="folder of all state")
    ensure.add_argument(
        "--model",
        type=Path,
        help="a GGUF file, a folder with safetensors or a model folder; else the embedded model",
    )
    for command in (convert, ensure):
        command.add_argument(
            "--dtype",
            choices=get_args(DtypeName),
            default=defaults.dtype,
            help="of activations and cache: f32 for the CPU, f16 for graphics cards",
        )
    return parser


if __name__ == "__main__":
    sys.exit(main())
