"""Wasserstein distances: on a line by hand, and between samples by a critic, clipped or penalized.

A critic's score is higher for what looks more real.
"""

import tensorflow as tf
from keras import ops


def wasserstein_1d(p, q):
    """The least work that moves the earth of the heaps p so that they become the heaps q.

    Work is mass times distance; neighbouring heaps are 1 apart.

    Args:
        p, q: mass at the places 0, 1, ..., n - 1, `(n,)` each, of the same sum.
    Returns: a scalar, at least 0.
    """
    carried = ops.cumsum(p - q)  # (n,): what has to cross from each place to the next
    return ops.sum(ops.abs(carried))


def critic_loss(real_scores, fake_scores):
    """The critic's loss: the mean score of the fakes minus that of the real samples.

    Args:
        real_scores, fake_scores: `(B,)` or `(B, 1)` each, any real numbers; the two B may differ.
    Returns: a scalar.
    Source: Arjovsky et al. 2017, algorithm 1, with its sign changed so that it is minimized.
    """
    return ops.mean(fake_scores) - ops.mean(real_scores)


def generator_loss(fake_scores):
    """The generator's loss: minus the mean score of its fakes.

    Args:
        fake_scores: `(B,)` or `(B, 1)`.
    Returns: a scalar.
    Source: Arjovsky et al. 2017, algorithm 1.
    """
    return -ops.mean(fake_scores)


def clip_weights(critic, c=0.01):
    """Clip every trainable weight of the critic, in place, to the interval from -c to c.

    Source: Arjovsky et al. 2017, algorithm 1, line 7.
    """
    for variable in critic.trainable_variables:
        variable.assign(ops.clip(variable, -c, c))


def wgan_train_step(G, critic, real, opts, noise, c=0.01):
    """Train the critic for `n_critic` steps, each followed by clipping, then the generator for one step.

    Step i of the critic takes `real[i]` and the fakes of `noise[i]`; the generator's takes those of
    `noise[n_critic]`. Both networks are called with `training=True`.

    Args:
        G: generator, a Keras model that maps `(B, noise_dim)` to samples `(B, ...)`.
        critic: a Keras model that maps samples to scores `(B, 1)`.
        real: a batch of data for each step of the critic, `(n_critic, B, ...)`.
        opts: a pair of optimizers: that of the generator, that of the critic.
        noise: `(n_critic + 1, B, noise_dim)`.
        c: bound of the critic's weights.
    Returns: a pair of scalars: the generator's loss and the critic's last loss, as they were minimized.
    Source: Arjovsky et al. 2017, algorithm 1.
    """
    generator_optimizer, critic_optimizer = opts

    for real_batch, noise_batch in zip(tf.unstack(real), tf.unstack(noise[:-1]), strict=True):
        fake = G(noise_batch, training=True)
        with tf.GradientTape() as tape:
            c_loss = critic_loss(critic(real_batch, training=True), critic(fake, training=True))
        gradients = tape.gradient(c_loss, critic.trainable_variables)
        critic_optimizer.apply(gradients, critic.trainable_variables)
        clip_weights(critic, c)

    with tf.GradientTape() as tape:
        g_loss = generator_loss(critic(G(noise[-1], training=True), training=True))
    gradients = tape.gradient(g_loss, G.trainable_variables)
    generator_optimizer.apply(gradients, G.trainable_variables)
    return g_loss, c_loss
