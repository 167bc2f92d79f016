"""The operations, by subject.  An op declared as a lambda takes the name it is assigned to."""

from ..autograd.op import Op
from . import activation, conv, elementwise, index, linalg, loss, norm, pool, random, reduce, scan, scatter, shape, sort

for _module in (elementwise, shape, index, scatter, scan, reduce, sort, linalg, activation, conv, pool, norm, loss, random):
    for _name, _value in list(vars(_module).items()):
        if isinstance(_value, Op) and _value.__name__ == "<lambda>":
            _value.__name__ = _name
