"""Modules that hold modules: in sequence, in a list, in a dict."""

import operator
from collections import OrderedDict

from .module import Module
from .parameter import Parameter


class _Indexed(Module):
    """Modules under the names "0", "1", …, indexed as a list is."""

    def _key(self, index) -> str:
        index = operator.index(index)
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} is out of range")
        return list(self._modules)[index]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self):
        return iter(list(self._modules.values()))

    def __setitem__(self, index, module) -> None:
        setattr(self, self._key(index), module)

    def __delitem__(self, index) -> None:
        for key in list(self._modules)[index] if isinstance(index, slice) else [self._key(index)]:
            delattr(self, key)
        self._renumber()

    def _renumber(self) -> None:
        if all(key.isdigit() for key in self._modules):
            modules = list(self._modules.values())
            self._modules.clear()
            self._modules.update((str(i), module) for i, module in enumerate(modules))

    def append(self, module):
        """Add a module at the end."""
        self.add_module(str(len(self)), module)
        return self

    def insert(self, index, module):
        """Put a module before the one at `index`."""
        modules = list(self)
        modules.insert(index, module)
        self._modules.clear()
        return self.extend(modules)

    def extend(self, modules):
        """Add several at the end."""
        for module in modules:
            self.append(module)
        return self

    def pop(self, index):
        """Take the module at `index` out."""
        module = self[index]
        del self[index]
        return module


class Sequential(_Indexed):
    """Modules called one after the other: `Sequential(a, b, …)`, or from an OrderedDict that names them."""

    def __init__(self, *args):
        super().__init__()
        named = args[0].items() if len(args) == 1 and isinstance(args[0], OrderedDict) else ((str(i), each) for i, each in enumerate(args))
        for name, module in named:
            self.add_module(name, module)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return type(self)(OrderedDict(list(self._modules.items())[index]))
        return self._modules[self._key(index)]

    def forward(self, input):
        for module in self:
            input = module(input)
        return input


class ModuleList(_Indexed):
    """A list of modules that the tree knows of; it has no forward of its own."""

    def __init__(self, modules=None):
        super().__init__()
        self.extend(modules or ())

    def __getitem__(self, index):
        return type(self)(list(self)[index]) if isinstance(index, slice) else self._modules[self._key(index)]

    def __iadd__(self, modules):
        return self.extend(modules)


class ModuleDict(Module):
    """A dict of modules that the tree knows of."""

    def __init__(self, modules=None):
        super().__init__()
        self.update(modules or {})

    def __getitem__(self, key: str):
        return self._modules[key]

    def __setitem__(self, key: str, module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._modules[key]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self):
        return iter(self._modules)

    def __contains__(self, key: str) -> bool:
        return key in self._modules

    def clear(self) -> None:
        """Take all modules out."""
        self._modules.clear()

    def pop(self, key: str):
        """Take one module out."""
        return self._modules.pop(key)

    def keys(self):
        """The names."""
        return self._modules.keys()

    def items(self):
        """(name, module)."""
        return self._modules.items()

    def values(self):
        """The modules."""
        return self._modules.values()

    def update(self, modules) -> None:
        """Add those of a dict, or of an iterable of pairs."""
        for key, module in modules.items() if hasattr(modules, "items") else modules:
            self[key] = module


class ParameterList(Module):
    """A list of parameters that the tree knows of."""

    def __init__(self, values=None):
        super().__init__()
        for each in values or ():
            self.append(each)

    def append(self, value):
        """Add a parameter at the end; a plain tensor becomes one."""
        self.register_parameter(str(len(self)), value if isinstance(value, Parameter) else Parameter(value))
        return self

    def __getitem__(self, index):
        return list(self._parameters.values())[index]

    def __len__(self) -> int:
        return len(self._parameters)

    def __iter__(self):
        return iter(list(self._parameters.values()))
