"""Many distributions seen as one."""

from .distribution import Distribution, kl_divergence


def _the_bases(name):
    return property(lambda self: getattr(self.base_dist, name), doc=f"`{name}` of the distribution underneath.")


class Independent(Distribution):
    """The last `reinterpreted_batch_ndims` dimensions of a distribution's batch as part of its events, independent of each other."""

    def __init__(self, base_distribution, reinterpreted_batch_ndims, validate_args=None):
        batch, count = base_distribution.batch_shape, reinterpreted_batch_ndims
        if count > len(batch):
            raise ValueError(f"Expected reinterpreted_batch_ndims <= len(base_distribution.batch_shape), actual {count} vs {len(batch)}")
        self.base_dist, self.reinterpreted_batch_ndims = base_distribution, count
        kept = len(batch) - count
        super().__init__(batch[:kept], batch[kept:] + base_distribution.event_shape, validate_args)

    support, has_rsample, mean, mode = map(_the_bases, ("support", "has_rsample", "mean", "mode"))
    variance, sample, rsample = map(_the_bases, ("variance", "sample", "rsample"))

    def total(self, values):
        """Summed over the dimensions that belong to an event."""
        return values.sum(tuple(range(-self.reinterpreted_batch_ndims, 0))) if self.reinterpreted_batch_ndims else values

    def log_prob(self, value):
        """The sum of the logarithms: the parts are independent."""
        return self.total(self.base_dist.log_prob(value))

    def entropy(self):
        """The sum of the entropies."""
        return self.total(self.base_dist.entropy())

    def divergence(self, q):
        """The sum of the divergences."""
        if self.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
            raise NotImplementedError("KL(p || q) of Independent distributions that reinterpret different numbers of dimensions")
        return self.total(kl_divergence(self.base_dist, q.base_dist))

    def __repr__(self) -> str:
        return f"Independent({self.base_dist}, {self.reinterpreted_batch_ndims})"
