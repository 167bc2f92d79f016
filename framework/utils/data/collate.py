"""Samples into batches."""

from collections.abc import Mapping, Sequence

import numpy as np

from ...creation import from_numpy, tensor
from ...dtypes import float64
from ...ops.shape import stack
from ...tensor import Tensor
from .dataset import Rows


def default_collate(batch):
    """A batch of samples as one structure of tensors with a first dimension more.

    Tensors, arrays and numbers are stacked (Python floats in float64), strings stay a list; dicts, tuples and lists are gone through.
    TypeError for anything else; RuntimeError if the samples are not all of one size.
    """
    if isinstance(batch, Rows):
        return batch.columns
    first = batch[0]
    if isinstance(first, Tensor):
        return stack(batch)
    if isinstance(first, (np.ndarray, np.generic)) and first.dtype.kind not in "OSU":
        return _stack_arrays(batch)
    if isinstance(first, float):
        return tensor(batch, dtype=float64)
    if isinstance(first, int):
        return tensor(batch)
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, Mapping):
        return _like(first, {key: default_collate([each[key] for each in batch]) for key in first})
    if isinstance(first, Sequence):
        if any(len(each) != len(first) for each in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        columns = [default_collate(column) for column in zip(*batch, strict=True)]
        if hasattr(first, "_fields"):  # a named tuple
            return type(first)(*columns)
        return columns if isinstance(first, tuple) else _like(first, columns)
    raise TypeError(f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {type(first)}")


def _stack_arrays(batch):
    try:
        return from_numpy(np.stack(batch))
    except ValueError:
        raise RuntimeError(f"stack expects each array to be equal size, but got {sorted({each.shape for each in batch})}") from None


def default_convert(data):
    """A single sample with tensors in place of its arrays: what a loader without batches does."""
    if isinstance(data, (np.ndarray, np.generic)) and data.dtype.kind not in "OSU":
        return from_numpy(np.asarray(data))
    if isinstance(data, Mapping):
        return _like(data, {key: default_convert(each) for key, each in data.items()})
    if isinstance(data, tuple):
        items = [default_convert(each) for each in data]
        return type(data)(*items) if hasattr(data, "_fields") else items
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _like(data, [default_convert(each) for each in data])
    return data


def _like(original, values):
    """`values`, a dict or a list, in the type of `original` where it can be made of them."""
    try:
        return type(original)(values)
    except TypeError:
        return values
