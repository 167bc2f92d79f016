"""The operations, by subject.  An op declared as a lambda takes the name it is assigned to, and a sentence from sentences.py."""

from ..autograd.op import Op
from . import (
    activation, comparison, conv, decompositions, diagonal, elementwise, forms, index, linalg, loss, norm, pool, random, reduce, scan,
    scatter, shape, sort,
)  # fmt: skip
from .sentences import SENTENCES

for _module in list(vars().values()):
    for _name, _value in vars(_module).items() if type(_module) is type(elementwise) else ():
        if isinstance(_value, Op):
            _value.__name__ = _name if _value.__name__ == "<lambda>" else _value.__name__
            _value.__doc__ = _value.__doc__ or SENTENCES.get(_name)
