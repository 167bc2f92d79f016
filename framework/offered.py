"""What is refused: what is not as it must be, and by name PyTorch's arguments that say where or how a result is stored, not what it is."""

import functools
import inspect

NOT_OFFERED = {
    "out", "layout", "memory_format", "generator", "names", "pin_memory", "sparse_grad", "foreach", "fused", "capturable", "differentiable",
    "multiprocessing_context", "pin_memory_device", "in_order",
}  # fmt: skip


def expect(condition, message, error=RuntimeError) -> None:
    """Raise `error` unless `condition`."""
    if not condition:
        raise error(message)


def refuse_argument(function: str, name: str, value) -> None:
    """NotImplementedError, unless the argument was given as PyTorch's default."""
    expect(value is None or value is False, f"{function}() does not support the argument '{name}'", NotImplementedError)


def offered(function):
    """`function`, refusing by name the arguments of PyTorch's that it does not have."""
    own = inspect.signature(function).parameters

    @functools.wraps(function)
    def checked(*args, **kwargs):
        for name in kwargs.keys() & NOT_OFFERED:
            if name not in own:
                refuse_argument(function.__qualname__.removesuffix(".__init__"), name, kwargs.pop(name))
        return function(*args, **kwargs)

    return checked
