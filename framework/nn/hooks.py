"""Hooks of modules: called before and after the forward, and when gradients arrive at its outputs and inputs.

The backward ones stand on the tape: an identity before the forward and one after it see the gradients go by.
"""

import warnings
from typing import NamedTuple

from ..autograd.engine import RemovableHandle
from ..autograd.function import Function
from ..tensor import Tensor


class WithKwargs(NamedTuple):
    """A forward hook that takes the keyword arguments too."""

    hook: object


def register(hooks: dict, hook, prepend: bool = False) -> RemovableHandle:
    """Add `hook` at the end of `hooks`, or before all others."""
    others = dict(hooks) if prepend else {}
    for key in others:
        del hooks[key]
    handle = RemovableHandle(hooks).put(hook)
    hooks.update(others)
    return handle


def call_with_hooks(module, args, kwargs):
    """What calling a module does if it has hooks."""
    for hook in list(module._forward_pre_hooks.values()):
        if not isinstance(hook, WithKwargs):
            changed = hook(module, args)
            args = args if changed is None else _tuple(changed)
        elif (changed := hook.hook(module, args, kwargs)) is not None:
            if not isinstance(changed, tuple) or len(changed) != 2:
                raise RuntimeError(f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {changed}.")
            args, kwargs = changed
    backward = _BackwardHooks(module) if module._backward_hooks or module._backward_pre_hooks else None
    if backward:
        args = backward.watch_inputs(args)
    result = module.forward(*args, **kwargs)
    for hook in list(module._forward_hooks.values()):
        changed = hook.hook(module, args, kwargs, result) if isinstance(hook, WithKwargs) else hook(module, args, result)
        result = result if changed is None else changed
    return backward.watch_outputs(result) if backward else result


def _tuple(value) -> tuple:
    return value if isinstance(value, tuple) else (value,)


class _Watch(Function):
    """The identity; in backward `seen(gradients)`, None for what is no tensor, replaces them; if told so, zeros for missing ones."""

    @staticmethod
    def forward(ctx, seen, zeros, *values):
        ctx.seen = seen
        ctx.set_materialize_grads(zeros)
        ctx.mark_non_differentiable(*(each for each in values if isinstance(each, Tensor) and not each.requires_grad))
        return values

    @staticmethod
    def backward(ctx, *grads):
        return None, None, *ctx.seen(grads)


class _BackwardHooks:
    """The backward hooks of one call of a module."""

    def __init__(self, module):
        self.module, self.before, self.after = module, list(module._backward_pre_hooks.values()), list(module._backward_hooks.values())

    def watch_inputs(self, args: tuple) -> tuple:
        self.end = not any(isinstance(each, Tensor) and each.requires_grad for each in args)  # no gradient goes further
        self.inputs = len(args)
        return args if self.end else _Watch.apply(self.at_inputs, True, *args)

    def watch_outputs(self, result):
        if not isinstance(result, (Tensor, tuple)):
            warnings.warn(f"backward hooks need a module whose output is a Tensor or a tuple of them, not {type(result)}", stacklevel=4)
            return result
        watched = _Watch.apply(self.at_outputs, False, *_tuple(result))
        if hasattr(result, "_fields"):
            return type(result)(*watched)
        return watched if isinstance(result, tuple) else watched[0]

    def at_outputs(self, grads: tuple) -> tuple:
        for hook in self.before:
            grads = self.replaced(grads, hook(self.module, grads), "grad_output")
        self.grad_outputs = grads
        if self.end and any(each is not None for each in self.at_inputs((None,) * self.inputs)):
            raise RuntimeError("Backward hook for Modules where no input requires gradient should always return None.")
        return grads

    def at_inputs(self, grads: tuple) -> tuple:
        for hook in self.after:
            grads = self.replaced(grads, hook(self.module, grads, self.grad_outputs), "grad_input")
        return grads

    @staticmethod
    def replaced(grads, changed, what):
        if changed is None:
            return grads
        if len(_tuple(changed)) != len(grads):
            raise RuntimeError(f"Backward hook returned an invalid number of {what}, got {len(_tuple(changed))}, but expected {len(grads)}")
        return _tuple(changed)
