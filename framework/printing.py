"""Tensors as text, digit for digit as PyTorch prints them."""

import math

import numpy as np

from . import dtypes

_options = {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80, "sci_mode": None}
_PROFILES = {"default": (4, 1000, 3), "short": (2, 1000, 2), "full": (4, math.inf, 3)}


def set_printoptions(precision=None, threshold=None, edgeitems=None, linewidth=None, profile=None, sci_mode=None) -> None:
    """How tensors print: digits, the size above which they are summarised, items kept at each edge, line width, scientific or not."""
    if profile is not None:
        _options.update(zip(("precision", "threshold", "edgeitems"), _PROFILES[profile], strict=True), linewidth=80)
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    _options.update({name: value for name, value in given.items() if value is not None})
    _options["sci_mode"] = sci_mode


class _Format:
    """How the elements of one tensor are written: all in the same width."""

    def __init__(self, array):
        self.kind = array.dtype.kind if array.dtype.kind != "V" else "f"
        self.integral = self.scientific = False
        self.width = 1
        if self.kind == "b":
            self.width = max((len(str(bool(each))) for each in array.ravel()), default=1)
        elif self.kind in "iu":
            self.width = max((len(str(int(each))) for each in array.ravel()), default=1)
        else:
            self._choose_float_format(array.astype(np.float64).ravel())

    def _choose_float_format(self, values) -> None:
        values = values[np.isfinite(values) & (values != 0)]  # the others fit in or stand out
        finite = np.abs(values)
        if not finite.size:
            self.integral = True  # nothing but zeros: "0."
            return
        low, high = finite.min(), finite.max()
        self.integral = bool((finite == np.ceil(finite)).all())
        wide = high / low > 1000.0 or high > 1.0e8
        self.scientific = bool(wide if self.integral else wide or low < 1.0e-4)
        if _options["sci_mode"] is not None:
            self.scientific = _options["sci_mode"]
        self.width = max(len(self(each)) for each in values)

    def __call__(self, value) -> str:
        if self.kind == "b":
            text = str(bool(value))
        elif self.kind in "iu":
            text = str(int(value))
        elif self.scientific:
            text = f"{value:.{_options['precision']}e}"
        elif self.integral:
            text = f"{value:.0f}" + ("." if math.isfinite(value) else "")
        else:
            text = f"{value:.{_options['precision']}f}"
        return text.rjust(self.width)


def _row(array, form, indent: int, summarize: bool) -> str:
    per_line = max(1, (_options["linewidth"] - indent) // (form.width + 2))
    edge = _options["edgeitems"]
    if summarize and array.size > 2 * edge:
        texts = [*map(form, array[:edge]), " ...", *map(form, array[-edge:])]
    else:
        texts = [form(each) for each in array]
    lines = [", ".join(texts[i : i + per_line]) for i in range(0, len(texts), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def _body(array, form, indent: int, summarize: bool) -> str:
    if not array.ndim:
        return form(array.item())
    if array.ndim == 1:
        return _row(array, form, indent, summarize)
    edge = _options["edgeitems"]
    if summarize and len(array) > 2 * edge:
        parts = [_body(each, form, indent + 1, True) for each in (*array[:edge], *array[-edge:])]
        parts.insert(edge, "...")
    else:
        parts = [_body(each, form, indent + 1, summarize) for each in array]
    return "[" + ("," + "\n" * (array.ndim - 1) + " " * (indent + 1)).join(parts) + "]"


def _shown(array):
    """The elements that will be printed: the edges of every dimension."""
    edge = _options["edgeitems"]
    for axis in range(array.ndim):
        if array.shape[axis] > 2 * edge:
            array = array.take([*range(edge), *range(-edge, 0)], axis=axis)
    return array


def to_string(tensor, prefix: str = "tensor(") -> str:
    """`tensor([...], dtype=…, device=…, requires_grad=…)`."""
    array = tensor.detach().cpu()._array
    dtype = tensor.dtype
    notes = []
    if array.size == 0:
        body = "[]"
        if array.ndim != 1:
            notes.append(f"size={tuple(array.shape)}")
        if dtype is not dtypes.get_default_dtype():
            notes.append(f"dtype={dtype}")
    else:
        if dtype not in (dtypes.get_default_dtype(), dtypes.int64, dtypes.bool):
            notes.append(f"dtype={dtype}")
        summarize = array.size > _options["threshold"]
        body = _body(array, _Format(_shown(array) if summarize else array), len(prefix), summarize)
    if tensor.device.type != "cpu":
        notes.insert(0, f"device='{tensor.device}'")
    if tensor.grad_fn is not None:
        notes.append(f"grad_fn={tensor.grad_fn!r}")
    elif tensor.requires_grad:
        notes.append("requires_grad=True")
    return _join(prefix + body, notes)


def _join(text: str, notes: list[str]) -> str:
    """The notes after the body, on a new line where they would pass the edge."""
    last = len(text) - text.rfind("\n") + 1  # two too many, as PyTorch counts
    for note in notes:
        length = len(note.replace("framework.", "torch."))  # lines break where PyTorch's do
        if last + length + 2 > _options["linewidth"]:
            text, last = text + ",\n" + " " * len("tensor(") + note, len("tensor(") + length
        else:
            text, last = f"{text}, {note}", last + length + 2
    return text + ")"
