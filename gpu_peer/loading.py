"""From the settings to a loaded model: its folder, the devices to try, and the process it needs."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from gpu_peer.config import Config
from gpu_peer.devices.choice import choose
from gpu_peer.devices.probe import probe_machine, probe_packages
from gpu_peer.engine import Engine
from gpu_peer.errors import EngineUnavailable
from gpu_peer.models.embedded import embedded_gguf
from gpu_peer.models.errors import ModelError, ModelMissing
from gpu_peer.models.export import Progress, silent
from gpu_peer.models.folder import is_model_folder, verify_folder
from gpu_peer.models.precision import DtypeName
from gpu_peer.models.store import ensure_model
from gpu_peer.tensorrt.libraries import environment_for, provider_library


def load(config: Config) -> Engine:
    """Load the model on the best device; blocks.

    Raises:
        EngineUnavailable: the runtime, the device or the model is not there or not usable.
    """
    from gpu_peer.rust_engine import Settings, load_engine  # the core is slow to import

    settings = Settings(
        device=config.device,
        threads=config.threads,
        context_length=config.context,
        max_tokens=config.max_tokens,
        cache=tensorrt_folder(config) / "kernels",
    )
    return load_engine(folder_for(config), settings, probe_machine(), probe_packages())


def prepare(config: Config, progress: Progress) -> Path:
    """Have the model converted and checked for the device that will be tried first.

    Raises:
        EngineUnavailable: there is no such device, or the model is not usable.
    """
    from gpu_peer.rust_engine import DTYPES

    device = choose(probe_machine(), probe_packages(), config.device).devices[0]
    return folder_for(config, progress, check=True)(DTYPES[device])


def folder_for(
    config: Config, progress: Progress = silent, *, check: bool = False
) -> Callable[[DtypeName], Path]:
    """Give a function that finds the model's folder, and converts the model where that is not done.

    A folder in the settings is taken as it is; `check` verifies its files.
    """

    def find(dtype: DtypeName) -> Path:
        model = config.model
        try:
            if model is not None and is_model_folder(model):
                if check:
                    verify_folder(model)
                return model.absolute()
            if model is not None and not model.exists():
                raise ModelMissing(model)
            return ensure_model(
                model or embedded_gguf(), config.data.absolute() / "models", progress, dtype
            )
        except ModelError as error:
            raise EngineUnavailable(str(error)) from error

    return find


def start_anew_for_tensorrt(config: Config) -> None:
    """Replace this process by one that finds TensorRT's libraries, where it will be tried.

    Raises:
        DeviceUnavailable: a device was asked for by name and cannot be had.
        EngineUnavailable: the folder of links cannot be made.
    """
    devices = choose(probe_machine(), probe_packages(), config.device).devices
    provider = provider_library()
    if "tensorrt" not in devices or provider is None:
        return
    folder = tensorrt_folder(config) / "libraries"
    try:
        environment = environment_for(os.environ, provider, folder)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise EngineUnavailable(f"The folder {folder} cannot be used: {why}.") from None
    if environment is not None:
        sys.stdout.flush()
        sys.stderr.flush()
        # The same program with the same arguments, and no shell.
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)  # noqa: S606


def tensorrt_folder(config: Config) -> Path:
    """Where links to TensorRT's libraries and what it compiles are kept."""
    return config.data.absolute() / "tensorrt"
