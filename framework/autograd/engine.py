"""The tape and the walk back along it (reverse-mode differentiation).

Each recorded operation is a Node.  Its edges point to where its inputs came from: (Node, which output) or (leaf tensor, 0).  Nodes are
numbered as they are made, so an operation always has a higher number than everything it depends on; going through them from the newest
to the oldest, every Node has received all of its gradient when its turn comes:

    dL/dx  =  sum over the operations that used x of  (dL/dout) (dout/dx)
"""

import heapq
import itertools
import operator
import weakref

from ..device import array_module, beside, gpus
from ..offered import expect
from .mode import mode
from .variable import Variable

numbers = itertools.count()
sum_to = cast = plus = None  # three ops, which are put here where they are declared: autograd/op.py, ops/elementwise.py
_LARGE = 1 << 16  # elements, for whose sum a kernel is asked


class Node:
    """One operation on the tape; `OpNode` says what it is called, how a gradient passes back through it, and what it lets go of then."""

    __slots__ = ("number", "edges", "input_types", "outputs", "saved", "freed", "_hooks", "__weakref__")
    number: int  # counted from the first Node of the process
    edges: list  # where each input came from, None where no gradient is needed
    input_types: list  # (shape, dtype) of each input that needs one
    outputs: int  # how many
    saved: object  # what was kept for backward; None once it is freed
    freed: bool  # was it told that backward needs it no more?
    _hooks: dict | None  # {output: {handle: function of its gradient}}; a leaf has them too, for output 0

    def __repr__(self) -> str:
        return f"<{self.name()}>"

    @property
    def next_functions(self) -> tuple:
        """The Nodes behind this one (for a leaf, the leaf itself), each with the number of its output."""
        return tuple((None, 0) if edge is None else edge for edge in self.edges)


def edge_of(tensor: Variable):
    """Where the gradient of `tensor` goes: (its Node, which output), (itself, 0) for a leaf, None if nowhere."""
    edge = tensor._edge if tensor._view is None else tensor._made_by
    return (tensor, 0) if edge is None and tensor._needs_grad else edge


def run(roots, targets=None, *, create_graph: bool, retain_graph: bool, own: bool = True) -> dict:
    """Send gradients from `roots`, [(edge, gradient)], back to the leaves or to the edges in `targets`.

    Returns {edge: gradient}; gradients are arrays, or Tensors if `create_graph`.  If `own`, no two of them share memory.
    """
    arrived, shared = {}, set()  # edge -> gradient: the result; and those that may be memory of somebody else's too
    pending = {}  # Node -> [gradient of each output], of Nodes whose turn is to come
    queue = []  # (-number, Node): the newest first
    wanted = None if targets is None else _leads_to(targets, roots)

    def receive(edge, grad, before, made):
        """Add `grad` to what has arrived at `edge`; a Node was given the gradients `before`, and made `made` of them."""
        place, output = edge
        if isinstance(place, Node):
            grads = pending.get(place)
            if grads is None:
                grads = pending[place] = [None] * place.outputs
                heapq.heappush(queue, (-place.number, place))
            grads[output] = grad if grads[output] is None else _sum(grads[output], grad)
        elif edge not in arrived:
            arrived[edge] = grad
            shared.update([edge] if _is_shared(grad, before, made) else [])
        elif edge in shared or create_graph or gpus.several:
            arrived[edge] = _sum(arrived[edge], grad)
            shared.discard(edge)
        else:
            arrived[edge] = _add_to(arrived[edge], grad)

    recording, mode.grad = mode.grad, create_graph
    try:
        for edge, grad in roots:
            receive(edge, grad, (grad,), (grad,))
        while queue:
            node = heapq.heappop(queue)[1]
            # what a kernel left to be added to others is made now; what was left for this Node stays
            grads = [grad.array() if hasattr(grad, "add_to") else grad for grad in pending.pop(node)]
            for output, hooks in (node._hooks or {}).items():
                grads[output] = _hooked(grads[output], hooks, create_graph)
            if targets is not None:
                met = {(node, output): grad for output, grad in enumerate(grads) if (node, output) in targets}
                arrived.update(met)
                shared.update(met)
                if node not in wanted:
                    continue
            edges = node.edges if wanted is None else wanted[node]
            made = _on_its_gpu(node.propagate, grads, edges, create_graph) if gpus.several else node.propagate(grads, edges, create_graph)
            for edge, kind, grad in zip(edges, node.input_types, made, strict=True):
                if edge is not None and grad is not None:
                    receive(edge, fit(grad, *kind), grads, made)
            if not retain_graph:
                node.free()
        for edge, grad in arrived.items():
            if own and edge in shared and not create_graph:
                arrived[edge] = grad = grad.copy()
            if not isinstance(edge[0], Node) and edge[0]._hooks:
                arrived[edge] = _hooked(grad, edge[0]._hooks[0], create_graph)
    finally:
        mode.grad = recording
    return arrived


def fit(grad, shape, dtype):
    """`grad` summed back over the dimensions that an input of this shape was broadcast along, in the input's own type."""
    grad = grad if grad.shape == shape else sum_to(grad, shape)
    return grad if (grad._array if isinstance(grad, Variable) else grad).dtype is dtype else cast(grad, dtype)


def _on_its_gpu(propagate, grads, edges, recorded):
    with beside(grads):
        return propagate(grads, edges, recorded)


def _sum(grad, more):
    by_op = isinstance(more, Variable) or more.size >= _LARGE or gpus.several
    return plus(grad, more) if by_op else grad + more


def _add_to(grad, more):
    """grad + more, over the old values, which nobody else holds; a kernel may have left `more` to be added so."""
    return more.add_to(grad) if hasattr(more, "add_to") else operator.iadd(grad, more)


def _wrapped(grad) -> Variable:
    """`grad` as a tensor; what a kernel left to be computed, and what can wait, stays so."""
    grad = grad.kept() if hasattr(grad, "kept") else grad
    tensor = Variable.wrap(grad)
    if hasattr(grad, "array"):
        tensor._later = tensor.__dict__.pop("_array")
    return tensor


def _is_shared(grad, before, made) -> bool:
    """Whether `grad` may be memory that somebody else holds too: a view, or a gradient passed on, or made for several inputs."""
    return isinstance(grad, Variable) or grad.base is not None or [*map(id, before), *map(id, made)].count(id(grad)) > 1


def _leads_to(targets, roots) -> dict:
    """{Node: its edges, None for those from which no target can be reached}, of the Nodes that have another: the others need not run."""
    reached = {edge[0] for edge, _ in roots if isinstance(edge[0], Node)}
    stack, leads = list(reached), {}
    while stack:
        behind = {edge[0] for edge in stack.pop().edges if edge is not None and isinstance(edge[0], Node)} - reached
        reached |= behind
        stack += behind
    for node in sorted(reached, key=lambda node: node.number):  # the oldest first
        edges = [edge if edge is not None and (edge in targets or edge[0] in leads) else None for edge in node.edges]
        if any(edges):
            leads[node] = edges
    return leads


def _hooked(grad, hooks: dict, recorded: bool):
    """`grad` after the functions in `hooks`, each of which may return another in its place; None has nothing to show them."""
    # The one that keeps the gradient comes last: it sees what the others made of it
    hooks = [] if grad is None else [hooks[key] for key in sorted(hooks, key=lambda key: key == "retain_grad")]
    grad = grad.array() if hasattr(grad, "array") else grad  # a kernel left it to be computed
    for hook in hooks:
        changed = hook(grad if recorded else Variable.wrap(grad))
        if changed is not None:
            expect(isinstance(changed, Variable), f"expected Variable, but hook returned '{type(changed).__name__}'", TypeError)
            kinds = [(each.shape, getattr(each, "_array", each).dtype) for each in (grad, changed)]
            expect(kinds[0] == kinds[1], f"a hook has changed the size or type of its gradient: {kinds[0]} became {kinds[1]}")
            grad = changed if recorded else changed._array
    return grad


def starting_gradient(output: Variable, grad):
    """The gradient to start from at `output`: `grad`, or one if it is a scalar."""
    if grad is None:
        expect(output._array.size == 1, "grad can be implicitly created only for scalar outputs")
        with beside([output._array]):
            return Variable.wrap(array_module(output._array).ones_like(output._array))
    expect(grad.shape == output.shape, f"Mismatch in shape: grad_output {tuple(grad.shape)} and output {tuple(output.shape)}")
    return grad


def as_tuple(value) -> tuple:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def _roots(outputs, grad_outputs, create_graph: bool) -> list:
    outputs = as_tuple(outputs)
    grad_outputs = (None,) * len(outputs) if grad_outputs is None else as_tuple(grad_outputs)
    expect(len(grad_outputs) == len(outputs), f"got {len(outputs)} tensors and {len(grad_outputs)} gradients")
    roots = []
    for output, grad in zip(outputs, grad_outputs, strict=True):
        edge = edge_of(output)
        expect(edge is not None, "element 0 of tensors does not require grad and does not have a grad_fn")
        grad = starting_gradient(output, grad)
        roots.append((edge, grad if create_graph else grad._array))
    return roots


def backward(tensors, grad_tensors=None, retain_graph=None, create_graph=False, inputs=None) -> None:
    """Add the gradient of `tensors` to the `.grad` of every leaf they depend on (or of `inputs` alone).

    `grad_tensors`: dL/dtensor for each, of its shape; may be left out for scalars.  The graph is freed unless `retain_graph`;
    `create_graph` records the backward pass itself, for derivatives of higher order.
    """
    retain_graph = create_graph if retain_graph is None else retain_graph
    roots = _roots(tensors, grad_tensors, create_graph)
    targets = None
    if inputs is not None:
        inputs = as_tuple(inputs)
        expect(inputs, "'inputs' argument to backward() cannot be empty.")
        targets = {edge_of(each): each for each in inputs}
        expect(None not in targets, "One of the differentiated Tensors does not require grad")
    arrived = run(roots, targets, create_graph=create_graph, retain_graph=retain_graph)
    for edge, grad in arrived.items():
        tensor = edge[0] if targets is None else targets.get(edge)
        if tensor is not None:
            accumulate(tensor, grad if create_graph else _wrapped(grad))


def accumulate(tensor: Variable, grad: Variable) -> None:
    """`tensor.grad += grad`, in place unless that would lose a recorded graph."""
    if gpus.noted is not None:
        gpus.noted.setdefault(tensor, tensor.grad)
    if tensor.grad is None:
        tensor.grad = grad
    elif mode.grad and grad.requires_grad:
        tensor.grad = tensor.grad + grad
    else:
        with beside([tensor.grad._array]):
            _add_to(tensor.grad._array, grad._array if grad._later is None else grad._later)
        tensor.grad._version[0] += 1


def grad(outputs, inputs, grad_outputs=None, retain_graph=None, create_graph=False, allow_unused=None, materialize_grads=False) -> tuple:
    """The gradients of the sum of `outputs` with respect to each of `inputs`, without touching any `.grad`; they may share memory.

    RuntimeError for an input the outputs do not depend on, unless `allow_unused` (then None) or `materialize_grads` (then zeros).
    """
    retain_graph = create_graph if retain_graph is None else retain_graph
    inputs = as_tuple(inputs)
    edges = [edge_of(each) for each in inputs]
    expect(all(edges), "One of the differentiated Tensors does not require grad")
    roots = _roots(outputs, grad_outputs, create_graph)
    arrived = run(roots, set(edges), create_graph=create_graph, retain_graph=retain_graph, own=False)
    found = allow_unused or materialize_grads or arrived.keys() >= set(edges)
    expect(found, "One of the differentiated Tensors appears to not have been used in the graph: allow_unused=True allows it")

    def gradient(input, edge):
        if edge in arrived:
            return arrived[edge] if create_graph else _wrapped(arrived[edge])
        return Variable.wrap(array_module(input._array).zeros_like(input._array)) if materialize_grads else None

    return tuple(map(gradient, inputs, edges))


class RemovableHandle:
    """What `register_hook` returns: `remove()` takes the hook off again."""

    def __init__(self, hooks: dict):
        self._hooks, self._key = hooks, next(numbers)

    def remove(self) -> None:
        self._hooks.pop(self._key, None)

    def put(self, hook) -> "RemovableHandle":
        self._hooks[self._key] = hook
        return self


def add_hook(tensor: Variable, hook) -> RemovableHandle:
    """Run `hook` on the gradient of `tensor`."""
    return RemovableHandle(_hooks_of(tensor)).put(hook)


def _hooks_of(tensor: Variable) -> dict:
    place, output = edge_of(tensor)
    place._hooks = place._hooks or {}
    return place._hooks.setdefault(output, {})


def keep_gradient(tensor: Variable) -> None:
    """Write the gradient of a tensor that is not a leaf to its `.grad`, as long as somebody holds it."""
    kept = weakref.ref(tensor)

    def keep(grad):
        if kept() is not None:
            accumulate(kept(), grad if grad.requires_grad else Variable.wrap(grad._array.copy()))

    _hooks_of(tensor).setdefault("retain_grad", keep)
