"""cuDNN, NVIDIA's library, on a GPU: a convolution, or one of its two gradients, is a graph of one node.

    node           takes              makes
    conv_fprop     input, weight      output
    conv_dgrad     grad, weight       the input's gradient
    conv_wgrad     input, grad        the weight's gradient

For shapes and types cuDNN knows several ways ("plans"), the best guess first.  One of them is built, which takes a tenth of a second, and
is kept: from then on it is launched with nothing but addresses, and can be recorded.  Lines are images of height 1.
"""

import functools
import itertools
import math
from contextlib import suppress
from threading import Lock
from time import perf_counter

import numpy as np
from ml_dtypes import bfloat16

from ..backends import cudnn as switches
from .cuda import arithmetic, by_row, cupy

TYPES = {np.dtype(np.float32): "FLOAT", np.dtype(np.float64): "DOUBLE", np.dtype(np.float16): "HALF", np.dtype(bfloat16): "BFLOAT16"}
ALIGNED = 16  # bytes: what it takes for granted of addresses
_MOST_WORKSPACE = 1 << 30  # bytes, beside a copy of each array in another order
_TRIED = 10  # so many plans, when the quickest is looked for
_alone = Lock()  # a handle has one stream, and in other threads that may be another


def by_cudnn(node, first, second, out_shape, geometry):
    """What `node` makes of two arrays, in an array of `out_shape`; NotImplemented without cuDNN, or if it knows no way.

    All lie row by row (NCHW) in memory, but images of 16-bit floats with their channels last (NHWC), as the matrix units take them: what
    comes otherwise is copied, and what is made stays so.
    """
    dtype, shapes = first.dtype, (tuple(first.shape), tuple(second.shape), tuple(out_shape))
    if not switches.enabled or dtype not in TYPES or second.dtype != dtype or not all(map(math.prod, shapes)):
        return NotImplemented
    last = dtype.itemsize == 2 and first.ndim == 4
    options = (switches.allow_tf32 or dtype != np.float32), switches.deterministic, switches.benchmark
    plan = plan_for(library(), first.device.id, node, shapes, dtype, last, geometry, *options)
    if plan is None:
        return NotImplemented
    out = cupy().empty(_channels_last(out_shape) if last else out_shape, dtype)
    plan.launch(_in_order(first, last), _in_order(second, last), out)
    return cupy().moveaxis(out, -1, 1) if last else out


def _channels_last(sides) -> tuple:
    n, c, *spatial = sides
    return n, *spatial, c


def _in_order(array, last):
    """`array`, its channels moved to the end if they are to lie there, or a copy that lies so, where cuDNN can read it."""
    rows = by_row(cupy().moveaxis(array, 1, -1) if last else array)
    return rows if rows.data.ptr % ALIGNED == 0 else rows.copy()


def library():
    """The module `cudnn` (nvidia-cudnn-frontend); None if it is not installed."""
    try:
        import cudnn
    except ImportError:
        return None
    return cudnn


@functools.cache
def handle_of(cudnn, device: int):
    """cuDNN's hold on the GPU in use, number `device`; None if the library behind the module is not installed."""
    try:
        return cudnn.create_handle()
    except RuntimeError:
        return None


@functools.cache
def plan_for(cudnn, device, node, shapes, dtype, last, geometry, tf32, deterministic, benchmark):
    """A plan for the GPU in use, number `device`; None if there is none.  It is kept for good: a recorded step may launch it.

    No plan adds up in 16 bits.  Of plans for float32 those of tensor cores multiply in TF32.
    """
    handle = None if cudnn is None else handle_of(cudnn, device)
    if handle is None:
        return None
    declines = cudnn.cudnnGraphNotSupportedError, RuntimeError  # the second is said of types that do not go together
    try:
        graph = _graph(cudnn, handle, node, shapes, dtype, last, geometry)
        graph.create_execution_plans([cudnn.heur_mode.A, cudnn.heur_mode.FALLBACK])
    except declines:
        return None
    notes = cudnn.numerical_note
    unwanted = {notes.REDUCED_PRECISION_REDUCTION: True, notes.TENSOR_CORE: not tf32, notes.NONDETERMINISTIC: deterministic}
    graph.deselect_numeric_notes([note for note, is_unwanted in unwanted.items() if is_unwanted])
    graph.deselect_workspace_greater_than(_MOST_WORKSPACE + dtype.itemsize * sum(map(math.prod, shapes)))
    plans = built(cudnn, handle, graph, declines)
    if benchmark:
        arrays = [cupy().empty(shape, dtype) for shape in shapes]
        seconds = {plan: plan.seconds(*arrays) for plan in itertools.islice(plans, _TRIED)}
        plans = iter(sorted(seconds, key=seconds.get))
    return next(plans, None)


def built(cudnn, handle, graph, declines):
    """The plans of a graph that can be built and were not ruled out, the best guess first."""
    for index in range(graph.get_execution_plan_count()):
        with suppress(*declines):
            graph.build_plan_at_index(index)
            yield Plan(cudnn, handle, graph, index)


def _graph(cudnn, handle, node, shapes, dtype, last, geometry):
    """A graph of one node: tensors 1 and 2 in, 3 out."""
    types = cudnn.data_type
    stored, computed = getattr(types, TYPES[dtype]), getattr(types, TYPES[arithmetic(dtype)])
    graph = cudnn.pygraph(handle=handle, io_data_type=stored, compute_data_type=computed)
    sides = [_of_image(shape, 1, 2) for shape in shapes]
    tensors = [
        graph.tensor(dim=each, stride=_strides(each, last), data_type=stored, uid=uid) for uid, each in enumerate(sides[:2], 1)
    ]
    stride, padding, dilation = [_of_image(each, filler, 0) for each, filler in zip(geometry, (1, 0, 1), strict=True)]
    out = getattr(graph, node)(*tensors, padding=padding, stride=stride, dilation=dilation)
    out.set_output(True).set_uid(3).set_dim(sides[2]).set_stride(_strides(sides[2], last)).set_data_type(stored)
    graph.validate()
    graph.build_operation_graph()
    return graph


def _of_image(sides, filler, place) -> list:
    """The same for a line as an image of height 1: `filler` is inserted at `place`."""
    sides = list(sides)
    return sides if len(sides) > place + 1 else [*sides[:place], filler, *sides[place:]]


def _strides(sides, last) -> list:
    """How many elements apart neighbours along each dimension are: (N, C, H, W), or with the channels last in memory."""
    order = [0, *range(2, len(sides)), 1] if last else range(len(sides))
    strides, apart = [0] * len(sides), 1
    for each in reversed(order):
        strides[each], apart = apart, apart * sides[each]
    return strides


class Plan:
    """One of a graph's ways, built, and how much memory it wants to work in."""

    def __init__(self, cudnn, handle, graph, index):
        self.cudnn, self.handle, self.graph, self.index, self.workspace = cudnn, handle, graph, index, graph.get_workspace_size()

    def launch(self, *arrays) -> None:
        """Compute the last arrays from the first ones."""
        workspace = cupy().empty(self.workspace, np.uint8)
        addresses = {uid: each.data.ptr for uid, each in enumerate(arrays, 1)}
        with _alone:
            self.cudnn.set_stream(self.handle, cupy().cuda.get_current_stream().ptr)
            self.graph.execute_plan_at_index(addresses, workspace.data.ptr, self.index, self.handle)

    def seconds(self, *arrays) -> float:
        """How long a launch takes, after a first one."""
        stream = cupy().cuda.get_current_stream()
        self.launch(*arrays)
        stream.synchronize()
        start = perf_counter()
        self.launch(*arrays)
        stream.synchronize()
        return perf_counter() - start
