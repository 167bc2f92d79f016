"""Attention as a layer; the formula stands in framework/nn/functional/attention.py."""

from ..ops.promotion import expect
from ..ops.shape import transpose
from . import functional as F
from . import init
from .layer import Weighted
from .linear import Linear


class NonDynamicallyQuantizableLinear(Linear):
    """A Linear, under the name that PyTorch gives the one in its MultiheadAttention."""


class MultiheadAttention(Weighted):
    """Attention of queries (L, N, embed_dim) to keys (S, N, kdim) and values (S, N, vdim) in `num_heads` subspaces (Vaswani et al., 2017).

    Returns the outputs (L, N, embed_dim) and, if `need_weights`, the weights (N, L, S), the mean over all heads unless
    `average_attn_weights=False`.  `batch_first` puts N first; without a batch there is no N.
    """

    def __init__(self, embed_dim, num_heads, dropout=0.0, bias=True, add_bias_kv=False, add_zero_attn=False, kdim=None, vdim=None,
                 batch_first=False, device=None, dtype=None):  # fmt: skip
        super().__init__()
        expect(min(embed_dim, num_heads) > 0, f"embed_dim and num_heads must be > 0, got {embed_dim} and {num_heads}", ValueError)
        expect(embed_dim % num_heads == 0, "embed_dim must be divisible by num_heads", AssertionError)
        self.embed_dim, self.num_heads, self.dropout, self.batch_first, self.add_zero_attn = (
            embed_dim, num_heads, dropout, batch_first, add_zero_attn)  # fmt: skip
        self.kdim, self.vdim, self.head_dim = kdim or embed_dim, vdim or embed_dim, embed_dim // num_heads
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias=bias, device=device, dtype=dtype)
        apart = self._qkv_differ = not self.kdim == self.vdim == embed_dim
        one, added = (embed_dim, embed_dim), add_bias_kv and (1, 1, embed_dim)
        self._make(None, device, dtype, in_proj_weight=not apart and (3 * embed_dim, embed_dim), q_proj_weight=apart and one,
                   k_proj_weight=apart and (embed_dim, self.kdim), v_proj_weight=apart and (embed_dim, self.vdim),
                   in_proj_bias=bias and (3 * embed_dim,), bias_k=added, bias_v=added)  # fmt: skip

    def reset_parameters(self) -> None:
        """Weights as Glorot and Bengio (2010) have it, biases 0."""
        for name, parameter in self.named_parameters():
            if name.endswith("proj_weight"):
                init.xavier_uniform_(parameter)
            elif name in ("bias_k", "bias_v"):
                init.xavier_normal_(parameter)
            elif name.endswith("bias"):
                init.zeros_(parameter)

    def forward(self, query, key, value, key_padding_mask=None, need_weights=True, attn_mask=None, average_attn_weights=True,
                is_causal=False):  # fmt: skip
        swapped = self.batch_first and query.ndim == 3
        if swapped:
            query, key, value = (transpose(each, 0, 1) for each in (query, key, value))
        out, weights = F.multi_head_attention_forward(
            query, key, value, self.embed_dim, self.num_heads, self.in_proj_weight, self.in_proj_bias, self.bias_k, self.bias_v,
            self.add_zero_attn, self.dropout, self.out_proj.weight, self.out_proj.bias, self.training, key_padding_mask, need_weights,
            attn_mask, self._qkv_differ, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight,
            average_attn_weights=average_attn_weights, is_causal=is_causal,
        )  # fmt: skip
        return (transpose(out, 0, 1) if swapped else out), weights
