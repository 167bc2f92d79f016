"""A deep-learning framework small enough to read, with PyTorch's interface: `import framework as torch`."""

import warnings

from .tensor import Size, Tensor  # isort: skip: first, for the function `tensor` takes this module's name below

from .autograd import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled
from .autograd.mode import is_inference_mode_enabled
from .creation import (
    arange, as_tensor, empty, empty_like, eye, from_dlpack, from_numpy, full, full_like, linspace, ones, ones_like, rand, rand_like,
    randint, randn, randn_like, randperm, tensor, zeros, zeros_like,
)  # fmt: skip
from .autograd.op import broadcast_to
from .device import device
from .dtypes import (
    bfloat16, bool, can_cast, double, dtype, float, float16, float32, float64, get_default_dtype, half, int, int8, int16, int32, int64,
    long, promote_types, set_default_dtype, short, uint8,
)  # fmt: skip
from .memory import keep_freed_memory, peak_memory, release_memory
from .ops.activation import log_softmax, relu, softmax
from .ops.elementwise import (
    abs, acos, add, addcdiv, addcmul, asin, atan, atan2, bitwise_and, bitwise_not, bitwise_or, bitwise_xor, ceil, clamp, cos, cosh, div,
    eq, erf, exp, exp2, expm1, floor, floor_divide, fmod, ge, gt, isfinite, isinf, isnan, le, lerp, log, log1p, log2, log10, logical_and,
    logical_not, logical_or, logical_xor, lt, maximum, minimum, mul, ne, neg, positive, pow, reciprocal, remainder, round, rsqrt, sigmoid,
    sign, sin, sinh, sqrt, square, sub, tan, tanh, true_divide, trunc,
)  # fmt: skip
from .ops.index import index_put
from .ops.linalg import addmm, bmm, dot, matmul, mm, mv, outer
from .ops.reduce import (
    all, amax, amin, aminmax, any, argmax, argmin, dist, logsumexp, max, mean, min, nanmean, nansum, norm, prod, std, std_mean, sum, var,
    var_mean,
)  # fmt: skip
from .ops.scan import cummax, cummin, cumprod, cumsum, diff
from .ops.scatter import (
    gather, index_add, index_copy, index_fill, index_select, masked_fill, masked_select, scatter, scatter_add, scatter_reduce, take,
    take_along_dim,
)  # fmt: skip
from .ops.shape import (
    cat, chunk, clone, flatten, flip, movedim, permute, reshape, roll, split, split_with_sizes, squeeze, stack, t, tile,
    transpose, tril, triu, unbind, unsqueeze,
)  # fmt: skip
from .ops.sort import (
    argsort, argwhere, bincount, count_nonzero, isin, median, msort, nanmedian, nonzero, quantile, sort, topk, unique, unique_consecutive,
    where,
)  # fmt: skip
from .printing import set_printoptions
from .random import Generator, default_generator, get_rng_state, initial_seed, manual_seed, seed, set_rng_state
from .serialization import load, save
from .threads import get_num_threads, set_num_threads

from . import autograd, cuda, kernels, nn, optim, serialization, utils  # isort: skip: they stand on the names above

__version__ = "0.1.0"
concat = cat
FloatTensor = Tensor

keep_freed_memory()
# NumPy warns of log(0), of overflow, of 0 / 0; PyTorch does not, and a warning inside an op helps nobody
warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"framework\.")


def is_tensor(obj) -> bool:
    """Whether `obj` is a tensor."""
    return isinstance(obj, Tensor)


def equal(input, other) -> bool:
    """Whether two tensors have the same shape and elements."""
    return input.shape == other.shape and (input == other).all().item()


def allclose(input, other, rtol=1e-5, atol=1e-8, equal_nan=False) -> bool:
    """Whether |input - other| <= atol + rtol |other| everywhere."""
    import numpy as np

    return np.allclose(input.detach().cpu().numpy(), other.detach().cpu().numpy(), rtol, atol, equal_nan)
