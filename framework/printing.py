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
    _options.update({name: value for name, value in given.items() if value is not None}, sci_mode=sci_mode)


def _style(values):
    """How elements like `values` are written, all alike: (a function from a number to its text, the width for it)."""
    write = str
    if values.dtype.kind in "fV":
        values = values.astype(np.float64)
        values = values[np.isfinite(values) & (values != 0)]  # the others fit in or stand out
        write = _float_style(np.abs(values))
    return write, max((len(write(each)) for each in values.ravel().tolist()), default=1)


def _float_style(sizes):
    low, high = (sizes.min(), sizes.max()) if sizes.size else (1.0, 1.0)
    whole = bool((sizes == np.ceil(sizes)).all())
    scientific = _options["sci_mode"]
    if scientific is None:
        scientific = high / low > 1000.0 or high > 1.0e8 or (low < 1.0e-4 and not whole)
    if whole and not scientific or not sizes.size:
        return lambda value: f"{value:.0f}" + "." * math.isfinite(value)
    return f"{{:.{_options['precision']}{'e' if scientific else 'f'}}}".format


def _body(array, write, width: int, indent: int, summarize: bool) -> str:
    """The elements in nested brackets: the numbers of a row side by side, everything else one below the other."""
    if not array.ndim:
        return write(array.item()).rjust(width)
    edge = _options["edgeitems"]
    cut = summarize and len(array) > 2 * edge
    shown = [*array[:edge], *array[-edge:]] if cut else array
    parts = [_body(each, write, width, indent + 1, summarize) for each in shown]
    if cut:
        parts.insert(edge, " ..." if array.ndim == 1 else "...")
    if array.ndim == 1:
        per_line = max(1, (_options["linewidth"] - indent) // (width + 2))
        parts = [", ".join(parts[i : i + per_line]) for i in range(0, len(parts), per_line)]
    return "[" + ("," + "\n" * max(array.ndim - 1, 1) + " " * (indent + 1)).join(parts) + "]"


def _shown(array):
    """The elements that will be printed: the edges of every dimension."""
    edge = _options["edgeitems"]
    for axis, length in enumerate(array.shape):
        if length > 2 * edge:
            array = array.take([*range(edge), *range(-edge, 0)], axis=axis)
    return array


def to_string(tensor) -> str:
    """`tensor([...], dtype=…, device=…, requires_grad=…)`."""
    array, dtype, notes = tensor.detach().cpu()._array, tensor.dtype, []
    if tensor.device.type != "cpu":
        notes.append(f"device='{tensor.device}'")
    if not array.size and array.ndim != 1:
        notes.append(f"size={tuple(array.shape)}")
    if dtype is not dtypes.get_default_dtype() and (not array.size or dtype not in (dtypes.int64, dtypes.bool)):
        notes.append(f"dtype={dtype}")
    if tensor.grad_fn is not None:
        notes.append(f"grad_fn={tensor.grad_fn!r}")
    elif tensor.requires_grad:
        notes.append("requires_grad=True")
    summarize = array.size > _options["threshold"]
    body = _body(array, *_style(_shown(array) if summarize else array), len("tensor("), summarize) if array.size else "[]"
    text = f"tensor({body}"
    last = len(text) - text.rfind("\n") + 1  # the length of the last line; two too many, as PyTorch counts
    for note in notes:  # on a new line where they would pass the edge
        length = len(note.replace("framework.", "torch."))  # lines break where PyTorch's do
        if last + length + 2 > _options["linewidth"]:
            text, last = text + ",\n" + " " * len("tensor(") + note, len("tensor(") + length
        else:
            text, last = f"{text}, {note}", last + length + 2
    return text + ")"
