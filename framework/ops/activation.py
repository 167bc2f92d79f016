"""The nonlinearities between layers."""

from functools import partial

import numpy as np

from ..autograd.fusable import fusable
from ..autograd.op import cast, op
from ..device import special
from .elementwise import abs, elementwise, erf, exp, sigmoid, tanh, where
from .promotion import expect, refuse
from .reduce import sum
from .shape import normalize, split

smooth = partial(elementwise, promote=None, not_for="biu")  # an op on floating tensors alone
numeric = partial(elementwise, promote=None, not_for="b")  # and one on integers too
formula = fusable("input")  # written in ops

# fmt: off
relu = elementwise(lambda input: np.maximum(input, 0), not_for="b", input=lambda grad, out: where(out <= 0, 0.0, grad))
leaky_relu = smooth(lambda input, negative_slope=0.01: np.where(input > 0, input, input * negative_slope),
                    input=lambda grad, input, negative_slope: where(input > 0, grad, grad * negative_slope))
elu = smooth(lambda input, alpha=1.0, scale=1.0, input_scale=1.0:
                 np.where(input > 0, scale * input, scale * alpha * np.expm1(input_scale * np.minimum(input, 0))),
             input=lambda grad, input, alpha, scale, input_scale:
                 where(input > 0, grad * scale, grad * (alpha * scale * input_scale) * exp(where(input > 0, 0.0, input) * input_scale)))
silu = smooth(lambda input: input * special(input).expit(input),
              input=lambda grad, input: grad * sigmoid(input) * (1 + input * (1 - sigmoid(input))))
softplus = smooth(lambda input, beta=1.0, threshold=20.0:
                      np.where(input * beta > threshold, input, np.log1p(np.exp(np.minimum(input * beta, threshold))) / beta),
                  input=lambda grad, input, beta, threshold: where(input * beta > threshold, grad, grad * sigmoid(input * beta)))
logsigmoid = smooth(lambda input: special(input).log_expit(input), input=lambda grad, input: grad * sigmoid(-input))
hardsigmoid = smooth(lambda input: np.clip(input / 6 + 0.5, 0, 1), input=lambda grad, input: where(abs(input) < 3, grad / 6, 0.0))
hardswish = smooth(lambda input: input * np.clip(input / 6 + 0.5, 0, 1),
                   input=lambda grad, input: where(input <= -3, 0.0, where(input < 3, grad * (input / 3 + 0.5), grad)))
hardshrink = smooth(lambda input, lambd=0.5: np.where(np.abs(input) <= lambd, 0, input),
                    input=lambda grad, input, lambd: where(abs(input) <= lambd, 0.0, grad))
softshrink = smooth(lambda input, lambd=0.5: input - np.clip(input, -lambd, lambd),
                    input=lambda grad, input, lambd: where(abs(input) <= lambd, 0.0, grad))
hardtanh = numeric(lambda input, min_val=-1.0, max_val=1.0: np.clip(input, *np.array([min_val, max_val]).astype(input.dtype)),
                   input=lambda grad, input, min_val, max_val: where((input > min_val) & (input < max_val), grad, 0.0))
threshold = numeric(lambda input, threshold, value: np.where(input <= input.dtype.type(threshold), input.dtype.type(value), input),
                    input=lambda grad, input, threshold: where(input <= threshold, 0.0, grad))
mish = formula(lambda input: input * tanh(softplus(input)))
softsign = formula(lambda input: input / (abs(input) + 1))
tanhshrink = formula(lambda input: input - tanh(input))
gelu_erf = formula(lambda input: input * (0.5 + 0.5 * erf(input * 0.5**0.5)))
gelu_tanh = formula(lambda input: input * (0.5 + 0.5 * tanh((2 / np.pi) ** 0.5 * (input + 0.044715 * input**3))))
# fmt: on


@op(name="softmax", input=lambda grad, out, dim: out * (grad - sum(grad * out, dim, True)))
def softmax_op(input, dim):
    weights = np.exp(input - _top(input, dim))
    return weights / weights.sum(axis=dim, keepdims=True, dtype=input.dtype)


@op(name="log_softmax", input=lambda grad, out, dim: grad - exp(out) * sum(grad, dim, True))
def log_softmax_op(input, dim):
    shifted = input - _top(input, dim)
    return shifted - np.log(np.exp(shifted).sum(axis=dim, keepdims=True, dtype=input.dtype))


def _top(input, dim):
    """The largest element along `dim`, subtracted so that nothing overflows."""
    return input.max(axis=dim, keepdims=True) if input.size else input.sum(axis=dim, keepdims=True)


def _along(op, input, dim, dtype):
    input = input if dtype is None else cast(input, dtype.numpy)
    refuse("biu", op.__name__, input)
    return op(input, (0 if input.ndim in (0, 1, 3) else 1) if dim is None else dim)  # PyTorch's choice where none is made


def softmax(input, dim=None, _stacklevel=3, dtype=None):
    """exp(x_i) / sum_j exp(x_j) along `dim`."""
    return _along(softmax_op, input, dim, dtype)


def softmin(input, dim=None, _stacklevel=3, dtype=None):
    """softmax(-x): exp(-x_i) / sum_j exp(-x_j) along `dim`."""
    return _along(softmax_op, -input, dim, dtype)


def log_softmax(input, dim=None, _stacklevel=3, dtype=None):
    """x_i - log sum_j exp(x_j) along `dim`."""
    return _along(log_softmax_op, input, dim, dtype)


def gelu(input, approximate="none"):
    """x Phi(x), Phi the normal distribution function; or its "tanh" approximation (Hendrycks and Gimpel, 2016)."""
    refuse("biu", "gelu", input)
    expect(approximate in ("none", "tanh"), f"approximate argument must be either none or tanh, but got {approximate!r}")
    return gelu_erf(input) if approximate == "none" else gelu_tanh(input)


def glu(input, dim=-1):
    """a sigmoid(b) for the two halves a and b of `input` along `dim` (Dauphin et al., 2016)."""
    refuse("biu", "glu", input)
    expect(input.ndim, "glu does not support 0-dimensional tensors")
    half, odd = divmod(input.shape[dim := normalize(dim, input.ndim)], 2)
    expect(not odd, f"Halving dimension must be even, but dimension {dim} is size {input.shape[dim]}")
    a, b = split(input, [half, half], dim)
    return a * sigmoid(b)


prelu_op = op(lambda input, slope: np.where(input > 0, input, slope * input), name="prelu",
              input=lambda grad, input, slope: where(input > 0, grad, slope * grad),
              slope=lambda grad, input: where(input > 0, 0.0, grad * input))  # fmt: skip


def prelu(input, weight):
    """x where positive, else weight x: one learnt slope, or one for each channel of `input` (N, C, …) (He et al., 2015)."""
    refuse("biu", "prelu", input)
    count, channels = weight.numel(), input.shape[1] if input.ndim > 1 else 1
    expect(input.dtype is weight.dtype, f"prelu: Type promoting not supported. Got {input.dtype.name} and {weight.dtype.name}")
    expect(weight.ndim < 2 and count in (1, channels), f"prelu: expected 1 or {channels} slopes, but got {list(weight.shape)}")
    return prelu_op(input, weight.reshape(() if count == 1 else (channels,) + (1,) * (input.ndim - 2)))
