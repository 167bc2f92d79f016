"""Normalising layers."""

from ..creation import empty
from ..dtypes import int64
from ..ops.promotion import expect
from . import functional as F
from . import init
from .layer import REQUIRED, Layer, Weighted


class _Norm(Weighted):
    """A scale of ones and a shift of zeros, as far as wanted."""

    def reset_parameters(self) -> None:
        """Scale 1, shift 0."""
        for parameter, value in ((self.weight, 1), (self.bias, 0)):
            if parameter is not None:
                init.constant_(parameter, value)


class _ChannelNorm(_Norm):
    """A scale and a shift for every channel, and the mean and variance gathered in training."""

    def __init_subclass__(cls, ndims=()) -> None:
        cls.ndims, cls.__doc__ = ndims, cls.__doc__ or cls.__base__.__doc__  # ndims: the numbers of dimensions the input may have

    def __init__(self, num_features, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True, device=None, dtype=None,
                 *, bias=True):  # fmt: skip
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        gathered = ("running_mean", num_features, dtype), ("running_var", num_features, dtype), ("num_batches_tracked", (), int64)
        for name, shape, type in gathered:
            self.register_buffer(name, empty(shape, device=device, dtype=type) if track_running_stats else None)
        self._make(None, device, dtype, weight=affine and (num_features,), bias=affine and bias and (num_features,))

    def reset_running_stats(self) -> None:
        """Forget the gathered mean and variance."""
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Scale 1, shift 0, nothing gathered."""
        self.reset_running_stats()
        super().reset_parameters()

    def _check_dimensions(self, input) -> None:
        if input.ndim not in self.ndims:
            raise ValueError(f"expected {' or '.join(f'{each}D' for each in self.ndims)} input (got {input.ndim}D input)")

    def extra_repr(self) -> str:
        return (f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, bias={self.bias is not None}, "
                f"track_running_stats={self.track_running_stats}")  # fmt: skip


class _BatchNorm(_ChannelNorm):
    """Normalise every channel over the batch, then scale and shift it (Ioffe and Szegedy, 2015)."""

    def forward(self, input):
        self._check_dimensions(input)
        gather, momentum = self.training and self.track_running_stats, self.momentum
        if gather:
            self.num_batches_tracked.add_(1)
            if momentum is None:  # a plain average of all batches
                momentum = 1 / int(self.num_batches_tracked)
        use_batch = self.training or self.running_mean is None
        mean, var = (None, None) if use_batch and not gather else (self.running_mean, self.running_var)
        return F.batch_norm(input, mean, var, self.weight, self.bias, use_batch, momentum, self.eps)


class BatchNorm1d(_BatchNorm, ndims=(2, 3)): ...  # (N, C) or (N, C, L)
class BatchNorm2d(_BatchNorm, ndims=(4,)): ...  # (N, C, H, W)
class BatchNorm3d(_BatchNorm, ndims=(5,)): ...  # (N, C, D, H, W)


class _InstanceNorm(_ChannelNorm):
    """Normalise every channel of every sample, then scale and shift it if `affine` (Ulyanov et al., 2016)."""

    def __init__(self, num_features, eps=1e-5, momentum=0.1, affine=False, track_running_stats=False, device=None, dtype=None,
                 *, bias=True):  # fmt: skip
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def forward(self, input):
        self._check_dimensions(input)
        alone = input.ndim == self.ndims[0]
        batch = input.unsqueeze(0) if alone else input
        if self.affine and batch.shape[1] != self.num_features:
            raise ValueError(f"expected the number of channels to match num_features ({self.num_features}), but got: {batch.shape[1]}.")
        use_input, momentum = self.training or not self.track_running_stats, self.momentum or 0.0
        out = F.instance_norm(batch, self.running_mean, self.running_var, self.weight, self.bias, use_input, momentum, self.eps)
        return out.squeeze(0) if alone else out


class InstanceNorm1d(_InstanceNorm, ndims=(2, 3)): ...  # (C, L) or (N, C, L)
class InstanceNorm2d(_InstanceNorm, ndims=(3, 4)): ...  # (C, H, W) or (N, C, H, W)
class InstanceNorm3d(_InstanceNorm, ndims=(4, 5)): ...  # (C, D, H, W) or (N, C, D, H, W)


class GroupNorm(_Norm):
    """Normalise groups of channels of each sample, then scale and shift every channel (Wu and He, 2018)."""

    def __init__(self, num_groups, num_channels, eps=1e-5, affine=True, device=None, dtype=None, *, bias=True):
        super().__init__()
        expect(num_channels % num_groups == 0, f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})", ValueError)
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine
        self._make(None, device, dtype, weight=affine and (num_channels,), bias=affine and bias and (num_channels,))

    def forward(self, input):
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, bias={self.bias is not None}"


class LayerNorm(_Norm):
    """Normalise each sample over its last dimensions, then scale and shift (Ba et al., 2016)."""

    def __init__(self, normalized_shape, eps=1e-5, elementwise_affine=True, bias=True, device=None, dtype=None):
        shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        super().__init__()
        self.normalized_shape, self.eps, self.elementwise_affine = shape, eps, elementwise_affine
        self._make(None, device, dtype, weight=elementwise_affine and shape, bias=elementwise_affine and bias and shape)

    def forward(self, input):
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"


class RMSNorm(_Norm):
    """Divide each sample by its root mean square over its last dimensions, then scale (Zhang and Sennrich, 2019)."""

    def __init__(self, normalized_shape, eps=None, elementwise_affine=True, device=None, dtype=None):
        shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        super().__init__()
        self.normalized_shape, self.eps, self.elementwise_affine = shape, eps, elementwise_affine
        self._make(None, device, dtype, weight=elementwise_affine and shape, bias=None)

    def forward(self, input):
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class LocalResponseNorm(Layer, of=F.local_response_norm, size=REQUIRED, alpha=1e-4, beta=0.75, k=1.0):
    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
