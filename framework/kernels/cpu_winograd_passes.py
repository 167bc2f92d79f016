"""The passes of Winograd's transforms over many tiles at once, in vectors: down the columns of an image's rows, and along them.

A tile is n × n; neighbours are four apart.  Between the passes stand lines: line i holds row i of all tiles, four numbers a tile, one tile
after another, so that the tile's first four columns are every fourth number, and those beyond are the next tile's first.

    down_bt, down_a    rows of an image → lines        along_bt, along_a   a line → its n columns, each of T tiles
    back_at, back_b    columns → a line                up_at, up_b         lines → rows of an image

All take `size`, n numbers of which only their count matters: so each n is compiled for itself.
"""

from numba.core import cgutils, types
from numba.extending import intrinsic

from .cpu_vectors import Scaled, Value, Vectors, integer, join, lanes, opened, split
from .cpu_winograd_lines import times_a, times_at, times_b, times_bt


def _in_pieces(builder, element, count, body) -> None:
    """`body(vectors, x)` for pieces that together are [0, count): whole vectors, then a half, a quarter, … of one."""
    size = lanes(element)
    whole = builder.and_(count, integer(-size))
    with cgutils.for_range_slice(builder, integer(0), whole, integer(size)) as (x, _):
        body(Vectors(builder, element), x)
    while size > 1:
        size //= 2
        with builder.if_then(builder.icmp_unsigned("!=", builder.and_(count, integer(size)), integer(0))):
            body(Vectors(builder, element, size), builder.and_(count, integer(-2 * size)))


def _for_tiles(builder, element, tiles):
    """A loop over the first of every so many tiles as are in a vector."""
    return cgutils.for_range_slice(builder, integer(0), tiles, integer(lanes(element)))


def _values(found) -> list:
    return [each.product() if isinstance(each, Scaled) else each for each in found]


def _is_inside(builder, row, height):
    return builder.icmp_unsigned("<", row, height)  # a negative one is a large one


def _down(transform, taken_of):
    """The pass down rows y, … of a plane, from column x on; rows outside it are read in `nothing`, which is 0."""

    @intrinsic
    def compute(typing_context, size, plane, y, x, nothing, lines, at, count):
        n = size.count

        def generate(context, builder, signature, args):
            _, plane_, y, x, nothing_, lines_, at, count = args
            plane_start, (height, width), _ = opened(context, builder, plane, plane_)
            zeros, _, _ = opened(context, builder, nothing, nothing_)
            lines_start, (_, length), _ = opened(context, builder, lines, lines_)
            rows = []
            for i in range(taken_of(n)):
                row = builder.add(y, integer(i))
                address = builder.gep(plane_start, [builder.add(builder.mul(row, width), x)])
                rows.append(builder.select(_is_inside(builder, row, height), address, zeros))

            def body(of, offset):
                for i, each in enumerate(_values(transform([of.load(row, offset) for row in rows], n))):
                    of.store(each, lines_start, builder.add(builder.add(at, builder.mul(length, integer(i))), offset))

            _in_pieces(builder, plane.dtype, count, body)
            return context.get_dummy_value()

        return types.void(size, plane, y, x, nothing, lines, at, count), generate

    return compute


def _along(transform, taken_of):
    """The pass along a line (4T, and a vector more) to columns (n, T)."""

    @intrinsic
    def compute(typing_context, size, line, columns):
        n = size.count

        def generate(context, builder, signature, args):
            line_start, _, _ = opened(context, builder, line, args[1])
            columns_start, (_, tiles), _ = opened(context, builder, columns, args[2])
            of = Vectors(builder, line.dtype)
            with _for_tiles(builder, line.dtype, tiles) as (tile, _):
                here = [builder.add(builder.mul(tile, integer(4)), integer(i * of.lanes)) for i in range(5)]
                taken = split([of.load(line_start, each) for each in here[:4]])
                following = of.load(line_start, here[4])
                taken += [taken[j].shuffled([*range(1, of.lanes), of.lanes + j], following) for j in range(taken_of(n) - 4)]
                for j, each in enumerate(_values(transform(taken, n))):
                    of.store(each, columns_start, builder.add(builder.mul(tiles, integer(j)), tile))
            return context.get_dummy_value()

        return types.void(size, line, columns), generate

    return compute


def _back(transform, found_of):
    """The pass back from columns (n, T) to a line (4T); what lies beyond the fourth column is added to the next tile's first."""

    @intrinsic
    def compute(typing_context, size, columns, line):
        n = size.count

        def generate(context, builder, signature, args):
            columns_start, (_, tiles), _ = opened(context, builder, columns, args[1])
            line_start, _, _ = opened(context, builder, line, args[2])
            of = Vectors(builder, line.dtype)
            before = [of.variable(of.constant(0)) for _ in range(found_of(n) - 4)]
            with _for_tiles(builder, line.dtype, tiles) as (tile, _):
                found = _values(transform([of.load(columns_start, builder.add(builder.mul(tiles, integer(j)), tile)) for j in range(n)], n))
                for j, beyond in enumerate(found[4:]):
                    last = Value(of, builder.load(before[j]))
                    found[j] = found[j] + last.shuffled(range(of.lanes - 1, 2 * of.lanes - 1), beyond)
                    builder.store(beyond.ir, before[j])
                for i, each in enumerate(join(found[:4])):
                    of.store(each, line_start, builder.add(builder.mul(tile, integer(4)), integer(i * of.lanes)))
            return context.get_dummy_value()

        return types.void(size, columns, line), generate

    return compute


def _up(transform, add: bool):
    """The pass up to those rows y, … that are inside a plane, from column x on: written there with `start` added, or added to them."""

    @intrinsic
    def compute(typing_context, size, lines, at, start, plane, y, x, count):
        n = size.count

        def generate(context, builder, signature, args):
            _, lines_, at, start, plane_, y, x, count = args
            lines_start, (_, length), _ = opened(context, builder, lines, lines_)
            plane_start, (height, width), _ = opened(context, builder, plane, plane_)

            def body(of, offset):
                places = [builder.add(builder.add(at, builder.mul(length, integer(i))), offset) for i in range(n)]
                for i, each in enumerate(_values(transform([of.load(lines_start, place) for place in places], n))):
                    row = builder.add(y, integer(i))
                    with builder.if_then(_is_inside(builder, row, height)):
                        where = builder.add(builder.add(builder.mul(row, width), x), offset)
                        of.store(each + (of.load(plane_start, where) if add else of.spread(start)), plane_start, where)

            _in_pieces(builder, plane.dtype, count, body)
            return context.get_dummy_value()

        return types.void(size, lines, at, start, plane, y, x, count), generate

    return compute


down_bt, along_bt = (make(lambda d, n: times_bt(d), lambda n: n) for make in (_down, _along))
down_a, along_a = (make(times_a, lambda n: 4) for make in (_down, _along))
back_at, up_at = _back(lambda m, n: times_at(m), lambda n: 4), _up(lambda m, n: times_at(m), add=False)
back_b, up_b = _back(lambda v, n: times_b(v), lambda n: n), _up(lambda v, n: times_b(v), add=True)
