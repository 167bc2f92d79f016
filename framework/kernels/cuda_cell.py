"""A small LSTM cell on a GPU in one launch, and its gradients in another: products of a few rows, one by one, leave a GPU idle.

The formulas are those of cpu_recurrent.py; layers over many steps are cuDNN's, or cuda_recurrent.py's.
"""

from ..ops import recurrent as ops
from .cuda import Source, by_row, contiguous, cupy, floats, gpu_kernel
from .cuda_recurrent import UNIT
from .cuda_weights import bias_gradient, weight_gradient

_UNITS, _ROWS, _TILE = 8, 8, 32  # of a cell and of a batch to a block of 256 threads, one for each of the four gates; and columns at once
_FEW = 4  # rows of a batch to a block of the gradients
_MOST_BLOCKS = 65535  # along a grid's second dimension
_HIGHEST, _LITTLE = 256, 1 << 24  # hidden size, multiplications: of more, a product of its own is worth its launches

_kernels = Source(
    UNIT
    + f"const int GATES = 4, UNITS = {_UNITS}, ROWS = {_ROWS}, TILE = {_TILE}, FEW = {_FEW}, HIGHEST = {_HIGHEST};"
    + r"""
// A block's numbers, TILE columns at a time: rows of weights, one a gate of a unit, and rows of a batch.
struct Tile { S weights[GATES * UNITS][TILE + 1], values[ROWS][TILE + 1]; };

// This thread's element of v W^T, v (batch, columns), W (4 height, columns): a warp takes a row of v, its lane t gate t / UNITS of a unit.
__device__ S product(Tile& tile, const T* v, const T* weight, Index columns, Index batch, Index height) {
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    S sum = 0;
    for (Index start = 0; start < columns; start += TILE) {
        const Index k = start + lane;
        for (int a = warp; a < GATES * UNITS; a += ROWS) {
            const Index j = min((Index)blockIdx.x * UNITS + a % UNITS, height - 1);
            tile.weights[a][lane] = k < columns ? (S)weight[(a / UNITS * height + j) * columns + k] : 0;
        }
        tile.values[warp][lane] = k < columns ? (S)v[min((Index)blockIdx.y * ROWS + warp, batch - 1) * columns + k] : 0;
        __syncthreads();
        for (int i = 0; i < TILE; i++) sum += tile.weights[lane][i] * tile.values[warp][i];
        __syncthreads();  // all have read the tile
    }
    return sum;
}

// gates (batch, 4 height) is what the gates let through, kept for backward
extern "C" __global__ void lstm_cell(const T* x, const T* h_was, const T* c_was, const T* w_ih, const T* w_hh, const T* b_ih, const T* b_hh,
                                     T* gates, T* h, T* c, T* out, Index batch, Index inputs, Index height) {
    __shared__ Tile tile;
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    const Index j = (Index)blockIdx.x * UNITS + lane % UNITS, n = (Index)blockIdx.y * ROWS + warp;
    const Index a = lane / UNITS * height + min(j, height - 1);
    const S of_x = product(tile, x, w_ih, inputs, batch, height), of_h = product(tile, h_was, w_hh, height, batch, height);
    tile.values[warp][lane] = of_x + of_h + (b_ih ? (S)b_ih[a] + (S)b_hh[a] : 0);
    __syncthreads();
    if (lane >= UNITS || j >= height || n >= batch) return;
    S sums[GATES];
    for (int q = 0; q < GATES; q++) sums[q] = tile.values[warp][q * UNITS + lane];
    const Unit unit = Unit::of(sums);
    const S cell = unit.cell(c_was[n * height + j]);
    unit.write(gates + n * GATES * height + j, height);
    c[n * height + j] = cell;
    h[n * height + j] = out[n * height + j] = unit.o * tanh(cell);
}

// Blocks (rows / FEW, tiles) make the gradients da (batch, 4 height) of the gates' sums, each for itself; and of their products with W_hh
// and W_ih, which are the gradients of h and x, TILE columns.  dh, dc_after: the gradients of the states after the cell, or null.
extern "C" __global__ void lstm_cell_backward(const T* gates, const T* c_was, const T* dh, const T* dc_after, const T* w_ih, const T* w_hh,
                                              T* da, T* dc, T* dh_was, T* dx, Index batch, Index inputs, Index height) {
    __shared__ S sums[FEW][GATES * HIGHEST], parts[256 / TILE][FEW][TILE];
    const Index start = (Index)blockIdx.x * FEW, of_h = (height + TILE - 1) / TILE;
    for (Index k = threadIdx.x; k < FEW * height; k += blockDim.x) {
        const Index r = k / height, j = k % height, n = min(start + r, batch - 1), place = n * height + j;
        const Index gate = n * GATES * height + j;
        const bool writes = blockIdx.y == 0 && start + r < batch;
        S each[GATES];
        const S of_c = Unit::read(gates + gate, height).back(c_was[place], at(dh, place), at(dc_after, place), each);
        for (int q = 0; q < GATES; q++) {
            sums[r][q * height + j] = each[q];
            if (writes) da[gate + q * height] = each[q];
        }
        if (writes) dc[place] = of_c;
    }
    __syncthreads();
    // TILE threads take a column each, and as many such groups as there are every so many row of W
    const bool to_h = blockIdx.y < of_h;
    const T* weight = to_h ? w_hh : w_ih;
    const Index columns = to_h ? height : inputs, column = (blockIdx.y - (to_h ? 0 : of_h)) * TILE + threadIdx.x % TILE;
    const int group = threadIdx.x / TILE, groups = blockDim.x / TILE;
    S products[FEW] = {};
    for (Index a = group; column < columns && a < GATES * height; a += groups) {
        const S w = weight[a * columns + column];
        for (int r = 0; r < FEW; r++) products[r] += w * sums[r][a];
    }
    for (int r = 0; r < FEW; r++) parts[group][r][threadIdx.x % TILE] = products[r];
    __syncthreads();
    for (int r = group; r < FEW; r += groups) {
        S sum = 0;
        for (int p = 0; p < groups; p++) sum += parts[p][r][threadIdx.x % TILE];
        if (column < columns && start + r < batch) (to_h ? dh_was : dx)[(start + r) * columns + column] = sum;
    }
}
"""
)


@gpu_kernel(ops.lstm_layer)
def lstm_cell(input, h, c, w_ih, w_hh, b_ih, b_hh, w_hr, batch_sizes, reverse, lengths):
    (rows, height), inputs = h.shape, w_ih.shape[1]
    if batch_sizes is None or len(batch_sizes) > 1 or lengths is not None or w_hr is not None or (b_ih is None) != (b_hh is None):
        return NotImplemented
    if not input.size or height > _HIGHEST or rows * len(w_ih) * (inputs + height) > _LITTLE:
        return NotImplemented
    if max(rows // _ROWS, (inputs + height) // _TILE) + 2 > _MOST_BLOCKS:
        return NotImplemented
    weights = w_ih, w_hh, b_ih, b_hh
    if not floats(input, h, c, *weights) or not contiguous(*weights):
        return NotImplemented
    x, h_was, c_was, gates = by_row(input), by_row(h), by_row(c), cupy().empty((rows, len(w_ih)), input.dtype)
    sizes, (h, c, out) = (rows, inputs, height), [cupy().empty_like(c_was) for _ in range(3)]
    _kernels.grid("lstm_cell", (-(-height // _UNITS), -(-rows // _ROWS)), x, h_was, c_was, *weights, gates, h, c, out, *sizes)

    def backward(grads, needs_input, needs_h, needs_c, needs_w_ih, needs_w_hh, needs_b_ih, needs_b_hh, needs_w_hr):
        of_out, of_h, of_c = grads
        of_h = of_out if of_h is None else of_h if of_out is None else of_h + of_out  # a cell's output is its h
        of_h, of_c = [None if each is None else by_row(each) for each in (of_h, of_c)]
        da, dc, dh = cupy().empty_like(gates), cupy().empty_like(c), cupy().empty_like(h)
        dx = cupy().empty_like(x) if needs_input else None
        tiles = -(-height // _TILE) + (-(-inputs // _TILE) if needs_input else 0)
        _kernels.grid("lstm_cell_backward", (-(-rows // _FEW), tiles), gates, c_was, of_h, of_c, w_ih, w_hh, da, dc, dh, dx, *sizes)
        return (
            dx, dh, dc,
            weight_gradient(da, x) if needs_w_ih else None, weight_gradient(da, h_was) if needs_w_hh else None,
            bias_gradient(da) if needs_b_ih else None, bias_gradient(da) if needs_b_hh else None, None,
        )  # fmt: skip

    return (out, h, c), backward
