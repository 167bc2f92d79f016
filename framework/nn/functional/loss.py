"""Loss functions: how far a prediction is from its target, reduced to a mean, a sum, or not at all."""

import math
import warnings
from functools import partial

import numpy as np

from ...autograd.variable import Variable
from ...creation import arange, full_like, ones_like
from ...device import array_module
from ...ops.activation import log_softmax, logsigmoid, relu
from ...ops.ctc import ctc
from ...ops.distance import pairwise_distance
from ...ops.elementwise import abs, clamp, exp, log, minimum, square, where, xlogy
from ...ops.index import within
from ...ops.loss import bernoulli_cross_entropy, legacy_reduction, negative_log_likelihood, reduced, smooth_absolute, softmax_cross_entropy
from ...ops.promotion import expect, refuse


def _of_one_shape(name, input, target, refused="biu") -> None:
    refuse(refused, name, input, target)
    if tuple(input.shape) != tuple(target.shape):
        warnings.warn(f"{name}: a target of size {target.shape} is broadcast against an input of size {input.shape}", stacklevel=3)


def _weighted(loss, weight, reduction, mean_weight=None):
    """The losses times their weights, reduced; the mean is divided by that of the weights, unless told otherwise."""
    if weight is None:
        return reduced(loss, reduction)
    expect(weight.shape == loss.shape, "Weights and input must have the same size.", ValueError)
    loss = reduced(loss * weight, reduction)
    return loss / (mean_weight or weight.mean()) if reduction == "mean" else loss


def mse_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """(x - y)^2."""
    _of_one_shape("mse_loss", input, target)
    return _weighted(square(input - target), weight, legacy_reduction(reduction, size_average, reduce))


def l1_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """|x - y|."""
    _of_one_shape("l1_loss", input, target, refused="")
    return _weighted(abs(input - target), weight, legacy_reduction(reduction, size_average, reduce))


def huber_loss(input, target, reduction="mean", delta=1.0, weight=None):
    """(x - y)^2 / 2 where |x - y| <= delta, else delta (|x - y| - delta / 2) (Huber, 1964)."""
    expect(delta > 0, "huber_loss does not support non-positive values for delta.")
    return _weighted(delta * smooth_l1_loss(input, target, reduction="none", beta=delta), weight, reduction, 1)


def smooth_l1_loss(input, target, size_average=None, reduce=None, reduction="mean", beta=1.0):
    """huber_loss / beta: |x - y| for large differences whatever beta is (Girshick, 2015)."""
    _of_one_shape("smooth_l1_loss", input, target)
    expect(beta >= 0, "smooth_l1_loss does not support negative values for beta.")
    return reduced(smooth_absolute(input, target, beta) if beta else abs(input - target), reduction, size_average, reduce)


def kl_div(input, target, size_average=None, reduce=None, reduction="mean", log_target=False):
    """y (log y - x) for log-probabilities x; "batchmean" divides the sum by the batch, as the definition has it."""
    refuse("biu", "kl_div", input, target)
    loss = exp(target) * (target - input) if log_target else xlogy(target, target) - target * input
    return loss.sum() / input.shape[0] if reduction == "batchmean" else reduced(loss, reduction, size_average, reduce)


def binary_cross_entropy(input, target, weight=None, size_average=None, reduce=None, reduction="mean"):
    """-(y log p + (1 - y) log(1 - p)) for probabilities p; each logarithm is cut off at -100."""
    expect(input.shape == target.shape, f"the target's size ({target.shape}) must be the input's ({input.shape})", ValueError)
    refuse("biu", "binary_cross_entropy", input, target)
    expect(((input >= 0) & (input <= 1)).all(), "all elements of input should be between 0 and 1")
    loss = bernoulli_cross_entropy(input, target)
    return reduced(loss if weight is None else loss * weight, reduction, size_average, reduce)


def binary_cross_entropy_with_logits(input, target, weight=None, size_average=None, reduce=None, reduction="mean", pos_weight=None):
    """-(w y log sigmoid(x) + (1 - y) log(1 - sigmoid(x))), computed from the logits x so that nothing overflows."""
    expect(input.shape == target.shape, f"the target's size ({target.shape}) must be the input's ({input.shape})", ValueError)
    logs = logsigmoid(input)  # log(1 - sigmoid(x)) = log sigmoid(x) - x
    loss = (1 - target) * input - (logs if pos_weight is None else logs * (1 + (pos_weight - 1) * target))
    return reduced(loss if weight is None else loss * weight, reduction, size_average, reduce)


def _check_classes(input, target, weight, ignore_index) -> None:
    expect(input.ndim, "Expected 1 or more dimensions (got 0)", ValueError)
    expected = (*input.shape[:1], *input.shape[2:]) if input.ndim > 1 else ()
    error = ValueError if input.ndim > 1 and expected[:1] != tuple(target.shape[:1]) else RuntimeError
    expect(tuple(target.shape) == expected, f"Expected target size {list(expected)}, got {list(target.shape)}", error)
    kind, array, classes = target.dtype.name, target._array, input.shape[1 if input.ndim > 1 else 0]
    expect(kind in ("int64", "uint8"), f"expected target dtype to be Long or Byte, but got {kind}")
    expect(weight is None or tuple(weight.shape) == (classes,), f"weight must hold a number for each of the {classes} classes")
    outside = [] if within(array, classes) else array[((array < 0) | (array >= classes)) & (array != ignore_index)].tolist()
    expect(not outside, f"Target {next(iter(outside), None)} is out of bounds.", IndexError)


def nll_loss(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean"):
    """-w[y] x[y] for log-probabilities x (N, C, …) and classes y (N, …); targets of `ignore_index` count for nothing."""
    refuse("biu", "nll_loss", input)
    _check_classes(input, target, weight, ignore_index)
    return negative_log_likelihood(input, target, weight, ignore_index, legacy_reduction(reduction, size_average, reduce))


def cross_entropy(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean", label_smoothing=0.0):
    """-log softmax(x)[y] for logits x (N, C, …) and classes y (N, …), or -sum_c y_c log softmax(x)_c for probabilities y of x's shape."""
    reduction = legacy_reduction(reduction, size_average, reduce)
    expect(0 <= label_smoothing <= 1, f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    dim = 1 if input.ndim > 1 else 0
    weights = 1 if weight is None else weight.reshape((-1,) + (1,) * (input.ndim - 1 - dim))
    if target.is_floating_point() and target.shape == input.shape:
        expect(ignore_index < 0, "ignore_index is not supported for floating point target")
        target = target * (1 - label_smoothing) + label_smoothing / input.shape[dim]
        loss = -(log_softmax(input, dim) * target * weights).sum(dim)
        return loss.sum() / (loss.numel() or math.nan) if reduction == "mean" else reduced(loss, reduction)
    _check_classes(input, target, weight, ignore_index)
    if not label_smoothing:
        return softmax_cross_entropy(input, target, weight, ignore_index, reduction)
    logs, likelihood = log_softmax(input, dim), partial(negative_log_likelihood, target=target, weight=weight, ignore_index=ignore_index)
    smooth = where(target == ignore_index, 0.0, -(logs * weights).sum(dim))
    loss = (1 - label_smoothing) * likelihood(logs, reduction="none") + label_smoothing / input.shape[dim] * smooth
    return loss.sum() / likelihood(-ones_like(logs), reduction="sum") if reduction == "mean" else reduced(loss, reduction)


def poisson_nll_loss(input, target, log_input=True, full=False, size_average=None, eps=1e-8, reduce=None, reduction="mean"):
    """exp(x) - y x for a count y whose expected value is exp(x) (x itself unless `log_input`); `full` adds Stirling's log y!."""
    loss = exp(input) - target * input if log_input else input - target * log(input + eps)
    if full:
        many = where(target > 1, target, 1.0)
        loss = loss + where(target > 1, many * log(many) - many + 0.5 * log(2 * math.pi * many), 0.0)
    return reduced(loss, reduction, size_average, reduce)


def gaussian_nll_loss(input, target, var, full=False, eps=1e-6, reduction="mean"):
    """(log var + (x - y)^2 / var) / 2, with var at least `eps`, which its gradient ignores; `full` adds log(2 pi) / 2."""
    var = var if isinstance(var, Variable) else full_like(input, var)
    refuse("biu", "gaussian_nll_loss", var)
    expect((var >= 0).all(), "var has negative entry/entries", ValueError)
    var = var.unsqueeze(-1) if var.shape == input.shape[:-1] else var
    right = var.ndim == input.ndim and all(n in (m, 1) for n, m in zip(var.shape, input.shape, strict=True))
    expect(right, "var is of incorrect size", ValueError)
    var = var + (clamp(var, min=eps) - var).detach()
    loss = 0.5 * (log(var) + square(input - target) / var)
    return reduced(loss + 0.5 * math.log(2 * math.pi) if full else loss, reduction)


def soft_margin_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    """log(1 + exp(-y x)) for labels y of 1 or -1."""
    return reduced(-logsigmoid(target * input), reduction, size_average, reduce)


def hinge_embedding_loss(input, target, margin=1.0, size_average=None, reduce=None, reduction="mean"):
    """The distance x where y = 1, what it lacks of `margin` where y = -1."""
    refuse("biu", "hinge_embedding_loss", input)
    loss = where(target != 1, clamp(margin - input, min=0), 0.0) + where(target != -1, input, 0.0)
    return reduced(loss, reduction, size_average, reduce)


def _of_one_dimension(*tensors) -> None:
    sizes = [list(each.shape) for each in tensors]
    expect(len({*map(len, sizes)}) == 1, f"All input tensors should have same dimension but got sizes: {sizes}")


def margin_ranking_loss(input1, input2, target, margin=0, size_average=None, reduce=None, reduction="mean"):
    """max(0, margin - y (x1 - x2)): x1 is to be above x2 where y = 1, below it where y = -1."""
    _of_one_dimension(input1, input2, target)
    return reduced(clamp(margin - target * (input1 - input2), min=0), reduction, size_average, reduce)


def cosine_embedding_loss(input1, input2, target, margin=0, size_average=None, reduce=None, reduction="mean"):
    """1 - cos(x1, x2) where y = 1, max(0, cos(x1, x2) - margin) where y = -1; x (N, D) and y (N), or x (D) and y ()."""
    right = target.ndim < 2 and input1.ndim == input2.ndim == target.ndim + 1
    expect(right, f"expected inputs of size (N, D) and targets (N), or (D) and (), got {input1.shape}, {input2.shape} and {target.shape}")
    lengths = (square(input1).sum(-1) + 1e-12) * (square(input2).sum(-1) + 1e-12)
    cosine = (input1 * input2).sum(-1) / lengths**0.5
    loss = where(target == 1, 1 - cosine, 0.0) + where(target == -1, clamp(cosine - margin, min=0), 0.0)
    return reduced(loss, reduction, size_average, reduce)


def multi_margin_loss(input, target, p=1, margin=1.0, weight=None, size_average=None, reduce=None, reduction="mean"):
    """w[y] sum_{c != y} max(0, margin - x[y] + x[c])^p / C for scores x (N, C) and classes y (N)."""
    refuse("biu", "multi_margin_loss", input)
    expect(p in (1, 2), "only p == 1 and p == 2 supported", ValueError)
    right, classes = target.reshape((*input.shape[:-1], 1)), input.shape[-1]
    missing = relu(margin - input.gather(-1, right) + input) ** p
    missing = where(arange(classes, device=input.device) == right, 0.0, missing if weight is None else missing * weight[right])
    return reduced(missing.sum(-1).reshape(target.shape) / classes, reduction, size_average, reduce)


def multilabel_margin_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    """sum_{right y, wrong c} max(0, 1 - x[y] + x[c]) / C for scores x (N, C); a row of y (N, C) lists its classes up to the first -1."""
    refuse("biu", "multilabel_margin_loss", input)
    expect(input.shape == target.shape, f"inconsistent target size: {list(target.shape)} for input of size: {list(input.shape)}")
    listed = (target < 0).cumsum(-1) == 0
    target = where(listed, target, 0)
    right = ((target.unsqueeze(-1) == arange(input.shape[-1], device=input.device)) & listed.unsqueeze(-1)).any(-2)
    missing = relu(1 - input.gather(-1, target).unsqueeze(-1) + input.unsqueeze(-2))  # (N, right, wrong)
    loss = where(listed.unsqueeze(-1) & ~right.unsqueeze(-2), missing, 0.0).sum((-1, -2)) / input.shape[-1]
    return reduced(loss, reduction, size_average, reduce)


def multilabel_soft_margin_loss(input, target, weight=None, size_average=None, reduce=None, reduction="mean"):
    """The mean over classes of -(y log sigmoid(x) + (1 - y) log sigmoid(-x)), for x and y (N, C)."""
    loss = binary_cross_entropy_with_logits(input, target, weight, reduction="none")
    return reduced(loss.sum(-1) / input.shape[-1], reduction, size_average, reduce)


def triplet_margin_loss(anchor, positive, negative, margin=1.0, p=2, eps=1e-6, swap=False, size_average=None, reduce=None,
                        reduction="mean"):  # fmt: skip
    """max(0, margin + d(a, p) - d(a, n)) with d(x, y) = ||x - y + eps||_p (Schroff et al., 2015)."""
    _of_one_dimension(anchor, positive, negative)
    distance = partial(pairwise_distance, p=p, eps=eps)
    return triplet_margin_with_distance_loss(anchor, positive, negative, distance_function=distance, margin=margin, swap=swap,
                                             reduction=legacy_reduction(reduction, size_average, reduce))


def triplet_margin_with_distance_loss(anchor, positive, negative, *, distance_function=None, margin=1.0, swap=False, reduction="mean"):
    """max(0, margin + d(a, p) - d(a, n)); with `swap`, d(p, n) counts if the negative is nearer to it (Balntas et al., 2016)."""
    expect(margin > 0, f"margin must be greater than 0, got {margin}", ValueError)
    distance = distance_function or pairwise_distance
    far = distance(anchor, negative)
    far = minimum(far, distance(positive, negative)) if swap else far
    return reduced(clamp(margin + distance(anchor, positive) - far, min=0), reduction)


def ctc_loss(log_probs, targets, input_lengths, target_lengths, blank=0, reduction="mean", zero_infinity=False):
    """-log of the probability of `targets` by log_probs (T, N, C), over all alignments; the mean is taken of loss / target length.

    Targets are (N, S), padded, or all in one sequence; `zero_infinity` drops impossible ones (Graves et al., 2006).
    """
    refuse("biu", "ctc_loss", log_probs)
    alone = log_probs.ndim == 2
    log_probs = log_probs.unsqueeze(1) if alone else log_probs
    steps, n, classes = log_probs.shape
    labels, module = targets._array, array_module(targets._array)
    lengths = [module.asarray(getattr(each, "_array", each), np.int64).reshape(-1) for each in (input_lengths, target_lengths)]
    (input_lengths, target_lengths), longest = lengths, max(lengths[1].tolist(), default=0)
    expect(labels.dtype.kind in "iu", f"ctc_loss: targets must be integers, but got {targets.dtype.name}")
    expect(0 <= blank < classes, "ctc_loss: blank must be in label range")
    expect(len(input_lengths) == len(target_lengths) == n, f"input_lengths and target_lengths must be of size batch_size, {n}")
    right = all((each >= 0).all() for each in lengths) and (input_lengths <= steps).all()
    expect(right, f"Expected lengths to have value at least 0, and input_lengths at most {steps}, but got {input_lengths.tolist()}")
    enough = len(labels) == target_lengths.sum() or alone if labels.ndim == 1 else labels.shape[1] >= longest
    expect(enough, f"Expected targets to have as many labels as target_lengths says, but got the size {list(labels.shape)}")
    if labels.ndim == 1:
        places = (target_lengths.cumsum() - target_lengths)[:, None] + module.arange(longest)
        labels = module.append(labels, blank)[module.minimum(places, len(labels))]
    loss = ctc(log_probs, labels[:, :longest], input_lengths, target_lengths, blank)
    loss = where(loss == math.inf, 0.0, loss) if zero_infinity else loss
    if reduction == "mean":
        loss = loss / Variable.wrap(module.maximum(target_lengths, 1).astype(loss._array.dtype))
    return reduced(loss.squeeze(0) if alone else loss, reduction)
