"""One round of the game: the discriminator learns to tell, then the generator learns to fool it."""

import tensorflow as tf

from reference_impl.gan_losses import discriminator_loss, generator_loss_nonsaturating


def gan_train_step(G, D, real, opts, noise):
    """Train the discriminator for one step, then the generator for one step against the new discriminator.

    The discriminator's step takes the fakes of `noise[0]` and minimizes `discriminator_loss` over its own
    weights alone. The generator's step takes those of `noise[1]` and minimizes
    `generator_loss_nonsaturating` over its own weights alone. Both networks are called with `training=True`.

    Args:
        G: generator, a Keras model that maps `(B, noise_dim)` to samples `(B, ...)`.
        D: discriminator, a Keras model that maps samples to logits `(B, 1)`.
        real: samples of the data, `(B, ...)`.
        opts: a pair of optimizers: that of the generator, that of the discriminator.
        noise: `(2, B, noise_dim)`.
    Returns: a pair of scalars: the generator's loss and the discriminator's loss, as they were minimized.
    Source: Goodfellow et al. 2014, algorithm 1, with one step of the discriminator (k = 1).
    """
    generator_optimizer, discriminator_optimizer = opts

    fake = G(noise[0], training=True)  # outside the tape: this step does not train the generator
    with tf.GradientTape() as tape:
        d_loss = discriminator_loss(D(real, training=True), D(fake, training=True))
    gradients = tape.gradient(d_loss, D.trainable_variables)
    discriminator_optimizer.apply(gradients, D.trainable_variables)

    with tf.GradientTape() as tape:
        g_loss = generator_loss_nonsaturating(D(G(noise[1], training=True), training=True))
    gradients = tape.gradient(g_loss, G.trainable_variables)  # through the discriminator, to the generator
    generator_optimizer.apply(gradients, G.trainable_variables)
    return g_loss, d_loss
