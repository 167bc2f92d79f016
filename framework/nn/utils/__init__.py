"""Helpers for parameters and gradients."""

from ...ops.shape import cat
from . import rnn
from .clip import clip_grad_norm_, clip_grad_value_
from .reparametrization import remove_spectral_norm, remove_weight_norm, spectral_norm, weight_norm


def parameters_to_vector(parameters):
    """All parameters, flattened, in one vector."""
    return cat([each.reshape(-1) for each in parameters])


def vector_to_parameters(vec, parameters) -> None:
    """The opposite: pieces of `vec` become the data of the parameters."""
    start = 0
    for each in parameters:
        each.data = vec[start : start + each.numel()].view_as(each).data
        start += each.numel()
