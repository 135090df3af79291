"""Products as einsum, weights of its own, a conditional model that inherits nothing."""

import math

import keras
import tensorflow as tf
from keras import ops


class Affine(keras.layers.Layer):
    """x W + b, and a ReLU if asked for."""

    def __init__(self, size, relu=False):
        super().__init__()
        self.size, self.relu = size, relu

    def build(self, shape):
        self.kernel = self.add_weight(
            shape=(shape[-1], self.size), initializer="glorot_uniform", name="kernel"
        )
        self.bias = self.add_weight(shape=(self.size,), initializer="zeros", name="bias")

    def call(self, x):
        y = ops.einsum("bi,ij->bj", x, self.kernel) + self.bias
        return ops.maximum(y, 0.0) if self.relu else y


def build_autoencoder(n, latent, hidden=None):
    front = [Affine(hidden, relu=True)] if hidden else []
    back = [Affine(hidden, relu=True)] if hidden else []
    encoder = keras.Sequential([*front, Affine(latent)])
    decoder = keras.Sequential([*back, Affine(n)])
    autoencoder = keras.Sequential([keras.Input((n,)), encoder, decoder])
    return autoencoder, encoder, decoder


def mse_loss(x, output):
    return ops.einsum("bi,bi->b", output - x, output - x) / x.shape[-1]


def bce_loss(x, logits):
    positive = ops.maximum(logits, 0.0)
    return ops.mean(positive - x * logits + ops.log1p(ops.exp(-ops.abs(logits))), axis=1)


def denoising_pairs(x, noise, stddev=0.3):
    disturbance = noise * stddev
    return [disturbance + x, x]


def anomaly_threshold(train_errors):
    mean = ops.mean(train_errors)
    return mean + ops.sqrt(ops.mean((train_errors - mean) ** 2))


def find_anomalies(errors, train_errors):
    return ops.logical_not(errors <= anomaly_threshold(train_errors))


def reparameterize(mean, log_var, eps):
    return mean + ops.einsum("bi,bi->bi", ops.exp(log_var / 2), eps)


class Sampling(keras.layers.Layer):
    """Stateless draws; the state is a counter."""

    def __init__(self, seed=None, **kwargs):
        super().__init__(**kwargs)
        first = keras.random.randint((), 0, 2**30) if seed is None else seed
        self.first = int(first)
        self.counter = tf.Variable(0, trainable=False, dtype=tf.int32)

    def call(self, mean, log_var, training=False):
        if not training:
            return mean
        key = tf.stack([self.first, self.counter.assign_add(1)])
        return reparameterize(mean, log_var, tf.random.stateless_normal(tf.shape(mean), key))


def kl_divergence(mean, log_var):
    squares = ops.einsum("bi,bi->b", mean, mean)
    return 0.5 * (squares + ops.sum(ops.expm1(log_var) - log_var, axis=-1))


def reconstruction_loss(x, logits):
    likelihood = x * ops.log_sigmoid(logits) + (1 - x) * ops.log_sigmoid(-logits)
    return -ops.einsum("bi->b", likelihood)


def log_normal_pdf(sample, mean, log_var):
    standard = (sample - mean) * ops.exp(-0.5 * log_var)
    squares = ops.einsum("bi,bi->b", standard, standard)
    return -0.5 * (sample.shape[-1] * math.log(2 * math.pi) + ops.sum(log_var, axis=-1) + squares)


def elbo(log_likelihood, z, mean, log_var):
    """The constants of the two densities cancel."""
    standard = (z - mean) * ops.exp(-0.5 * log_var)
    difference = ops.einsum("bi,bi->b", standard, standard) - ops.einsum("bi,bi->b", z, z)
    return log_likelihood + 0.5 * (ops.sum(log_var, axis=-1) + difference)


def vae_loss(x, logits, mean, log_var):
    losses = reconstruction_loss(x, logits) + kl_divergence(mean, log_var)
    return ops.sum(losses) / ops.cast(ops.shape(losses)[0], losses.dtype)


class Encoder(keras.layers.Layer):
    """Both heads are one matrix product with the hidden layer."""

    def __init__(self, n, latent, hidden):
        super().__init__()
        self.body, self.mean, self.log_var = Affine(hidden, relu=True), Affine(latent), Affine(latent)
        self.body.build((None, n))
        self.mean.build((None, hidden))
        self.log_var.build((None, hidden))

    def call(self, x):
        h = self.body(x)
        return [self.mean(h), self.log_var(h)]


def build_encoder(n, latent, hidden=128):
    return Encoder(n, latent, hidden)


def build_decoder(latent, n, hidden=128):
    return keras.Sequential([keras.Input((latent,)), Affine(hidden, relu=True), Affine(n)])


class Trained(keras.Model):
    """The step that both models share; each says how a batch is encoded and decoded."""

    def __init__(self, encoder, decoder, **kwargs):
        super().__init__(**kwargs)
        self.encoder, self.decoder, self.sampling = encoder, decoder, Sampling()
        self.trackers = [keras.metrics.Mean(name) for name in ("loss", "reconstruction_loss", "kl")]

    @property
    def metrics(self):
        return self.trackers

    def call(self, data, training=False):
        return self.forward(data, training)[0]

    def train_step(self, data):
        x = data[0] if isinstance(data, (tuple, list)) else data
        with tf.GradientTape() as tape:
            logits, mean, log_var = self.forward(data, True)
            parts = reconstruction_loss(x, logits), kl_divergence(mean, log_var)
            loss = ops.mean(parts[0] + parts[1])
        trained = [*self.encoder.trainable_variables, *self.decoder.trainable_variables]
        self.optimizer.apply(tape.gradient(loss, trained), trained)
        for tracker, value in zip(self.trackers, (loss, *parts), strict=True):
            tracker.update_state(value)
        return {tracker.name: tracker.result() for tracker in self.trackers}

    def generate(self, z):
        return 1 / (1 + ops.exp(-self.decoder(z)))


class VAE(Trained):
    def forward(self, data, training=False):
        x = data[0] if isinstance(data, (tuple, list)) else data
        mean, log_var = self.encoder(x)
        return self.decoder(self.sampling(mean, log_var, training=training)), mean, log_var


class ConditionalVAE(Trained):
    """Labels by comparison with all of them."""

    def __init__(self, encoder, decoder, num_classes=10, **kwargs):
        super().__init__(encoder, decoder, **kwargs)
        self.num_classes = num_classes

    def _behind(self, features, labels):
        all_labels = tf.range(self.num_classes)
        one_hot = tf.cast(tf.cast(labels, tf.int32)[:, None] == all_labels, features.dtype)
        return tf.concat([features, one_hot], axis=-1)

    def encode(self, x, labels):
        return self.encoder(self._behind(x, labels))

    def decode(self, z, labels):
        return self.decoder(self._behind(z, labels))

    def forward(self, data, training=False):
        x, labels = data
        mean, log_var = self.encode(x, labels)
        return self.decode(self.sampling(mean, log_var, training=training), labels), mean, log_var
