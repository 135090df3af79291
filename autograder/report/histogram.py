"""The distribution of marks as bars, in the coordinates of an SVG drawing."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Bar", "Histogram", "Tick", "histogram"]

WIDTH, HEIGHT = 640, 230
LEFT, RIGHT, TOP, BASE = 12, 628, 42, 200
MAX_BARS = 14


@dataclass(frozen=True)
class Bar:
    """Students with at least `low` and less than `high` points; the last bar has the maximum too."""

    low: float
    high: float
    count: int
    x: float
    y: float
    width: float
    height: float

    @property
    def center(self) -> float:
        return round(self.x + self.width / 2, 1)


@dataclass(frozen=True)
class Tick:
    value: float
    x: float


@dataclass(frozen=True)
class Histogram:
    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    median: float
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = RIGHT
    base: int = BASE

    @property
    def median_anchor(self) -> str:
        return "start" if self.median < 60 else "end" if self.median > WIDTH - 60 else "middle"


def histogram(scores: Sequence[float], max_score: float, median: float) -> Histogram:
    """Bars from 0 to `max_score`, of a round width, at most 14."""
    step = _round_step(max(max_score, *scores, 1.0))
    count = max(1, math.ceil(max(max_score, *scores, 1.0) / step - 1e-9))
    counts = [0] * count
    for score in scores:
        counts[min(int(score / step + 1e-9), count - 1)] += 1
    slot = (RIGHT - LEFT) / count
    bars = []
    for index, students in enumerate(counts):
        height = (BASE - TOP) * students / max(counts)
        x = LEFT + index * slot + 2
        bars.append(
            Bar(index * step, (index + 1) * step, students, *_rounded(x, BASE - height, slot - 4, height))
        )
    every = math.ceil(count / 8)
    ticks = [Tick(index * step, round(LEFT + index * slot, 1)) for index in range(0, count + 1, every)]
    return Histogram(tuple(bars), tuple(ticks), round(LEFT + (RIGHT - LEFT) * median / (count * step), 1))


def _round_step(maximum: float) -> float:
    """1, 2, 5, 10, 20, 50, …: the smallest that makes at most 14 bars; halves for tiny assignments."""
    scale = 10.0 ** math.floor(math.log10(maximum / MAX_BARS))
    return next(scale * unit for unit in (1, 2, 5, 10) if maximum / (scale * unit) <= MAX_BARS)


def _rounded(*values: float) -> tuple[float, ...]:
    return tuple(round(value, 1) for value in values)
