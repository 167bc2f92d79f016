"""`Function`: an operation of the user's own, forward and backward written by hand."""

import weakref

from ..device import array_module
from .engine import Node, edge_of
from .mode import mode, no_grad, set_grad_enabled
from .node import on_tape
from .variable import Variable


class FunctionContext:
    """What `forward` leaves for `backward`: tensors by `save_for_backward`, anything else as attributes."""

    def __init__(self, needs_input_grad: tuple):
        self.needs_input_grad = needs_input_grad
        self._saved, self._versions, self._non_differentiable, self._dirty = (), (), (), ()
        self._materialize_grads = True

    def save_for_backward(self, *tensors) -> None:
        """Keep `tensors` (inputs or outputs of this function) for `backward`."""
        self._saved = tensors
        self._versions = [None if each is None or each._version is None else each._version[0] for each in tensors]

    def release_outputs(self, outputs, node) -> None:
        """Keep only the arrays of the saved `outputs` of `node`: the tensors would hold their Node, which holds them."""
        places = {id(each): i for i, each in enumerate(outputs)}
        self._outputs = {i: places[id(each)] for i, each in enumerate(self._saved) if id(each) in places}
        self._saved = tuple(each.detach() if i in self._outputs else each for i, each in enumerate(self._saved))
        self._node = weakref.ref(node)

    @property
    def saved_tensors(self) -> tuple:
        """The kept tensors; RuntimeError if one was changed in place since or the graph was freed."""
        if self._saved is None:
            raise RuntimeError("Trying to backward through the graph a second time: specify retain_graph=True the first time.")
        for tensor, version in zip(self._saved, self._versions, strict=True):
            if version is not None and tensor._version[0] != version:
                raise RuntimeError(
                    "one of the variables needed for gradient computation has been modified by an inplace operation: "
                    f"is at version {tensor._version[0]}; expected version {version} instead."
                )
        return tuple(
            on_tape(each._array, (self._node(), self._outputs[i])) if i in self._outputs else each for i, each in enumerate(self._saved)
        )

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


class FunctionNode(Node):
    def name(self) -> str:
        return f"{self.function.__name__}Backward"

    def free(self) -> None:
        super().free()
        self.context._saved = None

    def propagate(self, grads, recorded):
        tensors = [grad if grad is None or isinstance(grad, Variable) else Variable.wrap(grad) for grad in grads]
        if self.context._materialize_grads:
            module = next(array_module(each._array) for each in tensors if each is not None)
            tensors = [Variable.wrap(module.zeros(*self.output_types[i])) if each is None else each for i, each in enumerate(tensors)]
        given = iter(tensors)
        with set_grad_enabled(recorded):
            results = self.function.backward(self.context, *(next(given) if is_tensor else None for is_tensor in self.places))
        results = results if isinstance(results, tuple) else (results,)
        wanted = len(self.context.needs_input_grad)
        if len(results) < wanted or any(each is not None for each in results[wanted:]):
            raise RuntimeError(f"function {self.name()} returned an incorrect number of gradients (expected {wanted}, got {len(results)})")
        results = [results[position] for position in self.positions]
        if not recorded:
            results = [None if each is None else each._array for each in results]
        return results


class Function:
    """A differentiable operation: subclass it, write `forward(ctx, …)` and `backward(ctx, *grad_outputs)`, call `.apply`.

    `backward` returns one gradient for each argument of `forward`, None where there is none.  It is itself differentiable when it is
    written in differentiable operations.
    """

    @staticmethod
    def forward(ctx, *args):
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def backward(ctx, *grad_outputs):
        raise NotImplementedError("You must implement the backward function for custom autograd.Function.")

    @classmethod
    def apply(cls, *args):
        """Run `forward` on `args`, and record it if one of them needs a gradient."""
        needs = tuple(isinstance(each, Variable) and each.requires_grad for each in args)
        context = FunctionContext(needs)
        positions = [i for i, each in enumerate(args) if isinstance(each, Variable)]
        record = mode.grad and any(needs)
        with no_grad():
            results = cls.forward(context, *args)
        if not record:
            return results
        outs = results if isinstance(results, tuple) else (results,)
        tensors = [each for each in outs if isinstance(each, Variable)]
        edges = [edge_of(args[i]) for i in positions]
        node = FunctionNode(edges, [(args[i]._array.shape, args[i]._array.dtype) for i in positions], len(tensors))
        node.output_types = [(each._array.shape, each._array.dtype) for each in tensors]
        node.function, node.context, node.positions, node.places = cls, context, positions, [isinstance(each, Variable) for each in outs]
        recorded = []
        for output, each in enumerate(tensors):
            if any(each is other for other in context._dirty):
                each._node, each._output, each._needs_grad = node, output, False
            elif any(each is other for other in context._non_differentiable):
                pass
            else:
                if any(each is arg for arg in args):  # an input returned as it is: the result must be a tensor of its own
                    each = Variable.wrap(each._array)
                each._tape_node, each._output = node, output
            recorded.append(each)
        context.release_outputs(recorded, node)
        found = iter(recorded)
        outs = tuple(next(found) if isinstance(each, Variable) else each for each in outs)
        return outs if isinstance(results, tuple) else outs[0]


def once_differentiable(backward):
    """For a `backward` that is not itself differentiable: its results are constants."""

    def once(ctx, *grads):
        with no_grad():
            return backward(ctx, *grads)

    return staticmethod(once) if isinstance(backward, staticmethod) else once
