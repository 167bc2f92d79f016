"""Backward hooks of modules: a pair of identities on the tape, around the forward, sees the gradients go by."""

from ..autograd.function import Function
from ..tensor import Tensor


class _Watch(Function):
    """The identity on its tensors; in backward `seen(gradients)` may replace them."""

    @staticmethod
    def forward(ctx, seen, *tensors):
        ctx.seen = seen
        return tensors

    @staticmethod
    def backward(ctx, *grads):
        changed = ctx.seen(grads)
        return None, *(grads if changed is None else changed)


def _watch(values: tuple, seen) -> tuple:
    """`values` with its tensors put behind a _Watch."""
    positions = [i for i, each in enumerate(values) if isinstance(each, Tensor)]
    watched = _Watch.apply(lambda grads: seen(tuple(grads)), *(values[i] for i in positions))
    values = list(values)
    for i, each in zip(positions, watched, strict=True):
        values[i] = each
    return tuple(values)


def call_with_backward_hooks(module, args, kwargs):
    """Run the module's forward so that its hooks see the gradients of its outputs and inputs."""
    arrived = {}

    def at_inputs(grad_input):
        for hook in list(module._backward_hooks.values()):
            changed = hook(module, grad_input, arrived["outputs"])
            grad_input = grad_input if changed is None else changed if isinstance(changed, tuple) else (changed,)
        return grad_input

    def at_outputs(grad_output):
        arrived["outputs"] = grad_output

    result = module.forward(*_watch(args, at_inputs), **kwargs)
    several = isinstance(result, tuple)
    watched = _watch(result if several else (result,), at_outputs)
    return watched if several else watched[0]
