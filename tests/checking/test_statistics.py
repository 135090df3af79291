"""Right draws fail as often as stated, wrong ones nearly always."""

import numpy as np
import pytest

from autograder.checking.statistics import chi_square, has_mean, has_variance

PROBABILITIES = np.array([0.5, 0.3, 0.15, 0.05, 0.0])


def alarms(test, runs=2000):
    """The share of `runs` seeds at which a test fails."""
    failed = 0
    for seed in range(runs):
        try:
            test(np.random.default_rng(seed))
        except AssertionError:
            failed += 1
    return failed / runs


@pytest.mark.parametrize(
    "test",
    [
        lambda rng: chi_square(rng.multinomial(2000, PROBABILITIES), PROBABILITIES, "", 0.05),
        lambda rng: has_mean(rng.normal(3, 2, 500), 3, 2, "", 0.05),
        lambda rng: has_variance(rng.normal(3, 2, 500), 4, "", 0.05),
    ],
    ids=["chi_square", "has_mean", "has_variance"],
)
def test_false_alarms_are_as_frequent_as_stated(test):
    assert 0.035 < alarms(test) < 0.065


@pytest.mark.parametrize(
    "test",
    [
        lambda rng: chi_square(rng.multinomial(20_000, [0.48, 0.32, 0.15, 0.05, 0]), PROBABILITIES, ""),
        lambda rng: chi_square([500, 300, 150, 49, 1], PROBABILITIES, ""),
        lambda rng: has_mean(rng.normal(0.1, 1, 20_000), 0, 1, ""),
        lambda rng: has_variance(rng.normal(0, 1.1, 20_000), 1, ""),
        lambda rng: has_variance(rng.normal(0, 0.9, 20_000), 1, ""),
        lambda rng: has_mean(np.array([0.0, np.nan]), 0, 1, ""),
    ],
)
def test_wrong_draws_are_seen(test):
    assert alarms(test, 20) == 1


def test_the_message_is_the_callers():
    with pytest.raises(AssertionError, match="the noise has mean 0"):
        has_mean(np.ones(100), 0, 1, "the noise has mean 0")


def test_too_few_draws_are_our_own_mistake():
    with pytest.raises(ValueError, match="draw more"):
        chi_square([10, 6, 3, 1, 0], PROBABILITIES, "")
    with pytest.raises(ValueError, match="one probability for each count"):
        chi_square([10, 6], PROBABILITIES, "")
