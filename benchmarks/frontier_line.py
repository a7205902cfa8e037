"""The line that joins the best of a set of points of speed and accuracy."""

import math
from typing import List, Sequence, Tuple

Point = Tuple[float, float]
"""Words per second, and the score."""


def best_points(points: Sequence[Point]) -> List[Point]:
    """The points that none of the others beats in both, from the slowest to the fastest."""
    found: List[Point] = []
    for speed, accuracy in sorted(points, key=lambda point: (-point[0], -point[1])):
        if not found or accuracy > found[-1][1]:
            found.append((speed, accuracy))
    return found[::-1]


def is_below(point: Point, others: Sequence[Point]) -> bool:
    """Whether a point is below the line that joins the best of the others.

    The line is straight between neighbors over the logarithm of the speed. It goes on level to slower
    speeds; no point that is faster than all others is below it.
    """
    line = best_points(others)
    if not line or point[0] > line[-1][0]:
        return False
    if point[0] <= line[0][0]:
        return point[1] < line[0][1]
    for (slow, high), (fast, low) in zip(line, line[1:]):
        if slow <= point[0] <= fast:
            share = math.log(point[0] / slow) / math.log(fast / slow)
            return point[1] < high + share * (low - high)
    return False
