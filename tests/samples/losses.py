"""Losses: the three reductions, weights, ignored classes, label smoothing."""

import numpy as np
from scipy import special

from tests.samples.table import f, i, row

PAIR = [(f(2, 3), f(2, 3))]
PROBABILITIES = [(f(2, 3, low=0.1, high=0.9), f(2, 3, low=0.1, high=0.9))]
CLASSES = [(f(4, 3), i(4)), (f(2, 3, 2), i(2, 2)), (f(3), i())]


def picked(log_probability, target):
    """For each sample the logarithm of its class's probability, classes being in dimension 1."""
    return log_probability[target] if log_probability.ndim == 1 else np.take_along_axis(log_probability, target[:, None], 1)[:, 0]


def log_softmax(x):
    return special.log_softmax(x, 1 if x.ndim > 1 else 0)


def logistic(x, y):
    return -y * special.log_expit(x) - (1 - y) * special.log_expit(-x)


row("mse_loss", PAIR, lambda x, y: ((x - y) ** 2).mean())
row("mse_loss sum", PAIR, lambda x, y: ((x - y) ** 2).sum(), reduction="sum")
row("mse_loss none", PAIR, lambda x, y: (x - y) ** 2, reduction="none")
row("l1_loss", PAIR, lambda x, y: np.abs(x - y).mean())
row("smooth_l1_loss", PAIR, lambda x, y: np.where(abs(x - y) < 0.5, (x - y) ** 2, abs(x - y) - 0.25).mean(), beta=0.5)
row("huber_loss", PAIR, lambda x, y: np.where(abs(x - y) < 0.5, (x - y) ** 2 / 2, 0.5 * (abs(x - y) - 0.25)).mean(), delta=0.5)
row("kl_div", [(f(2, 3), f(2, 3, low=0.1))], lambda x, y: (y * (np.log(y) - x)).sum(), reduction="sum")
row("kl_div batchmean", [(f(2, 3), f(2, 3))], lambda x, y: (np.exp(y) * (y - x)).sum() / 2, reduction="batchmean", log_target=True)
row("binary_cross_entropy", PROBABILITIES, lambda x, y: -(y * np.log(x) + (1 - y) * np.log(1 - x)).mean())
row("binary_cross_entropy weight", PROBABILITIES, lambda x, y: -((y * np.log(x) + (1 - y) * np.log(1 - x)) * [1, 2, 3]).mean(),
    lambda T, x, y: T.nn.functional.binary_cross_entropy(x, y, T.arange(1, 4, dtype=x.dtype)))  # fmt: skip
row("binary_cross_entropy_with_logits", [(f(2, 3), f(2, 3, low=0.1, high=0.9))], lambda x, y: logistic(x, y).mean())
row("nll_loss", CLASSES, lambda x, y: -picked(x, y).mean())
row("nll_loss none", CLASSES[:2], lambda x, y: -picked(x, y), reduction="none")
row("nll_loss ignore_index", CLASSES[:2], lambda x, y: -picked(x, y)[y != 1].mean(), ignore_index=1)
row("cross_entropy", CLASSES, lambda x, y: -picked(log_softmax(x), y).mean())
row("cross_entropy sum", CLASSES, lambda x, y: -picked(log_softmax(x), y).sum(), reduction="sum")
row("cross_entropy smoothed", CLASSES[:1], lambda x, y: -(0.9 * picked(log_softmax(x), y) + 0.1 * log_softmax(x).mean(1)).mean(),
    label_smoothing=0.1)  # fmt: skip
row("cross_entropy weight", CLASSES[:1], lambda x, y: -(picked(log_softmax(x), y) * (y + 1)).sum() / (y + 1).sum(),
    lambda T, x, y: T.nn.functional.cross_entropy(x, y, T.arange(1, 4, dtype=x.dtype)))  # fmt: skip
row("cross_entropy probabilities", [(f(2, 3), f(2, 3, low=0.1))], lambda x, y: -(y * log_softmax(x)).sum() / 2)
