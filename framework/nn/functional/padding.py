"""Padding."""

from ...ops.shape import constant_pad


def pad(input, pad, mode: str = "constant", value=None):
    """Add elements around the last dimensions: `pad` = (before last, after last, before second last, …)."""
    if mode != "constant":
        raise NotImplementedError(f"pad: mode '{mode}' is not supported yet")
    if len(pad) % 2 or len(pad) // 2 > input.ndim:
        raise RuntimeError(
            f"Padding length must be divisible by 2 and at most twice the number of dimensions of the input, got {tuple(pad)}"
        )
    untouched = [0] * (input.ndim - len(pad) // 2)
    return constant_pad(input, [*untouched, *pad[-2::-2]], [*untouched, *pad[-1::-2]], 0 if value is None else value)
