"""Attention on a GPU: by cuDNN, and what that does not take by products of cuBLAS, with one kernel of ours between them.

    forward    p = softmax(q k^T scale + mask)      d = dropped p      out = d v
    backward   dv = d^T g        dp = dropped g v^T        ds = p (dp - sum dp p)        dq = ds k scale        dk = ds^T q scale

Ours keeps the weights p of all heads.  cuDNN keeps a number a query, log sum exp of its scores, and makes p again, block by block on the
chip (Dao et al., 2022, FlashAttention).  It takes 16-bit floats without mask and without dropout: a query that may see no key would get
nan from it, and its random numbers are not those of framework/random.py.
"""

import functools
import itertools

import numpy as np

from ..autograd.mode import mode
from ..backends import cudnn as switches
from ..ops import attention as ops
from ..random import threshold
from .cuda import Source, by_row, cupy, floats, gpu_kernel, number, threads_for
from .cuda_cudnn import ALIGNED, TYPES, built, handle_of, library
from .cuda_matmul import blas, product
from .cuda_random import RANDOM_BITS

_rows = Source(RANDOM_BITS + r"""
__device__ S minus_infinity() { return log(S(0)); }

// How well each key fits the query of a block: q k^T scale + mask, minus infinity where it may not be seen.
struct Scores {
    const T *products, *added;
    const bool* allowed;
    Index apart, seen;
    S scale;
    __device__ S operator()(Index key) const {
        if (key >= seen || (allowed && !allowed[key * apart])) return minus_infinity();
        return (S)products[key] * scale + (added ? (S)added[key * apart] : S(0));
    }
};

// What dropout multiplies weight i by.
struct Dropout {
    Bits key, start;
    Index below;
    S scale;
    __device__ S operator()(Index i) const { return is_kept(key, start + i, below) ? scale : S(0); }
};

// Weights (images, heads, queries, keys) in the place of q k^T, a block a query; what dropout leaves of them, if it is wanted, beside them.
// A mask has elements for the next image, head, query and key so and so far apart: 0 where it is the same for all.
extern "C" __global__ void weigh(T* weights, T* dropped, const T* added, const bool* allowed, Index by_image, Index by_head, Index by_query,
                                 Index by_key, Index heads, Index queries, Index keys, Index causal, double scale,
                                 NUMBER(Bits, stream), NUMBER(Bits, start), Index below, double kept) {
    const Index query = blockIdx.x % queries, head = blockIdx.x / queries % heads, image = blockIdx.x / queries / heads;
    const Index at = blockIdx.x * keys, in_mask = image * by_image + head * by_head + query * by_query;
    const Scores score = {weights + at, added ? added + in_mask : added, allowed ? allowed + in_mask : allowed, by_key,
                          causal ? min(keys, query + 1) : keys, (S)scale};
    const Dropout dropout = {VALUE(stream), VALUE(start), below, (S)kept};
    S top = minus_infinity(), sum = 0;
    for (Index key = threadIdx.x; key < keys; key += blockDim.x) top = Max::of(top, score(key));
    top = of_block<Max>(top);
    for (Index key = threadIdx.x; key < keys; key += blockDim.x) sum += exp(score(key) - top);
    sum = of_block<Sum>(sum);
    const bool blind = (added || allowed) && top == minus_infinity();  // it may see no key: all weights are 0
    for (Index key = threadIdx.x; key < keys; key += blockDim.x) {
        const T weight = blind ? S(0) : exp(score(key) - top) / sum;
        weights[at + key] = weight;
        if (dropped) dropped[at + key] = (S)weight * dropout(at + key);
    }
}

// The scores' gradients in the place of g v^T: times `scale`, as q and k want them, and beside them as a mask wants them, if one does.
extern "C" __global__ void weigh_backward(const T* weights, T* grads, T* dropped, T* of_mask, Index keys, double scale,
                                          NUMBER(Bits, stream), NUMBER(Bits, start), Index below, double kept) {
    const Index at = blockIdx.x * keys;
    const Dropout dropout = {VALUE(stream), VALUE(start), below, (S)kept};
    S mean = 0;
    for (Index i = at + threadIdx.x; i < at + keys; i += blockDim.x) mean += (S)grads[i] * dropout(i) * (S)weights[i];
    mean = of_block<Sum>(mean);
    for (Index i = at + threadIdx.x; i < at + keys; i += blockDim.x) {
        const S weight = weights[i], factor = dropout(i), of_score = weight * ((S)grads[i] * factor - mean);
        grads[i] = of_score * (S)scale;
        if (dropped) dropped[i] = weight * factor;
        if (of_mask) of_mask[i] = of_score;
    }
}
""")


@gpu_kernel(ops.attention)
def cublas_attention(query, key, value, attn_mask, is_causal, scale, dropout_p, stream, start):
    added = None if attn_mask is None or attn_mask.dtype == bool else attn_mask
    if not (_go_together(query, key, value, attn_mask) and floats(query, key, value, added) and blas(query.device.id)):
        return NotImplemented
    (*_, heads, queries, _), keys = _four(query.shape), key.shape[-2]
    q, k, v, scale = _heads(query), _heads(key), _heads(value), float(scale)
    dropout = *number(stream if dropout_p else 0), *number(start if dropout_p else 0), threshold(dropout_p), 1 / (1 - dropout_p)
    rows, threads, sizes = len(q) * queries, threads_for(keys), (heads, queries, keys)

    weights = product(q, k.mT)
    dropped = cupy().empty_like(weights) if dropout_p else None
    _rows.rows("weigh", rows, weights, dropped, *_mask(attn_mask), *sizes, int(is_causal), scale, *dropout, threads=threads)
    out = product(dropped if dropout_p else weights, v)

    def backward(grad, needs_query, needs_key, needs_value, needs_mask):
        grad = _heads(grad)
        of_scores = product(grad, v.mT)
        dropped = cupy().empty_like(weights) if dropout_p else None
        of_mask = cupy().empty_like(weights) if needs_mask else None
        _rows.rows("weigh_backward", rows, weights, of_scores, dropped, of_mask, keys, scale, *dropout, threads=threads)
        return (
            product(of_scores, k).reshape(query.shape) if needs_query else None,
            product(of_scores.mT, q).reshape(key.shape) if needs_key else None,
            product((dropped if dropout_p else weights).mT, grad).reshape(value.shape) if needs_value else None,
            of_mask.reshape(*query.shape[:-1], keys) if needs_mask else None,
        )

    return out.reshape(*query.shape[:-1], value.shape[-1]), backward


def _go_together(query, key, value, mask) -> bool:
    """Whether they have the same images and heads, 4 dimensions at most and no side of 0, and the mask spreads over the scores."""
    alike = query.shape[:-2] == key.shape[:-2] == value.shape[:-2] and query.ndim <= 4
    fit = query.shape[-1] == key.shape[-1] and key.shape[-2] == value.shape[-2] and min(*query.shape, *key.shape, *value.shape) > 0
    if not alike or not fit or mask is None:
        return alike and fit
    sizes = zip(mask.shape[::-1], (key.shape[-2], *query.shape[-2::-1]), strict=False)  # of the scores (…, L, S), from the last on
    return mask.ndim <= query.ndim and all([m in (1, s) for m, s in sizes])


def _four(shape) -> tuple:
    """(…, rows, columns) as (images, heads, rows, columns)."""
    return (1,) * (4 - len(shape)) + shape


def _heads(array):
    """(…, rows, columns) as (heads of all images, rows, columns)."""
    return array.reshape(-1, *array.shape[-2:])


def _mask(mask) -> tuple:
    """A mask as `weigh` takes it: numbers or None, bools or None, and how far apart its elements are."""
    if mask is None:
        return None, None, 0, 0, 0, 0
    mask = by_row(mask).reshape(_four(mask.shape))
    apart = [each // mask.itemsize if side > 1 else 0 for each, side in zip(mask.strides, mask.shape, strict=True)]
    return (None, mask, *apart) if mask.dtype == bool else (mask, None, *apart)


@gpu_kernel(ops.attention)
def cudnn_attention(query, key, value, attn_mask, is_causal, scale, dropout_p, stream, start):
    """What it makes lies in memory as what it is made for: `out` as the query, a gradient as its input."""
    plain = switches.enabled and attn_mask is None and not dropout_p and scale > 0
    if not (plain and _in_16_bits(query, key, value) and _go_together(query, key, value, None)):
        return NotImplemented
    if query.size == query.shape[-1]:  # asked for the gradients of a single query, cuDNN 9.28 crashes
        return NotImplemented
    q, k, v = [_readable(each.reshape(_four(each.shape))) for each in (query, key, value)]
    out, log_sum_exp = cupy().empty_like(q, shape=(*q.shape[:-1], v.shape[-1])), cupy().empty((*q.shape[:-1], 1), np.float32)
    layouts = tuple([_layout(each) for each in (q, k, v, out, log_sum_exp)])
    plans = plans_for(library(), q.device.id, layouts, bool(is_causal), float(scale), switches.deterministic)
    if plans is None:
        return NotImplemented
    plans["forward"].launch(q, k, v, out, log_sum_exp)

    def backward(grad, *needs):
        grads = [cupy().empty_like(each) for each in (q, k, v)]
        plans["backward"].launch(q, k, v, out, _laid_like(out, grad.reshape(out.shape)), log_sum_exp, *grads)
        shapes = query.shape, key.shape, value.shape
        return *[each.reshape(shape) if needed else None for each, shape, needed in zip(grads, shapes, needs[:3], strict=True)], None

    given = out.copy(order="K") if mode.grad else out  # backward needs `out` as it is, and what is given back may be changed in place
    return given.reshape(*query.shape[:-1], value.shape[-1]), backward


def _in_16_bits(query, key, value) -> bool:
    """Whether they are of one type of 16 bits, with rows that cuDNN can read."""
    of_one_type = query.dtype == key.dtype == value.dtype and query.dtype in TYPES and query.itemsize == 2
    return of_one_type and not query.shape[-1] * 2 % ALIGNED and not value.shape[-1] * 2 % ALIGNED


def _readable(array):
    """`array` (B, H, L, E), if its rows are whole, nothing lies between them, and cuDNN can read from where it begins; else a copy."""
    order = sorted(range(4), key=array.strides.__getitem__, reverse=True)
    dense = order[-1] == 3 and array.transpose(order).flags.c_contiguous
    return array if dense and array.data.ptr % ALIGNED == 0 else array.copy()


def _laid_like(model, array):
    """`array`, if it lies as `model` does; else a copy that does."""
    if array.strides == model.strides and array.data.ptr % ALIGNED == 0:
        return array
    copy = cupy().empty_like(model)
    copy[...] = array
    return copy


def _layout(array) -> tuple:
    """The shape, how many elements apart neighbours along each dimension are, and the type."""
    return array.shape, tuple([each // array.itemsize for each in array.strides]), TYPES[array.dtype]


@functools.cache
def plans_for(cudnn, device, layouts, is_causal, scale, deterministic):
    """A plan each way for the GPU in use, number `device`; None if cuDNN lacks one.  They are kept for good: see cuda_cudnn.py."""
    handle = None if cudnn is None else handle_of(cudnn, device)
    if handle is None:
        return None
    q, k, v, out, log_sum_exp = layouts
    how = {"attn_scale": scale, "diagonal_band_right_bound": 0 if is_causal else None}  # how many keys after the i-th query i may see
    try:
        return {
            "forward": _plan(cudnn, handle, "sdpa", (q, k, v), (out, log_sum_exp), generate_stats=True, **how),
            "backward": _plan(cudnn, handle, "sdpa_backward", (q, k, v, out, out, log_sum_exp), (q, k, v),
                              use_deterministic_algorithm=deterministic, **how),
        }  # fmt: skip
    except (cudnn.cudnnGraphNotSupportedError, RuntimeError, StopIteration):
        return None


def _plan(cudnn, handle, node, takes, makes, **how):
    """The best guess for a graph of one node, whose tensors are numbered from 1 on; StopIteration if there is none."""
    types, numbers = cudnn.data_type, itertools.count(1)
    stored = getattr(types, takes[0][-1])
    graph = cudnn.pygraph(handle=handle, io_data_type=stored, intermediate_data_type=types.FLOAT, compute_data_type=types.FLOAT)
    tensors = [
        graph.tensor(dim=list(shape), stride=list(apart), data_type=getattr(types, kind), uid=next(numbers)) for shape, apart, kind in takes
    ]
    for tensor, (shape, apart, kind) in zip(getattr(graph, node)(*tensors, **how), makes, strict=True):
        tensor.set_output(True).set_uid(next(numbers))
        tensor.set_dim(list(shape)).set_stride(list(apart)).set_data_type(getattr(types, kind))
    graph.validate()
    graph.build_operation_graph()
    graph.create_execution_plans([cudnn.heur_mode.A, cudnn.heur_mode.FALLBACK])
    return next(built(cudnn, handle, graph, (cudnn.cudnnGraphNotSupportedError, RuntimeError)))
