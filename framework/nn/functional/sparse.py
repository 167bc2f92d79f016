"""Integers as vectors."""

from ...creation import arange
from ...ops import index as ops
from ...ops.elementwise import where


def embedding(input, weight, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False):
    """The rows of `weight` (V, D) that the integers in `input` name; row `padding_idx` gets no gradient."""
    if max_norm is not None or scale_grad_by_freq or sparse:
        raise NotImplementedError("embedding: max_norm, scale_grad_by_freq and sparse are not supported")
    out = ops.embedding(weight, input)
    if padding_idx is None:
        return out
    return where((input == padding_idx % weight.shape[0]).unsqueeze(-1), out.detach(), out)


def one_hot(tensor, num_classes: int = -1):
    """A new last dimension with a 1 at the class each integer names."""
    count = int(tensor.max()) + 1 if num_classes == -1 else num_classes
    if tensor.numel() and (int(tensor.min()) < 0 or int(tensor.max()) >= count):
        raise RuntimeError("Class values must be non-negative and smaller than num_classes.")
    return (tensor.unsqueeze(-1) == arange(count, device=tensor.device)).long()
