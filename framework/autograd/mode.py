"""Whether operations are recorded: one switch a thread, turned by context managers that are decorators too."""

import functools
import threading


class _Mode(threading.local):
    grad = True  # are operations recorded?
    inference = False  # are new tensors shut out of autograd for good?


mode = _Mode()


class _Switch:
    """Sets attributes of `mode` for a block (`with no_grad():`) or for a function (`@no_grad()`)."""

    def __init__(self, **wanted):
        self._wanted = wanted
        self._before = []  # a stack, so that one object may be entered again inside itself

    def __enter__(self):
        self._before.append({name: getattr(mode, name) for name in self._wanted})
        for name, value in self._wanted.items():
            setattr(mode, name, value)

    def __exit__(self, *exception):
        for name, value in self._before.pop().items():
            setattr(mode, name, value)

    def __call__(self, function):
        @functools.wraps(function)
        def switched(*args, **kwargs):
            with type(self).copy(self):
                return function(*args, **kwargs)

        return switched

    def copy(self):
        """A fresh switch for the same attributes: each call of a decorated function, in any thread, has its own stack."""
        return _Switch(**self._wanted)


def _decorator_or_context(function, switch: _Switch):
    return switch if function is None else switch(function)


def no_grad(function=None):
    """Do not record: results need no gradient, whatever their inputs need."""
    return _decorator_or_context(function, _Switch(grad=False))


def enable_grad(function=None):
    """Record again inside a `no_grad` block."""
    return _decorator_or_context(function, _Switch(grad=True))


def inference_mode(mode=True):
    """`no_grad`, and the tensors made inside can never take part in autograd, which saves their version counters."""
    if callable(mode):
        return inference_mode()(mode)
    return _Switch(grad=not mode, inference=mode)


class set_grad_enabled(_Switch):
    """Turn recording on or off: at once when called, and back at the end of the block when used as a context manager."""

    def __init__(self, mode: bool):
        super().__init__(grad=bool(mode))
        self._called_with = _current().grad
        _current().grad = bool(mode)

    def __enter__(self):
        super().__enter__()
        self._before[-1] = {"grad": self._called_with}

    def __call__(self, function):
        _current().grad = self._called_with  # used as a decorator: only the function's body is switched
        return super().__call__(function)


def _current() -> _Mode:
    return mode


def is_grad_enabled() -> bool:
    """Whether operations are recorded in this thread."""
    return mode.grad


def is_inference_mode_enabled() -> bool:
    """Whether this thread is inside `inference_mode`."""
    return mode.inference
