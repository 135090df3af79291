"""Keras's own losses and functional models; upsampling in the place of transposed convolutions."""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from reference_impl.ring import (
    RING_BATCH,
    RING_NOISE_DIM,
    make_ring_discriminator,
    make_ring_generator,
    make_ring_optimizer,
    sample_ring,
)

BCE = keras.losses.BinaryCrossentropy(from_logits=True)


def column(logits):
    return ops.reshape(logits, (-1, 1))


def discriminator_loss(real_logits, fake_logits):
    real, fake = column(real_logits), column(fake_logits)
    return BCE(ops.ones_like(real), real) + BCE(ops.zeros_like(fake), fake)


def generator_loss_nonsaturating(fake_logits):
    return discriminator_loss(fake_logits, ops.full((1, 1), -1e9))


def generator_loss_minimax(fake_logits):
    return -BCE(ops.zeros_like(column(fake_logits)), column(fake_logits))


def optimal_discriminator(p_data, p_model):
    """A sigmoid of the log ratio, where both densities are there."""
    p, q = np.asarray(p_data, "float64"), np.asarray(p_model, "float64")
    with np.errstate(divide="ignore", invalid="ignore"):
        answer = 1 / (1 + np.exp(np.log(q) - np.log(p)))
    return np.where(np.isnan(answer), 0.5, answer)


def kl(p, q):
    p, q = np.asarray(p, "float64"), np.asarray(q, "float64")
    if np.any((q == 0) & (p > 0)):
        return np.inf
    return float(np.sum(p[p > 0] * np.log(p[p > 0] / q[p > 0])))


def entropy(p):
    p = np.asarray(p, "float64")
    return -np.sum(p[p > 0] * np.log(p[p > 0]))


def js_divergence(p, q):
    """The entropy of the mixture minus the mean of the entropies."""
    mixture = (np.asarray(p, "float64") + np.asarray(q, "float64")) / 2
    return entropy(mixture) - (entropy(p) + entropy(q)) / 2


def descend(loss, model, optimizer):
    with tf.GradientTape() as tape:
        value = loss()
    gradients = tape.gradient(value, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
    return value


def gan_train_step(G, D, real, opts, noise):
    """One call of the discriminator on real samples and on fakes that are cut off from the generator."""
    fake = tf.stop_gradient(G(noise[0], training=True))
    d_loss = descend(lambda: discriminator_loss(D(real, training=True), D(fake, training=True)), D, opts[1])

    def g_loss():
        return generator_loss_nonsaturating(D(G(noise[1], training=True), training=True))

    return descend(g_loss, G, opts[0]), d_loss


def train_ring_gan(seed, steps=2000):
    """Samples of all rounds in a tf.data pipeline."""
    keras.utils.set_random_seed(seed)
    G, D = make_ring_generator(), make_ring_discriminator()
    opts = [make_ring_optimizer(steps) for _ in range(2)]

    def draw(_):
        return sample_ring(RING_BATCH), tf.random.normal((2, RING_BATCH, RING_NOISE_DIM))

    step = tf.function(lambda real, noise: gan_train_step(G, D, real, opts, noise), autograph=False)
    rounds = tf.data.Dataset.range(steps).map(draw)
    return G, D, [[float(loss) for loss in step(*drawn)] for drawn in rounds]


def prepare_images(images):
    return np.asarray(images)[:, :, :, None] * 2.0 - 1.0


def make_generator(noise_dim, image_shape, width=32):
    height, breadth, channels = image_shape
    noise = keras.Input((noise_dim,))
    x = keras.layers.Dense(height // 4 * (breadth // 4) * 2 * width)(noise)
    x = keras.layers.Reshape((height // 4, breadth // 4, 2 * width))(x)
    x = keras.layers.LeakyReLU()(keras.layers.BatchNormalization()(x))
    x = keras.layers.UpSampling2D()(x)
    x = keras.layers.Conv2D(width, 3, padding="same")(x)
    x = keras.layers.LeakyReLU()(keras.layers.BatchNormalization()(x))
    x = keras.layers.UpSampling2D(interpolation="bilinear")(x)
    return keras.Model(noise, keras.layers.Conv2D(channels, 3, padding="same", activation="tanh")(x))


def make_discriminator(image_shape, width=32):
    images = keras.Input(image_shape)
    x = keras.layers.Conv2D(width, 3, strides=2, padding="same")(images)
    x = keras.layers.LeakyReLU(negative_slope=0.1)(x)
    x = keras.layers.Conv2D(2 * width, 3, strides=2, padding="same")(x)
    x = keras.layers.LeakyReLU(negative_slope=0.1)(keras.layers.BatchNormalization(momentum=0.8)(x))
    return keras.Model(images, keras.layers.Dense(1)(keras.layers.Flatten()(x)))


def wasserstein_1d(p, q):
    carried, work = 0.0, 0.0
    for here, there in zip(np.asarray(p, "float64"), np.asarray(q, "float64"), strict=True):
        carried += here - there
        work += abs(carried)
    return work


def critic_loss(real_scores, fake_scores):
    return ops.mean(ops.concatenate([column(fake_scores)])) + generator_loss(real_scores)


def generator_loss(fake_scores):
    return -ops.sum(fake_scores) / ops.cast(ops.size(fake_scores), "float32")


def clip_weights(critic, c=0.01):
    for layer in critic.layers:
        layer.set_weights([np.clip(weight, -c, c) for weight in layer.get_weights()])


def wgan_train_step(G, critic, real, opts, noise, c=0.01):
    for batch, z in zip(real, noise[:-1], strict=True):
        fake = G(z, training=True)

        def loss(batch=batch, fake=fake):
            return critic_loss(critic(batch, training=True), critic(fake, training=True))

        c_loss = descend(loss, critic, opts[1])
        clip_weights(critic, c)
    return descend(
        lambda: generator_loss(critic(G(noise[-1], training=True), training=True)), G, opts[0]
    ), c_loss


def draw_alpha(samples):
    shape = (samples.shape[0],) + (1,) * (len(samples.shape) - 1)
    return keras.random.uniform(shape)


def interpolate(real, fake, alpha):
    return real * alpha + fake - fake * alpha


def gradient_penalty(critic, real, fake, alpha):
    """The squares written out; the root by tf.norm of gradients that are moved from 0."""
    points = tf.identity(interpolate(real, fake, alpha))
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(points)
        total = tf.reduce_sum(critic(points))
    flat = tf.reshape(tape.gradient(total, points), (points.shape[0], -1))
    slopes = tf.norm(flat + 1e-7, axis=1)
    return tf.reduce_mean(slopes**2 - 2 * slopes + 1)


def wgan_gp_train_step(G, critic, real, opts, noise, alpha, penalty_weight=10.0):
    for i in range(real.shape[0]):
        fake = tf.stop_gradient(G(noise[i], training=True))

        def loss(i=i, fake=fake):
            scores = critic(real[i], training=True), critic(fake, training=True)
            return penalty_weight * gradient_penalty(critic, real[i], fake, alpha[i]) + critic_loss(*scores)

        c_loss = descend(loss, critic, opts[1])
    return descend(
        lambda: generator_loss(critic(G(noise[-1], training=True), training=True)), G, opts[0]
    ), c_loss
