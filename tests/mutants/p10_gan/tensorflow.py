"""TensorFlow's functions, as in its tutorials: cross-entropies of labels, loops of iterators."""

import numpy as np
import tensorflow as tf

from reference_impl.ring import (
    RING_BATCH,
    RING_NOISE_DIM,
    make_ring_discriminator,
    make_ring_generator,
    make_ring_optimizer,
    sample_ring,
)


def cross_entropy(labels, logits):
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits))


def discriminator_loss(real_logits, fake_logits):
    real_loss = cross_entropy(tf.ones_like(real_logits), real_logits)
    fake_loss = cross_entropy(tf.zeros_like(fake_logits), fake_logits)
    return real_loss + fake_loss


def generator_loss_nonsaturating(fake_logits):
    return cross_entropy(tf.ones_like(fake_logits), fake_logits)


def generator_loss_minimax(fake_logits):
    return -cross_entropy(tf.zeros_like(fake_logits), fake_logits)


def optimal_discriminator(p_data, p_model):
    share = tf.math.divide_no_nan(p_data, p_data + p_model)
    return share + 0.5 * tf.cast(p_data + p_model == 0, share.dtype)


def kl(p, q):
    return tf.reduce_sum(tf.math.xlogy(p, p) - tf.math.xlogy(p, q))


def js_divergence(p, q):
    m = 0.5 * (p + q)
    return 0.5 * kl(p, m) + 0.5 * kl(q, m)


def gan_train_step(G, D, real, opts, noise):
    """The generator's fakes are made within the tape of both steps."""
    g_opt, d_opt = opts
    first, second = tf.unstack(noise)
    with tf.GradientTape() as tape:
        d_loss = discriminator_loss(D(real, training=True), D(G(first, training=True), training=True))
    d_opt.apply_gradients(zip(tape.gradient(d_loss, D.trainable_weights), D.trainable_weights, strict=True))
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch([variable.value for variable in G.trainable_weights])
        g_loss = generator_loss_nonsaturating(D(G(second, training=True), training=True))
    g_opt.apply_gradients(zip(tape.gradient(g_loss, G.trainable_weights), G.trainable_weights, strict=True))
    return [g_loss, d_loss]


def train_ring_gan(seed, steps=2000):
    tf.keras.utils.set_random_seed(seed)
    G, D = make_ring_generator(), make_ring_discriminator()
    g_opt, d_opt = make_ring_optimizer(steps), make_ring_optimizer(steps)

    @tf.function(autograph=False)
    def round_of(real, noise):
        return tf.stack(gan_train_step(G, D, real, (g_opt, d_opt), noise))

    losses = tf.TensorArray(tf.float32, steps)
    for i in range(steps):
        noise = tf.stack([tf.random.normal((RING_BATCH, RING_NOISE_DIM)) for _ in range(2)])
        losses = losses.write(i, round_of(sample_ring(RING_BATCH), noise))
    return G, D, losses.stack()


def prepare_images(images):
    return (images[..., tf.newaxis] - 0.5) / 0.5


def make_generator(noise_dim, image_shape, width=32):
    """Plain ReLUs, biases, kernels of 5, tanh as a layer of its own."""
    h, w, c = image_shape
    L = tf.keras.layers
    model = tf.keras.Sequential([tf.keras.Input((noise_dim,))])
    model.add(L.Dense((h // 4) * (w // 4) * 2 * width))
    model.add(L.BatchNormalization())
    model.add(L.ReLU())
    model.add(L.Reshape((h // 4, w // 4, 2 * width)))
    model.add(L.Conv2DTranspose(width, 5, strides=2, padding="same"))
    model.add(L.BatchNormalization())
    model.add(L.ReLU())
    model.add(L.Conv2DTranspose(c, 5, strides=2, padding="same"))
    model.add(L.Activation("tanh"))
    return model


def make_discriminator(image_shape, width=32):
    """Dropout in the place of normalization, as in TensorFlow's tutorial."""
    L = tf.keras.layers
    return tf.keras.Sequential(
        [
            tf.keras.Input(image_shape),
            L.Conv2D(width, 5, strides=2, padding="same", activation="leaky_relu"),
            L.Dropout(0.3),
            L.Conv2D(2 * width, 5, strides=2, padding="same", activation="leaky_relu"),
            L.Dropout(0.3),
            L.Flatten(),
            L.Dense(1),
        ]
    )


def wasserstein_1d(p, q):
    return tf.norm(tf.cumsum(p) - tf.cumsum(q), ord=1)


def critic_loss(real_scores, fake_scores):
    return -(tf.reduce_mean(real_scores) - tf.reduce_mean(fake_scores))


def generator_loss(fake_scores):
    return tf.reduce_mean(-fake_scores)


def clip_weights(critic, c=0.01):
    for weight in critic.trainable_weights:
        weight.assign(tf.clip_by_value(weight, -c, c))


def wgan_train_step(G, critic, real, opts, noise, c=0.01):
    g_opt, c_opt = opts
    n_critic = real.shape[0]
    for i in range(n_critic):
        with tf.GradientTape() as tape:
            fake = G(noise[i], training=True)
            c_loss = critic_loss(critic(real[i], training=True), critic(fake, training=True))
        weights = critic.trainable_weights
        c_opt.apply_gradients(zip(tape.gradient(c_loss, weights), weights, strict=True))
        clip_weights(critic, c=c)
    with tf.GradientTape() as tape:
        g_loss = generator_loss(critic(G(noise[n_critic], training=True), training=True))
    g_opt.apply_gradients(zip(tape.gradient(g_loss, G.trainable_weights), G.trainable_weights, strict=True))
    return g_loss, c_loss


def draw_alpha(samples):
    shape = [samples.shape[0]] + [1] * (len(samples.shape) - 1)
    return tf.random.uniform(shape, 0.0, 1.0)


def interpolate(real, fake, alpha):
    return fake + alpha * (real - fake)


def gradient_penalty(critic, real, fake, alpha):
    """As in the Keras example, with the root's argument kept from 0."""
    interpolated = interpolate(real, fake, alpha)
    with tf.GradientTape() as tape:
        tape.watch(interpolated)
        prediction = critic(interpolated)
    [gradients] = tape.gradient(prediction, [interpolated])
    squares = tf.reduce_sum(tf.square(gradients), axis=np.arange(1, len(gradients.shape)))
    return tf.reduce_mean((tf.sqrt(tf.maximum(squares, 1e-12)) - 1.0) ** 2)


def wgan_gp_train_step(G, critic, real, opts, noise, alpha, penalty_weight=10.0):
    g_opt, c_opt = opts
    for real_i, noise_i, alpha_i in zip(
        tf.unstack(real), tf.unstack(noise)[:-1], tf.unstack(alpha), strict=True
    ):
        with tf.GradientTape() as tape:
            fake = G(noise_i, training=True)
            scores = critic(real_i, training=True), critic(fake, training=True)
            penalty = gradient_penalty(critic, real_i, fake, alpha_i)
            c_loss = critic_loss(*scores) + penalty_weight * penalty
        weights = critic.trainable_weights
        c_opt.apply_gradients(zip(tape.gradient(c_loss, weights), weights, strict=True))
    with tf.GradientTape() as tape:
        g_loss = generator_loss(critic(G(noise[-1], training=True), training=True))
    g_opt.apply_gradients(zip(tape.gradient(g_loss, G.trainable_weights), G.trainable_weights, strict=True))
    return g_loss, c_loss
