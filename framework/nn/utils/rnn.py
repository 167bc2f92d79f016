"""Sequences of different lengths in one tensor: padded to the longest, or packed without padding.

A packed batch holds first step 1 of all sequences, then step 2 of those that have one, and so on, the longest sequence first:
`batch_sizes[t]` of them have a step t.
"""

from collections import namedtuple

import numpy as np

from ...creation import arange, as_tensor, full
from ...dtypes import int64
from ...ops.index import index_put
from ...ops.scatter import index_select
from ...ops.shape import constant_pad, stack, transpose

_Fields = namedtuple("PackedSequence", ("data", "batch_sizes", "sorted_indices", "unsorted_indices"))


class PackedSequence(_Fields):
    """A packed batch: `data` (sum of lengths, …), `batch_sizes` (T), and the two orders between the caller's batch and the sorted one.

    `to cpu cuda double float half long int short char byte` do to the data what they do to a tensor.
    """

    __slots__ = ()

    def __new__(cls, data, batch_sizes=None, sorted_indices=None, unsorted_indices=None):
        if batch_sizes is None:
            if not (isinstance(data, (list, tuple)) and len(data) == 2):
                raise AssertionError("Expected data to be a list or tuple of length 2")
            data, batch_sizes = data
        unsorted_indices = invert_permutation(sorted_indices) if unsorted_indices is None else unsorted_indices
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    @property
    def is_cuda(self) -> bool:
        return self.data.is_cuda


def _moving(name):
    def moved(self, *args, **kwargs):
        data = getattr(self.data, name)(*args, **kwargs)
        if data is self.data:
            return self
        return PackedSequence(data, self.batch_sizes, *(None if each is None else each.to(data.device) for each in self[2:]))

    return moved


for _name in ("to", "cpu", "cuda", "double", "float", "half", "long", "int", "short", "char", "byte"):
    setattr(PackedSequence, _name, _moving(_name))


def invert_permutation(permutation):
    """The permutation that undoes `permutation` (None: none)."""
    return None if permutation is None else as_tensor(np.argsort(permutation.cpu().numpy())).to(permutation.device)


def pack_padded_sequence(input, lengths, batch_first=False, enforce_sorted=True) -> PackedSequence:
    """Pack (T, N, …), or (N, T, …) if `batch_first`, whose sequence n has `lengths[n]` steps; in falling order, if `enforce_sorted`."""
    lengths = as_tensor(lengths, dtype=int64).cpu()
    input, order = (transpose(input, 0, 1) if batch_first else input), None
    if not enforce_sorted:
        order = as_tensor(np.argsort(-lengths.numpy(), kind="stable")).to(input.device)
        lengths, input = lengths[order.cpu()], index_select(input, 1, order)
    _check_lengths(input, lengths)
    valid = arange(int(lengths[0])).unsqueeze(1) < lengths  # (T, N)
    data = input[: valid.shape[0]][valid.to(input.device)]
    return PackedSequence(data, valid.sum(1), order)


def _check_lengths(input, lengths) -> None:
    if lengths.ndim != 1:
        raise RuntimeError(f"'lengths' argument should be a 1D CPU int64 tensor, but got {lengths.ndim}D cpu Long tensor")
    if not input.numel():
        raise RuntimeError("Cannot pack empty tensors.")
    if len(lengths) != input.size(1):
        raise RuntimeError(f"Expected `len(lengths)` to be equal to batch_size, but got {len(lengths)} (batch_size={input.shape[1]})")
    if int(lengths.min()) <= 0:
        raise RuntimeError("Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0")
    if bool((lengths[1:] > lengths[:-1]).any()):
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass `enforce_sorted=False` to "
            "pack_padded_sequence and/or pack_sequence to sidestep this requirement."
        )
    if int(lengths[0]) > input.shape[0]:
        raise RuntimeError(f"Expected no length to exceed the padded length {input.shape[0]}, but got {int(lengths[0])}")


def pad_packed_sequence(sequence, batch_first=False, padding_value=0.0, total_length=None):
    """The opposite: (padded (T, N, …), lengths (N)), T the longest length, or `total_length`."""
    data, batch_sizes, _, order = sequence
    longest = len(batch_sizes)
    if total_length is not None and total_length < longest:
        raise ValueError(
            "Expected total_length to be at least the length of the longest sequence in input, but got "
            f"total_length={total_length} and max sequence length being {longest}"
        )
    valid = arange(int(batch_sizes[0])) < batch_sizes.unsqueeze(1)  # (T, N)
    lengths = valid.sum(0)
    empty = full((total_length or longest, valid.shape[1], *data.shape[1:]), padding_value, dtype=data.dtype, device=data.device)
    valid = constant_pad(valid, [0, 0], [empty.shape[0] - longest, 0], False)
    padded = index_put(empty, (valid.to(data.device),), data)
    if order is not None:
        padded, lengths = index_select(padded, 1, order), lengths[order.cpu()]
    return (transpose(padded, 0, 1) if batch_first else padded), lengths


def pad_sequence(sequences, batch_first=False, padding_value=0.0, padding_side="right"):
    """Sequences (L_n, …) as one tensor (T, N, …), or (N, T, …) if `batch_first`, T the longest length, the rest `padding_value`."""
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"Expected padding_side to be one of left or right, but got {padding_side}.")
    if not hasattr(sequences, "__iter__"):
        raise RuntimeError(f"pad_sequence: Expected iterable for input sequences, but got arg of type: {type(sequences)}")
    sequences = list(sequences)
    if not sequences:
        raise RuntimeError("received an empty list of sequences")
    longest, padded = max(len(each) for each in sequences), []
    for each in sequences:
        sides = [[longest - len(each)] + [0] * (each.ndim - 1), [0] * each.ndim]  # padding before and after
        padded.append(constant_pad(each, *(sides if padding_side == "left" else reversed(sides)), padding_value))
    return stack(padded, 0 if batch_first else 1)


def unpad_sequence(padded_sequences, lengths, batch_first=False) -> list:
    """The opposite: the sequences, cut to their `lengths`."""
    sequences = padded_sequences if batch_first else transpose(padded_sequences, 0, 1)
    return [each[: int(length)] for each, length in zip(sequences, lengths, strict=True)]


def pack_sequence(sequences, enforce_sorted=True) -> PackedSequence:
    """Pack a list of sequences (L_n, …); in order of falling length, if `enforce_sorted`."""
    return pack_padded_sequence(pad_sequence(sequences), [len(each) for each in sequences], enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences) -> list:
    """The opposite: the list of sequences."""
    return unpad_sequence(*pad_packed_sequence(packed_sequences))
