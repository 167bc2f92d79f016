"""Attention, with one head and with several."""

import math

from ... import dtypes, random
from ...autograd.mode import mode
from ...ops import attention as ops
from ...ops.linalg import linear
from ...ops.promotion import expect
from ...ops.shape import cat, constant_pad
from .dropout import dropout


def scaled_dot_product_attention(query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False):
    """softmax(q k^T scale + mask) v for q (…, L, E), k (…, S, E), v (…, S, F); scale = 1 / sqrt(E) unless given (Vaswani et al., 2017).

    `attn_mask` (…, L, S): bools say what may be seen, floats are added.  `is_causal`: query i sees keys 0 … i.  `enable_gqa`: several
    heads of queries (…, H, L, E) share one of keys (Ainslie et al., 2023).
    """
    expect(min(query.ndim, key.ndim, value.ndim) > 1, "Expected query, key, and value to all be at least 2 dimensional")
    if attn_mask is not None:
        expect(not is_causal, "scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True")
        fits = attn_mask.dtype in (dtypes.bool, query.dtype) or (mode.casts and attn_mask.is_floating_point())
        expect(fits, f"Expected attn_mask dtype to be bool or {query.dtype}: {attn_mask.dtype}")
    expect(0 <= dropout_p <= 1, f"dropout probability has to be between 0 and 1, but got {dropout_p}")
    if enable_gqa:  # each head of the keys as many times in a row as it is shared
        expect(not query.shape[-3] % key.shape[-3], "Number of heads in key and value must divide the number of heads in query")
        key, value = (each.repeat_interleave(query.shape[-3] // each.shape[-3], -3) for each in (key, value))
    if dropout_p == 1:  # nothing is left to divide by 1 - p
        value, dropout_p = value * 0, 0.0
    scale = 1 / math.sqrt(query.shape[-1] or 1) if scale is None else scale
    stream = random.default_generator.take(math.prod(query.shape[:-1]) * key.shape[-2]) if dropout_p else (None, None)
    return ops.attention(query, key, value, attn_mask, is_causal, scale, dropout_p, *stream)


def _added(query, masks):
    """What `masks`, each (name, mask or None, its shape, that among the scores' (N, H, L, S)), add to the scores; None: nothing."""
    total = None
    for name, mask, shape, among in (each for each in masks if each[1] is not None):
        error = RuntimeError if name == "attn_mask" else AssertionError
        expect(tuple(mask.shape) == shape, f"The shape of the {len(shape)}D {name} is {tuple(mask.shape)}, but should be {shape}.", error)
        is_bool = mask.dtype is dtypes.bool
        expect(is_bool or mask.is_floating_point(), f"only bool and floating types of {name} are supported", AssertionError)
        mask = (query.new_zeros(shape).masked_fill(mask, -math.inf) if is_bool else mask).reshape(among)
        total = mask if total is None else total + mask
    return total


def multi_head_attention_forward(query, key, value, embed_dim_to_check, num_heads, in_proj_weight, in_proj_bias, bias_k, bias_v,
                                 add_zero_attn, dropout_p, out_proj_weight, out_proj_bias, training=True, key_padding_mask=None,
                                 need_weights=True, attn_mask=None, use_separate_proj_weight=False, q_proj_weight=None,
                                 k_proj_weight=None, v_proj_weight=None, static_k=None, static_v=None, average_attn_weights=True,
                                 is_causal=False):  # fmt: skip
    """Attention in `num_heads` subspaces of queries (L, N, E) to keys and values (S, N, …): (L, N, E), and the weights or None.

    `key_padding_mask` (N, S) and `attn_mask` (L, S) or (N H, L, S): bools say what not to see, floats are added (Vaswani et al., 2017).
    """
    alone, dims = query.ndim == 2, (query.ndim, key.ndim, value.ndim)
    expect(dims in ((2, 2, 2), (3, 3, 3)), f"expected query, key and value with 2 or 3 dimensions each, but got {dims}", AssertionError)
    query, key, value = (each.unsqueeze(1) if alone else each for each in (query, key, value))
    (length, n, embed), head = query.shape, embed_dim_to_check // num_heads
    right = embed == embed_dim_to_check == head * num_heads
    expect(right, f"was expecting embedding dimension of {embed_dim_to_check}, but got {embed} in {num_heads} heads", AssertionError)
    expect(key.shape[:2] == value.shape[:2], f"key shape {key.shape} does not match value shape {value.shape}", AssertionError)
    expect(not is_causal or attn_mask is not None, "Need attn_mask if specifying the is_causal hint")
    expect(bias_k is None or static_k is None and static_v is None, "bias cannot be added to static key or value.", AssertionError)

    weights = (q_proj_weight, k_proj_weight, v_proj_weight) if use_separate_proj_weight else in_proj_weight.chunk(3)
    biases = (None,) * 3 if in_proj_bias is None else in_proj_bias.chunk(3)
    q, k, v = (linear(*each) for each in zip((query, key, value), weights, biases, strict=True))
    if bias_k is not None:  # one more key and value, learnt
        k, v = (cat([each, bias.expand(1, n, embed)]) for each, bias in ((k, bias_k), (v, bias_v)))
    q, k, v = (each.reshape(len(each), n, num_heads, head).permute(1, 2, 0, 3) for each in (q, k, v))  # (N, H, L or S, E/H)
    k, v = (each if given is None else given.reshape(n, num_heads, given.shape[1], head) for each, given in ((k, static_k), (v, static_v)))
    if add_zero_attn:  # one more key and value, of zeros
        k, v = (constant_pad(each, [0] * 4, [0, 0, 1, 0]) for each in (k, v))

    more = (bias_k is not None) + bool(add_zero_attn)  # keys that no mask speaks of
    source, causal = k.shape[2] - more, is_causal and key_padding_mask is None and not need_weights
    attn_mask = None if causal else attn_mask  # the hint says it all
    batch, heads = ((n * num_heads,), (n, num_heads)) if attn_mask is not None and attn_mask.ndim == 3 else ((), (1, 1))
    mask = _added(query, (("attn_mask", attn_mask, (*batch, length, source), (*heads, length, source)),
                          ("key_padding_mask", key_padding_mask, (source,) if alone else (n, source), (n, 1, 1, source))))  # fmt: skip
    if mask is not None and more:
        mask = constant_pad(mask, [0] * 4, [0, 0, 0, more])

    dropout_p, weights = dropout_p if training else 0.0, None
    if need_weights:
        weights = dropout(ops.attention_weights(q, k, mask, 1 / math.sqrt(head)), dropout_p)
        out = weights @ v
        weights = weights.mean(1) if average_attn_weights else weights
        weights = weights.squeeze(0) if alone else weights
    else:
        out = scaled_dot_product_attention(q, k, v, mask, dropout_p, causal)
    out = linear(out.permute(2, 0, 1, 3).reshape(length, n, embed), out_proj_weight, out_proj_bias)
    return (out.squeeze(1) if alone else out), weights
