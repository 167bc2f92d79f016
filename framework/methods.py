"""Which functions are also methods and operators of Tensor."""

import numpy as np

from . import creation, dtypes, sampling
from .autograd.inplace import inplace
from .autograd.op import Op
from .autograd.variable import Variable
from .device import array_module
from .ops import activation, comparison, decompositions, diagonal, distance, elementwise, forms, index, linalg, products

# isort: split
from .ops import reduce, scan, scatter, shape, sort
from .size import as_one

# Methods of the same name as the function; those followed by an in-place form `name_` say so with an underscore.
METHODS = {
    elementwise: "add_ sub_ mul_ true_divide_ div_ pow_ floor_divide_ remainder_ fmod_ neg_ positive abs_ square_ lerp_ addcmul_ addcdiv_ "
    "exp_ exp2_ expm1_ log_ log2_ log10_ log1p_ sqrt_ rsqrt_ reciprocal_ sigmoid_ erf_ erfc_ erfinv_ sin_ cos_ tan_ asin_ acos_ atan_ "
    "atan2_ sinh_ cosh_ tanh_ asinh_ acosh_ atanh_ sinc_ floor_ ceil_ trunc_ round_ sign_ frac_ maximum minimum fmax fmin clamp_ "
    "clamp_min_ clamp_max_ logit_ logaddexp logaddexp2 xlogy_ hypot_ copysign_ deg2rad_ rad2deg_ heaviside_ nan_to_num_",
    comparison: "eq_ ne_ lt_ le_ gt_ ge_ logical_and_ logical_or_ logical_xor_ logical_not_ bitwise_and_ bitwise_or_ bitwise_xor_ "
    "bitwise_not_ bitwise_left_shift_ bitwise_right_shift_ isnan isinf isfinite isposinf isneginf isclose allclose equal",
    linalg: "matmul",
    products: "mm bmm mv dot vdot inner outer addmm addmv addbmm baddbmm addr kron trace cross",
    decompositions: "cholesky det logdet slogdet qr svd",
    distance: "dist",
    reduce: "sum nansum mean nanmean var std prod amax amin aminmax argmax argmin all any max min logsumexp norm",
    scan: "cumsum_ cumprod_ cummax cummin diff",
    sort: "sort argsort msort topk median nanmedian quantile unique unique_consecutive bincount nonzero argwhere count_nonzero",
    shape: "transpose squeeze unsqueeze clone roll tril_ triu_ contiguous flatten t movedim split_with_sizes chunk unbind unfold "
    "broadcast_to",
    forms: "ravel swapaxes unflatten fliplr flipud rot90 select narrow repeat_interleave tensor_split hsplit vsplit dsplit",
    diagonal: "diagonal diag diag_embed diagflat",
    sampling: "bernoulli multinomial",
    index: "index_put_",
    scatter: "masked_fill_ masked_select gather scatter_ scatter_add_ scatter_reduce_ index_select index_add_ index_copy_ index_fill_ take "
    "take_along_dim",
    activation: "relu_ softmax log_softmax",
}

# Methods whose last argument may be given as separate integers
SPREAD = {name: getattr(shape, name) for name in ("reshape", "permute", "expand", "flip", "repeat")} | {"tile": forms.tile}

# __name__ and __rname__, and __iname__ for those with an underscore
ARITHMETIC = {
    "add_": elementwise.plus, "sub_": elementwise.sub, "mul_": elementwise.mul, "truediv_": elementwise.true_divide,
    "floordiv_": elementwise.floor_divide, "mod_": elementwise.remainder, "pow_": elementwise.pow, "matmul": linalg.matmul,
    "and_": comparison.bitwise_and, "or_": comparison.bitwise_or, "xor_": comparison.bitwise_xor,
    "lshift_": comparison.bitwise_left_shift, "rshift_": comparison.bitwise_right_shift,
}  # fmt: skip
COMPARISONS = {name: getattr(comparison, name) for name in ("eq", "ne", "lt", "le", "gt", "ge")}
UNARY = {"neg": elementwise.neg, "pos": elementwise.positive, "abs": elementwise.abs, "invert": comparison.invert}
CASTS = {each.title.lower(): each for each in dtypes.ALL}  # bool, byte, char, short, …
_OPERANDS = (Variable, int, float, complex, bool, np.number, np.bool_, np.ndarray)  # and CuPy's arrays, if it is there


def _operator(function, reflected=False):
    """NotImplemented for operands that are not numbers or tensors: Python then asks the other operand."""
    call = function.__call__ if isinstance(function, Op) else function  # found once, not at every call
    if reflected:
        return lambda self, other: call(other, self) if isinstance(other, _OPERANDS) or array_module(other) is not np else NotImplemented
    return lambda self, other: call(self, other) if isinstance(other, _OPERANDS) or array_module(other) is not np else NotImplemented


def _named(name, docstring, method):
    method.__name__, method.__doc__ = name, docstring
    return method


def _spread(name, function):
    def method(self, *sizes, **named):
        return function(self, as_one(sizes), **named) if sizes else function(self, **named)

    return _named(name, function.__doc__, method)


def _keeps_first(function) -> bool:
    """Whether a gradient rule of `function` looks at its first argument, which an in-place change overwrites."""
    return not isinstance(function, Op) or any(function.parameters[0] in rule.parameters for rule in function.rules)


def _new(name):
    def new(self, *args, dtype=None, device=None, **options):
        return getattr(creation, name)(*args, dtype=dtype or self.dtype, device=device or self.device, **options)

    return _named(f"new_{name}", f"`{name}` in the type and on the device of this tensor.", new)


def _as(name):
    return _named(f"{name}_as", f"`{name}` to the shape of `other`.", lambda self, other: getattr(self, name)(other.shape))


def _cast(name, dtype):
    return _named(name, f"This tensor as {dtype.name}.", lambda self: self.to(dtype))


def attach(tensor_class) -> None:
    """Give `tensor_class` the methods and operators of the tables above."""
    methods = {}
    for module, names in METHODS.items():
        for name in names.split():
            function = getattr(module, name.removesuffix("_"))
            methods[name.removesuffix("_")] = function
            if name.endswith("_"):
                methods[name] = inplace(function, _keeps_first(function))
    for name, function in ARITHMETIC.items():
        plain = name.removesuffix("_")
        methods[f"__{plain}__"] = _operator(function)
        methods[f"__r{plain}__"] = _operator(function, reflected=True)
        if name.endswith("_"):
            methods[f"__i{plain}__"] = inplace(function, _keeps_first(function))
    methods |= {name: _spread(name, function) for name, function in SPREAD.items()}
    methods |= {f"__{name}__": _operator(function) for name, function in COMPARISONS.items()}
    methods |= {f"__{name}__": function for name, function in UNARY.items()}
    methods |= {name: _cast(name, dtype) for name, dtype in CASTS.items()}
    methods |= {f"new_{name}": _new(name) for name in ("tensor", "zeros", "ones", "empty", "full")}
    methods |= {f"{name}_as": _as(name) for name in ("view", "reshape", "expand")}
    methods |= {"moveaxis": shape.movedim, "__rdiv__": methods["__rtruediv__"], **sampling.METHODS}
    for name, method in methods.items():
        setattr(tensor_class, name, method)
