"""What every optimizer shares: parameter groups, the state of each parameter, the loop over them, saving and loading.

An algorithm is the names of its state tensors, their initial values, and a pure update written as the paper's formula on bare arrays:

    @op
    def adadelta_update(param, grad, square_avg, acc_delta, lr, rho, eps, weight_decay, maximize):
        …
        return param - lr * delta, square_avg, acc_delta

The state comes first; every other parameter's name says which option it is, or `step`, counted from 1.  The new values are then written
over the old ones; a kernel registered for the op may do that itself and return the arrays it was given.
"""

import functools
import warnings
from collections import OrderedDict, defaultdict

from ..autograd.engine import RemovableHandle
from ..autograd.mode import enable_grad, no_grad
from ..autograd.variable import Variable
from ..creation import tensor, zeros_like
from ..dtypes import float32, float64, get_default_dtype

_SWITCHES = {"foreach", "fused", "capturable", "differentiable"}  # PyTorch's, of how a step is computed
_NOT_NEGATIVE = {"lr", "eps", "weight_decay", "momentum", "momentum_decay", "lr_decay", "initial_accumulator_value"}
_NUMBERS = {"step", "eta", "mu", "mu_product"}  # of the state, exact to single precision whatever the parameter's type
_HOOKS = ("_step_pre_hooks", "_step_post_hooks", "_state_dict_pre_hooks", "_state_dict_post_hooks", "_load_state_dict_pre_hooks",
          "_load_state_dict_post_hooks")  # fmt: skip


def check(valid, message: str, value) -> None:
    """ValueError(message: value) unless `valid`."""
    if isinstance(value, Variable) and value.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")
    if not valid:
        raise ValueError(f"{message}: {value}")


def checked(**options) -> dict:
    """The options of an optimizer; ValueError if one has an impossible value."""
    for name, value in options.items():
        if name in _NOT_NEGATIVE:
            check(value >= 0, "Invalid " + {"lr": "learning rate", "eps": "epsilon value"}.get(name, f"{name} value"), value)
    for i, beta in enumerate(options.get("betas", ())):
        check(0 <= beta < 1, f"Invalid beta parameter at index {i}", beta)
    return options


def scalar(value: float):
    """A number of the state, such as the count of steps: a tensor in single precision, or in double where that is the default type."""
    return tensor(value, dtype=float64 if get_default_dtype() is float64 else float32)


def descent(param, grad, weight_decay, maximize):
    """The gradient to go down along: of -f where f is to be maximized, plus that of weight_decay / 2 * |param|^2."""
    grad = -grad if maximize else grad
    return grad + weight_decay * param if weight_decay else grad


def _options(group: dict) -> dict:
    """A group's options as Python's own numbers, for a NumPy scalar would make float32 arithmetic float64; `betas` as beta1 and beta2."""
    options = {name: value for name, value in group.items() if name != "params"}
    if "betas" in options:
        options["beta1"], options["beta2"] = options["betas"]
    return {name: value.item() if hasattr(value, "item") else value for name, value in options.items()}


def _with_hooks(step):
    """The method `step` between the hooks of steps, which see and may replace its arguments (the optimizer is the first)."""

    @functools.wraps(step)
    def hooked(self, *args, **kwargs):
        if type(self).step is not hooked:  # called by a subclass's own step, which runs the hooks
            return step(self, *args, **kwargs)
        self._opt_called = True
        args = (self, *args)
        for hook in list(self._step_pre_hooks.values()):
            changed = hook(self, args, kwargs)
            if changed is not None and not (isinstance(changed, tuple) and len(changed) == 2):
                raise RuntimeError(f"{step} must return None or a tuple of (new_args, new_kwargs), but got {changed}.")
            args, kwargs = changed or (args, kwargs)
        result = step(*args, **kwargs)
        for hook in list(self._step_post_hooks.values()):
            hook(self, args, kwargs)
        return result

    return hooked


def _registers(hooks: str, call: str):
    def register(self, hook) -> RemovableHandle:
        return RemovableHandle(getattr(self, hooks)).put(hook)

    register.__doc__ = f"Call {call}"
    return register


class Optimizer:
    """The base of all optimizers: `params` is an iterable of tensors, or of dicts with "params" and options of their own."""

    update_op = None  # new (param, *state) = update_op(param, grad, *state, *options)
    state_names = ()  # in that order
    _opt_called = False  # has `step` run?  Schedulers warn if they are stepped first

    def __init_subclass__(cls):
        if "step" in vars(cls):
            cls.step = _with_hooks(cls.step)

    def __init__(self, params, defaults: dict, **switches):
        for name, value in switches.items():
            if name not in _SWITCHES:
                raise TypeError(f"{type(self).__name__}.__init__() got an unexpected keyword argument '{name}'")
            if value:
                raise NotImplementedError(f"{type(self).__name__} does not support {name}=True")
        for name in _HOOKS:
            setattr(self, name, OrderedDict())
        if isinstance(params, Variable):
            raise TypeError("params argument given to the optimizer should be an iterable of Tensors or dicts, but got "
                            + type(params).__name__)  # fmt: skip
        self.defaults = defaults
        self.state = defaultdict(dict)  # parameter -> its state by name; empty before its first step
        self.param_groups = []
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def initial_state(self, param, group: dict) -> dict:
        """The state of `param` before its first step."""
        return {"step": scalar(0.0), **{name: zeros_like(param) for name in self.state_names}}

    @_with_hooks
    @no_grad
    def step(self, closure=None):
        """Update every parameter that has a gradient; `closure` computes the loss again, and its value is returned."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for group in self.param_groups:
            options = _options(group)
            for param in group["params"]:
                if param.grad is not None:
                    self._update(param, options)
        return loss

    def _update(self, param, options: dict) -> None:
        state, update = self.state[param], type(self).update_op
        if not state:
            state.update(self.initial_state(param, options))
        if "step" in state:
            state["step"]._array[...] += 1
            options["step"] = int(state["step"])
        old = [param._array, *(getattr(state.get(name), "_array", None) for name in self.state_names)]
        new = update(old[0], param.grad._array, *old[1:], *(options[name] for name in update.parameters[1 + len(old) :]))
        for name, before, after in zip(("param", *self.state_names), old, new, strict=True):
            if before is None and after is not None:
                state[name] = zeros_like(param)
                before = state[name]._array
            if after is not before:
                before[...] = after
        if param._version is not None:
            param._version[0] += 1

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients, or set them to zero."""
        for param in (each for group in self.param_groups for each in group["params"]):
            if param.grad is not None:
                param.grad = None if set_to_none else param.grad.detach().zero_()

    # Groups of parameters

    def add_param_group(self, param_group: dict) -> None:
        """Add {"params": tensors, option: value, …}; options left out have their defaults."""
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        params = param_group["params"]
        if isinstance(params, set):
            raise TypeError("optimizer parameters need to be organized in ordered collections, but the ordering of tensors in sets "
                            "will change between runs. Please use a list instead.")  # fmt: skip
        params = [params] if isinstance(params, Variable) else list(params)
        names = [each[0] for each in params if isinstance(each, tuple)]  # of (name, tensor), as Module.named_parameters gives them
        if len(names) not in (0, len(params)):
            raise ValueError("all optimizer params should be with/without names. Some param names are missing")
        if names:
            params, param_group["param_names"] = [tensor for _, tensor in params], names
        for param in params:
            if not isinstance(param, Variable):
                raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {type(param).__name__}")
            if not param.is_leaf:
                raise ValueError("can't optimize a non-leaf Tensor")
        if len(params) != len(set(params)):
            warnings.warn("optimizer contains a parameter group with duplicate parameters; in future, this will cause an error; "
                          "see github.com/pytorch/pytorch/issues/40967 for more information", stacklevel=3)  # fmt: skip
        if any(("param_names" in group) != ("param_names" in param_group) for group in self.param_groups):
            raise ValueError("all optimizer param groups should be with/without names. cannot add param group "
                             f"{'with' if names else 'without'} names to the optimizer")  # fmt: skip
        if any(not set(group["params"]).isdisjoint(params) for group in self.param_groups):
            raise ValueError("some parameters appear in more than one parameter group")
        param_group["params"] = params
        for name, default in self.defaults.items():
            param_group.setdefault(name, default)
        self.param_groups.append(param_group)

    def __repr__(self) -> str:
        lines = []
        for i, group in enumerate(self.param_groups):
            lines += [f"Parameter Group {i}", *(f"    {name}: {group[name]}" for name in sorted(group) if name != "params"), ""]
        return "\n".join([f"{type(self).__name__} (", *lines[:-1], ")"])

    # Saving and loading

    def state_dict(self) -> dict:
        """{"state": {number of the parameter: its state}, "param_groups": [{options…, "params": numbers}]}, all by reference."""
        for hook in self._state_dict_pre_hooks.values():
            hook(self)
        number, groups = {}, []
        for group in self.param_groups:
            for param in group["params"]:
                number.setdefault(param, len(number))
            groups.append({**group, "params": [number[param] for param in group["params"]]})
        result = {"state": {number[param]: state for param, state in self.state.items() if state}, "param_groups": groups}
        for hook in self._state_dict_post_hooks.values():
            result = hook(self, result) or result
        return result

    def load_state_dict(self, state_dict: dict) -> None:
        """Go on from a `state_dict()`: its state is copied, in the type and on the device of each parameter; its options are taken over."""
        state_dict = {**state_dict}  # the hooks may change it
        for hook in self._load_state_dict_pre_hooks.values():
            state_dict = hook(self, state_dict) or state_dict
        saved = state_dict["param_groups"]
        if len(saved) != len(self.param_groups):
            raise ValueError("loaded state dict has a different number of parameter groups")
        if any(len(new["params"]) != len(old["params"]) for new, old in zip(saved, self.param_groups, strict=True)):
            raise ValueError("loaded state dict contains a parameter group that doesn't match the size of optimizer's group")
        state = defaultdict(dict)
        for new, old in zip(saved, self.param_groups, strict=True):
            for number, param in zip(new["params"], old["params"], strict=True):
                if number in state_dict["state"]:
                    state[param] = {name: _fitting(name, value, param) for name, value in state_dict["state"][number].items()}
        self.state = state
        self.param_groups = [_loaded_group(new, old) for new, old in zip(saved, self.param_groups, strict=True)]
        for hook in self._load_state_dict_post_hooks.values():
            hook(self)

    register_step_pre_hook = _registers("_step_pre_hooks", "`hook(optimizer, args, kwargs)` before a step; it may return (args, kwargs).")
    register_step_post_hook = _registers("_step_post_hooks", "`hook(optimizer, args, kwargs)` after a step.")
    register_state_dict_pre_hook = _registers("_state_dict_pre_hooks", "`hook(optimizer)` before `state_dict()`.")
    register_state_dict_post_hook = _registers("_state_dict_post_hooks", "`hook(optimizer, state_dict)`, which may return another one.")
    register_load_state_dict_pre_hook = _registers("_load_state_dict_pre_hooks", "`hook(optimizer, state_dict)` before it is loaded.")
    register_load_state_dict_post_hook = _registers("_load_state_dict_post_hooks", "`hook(optimizer)` after `load_state_dict()`.")


def _loaded_group(saved: dict, present: dict) -> dict:
    """The options of `saved` for the parameters of `present`; a file knows lists only, where an option of several values is a tuple."""
    names = {name: value for name, value in present.items() if name == "param_names"}
    options = {name: tuple(value) if isinstance(value, list) and name != "param_names" else value for name, value in saved.items()}
    return {**names, **options, "params": present["params"]}


def _fitting(name: str, value, param):
    """A copy of `value` from a state_dict, in the type and on the device of `param`; single numbers stay as they are."""
    if isinstance(value, (list, tuple)):
        return [_fitting(name, each, param) for each in value]
    if not isinstance(value, Variable):
        return scalar(float(value)) if name == "step" else value  # PyTorch's oldest files have a Python number there
    return value.clone() if name in _NUMBERS else value.to(param.device, param.dtype if param.is_floating_point() else None, copy=True)
