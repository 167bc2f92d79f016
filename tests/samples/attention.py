"""Attention: one head and several."""

from functools import partial

import numpy as np
from scipy import special

from tests.samples.table import b, f, row


def attention(q, k, v, mask=0.0, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False):
    if is_causal:
        mask = np.tri(q.shape[-2], k.shape[-2], dtype=bool)
    if np.asarray(mask).dtype == bool:
        mask = np.where(mask, 0, -np.inf)
    if enable_gqa:
        k, v = (np.repeat(each, q.shape[-3] // each.shape[-3], -3) for each in (k, v))
    scores = np.einsum("...le,...se->...ls", q, k) * (scale or q.shape[-1] ** -0.5) + mask
    return np.where(np.isinf(scores).all(-1, keepdims=True), 0, special.softmax(scores, -1)) @ v


QKV = (f(3, 2), f(2, 2), f(2, 3))
row("scaled_dot_product_attention", [QKV, (f(2, 1, 2, 3), f(2, 1, 3, 3), f(2, 1, 3, 1)), (f(1, 1), f(1, 1), f(1, 1))], attention)
row("scaled_dot_product_attention mask", [(*QKV, b(3, 2)), (*QKV, f(3, 2)), (*QKV, f(1, 2)), (f(2, 2, 2), f(2, 2, 2), f(2, 2, 1), b(2, 2))],
    attention)  # fmt: skip
row("scaled_dot_product_attention scale", [QKV], partial(attention, scale=0.3), scale=0.3)
row("scaled_dot_product_attention causal", [QKV, (f(2, 2, 2), f(2, 3, 2), f(2, 3, 2))], partial(attention, is_causal=True),
    is_causal=True)  # fmt: skip
row("scaled_dot_product_attention shared", [(f(4, 2, 2), f(2, 2, 2), f(2, 2, 1))], partial(attention, enable_gqa=True), enable_gqa=True)


def several_heads(x, w, b, w_out, b_out):
    length, n, embed = x.shape
    q, k, v = (np.moveaxis(each.reshape(length, n, 2, embed // 2), 0, 2) for each in np.split(x @ w.T + b, 3, -1))  # (N, H, L, E/H)
    out = np.moveaxis(attention(q, k, v), 2, 0).reshape(x.shape)
    return out @ w_out.T + b_out, special.softmax(q @ np.swapaxes(k, 2, 3) * (embed // 2) ** -0.5, -1).mean(1)


def of_itself(need_weights):
    def call(T, x, w, b, w_out, b_out):
        forward = T.nn.functional.multi_head_attention_forward
        outs = forward(x, x, x, x.shape[-1], 2, w, b, None, None, False, 0.0, w_out, b_out, need_weights=need_weights)
        return outs if need_weights else outs[0]

    return call


WEIGHTS = (f(6, 2), f(6), f(2, 2), f(2))
row("multi_head_attention_forward", [(f(2, 1, 2), *WEIGHTS), (f(1, 2, 2), *WEIGHTS)], several_heads, of_itself(True))
row("multi_head_attention_forward alone", [(f(2, 1, 2), *WEIGHTS)], lambda *args: several_heads(*args)[0], of_itself(False))
