"""A queue of submissions before workers, first come, first served; workers can die and then start again.

Events are kept in two heaps: who is ready to be graded, and when each worker is free. Taking the first of
both gives the next start, since nothing that happens afterwards can be ready earlier.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["Failures", "Outcome", "simulate", "together"]


@dataclass(frozen=True)
class Failures:
    """Args:
    rate: the share of gradings during which the worker dies, at a moment that is equally likely everywhere.
    noticed_s: until the work is given to another. restart_s: until the worker is back.
    """

    rate: float = 0.0
    noticed_s: float = 5.0
    restart_s: float = 60.0


@dataclass(frozen=True)
class Outcome:
    """Args:
    latencies: seconds from arrival to feedback, by submission.
    busy_s: of all workers together. repeats: gradings that were lost with their worker.
    end: of the last grading.
    """

    latencies: list[float]
    busy_s: float
    repeats: int
    end: float

    def share_within(self, seconds: float) -> float:
        return sum(latency <= seconds for latency in self.latencies) / len(self.latencies)

    def quantile(self, share: float) -> float:
        """The latency that so large a share does not exceed."""
        ordered = sorted(self.latencies)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def together(outcomes: Iterable[Outcome]) -> Outcome:
    """Several runs as one."""
    runs = list(outcomes)
    return Outcome(
        [latency for run in runs for latency in run.latencies],
        sum(run.busy_s for run in runs),
        sum(run.repeats for run in runs),
        max(run.end for run in runs),
    )


def simulate(
    arrivals: Sequence[float],
    services: Sequence[float],
    workers: int,
    *,
    failures: Failures | None = None,
    rng: random.Random | None = None,
) -> Outcome:
    """Grade submissions that arrive at `arrivals` and take `services` seconds, on so many workers.

    Raises: ValueError without a worker, or if there is not one service time for each arrival.
    """
    if workers < 1 or len(arrivals) != len(services):
        raise ValueError(f"{workers} workers, {len(arrivals)} arrivals, {len(services)} service times")
    failures, rng = failures or Failures(), rng or random.Random(0)  # noqa: S311
    ready = [(arrival, number) for number, arrival in enumerate(arrivals)]
    free = [0.0] * workers
    heapq.heapify(ready)
    latencies, busy_s, repeats, end = [0.0] * len(arrivals), 0.0, 0, 0.0
    while ready:
        since, number = heapq.heappop(ready)
        start = max(since, free[0])
        service = services[number]
        if rng.random() < failures.rate:
            died = start + rng.random() * service
            heapq.heapreplace(free, died + failures.restart_s)
            heapq.heappush(ready, (died + failures.noticed_s, number))
            busy_s, repeats = busy_s + died - start, repeats + 1
            continue
        finish = start + service
        heapq.heapreplace(free, finish)
        latencies[number] = finish - arrivals[number]
        busy_s, end = busy_s + service, max(end, finish)
    return Outcome(latencies, busy_s, repeats, end)
