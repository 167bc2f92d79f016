"""Samples into batches."""

from collections.abc import Mapping, Sequence

import numpy as np

from ...creation import from_numpy, tensor
from ...dtypes import float64
from ...ops.shape import stack
from ...tensor import Tensor


def default_collate(batch):
    """A batch of samples as one structure of tensors with a first dimension more.

    Tensors, arrays and numbers are stacked (Python floats in float64), strings stay a list; dicts, tuples and lists are gone through.
    TypeError for anything else; RuntimeError if the samples are not all of one size.
    """
    first = batch[0]
    if isinstance(first, Tensor):
        return stack(batch)
    if _is_numeric(first):
        return stack([from_numpy(np.asarray(each)) for each in batch])
    if isinstance(first, (int, float)):
        return tensor(batch, dtype=float64 if isinstance(first, float) else None)
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, Mapping):
        return _like(first, {key: default_collate([each[key] for each in batch]) for key in first})
    if isinstance(first, Sequence):
        if any(len(each) != len(first) for each in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        return _like(first, [default_collate(column) for column in zip(*batch, strict=True)])
    raise TypeError(f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {type(first)}")


def default_convert(data):
    """A single sample with tensors in place of its arrays: what a loader without batches does."""
    return changed(data, lambda each: from_numpy(np.asarray(each)) if _is_numeric(each) else each)


def changed(data, change):
    """`data` with `change` of everything in it that holds nothing else."""
    if isinstance(data, Mapping):
        return _like(data, {key: changed(each, change) for key, each in data.items()})
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _like(data, [changed(each, change) for each in data])
    return change(data)


def _is_numeric(value) -> bool:
    """Whether `value` is an array of NumPy's, or one of its scalars, of numbers."""
    return isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind not in "OSU"


def _like(original, values):
    """`values`, a dict or a list; or a named tuple of them where `original` is one."""
    return type(original)(*values) if hasattr(original, "_fields") else values
