"""Sorting on a CPU: each element becomes one whole number, its rank above and its place below, and no two of these are the same.

So NumPy's fastest sort, which goes by vectors and is neither stable nor tells places, gives the stable order; where only the first are
asked for, its partition finds them, or one pass if they are few.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from ..ops import sort as ops
from ..ops.shape import normalize
from . import threads
from .cpu import SMALL, compiled, kernel

_WORTH_THREADS = 1 << 17  # elements: fewer are sorted before a thread of Python's has begun
_BLOCK = 1 << 15  # keys that are made, sorted and read at once: they stay in a core's cache
_FEW = 32  # as many are found in one pass, even where each element comes before all others, no later than by a sort
_EVERY_BIT, _LAST = np.uint32(0xFFFFFFFF), np.uint64(0xFFFFFFFFFFFFFFFF)


@compiled()
def _keys_of_floats(rows, turn, shift, keys):
    """keys[r, i] = (the rank of the float32 with the bits rows[r, i], xor `turn`) << shift | i."""
    sign, infinity = np.uint32(0x80000000), np.uint32(0x7F800000)
    for r in range(keys.shape[0]):
        row, out = rows[r], keys[r]
        for i in range(row.size):
            bits = row[i]
            size = bits & ~sign
            rank = ~bits if bits & sign else bits | sign
            rank = sign if size == 0 else rank  # -0 is as large as 0
            rank = _EVERY_BIT if size > infinity else rank  # a nan
            out[i] = np.uint64(rank ^ turn) << shift | np.uint64(i)


@compiled()
def _keys_of_integers(rows, distance, shift, keys):
    """keys[r, i] = |rows[r, i] - base| << shift | i, where `distance` is (base, is it the largest?)."""
    base, is_largest = distance
    for r in range(keys.shape[0]):
        row, out = rows[r], keys[r]
        for i in range(row.size):
            number = np.int64(row[i])
            out[i] = np.uint64(base - number if is_largest else number - base) << shift | np.uint64(i)


@compiled()
def _sort_few(keys, least):
    """least[r] = the smallest keys of row r, in order: most keys are larger than all of them, the others go to their place there."""
    for r in range(keys.shape[0]):
        row, out = keys[r], least[r]
        out[:] = _LAST
        for i in range(row.size):
            key = row[i]
            if key < out[-1]:
                j = out.size - 1
                while j > 0 and out[j - 1] > key:
                    out[j] = out[j - 1]
                    j -= 1
                out[j] = key


@compiled()
def _read(keys, shift, rows, values, indices):
    """indices[r, i] = the place in the lowest `shift` bits of a key, values[r, i] = what row r has there."""
    lowest = (np.uint64(1) << shift) - np.uint64(1)
    for r in range(keys.shape[0]):
        key, row = keys[r], rows[r]
        for i in range(key.size):
            place = key[i] & lowest
            indices[r, i] = place
            values[r, i] = row[place]


def _least(keys, count):
    """The `count` smallest keys of each row, in order."""
    if count <= min(_FEW, keys.shape[1] // 8):
        least = np.empty((len(keys), count), np.uint64)
        _sort_few(keys, least)
        return least
    if count < keys.shape[1]:
        keys.partition(count - 1, 1)
    least = keys[:, :count]
    least.sort(1)
    return least


def _ranking(rows, descending, shift):
    """(function that makes keys, the rows as it reads them, its argument that says the order), None if keys need more than 64 bits."""
    if rows.dtype == np.float32:
        return (_keys_of_floats, rows.view(np.uint32), _EVERY_BIT if descending else np.uint32(0)) if shift <= 32 else None
    numbers = rows.view(np.uint8) if rows.dtype.kind == "b" else rows
    low, high = int(numbers.min()), int(numbers.max())
    fits = (high - low).bit_length() + shift <= 64
    return (_keys_of_integers, numbers, (np.int64(high if descending else low), descending)) if fits else None


def _first_of_rows(rows, descending, count):
    """(values, indices) of the first `count` in each of the rows (R, N), None where `_ranking` has none."""
    shift = np.uint64((rows.shape[1] - 1).bit_length())
    ranking = _ranking(rows, descending, int(shift))
    if ranking is None:
        return None
    make_keys, numbers, order = ranking
    values, indices = np.empty((len(rows), count), rows.dtype), np.empty((len(rows), count), np.int64)
    step = max(1, _BLOCK // rows.shape[1])

    def compute(first, last):
        for start in range(first, last, step):
            block = slice(start, min(start + step, last))
            keys = np.empty(rows[block].shape, np.uint64)
            make_keys(numbers[block], order, shift, keys)
            _read(_least(keys, count), shift, rows[block], values[block], indices[block])

    _by_threads(compute, len(rows), rows.size)
    return values, indices


def _by_threads(compute, count, size):
    """`compute(first, last)` for ranges that cover [0, count), by threads of Python's, of which NumPy's sort lets many run at once."""
    shares = min(threads.get_num_threads(), count) if size >= _WORTH_THREADS else 1
    bounds = [count * i // shares for i in range(shares + 1)]
    if shares == 1:
        compute(0, count)
        return
    with ThreadPoolExecutor(shares - 1) as others:
        at_work = [others.submit(compute, *each) for each in zip(bounds[1:-1], bounds[2:], strict=True)]
        compute(0, bounds[1])
        for each in at_work:
            each.result()


@kernel(ops.sort)
def sort_by_keys(input, dim, descending, stable, count):
    if input.size < SMALL or not (input.dtype == np.float32 or input.dtype.kind in "biu"):
        return NotImplemented
    dim = normalize(dim, input.ndim)
    lines = np.moveaxis(input, dim, -1)
    length = lines.shape[-1]
    count = length if count is None else min(count, length)
    found = _first_of_rows(np.ascontiguousarray(lines).reshape(-1, length), bool(descending), count) if count > 0 else None
    if found is None:
        return NotImplemented
    return ops.Sorted(*(np.ascontiguousarray(np.moveaxis(each.reshape(*lines.shape[:-1], -1), -1, dim)) for each in found))
