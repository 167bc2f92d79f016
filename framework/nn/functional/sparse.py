"""Integers as vectors, and the bilinear form."""

from ...autograd.mode import no_grad
from ...creation import arange
from ...device import array_module
from ...ops import index as ops
from ...ops.elementwise import where
from ...ops.linalg import linear
from ...ops.promotion import expect, refuse, same_type
from ...ops.shape import constant_pad


def padding_row(padding_idx, rows) -> int:
    expect(-rows <= padding_idx < rows, f"padding_idx ({padding_idx}) must be within num_embeddings ({rows})", AssertionError)
    return padding_idx % rows


@no_grad()
def _renormalize(weight, input, max_norm, norm_type) -> None:
    """Scale down, in the table itself, those rows that are about to be used and are longer than `max_norm`."""
    used = array_module(input._array).unique(input._array)
    rows = weight[used]
    lengths = rows.norm(norm_type, 1, True)
    weight[used] = where(lengths > max_norm, rows * (max_norm / (lengths + 1e-7)), rows)


def embedding(input, weight, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False):
    """The rows of `weight` (V, D) that the integers in `input` name; row `padding_idx` gets no gradient.

    `max_norm` first scales longer rows down, in place; `scale_grad_by_freq` divides a row's gradient by how often it is used.
    """
    expect(input.dtype.name in ("int64", "int32"), f"embedding: expected indices of the type int64 or int32, not {input.dtype.name}")
    expect(weight.ndim == 2, f"embedding: 'weight' must be 2-D, but got {weight.ndim}-D")
    expect(not sparse, "embedding: sparse gradients are not supported", NotImplementedError)
    if max_norm is not None:
        _renormalize(weight, input, max_norm, norm_type)
    out = ops.embedding(weight, input)
    if padding_idx is not None:
        out = ops.scaled_gradient(out, (input != padding_row(padding_idx, len(weight))).unsqueeze(-1))
    if scale_grad_by_freq:
        times = array_module(input._array).bincount(input._array.reshape(-1), minlength=len(weight))
        out = ops.scaled_gradient(out, (1 / weight.new_tensor(times)[input]).unsqueeze(-1))
    return out


def _bags(n, offsets, include_last_offset):
    """The places (bags, longest) of `n` elements cut at `offsets`; n, after the last, stands for none."""
    module = array_module(offsets._array)
    starts = module.asarray(offsets._array, "int64")
    right = not len(starts) or starts[0] == 0 and starts[-1] <= n
    expect(right, f"offsets[0] has to be 0 and offsets[-1] can not be greater than input's length {n}, but got {offsets.tolist()}")
    starts, ends = (starts[:-1], starts[1:]) if include_last_offset else (starts, module.append(starts[1:], n))
    places = starts[:, None] + module.arange(max(1, int((ends - starts).max()) if len(starts) else 0))
    return offsets.new_tensor(module.where(places < ends[:, None], places, n))


def embedding_bag(
    input, weight, offsets=None, max_norm=None, norm_type=2, scale_grad_by_freq=False, mode="mean", sparse=False,
    per_sample_weights=None, include_last_offset=False, padding_idx=None,
):  # fmt: skip
    """The sum, mean or maximum of the rows of `weight` (V, D) in each bag: (B, D); an empty bag gives zeros.

    A bag is a row of `input` (B, L), or a piece of `input` (n) that starts at one of `offsets` (B); `padding_idx` does not count.
    """
    refuse("biu", "embedding_bag", weight)
    expect(mode in ("sum", "mean", "max"), f"mode has to be one of sum, mean or max, but got {mode}", ValueError)
    expect(mode != "max" or not scale_grad_by_freq, "max mode does not support scaling the gradient by the frequency", ValueError)
    given = None if offsets is None else offsets.ndim
    right = (input.ndim, given) in ((1, 1), (2, None))
    expect(right, f"the input has to be 1D with 1D offsets, or 2D with offsets None, but is {input.ndim}D, offsets {given}", ValueError)
    rows = embedding(input, weight, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse)
    counted = input != (-1 if padding_idx is None else padding_row(padding_idx, len(weight)))
    if per_sample_weights is not None:
        expect(mode == "sum", f"embedding_bag: per_sample_weights is only supported for mode='sum', not {mode!r}", NotImplementedError)
        expect(per_sample_weights.shape == input.shape, f"per_sample_weights must have the shape of the input, {input.shape}", ValueError)
        rows = rows * per_sample_weights.unsqueeze(-1)
    if offsets is not None:
        places = _bags(len(input), offsets, include_last_offset)
        rows, counted = constant_pad(rows, [0, 0], [1, 0])[places], constant_pad(counted, [0], [1], False)[places]
    counted = counted.unsqueeze(-1)  # (B, L, 1), beside rows (B, L, D)
    if mode == "max":
        return where(counted.any(1), where(counted, rows, -float("inf")).max(1).values, 0.0)
    total = where(counted, rows, 0.0).sum(1)
    return total if mode == "sum" else total / counted.sum(1).clamp(min=1)


def one_hot(tensor, num_classes: int = -1):
    """A new last dimension with a 1 at the class each integer names."""
    expect(tensor.dtype.name == "int64", f"one_hot is only applicable to index tensor of type LongTensor, but got {tensor.dtype.name}")
    low, high = (int(tensor.min()), int(tensor.max())) if tensor.numel() else (0, -1)
    classes = high + 1 if num_classes == -1 else num_classes
    expect(classes > 0, "one_hot: num_classes should be positive, or -1 for the largest class of a tensor that is not empty")
    expect(low >= 0 and high < classes, f"Class values must be non-negative and smaller than num_classes, {classes}: got {low} to {high}")
    return (tensor.unsqueeze(-1) == arange(classes, device=tensor.device)).long()


def bilinear(input1, input2, weight, bias=None):
    """y_o = x1^T W_o x2 + b_o, for x1 (…, I), x2 (…, J), W (O, I, J)."""
    refuse("b", "bilinear", *same_type(input1, input2))
    right = input1.shape[:-1] == input2.shape[:-1] and (input1.shape[-1], input2.shape[-1]) == weight.shape[1:]
    expect(right, f"bilinear(): expected (…, I), (…, J) and a weight (O, I, J), but got {input1.shape}, {input2.shape} and {weight.shape}")
    products = input1.unsqueeze(-1) * input2.unsqueeze(-2)  # (…, I, J)
    return linear(products.flatten(-2), weight.flatten(1), bias)
