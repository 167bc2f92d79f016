"""Pooling."""

from ...ops import pool as ops
from ...ops.promotion import refuse
from .arguments import batched, tuple_of


def _max_pooling(dims):
    def max_pool(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
        refuse("biu" if dims == 1 else "b", f"max_pool{dims}d", input)  # PyTorch's choice
        input, alone = batched(f"max_pool{dims}d", input, dims)
        kernel = tuple_of(kernel_size, dims)
        padding = tuple_of(padding, dims)
        _check_pool_padding(kernel, padding)
        arguments = (kernel, tuple_of(stride or kernel, dims), padding, tuple_of(dilation, dims), ceil_mode)
        if return_indices:
            out, indices = ops.max_pool_with_indices(input, *arguments)
            return (out.squeeze(0), indices.squeeze(0)) if alone else (out, indices)
        out = ops.max_pool(input, *arguments)
        return out.squeeze(0) if alone else out

    max_pool.__name__ = f"max_pool{dims}d"
    max_pool.__doc__ = (
        f"The largest element of each window over {dims} spatial dimension{'s' * (dims > 1)}; with `return_indices` also where it was."
    )
    return max_pool


def _check_pool_padding(kernel, padding) -> None:
    for k, p in zip(kernel, padding, strict=True):
        if not 0 <= p <= k // 2:
            raise RuntimeError(f"pad should be at most half of effective kernel size, but got pad={p}, kernel_size={k} and dilation=1")


def _avg_pooling(dims):
    def avg_pool(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None):
        refuse("biu", f"avg_pool{dims}d", input)
        input, alone = batched(f"avg_pool{dims}d", input, dims)
        kernel = tuple_of(kernel_size, dims)
        padding = tuple_of(padding, dims)
        _check_pool_padding(kernel, padding)
        out = ops.avg_pool(input, kernel, tuple_of(stride or kernel, dims), padding, ceil_mode, count_include_pad, divisor_override)
        return out.squeeze(0) if alone else out

    avg_pool.__name__ = f"avg_pool{dims}d"
    avg_pool.__doc__ = f"The mean of each window over {dims} spatial dimension{'s' * (dims > 1)}."
    return avg_pool


def _adaptive_pooling(kind, dims):
    function = getattr(ops, f"adaptive_{kind}_pool")

    def adaptive(input, output_size):
        refuse("biu", f"adaptive_{kind}_pool{dims}d", input)
        input, alone = batched(f"adaptive_{kind}_pool{dims}d", input, dims)
        wanted = tuple(n if o is None else o for o, n in zip(tuple_of(output_size, dims), input.shape[2:], strict=True))
        out = function(input, wanted)
        return out.squeeze(0) if alone else out

    adaptive.__name__ = f"adaptive_{kind}_pool{dims}d"
    adaptive.__doc__ = (
        f"{kind.capitalize()} pooling with windows chosen so that the output has `output_size`, {dims} spatial dimension{'s' * (dims > 1)}."
    )
    return adaptive


max_pool1d, max_pool2d, max_pool3d = _max_pooling(1), _max_pooling(2), _max_pooling(3)
avg_pool1d, avg_pool2d, avg_pool3d = _avg_pooling(1), _avg_pooling(2), _avg_pooling(3)
adaptive_avg_pool1d, adaptive_avg_pool2d = _adaptive_pooling("avg", 1), _adaptive_pooling("avg", 2)
adaptive_max_pool1d, adaptive_max_pool2d = _adaptive_pooling("max", 1), _adaptive_pooling("max", 2)
