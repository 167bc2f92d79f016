"""What a module saves and loads: its parameters and its persistent buffers."""

from collections import OrderedDict, namedtuple
from collections.abc import Mapping

from ..autograd.engine import RemovableHandle
from ..autograd.mode import no_grad
from ..tensor import Tensor
from .hooks import register


class _IncompatibleKeys(namedtuple("IncompatibleKeys", ("missing_keys", "unexpected_keys"))):
    """What `load_state_dict(strict=False)` could not match."""

    def __repr__(self) -> str:
        return super().__repr__() if any(self) else "<All keys matched successfully>"


def _states(module, prefix: str = "") -> list:
    """(module, its prefix, its own parameters and persistent buffers) for the whole tree; a module in two places comes twice."""
    found = []
    for path, each in module.named_modules(remove_duplicate=False):
        members = {**each._parameters, **each._buffers}
        own = {name: member for name, member in members.items() if member is not None and name not in each._non_persistent}
        found.append((each, f"{prefix}{path}." if path else prefix, own))
    return found


class Stateful:
    """The part of `Module` that saves and loads."""

    def state_dict(self, *, destination=None, prefix: str = "", keep_vars: bool = False) -> OrderedDict:
        """{path: tensor} of every parameter and persistent buffer, sharing their memory; in `destination` if there is one."""
        destination = OrderedDict() if destination is None else destination
        states = _states(self, prefix)
        for module, path, own in states:
            for hook in module._state_dict_pre_hooks.values():
                hook(module, path, keep_vars)
            for name, tensor in own.items():
                destination[path + name] = tensor if keep_vars else tensor.detach()
        for module, path, _ in reversed(states):
            for hook in module._state_dict_hooks.values():
                hook(module, destination, path, {})
        return destination

    @no_grad()
    def load_state_dict(self, state_dict, strict: bool = True) -> _IncompatibleKeys:
        """Copy the tensors of `state_dict` in; RuntimeError lists wrong shapes and, if `strict`, missing and unexpected keys."""
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        state_dict, expected, problems = dict(state_dict), set(), []
        keys, states = _IncompatibleKeys([], []), _states(self)
        for module, path, own in states:
            for hook in module._load_state_dict_pre_hooks.values():
                hook(module, state_dict, path, {}, True, *keys, problems)
            for name, tensor in own.items():
                key = path + name
                given = state_dict.get(key)
                expected.add(key)
                if key not in state_dict:
                    keys.missing_keys.append(key)
                elif not isinstance(given, Tensor):
                    problems.append(f"{key} should be a Tensor, but got {type(given)}")
                elif given.shape != tensor.shape:
                    problems.append(f"size mismatch for {key}: got shape {given.shape}, but the model's is {tensor.shape}")
                else:
                    tensor.copy_(given)
        keys.unexpected_keys.extend(key for key in state_dict if key not in expected)
        for module, _, _ in reversed(states):
            for hook in module._load_state_dict_post_hooks.values():
                hook(module, keys)
        for kind, names in (("Missing", keys.missing_keys), ("Unexpected", keys.unexpected_keys)):
            if strict and names:
                problems.append(f"{kind} key(s) in state_dict: " + ", ".join(f'"{name}"' for name in names))
        if problems:
            raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t" + "\n\t".join(problems))
        return keys

    def register_state_dict_pre_hook(self, hook) -> RemovableHandle:
        """Call `hook(module, prefix, keep_vars)` before the module's state is gathered."""
        return register(self._state_dict_pre_hooks, hook)

    def register_state_dict_post_hook(self, hook) -> RemovableHandle:
        """Call `hook(module, state_dict, prefix, {})` when all is gathered: it may change the dict in place."""
        return register(self._state_dict_hooks, hook)

    def register_load_state_dict_pre_hook(self, hook) -> RemovableHandle:
        """Call `hook(module, state_dict, prefix, {}, True, missing, unexpected, errors)` before the module loads its part."""
        return register(self._load_state_dict_pre_hooks, hook)

    def register_load_state_dict_post_hook(self, hook) -> RemovableHandle:
        """Call `hook(module, incompatible_keys)` when all is loaded: it may change them in place."""
        return register(self._load_state_dict_post_hooks, hook)
