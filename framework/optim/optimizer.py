"""What every optimizer shares: parameter groups, the state of each parameter, the loop over them, saving and loading.

An algorithm is a pure update, written as the paper's formula on bare arrays, and a constructor whose arguments are its options: read
adadelta.py.  What an update takes is, by name and in this order: `param`, `grad`, the state, which begins at zero unless `initial_state`
says otherwise, then options and `step`, counted from 1.  What it returns is written over the old param and state; a kernel registered for
the op may do that itself and return the arrays it was given.
"""

import inspect
from collections import defaultdict

from ..autograd.mode import enable_grad, no_grad
from ..autograd.op import op
from ..autograd.variable import Variable
from ..creation import tensor, zeros_like
from ..device import anew, beside, gpus
from ..dtypes import float32, float64, get_default_dtype
from ..offered import expect, offered

_NOT_NEGATIVE = ("lr", "eps", "weight_decay", "momentum", "momentum_decay", "lr_decay", "initial_accumulator_value")
_POSSIBLE = {**dict.fromkeys(_NOT_NEGATIVE, lambda value: value >= 0), "betas": lambda betas: all(0 <= beta < 1 for beta in betas)}
_NUMBERS = {"step", "eta", "mu", "mu_product"}  # of the state, exact to single precision whatever the parameter's type


def options(arguments: dict, **valid) -> dict:
    """The options among a constructor's `arguments`, its locals(); ValueError for an impossible one; `valid` says more of some of them."""
    found = {name: value for name, value in arguments.items() if name not in ("self", "params", "__class__")}
    for name, value in found.items():
        possible = valid[name] if name in valid else _POSSIBLE.get(name, lambda value: True)(value)
        expect(possible, f"Invalid {name} value: {value}", ValueError)
    return found


def python_numbers(group: dict) -> dict:
    """A group's options as Python's own numbers, for a NumPy scalar would make float32 arithmetic float64; `betas` as beta1 and beta2."""
    options = {name: value.item() if hasattr(value, "item") else value for name, value in group.items() if name != "params"}
    if "betas" in options:
        options["beta1"], options["beta2"] = options["betas"]
    return options


def scalar(value: float):
    """A number of the state, such as the count of steps: a tensor in single precision, or in double where that is the default type."""
    return tensor(value, dtype=float64 if get_default_dtype() is float64 else float32)


def descent(param, grad, weight_decay, maximize):
    """The gradient to go down along: of -f where f is to be maximized, plus that of weight_decay / 2 * |param|^2."""
    grad = -grad if maximize else grad
    return grad + weight_decay * param if weight_decay else grad


def decayed(param, grad, lr, weight_decay, decoupled, maximize) -> tuple:
    """`param` and the gradient to go down along: the decay is part of the gradient or, `decoupled`, taken from `param` itself."""
    return (param * (1 - lr * weight_decay) if decoupled else param), descent(param, grad, 0 if decoupled else weight_decay, maximize)


@op
def update_each(update, rows: list):
    """What `update` makes of each of the `rows` of its arguments, one row a parameter; a kernel may take all of them at once."""
    for row in rows:  # one after another: all results together would be as large as the model
        row = [each.array() if hasattr(each, "array") else each for each in row]  # a gradient may be left for later
        with beside(row[:1]):
            yield update.compute(row)[0]


class Optimizer:
    """The base of all optimizers: `params` are tensors, pairs of a name and a tensor, or dicts with "params" and options of their own."""

    only_with = {}  # state -> the option without which there is none
    _opt_called = False  # schedulers, which warn if they are stepped first, see whether `step` was called

    def __init_subclass__(cls, update=None):
        if update is not None:
            others = {*inspect.signature(cls.__init__).parameters, "param", "grad", "step", "beta1", "beta2"}
            cls._update_op, cls._state_names = update, [name for name in update.parameters if name not in others]
        if "step" in vars(cls):
            cls._opt_called = True  # of a step of its own it cannot be seen
        if "__init__" in vars(cls):
            cls.__init__ = offered(cls.__init__)

    def __init__(self, params, defaults: dict):
        expect(not isinstance(params, Variable), "params should be an iterable of Tensors or dicts, but got Tensor", TypeError)
        self.defaults, self.param_groups = defaults, []
        self.state = defaultdict(dict)  # parameter -> its state by name; empty before its first step
        groups = list(params)
        expect(groups, "optimizer got an empty parameter list", ValueError)
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def initial_state(self, param, group: dict) -> dict:
        """The state of `param` before its first step."""
        names = [name for name in self._state_names if group.get(self.only_with.get(name), True)]
        return {"step": scalar(0.0), **{name: zeros_like(param) for name in names}}

    @no_grad
    def step(self, closure=None):
        """Update every parameter that has a gradient; `closure` computes the loss again, and its value is returned."""
        self._opt_called = True
        loss = None if closure is None else enable_grad(closure)()
        for group in self.param_groups:
            options, params = python_numbers(group), [param for param in group["params"] if param.grad is not None]
            (options["lr"],) = anew(lambda group=group: (float(group.get("lr", 0.0)),))  # a float, also where it begins as 1
            self._update(params, options)
        return loss

    def _update(self, params: list, options: dict) -> None:
        """Update `params`, which have gradients."""
        update, names = type(self)._update_op, self._state_names
        rows = [self._arguments(param, options) for param in params]
        for param, row, new in zip(params, rows, update_each.compute([update, rows])[0], strict=True):
            param_and_state = row[0], *row[2 : 2 + len(names)]
            for name, before, after in zip(("param", *names), param_and_state, new, strict=True):
                if before is None and after is not None:
                    self.state[param][name] = Variable.wrap(after.copy())
                elif after is not before:
                    before[...] = after
            if param._version is not None:
                param._version[0] += 1

    def _arguments(self, param, options: dict) -> list:
        """What the update of `param` takes, by position."""
        state = self.state[param]
        if not state:
            state.update(self.initial_state(param, options))
        if "step" in state:
            options["step"] = _counted(state["step"]._array)
        old = [getattr(state.get(name), "_array", None) for name in self._state_names]
        grad = param.grad._array if param.grad._later is None else param.grad._later
        return [param._array, grad, *old, *(options[name] for name in type(self)._update_op.parameters[2 + len(old) :])]

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients, or set them to zero."""
        for param in (each for group in self.param_groups for each in group["params"]):
            if param.grad is not None:
                param.grad = None if set_to_none else (param.grad.detach_() if param.grad.requires_grad else param.grad).zero_()

    def add_param_group(self, param_group: dict) -> None:
        """Add {"params": tensors, option: value, …}; options left out have their defaults."""
        params = param_group["params"]
        expect(not isinstance(params, set), "optimizer parameters need an ordered collection: a set changes between runs", TypeError)
        params = [params] if isinstance(params, Variable) else list(params)
        pairs = [each for each in params if isinstance(each, tuple)]
        if pairs:  # as named_parameters() gives them
            expect(len(pairs) == len(params), "all optimizer params should be with/without names", ValueError)
            param_group["param_names"], params = map(list, zip(*pairs, strict=True))
        for param in params:
            expect(isinstance(param, Variable), f"can only optimize Tensors, but one of the params is {type(param).__name__}", TypeError)
            expect(param.is_leaf, "can't optimize a non-leaf Tensor", ValueError)
        if len(params) != len(set(params)) or any(not set(group["params"]).isdisjoint(params) for group in self.param_groups):
            raise ValueError("some parameters appear more than once, or in more than one parameter group")
        self.param_groups.append({**self.defaults, **param_group, "params": params})
        gpus.changes += 1

    def __repr__(self) -> str:
        lines = []
        for i, group in enumerate(self.param_groups):
            lines += [f"Parameter Group {i}", *(f"    {name}: {group[name]}" for name in sorted(group) if name != "params"), ""]
        return "\n".join([f"{type(self).__name__} (", *lines[:-1], ")"])

    def state_dict(self) -> dict:
        """{"state": {number of the parameter: its state}, "param_groups": [{options…, "params": numbers}]}, all by reference."""
        number, groups = {}, []
        for group in self.param_groups:
            for param in group["params"]:
                number.setdefault(param, len(number))
            groups.append({**group, "params": [number[param] for param in group["params"]]})
        return {"state": {number[param]: state for param, state in self.state.items() if state}, "param_groups": groups}

    def load_state_dict(self, state_dict: dict) -> None:
        """Go on from a `state_dict()`: its state is copied, in the type and on the device of each parameter; its options are taken over."""
        saved, state, groups = state_dict["param_groups"], defaultdict(dict), []
        theirs, ours = ([len(group["params"]) for group in each] for each in (saved, self.param_groups))
        expect(theirs == ours, f"the state dict has groups of {theirs} parameters, but the optimizer's are of {ours}", ValueError)
        for new, old in zip(saved, self.param_groups, strict=True):
            for number, param in zip(new["params"], old["params"], strict=True):
                if number in state_dict["state"]:
                    state[param] = {name: _fitting(name, each, param) for name, each in state_dict["state"][number].items()}
            options = {name: tuple(each) if isinstance(each, list) else each for name, each in new.items()}  # a file knows lists only
            groups.append({**old, **options, "params": old["params"]})  # a file of an older version lacks newer options
        self.state, self.param_groups = state, groups
        gpus.changes += 1


def _counted(steps):
    """The number of this step: `steps`, 0-d, counted up."""

    def count(more: int) -> tuple:
        steps.fill(steps + more)
        return (int(steps),)

    return anew(lambda: count(1), undo=lambda: count(-1))[0]


def _fitting(name: str, value, param):
    """A copy of `value` from a state_dict, in the type and on the device of `param`; single numbers stay as they are."""
    if isinstance(value, (list, tuple)):
        return [_fitting(name, each, param) for each in value]
    if not isinstance(value, Variable):
        return scalar(float(value)) if name == "step" else value  # PyTorch's oldest files have a Python number there
    return value.clone() if name in _NUMBERS else value.to(param.device, param.dtype if param.is_floating_point() else None, copy=True)
