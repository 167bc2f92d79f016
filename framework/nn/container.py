"""Modules that hold modules or parameters: in sequence, in a list, in a dict."""

import operator
from collections import OrderedDict
from collections.abc import MutableMapping
from itertools import groupby

from ..offered import expect
from ..tensor import Tensor
from .module import Module
from .parameter import Parameter


class _Container(Module):
    """Its members are modules, or, for those of `_OfParameters`, parameters."""

    _members = property(lambda self: self._modules)
    _put = Module.add_module


class _OfParameters(_Container):
    """Its members are parameters; a plain tensor becomes one."""

    _members = property(lambda self: self._parameters)

    def _put(self, name: str, member) -> None:
        self.register_parameter(name, Parameter(member) if type(member) is Tensor else member)

    def extra_repr(self) -> str:
        return "\n".join(f"  ({name}): Parameter containing: [{each.dtype} of size {'x'.join(map(str, each.shape))}]"
                         for name, each in self._parameters.items() if each is not None)  # fmt: skip


class _List(_Container):
    """Members under the names "0", "1", …, indexed as a list is."""

    def __init__(self, modules=None):
        super().__init__()
        self.extend(() if modules is None else modules)

    def _key(self, index) -> str:
        index = operator.index(index)
        expect(-len(self) <= index < len(self), f"index {index} is out of range", IndexError)
        return list(self._members)[index]

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self):
        return iter(list(self._members.values()))

    def __getitem__(self, index):
        return type(self)(list(self)[index]) if isinstance(index, slice) else self._members[self._key(index)]

    def __setitem__(self, index, member) -> None:
        self._put(self._key(index), member)

    def __delitem__(self, index) -> None:
        for key in list(self._members)[index] if isinstance(index, slice) else [self._key(index)]:
            del self._members[key]
        self._renumber(list(self))

    def _renumber(self, members) -> None:
        self._members.clear()
        self._members.update((str(i), each) for i, each in enumerate(members))

    def append(self, member):
        """Add one at the end."""
        self._put(str(len(self)), member)
        return self

    def extend(self, members):
        """Add several at the end."""
        expect(not isinstance(members, Tensor), "extend takes a list or another iterable, not one tensor", TypeError)
        for each in list(members):
            self.append(each)
        return self

    __iadd__ = extend

    def insert(self, index, member):
        """Put one before that at `index`."""
        expect(-len(self) <= index <= len(self), f"Index out of range: {index}", IndexError)
        self.append(member)
        members = list(self)
        members.insert(index, members.pop())
        self._renumber(members)
        return self


class _Dict(_Container, MutableMapping):
    """Members under names, with the methods of a dict; compared and hashed as modules are, by identity."""

    __eq__, __hash__ = object.__eq__, object.__hash__

    def __init__(self, modules=None):
        super().__init__()
        self.update({} if modules is None else modules)

    def __getitem__(self, key: str):
        return self._members[key]

    def __setitem__(self, key: str, member) -> None:
        self._put(key, member)

    def __delitem__(self, key: str) -> None:
        del self._members[key]

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self):
        return iter(self._members)

    def popitem(self) -> tuple:
        """Take the last one out: (name, member)."""
        return self._members.popitem()


class Sequential(_List):
    """Modules called one after the other: `Sequential(a, b, …)`, or from an OrderedDict that names them."""

    def __init__(self, *args):
        super().__init__()
        named = args[0].items() if len(args) == 1 and isinstance(args[0], OrderedDict) else ((str(i), each) for i, each in enumerate(args))
        for name, module in named:
            self.add_module(name, module)

    def __getitem__(self, index):
        return type(self)(OrderedDict([*self._modules.items()][index])) if isinstance(index, slice) else super().__getitem__(index)

    def forward(self, input):
        for module in self._modules.values():
            input = module(input)
        return input


class ModuleList(_List):
    """A list of modules that the tree knows of; it has no forward of its own."""

    def _children_repr(self) -> list:
        """Equal neighbours are told once: `(0-2): 3 x Linear(…)`."""
        told, start = [], 0
        for text, equal in groupby(map(repr, self)):
            n = len(list(equal))
            told.append(f"({start}): {text}" if n == 1 else f"({start}-{start + n - 1}): {n} x {text}")
            start += n
        return told


class ModuleDict(_Dict):
    """A dict of modules that the tree knows of."""


class ParameterList(_OfParameters, _List):
    """A list of parameters that the tree knows of; a plain tensor becomes one."""

    def __init__(self, values=None):
        super().__init__(values)


class ParameterDict(_OfParameters, _Dict):
    """A dict of parameters that the tree knows of, a plain dict's in the order of its sorted keys; a plain tensor becomes one."""

    def __init__(self, parameters=None):
        super().__init__(parameters)

    def update(self, parameters) -> None:
        """Add those of a dict, or of an iterable of pairs."""
        super().update(sorted(parameters.items()) if type(parameters) is dict else parameters)
