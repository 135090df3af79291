"""Rounds of GANs against SGD by hand in float64; rings; shapes of image networks."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from reference_impl.dcgan import make_discriminator, make_generator, prepare_images
from reference_impl.gan_training import gan_train_step
from reference_impl.ring import RING_STD, make_ring_generator, ring_centers, ring_quality, sample_ring
from reference_impl.ring_gan import train_ring_gan
from reference_impl.ring_wgan import train_ring_wgan, wgan_gp_train_step
from reference_impl.wasserstein import wgan_train_step


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def linear(inputs, outputs, seed):
    layer = keras.layers.Dense(outputs, use_bias=False)
    model = keras.Sequential([keras.Input((inputs,)), layer])
    layer.kernel.assign(np.random.default_rng(seed).normal(size=(inputs, outputs)))
    return model


def kernel(model):
    return model.weights[0].numpy().astype(np.float64)


def draw(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def as_tensors(*arrays):
    return [tf.constant(a, tf.float32) for a in arrays]


def test_a_round_is_two_steps_of_sgd_by_hand():
    """D(x) = x·w and G(z) = zA, so both gradients are short formulas."""
    G, D = linear(3, 2, seed=0), linear(2, 1, seed=1)
    real, noise = draw(2, 5, 2), draw(3, 2, 4, 3)
    a, w = kernel(G), kernel(D)
    opts = keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.2)
    gan_train_step(G, D, *as_tensors(real), opts, *as_tensors(noise))
    fake = noise[0] @ a
    w = w - 0.2 * (-real.T @ sigmoid(-real @ w) / 5 + fake.T @ sigmoid(fake @ w) / 4)
    pull = -sigmoid(-(noise[1] @ a) @ w) / 4  # (4, 1): by the logits of the new discriminator
    a = a - 0.1 * noise[1].T @ pull @ w.T
    np.testing.assert_allclose(kernel(D), w, rtol=1e-4)
    np.testing.assert_allclose(kernel(G), a, rtol=1e-4)


def test_a_round_of_wgan_by_hand():
    G, critic = linear(3, 2, seed=0), linear(2, 1, seed=1)
    real, noise = draw(2, 3, 5, 2), draw(3, 4, 5, 3)
    a, w = kernel(G), kernel(critic)
    opts = keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.2)
    wgan_train_step(G, critic, *as_tensors(real), opts, *as_tensors(noise), c=0.5)
    for i in range(3):
        w = np.clip(w - 0.2 * ((noise[i] @ a).mean(axis=0) - real[i].mean(axis=0))[:, None], -0.5, 0.5)
    a = a + 0.1 * noise[3].mean(axis=0)[:, None] @ w.T
    np.testing.assert_allclose(kernel(critic), w, rtol=1e-4)
    np.testing.assert_allclose(kernel(G), a, rtol=1e-4)


def test_a_round_with_penalty_by_hand():
    """The penalty of x·w is (|w| - 1)², wherever its points lie."""
    G, critic = linear(3, 2, seed=0), linear(2, 1, seed=1)
    real, noise, alpha = draw(2, 2, 5, 2), draw(3, 3, 5, 3), np.full((2, 5, 1), 0.3)
    a, w = kernel(G), kernel(critic)
    opts = keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.05)
    wgan_gp_train_step(G, critic, *as_tensors(real), opts, *as_tensors(noise, alpha), penalty_weight=3.0)
    for i in range(2):
        slope = np.linalg.norm(w)
        penalty = 3 * 2 * (slope - 1) * w / slope
        w = w - 0.05 * ((noise[i] @ a).mean(axis=0)[:, None] - real[i].mean(axis=0)[:, None] + penalty)
    np.testing.assert_allclose(kernel(critic), w, rtol=1e-4)


def test_the_ring_has_eight_modes_of_equal_weight():
    keras.utils.set_random_seed(0)
    points = sample_ring(8000).numpy()
    nearest = np.linalg.norm(points[:, None] - ring_centers(), axis=-1).argmin(axis=1)
    counts = np.bincount(nearest, minlength=8)
    assert counts.size == 8 and (np.abs(counts - 1000) < 150).all()
    spread = (points - ring_centers()[nearest]).std()
    np.testing.assert_allclose(spread, RING_STD, rtol=0.03)
    modes, quality = ring_quality(points)
    assert modes == 8 and abs(quality - 0.989) < 0.01  # 1 - exp(-9/2)
    assert ring_quality(np.zeros((100, 2))) == (0, 0.0)
    assert ring_quality(np.tile(ring_centers()[:3], (10, 1))) == (3, 1.0)


def test_a_seed_gives_one_training():
    noise = tf.random.normal((5, 8))
    first, again = (train_ring_gan(seed=3, steps=3) for _ in range(2))
    np.testing.assert_allclose(first[0](noise), again[0](noise), atol=1e-6)
    assert first[2].shape == (3, 2)
    untrained = make_ring_generator()(noise)
    assert np.abs(first[0](noise) - untrained).max() > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_the_gan_learns_the_ring(seed):
    generator, _, losses = train_ring_gan(seed)
    modes, quality = ring_quality(generator(tf.random.normal((2000, 8))))
    assert modes == 8 and quality > 0.8
    g_loss, d_loss = losses[-500:].mean(axis=0)
    assert 0.6 < g_loss < 1 and 1.1 < d_loss < 1.45


@pytest.mark.slow
def test_the_wasserstein_gan_comes_near_the_ring():
    generator, _, losses = train_ring_wgan(0)
    modes, _ = ring_quality(generator(tf.random.normal((2000, 8))))
    assert modes >= 6 and np.isfinite(losses).all() and np.abs(losses[-50:, 1]).mean() < 1


@pytest.mark.parametrize("shape", [(24, 24, 1), (28, 28, 3), (8, 16, 2)])
def test_image_networks_have_the_shapes_and_parameters_of_the_table(shape):
    height, breadth, channels = shape
    generator, judge = make_generator(10, shape, width=4), make_discriminator(shape, width=4)
    images = generator(tf.random.normal((3, 10)))
    assert images.shape == (3, *shape) and np.abs(images).max() <= 1
    assert judge(images).shape == (3, 1)
    small = height // 4 * (breadth // 4) * 8
    norms = 4 * 8 + 4 * 4  # four numbers for each normalized channel
    assert generator.count_params() == 10 * small + 16 * 8 * 4 + 16 * 4 * channels + channels + norms
    assert judge.count_params() == 16 * channels * 4 + 4 + 16 * 4 * 8 + 4 * 8 + small + 1


def test_pixels_reach_from_minus_1_to_1():
    prepared = prepare_images(np.array([[[0, 0.5, 1]]], "float32"))
    np.testing.assert_allclose(prepared, [[[[-1], [0], [1]]]])
