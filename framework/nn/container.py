"""Modules that hold modules or parameters: in sequence, in a list, in a dict."""

import operator
from collections import OrderedDict
from collections.abc import MutableMapping

from ..tensor import Tensor
from .module import Module
from .parameter import Parameter


class _Modules(Module):
    """Its members are modules."""

    @property
    def _members(self) -> dict:
        return self._modules

    _put = Module.add_module


class _Parameters(Module):
    """Its members are parameters; a plain tensor becomes one."""

    @property
    def _members(self) -> dict:
        return self._parameters

    def _put(self, name: str, value) -> None:
        self.register_parameter(name, Parameter(value) if isinstance(value, Tensor) and not isinstance(value, Parameter) else value)

    def extra_repr(self) -> str:
        return "\n".join(f"  ({name}): {_described(each)}" for name, each in self._parameters.items())


def _described(parameter) -> str:
    where = f" ({parameter.device})" if parameter.is_cuda else ""
    return f"Parameter containing: [{parameter.dtype} of size {'x'.join(map(str, parameter.shape))}{where}]"


class _List(Module):
    """Members under the names "0", "1", …, indexed as a list is."""

    def __init__(self, members=None):
        super().__init__()
        self.extend(() if members is None else members)

    def _key(self, index) -> str:
        index = operator.index(index)
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} is out of range")
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

    def __iadd__(self, members):
        return self.extend(members)

    def _renumber(self, members) -> None:
        self._members.clear()
        self._members.update((str(i), each) for i, each in enumerate(members))

    def append(self, member):
        """Add one at the end."""
        self._put(str(len(self)), member)
        return self

    def extend(self, members):
        """Add several at the end."""
        if isinstance(members, Tensor):
            raise TypeError("extend takes a list or another iterable, not one tensor")
        for each in list(members):
            self.append(each)
        return self

    def insert(self, index, member):
        """Put one before that at `index`."""
        if not -len(self) <= index <= len(self):
            raise IndexError(f"Index out of range: {index}")
        self.append(member)
        members = list(self)
        members.insert(index, members.pop())
        self._renumber(members)
        return self

    def pop(self, index):
        """Take the one, or the slice of them, at `index` out."""
        member = self[index]
        del self[index]
        return member


class _Dict(Module, MutableMapping):
    """Members under names, with the methods of a dict; compared and hashed as modules are, by identity."""

    __eq__, __hash__ = object.__eq__, object.__hash__

    def __init__(self, members=None):
        super().__init__()
        self.update({} if members is None else members)

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


class Sequential(_Modules, _List):
    """Modules called one after the other: `Sequential(a, b, …)`, or from an OrderedDict that names them."""

    def __init__(self, *args):
        super().__init__()
        named = args[0].items() if len(args) == 1 and isinstance(args[0], OrderedDict) else ((str(i), each) for i, each in enumerate(args))
        for name, module in named:
            self.add_module(name, module)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return type(self)(OrderedDict(list(self._modules.items())[index]))
        return super().__getitem__(index)

    def forward(self, input):
        for module in self._modules.values():
            input = module(input)
        return input


class ModuleList(_Modules, _List):
    """A list of modules that the tree knows of; it has no forward of its own."""

    def __init__(self, modules=None):
        super().__init__(modules)

    def _children_repr(self) -> list:
        """Equal neighbours are told once: `(0-2): 3 x Linear(…)`."""
        blocks = []  # [first, last, text]
        for i, text in enumerate(map(repr, self)):
            if blocks and blocks[-1][2] == text:
                blocks[-1][1] = i
            else:
                blocks.append([i, i, text])
        return [f"({a}): {text}" if a == b else f"({a}-{b}): {b - a + 1} x {text}" for a, b, text in blocks]


class ModuleDict(_Modules, _Dict):
    """A dict of modules that the tree knows of."""

    def __init__(self, modules=None):
        super().__init__(modules)


class ParameterList(_Parameters, _List):
    """A list of parameters that the tree knows of; a plain tensor becomes one."""

    def __init__(self, values=None):
        super().__init__(values)


class ParameterDict(_Parameters, _Dict):
    """A dict of parameters that the tree knows of, a plain dict's in the order of its sorted keys; a plain tensor becomes one."""

    def __init__(self, parameters=None):
        super().__init__(parameters)

    def update(self, parameters) -> None:
        """Add those of a dict, or of an iterable of pairs."""
        super().update(sorted(parameters.items()) if type(parameters) is dict else parameters)
