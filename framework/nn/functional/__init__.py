"""The functions behind the layers, with PyTorch's arguments; the arithmetic stands in framework/ops."""

from ...ops.distance import cosine_similarity, pairwise_distance, pdist
from ...ops.elementwise import sigmoid, tanh
from ...ops.linalg import linear
from .activation import elu, gelu, hardtanh, leaky_relu, log_softmax, logsigmoid, relu, relu6, silu, softmax, softplus
from .attention import multi_head_attention_forward, scaled_dot_product_attention
from .convolution import conv1d, conv2d, conv3d
from .dropout import dropout, dropout1d, dropout2d, dropout3d
from .loss import (
    binary_cross_entropy, binary_cross_entropy_with_logits, cross_entropy, huber_loss, kl_div, l1_loss, mse_loss, nll_loss, smooth_l1_loss,
)  # fmt: skip
from .normalization import batch_norm, layer_norm, normalize
from .padding import pad
from .pooling import (
    adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_max_pool1d, adaptive_max_pool2d, avg_pool1d, avg_pool2d, avg_pool3d, max_pool1d,
    max_pool2d, max_pool3d,
)  # fmt: skip
from .sparse import embedding, one_hot

__all__ = [name for name, value in vars().items() if callable(value)]
