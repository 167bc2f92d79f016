"""`Function`: an operation of the user's own, forward and backward written by hand."""

from ..device import array_module
from ..offered import expect
from .engine import edge_of
from .inplace import assign, check_writable
from .mode import mode, no_grad, set_grad_enabled
from .node import OpNode, on_tape
from .variable import Variable


class FunctionContext:
    """What `forward` leaves for `backward`: tensors by `save_for_backward`, anything else as attributes."""

    saved_tensors, _non_differentiable, _dirty, _materialize_grads = (), (), (), True

    def __init__(self, needs_input_grad: tuple):
        self.needs_input_grad = needs_input_grad

    def save_for_backward(self, *tensors) -> None:
        """Keep `tensors` (inputs or outputs of this function) for `backward`, which finds them in `saved_tensors`."""
        self.saved_tensors = tensors

    def mark_non_differentiable(self, *tensors) -> None:
        """Say that these outputs have no gradient."""
        self._non_differentiable = tensors

    def mark_dirty(self, *tensors) -> None:
        """Say that these inputs were changed in place and are returned."""
        self._dirty = tensors
        for each in tensors:
            each._version[0] += 1

    def set_materialize_grads(self, value: bool) -> None:
        """Whether a missing gradient of an output reaches `backward` as zeros (the default) or as None."""
        self._materialize_grads = value


class FunctionNode(OpNode):
    """A recorded call of a Function; an argument or a result that is no tensor has a place, but never a gradient."""

    def __init__(self, function, context, args, outs):
        edges = [edge_of(each) if isinstance(each, Variable) else None for each in args]
        super().__init__(function, edges, _types(args), (), len(outs), True, {}, None)
        self.context, self.output_types = context, _types(outs)

    def name(self) -> str:
        return f"{self.op.__name__}Backward"

    def keep(self) -> None:
        """Take the saved tensors from the context: their arrays and places on the tape, for some of them hold this Node."""
        tensors, self.context.saved_tensors = self.context.saved_tensors, ()
        self.remember_version(tensors)
        edges = [None if each is None else edge_of(each) for each in tensors]
        self.saved = [each if each is None else each._array for each in tensors]
        self.places = [edge[1] if edge and edge[0] is self else edge for edge in edges]  # of its own results the number alone

    def propagate(self, grads, edges, recorded):
        self.check_saved()
        grads = [grad if grad is None or isinstance(grad, Variable) else Variable.wrap(grad) for grad in grads]
        if self.context._materialize_grads:
            module = next(array_module(each._array) for each in grads if each is not None)
            kinds = zip(grads, self.output_types, strict=True)
            grads = [Variable.wrap(module.zeros(*kind)) if grad is None and kind else grad for grad, kind in kinds]
        places = [(self, place) if isinstance(place, int) else place for place in self.places]
        self.context.saved_tensors = tuple(map(on_tape, self.saved, places))
        with set_grad_enabled(recorded):
            results = self.op.backward(self.context, *grads)
        self.context.saved_tensors = ()
        results, wanted = results if isinstance(results, tuple) else (results,), len(self.edges)
        right = len(results) >= wanted and all(each is None for each in results[wanted:])
        expect(right, f"function {self.name()} returned an incorrect number of gradients (expected {wanted}, got {len(results)})")
        expect(all(each is None or isinstance(each, Variable) for each in results), "backward: expected Variable or None for each gradient")
        return [each if each is None or recorded else each._array for each in results[:wanted]]


def _types(values) -> list:
    return [(each._array.shape, each._array.dtype) if isinstance(each, Variable) else None for each in values]


def _unwritten(ctx, *args):
    raise NotImplementedError("You must implement the forward and backward functions for custom autograd.Function.")


class Function:
    """A differentiable operation: subclass it, write `forward(ctx, …)` and `backward(ctx, *grad_outputs)`, call `.apply`.

    `backward` returns one gradient for each argument of `forward`, None where there is none.  It is itself differentiable when it is
    written in differentiable operations.  With a `setup_context(ctx, inputs, output)`, which is called after it, `forward` takes no ctx.
    """

    forward = backward = staticmethod(_unwritten)

    @classmethod
    def apply(cls, *args):
        """Run `forward` on `args`, and record it if one of them needs a gradient."""
        context = FunctionContext(tuple(isinstance(each, Variable) and each.requires_grad for each in args))
        with no_grad():
            results = cls.forward(*args) if hasattr(cls, "setup_context") else cls.forward(context, *args)
            if hasattr(cls, "setup_context"):
                cls.setup_context(context, args, results)
        if not (mode.grad and any(context.needs_input_grad)):
            return results
        outs = list(results) if isinstance(results, tuple) else [results]
        node = FunctionNode(cls, context, args, outs)
        given, dirty, constant = ({*map(id, each)} for each in (args, context._dirty, context._non_differentiable))
        for output, each in enumerate(outs):
            if not isinstance(each, Variable) or id(each) in constant or each._array.dtype.kind in "biu":
                continue
            result = each
            if id(each) in dirty:
                check_writable(each)
                result = Variable.wrap(each._array)
            elif id(each) in given:  # returned as it is: the result must be a tensor of its own
                result = no_grad(each.view_as)(each)
            result._edge, result._needs_grad = (node, output), False
            outs[output] = assign(each, result) if id(each) in dirty else result
        node.keep()
        return tuple(outs) if isinstance(results, tuple) else outs[0]
