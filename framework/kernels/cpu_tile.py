"""The innermost parts of a matrix product, on a processor's vector registers, in LLVM's own instructions.

A tile of R rows and V vectors of columns has R V vectors of sums.  A step along the inner dimension takes R numbers of a, each spread over
a vector, and V vectors of b: R V multiplications and additions for R + V loads, so that arithmetic is the limit, not memory.

    c (R, V lanes) = Σ_k a_k b_kᵀ        (+ c)        a_k (R) and b_k (V lanes): what the tile needs of column k of a, and of row k of b

Numba's code has no vectors; LLVM's has, and LLVM divides those that a processor does not have.
"""

import llvmlite.binding as llvm
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

_features = llvm.get_host_cpu_features()
_REGISTER = 64 if _features.get("avx512f") else 32 if _features.get("avx2") else 16  # bytes
ROWS = 6 if _REGISTER == 32 else 12  # of the tallest tile: with two vectors it leaves some of 16 or 32 registers to a and b

_int = ir.IntType(64)


def lanes(dtype) -> int:
    """How many numbers of this type are in a vector."""
    return _REGISTER // dtype.itemsize


class _Vectors:
    """Vectors of a Numba array's numbers: how they are loaded and stored by an IR builder."""

    def __init__(self, builder, element):
        self.builder, self.bytes = builder, element.bitwidth // 8
        self.lanes = _REGISTER // self.bytes
        self.type = ir.VectorType(ir.FloatType() if self.bytes == 4 else ir.DoubleType(), self.lanes)
        self.zero, self.unknown = ir.Constant(self.type, None), ir.Constant(self.type, ir.Undefined)

    def place(self, start, offset):
        return self.builder.bitcast(self.builder.gep(start, [offset]), self.type.as_pointer())

    def load(self, start, offset):
        found = self.builder.load(self.place(start, offset))
        found.align = self.bytes
        return found

    def store(self, value, start, offset) -> None:
        self.builder.store(value, self.place(start, offset)).align = self.bytes

    def spread(self, number):
        """The number in all lanes."""
        return self.shuffle(self.builder.insert_element(self.unknown, number, ir.IntType(32)(0)), self.unknown, [0] * self.lanes)

    def shuffle(self, first, second, picks):
        return self.builder.shuffle_vector(first, second, ir.Constant(ir.VectorType(ir.IntType(32), len(picks)), picks))


def _start(context, builder, kind, array, at):
    """The address of element `at` of a Numba array."""
    return builder.gep(context.make_array(kind)(context, builder, array).data, [at])


def tile(rows: int, vectors: int):
    """The function that computes such a tile, for Numba's code.

    a[at + i row + k column], b[at + k step + j] and c[at + i step + j] are its elements in arrays a, b and c, over `depth` > 0 steps k.
    """

    @intrinsic
    def compute(typing_context, a, a_at, a_row, a_column, b, b_at, b_step, c, c_at, c_step, depth, add):
        def generate(context, builder, signature, args):
            array_a, a_at, a_row, a_column, array_b, b_at, b_step, array_c, c_at, c_step, depth, add = args
            a_start, b_start, c_start = (
                _start(context, builder, *each) for each in ((a, array_a, a_at), (b, array_b, b_at), (c, array_c, c_at))
            )
            vector = _Vectors(builder, a.dtype)
            shape = [(i, j) for i in range(rows) for j in range(vectors)]
            fma = f"llvm.fmuladd.v{vector.lanes}f{8 * vector.bytes}"
            multiply_add = cgutils.get_or_insert_function(builder.module, ir.FunctionType(vector.type, [vector.type] * 3), fma)
            a_rows = [builder.gep(a_start, [builder.mul(a_row, _int(i))]) for i in range(rows)]

            before, loop, after = builder.block, builder.append_basic_block(), builder.append_basic_block()
            builder.branch(loop)
            builder.position_at_end(loop)
            k, sums = builder.phi(_int), {at: builder.phi(vector.type) for at in shape}
            of_b = [vector.load(b_start, builder.add(builder.mul(k, b_step), _int(j * vector.lanes))) for j in range(vectors)]
            of_a = [vector.spread(builder.load(builder.gep(each, [builder.mul(k, a_column)]))) for each in a_rows]
            found = {(i, j): builder.call(multiply_add, [of_a[i], of_b[j], sums[i, j]]) for i, j in shape}
            next_k = builder.add(k, _int(1))
            for phi, first, following in [(k, _int(0), next_k), *((sums[at], vector.zero, found[at]) for at in shape)]:
                phi.add_incoming(first, before)
                phi.add_incoming(following, loop)
            builder.cbranch(builder.icmp_signed("<", next_k, depth), loop, after)

            builder.position_at_end(after)
            with builder.if_else(add) as branches:
                for branch, adds in zip(branches, (True, False), strict=True):
                    with branch:
                        for i, j in shape:
                            where = builder.add(builder.mul(c_step, _int(i)), _int(j * vector.lanes))
                            total = builder.fadd(found[i, j], vector.load(c_start, where)) if adds else found[i, j]
                            vector.store(total, c_start, where)
            return context.get_dummy_value()

        return types.void(a, a_at, a_row, a_column, b, b_at, b_step, c, c_at, c_step, depth, add), generate

    return compute


@intrinsic
def transpose(typing_context, a, a_at, a_step, out, out_at, out_step):
    """out[at + k step + j] = a[at + j step + k] for j and k up to the lanes of a vector: all rows are interleaved until they are columns."""

    def generate(context, builder, signature, args):
        array_a, a_at, a_step, array_out, out_at, out_step = args
        a_start, out_start = _start(context, builder, a, array_a, a_at), _start(context, builder, out, array_out, out_at)
        vector = _Vectors(builder, a.dtype)
        count = vector.lanes
        rows = [vector.load(a_start, builder.mul(a_step, _int(j))) for j in range(count)]
        low, high = ([start + i // 2 + count * (i % 2) for i in range(count)] for start in (0, count // 2))
        for _ in range(count.bit_length() - 1):
            rows = [vector.shuffle(*pair, picks) for pair in zip(rows[: count // 2], rows[count // 2 :], strict=True) for picks in (low, high)]
        for k, column in enumerate(rows):
            vector.store(column, out_start, builder.mul(out_step, _int(k)))
        return context.get_dummy_value()

    return types.void(a, a_at, a_step, out, out_at, out_step), generate
