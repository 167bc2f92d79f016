"""`Module`: a tree of parameters, buffers and further modules, with a forward function."""

from collections import OrderedDict, namedtuple
from collections.abc import Mapping

from ..autograd.engine import RemovableHandle
from ..autograd.mode import no_grad
from ..device import gpus
from ..dtypes import bfloat16, float16, float32, float64
from ..ops.promotion import expect
from ..tensor import Tensor
from .hooks import call_with_hooks
from .parameter import Parameter

_KINDS = ("_parameters", "_buffers", "_modules")
_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


class _IncompatibleKeys(namedtuple("IncompatibleKeys", ("missing_keys", "unexpected_keys"))):
    """What `load_state_dict(strict=False)` could not match."""

    def __repr__(self) -> str:
        return super().__repr__() if any(self) else "<All keys matched successfully>"


def _to(dtype):
    def cast(self) -> "Module":
        return self.to(dtype)

    cast.__doc__ = f"Floating tensors to {dtype.name}."
    return cast


class Module:
    """The base of every layer and model: assign parameters and modules as attributes, write `forward`, call the object."""

    def __init__(self):
        self.__dict__.update({name: {} for name in (*_KINDS, *_HOOKS)}, _non_persistent=set(), training=True)

    def forward(self, *inputs):
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def __call__(self, *args, **kwargs):
        if self._forward_hooks or self._forward_pre_hooks or self._backward_hooks or self._backward_pre_hooks:
            return call_with_hooks(self, args, kwargs)
        return self.forward(*args, **kwargs)

    # Attributes: parameters, buffers and modules live in dicts of their own, in the order they were assigned

    def __getattr__(self, name):  # asked where there is no plain attribute of the name
        members = self.__dict__
        for kind in _KINDS:
            if name in members.get(kind, ()):
                return members[kind][name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __setattr__(self, name, value):
        home = _home(self, name)
        kind = "_parameters" if isinstance(value, Parameter) else "_modules" if isinstance(value, Module) else home
        if kind is None:
            object.__setattr__(self, name, value)
            return
        if kind != home and (home is not None or name in self.__dict__):
            delattr(self, name)
        self._register(kind, name, value)

    def __delattr__(self, name):
        home = _home(self, name)
        if home is None:
            object.__delattr__(self, name)
        else:
            del self.__dict__[home][name]
            self._non_persistent.discard(name)

    def __dir__(self) -> list:
        return [*super().__dir__(), *(name for kind in _KINDS for name in self.__dict__.get(kind, ()) if not name[0].isdigit())]

    def _register(self, kind: str, name: str, member) -> None:
        expect(kind in self.__dict__, f"cannot assign {kind[1:]} before Module.__init__() call", AttributeError)
        right = name != "" and "." not in name
        expect(right, f'the name of one of the {kind[1:]} can\'t be empty or contain ".", but got "{name}"', KeyError)
        expect(name in self.__dict__[kind] or not hasattr(self, name), f"attribute '{name}' already exists", KeyError)
        wanted = {"_parameters": Parameter, "_buffers": Tensor, "_modules": Module}[kind]
        if member is not None and not isinstance(member, wanted):
            raise TypeError(f"cannot assign '{type(member).__name__}' as '{name}': it is not a {wanted.__name__}")
        gpus.changes += name in self.__dict__[kind]
        self.__dict__[kind][name] = member

    def register_parameter(self, name: str, param) -> None:
        """Add a parameter, or None to reserve the name."""
        self._register("_parameters", name, param)

    def register_buffer(self, name: str, tensor, persistent: bool = True) -> None:
        """Add a tensor that is part of the state but not learnt; in the `state_dict` if `persistent`."""
        self._register("_buffers", name, tensor)
        (self._non_persistent.discard if persistent else self._non_persistent.add)(name)

    def add_module(self, name: str, module) -> None:
        """Add a module under `name`."""
        expect(module is None or isinstance(module, Module), f"{type(module).__name__} is not a Module", TypeError)
        self._register("_modules", name, module)

    register_module = add_module

    # The tree

    def named_modules(self, memo=None, prefix: str = "", remove_duplicate: bool = True):
        """(path, module) for this module and all below it, each once if `remove_duplicate`."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(memo, f"{prefix}.{name}" if prefix else name, remove_duplicate)

    def modules(self):
        """This module and all below it, each once."""
        return (module for _, module in self.named_modules())

    def named_children(self):
        """(name, module) for the modules directly below, each once."""
        return self._named_members("_modules", "", False, True)

    def children(self):
        """The modules directly below, each once."""
        return (module for _, module in self.named_children())

    def _named_members(self, kind, prefix, recurse, remove_duplicate):
        seen = {None}
        for path, module in self.named_modules(None, prefix, remove_duplicate) if recurse else [(prefix, self)]:
            for name, member in module.__dict__[kind].items():
                if member not in seen:
                    if remove_duplicate:
                        seen.add(member)
                    yield f"{path}.{name}" if path else name, member

    def named_parameters(self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True):
        """(path, parameter) of this module and, if `recurse`, all below it."""
        return self._named_members("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True):
        """The parameters, each once."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True):
        """(path, buffer) of this module and, if `recurse`, all below it."""
        return self._named_members("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True):
        """The buffers, each once."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def get_submodule(self, target: str) -> "Module":
        """The module at the dotted path `target`."""
        module = self
        for name in target.split(".") if target else ():
            expect(name in module._modules, f"{type(module).__name__} has no module `{name}`, of the path `{target}`", AttributeError)
            module = module._modules[name]
        return module

    def apply(self, fn) -> "Module":
        """Call `fn` on every module of the tree, the lowest first."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    # Switches and moves

    def train(self, mode: bool = True) -> "Module":
        """Put the whole tree in training mode (dropout drops, batch norm gathers) or out of it."""
        expect(isinstance(mode, bool), "training mode is expected to be boolean", ValueError)
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self) -> "Module":
        """Out of training mode."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> "Module":
        """Say of every parameter whether its gradient is wanted."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients of all parameters, or fill them with zeros."""
        for parameter in [each for each in self.parameters() if each.grad is not None]:
            grad = parameter.grad
            parameter.grad = None if set_to_none else (grad.detach_() if grad.requires_grad else grad).zero_()

    @no_grad()
    def _apply(self, change) -> "Module":
        """Replace the data of every parameter, gradient and buffer by `change` of it; the Parameter objects stay the same."""
        for parameter in self.parameters():
            parameter.data = change(parameter.data)
            if parameter.grad is not None:
                parameter.grad = change(parameter.grad)
        for module in self.modules():
            module._buffers.update({name: change(buffer) for name, buffer in module._buffers.items() if buffer is not None})
        return self

    def to(self, *args, **kwargs) -> "Module":
        """Move the whole tree to a device, to a floating type, or both; integer tensors keep their type."""

        def change(tensor):
            moved = tensor.to(*args, **kwargs)
            if not tensor.is_floating_point():
                return tensor.to(moved.device)
            expect(moved.is_floating_point(), f"nn.Module.to only accepts floating point dtypes, but got {moved.dtype}", TypeError)
            return moved

        return self._apply(change)

    def cuda(self, device=None) -> "Module":
        """Move to a GPU."""
        return self.to("cuda" if device is None else device)

    def cpu(self) -> "Module":
        """Move to the host's memory."""
        return self.to("cpu")

    float, double, half, bfloat16 = map(_to, (float32, float64, float16, bfloat16))

    # What is saved and loaded: the parameters and the persistent buffers

    def _state(self):
        """(path, tensor) of each; of a module in two places, twice."""
        for path, module in self.named_modules(remove_duplicate=False):
            for name, member in (*module._parameters.items(), *module._buffers.items()):
                if member is not None and name not in module._non_persistent:
                    yield f"{path}.{name}" if path else name, member

    def state_dict(self, *, destination=None, prefix: str = "", keep_vars: bool = False) -> OrderedDict:
        """{path: tensor} of every parameter and persistent buffer, sharing their memory; in `destination` if there is one."""
        destination = OrderedDict() if destination is None else destination
        destination.update((prefix + path, tensor if keep_vars else tensor.detach()) for path, tensor in self._state())
        return destination

    @no_grad()
    def load_state_dict(self, state_dict, strict: bool = True) -> _IncompatibleKeys:
        """Copy the tensors of `state_dict` in; RuntimeError lists wrong shapes and, if `strict`, missing and unexpected keys."""
        expect(isinstance(state_dict, Mapping), f"Expected state_dict to be dict-like, got {type(state_dict)}.", TypeError)
        own, problems = dict(self._state()), []
        missing, unexpected = [key for key in own if key not in state_dict], [key for key in state_dict if key not in own]
        missing = [key for key in missing if not key.endswith("num_batches_tracked")]  # PyTorch before 0.4.1 counted none
        for key in (key for key in state_dict if key in own):
            given, shape = state_dict[key], own[key].shape
            if not isinstance(given, Tensor):
                problems.append(f"{key} should be a Tensor, but got {type(given)}")
            elif given.shape not in (shape, shape or (1,)):  # PyTorch before 0.4 kept a number as (1,)
                problems.append(f"size mismatch for {key}: got shape {given.shape}, but the model's is {shape}")
            else:
                own[key].copy_(given.reshape(shape))
        for kind, keys in (("Missing", missing), ("Unexpected", unexpected)):
            if strict and keys:
                problems.append(f"{kind} key(s) in state_dict: " + ", ".join(f'"{key}"' for key in keys))
        expect(not problems, f"Error(s) in loading state_dict for {type(self).__name__}:\n\t" + "\n\t".join(problems))
        return _IncompatibleKeys(missing, unexpected)

    # Hooks

    def register_forward_pre_hook(self, hook) -> RemovableHandle:
        """Call `hook(module, args)` before every forward; what it returns replaces the arguments."""
        return RemovableHandle(self._forward_pre_hooks).put(hook)

    def register_forward_hook(self, hook) -> RemovableHandle:
        """Call `hook(module, args, result)` after every forward; what it returns replaces the result."""
        return RemovableHandle(self._forward_hooks).put(hook)

    def register_full_backward_pre_hook(self, hook) -> RemovableHandle:
        """Call `hook(module, grad_output)` in backward before the module's own; what it returns replaces the outputs' gradients."""
        return RemovableHandle(self._backward_pre_hooks).put(hook)

    def register_full_backward_hook(self, hook) -> RemovableHandle:
        """Call `hook(module, grad_input, grad_output)` in backward; what it returns replaces the inputs' gradients."""
        return RemovableHandle(self._backward_hooks).put(hook)

    # As text

    def extra_repr(self) -> str:
        """What stands in the parentheses of the module's repr."""
        return ""

    def _children_repr(self) -> list:
        """What the repr says of the modules below, an item each."""
        return [f"({name}): {module!r}" for name, module in self._modules.items()]

    def __repr__(self) -> str:
        name, extra, below = type(self).__name__, self.extra_repr(), self._children_repr()
        if not below and "\n" not in extra:
            return f"{name}({extra})"
        return f"{name}(\n  " + "\n".join([*extra.splitlines(), *below]).replace("\n", "\n  ") + "\n)"


def _home(module, name) -> str | None:
    """Which of the module's dicts has a member `name`."""
    return next((kind for kind in _KINDS if name in module.__dict__.get(kind, ())), None)
