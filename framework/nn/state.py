"""What a module saves and loads: its parameters, its persistent buffers and whatever else it says belongs to its state."""

from collections import OrderedDict, namedtuple
from collections.abc import Mapping

from ..autograd.engine import RemovableHandle
from ..autograd.mode import no_grad
from ..tensor import Tensor
from .parameter import Parameter


class _IncompatibleKeys(namedtuple("IncompatibleKeys", ("missing_keys", "unexpected_keys"))):
    """What `load_state_dict(strict=False)` could not match."""

    def __repr__(self) -> str:
        return super().__repr__() if any(self) else "<All keys matched successfully>"


class Stateful:
    """The part of `Module` that saves and loads."""

    def get_extra_state(self):
        """Write it, with `set_extra_state`, for state that is neither parameter nor buffer: it is saved as `_extra_state`."""
        raise RuntimeError("get_extra_state() is called only where a module defines it")

    def set_extra_state(self, state) -> None:
        """Take back what `get_extra_state` gave."""
        raise RuntimeError("set_extra_state() is called only where a module defines it")

    def _defines(self, name: str) -> bool:
        return getattr(type(self), name) is not getattr(Stateful, name)

    def _own_state(self) -> dict:
        """This module's own parameters and persistent buffers."""
        state = {**self._parameters, **{name: each for name, each in self._buffers.items() if name not in self._non_persistent}}
        return {name: each for name, each in state.items() if each is not None}

    def _save_to_state_dict(self, destination, prefix, keep_vars) -> None:
        for name, each in self._own_state().items():
            destination[prefix + name] = each if keep_vars else each.detach()
        if self._defines("get_extra_state"):
            destination[f"{prefix}_extra_state"] = self.get_extra_state()

    def state_dict(self, *, destination=None, prefix: str = "", keep_vars: bool = False) -> OrderedDict:
        """{path: tensor} of every parameter and persistent buffer, sharing their memory; in `destination` if there is one."""
        destination = OrderedDict() if destination is None else destination
        for hook in self._state_dict_pre_hooks.values():
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        for hook in self._state_dict_hooks.values():
            if hook(self, destination, prefix, {}) is not None:
                raise RuntimeError("state_dict post-hook must return None")
        return destination

    def _load_from_state_dict(self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs) -> None:
        """Load this module's own part of `state_dict`, the keys that begin with `prefix`; the three lists gather what went wrong."""
        for hook in self._load_state_dict_pre_hooks.values():
            hook(self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
        own, extra = self._own_state(), f"{prefix}_extra_state"
        for name, tensor in own.items():
            key = prefix + name
            if key not in state_dict:
                missing_keys.append(key)
            elif (problem := self._load_one(name, tensor, state_dict[key], key, "assign_to_params_buffers" in local_metadata)) is not None:
                error_msgs.append(problem)
        if self._defines("set_extra_state"):
            if extra in state_dict:
                self.set_extra_state(state_dict[extra])
            else:
                missing_keys.append(extra)
        for key in state_dict:
            if key.startswith(prefix) and not (key == extra and self._defines("set_extra_state")):
                name, dot, _ = key[len(prefix) :].partition(".")
                if name not in (self._modules if dot else own):
                    unexpected_keys.append(key)

    def _load_one(self, name, tensor, given, key, assign):
        """Copy `given` into `tensor`, or put it in its place; returns what is wrong with it, if anything."""
        if not isinstance(given, Tensor):
            return f'While copying the parameter named "{key}", expected torch.Tensor from checkpoint but received {type(given)}'
        given = given[0] if not tensor.ndim and tuple(given.shape) == (1,) else given  # as very old checkpoints have numbers
        if given.shape != tensor.shape:
            return (
                f"size mismatch for {key}: copying a param with shape {given.shape} from checkpoint, "
                f"the shape in current model is {tensor.shape}."
            )
        if assign:
            setattr(self, name, Parameter(given, tensor.requires_grad) if isinstance(tensor, Parameter) else given)
        else:
            with no_grad():
                tensor.copy_(given)
        return None

    def load_state_dict(self, state_dict, strict: bool = True, assign: bool = False) -> _IncompatibleKeys:
        """Copy the tensors of `state_dict` in, or make them the module's own if `assign`.

        RuntimeError lists wrong shapes and, if `strict`, missing and unexpected keys.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        keys, problems = _IncompatibleKeys([], []), []
        self._load_tree(OrderedDict(state_dict), "", {"assign_to_params_buffers": True} if assign else {}, keys, problems)
        for kind, names in (("Unexpected", keys.unexpected_keys), ("Missing", keys.missing_keys)):
            if strict and names:
                quoted = ", ".join(f'"{name}"' for name in names)
                problems.insert(0, f"{kind} key(s) in state_dict: {quoted}. ")
        if problems:
            raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t" + "\n\t".join(problems))
        return keys

    def _load_tree(self, state_dict, prefix, metadata, keys, problems) -> None:
        self._load_from_state_dict(state_dict, prefix, metadata, True, *keys, problems)
        for name, module in self._modules.items():
            if module is not None:
                below = f"{prefix}{name}."
                part = {key: value for key, value in state_dict.items() if key.startswith(below)}
                module._load_tree(part, below, metadata, keys, problems)
        for hook in self._load_state_dict_post_hooks.values():
            if hook(self, keys) is not None:
                raise AssertionError("Hooks registered with register_load_state_dict_post_hook change the keys in place, and return None")

    def register_state_dict_pre_hook(self, hook) -> RemovableHandle:
        """Call `hook(module, prefix, keep_vars)` before the module's state is gathered."""
        return RemovableHandle(self._state_dict_pre_hooks).put(hook)

    def register_state_dict_post_hook(self, hook) -> RemovableHandle:
        """Call `hook(module, state_dict, prefix, local_metadata)` after: it may change the dict in place."""
        return RemovableHandle(self._state_dict_hooks).put(hook)

    def register_load_state_dict_pre_hook(self, hook) -> RemovableHandle:
        """Call `hook(module, state_dict, prefix, local_metadata, strict, missing, unexpected, errors)` before the module loads."""
        return RemovableHandle(self._load_state_dict_pre_hooks).put(hook)

    def register_load_state_dict_post_hook(self, hook) -> RemovableHandle:
        """Call `hook(module, incompatible_keys)` after the module has loaded: it may change them in place."""
        return RemovableHandle(self._load_state_dict_post_hooks).put(hook)
