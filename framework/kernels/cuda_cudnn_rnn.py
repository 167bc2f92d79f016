"""LSTM and GRU layers on a GPU by cuDNN, which has several time steps at work at once: not in float64.

cuDNN's frontend for Python knows no recurrent networks, so `ctypes` calls its library.  Formulas, the order of the gates and how packed
sequences lie are those of ops/recurrent.py.  cuDNN wants the weights together in a "weight space".  What forward keeps for backward is in a
"reserve space", which backward writes over.  A layer that goes backwards in time goes forwards over sequences that are turned round.
"""

import ctypes
import functools
import importlib.util
import math
import os
import weakref
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from threading import Lock

import numpy as np
from ml_dtypes import bfloat16

from ..autograd.mode import mode
from ..backends import cudnn
from ..ops import recurrent as ops
from . import cuda_recurrent  # noqa: F401 - its kernels are older than those here: they are asked when these decline
from .cuda import by_row, cupy, gpu_kernel
from .cuda_cat import copy_each

_NAME = "libcudnn.so.9"
_FUNCTIONS = {  # name: what it takes; a is an address, also of a handle or a descriptor, i an int, s a size
    "cudnnCreate": "a",
    "cudnnSetStream": "aa",
    **{f"cudnn{act}{kind}Descriptor": "a" for act in ("Create", "Destroy") for kind in ("RNN", "RNNData", "Tensor")},
    "cudnnSetRNNDescriptor_v8": "aiiiiiiiiiiiiai",
    "cudnnSetRNNDataDescriptor": "aiiiiiaa",
    "cudnnSetTensorNdDescriptor": "aiiaa",
    "cudnnGetRNNWeightSpaceSize": "aaa",
    "cudnnGetRNNWeightParams": "aaisaiaaaa",
    "cudnnGetRNNTempSpaceSizes": "aaiaaa",
    "cudnnRNNForward": "aaiaaaaaaaaaaasasasa",
    "cudnnRNNBackwardData_v8": "aaaaaaaaaaaaaaaasasasa",
    "cudnnRNNBackwardWeights_v8": "aaiaaaaaaasasasa",
}
_IN_C = {"a": ctypes.c_void_p, "i": ctypes.c_int, "s": ctypes.c_size_t}

# Of its enumerations what is used here
_FLOAT = 0
_TYPES = {np.dtype(np.float32): _FLOAT, np.dtype(np.float16): 2, np.dtype(bfloat16): 9}
_DEFAULT_MATH, _TENSOR_OP_MATH, _FMA_MATH = 0, 1, 3  # float32 as TF32; 16-bit floats; float32
_INFERENCE, _TRAINING = 0, 1
_LSTM, _GRU = 2, 3
_NO_BIAS, _TWO_BIASES = 0, 2
_STANDARD = _ONE_DIRECTION = _LINEAR_INPUT = _NO_PADDING = _ADD = 0
_PACKED = 1
_KNOWS_BFLOAT16 = 91300  # the version from which on it does
_ALIGNED = 16  # bytes
_alone = Lock()  # a handle has one stream, and in other threads that may be another


def _load():
    """The library: one that is loaded already, that of NVIDIA's package, or what the system finds; None if there is none."""
    nvidia = importlib.util.find_spec("nvidia")
    packaged = [str(Path(each, "cudnn", "lib", _NAME)) for each in (nvidia.submodule_search_locations if nvidia else ())]
    for name, how in ((_NAME, os.RTLD_NOLOAD | os.RTLD_LAZY), *((each, os.RTLD_LAZY) for each in (*packaged, _NAME))):
        with suppress(OSError):  # it is not there
            return ctypes.CDLL(name, how)
    return None


@functools.cache
def library():
    """cuDNN, whose functions know what they take; None if there is none."""
    found = _load()
    if found is not None:
        for name, kinds in _FUNCTIONS.items():
            getattr(found, name).argtypes = [_IN_C[kind] for kind in kinds]
        found.cudnnGetErrorString.restype = ctypes.c_char_p
    return found


def _call(name, *args) -> None:
    status = getattr(library(), name)(*args)
    if status:
        raise RuntimeError(f"{name}: {library().cudnnGetErrorString(status).decode()}")


@functools.cache
def _handle_of(device: int):
    """cuDNN's handle of the GPU in use, number `device`; None if there is no cuDNN, or it cannot work here."""
    handle = ctypes.c_void_p()
    return handle if library() is not None and library().cudnnCreate(ctypes.byref(handle)) == 0 else None


def _compute(function, *arguments) -> None:
    """function(handle, …) in the stream in use."""
    handle = _handle_of(cupy().cuda.Device().id)
    with _alone:
        _call("cudnnSetStream", handle, cupy().cuda.get_current_stream().ptr)
        _call(function, handle, *arguments)


class _Descriptor:
    """A descriptor of cuDNN's, which is destroyed with this object."""

    def __init__(self, kind, setter=None, *settings):
        self._as_parameter_ = ctypes.c_void_p()  # what ctypes passes for this object
        _call(f"cudnnCreate{kind}Descriptor", ctypes.byref(self._as_parameter_))
        weakref.finalize(self, getattr(library(), f"cudnnDestroy{kind}Descriptor"), self._as_parameter_)
        if setter is not None:
            _call(setter, self, *settings)


def _ints(*values):
    return (ctypes.c_int * len(values))(*values)


def _sizes(name, *args, count) -> list:
    """The `count` sizes that the function `name` finds."""
    found = [ctypes.c_size_t() for _ in range(count)]
    _compute(name, *args, *map(ctypes.byref, found))
    return [each.value for each in found]


class _Layer:
    """What cuDNN knows of a layer: how much memory its weights take, and where they lie."""

    def __init__(self, kind, dtype, math_type, biased, width, height):
        self.dtype, self.gates, self.width, self.height = dtype, 4 if kind == _LSTM else 3, width, height
        self.rnn = _Descriptor(
            "RNN", "cudnnSetRNNDescriptor_v8", _STANDARD, kind, _TWO_BIASES if biased else _NO_BIAS, _ONE_DIRECTION, _LINEAR_INPUT,
            _TYPES[dtype], _FLOAT, math_type, width, height, height, 1, None, _NO_PADDING,
        )  # fmt: skip
        (self.weight_bytes,) = _sizes("cudnnGetRNNWeightSpaceSize", self.rnn, count=1)
        rows = self.gates * height
        self.shapes = [(rows, width), (rows, height), (rows,), (rows,)][: 4 if biased else 2]  # of W_i, W_h, b_i and b_h
        self.places = self._find_weights()

    def _find_weights(self) -> list:
        """Where W_i, W_h, b_i and b_h begin in the weight space, in elements; cuDNN tells it of each gate."""
        space, unused = cupy().empty(self.weight_bytes, np.uint8), [_Descriptor("Tensor"), _Descriptor("Tensor")]
        weight, bias, found = ctypes.c_void_p(), ctypes.c_void_p(), [[], [], [], []]
        for gate in range(2 * self.gates):  # first those for x, then those for h
            _compute("cudnnGetRNNWeightParams", self.rnn, 0, self.weight_bytes, space.data.ptr, gate,
                     unused[0], ctypes.byref(weight), unused[1], ctypes.byref(bias))  # fmt: skip
            found[gate // self.gates].append(weight.value)
            found[2 + gate // self.gates].append(bias.value)
        for addresses, shape in zip(found, self.shapes, strict=False):
            apart = {later - earlier for earlier, later in pairwise(addresses)}
            if apart != {math.prod(shape) // self.gates * self.dtype.itemsize}:
                raise RuntimeError("cuDNN: the gates of a weight do not lie one after the other")
        return [(addresses[0] - space.data.ptr) // self.dtype.itemsize for addresses in found[: len(self.shapes)]]

    def weight_space(self) -> tuple:
        """Zeros for all weights, and W_i, W_h, b_i and b_h as they lie there."""
        space = cupy().zeros(self.weight_bytes // self.dtype.itemsize, self.dtype)
        places = zip(self.places, self.shapes, strict=True)
        return space, [space[first : first + math.prod(shape)].reshape(shape) for first, shape in places]


class _Batch:
    """What cuDNN knows of sequences, so many at each time step, that a layer goes over: descriptors, and how much memory that takes."""

    def __init__(self, layer, sizes):
        in_c, lengths = _TYPES[layer.dtype], _ints(*_lengths(sizes).tolist())
        self.input, self.out = [
            _Descriptor("RNNData", "cudnnSetRNNDataDescriptor", in_c, _PACKED, len(sizes), sizes[0], row, lengths, None)
            for row in (layer.width, layer.height)
        ]
        lies = _ints(1, sizes[0], layer.height), _ints(sizes[0] * layer.height, layer.height, 1)
        self.state = _Descriptor("Tensor", "cudnnSetTensorNdDescriptor", in_c, 3, *lies)
        self.work_and_reserve = {
            way: _sizes("cudnnGetRNNTempSpaceSizes", layer.rnn, way, self.input, count=2) for way in (_INFERENCE, _TRAINING)
        }

    def states(self, *roles) -> list:
        """As cuDNN takes them: how h lies, and where in each of the roles (h, c), and then the same of c."""
        return [each for states in zip(*roles, strict=True) for each in (self.state, *map(_address, states))]


def _lengths(sizes):
    """The lengths (N,) of sequences of which there are so many at each time step, the longest first."""
    return (np.array(sizes)[:, None] > np.arange(sizes[0])).sum(0)


@functools.lru_cache(256)
def _layer(device: int, *settings) -> _Layer:
    return _Layer(*settings)


@functools.lru_cache(256)
def _batch(layer, sizes) -> _Batch:
    return _Batch(layer, sizes)


@functools.lru_cache(256)
def _order_turned(device: int, sizes):
    """Of every row of packed sequences the number of the one that comes there when each sequence is turned round."""
    steps, of = np.repeat(np.arange(len(sizes)), sizes), np.concatenate([np.arange(size) for size in sizes])  # a row's step and sequence
    starts = np.cumsum((0, *sizes))
    return cupy().asarray(starts[_lengths(sizes)[of] - 1 - steps] + of)


def _address(array):
    return None if array is None else array.data.ptr


def _spaces(*spaces) -> list:
    """The size in bytes of each, and where it lies."""
    return [each for space in spaces for each in (space.nbytes, space.data.ptr)]


def _bytes(count):
    return cupy().empty(count, np.uint8)


def _or_none(make, arrays) -> list:
    return [None if each is None else make(each) for each in arrays]


def _ready(array):
    """`array`, or a copy that lies row by row and begins where several elements are read at once."""
    rows = by_row(array)
    return rows if rows.data.ptr % _ALIGNED == 0 else rows.copy()


def _turned(array, batch_sizes):
    """Sequences turned round, padded or packed, in a new array."""
    return array[_order_turned(cupy().cuda.Device().id, batch_sizes)] if batch_sizes else array[::-1].copy()


def _through_time(kind, input, states, weights, batch_sizes, reverse):
    """(the outputs, the last states), and the function of their gradients; a GRU has None where an LSTM has c."""
    math_type = _TENSOR_OP_MATH if input.dtype != np.float32 else _DEFAULT_MATH if cudnn.allow_tf32 else _FMA_MATH
    biased, height = weights[2] is not None, states[0].shape[1]
    turned = functools.partial(_turned, batch_sizes=batch_sizes) if reverse else _ready
    layer = _layer(cupy().cuda.Device().id, kind, input.dtype, math_type, biased, input.shape[-1], height)
    batch = _batch(layer, batch_sizes or (input.shape[1],) * input.shape[0])
    x, states, (space, places) = turned(input), _or_none(_ready, states), layer.weight_space()
    copy_each(zip(weights, places, strict=False))
    out, last = cupy().empty((*x.shape[:-1], height), x.dtype), _or_none(cupy().empty_like, states)
    way = _TRAINING if mode.grad else _INFERENCE
    work, reserve = map(_bytes, batch.work_and_reserve[way])
    _compute("cudnnRNNForward", layer.rnn, way, None, batch.input, x.data.ptr, batch.out, out.data.ptr,
             *batch.states(states, last), *_spaces(space, work, reserve))  # fmt: skip

    def backward(grads, needs_weights):
        """The gradients of the input, of the first states, and of the weights (None of those that are not needed)."""
        of_out, *of_last = grads
        of_out, of_last = cupy().zeros_like(out) if of_out is None else turned(of_out), _or_none(_ready, of_last)
        of_x, of_first = cupy().empty_like(x), _or_none(cupy().empty_like, states)
        work, spoilt = _bytes(batch.work_and_reserve[_TRAINING][0]), reserve.copy()  # for backward may be asked for again
        _compute("cudnnRNNBackwardData_v8", layer.rnn, None, batch.out, out.data.ptr, of_out.data.ptr, batch.input, of_x.data.ptr,
                 *batch.states(states, of_last, of_first), *_spaces(space, work, spoilt))  # fmt: skip
        of_weights = [None] * 4
        if any(needs_weights):
            sums, places = layer.weight_space()
            _compute("cudnnRNNBackwardWeights_v8", layer.rnn, _ADD, None, batch.input, x.data.ptr, batch.state, states[0].data.ptr,
                     batch.out, out.data.ptr, *_spaces(sums, work, spoilt))  # fmt: skip
            of_weights[: len(places)] = [cupy().empty(each.shape, each.dtype) for each in places]  # not views of one array
            copy_each(zip(places, of_weights, strict=False))
        return turned(of_x), of_first, of_weights

    given = turned(out) if reverse else out.copy()  # backward needs `out` as it is, and what is given back may be changed in place
    return (given, last), backward


def _fits(input, *arrays) -> bool:
    biases = arrays[-2:]
    if not input.size or (biases[0] is None) != (biases[1] is None):
        return False
    if {each.dtype for each in arrays if each is not None} != {input.dtype} or input.dtype not in _TYPES:
        return False
    if not cudnn.enabled or _handle_of(cupy().cuda.Device().id) is None:
        return False
    return input.dtype != bfloat16 or library().cudnnGetVersion() >= _KNOWS_BFLOAT16


@gpu_kernel(ops.lstm_layer)
def cudnn_lstm(input, h, c, w_ih, w_hh, b_ih, b_hh, w_hr, batch_sizes, reverse, lengths):
    if w_hr is not None or lengths is not None or not _fits(input, h, c, w_ih, w_hh, b_ih, b_hh):
        return NotImplemented
    (out, last), gradients = _through_time(_LSTM, input, (h, c), (w_ih, w_hh, b_ih, b_hh), batch_sizes, reverse)

    def backward(grads, needs_input, needs_h, needs_c, *needs_weights):
        dx, of_states, of_weights = gradients(grads, needs_weights)
        return dx, *of_states, *of_weights, None

    return (out, *last), backward


@gpu_kernel(ops.gru_layer)
def cudnn_gru(input, h, w_ih, w_hh, b_ih, b_hh, batch_sizes, reverse, lengths):
    if lengths is not None or not _fits(input, h, w_ih, w_hh, b_ih, b_hh):
        return NotImplemented
    (out, (last, _)), gradients = _through_time(_GRU, input, (h, None), (w_ih, w_hh, b_ih, b_hh), batch_sizes, reverse)

    def backward(grads, needs_input, needs_h, *needs_weights):
        dx, (dh, _), of_weights = gradients((*grads, None), needs_weights)
        return dx, dh, *of_weights

    return (out, last), backward
