"""Gates for training runs: good enough, not too good to be true, and better than a trivial answer.

    def measure(seed):
        model = student.train(seed)
        return {"accuracy": accuracy(model), "loss": loss(model)}

    best_of(range(3), measure, {
        "accuracy": Band("accuracy of greedy decoding", floor=0.97, baseline=0.1),
        "loss": Band("test loss", floor=0.4, ceiling=0.7, baseline=0.69, lower_is_better=True),
    })

Runs differ by their seeds, so one that falls short is followed by another. If a right solution misses the
band with probability p, by seeds that are independent, it misses it k times out of k with probability p^k:
p = 0.05 and k = 3 give 1 false failure in 8,000. `intervals.false_failure_rate` bounds p^k from trial runs,
in which `single_runs` lets every gate train once: `autograder mutants --seeds N --gates` does that.
"""

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass

__all__ = ["Band", "best_of", "single_runs"]

_single_run: ContextVar[tuple[int, list[int]] | None] = ContextVar("single_run", default=None)


@contextlib.contextmanager
def single_runs(number: int = 0) -> Iterator[list[int]]:
    """Within it a gate trains once, with its `number`-th seed: of those given, or further ones behind them.

    Yields: a list that will have, for each gate, how many runs it would have had.
    """
    tries: list[int] = []
    token = _single_run.set((number, tries))
    try:
        yield tries
    finally:
        _single_run.reset(token)


@dataclass(frozen=True)
class Band:
    """What a metric of a right solution stays within.

    Args:
        name: the metric in words, for the message.
        floor, ceiling: the smallest and the largest value that passes. On the good side they mark what is
            too good to be true: a leak of the labels, or a metric of something else.
        baseline: what a trivial answer reaches, such as the most frequent class; to be beaten, not met.
        lower_is_better: True for losses and errors.
        worse, too_good: what to think of where the value falls short of the band, or beyond it.
    """

    name: str
    floor: float = -math.inf
    ceiling: float = math.inf
    baseline: float | None = None
    lower_is_better: bool = False
    worse: str = "does it train long enough, on the right targets?"
    too_good: str = "that is too good to be true: can the model see its labels?"

    def __post_init__(self):
        if not self.floor <= self.ceiling:
            raise ValueError(f"floor <= ceiling. Received: floor={self.floor}, ceiling={self.ceiling}")

    def broken_by(self, value: float) -> str | None:
        """What is wrong with a value; None if it is within the band and better than the baseline."""
        if not math.isfinite(value):
            return f"{self.name} is not a finite number: did the training diverge?"
        measured = f"{self.name} (measured: {value:.3g})"
        sign = -1 if self.lower_is_better else 1
        if self.baseline is not None and sign * value <= sign * self.baseline:
            return f"{measured} is no better than that of a trivial answer: {self.worse}"
        if value < self.floor:
            return f"{measured} is too low: {self.too_good if self.lower_is_better else self.worse}"
        if value > self.ceiling:
            return f"{measured} is too high: {self.worse if self.lower_is_better else self.too_good}"
        return None


def best_of(
    seeds: Sequence[int], train: Callable[[int], Mapping[str, float]], bands: Mapping[str, Band]
) -> dict[str, float]:
    """Train with one seed after the other, until one run has every metric within its band.

    Args:
        seeds: at most so many runs; `single_runs` takes one of them.
        train: trains with a seed and measures; the grader's own numbers, not what the notebook says.
        bands: by metric.
    Returns: the metrics of the run that passed.
    Raises: AssertionError that says which bounds the best run broke, the one that broke the fewest; of equals
        the first.
    """
    if not seeds:
        raise ValueError("no seeds")
    if single := _single_run.get():
        number, tries = single
        tries.append(len(seeds))
        seeds = [seeds[0] + number]
    best: list[str] = []
    for seed in seeds:
        metrics = {name: float(value) for name, value in train(seed).items()}
        broken = [complaint for name in bands if (complaint := bands[name].broken_by(metrics[name]))]
        if not broken:
            return metrics
        if not best or len(broken) < len(best):
            best = broken
    raise AssertionError("; ".join(best))
