"""A softmax over many classes that spends little on the rare ones."""

from collections import namedtuple
from itertools import pairwise

from ..ops.activation import log_softmax
from ..ops.index import add_at
from ..ops.promotion import expect
from ..ops.scatter import gather, masked_fill
from ..ops.shape import cat, unsqueeze
from .container import ModuleList, Sequential
from .linear import Linear
from .module import Module

ASMOutput = namedtuple("ASMoutput", ("output", "loss"))


class AdaptiveLogSoftmaxWithLoss(Module):
    """log p(y | x) for classes sorted from frequent to rare, and its negative mean (Grave et al., 2017).

    The head chooses among the classes below cutoffs[0] and one entry for each cluster of rarer ones; a cluster, cutoffs[i] to
    cutoffs[i + 1], has a tail of its own, by way of in_features / div_value^(i + 1) features.
    """

    def __init__(self, in_features: int, n_classes: int, cutoffs, div_value: float = 4.0, head_bias: bool = False, device=None, dtype=None):
        super().__init__()
        cutoffs = list(cutoffs)
        if not cutoffs or cutoffs != sorted({int(each) for each in cutoffs}) or cutoffs[0] < 1 or cutoffs[-1] >= n_classes:
            raise ValueError(f"cutoffs should be unique integers from 1 to n_classes - 1 in increasing order, but got {cutoffs}")
        self.in_features, self.n_classes, self.cutoffs = in_features, n_classes, [*cutoffs, n_classes]
        self.div_value, self.head_bias = div_value, head_bias
        self.shortlist_size = cutoffs[0]
        where = {"device": device, "dtype": dtype}
        self.head = Linear(in_features, cutoffs[0] + len(cutoffs), bias=head_bias, **where)
        self.tail = ModuleList()
        for i, (low, high) in enumerate(pairwise(self.cutoffs)):
            features = int(in_features // div_value ** (i + 1))
            self.tail.append(Sequential(Linear(in_features, features, False, **where), Linear(features, high - low, False, **where)))

    def forward(self, input, target):
        if target.ndim > 1 or tuple(input.shape[:-1]) != tuple(target.shape):
            raise RuntimeError(f"expected an input (N, features) and a target (N), or without N, but got {input.shape} and {target.shape}")
        if input.ndim == 1:
            output, loss = self(unsqueeze(input, 0), unsqueeze(target, 0))
            return ASMOutput(output.squeeze(0), loss)
        low, high = (target.min().item(), target.max().item()) if len(target) else (0, 0)
        expect(low >= 0 and high < self.n_classes, f"Target values should be in [0, {self.n_classes - 1}], but got [{low}, {high}]")
        entry, inside = target, []  # which entry of the head; log-probabilities inside a cluster, and whose they are
        for i, (low, high) in enumerate(pairwise(self.cutoffs)):
            rows = (target >= low) & (target < high)
            if rows.any():
                entry = masked_fill(entry, rows, self.shortlist_size + i)
                logs = log_softmax(self.tail[i](input[rows]), 1)
                inside.append(((rows,), gather(logs, 1, unsqueeze(target[rows] - low, 1)).squeeze(1)))
        output = gather(log_softmax(self.head(input), 1), 1, unsqueeze(entry, 1)).squeeze(1)
        for rows, logs in inside:
            output = output + add_at(logs, tuple(output.shape), rows)
        return ASMOutput(output, -output.mean())

    def log_prob(self, input):
        """log p of all classes: (N, in_features) -> (N, n_classes)."""
        head = log_softmax(self.head(input), 1)
        tails = [head[:, self.shortlist_size + i, None] + log_softmax(tail(input), 1) for i, tail in enumerate(self.tail)]
        return cat([head[:, : self.shortlist_size], *tails], 1)

    def predict(self, input):
        """The most probable class: (N, in_features) -> (N)."""
        return self.log_prob(input).argmax(1)
