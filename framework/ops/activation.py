"""The nonlinearities between layers."""

import numpy as np

from ..autograd.op import cast, op
from ..device import array_module, special
from .elementwise import elementwise, exp, sigmoid, where
from .promotion import refuse
from .reduce import sum_op

# fmt: off
relu = elementwise(lambda input: np.maximum(input, 0), input=lambda grad, out: grad * (out > 0), not_for="b")
leaky_relu = elementwise(lambda input, negative_slope=0.01: np.where(input > 0, input, input * negative_slope), promote=None, not_for="biu",
                      input=lambda grad, input, negative_slope: where(input > 0, grad, grad * negative_slope))
elu = elementwise(lambda input, alpha=1.0: np.where(input > 0, input, alpha * np.expm1(np.minimum(input, 0))), promote=None, not_for="biu",
               input=lambda grad, input, alpha: where(input > 0, grad, grad * alpha * exp(where(input > 0, 0.0, input))))
silu = elementwise(lambda input: input * special(input).expit(input), not_for="biu",
                input=lambda grad, input: grad * sigmoid(input) * (1 + input * (1 - sigmoid(input))))
softplus = elementwise(lambda input, beta=1.0, threshold=20.0: _softplus(input, beta, threshold), promote=None, not_for="biu",
                    input=lambda grad, input, beta, threshold: where(input * beta > threshold, grad, grad * sigmoid(input * beta)))
logsigmoid = elementwise(lambda input: special(input).log_expit(input), input=lambda grad, input: grad * sigmoid(-input), not_for="biu")
hardtanh = elementwise(lambda input, min_val=-1.0, max_val=1.0: np.clip(input, min_val, max_val), promote=None, not_for="biu",
                       input=lambda grad, input, min_val, max_val: where((input > min_val) & (input < max_val), grad, 0.0))
softmax_op = op(lambda input, dim: _softmax(input, dim), name="softmax",
                input=lambda grad, out, dim: out * (grad - sum_op(grad * out, dim, True)))
log_softmax_op = op(lambda input, dim: _log_softmax(input, dim), name="log_softmax",
                    input=lambda grad, out, dim: grad - exp(out) * sum_op(grad, dim, True))
# fmt: on


def _softplus(input, beta, threshold):
    scaled = input * beta
    return np.where(scaled > threshold, input, np.log1p(np.exp(np.minimum(scaled, threshold))) / beta).astype(input.dtype, copy=False)


def _softmax(input, dim):
    weights = np.exp(input - _top(input, dim))
    return weights / weights.sum(axis=dim, keepdims=True, dtype=input.dtype)


def _log_softmax(input, dim):
    shifted = input - _top(input, dim)
    return shifted - np.log(np.exp(shifted).sum(axis=dim, keepdims=True, dtype=input.dtype))


def _top(input, dim):
    """The largest element along `dim`, subtracted so that nothing overflows."""
    return array_module(input).max(input, axis=dim, keepdims=True) if input.size else input.sum(axis=dim, keepdims=True)


def _along(function, input, dim, dtype):
    input = input if dtype is None else cast(input, dtype.numpy)
    refuse("biu", function.__name__, input)
    return function(input, dim)


def softmax(input, dim=None, _stacklevel=3, dtype=None):
    """exp(x_i) / sum_j exp(x_j) along `dim`."""
    return _along(softmax_op, input, default_dim(input) if dim is None else dim, dtype)


def log_softmax(input, dim=None, _stacklevel=3, dtype=None):
    """x_i - log sum_j exp(x_j) along `dim`."""
    return _along(log_softmax_op, input, default_dim(input) if dim is None else dim, dtype)


def default_dim(input) -> int:
    """The dimension PyTorch takes when none is given."""
    return 0 if input.ndim in (0, 1, 3) else 1


def gelu(input, approximate="none"):
    """x Phi(x), Phi the normal distribution function; or its "tanh" approximation (Hendrycks and Gimpel, 2016)."""
    from .elementwise import erf, tanh

    refuse("biu", "gelu", input)
    if approximate == "none":
        return input * 0.5 * (1 + erf(input * 0.5**0.5))
    if approximate != "tanh":
        raise RuntimeError(f"approximate argument must be either none or tanh, but got {approximate!r}")
    return 0.5 * input * (1 + tanh((2 / np.pi) ** 0.5 * (input + 0.044715 * input**3)))
