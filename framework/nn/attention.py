"""Attention as a layer; the formula stands in framework/nn/functional/attention.py."""

from ..creation import empty
from ..ops.shape import transpose
from . import functional as F
from . import init
from .linear import Linear
from .module import Module
from .parameter import Parameter


class NonDynamicallyQuantizableLinear(Linear):
    """A Linear, under the name that PyTorch gives the one in its MultiheadAttention."""


class MultiheadAttention(Module):
    """Attention of queries (L, N, embed_dim) to keys (S, N, kdim) and values (S, N, vdim) in `num_heads` subspaces (Vaswani et al., 2017).

    Returns the outputs (L, N, embed_dim) and, if `need_weights`, the weights (N, L, S), the mean over all heads unless
    `average_attn_weights=False`.  `batch_first` puts N first; without a batch there is no N.
    """

    def __init__(self, embed_dim, num_heads, dropout=0.0, bias=True, add_bias_kv=False, add_zero_attn=False, kdim=None, vdim=None,
                 batch_first=False, device=None, dtype=None):  # fmt: skip
        super().__init__()
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(f"embed_dim and num_heads must be greater than 0, got embed_dim={embed_dim} and num_heads={num_heads} instead")
        self.embed_dim, self.num_heads, self.dropout, self.batch_first, self.add_zero_attn = (
            embed_dim, num_heads, dropout, batch_first, add_zero_attn)  # fmt: skip
        self.kdim, self.vdim, self.head_dim = kdim or embed_dim, vdim or embed_dim, embed_dim // num_heads
        if self.head_dim * num_heads != embed_dim:
            raise AssertionError("embed_dim must be divisible by num_heads")
        self._qkv_same_embed_dim = self.kdim == self.vdim == embed_dim
        together, apart, options = self._qkv_same_embed_dim, not self._qkv_same_embed_dim, {"device": device, "dtype": dtype}
        for name, wanted, shape in (
            ("in_proj_weight", together, (3 * embed_dim, embed_dim)), ("q_proj_weight", apart, (embed_dim, embed_dim)),
            ("k_proj_weight", apart, (embed_dim, self.kdim)), ("v_proj_weight", apart, (embed_dim, self.vdim)),
            ("in_proj_bias", bias, (3 * embed_dim,)), ("bias_k", add_bias_kv, (1, 1, embed_dim)),
            ("bias_v", add_bias_kv, (1, 1, embed_dim)),
        ):  # fmt: skip
            self.register_parameter(name, Parameter(empty(shape, **options)) if wanted else None)
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias=bias, **options)
        self._reset_parameters()

    def _reset_parameters(self) -> None:
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
            attn_mask, not self._qkv_same_embed_dim, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight,
            average_attn_weights=average_attn_weights, is_causal=is_causal,
        )  # fmt: skip
        return (transpose(out, 0, 1) if swapped else out), weights
