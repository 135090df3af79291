"""The bound and its parts against numerical integrals, Keras's losses, and a model whose evidence is known."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from reference_impl.evidence_bound import elbo, kl_divergence, log_normal_pdf, reconstruction_loss, vae_loss


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def tensors(*arrays):
    return [tf.constant(array, tf.float32) for array in arrays]


def test_density_integrates_to_one_and_has_its_moments():
    grid = np.linspace(-30, 30, 20_001)[:, None]
    mean, log_var = np.full((1, 1), 1.5), np.full((1, 1), np.log(4))
    density = np.exp(log_normal_pdf(*tensors(grid, mean, log_var)))
    step = grid[1, 0] - grid[0, 0]
    assert density.sum() * step == pytest.approx(1, abs=1e-4)
    assert (density * grid[:, 0]).sum() * step == pytest.approx(1.5, abs=1e-3)
    assert (density * (grid[:, 0] - 1.5) ** 2).sum() * step == pytest.approx(4, abs=1e-3)


def test_divergence_is_the_integral_of_its_definition():
    grid = np.linspace(-30, 30, 40_001)
    step = grid[1] - grid[0]
    for mean, variance in [(0.0, 1.0), (1.5, 0.3), (-2.0, 4.0)]:
        q = np.exp(-0.5 * (grid - mean) ** 2 / variance) / np.sqrt(2 * np.pi * variance)
        log_ratio = -0.5 * (grid - mean) ** 2 / variance - 0.5 * np.log(variance) + 0.5 * grid**2
        right = (q * log_ratio).sum() * step
        found = kl_divergence(*tensors([[mean]], [[np.log(variance)]]))
        np.testing.assert_allclose(found, [right], atol=1e-4)


def test_divergence_adds_up_over_features_and_is_zero_at_the_prior(rng):
    mean, log_var = tensors(rng.normal(size=(4, 3)), rng.normal(size=(4, 3)))
    alone = [kl_divergence(mean[:, i : i + 1], log_var[:, i : i + 1]) for i in range(3)]
    np.testing.assert_allclose(kl_divergence(mean, log_var), sum(a.numpy() for a in alone), rtol=1e-5)
    np.testing.assert_array_equal(kl_divergence(*tensors(np.zeros((2, 3)), np.zeros((2, 3)))), [0, 0])


def test_reconstruction_is_the_cross_entropy_of_keras_summed(rng):
    x, logits = tensors(rng.uniform(size=(5, 9)), 4 * rng.normal(size=(5, 9)))
    theirs = 9 * keras.losses.binary_crossentropy(x, logits, from_logits=True)
    np.testing.assert_allclose(reconstruction_loss(x, logits), theirs, rtol=1e-5)


def linear_gaussian(rng, n=5, latent=2, noise=0.7):
    """x = W z + b + noise with orthogonal columns of W, so that the posterior has independent features."""
    directions, _ = np.linalg.qr(rng.normal(size=(n, latent)))
    weights, shift = directions * [2.0, 0.6], rng.normal(size=n)
    x = rng.normal(size=(3, latent)) @ weights.T + shift + noise * rng.normal(size=(3, n))
    covariance = weights @ weights.T + noise**2 * np.eye(n)
    centered = x - shift
    evidence = -0.5 * (
        n * np.log(2 * np.pi)
        + np.linalg.slogdet(covariance)[1]
        + np.einsum("bi,ij,bj->b", centered, np.linalg.inv(covariance), centered)
    )
    variance = 1 / (1 + (weights**2).sum(axis=0) / noise**2)  # of the posterior
    return x, weights, shift, noise, evidence, centered @ weights / noise**2 * variance, variance


def test_the_bound_is_the_evidence_at_the_posterior_and_below_it_elsewhere(rng):
    x, weights, shift, noise, evidence, mean, variance = linear_gaussian(rng)
    log_var = np.broadcast_to(np.log(variance), mean.shape)

    def bound(mean, log_var, eps):
        z = mean + np.exp(0.5 * log_var) * eps
        seen = log_normal_pdf(*tensors(x, z @ weights.T + shift, np.full(x.shape, 2 * np.log(noise))))
        return elbo(seen, *tensors(z, mean, log_var)).numpy()

    for _ in range(5):
        np.testing.assert_allclose(bound(mean, log_var, rng.normal(size=mean.shape)), evidence, atol=1e-4)
    other_mean, other_log_var = mean + 0.5, log_var - 0.4
    draws = np.mean(
        [bound(other_mean, other_log_var, rng.normal(size=mean.shape)) for _ in range(4000)], axis=0
    )
    gap = 0.5 * ((np.exp(other_log_var) + 0.25) / variance - 1 - (other_log_var - log_var)).sum(axis=-1)
    np.testing.assert_allclose(draws, evidence - gap, atol=0.1)
    assert (gap > 0.2).all()


def test_the_closed_form_agrees_with_draws(rng):
    mean, log_var = rng.normal(size=(1, 3)), rng.normal(size=(1, 3))
    weights, x = rng.normal(size=(3, 6)), rng.uniform(size=(1, 6))
    z = mean + np.exp(0.5 * log_var) * rng.normal(size=(20_000, 3))
    seen, z, mean, log_var, logits = tensors(np.repeat(x, 20_000, 0), z, mean, log_var, z @ weights)
    by_draws = elbo(-reconstruction_loss(seen, logits), z, mean, log_var)
    closed = vae_loss(seen, logits, mean, log_var)
    assert -np.mean(by_draws) == pytest.approx(float(closed), abs=5 * np.std(by_draws) / np.sqrt(20_000))


def test_the_loss_is_the_mean_over_the_batch(rng):
    parts = tensors(rng.uniform(size=(4, 5)), rng.normal(size=(4, 5)), *rng.normal(size=(2, 4, 3)))
    alone = [float(vae_loss(*(part[i : i + 1] for part in parts))) for i in range(4)]
    assert float(vae_loss(*parts)) == pytest.approx(np.mean(alone), rel=1e-5)
