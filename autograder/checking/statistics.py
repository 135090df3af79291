"""Tests of random draws, each with a stated rate of false alarms. For hidden checks: SciPy is not released.

    chi_square(np.bincount(draws, minlength=5), probabilities, "`sample` must draw from softmax(logits)")
    has_mean(eps, 0, 1, "the noise has mean 0")
    has_variance(eps, 1, "the noise has variance 1")

Draws that follow the stated distribution fail with the probability `false_alarm`, whatever their number.
"""

import numpy as np
from scipy import stats

from autograder.checking.compare import finite

__all__ = ["chi_square", "has_mean", "has_variance"]

FALSE_ALARM = 1e-4
MIN_EXPECTED = 5.0  # below so many the statistic does not follow its distribution


def chi_square(
    counts: np.ndarray, probabilities: np.ndarray, message: str, false_alarm: float = FALSE_ALARM
) -> None:
    """Pearson's test that independent draws fall into categories with these probabilities.

    Args:
        counts: `(K,)`, how many fell into each. probabilities: `(K,)`, which sum to 1.
    Raises: AssertionError(message) if the counts differ by more than chance; ValueError where a category is
        expected less than five times, and not never.
    """
    counts, probabilities = np.asarray(counts, float), np.asarray(probabilities, float)
    if counts.shape != probabilities.shape or counts.ndim != 1 or abs(probabilities.sum() - 1) > 1e-6:
        raise ValueError(
            f"one probability for each count, with sum 1. Received: {counts.shape}, {probabilities.shape}, "
            f"sum {probabilities.sum():g}"
        )
    possible = probabilities > 0
    expected = counts.sum() * probabilities[possible]
    if expected.min() < MIN_EXPECTED:
        raise ValueError(f"draw more: a category is expected {expected.min():.1f} times")
    if counts[~possible].any():
        raise AssertionError(message)
    if possible.sum() > 1:
        distance = np.sum((counts[possible] - expected) ** 2 / expected)
        _require(float(stats.chi2.sf(distance, possible.sum() - 1)), false_alarm, message)


def has_mean(
    draws: np.ndarray, mean: float, std: float, message: str, false_alarm: float = FALSE_ALARM
) -> None:
    """The draws' mean is `mean`, if each is independent with the standard deviation `std`; two-sided.

    Raises: AssertionError(message).
    """
    draws = finite(draws, message)
    distance = abs(draws.mean(dtype=np.float64) - mean) * np.sqrt(draws.size) / std
    _require(2 * float(stats.norm.sf(distance)), false_alarm, message)


def has_variance(draws: np.ndarray, variance: float, message: str, false_alarm: float = FALSE_ALARM) -> None:
    """Independent normal draws have this variance; two-sided, whatever their mean.

    Raises: AssertionError(message).
    """
    draws = finite(draws, message)
    freedom = draws.size - 1
    distance = freedom * draws.var(dtype=np.float64, ddof=1) / variance
    smaller = min(float(stats.chi2.cdf(distance, freedom)), float(stats.chi2.sf(distance, freedom)))
    _require(2 * smaller, false_alarm, message)


def _require(p_value: float, false_alarm: float, message: str) -> None:
    if not p_value >= false_alarm:
        raise AssertionError(message)
