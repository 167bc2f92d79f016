"""Einstein's summation: products of tensors whose dimensions are named by letters, all of them by way of matrix products."""

import math
import re

from ..autograd.variable import Variable
from .diagonal import diagonal
from .elementwise import mul
from .linalg import matrix_product
from .reduce import sum
from .shape import permute, reshape

_TERM = r"[a-zA-Z]*(\.\.\.)?[a-zA-Z]*"
_NAMES = re.compile(r"\.\.\.|.")  # of a term: its letters, and "..." for its ellipsis


def einsum(equation, *operands):
    """einsum("bij,bjk->bik", a, b): products of the operands, summed over the names that the result leaves out.

    Without `->` the result has the names that occur once, in alphabetical order; `...` stands for dimensions that broadcast.
    """
    if not isinstance(equation, str):
        raise TypeError(f"einsum(): the equation must be a str, not {type(equation).__name__}")
    operands = operands[0] if len(operands) == 1 and isinstance(operands[0], (list, tuple)) else operands
    equation = equation.replace(" ", "")
    if not re.fullmatch(f"{_TERM}(,{_TERM})*(->{_TERM})?", equation):
        raise RuntimeError(f"einsum(): '{equation}' is no equation: letters, at most one ... in each term, and between them , and ->")
    left, arrow, right = equation.partition("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        raise RuntimeError(f"einsum(): '{equation}' has {len(terms)} terms, but there are {len(operands)} operands")
    sizes = {}
    names = [_names(term, operand, sizes) for term, operand in zip(terms, operands, strict=True)]
    dots = sorted(name for name in sizes if isinstance(name, int))  # the dimensions of the ellipses
    if not arrow:
        right = "..." + "".join(sorted(name for name in set(left) - set(".,") if left.count(name) == 1))
    wanted = [each for name in _NAMES.findall(right) for each in (dots if name == "..." else [name])]
    for name in wanted:
        if name not in sizes or wanted.count(name) > 1:
            raise RuntimeError(f"einsum(): the output must have '{name}' once, and an operand must have it: '{equation}'")
    return _contract([_distinct(*each, sizes) for each in zip(operands, names, strict=True)], wanted)


def _names(term, operand, sizes) -> list:
    """A name for each dimension of `operand`, those of the ellipsis counted from the right (-1 is the last); notes the `sizes`."""
    if not isinstance(operand, Variable):
        raise TypeError(f"einsum(): expected Tensors as operands, but got {type(operand).__name__}")
    letters, shape = _NAMES.findall(term), tuple(operand.shape)
    dots = range(len(letters) - 1 - len(shape), 0)
    names = [each for name in letters for each in (dots if name == "..." else [name])]
    if len(names) != len(shape):
        raise RuntimeError(f"einsum(): '{term}' does not match the number of dimensions of the shape {shape}")
    for name, length in zip(names, shape, strict=True):
        known = sizes.get(name, 1)
        if known != length and 1 not in (known, length) or length != shape[names.index(name)]:
            raise RuntimeError(f"einsum(): '{name}' in '{term}' has size {length}, which does not broadcast with its size elsewhere")
        sizes[name] = length if known == 1 else known
    return names


def _distinct(operand, names, sizes):
    """`operand` with each name once (of a repeated one the diagonal), and without the dimensions that only broadcast."""
    for name in dict.fromkeys(names):
        while names.count(name) > 1:
            first = names.index(name)
            second = names.index(name, first + 1)
            operand = diagonal(operand, 0, first, second)
            names = [*names[:first], *names[first + 1 : second], *names[second + 1 :], name]
    kept = [i for i, name in enumerate(names) if operand.shape[i] == sizes[name]]
    if len(kept) < len(names):
        operand = reshape(operand, tuple(operand.shape[i] for i in kept))
    return operand, [names[i] for i in kept]


def _contract(operands, wanted):
    """The sum over every name that is not `wanted` of the product of [(operand, names)]: two at a time, from the left."""
    left, *rest = operands
    for i, right in enumerate(rest, 1):
        left = _product(*left, *right, set(wanted).union(*(names for _, names in rest[i:])))
    out, names = _summed(*left, set(wanted))
    return permute(out, tuple(names.index(name) for name in wanted))


def _summed(operand, names, kept):
    """`operand` summed over the names that are not `kept`."""
    gone = tuple(i for i, name in enumerate(names) if name not in kept)
    return (sum(operand, gone) if gone else operand), [name for name in names if name in kept]


def _product(left, left_names, right, right_names, kept):
    """Of two operands: batches and rows of the left by columns of the right, summed over what both have and nobody asks for again."""
    left, left_names = _summed(left, left_names, kept | set(right_names))
    right, right_names = _summed(right, right_names, kept | set(left_names))
    both = [name for name in left_names if name in right_names]
    batch, inner = [name for name in both if name in kept], [name for name in both if name not in kept]
    rows, columns = ([name for name in names if name not in both] for names in (left_names, right_names))
    size = dict(zip([*left_names, *right_names], [*left.shape, *right.shape], strict=True))
    b, r, c, n = (tuple(size[name] for name in group) for group in (batch, rows, columns, inner))
    left = permute(left, tuple(left_names.index(name) for name in [*batch, *rows, *inner]))
    right = permute(right, tuple(right_names.index(name) for name in [*batch, *inner, *columns]))
    if not inner:
        out = mul(reshape(left, (*b, *r, *(1,) * len(c))), reshape(right, (*b, *(1,) * len(r), *c)))
    else:
        out = matrix_product(reshape(left, (*b, math.prod(r), math.prod(n))), reshape(right, (*b, math.prod(n), math.prod(c))))
    return reshape(out, (*b, *r, *c)), [*batch, *rows, *columns]
