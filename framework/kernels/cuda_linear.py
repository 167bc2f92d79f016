"""Linear layers on a GPU: x W^T + b as a product added to the biases, or where there is little to do in one launch, as for a decision."""

from ..ops import linalg as ops
from .cuda import Source, by_row, contiguous, cupy, floats, gpu_kernel
from .cuda_matmul import fits, product, rows_of
from .cuda_weights import bias_gradient, weight_gradient

_FEW, _LITTLE = 8, 1 << 20  # rows and multiplications: the weight is read once a row, which is soon more than a product takes,
_SMALL = 1024  # unless the outputs are so few
_OUTPUTS = 8  # of a block, a warp each

_kernels = Source(r"""
extern "C" __global__ void repeat(const T* row, T* out, Index n, Index columns) {
    for (Index i = first(); i < n; i += step()) out[i] = row[i % columns];
}

// out (R, outputs) = x (R, inputs) weight^T + bias: a warp an output, for the row of its block.
extern "C" __global__ void few_rows(const T* x, const T* weight, const T* bias, T* out, Index inputs, Index outputs) {
    const Index r = blockIdx.y, o = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32, lane = threadIdx.x % 32;
    S sum = 0;
    for (Index i = lane; o < outputs && i < inputs; i += 32) sum += (S)x[r * inputs + i] * (S)weight[o * inputs + i];
    for (int apart = 16; apart; apart /= 2) sum += __shfl_xor_sync(~0u, sum, apart);
    if (lane == 0 && o < outputs) out[r * outputs + o] = sum + (bias ? (S)bias[o] : 0);
}
""")


@gpu_kernel(ops.linear_op)
def linear_layer(input, weight, bias):
    if not (floats(input, weight, bias) and fits(input, weight, bias) and input.shape[-1] == weight.shape[1]):
        return NotImplemented
    if bias is not None and bias.shape != weight.shape[:1]:
        return NotImplemented
    x, (outputs, inputs) = rows_of(input), weight.shape  # (R, I)
    out = cupy().empty((len(x), outputs), input.dtype)
    little = 0 < out.size * inputs <= _LITTLE and (len(x) <= _FEW or out.size <= _SMALL)
    if little and contiguous(weight, bias):
        _kernels.grid("few_rows", (-(-outputs // _OUTPUTS), len(x)), by_row(x), weight, bias, out, inputs, outputs)
    else:
        if bias is not None:
            _kernels.each("repeat", out.size, by_row(bias), out, out.size, outputs)
        product(x, weight.T, out, add=bias is not None)

    def backward(grad, needs_input, needs_weight, needs_bias):
        da = by_row(rows_of(grad))
        return (
            product(da, weight).reshape(input.shape) if needs_input else None,
            weight_gradient(da, x) if needs_weight else None,
            bias_gradient(da) if needs_bias else None,
        )

    return out.reshape(*input.shape[:-1], outputs), backward
