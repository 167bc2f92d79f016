"""Results of several tensors that are read by name: `x.max(1).values`."""

from collections import namedtuple


def result_type(name: str, fields: str):
    """The class of the results of the function `name`, printed as PyTorch prints them."""

    def to_string(self) -> str:
        lines = ",\n".join(f"{field}={value!r}" for field, value in zip(self._fields, self, strict=True))
        return f"framework.return_types.{name}(\n{lines})"

    return type(name, (namedtuple(name, fields),), {"__slots__": (), "__repr__": to_string})
