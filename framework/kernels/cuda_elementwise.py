"""Activations and sums on a GPU: one pass over memory each way, where the formulas take a launch for each of their operations."""

from ..ops import activation, elementwise
from .cuda import Source, as_it_lies, cupy, floats, gpu_kernel, images, laid

# op -> its numbers, y from x, and dL/dx from g = dL/dy
_ACTIVATIONS = {
    activation.relu: ("", "x <= 0 ? 0 : x", "y <= 0 ? 0 : g"),  # a nan stays
    activation.leaky_relu: ("slope", "x > 0 ? x : x * slope", "x > 0 ? g : g * slope"),
    activation.elu: (
        "alpha scale within",
        "x > 0 ? scale * x : scale * alpha * expm1(within * x)",
        "x > 0 ? g * scale : g * alpha * scale * within * exp(within * x)",
    ),
    activation.silu: ("", "x * sigmoid(x)", "g * sigmoid(x) * (1 + x * (1 - sigmoid(x)))"),
    activation.mish: (
        "",
        "x * tanh(softplus(x))",
        "g * (tanh(softplus(x)) + x * sigmoid(x) * (1 - tanh(softplus(x)) * tanh(softplus(x))))",
    ),
    activation.softplus: ("beta top", "x * beta > top ? x : log1p(exp(x * beta)) / beta", "x * beta > top ? g : g * sigmoid(x * beta)"),
    activation.logsigmoid: ("", "-softplus(-x)", "g * sigmoid(-x)"),
    activation.gelu_erf: ("", "x * normal(x)", "g * (normal(x) + x * exp(-x * x / 2) * S(0.3989422804014327))"),  # 1 / sqrt(2 pi)
    activation.gelu_tanh: ("", "x * sigmoid(2 * bent(x))", "g * (sigmoid(2 * bent(x)) + x * slope_of_bent(x))"),
    elementwise.sigmoid: ("", "sigmoid(x)", "g * y * (1 - y)"),
    elementwise.tanh: ("", "tanh(x)", "g * (1 - y * y)"),
}

_FORMULAS = r"""
__device__ S softplus(S x) { return (x > 0 ? x : 0) + log1p(exp(x > 0 ? -x : x)); }
__device__ S normal(S x) { return S(0.5) + S(0.5) * erf(x * S(0.7071067811865476)); }
// 0.5 + 0.5 tanh(u) = sigmoid(2 u), for the u of GELU's approximation: sqrt(2 / pi) (x + 0.044715 x^3)
__device__ S bent(S x) { return S(0.7978845608028654) * (x + S(0.044715) * x * x * x); }
__device__ S slope_of_bent(S x) {
    const S s = sigmoid(2 * bent(x));
    return s * (1 - s) * 2 * S(0.7978845608028654) * (1 + S(0.134145) * x * x);
}
"""


def _pair(name: str, numbers: list, formula: str, slope: str) -> str:
    """The two kernels of an activation."""
    given = "".join(f", double {each}_" for each in numbers)
    rounded = "".join(f"const S {each} = {each}_; " for each in numbers)
    return f"""
extern "C" __global__ void {name}(const T* input{given}, T* out, Index n) {{
    {rounded}
    map(n, out, [=](S x, S, S) {{ return S({formula}); }}, input);
}}
extern "C" __global__ void {name}_backward(const T* grad, const T* input, const T* output{given}, T* out, Index n) {{
    {rounded}
    map(n, out, [=](S g, S x, S y) {{ return S({slope}); }}, grad, input, output);
}}
"""


_activations = Source(_FORMULAS + "".join([_pair(f"{op.__name__}_of", numbers.split(), *formulas)
                                           for op, (numbers, *formulas) in _ACTIVATIONS.items()]))  # fmt: skip


def _activation(op):
    name = f"{op.__name__}_of"

    def fused(input, *numbers):
        if not floats(input):
            return NotImplemented
        (x, last), numbers = as_it_lies(input), list(map(float, numbers))
        out = cupy().empty_like(x)
        _activations.packs(name, out, x, *numbers)

        def backward(grad, needs_input):
            input_grad = cupy().empty_like(x)
            _activations.packs(f"{name}_backward", input_grad, laid(grad, last), x, out, *numbers)
            return (images(input_grad, last),)

        return images(out, last), backward

    return fused


by_op = {each: gpu_kernel(each)(_activation(each)) for each in _ACTIVATIONS}

_sum = Source("""
extern "C" __global__ void add(const T* a, const T* b, T* out, Index n) {
    map(n, out, [](S x, S y, S) { return x + y; }, a, b);
}
""")


@gpu_kernel(elementwise.plus)
def sum_of_halves(input, other):
    """Of 16 bits, as a residual of mixed precision; others CuPy adds in one pass itself."""
    if not type(input) is type(other) is cupy().ndarray or input.shape != other.shape or input.itemsize != 2:
        return NotImplemented
    if not floats(input, other):
        return NotImplemented
    a, last = as_it_lies(input)
    out = cupy().empty_like(a)
    _sum.packs("add", out, a, laid(other, last))
    return images(out, last)
