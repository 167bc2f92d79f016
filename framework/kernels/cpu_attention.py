"""Attention on a CPU: head by head, so that the scores (L, S) of one head at a time exist, in a core's cache.

    forward    p = softmax(q k^T scale + mask)      d = dropped p      out = d v
    backward   dv = d^T g        dp = dropped g v^T        ds = p (dp - sum dp p)        dq = ds k scale        dk = ds^T q scale

Of the weights p nothing is kept but a number a query, log sum exp of its scores: the backward pass makes them again.  (So does Dao et al.,
2022, FlashAttention, which also cuts a head's scores into blocks.)
"""

import math

import numpy as np

from ..ops import attention as ops
from ..random import threshold
from .cpu import SMALL, compiled, floats, kernel, run_shares
from .cpu_elementwise import random_bits
from .cpu_gemm import gemm
from .cpu_math import exp
from .cpu_norm import dot_of
from .cpu_softmax import largest, softmax_of


@compiled()
def _weights(q, k, mask, causal, scale, scores):
    """q k^T scale + mask for one head (L, S); what may not be seen is -inf."""
    gemm(q, k.T, scores, 0)
    for i in range(scores.shape[0]):
        row = scores[i]
        for j in range(row.size):
            row[j] *= scale
        if mask.size:
            added = mask[i]
            for j in range(row.size):
                row[j] += added[j]
        if causal:
            row[i + 1 :] = -np.inf


@compiled()
def _drop(weights, out, head, stream, start, below, scale):
    """out = weights * scale where kept, else 0: with the numbers that the formula has for this head."""
    zero, first = weights.dtype.type(0), start + np.uint64(head * weights.size)
    flat, kept = weights.reshape(-1), out.reshape(-1)
    for i in range(flat.size):
        kept[i] = flat[i] * (scale if random_bits(stream, first + np.uint64(i)) >= below else zero)


@compiled(fastmath={"reassoc"})
def _forward(query, key, value, mask, causal, scale, dropout, lse, out, share, first_head, last_head):
    scores = np.empty((query.shape[1], key.shape[1]), query.dtype)
    for head in range(first_head, last_head):
        _weights(query[head], key[head], mask[head % len(mask)], causal, scale, scores)
        for i in range(scores.shape[0]):
            row, top = scores[i], largest(scores[i])
            if mask.size and top == -np.inf:  # a query that may see no key: all weights are 0
                row[:], lse[head, i] = 0, np.inf
                continue
            lse[head, i] = top + math.log(softmax_of(row, top, row))
        if dropout[2]:
            _drop(scores, scores, head, *dropout)
        gemm(scores, value[head], out[head], 0)


@compiled(fastmath={"reassoc"})
def _backward(grad, query, key, value, mask, causal, scale, dropout, lse, dq, dk, dv, dmask, share, first_head, last_head):
    weights = np.empty((query.shape[1], key.shape[1]), query.dtype)
    dropped, of_scores = np.empty_like(weights), np.empty_like(weights)
    for head in range(first_head, last_head):
        _weights(query[head], key[head], mask[head % len(mask)], causal, scale, weights)
        for i in range(weights.shape[0]):
            row, total = weights[i], lse[head, i]
            for j in range(row.size):
                row[j] = exp(row[j] - total)
        gemm(grad[head], value[head].T, of_scores, 0)
        if dropout[2]:
            _drop(weights, dropped, head, *dropout)
            _drop(of_scores, of_scores, head, *dropout)
            gemm(dropped.T, grad[head], dv[head], 0)
        else:
            gemm(weights.T, grad[head], dv[head], 0)
        for i in range(weights.shape[0]):
            row, arrived = weights[i], of_scores[i]
            mean = row.dtype.type(dot_of(arrived, row))
            for j in range(row.size):
                arrived[j] = row[j] * (arrived[j] - mean)
        if dmask.size:
            dmask[head] = of_scores
        for i in range(weights.shape[0]):
            for j in range(weights.shape[1]):
                of_scores[i, j] *= scale
        gemm(of_scores, key[head], dq[head], 0)
        gemm(of_scores.T, query[head], dk[head], 0)


def _heads(array):
    """(…, rows, columns) as (heads, rows, columns)."""
    return np.ascontiguousarray(array).reshape(math.prod(array.shape[:-2]), *array.shape[-2:])


def _added(mask, scores_shape, dtype):
    """A mask as numbers to add, for each head (heads, L, S) or for all alike (1, L, S); (1, 0, 0) if there is none."""
    if mask is None:
        return np.empty((1, 0, 0), dtype)
    mask = np.where(mask, dtype.type(0), dtype.type(-np.inf)) if mask.dtype == bool else mask
    for_all = math.prod(mask.shape[:-2]) == 1
    return _heads(np.broadcast_to(mask.reshape(mask.shape[-2:]), scores_shape[-2:]) if for_all else np.broadcast_to(mask, scores_shape))


def _fits(query, key, value, mask, scores_shape) -> bool:
    alike = query.shape[:-2] == key.shape[:-2] == value.shape[:-2] and query.shape[-1] and value.shape[-1]
    if not alike or math.prod(scores_shape) < SMALL:
        return False
    if mask is None:
        return floats(query, key, value)
    sizes = zip(mask.shape[::-1], scores_shape[::-1], strict=False)
    spreads = mask.ndim <= query.ndim and all(m in (1, s) for m, s in sizes)
    return spreads and floats(query, key, value, None if mask.dtype == bool else mask)


@kernel(ops.attention)
def head_by_head_attention(query, key, value, attn_mask, is_causal, scale, dropout_p, stream, start):
    scores_shape = (*query.shape[:-1], key.shape[-2])
    if not _fits(query, key, value, attn_mask, scores_shape):
        return NotImplemented
    dtype, inputs = query.dtype, (_heads(query), _heads(key), _heads(value))
    dropout = np.uint64(stream or 0), np.uint64(start or 0), np.uint64(threshold(dropout_p)), dtype.type(1 / (1 - dropout_p))
    how = _added(attn_mask, scores_shape, dtype), is_causal, dtype.type(scale), dropout
    heads, length = inputs[0].shape[:2]
    out, lse = np.empty((*query.shape[:-1], value.shape[-1]), dtype), np.empty((heads, length), dtype)
    run_shares(_forward, heads, *inputs, *how, lse, _heads(out))

    def backward(grad, *needs):
        shapes = query.shape, key.shape, value.shape, scores_shape if needs[3] else (0, 0, 0)
        grads = [np.empty(shape, dtype) for shape in shapes]
        run_shares(_backward, heads, _heads(grad), *inputs, *how, lse, *map(_heads, grads))
        return tuple(each if needed else None for each, needed in zip(grads, needs, strict=True))

    return out, backward
