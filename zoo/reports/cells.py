"""What stands in the cells of a table: text, or numbers, which are sorted as such."""

import math
from typing import NamedTuple

MISSING = "–"


class Number(NamedTuple):
    """A number as it is written, and as it is sorted; None is missing."""

    written: str
    value: float | None


Cell = str | Number


def number(value: float | None, pattern: str) -> Number:
    """A number in a format such as "{:.1%}"."""
    if value is None:
        return Number(MISSING, None)
    return Number("NaN" if math.isnan(value) else pattern.format(value).replace("%", " %"), value)
