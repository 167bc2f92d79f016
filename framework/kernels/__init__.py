"""Kernels: drop-ins for ops on one kind of array, faster than the forward that defines them.

    @kernel(relu)                       # framework/kernels/cpu_*.py: NumPy arrays, compiled by Numba; with "cuda" CuPy's, in CUDA C++
    def relu(input):
        if not worth_it(input):
            return NotImplemented       # declines: an older kernel, or the op's own forward, does it
        …
        return out, backward            # or out alone: then the op's gradient rules serve

A module of kernels is imported when one of its ops is first called on an array it may handle, those for GPUs when the first tensor is put
on one, so `import framework` stays quick.
"""

import functools
import importlib
import math
from contextlib import contextmanager, nullcontext

import numpy as np

from ..autograd import half
from ..autograd import op as dispatch
from ..device import beside, gpus
from ..nn.utils import clip
from ..ops import (
    activation, attention, conv, elementwise, index, linalg, loss, norm, pool, random, recurrent, reduce, resample, scan, shape, sort,
)  # fmt: skip
from ..optim import optimizer

# The CPU's kernels: module -> the ops it has kernels for
_CPU = {
    "cpu_conv": [conv.conv, conv.conv_transpose],
    "cpu_pool": [pool.max_pool],
    "cpu_matmul": [linalg.matrix_product, linalg.linear_op],
    "cpu_norm": [norm.batch_norm_train, norm.batch_norm_eval, norm.group_norm],
    "cpu_layer_norm": [norm.layer_norm, norm.rms_norm],
    "cpu_attention": [attention.attention],
    "cpu_arithmetic": [
        elementwise.add, elementwise.plus, elementwise.sub, elementwise.mul, elementwise.true_divide, elementwise.maximum,
        elementwise.minimum, elementwise.clamp, elementwise.where_op,
    ],
    "cpu_elementwise": [
        activation.relu, activation.leaky_relu, activation.prelu_op, activation.logsigmoid, activation.softplus, elementwise.sigmoid,
        elementwise.tanh, random.dropout,
    ],
    "cpu_functions": [
        elementwise.exp, elementwise.exp2, elementwise.expm1, elementwise.log, elementwise.log2, elementwise.log10, elementwise.log1p,
        elementwise.sin, elementwise.cos, elementwise.tan, elementwise.asin, elementwise.acos, elementwise.atan, elementwise.sinh,
        elementwise.cosh, elementwise.asinh, elementwise.acosh, elementwise.atanh, elementwise.erf, elementwise.erfc, elementwise.pow,
        elementwise.atan2,
    ],
    "cpu_gelu": [activation.gelu_erf, activation.gelu_tanh],
    "cpu_copy": [shape.clone, shape.reshape],
    "cpu_clip": [reduce.power_norm, clip.scale_each],
    "cpu_optim": [optimizer.update_each],
    "cpu_resample": [resample.resample],
    "cpu_recurrent": [recurrent.lstm_layer, recurrent.gru_layer],
    "cpu_rnn": [recurrent.rnn_layer],
    "cpu_argmax": [reduce.argmax, reduce.argmin],
    "cpu_reduce": [reduce.sum, reduce.mean, reduce.prod, dispatch.sum_to],
    "cpu_scan": [scan.cumsum],
    "cpu_sort": [sort.sort],
    "cpu_rows": [index.embedding, index.add_rows],
    "cpu_softmax": [activation.softmax_op, activation.log_softmax_op, loss.negative_log_likelihood, loss.softmax_cross_entropy],
}
_GPU = [
    "clip", "elementwise", "random", "index", "matmul", "linear", "norm", "batch_norm", "optim", "lbfgs", "pool", "recurrent", "cudnn_rnn",
    "cell", "resample", "softmax", "loss", "transfer", "conv", "attention", "cat", "gaps", "reduce",
]  # cuda_….py  # fmt: skip
SMALL = 8192  # with fewer elements in every array NumPy is as fast as a compiled loop with its call and its threads
MOVED = 1 << 16  # the same where there is little to compute, and memory is what takes the time


def kernel(op, kind=np.ndarray):
    """Make the decorated function the newest kernel of `op` for arrays of type `kind`, "cuda" for those of a GPU."""

    def register(function):
        op.kernels.setdefault(kind, []).append(on_one_gpu(function) if kind == "cuda" else function)
        if kind == "cuda":
            _of_gpus[op] = op.kernels[kind]
        return function

    return register


_of_gpus = {}  # op -> its kernels for GPUs


def on_one_gpu(function):
    """`function` with its arrays' GPU in use; what is not all on GPUs is left to the op itself, which says what is wrong."""

    @functools.wraps(function)
    def kernel(*arguments):
        if any([isinstance(each, (np.ndarray, np.generic)) for each in dispatch.flat(arguments)]):
            return NotImplemented
        with beside(dispatch.flat(arguments)) if gpus.several else nullcontext():
            return function(*arguments)

    return kernel


def _begin_with(cupy) -> None:
    """Let the kernels for GPUs compute the arrays of the library `cupy`."""
    for each in _GPU:
        importlib.import_module(f".cuda_{each}", __name__)
    half.ARRAYS.add(cupy.ndarray)
    for op, its_kernels in _of_gpus.items():
        op.kernels[cupy.ndarray] = its_kernels


gpus.begin = _begin_with


def large_together(arguments: list) -> bool:
    """Whether NumPy's arrays among the arguments, inside lists too, have enough elements for a compiled loop.

    This alone decides, not what was imported before: a process must compute as any other.
    """
    return sum([each.size for each in dispatch.flat(arguments) if isinstance(each, np.ndarray)]) >= SMALL


def _loader(module: str, op, ops: list):
    """What imports `module`, the kernels of `ops`, at the first call of `op` on NumPy's arrays that is worth it."""

    def load(arrays) -> None:
        if large_together(arrays) if op.worth_it is None else any([type(each) is np.ndarray for each in arrays]):
            for each in ops:
                each.load_kernels = None
            importlib.import_module(f".{module}", __name__)

    return load


def _large(elements: int, spread: float = math.inf):
    """What says whether one of NumPy's arrays has so many elements, or what they broadcast to `spread`; or whether all are on GPUs."""

    def worth_it(arrays) -> bool:
        together = 1  # elements, as many as they broadcast to at most
        for each in arrays:
            size = getattr(each, "size", 1)
            if size >= elements:
                return True
            together *= size
        if gpus.used and not any([type(each) is np.ndarray for each in arrays]):
            return True
        return together >= spread and _broadcast_size(arrays) >= spread

    return worth_it


def _broadcast_size(arrays) -> int:
    """How many elements NumPy's arrays broadcast to; 0 if they do not."""
    try:
        return np.broadcast(*arrays).size
    except ValueError:
        return 0


for _module, _ops in _CPU.items():
    for _op in _ops:
        _op.load_kernels, _op.worth_it = _loader(_module, _op, _ops), _large(SMALL)
for _op in (*_CPU["cpu_copy"], dispatch.sum_to):
    _op.worth_it = _large(MOVED)
for _op in _CPU["cpu_arithmetic"]:
    _op.worth_it = _large(SMALL if _op is elementwise.plus else MOVED, MOVED)  # plus: its kernel also takes what was left for later
optimizer.update_each.worth_it = clip.scale_each.worth_it = None  # their kernels look into the lists themselves


def use(which: str):
    """`use("reference")`: every op computes by its own NumPy forward; `use("fast")`: kernels again.  Also as `with use(…):`."""
    if which not in ("reference", "fast"):
        raise ValueError(f"kernels.use expects 'reference' or 'fast', but got {which!r}")
    before = dispatch.kernels_enabled
    dispatch.kernels_enabled = which == "fast"

    @contextmanager
    def restoring():
        try:
            yield
        finally:
            dispatch.kernels_enabled = before

    return restoring()


def report() -> dict:
    """{op: {what computed it: calls}} since the last `reset`, for every op that has kernels; "reference" is the op's own forward.

    Calls on small arrays, about which no kernel is asked, are not counted.
    """
    table = {}
    for (op, computed_by), calls in sorted(dispatch.ran.items()):
        table.setdefault(op, {})[computed_by] = calls
    return table


def reset() -> None:
    """Start the counts of `report` afresh."""
    dispatch.ran.clear()
