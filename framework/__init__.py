"""A deep-learning framework small enough to read, with PyTorch's interface: `import framework as torch`."""

import warnings
from inspect import isfunction

from .tensor import Tensor  # isort: skip: first, for the function `tensor` takes this module's name below

from .autograd.mode import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled
from .creation import (
    TENSOR_TYPES, arange, as_tensor, empty, empty_like, eye, from_dlpack, from_numpy, full, full_like, linspace, logspace, ones, ones_like,
    rand, rand_like, randint, randint_like, randn, randn_like, randperm, tensor, tril_indices, triu_indices, zeros, zeros_like,
)  # fmt: skip
from .device import device
from .dtypes import (
    bfloat16, bool, can_cast, double, dtype, float, float16, float32, float64, get_default_dtype, half, int, int8, int16, int32, int64,
    long, promote_types, set_default_dtype, short, uint8,
)  # fmt: skip
from .offered import offered
from .ops.activation import log_softmax, relu, softmax
from .ops.comparison import (
    allclose, bitwise_and, bitwise_left_shift, bitwise_not, bitwise_or, bitwise_right_shift, bitwise_xor, eq, equal, ge, gt, isclose,
    isfinite, isinf, isnan, isneginf, isposinf, le, logical_and, logical_not, logical_or, logical_xor, lt, ne,
)  # fmt: skip
from .ops.elementwise import (
    abs, acos, acosh, add, addcdiv, addcmul, asin, asinh, atan, atan2, atanh, ceil, clamp, clamp_max, clamp_min, copysign, cos, cosh,
    deg2rad, div, erf, erfc, erfinv, exp, exp2, expm1, fill, floor, floor_divide, fmax, fmin, fmod, frac, heaviside, hypot, lerp, log,
    log10, log1p, log2, logaddexp, logaddexp2, logit, maximum, minimum, mul, nan_to_num, neg, positive, pow, rad2deg, reciprocal,
    remainder, round, rsqrt, rsub, sigmoid, sign, sin, sinc, sinh, sqrt, square, sub, tan, tanh, true_divide, trunc, where, xlogy,
)  # fmt: skip
from .ops.diagonal import diag, diag_embed, diagflat, diagonal
from .ops.forms import (
    atleast_1d, atleast_2d, atleast_3d, broadcast_tensors, column_stack, dsplit, dstack, fliplr, flipud, hsplit, hstack, meshgrid, narrow,
    ravel, repeat_interleave, rot90, select, swapaxes, tensor_split, tile, unflatten, vsplit, vstack,
)  # fmt: skip
from .ops.index import index_put
from .ops.decompositions import cholesky, det, logdet, qr, slogdet, svd
from .ops.distance import cdist, dist
from .ops.einsum import einsum
from .ops.linalg import matmul
from .ops.products import addbmm, addmm, addmv, addr, baddbmm, bmm, cross, dot, inner, kron, mm, mv, outer, tensordot, trace, vdot
from .ops.promotion import result_type
from .ops.reduce import (
    all, amax, amin, aminmax, any, argmax, argmin, logsumexp, max, mean, min, nanmean, nansum, norm, prod, std, std_mean, sum, var,
    var_mean,
)  # fmt: skip
from .ops.scan import cummax, cummin, cumprod, cumsum, diff
from .ops.scatter import (
    gather, index_add, index_copy, index_fill, index_select, masked_fill, masked_select, scatter, scatter_add, scatter_reduce, take,
    take_along_dim,
)  # fmt: skip
from .ops.shape import (
    broadcast_to, cat, chunk, clone, constant_pad_nd, flatten, flip, movedim, permute, reshape, roll, split, split_with_sizes,
    squeeze, stack, t, transpose, tril, triu, unbind, unsqueeze,
)  # fmt: skip
from .ops.sort import (
    argsort, argwhere, bincount, count_nonzero, isin, median, msort, nanmedian, nonzero, quantile, sort, topk, unique, unique_consecutive,
)  # fmt: skip
from .printing import set_printoptions
from .random import Generator, default_generator, get_rng_state, initial_seed, manual_seed, seed, set_rng_state
from .sampling import bernoulli, multinomial, normal
from .serialization import load, save
from .size import Size, broadcast_shapes

# They stand on the names above
from . import accelerator, autograd, backends, cuda, distributions, kernels, linalg, nn, optim, serialization, utils  # isort: skip
from .kernels.autocast import autocast, is_autocast_enabled
from .kernels.cuda_graph import compile
from .kernels.memory import collect_less_often, keep_freed_memory, memory_stats, release_memory
from .kernels.threads import get_num_threads, set_num_threads

__version__ = "0.1.0"
concat, moveaxis = cat, movedim
globals().update(TENSOR_TYPES)  # FloatTensor, LongTensor, …: how old scripts name types

keep_freed_memory()
collect_less_often()
# NumPy warns of log(0), of overflow, of 0 / 0; PyTorch does not, and a warning inside an op helps nobody
warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"framework\.")


def is_tensor(obj) -> bool:
    """Whether `obj` is a tensor."""
    return isinstance(obj, Tensor)


def is_floating_point(input) -> bool:
    """Whether `input` is of a floating type."""
    return input.is_floating_point()


for _name, _value in list(globals().items()):  # the ops refuse what is not offered by themselves
    if isfunction(_value) and _value.__module__.startswith(("framework.ops", "framework.creation", "framework.sampling")):
        globals()[_name] = offered(_value)
