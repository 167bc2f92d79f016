"""Attention: for each query a mean of the values, weighted by how well their keys fit it (Vaswani et al., 2017)."""

import math

from ..autograd.fusable import fusable
from ..autograd.variable import Variable
from ..device import array_module
from .activation import softmax_op
from .comparison import eq
from .elementwise import where
from .linalg import matmul
from .random import dropout
from .reduce import all


def _scores(query, key, attn_mask, is_causal, scale):
    """How well each key (…, S, E) fits each query (…, L, E): q k^T scale, minus infinity where a mask forbids it."""
    scores = matmul(query, key.mT) * scale
    if is_causal:
        past = array_module(scores._array).tri(*scores.shape[-2:], dtype=bool)  # query i sees the keys up to i
        scores = where(Variable.wrap(past), scores, -math.inf)
    if attn_mask is None:
        return scores
    return where(attn_mask, scores, -math.inf) if attn_mask._array.dtype == bool else scores + attn_mask


@fusable("query", "key", "value", "attn_mask")
def attention(query, key, value, attn_mask, is_causal, scale, dropout_p, stream, start):
    """softmax(q k^T scale + mask) v for q (…, L, E), k (…, S, E), v (…, S, F): (…, L, F); a query that may see no key gets 0."""
    # bools in the mask say what may be seen, floats are added; weights are dropped by the numbers `start` on of `stream`
    scores = _scores(query, key, attn_mask, is_causal, scale)
    blind = None if attn_mask is None else all(eq(scores, -math.inf), -1, True)
    weights = softmax_op(scores if blind is None else where(blind, 0.0, scores), -1)
    weights = weights if blind is None else where(blind, 0.0, weights)
    return matmul(dropout(weights, dropout_p, stream, start) if dropout_p else weights, value)


def attention_weights(query, key, attn_mask, scale):
    """softmax(q k^T scale + mask), (…, L, S)."""
    return softmax_op(_scores(query, key, attn_mask, False, scale), -1)
