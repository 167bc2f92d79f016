"""The losses that losses.py has not, tables of vectors, and the bilinear form."""

import itertools

import numpy as np
from scipy import special

from tests.samples.table import Drawn, f, i, row

SIGNS = Drawn((4,), 0, 2, "i")  # 0 or 1; the calls below make -1 or 1 of it


def signed(function, **options):
    """A call with the last input's zeros turned into -1."""
    return lambda T, *inputs: getattr(T.nn.functional, function)(*inputs[:-1], inputs[-1] * 2 - 1, **options)


def rectified(x):
    return np.maximum(x, 0)


def cosine(a, b):
    return (a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)


def multi_margin(x, y, p=1, margin=1.0):
    per_class = [rectified(margin - x[n, y[n]] + x[n, c]) ** p for n in range(len(x)) for c in range(x.shape[1]) if c != y[n]]
    return np.sum(per_class) / x.size


def multilabel_margin(x, y):
    total = 0
    for scores, row in zip(np.atleast_2d(x), np.atleast_2d(y), strict=True):
        right = list(itertools.takewhile(lambda c: c >= 0, row))
        total += sum(rectified(1 - scores[r] + scores[w]) for r in right for w in range(len(scores)) if w not in right)
    return total / x.size


def ctc(x, targets, blank=0):
    """By its definition: the sum over all paths that read as the target."""
    x = special.log_softmax(x, -1)
    losses = []
    for n, target in enumerate(targets):
        total = -np.inf
        for path in itertools.product(range(x.shape[2]), repeat=len(x)):
            if [label for label, _ in itertools.groupby(path) if label != blank] == list(target):
                total = np.logaddexp(total, sum(x[t, n, label] for t, label in enumerate(path)))
        losses.append(-total)
    return np.array(losses)


def distance(a, b, p=2):
    return (abs(a - b + 1e-6) ** p).sum(-1) ** (1 / p)


def triplet(a, p, n, margin=1.0, power=2, swap=False):
    far = np.minimum(distance(a, n, power), distance(p, n, power)) if swap else distance(a, n, power)
    return rectified(margin + distance(a, p, power) - far).mean()


TRIPLE = [(f(4, 3), f(4, 3), f(4, 3)), (f(3), f(3), f(3))]
COUNTS = Drawn((2, 3), 0, 6, "i")
row("poisson_nll_loss", [(f(2, 3), COUNTS)], lambda x, y: (np.exp(x) - y * x).mean())
row("poisson_nll_loss full", [(f(2, 3, low=0.1), f(2, 3, low=1.1, high=4.0))],
    lambda x, y: (x - y * np.log(x + 1e-8) + y * np.log(y) - y + np.log(2 * np.pi * y) / 2).mean(), log_input=False, full=True)  # fmt: skip
row("gaussian_nll_loss", [(f(2, 3), f(2, 3), f(2, 3, low=0.1)), (f(2, 3), f(2, 3), f(2, 1, low=0.1))],
    lambda x, y, v: ((np.log(v) + (x - y) ** 2 / v) / 2).mean())  # fmt: skip
row("gaussian_nll_loss full", [(f(2, 3), f(2, 3), f(2, low=0.1))],
    lambda x, y, v: (np.log(v) + np.log(2 * np.pi) + (x - y).T ** 2 / v).sum() / 2, full=True, reduction="sum")  # fmt: skip
row("soft_margin_loss", [(f(4), SIGNS)], lambda x, y: np.log1p(np.exp((1 - 2 * y) * x)).mean(), signed("soft_margin_loss"))
row("hinge_embedding_loss", [(f(4), SIGNS)], lambda x, y: np.where(y, x, rectified(1.5 - x)).mean(),
    signed("hinge_embedding_loss", margin=1.5))  # fmt: skip
row("margin_ranking_loss", [(f(4), f(4), SIGNS)], lambda a, b, y: rectified(0.5 - (2 * y - 1) * (a - b)).mean(),
    signed("margin_ranking_loss", margin=0.5))  # fmt: skip
row("cosine_embedding_loss", [(f(4, 3), f(4, 3), SIGNS), (f(3), f(3), i(high=2))],
    lambda a, b, y: np.where(y, 1 - cosine(a, b), rectified(cosine(a, b) - 0.1)).mean(), signed("cosine_embedding_loss", margin=0.1))  # fmt: skip
row("multi_margin_loss", [(f(4, 3), i(4))], multi_margin)
row("multi_margin_loss squared", [(f(4, 3), i(4))], lambda x, y: multi_margin(x, y, 2, 0.3), p=2, margin=0.3)
row("multilabel_margin_loss", [(f(2, 4), Drawn((2, 4), -1, 4, "i")), (f(3), i(3))], multilabel_margin)
row("multilabel_soft_margin_loss", [(f(2, 3), f(2, 3, low=0.1, high=0.9)), (f(3), f(3))],
    lambda x, y: -(y * special.log_expit(x) + (1 - y) * special.log_expit(-x)).mean())  # fmt: skip
row("triplet_margin_loss", TRIPLE, triplet)
row("triplet_margin_loss swap", TRIPLE[:1], lambda a, p, n: triplet(a, p, n, 0.7, 3, True), margin=0.7, p=3, swap=True)
row("triplet_margin_with_distance_loss", TRIPLE, triplet)
row("ctc_loss", [f(4, 2, 3)], lambda x: ctc(x, [[1, 2], [1, 1]]),
    lambda T, x: T.nn.functional.ctc_loss(x.log_softmax(-1), T.tensor([[1, 2], [1, 1]]), T.tensor([4, 4]), T.tensor([2, 2]), reduction="none"))  # fmt: skip
row("ctc_loss lengths", [f(4, 3, 3)],
    lambda x: np.mean([ctc(x[:3, :1], [[0]], 2)[0], ctc(x[:, 1:2], [[1, 0]], 2)[0] / 2, ctc(x[:2, 2:], [[]], 2)[0]]),
    lambda T, x: T.nn.functional.ctc_loss(x.log_softmax(-1), T.tensor([0, 1, 0]), T.tensor([3, 4, 2]), T.tensor([1, 2, 0]), blank=2))  # fmt: skip
row("ctc_loss alone", [f(3, 3)], lambda x: ctc(x[:, None], [[1]])[0],
    lambda T, x: T.nn.functional.ctc_loss(x.log_softmax(-1), T.tensor([1]), T.tensor(3), T.tensor(1), reduction="sum"))  # fmt: skip
row("mse_loss weight", [(f(2, 3), f(2, 3))], lambda x, y: np.average((x - y) ** 2, weights=[[1, 2, 3], [4, 5, 6]]),
    lambda T, x, y: T.nn.functional.mse_loss(x, y, weight=T.arange(1, 7, dtype=x.dtype).reshape(2, 3)))  # fmt: skip

row("bilinear", [(f(4, 3), f(4, 2), f(5, 3, 2), f(5)), (f(3), f(2), f(1, 3, 2)), (f(2, 2, 3), f(2, 2, 2), f(2, 3, 2)), (f(0, 3), f(0, 2), f(2, 3, 2))],
    lambda a, b, w, bias=0: np.einsum("...i,oij,...j->...o", a, w, b) + bias)  # fmt: skip
row("embedding_bag", [(i(4, 2), f(3, 4)), (i(0, 2), f(3, 2))], lambda x, w: w[x].mean(1))
row("embedding_bag sum", [(i(4, 2), f(3, 4))], lambda x, w: w[x].sum(1), mode="sum")
row("embedding_bag max", [(i(4, 2), f(3, 4))], lambda x, w: w[x].max(1), mode="max")
row("embedding_bag weights", [(i(4, 2), f(3, 4), f(4, 2))], lambda x, w, s: (w[x] * s[..., None]).sum(1),
    lambda T, x, w, s: T.nn.functional.embedding_bag(x, w, mode="sum", per_sample_weights=s))  # fmt: skip
row("embedding_bag offsets", [(i(5), f(3, 2))], lambda x, w: np.array([w[x[:2]].mean(0), [0, 0], w[x[2:]].mean(0)]),
    lambda T, x, w: T.nn.functional.embedding_bag(x, w, T.tensor([0, 2, 2])))  # fmt: skip
