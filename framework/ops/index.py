"""Reading and writing elements by index; the gradient of reading is adding into zeros, and the other way round."""

import numpy as np

from ..autograd.op import op
from ..autograd.variable import follow
from ..device import array_module


def is_basic(index) -> bool:
    """Whether `index` selects a view: integers, slices, None and ... only."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(each is None or each is ... or isinstance(each, (int, np.integer, slice)) and not isinstance(each, bool) for each in parts)


def _read(input, index):
    out = input[index]
    if isinstance(out, np.generic):  # a single element: PyTorch gives a view of it, NumPy a number unless there is an ellipsis
        out = input[(*index, ...) if isinstance(index, tuple) else (index, ...)]
    return out


def getitem(input, index):
    """`input[index]`: a view for a basic index, a copy for arrays and masks; on the tape by the name of its last step."""
    parts = index if isinstance(index, tuple) else (index,)
    last = next((each for each in reversed(parts) if each is not ...), ...)
    name = "alias" if last is ... else "unsqueeze" if last is None else "slice" if isinstance(last, slice) else "select"
    return _READS[name if is_basic(index) else "index"](input, index)


@op
def add_at(input, shape, index):
    """Zeros of `shape`, with `input` added at `index`: repeated indices add up."""
    out = array_module(input).zeros(shape, input.dtype)
    if is_basic(index):
        out[index] = input
    else:
        np.add.at(out, index, input)
    return out


# fmt: off
_READS = {name: op(_read, name=name, view=True, input=lambda grad, input_shape, index: add_at(grad, input_shape, index))
          for name in ("select", "slice", "unsqueeze", "alias", "index")}
add_at.rule("input")(lambda grad, index: getitem(grad, index))
masked_fill = op(lambda input, mask, value: np.where(mask, array_module(input).asarray(value).astype(input.dtype), input),
                 input=lambda grad, mask: masked_fill(grad, mask, 0), value=lambda grad, mask: grad * mask)
gather = op(lambda input, dim, index: _gather(input, dim, index),
            input=lambda grad, dim, index, input_shape: scatter_add_into(grad, index, dim, input_shape))
index_select = op(lambda input, dim, index: array_module(input).take(input, index, axis=dim),
                  input=lambda grad, dim, index, input_shape:
                      add_at(grad, input_shape, (slice(None),) * (dim % len(input_shape)) + (index,)))
scatter_add_into = op(lambda input, index, dim, shape: _scatter_add(input, index, dim, shape),
                      input=lambda grad, index, dim: gather(grad, dim, index))
# fmt: on


def _positions(index, dim):
    """For each element of `index`, its full position in the indexed array: its own place, but `index` along `dim`."""
    grid = np.ogrid[tuple(slice(n) for n in index.shape)] if index.ndim else ()
    module = array_module(index)
    return tuple(index if i == dim % index.ndim else module.asarray(each) for i, each in enumerate(grid))


def _gather(input, dim, index):
    if input.ndim != index.ndim and input.ndim and index.ndim:
        raise RuntimeError("Index tensor must have the same number of dimensions as input tensor")
    if not index.ndim:
        return input.copy()
    if index.size and (index.min() < 0 or index.max() >= input.shape[dim]):
        raise RuntimeError(
            f"index {int(index.min() if index.min() < 0 else index.max())} is out of bounds "
            f"for dimension {dim} with size {input.shape[dim]}"
        )
    return input[_positions(index, dim)]


def _scatter_add(input, index, dim, shape):
    out = array_module(input).zeros(shape, input.dtype)
    if not index.ndim:
        return input.reshape(shape).copy()
    np.add.at(out, _positions(index, dim), input[tuple(slice(n) for n in index.shape)])
    return out


@op
def index_put(input, index, value):
    """`input` with `value` written at `index`."""
    out = input.copy()
    out[index] = value
    return out


index_put.rule("input")(lambda grad, index: index_put(grad, index, 0.0))
index_put.rule("value")(lambda grad, index: getitem(grad, index))


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
