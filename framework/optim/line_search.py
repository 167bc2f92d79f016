"""How far to go in a direction: a step that satisfies the strong Wolfe conditions."""

from typing import NamedTuple

from ..autograd.variable import Variable


class Point(NamedTuple):
    """The function along the direction, at x + t d."""

    t: float
    loss: float
    grad: Variable
    slope: Variable  # d loss / d t = grad · d


def cubic_minimum(a: Point, b: Point, low, high):
    """Where the cubic through the losses and slopes of two points is least, kept within [low, high]; the middle if it has no minimum."""
    left, right = (a, b) if a.t <= b.t else (b, a)
    mean = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    discriminant = mean * mean - a.slope * b.slope
    if not discriminant >= 0:
        return (low + high) / 2
    root = discriminant.sqrt()
    t = right.t - (right.t - left.t) * ((right.slope + root - mean) / (right.slope - left.slope + 2 * root))
    return min(max(t, low), high)


def strong_wolfe(evaluate, start: Point, t, length, tolerance: float, most: int, c1: float = 1e-4, c2: float = 0.9) -> tuple[Point, int]:
    """(a point, how often `evaluate` was called) with loss <= loss_0 + c1 t slope_0 and |slope| <= c2 |slope_0|, if `most` tries suffice.

    `evaluate(t)` gives the Point at t; `length` is the direction's largest entry: a bracket below `tolerance` in it is not cut further.
    Nocedal and Wright, 2006, Numerical Optimization, algorithms 3.5 and 3.6.
    """

    def too_high(point: Point) -> bool:
        return point.loss > start.loss + c1 * point.t * start.slope

    def flat(point: Point) -> bool:
        return abs(point.slope) <= -c2 * start.slope

    # Go on until two points hold such a step between them
    before, point, tries, bracket = start, evaluate(t), 0, None
    while tries < most:
        rising = too_high(point) or (tries > 1 and point.loss >= before.loss)
        if flat(point) and not rising:
            return point, tries + 1
        if rising or point.slope >= 0:
            bracket = [before, point]
            break
        t = cubic_minimum(before, point, point.t + 0.01 * (point.t - before.t), point.t * 10)
        before, point, tries = point, evaluate(t), tries + 1
    bracket = sorted(bracket or [start, point], key=lambda each: each.loss)  # the lower one first

    # Cut the bracket down
    stuck = False
    while tries < most:
        low, high = sorted(each.t for each in bracket)
        if (high - low) * length < tolerance:
            break
        t = cubic_minimum(*bracket, low, high)
        margin = 0.1 * (high - low)
        near_an_end = min(high - t, t - low) < margin
        if near_an_end and (stuck or t >= high or t <= low):  # the second time: step inside
            t, near_an_end = (high - margin if abs(t - high) < abs(t - low) else low + margin), False
        stuck = near_an_end
        point, tries = evaluate(t), tries + 1
        best, other = bracket
        if too_high(point) or point.loss >= best.loss:
            bracket = sorted([best, point], key=lambda each: each.loss)
        elif flat(point):
            return point, tries + 1
        else:
            bracket = [point, best if point.slope * (other.t - best.t) >= 0 else other]
    return bracket[0], tries + 1
