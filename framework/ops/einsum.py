"""Einstein's summation: products of tensors whose dimensions are named by letters."""

import re
from string import ascii_letters

import numpy as np

from ..autograd.half import half_type, in_single
from ..autograd.op import op
from ..autograd.variable import Variable
from ..size import as_one
from .diagonal import diagonal
from .promotion import common, expect, refuse, same_type
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
    for name in wanted:
        if name not in sizes or wanted.count(name) > 1:
            raise RuntimeError(f"einsum(): the output must have '{name}' once, and an operand must have it: '{equation}'")
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
    if len(operands) == 1:
        return permute(operands[0], tuple(terms[0].index(name) for name in wanted))
    if set("".join(terms)) == set(wanted):
        return product(list(common(operands)), terms, wanted)
    same_type(*operands)
    refuse("b", "einsum", *operands)
    return product(operands, terms, wanted)


@op(name="einsum", operands=lambda grad, operands, terms, wanted: [
        product([grad, *operands[:i], *operands[i + 1 :]], [wanted, *terms[:i], *terms[i + 1 :]], term) for i, term in enumerate(terms)
    ])  # fmt: skip
def product(operands, terms, wanted):
    """NumPy's einsum, where every name is that of two operands at least or of one and the result: so its gradients are such products."""

    def contract(*arrays):
        return np.einsum(",".join(terms) + "->" + wanted, *arrays, optimize=True)

    half = half_type(operands)
    return contract(*operands) if half is None else in_single(contract, operands, half)
