"""TensorRT for RTX: where its libraries are, and engines built ahead of time without a card."""
