"""`Module`: a tree of parameters, buffers and further modules, with a forward function."""

from ..autograd.engine import RemovableHandle
from ..autograd.mode import no_grad
from ..creation import empty_like
from ..dtypes import dtype as Dtype
from ..tensor import Tensor
from .hooks import OptionedHook, call_with_hooks, register
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
        for name in (*_KINDS, *_HOOKS):
            object.__setattr__(self, name, {})
        object.__setattr__(self, "_non_persistent", set())
        object.__setattr__(self, "training", True)

    def forward(self, *inputs):
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def __call__(self, *args, **kwargs):
        if self._forward_hooks or self._forward_pre_hooks or self._backward_hooks or self._backward_pre_hooks:
            return call_with_hooks(self, args, kwargs)
        return self.forward(*args, **kwargs)

    # Attributes: parameters, buffers and modules live in dicts of their own, in the order they were assigned

    def __setattr__(self, name, value):
        members = self.__dict__
        if "_parameters" not in members:
            if isinstance(value, (Parameter, Module)):
                kind = "parameters" if isinstance(value, Parameter) else "module"
                raise AttributeError(f"cannot assign {kind} before Module.__init__() call")
            return object.__setattr__(self, name, value)
        home = "_parameters" if isinstance(value, Parameter) else "_modules" if isinstance(value, Module) else None
        if home is None:  # a plain value, unless the name is taken by a member, which may become None or another tensor
            home = next((kind for kind in _KINDS if name in members[kind]), None)
            if home is None:
                return object.__setattr__(self, name, value)
            if value is not None and not (home == "_buffers" and isinstance(value, Tensor)):
                wanted = {"_parameters": "torch.nn.Parameter", "_modules": "torch.nn.Module", "_buffers": "torch.Tensor"}[home]
                raise TypeError(f"cannot assign '{type(value).__name__}' as '{name}' ({wanted} or None expected)")
        elif name not in members[home]:
            self.__delattr__(name, missing_ok=True)
        members[home][name] = value
        return None

    def __getattr__(self, name):
        for kind in _KINDS:
            members = self.__dict__.get(kind, {})
            if name in members:
                return members[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __delattr__(self, name, missing_ok=False):
        for kind in _KINDS:
            if name in self.__dict__[kind]:
                del self.__dict__[kind][name]
                self._non_persistent.discard(name)
                return
        if name in self.__dict__ or not missing_ok:
            object.__delattr__(self, name)

    def __dir__(self):
        names = {*super().__dir__(), *self._parameters, *self._buffers, *self._modules}
        return sorted(name for name in names if not name[0].isdigit())

    def register_parameter(self, name: str, param) -> None:
        """Add a parameter, or None to reserve the name."""
        self._check_name(name, "parameter", self._parameters)
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(f"cannot assign '{type(param).__name__}' object to parameter '{name}' (torch.nn.Parameter or None required)")
        if param is not None and param.grad_fn is not None:
            raise ValueError(f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created explicitly.")
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor, persistent: bool = True) -> None:
        """Add a tensor that is part of the state but not learnt; in the `state_dict` if `persistent`."""
        self._check_name(name, "buffer", self._buffers)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(f"cannot assign '{type(tensor).__name__}' object to buffer '{name}' (torch Tensor or None required)")
        self._buffers[name] = tensor
        (self._non_persistent.discard if persistent else self._non_persistent.add)(name)

    def register_module(self, name: str, module) -> None:
        """Add a module under `name`."""
        self.add_module(name, module)

    def add_module(self, name: str, module) -> None:
        """Add a module under `name`."""
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{type(module).__name__} is not a Module subclass")
        self._check_name(name, "module", self._modules)
        self._modules[name] = module

    def _check_name(self, name, what, home):
        if "_parameters" not in self.__dict__:
            raise AttributeError(f"cannot assign {what} before Module.__init__() call")
        if not isinstance(name, str):
            raise TypeError(f"{what} name should be a string. Got {type(name).__name__}")
        if "." in name:
            raise KeyError(f'{what} name can\'t contain ".", got: {name}')
        if name == "":
            raise KeyError(f'{what} name can\'t be empty string ""')
        if hasattr(self, name) and name not in home:
            raise KeyError(f"attribute '{name}' already exists")

    # The tree

    def named_modules(self, memo=None, prefix: str = "", remove_duplicate: bool = True):
        """(path, module) for this module and all below it, each once."""
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
        """This module and all below it."""
        return (module for _, module in self.named_modules())

    def named_children(self):
        """(name, module) for the modules directly below, each once."""
        seen = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def children(self):
        """The modules directly below."""
        return (module for _, module in self.named_children())

    def _named_members(self, kind, prefix, recurse, remove_duplicate):
        seen = set()
        for path, module in self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate) if recurse else [(prefix, self)]:
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
        module = self
        for name in target.split(".") if target else ():
            module = module._member(name)
            if not isinstance(module, Module):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return module

    def set_submodule(self, target: str, module: "Module", strict: bool = False) -> None:
        """Put `module` at the dotted path `target`; if `strict`, only in another's place."""
        if target == "":
            raise ValueError("Cannot set the submodule without a target name!")
        if not isinstance(module, Module):
            raise ValueError(f"`module` is not an nn.Module, found {type(module)}")
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if strict or hasattr(parent, name):
            parent.get_submodule(name)
        setattr(parent, name, module)

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at the dotted path `target`."""
        path, _, name = target.rpartition(".")
        parameter = self.get_submodule(path)._member(name)
        if not isinstance(parameter, Parameter):
            raise AttributeError(f"`{name}` is not an nn.Parameter")
        return parameter

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at the dotted path `target`."""
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        buffer = module._member(name)
        if name not in module._buffers:
            raise AttributeError(f"`{name}` is not a buffer")
        return buffer

    def _member(self, name: str):
        if not hasattr(self, name):
            raise AttributeError(f"{self._get_name()} has no attribute `{name}`")
        return getattr(self, name)

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
        for parameter in self.parameters():
            if set_to_none:
                parameter.grad = None
            elif parameter.grad is not None:
                parameter.grad.detach_().zero_()

    def _apply(self, change, recurse: bool = True) -> "Module":
        """Replace the data of every parameter, gradient and buffer by `change` of it; the Parameter objects stay the same."""
        for module in self.children() if recurse else ():
            module._apply(change)
        with no_grad():
            for parameter in self._parameters.values():
                if parameter is not None:
                    parameter.data = change(parameter.data)
                    if parameter.grad is not None:
                        parameter.grad = change(parameter.grad)
        for name, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[name] = change(buffer)
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
            raise TypeError(f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={dtype}")
        return self._apply(lambda t: t.to(device=device, dtype=dtype if t.is_floating_point() else None))

    def cuda(self, device=None) -> "Module":
        """Move to a GPU."""
        return self.to("cuda" if device is None else device)

    def cpu(self) -> "Module":
        """Move to the host's memory."""
        return self.to("cpu")

    def float(self) -> "Module":
        """Floating tensors to float32."""
        return self._apply(lambda t: t.float() if t.is_floating_point() else t)

    def double(self) -> "Module":
        """Floating tensors to float64."""
        return self._apply(lambda t: t.double() if t.is_floating_point() else t)

    def half(self) -> "Module":
        """Floating tensors to float16."""
        return self._apply(lambda t: t.half() if t.is_floating_point() else t)

    def bfloat16(self) -> "Module":
        """Floating tensors to bfloat16."""
        return self._apply(lambda t: t.bfloat16() if t.is_floating_point() else t)

    def type(self, dst_type) -> "Module":
        """All tensors, integers too, to one type."""
        return self._apply(lambda t: t.type(dst_type))

    def to_empty(self, *, device, recurse: bool = True) -> "Module":
        """Move to a device without copying the values, which are undefined there."""
        return self._apply(lambda t: empty_like(t, device=device), recurse)

    def share_memory(self) -> "Module":
        """Nothing to do: worker threads share all memory."""
        return self._apply(lambda t: t.share_memory_())

    # Hooks

    def register_forward_pre_hook(self, hook, *, prepend: bool = False, with_kwargs: bool = False) -> RemovableHandle:
        """Call `hook(module, args)` before every forward; what it returns replaces the arguments.

        `with_kwargs`: call `hook(module, args, kwargs)`, which returns both or None.  `prepend`: before the other hooks.
        """
        return register(self._forward_pre_hooks, OptionedHook(hook, True) if with_kwargs else hook, prepend)

    def register_forward_hook(
        self, hook, *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args, result)` after every forward; what it returns replaces the result.

        `with_kwargs`: call `hook(module, args, kwargs, result)`.  `always_call`: even if the forward raises an error.
        """
        optioned = OptionedHook(hook, with_kwargs, always_call) if with_kwargs or always_call else hook
        return register(self._forward_hooks, optioned, prepend)

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

    def __repr__(self) -> str:
        extra = self.extra_repr()
        children = [f"({name}): {_indent(repr(module))}" for name, module in self._modules.items()]
        if not children:
            return f"{self._get_name()}({extra})" if "\n" not in extra else f"{self._get_name()}(\n  {_indent(extra)}\n)"
        return f"{self._get_name()}(\n  " + "\n  ".join([*extra.splitlines(), *children]) + "\n)"


def _indent(text: str) -> str:
    return text.replace("\n", "\n  ")
