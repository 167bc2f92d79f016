"""The functions behind the layers, with PyTorch's arguments; the arithmetic stands in framework/ops."""

from ...ops.activation import gelu, glu, hardshrink, log_softmax, logsigmoid, prelu, softmax, softmin, softplus, softsign, tanhshrink
from ...ops.distance import cosine_similarity, pairwise_distance, pdist
from ...ops.elementwise import sigmoid, tanh
from ...ops.linalg import linear
from .activation import celu, elu, hardsigmoid, hardswish, hardtanh, leaky_relu, mish, relu, relu6, rrelu, selu, silu, softshrink, threshold
from .attention import multi_head_attention_forward, scaled_dot_product_attention
from .convolution import conv1d, conv2d, conv3d, conv_transpose1d, conv_transpose2d, conv_transpose3d
from .dropout import alpha_dropout, dropout, dropout1d, dropout2d, dropout3d
from .loss import (
    binary_cross_entropy, binary_cross_entropy_with_logits, cosine_embedding_loss, cross_entropy, ctc_loss, gaussian_nll_loss,
    hinge_embedding_loss, huber_loss, kl_div, l1_loss, margin_ranking_loss, mse_loss, multi_margin_loss, multilabel_margin_loss,
    multilabel_soft_margin_loss, nll_loss, poisson_nll_loss, smooth_l1_loss, soft_margin_loss, triplet_margin_loss,
    triplet_margin_with_distance_loss,
)  # fmt: skip
from .normalization import batch_norm, group_norm, instance_norm, layer_norm, local_response_norm, normalize, rms_norm
from .pooling import (
    adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d, adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d,
    avg_pool1d, avg_pool2d, avg_pool3d, fractional_max_pool2d, lp_pool1d, lp_pool2d, lp_pool3d, max_pool1d, max_pool2d, max_pool3d,
    max_unpool1d, max_unpool2d, max_unpool3d,
)  # fmt: skip
from .sparse import bilinear, embedding, embedding_bag, one_hot
from .vision import channel_shuffle, fold, interpolate, pad, pixel_shuffle, pixel_unshuffle, unfold, upsample_bilinear, upsample_nearest

__all__ = [name for name, value in vars().items() if callable(value)]
