"""L-BFGS's direction on a GPU: a launch for each pair of its history, in either loop.

A loop's turn needs the dot product of what the last one has made.  So a launch first adds up the parts of that product, changes its part of
the direction, and takes its part of the next product.
"""

from ..optim import lbfgs
from . import kernel, on_one_gpu
from .cuda import Source, arithmetic, contiguous, cupy, floats

_MOST_BLOCKS = 256  # parts of a dot product

_kernels = Source(r"""
// direction = (direction + w v) scale, and of its dot product with `next` a part to each block.  With x = ro times the sum of `parts`:
// in the first loop w = -x, and x is kept in `kept`; in the second w = kept - x.  Each of v, scale and next may be null.
extern "C" __global__ void turn(T* direction, const T* v, const T* ro, const S* parts, S* kept, Index second, const T* scale,
                                const T* next, S* next_parts, Index n) {
    S w = 0, dot = 0;
    if (v) {
        S sum = 0;
        for (int i = threadIdx.x; i < gridDim.x; i += blockDim.x) sum += parts[i];
        const S x = of_block<Sum>(sum) * (S)*ro;
        w = second ? *kept - x : -x;
        if (!second && blockIdx.x == 0 && threadIdx.x == 0) *kept = x;
    }
    for (Index i = first(); i < n; i += step()) {
        const S changed = ((S)direction[i] + (v ? w * (S)v[i] : 0)) * (scale ? (S)*scale : 1);
        direction[i] = changed;
        if (next) dot += changed * (S)next[i];
    }
    dot = of_block<Sum>(dot);
    if (next && threadIdx.x == 0) next_parts[blockIdx.x] = dot;
}
""")


@kernel(lbfgs.newton_direction, list)
@on_one_gpu
def a_launch_a_turn(grad, old_dirs, old_stps, ro, H_diag):
    arrays = grad, *old_dirs, *old_stps, *ro, H_diag
    if not old_dirs or not all(hasattr(each, "dtype") for each in arrays) or not (floats(*arrays) and contiguous(*arrays)):
        return NotImplemented
    direction, blocks, kind, many = -grad, min(_MOST_BLOCKS, -(-grad.size // 256)), arithmetic(grad.dtype), len(ro)
    parts, kept = [cupy().empty(blocks, kind) for _ in range(2)], cupy().empty(many, kind)  # of this turn's product, and of the next

    def turn(v, i, second, scale, after):
        _kernels.grid("turn", (blocks,), direction, v, ro[i], parts[0], kept[i:], second, scale, after, parts[1], direction.size)
        parts.reverse()

    turn(None, 0, 0, None, old_stps[-1])
    for i in reversed(range(many)):
        turn(old_dirs[i], i, 0, None if i else H_diag, old_stps[i - 1] if i else old_dirs[0])
    for i in range(many):
        turn(old_stps[i], i, 1, None, old_dirs[i + 1] if i + 1 < many else None)
    return direction
