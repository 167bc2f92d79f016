"""Parameters: the tensors a module learns."""

from ..tensor import Tensor


class Parameter(Tensor):
    """A tensor that a Module finds and an optimizer updates: `Parameter(data, requires_grad=True)`, sharing the memory of `data`."""

    def __init__(self, data=None, requires_grad: bool = True):
        self._array = Tensor()._array if data is None else data._array
        self._version = [0] if data is None or data._version is None else data._version
        self.requires_grad = requires_grad

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()

