"""Models: a GGUF file becomes a folder that the inference core runs."""
