"""Hooks of modules: called before and after the forward, and when gradients arrive at its outputs and inputs.

The backward ones stand on the tape: an identity before the forward and one after it see the gradients go by.
"""

import warnings
from typing import NamedTuple

from ..autograd.engine import RemovableHandle
from ..autograd.function import Function
from ..tensor import Tensor


class OptionedHook(NamedTuple):
    """A forward hook, and whether it takes keyword arguments too and is called even if the forward fails."""

    function: object
    with_kwargs: bool
    always: bool = False


def _call(hook, module, args, kwargs, *result):
    if not isinstance(hook, OptionedHook):
        return hook(module, args, *result)
    return hook.function(module, args, kwargs, *result) if hook.with_kwargs else hook.function(module, args, *result)


def register(hooks: dict, hook, prepend: bool) -> RemovableHandle:
    """Add `hook` at the end of `hooks`, or before all others."""
    others = dict(hooks) if prepend else {}
    for key in others:
        del hooks[key]
    handle = RemovableHandle(hooks).put(hook)
    hooks.update(others)
    return handle


def call_with_hooks(module, args, kwargs):
    """What calling a module does if it has hooks."""
    called, result = set(), None
    try:
        args, kwargs = _before(module, args, kwargs)
        backward = _BackwardHooks(module) if module._backward_hooks or module._backward_pre_hooks else None
        if backward:
            args = backward.watch_inputs(args)
        result = module.forward(*args, **kwargs)
        for key, hook in list(module._forward_hooks.items()):
            called.add(key)
            changed = _call(hook, module, args, kwargs, result)
            result = result if changed is None else changed
        return backward.watch_outputs(result) if backward else result
    except Exception:
        for hook in [hook for key, hook in module._forward_hooks.items() if getattr(hook, "always", False) and key not in called]:
            try:
                changed = _call(hook, module, args, kwargs, result)
                result = result if changed is None else changed
            except Exception as error:
                warnings.warn(f"a forward hook with always_call=True failed too, after an error in forward: {error}", stacklevel=3)
        raise


def _before(module, args, kwargs):
    for hook in list(module._forward_pre_hooks.values()):
        changed = _call(hook, module, args, kwargs)
        if changed is None:
            continue
        if not getattr(hook, "with_kwargs", False):
            args = _tuple(changed)
        elif isinstance(changed, tuple) and len(changed) == 2:
            args, kwargs = changed
        else:
            raise RuntimeError(f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {changed}.")
    return args, kwargs


def _tuple(value) -> tuple:
    return value if isinstance(value, tuple) else (value,)


class _Watch(Function):
    """The identity on its tensors; in backward `seen(gradients)` replaces them, where there are none zeros if so told."""

    @staticmethod
    def forward(ctx, seen, zeros, *tensors):
        ctx.seen = seen
        ctx.set_materialize_grads(zeros)
        ctx.mark_non_differentiable(*(each for each in tensors if not each.requires_grad))
        return tensors

    @staticmethod
    def backward(ctx, *grads):
        return None, None, *ctx.seen(grads)


def _watch(values: tuple, seen, zeros: bool) -> tuple:
    """`values`, the tensors behind a _Watch if one needs a gradient; `seen` takes and gives a gradient, or None, for each of `values`."""
    places = [i for i, each in enumerate(values) if isinstance(each, Tensor)]
    if not any(values[i].requires_grad for i in places):
        return values

    def seen_there(grads):
        of = dict(zip(places, grads, strict=True))
        changed = seen(tuple(of.get(i) for i in range(len(values))))
        return [changed[i] for i in places]

    watched = dict(zip(places, _Watch.apply(seen_there, zeros, *(values[i] for i in places)), strict=True))
    return tuple(watched.get(i, each) for i, each in enumerate(values))


class _BackwardHooks:
    """The backward hooks of one call of a module."""

    def __init__(self, module):
        self.module, self.before, self.after = module, list(module._backward_pre_hooks.values()), list(module._backward_hooks.values())

    def watch_inputs(self, args: tuple) -> tuple:
        self.inputs = len(args)
        watched = _watch(args, self.at_inputs, zeros=True)
        self.inputs_watched = watched is not args
        return watched

    def watch_outputs(self, result):
        if not isinstance(result, (Tensor, tuple)):
            kind = type(result)
            warnings.warn(f"For backward hooks to be called, module output should be a Tensor or a tuple of Tensors but received {kind}",
                          stacklevel=4)  # fmt: skip
            return result
        watched = _watch(_tuple(result), self.at_outputs, zeros=False)
        if hasattr(result, "_fields"):
            return type(result)(*watched)
        return watched if isinstance(result, tuple) else watched[0]

    def at_outputs(self, grads: tuple) -> tuple:
        for hook in self.before:
            grads = self.replaced(grads, hook(self.module, grads), "grad_output")
        self.grad_outputs = grads
        if not self.inputs_watched:
            nothing = (None,) * self.inputs
            for hook in self.after:
                if any(each is not None for each in _tuple(hook(self.module, nothing, grads))):
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
