"""What autograd knows of a tensor: its array, whether it needs a gradient, and where on the tape it came from.

`framework.Tensor` adds PyTorch's methods to this class; nothing below `tensor.py` needs them.
"""

from functools import cached_property

import numpy as np

from ..offered import expect
from .mode import enable_grad, mode

new, generic = object.__new__, np.generic


class Variable:
    """An array and its place on the tape."""

    _later = None  # what a kernel left instead of `_array`, NumPy's or CuPy's: see framework/kernels/later.py
    _needs_grad = False  # a leaf the user wants the gradient of
    _version = None  # [number of in-place changes], shared by every view of the same memory; None under inference_mode
    _edge = None  # (the Node that made this tensor, which of its outputs it is); None for a leaf
    _view = None  # for a view: the View that says of what
    _hooks = None  # of a leaf: see engine.Node
    grad = None

    _class = None  # the class of new tensors: framework.Tensor, which registers itself

    @staticmethod
    def wrap(array) -> "Variable":
        """A new tensor around `array`, a leaf that needs no gradient."""
        tensor = new(Variable._class)
        tensor._array = np.asarray(array) if isinstance(array, generic) else array  # NumPy turns 0-d results into scalars
        if not mode.inference:
            tensor._version = [0]
        return tensor

    @cached_property
    def _array(self):
        """NumPy's or CuPy's array; where a kernel left it for later, whoever asks first has it computed."""
        array, self._later = self._later.array(), None
        return array

    @property
    def _made_by(self):
        """`_edge`; that of a view whose base has since been changed in place leads to the Node after that change."""
        view = self._view
        if view is not None and view.base_edge is not view.base._edge:
            view.refresh(self)
        return self._edge

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow to this tensor."""
        return self._needs_grad or self._made_by is not None

    @requires_grad.setter
    def requires_grad(self, wanted: bool):
        expect(wanted or self.is_leaf, "you can only change requires_grad flags of leaf variables: use var.detach() instead")
        expect(not wanted or self._array.dtype.kind not in "biu", "only Tensors of floating point dtype can require gradients")
        expect(not wanted or self._version is not None or mode.inference, "inference tensors cannot need gradients outside InferenceMode")
        self._needs_grad = bool(wanted) and self.is_leaf

    def _move_behind(self, other: "Variable") -> None:
        """Take the place on the tape of `other`, a new result; a gradient that is to be kept is from now on that of these values."""
        node, output = self._edge or (None, 0)
        kept = (getattr(node, "_hooks", None) or {}).get(output, {}).pop("retain_grad", None)
        self._edge = other._made_by
        if kept is not None:
            node, output = self._edge
            node._hooks = {**(node._hooks or {}), output: {"retain_grad": kept}}

    is_leaf = property(lambda self: self._made_by is None, doc="Whether no recorded operation made this tensor.")
    grad_fn = property(lambda self: self._made_by and self._made_by[0], doc="The Node that made this tensor; None for a leaf.")
    _base = property(lambda self: self._view and self._view.base, doc="The tensor whose memory this one is a view of; None for its own.")


class View:
    """How a view comes from its base: the ops to replay on it, and the base's place on the tape at that time."""

    __slots__ = ("base", "steps", "base_edge", "made_by")

    def __init__(self, base: Variable, steps: tuple, made_by: str | None):
        self.base, self.steps, self.base_edge = base, steps, base._edge
        # None; or, where an in-place change of this view or of its base is an error, the reason
        self.made_by = made_by if mode.grad else "A view was created in no_grad mode"

    @staticmethod
    def of(source: Variable, op, rest: tuple, made_by: str | None = None) -> "View":
        """The View that `op(source, *rest)` is: of `source` itself, or of the base that `source` is a view of."""
        if source._view is None:
            return View(source, ((op, rest),), made_by)
        return View(source._view.base, (*source._view.steps, (op, rest)), made_by or source._view.made_by)

    def check_may_change(self, what: str) -> None:
        """Raise RuntimeError if a recorded in-place change of this view, or of its base, is one that PyTorch forbids."""
        expect(self.made_by is None, f"{self.made_by} and {what} modified inplace: use an out-of-place operation instead")

    def refresh(self, tensor: Variable) -> None:
        """Put `tensor` behind the base's present Node."""
        if self.base._edge is not None:
            self.check_may_change("its base or another view of its base has been")
        self.base_edge = self.base._edge
        tensor._move_behind(enable_grad(follow)(self.steps, self.base))


def follow(steps: tuple, base):
    """The same view, by the steps of a View, of another array or tensor of its base's shape."""
    for op, rest in steps:
        base = op(base, *rest)
    return base


def before_change(tensor: Variable) -> None:
    """Compute what a kernel left to be computed from `tensor`, which is about to be changed in place."""
    for waiting in (tensor._version or ())[1:]:  # beside the count of changes: references to such tensors, as long as they are there
        getattr(waiting(), "_array", None)


def is_array(value) -> bool:
    """Whether `value` is a NumPy or CuPy array."""
    return hasattr(value, "dtype") and hasattr(value, "ndim") and not isinstance(value, Variable)
