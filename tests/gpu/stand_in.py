"""A stand-in for CuPy where there is no GPU: its arrays are NumPy's, and it is strict wherever CuPy or a GPU is.

What CuPy has is here under the same name, computed by NumPy; what it has not is not (the lists below are of CuPy 14.2).  Like CuPy it
refuses NumPy's arrays as operands, turns no array of its own into one of NumPy's unless told so, and gives 0-d arrays where NumPy gives
scalars.  Stricter than CuPy, it fills new memory with nonsense, and refuses to mix GPUs.  While a stream is captured it refuses all that
needs the host: copies to or from it, a bool, a number, a result whose shape depends on values.  Like CuPy it then refuses to multiply
matrices too: that goes by NVIDIA's own bindings (cublas_stand_in.py).  A captured graph computes everything again in the same memory when
it is launched.
"""

import contextlib
import ctypes
import inspect
import sys
import threading
import types
import weakref
from functools import reduce

import numpy as np
import scipy.special

from framework.device import gpus
from framework.kernels.cuda import Source
from framework.kernels.cuda_matmul import blas
from tests.gpu import cublas_stand_in, cudnn_stand_in, emulator

FUNCTIONS = """
    abs absolute add all allclose amax amin any append arange arccos arccosh arcsin arcsinh arctan arctan2 arctanh argmax argmin
    argpartition argsort argwhere array array_equal array_split ascontiguousarray asfortranarray atleast_1d atleast_2d atleast_3d
    average bincount bitwise_and bitwise_count bitwise_invert bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift
    bitwise_xor broadcast_arrays broadcast_to cbrt ceil choose clip column_stack compress concatenate conj conjugate copy copysign
    copyto correlate cos cosh count_nonzero cov cross cumprod cumsum deg2rad degrees diag diagflat diagonal diff digitize divide
    divmod dot dsplit dstack einsum empty empty_like equal exp exp2 expand_dims expm1 extract eye fabs fill_diagonal fix flatnonzero
    flip fliplr flipud float_power floor floor_divide fmax fmin fmod frexp frombuffer full full_like gcd gradient greater
    greater_equal heaviside histogram hsplit hstack hypot i0 identity imag indices inner interp invert isclose isfinite isin isinf
    isnan isneginf isposinf ix_ kron lcm ldexp left_shift less less_equal lexsort linspace log log10 log1p log2 logaddexp logaddexp2
    logical_and logical_not logical_or logical_xor logspace matmul matrix_transpose max maximum mean median meshgrid min minimum mod
    modf moveaxis multiply nan_to_num nanargmax nanargmin nancumprod nancumsum nanmax nanmean nanmedian nanmin nanprod nanstd nansum
    nanvar negative nextafter nonzero not_equal ones ones_like outer packbits pad partition percentile permute_dims piecewise place
    positive pow power prod ptp put put_along_axis putmask quantile rad2deg radians ravel ravel_multi_index real reciprocal
    remainder repeat require reshape right_shift rint roll rollaxis rot90 round searchsorted select sign signbit sin sinc sinh sort
    split sqrt square squeeze stack std subtract sum swapaxes take take_along_axis tan tanh tensordot tile trace transpose tri tril
    tril_indices triu triu_indices true_divide trunc unique unpackbits unravel_index vander var vdot vsplit vstack where zeros
    zeros_like
""".split()
OF_TYPES = "can_cast promote_types issubdtype isscalar broadcast_shapes".split()
ATTRIBUTES = "shape ndim size".split()
METHODS = """
    all any argmax argmin argpartition argsort astype byteswap choose clip compress conj conjugate copy cumprod cumsum diagonal dot
    fill flatten max mean min nonzero partition prod ptp put ravel repeat reshape round searchsorted sort squeeze std sum swapaxes
    take trace transpose var view
""".split()
LINALG = """
    cholesky cond det eigh eigvalsh inv lstsq matrix_norm matrix_power matrix_rank norm pinv qr slogdet solve svd tensorinv
""".split()
SPECIAL = """
    betainc digamma entr erf erfc erfcx erfinv exp1 expit expm1 gamma gammainc gammaincc gammaln i0 i0e i1 i1e log1p log_expit
    log_ndtr logit ndtr ndtri polygamma psi sinc xlog1py xlogy zeta
""".split()
SCATTERED = "add subtract maximum minimum bitwise_and bitwise_or bitwise_xor".split()  # have `at`
ACCUMULATED = "add multiply".split()  # have `accumulate`
VALUES_GIVE_THE_SHAPE = {"nonzero", "argwhere", "flatnonzero", "unique", "extract", "compress", "bincount"}
PRODUCTS = {"matmul", "__matmul__", "__rmatmul__", "dot", "tensordot", "einsum", "inner", "vdot"}
OPERATORS = "add sub mul truediv floordiv mod pow matmul and or xor lshift rshift".split()
COMPARISONS = "lt le eq ne gt ge".split()


class _InUse(threading.local):
    """What each thread works with."""

    device, stream = 0, None

    def __init__(self):
        self.left = []  # what the blocks that are open were entered with

    def enter(self, kind, value):
        self.left.append((kind, getattr(self, kind)))
        setattr(self, kind, value)

    def leave(self):
        setattr(self, *self.left.pop())


_in_use = _InUse()


class Device:
    """One of two GPUs."""

    def __init__(self, id=None):
        self.id = _in_use.device if id is None else int(id)
        if not 0 <= self.id < 2:
            raise RuntimeError("cudaErrorInvalidDevice: invalid device ordinal")

    def __enter__(self):
        _in_use.enter("device", self.id)
        return self

    def __exit__(self, *error):
        _in_use.leave()

    def __eq__(self, other):
        return isinstance(other, Device) and other.id == self.id

    __hash__ = None

    def use(self):
        _in_use.device = self.id

    def synchronize(self):
        _needs_the_host("a synchronisation")


class Stream:
    """A queue of work; `captured` is the list of calls that it takes down while it is captured.

    All is computed at once but copies from page-locked memory, which are made as late as possible: when somebody waits for them.
    """

    def __init__(self, null=False, non_blocking=False, ptds=False, priority=None):
        self.null, self.captured, self.ptr = null, None, 0 if null else id(self)
        self.copies, self.made = [], 0

    def make_copies(self, count):
        for copy in self.copies[self.made : count]:
            copy()
        self.made = max(self.made, count)

    @property
    def done(self):
        return self.made == len(self.copies)

    def __eq__(self, other):
        return isinstance(other, Stream) and other.ptr == self.ptr

    __hash__ = object.__hash__

    def __enter__(self):
        _in_use.enter("stream", self)
        return self

    def __exit__(self, *error):
        _in_use.leave()

    def use(self):
        _in_use.stream = self
        return self

    def synchronize(self):
        _needs_the_host("a synchronisation")
        self.make_copies(len(self.copies))

    def begin_capture(self, mode=None):
        if self.null:
            raise RuntimeError("cudaErrorStreamCaptureUnsupported: the default stream cannot be captured")
        self.captured, self.before = [], {}

    def end_capture(self):
        """The graph; nothing of it has been computed yet."""
        graph, self.captured = Graph(self.captured), None
        for host, values in self.before.values():
            host[...] = values
        return graph

    def is_capturing(self):
        return self.captured is not None

    def record(self, event=None):
        event = event or Event()
        event.record(self)
        return event

    def wait_event(self, event):
        event.reach()


Stream.null = _InUse.stream = Stream(null=True)


class Event:
    """A mark: how many of a stream's copies are before it."""

    def __init__(self, block=False, disable_timing=False, interprocess=False):
        self.disable_timing, self.stream, self.count = disable_timing, Stream.null, 0

    def record(self, stream=None):
        self.stream = stream or _in_use.stream
        self.count = len(self.stream.copies)

    def reach(self):
        self.stream.make_copies(self.count)

    @property
    def done(self):
        return self.stream.made >= self.count

    def synchronize(self):
        _needs_the_host("a synchronisation")
        self.reach()


def _elapsed_time(start, end):
    if start.disable_timing or end.disable_timing:
        raise RuntimeError("cudaErrorInvalidResourceHandle: an event without timing")
    return 0.5


class PinnedMemory(bytearray):
    """Page-locked memory of the host."""


class Memory:
    """Where an array lies."""

    def __init__(self, array):
        self.array, self.ptr, self.device = array, array._host.__array_interface__["data"][0], array.device

    def copy_from_host_async(self, address, size, stream=None):
        _needs_the_host("a copy from the host")
        (stream or _in_use.stream).copies.append(lambda: ctypes.memmove(self.ptr, address, size))


class Graph:
    """Calls that were captured, with the memory they read and write."""

    def __init__(self, calls):
        self.calls = calls

    def launch(self, stream=None):
        for function, args, keywords, out in self.calls:
            again = function(*_on_host(args), **_on_host(keywords))
            for old, new in zip(_arrays_in(out), _host_arrays_in(again), strict=True):
                if old._host is not new and not np.shares_memory(old._host, new):
                    old._host[...] = new

    def upload(self, stream=None):
        pass


def _needs_the_host(what) -> None:
    if _in_use.stream.captured is not None:
        raise RuntimeError(f"cudaErrorStreamCaptureUnsupported: {what} while the stream is captured")


def _arrays_in(value) -> list:
    """The stand-in's arrays in `value`, inside containers too."""
    if isinstance(value, ndarray):
        return [value]
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, (tuple, list)) else ()
    return [array for each in inside for array in _arrays_in(each)]


def _host_arrays_in(value) -> list:
    if isinstance(value, (np.ndarray, np.generic)):
        return [np.asarray(value)]
    return [array for each in value for array in _host_arrays_in(each)] if isinstance(value, (tuple, list)) else []


def _on_host(value):
    """The same with NumPy's arrays for the stand-in's; NumPy's own are refused."""
    if isinstance(value, ndarray):
        return value._host
    if isinstance(value, np.ndarray):
        raise TypeError(f"Unsupported type {type(value)}")
    if isinstance(value, dict):
        return {name: _on_host(each) for name, each in value.items()}
    if isinstance(value, (tuple, list)):
        made = [_on_host(each) for each in value]
        return type(value)(*made) if hasattr(value, "_fields") else type(value)(made)
    return value


def _root(array):
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def _from_host(value, inputs):
    """The result of a call with such inputs; what shares the memory of one of them is a view of it."""
    if isinstance(value, (np.ndarray, np.generic)):
        host = np.asarray(value)
        for each in inputs:
            if host is each._host:
                return each
        base = next((each for each in inputs if host.base is not None and _root(host) is _root(each._host)), None)
        return ndarray._of(host, base if base is None or base.base is None else base.base)
    if isinstance(value, (tuple, list)):
        made = [_from_host(each, inputs) for each in value]
        return type(value)(*made) if hasattr(value, "_fields") else type(value)(made)
    return value


_memory = weakref.WeakValueDictionary()  # address -> NumPy's array that owns the memory from there on


def _at(address: int):
    """The array whose memory holds `address`: a library is given where arrays lie."""
    host = _memory.get(address)
    if host is not None:  # it begins there, as most do
        return ndarray._of(host)
    for start, host in list(_memory.items()):
        if start <= address < start + max(host.nbytes, 1):
            return ndarray._of(host)
    raise RuntimeError(f"cudaErrorIllegalAddress: no array of the GPU lies at {address:#x}")


def call_library(function, *addresses) -> None:
    """`function()`, which reads and writes the arrays that lie at `addresses`; while a stream is captured, at every launch."""
    _call(lambda *hosts: function(), *map(_at, addresses))


def _call(function, *args, **keywords):
    """function(*args, **keywords) on a GPU."""
    inputs = _arrays_in((args, keywords))
    for each in inputs:
        if each.device.id != _in_use.device:
            raise ValueError(f"Array device must be same as the current device: array device = {each.device.id}, not {_in_use.device}")
    name = getattr(function, "__name__", "")
    if name in VALUES_GIVE_THE_SHAPE:
        _needs_the_host(name)
    if _in_use.stream.captured is not None:
        if name in PRODUCTS and any(each.dtype.kind in "fcV" for each in inputs):  # those of integers are kernels of CuPy's own
            raise NotImplementedError("calling cuBLAS API during stream capture is currently unsupported")
        for host in (_root(each._host) for each in inputs):
            _in_use.stream.before.setdefault(id(host), (host, host.copy()))
    with np.errstate(all="ignore"):
        result = function(*_on_host(args), **_on_host(keywords))
    with Device(inputs[0].device.id if inputs else None):
        out = _from_host(result, inputs)
    if _in_use.stream.captured is not None:
        _in_use.stream.captured.append((function, args, keywords, out))
    return out


class ndarray:
    """An array on a GPU: what it holds is in `_host`."""

    __array_priority__ = 100

    @staticmethod
    def _of(host, base=None):
        self = object.__new__(ndarray)
        self._host, self.base, self.device = host, base, Device()
        root = _root(host)
        _memory.setdefault(root.__array_interface__["data"][0], root)  # of a strided view its owner stands there already
        return self

    @property
    def data(self):
        """Where it lies."""
        return Memory(self)

    dtype, ndim, size, itemsize, nbytes, strides, flags = (
        property(lambda self, name=name: getattr(self._host, name)) for name in "dtype ndim size itemsize nbytes strides flags".split()
    )
    shape = property(lambda self: self._host.shape)
    T = property(lambda self: _call(np.ndarray.transpose, self))
    mT = property(lambda self: _call(lambda array: array.mT, self))
    real = property(lambda self: _call(np.real, self))
    imag = property(lambda self: _call(np.imag, self))

    def __array__(self, *args, **keywords):
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()` to construct a NumPy array explicitly.")

    def __array_ufunc__(self, ufunc, method, *inputs, **keywords):
        if method != "__call__" or ufunc.__name__ not in FUNCTIONS:
            return NotImplemented
        if "out" in keywords:
            (keywords["out"],) = keywords["out"]
        return _call(ufunc, *inputs, **keywords)

    def __array_function__(self, function, types, args, keywords):
        home = reduce(lambda module, name: getattr(module, name, None), function.__module__.split(".")[1:], sys.modules["cupy"])
        offered = getattr(home, function.__name__, None)
        return NotImplemented if offered is None else offered(*args, **keywords)

    def get(self, *args, **keywords):
        _needs_the_host("a copy to the host")
        return self._host.copy()

    def set(self, array):
        _needs_the_host("a copy from the host")
        self._host[...] = array

    def item(self, *index):
        _needs_the_host("a number for the host")
        return self._host.item(*index)

    def tolist(self):
        _needs_the_host("numbers for the host")
        return self._host.tolist()

    def scatter_add(self, place, value):
        _call(np.add.at, self, place, value)

    def __bool__(self):
        _needs_the_host("a truth value")
        return bool(self._host)

    def __int__(self):
        return int(self.item())

    def __float__(self):
        return float(self.item())

    def __index__(self):
        return int(self.item())

    def __len__(self):
        return len(self._host)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __getitem__(self, place):
        self._check_place(place)
        return _call(np.ndarray.__getitem__, self, place)

    def __setitem__(self, place, value):
        self._check_place(place)
        _call(np.ndarray.__setitem__, self, place, value)

    @staticmethod
    def _check_place(place):
        masks = [each for each in _arrays_in(place if isinstance(place, tuple) else (place,)) if each.dtype == bool]
        if masks:
            _needs_the_host("an index of bools")
        if len(masks) > 1:
            raise NotImplementedError("CuPy takes one array of bools as an index")

    def __repr__(self):
        return f"{self._host!r} on GPU {self.device.id}"

    def __copy__(self):
        return self.copy()

    def __deepcopy__(self, memo):
        return self.copy()

    __hash__ = object.__hash__


def _method(name):
    whole = getattr(np.ndarray, name, None) or getattr(np, name)

    def method(self, *args, **keywords):
        return _call(whole, self, *args, **keywords)

    method.__name__ = name
    return method


def _operator(name):
    """Like CuPy's, it leaves the work to the other operand if that has no `__array_ufunc__`, or the higher priority."""
    method = _method(name)

    def operator(self, *others):
        for each in others:
            if getattr(each, "__array_ufunc__", self) is None or getattr(each, "__array_priority__", 0) > self.__array_priority__:
                return NotImplemented
        return method(self, *others)

    return operator


for _name in METHODS:
    setattr(ndarray, _name, _method(_name))
for _name in (*(f"__{each}__" for each in (*OPERATORS, *COMPARISONS)), *(f"__r{each}__" for each in OPERATORS),
              *(f"__i{each}__" for each in OPERATORS if each != "matmul"), "__neg__", "__pos__", "__abs__", "__invert__"):  # fmt: skip
    setattr(ndarray, _name, _operator(_name))


def _poisoned(make):
    """`make`, whose new memory holds whatever was there: nonsense."""

    def made(*args, **keywords):
        array = make(*args, **keywords)
        kind = array.dtype.kind
        array[...] = np.nan if kind in "fcV" else True if kind == "b" else np.iinfo(array.dtype).max // 3
        return array

    return lambda *args, **keywords: _call(made, *args, **keywords)


def _function(name, home):
    whole = getattr(home, name)

    def function(*args, **keywords):
        return _call(whole, *args, **keywords)

    function.__name__ = name
    if name in SCATTERED:
        function.at = lambda array, place, value: _call(whole.at, array, place, value)
    if name in ACCUMULATED:
        function.accumulate = lambda array, axis=0: _call(whole.accumulate, array, axis)
    return function


def _diagonal(*args, **keywords):
    """NumPy's may not be written to, CuPy's may."""
    out = np.diagonal(*args, **keywords)
    out.flags.writeable = True
    return out


def _taken_over(data, *args, **keywords):
    """`array` and its like: what comes from the host is copied."""
    if not _arrays_in((data,)):
        _needs_the_host("a copy from the host")
        return ndarray._of(np.array(data, *args, **{name: each for name, each in keywords.items() if name != "copy"}))
    return _call(np.array, data, *args, **keywords)


def _as_array(data, dtype=None, order=None):
    if isinstance(data, ndarray) and data.device.id != _in_use.device:
        return ndarray._of(data._host.astype(dtype or data.dtype))
    if isinstance(data, ndarray) and dtype in (None, data.dtype):
        return data
    return _taken_over(data, dtype=dtype)


def _addresses(struct) -> list:
    """Where the arrays lie that a struct names."""
    return [each for name in struct.dtype.names if name == "arrays" or name.endswith("_there") for each in struct[name].flat if each]


class RawModule:
    """CUDA C++, which a C++ compiler makes a library of the host (emulator.py)."""

    def __init__(self, *, code, options=()):
        self.code = code

    def get_function(self, name):
        if name not in emulator.kernels_in(self.code):
            raise RuntimeError(f"cudaErrorNotFound: named symbol not found: {name}")

        def launch(*args, grid, block, count):
            emulator.launch(self.code, name, grid, block, args[:count])

        def kernel(grid, block, args, *, shared_mem=0):
            limits = all(0 < each <= most for each, most in zip(grid, (2**31 - 1, 65535, 65535), strict=False))
            if not limits or not 0 < np.prod(block) <= 1024:
                raise RuntimeError(f"cudaErrorInvalidConfiguration: grid {grid}, block {block}")
            structs = (type(each) is np.ndarray and each.size == 1 and each.dtype.names for each in args)
            args = [each.reshape(-1)[0] if struct else each for each, struct in zip(args, structs, strict=True)]
            named = [_at(int(address)) for each in args if isinstance(each, np.void) for address in _addresses(each)]
            _call(launch, *args, *named, grid=grid, block=block, count=len(args))

        return kernel


class MemoryPool:
    """Counts nothing, but has the methods."""

    def __init__(self, allocator=None):
        self.used = 0

    def malloc(self, size):
        return size

    def used_bytes(self):
        return 0

    total_bytes = used_bytes

    def free_all_blocks(self, stream=None):
        pass


def _modules() -> dict:
    """CuPy's modules by name."""
    cupy, cuda, linalg = types.ModuleType("cupy"), types.ModuleType("cupy.cuda"), types.ModuleType("cupy.linalg")
    cupyx, scipy_, special = types.ModuleType("cupyx"), types.ModuleType("cupyx.scipy"), types.ModuleType("cupyx.scipy.special")
    for name in FUNCTIONS:
        setattr(cupy, name, _function(name, np))
    for name in OF_TYPES:
        setattr(cupy, name, getattr(np, name))
    for name in ATTRIBUTES:
        setattr(cupy, name, lambda array, name=name: getattr(array if isinstance(array, ndarray) else np.asarray(array), name))
    cupy.result_type = lambda *values: np.result_type(*(each.dtype if isinstance(each, ndarray) else each for each in values))
    for name in LINALG:
        setattr(linalg, name, _function(name, np.linalg))
    for name in SPECIAL:
        setattr(special, name, _function(name, scipy.special))
    cupy.empty, cupy.empty_like = _poisoned(np.empty), _poisoned(np.empty_like)
    cupy.diagonal = ndarray.diagonal = lambda *args, **keywords: _call(_diagonal, *args, **keywords)
    lib = cupy.lib = types.SimpleNamespace(stride_tricks=types.SimpleNamespace())
    for name in ("as_strided", "sliding_window_view"):
        setattr(lib.stride_tricks, name, _function(name, np.lib.stride_tricks))
    cupy.array, cupy.asarray, cupy.asanyarray = _taken_over, _as_array, _as_array
    cupy.asnumpy = lambda array, **keywords: array.get() if isinstance(array, ndarray) else np.asarray(array)
    cupy.get_array_module = lambda *arrays: cupy if any(isinstance(each, ndarray) for each in arrays) else np
    cupy.ndarray, cupy.RawModule = ndarray, RawModule
    for name, value in inspect.getmembers(np, lambda each: isinstance(each, type) and issubclass(each, np.generic)):
        setattr(cupy, name, value)
    for name in ("dtype", "finfo", "iinfo", "inf", "nan", "pi", "newaxis"):
        setattr(cupy, name, getattr(np, name))
    pool = MemoryPool()
    cuda.Device, cuda.Stream, cuda.Event, cuda.Graph, cuda.MemoryPool = Device, Stream, Event, Graph, MemoryPool
    cuda.get_elapsed_time, cuda.alloc_pinned_memory = _elapsed_time, PinnedMemory
    cuda.alloc = lambda size: ndarray._of(np.empty(size, np.uint8)).data
    cuda.get_current_stream = lambda *device: _in_use.stream
    cuda.using_allocator = lambda allocator=None: contextlib.nullcontext()
    cupy.get_default_memory_pool = cuda.get_default_memory_pool = lambda: pool
    cuda.runtime = types.SimpleNamespace(
        getDeviceCount=lambda: 2, getDevice=lambda: _in_use.device, getDeviceProperties=lambda id: {"name": b"Stand-in"},
        streamCaptureModeThreadLocal=1,
    )
    cupy.cuda, cupy.linalg, cupyx.scipy, scipy_.special = cuda, linalg, scipy_, special
    ndarray.__module__ = PinnedMemory.__module__ = "cupy"
    return {each.__name__: each for each in (cupy, cuda, linalg, cupyx, scipy_, special)}


@contextlib.contextmanager
def installed():
    """`import cupy` finds the stand-in in this block."""
    made, used, several = {**_modules(), **cublas_stand_in.modules(), **cudnn_stand_in.modules()}, gpus.used, gpus.several
    gpus.used = False
    blas.cache_clear()
    before = {name: sys.modules.get(name) for name in made}
    sys.modules.update(made)
    try:
        yield made["cupy"]
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
        gpus.used, gpus.several = used, several
        for each in Source.all:
            each.modules.clear(), each.functions.clear()
        blas.cache_clear()
        _in_use.device, _in_use.stream = 0, Stream.null
