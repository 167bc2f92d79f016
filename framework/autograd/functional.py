"""Derivatives of functions: Jacobians and Hessians whole, and their products with vectors, which never build them.

`func` takes as many tensors as `inputs` has and returns one or a tuple.  Results need no gradient unless `create_graph`; a derivative
that does not depend on an input is zero.
"""

from ..offered import expect
from .engine import grad, starting_gradient
from .mode import enable_grad
from .variable import Variable


def _tuple(value, what) -> tuple:
    values = value if isinstance(value, tuple) else (value,)
    for each in values:
        expect(isinstance(each, Variable), f"{what} must be a Tensor or a tuple of Tensors, but got {type(each).__name__}", TypeError)
    return values


def _like(structure, values, create_graph):
    """`values` as a tuple if `structure` is one, off the tape unless `create_graph`."""
    values = tuple(values if create_graph else (each.detach() for each in values))
    return values if isinstance(structure, tuple) else values[0]


def _evaluate(func, inputs, create_graph, scalar=False):
    """(tensors to differentiate by in place of `inputs`, what `func` makes of them, the same as a tuple)."""
    inputs = _tuple(inputs, "the inputs")
    leaves = [each.view_as(each) if create_graph and each.requires_grad else each.detach().requires_grad_() for each in inputs]
    result = func(*leaves)
    outs = _tuple(result, "what the function returns")
    single = isinstance(result, Variable) and result._array.size == 1
    expect(single or not scalar, "the function must return a single Tensor with a single element")
    return leaves, result, outs


def _pull_back(outs, leaves, v, create_graph) -> tuple:
    """v^T dout/dleaf for each leaf, summed over the outputs; without `v` one in its place, for a single number."""
    vs = (None,) * len(outs) if v is None else _tuple(v, "v")
    expect(len(vs) == len(outs), f"v must be {len(outs)} Tensors, but is {len(vs)}")
    pairs = [each for each in zip(outs, map(starting_gradient, outs, vs), strict=True) if each[0].requires_grad]
    outs, vs = zip(*pairs, strict=True) if pairs else ((), ())
    return grad(outs, leaves, vs, retain_graph=True, create_graph=create_graph, materialize_grads=True)


@enable_grad
def vjp(func, inputs, v=None, create_graph=False):
    """(func(*inputs), v^T J): a vector of the outputs' shapes times the Jacobian; one backward pass."""
    leaves, result, outs = _evaluate(func, inputs, create_graph)
    return _like(result, outs, create_graph), _like(inputs, _pull_back(outs, leaves, v, create_graph), create_graph)


@enable_grad
def jvp(func, inputs, v=None, create_graph=False):
    """(func(*inputs), J v): the Jacobian times a vector of the inputs' shapes; u^T J is linear in u, and its derivative by u is J."""
    leaves, result, outs = _evaluate(func, inputs, create_graph)
    us = tuple(out.new_zeros(out.shape, requires_grad=True) for out in outs)
    product = _pull_back(_pull_back(outs, leaves, us, True), us, v, create_graph)
    return _like(result, outs, create_graph), _like(result, product, create_graph)


@enable_grad
def jacobian(func, inputs, create_graph=False):
    """d output / d input, of shape (*output, *input), for each output (outer tuple) and each input (inner tuple); a backward pass a row."""
    from ..ops.shape import stack  # which stands above

    leaves, result, outs = _evaluate(func, inputs, create_graph)
    blocks = []
    for out in outs:
        units = out.new_ones(out.numel()).diag().reshape(-1, *out.shape)
        rows = [_pull_back((out,), leaves, unit, create_graph) for unit in units]
        whole = [stack([row[i] for row in rows]).reshape((*out.shape, *leaf.shape)) for i, leaf in enumerate(leaves)]
        blocks.append(_like(inputs, whole, create_graph))
    return tuple(blocks) if isinstance(result, tuple) else blocks[0]


def hessian(func, inputs, create_graph=False):
    """The second derivatives of a scalar `func`, of shape (*input i, *input j), for each pair of inputs: the Jacobian of the gradient."""

    def gradient(*leaves):
        views, _, outs = _evaluate(func, leaves, True, scalar=True)
        return _like(inputs, _pull_back(outs, views, None, True), True)

    return jacobian(gradient, inputs, create_graph)


@enable_grad
def vhp(func, inputs, v=None, create_graph=False):
    """(func(*inputs), v^T H) for a scalar `func`: the gradient of gradient . v (Pearlmutter, 1994)."""
    leaves, result, outs = _evaluate(func, inputs, create_graph, scalar=True)
    product = _pull_back(_pull_back(outs, leaves, None, True), leaves, v, create_graph)
    return _like(result, outs, create_graph), _like(inputs, product, create_graph)


def hvp(func, inputs, v=None, create_graph=False):
    """(func(*inputs), H v) for a scalar `func`: the same as `vhp`, for H is symmetric."""
    return vhp(func, inputs, v, create_graph)
