"""Draws from a normal distribution that gradients can pass through."""

import keras
from keras import ops


def reparameterize(mean, log_var, eps):
    """A draw from N(mean, exp(log_var)), written as a function of its parameters and of noise.

    Args:
        mean, log_var: `(B, latent)`; log_var is the logarithm of the *variance*.
        eps: `(B, latent)`, draws from N(0, 1).
    Returns: `(B, latent)`.
    Source: Kingma & Welling 2014, section 2.4.
    """
    return mean + ops.exp(0.5 * log_var) * eps


class Sampling(keras.layers.Layer):
    """Draws from N(mean, exp(log_var)) in training, and gives the mean otherwise.

    Every call draws anew, for every example and every feature of it.

    Args:
        seed: an integer makes the sequence of draws repeatable.
    Call arguments:
        mean, log_var: `(B, latent)`.
        training: True for a draw.
    Output: `(B, latent)`.
    """

    def __init__(self, seed=None, **kwargs):
        """Keep a source of random numbers, which moves on at each draw."""
        super().__init__(**kwargs)
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, mean, log_var, training=None):
        """Draw, or don't."""
        if not training:
            return mean
        eps = keras.random.normal(ops.shape(mean), seed=self.seed_generator)
        return reparameterize(mean, log_var, eps)
