"""When submissions come: as deadlines come nearer, more and more of them.

The rate is hyperbolic in the time that is left, 1 / (1 + k·left), which is how people were found to work
towards deadlines (König & Kleinmann, "Deadline rush: a time management phenomenon and its mathematical
description", Journal of Psychology 139, 2005). How steep it is differs between courses: `last_hour`, the
share that comes in the last hour, says it, and is an assumption until a course has measured its own.
"""

from __future__ import annotations

import math
import random

__all__ = ["LAST_HOUR", "WINDOW_H", "busiest", "rush", "steepness"]

WINDOW_H = 168.0
LAST_HOUR = 0.25


def rush(
    students: int, rng: random.Random, *, window_h: float = WINDOW_H, last_hour: float = LAST_HOUR
) -> list[float]:
    """Times of arrival in seconds, ascending; the deadline is at `window_h` hours."""
    k = steepness(window_h, last_hour)
    left_h = (((1 + k * window_h) ** rng.random() - 1) / k for _ in range(students))
    return sorted(3600 * (window_h - left) for left in left_h)


def steepness(window_h: float, last_hour: float) -> float:
    """k, per hour, at which the share `last_hour` of all comes in the last hour of `window_h`.

    Raises: ValueError for a share that a growing rate cannot have.
    """
    if not 1 / window_h < last_hour < 0.95:
        raise ValueError(
            f"the share of the last of {window_h:g} hours is between {1 / window_h:.3f} (no rush at all) and "
            f"0.95. Received: {last_hour}"
        )
    low, high = 1e-9, 1e12
    for _ in range(200):
        middle = math.sqrt(low * high)
        if math.log1p(middle) / math.log1p(middle * window_h) < last_hour:
            low = middle
        else:
            high = middle
    return middle


def busiest(arrivals: list[float], seconds: float) -> int:
    """How many come within the busiest stretch of so many seconds."""
    most = first = 0
    for last, arrival in enumerate(arrivals):
        while arrivals[first] < arrival - seconds:
            first += 1
        most = max(most, last - first + 1)
    return most
