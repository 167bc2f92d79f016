"""Mixed precision: products in 16 bits, what adds many numbers up in float32, and parameters in float32 all along.

    with framework.autocast("cuda"):
        loss = F.cross_entropy(model(images), labels)
    loss.backward()

A product in bfloat16 adds up in float32 and takes a GPU's matrix units a fraction of the time; bfloat16 has the range of float32, so that
gradients need no scaling.  Micikevicius et al., 2018, Mixed Precision Training; Kalamkar et al., 2019, A Study of BFLOAT16 for Deep
Learning Training.
"""

import functools
import threading
from contextlib import ContextDecorator

import ml_dtypes
import numpy as np

from ..autograd.mode import mode
from ..autograd.op import cast
from ..autograd.variable import Variable
from ..device import device
from ..dtypes import bfloat16, float16
from ..offered import expect
from ..ops import activation, attention, conv, elementwise, linalg, loss, norm, recurrent, reduce, scan

_IN_16_BITS = [
    linalg.matrix_product, linalg.linear_op, conv.conv, conv.conv_transpose, attention.attention,
    recurrent.rnn_layer, recurrent.lstm_layer, recurrent.gru_layer,
]  # fmt: skip
_IN_SINGLE = [
    activation.softmax_op, activation.log_softmax_op, activation.softplus, loss.negative_log_likelihood, loss.softmax_cross_entropy,
    loss.smooth_absolute, loss.bernoulli_cross_entropy, norm.layer_norm, norm.group_norm, norm.rms_norm, reduce.sum, reduce.prod,
    reduce.power_norm, scan.cumsum, scan.cumprod, elementwise.pow, elementwise.exp, elementwise.expm1, elementwise.log, elementwise.log1p,
    elementwise.log2, elementwise.log10,
]  # fmt: skip
_HALVES = (np.float16, ml_dtypes.bfloat16)


class _Here(threading.local):
    """What `mode.casts` was outside of each of this thread's blocks, and the parameters that were cast already."""

    def __init__(self):
        self.before, self.casts = [], {}


_here = _Here()


class autocast(ContextDecorator):
    """In this block products on `device_type` take 16-bit floats, bfloat16 or `dtype`; with `enabled=False` what they are given.

    Tensors of float32 are cast where a product takes them, and gradients arrive in float32; batch normalisation keeps its statistics in
    float32; softmax, losses, other normalisations, sums and powers are computed in float32.  RuntimeError for another type.
    """

    def __init__(self, device_type: str = "cuda", dtype=None, enabled: bool = True, cache_enabled: bool = True):
        _let_ops_cast()
        dtype = bfloat16 if dtype is None else dtype
        expect(dtype in (bfloat16, float16), f"autocast expects the dtype bfloat16 or float16, but got {dtype}")
        self.wanted = (device(device_type).type, dtype.numpy) if enabled else None

    def __enter__(self):
        _here.before.append(mode.casts)
        mode.casts = self.wanted

    def __exit__(self, *exception):
        mode.casts = _here.before.pop()
        if not _here.before:
            _here.casts.clear()


def is_autocast_enabled(device_type: str = "cuda") -> bool:
    """Whether this thread is in a block of `autocast` for such devices."""
    return mode.casts is not None and mode.casts[0] == device(device_type).type


def _cast(tensor, types, wanted):
    """`tensor`, or tensors in a list, as `wanted` if of one of the types; a parameter's cast is made once a block, for all who take it."""
    if type(tensor) in (list, tuple):
        return type(tensor)(_cast(each, types, wanted) for each in tensor)
    if not isinstance(tensor, Variable) or tensor.device.type != mode.casts[0] or tensor._array.dtype not in types:
        return tensor
    if not (tensor.is_leaf and tensor.requires_grad and mode.grad):
        return cast(tensor, wanted)
    key = id(tensor), tensor._version[0], wanted
    if key not in _here.casts:
        _here.casts[key] = tensor, cast(tensor, wanted)  # the tensor too, so that no other gets its id
    return _here.casts[key][1]


def _casting(op, types, wanted):
    """What `op` does first with its arguments: casts, and then what it did before."""
    promote = op.promote

    def prepared(args):
        if mode.casts is not None:
            to = wanted or mode.casts[1]
            args = [_cast(each, types, to) for each in args]
        return args if promote is None else promote(args)

    return prepared


@functools.cache
def _let_ops_cast() -> None:
    """Once, when the first block is made: without one, nobody should have to ask."""
    for ops, types, wanted in ((_IN_16_BITS, (np.float32,), None), (_IN_SINGLE, _HALVES, np.dtype(np.float32))):
        for op in ops:
            op.promote = _casting(op, types, wanted)
