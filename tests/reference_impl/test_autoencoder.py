"""Autoencoders against Keras's losses and against principal components."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from reference_impl.autoencoder import (
    anomaly_threshold,
    bce_loss,
    build_autoencoder,
    denoising_pairs,
    find_anomalies,
    mse_loss,
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def tensors(*arrays):
    return [tf.constant(array, tf.float32) for array in arrays]


@pytest.mark.parametrize(
    ("hidden", "count"), [(None, 7 * 3 + 3 + 3 * 7 + 7), (5, 2 * (7 * 5 + 5 * 3) + 5 + 3 + 5 + 7)]
)
def test_the_models_share_their_layers(rng, hidden, count):
    autoencoder, encoder, decoder = build_autoencoder(7, 3, hidden)
    (x,) = tensors(rng.normal(size=(4, 7)))
    assert encoder(x).shape == (4, 3)
    np.testing.assert_allclose(autoencoder(x), decoder(encoder(x)), rtol=1e-6)
    assert autoencoder.count_params() == encoder.count_params() + decoder.count_params() == count


def test_without_a_hidden_layer_the_best_weights_are_principal_components(rng):
    x = rng.normal(size=(200, 6)) @ np.diag([5, 4, 3, 0.5, 0.3, 0.2]) @ rng.normal(size=(6, 6)) + 3
    center = x.mean(axis=0)
    *_, components = np.linalg.svd(x - center)
    components = components[:3]  # (3, 6)
    autoencoder, encoder, decoder = build_autoencoder(6, 3)
    encoder.set_weights([components.T, -center @ components.T])
    decoder.set_weights([components, center])
    projected = center + (x - center) @ components.T @ components
    np.testing.assert_allclose(autoencoder(tf.constant(x, tf.float32)), projected, atol=2e-4)


def test_training_finds_the_subspace_of_the_principal_components(rng):
    keras.utils.set_random_seed(0)
    x = (rng.normal(size=(512, 8)) * [2, 1.5, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2]).astype(np.float32)
    autoencoder, _, decoder = build_autoencoder(8, 2)
    autoencoder.compile(keras.optimizers.Adam(3e-2), "mse")
    autoencoder.fit(x, x, epochs=60, batch_size=128, verbose=0)
    found, _ = np.linalg.qr(decoder.get_weights()[0].T)
    *_, components = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
    assert np.linalg.svd(found.T @ components[:2].T)[1].min() > 0.99


def test_losses_are_those_of_keras_one_for_each_example(rng):
    x, logits = tensors(rng.uniform(size=(5, 9)), 4 * rng.normal(size=(5, 9)))
    np.testing.assert_allclose(mse_loss(x, logits), keras.losses.mean_squared_error(x, logits), rtol=1e-5)
    theirs = keras.losses.binary_crossentropy(x, logits, from_logits=True)
    np.testing.assert_allclose(bce_loss(x, logits), theirs, rtol=1e-5)


def test_bce_of_large_logits_is_finite():
    x, logits = tensors([[1.0, 0.0, 1.0, 0.0]], [[1e4, -1e4, -1e4, 1e4]])
    np.testing.assert_allclose(bce_loss(x, logits), [5e3])


def test_denoising_pairs_end_with_what_is_clean(rng):
    x, noise = tensors(rng.uniform(size=(3, 4)), rng.normal(size=(3, 4)))
    inputs, targets = denoising_pairs(x, noise, stddev=0.5)
    np.testing.assert_array_equal(targets, x)
    np.testing.assert_allclose(inputs, x.numpy() + 0.5 * noise.numpy(), rtol=1e-6)


def test_the_threshold_is_a_standard_deviation_above_the_mean_of_training_errors(rng):
    errors = rng.gamma(2, size=50)
    assert float(anomaly_threshold(errors)) == pytest.approx(errors.mean() + errors.std())
    (train,) = tensors([1.0, 3.0])  # mean 2, standard deviation 1
    np.testing.assert_array_equal(
        find_anomalies(*tensors([2.9, 3.1, 100.0, 0.0]), train), [False, True, True, False]
    )
