"""Hooks of modules: called before and after the forward, and when gradients arrive at its outputs and inputs."""

import warnings

from ..autograd.function import Function
from ..tensor import Tensor


def call_with_hooks(module, args, kwargs):
    """What calling a module does if it has hooks."""
    for hook in list(module._forward_pre_hooks.values()):
        args = _replaced(args, hook(module, args))
    backward = _BackwardHooks(module) if module._backward_hooks or module._backward_pre_hooks else None
    if backward:
        args = backward.watch_inputs(args)
    result = module.forward(*args, **kwargs)
    for hook in list(module._forward_hooks.values()):
        changed = hook(module, args, result)
        result = result if changed is None else changed
    return backward.watch_outputs(result) if backward else result


def _replaced(values: tuple, changed) -> tuple:
    return values if changed is None else changed if isinstance(changed, tuple) else (changed,)


def _replaced_gradients(grads: tuple, changed) -> tuple:
    changed = _replaced(grads, changed)
    if len(changed) != len(grads):
        raise RuntimeError(f"Backward hook returned an invalid number of gradients, got {len(changed)}, but expected {len(grads)}")
    return changed


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
    """The backward hooks of one call of a module: an identity before the forward and one after it see the gradients go by."""

    def __init__(self, module):
        self.module, self.before, self.after = module, list(module._backward_pre_hooks.values()), list(module._backward_hooks.values())
        self.grad_outputs = None  # as long as a gradient can only come past the outputs: out of a list, or of what backward computed

    def watch_inputs(self, args: tuple) -> tuple:
        self.end = not any(isinstance(each, Tensor) and each.requires_grad for each in args)  # no gradient goes further
        self.inputs = len(args)
        return args if self.end else _Watch.apply(self.at_inputs, True, *args)

    def watch_outputs(self, result):
        if not isinstance(result, (Tensor, tuple)):
            warnings.warn(f"For backward hooks to be called, the output should be a Tensor or a tuple, not {type(result)}", stacklevel=4)
            return result
        watched = _Watch.apply(self.at_outputs, False, *(result if isinstance(result, tuple) else (result,)))
        make = getattr(type(result), "_make", tuple)  # a namedtuple stays one
        return make(watched) if isinstance(result, tuple) else watched[0]

    def at_outputs(self, grads: tuple) -> tuple:
        for hook in self.before:
            grads = _replaced_gradients(grads, hook(self.module, grads))
        self.grad_outputs = grads
        if self.end and any(each is not None for each in self.at_inputs((None,) * self.inputs)):
            raise RuntimeError("Backward hook for Modules where no input requires gradient should always return None.")
        return grads

    def at_inputs(self, grads: tuple) -> tuple:
        for hook in () if self.grad_outputs is None else self.after:
            grads = _replaced_gradients(grads, hook(self.module, grads, self.grad_outputs))
        self.grad_outputs = None
        return grads
