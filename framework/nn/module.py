"""`Module`: a tree of parameters, buffers and further modules, with a forward function."""

from ..autograd.engine import RemovableHandle
from ..autograd.mode import no_grad
from ..dtypes import bfloat16, float16, float32, float64
from ..dtypes import dtype as Dtype
from ..tensor import Tensor
from .hooks import WithKwargs, call_with_hooks, register
from .parameter import Parameter
from .state import Stateful

_KINDS = ("_parameters", "_buffers", "_modules")
_HOOKS = (
    "_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks", "_state_dict_hooks", "_state_dict_pre_hooks",
    "_load_state_dict_pre_hooks", "_load_state_dict_post_hooks",
)  # fmt: skip


class Module(Stateful):
    """The base of every layer and model: assign parameters and modules as attributes, write `forward`, call the object."""

    def __init__(self):
        members = self.__dict__
        for name in (*_KINDS, *_HOOKS):
            members[name] = {}
        members["_non_persistent"], members["training"] = set(), True

    def forward(self, *inputs):
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def __call__(self, *args, **kwargs):
        if self._forward_hooks or self._forward_pre_hooks or self._backward_hooks or self._backward_pre_hooks:
            return call_with_hooks(self, args, kwargs)
        return self.forward(*args, **kwargs)

    # Attributes: parameters, buffers and modules live in dicts of their own, in the order they were assigned

    def __getattr__(self, name):  # asked where there is no plain attribute of the name
        members = self.__dict__
        if "_parameters" in members:
            for kind in _KINDS:
                if name in members[kind]:
                    return members[kind][name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __setattr__(self, name, value):
        kind = "_parameters" if isinstance(value, Parameter) else "_modules" if isinstance(value, Module) else None
        home = _home(self, name)
        if kind is None and home is None:
            object.__setattr__(self, name, value)
        elif kind is None and value is not None and not (home == "_buffers" and isinstance(value, Tensor)):
            raise TypeError(f"cannot assign '{type(value).__name__}' as '{name}', which is one of the module's {home[1:]}")
        elif kind in (None, home):  # a member may become None, and a buffer another tensor
            self.__dict__[home][name] = value
        else:
            if home is not None or name in self.__dict__:
                delattr(self, name)
            _register(self, kind, name, value, object)

    def __delattr__(self, name):
        home = _home(self, name)
        if home is None:
            object.__delattr__(self, name)
        else:
            del self.__dict__[home][name]
            self._non_persistent.discard(name)

    def __dir__(self):
        names = {*super().__dir__(), *self._parameters, *self._buffers, *self._modules}
        return sorted(name for name in names if not name[0].isdigit())

    def register_parameter(self, name: str, param) -> None:
        """Add a parameter, or None to reserve the name."""
        _register(self, "_parameters", name, param, Parameter)

    def register_buffer(self, name: str, tensor, persistent: bool = True) -> None:
        """Add a tensor that is part of the state but not learnt; in the `state_dict` if `persistent`."""
        _register(self, "_buffers", name, tensor, Tensor)
        (self._non_persistent.discard if persistent else self._non_persistent.add)(name)

    def add_module(self, name: str, module) -> None:
        """Add a module under `name`."""
        _register(self, "_modules", name, module, Module)

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
        return iter(_tree(self, {}))

    def named_children(self):
        """(name, module) for the modules directly below, each once."""
        seen = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def children(self):
        """The modules directly below, each once."""
        return (module for _, module in self.named_children())

    def _named_members(self, kind, prefix, recurse, remove_duplicate):
        seen = set()
        for path, module in self.named_modules(None, prefix, remove_duplicate) if recurse else [(prefix, self)]:
            for name, member in module.__dict__[kind].items():
                if member is not None and member not in seen:
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
        return _at(self, target, "_modules") if target else self

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at the dotted path `target`."""
        return _at(self, target, "_parameters")

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at the dotted path `target`."""
        return _at(self, target, "_buffers")

    def apply(self, fn) -> "Module":
        """Call `fn` on every module of the tree, the lowest first."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    # Switches and moves

    def train(self, mode: bool = True) -> "Module":
        """Put the whole tree in training mode (dropout drops, batch norm gathers) or out of it."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
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
        for module in _tree(self, {}):
            for parameter in module._parameters.values():
                if parameter is not None and parameter.grad is not None:
                    if set_to_none:
                        parameter.grad = None
                    else:
                        parameter.grad.detach_().zero_()

    @no_grad()
    def _apply(self, change) -> "Module":
        """Replace the data of every parameter, gradient and buffer by `change` of it; the Parameter objects stay the same."""
        for parameter in self.parameters():
            parameter.data = change(parameter.data)
            if parameter.grad is not None:
                parameter.grad = change(parameter.grad)
        for module in self.modules():
            for name, buffer in module._buffers.items():
                if buffer is not None:
                    module._buffers[name] = change(buffer)
        return self

    def to(self, *args, dtype=None, device=None, non_blocking=False) -> "Module":
        """Move the whole tree to a device, to a floating type, or both; integer tensors keep their type."""
        for each in args:
            if isinstance(each, Tensor):
                dtype, device = each.dtype, each.device
            elif isinstance(each, Dtype):
                dtype = each
            elif not isinstance(each, bool):
                device = each
        if dtype is not None and not dtype.is_floating_point:
            raise TypeError(f"nn.Module.to only accepts floating point dtypes, but got desired dtype={dtype}")
        return self._apply(lambda t: t.to(device=device, dtype=dtype if t.is_floating_point() else None))

    def cuda(self, device=None) -> "Module":
        """Move to a GPU."""
        return self.to("cuda" if device is None else device)

    def cpu(self) -> "Module":
        """Move to the host's memory."""
        return self.to("cpu")

    def float(self) -> "Module":
        """Floating tensors to float32."""
        return self.to(float32)

    def double(self) -> "Module":
        """Floating tensors to float64."""
        return self.to(float64)

    def half(self) -> "Module":
        """Floating tensors to float16."""
        return self.to(float16)

    def bfloat16(self) -> "Module":
        """Floating tensors to bfloat16."""
        return self.to(bfloat16)

    def type(self, dst_type) -> "Module":
        """All tensors, integers too, to one type."""
        return self._apply(lambda t: t.type(dst_type))

    def share_memory(self) -> "Module":
        """Nothing to do: worker threads share all memory."""
        return self

    # Hooks

    def register_forward_pre_hook(self, hook, *, prepend: bool = False, with_kwargs: bool = False) -> RemovableHandle:
        """Call `hook(module, args)` before every forward; what it returns replaces the arguments.

        `with_kwargs`: call `hook(module, args, kwargs)`, which returns both or None.  `prepend`: before the other hooks.
        """
        return register(self._forward_pre_hooks, WithKwargs(hook) if with_kwargs else hook, prepend)

    def register_forward_hook(self, hook, *, prepend: bool = False, with_kwargs: bool = False) -> RemovableHandle:
        """Call `hook(module, args, result)`, or with `with_kwargs` `hook(module, args, kwargs, result)`, after every forward.

        What it returns replaces the result.
        """
        return register(self._forward_hooks, WithKwargs(hook) if with_kwargs else hook, prepend)

    def register_full_backward_pre_hook(self, hook, prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_output)` in backward before the module's own; what it returns replaces the outputs' gradients."""
        return register(self._backward_pre_hooks, hook, prepend)

    def register_full_backward_hook(self, hook, prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_input, grad_output)` in backward; what it returns replaces the inputs' gradients."""
        return register(self._backward_hooks, hook, prepend)

    # As text

    def extra_repr(self) -> str:
        """What stands in the parentheses of the module's repr."""
        return ""

    def _get_name(self) -> str:
        return type(self).__name__

    def _children_repr(self) -> list:
        """What the repr says of the modules below, an item each."""
        return [f"({name}): {module!r}" for name, module in self._modules.items()]

    def __repr__(self) -> str:
        extra, below = self.extra_repr(), self._children_repr()
        if not below and "\n" not in extra:
            return f"{self._get_name()}({extra})"
        return f"{self._get_name()}(\n  " + "\n".join([*extra.splitlines(), *below]).replace("\n", "\n  ") + "\n)"


def _tree(module: Module, found: dict) -> dict:
    """`module` and all below it, each once: the keys of `found`, in order."""
    if module not in found:
        found[module] = None
        for each in module._modules.values():
            if each is not None:
                _tree(each, found)
    return found


def _home(module, name) -> str | None:
    """Which of the module's dicts has a member `name`."""
    for kind in _KINDS:
        if name in module.__dict__.get(kind, ()):
            return kind
    return None


def _register(module, kind, name, member, wanted) -> None:
    if "_parameters" not in module.__dict__:
        raise AttributeError(f"cannot assign {kind[1:]} before Module.__init__() call")
    if not isinstance(name, str):
        raise TypeError(f"the name of one of the {kind[1:]} should be a string, but got {name!r}")
    if name == "" or "." in name:
        raise KeyError(f'the name of one of the {kind[1:]} can\'t be empty or contain ".", but got "{name}"')
    if hasattr(module, name) and name not in module.__dict__[kind]:
        raise KeyError(f"attribute '{name}' already exists")
    if member is not None and not isinstance(member, wanted):
        raise TypeError(f"cannot assign '{type(member).__name__}' to '{name}': it is not a {wanted.__name__}")
    module.__dict__[kind][name] = member


def _at(module, target: str, kind: str):
    """The member at the dotted path `target`."""
    path, _, name = target.rpartition(".")
    found = module.get_submodule(path).__dict__[kind].get(name)
    if found is None:
        raise AttributeError(f"{module._get_name()} has no attribute `{target}` among its {kind[1:]}")
    return found
