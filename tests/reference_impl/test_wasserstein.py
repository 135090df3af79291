"""Earth moved by hand and by scipy's solver; penalties of critics whose slope is known."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from reference_impl.gradient_penalty import draw_alpha, gradient_penalty, interpolate
from reference_impl.wasserstein import clip_weights, critic_loss, generator_loss, wasserstein_1d


def test_the_example_of_the_handout_costs_5():
    assert float(wasserstein_1d(np.array([3.0, 2, 1, 4]), np.array([1.0, 2, 4, 3]))) == 5


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_least_work_of_all_assignments(seed):
    """Heaps of single grains: brute force over every order in which they can be sent."""
    from itertools import permutations

    rng = np.random.default_rng(seed)
    here, there = rng.integers(4, size=(2, 6))
    least = min(np.abs(here - np.array(order)).sum() for order in permutations(there))
    heaps = [np.bincount(grains, minlength=4).astype(float) for grains in (here, there)]
    np.testing.assert_allclose(wasserstein_1d(*heaps), least)


def test_critic_scores_are_plain_differences():
    real, fake = tf.constant([[10.0], [4]]), tf.constant([[-3.0], [0], [3]])
    assert float(critic_loss(real, fake)) == -7
    assert float(generator_loss(fake + 2)) == -2


def test_clipping_is_in_place_and_of_trainable_weights():
    critic = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), keras.layers.BatchNormalization()])
    before = critic.layers[0].kernel.numpy()
    clip_weights(critic, c=0.2)
    np.testing.assert_allclose(critic.layers[0].kernel, np.clip(before, -0.2, 0.2))
    np.testing.assert_allclose(critic.layers[1].gamma, 0.2)
    np.testing.assert_allclose(critic.layers[1].moving_variance, 1)


def half_square(x):
    return tf.reduce_sum(x**2, axis=1, keepdims=True) / 2


def test_the_penalty_of_half_a_square_separates_the_usual_mistakes():
    """Real N(0, 1), fakes 5 further; of 64 points: 12.3 between, 0.56 at real, 41.2 at fake, 47.9 with a normal alpha."""
    keras.utils.set_random_seed(0)
    real = tf.random.normal((20_000, 2))
    fake = tf.random.normal((20_000, 2)) + 5
    between = float(gradient_penalty(half_square, real, fake, draw_alpha(real)))
    at_real = float(gradient_penalty(half_square, real, fake, tf.ones((20_000, 1))))
    at_fake = float(gradient_penalty(half_square, real, fake, tf.zeros((20_000, 1))))
    normal = float(gradient_penalty(half_square, real, fake, tf.random.normal((20_000, 1))))
    assert 11 < between < 14 and 0.4 < at_real < 0.6 and 36 < at_fake < 44 and normal > 40
    np.testing.assert_allclose(at_real, 3 - 2 * np.sqrt(np.pi / 2), rtol=0.03)  # E(r - 1)² of a Rayleigh r


@pytest.mark.parametrize("shape", [(6, 3), (4, 2, 3, 1)])
def test_a_linear_critic_pays_for_its_norm_and_learns_from_it(shape):
    rng = np.random.default_rng(0)
    weights = tf.Variable(rng.normal(size=(int(np.prod(shape[1:])), 1)), dtype=tf.float32)
    real, fake = (tf.constant(rng.normal(size=shape), tf.float32) for _ in range(2))

    def critic(x):
        return tf.reshape(x, (x.shape[0], -1)) @ weights

    with tf.GradientTape() as tape:
        penalty = gradient_penalty(critic, real, fake, draw_alpha(real))
    norm = float(tf.norm(weights))
    np.testing.assert_allclose(penalty, (norm - 1) ** 2, rtol=1e-4)
    np.testing.assert_allclose(
        tape.gradient(penalty, weights), 2 * (norm - 1) * weights.numpy() / norm, rtol=1e-4
    )


def test_a_flat_critic_has_a_finite_gradient():
    weights, x = tf.Variable(tf.zeros((2, 1))), tf.random.normal((4, 2))
    with tf.GradientTape() as tape:
        penalty = gradient_penalty(lambda x: x @ weights, x, x, tf.zeros((4, 1)))
    np.testing.assert_allclose(penalty, 1, atol=1e-4)
    assert np.isfinite(tape.gradient(penalty, weights)).all()


def test_alpha_is_one_uniform_number_a_sample():
    keras.utils.set_random_seed(0)
    alpha = draw_alpha(tf.zeros((5000, 4, 4, 1))).numpy()
    assert alpha.shape == (5000, 1, 1, 1)
    assert alpha.min() >= 0 and alpha.max() <= 1
    np.testing.assert_allclose([alpha.mean(), alpha.var()], [1 / 2, 1 / 12], rtol=0.05)


def test_alpha_is_the_share_of_the_real_sample():
    real, fake = tf.ones((3, 2)), tf.zeros((3, 2))
    alpha = tf.constant([[0.0], [0.25], [1]])
    np.testing.assert_allclose(interpolate(real, fake, alpha), [[0, 0], [0.25, 0.25], [1, 1]])
