"""What a GPU's kernels share: CUDA C++ that CuPy compiles when it is first used, how it is launched, and questions about arrays.

    kernels = Source('''
    extern "C" __global__ void scale(const T* input, double factor, T* out, Index n) {
        for (Index i = first(); i < n; i += step()) out[i] = (S)input[i] * (S)factor;
    }''')
    kernels.each("scale", n, input, factor, out, n)      # a thread an element, or of a `map` a thread for 16 bytes: kernels.packs
    kernels.rows("softmax", rows, input, out, columns)   # a block of threads a row

In a kernel T is the type of the elements (float, double, bfloat16 or float16), S the one to compute in: float, for double double.  Arrays
lie row by row.  A Python int is passed as an Index (64 bits), a float as a double.
"""

import functools
import re
import sys

import numpy as np
from ml_dtypes import bfloat16

from . import kernel

HEADER = r"""
typedef long long Index;

struct bfloat16 {  // the upper half of a float
    unsigned short bits;
    __device__ bfloat16() {}
    __device__ bfloat16(float value) {
        unsigned whole = __float_as_uint(value);
        bits = value != value ? 0x7fc0 : (whole + 0x7fff + (whole >> 16 & 1)) >> 16;  // to the nearest, of two equally near the even one
    }
    __device__ operator float() const { return __uint_as_float((unsigned)bits << 16); }
};

#ifdef __CUDACC__  // NVIDIA's compilers: there is an instruction for it
__device__ unsigned short bits_of_half(float value) {
    unsigned short bits;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
    return bits;
}
__device__ float value_of_half(unsigned short bits) {
    float value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
    return value;
}
#endif
struct float16 {  // five bits of exponent, ten of fraction
    unsigned short bits;
    __device__ float16() {}
    __device__ float16(float value) : bits(bits_of_half(value)) {}
    __device__ operator float() const { return value_of_half(bits); }
};

// A thread's first element, and how far it is to its next one.
__device__ Index first() { return blockIdx.x * (Index)blockDim.x + threadIdx.x; }
__device__ Index step() { return gridDim.x * (Index)blockDim.x; }

// A number of the host, or one that lies in the GPU's memory, where a recorded step finds it anew at every launch (cuda_graph.py).
#define NUMBER(type, name) const type* name##_there, type name##_here
#define VALUE(name) (name##_there ? *name##_there : name##_here)

__device__ S sigmoid(S x) { return 1 / (1 + exp(-x)); }

struct Sum { __device__ static S of(S a, S b) { return a + b; } };
struct Max { __device__ static S of(S a, S b) { return a > b || a != a ? a : b; } };  // a nan stays

// The sum, or the largest, of a number of every thread of a block (a power of two of them, 32 at least): all threads get it.
template <class How> __device__ S of_block(S value) {
    __shared__ S parts[32];
    const int lane = threadIdx.x % 32, warps = blockDim.x / 32;
    for (int apart = 16; apart; apart /= 2) value = How::of(value, __shfl_xor_sync(~0u, value, apart));
    if (lane == 0) parts[threadIdx.x / 32] = value;
    __syncthreads();
    value = parts[lane % warps];
    for (int apart = warps / 2; apart; apart /= 2) value = How::of(value, __shfl_xor_sync(~0u, value, apart));
    __syncthreads();  // all have read `parts`
    return value;
}

// The sum of so many parts: all threads of a block get it.
__device__ S sum_of(const S* parts, Index count) {
    S sum = 0;
    for (Index i = threadIdx.x; i < count; i += blockDim.x) sum += parts[i];
    return of_block<Sum>(sum);
}
"""

PACKS = r"""
// W neighbours in memory are read and written at once.
const int W = 16 / sizeof(T);
struct alignas(16) Pack { T each[W]; };
__device__ bool aligned(const void* place) { return (size_t)place % 16 == 0; }

// The sum of `count` neighbours, one or W.
__device__ S sum_of_neighbours(const T* place, int count) {
    if (count == 1) return *place;
    const Pack pack = *(const Pack*)place;
    S sum = 0;
    for (int k = 0; k < W; k++) sum += (S)pack.each[k];
    return sum;
}

// out[i] = f(a[i], b[i], c[i]) for all i < n; b and c may be null.  A thread for each pack is enough.
template <class F> __device__ void map(Index n, T* out, F f, const T* a, const T* b = nullptr, const T* c = nullptr) {
    Index done = 0;
    if (aligned(out) && aligned(a) && aligned(b) && aligned(c)) {
        done = n / W * W;
        for (Index i = first() * W; i < done; i += step() * W) {
            const Pack x = *(const Pack*)(a + i), y = b ? *(const Pack*)(b + i) : x, z = c ? *(const Pack*)(c + i) : x;
            Pack result;
            for (int k = 0; k < W; k++) result.each[k] = f(x.each[k], y.each[k], z.each[k]);
            *(Pack*)(out + i) = result;
        }
    }
    for (Index i = done + first(); i < n; i += step()) out[i] = f(a[i], b ? b[i] : a[i], c ? c[i] : a[i]);
}

// The same over images (N, C, inner), n < 2^32, with a function for each channel: out[i] = of(c)(a[i], b[i]); b may be null.
template <class F> __device__ void map_channels(Index n, Index channels, Index inner, T* out, F of, const T* a, const T* b = nullptr) {
    if (inner % W == 0 && aligned(out) && aligned(a) && aligned(b)) {
        for (Index i = first() * W; i < n; i += step() * W) {
            const auto f = of((unsigned)i / (unsigned)inner % (unsigned)channels);
            const Pack x = *(const Pack*)(a + i), y = b ? *(const Pack*)(b + i) : x;
            Pack result;
            for (int k = 0; k < W; k++) result.each[k] = f(x.each[k], y.each[k]);
            *(Pack*)(out + i) = result;
        }
    } else
        for (Index i = first(); i < n; i += step())
            out[i] = of((unsigned)i / (unsigned)inner % (unsigned)channels)(a[i], b ? b[i] : a[i]);
}
"""

_C_TYPES = {  # T and S
    np.dtype(np.float32): ("float", "float"), np.dtype(np.float64): ("double", "double"),
    np.dtype(bfloat16): ("bfloat16", "float"), np.dtype(np.float16): ("float16", "float"),
}  # fmt: skip
_THREADS = 256  # of a block
_MOST_BLOCKS = 1 << 16  # more elements than so many blocks have threads are taken in turn


def cupy():
    """The library itself, which is imported when the first tensor is put on a GPU."""
    return sys.modules["cupy"]


class Source:
    """CUDA C++, compiled for each type of elements that it is used with; `all` are kept, for the tests to compile."""

    all = []

    def __init__(self, code: str):
        self.code, self.modules, self.functions = code, {}, {}
        self.kernels = re.findall(r"__global__ void (\w+)\(", code)
        Source.all.append(self)

    def __repr__(self) -> str:
        return f"Source({', '.join(self.kernels)})"

    def text(self, dtype) -> str:
        """What is compiled for elements of `dtype`."""
        storage, arithmetic = _C_TYPES[np.dtype(dtype)]
        return f"typedef {arithmetic} S;\n{HEADER}\ntypedef {storage} T;\n{PACKS}\n{self.code}"

    def function(self, name: str, dtype):
        """The kernel `name` for elements of `dtype`, of the GPU in use."""
        key = name, dtype, cupy().cuda.runtime.getDevice()
        if key not in self.functions:
            if dtype not in self.modules:
                self.modules[dtype] = cupy().RawModule(code=self.text(dtype), options=("-std=c++17",))
            self.functions[key] = self.modules[dtype].get_function(name)
        return self.functions[key]

    def each(self, name: str, count: int, *args, dtype=None) -> None:
        """Launch `name` with a thread for each of `count` elements; their type is that of the first array unless it is given."""
        if count:
            blocks = min(-(-count // _THREADS), _MOST_BLOCKS)
            self.function(name, dtype or args[0].dtype)((blocks,), (_THREADS,), args)

    def packs(self, name: str, out, *args) -> None:
        """Launch `name`, which is a `map`, with a thread for each pack of `out`; it takes `args`, then `out` and its size."""
        self.each(name, -(-out.nbytes // 16), *args, out, out.size)

    def rows(self, name: str, rows: int, *args, dtype=None, threads: int = _THREADS) -> None:
        """Launch `name` with a block of threads for each of `rows` rows."""
        if rows:
            self.function(name, dtype or args[0].dtype)((rows,), (threads,), args)

    def grid(self, name: str, blocks: tuple, *args, dtype=None) -> None:
        """Launch `name` with so many blocks of threads along each dimension."""
        self.function(name, dtype or args[0].dtype)(blocks, (_THREADS,), args)


def number(value) -> tuple:
    """What `NUMBER` takes: a float or an int of the host, or a 0-d array of the GPU."""
    return (None, np.uint64(value) if isinstance(value, int) else value) if np.isscalar(value) else (value, value.dtype.type(0))


def arithmetic(dtype):
    """The type S for elements of `dtype`."""
    return np.dtype(np.float64 if dtype == np.float64 else np.float32)


def threads_for(columns: int) -> int:
    """How many threads should take a row of so many elements, about four each: a power of two from 32 to 1,024."""
    return min(1024, max(32, 1 << (-(-columns // 4) - 1).bit_length()))


def floats(*arrays) -> bool:
    """Whether all arrays (None is left out) are of one type, and that is one of a kernel's."""
    types = {each.dtype for each in arrays if each is not None}
    return len(types) == 1 and types.pop() in _C_TYPES


def contiguous(*arrays) -> bool:
    """Whether all arrays (None is left out) lie in memory row by row."""
    return all([each.flags.c_contiguous for each in arrays if each is not None])


def by_row(array):
    """`array`, or a copy of it that lies row by row."""
    return cupy().ascontiguousarray(array)


def as_it_lies(array) -> tuple:
    """`array`, images with their channels last if they lie so, and whether they do: what lies neither so nor row by row is copied.

    16-bit convolutions leave images (N, C, H, W) as (N, H, W, C) in memory, where cuDNN is fastest (cuda_cudnn.py); kernels that have the
    choice take them so, and leave their results so.
    """
    if array.ndim == 4 and not array.flags.c_contiguous and array.transpose(0, 2, 3, 1).flags.c_contiguous:
        return array.transpose(0, 2, 3, 1), True
    return by_row(array), False


def laid(array, last: bool):
    """Images (N, C, H, W) as `as_it_lies` has given others."""
    return by_row(array.transpose(0, 2, 3, 1) if last else array)


def images(array, last: bool):
    """(N, C, H, W) again."""
    return array.transpose(0, 3, 1, 2) if last else array


gpu_kernel = functools.partial(kernel, kind="cuda")

__all__ = ["Source", "arithmetic", "as_it_lies", "by_row", "contiguous", "cupy", "floats", "gpu_kernel", "images", "laid", "number",
           "threads_for"]  # fmt: skip
