"""The Node of an op's call: what it keeps, by the op's rules, and how a gradient passes back through it."""

from .engine import Node, numbers
from .variable import Variable, is_array


class OpNode(Node):
    """A recorded call of an Op, with what its rules want kept."""

    __slots__ = ("op", "rules", "several", "lists", "backward", "versions")

    def __init__(self, op, edges, input_types, rules, outputs: int, several: bool, lists: dict, backward):
        self.number, self.edges, self.input_types, self.outputs = next(numbers), edges, input_types, outputs
        self.op, self.rules = op, rules  # each rule with whether some input wants it
        self.several = several  # does the op return a tuple?
        self.lists, self.backward = lists, backward  # {input: how many tensors}, of arguments that are lists of them; the kernel's own
        self.versions = ()  # (version counter of what is kept, as it was then)
        self.freed, self._hooks = False, None

    def keep(self, keeps, args, arrays, results) -> None:
        """Save what the rules ask for: see Rule.keeps."""
        self.saved = {}
        for parameter, place, only_shape in keeps:
            if place < 0:
                kept = results if parameter == "out" else results[1:]
                value = tuple([each._array for each in kept]) if self.several and kept is results else kept[0]._array
                self.remember_version(kept)
            elif only_shape:
                value = arrays[place]
                value = [each.shape for each in value] if isinstance(value, (list, tuple)) else getattr(value, "shape", ())
            else:
                value = arrays[place]
                if value is not args[place]:
                    self.remember_version(args[place])
            self.saved[parameter] = value

    def grouped(self, values):
        """`values`, one a tensor, as one list an input."""
        values = iter(values)
        return [[next(values) for _ in range(self.lists.get(name, 1))] for name in self.op.inputs]

    def remember_version(self, arg) -> None:
        """Note how often `arg`, whose array is kept, has been changed in place so far."""
        if isinstance(arg, Variable):
            version = arg._version
            if version is None:
                raise RuntimeError("Inference tensors cannot be saved for backward: make a clone to get a normal tensor")
            self.versions += ((version, version[0]),)
        elif isinstance(arg, (list, tuple)):
            for each in arg:
                self.remember_version(each)

    def name(self) -> str:
        return "".join(part.capitalize() for part in self.op.__name__.strip("_").split("_")) + "Backward0"

    def free(self) -> None:
        """Let go of what was kept for backward."""
        self.freed, self.backward = True, None
        if self.versions:  # shapes and numbers are no memory worth freeing: with nothing else kept, backward can be run again
            self.saved = None

    def check_saved(self) -> None:
        """Raise RuntimeError if what was kept is gone or has been changed since."""
        if self.saved is None:
            raise RuntimeError("Trying to backward through the graph a second time: specify retain_graph=True the first time")
        for version, then in self.versions:
            if version[0] != then:
                raise RuntimeError("one of the variables needed for gradient computation has been modified by an inplace operation: "
                                   f"a tensor kept for {self.name()} is at version {version[0]}; expected version {then}")  # fmt: skip

    def propagate(self, grads: list, edges: list, recorded: bool) -> list:
        """Gradients of the inputs that have `edges`, from those of the outputs (each an array, a Tensor if `recorded`, or None)."""
        self.check_saved()
        grad = grads if self.several else grads[0]
        if self.backward is not None and not recorded:
            return self.backward(grad, *[edge is not None for edge in edges])
        values = {**self.saved, "grad": grad}
        if recorded:
            self._restore(values)
        made = []
        for rule, wanted in self.rules if edges is self.edges else self._rules_of(edges):
            outs = rule.function(*rule.arguments(values)) if wanted else rule.nothing
            if not rule.joint and not self.lists:
                made.append(outs)
                continue
            for name, each in zip(rule.names, outs if rule.joint else (outs,), strict=True):
                made += (each or [None] * self.lists[name]) if name in self.lists else (each,)
        return made

    def _rules_of(self, edges: list) -> list:
        """The rules, each with whether one of these edges wants it."""
        needs = int("".join("01"[any(behind)] for behind in self.grouped(edges)), 2)
        return (self.op.plans.get(needs) or self.op.plan(needs))[0]

    def _restore(self, values: dict) -> None:
        """Put tensors with their place on the tape where arrays were kept, so that the rules are recorded."""
        for name, places in zip(self.op.inputs, self.grouped(self.edges), strict=True):
            if name in values:
                several = name in self.lists
                values[name] = list(map(on_tape, values[name], places)) if several else on_tape(values[name], places[0])
        if "out" in values:
            out = values["out"]
            several = isinstance(out, tuple)
            values["out"] = tuple(on_tape(each, (self, i)) for i, each in enumerate(out)) if several else on_tape(out, (self, 0))
        for name, value in values.items():
            if is_array(value):
                values[name] = Variable.wrap(value)


def on_tape(value, edge):
    """A tensor around the kept array `value`, at its old place on the tape; a number stays as it is."""
    value = value.array() if hasattr(value, "array") else value  # a kernel left it to be computed
    if not is_array(value):
        return value
    if edge is not None and not isinstance(edge[0], Node):
        return edge[0]  # the leaf itself: it has not changed, or the version check would have said so
    tensor = Variable.wrap(value)
    if edge is not None and value.dtype.kind in "fV":
        tensor._edge = edge
    return tensor
