"""A stand-in for `cudnn`, NVIDIA's frontend of cuDNN for Python, where there is no GPU: NumPy computes a graph of one convolution, or one
attention.

It has what the framework calls, with the signatures that versions 1.24 to 1.28 share.  A graph is made step by step, in their order only.
It refuses what cuDNN refuses: shapes that do not go together, tensors that are not described, plans that were not built, addresses at
which no array, or too small a one, lies.  Stricter than cuDNN, it wants the stream in use, and nothing but plans' launches while a stream
is captured.

Its plans are those that cuDNN might have, with the same notes: some do not build, some want too much memory, some compute with fewer bits.
"""

import ctypes
import enum
import itertools
import math
import operator
import sys
from dataclasses import dataclass

import ml_dtypes
import numpy as np

from tests.gpu import stand_in

data_type = enum.Enum("data_type", "NOT_SET FLOAT DOUBLE HALF BFLOAT16")
heur_mode = enum.Enum("heur_mode", "A B FALLBACK OPENSOURCE")
numerical_note = enum.Enum("numerical_note", "TENSOR_CORE DOWN_CONVERT_INPUTS REDUCED_PRECISION_REDUCTION FFT NONDETERMINISTIC WINOGRAD")

DTYPES = {
    data_type.FLOAT: np.float32, data_type.DOUBLE: np.float64, data_type.HALF: np.float16, data_type.BFLOAT16: ml_dtypes.bfloat16,
}  # fmt: skip
CONVOLUTIONS = {  # name: which two of input, weight and output it takes, and which it makes
    "conv_fprop": ("input", "weight", "output"), "conv_dgrad": ("output", "weight", "input"), "conv_wgrad": ("input", "output", "weight"),
}  # fmt: skip
ATTENTIONS = {  # name: how many it takes of what it takes and makes
    "sdpa": (3, ("q", "k", "v", "o", "stats")), "sdpa_backward": (6, ("q", "k", "v", "o", "dO", "stats", "dQ", "dK", "dV")),
}  # fmt: skip
ALIGNED = 16
built, launched = [], []  # the names of plans
unknown = set()  # the nodes for which there are no plans: for tests


class cudnnGraphNotSupportedError(Exception):
    pass


def _expect(condition, what, error=ValueError) -> None:
    if not condition:
        raise error(what)


class _Handle:
    def __init__(self):
        self.device, self.stream = stand_in.Device(), 0


def create_handle():
    stand_in._needs_the_host("cudnnCreate")
    return _Handle()


def set_stream(handle, stream):
    handle.stream = operator.index(stream)


class tensor:
    """What a graph knows of an array."""

    def __init__(self, dim=None, stride=None, data_type=data_type.NOT_SET, is_virtual=False, uid=-1):
        self.dim, self.stride, self.data_type, self.is_virtual, self.uid = dim, stride, data_type, is_virtual, uid

    def set_output(self, value):
        self.is_virtual = not value
        return self

    def set_uid(self, uid):
        self.uid = uid
        return self

    def set_dim(self, dim):
        self.dim = dim
        return self

    def set_stride(self, stride):
        self.stride = stride
        return self

    def set_data_type(self, kind):
        self.data_type = kind
        return self

    def check(self) -> None:
        for name, sides in (("dim", self.dim), ("stride", self.stride)):
            _expect(type(sides) is list and all(type(each) is int and each > 0 for each in sides), f"{name} is {sides!r}")
        _expect(len(self.dim) == len(self.stride) in (4, 5), f"dim {self.dim}, stride {self.stride}")
        dense = 1
        for apart, side in sorted(zip(self.stride, self.dim, strict=True)):
            _expect(apart == dense or side == 1, f"stride {self.stride} leaves gaps, or overlaps, in {self.dim}")
            dense *= side
        _expect(self.data_type in DTYPES and not self.is_virtual and self.uid >= 0, "a tensor without a type, or number, or virtual")

    def at(self, address):
        """The array at an address, all of which must lie in one of the GPU's."""
        _expect(type(address) is int and address % ALIGNED == 0, f"the address {address!r} is not aligned")
        dtype = np.dtype(DTYPES[self.data_type])
        memory = _memory(address, dtype.itemsize * math.prod(self.dim))
        return np.ndarray(self.dim, dtype, memory, 0, [dtype.itemsize * apart for apart in self.stride])


@dataclass(frozen=True)
class _Engine:
    name: str
    notes: tuple = ()
    workspace: int = 0
    builds: bool = True
    only: tuple = tuple(DTYPES)  # types
    nodes: tuple = tuple(CONVOLUTIONS)
    read: object = staticmethod(lambda array: array)  # what it makes of its operands first


def _short(array):
    """float32 with 10 bits of fraction, as tensor cores read it for TF32."""
    if array.dtype != np.float32:
        return array
    return ((np.ascontiguousarray(array).view(np.uint32) + 0x1000) & 0xFFFFE000).astype(np.uint32).view(np.float32)


def _crude(array):
    """With 4 bits of fraction: nobody asks for so few."""
    return np.round(array.astype(np.float64) * 16).astype(np.float32) / 16


_16_BITS = data_type.HALF, data_type.BFLOAT16
_ENGINES = [  # of "A", best first
    _Engine("huge", workspace=4 << 30),
    _Engine("unbuildable", builds=False, nodes=(*CONVOLUTIONS, *ATTENTIONS)),
    _Engine("crude", (numerical_note.TENSOR_CORE, numerical_note.REDUCED_PRECISION_REDUCTION), only=_16_BITS, read=_crude),
    _Engine("atomic_tensor_cores", (numerical_note.TENSOR_CORE, numerical_note.NONDETERMINISTIC), 131, nodes=("conv_wgrad",), read=_short,
            only=(*_16_BITS, data_type.FLOAT)),
    _Engine("tensor_cores", (numerical_note.TENSOR_CORE,), 3000, only=(*_16_BITS, data_type.FLOAT), read=_short),
    _Engine("atomic", (numerical_note.NONDETERMINISTIC,), 77, nodes=("conv_dgrad", "conv_wgrad")),
    _Engine("flash", (numerical_note.TENSOR_CORE,), 256, only=_16_BITS, nodes=tuple(ATTENTIONS)),
]  # fmt: skip
_FALLBACK = [_Engine("plain")]


class pygraph:
    """A graph of one node; `state` is the last step that was made."""

    def __init__(self, *, handle, io_data_type, compute_data_type, intermediate_data_type=data_type.NOT_SET):
        self.handle, self.compute, self.io, self.between = handle, compute_data_type, io_data_type, intermediate_data_type
        self.tensors, self.state = {}, "new"

    def _step(self, after, to) -> None:
        _expect(self.state == after, f"a graph that is {self.state} cannot become {to}", RuntimeError)
        stand_in._needs_the_host(f"a graph that becomes {to}")
        self.state = to

    def tensor(self, *, dim, stride, data_type, uid):
        _expect(self.state == "new", "the graph is described already", RuntimeError)
        return tensor(dim, stride, data_type, False, uid)

    def _node(self, name, first, second, padding, stride, dilation):
        self._step("new", "described")
        *takes, makes = CONVOLUTIONS[name]
        self.name, self.geometry, self.made = name, (stride, padding, dilation), [makes]
        self.tensors = {**dict(zip(takes, (first, second), strict=True)), makes: tensor(is_virtual=True)}
        return self.tensors[makes]

    def conv_fprop(self, image, weight, *, padding, stride, dilation):
        return self._node("conv_fprop", image, weight, padding, stride, dilation)

    def conv_dgrad(self, loss, filter, *, padding, stride, dilation):
        return self._node("conv_dgrad", loss, filter, padding, stride, dilation)

    def conv_wgrad(self, image, loss, *, padding, stride, dilation):
        return self._node("conv_wgrad", image, loss, padding, stride, dilation)

    def _attention(self, name, *given, attn_scale, diagonal_band_right_bound):
        self._step("new", "described")
        count, names = ATTENTIONS[name]
        _expect(type(attn_scale) is float and attn_scale > 0, f"attn_scale is {attn_scale!r}")
        _expect(diagonal_band_right_bound in (None, 0), f"{diagonal_band_right_bound} keys after a query's own")
        self.name, self.scale, self.causal, self.made = name, attn_scale, diagonal_band_right_bound == 0, names[count:]
        self.tensors = {**dict(zip(names[:count], given, strict=True)), **{each: tensor(is_virtual=True) for each in self.made}}
        return [self.tensors[each] for each in self.made]

    def sdpa(self, q, k, v, *, generate_stats, attn_scale=1.0, diagonal_band_right_bound=None):
        _expect(generate_stats is True, "there is nothing for backward")
        return self._attention("sdpa", q, k, v, attn_scale=attn_scale, diagonal_band_right_bound=diagonal_band_right_bound)

    def sdpa_backward(self, q, k, v, o, dO, stats, *, attn_scale=1.0, diagonal_band_right_bound=None, use_deterministic_algorithm=False):
        return self._attention(
            "sdpa_backward", q, k, v, o, dO, stats, attn_scale=attn_scale, diagonal_band_right_bound=diagonal_band_right_bound
        )

    def validate(self):
        self._step("described", "validated")
        for each in self.tensors.values():
            each.check()
        if self.name in ATTENTIONS:
            self._validate_attention()
        else:
            self._validate_convolution()

    def _validate_attention(self):
        dims = {name: each.dim for name, each in self.tensors.items()}
        (n, h, length, e), f = dims["q"], dims["v"][-1]
        source = dims["k"][2]
        right = {"q": [n, h, length, e], "k": [n, h, source, e], "v": [n, h, source, f], "o": [n, h, length, f], "stats": [n, h, length, 1]}
        right |= {"dQ": right["q"], "dK": right["k"], "dV": right["v"], "dO": right["o"]}
        _expect(all(right[name] == dim for name, dim in dims.items()), f"dims {dims}")
        side_by_side = all(each.stride[3] == 1 for each in self.tensors.values())
        _expect(side_by_side, "The stride for the last dimension should be 1", cudnnGraphNotSupportedError)
        fits = e % 8 == f % 8 == 0 and (self.name == "sdpa" or max(e, f) <= 256)
        _expect(fits, "hidden_dim should be multiple of 8", cudnnGraphNotSupportedError)
        _expect(self.between is data_type.FLOAT, "Intermediate tensor data type needs to be set", RuntimeError)

    def _validate_convolution(self):
        x, w, y = (self.tensors[name].dim for name in ("input", "weight", "output"))
        _expect(len(x) == len(w) == len(y), f"dims {x}, {w}, {y}")
        _expect(x[0] == y[0] and w[0] == y[1] and x[1] % w[1] == 0 and w[0] % (x[1] // w[1]) == 0, f"channels of {x}, {w}, {y}")
        stride, padding, dilation = self.geometry
        for each, smallest in ((stride, 1), (padding, 0), (dilation, 1)):
            right = type(each) is list and len(each) == len(x) - 2 and all(type(n) is int and n >= smallest for n in each)
            _expect(right, f"stride, padding, dilation: {self.geometry}")
        sides = zip(x[2:], w[2:], stride, padding, dilation, strict=True)
        places = [(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in sides]
        _expect(places == y[2:], f"{places} positions, not {y[2:]}")

    def build_operation_graph(self):
        self._step("validated", "built")
        if "stats" in self.tensors:
            _expect(self.tensors["stats"].data_type is data_type.FLOAT, "stats is not FLOAT", RuntimeError)
        kinds = {each.data_type for name, each in self.tensors.items() if name != "stats"}
        wants = data_type.DOUBLE if kinds == {data_type.DOUBLE} else data_type.FLOAT
        _expect(kinds == {self.io} and self.compute is wants, f"types {kinds}, computed in {self.compute}", RuntimeError)
        _expect(len({each.uid for each in self.tensors.values()}) == len(self.tensors), "two tensors of one number", RuntimeError)

    def create_execution_plans(self, modes):
        self._step("built", "planned")
        kind = self.io
        engines = [*_ENGINES * (heur_mode.A in modes), *_FALLBACK * (heur_mode.FALLBACK in modes)]
        self.engines = [each for each in engines if kind in each.only and self.name in each.nodes and self.name not in unknown]
        if self.name == "sdpa_backward":
            _expect(math.prod(self.tensors["stats"].dim) > 1, "cuDNN 9.28 crashes", SystemError)
            if self.tensors["q"].dim[2] == self.tensors["k"].dim[2] == 1:
                self.engines = []
        _expect(self.engines, "No valid engine configs", cudnnGraphNotSupportedError)
        self.barred, self.most, self.ready = set(), math.inf, []

    def deselect_numeric_notes(self, notes):
        _expect(self.state == "planned", "there are no plans yet to take notes from", RuntimeError)
        self.barred.update(notes)

    def deselect_workspace_greater_than(self, workspace):
        self.most = workspace

    def get_execution_plan_count(self):
        return len(self.engines)

    def build_plan_at_index(self, index):
        _expect(self.state == "planned", f"a plan of a graph that is {self.state}", RuntimeError)
        stand_in._needs_the_host("a plan that is built")
        engine = self.engines[index]
        fits = engine.builds and engine.workspace <= self.most and not self.barred.intersection(engine.notes)
        _expect(fits, "Deselecting execution plan", cudnnGraphNotSupportedError)
        self.ready.append(engine)
        built.append(f"{self.name} {engine.name}")

    def get_workspace_size(self):
        """Of the plan that was built last."""
        _expect(self.ready, "no plan is built", RuntimeError)
        return self.ready[-1].workspace

    def execute_plan_at_index(self, tensor_to_device_buffer, workspace, index, handle):
        engine = self.engines[index]
        _expect(engine in self.ready, "the plan is not built", RuntimeError)
        _expect(handle is self.handle and handle.device == stand_in.Device(), "a handle of another graph or GPU", RuntimeError)
        _expect(handle.stream == stand_in._in_use.stream.ptr, "the stream is not the one in use", RuntimeError)
        named = {each.uid: name for name, each in self.tensors.items()}
        _expect(named.keys() == tensor_to_device_buffer.keys(), f"the tensors are {named}, but got {tensor_to_device_buffer.keys()}")
        if engine.workspace:
            _memory(workspace, engine.workspace)
        arrays = {named[uid]: self.tensors[named[uid]].at(address) for uid, address in tensor_to_device_buffer.items()}
        launched.append(f"{self.name} {engine.name}")

        def compute():
            scale = np.float64 if self.compute is data_type.DOUBLE else np.float32
            values = {name: engine.read(each.astype(scale)) for name, each in arrays.items() if name not in self.made}
            if self.name in ATTENTIONS:
                results = _attention(values, self.scale, self.causal)
            else:
                results = {made: _convolution(self.name, values, arrays[made].shape, self.geometry) for made in self.made}
            for made in self.made:
                arrays[made][...] = results[made].astype(arrays[made].dtype)
            if engine.workspace:
                ctypes.memset(workspace, 0xFF, engine.workspace)  # it is written to

        stand_in.call_library(compute, *tensor_to_device_buffer.values(), *([workspace] if engine.workspace else []))


def _convolution(node, values, made_shape, geometry):
    """The sum over the kernel's taps of what each sees, multiplied; of dgrad and wgrad the transposes."""
    x_shape, w_shape, y_shape = (values[name].shape if name in values else made_shape for name in ("input", "weight", "output"))
    (n, c, *spatial), (o, per_group, *kernel), places = x_shape, w_shape, y_shape[2:]
    groups, (stride, padding, dilation) = c // per_group, geometry
    dtype = next(iter(values.values())).dtype
    padded = np.zeros((n, c, *(side + 2 * p for side, p in zip(spatial, padding, strict=True))), dtype)
    inside = (..., *(slice(p, p + side) for side, p in zip(spatial, padding, strict=True)))
    if "input" in values:
        padded[inside] = values["input"]
    weight = values.get("weight", np.zeros(w_shape, dtype)).reshape(groups, o // groups, per_group, *kernel)
    output = values.get("output", np.zeros(y_shape, dtype)).reshape(n, groups, o // groups, math.prod(places))
    for tap in itertools.product(*map(range, kernel)):
        starts = [t * d for t, d in zip(tap, dilation, strict=True)]
        seen = (..., *(slice(f, f + s * (m - 1) + 1, s) for f, s, m in zip(starts, stride, places, strict=True)))
        patches = padded[seen].reshape(n, groups, per_group, -1)
        if node == "conv_fprop":
            output += np.einsum("goc,ngcp->ngop", weight[..., *tap], patches)
        elif node == "conv_dgrad":
            padded[seen] += np.einsum("goc,ngop->ngcp", weight[..., *tap], output).reshape(n, c, *places)
        else:
            weight[..., *tap] = np.einsum("ngop,ngcp->goc", output, patches)
    return {"conv_fprop": output.reshape(y_shape), "conv_dgrad": padded[inside], "conv_wgrad": weight.reshape(w_shape)}[node]


def _attention(values, scale, causal):
    """What forward makes of q, k and v, or backward of o, dO and stats too: p is exp(scores - log sum exp)."""
    q, k, v = values["q"], values["k"], values["v"]
    scores = q @ k.mT * np.float32(scale)
    if causal:
        scores[..., ~np.tri(*scores.shape[-2:], dtype=bool)] = -np.inf
    if "dO" not in values:
        top = scores.max(-1, keepdims=True)
        stats = top + np.log(np.exp(scores - top).sum(-1, keepdims=True))
        return {"o": np.exp(scores - stats) @ v, "stats": stats}
    p, grad = np.exp(scores - values["stats"]), values["dO"]
    of_scores = p * (grad @ v.mT - (grad * values["o"]).sum(-1, keepdims=True)) * np.float32(scale)
    return {"dQ": of_scores @ k, "dK": of_scores.mT @ q, "dV": p.mT @ grad}


def _memory(address, size):
    """`size` bytes from an address on, which must be those of an array."""
    array = stand_in._at(operator.index(address))._host
    end = array.__array_interface__["data"][0] + array.nbytes
    _expect(address + size <= end, f"{address + size - end} bytes past the end of an array are touched", RuntimeError)
    return (ctypes.c_char * size).from_address(address)


def modules() -> dict:
    """The frontend by its name."""
    return {"cudnn": sys.modules[__name__]}
