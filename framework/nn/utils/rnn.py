"""Sequences of different lengths in one tensor: padded to the longest, or packed without padding.

A packed batch holds first step 1 of all sequences, then step 2 of those that have one, and so on, the longest sequence first:
`batch_sizes[t]` of them have a step t.
"""

from typing import NamedTuple

from ...creation import arange, as_tensor, full
from ...dtypes import int64
from ...ops.promotion import expect
from ...ops.shape import constant_pad, stack
from ...tensor import Tensor


class PackedSequence(NamedTuple):
    """A packed batch: `data` (sum of lengths, …), `batch_sizes` (T), and the two orders between the caller's batch and the sorted one."""

    data: Tensor
    batch_sizes: Tensor | None = None
    sorted_indices: Tensor | None = None
    unsorted_indices: Tensor | None = None

    def to(self, *args, **kwargs):
        """The same with `data.to(…)`."""
        data = self.data.to(*args, **kwargs)
        return PackedSequence(data, self.batch_sizes, *(None if each is None else each.to(data.device) for each in self[2:]))


def _valid(lengths, longest):
    """(T, N): has sequence n a step t?"""
    return arange(longest).unsqueeze(1) < lengths


def pack_padded_sequence(input, lengths, batch_first=False, enforce_sorted=True) -> PackedSequence:
    """Pack (T, N, …), or (N, T, …) if `batch_first`, whose sequence n has `lengths[n]` steps; in falling order, if `enforce_sorted`."""
    lengths, order, back = as_tensor(lengths, dtype=int64).cpu(), None, None
    input = input.transpose(0, 1) if batch_first else input
    longest, n = input.size(0), input.size(1)
    expect(input.numel(), "Cannot pack empty tensors.")
    expect(tuple(lengths.shape) == (n,), f"Expected `lengths` to be 1-D, as many as batch_size={n}, but got shape {list(lengths.shape)}")
    right = 0 < lengths.min() <= lengths.max() <= longest
    expect(right, f"Lengths have to be greater than 0 and not to exceed the padded length {longest}, but got {lengths.tolist()}")
    if not enforce_sorted:
        order = lengths.argsort(descending=True, stable=True)
        lengths, order, back = lengths[order], order.to(input.device), order.argsort().to(input.device)
        input = input.index_select(1, order)
    expect((lengths[1:] <= lengths[:-1]).all(), "`lengths` must be sorted in decreasing order, unless enforce_sorted=False")
    valid = _valid(lengths, int(lengths[0]))
    return PackedSequence(input[: valid.shape[0]][valid.to(input.device)], valid.sum(1), order, back)


def pad_packed_sequence(sequence, batch_first=False, padding_value=0.0, total_length=None):
    """The opposite: (padded (T, N, …), lengths (N)), T the longest length, or `total_length`."""
    data, batch_sizes, _, back = sequence
    longest = len(batch_sizes)
    length = longest if total_length is None else total_length
    expect(length >= longest, f"Expected total_length to be at least the length of the longest, {longest}, but got {length}", ValueError)
    lengths = _valid(batch_sizes, int(batch_sizes[0])).sum(1)  # as many as the steps that have a sequence n
    padded = full((length, len(lengths), *data.shape[1:]), padding_value, dtype=data.dtype, device=data.device)
    padded = padded.index_put((_valid(lengths, length).to(data.device),), data)
    if back is not None:
        padded, lengths = padded.index_select(1, back), lengths[back.cpu()]
    return (padded.transpose(0, 1) if batch_first else padded), lengths


def pad_sequence(sequences, batch_first=False, padding_value=0.0, padding_side="right"):
    """Sequences (L_n, …) as one tensor (T, N, …), or (N, T, …) if `batch_first`, T the longest length, the rest `padding_value`."""
    expect(padding_side in ("left", "right"), f"Expected padding_side to be one of left or right, but got {padding_side}.")
    padded, longest = [], max(map(len, sequences), default=0)
    for each in sequences:
        sides = [[longest - len(each)] + [0] * (each.ndim - 1), [0] * each.ndim]  # padding before and after
        padded.append(constant_pad(each, *(sides if padding_side == "left" else reversed(sides)), padding_value))
    return stack(padded, 0 if batch_first else 1)


def pack_sequence(sequences, enforce_sorted=True) -> PackedSequence:
    """Pack a list of sequences (L_n, …); in order of falling length, if `enforce_sorted`."""
    return pack_padded_sequence(pad_sequence(sequences), [len(each) for each in sequences], enforce_sorted=enforce_sorted)
