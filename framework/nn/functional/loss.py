"""Loss functions: how far a prediction is from its target, reduced to a mean, a sum, or not at all."""

import warnings

from ...ops.activation import log_softmax, logsigmoid
from ...ops.elementwise import abs, clamp, exp, log, square, where, xlogy
from ...ops.loss import negative_log_likelihood, reduced
from ...ops.promotion import refuse
from ...ops.reduce import sum


def legacy_reduction(reduction, size_average, reduce):
    """The `reduction` that PyTorch's old arguments stand for."""
    if size_average is None and reduce is None:
        return reduction
    warnings.warn("size_average and reduce args will be deprecated, please use reduction instead.", stacklevel=3)
    return "none" if reduce is False else "sum" if size_average is False else "mean"


def _same_shape(name, input, target) -> None:
    if tuple(input.shape) != tuple(target.shape):
        warnings.warn(
            f"{name}: Using a target size ({target.shape}) that is different to the input size ({input.shape}). This will likely lead "
            "to incorrect results due to broadcasting. Please ensure they have the same size.",
            stacklevel=3,
        )


def mse_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    """(x - y)^2."""
    refuse("biu", "mse_loss", input, target)
    _same_shape("mse_loss", input, target)
    return reduced(square(input - target), legacy_reduction(reduction, size_average, reduce))


def l1_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    """|x - y|."""
    _same_shape("l1_loss", input, target)
    return reduced(abs(input - target), legacy_reduction(reduction, size_average, reduce))


def huber_loss(input, target, reduction="mean", delta=1.0):
    """(x - y)^2 / 2 where |x - y| <= delta, else delta (|x - y| - delta / 2) (Huber, 1964)."""
    refuse("biu", "huber_loss", input, target)
    _same_shape("huber_loss", input, target)
    if delta <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    size = abs(input - target)
    return reduced(where(size <= delta, 0.5 * square(size), delta * (size - 0.5 * delta)), reduction)


def smooth_l1_loss(input, target, size_average=None, reduce=None, reduction="mean", beta=1.0):
    """huber_loss / beta: |x - y| for large differences whatever beta is (Girshick, 2015)."""
    refuse("biu", "smooth_l1_loss", input, target)
    _same_shape("smooth_l1_loss", input, target)
    if beta < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    size = abs(input - target)
    loss = size if beta == 0 else where(size < beta, 0.5 * square(size) / beta, size - 0.5 * beta)
    return reduced(loss, legacy_reduction(reduction, size_average, reduce))


def kl_div(input, target, size_average=None, reduce=None, reduction="mean", log_target=False):
    """y (log y - x) for log-probabilities x; "batchmean" divides the sum by the batch, as the definition has it."""
    refuse("biu", "kl_div", input, target)
    loss = exp(target) * (target - input) if log_target else xlogy(target, target) - target * input
    if reduction == "batchmean":
        return sum(loss) / input.shape[0]
    return reduced(loss, legacy_reduction(reduction, size_average, reduce))


def binary_cross_entropy(input, target, weight=None, size_average=None, reduce=None, reduction="mean"):
    """-(y log p + (1 - y) log(1 - p)) for probabilities p; each logarithm is cut off at -100."""
    if tuple(input.shape) != tuple(target.shape):
        raise ValueError(
            f"Using a target size ({target.shape}) that is different to the input size ({input.shape}) is deprecated. "
            "Please ensure they have the same size."
        )
    refuse("biu", "binary_cross_entropy", input, target)
    if input.numel() and not bool(((input >= 0) & (input <= 1)).all()):
        raise RuntimeError("all elements of input should be between 0 and 1")
    loss = -(target * clamp(log(input), min=-100) + (1 - target) * clamp(log(1 - input), min=-100))
    return reduced(loss if weight is None else loss * weight, legacy_reduction(reduction, size_average, reduce))


def binary_cross_entropy_with_logits(input, target, weight=None, size_average=None, reduce=None, reduction="mean", pos_weight=None):
    """-(w y log sigmoid(x) + (1 - y) log(1 - sigmoid(x))), computed from the logits x so that nothing overflows."""
    if tuple(input.shape) != tuple(target.shape):
        raise ValueError(f"Target size ({target.shape}) must be the same as input size ({input.shape})")
    positive = target if pos_weight is None else target * pos_weight
    loss = -(positive * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    return reduced(loss if weight is None else loss * weight, legacy_reduction(reduction, size_average, reduce))


def _check_classes(input, target, weight, ignore_index) -> None:
    if input.ndim == 0:
        raise ValueError("Expected input to have at least 1 dimension")
    expected = tuple(input.shape[:1]) + tuple(input.shape[2:]) if input.ndim > 1 else ()
    if tuple(target.shape) != expected:
        if input.ndim > 1 and target.ndim and input.shape[0] != target.shape[0]:
            raise ValueError(f"Expected input batch_size ({input.shape[0]}) to match target batch_size ({target.shape[0]}).")
        raise RuntimeError(f"Expected target size {list(expected)}, got {list(target.shape)}")
    if target.is_floating_point():
        raise RuntimeError(f"expected scalar type Long but found {target.dtype.name}")
    classes = input.shape[1 if input.ndim > 1 else 0]
    if weight is not None and tuple(weight.shape) != (classes,):
        raise RuntimeError(
            f"weight tensor should be defined either for all {classes} classes or no classes "
            f"but got weight tensor of shape: {list(weight.shape)}"
        )
    array = target.detach()._array
    outside = ((array < 0) | (array >= classes)) & (array != ignore_index)
    if outside.any():
        raise IndexError(f"Target {array[outside].flat[0]} is out of bounds.")


def nll_loss(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean"):
    """-w[y] x[y] for log-probabilities x (N, C, …) and classes y (N, …); targets of `ignore_index` count for nothing."""
    refuse("biu", "nll_loss", input)
    _check_classes(input, target, weight, ignore_index)
    return negative_log_likelihood(input, target, weight, ignore_index, legacy_reduction(reduction, size_average, reduce))


def cross_entropy(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean", label_smoothing=0.0):
    """-log softmax(x)[y] for logits x (N, C, …) and classes y (N, …), or -sum_c y_c log softmax(x)_c for probabilities y of x's shape."""
    reduction = legacy_reduction(reduction, size_average, reduce)
    dim = 1 if input.ndim > 1 else 0
    classes = input.shape[dim]
    if not 0 <= label_smoothing <= 1:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    if target.is_floating_point() and tuple(target.shape) == tuple(input.shape):
        target = target * (1 - label_smoothing) + label_smoothing / classes
        loss = -sum(log_softmax(input, dim) * _per_class(target, weight, dim), dim)
        return sum(loss) / max(loss.numel(), 1) if reduction == "mean" else reduced(loss, reduction)
    _check_classes(input, target, weight, ignore_index)
    logs = log_softmax(input, dim)
    hard = negative_log_likelihood(logs, target, weight, ignore_index, reduction)
    if not label_smoothing:
        return hard
    ignored = target == ignore_index
    smooth = where(ignored, 0.0, -sum(_per_class(logs, weight, dim), dim))
    if reduction == "mean":
        scale = (~ignored).to(input.dtype) if weight is None else where(ignored, 0.0, weight[where(ignored, 0, target)])
        smooth = sum(smooth) / sum(scale)
    else:
        smooth = reduced(smooth, reduction)
    return (1 - label_smoothing) * hard + label_smoothing / classes * smooth


def _per_class(values, weight, dim):
    return values if weight is None else values * weight.reshape((-1,) + (1,) * (values.ndim - 1 - dim))
