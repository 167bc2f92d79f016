"""The base of all optimizers: groups of parameters with options, a state for each parameter, and the loop over them."""

from copy import deepcopy

from ..autograd.mode import enable_grad, no_grad
from ..autograd.variable import Variable
from ..tensor import Tensor


class _Required:
    def __repr__(self) -> str:
        return "<required parameter>"


class Optimizer:
    """`param_groups`: dicts with "params" and options; `state`: {parameter: {name: value}}.

    An algorithm says how a state begins (`start`) and what one update is (`update`): a pure function from the values of the parameter and
    of its state to the new ones, declared as an op so that a kernel may stand in for it.
    """

    def __init__(self, params, defaults: dict):
        if isinstance(params, Tensor):
            raise TypeError("params argument given to the optimizer should be an iterable of Tensors or dicts, but got framework.Tensor")
        self.defaults, self.state, self.param_groups = defaults, {}, []
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def start(self, param: Tensor, group: dict) -> dict:
        """The state of a parameter before its first update."""
        raise NotImplementedError

    def update(self, param, grad, state: dict, group: dict) -> None:
        """Change `param` and `state`, given the gradient: arrays all of them, but for what `state` keeps as numbers."""
        raise NotImplementedError

    def add_param_group(self, param_group: dict) -> None:
        """Add parameters with options of their own; those left out take their defaults."""
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        params = param_group["params"]
        params = [params] if isinstance(params, Tensor) else list(params)
        for param in params:
            if not isinstance(param, Variable):
                raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {type(param).__name__}")
            if not param.is_leaf:
                raise ValueError("can't optimize a non-leaf Tensor")
        known = {each for group in self.param_groups for each in group["params"]}
        if not known.isdisjoint(params):
            raise ValueError("some parameters appear in more than one parameter group")
        self.param_groups.append({**self.defaults, **param_group, "params": params})

    @no_grad()
    def step(self, closure=None):
        """Update every parameter that has a gradient; `closure`, if given, computes the loss first and is what is returned."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for group in self.param_groups:
            for param in group["params"]:
                if param.grad is None:
                    continue
                if param not in self.state:
                    self.state[param] = self.start(param, group)
                self.update(param, param.grad._array, self.state[param], group)
                param._version[0] += 1
        return loss

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop all gradients, or fill them with zeros."""
        for group in self.param_groups:
            for param in group["params"]:
                if set_to_none:
                    param.grad = None
                elif param.grad is not None:
                    param.grad.detach_().zero_()

    def state_dict(self) -> dict:
        """{"state": {index: state}, "param_groups": [options and indices]}: parameters are numbered in the order of the groups."""
        numbers = {param: i for i, param in enumerate(each for group in self.param_groups for each in group["params"])}
        groups = [{**group, "params": [numbers[each] for each in group["params"]]} for group in self.param_groups]
        return {"state": {numbers[param]: dict(state) for param, state in self.state.items()}, "param_groups": groups}

    def load_state_dict(self, state_dict: dict) -> None:
        """Go back to a `state_dict()`; ValueError if its groups are not of the same sizes."""
        groups = deepcopy(state_dict["param_groups"])
        if [len(each["params"]) for each in groups] != [len(each["params"]) for each in self.param_groups]:
            raise ValueError("loaded state dict contains a parameter group that doesn't match the size of optimizer's group")
        params = {n: p for saved, own in zip(groups, self.param_groups, strict=True) for n, p in zip(saved["params"], own["params"], strict=True)}
        self.state = {params[number]: deepcopy(state) for number, state in state_dict["state"].items()}
        for saved, own in zip(groups, self.param_groups, strict=True):
            own.update({name: value for name, value in saved.items() if name != "params"})

    def __repr__(self) -> str:
        text = f"{type(self).__name__} ("
        for i, group in enumerate(self.param_groups):
            options = "".join(f"\n    {name}: {group[name]}" for name in sorted(group) if name != "params")
            text += f"\nParameter Group {i}{options}"
        return text + "\n)"


def write(arrays, new_values) -> None:
    """Put the new values where the old ones are, unless a kernel has done so already."""
    for array, new in zip(arrays, new_values, strict=True):
        if new is not array:
            array[...] = new
