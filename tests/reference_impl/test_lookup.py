"""Lookups against numbers worked out by hand and the lookup's own limits."""

import numpy as np
import pytest
import tensorflow as tf

from reference_impl.lookup import hard_lookup, soft_lookup

KEYS = np.array([[1, 0, 0], [0, 2, 0], [0, 0, 1], [0, 0, -4]], "float32")
VALUES = np.array([[10, 1], [20, 2], [30, 3], [40, 4]], "float32")


@pytest.fixture(params=[np.asarray, tf.constant], ids=["numpy", "tensor"])
def array(request):
    return request.param


@pytest.mark.parametrize(
    ("query", "best"), [((3, 1, 0), 0), ((3, 2, 0), 1), ((0, 0, 1), 2), ((1, 1, -1), 3), ((1, 0.5, 1), 0)]
)
def test_hard_lookup_takes_the_first_of_the_best_dot_products(array, query, best):
    """Row 1 wins at (3, 2, 0) by length, not by angle; (1, 0.5, 1) ties rows 0, 1 and 2."""
    value = hard_lookup(array(np.array(query, "float32")), array(KEYS), array(VALUES))
    np.testing.assert_array_equal(value, VALUES[best])


def test_soft_lookup_by_hand(array):
    """Scores ln 1, ln 2, ln 3, ln 4 give weights in the proportion 1 : 2 : 3 : 4."""
    keys = np.log(np.arange(1, 5, dtype="float32"))[:, None] * np.array([[1, 0]], "float32")
    output, weights = soft_lookup(array(np.array([1, 7], "float32")), array(keys), array(VALUES))
    np.testing.assert_allclose(weights, [0.1, 0.2, 0.3, 0.4], rtol=1e-6)
    np.testing.assert_allclose(output, [30, 3], rtol=1e-6)


def test_the_scale_multiplies_the_scores():
    """Scale 2 squares the proportions 1 : 2 : 3 : 4."""
    keys = np.log(np.arange(1, 5, dtype="float32"))[:, None]
    _, weights = soft_lookup(np.ones(1, "float32"), keys, VALUES, scale=2.0)
    np.testing.assert_allclose(weights, np.array([1, 4, 9, 16]) / 30, rtol=1e-6)


def test_scale_zero_is_the_mean_and_a_large_scale_is_the_hard_lookup():
    query = np.array([0.3, 0.2, 0.1], "float32")
    np.testing.assert_allclose(soft_lookup(query, KEYS, VALUES, scale=0.0)[0], VALUES.mean(0), rtol=1e-6)
    np.testing.assert_allclose(
        soft_lookup(query, KEYS, VALUES, scale=1e5)[0], hard_lookup(query, KEYS, VALUES)
    )
