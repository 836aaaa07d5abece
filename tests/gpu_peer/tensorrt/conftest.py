"""What tests with TensorRT share."""

import sys

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip building where there is no TensorRT to build with; where there is, it must be there."""
    if sys.platform == "linux" and sys.version_info < (3, 14):
        return
    skip = pytest.mark.skip(reason="TensorRT for RTX builds ahead of time on Linux up to 3.13")
    for item in items:
        if item.get_closest_marker("tensorrt"):
            item.add_marker(skip)
