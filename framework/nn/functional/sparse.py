"""Integers as vectors, and the bilinear form."""

from ...autograd.mode import no_grad
from ...creation import arange
from ...device import array_module
from ...ops import index as ops
from ...ops.elementwise import clamp, where
from ...ops.linalg import linear
from ...ops.reduce import max_along, norm, sum
from ...ops.shape import constant_pad, unsqueeze


def _check_table(name, input, weight, sparse) -> None:
    if input.dtype.name not in ("int64", "int32"):
        raise RuntimeError(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; "
            f"but got {input.dtype.name} instead (while checking arguments for {name})"
        )
    if weight.ndim != 2:
        raise RuntimeError("'weight' must be 2-D")
    if sparse:
        raise NotImplementedError(f"{name}: sparse gradients are not supported")


def _padding_row(padding_idx, weight) -> int:
    rows = weight.shape[0]
    if not -rows <= padding_idx < rows:
        raise AssertionError("Padding_idx must be within num_embeddings")
    return padding_idx % rows


@no_grad()
def _renormalize(weight, input, max_norm, norm_type) -> None:
    """Scale down, in the table itself, those rows that are about to be used and are longer than `max_norm`."""
    used = array_module(input._array).unique(input._array)
    rows = weight[used]
    lengths = norm(rows, norm_type, 1, True)
    weight[used] = where(lengths > max_norm, rows * (max_norm / (lengths + 1e-7)), rows)


def _share(input, counted, weight):
    """1 / how often each integer of `input` occurs where `counted`."""
    module = array_module(input._array)
    times = module.bincount(input._array[counted._array], minlength=weight.shape[0])
    return weight.new_tensor(1 / module.maximum(times, 1))[input]


def embedding(input, weight, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False):
    """The rows of `weight` (V, D) that the integers in `input` name; row `padding_idx` gets no gradient.

    `max_norm` first scales longer rows down, in place; `scale_grad_by_freq` divides a row's gradient by how often it is used.
    """
    _check_table("embedding", input, weight, sparse)
    if padding_idx is not None:
        padding_idx = _padding_row(padding_idx, weight)
    if max_norm is not None:
        _renormalize(weight, input, max_norm, norm_type)
    out = ops.embedding(weight, input)
    if padding_idx is not None:
        out = where(unsqueeze(input == padding_idx, -1), out.detach(), out)
    if scale_grad_by_freq:
        out = ops.scaled_gradient(out, unsqueeze(_share(input, input == input, weight), -1))
    return out


def _bags(input, offsets, include_last_offset):
    """`input` (n), cut at `offsets`, as (bags, longest), and which places of that are filled."""
    module = array_module(input._array)
    starts, n = module.asarray(offsets._array, "int64"), input.numel()
    if len(starts) and starts[0] != 0:
        raise RuntimeError(
            "offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0. "
            f"However, got {int(starts[0])}"
        )
    if len(starts) and starts[-1] > n:
        raise RuntimeError(f"offsets[-1] can not be greater than input's length {n} but got offsets[-1] of {int(starts[-1])}")
    starts, ends = (starts[:-1], starts[1:]) if include_last_offset else (starts, module.append(starts[1:], n))
    places = starts[:, None] + module.arange(max(int((ends - starts).max(initial=0)), 1))
    filled = places < ends[:, None]
    return input.new_tensor(module.where(filled, places, n)), input.new_tensor(filled).bool()


def embedding_bag(
    input, weight, offsets=None, max_norm=None, norm_type=2, scale_grad_by_freq=False, mode="mean", sparse=False,
    per_sample_weights=None, include_last_offset=False, padding_idx=None,
):  # fmt: skip
    """The sum, mean or maximum of the rows of `weight` (V, D) in each bag: (B, D); an empty bag gives zeros.

    A bag is a row of `input` (B, L), or a piece of `input` (n) that starts at one of `offsets` (B); `padding_idx` does not count.
    """
    if weight.ndim != 2:
        raise ValueError(f"weight has to be a 2D Tensor, but got Tensor of dimension {weight.ndim}")
    _check_table("embedding_bag", input, weight, sparse)
    if mode not in ("sum", "mean", "max"):
        raise ValueError("mode has to be one of sum, mean or max")
    if per_sample_weights is not None and per_sample_weights.shape != input.shape:
        raise ValueError(
            f"embedding_bag: If per_sample_weights ({per_sample_weights.shape}) is not None, then it must have the same shape "
            f"as the input ({input.shape})"
        )
    if mode == "max" and scale_grad_by_freq:
        raise ValueError("max mode does not support scaling the gradient by the frequency")
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError(f"embedding_bag: per_sample_weights is only supported for mode='sum' (got mode='{mode}')")
    if input.ndim not in (1, 2):
        raise ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.ndim}")
    if input.ndim == 2 and offsets is not None:
        raise ValueError("if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed length sequences.")
    if input.ndim == 1 and (offsets is None or offsets.ndim != 1):
        raise ValueError("offsets has to be a 1D Tensor" + " but got None" * (offsets is None))
    if max_norm is not None:
        _renormalize(weight, input, max_norm, norm_type)
    counted = input == input
    if input.ndim == 1:
        places, counted = _bags(input, offsets, include_last_offset)
        input = constant_pad(input, [0], [1])[places]  # (B, L): position n, after the last, stands for none
        if per_sample_weights is not None:
            per_sample_weights = constant_pad(per_sample_weights, [0], [1])[places]
    if padding_idx is not None:
        counted = counted & (input != _padding_row(padding_idx, weight))
    rows = ops.embedding(weight, input)  # (B, L, D)
    if scale_grad_by_freq:
        rows = ops.scaled_gradient(rows, unsqueeze(_share(input, counted, weight), -1))
    if mode == "max":
        best = max_along(where(unsqueeze(counted, -1), rows, -float("inf")), 1).values
        return where(counted.any(1, True), best, 0.0)
    if per_sample_weights is not None:
        rows = rows * unsqueeze(per_sample_weights, -1)
    total = sum(where(unsqueeze(counted, -1), rows, 0.0), 1)
    return total if mode == "sum" else total / clamp(sum(counted, 1, True), min=1)


def one_hot(tensor, num_classes: int = -1):
    """A new last dimension with a 1 at the class each integer names."""
    if tensor.dtype.name != "int64":
        raise RuntimeError(f"one_hot is only applicable to index tensor of type LongTensor, but got {tensor.dtype.name}")
    if num_classes == -1:
        if not tensor.numel():
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
        num_classes = int(tensor.max()) + 1
    if num_classes < 1:
        raise RuntimeError("num_classes should be positive")
    if tensor.numel() and int(tensor.min()) < 0:
        raise RuntimeError("Class values must be non-negative.")
    if tensor.numel() and int(tensor.max()) >= num_classes:
        raise RuntimeError("Class values must be smaller than num_classes.")
    return (unsqueeze(tensor, -1) == arange(num_classes, device=tensor.device)).long()


def bilinear(input1, input2, weight, bias=None):
    """y_o = x1^T W_o x2 + b_o, for x1 (…, I), x2 (…, J), W (O, I, J)."""
    if input1.shape[:-1] != input2.shape[:-1]:
        raise RuntimeError(f"bilinear(): input batch dimensions do not match: got {list(input1.shape)} and {list(input2.shape)}")
    for i, each in enumerate((input1, input2), 1):
        if each.shape[-1] != weight.shape[i]:
            raise RuntimeError(f"bilinear(): input{i} size does not match weight size: got {each.shape[-1]} but expected {weight.shape[i]}")
    products = unsqueeze(input1, -1) * unsqueeze(input2, -2)  # (…, I, J)
    return linear(products.flatten(-2), weight.flatten(1), bias)
