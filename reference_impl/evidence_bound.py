"""The evidence lower bound (ELBO) of a variational autoencoder, and its parts, all in nats."""

import math

from keras import ops


def kl_divergence(mean, log_var):
    """Divergence of N(mean, exp(log_var)) from N(0, 1), summed over the latent features.

    Args:
        mean, log_var: `(B, latent)`.
    Returns: `(B,)`, at least 0.
    Source: Kingma & Welling 2014, appendix B.
    """
    return -0.5 * ops.sum(1 + log_var - ops.square(mean) - ops.exp(log_var), axis=-1)


def reconstruction_loss(x, logits):
    """-log p(x|z) of independent Bernoulli pixels, summed over the pixels.

    Args:
        x: `(B, n)`, from 0 to 1.
        logits: `(B, n)`, of any size; p = sigmoid(logits).
    Returns: `(B,)`.
    """
    return ops.sum(ops.softplus(logits) - x * logits, axis=-1)


def log_normal_pdf(sample, mean, log_var):
    """Logarithm of the density of N(mean, exp(log_var)) at a sample, summed over the features.

    Args:
        sample, mean, log_var: shapes that broadcast to `(B, features)`.
    Returns: `(B,)`.
    """
    squared = ops.square(sample - mean) * ops.exp(-log_var)  # (B, features)
    return -0.5 * ops.sum(math.log(2 * math.pi) + log_var + squared, axis=-1)


def elbo(log_likelihood, z, mean, log_var):
    """Estimate of the evidence lower bound from one draw: log p(x|z) + log p(z) - log q(z|x).

    Its mean over z is at most log p(x), with equality where q is the posterior. The prior p(z) is N(0, 1).

    Args:
        log_likelihood: `(B,)`, log p(x|z) of whatever decoder there is.
        z: `(B, latent)`, drawn from q.
        mean, log_var: `(B, latent)`, of q(z|x).
    Returns: `(B,)`.
    Source: Kingma & Welling 2014, equation 2.
    """
    zeros = ops.zeros_like(z)
    return log_likelihood + log_normal_pdf(z, zeros, zeros) - log_normal_pdf(z, mean, log_var)


def vae_loss(x, logits, mean, log_var):
    """What training minimizes: -ELBO with the divergence in closed form, as a mean over the batch.

    Args:
        x, logits: `(B, n)`.
        mean, log_var: `(B, latent)`.
    Returns: a number.
    Source: Kingma & Welling 2014, equation 10.
    """
    return ops.mean(reconstruction_loss(x, logits) + kl_divergence(mean, log_var))
