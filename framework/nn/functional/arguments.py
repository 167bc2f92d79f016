"""What the functions of several dimensions share: options given once or once a dimension, inputs with or without a batch."""

from functools import wraps

from ...ops.promotion import expect, refuse
from ...ops.shape import squeeze, unsqueeze


def tuple_of(value, dims: int) -> tuple:
    """`value` once for each dimension, unless it is a sequence already."""
    if not isinstance(value, (tuple, list)):
        return (value,) * dims
    expect(len(value) in (1, dims), f"expected one value or {dims}, but got {tuple(value)}")
    return tuple(value) * (dims if len(value) == 1 else 1)


def window(dims: int, kernel_size, stride, padding, dilation) -> tuple:
    """The four with a number for each dimension; RuntimeError if they make no window."""
    kernel, stride, padding, dilation = (tuple_of(each, dims) for each in (kernel_size, stride, padding, dilation))
    if min(*kernel, *stride, *dilation) < 1 or min(padding) < 0:
        given = f"kernel size {kernel}, stride {stride}, dilation {dilation} and padding {padding}"
        raise RuntimeError(f"{given} should be greater than zero, the padding not negative")
    return kernel, stride, padding, dilation


def batched(name: str, dims: int, not_for: str = ""):
    """Let a function of (N, C, *spatial) take an input without its batch as well, and refuse types of NumPy's kinds `not_for`."""

    def declare(function):
        @wraps(function)
        def call(input, *args, **options):
            refuse(not_for, name, input)
            if input.ndim == dims + 2:
                return function(input, *args, **options)
            if input.ndim != dims + 1:
                raise RuntimeError(f"Expected {dims + 1}D (unbatched) or {dims + 2}D (batched) input to {name}, got {list(input.shape)}")
            out = function(unsqueeze(input, 0), *args, **options)
            return tuple(squeeze(each, 0) for each in out) if isinstance(out, tuple) else squeeze(out, 0)

        call.__name__ = call.__qualname__ = name
        return call

    return declare


def spatial(not_for: str = ""):
    """Make three `batched` functions of one, for 1, 2 and 3 dimensions."""
    return lambda function: [batched(f"{function.__name__}{dims}d", dims, not_for)(function) for dims in (1, 2, 3)]
