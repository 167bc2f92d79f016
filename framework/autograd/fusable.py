"""Formulas that a kernel may replace whole.

    @fusable("input", "weight", "bias")
    def layer_norm(input, dims, weight, bias, eps):
        centered = input - mean(input, dims, True)
        return centered * rsqrt(mean(square(centered), dims, True) + eps) * weight + bias

Without a kernel the function just runs and records the ops it calls.  A kernel takes the same arguments as arrays and returns
`(out, backward)`, where `backward(grad, *needs)` gives the gradient of each named input (None where `needs` is False).  When the
backward pass is itself recorded, the formula is run again and differentiated: a kernel never needs a second derivative.
"""

import weakref

from . import op as dispatch
from .engine import edge_of, run
from .node import OpNode, on_tape
from .op import Op, op, unwrap
from .variable import Variable, is_array


class Fusable(Op):
    """A formula written in ops that a kernel may replace."""

    def __init__(self, formula, inputs: tuple):
        super().__init__(formula)
        self.differentiable(*inputs)
        self.node_type = FusedNode

    def __call__(self, *args, **kwargs):
        if kwargs or len(args) != self.count:
            args = self.bind(args, kwargs)
        if self.promote is not None:
            args = self.promote(args)
        arrays, found = unwrap(args) if dispatch.kernels_enabled and (self.kernels or self.load_kernels) else ((), None)
        result = self.try_kernels(arrays) if found else NotImplemented
        return self.forward(*args) if result is NotImplemented else self.wrap(result[0], args, arrays, result[1], found)

    def wrap(self, out, args, arrays, backward, found):
        """As an Op's; what the kernel left for later stays so if an op made args[0] in memory of its own: nobody changes that unseen."""
        result = super().wrap(out, args, arrays, backward, found)
        first = result[0] if isinstance(result, tuple) else result
        if not is_array(first._array):
            first._later = first.__dict__.pop("_array")
            if first._edge is None or args[0].is_leaf or args[0]._view is not None:
                _ = first._array
            else:
                args[0]._version.append(weakref.ref(first))
        return result


class FusedNode(OpNode):
    """A recorded call of a Fusable's kernel: its own backward, and the arguments for running the formula again."""

    def keep(self, keeps, args, arrays, results) -> None:
        self.saved = arrays
        self.remember_version(args)

    def propagate(self, grads, edges, recorded):
        return self._differentiate_formula(grads, edges) if recorded else super().propagate(grads, edges, recorded)

    def _differentiate_formula(self, grads, edges) -> list:
        self.check_saved()
        saved = dict(zip(self.op.parameters, self.saved, strict=True))
        inputs = {name: _alias(on_tape(saved[name], edge)) for name, edge in zip(self.op.inputs, self.edges, strict=True) if edge}
        args = [inputs.get(name, Variable.wrap(each) if hasattr(each, "ndim") else each) for name, each in saved.items()]
        outs = self.op.forward(*args)
        outs = outs if isinstance(outs, tuple) else (outs,)
        roots = [(edge_of(out), grad) for out, grad in zip(outs, grads, strict=True) if grad is not None]
        aliases = {name: edge_of(inputs[name]) for name, edge in zip(self.op.inputs, edges, strict=True) if edge}
        arrived = run(roots, set(aliases.values()), create_graph=True, retain_graph=True)
        return [arrived.get(aliases.get(name)) for name in self.op.inputs]


# Stands between the formula's inputs and the tape behind them, so that differentiating the formula stops there.
_alias = op(lambda input: input, name="alias", input=lambda grad: grad)


def fusable(*inputs: str):
    """Declare the decorated formula, written in ops, as one a kernel may replace; `inputs` are its differentiable arguments."""
    return lambda formula: Fusable(formula, inputs)
