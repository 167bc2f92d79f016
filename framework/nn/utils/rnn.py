"""Sequences of different lengths in one tensor: padded to the longest, or packed without padding.

A packed batch holds first step 1 of all sequences, then step 2 of those that have one, and so on, the longest sequence first:
`batch_sizes[t]` of them have a step t.
"""

from collections import namedtuple

from ...creation import arange, as_tensor, full
from ...dtypes import int64
from ...ops.index import index_put
from ...ops.scatter import index_select
from ...ops.shape import constant_pad, stack, transpose
from ...ops.sort import argsort

_Fields = namedtuple("PackedSequence", ("data", "batch_sizes", "sorted_indices", "unsorted_indices"))


class PackedSequence(_Fields):
    """A packed batch: `data` (sum of lengths, …), `batch_sizes` (T), and the two orders between the caller's batch and the sorted one."""

    __slots__ = ()

    def __new__(cls, data, batch_sizes=None, sorted_indices=None, unsorted_indices=None):
        if unsorted_indices is None and sorted_indices is not None:
            unsorted_indices = argsort(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args, **kwargs):
        """The same with `data.to(…)`; itself if that changes nothing."""
        data = self.data.to(*args, **kwargs)
        if data is self.data:
            return self
        return PackedSequence(data, self.batch_sizes, *(None if each is None else each.to(data.device) for each in self[2:]))

    def cpu(self):
        """The same in the CPU's memory."""
        return self.to("cpu")

    def cuda(self, device="cuda"):
        """The same on a GPU."""
        return self.to(device)


def _valid(lengths, longest):
    """(T, N): has sequence n a step t?"""
    return arange(longest).unsqueeze(1) < lengths


def pack_padded_sequence(input, lengths, batch_first=False, enforce_sorted=True) -> PackedSequence:
    """Pack (T, N, …), or (N, T, …) if `batch_first`, whose sequence n has `lengths[n]` steps; in falling order, if `enforce_sorted`."""
    lengths, order = as_tensor(lengths, dtype=int64).cpu(), None
    input = transpose(input, 0, 1) if batch_first else input
    longest, n = input.size(0), input.size(1)
    if not input.numel():
        raise RuntimeError("Cannot pack empty tensors.")
    if tuple(lengths.shape) != (n,):
        raise RuntimeError(f"Expected `lengths` to be 1-D, as many as batch_size={n}, but got shape {list(lengths.shape)}")
    if not 0 < lengths.min() <= lengths.max() <= longest:
        raise RuntimeError(f"Lengths have to be greater than 0 and not to exceed the padded length {longest}, but got {lengths.tolist()}")
    if not enforce_sorted:
        order = argsort(lengths, descending=True, stable=True)
        lengths, order = lengths[order], order.to(input.device)
        input = index_select(input, 1, order)
    elif (lengths[1:] > lengths[:-1]).any():
        raise RuntimeError("`lengths` must be sorted in decreasing order; or pass enforce_sorted=False, and they will be sorted")
    valid = _valid(lengths, int(lengths[0]))
    return PackedSequence(input[: valid.shape[0]][valid.to(input.device)], valid.sum(1), order)


def pad_packed_sequence(sequence, batch_first=False, padding_value=0.0, total_length=None):
    """The opposite: (padded (T, N, …), lengths (N)), T the longest length, or `total_length`."""
    data, batch_sizes, _, back = sequence
    length = len(batch_sizes) if total_length is None else total_length
    if length < len(batch_sizes):
        raise ValueError(f"Expected total_length to be at least the length of the longest sequence, {len(batch_sizes)}, but got {length}")
    lengths = _valid(batch_sizes, int(batch_sizes[0])).sum(1)  # as many as the steps that have a sequence n
    padded = full((length, len(lengths), *data.shape[1:]), padding_value, dtype=data.dtype, device=data.device)
    padded = index_put(padded, (_valid(lengths, length).to(data.device),), data)
    if back is not None:
        padded, lengths = index_select(padded, 1, back), lengths[back.cpu()]
    return (transpose(padded, 0, 1) if batch_first else padded), lengths


def pad_sequence(sequences, batch_first=False, padding_value=0.0, padding_side="right"):
    """Sequences (L_n, …) as one tensor (T, N, …), or (N, T, …) if `batch_first`, T the longest length, the rest `padding_value`."""
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"Expected padding_side to be one of left or right, but got {padding_side}.")
    padded, longest = [], max(map(len, sequences), default=0)
    for each in sequences:
        sides = [[longest - len(each)] + [0] * (each.ndim - 1), [0] * each.ndim]  # padding before and after
        padded.append(constant_pad(each, *(sides if padding_side == "left" else reversed(sides)), padding_value))
    return stack(padded, 0 if batch_first else 1)


def pack_sequence(sequences, enforce_sorted=True) -> PackedSequence:
    """Pack a list of sequences (L_n, …); in order of falling length, if `enforce_sorted`."""
    return pack_padded_sequence(pad_sequence(sequences), [len(each) for each in sequences], enforce_sorted=enforce_sorted)
