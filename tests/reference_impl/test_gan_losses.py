"""Losses of GANs against cross-entropies in float64, Keras's own, and the theorems of the paper."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from reference_impl.gan_divergences import js_divergence, kl, optimal_discriminator
from reference_impl.gan_losses import (
    discriminator_loss,
    generator_loss_minimax,
    generator_loss_nonsaturating,
)


def logits(seed, *shape):
    return tf.constant(3 * np.random.default_rng(seed).normal(size=shape), tf.float32)


def test_zero_logits_cost_2_ln_2():
    zeros = tf.zeros((4, 1))
    np.testing.assert_allclose(discriminator_loss(zeros, zeros), 2 * np.log(2), rtol=1e-6)
    np.testing.assert_allclose(generator_loss_nonsaturating(zeros), np.log(2), rtol=1e-6)
    np.testing.assert_allclose(generator_loss_minimax(zeros), -np.log(2), rtol=1e-6)


@pytest.mark.parametrize(("real", "fake"), [((5, 1), (5, 1)), ((2, 1), (9, 1)), ((1,), (7,))])
def test_losses_are_the_cross_entropies_of_keras(real, fake):
    real, fake = logits(0, *real), logits(1, *fake)

    def entropy(x, label):
        return keras.losses.BinaryCrossentropy(from_logits=True)(tf.fill(x.shape, label), x)

    np.testing.assert_allclose(
        discriminator_loss(real, fake), entropy(real, 1.0) + entropy(fake, 0.0), rtol=1e-5
    )
    np.testing.assert_allclose(generator_loss_nonsaturating(fake), entropy(fake, 1.0), rtol=1e-5)
    np.testing.assert_allclose(generator_loss_minimax(fake), -entropy(fake, 0.0), rtol=1e-5)


def test_the_nonsaturating_loss_pulls_e_to_the_5_times_as_hard_at_a_logit_of_minus_5():
    pulls = []
    for loss in (generator_loss_nonsaturating, generator_loss_minimax):
        x = tf.constant(-5.0)
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = loss(x)
        pulls.append(float(tape.gradient(value, x)))
    np.testing.assert_allclose(pulls[0] / pulls[1], np.exp(5), rtol=1e-4)


def test_huge_logits_stay_finite():
    huge = tf.constant([[-1e4], [1e4]])
    for value in (
        discriminator_loss(huge, huge),
        generator_loss_minimax(huge),
        generator_loss_nonsaturating(huge),
    ):
        assert np.isfinite(value)


def draw_pair(seed, size=7):
    return np.random.default_rng(seed).dirichlet(np.ones(size), size=2)


@pytest.mark.parametrize("seed", range(5))
def test_the_value_at_the_best_discriminator_is_minus_log_4_plus_2_js(seed):
    p, q = draw_pair(seed)
    best = np.asarray(optimal_discriminator(p, q), np.float64)
    value = np.sum(p * np.log(best)) + np.sum(q * np.log(1 - best))
    np.testing.assert_allclose(value, -np.log(4) + 2 * float(js_divergence(p, q)), atol=1e-5)


def test_kl_and_js_by_hand():
    p, q = np.array([0.5, 0.5, 0]), np.array([0, 0.25, 0.75])
    np.testing.assert_allclose(
        kl(np.array([0.5, 0.5]), np.array([0.25, 0.75])), np.log(2 / np.sqrt(3)), rtol=1e-6
    )
    assert np.isinf(kl(p, q))
    assert float(kl(p, p)) == 0
    np.testing.assert_allclose(js_divergence(p, q), js_divergence(q, p), rtol=1e-6)
    np.testing.assert_allclose(js_divergence(np.array([1.0, 0]), np.array([0, 1.0])), np.log(2), rtol=1e-6)


def test_the_best_discriminator_where_something_is_missing():
    best = optimal_discriminator(np.array([0.3, 0, 0, 2]), np.array([0.1, 1, 0, 0]))
    np.testing.assert_allclose(best, [0.75, 0, 0.5, 1], rtol=1e-6)
