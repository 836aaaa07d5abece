"""The choice of a device: what is tried, in which order, and the sentence for each passed over."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpu_peer.devices.choice import choose, too_little_memory
from gpu_peer.devices.machine import AskedDevice, Card, Device, Machine, Packages, packages_from
from gpu_peer.errors import DeviceUnavailable

RTX_4070 = Card("NVIDIA GeForce RTX 4070", (8, 9), 12_000_000_000, 11_000_000_000)
H100 = Card("NVIDIA H100", (9, 0), 80_000_000_000, 79_000_000_000)
RTX_2080 = Card("NVIDIA GeForce RTX 2080", (7, 5), 8_000_000_000, 8_000_000_000)
GTX_1080 = Card("NVIDIA GeForce GTX 1080", (6, 1), 8_000_000_000, 8_000_000_000)
HOME = Machine("580.95.05", (RTX_4070,))
ALL = Packages(onnxruntime="1.31.1", cuda="1.31.1", tensorrt="0.5.0", tensorrt_cuda=13)
GPU: tuple[Device, ...] = ("tensorrt", "cuda")


def reasons(machine: Machine, packages: Packages = ALL, needed: int = 0) -> dict[Device, str]:
    choice = choose(machine, packages, "auto", needed)
    assert {*choice.devices, *(one.device for one in choice.passed_over)} == {*GPU, "cpu"}
    return {one.device: one.reason for one in choice.passed_over}


def test_auto_takes_tensorrt_then_cuda_then_the_cpu() -> None:
    choice = choose(HOME, ALL)
    assert choice.devices == ("tensorrt", "cuda", "cpu")
    assert choice.passed_over == ()


@pytest.mark.parametrize("asked", ["tensorrt", "cuda", "cpu"])
def test_a_device_asked_for_by_name_is_the_only_one(asked: AskedDevice) -> None:
    assert choose(HOME, ALL, asked).devices == (asked,)


@pytest.mark.parametrize("asked", GPU)
def test_a_device_asked_for_by_name_that_cannot_be_had_is_an_error(asked: AskedDevice) -> None:
    with pytest.raises(DeviceUnavailable, match=f"HEARTH_DEVICE={asked} cannot be had. There is"):
        choose(Machine(), ALL, asked)


def test_without_a_driver_both_ways_to_a_card_say_where_to_get_one() -> None:
    told = reasons(Machine())
    assert told.keys() == set(GPU)
    assert all(
        "no NVIDIA driver" in text and "nvidia.com/drivers" in text for text in told.values()
    )


def test_a_driver_that_sees_no_card_is_told_from_no_driver() -> None:
    assert "580.95.05 sees no card" in reasons(Machine("580.95.05"))["cuda"]


def test_what_the_probe_could_not_find_out_is_said_instead() -> None:
    assert reasons(Machine(unknown="Nobody knows."))["tensorrt"] == "Nobody knows."


@pytest.mark.parametrize(
    ("card", "devices"),
    [
        (RTX_4070, ("tensorrt", "cuda", "cpu")),
        (replace(RTX_4070, capability=(8, 6)), ("tensorrt", "cuda", "cpu")),
        (replace(RTX_4070, capability=(12, 0)), ("tensorrt", "cuda", "cpu")),
        (H100, ("cuda", "cpu")),
        (RTX_2080, ("cuda", "cpu")),
        (GTX_1080, ("cpu",)),
    ],
)
def test_each_device_is_for_the_cards_that_it_supports(
    card: Card, devices: tuple[Device, ...]
) -> None:
    assert choose(Machine("580.95.05", (card,)), ALL).devices == devices


def test_an_unsupported_card_is_named_with_what_is_supported() -> None:
    told = reasons(Machine("580.95.05", (H100,)))
    assert told["tensorrt"] == (
        "NVIDIA H100 has compute capability 9.0; TensorRT for RTX is for 8.6, 8.9, 12.0, 12.1. "
        "HEARTH_DEVICE=cuda can be used instead."
    )
    assert "CUDA 13 needs 7.5" in reasons(Machine("580.95.05", (GTX_1080,)))["cuda"]


@pytest.mark.parametrize(
    ("driver", "cuda", "fits"),
    [("580.00", 13, True), ("579.99", 13, False), ("525.60", 12, True), ("524.1", 12, False)],
)
def test_the_driver_must_suit_the_cuda_of_the_package(driver: str, cuda: int, fits: bool) -> None:
    machine, packages = replace(HOME, driver=driver), replace(ALL, tensorrt_cuda=cuda)
    told = reasons(machine, packages)
    assert ("tensorrt" not in told) == fits
    if not fits:
        least = {12: 525, 13: 580}[cuda]
        assert f"driver {driver} is too old: CUDA {cuda} needs {least}" in told["tensorrt"]


def test_a_driver_of_an_unreadable_version_counts_as_too_old() -> None:
    assert "too old" in reasons(replace(HOME, driver="unknown"))["tensorrt"]


def test_a_missing_package_comes_with_its_command() -> None:
    told = reasons(HOME, Packages(onnxruntime="1.31.1"))
    assert "pip install 'hearth[tensorrt]'" in told["tensorrt"]
    assert "pip uninstall onnxruntime &&" in told["cuda"]


def test_a_model_that_does_not_fit_says_how_much_is_missing() -> None:
    told = reasons(HOME, needed=11_500_000_000)
    assert told["tensorrt"] == (
        "The model needs 11.5 GB and NVIDIA GeForce RTX 4070 has 11.0 GB free. Close programs that "
        "use it, or choose a smaller model or a smaller HEARTH_CONTEXT."
    )
    assert "Close programs" not in reasons(HOME, needed=13_000_000_000)["cuda"]
    assert too_little_memory(RTX_4070, RTX_4070.free_bytes) is None


def test_the_hopeless_is_told_before_what_could_be_mended() -> None:
    """Nobody is to install a package or a driver for a card that cannot use it."""
    told = reasons(Machine("470.1", (H100,)), Packages())
    assert "compute capability 9.0" in told["tensorrt"]


def test_packages_are_told_from_their_versions() -> None:
    assert packages_from({"onnxruntime": "1.31.1"}) == Packages(onnxruntime="1.31.1")
    both = {"onnxruntime-gpu": "1.31.1", "onnxruntime-ep-nv-tensorrt-rtx-cu12": "0.5.0"}
    assert packages_from(both) == Packages("1.31.1", "1.31.1", "0.5.0", 12)
