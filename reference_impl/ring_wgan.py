"""A Wasserstein GAN with gradient penalty that learns the ring of eight Gaussians."""

import keras
import numpy as np
import tensorflow as tf

from reference_impl.gradient_penalty import draw_alpha, gradient_penalty
from reference_impl.ring import (
    RING_BATCH,
    RING_NOISE_DIM,
    make_ring_discriminator,
    make_ring_generator,
    make_ring_optimizer,
    sample_ring,
)
from reference_impl.wasserstein import critic_loss, generator_loss


def wgan_gp_train_step(G, critic, real, opts, noise, alpha, penalty_weight=10.0):
    """Train the critic for `n_critic` steps, then the generator for one step against it.

    Step i of the critic minimizes `critic_loss` plus `penalty_weight` times the gradient penalty, on
    `real[i]`, the fakes of `noise[i]`, and `alpha[i]`. The generator's step minimizes `generator_loss` on the
    fakes of `noise[n_critic]`. Both networks are called with `training=True`.

    Args:
        G: generator, a Keras model that maps `(B, noise_dim)` to samples `(B, ...)`.
        critic: a Keras model that maps samples to scores `(B, 1)`.
        real: a batch of data for each step of the critic, `(n_critic, B, ...)`.
        opts: a pair of optimizers: that of the generator, that of the critic.
        noise: `(n_critic + 1, B, noise_dim)`.
        alpha: `(n_critic, B, 1, ..., 1)`.
        penalty_weight: the lambda of the paper.
    Returns: a pair of scalars: the generator's loss and the critic's last loss, as they were minimized.
    Source: Gulrajani et al. 2017, algorithm 1.
    """
    generator_optimizer, critic_optimizer = opts

    for i in range(real.shape[0]):
        fake = G(noise[i], training=True)
        with tf.GradientTape() as tape:
            c_loss = critic_loss(critic(real[i], training=True), critic(fake, training=True))
            c_loss += penalty_weight * gradient_penalty(critic, real[i], fake, alpha[i])
        gradients = tape.gradient(c_loss, critic.trainable_variables)
        critic_optimizer.apply(gradients, critic.trainable_variables)

    with tf.GradientTape() as tape:
        g_loss = generator_loss(critic(G(noise[-1], training=True), training=True))
    gradients = tape.gradient(g_loss, G.trainable_variables)
    generator_optimizer.apply(gradients, G.trainable_variables)
    return g_loss, c_loss


def train_ring_wgan(seed, steps=300, n_critic=5):
    """Train a generator and a critic on the ring, by `wgan_gp_train_step`, with fresh samples in each step.

    Args:
        seed: for `keras.utils.set_random_seed`: one seed, one result.
        steps: the number of the generator's steps.
        n_critic: steps of the critic for each of them.
    Returns: generator, critic, and the losses `(steps, 2)`: the generator's, the critic's.
    """
    keras.utils.set_random_seed(seed)
    G, critic = make_ring_generator(), make_ring_discriminator()
    opts = make_ring_optimizer(steps), make_ring_optimizer(steps * n_critic)

    @tf.function(autograph=False)
    def step():
        real = [sample_ring(RING_BATCH) for _ in range(n_critic)]
        alpha = [draw_alpha(batch) for batch in real]
        noise = tf.random.normal((n_critic + 1, RING_BATCH, RING_NOISE_DIM))
        real, alpha = tf.stack(real), tf.stack(alpha)
        return wgan_gp_train_step(G, critic, real, opts, noise, alpha, penalty_weight=1.0)

    losses = np.array([step() for _ in range(steps)])
    return G, critic, losses
