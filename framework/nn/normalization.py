"""Normalising layers."""

from ..creation import ones, tensor, zeros
from ..dtypes import int64
from . import functional as F
from . import init
from .layer import REQUIRED, Layer
from .module import Module
from .parameter import Parameter


def _register_affine(module, shape, weight, bias, device, dtype) -> None:
    """A scale of ones and a shift of zeros, as far as wanted."""
    module.register_parameter("weight", Parameter(ones(shape, device=device, dtype=dtype)) if weight else None)
    module.register_parameter("bias", Parameter(zeros(shape, device=device, dtype=dtype)) if bias else None)


def _reset_affine(module) -> None:
    """Scale 1, shift 0."""
    for parameter, reset in ((module.weight, init.ones_), (module.bias, init.zeros_)):
        if parameter is not None:
            reset(parameter)


class _ChannelNorm(Module):
    """A scale and a shift for every channel, and the mean and variance gathered in training."""

    def __init_subclass__(cls, ndims=()) -> None:
        cls.ndims = ndims  # the numbers of dimensions the input may have

    def __init__(self, num_features, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True, device=None, dtype=None,
                 *, bias=True):  # fmt: skip
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        _register_affine(self, (num_features,), affine, affine and bias, device, dtype)
        options = {"device": device, "dtype": dtype}
        self.register_buffer("running_mean", zeros(num_features, **options) if track_running_stats else None)
        self.register_buffer("running_var", ones(num_features, **options) if track_running_stats else None)
        self.register_buffer("num_batches_tracked", tensor(0, dtype=int64, device=device) if track_running_stats else None)

    def reset_running_stats(self) -> None:
        """Forget the gathered mean and variance."""
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Scale 1, shift 0, nothing gathered."""
        self.reset_running_stats()
        _reset_affine(self)

    def _check_dimensions(self, input) -> None:
        if input.ndim not in self.ndims:
            raise ValueError(f"expected {' or '.join(f'{each}D' for each in self.ndims)} input (got {input.ndim}D input)")

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, bias={self.bias is not None}, "
            f"track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(_ChannelNorm):
    """Normalise every channel over the batch, then scale and shift it (Ioffe and Szegedy, 2015)."""

    def forward(self, input):
        self._check_dimensions(input)
        momentum = self.momentum
        if self.training and self.track_running_stats:
            self.num_batches_tracked.add_(1)
            if momentum is None:  # a plain average of all batches
                momentum = 1 / int(self.num_batches_tracked)
        use_batch = self.training or self.running_mean is None
        gather = self.training and self.track_running_stats
        return F.batch_norm(
            input,
            self.running_mean if gather or not use_batch else None,
            self.running_var if gather or not use_batch else None,
            self.weight,
            self.bias,
            use_batch,
            0.0 if momentum is None else momentum,
            self.eps,
        )


class BatchNorm1d(_BatchNorm, ndims=(2, 3)):
    """Of (N, C) or (N, C, L)."""


class BatchNorm2d(_BatchNorm, ndims=(4,)):
    """Of (N, C, H, W)."""


class BatchNorm3d(_BatchNorm, ndims=(5,)):
    """Of (N, C, D, H, W)."""


class _InstanceNorm(_ChannelNorm):
    """Normalise every channel of every sample, then scale and shift it if `affine` (Ulyanov et al., 2016)."""

    def __init__(self, num_features, eps=1e-5, momentum=0.1, affine=False, track_running_stats=False, device=None, dtype=None,
                 *, bias=True):  # fmt: skip
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def forward(self, input):
        self._check_dimensions(input)
        alone = input.ndim == self.ndims[0]
        if self.affine and input.shape[1 - alone] != self.num_features:
            raise ValueError(f"expected input's size at dim={1 - alone} to match num_features ({self.num_features}), "
                             f"but got: {input.shape[1 - alone]}.")  # fmt: skip
        use_input = self.training or not self.track_running_stats
        momentum = 0.0 if self.momentum is None else self.momentum
        out = F.instance_norm(input.unsqueeze(0) if alone else input, self.running_mean, self.running_var, self.weight, self.bias,
                              use_input, momentum, self.eps)  # fmt: skip
        return out.squeeze(0) if alone else out


class InstanceNorm1d(_InstanceNorm, ndims=(2, 3)):
    """Of (C, L) or (N, C, L)."""


class InstanceNorm2d(_InstanceNorm, ndims=(3, 4)):
    """Of (C, H, W) or (N, C, H, W)."""


class InstanceNorm3d(_InstanceNorm, ndims=(4, 5)):
    """Of (C, D, H, W) or (N, C, D, H, W)."""


class GroupNorm(Module):
    """Normalise groups of channels of each sample, then scale and shift every channel (Wu and He, 2018)."""

    def __init__(self, num_groups, num_channels, eps=1e-5, affine=True, device=None, dtype=None, *, bias=True):
        super().__init__()
        if num_channels % num_groups:
            raise ValueError(f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})")
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine
        _register_affine(self, (num_channels,), affine, affine and bias, device, dtype)

    reset_parameters = _reset_affine

    def forward(self, input):
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, bias={self.bias is not None}"


class LayerNorm(Module):
    """Normalise each sample over its last dimensions, then scale and shift (Ba et al., 2016)."""

    def __init__(self, normalized_shape, eps=1e-5, elementwise_affine=True, bias=True, device=None, dtype=None):
        super().__init__()
        self.normalized_shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        _register_affine(self, self.normalized_shape, elementwise_affine, elementwise_affine and bias, device, dtype)

    reset_parameters = _reset_affine

    def forward(self, input):
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"


class RMSNorm(Module):
    """Divide each sample by its root mean square over its last dimensions, then scale (Zhang and Sennrich, 2019)."""

    def __init__(self, normalized_shape, eps=None, elementwise_affine=True, device=None, dtype=None):
        super().__init__()
        self.normalized_shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        _register_affine(self, self.normalized_shape, elementwise_affine, False, device, dtype)

    reset_parameters = _reset_affine

    def forward(self, input):
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class LocalResponseNorm(Layer, of=F.local_response_norm, size=REQUIRED, alpha=1e-4, beta=0.75, k=1.0):
    """Divide each element by a power of the mean square over `size` neighbouring channels (Krizhevsky et al., 2012)."""

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
