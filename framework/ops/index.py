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
from ..autograd.variable import Variable, follow
from ..device import array_module
from .shape import reshape

_ALL = slice(None)
_SEQUENCES = (Variable, np.ndarray, list, tuple, range, slice)


def _is_plain(part) -> bool:
    """Whether it selects a view and needs no check."""
    return type(part) is int or part is None or part is ... or (type(part) is slice and part.step is None)


def split(position) -> tuple:
    """(index that selects a view, index that then picks elements of it); either is None where there is nothing to do."""
    if _is_plain(position):
        return (position,), None
    if type(position) is tuple and all(map(_is_plain, position)):
        return position, None
    if isinstance(position, list) and any(each is None or each is ... or isinstance(each, _SEQUENCES) for each in position):
        warnings.warn("Using a non-tuple sequence for multidimensional indexing is deprecated; use x[tuple(seq)]", stacklevel=3)
        position = tuple(position)
    basic, picks, picking = [], [], False
    for part in map(_part, position if isinstance(position, tuple) else (position,)):
        if part is True or part is False:  # a new dimension of length 1 or 0
            part = np.arange(int(part))
            basic.append(None)
        elif hasattr(part, "ndim"):
            basic += [_ALL] * (part.ndim if _kind(part) == "b" else 1)
        else:
            basic.append(part)
            picks += [] if isinstance(part, int) else [... if part is ... else _ALL]
            continue
        picks.append(part)
        picking = True
    basic = None if picking and all(each is ... or each == _ALL for each in basic) else tuple(basic)
    return basic, tuple(picks) if picking else None


def _kind(part) -> str:
    return (part._array if isinstance(part, Variable) else part).dtype.kind


def _part(part):
    """One entry of an index: an int, a bool, a slice, None, ... or else an array of integers or a mask (a Variable if it was one)."""
    if isinstance(part, slice):
        if part.step is not None and part.step <= 0:
            raise ValueError("step must be greater than zero")
        return part
    if isinstance(part, (list, tuple, range)):
        part = np.asarray([_part(each) for each in part], dtype=None if len(part) else np.int64)
    if isinstance(part, (Variable, np.ndarray)):
        dtype = part._array.dtype if isinstance(part, Variable) else part.dtype
        if dtype == np.uint8:
            if part.ndim:
                warnings.warn("indexing with dtype uint8 is now deprecated, please use a dtype bool instead.", stacklevel=4)
            return _part(cast(part, np.dtype(bool)))
        if dtype.kind not in "bi" or dtype.itemsize == 2 or dtype == np.int8:
            raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
        return part if part.ndim else part.item()
    if isinstance(part, (bool, np.bool_)):
        return bool(part)
    if part is None or part is ...:
        return part
    if not hasattr(part, "__index__"):
        kind = type(part).__name__
        valid = "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices"
        raise IndexError(f"{valid} (got {kind})")
    return part.__index__()


def _read(input, index):
    try:
        out = input[index]
        if isinstance(out, np.generic):  # a single element: PyTorch gives a view of it, NumPy a number unless there is an ellipsis
            out = input[(*index, ...) if isinstance(index, tuple) else (index, ...)]
    except IndexError as error:
        raise IndexError(_message(str(error), input, index)) from None
    return out


def getitem(input, index):
    """`input[index]`, of either kind; on the tape by the name of its last step."""
    parts = index if isinstance(index, tuple) else (index,)
    last = next((each for each in reversed(parts) if each is not ...), ...)
    name = "alias" if last is ... else "unsqueeze" if last is None else "slice" if isinstance(last, slice) else "select"
    return _READS["index" if any(hasattr(each, "ndim") for each in parts) else name](input, index)


def _message(error: str, input, index) -> str:
    """What PyTorch says where NumPy says `error`."""
    parts = index if isinstance(index, tuple) else (index,)
    arrays = [each for each in parts if hasattr(each, "shape")]
    if "too many indices" in error:
        if not input.ndim and not arrays:
            use = "Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert a 0-dim tensor to a number"
            return f"invalid index of a 0-dim tensor. {use}"
        return f"too many indices for tensor of dimension {input.ndim}"
    if "boolean index" in error:
        dim = 0
        for part in parts:
            shape = part.shape if hasattr(part, "shape") and part.dtype.kind == "b" else input.shape[dim : dim + 1]
            at = next((i for i, n in enumerate(shape) if input.shape[dim + i : dim + i + 1] != (n,)), None)
            if at is not None:
                indexed = f"the shape of the indexed tensor {list(input.shape)} at index {dim + at}"
                return f"The shape of the mask {list(shape)} at index {at} does not match {indexed}"
            dim += len(shape)
    if "broadcast" in error:
        shapes = ", ".join(str(list(each.shape)) for each in arrays)
        return f"shape mismatch: indexing tensors could not be broadcast together with shapes {shapes}"
    return error.replace("axis", "dimension")


def _add_at(input, shape, index):
    """Zeros of `shape`, with `input` added at `index`: repeated indices add up."""
    parts = index if isinstance(index, tuple) else (index,)
    masks = [each.dtype.kind == "b" for each in parts if hasattr(each, "shape")]
    if array_module(input) is np and input.size and masks and masks != [True]:
        return _add_rows(input, shape, parts)
    out = array_module(input).zeros(shape, input.dtype)
    if masks in ([], [True]):  # no index comes twice
        out[index] = input
    else:
        array_module(input).add.at(out, index, input)
    return out


def _add_rows(input, shape, parts):
    """`np.add.at`, several times faster: a product with the sparse matrix of ones at (row of the result, row of `input`)."""
    from scipy.sparse import csc_array

    parts = [each for part in parts for each in (part.nonzero() if hasattr(part, "shape") and part.dtype.kind == "b" else (part,))]
    for place in (i for i, each in enumerate(parts) if each is ...):
        parts[place : place + 1] = [_ALL] * (len(shape) - len(parts) + 1)
    dims = [dim for dim, each in enumerate(parts) if hasattr(each, "shape")]
    lengths, others = [shape[dim] for dim in dims], [n for dim, n in enumerate(shape) if dim not in dims]
    arrays = np.broadcast_arrays(*(np.where(parts[dim] < 0, parts[dim] + shape[dim], parts[dim]) for dim in dims))
    rows, many = np.ravel_multi_index(arrays, lengths).ravel(), arrays[0].ndim
    start = dims[0] if dims[-1] - dims[0] < len(dims) else 0  # where NumPy puts the dimensions of the arrays
    values = np.moveaxis(input, range(start, start + many), range(many)).reshape(rows.size, prod(others))
    ones = csc_array((np.ones(rows.size, values.dtype), rows, np.arange(rows.size + 1)), shape=(prod(lengths), rows.size))
    return np.moveaxis((ones @ values).reshape(*lengths, *others), range(len(dims)), dims)


def _put(out, index, value) -> None:
    """`out[index] = value`, with PyTorch's errors."""
    try:
        out[index] = value
    except IndexError as error:
        raise IndexError(_message(str(error), out, index)) from None
    except ValueError:
        shapes = f"value tensor of shape {list(value.shape)} cannot be broadcast to indexing result of shape {list(out[index].shape)}"
        raise RuntimeError(f"shape mismatch: {shapes}") from None


@op
def put_at(input, index, value):
    """`input` with `value` written at `index`."""
    out = input.copy()
    _put(out, index, value)
    return out


# fmt: off
_READS = {name: op(_read, name=name, view=True, input=lambda grad, input_shape, index: add_at(grad, input_shape, index))
          for name in ("select", "slice", "unsqueeze", "alias", "index")}
add_at = op(_add_at, name="add_at", input=lambda grad, index: getitem(grad, index))
put_at.rule("input")(lambda grad, index: put_at(grad, index, 0.0))
put_at.rule("value")(lambda grad, index: getitem(grad, index))
# fmt: on


def read(input, position):
    """`input[position]`: a view, unless tensors, lists or bools pick elements."""
    basic, picks = split(position)
    if basic is not None:
        input = getitem(input, basic)
    return input if picks is None else getitem(input, picks)


def write(input, position, value: Variable) -> None:
    """`input[position] = value`."""
    basic, picks = split(position)
    if basic is not None:
        input = getitem(input, basic)
    ones = next((dim for dim, n in enumerate(value.shape) if n != 1), value.ndim)
    value = reshape(value, value.shape[ones:]) if ones else value
    if picks is None:
        input.copy_(value)
        return
    if value._array.size == 1 and [_kind(each) for each in picks if hasattr(each, "ndim")] == ["b"]:  # as masked_fill
        value = cast(value, input._array.dtype)
    _check_type(input, value)
    check_writable(input)
    if mode.grad and (value.requires_grad or input.requires_grad):
        assign(input, put_at(input, picks, value))
    else:
        _put(input._array, tuple(unwrap(picks)[0]), value._array)
        if input._version is not None:
            input._version[0] += 1


def _check_type(input, values) -> None:
    if input._array.dtype != values._array.dtype:
        types = f"got {input.dtype.title} for the destination and {values.dtype.title} for the source."
        raise RuntimeError(f"Index put requires the source and destination dtypes match, {types}")


def index_put(input, indices, values, accumulate=False):
    """`input` with `values` written at `input[indices]`, or added there."""
    _check_type(input, values)
    indices = tuple(map(_part, indices))
    if not accumulate:
        return put_at(input, indices, values)
    return input + add_at(broadcast_to(values, getitem(input.detach(), indices).shape), tuple(input.shape), indices)


@op
def view_scatter(input, value, steps):
    """`input` with `value` written where the view of those `steps` looks: what an in-place change of a view makes of its base."""
    out = array_module(input).array(input)  # a copy, and an array where a rule computed NumPy's scalar
    follow(steps, out)[...] = value
    return out


@view_scatter.rule("input")
def _(grad, steps):
    return view_scatter(grad, 0.0, steps)


view_scatter.rule("value")(lambda grad, steps: follow(steps, grad))


def embedding_lookup(weight, index):
    """Rows of `weight` (V, D) at `index` (…): (…, D)."""
    if index.size and not (index.min() >= 0 and index.max() < weight.shape[0]):
        raise IndexError("index out of range in self")
    return weight[index]


embedding = op(embedding_lookup, name="embedding", weight=lambda grad, weight_shape, index: add_at(grad, weight_shape, index))
# The same values, whose gradient is multiplied by `scale`
scaled_gradient = op(lambda input, scale: input, name="scaled_gradient", input=lambda grad, scale: grad * scale)
