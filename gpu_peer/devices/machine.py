"""What is known of a machine's graphics cards and of the packages installed for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

Device: TypeAlias = Literal["tensorrt", "cuda", "cpu"]
AskedDevice: TypeAlias = Literal["auto", "tensorrt", "cuda", "cpu"]
Capability: TypeAlias = tuple[int, int]


@dataclass(frozen=True)
class Card:
    """An NVIDIA card.

    Attributes:
        name: Such as `NVIDIA GeForce RTX 4070`.
        capability: Compute capability, such as (8, 9).
        memory_bytes: All of its memory.
        free_bytes: What nobody uses now.
        bandwidth_bytes_s: What its memory can move in a second by clock and width of the bus; None
            where the driver does not say.
    """

    name: str
    capability: Capability
    memory_bytes: int
    free_bytes: int
    bandwidth_bytes_s: float | None = None

    @property
    def capability_text(self) -> str:
        """As NVIDIA writes it: `8.9`."""
        return f"{self.capability[0]}.{self.capability[1]}"


@dataclass(frozen=True)
class Machine:
    """The cards of a machine.

    Attributes:
        driver: Version of NVIDIA's driver, such as `580.95.05`; None without one.
        cards: In the driver's order; the first one is used.
        unknown: Why nothing is known, where something might be there; else None.
    """

    driver: str | None = None
    cards: tuple[Card, ...] = ()
    unknown: str | None = None


@dataclass(frozen=True)
class Packages:
    """Versions of installed packages; None where one is not installed.

    Attributes:
        onnxruntime: ONNX Runtime, with or without its CUDA provider.
        cuda: ONNX Runtime with its CUDA provider.
        tensorrt: NVIDIA's provider of TensorRT for RTX.
        tensorrt_cuda: The major version of CUDA that this provider is made for.
    """

    onnxruntime: str | None = None
    cuda: str | None = None
    tensorrt: str | None = None
    tensorrt_cuda: int | None = None


def packages_from(versions: Mapping[str, str]) -> Packages:
    """Pick what matters from the versions of all packages by name."""
    tensorrt = "onnxruntime-ep-nv-tensorrt-rtx-cu"
    major = next((major for major in (13, 12) if f"{tensorrt}{major}" in versions), None)
    return Packages(
        onnxruntime=versions.get("onnxruntime-gpu") or versions.get("onnxruntime"),
        cuda=versions.get("onnxruntime-gpu"),
        tensorrt=versions[f"{tensorrt}{major}"] if major else None,
        tensorrt_cuda=major,
    )
