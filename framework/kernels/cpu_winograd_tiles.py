"""What some channels of some images become in Winograd's convolution, and back: V from inputs, outputs from M, and their gradients.

A strip is some rows of tiles of some images.  In the lines between the passes (cpu_winograd_passes) a row of tiles has one tile more, for
the columns beyond the last.  Where rows are short and products large, V and M leave it out: they are `compact`.
"""

from collections import namedtuple

import numpy as np

from .cpu import compiled
from .cpu_unfold import inside
from .cpu_winograd_passes import along_a, along_bt, back_at, back_b, down_a, down_bt, up_at, up_b

Geometry = namedtuple("Geometry", "size stride padding across compact lanes")  # across: tiles in a row; lanes: of a vector
Strip = namedtuple("Strip", "start end first count")  # of each of the images [start, end) `count` rows of tiles from `first` on


@compiled()
def _with_one_more(g, strip):
    """How many tiles lines have: a whole number of vectors."""
    tiles = (strip.end - strip.start) * strip.count * (g.across + 1)
    return (tiles + g.lanes - 1) // g.lanes * g.lanes


@compiled()
def tiles_of(g, strip):
    """T, how many tiles V and M have."""
    return (strip.end - strip.start) * strip.count * g.across if g.compact else _with_one_more(g, strip)


@compiled()
def _lines(g, strip, dtype):
    """Zeros for n lines of a strip, with a vector more, and for the columns of one of them."""
    tiles, n = _with_one_more(g, strip), len(g.size)
    return np.zeros((n, 4 * tiles + g.lanes), dtype), np.zeros((n, tiles), dtype)


@compiled()
def _pack(columns, across, packed, back):
    """packed (n, T) = columns, without the one more of each row of tiles; or `back`, which leaves the one more as it is."""
    for j in range(packed.shape[0]):
        for t in range(across):
            for row in range(packed.shape[1] // across):
                if back:
                    columns[j, row * (across + 1) + t] = packed[j, row * across + t]
                else:
                    packed[j, row * across + t] = columns[j, row * (across + 1) + t]


@compiled()
def _sort(plane, phase, stride, start, back):
    """phase[y, x] = plane[y stride + start, …], but for what lies outside the plane; or `back`: added to where it came from."""
    top, bottom = inside(phase.shape[0], start[0], stride[0], plane.shape[0])
    left, right = inside(phase.shape[1], start[1], stride[1], plane.shape[1])
    for y in range(top, bottom):
        row, other = phase[y, left:right], plane[y * stride[0] + start[0], left * stride[1] + start[1] :]
        if back:
            for x in range(row.size):
                other[x * stride[1]] += row[x]
        else:
            for x in range(row.size):
                row[x] = other[x * stride[1]]


@compiled()
def input_tiles(g, strip, input, v, share, first, last):
    """V (s² C, n², T) of the channels [first, last) of `input` (N, C, H, W)."""
    n, (down, right), width = len(g.size), g.stride, 4 * (g.across + 1)
    lines, columns = _lines(g, strip, input.dtype)
    phase = np.zeros((4 * strip.count + n - 4, width), input.dtype)
    nothing = np.zeros(max(input.shape[3], width), input.dtype)
    begin, end = inside(width, -g.padding[1], 1, input.shape[3])
    for i in range(down):
        for j in range(right):
            phase[:] = 0
            for c in range(first, last):
                for place, image in enumerate(range(strip.start, strip.end)):
                    at = place * strip.count * width
                    if down == right == 1:
                        for r in range(strip.count):
                            y, to = 4 * (strip.first + r) - g.padding[0], at + r * width + begin
                            down_bt(g.size, input[image, c], y, begin - g.padding[1], nothing, lines, to, end - begin)
                        continue
                    _sort(input[image, c], phase, g.stride, (i - g.padding[0] + 4 * strip.first * down, j - g.padding[1]), 0)
                    for r in range(strip.count):
                        down_bt(g.size, phase, 4 * r, 0, nothing, lines, at + r * width, width)
                for k in range(n):
                    found = v[(i * right + j) * input.shape[1] + c, n * k : n * k + n]
                    along_bt(g.size, lines[k], columns if g.compact else found)
                    if g.compact:
                        _pack(columns, g.across, found, 0)


@compiled()
def output_tiles(g, strip, m, bias, out, share, first, last):
    """The filters [first, last) of `out` (N, O, oH, oW) from M (O, n², T)."""
    n, width = len(g.size), 4 * (g.across + 1)
    lines, columns = _lines(g, strip, m.dtype)
    for o in range(first, last):
        for k in range(n):
            found = m[o, n * k : n * k + n]
            if g.compact:
                _pack(columns, g.across, found, 1)
            back_at(g.size, columns if g.compact else found, lines[k])
        for place, image in enumerate(range(strip.start, strip.end)):
            for r in range(strip.count):
                at, y = (place * strip.count + r) * width, 4 * (strip.first + r)
                up_at(g.size, lines, at, bias[o], out[image, o], y, 0, out.shape[3])


@compiled()
def output_gradient_tiles(g, strip, grad, m, share, first, last):
    """M̄ (O, n², T) of the filters [first, last) from `grad` (N, O, oH, oW)."""
    n, width = len(g.size), 4 * (g.across + 1)
    lines, columns = _lines(g, strip, grad.dtype)
    nothing = np.zeros(width, grad.dtype)
    for o in range(first, last):
        for place, image in enumerate(range(strip.start, strip.end)):
            for r in range(strip.count):
                at, y = (place * strip.count + r) * width, 4 * (strip.first + r)
                down_a(g.size, grad[image, o], y, 0, nothing, lines, at, grad.shape[3])
        for k in range(n):
            found = m[o, n * k : n * k + n]
            along_a(g.size, lines[k], columns if g.compact else found)
            if g.compact:
                _pack(columns, g.across, found, 0)


@compiled()
def input_gradient(g, strip, v, input_grad, share, first, last):
    """V̄ (s² C, n², T) of the channels [first, last) added to where V came from, in `input_grad` (N, C, H, W)."""
    n, (down, right), width = len(g.size), g.stride, 4 * (g.across + 1)
    lines, columns = _lines(g, strip, v.dtype)
    phase = np.zeros((4 * strip.count + n - 4, width), v.dtype)
    begin, end = inside(width, -g.padding[1], 1, input_grad.shape[3])
    none = v.dtype.type(0)
    channels = input_grad.shape[1]
    for number in range(down * right * (last - first)):
        remainder, c = number // (last - first), first + number % (last - first)
        i, j = remainder // right, remainder % right
        for k in range(n):
            found = v[remainder * channels + c, n * k : n * k + n]
            if g.compact:
                _pack(columns, g.across, found, 1)
            back_b(g.size, columns if g.compact else found, lines[k])
        for place, image in enumerate(range(strip.start, strip.end)):
            at = place * strip.count * width
            if down == right == 1:
                for r in range(strip.count):
                    y, from_ = 4 * (strip.first + r) - g.padding[0], at + r * width + begin
                    up_b(g.size, lines, from_, none, input_grad[image, c], y, begin - g.padding[1], end - begin)
                continue
            phase[:] = 0
            for r in range(strip.count):
                up_b(g.size, lines, at + r * width, none, phase, 4 * r, 0, width)
            _sort(input_grad[image, c], phase, g.stride, (i - g.padding[0] + 4 * strip.first * down, j - g.padding[1]), 1)
