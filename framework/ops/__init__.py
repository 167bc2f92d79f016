"""The operations, by subject.  An op declared as a lambda takes the name it is assigned to."""

from ..autograd.op import Op
from . import (
    activation, comparison, conv, decompositions, diagonal, elementwise, forms, index, linalg, loss, norm, pool, random, reduce, scan,
    scatter, shape, sort,
)  # fmt: skip

for _module in (
    elementwise, comparison, shape, diagonal, index, scatter, scan, reduce, sort, linalg, activation, conv, pool, norm, loss, random,
    decompositions,
):  # fmt: skip
    for _name, _value in list(vars(_module).items()):
        if isinstance(_value, Op) and _value.__name__ == "<lambda>":
            _value.__name__ = _name
