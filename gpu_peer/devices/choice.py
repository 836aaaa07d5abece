"""Chooses what to compute on: a pure function, which says why each better device is passed over."""

from dataclasses import dataclass

from gpu_peer.devices.machine import AskedDevice, Capability, Card, Device, Machine, Packages
from gpu_peer.errors import DeviceUnavailable

ORDER: tuple[Device, ...] = ("tensorrt", "cuda", "cpu")
"""What `auto` tries, best first."""

TENSORRT_CAPABILITIES: tuple[Capability, ...] = ((8, 6), (8, 9), (12, 0), (12, 1))
"""RTX 30, 40 and 50, and GB10, by TensorRT-RTX's support matrix. It also lists 7.5 (RTX 20), but
without products of 4-bit and 8-bit weights, and the provider itself asks for 8.0 or later."""

CUDA_CAPABILITY: Capability = (7, 5)
"""The oldest that CUDA 13 supports."""

DRIVER_FOR_CUDA = {12: 525, 13: 580}
"""The oldest driver for each major version of CUDA, from
https://docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html"""

CUDA_OF_ONNX_RUNTIME = 13
"""What `onnxruntime-gpu` is made for."""

_UPDATE = "Update it: https://www.nvidia.com/drivers"


@dataclass(frozen=True)
class PassedOver:
    """A device that is not used, and a sentence that says why and what can be done."""

    device: Device
    reason: str


@dataclass(frozen=True)
class Choice:
    """The devices to try in turn, and those that need no trying."""

    devices: tuple[Device, ...]
    passed_over: tuple[PassedOver, ...] = ()


def choose(
    machine: Machine, packages: Packages, asked: AskedDevice = "auto", needed_bytes: int = 0
) -> Choice:
    """Choose devices for a model that takes `needed_bytes` of a card's memory.

    Raises:
        DeviceUnavailable: a device was asked for by name and cannot be had.
    """
    if asked != "auto":
        reason = obstacle(asked, machine, packages, needed_bytes)
        if reason is not None:
            raise DeviceUnavailable(f"HEARTH_DEVICE={asked} cannot be had. {reason}")
        return Choice((asked,))
    reasons = {device: obstacle(device, machine, packages, needed_bytes) for device in ORDER}
    return Choice(
        tuple(device for device, reason in reasons.items() if reason is None),
        tuple(PassedOver(device, reason) for device, reason in reasons.items() if reason),
    )


def obstacle(
    device: Device, machine: Machine, packages: Packages, needed_bytes: int = 0
) -> str | None:
    """Say what keeps a device from being used; None where nothing is known to."""
    if device == "cpu":
        return None
    if not machine.cards:
        return machine.unknown or _no_card(machine)
    card = machine.cards[0]
    return (
        _wrong_card(device, card)
        or _missing_package(device, packages)
        or _old_driver(device, machine, packages)
        or too_little_memory(card, needed_bytes)
    )


def too_little_memory(card: Card, needed_bytes: int) -> str | None:
    """Say that the model does not fit into the memory that is free; None where it does."""
    if needed_bytes <= card.free_bytes:
        return None
    free, needed = card.free_bytes / 1e9, needed_bytes / 1e9
    remedy = (
        "Close programs that use it, or choose a smaller model or a smaller HEARTH_CONTEXT."
        if needed_bytes <= card.memory_bytes
        else "Choose a smaller model or a smaller HEARTH_CONTEXT."
    )
    return f"The model needs {needed:.1f} GB and {card.name} has {free:.1f} GB free. {remedy}"


def _no_card(machine: Machine) -> str:
    if machine.driver is None:
        return (
            "There is no NVIDIA driver. If there is an NVIDIA card, install its driver: "
            "https://www.nvidia.com/drivers"
        )
    return f"NVIDIA's driver {machine.driver} sees no card. Check that the card is enabled."


def _wrong_card(device: Device, card: Card) -> str | None:
    has = f"{card.name} has compute capability {card.capability_text}"
    if device == "tensorrt" and card.capability not in TENSORRT_CAPABILITIES:
        known = ", ".join(f"{major}.{minor}" for major, minor in TENSORRT_CAPABILITIES)
        return f"{has}; TensorRT for RTX is for {known}. HEARTH_DEVICE=cuda can be used instead."
    if device == "cuda" and card.capability < CUDA_CAPABILITY:
        least = ".".join(map(str, CUDA_CAPABILITY))
        return f"{has}; CUDA {CUDA_OF_ONNX_RUNTIME} needs {least}. The CPU is used for such cards."
    return None


def _missing_package(device: Device, packages: Packages) -> str | None:
    if device == "tensorrt" and packages.tensorrt is None:
        return "TensorRT for RTX is not installed. Install it: pip install 'hearth[tensorrt]'"
    if device == "cuda" and packages.cuda is None:
        return (
            "ONNX Runtime is installed without CUDA. Put the other one in its place: "
            "pip uninstall onnxruntime && pip install 'onnxruntime-gpu[cuda,cudnn]'"
        )
    return None


def _old_driver(device: Device, machine: Machine, packages: Packages) -> str | None:
    major = packages.tensorrt_cuda if device == "tensorrt" else CUDA_OF_ONNX_RUNTIME
    least = DRIVER_FOR_CUDA[major or CUDA_OF_ONNX_RUNTIME]
    first = (machine.driver or "").split(".")[0]
    if first.isdigit() and int(first) >= least:
        return None
    return f"NVIDIA's driver {machine.driver} is too old: CUDA {major} needs {least}. {_UPDATE}"
