"""Gates for training: floor, ceiling, baseline, best of several seeds."""

import math

import pytest

from autograder.checking.training_gate import Band, best_of, single_runs

ACCURACY = Band("accuracy", floor=0.9, ceiling=0.99, baseline=0.5)
LOSS = Band("loss", floor=0.1, ceiling=0.3, baseline=0.69, lower_is_better=True)
BANDS = {"accuracy": ACCURACY, "loss": LOSS}


def runs(*metrics):
    """A training whose n-th seed gives the n-th metrics, and the list of seeds that it was asked for."""
    asked = []

    def train(seed):
        asked.append(seed)
        accuracy, loss = metrics[seed]
        return {"accuracy": accuracy, "loss": loss, "not judged": math.nan}

    return train, asked


def test_the_first_seed_that_passes_ends_it():
    train, asked = runs((0.5, 0.2), (0.95, 0.2), (0.96, 0.2))
    assert best_of(range(3), train, BANDS)["accuracy"] == 0.95
    assert asked == [0, 1]


def test_the_bounds_themselves_pass():
    train, _ = runs((0.9, 0.1), (0.99, 0.3))
    best_of([0], train, BANDS)
    best_of([1], train, BANDS)


@pytest.mark.parametrize(
    ("metrics", "words"),
    [
        ((0.8, 0.2), r"^accuracy \(measured: 0.8\) is too low: does it train long enough"),
        ((0.995, 0.2), r"^accuracy .* is too high: that is too good to be true"),
        ((0.5, 0.2), r"^accuracy .* no better than that of a trivial answer"),
        ((0.95, 0.01), r"^loss .* is too low: that is too good to be true"),
        ((0.95, 0.4), r"^loss .* is too high: does it train long enough"),
        ((0.95, 0.7), r"^loss .* no better than that of a trivial answer"),
        ((0.95, math.nan), "^loss is not a finite number: did the training diverge"),
        ((math.inf, 0.4), "^accuracy is not a finite number.*; loss .* too high"),
    ],
)
def test_the_message_says_which_bound_broke(metrics, words):
    train, _ = runs(metrics)
    with pytest.raises(AssertionError, match=words):
        best_of([0], train, BANDS)


def test_the_message_is_that_of_the_best_seed():
    train, asked = runs((0.1, 0.9), (0.95, 0.4), (0.8, 0.2))
    with pytest.raises(AssertionError, match=r"^loss .* too high: [^;]*$"):
        best_of(range(3), train, BANDS)
    assert asked == [0, 1, 2]


def test_an_empty_band_is_refused():
    with pytest.raises(ValueError, match="floor <= ceiling"):
        Band("accuracy", floor=1, ceiling=0)


def test_no_seeds_is_no_pass():
    with pytest.raises(ValueError, match="no seeds"):
        best_of([], runs()[0], BANDS)


def test_a_single_run_has_one_of_the_seeds_or_one_behind_them():
    train, asked = runs(*[(0.5, 0.2)] * 5)
    for number in (0, 4):
        with single_runs(number) as tries, pytest.raises(AssertionError, match=r"^accuracy"):
            best_of(range(3), train, BANDS)
        assert tries == [3]
    assert asked == [0, 4]
