"""How near two vectors are."""

from . import functional as F
from .options import Layer


class CosineSimilarity(Layer, of=lambda *inputs, **options: F.cosine_similarity(*inputs, **options), shown=False, dim=1, eps=1e-8):
    """x1 . x2 / (||x1|| ||x2||) along `dim`."""


class PairwiseDistance(
    Layer, of=lambda *inputs, **options: F.pairwise_distance(*inputs, **options), shown=False, p=2.0, eps=1e-6, keepdim=False
):
    """||x1 - x2 + eps||_p along the last dimension."""
