"""NumPy's errors in PyTorch's words."""


def pytorch_error(error: ValueError, op, arrays):
    """The error PyTorch raises where NumPy raises `error`."""
    if isinstance(error, IndexError):  # NumPy's AxisError is both
        ndim = max((each.ndim for each in arrays if hasattr(each, "ndim")), default=0) or 1
        return IndexError(f"Dimension out of range (expected to be in range of [{-ndim}, {ndim - 1}]): {op.__name__}: {error}")
    shapes = [each.shape for each in arrays if hasattr(each, "shape")]
    if "broadcast" in str(error) and len(shapes) == 2:
        a, b = (shape[::-1] for shape in shapes)
        for i, (m, n) in enumerate(zip(a, b, strict=False)):
            if m != n and 1 not in (m, n):
                dim = max(len(a), len(b)) - 1 - i
                return RuntimeError(f"The size of tensor a ({m}) must match the size of tensor b ({n}) at non-singleton dimension {dim}")
    return RuntimeError(f"{op.__name__}: {error}")
