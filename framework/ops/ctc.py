"""Connectionist temporal classification (Graves et al., 2006): the probability of a labelling, whatever its alignment in time.

A path gives each of T steps a label or the blank; without repetitions and blanks it reads as the target.  Over the extended target
l' = (blank, y1, blank, y2, …, blank) of length L = 2 S + 1, the paths' first t steps that end in l'_s have the probability

    alpha_t(s) = p_t(l'_s) (alpha_{t-1}(s) + alpha_{t-1}(s - 1) + [l'_s is no blank and not l'_{s-2}] alpha_{t-1}(s - 2))

and the loss is -log(alpha_T(2 S) + alpha_T(2 S - 1)).  All of it is computed with logarithms.
"""

import numpy as np

from ..autograd.op import broadcast_to, op
from ..autograd.variable import Variable
from ..device import array_module
from .elementwise import exp, where
from .reduce import sum
from .scatter import gather
from .shape import constant_pad, stack, unbind, unsqueeze


# Nothing, not nan, flows into the terms of an impossible sum
@op(name="log_sum", input=lambda grad, input, out: unsqueeze(grad, -1) * exp(input - unsqueeze(where(out == -np.inf, 0.0, out), -1)))
def log_sum(input):
    """log(e^a + e^b + …) over the last dimension."""
    top = np.max(input, axis=-1, keepdims=True)
    top = np.where(np.isinf(top), 0, top).astype(input.dtype)
    return np.log(np.sum(np.exp(input - top), axis=-1)) + top[..., 0]


# The same values, known to be normalized: the gradient is, as PyTorch's, the one with respect to a log_softmax's input
normalized = op(lambda input: input, name="normalized", input=lambda grad, out: grad - exp(out) * sum(grad, -1, True))


def extended(targets, lengths, blank):
    """(N, L) labels with blanks around each, and where a path may skip the blank before one; `targets` (N, S), as arrays."""
    module = array_module(targets)
    n, s = targets.shape
    labels = module.full((n, 2 * s + 1), blank, np.int64)
    labels[:, 1::2] = module.where(module.arange(s) < lengths[:, None], targets, blank)
    skips = module.zeros(labels.shape, np.bool_)
    skips[:, 2:] = (labels[:, 2:] != blank) & (labels[:, 2:] != labels[:, :-2])
    return labels, skips


def ctc(log_probs, targets, input_lengths, target_lengths, blank):
    """-log of the probability of each target: (N), from log_probs (T, N, C) and arrays of integers (N, S), (N) and (N)."""
    labels, skips = (Variable.wrap(each) for each in extended(targets, target_lengths, blank))
    steps, n, width = log_probs.shape[0], *labels.shape
    emitted = gather(normalized(log_probs), 2, broadcast_to(labels, (steps, n, width)))
    start = array_module(targets).full((n, width), -np.inf, log_probs._array.dtype)
    start[:, 0] = 0  # before the first step: at the first blank
    alpha = Variable.wrap(start)
    for t, emission in enumerate(unbind(emitted) if steps else ()):
        one_back = constant_pad(alpha, [0, 1], [0, -1], -np.inf)
        two_back = where(skips, constant_pad(alpha, [0, 2], [0, -2], -np.inf), -np.inf)
        moved = log_sum(stack([alpha, one_back, two_back], -1)) + emission
        alpha = where(Variable.wrap(t < input_lengths[:, None]), moved, alpha)
    last = Variable.wrap(2 * target_lengths[:, None] - array_module(targets).arange(2))  # (N, 2): the final blank and the final label
    return -log_sum(where(last >= 0, gather(alpha, 1, last.clamp(min=0)), -np.inf))
