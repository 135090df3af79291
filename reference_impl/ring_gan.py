"""A GAN that learns the ring of eight Gaussians."""

import keras
import numpy as np
import tensorflow as tf

from reference_impl.gan_training import gan_train_step
from reference_impl.ring import (
    RING_BATCH,
    RING_NOISE_DIM,
    make_ring_discriminator,
    make_ring_generator,
    make_ring_optimizer,
    sample_ring,
)


def train_ring_gan(seed, steps=2000):
    """Train a generator and a discriminator on the ring, by `gan_train_step`, each step on fresh samples.

    Args:
        seed: for `keras.utils.set_random_seed`: one seed, one result.
        steps: the number of training steps.
    Returns: generator, discriminator, and the losses `(steps, 2)`: the generator's, the discriminator's.
    """
    keras.utils.set_random_seed(seed)
    G, D = make_ring_generator(), make_ring_discriminator()
    opts = make_ring_optimizer(steps), make_ring_optimizer(steps)  # each with moments of its own

    @tf.function(autograph=False)
    def step():
        noise = tf.random.normal((2, RING_BATCH, RING_NOISE_DIM))
        return gan_train_step(G, D, sample_ring(RING_BATCH), opts, noise)

    losses = np.array([step() for _ in range(steps)])
    return G, D, losses
