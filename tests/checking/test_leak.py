"""Which outputs an input can move."""

import numpy as np
import pytest

from autograder.checking import influence, jacobian, moved, same_when_trimmed


def causal(x):
    return np.cumsum(x, axis=1)


def peeking(x):
    return causal(x) + 1e-3 * x.sum(axis=1, keepdims=True)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def x(rng):
    return rng.normal(size=(2, 5, 3))


def test_a_causal_function_moves_what_comes_after(x, rng):
    assert moved(causal, x, 2, rng).tolist() == [False, False, True, True, True]
    np.testing.assert_array_equal(influence(causal, x, rng), np.tri(5, dtype=bool))


def test_a_small_leak_is_seen(x, rng):
    assert moved(peeking, x, 2, rng).all()


def test_output_positions_may_lie_on_another_axis(x, rng):
    assert (
        influence(lambda x: x.sum(axis=2).T, x, rng, output_axis=0).tolist() == np.eye(5, dtype=bool).tolist()
    )


def test_numbers_that_become_nan_have_moved(rng):
    first = [True]

    def once(x):
        return np.zeros((1, 2)) if first.pop() else np.full((1, 2), np.nan)

    first[:] = [False, True]
    assert moved(once, np.zeros((1, 2)), 0, rng).all()


def test_results_that_are_none_or_change_their_shape_fail_the_check(x, rng):
    shapes = iter([(2, 5), (2, 4)])
    for call in (lambda x: None, lambda x: np.zeros(next(shapes))):
        with pytest.raises(AssertionError, match="the result"):
            moved(call, x, 0, rng)


def test_a_jacobian_is_that_of_the_function(rng):
    matrix, x = rng.normal(size=(2, 3)), rng.normal(size=3)
    np.testing.assert_allclose(jacobian(lambda x: matrix @ np.sin(x), x), matrix * np.cos(x), atol=1e-4)
    assert jacobian(lambda x: x.sum(axis=0), np.zeros((4, 2))).shape == (2, 4, 2)


def test_trimming_before_and_after(x):
    same_when_trimmed(causal, x, 3, "m")
    with pytest.raises(AssertionError, match="the future leaks"):
        same_when_trimmed(peeking, x, 3, "the future leaks")


@pytest.mark.parametrize("result", [np.zeros((14, 0, 8)), np.zeros((0, 6, 8)), np.full((14, 6, 8), np.nan)])
def test_what_gives_nothing_or_no_number_is_not_said_to_see_nothing(result):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 6, 8))
    for batched in (True, False):
        with pytest.raises(AssertionError):
            influence(lambda changed: result[: len(changed)], x, rng, batched=batched)
    with pytest.raises(AssertionError):
        moved(lambda changed: result, x, 0, rng)
    with pytest.raises(AssertionError):
        same_when_trimmed(lambda changed: result[:, : changed.shape[1]], x, 3, "m")
