"""LLVM's vectors inside Numba's code, which has none: loading, storing, shuffling them, and arithmetic as it is written on paper.

LLVM divides the vectors that a processor does not have.
"""

import llvmlite.binding as llvm
from llvmlite import ir
from numba.core import cgutils

_features = llvm.get_host_cpu_features()
REGISTER = 64 if _features.get("avx512f") else 32 if _features.get("avx2") else 16  # bytes
integer = ir.IntType(64)


def lanes(dtype) -> int:
    """How many numbers of this type, NumPy's or Numba's, are in a register."""
    return 8 * REGISTER // getattr(dtype, "bitwidth", 8 * getattr(dtype, "itemsize", 0))


class Vectors:
    """Vectors of some numbers of a type, by an IR builder."""

    def __init__(self, builder, element, count: int | None = None):
        self.builder, self.bits, self.lanes = builder, element.bitwidth, count or lanes(element)
        self.type = ir.VectorType(ir.FloatType() if self.bits == 32 else ir.DoubleType(), self.lanes)
        name, signature = f"llvm.fmuladd.v{self.lanes}f{self.bits}", ir.FunctionType(self.type, [self.type] * 3)
        self._multiply_add = cgutils.get_or_insert_function(builder.module, name=name, fnty=signature)

    def constant(self, number: float) -> "Value":
        """The number in all lanes."""
        return Value(self, ir.Constant(self.type, [number] * self.lanes))

    def spread(self, number) -> "Value":
        """A number that is known when the code runs, in all lanes."""
        first = self.builder.insert_element(ir.Constant(self.type, ir.Undefined), number, ir.IntType(32)(0))
        return Value(self, first).shuffled([0] * self.lanes)

    def load(self, start, offset) -> "Value":
        """What begins so many numbers after an address."""
        found = self.builder.load(self._place(start, offset))
        found.align = self.bits // 8
        return Value(self, found)

    def store(self, value: "Value", start, offset) -> None:
        """The opposite."""
        self.builder.store(value.ir, self._place(start, offset)).align = self.bits // 8

    def variable(self, value: "Value"):
        """The address of a variable, which LLVM keeps in a register."""
        return cgutils.alloca_once_value(self.builder, value.ir)

    def _place(self, start, offset):
        return self.builder.bitcast(self.builder.gep(start, [offset]), self.type.as_pointer())

    def multiply_add(self, a: "Value", b: "Value", c: "Value") -> "Value":
        """a b + c, rounded once where the processor can."""
        return Value(self, self.builder.call(self._multiply_add, [a.ir, b.ir, c.ir]))


class Value:
    """A vector: `a + b`, `a - b`, and `number * a`, which is multiplied when something is added to it."""

    def __init__(self, vectors: Vectors, value):
        self.vectors, self.ir = vectors, value

    def __add__(self, other):
        if isinstance(other, Scaled):
            return other + self
        return Value(self.vectors, self.vectors.builder.fadd(self.ir, other.ir))

    def __sub__(self, other):
        if isinstance(other, Scaled):
            return Scaled(-other.factor, other.value) + self
        return Value(self.vectors, self.vectors.builder.fsub(self.ir, other.ir))

    def __neg__(self):
        return Value(self.vectors, self.vectors.builder.fneg(self.ir))

    def __rmul__(self, factor):
        return Scaled(float(factor), self)

    def shuffled(self, picks, other: "Value | None" = None) -> "Value":
        """The lanes of this vector, and after them those of another, in the order that `picks` says."""
        order = ir.Constant(ir.VectorType(ir.IntType(32), len(picks)), list(picks))
        return Value(self.vectors, self.vectors.builder.shuffle_vector(self.ir, (other or self).ir, order))


class Scaled:
    """number * vector."""

    def __init__(self, factor: float, value: Value):
        self.factor, self.value = factor, value

    def __add__(self, other):
        vectors = self.value.vectors
        other = other.product() if isinstance(other, Scaled) else other
        return vectors.multiply_add(self.value, vectors.constant(self.factor), other)

    def __sub__(self, other):
        return self + (Scaled(-other.factor, other.value) if isinstance(other, Scaled) else -other)

    def product(self) -> Value:
        """The vector that it is."""
        vectors = self.value.vectors
        return Value(vectors, vectors.builder.fmul(self.value.ir, vectors.constant(self.factor).ir))


def opened(context, builder, kind, array) -> tuple:
    """(address, shape, strides in bytes) of one of Numba's arrays."""
    found = context.make_array(kind)(context, builder, array)
    return found.data, cgutils.unpack_tuple(builder, found.shape), cgutils.unpack_tuple(builder, found.strides)


def interleaved(a: Value, b: Value) -> list:
    """a_0 b_0 a_1 b_1 …, in two vectors."""
    count = a.vectors.lanes
    return [a.shuffled([start + i // 2 + count * (i % 2) for i in range(count)], b) for start in (0, count // 2)]


def split(values: list) -> list:
    """Four vectors that lie one after another as four columns: numbers 0, 4, 8, …; 1, 5, 9, …; and so on."""
    count = values[0].vectors.lanes
    even, odd = range(0, 2 * count, 2), range(1, 2 * count, 2)
    a, b, c, d = values
    evens, odds = (a.shuffled(even, b), c.shuffled(even, d)), (a.shuffled(odd, b), c.shuffled(odd, d))
    pairs = ((half, which) for which in (even, odd) for half in (evens, odds))
    return [first.shuffled(which, second) for (first, second), which in pairs]


def join(columns: list) -> list:
    """The opposite of `split`."""
    a, b, c, d = columns
    return [each for pair in zip(interleaved(a, c), interleaved(b, d), strict=True) for each in interleaved(*pair)]
