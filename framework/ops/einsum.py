"""Einstein's summation: products of tensors whose dimensions are named by letters."""

import re
from math import prod
from string import ascii_letters

from .. import dtypes
from ..autograd.variable import Variable
from ..size import as_one
from .diagonal import diagonal
from .elementwise import mul
from .linalg import matrix_product
from .promotion import common, expect, same_type
from .reduce import sum
from .shape import permute, reshape

_TERM = r"[a-zA-Z]*(\.\.\.)?[a-zA-Z]*"


def einsum(equation, *operands):
    """einsum("bij,bjk->bik", a, b): products of the operands, summed over the names that the result leaves out.

    Without `->` the result has the names that occur once, in alphabetical order; `...` stands for dimensions that broadcast.
    """
    expect(isinstance(equation, str), f"einsum(): the equation must be a str, not {type(equation).__name__}", TypeError)
    operands, equation = as_one(operands), equation.replace(" ", "")
    if not re.fullmatch(f"{_TERM}(,{_TERM})*(->{_TERM})?", equation):
        raise RuntimeError(f"einsum(): '{equation}' is no equation: letters, at most one ... in each term, and between them , and ->")
    left, arrow, wanted = equation.partition("->")
    if left.count(",") + 1 != len(operands):
        raise RuntimeError(f"einsum(): '{equation}' has {left.count(',') + 1} terms, but there are {len(operands)} operands")
    if not arrow:
        wanted = "..." + "".join(sorted(name for name in set(left) - set(".,") if left.count(name) == 1))
    dots = "".join(sorted(set(ascii_letters) - set(equation)))  # they name the dimensions of the ellipses, the last one first
    sizes = {}
    terms = [_named(term, operand, dots, sizes) for term, operand in zip(left.split(","), operands, strict=True)]
    wanted = wanted.replace("...", "".join(name for name in dots if name in sizes)[::-1])
    wrong = next((name for name in wanted if name not in sizes or wanted.count(name) > 1), None)
    expect(wrong is None, f"einsum(): the output must have '{wrong}' once, and an operand must have it: '{equation}'")
    return _contract([_distinct(*each, sizes) for each in zip(operands, terms, strict=True)], wanted)


def _named(term, operand, dots, sizes) -> str:
    """`term` with letters of `dots` for its ellipsis, so that it names each dimension of `operand`; notes their `sizes`."""
    expect(isinstance(operand, Variable), f"einsum(): expected Tensors as operands, but got {type(operand).__name__}", TypeError)
    shape = tuple(operand.shape)
    names = term.replace("...", dots[: max(len(shape) - len(term.replace("...", "")), 0)][::-1])
    expect(len(names) == len(shape), f"einsum(): '{term}' does not match the number of dimensions of the shape {shape}")
    for name, length in zip(names, shape, strict=True):
        known = sizes.get(name, 1)
        if known != length and 1 not in (known, length) or length != shape[names.index(name)]:
            raise RuntimeError(f"einsum(): '{name}' in '{term}' has size {length}, which does not broadcast with its size elsewhere")
        sizes[name] = length if known == 1 else known
    return names


def _distinct(operand, term, sizes):
    """`operand` with each name once (of a repeated one the diagonal), and without the dimensions that only broadcast."""
    for name in term:
        while term.count(name) > 1:
            first, second = term.index(name), term.rindex(name)
            operand = diagonal(operand, 0, first, second)
            term = term[:first] + term[first + 1 : second] + term[second + 1 :] + name
    kept = [name for i, name in enumerate(term) if operand.shape[i] == sizes[name]]
    return operand if len(kept) == len(term) else reshape(operand, tuple(sizes[name] for name in kept)), "".join(kept)


def _contract(pairs, wanted):
    """The product of [(operand, term)], summed over the names that are not `wanted`: first over those that only one operand has."""
    seen = "".join(term for _, term in pairs) + wanted
    operands, terms = [], []
    for operand, term in pairs:
        alone = tuple(i for i, name in enumerate(term) if seen.count(name) == 1)
        operands.append(sum(operand, alone) if alone else operand)
        terms.append("".join(name for name in term if seen.count(name) > 1))
    operands = common(operands) if set("".join(terms)) == set(wanted) else same_type(*operands)
    (out, *others), (names, *terms) = operands, terms
    while others:
        out, names = _two(out, names, others.pop(0), terms.pop(0), {*wanted, *"".join(terms)})
    return _arranged(out, names, wanted)


def _two(x, of_x, y, of_y, stay):
    """out[b, i, j] = sum over k of x[b, i, k] y[b, k, j], and its names: both operands have b and k, of which b `stay`.

    Only x has i, only y has j.  Each of the four may be several names, or none.
    """
    both = [name for name in of_x if name in of_y]
    b, k = ("".join(name for name in both if (name in stay) == stays) for stays in (True, False))
    i, j = ("".join(name for name in names if name not in both) for names in (of_x, of_y))
    # Without k each is multiplied with each: but i by j, an outer product, is a matrix product too, for its gradients are (not of bools)
    if not k and (not (i and j) or x.dtype is dtypes.bool):
        return mul(_arranged(x, of_x, b + i + j), _arranged(y, of_y, b + i + j)), b + i + j
    lengths = dict(zip(of_x + of_y, (*x.shape, *y.shape), strict=True))
    batch, rows, columns, inner = (prod(lengths[name] for name in names) for names in (b, i, j, k))
    x = reshape(_arranged(x, of_x, b + i + k), (batch, rows, inner))
    y = reshape(_arranged(y, of_y, b + k + j), (batch, inner, columns))
    return reshape(matrix_product(x, y), tuple(lengths[name] for name in b + i + j)), b + i + j


def _arranged(x, names, wanted):
    """`x`, whose dimensions have these `names`, with those of `wanted` in their order; of a name that it lacks the length is 1."""
    x = x if names == wanted else permute(x, tuple(names.index(name) for name in wanted if name in names))
    return x[tuple(slice(None) if name in names else None for name in wanted)] if len(wanted) > x.ndim else x
