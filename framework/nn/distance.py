"""How near two vectors are."""

from . import functional as F
from .layer import Layer


class CosineSimilarity(Layer, of=F.cosine_similarity, shown=(), dim=1, eps=1e-8): ...


class PairwiseDistance(Layer, of=F.pairwise_distance, shown=(), p=2.0, eps=1e-6, keepdim=False): ...
