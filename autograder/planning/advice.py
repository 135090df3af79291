"""The fewest workers with which a course gets its feedback in time, over several simulated deadlines."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from autograder.errors import ConfigError
from autograder.planning.arrivals import LAST_HOUR, WINDOW_H, busiest, rush
from autograder.planning.simulation import Failures, Outcome, simulate, together
from autograder.report.receipt import SubmissionResult

__all__ = ["Advice", "Wish", "advise", "service_times"]

MAX_WORKERS = 1 << 20
SIMULATED = 100_000  # submissions altogether, over several deadlines: fewer of a large course
MIN_DEADLINES, MAX_DEADLINES = 2, 20


@dataclass(frozen=True)
class Wish:
    """What is promised, and under which assumptions.

    Args:
        within_s: from arrival to feedback. share: of the submissions for which it must hold.
        overhead_s: added to each measured time: to be sent, and written.
    """

    within_s: float = 300.0
    share: float = 0.99
    last_hour: float = LAST_HOUR
    window_h: float = WINDOW_H
    overhead_s: float = 0.1
    failures: Failures = field(default_factory=lambda: Failures(rate=0.005))


@dataclass(frozen=True)
class Advice:
    """For one size of a course. Latencies are in seconds, over all simulated deadlines.

    Args:
        peak: submissions in the busiest `within_s` seconds.
        busy: share of the last hour in which workers have work.
    """

    students: int
    workers: int
    peak: int
    median_s: float
    late_s: float
    busy: float
    deadlines: int

    def to_json(self) -> dict[str, float]:
        return {name: round(value, 4) for name, value in vars(self).items()}


def service_times(receipts: Iterable[SubmissionResult]) -> list[float]:
    """Seconds that each graded submission took: what the simulation draws from.

    Raises: ConfigError if there are too few.
    """
    times = [result.seconds.total for result in receipts if result.seconds.total > 0 and not result.kept]
    if len(times) < 5:
        raise ConfigError(
            f"a plan needs the times of at least 5 graded submissions, here are {len(times)}: "
            "grade some first, with as many jobs at once as a worker will have"
        )
    return times


def advise(students: int, measured: Sequence[float], wish: Wish, seed: int = 0) -> Advice:
    """The fewest workers with which the promise is kept, over all simulated deadlines together.

    Raises: ConfigError if no number of workers does: a single grading takes longer than is promised.
    """
    deadlines = max(MIN_DEADLINES, min(MAX_DEADLINES, SIMULATED // students))
    loads = [_load(students, measured, wish, _rng(seed, number)) for number in range(deadlines)]

    def with_workers(workers: int) -> Outcome:
        outcomes = (
            simulate(*load, workers, failures=wish.failures, rng=_rng(seed, "failures", number))
            for number, load in enumerate(loads)
        )
        return together(outcomes)

    def kept(workers: int) -> bool:
        return with_workers(workers).share_within(wish.within_s) >= wish.share

    high = 1
    while not kept(high):
        high *= 2
        if high > min(MAX_WORKERS, 4 * students):
            raise ConfigError(
                f"no number of workers keeps the promise: {wish.share:.0%} within {wish.within_s:g} s, where "
                f"gradings take up to {max(measured):.0f} s"
            )
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if kept(middle) else (middle, high)
    found = with_workers(high)
    return Advice(
        students=students,
        workers=high,
        peak=max(busiest(arrivals, wish.within_s) for arrivals, _ in loads),
        median_s=found.quantile(0.5),
        late_s=found.quantile(wish.share),
        busy=min(1.0, max(_last_hours_work(load, wish) for load in loads) / (3600 * high)),
        deadlines=deadlines,
    )


def _last_hours_work(load: tuple[list[float], list[float]], wish: Wish) -> float:
    """Seconds of work that come in the last hour."""
    begins = 3600 * (wish.window_h - 1)
    return sum(service for arrival, service in zip(*load, strict=True) if arrival > begins)


def _load(
    students: int, measured: Sequence[float], wish: Wish, rng: random.Random
) -> tuple[list[float], list[float]]:
    """Arrivals and service times of one deadline."""
    arrivals = rush(students, rng, window_h=wish.window_h, last_hour=wish.last_hour)
    return arrivals, [rng.choice(measured) + wish.overhead_s for _ in arrivals]


def _rng(*parts: object) -> random.Random:
    return random.Random(" ".join(map(str, parts)))  # noqa: S311  a simulation
