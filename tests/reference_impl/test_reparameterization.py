"""Draws against their moments, gradients against the formula."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from reference_impl.reparameterization import Sampling, reparameterize


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_a_draw_is_the_mean_and_standard_deviations_of_noise(rng):
    mean, deviation, eps = rng.normal(size=(5, 3)), rng.uniform(0.1, 3, (5, 3)), rng.normal(size=(5, 3))
    z = reparameterize(*(tf.constant(part, tf.float32) for part in (mean, np.log(deviation**2), eps)))
    np.testing.assert_allclose(z, mean + deviation * eps, atol=1e-5)


def test_gradients_pass_to_both_parameters(rng):
    mean, log_var, eps = (tf.constant(rng.normal(size=(4, 2)), tf.float32) for _ in range(3))
    with tf.GradientTape() as tape:
        tape.watch([mean, log_var])
        z = reparameterize(mean, log_var, eps)
    by_mean, by_log_var = tape.gradient(z, [mean, log_var])
    np.testing.assert_allclose(by_mean, np.ones((4, 2)))
    np.testing.assert_allclose(by_log_var, 0.5 * np.exp(0.5 * log_var) * eps, rtol=1e-5)


def test_the_layer_draws_in_training_only():
    keras.utils.set_random_seed(0)
    mean, log_var = tf.fill((50_000, 2), 3.0), tf.fill((50_000, 2), float(np.log(4)))
    layer = Sampling()
    np.testing.assert_array_equal(layer(mean, log_var), mean)
    first, second = (layer(mean, log_var, training=True).numpy() for _ in range(2))
    for draws in (first, second):
        assert abs(draws.mean() - 3) < 5 * 2 / np.sqrt(draws.size)
        assert abs(draws.var() - 4) < 5 * 4 * np.sqrt(2 / draws.size)
    columns = np.stack([*first.T, *second.T])
    assert np.abs(np.corrcoef(columns) - np.eye(4)).max() < 5 / np.sqrt(50_000)


def test_the_layer_draws_anew_inside_a_compiled_function():
    layer = Sampling(seed=1)
    draw = tf.function(lambda: layer(tf.zeros((2, 3)), tf.zeros((2, 3)), training=True))
    assert not np.array_equal(draw(), draw())


def test_a_seed_repeats_the_draws():
    first, second = (Sampling(seed=1)(tf.zeros((2, 3)), tf.zeros((2, 3)), training=True) for _ in range(2))
    np.testing.assert_array_equal(first, second)
