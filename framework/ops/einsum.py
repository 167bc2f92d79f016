"""Einstein's summation: products of tensors whose dimensions are named by letters, all of them by way of matrix products."""

import math
import re
import string

from ..autograd.variable import Variable
from .diagonal import diagonal
from .elementwise import mul
from .linalg import matrix_product
from .reduce import sum
from .shape import permute, reshape


def contract(operands, names, wanted):
    """The sum over every name that is not `wanted` of the product of the operands: two at a time, from the left.

    `names[i]` says what the dimensions of `operands[i]` are called; a dimension of length 1 broadcasts.
    """
    sizes = {}
    for operand, own in zip(operands, names, strict=True):
        sizes |= {name: length for name, length in zip(own, operand.shape, strict=True) if sizes.get(name, 1) == 1}
    out, own = _distinct(operands[0], names[0], sizes)
    for i in range(1, len(operands)):
        kept = set(wanted).union(*names[i + 1 :])
        out, own = _product(out, own, *_distinct(operands[i], names[i], sizes), kept)
    out, own = _summed(out, own, set(wanted))
    return permute(out, tuple(own.index(name) for name in wanted))


def _distinct(operand, names, sizes):
    """`operand` with each name once (of a repeated one the diagonal), and without the dimensions that only broadcast."""
    names = list(names)
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
    left = permute(left, tuple(left_names.index(name) for name in [*batch, *rows, *inner]))
    right = permute(right, tuple(right_names.index(name) for name in [*batch, *inner, *columns]))
    batch_shape, right_shape = tuple(left.shape[: len(batch)]), tuple(right.shape[len(batch) + len(inner) :])
    row_shape = tuple(left.shape[len(batch) : len(batch) + len(rows)])
    if not inner:
        left = reshape(left, batch_shape + row_shape + (1,) * len(columns))
        return mul(left, reshape(right, batch_shape + (1,) * len(rows) + right_shape)), [*batch, *rows, *columns]
    length = math.prod(left.shape[len(batch) + len(rows) :])
    left = reshape(left, (*batch_shape, math.prod(row_shape), length))
    right = reshape(right, (*batch_shape, length, math.prod(right_shape)))
    return reshape(matrix_product(left, right), batch_shape + row_shape + right_shape), [*batch, *rows, *columns]


def einsum(*args):
    """einsum("bij,bjk->bik", a, b), or einsum(a, [0, 1, 2], b, [0, 2, 3], [0, 1, 3]): products summed over the names left out.

    Without `->` the result has the names that occur once, in alphabetical order; `...` stands for dimensions that broadcast.
    """
    if len(args) < 2:
        raise ValueError(
            "einsum(): must specify the equation string and at least one operand, or at least one operand and its subscripts list"
        )
    equation, *operands = args if isinstance(args[0], str) else _from_lists(args)
    operands = operands[0] if len(operands) == 1 and isinstance(operands[0], (list, tuple)) else operands
    if bad := re.search("[^a-zA-Z., ]", equation.replace("->", "  ", 1)):
        place = f"at index {bad.start()} in the equation string"
        raise RuntimeError(f"einsum(): invalid subscript given {place}, subscripts must be in [a-zA-Z]")
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        amount = "fewer" if len(operands) < len(terms) else "more"
        raise RuntimeError(f"einsum(): {amount} operands were provided than specified in the equation")
    sizes = {}
    names = [_names(_letters(term, f"operand {i}"), operands[i], i, sizes) for i, term in enumerate(terms)]
    dots = sorted(name for name in sizes if isinstance(name, int))  # the dimensions of the ellipses
    seen = "".join(terms).replace(".", "")
    output = _letters(right, "output") if arrow else ["...", *sorted(name for name in seen if seen.count(name) == 1)]
    for name in output:
        if output.count(name) > 1:
            raise RuntimeError(f"einsum(): output subscript {name} appears more than once in the output")
        if name != "..." and name not in seen:
            raise RuntimeError(f"einsum(): output subscript {name} does not appear in the equation for any input operand")
    return contract(operands, names, [each for name in output for each in (dots if name == "..." else [name])])


def _from_lists(args):
    """The sublist form in letters: operands and lists of numbers below 52 in turn, at the end perhaps the result's list."""

    def term(numbers):
        if any(each is not ... and not 0 <= each < 52 for each in numbers):
            raise ValueError("einsum(): subscript in subscript list is not within the valid range [0, 52)")
        return "".join("..." if each is ... else (string.ascii_uppercase + string.ascii_lowercase)[each] for each in numbers)

    pairs = len(args) // 2 * 2
    return ",".join(map(term, args[1:pairs:2])) + ("->" + term(args[-1]) if len(args) > pairs else ""), *args[0:pairs:2]


def _letters(term, owner):
    """The letters of a term, and "..." for its ellipsis."""
    before, dots, after = term.partition("...")
    if "..." in after:
        raise RuntimeError(f"einsum(): found '.' for {owner} {'but' if owner == 'output' else 'for which'} an ellipsis was already found")
    if "." in before + after:
        raise RuntimeError(f"einsum(): found '.' for {owner} that is not part of any ellipsis")
    return [*before, *([dots] if dots else []), *after]


def _names(letters, operand, i, sizes):
    """A name for each dimension of operand `i`, those of the ellipsis counted from the right (-1 is the last); notes the `sizes`."""
    if not isinstance(operand, Variable):
        raise TypeError(f"expected Tensor as element {i} in argument 1, but got {type(operand).__name__}")
    count, given = len(letters) - ("..." in letters), "the number of subscripts in the equation"
    if "..." not in letters and count != operand.ndim:
        does_not = f"does not match the number of dimensions ({operand.ndim}) for operand {i} and no ellipsis was given"
        raise RuntimeError(f"einsum(): {given} ({count}) {does_not}")
    if count > operand.ndim:
        raise RuntimeError(f"einsum(): {given} ({count}) is more than the number of dimensions ({operand.ndim}) for operand {i}")
    names = [each for name in letters for each in (range(count - operand.ndim, 0) if name == "..." else [name])]
    own = {}
    for name, length in zip(names, operand.shape, strict=True):
        what = f"subscript {name}" if isinstance(name, str) else f"dimension {name} of the ellipsis"
        if own.setdefault(name, length) != length:
            raise RuntimeError(f"einsum(): {what} is repeated for operand {i} but the sizes don't match, {length} != {own[name]}")
        if length != 1 != sizes.get(name, 1) != length:
            does_not = f"does not broadcast with previously seen size {sizes[name]}"
            raise RuntimeError(f"einsum(): {what} has size {length} for operand {i} which {does_not}")
        if sizes.get(name, 1) == 1:
            sizes[name] = length
    return names
