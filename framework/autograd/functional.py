"""Derivatives of functions: Jacobians and Hessians whole, and their products with vectors, which never build them.

`func` takes as many tensors as `inputs` has and returns one or a tuple.  Results need no gradient unless `create_graph`; a derivative
that does not depend on an input is zero, or an error if `strict`.
"""

from ..device import array_module
from .engine import grad
from .mode import enable_grad
from .variable import Variable

_STRICT = "This is not allowed in strict mode."


def _tuple(value, what, name) -> tuple:
    values = value if isinstance(value, tuple) else (value,)
    for each in values:
        if not isinstance(each, Variable):
            raise TypeError(f"The {what} given to {name} must be either a Tensor or a tuple of Tensors but got a {type(each)}.")
    return values


def _like(structure, values, create_graph):
    """`values` as a tuple if `structure` is one, off the tape unless `create_graph`."""
    values = tuple(values if create_graph else (each.detach() for each in values))
    return values if isinstance(structure, tuple) else values[0]


def _filled(number, tensor):
    return Variable.wrap(array_module(tensor._array).full_like(tensor._array, number))


def _evaluate(name, func, inputs, create_graph, strict, scalar=False):
    """(tensors to differentiate by in place of `inputs`, what `func` makes of them, the same as a tuple)."""
    leaves = tuple(
        each.view_as(each) if create_graph and each.requires_grad else each.detach().requires_grad_()
        for each in _tuple(inputs, "inputs", name)
    )
    result = func(*leaves)
    outs = _tuple(result, "outputs of the user-provided function", name)
    if scalar and isinstance(result, tuple):
        raise RuntimeError(f"The function given to {name} should return a single Tensor")
    if scalar and result._array.size != 1:
        raise RuntimeError(f"The Tensor returned by the function given to {name} should contain a single element")
    for i, each in enumerate(outs):
        if strict and not each.requires_grad:
            raise RuntimeError(
                f"Output {i} of the user-provided function does not require gradients. The outputs must be computed in a differentiable "
                "manner from the input when running in strict mode."
            )
    return leaves, result, outs


def _vectors(v, tensors, what, name) -> tuple:
    """`v` as a tuple that fits `tensors`; 1 for a single number."""
    if v is None:
        if len(tensors) != 1 or tensors[0]._array.size != 1:
            raise RuntimeError(f"The vector v can only be None if {what} a single Tensor with a single element.")
        return (_filled(1, tensors[0]),)
    v = _tuple(v, "v", name)
    if len(v) != len(tensors):
        raise RuntimeError(f"v is a tuple of invalid length: should be {len(tensors)} but got {len(v)}.")
    for each, tensor in zip(v, tensors, strict=True):
        if each.shape != tensor.shape:
            raise RuntimeError(f"v has invalid size: should be {tensor.shape} but got {each.shape}.")
    return v


def _pull_back(outs, leaves, vs, create_graph, strict, what="The output of the user-provided function") -> tuple:
    """v^T dout/dleaf for each leaf, summed over the outputs."""
    recorded = [i for i, out in enumerate(outs) if out.requires_grad]
    grads, (outs, vs) = [None] * len(leaves), ([each[i] for i in recorded] for each in (outs, vs))
    if recorded:
        grads = grad(outs, leaves, vs, retain_graph=True, create_graph=create_graph, allow_unused=True)
    for i, each in enumerate(grads):
        if strict and each is None:
            raise RuntimeError(f"{what} is independent of input {i}. {_STRICT}")
        if strict and create_graph and not each.requires_grad:
            raise RuntimeError(f"The jacobian of the user-provided function is independent of input {i}. {_STRICT}")
    return tuple(_filled(0, leaf) if each is None else each for each, leaf in zip(grads, leaves, strict=True))


@enable_grad
def vjp(func, inputs, v=None, create_graph=False, strict=False):
    """(func(*inputs), v^T J): a vector of the outputs' shapes times the Jacobian; one backward pass."""
    leaves, result, outs = _evaluate("vjp", func, inputs, create_graph, strict)
    vs = _vectors(v, outs, "the user-provided function returns", "vjp")
    product = _pull_back(outs, leaves, vs, create_graph, strict)
    return _like(result, outs, create_graph), _like(inputs, product, create_graph)


@enable_grad
def jvp(func, inputs, v=None, create_graph=False, strict=False):
    """(func(*inputs), J v): the Jacobian times a vector of the inputs' shapes; u^T J is linear in u, and its derivative by u is J."""
    leaves, result, outs = _evaluate("jvp", func, inputs, create_graph, strict)
    vs = _vectors(v, leaves, "the input to the user-provided function is", "jvp")
    us = tuple(_filled(0, out).requires_grad_() for out in outs)
    product = _pull_back(_pull_back(outs, leaves, us, True, strict), us, vs, create_graph, strict)
    return _like(result, outs, create_graph), _like(result, product, create_graph)


@enable_grad
def jacobian(func, inputs, create_graph=False, strict=False):
    """d output / d input, of shape (*output, *input), for each output (outer tuple) and each input (inner tuple); a backward pass a row."""
    from ..ops.shape import stack  # which stands above

    leaves, result, outs = _evaluate("jacobian", func, inputs, create_graph, strict)
    blocks = []
    for o, out in enumerate(outs):
        rows = []
        for i in range(out._array.size):
            unit = _filled(0, out)
            unit._array.reshape(-1)[i] = 1
            rows.append(_pull_back((out,), leaves, (unit,), create_graph, strict, f"Output {o} of the user-provided function"))
        columns = zip(*rows, strict=True) if rows else [()] * len(leaves)  # stack refuses an output without elements
        whole = [stack(each).reshape((*out.shape, *leaf.shape)) for each, leaf in zip(columns, leaves, strict=True)]
        blocks.append(_like(inputs, whole, create_graph))
    return tuple(blocks) if isinstance(result, tuple) else blocks[0]


def hessian(func, inputs, create_graph=False, strict=False):
    """The second derivatives of a scalar `func`, of shape (*input i, *input j), for each pair of inputs: the Jacobian of the gradient."""

    def gradient(*leaves):
        views, _, outs = _evaluate("hessian", func, leaves, True, strict, scalar=True)
        return _like(inputs, _pull_back(outs, views, (_filled(1, outs[0]),), True, strict), True)

    return jacobian(gradient, inputs, create_graph, strict)


@enable_grad
def _hessian_product(name, func, inputs, v, create_graph, strict):
    leaves, result, outs = _evaluate(name, func, inputs, create_graph, strict, scalar=True)
    vs = _vectors(v, leaves, "the input to the user-provided function is", name)
    gradient = _pull_back(outs, leaves, (_filled(1, result),), True, strict)
    product = _pull_back(gradient, leaves, vs, create_graph, strict, "The jacobian of the user-provided function")
    return _like(result, outs, create_graph), _like(inputs, product, create_graph)


def vhp(func, inputs, v=None, create_graph=False, strict=False):
    """(func(*inputs), v^T H) for a scalar `func`: the gradient of gradient . v (Pearlmutter, 1994)."""
    return _hessian_product("vhp", func, inputs, v, create_graph, strict)


def hvp(func, inputs, v=None, create_graph=False, strict=False):
    """(func(*inputs), H v) for a scalar `func`: the same as `vhp`, for H is symmetric."""
    return _hessian_product("hvp", func, inputs, v, create_graph, strict)
