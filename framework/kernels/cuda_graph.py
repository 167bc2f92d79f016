"""A whole training step as one graph of a GPU: recorded once, and launched with one call from then on.

    def step(images, labels):
        optimizer.zero_grad()
        loss = F.nll_loss(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss

    step = framework.compile(step)

Launched one by one from Python, kernels of a few microseconds wait 10 to 20 for the next; a graph's follow each other.  For each set of
shapes, types and other arguments the first calls run as they are: optimizers make their state, values are checked, libraries choose their
ways.  Then one is recorded, and launched.

What the host works out anew for every step (the learning rate, the number of the step, the place in the random stream) lies in the GPU's
memory, and is written there before every launch: see `Recording.anew`.  The graph has a memory pool of its own, so that what it reads and
writes is given to nobody else.  What the step has read from Python stays as it was: `model.train()`, an `if`, a momentum.

What the step does to tensors that it was not given is done by a launch too.  Values are changed in the memory they have; of a leaf's
`.grad` the graph knows whether the step began with one, added to it, or forgot it first (`Leaf`), and it is launched only where that is so
again.
"""

import functools
import warnings
from contextlib import contextmanager, nullcontext, suppress

import numpy as np

from ..autograd import op as dispatch
from ..autograd.mode import mode
from ..autograd.variable import Variable
from ..device import array_module, beside, gpus
from ..offered import expect

WARM_UP = 2  # calls
_MOST_KINDS, _MOST_GRAPHS = 32, 4  # of arguments; of one kind of arguments
_pools = []  # of all graphs: a `.grad` may be read when its graph is gone


class Recording:
    """What is noted beside a graph while it is recorded."""

    def __init__(self, cupy):
        self.works, self.undoings = [], []  # (what to ask, into which arrays its numbers go); how to take a call back
        self.numbers, self.used = np.zeros(1 << 14, np.uint64), 0  # every number in 8 bytes, as it will be written
        self.fractions = self.numbers.view(np.float64)  # the same memory
        self.slots = cupy.zeros(len(self.numbers), np.uint64)
        self.constants = []  # arrays that the graph reads, and that are kept elsewhere only as long as there is room

    def anew(self, work, undo=lambda: None) -> tuple:
        """Numbers that `work()` gives, as 0-d arrays on the GPU: before every launch it is asked again.  `undo` takes a call back."""
        first, found = self.used, work()
        arrays = [self.numbers if isinstance(each, int) else self.fractions for each in found]
        self.used += len(found)
        expect(self.used <= len(self.numbers), f"more than {len(self.numbers)} numbers change from step to step")
        self.works.append((work, arrays))
        self.undoings.append(undo)
        self._note(first, found, arrays)
        return tuple([self.slots[first + i : first + i + 1].view(each.dtype).reshape(()) for i, each in enumerate(arrays)])

    def _note(self, first: int, found: tuple, arrays: list) -> None:
        for i, (each, array) in enumerate(zip(found, arrays, strict=True), first):
            array[i] = each

    def work_again(self) -> None:
        """Ask for all numbers once more."""
        first = 0
        for work, arrays in self.works:
            self._note(first, work(), arrays)
            first += len(arrays)

    def write(self) -> None:
        """Bring the numbers to the GPU."""
        self.slots[: self.used].set(self.numbers[: self.used])

    def undo(self) -> None:
        """Take all back, as if nothing had been asked for."""
        for undo in reversed(self.undoings):
            undo()


class Leaf:
    """A leaf whose `.grad` a recorded step changes: its memory, what `.grad` was before, and whether the step has forgotten that first."""

    def __init__(self, leaf):
        self.leaf, self.array, self.before, self.version = leaf, leaf._array, leaf.grad, leaf._version[0]
        self.memory = None if self.before is None else self.before._array  # computed now, if it was left for later

    def recorded(self, met) -> None:
        """Note what is left of the step, in which the first gradient that arrived met the `.grad` `met`."""
        self.forgotten = self.before is not None and (met is None or met._array is not self.memory)
        self.after, self.changed = self.leaf.grad, self.leaf._version[0] != self.version
        self.after._array  # noqa: B018 - left for later it would be computed once, and not by each launch

    def fits(self) -> bool:
        """Whether the step would now do the same to it."""
        now = self.leaf.grad
        return self.leaf._array is self.array and (
            self.forgotten or (now is self.before if now is None or self.before is None else now._array is self.memory)
        )

    def launched(self) -> None:
        """The graph has changed its gradient and perhaps its values."""
        self.leaf.grad = self.after
        self.leaf._version[0] += self.changed


class Graph:
    """A recorded call: what it reads (`inputs`), its outputs, and what launches it.

    `leaves` are those whose `.grad` the calls before have changed: one that only this call makes is nobody else's.
    """

    def __init__(self, step, inputs, leaves):
        cupy = array_module(next(each._array for each in (*tensors_in(inputs), *leaves) if each.is_cuda))
        expect(not any(each.requires_grad for each in tensors_in(inputs)), "one of its arguments needs a gradient")
        self.stream, self.pool = cupy.cuda.Stream(non_blocking=True), cupy.cuda.MemoryPool()
        _pools[:] = [*[each for each in _pools if each.used_bytes()], self.pool]
        self.leaves = {leaf: Leaf(leaf) for leaf in leaves}
        self.inputs = args, kwargs = mapped(inputs, lambda each: Variable.wrap(each._array.copy()))
        self.recording = gpus.recording = Recording(cupy)
        cupy.cuda.get_current_stream().synchronize()
        try:
            with self.stream, cupy.cuda.using_allocator(self.pool.malloc), _noted() as met:
                self.stream.begin_capture()
                self.outputs = step(*args, **kwargs)
                self.leaves = {leaf: each for leaf, each in self.leaves.items() if leaf in met}
                for leaf, each in self.leaves.items():
                    each.recorded(met[leaf])
                self.graph = self.stream.end_capture()
            waiting = [each for each in tensors_in(self.outputs) if each._edge is not None and not each._edge[0].freed]
            expect(not waiting, "a result waits for `backward()`, which must be part of the step")
        except BaseException:
            if self.stream.is_capturing():
                with suppress(RuntimeError):  # the capture may have been broken off already: the reason is what counts
                    self.stream.end_capture()
            for leaf, each in self.leaves.items():
                leaf.grad = each.before
            self.recording.undo()
            raise
        finally:
            gpus.recording = None
        self.launch()

    def fits(self) -> bool:
        """Whether a launch would do what the step would."""
        return all(each.fits() for each in self.leaves.values())

    def __call__(self, inputs):
        for ours, given in zip(tensors_in(self.inputs), tensors_in(inputs), strict=True):
            if ours.is_cuda:  # of others the values are part of the kind
                ours._array[...] = given._array
        self.recording.work_again()
        self.launch()
        return self.results()

    def results(self):
        """Copies of the outputs, for the next launch writes over them."""
        return mapped(self.outputs, lambda each: Variable.wrap(each._array.copy()))

    def launch(self) -> None:
        """Let the GPU do all of it, after what it was given before."""
        self.recording.write()
        self.graph.launch()
        for each in self.leaves.values():
            each.launched()


class Compiled:
    """A step that is recorded when it has run a few times with the same kinds of arguments; on a CPU, the step itself."""

    def __init__(self, step):
        functools.update_wrapper(self, step, updated=())
        self.step, self.changes = step, 0
        self.calls, self.leaves, self.by_kind, self.as_it_is = {}, {}, {}, set()  # by kind; kinds that are not recorded

    def __get__(self, owner, kind=None):
        return self if owner is None else functools.partial(self, owner)

    def __getattr__(self, name):
        return getattr(self.step, name)

    @property
    def graphs(self) -> list:
        """All that is recorded."""
        return [graph for graphs in self.by_kind.values() for graph in graphs]

    def __call__(self, *args, **kwargs):
        inputs = args, kwargs
        on_cpu = not gpus.used or (tensors_in(inputs) and not any(each.is_cuda for each in tensors_in(inputs)))
        if on_cpu or gpus.recording:  # a step that is recorded takes this one in
            return self.step(*args, **kwargs)
        kind = kind_of(inputs), mode.grad, mode.inference, mode.casts, dispatch.kernels_enabled, gpus.changes
        if gpus.changes != self.changes:  # what was recorded before is of memory that is no longer looked at
            self.by_kind, self.leaves, self.changes = {}, {}, gpus.changes
        with beside([each._array for each in tensors_in(inputs)]) if gpus.several else nullcontext():
            for graph in self.by_kind.get(kind, ()):
                if graph.fits():
                    return graph(inputs)
            if not self._may_be_recorded(kind, inputs):
                return self.step(*args, **kwargs)
            self.calls[kind] = self.calls.get(kind, 0) + 1
            return self._warm_up(kind, inputs) if self.calls[kind] <= WARM_UP else self._record(kind, inputs)

    def _may_be_recorded(self, kind, inputs) -> bool:
        """Whether a call for which there is no graph is on the way to one."""
        if kind in self.as_it_is or (kind not in self.calls and len(self.calls) > _MOST_KINDS):
            return False
        if kind not in self.calls and len(self.calls) == _MOST_KINDS:
            self.calls[kind] = 0  # it is said once
            self._leave(kind, f"its arguments, or what it reads, have changed in kind more than {_MOST_KINDS} times")
        elif len(self.by_kind.get(kind, ())) == _MOST_GRAPHS:
            self._leave(kind, f"it has found its gradients in more than {_MOST_GRAPHS} states")
        elif self.calls.get(kind) == WARM_UP and not any(each.is_cuda for each in (*tensors_in(inputs), *self.leaves[kind])):
            self.as_it_is.add(kind)
        return kind not in self.as_it_is

    def _warm_up(self, kind, inputs):
        """Run it as it is, and note the leaves whose `.grad` changes."""
        args, kwargs = inputs
        with _noted() as met:
            out = self.step(*args, **kwargs)
        self.leaves[kind] = list(met)
        return out

    def _record(self, kind, inputs):
        """Make a graph of it and launch that; or run it as it is, and say why."""
        args, kwargs = inputs
        try:
            graph = Graph(self.step, inputs, self.leaves[kind])
        except Exception as error:
            self._leave(kind, f"{type(error).__name__}: {error}")
            return self.step(*args, **kwargs)
        self.by_kind.setdefault(kind, []).append(graph)
        self.leaves[kind] = list(graph.leaves)  # none that one call alone had made
        return graph.results()

    def _leave(self, kind, reason: str) -> None:
        """Never record calls of this kind, and say why."""
        self.as_it_is.add(kind)
        self.leaves.pop(kind, None)
        name = getattr(self.step, "__name__", "the step")
        warnings.warn(f"compile: {name} cannot be recorded and runs as it is: {reason}", stacklevel=4)


@contextmanager
def _noted():
    """In this block, and not in one around it, the leaves whose `.grad` changes are noted, each with what its first gradient met."""
    around, gpus.noted = gpus.noted, {}
    try:
        yield gpus.noted
    finally:
        gpus.noted = around


def compile(step):
    """`step`, a function of tensors that trains: on a GPU recorded as a graph, on a CPU the same as it is.

    Its arguments are tensors, lists, tuples and dicts of them, and values that can be compared.  What cannot be recorded (a number for the
    host, such as `loss.item()`, a shape that depends on values, an argument that needs a gradient) is said in a warning, and the step runs
    as it is.
    """
    return Compiled(step)


def tensors_in(value) -> list:
    """The tensors in arguments or results, in order."""
    if isinstance(value, Variable):
        return [value]
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, (tuple, list)) else ()
    return [tensor for each in inside for tensor in tensors_in(each)]


def mapped(value, change):
    """The same with `change` of each tensor in its place."""
    if isinstance(value, Variable):
        return change(value)
    if isinstance(value, dict):
        return {name: mapped(each, change) for name, each in value.items()}
    if isinstance(value, (tuple, list)):
        made = [mapped(each, change) for each in value]
        return type(value)(*made) if hasattr(value, "_fields") else type(value)(made)
    return value


def kind_of(value):
    """What a graph is good for: shapes, types and devices of tensors; of one on the CPU, and of anything else, the value."""
    if isinstance(value, Variable):
        bits = b"" if value.is_cuda else value._array.tobytes()  # the step may ask for them, and not be recorded for it
        where = value._array.device.id if value.is_cuda else "cpu"
        return value._array.shape, value._array.dtype, where, value.requires_grad, bits
    if isinstance(value, dict):
        return tuple([(name, kind_of(each)) for name, each in value.items()])
    if isinstance(value, (tuple, list)):
        return (type(value).__name__, *map(kind_of, value))
    return type(value), value  # 2 == 2.0 == True
