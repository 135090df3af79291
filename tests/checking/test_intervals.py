"""Intervals of probabilities, against tabulated and closed-form values."""

import pytest

from autograder.checking.intervals import clopper_pearson, false_failure_rate


@pytest.mark.parametrize(
    ("events", "trials", "low", "high"),
    [(0, 300, 0, 0.012221), (3, 100, 0.006230, 0.085176), (10, 10, 0.691503, 1)],
)
def test_bounds_are_those_of_clopper_and_pearson(events, trials, low, high):
    """Numbers of a table of exact binomial intervals, 95 %."""
    assert clopper_pearson(events, trials) == pytest.approx((low, high), abs=2e-6)


def test_false_failures_become_rare_with_each_seed():
    assert false_failure_rate(60, 60, 1) == pytest.approx(1 - 0.05 ** (1 / 60), rel=1e-6)
    assert false_failure_rate(60, 60, 3) == pytest.approx((1 - 0.05 ** (1 / 60)) ** 3, rel=1e-6)
    assert false_failure_rate(18, 20, 1) == pytest.approx(0.2826, abs=1e-3)  # Clopper-Pearson, tabulated
    assert false_failure_rate(0, 5, 3) == 1.0
    with pytest.raises(ValueError, match="6 of 5"):
        false_failure_rate(6, 5, 1)
    with pytest.raises(ValueError, match="k >= 1"):
        false_failure_rate(5, 5, 0)
