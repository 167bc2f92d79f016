"""The innermost part of a matrix product: a tile of the result that stays in a processor's vector registers.

A tile of R rows and V vectors of columns has R V vectors of sums.  A step along the inner dimension takes R numbers of a, each spread over
a vector, and V vectors of b: R V multiplications and additions for R + V loads, so that arithmetic is the limit, not memory.

    c (R, V lanes) = Σ_k a_k b_kᵀ        (+ c)        a_k (R) and b_k (V lanes): what the tile needs of column k of a, and of row k of b
"""

from numba.core import cgutils, types
from numba.extending import intrinsic

from .cpu_vectors import REGISTER, Value, Vectors, integer, interleaved, opened

ROWS = 6 if REGISTER == 32 else 12  # of the tallest tile: with two vectors it leaves some of 16 or 32 registers to a and b


def _start(context, builder, kind, array, at):
    """The address of element `at` of a Numba array."""
    return builder.gep(opened(context, builder, kind, array)[0], [at])


def tile(rows: int, vectors: int):
    """The function that computes such a tile, for Numba's code.

    a[at + i row + k column], b[at + k step + j] and c[at + i step + j] are its elements in arrays a, b and c, over `depth` > 0 steps k.
    """

    @intrinsic
    def compute(typing_context, a, a_at, a_row, a_column, b, b_at, b_step, c, c_at, c_step, depth, add):
        def generate(context, builder, signature, args):
            array_a, a_at, a_row, a_column, array_b, b_at, b_step, array_c, c_at, c_step, depth, add = args
            of = Vectors(builder, a.dtype)
            starts = (_start(context, builder, *each) for each in ((a, array_a, a_at), (b, array_b, b_at), (c, array_c, c_at)))
            a_start, b_start, c_start = starts
            shape = [(i, j) for i in range(rows) for j in range(vectors)]
            sums = {at: of.variable(of.constant(0)) for at in shape}
            a_rows = [builder.gep(a_start, [builder.mul(a_row, integer(i))]) for i in range(rows)]

            with cgutils.for_range(builder, depth) as loop:
                k = loop.index
                of_b = [of.load(b_start, builder.add(builder.mul(k, b_step), integer(j * of.lanes))) for j in range(vectors)]
                of_a = [of.spread(builder.load(builder.gep(row, [builder.mul(k, a_column)]))) for row in a_rows]
                for i, j in shape:
                    total = of.multiply_add(of_a[i], of_b[j], Value(of, builder.load(sums[i, j])))
                    builder.store(total.ir, sums[i, j])

            found = {at: Value(of, builder.load(sums[at])) for at in shape}
            places = {(i, j): builder.add(builder.mul(c_step, integer(i)), integer(j * of.lanes)) for i, j in shape}
            with builder.if_else(add) as (adding, writing):
                with adding:
                    for at in shape:
                        of.store(found[at] + of.load(c_start, places[at]), c_start, places[at])
                with writing:
                    for at in shape:
                        of.store(found[at], c_start, places[at])
            return context.get_dummy_value()

        return types.void(a, a_at, a_row, a_column, b, b_at, b_step, c, c_at, c_step, depth, add), generate

    return compute


@intrinsic
def transpose(typing_context, a, a_at, a_step, out, out_at, out_step):
    """out[at + k step + j] = a[at + j step + k], j and k up to the lanes of a vector: rows are interleaved until they are columns."""

    def generate(context, builder, signature, args):
        array_a, a_at, a_step, array_out, out_at, out_step = args
        a_start, out_start = _start(context, builder, a, array_a, a_at), _start(context, builder, out, array_out, out_at)
        of = Vectors(builder, a.dtype)
        half = of.lanes // 2
        rows = [of.load(a_start, builder.mul(a_step, integer(j))) for j in range(of.lanes)]
        for _ in range(half.bit_length()):
            rows = [each for pair in zip(rows[:half], rows[half:], strict=True) for each in interleaved(*pair)]
        for k, column in enumerate(rows):
            of.store(column, out_start, builder.mul(out_step, integer(k)))
        return context.get_dummy_value()

    return types.void(a, a_at, a_step, out, out_at, out_step), generate
