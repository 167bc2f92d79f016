"""Switches of the libraries that compute, by PyTorch's names."""

from . import cuda, cudnn
