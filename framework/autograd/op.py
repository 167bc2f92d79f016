"""How an operation is declared, and what happens when it is called.

    tanh = op(lambda input: np.tanh(input), input=lambda grad, out: grad * (1 - out * out))

The first argument computes the result from arrays.  Each keyword names a differentiable input and gives its gradient rule.  A rule's own
parameters say what is kept for backward: `grad` (dL/dout; a list for an op with several outputs), `out` (the result), `indices` (of a
result (values, indices) those alone), an argument of the forward by its name, or only that argument's shape as `<name>_shape`.  Rules are
written in ops: on bare arrays they just compute, on Tensors they are recorded, which gives derivatives of every order from one source.

A call: unwrap the tensors -> the newest kernel that does not decline, else the forward -> record a Node if a gradient is needed.
"""

import inspect
from collections import Counter
from operator import itemgetter
from types import MethodType

import numpy as np

from ..device import array_module, beside, device_of, gpus
from ..offered import NOT_OFFERED, expect, refuse_argument
from . import engine
from .engine import edge_of
from .half import half_type, in_single
from .mode import mode
from .node import OpNode
from .variable import Variable, View, is_array

_NUMPY_SPELLING = {"axis": "dim", "keepdims": "keepdim"}  # which PyTorch accepts too

NO_LISTS = {}  # among the arguments, of tensors: see OpNode.lists
TENSORS, ON_TAPE = "tensors", "tensors, one of which may need a gradient"

kernels_enabled = True  # turned by framework.kernels.use
ran = Counter()  # (op, what computed it) -> calls, of the ops that have kernels: framework.kernels.report


class Op:
    """An operation on arrays that can be recorded on the tape."""

    def __init__(self, forward, rules: dict | None = None, *, name=None, promote=None, view=False):
        self.forward, self.promote, self.view = forward, promote, view
        self.__name__ = name or forward.__name__
        self.__doc__ = forward.__doc__
        self.__signature__ = inspect.signature(forward)
        self.parameters = tuple(self.__signature__.parameters)
        self.defaults = tuple(each.default for each in self.__signature__.parameters.values())
        self.count, self.required = len(self.defaults), self.defaults.count(inspect.Parameter.empty)
        self.kernels = {}  # type of array -> [kernel, …], the newest last
        self.load_kernels = None  # imports them
        self.worth_it = None  # whether they are asked about these arrays
        self.node_type = OpNode
        self.rules = []
        self.inputs = ()  # names of the differentiable inputs
        self.places = ()  # which of the arguments they are
        self.plans = {}  # which of them need a gradient -> the rules for that, and what they want kept
        for names, rule in (rules or {}).items():
            self.rule(*names.replace(" ", "").split(","))(rule)

    def rule(self, *names):
        """Declare the decorated function as the gradient rule of the inputs `names` (of several: it returns a tuple)."""

        def declare(function):
            self.rules.append(Rule(self, names, function))
            self.differentiable(*self.inputs, *names)
            return function

        return declare

    def differentiable(self, *names) -> None:
        """Say which arguments may need a gradient."""
        self.inputs, self.places = names, tuple(self.parameters.index(name) for name in names)

    def __get__(self, tensor, owner=None):
        return self if tensor is None else MethodType(self, tensor)

    def __repr__(self) -> str:
        return f"<op {self.__name__}{self.__signature__}>"

    def __call__(self, *args, **kwargs):
        if kwargs or len(args) != self.count:
            args = self.bind(args, kwargs)
        if self.promote is not None:
            args = self.promote(args)
        arrays, found = unwrap(args, self.kernels if kernels_enabled else ())
        try:
            if gpus.several:
                with beside(flat(arrays)):
                    out, backward = self.compute(arrays)
            else:
                out, backward = self.compute(arrays)
        except TypeError:
            moved = numbers_beside(args, arrays)
            if moved is None:
                raise
            return self(*moved)
        return self.wrap(out, args, arrays, backward, found) if found else out

    def wrap(self, out, args, arrays, backward, found):
        """`out` as a Tensor (or a tuple of them), recorded if one of the inputs needs a gradient."""
        several = isinstance(out, tuple)
        results = tuple([Variable.wrap(each) for each in out]) if several else (Variable.wrap(out),)
        if self.view:
            for output, result in enumerate(results):
                self._mark_view(result, args, output if several else None)
        if found is ON_TAPE and mode.grad:
            self._record(results, args, arrays, backward, several)
        if not several:
            return results[0]
        return type(out)(*results) if hasattr(out, "_fields") else results

    def _record(self, results, args, arrays, backward, several) -> None:
        """Put `results` behind a new Node, if a differentiable input needs a gradient."""
        edges, types, lists = [], [], NO_LISTS
        needs = 0  # a binary digit an input: does it need a gradient?
        for place in self.places:
            arg, array = args[place], arrays[place]
            if isinstance(arg, (list, tuple)):
                lists = {**lists, self.parameters[place]: len(arg)}
                behind = [edge_of(each) for each in arg]
                needs += needs + any(behind)
                edges += behind
                types += [(each.shape, each.dtype) for each in array]
            else:
                edge = edge_of(arg) if isinstance(arg, Variable) else None
                needs += needs + (edge is not None)
                edges.append(edge)
                types.append(edge and (array.shape, array.dtype))
        if needs:
            rules, keeps = self.plans.get(needs) or self.plan(needs)
            node = self.node_type(self, edges, types, rules, len(results), several, lists, backward)
            node.keep(keeps, args, arrays, results)
            for output, result in enumerate(results):
                if (result._later or result._array).dtype.kind in "fV":  # V: bfloat16. Indices and masks have no gradient
                    result._edge = node, output

    def _mark_view(self, result: Variable, args, output: int | None = None) -> None:
        """Let `result` share the version counter of the tensor whose memory it shows."""
        source = args[0]
        array, shown = source._array, result._array
        same = shown is array or shown.base is array or (array.base is not None and shown.base is array.base)
        if same or getattr(shown.base, "base", None) is array:  # as_strided puts an object of its own between
            step = self if output is None else (lambda base, *rest: self(base, *rest)[output])
            result._version = source._version
            made_by = None if output is None else f"Output {output} of {self.__name__.capitalize()} is a view"
            result._view = View.of(source, step, tuple(args[1:]), made_by)

    def compute(self, arrays: list):
        """The result of the newest kernel that does not decline, or of the forward; and the kernel's own backward, if it has one."""
        result = self.try_kernels(arrays) if kernels_enabled and (self.kernels or self.load_kernels) else NotImplemented
        return (self.reference(arrays), None) if result is NotImplemented else result

    def reference(self, arrays: list):
        """The result of the forward; 16-bit floats are computed in float32."""
        half = None if self.view else half_type(arrays)
        try:
            return self.forward(*arrays) if half is None else in_single(self.forward, arrays, half)
        except ValueError as error:
            raise pytorch_error(error, self, arrays) from error

    def try_kernels(self, arrays):
        """(result, its own backward or None) of the newest kernel that does not decline; NotImplemented if all do."""
        if self.worth_it is not None and not self.worth_it(arrays):
            return NotImplemented
        if self.load_kernels is not None:
            self.load_kernels(arrays)
        kind = next((type(each) for each in arrays if type(each) in self.kernels), None)
        for kernel in reversed(self.kernels.get(kind, ())):
            result = kernel(*arrays)
            if result is not NotImplemented:
                ran[self.__name__, kernel.__name__] += 1
                has_backward = type(result) is tuple and len(result) == 2 and callable(result[1])
                return result if has_backward else (result, None)
        ran[self.__name__, "reference"] += 1
        return NotImplemented

    def plan(self, needs: int) -> tuple:
        """The rules, each with whether one of its inputs' binary digits in `needs` is 1, and what those want kept."""
        wanted = {name for name, digit in zip(self.inputs, f"{needs:0{len(self.inputs)}b}", strict=True) if digit == "1"}
        rules = [(rule, not wanted.isdisjoint(rule.names)) for rule in self.rules]
        keeps = dict.fromkeys(kept for rule, is_wanted in rules if is_wanted for kept in rule.keeps)
        self.plans[needs] = rules, tuple(keeps)
        return self.plans[needs]

    def bind(self, args: tuple, kwargs: dict) -> tuple:
        """All arguments by position, defaults filled in."""
        if not kwargs and self.required <= len(args) <= self.count:
            return args + self.defaults[len(args) :]
        if len(args) > len(self.parameters):
            raise TypeError(f"{self.__name__}() takes {len(self.parameters)} positional arguments but {len(args)} were given")
        values = list(args) + list(self.defaults[len(args) :])
        for name, value in kwargs.items():
            name = _NUMPY_SPELLING.get(name, name) if name not in self.parameters else name
            if name not in self.parameters:
                if name in NOT_OFFERED:
                    refuse_argument(self.__name__, name, value)
                    continue
                raise TypeError(f"{self.__name__}() got an unexpected keyword argument '{name}'")
            position = self.parameters.index(name)
            expect(position >= len(args), f"{self.__name__}() got multiple values for argument '{name}'", TypeError)
            values[position] = value
        if inspect.Parameter.empty in values[len(args) :]:
            missing = [n for n, v in zip(self.parameters, values, strict=True) if v is inspect.Parameter.empty]
            raise TypeError(f"{self.__name__}() missing required argument: {', '.join(map(repr, missing))}")
        return tuple(values)


class Rule:
    """One gradient rule: the inputs it serves, and by its parameters what it wants kept."""

    def __init__(self, op: Op, names: tuple, function):
        self.names, self.function = names, function
        self.parameters = tuple(inspect.signature(function).parameters)
        pick = itemgetter(*self.parameters)
        self.arguments = pick if len(self.parameters) > 1 else lambda values: (pick(values),)
        self.joint = len(names) > 1
        self.nothing = (None,) * len(names) if self.joint else None  # where no gradient is needed
        places = {"out": -1, "indices": -2, **{each: place for place, each in enumerate(op.parameters)}}
        known = {"grad", *places, *(f"{name}_shape" for name in op.parameters)}
        for unknown in (set(self.parameters) - known) | (set(names) - set(op.parameters)):
            raise TypeError(f"the gradient rule of {op.__name__} speaks of '{unknown}'; it may name grad, out, {', '.join(op.parameters)}")
        self.keeps = []  # (parameter, position of the argument it comes from, or -1 or -2 for results, is it only the shape?)
        for parameter in (each for each in self.parameters if each != "grad"):
            name = parameter if parameter in places else parameter.removesuffix("_shape")
            self.keeps.append((parameter, places[name], name != parameter))


def op(forward=None, *, name=None, promote=None, view=False, **rules):
    """Declare an op: `op(forward, input=rule, …)`, or as a decorator of a longer forward with `@its_name.rule("input")` below."""
    if forward is None:
        return lambda function: Op(function, rules, name=name, promote=promote, view=view)
    return Op(forward, rules, name=name, promote=promote, view=view)


def unwrap(args, kinds=()):
    """The arguments with arrays (or Laters of these `kinds`) in place of tensors, inside lists too; and None, TENSORS or ON_TAPE."""
    arrays, found = [], None
    for arg in args:
        if isinstance(arg, Variable):
            arrays.append(arg._array if arg._later is None or type(arg._later) not in kinds else arg._later)
            if arg._needs_grad or arg._edge is not None or (arg._view is not None and arg._made_by is not None):
                found = ON_TAPE
            elif found is None:
                found = TENSORS
        elif type(arg) in (tuple, list):
            inner, inside = unwrap(arg)
            arrays.append(type(arg)(inner) if inside else arg)
            found = inside if inside is ON_TAPE or found is None else found
        else:
            arrays.append(arg)
    return arrays, found


def flat(arguments):
    """The arguments, and what lists among them hold."""
    for each in arguments:
        yield from flat(each) if type(each) in (tuple, list) else (each,)


def numbers_beside(args, arrays):
    """`args` with the single numbers of the CPU moved to the GPU of the others; None if all are on one device already."""
    found = [each for each in flat(arrays) if is_array(each)]
    devices = {str(device_of(each)): device_of(each) for each in found}
    if len(devices) < 2:
        return None
    on_gpu = [each for each in devices.values() if each.type == "cuda"]
    if len(on_gpu) > 1 or any(each.ndim for each in found if array_module(each) is np):
        raise RuntimeError(f"Expected all tensors to be on the same device, but found at least two devices, {' and '.join(devices)}!")
    return [each.to(on_gpu[0]) if isinstance(each, Variable) and not each.ndim else each for each in args]


def _sum_to(input, shape):
    extra = input.ndim - len(shape)
    axes = tuple([i for i, length in enumerate(input.shape) if length != 1 and (i < extra or shape[i - extra] == 1)])
    return (input.sum(axes, dtype=input.dtype) if axes else input).reshape(shape)


def writable(view, of):
    """NumPy hands some views out read-only: this one may be written to if `of`, whose memory it shows, may be."""
    if isinstance(view, np.ndarray) and (isinstance(of, np.generic) or of.flags.writeable):
        view.flags.writeable = True
    return view


# The three ops that the engine itself needs.
sum_to = op(_sum_to, name="sum_to", input=lambda grad, input_shape: broadcast_to(grad, input_shape))
broadcast_to = op(lambda input, shape: writable(array_module(input).broadcast_to(input, shape), input), name="broadcast_to", view=True,
                  input=lambda grad, input_shape: sum_to(grad, input_shape))  # fmt: skip
cast = op(lambda input, dtype: input.astype(dtype, copy=False), name="to_copy", view=True, input=lambda grad: grad)


def like(value, reference):
    """`value` in the type of `reference`, both arrays or both Tensors."""
    return cast(value, (reference._array if isinstance(reference, Variable) else reference).dtype)


def pytorch_error(error: ValueError, op, arrays):
    """The error PyTorch raises where NumPy raises `error`."""
    if isinstance(error, IndexError):  # NumPy's AxisError is both
        ndim = max((each.ndim for each in arrays if hasattr(each, "ndim")), default=0) or 1
        return IndexError(f"Dimension out of range (expected to be in range of [{-ndim}, {ndim - 1}]): {op.__name__}: {error}")
    shapes = [each.shape for each in arrays if hasattr(each, "shape")]
    if "broadcast" in str(error) and len(shapes) == 2:
        a, b = (shape[::-1] for shape in shapes)
        for i, (m, n) in enumerate(zip(a, b, strict=False)):
            if m != n and 1 not in (m, n):
                dim = max(len(a), len(b)) - 1 - i
                return RuntimeError(f"The size of tensor a ({m}) must match the size of tensor b ({n}) at non-singleton dimension {dim}")
    return RuntimeError(f"{op.__name__}: {error}")


engine.sum_to, engine.cast = sum_to, cast
