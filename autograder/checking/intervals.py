"""How sure a number of trials makes: intervals for the probability of an event."""

from scipy.stats import beta

__all__ = ["clopper_pearson", "false_failure_rate"]


def clopper_pearson(events: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """The exact two-sided interval of a probability, from how often the event was seen.

    Source: Clopper and Pearson 1934. Without an event the upper bound is about 3.7 / trials at 95 %; the
    one-sided one, "the rule of three", 3 / trials.
    """
    _require_trials(events, trials)
    tail = (1 - confidence) / 2
    low = 0.0 if events == 0 else float(beta.ppf(tail, events, trials - events + 1))
    high = 1.0 if events == trials else float(beta.isf(tail, events + 1, trials - events))
    return low, high


def false_failure_rate(passed: int, runs: int, k: int, confidence: float = 0.95) -> float:
    """Upper bound for the probability that a right solution fails k runs out of k.

    Clopper and Pearson's one-sided bound for the failure of a run, to the power of k; with no failure in n
    runs that is (1 - (1 - confidence)^(1/n))^k, about (3/n)^k at 95 %: 29 runs give 1 in 1,000 for k = 3.

    Args:
        passed, runs: of trial runs of a right solution, each with a seed of its own.
    """
    if k < 1:
        raise ValueError(f"k >= 1. Received: {k}")
    _require_trials(passed, runs)
    if passed == 0:
        return 1.0
    return float(beta.isf(1 - confidence, runs - passed + 1, passed)) ** k


def _require_trials(events: int, trials: int) -> None:
    if not 0 <= events <= trials or trials < 1:
        raise ValueError(f"at least one trial, and no more events. Received: {events} of {trials}")
