"""Sequences of different lengths in one tensor: padded to the longest, or packed without padding.

A packed batch holds first step 1 of all sequences, then step 2 of those that have one, and so on, the longest sequence first:
`batch_sizes[t]` of them have a step t.  How many rows that makes, the host must know.  While a step is recorded for a GPU it cannot ask,
and lengths that lie there leave the batch padded: `data` is (T, N, …), with zeros for padding, and `batch_sizes` are the lengths (N).
"""

from typing import NamedTuple

from ...creation import arange, as_tensor, full
from ...device import gpus
from ...dtypes import int64
from ...ops.elementwise import where
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
    return arange(longest, device=lengths.device).unsqueeze(1) < lengths


def _where_valid(padded, lengths, value):
    """`padded` (T, N, …) with `value` where sequence n has no step t."""
    return where(_valid(lengths, len(padded)).reshape(*padded.shape[:2], *[1] * (padded.ndim - 2)), padded, value)


def _rows(valid, order, per_step, per_sequence, device):
    """Where every step of packed sequences lies among the rows of a padded batch, whose sequence `order[n]` is the n-th longest."""
    steps, of = valid.nonzero().unbind(1)
    of = of if order is None else order[of.to(order.device)]
    return ((steps * per_step).to(of.device) + of * per_sequence).to(device)


def pack_padded_sequence(input, lengths, batch_first=False, enforce_sorted=True) -> PackedSequence:
    """Pack (T, N, …), or (N, T, …) if `batch_first`, whose sequence n has `lengths[n]` steps; in falling order, if `enforce_sorted`."""
    lengths, order, back = as_tensor(lengths, dtype=int64), None, None
    longest, n = (input.size(dim) for dim in ((1, 0) if batch_first else (0, 1)))
    expect(input.numel(), "Cannot pack empty tensors.")
    expect(tuple(lengths.shape) == (n,), f"Expected `lengths` to be 1-D, as many as batch_size={n}, but got shape {list(lengths.shape)}")
    if lengths.is_cuda and gpus.recording:
        return PackedSequence(_where_valid(input.transpose(0, 1) if batch_first else input, lengths, 0), lengths)
    lengths = lengths.cpu()
    right = 0 < lengths.min() <= lengths.max() <= longest
    expect(right, f"Lengths have to be greater than 0 and not to exceed the padded length {longest}, but got {lengths.tolist()}")
    if not enforce_sorted:
        order = lengths.argsort(descending=True, stable=True)
        lengths, back = lengths[order], order.argsort().to(input.device)
    expect((lengths[1:] <= lengths[:-1]).all(), "`lengths` must be sorted in decreasing order, unless enforce_sorted=False")
    valid = _valid(lengths, int(lengths[0]))
    rows = _rows(valid, order, *((1, longest) if batch_first else (n, 1)), input.device)
    return PackedSequence(input.flatten(0, 1)[rows], valid.sum(1), None if order is None else order.to(input.device), back)


def pad_packed_sequence(sequence, batch_first=False, padding_value=0.0, total_length=None):
    """The opposite: (padded (T, N, …), lengths (N)), T the longest length, or `total_length`."""
    data, batch_sizes, order, back = sequence
    longest = len(data if batch_sizes.is_cuda else batch_sizes)
    length = longest if total_length is None else total_length
    expect(length >= longest, f"Expected total_length to be at least the length of the longest, {longest}, but got {length}", ValueError)
    if batch_sizes.is_cuda:
        expect(total_length, "while a step is recorded, pad_packed_sequence must be told total_length: the longest length is not known")
        rest = [length - longest] + [0] * (data.ndim - 1)
        padded = constant_pad(_where_valid(data, batch_sizes, padding_value), [0] * data.ndim, rest, padding_value)
        return padded.transpose(0, 1) if batch_first else padded, batch_sizes
    lengths = _valid(batch_sizes, n := int(batch_sizes[0])).sum(1)  # as many as the steps that have a sequence n
    rows = _rows(_valid(lengths, length), order, *((1, length) if batch_first else (n, 1)), data.device)
    padded = full((length * n, *data.shape[1:]), padding_value, dtype=data.dtype, device=data.device).index_put((rows,), data)
    return padded.unflatten(0, (n, length) if batch_first else (length, n)), lengths if back is None else lengths[back.cpu()]


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
