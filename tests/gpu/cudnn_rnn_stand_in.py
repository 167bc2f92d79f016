"""A stand-in for libcudnn.so.9 where there is no GPU, as far as recurrent layers call it: the formulas of the ops compute, in float64.

It has the functions that framework/kernels/cuda_cudnn_rnn.py calls, with the parameters of NVIDIA's header.  It refuses what cuDNN refuses
or would read past, and what is easily done wrong: a pointer that C would take for an int; a handle in another stream than the one in use,
or of another GPU; a descriptor that is not set, of another kind, or destroyed; sizes and types that do not go together; a reserve space
that is not of this forward, or that backward has written over already.  Between the weights of a layer lie gaps.
"""

import ctypes
import inspect
import itertools
import operator
from types import SimpleNamespace

import ml_dtypes
import numpy as np

import framework
from framework import kernels
from framework.ops import recurrent
from tests.gpu import stand_in

A, I, S = ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t  # noqa: E741 - an address, an int, a size
DATA = {0: np.float32, 1: np.float64, 2: np.float16, 9: ml_dtypes.bfloat16}
LSTM, GRU = 2, 3
NO_BIAS, DOUBLE_BIAS = 0, 2
PACKED = 1
INFERENCE, TRAINING = 0, 1
FORWARD_DONE, DATA_DONE = 1.0, 2.0
WORK_BYTES = 96


def _expect(condition, what) -> None:
    if not condition:
        raise RuntimeError(f"CUDNN_STATUS_BAD_PARAM: {what}")


class Function:
    """A function of the library, which is called through `argtypes`; it answers 0, or what is set as its `answer`."""

    argtypes = restype = None
    answer = 0

    def __init__(self, method):
        self.method, self.name = method, method.__name__
        self.kinds = [each.annotation for each in inspect.signature(method).parameters.values()]

    def __call__(self, *args):
        if self.argtypes != self.kinds and set(self.kinds) - {I}:
            raise TypeError(f"{self.name} takes {self.kinds}, but argtypes are {self.argtypes}")
        if len(args) != len(self.kinds):
            raise TypeError(f"{self.name} takes {len(self.kinds)} arguments, but got {len(args)}")
        values = [_in_c(value, kind) for value, kind in zip(args, self.kinds, strict=True)]
        return self.answer or self.method(*values) or 0


def _in_c(value, kind):
    """What arrives in C: of a pointer the address."""
    if kind is A:
        return ctypes.cast(value, A).value or 0
    whole = operator.index(value)
    _expect(kind(whole).value == whole, f"{value} is no {kind.__name__}")
    return whole


class Library:
    """What `ctypes.CDLL("libcudnn.so.9")` gives."""

    def __init__(self):
        self.version, self.objects, self.addresses = 92801, {}, itertools.count(0x7F0000000000, 64)  # addresses of more than 32 bits
        for name, method in inspect.getmembers(self, inspect.ismethod):
            if name.startswith("cudnn"):
                setattr(self, name, Function(method))

    def of_kind(self, kind) -> list:
        """All handles, or descriptors of a kind, that are there."""
        return [each for each in self.objects.values() if each.kind == kind]

    def _create(self, place, kind, **what) -> None:
        address = next(self.addresses)
        self.objects[address] = SimpleNamespace(kind=kind, **what)
        A.from_address(place).value = address

    def _destroy(self, address, kind) -> None:
        self._find(address, kind)
        del self.objects[address]

    def _find(self, address, kind):
        found = self.objects.get(address)
        _expect(found is not None and found.kind == kind, f"at {address:#x} there is no {kind}")
        return found

    def _set(self, address, kind, **what) -> None:
        self._find(address, kind).__dict__.update(what)

    def _ready(self, address):
        """The handle, which must be that of the GPU and in the stream in use."""
        found = self._find(address, "handle")
        _expect(found.device == stand_in.Device().id, "the handle is that of another GPU")
        _expect(found.stream == stand_in._in_use.stream.ptr, "the handle is not in the stream in use")

    def cudnnGetVersion(self):
        return self.version

    def cudnnGetErrorString(self, status: I):
        return {2000: b"CUDNN_STATUS_BAD_PARAM", 3000: b"CUDNN_STATUS_NOT_SUPPORTED"}[status]

    def cudnnCreate(self, handle: A):
        stand_in._needs_the_host("cudnnCreate")
        self._create(handle, "handle", device=stand_in.Device().id, stream=None)

    def cudnnSetStream(self, handle: A, stream: A):
        self._find(handle, "handle").stream = stream

    def cudnnCreateRNNDescriptor(self, descriptor: A):
        self._create(descriptor, "RNN")

    def cudnnCreateRNNDataDescriptor(self, descriptor: A):
        self._create(descriptor, "RNNData")

    def cudnnCreateTensorDescriptor(self, descriptor: A):
        self._create(descriptor, "Tensor")

    def cudnnDestroyRNNDescriptor(self, descriptor: A):
        self._destroy(descriptor, "RNN")

    def cudnnDestroyRNNDataDescriptor(self, descriptor: A):
        self._destroy(descriptor, "RNNData")

    def cudnnDestroyTensorDescriptor(self, descriptor: A):
        self._destroy(descriptor, "Tensor")

    def cudnnSetRNNDescriptor_v8(
        self, rnn: A, algo: I, cell: I, bias: I, direction: I, input_mode: I, data: I, precision: I, math: I, input_size: I, hidden_size: I,
        projection_size: I, layers: I, dropout: A, flags: I,
    ):  # fmt: skip
        _expect(cell in (LSTM, GRU) and bias in (NO_BIAS, DOUBLE_BIAS) and data in DATA, f"cell {cell}, bias {bias}, data {data}")
        _expect((algo, direction, input_mode, layers, dropout, flags) == (0, 0, 0, 1, 0, 0), "the stand-in knows no such network")
        _expect(projection_size == hidden_size and min(input_size, hidden_size) > 0, "the sizes")
        if precision != (1 if data == 1 else 0) or math not in (0, 1, 3) or (data == 9 and self.version < 91300):
            return 3000
        gates = 4 if cell == LSTM else 3
        places, end = _places(gates, hidden_size, input_size, bias)
        self._set(rnn, "RNN", cell=cell, gates=gates, bias=bias, data=data, math=math, width=input_size, height=hidden_size, places=places,
                  elements=end)  # fmt: skip
        return 0

    def cudnnSetRNNDataDescriptor(
        self, descriptor: A, data: I, layout: I, most_steps: I, batch: I, width: I, lengths: A, padding: A
    ):  # fmt: skip
        lengths = list((I * batch).from_address(lengths))
        _expect(layout == PACKED and padding == 0 and min(most_steps, batch, width) > 0, "the layout")
        _expect(lengths == sorted(lengths, reverse=True) and lengths[-1] > 0, "packed sequences lie the longest first")
        _expect(lengths[0] == most_steps, "the most steps")
        self._set(descriptor, "RNNData", data=data, lengths=lengths, shape=(sum(lengths), width))

    def cudnnSetTensorNdDescriptor(self, descriptor: A, data: I, dims: I, sizes: A, strides: A):
        _expect(dims >= 3, "the states of an RNN have three dimensions")
        shape, strides = (tuple((I * dims).from_address(each)) for each in (sizes, strides))
        _expect(strides == tuple(np.cumprod((1, *shape[:0:-1]))[::-1]), "the stand-in knows tensors that lie row by row")
        self._set(descriptor, "Tensor", data=data, shape=shape)

    def cudnnGetRNNWeightSpaceSize(self, handle: A, rnn: A, size: A):
        self._ready(handle)
        S.from_address(size).value = _weight_bytes(self._find(rnn, "RNN"))

    def cudnnGetRNNTempSpaceSizes(self, handle: A, rnn: A, mode: I, x: A, work_size: A, reserve_size: A):
        self._ready(handle)
        found, input = self._find(rnn, "RNN"), self._find(x, "RNNData")
        _expect(input.shape[1] == found.width, "the size of the input")
        S.from_address(work_size).value = WORK_BYTES
        S.from_address(reserve_size).value = _reserve_bytes(found, input) if mode == TRAINING else 0

    def cudnnGetRNNWeightParams(
        self, handle: A, rnn: A, layer: I, space_size: S, space: A, gate: I, weight_tensor: A, weight: A, bias_tensor: A, bias: A
    ):  # fmt: skip
        self._ready(handle)
        found = self._find(rnn, "RNN")
        _expect(layer == 0 and 0 <= gate < 2 * found.gates, f"layer {layer}, gate {gate}")
        _expect(space_size == _weight_bytes(found), "the size of the weight space")
        _array(space, (space_size,), np.uint8)
        for place, tensor, first in zip((weight, bias), (weight_tensor, bias_tensor), found.places[gate], strict=True):
            self._find(tensor, "Tensor")
            A.from_address(place).value = None if first is None else space + first * np.dtype(DATA[found.data]).itemsize

    def _network(self, handle, rnn, lengths, x, y, *states):
        """The network, and the input's and the output's descriptors, which must go together."""
        self._ready(handle)
        found, input, output = self._find(rnn, "RNN"), self._find(x, "RNNData"), self._find(y, "RNNData")
        states = [self._find(each, "Tensor") for each in states]
        _expect(lengths == 0, "since cuDNN 8.9.1 the lengths are those of the descriptors")
        _expect({each.data for each in (input, output, *states)} == {found.data}, "the types")
        _expect(output.lengths == input.lengths, "the lengths of input and output")
        _expect((input.shape[1], output.shape[1]) == (found.width, found.height), "the sizes of input and output")
        _expect({each.shape for each in states} == {(1, len(input.lengths), found.height)}, "the shape of the states")
        return found, input, output

    def cudnnRNNForward(
        self, handle: A, rnn: A, mode: I, lengths: A, x_descriptor: A, x: A, y_descriptor: A, y: A, h_descriptor: A, hx: A, hy: A,
        c_descriptor: A, cx: A, cy: A, weight_size: S, weight: A, work_size: S, work: A, reserve_size: S, reserve: A,
    ):  # fmt: skip
        net, *data = self._network(handle, rnn, lengths, x_descriptor, y_descriptor, h_descriptor, c_descriptor)
        input, out = (_array_of(each, address) for each, address in zip(data, (x, y), strict=True))
        weights, kept = _spaces(net, data[0], (weight_size, weight), (work_size, work), (reserve_size, reserve), mode)
        first, last = (_states(net, data[1], *each) for each in ((hx, cx), (hy, cy)))

        def compute():
            for place, values in zip((out, *last), _outcome(net, data[0], input, first, weights), strict=True):
                place[...] = values.astype(place.dtype)
            if mode == TRAINING:
                kept.stage[...], kept.sum[...], kept.input[...] = FORWARD_DONE, _sum(out), input

        _run(compute, x, y, hx, hy, cx, cy, weight, work, reserve)

    def cudnnRNNBackwardData_v8(
        self, handle: A, rnn: A, lengths: A, y_descriptor: A, y: A, dy: A, x_descriptor: A, dx: A, h_descriptor: A, hx: A, dhy: A, dhx: A,
        c_descriptor: A, cx: A, dcy: A, dcx: A, weight_size: S, weight: A, work_size: S, work: A, reserve_size: S, reserve: A,
    ):  # fmt: skip
        net, *data = self._network(handle, rnn, lengths, x_descriptor, y_descriptor, h_descriptor, c_descriptor)
        of_input, out, of_out = (_array_of(each, address) for each, address in zip((*data, data[1]), (dx, y, dy), strict=True))
        weights, kept = _spaces(net, data[0], (weight_size, weight), (work_size, work), (reserve_size, reserve), TRAINING)
        first, of_first = (_states(net, data[1], *each) for each in ((hx, cx), (dhx, dcx)))
        of_last = _states(net, data[1], dhy, dcy, optional=True)

        def compute():
            _expect(kept.stage == FORWARD_DONE, "the reserve space is not that of a forward, or backward has written over it")
            _expect(kept.sum == _sum(out), "the outputs are not those of this forward")
            of_x, *of_states, of_weights = _outcome(net, data[0], kept.input, first, weights, (of_out, *of_last))
            for place, values in zip((of_input, *of_first), (of_x, *of_states), strict=True):
                place[...] = values.astype(place.dtype)
            kept.stage[...], kept.of_weights[...] = DATA_DONE, of_weights

        _run(compute, y, dy, dx, hx, dhy, dhx, cx, dcy, dcx, weight, work, reserve)

    def cudnnRNNBackwardWeights_v8(
        self, handle: A, rnn: A, add: I, lengths: A, x_descriptor: A, x: A, h_descriptor: A, hx: A, y_descriptor: A, y: A, weight_size: S,
        dweight: A, work_size: S, work: A, reserve_size: S, reserve: A,
    ):  # fmt: skip
        net, *data = self._network(handle, rnn, lengths, x_descriptor, y_descriptor, h_descriptor)
        input, out = (_array_of(each, address) for each, address in zip(data, (x, y), strict=True))
        sums, kept = _spaces(net, data[0], (weight_size, dweight), (work_size, work), (reserve_size, reserve), TRAINING)
        _array(hx, (len(data[1].lengths), net.height), out.dtype)
        _expect(add == 0, "cuDNN adds gradients of weights, and knows no other way")

        def compute():
            _expect(kept.stage == DATA_DONE, "the gradients of the data come before those of the weights")
            _expect(kept.sum == _sum(out) and np.array_equal(kept.input, input), "the input and the outputs are not those of this forward")
            sums[...] = (sums.astype(np.float64) + kept.of_weights).astype(sums.dtype)

        _run(compute, x, hx, y, dweight, work, reserve)


def _run(compute, *addresses) -> None:
    stand_in.call_library(compute, *filter(None, addresses))


def _array(address, shape, dtype):
    """The array at an address, all of which must lie in one of CuPy's; it must begin where 16 bytes are read at once."""
    _expect(address % 16 == 0, f"{address:#x} is not aligned")
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    holds = stand_in._at(address)._host
    past = address + size - holds.__array_interface__["data"][0] - holds.nbytes
    _expect(past <= 0, f"{past} bytes past the end of an array")
    return np.ndarray(shape, dtype, (ctypes.c_char * size).from_address(address))


def _array_of(descriptor, address):
    return _array(address, descriptor.shape, DATA[descriptor.data])


def _states(net, output, h, c, optional=False) -> list:
    """h, and of an LSTM c; None for those that are not given, if these may be left out."""
    _expect(net.cell == LSTM or not c, "a GRU has no c")
    addresses = (h, c) if net.cell == LSTM else (h,)
    _expect(optional or all(addresses), "a state is missing")
    return [_array(each, (len(output.lengths), net.height), DATA[output.data]) if each else None for each in addresses]


def _places(gates, height, width, bias) -> tuple:
    """The first elements of each gate's weight and bias in the weight space, and its end: W_i, W_h, b_i, b_h, with gaps between them."""
    starts, end = [[], [], [], []], 0
    for found, size in zip(starts, (height * width, height * height, height, height), strict=True):
        found += [end + gate * size for gate in range(gates)]
        end += gates * size + 5
    weights, biases = starts[0] + starts[1], starts[2] + starts[3] if bias else [None] * 2 * gates
    return list(zip(weights, biases, strict=True)), end


def _weight_bytes(net) -> int:
    return net.elements * np.dtype(DATA[net.data]).itemsize


def _reserve_bytes(net, input) -> int:
    return 8 * (2 + int(np.prod(input.shape)) + net.elements)


def _spaces(net, input, weight, work, reserve, mode):
    """The weight space, and what the reserve space holds: how far it is, the sum of the outputs, the input, the gradients of weights."""
    _expect(weight[0] == _weight_bytes(net), "the size of the weight space")
    _expect(work[0] >= WORK_BYTES, "the size of the work space")
    _expect(reserve[0] == (_reserve_bytes(net, input) if mode == TRAINING else 0), "the size of the reserve space")
    _array(work[1], work[:1], np.uint8)
    weights = _array(weight[1], (net.elements,), DATA[net.data])
    if mode == INFERENCE:
        return weights, None
    kept, end = _array(reserve[1], (reserve[0] // 8,), np.float64), 2 + int(np.prod(input.shape))
    return weights, SimpleNamespace(stage=kept[:1], sum=kept[1:2], input=kept[2:end].reshape(input.shape), of_weights=kept[end:])


def _sum(array) -> float:
    return float(array.astype(np.float64).sum())


def _outcome(net, sequences, input, states, weights, grads=None) -> list:
    """The outputs and the last states; or, given their gradients, those of the input, of the first states and of the weight space."""
    leaves = [framework.tensor(each.astype(np.float64), requires_grad=True) for each in (input, *states, weights)]
    with kernels.use("reference"), framework.enable_grad():
        formula = recurrent.lstm_layer if net.cell == LSTM else recurrent.gru_layer
        sizes = tuple(sum(length > t for length in sequences.lengths) for t in range(sequences.lengths[0]))
        outs = formula(*leaves[:-1], *_parameters(net, leaves[-1]), batch_sizes=sizes)
        if grads is None:
            return [out.detach().numpy() for out in outs]
        arrived = [(out, framework.tensor(grad.astype(np.float64))) for out, grad in zip(outs, grads, strict=True) if grad is not None]
        outs, grads = zip(*arrived, strict=True)
        return [each.numpy() for each in framework.autograd.grad(outs, leaves, grads)]


def _parameters(net, space) -> list:
    """W_i, W_h, b_i and b_h, put together from the gates' parts in the weight space; None for a bias if there is none."""
    weights, biases = zip(*net.places, strict=True)
    of_x, of_h, height = slice(net.gates), slice(net.gates, None), net.height
    parts = (weights[of_x], net.width), (weights[of_h], height), (biases[of_x], 1), (biases[of_h], 1)
    matrices = [
        None if starts[0] is None else framework.cat([space[start : start + height * width] for start in starts]).reshape(-1, width)
        for starts, width in parts
    ]
    return matrices[:2] + [bias if bias is None else bias.reshape(-1) for bias in matrices[2:]]
