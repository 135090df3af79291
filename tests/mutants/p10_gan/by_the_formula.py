"""Formulas as they stand, in float64 where no network is in between; a class around the networks."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from reference_impl.ring import (
    RING_BATCH,
    RING_NOISE_DIM,
    RING_STD,
    make_ring_discriminator,
    make_ring_generator,
    make_ring_optimizer,
    ring_centers,
)


def log_sigmoid(logits):
    return -tf.math.log1p(tf.exp(-tf.abs(logits))) + tf.minimum(logits, 0.0)


def discriminator_loss(real_logits, fake_logits):
    real, fake = tf.cast(real_logits, tf.float64), tf.cast(fake_logits, tf.float64)
    return -tf.reduce_mean(log_sigmoid(real)) - tf.reduce_mean(log_sigmoid(-fake))


def generator_loss_nonsaturating(fake_logits):
    return -tf.reduce_mean(log_sigmoid(fake_logits))


def generator_loss_minimax(fake_logits):
    return tf.reduce_mean(log_sigmoid(-tf.convert_to_tensor(fake_logits)))


def optimal_discriminator(p_data, p_model):
    p, q = np.asarray(p_data, "float64"), np.asarray(p_model, "float64")
    return np.divide(p, p + q, out=np.full_like(p, 0.5), where=p + q > 0)


def kl(p, q):
    total = 0.0
    for a, b in zip(np.asarray(p, "float64"), np.asarray(q, "float64"), strict=True):
        if a > 0:
            total += a * (np.log(a) - np.log(b)) if b > 0 else np.inf
    return total


def js_divergence(p, q):
    """By theorem 1, from the value of the game at the best discriminator."""
    p, q = np.asarray(p, "float64"), np.asarray(q, "float64")
    best = optimal_discriminator(p, q)
    value = np.sum(p[p > 0] * np.log(best[p > 0])) + np.sum(q[q > 0] * np.log(1 - best[q > 0]))
    return (value + np.log(4)) / 2


class Player:
    """A network with the optimizer that trains it, and no other."""

    def __init__(self, network, optimizer):
        self.network, self.optimizer = network, optimizer

    def __call__(self, x):
        return self.network(x, training=True)

    def step(self, loss):
        with tf.GradientTape() as tape:
            value = loss()
        gradients = tape.gradient(value, self.network.trainable_variables)
        self.optimizer.apply(gradients, self.network.trainable_variables)
        return tf.cast(value, tf.float32)


def gan_train_step(G, D, real, opts, noise):
    """Real samples and fakes in one call of the discriminator, which has no batch normalization here."""
    forger, expert = Player(G, opts[0]), Player(D, opts[1])
    fake = forger(noise[0])

    def expert_loss():
        logits = expert(tf.concat([real, fake], axis=0))
        return discriminator_loss(logits[: real.shape[0]], logits[real.shape[0] :])

    d_loss = expert.step(expert_loss)
    return forger.step(lambda: generator_loss_nonsaturating(expert(forger(noise[1])))), d_loss


def train_ring_gan(seed, steps=2000):
    """Draws in NumPy, outside the compiled round."""
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    G, D = make_ring_generator(), make_ring_discriminator()
    opts = make_ring_optimizer(steps), make_ring_optimizer(steps)
    opts[0].build(G.trainable_variables)
    opts[1].build(D.trainable_variables)
    play = tf.function(lambda real, noise: gan_train_step(G, D, real, opts, noise))
    losses = np.zeros((steps, 2))
    for step in range(steps):
        real = ring_centers()[rng.integers(8, size=RING_BATCH)] + RING_STD * rng.normal(size=(RING_BATCH, 2))
        noise = rng.normal(size=(2, RING_BATCH, RING_NOISE_DIM))
        losses[step] = play(tf.constant(real, tf.float32), tf.constant(noise, tf.float32))
    return G, D, losses


def prepare_images(images):
    return tf.cast(tf.expand_dims(images, axis=3), tf.float32) * 2 - 1


def make_generator(noise_dim, image_shape, width=32):
    """A projection and a stack as models inside a model."""
    h, w, c = image_shape
    project = keras.Sequential(
        [
            layers.Dense(h * w // 16 * 2 * width, use_bias=False),
            layers.BatchNormalization(),
            layers.LeakyReLU(),
            layers.Reshape((h // 4, w // 4, 2 * width)),
        ]
    )
    grow = keras.Sequential(
        [
            layers.Conv2DTranspose(width, 4, 2, "same"),
            layers.BatchNormalization(),
            layers.LeakyReLU(),
            layers.Conv2DTranspose(c, 4, 2, "same", activation=keras.ops.tanh),
        ]
    )
    noise = keras.Input((noise_dim,))
    return keras.Model(noise, grow(project(noise)))


def make_discriminator(image_shape, width=32):
    shrink = {"kernel_size": 4, "strides": 2, "padding": "same"}
    return keras.Sequential(
        [
            keras.Input(image_shape),
            layers.Conv2D(width, activation=keras.ops.leaky_relu, **shrink),
            layers.Conv2D(2 * width, **shrink),
            layers.LayerNormalization(),
            layers.LeakyReLU(0.2),
            layers.Reshape((-1,)),
            layers.Dense(1, activation="linear"),
        ]
    )


def wasserstein_1d(p, q):
    p, q = np.asarray(p, "float64"), np.asarray(q, "float64")
    return sum(abs(p[: i + 1].sum() - q[: i + 1].sum()) for i in range(len(p)))


def critic_loss(real_scores, fake_scores):
    return tf.reduce_mean(fake_scores) + tf.reduce_mean(-real_scores)


def generator_loss(fake_scores):
    return 0.0 - tf.reduce_mean(fake_scores)


def clip_weights(critic, c=0.01):
    for variable in critic.trainable_variables:
        variable.assign(tf.maximum(-c, tf.minimum(c, variable.value)))


def wgan_train_step(G, critic, real, opts, noise, c=0.01):
    forger, judge = Player(G, opts[0]), Player(critic, opts[1])
    for i in range(len(real)):
        fake = forger(noise[i])
        c_loss = judge.step(lambda i=i, fake=fake: critic_loss(judge(real[i]), judge(fake)))
        clip_weights(critic, c)
    return forger.step(lambda: generator_loss(judge(forger(noise[len(real)])))), c_loss


def draw_alpha(samples):
    shape = (samples.shape[0],) + (1,) * (len(samples.shape) - 1)
    return tf.random.uniform(shape)


def interpolate(real, fake, alpha):
    return tf.add(tf.multiply(alpha, real), tf.multiply(1.0 - alpha, fake))


def gradient_penalty(critic, real, fake, alpha):
    """Squares of the features added one by one."""
    points = interpolate(real, fake, alpha)
    with tf.GradientTape() as tape:
        tape.watch(points)
        scores = tf.reshape(critic(points), (-1,))
    rows = tape.gradient(scores, points)
    squares = tf.add_n(
        [tf.square(part) for part in tf.unstack(tf.reshape(rows, (rows.shape[0], -1)), axis=1)]
    )
    return tf.reduce_mean(tf.square(1.0 - tf.sqrt(squares + 1e-16)))


def wgan_gp_train_step(G, critic, real, opts, noise, alpha, penalty_weight=10.0):
    forger, judge = Player(G, opts[0]), Player(critic, opts[1])
    for i in range(real.shape[0]):
        fake = forger(noise[i])
        c_loss = judge.step(
            lambda i=i, fake=fake: (
                critic_loss(judge(real[i]), judge(fake))
                + penalty_weight * gradient_penalty(judge, real[i], fake, alpha[i])
            )
        )
    return forger.step(lambda: generator_loss(judge(forger(noise[-1])))), c_loss
