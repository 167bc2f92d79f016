"""`x[…]` on both sides of an assignment; the gradient of reading is adding into zeros, and the other way round.

An index is read in two steps, as PyTorch does it: integers, slices, None and ... first select a view; tensors and lists then pick elements
of that view, NumPy's way.  So `x[0, :, [1, 2]]` is `x[0][:, [1, 2]]`.
"""

import warnings
from math import prod

import numpy as np

from ..autograd.inplace import assign, check_writable
from ..autograd.mode import mode
from ..autograd.op import broadcast_to, cast, op, unwrap
from ..autograd.variable import Variable, before_change, follow
from ..device import array_module, constant, gpus
from .promotion import expect, same_type
from .shape import reshape

_ALL = slice(None)
_READ_BY = {int: "select", slice: "slice", type(None): "unsqueeze"}
_SEQUENCES = (Variable, np.ndarray, list, tuple, range, slice)


def _is_plain(part) -> bool:
    """Whether it selects a view and needs no check."""
    return type(part) is int or part is None or part is ... or (type(part) is slice and part.step is None)


def _dtype(part):
    """The type of a tensor or an array in an index; None for other parts."""
    return getattr(getattr(part, "_array", part), "dtype", None)


def _is_array(part) -> bool:
    return _dtype(part) is not None


def _is_mask(part) -> bool:
    return _dtype(part) == np.bool_


def _split(position) -> tuple:
    """(index that selects a view, index that then picks elements of it); either is None where there is nothing to do."""
    if _is_plain(position):
        return (position,), None
    if type(position) is tuple and all(map(_is_plain, position)):
        return position, None
    if isinstance(position, list) and any(each is None or each is ... or isinstance(each, _SEQUENCES) for each in position):
        warnings.warn("Using a non-tuple sequence for multidimensional indexing is deprecated; use x[tuple(seq)]", stacklevel=3)
        position = tuple(position)
    basic, picks = [], []
    for part in map(_part, position if isinstance(position, tuple) else (position,)):
        if isinstance(part, bool):
            basic.append(None)
            picks.append(np.arange(int(part)))  # of the new dimension its only element, or none
        elif _is_array(part):
            basic += [_ALL] * (part.ndim if _is_mask(part) else 1)
            picks.append(part)
        else:
            basic.append(part)
            picks += [] if isinstance(part, int) else [... if part is ... else _ALL]
    if not any(map(_is_array, picks)):
        return tuple(basic), None
    return None if all(each is ... or each == _ALL for each in basic) else tuple(basic), tuple(picks)


def _part(part):
    """One entry of an index: an int, a bool, a slice, None, ... or else an array of integers or a mask (a Variable if it was one)."""
    part = part.item() if isinstance(part, np.generic) else part
    expect(not isinstance(part, slice) or part.step is None or part.step > 0, "step must be greater than zero", ValueError)
    if part is None or part is ... or isinstance(part, (slice, bool)):
        return part
    if isinstance(part, (list, tuple, range)):
        part = np.asarray([each if type(each) is int else _part(each) for each in part], None if len(part) else np.int64)
    if _dtype(part) == np.uint8:
        warnings.warn("indexing with dtype uint8 is now deprecated, please use a dtype bool instead.", stacklevel=4)
        part = cast(part, np.dtype(bool))
    if _is_array(part):
        if _dtype(part) not in (np.int32, np.int64, np.bool_):
            raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
        return part if part.ndim else part.item()
    if not hasattr(part, "__index__"):
        raise IndexError(f"an index is made of integers, slices, ..., None and tensors of integers or bools, not {type(part).__name__}")
    return part.__index__()


def _read(input, index):
    out = input[index]
    return input[(*index, ...)] if isinstance(out, np.generic) else out  # a view of a single element too


def _add_at(input, shape, index):
    """Zeros of `shape`, with `input` added at `index`: repeated indices add up."""
    module = array_module(input)
    if list(map(_is_mask, filter(_is_array, index))) in ([], [True]):  # no index comes twice
        out = module.zeros(shape, input.dtype)
        out[index] = input
        return out
    # the first so many dimensions
    used = len(shape) if any(each is ... for each in index) else sum(each.ndim if _is_mask(each) else 1 for each in index)
    rows = module.arange(prod(shape[:used])).reshape(shape[:used])[index]
    return add_rows.compute([input, rows.reshape(-1), shape[:used], shape[used:]])[0]


@op
def add_rows(input, rows, many, row):
    """Zeros of shape (*many, *row), with the rows of `input` added to those of the numbers `rows`."""
    module = array_module(input)
    out = module.zeros((prod(many), prod(row)), input.dtype)
    module.add.at(out, rows, input.reshape(rows.size, prod(row)))
    return out.reshape((*many, *row))


@op(input=lambda grad, index: put_at(grad, index, 0.0), value=lambda grad, index: getitem(grad, index))
def put_at(input, index, value):
    """`input` with `value` written at `index`."""
    out = array_module(input).array(input)  # a copy, and an array where a rule computed NumPy's scalar
    out[index] = value
    return out


READS = {name: op(_read, name=name, view=True, input=lambda grad, input_shape, index: add_at(grad, input_shape, index))
         for name in ("select", "slice", "unsqueeze", "alias", "index", "index_select")}  # fmt: skip
add_at = op(_add_at, name="add_at", input=lambda grad, index: getitem(grad, index))


def getitem(input, index):
    """`input[index]`, of either kind; on the tape by the name of its last step."""
    names = [_READ_BY.get(type(each), "index") for each in index if each is not ...]
    return READS["index" if "index" in names else names[-1] if names else "alias"](input, index)


def _select(input, position) -> tuple:
    """The view that the first step selects, and what then picks elements of it, or None."""
    basic, picks = _split(position)
    if basic is not None:
        input = getitem(input, basic)
    if picks is not None and any(each is ... for each in picks):  # to NumPy, even one that stands for nothing parts its neighbours
        place = next(i for i, each in enumerate(picks) if each is ...)
        covered = input.ndim - sum(each.ndim if _is_mask(each) else 1 for each in picks if each is not ...)
        picks = (*picks[:place], *[_ALL] * covered, *picks[place + 1 :])
    return input, picks if picks is None else tuple([_on_device_of(input, each) for each in picks])


def _on_device_of(input, part):
    """An index of the CPU on the device of `input`."""
    array = getattr(part, "_array", part)
    return part if type(input._array) is np.ndarray or type(array) is not np.ndarray else constant(array, input._array)


def read(input, position):
    """`input[position]`: a view, unless tensors, lists or bools pick elements."""
    input, picks = _select(input, position)
    return input if picks is None else getitem(input, picks)


def write(input, position, value: Variable) -> None:
    """`input[position] = value`."""
    input, picks = _select(input, position)
    ones = next((dim for dim, n in enumerate(value.shape) if n != 1), value.ndim)
    value = reshape(value, value.shape[ones:]) if ones else value
    if picks is None:
        input.copy_(value)
        return
    if value._array.size == 1 and list(map(_is_mask, filter(_is_array, picks))) == [True]:  # as masked_fill
        value = cast(value, input._array.dtype)
    same_type(input, value)
    check_writable(input)
    if mode.grad and (value.requires_grad or input.requires_grad):
        assign(input, put_at(input, picks, value))
        return
    before_change(input)
    try:
        input._array[tuple(unwrap(picks)[0])] = value._array
    except ValueError as error:
        raise RuntimeError(str(error)) from None
    if input._version is not None:
        input._version[0] += 1


def index_put(input, indices, values, accumulate=False):
    """`input` with `values` written at `input[indices]`, or added there."""
    same_type(input, values)
    indices = tuple(_ALL if each is None else _part(each) for each in indices)
    if not accumulate:
        return put_at(input, indices, values)
    return input + add_at(broadcast_to(values, getitem(input.detach(), indices).shape), tuple(input.shape), indices)


@op(input=lambda grad, steps: view_scatter(grad, 0.0, steps), value=lambda grad, steps: follow(steps, grad))
def view_scatter(input, value, steps):
    """`input` with `value` written where the view of those `steps` looks: what an in-place change of a view makes of its base."""
    out = array_module(input).array(input)  # a copy, and an array where a rule computed NumPy's scalar
    follow(steps, out)[...] = value
    return out


def within(index, length) -> bool:
    """Whether integers are neither negative nor as large as `length`: one question to the GPU, and none while a step is recorded."""
    return bool(gpus.recording or not index.size or index.view(f"u{index.itemsize}").max() < length)  # what is negative is now large


@op(weight=lambda grad, weight_shape, index: add_at(grad, weight_shape, (index,)))
def embedding(weight, index):
    """Rows of `weight` (V, D) at `index` (…): (…, D)."""
    expect(within(index, len(weight)), "index out of range in self", IndexError)
    return weight[index]


# The same values, whose gradient is multiplied by `scale`
scaled_gradient = op(lambda input, scale: input, name="scaled_gradient", input=lambda grad, scale: grad * scale)
