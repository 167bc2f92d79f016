"""The functions behind the layers, with PyTorch's arguments; the arithmetic stands in framework/ops."""

from .. import random
from ..autograd.inplace import assign, check_writable
from ..creation import arange
from ..ops import activation as _activation
from ..ops import conv as _conv
from ..ops import index as _index
from ..ops import norm as _norm
from ..ops import pool as _pool
from ..ops import random as _random
from ..ops.elementwise import clamp, sigmoid, tanh, where
from ..ops.linalg import linear
from ..ops.reduce import norm as _p_norm
from ..ops.shape import constant_pad, unsqueeze
from .losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    huber_loss,
    kl_div,
    l1_loss,
    mse_loss,
    nll_loss,
    smooth_l1_loss,
)  # fmt: skip

__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_max_pool1d", "adaptive_max_pool2d", "avg_pool1d", "avg_pool2d", "avg_pool3d",
    "batch_norm", "binary_cross_entropy", "binary_cross_entropy_with_logits", "conv1d", "conv2d", "conv3d", "cross_entropy", "dropout",
    "dropout1d", "dropout2d", "dropout3d", "elu", "embedding", "gelu", "hardtanh", "huber_loss", "kl_div", "l1_loss", "layer_norm",
    "leaky_relu", "linear", "log_softmax", "logsigmoid", "max_pool1d", "max_pool2d", "max_pool3d", "mse_loss", "nll_loss", "normalize",
    "one_hot", "pad", "relu", "relu6", "sigmoid", "silu", "smooth_l1_loss", "softmax", "softplus", "tanh",
]  # fmt: skip


def tuple_of(value, dims: int) -> tuple:
    """`value` once for each dimension, unless it is a sequence already."""
    if not isinstance(value, (tuple, list)):
        return (value,) * dims
    if len(value) == 1:
        return tuple(value) * dims
    if len(value) != dims:
        raise RuntimeError(f"expected one value or {dims}, but got {tuple(value)}")
    return tuple(value)


def _batched(name, input, dims):
    """`input` with a batch dimension, and whether it had none."""
    if input.ndim not in (dims + 1, dims + 2):
        raise RuntimeError(
            f"Expected {dims + 1}D (unbatched) or {dims + 2}D (batched) input to {name}, but got input of size: {list(input.shape)}"
        )
    alone = input.ndim == dims + 1
    return (unsqueeze(input, 0) if alone else input), alone


# Convolution


def _convolution(dims):
    def convolve(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
        input, alone = _batched(f"conv{dims}d", input, dims)
        kernel = tuple(weight.shape[2:])
        stride, dilation = tuple_of(stride, dims), tuple_of(dilation, dims)
        if padding == "same":
            if any(each != 1 for each in stride):
                raise RuntimeError("padding='same' is not supported for strided convolutions")
            total = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
            input = constant_pad(input, [0, 0, *(0 for _ in total)], [0, 0, *(each % 2 for each in total)])
            padding = tuple(each // 2 for each in total)
        padding = tuple_of(0 if padding == "valid" else padding, dims)
        _check_convolution(input, weight, bias, stride, padding, dilation, groups)
        out = _conv.conv(input, weight, bias, stride, padding, dilation, groups)
        return out.squeeze(0) if alone else out

    convolve.__name__ = f"conv{dims}d"
    convolve.__doc__ = f"Slide `weight` (O, C/groups, *kernel) over `input` (N, C, *spatial), spatial in {dims}-d: (N, O, *positions)."
    return convolve


def _check_convolution(input, weight, bias, stride, padding, dilation, groups) -> None:
    if input.dtype is not weight.dtype:
        raise RuntimeError(f"Input type ({input.dtype.name}) and weight type ({weight.dtype.name}) should be the same")
    if weight.shape[0] % groups or input.shape[1] != weight.shape[1] * groups:
        raise RuntimeError(
            f"Given groups={groups}, weight of size {list(weight.shape)}, expected input{list(input.shape)} to have "
            f"{weight.shape[1] * groups} channels, but got {input.shape[1]} channels instead"
        )
    if bias is not None and tuple(bias.shape) != (weight.shape[0],):
        raise RuntimeError(
            f"expected bias to be 1-dimensional with {weight.shape[0]} elements, but got bias of size {list(bias.shape)} instead"
        )
    if min(*stride, *dilation) <= 0:
        raise RuntimeError("non-positive stride or dilation is not supported")
    if min(padding) < 0:
        raise RuntimeError("negative padding is not supported")
    if min(_conv.positions(input.shape[2:], weight.shape[2:], stride, padding, dilation), default=1) < 1:
        padded = " x ".join(str(n + 2 * p) for n, p in zip(input.shape[2:], padding, strict=True))
        kernel = " x ".join(str(d * (k - 1) + 1) for k, d in zip(weight.shape[2:], dilation, strict=True))
        raise RuntimeError(
            f"Calculated padded input size per channel: ({padded}). Kernel size: ({kernel}). "
            "Kernel size can't be greater than actual input size"
        )


conv1d, conv2d, conv3d = _convolution(1), _convolution(2), _convolution(3)


# Pooling


def _max_pooling(dims):
    def max_pool(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
        input, alone = _batched(f"max_pool{dims}d", input, dims)
        kernel = tuple_of(kernel_size, dims)
        padding = tuple_of(padding, dims)
        _check_pool_padding(kernel, padding)
        arguments = (kernel, tuple_of(stride or kernel, dims), padding, tuple_of(dilation, dims), ceil_mode)
        if return_indices:
            out, indices = _pool.max_pool_with_indices(input, *arguments)
            return (out.squeeze(0), indices.squeeze(0)) if alone else (out, indices)
        out = _pool.max_pool(input, *arguments)
        return out.squeeze(0) if alone else out

    max_pool.__name__ = f"max_pool{dims}d"
    max_pool.__doc__ = (
        f"The largest element of each window over {dims} spatial dimension{'s' * (dims > 1)}; with `return_indices` also where it was."
    )
    return max_pool


def _check_pool_padding(kernel, padding) -> None:
    for k, p in zip(kernel, padding, strict=True):
        if not 0 <= p <= k // 2:
            raise RuntimeError(f"pad should be at most half of effective kernel size, but got pad={p}, kernel_size={k} and dilation=1")


def _avg_pooling(dims):
    def avg_pool(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None):
        input, alone = _batched(f"avg_pool{dims}d", input, dims)
        kernel = tuple_of(kernel_size, dims)
        padding = tuple_of(padding, dims)
        _check_pool_padding(kernel, padding)
        out = _pool.avg_pool(input, kernel, tuple_of(stride or kernel, dims), padding, ceil_mode, count_include_pad, divisor_override)
        return out.squeeze(0) if alone else out

    avg_pool.__name__ = f"avg_pool{dims}d"
    avg_pool.__doc__ = f"The mean of each window over {dims} spatial dimension{'s' * (dims > 1)}."
    return avg_pool


def _adaptive_pooling(kind, dims):
    function = getattr(_pool, f"adaptive_{kind}_pool")

    def adaptive(input, output_size):
        input, alone = _batched(f"adaptive_{kind}_pool{dims}d", input, dims)
        wanted = tuple(n if o is None else o for o, n in zip(tuple_of(output_size, dims), input.shape[2:], strict=True))
        out = function(input, wanted)
        return out.squeeze(0) if alone else out

    adaptive.__name__ = f"adaptive_{kind}_pool{dims}d"
    adaptive.__doc__ = (
        f"{kind.capitalize()} pooling with windows chosen so that the output has `output_size`, {dims} spatial dimension{'s' * (dims > 1)}."
    )
    return adaptive


max_pool1d, max_pool2d, max_pool3d = _max_pooling(1), _max_pooling(2), _max_pooling(3)
avg_pool1d, avg_pool2d, avg_pool3d = _avg_pooling(1), _avg_pooling(2), _avg_pooling(3)
adaptive_avg_pool1d, adaptive_avg_pool2d = _adaptive_pooling("avg", 1), _adaptive_pooling("avg", 2)
adaptive_max_pool1d, adaptive_max_pool2d = _adaptive_pooling("max", 1), _adaptive_pooling("max", 2)


# Activations


def relu(input, inplace: bool = False):
    """max(x, 0)."""
    return input.relu_() if inplace else _activation.relu(input)


def leaky_relu(input, negative_slope: float = 0.01, inplace: bool = False):
    """x where positive, else negative_slope x."""
    return _overwriting(inplace, input, _activation.leaky_relu(input, negative_slope))


def elu(input, alpha: float = 1.0, inplace: bool = False):
    """x where positive, else alpha (exp(x) - 1) (Clevert et al., 2015)."""
    return _overwriting(inplace, input, _activation.elu(input, alpha))


def silu(input, inplace: bool = False):
    """x sigmoid(x)."""
    return _overwriting(inplace, input, _activation.silu(input))


def hardtanh(input, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False):
    """x cut off below min_val and above max_val."""
    return _overwriting(inplace, input, _activation.hardtanh(input, min_val, max_val))


def relu6(input, inplace: bool = False):
    """min(max(x, 0), 6)."""
    return hardtanh(input, 0.0, 6.0, inplace)


def softplus(input, beta: float = 1.0, threshold: float = 20.0):
    """log(1 + exp(beta x)) / beta, and x itself where beta x > threshold."""
    return _activation.softplus(input, beta, threshold)


gelu, logsigmoid, softmax, log_softmax = _activation.gelu, _activation.logsigmoid, _activation.softmax, _activation.log_softmax


def _overwriting(inplace, input, out):
    if not inplace:
        return out
    check_writable(input)
    return assign(input, out)


# Dropout


def _dropout(input, p, training, inplace, shape):
    """Drop whole slices: the random mask has `shape`, and is broadcast."""
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0:
        return input
    if p == 1:
        out = input * 0
    elif shape == tuple(input.shape):
        out = _random.dropout(input, p, *random.default_generator.take(input.numel()))
    else:
        ones = input.new_ones(shape)
        out = input * _random.dropout(ones, p, *random.default_generator.take(ones.numel()))
    return _overwriting(inplace, input, out)


def dropout(input, p: float = 0.5, training: bool = True, inplace: bool = False):
    """In training, zero each element with probability `p` and divide the others by 1 - p (Srivastava et al., 2014)."""
    return _dropout(input, p, training, inplace, tuple(input.shape))


def _channel_dropout(dims):
    def drop(input, p: float = 0.5, training: bool = True, inplace: bool = False):
        channels = input.ndim - dims
        return _dropout(input, p, training, inplace, (*input.shape[:channels], *(1,) * dims))

    drop.__name__ = f"dropout{dims}d"
    drop.__doc__ = "In training, zero whole channels with probability `p` and divide the others by 1 - p (Tompson et al., 2015)."
    return drop


dropout1d, dropout2d, dropout3d = _channel_dropout(1), _channel_dropout(2), _channel_dropout(3)


# Normalisation


def batch_norm(input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    """Normalise every channel over the batch; in training also move the running mean and (unbiased) variance by `momentum`."""
    if not training:
        return _norm.batch_norm_eval(input, running_mean, running_var, weight, bias, eps)
    n = input.numel() // max(input.shape[1], 1)
    if n <= 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {input.shape}")
    out, mean, var = _norm.batch_norm_train(input, weight, bias, eps)
    if running_mean is not None:
        _move(running_mean, mean.detach(), momentum)
        _move(running_var, var.detach() * (n / (n - 1)), momentum)
    return out


def _move(running, value, momentum) -> None:
    running.copy_(running * (1 - momentum) + value * momentum)


def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-5):
    """Normalise each sample over its last dimensions, `normalized_shape` (Ba et al., 2016)."""
    normalized_shape = tuple(normalized_shape)
    if tuple(input.shape[-len(normalized_shape) :]) != normalized_shape:
        raise RuntimeError(
            f"Given normalized_shape={list(normalized_shape)}, expected input with shape [*, {', '.join(map(str, normalized_shape))}], "
            f"but got input of size{list(input.shape)}"
        )
    return _norm.layer_norm(input, len(normalized_shape), weight, bias, eps)


def normalize(input, p: float = 2.0, dim=1, eps: float = 1e-12):
    """x / max(||x||_p, eps) along `dim`."""
    return input / clamp(_p_norm(input, p, dim, True), min=eps)


# Others


def embedding(input, weight, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False):
    """The rows of `weight` (V, D) that the integers in `input` name; row `padding_idx` gets no gradient."""
    if max_norm is not None or scale_grad_by_freq or sparse:
        raise NotImplementedError("embedding: max_norm, scale_grad_by_freq and sparse are not supported")
    out = _index.embedding(weight, input)
    if padding_idx is None:
        return out
    return where((input == padding_idx % weight.shape[0]).unsqueeze(-1), out.detach(), out)


def one_hot(tensor, num_classes: int = -1):
    """A new last dimension with a 1 at the class each integer names."""
    count = int(tensor.max()) + 1 if num_classes == -1 else num_classes
    if tensor.numel() and (int(tensor.min()) < 0 or int(tensor.max()) >= count):
        raise RuntimeError("Class values must be non-negative and smaller than num_classes.")
    return (tensor.unsqueeze(-1) == arange(count, device=tensor.device)).long()


def pad(input, pad, mode: str = "constant", value=None):
    """Add elements around the last dimensions: `pad` = (before last, after last, before second last, …)."""
    if mode != "constant":
        raise NotImplementedError(f"pad: mode '{mode}' is not supported yet")
    if len(pad) % 2 or len(pad) // 2 > input.ndim:
        raise RuntimeError(
            f"Padding length must be divisible by 2 and at most twice the number of dimensions of the input, got {tuple(pad)}"
        )
    untouched = [0] * (input.ndim - len(pad) // 2)
    return constant_pad(input, [*untouched, *pad[-2::-2]], [*untouched, *pad[-1::-2]], 0 if value is None else value)
