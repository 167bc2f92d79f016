"""The functions behind the layers, with PyTorch's arguments; the arithmetic stands in framework/ops."""

from ...ops.elementwise import sigmoid, tanh
from ...ops.linalg import linear
from .activation import elu, gelu, hardtanh, leaky_relu, log_softmax, logsigmoid, relu, relu6, silu, softmax, softplus
from .convolution import conv1d, conv2d, conv3d, conv_transpose1d, conv_transpose2d, conv_transpose3d
from .dropout import dropout, dropout1d, dropout2d, dropout3d
from .loss import (
    binary_cross_entropy, binary_cross_entropy_with_logits, cross_entropy, huber_loss, kl_div, l1_loss, mse_loss, nll_loss, smooth_l1_loss,
)  # fmt: skip
from .normalization import batch_norm, group_norm, instance_norm, layer_norm, local_response_norm, normalize, rms_norm
from .padding import pad
from .pooling import (
    adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d, adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d,
    avg_pool1d, avg_pool2d, avg_pool3d, fractional_max_pool2d, lp_pool1d, lp_pool2d, lp_pool3d, max_pool1d, max_pool2d, max_pool3d,
    max_unpool1d, max_unpool2d, max_unpool3d,
)  # fmt: skip
from .sparse import embedding, one_hot
from .vision import (
    channel_shuffle, fold, interpolate, pixel_shuffle, pixel_unshuffle, unfold, upsample_bilinear, upsample_nearest,
)  # fmt: skip

__all__ = [name for name, value in vars().items() if callable(value)]
