"""Whether operations are recorded: one switch a thread, turned by context managers that are decorators too."""

import threading
from contextlib import ContextDecorator
from functools import wraps
from inspect import isgeneratorfunction


class _Mode(threading.local):
    grad = True  # are operations recorded?
    inference = False  # are new tensors shut out of autograd for good?
    casts = None  # (kind of device, type) that products cast their operands to: kernels/autocast.py

    def __init__(self):
        self.before = []  # (grad, inference) outside each of the blocks that this thread is in


mode = _Mode()


class _Switch(ContextDecorator):
    """Sets attributes of `mode` for a block (`with no_grad():`) or for a function (`@no_grad()`)."""

    def __init__(self, **wanted):
        self.wanted = wanted

    def turn(self) -> tuple:
        """Set them; what they were before."""
        before = mode.grad, mode.inference
        vars(mode).update(self.wanted)
        return before

    def __enter__(self):
        mode.before.append(self.turn())

    def __exit__(self, *exception):
        mode.grad, mode.inference = mode.before.pop()

    def __call__(self, function):
        if not isgeneratorfunction(function):
            return super().__call__(function)

        step, end = super().__call__(next), object()  # turned while the generator runs, and back while it waits

        @wraps(function)
        def generator(*args, **kwargs):
            items = function(*args, **kwargs)
            yield from iter(lambda: step(items, end), end)

        return generator


def no_grad(function=None):
    """Do not record: results need no gradient, whatever their inputs need."""
    return _Switch(grad=False) if function is None else _Switch(grad=False)(function)


def enable_grad(function=None):
    """Record again inside a `no_grad` block."""
    return _Switch(grad=True) if function is None else _Switch(grad=True)(function)


def inference_mode(mode=True):
    """`no_grad`, and the tensors made inside can never take part in autograd, which saves their version counters."""
    return inference_mode()(mode) if callable(mode) else _Switch(grad=not mode, inference=mode)


class set_grad_enabled(_Switch):
    """Turn recording on or off: at once when called, and back at the end of the block when used as a context manager."""

    def __init__(self, mode: bool):
        super().__init__(grad=bool(mode))
        self.before = self.turn()

    def __enter__(self):
        super().__enter__()
        mode.before[-1] = self.before

    def __call__(self, function):
        mode.grad, _ = self.before  # used as a decorator: only the function's body is switched
        return _Switch(**self.wanted)(function)


def is_grad_enabled() -> bool:
    """Whether operations are recorded in this thread."""
    return mode.grad
