"""Tables of vectors."""

from ..creation import empty
from ..ops.promotion import expect
from . import functional as F
from . import init
from .functional.sparse import padding_row
from .layer import REQUIRED, Layer
from .parameter import Parameter


class _Table(Layer):
    """A vector for each of `num_embeddings` integers, drawn from N(0, 1); that of `padding_idx` is zeros, and is not learnt."""

    def keep(self, num_embeddings, embedding_dim, padding_idx, sparse, _weight, device, dtype, **options) -> None:
        expect(not sparse, f"{type(self).__name__}: sparse gradients are not supported", NotImplementedError)
        shape = num_embeddings, embedding_dim
        expect(_weight is None or tuple(_weight.shape) == shape, f"_weight should have the shape {shape}", AssertionError)
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        super().keep(padding_idx=None if padding_idx is None else padding_row(padding_idx, num_embeddings), **options)
        self.weight = Parameter(empty(shape, device=device, dtype=dtype) if _weight is None else _weight)
        if _weight is None:
            self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            self.weight.data[self.padding_idx].zero_()

    def extra_repr(self) -> str:
        options, defaults = {name: getattr(self, name) for name in self.shown}, self.__signature__.parameters
        told = [f"{name}={value!r}" for name, value in options.items() if name == "mode" or value != defaults[name].default]
        return ", ".join([f"{self.num_embeddings}, {self.embedding_dim}", *told])

    @classmethod
    def from_pretrained(cls, embeddings, freeze: bool = True, *args, **options):
        """A table of the rows of `embeddings` (V, D), not learnt if `freeze`; the further arguments are the class's own."""
        table = cls(*embeddings.shape, *args, _weight=embeddings, **options)
        table.weight.requires_grad = not freeze
        return table


class Embedding(_Table, shown=("padding_idx", "max_norm", "norm_type", "scale_grad_by_freq"),
                num_embeddings=REQUIRED, embedding_dim=REQUIRED, padding_idx=None, max_norm=None, norm_type=2.0,
                scale_grad_by_freq=False, sparse=False, _weight=None, _freeze=False, device=None, dtype=None):  # fmt: skip
    """A vector for each integer: (…) -> (…, embedding_dim)."""

    def keep(self, _freeze, **options) -> None:
        super().keep(**options)
        self.weight.requires_grad = not _freeze

    def forward(self, input):
        return F.embedding(input, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq)


class EmbeddingBag(_Table, shown=("max_norm", "norm_type", "scale_grad_by_freq", "mode", "padding_idx"),
                   num_embeddings=REQUIRED, embedding_dim=REQUIRED, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, mode="mean",
                   sparse=False, _weight=None, include_last_offset=False, padding_idx=None, device=None, dtype=None):  # fmt: skip
    """The sum, mean or maximum of the vectors of each bag of integers: (B, L), or (n) and offsets (B), -> (B, embedding_dim)."""

    def forward(self, input, offsets=None, per_sample_weights=None):
        options = {name: getattr(self, name) for name in self.options}
        return F.embedding_bag(input, self.weight, offsets, per_sample_weights=per_sample_weights, **options)
