"""What the functions of several dimensions share: options given once or once a dimension, inputs with or without a batch."""

from functools import wraps

from ...dtypes import float32
from ...ops.shape import unsqueeze


def tuple_of(value, dims: int) -> tuple:
    """`value` once for each dimension, unless it is a sequence already."""
    if not isinstance(value, (tuple, list)):
        return (value,) * dims
    if len(value) == 1:
        return tuple(value) * dims
    if len(value) != dims:
        raise RuntimeError(f"expected one value or {dims}, but got {tuple(value)}")
    return tuple(value)


def batched(name, input, dims):
    """`input` with a batch dimension, and whether it had none."""
    if input.ndim not in (dims + 1, dims + 2):
        raise RuntimeError(
            f"Expected {dims + 1}D (unbatched) or {dims + 2}D (batched) input to {name}, but got input of size: {list(input.shape)}"
        )
    alone = input.ndim == dims + 1
    return (unsqueeze(input, 0) if alone else input), alone


def spatial(function):
    """`function` of (N, C, *spatial) as three, for 1, 2 and 3 spatial dimensions, which take an input without its batch as well."""

    def of(dims):
        name = f"{function.__name__}{dims}d"

        @wraps(function)
        def call(input, *args, **options):
            input, alone = batched(name, input, dims)
            out = function(input, *args, **options)
            if alone:
                return tuple(each.squeeze(0) for each in out) if isinstance(out, tuple) else out.squeeze(0)
            return out

        call.__name__ = call.__qualname__ = name
        return call

    return [of(dims) for dims in (1, 2, 3)]


def floating(name, input, *parameters) -> None:
    """NotImplementedError for integers, RuntimeError for parameters of another type than `input` (but float32 beside 16 bits)."""
    if not input.is_floating_point():
        raise NotImplementedError(f"\"{name}\" not implemented for '{input.dtype.name.capitalize()}'")
    for each in parameters:
        if each is not None and each.dtype is not input.dtype and not (input.element_size() == 2 and each.dtype is float32):
            raise RuntimeError("mixed dtype (CPU): all inputs must share same datatype.")


def sized(name, length, **vectors) -> None:
    """RuntimeError unless each of `vectors` (None is left out) has `length` elements."""
    for what, each in vectors.items():
        if each is not None and each.numel() != length:
            raise RuntimeError(f"{name}: {what} should contain {length} elements not {each.numel()}")
