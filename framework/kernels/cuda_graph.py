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
"""

import warnings
from contextlib import suppress

import numpy as np

from ..autograd.variable import Variable
from ..device import array_module, gpus
from ..offered import expect

WARM_UP = 2  # calls


class Recording:
    """What is noted beside a graph while it is recorded."""

    def __init__(self, cupy):
        self.works, self.undoings = [], []  # (what to ask, the types of its numbers); how to take a call back
        self.numbers = np.zeros(1024, np.uint64)  # every number in 8 bytes, as it will be written
        self.slots = cupy.zeros(len(self.numbers), np.uint64)

    def anew(self, work, undo=lambda: None) -> tuple:
        """Numbers that `work()` gives, as 0-d arrays on the GPU: before every launch it is asked again.  `undo` takes a call back."""
        first = sum(len(kinds) for _, kinds in self.works)
        found = work()
        kinds = [np.uint64 if isinstance(each, int) else np.float64 for each in found]
        if first + len(found) > len(self.numbers):
            raise RuntimeError(f"more than {len(self.numbers)} numbers change from step to step")
        self.works.append((work, kinds))
        self.undoings.append(undo)
        self._note(first, found, kinds)
        return tuple([self.slots[first + i : first + i + 1].view(kind).reshape(()) for i, kind in enumerate(kinds)])

    def _note(self, first: int, found: tuple, kinds: list) -> None:
        for i, (each, kind) in enumerate(zip(found, kinds, strict=True), first):
            self.numbers[i : i + 1].view(kind)[0] = each

    def work_again(self) -> None:
        """Ask for all numbers once more."""
        first = 0
        for work, kinds in self.works:
            self._note(first, work(), kinds)
            first += len(kinds)

    def write(self) -> None:
        """Bring the numbers to the GPU."""
        self.slots.set(self.numbers)

    def undo(self) -> None:
        """Take all back, as if nothing had been asked for."""
        for undo in reversed(self.undoings):
            undo()


class Graph:
    """A recorded call: what it reads (`inputs`), its outputs, and what launches it."""

    def __init__(self, step, inputs):
        cupy = array_module(next(each._array for each in tensors_in(inputs) if each.is_cuda))
        self.stream, self.pool = cupy.cuda.Stream(non_blocking=True), cupy.cuda.MemoryPool()
        self.inputs = args, kwargs = mapped(inputs, lambda each: Variable.wrap(each._array.copy()))
        self.recording = gpus.recording = Recording(cupy)
        cupy.cuda.get_current_stream().synchronize()
        try:
            with self.stream, cupy.cuda.using_allocator(self.pool.malloc):
                self.stream.begin_capture()
                self.outputs = step(*args, **kwargs)
                self.graph = self.stream.end_capture()
            waiting = [each for each in tensors_in(self.outputs) if each._tape_node is not None and not each._tape_node.freed]
            expect(not waiting, "a result waits for `backward()`, which must be part of the step")
        except BaseException:
            if self.stream.is_capturing():
                with suppress(RuntimeError):  # the capture may have been broken off already: the reason is what counts
                    self.stream.end_capture()
            self.recording.undo()
            raise
        finally:
            gpus.recording = None
        self.launch()

    def __call__(self, inputs):
        for ours, given in zip(tensors_in(self.inputs), tensors_in(inputs), strict=True):
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


class Compiled:
    """A step that is recorded when it has run a few times with the same kinds of arguments; on a CPU, the step itself."""

    def __init__(self, step):
        self.step, self.calls, self.graphs = step, {}, {}

    def __call__(self, *args, **kwargs):
        inputs = args, kwargs
        kind = kind_of(inputs)
        if not any(each.is_cuda for each in tensors_in(inputs)) or self.graphs.get(kind, self) is None:
            return self.step(*args, **kwargs)
        if kind in self.graphs:
            return self.graphs[kind](inputs)
        self.calls[kind] = self.calls.get(kind, 0) + 1
        if self.calls[kind] <= WARM_UP:
            return self.step(*args, **kwargs)
        try:
            self.graphs[kind] = Graph(self.step, inputs)
        except Exception as error:
            self.graphs[kind] = None
            name = getattr(self.step, "__name__", "the step")
            warnings.warn(f"compile: {name} cannot be recorded and runs as it is: {type(error).__name__}: {error}", stacklevel=2)
            return self.step(*args, **kwargs)
        return self.graphs[kind].results()

    def __getattr__(self, name):
        return getattr(self.step, name)


def compile(step):
    """`step`, a function of tensors that trains: on a GPU recorded as a graph, on a CPU the same as it is.

    Its arguments are tensors, lists, tuples and dicts of them, and values that can be compared.  What cannot be recorded (a number for the
    host, such as `loss.item()`, a shape that depends on values) is said in a warning, and the step runs as it is.
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
    """What a graph is good for: shapes, types and devices of tensors; of anything else the value."""
    if isinstance(value, Variable):
        return tuple(value.shape), str(value.dtype), str(value.device), value.requires_grad
    if isinstance(value, dict):
        return tuple([(name, kind_of(each)) for name, each in value.items()])
    if isinstance(value, (tuple, list)):
        return (type(value).__name__, *map(kind_of, value))
    return value
