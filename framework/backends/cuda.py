"""Switches of cuBLAS."""

from types import SimpleNamespace

matmul = SimpleNamespace(allow_tf32=False)  # may products of float32 matrices be computed with 10 bits of fraction?
