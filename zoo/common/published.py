"""Figures from the literature, to stand beside ours."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Published:
    """A figure from the literature: a metric of results.json, its value on a data set, and where it stands.

    ``flags`` are those of our runs it may be compared with, such as {"upscale": 3}; by default all on that data set.
    """

    metric: str
    value: float
    data: str
    source: str
    flags: dict[str, Any] = field(default_factory=dict)

    def about(self, run: dict[str, Any]) -> bool:
        """Whether the run is one that this figure stands beside."""
        return self.data == run["data"]["name"] and self.flags.items() <= run["flags"].items()
