"""In-place changes: compute out of place, write the result over the old values, and put the tensor behind the new Node.

A change of a view is a change of its base.  On the tape the base becomes `view_scatter(base, new values)`, and every view of it finds
its own place again the next time it is asked (`Variable._made_by`).
"""

from .. import dtypes
from ..device import beside
from ..offered import expect
from .mode import mode
from .op import cast, op
from .variable import Variable, before_change


def check_writable(tensor: Variable, one_value: bool = False) -> None:
    """Raise RuntimeError where PyTorch forbids an in-place change of `tensor`; `one_value`: all its elements become the same."""
    array = tensor._array
    overlaps = array.size and 0 in array.strides and any(n > 1 and not step for n, step in zip(array.shape, array.strides, strict=True))
    expect(one_value or not overlaps, "more than one element of the written-to tensor refers to a single memory location: clone() it first")
    if tensor._version is None and not mode.inference:
        raise RuntimeError("Inplace update to inference tensor outside InferenceMode is not allowed: clone() it first")
    if mode.grad:
        for each, what in ((tensor, "a leaf"), (tensor._base, "a view of a leaf")):
            if each is not None and each._needs_grad and each.is_leaf:
                raise RuntimeError(f"{what} Variable that requires grad is being used in an in-place operation.")


def assign(target: Variable, value: Variable) -> Variable:
    """Write `value`, a recorded result of the same shape, over `target`; returns `target`."""
    old, new, view = target._array, value._array, target._view
    if old.shape != new.shape:
        raise RuntimeError(f"output with shape {list(old.shape)} doesn't match the broadcast shape {list(new.shape)}")
    if old.dtype != new.dtype:
        from_, to = dtypes.of_numpy(new.dtype), dtypes.of_numpy(old.dtype)
        expect(dtypes.can_cast(from_, to), f"result type {from_.name} can't be cast to the desired output type {to.name}")
        value = cast(value, old.dtype)
    recorded = mode.grad and (value.requires_grad or target.requires_grad or (view is not None and view.base.requires_grad))
    if recorded and view is not None:
        view.check_may_change("is being")
    before_change(target)
    if old is not value._array:
        with beside([old]):
            old[...] = value._array
    if target._version is not None:
        target._version[0] += 1
    if recorded and view is None:
        target._move_behind(value)
    elif recorded:
        from ..ops.index import view_scatter

        view.base._move_behind(view_scatter(view.base, value, view.steps))  # not `view`, which holds the base: a Node would hold itself
    return target


# On the tape, a tensor's old values have a gradient, of zeros, after something else was written over them.
_overwritten = op(lambda input, value: value, name="copy", input=lambda grad: grad * 0.0, value=lambda grad: grad)


def overwrite(target: Variable, value: Variable) -> Variable:
    """`assign` of a value that was not computed from `target`."""
    return assign(target, value if target._view is not None else _overwritten(target, value))


def inplace(op, keeps_first: bool = False):
    """The method `op_`: `op` with its result written over its first argument (copied first, if `op` keeps it for backward)."""

    def method(self, *args, **kwargs):
        check_writable(self)
        return assign(self, op(self.clone() if keeps_first and mode.grad else self, *args, **kwargs))

    method.__name__ = f"{op.__name__.strip('_')}_"
    method.__doc__ = f"In-place version of `{op.__name__}`."
    return method
