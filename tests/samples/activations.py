"""The nonlinearities that layers.py has not."""

import numpy as np
from scipy import special

from tests.samples.table import f, row

WIDE = f(2, 3, low=-5, high=5)
ALPHA, SCALE = 1.6732632423543772, 1.0507009873554805


def hardsigmoid(x):
    return np.clip(x / 6 + 0.5, 0, 1)


def half(x, dim=-1):
    return np.split(x, 2, dim)


row("celu", [WIDE, (WIDE, 0.5), f(), f(0, 2)], lambda x, a=1.0: np.where(x > 0, x, a * np.expm1(x / a)))
row("selu", [WIDE, f()], lambda x: SCALE * np.where(x > 0, x, ALPHA * np.expm1(x)))
row("mish", [WIDE, f()], lambda x: x * np.tanh(np.log1p(np.exp(x))))
row("glu", [f(2, 4), f(4), (f(4, 3), 0), (f(2, 6, 2), -2), f(3, 0)], lambda x, d=-1: half(x, d)[0] * special.expit(half(x, d)[1]))
row("hardsigmoid", [WIDE, f()], hardsigmoid)
row("hardswish", [WIDE, f()], lambda x: x * hardsigmoid(x))
row("hardshrink", [WIDE, (WIDE, 1.5), f()], lambda x, l=0.5: np.where(abs(x) > l, x, 0))
row("softshrink", [WIDE, (WIDE, 1.5), f()], lambda x, l=0.5: np.sign(x) * np.maximum(abs(x) - l, 0))
row("softsign", [WIDE, f()], lambda x: x / (1 + abs(x)))
row("tanhshrink", [WIDE, f()], lambda x: x - np.tanh(x))
row("threshold", [(WIDE, 0.1, 20.0), (f(), 0.5, -1.0)], lambda x, t, v: np.where(x > t, x, v))
row("prelu", [(f(2, 3), f(1)), (f(2, 3), f(3)), (f(4), f(1)), (f(), f(1)), (f(0, 3), f(3)), (f(2, 3), f())],
    lambda x, w: np.where(x > 0, x, w * x).reshape(x.shape))  # fmt: skip
row("prelu image", [(f(2, 3, 2), f(3))], lambda x, w: np.where(x > 0, x, w[:, None] * x))
row("rrelu", [f(2, 3), f()], lambda x: np.where(x > 0, x, x * 11 / 48))
row("softmin", [(f(2, 3), 1), (f(2, 3, 2), -2), (f(4), 0)], lambda x, d: special.softmax(-x, d))
row("alpha_dropout", [f(2, 3)], lambda x: x)
