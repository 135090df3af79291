"""The variational autoencoder: its step by hand, its metrics, and what training reaches on digits."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from reference_impl.evidence_bound import kl_divergence, reconstruction_loss, vae_loss
from reference_impl.vae import VAE, ConditionalVAE, build_decoder, build_encoder


@pytest.fixture
def rng():
    keras.utils.set_random_seed(0)
    return np.random.default_rng(0)


def small_vae(optimizer=None):
    model = VAE(build_encoder(6, 2, hidden=5), build_decoder(2, 6, hidden=5))
    model.compile(optimizer or keras.optimizers.SGD(0.1))
    return model


def without_noise(model):
    """Make the variance exp(-40): the drawn code is the mean."""
    kernel, bias = model.encoder.get_layer("log_var").weights
    kernel.assign(0 * kernel)
    bias.assign(0 * bias - 40)


def images(rng, count, n=6):
    return tf.constant(rng.uniform(size=(count, n)), tf.float32)


def test_networks_have_the_parameters_of_their_layers():
    assert build_encoder(64, 8).count_params() == 65 * 128 + 2 * 129 * 8
    assert build_decoder(8, 64).count_params() == 9 * 128 + 129 * 64


def test_one_step_of_sgd_is_the_weights_minus_rate_times_gradient(rng):
    model, x = small_vae(), images(rng, 7)
    without_noise(model)
    with tf.GradientTape() as tape:
        mean, log_var = model.encoder(x)
        loss = vae_loss(x, model.decoder(mean), mean, log_var)
    wanted = [
        variable - 0.1 * gradient
        for variable, gradient in zip(
            model.trainable_variables, tape.gradient(loss, model.trainable_variables), strict=True
        )
    ]
    model.train_step(x)
    for variable, value in zip(model.trainable_variables, wanted, strict=True):
        np.testing.assert_allclose(variable, value, atol=1e-6)


def test_metrics_are_means_over_the_batches_of_an_epoch(rng):
    model = small_vae(keras.optimizers.SGD(0.0))
    without_noise(model)
    batches = [images(rng, 4), images(rng, 4)]
    wanted = []
    for x in batches:
        mean, log_var = model.encoder(x)
        parts = [reconstruction_loss(x, model.decoder(mean)), kl_divergence(mean, log_var)]
        wanted.append([np.mean(part) for part in parts])
    first = model.train_step(batches[0])
    np.testing.assert_allclose([first["reconstruction_loss"], first["kl"]], wanted[0], rtol=1e-5)
    both = model.train_step(batches[1])
    np.testing.assert_allclose([both["reconstruction_loss"], both["kl"]], np.mean(wanted, axis=0), rtol=1e-5)
    assert float(both["loss"]) == pytest.approx(np.sum(np.mean(wanted, axis=0)), rel=1e-5)
    model.reset_metrics()
    second = model.train_step(batches[1])
    np.testing.assert_allclose([second["reconstruction_loss"], second["kl"]], wanted[1], rtol=1e-5)


def test_a_call_reconstructs_from_the_mean_and_generate_gives_probabilities(rng):
    model, x = small_vae(), images(rng, 3)
    mean, _ = model.encoder(x)
    np.testing.assert_array_equal(model(x), model.decoder(mean))
    assert not np.array_equal(model(x, training=True), model(x, training=True))
    np.testing.assert_allclose(model.generate(mean), 1 / (1 + np.exp(-model.decoder(mean))), rtol=1e-5)


def test_a_label_moves_both_networks(rng):
    model = ConditionalVAE(build_encoder(6 + 3, 2, 5), build_decoder(2 + 3, 6, 5), num_classes=3)
    x, z = images(rng, 3), tf.constant(np.ones((3, 2)), tf.float32)
    labels = tf.constant([0, 1, 2])
    one_hot = np.eye(3, dtype=np.float32)
    np.testing.assert_allclose(model.decode(z, labels), model.decoder(np.hstack([z, one_hot])), rtol=1e-6)
    for found, wanted in zip(model.encode(x, labels), model.encoder(np.hstack([x, one_hot])), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-6)
    model.compile("sgd")
    model.fit(x, labels, batch_size=3, verbose=0)
    assert model((x, labels)).shape == (3, 6)


def digits():
    from sklearn.datasets import load_digits

    data = load_digits()
    x, test = (data.data / 16).astype(np.float32), np.arange(len(data.target)) % 5 == 0
    return x[~test], x[test], data.target[~test].astype(np.int32), data.target[test]


def test_training_on_digits_reaches_the_published_bound(rng):
    train, test, _, _ = digits()
    model = VAE(build_encoder(64, 8), build_decoder(8, 64))
    model.compile(keras.optimizers.Adam(3e-3))
    model.fit(train, epochs=60, batch_size=64, verbose=0)
    mean, log_var = model.encoder(test)
    z = mean + np.exp(0.5 * log_var) * rng.normal(size=mean.shape).astype(np.float32)
    assert 24.2 < float(vae_loss(test, model.decoder(z), mean, log_var)) < 24.9
    assert 1.5 < np.mean(kl_divergence(mean, log_var)) < 6
    assert (np.var(mean, axis=0) > 0.01).sum() >= 4
