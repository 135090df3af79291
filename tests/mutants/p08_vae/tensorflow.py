"""TensorFlow's own functions, models as subclasses, the optimizer's older interface."""

import keras
import numpy as np
import tensorflow as tf


class Stack(keras.Model):
    """Dense layers, the hidden ones with ReLU."""

    def __init__(self, widths, size):
        super().__init__()
        self.hidden = [keras.layers.Dense(width, activation=tf.nn.relu) for width in widths]
        self.last = keras.layers.Dense(size)

    def call(self, x):
        for layer in self.hidden:
            x = layer(x)
        return self.last(x)


class Both(keras.Model):
    def __init__(self, encoder, decoder):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def call(self, x):
        return self.decoder(self.encoder(x))


def build_autoencoder(n, latent, hidden=None):
    widths = [] if hidden is None else [hidden]
    encoder, decoder = Stack(widths, latent), Stack(widths, n)
    autoencoder = Both(encoder, decoder)
    autoencoder(tf.zeros((1, n)))
    return [autoencoder, encoder, decoder]


def mse_loss(x, output):
    return tf.reduce_mean(tf.math.squared_difference(x, output), -1)


def bce_loss(x, logits):
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=x, logits=logits), -1)


def denoising_pairs(x, noise, stddev=0.3):
    return tf.add(x, tf.multiply(noise, stddev)), tf.identity(x)


def anomaly_threshold(train_errors):
    mean, variance = tf.nn.moments(tf.convert_to_tensor(train_errors), 0)
    return mean + tf.sqrt(variance)


def find_anomalies(errors, train_errors):
    return tf.greater(errors, anomaly_threshold(train_errors))


def reparameterize(mean, log_var, eps):
    return eps * tf.exp(log_var * 0.5) + mean


class Sampling(keras.layers.Layer):
    """Draws of TensorFlow's generator."""

    def __init__(self, seed=None, **kwargs):
        super().__init__(**kwargs)
        source = tf.random.Generator
        self.generator = source.from_non_deterministic_state() if seed is None else source.from_seed(seed)

    def call(self, mean, log_var, training=False):
        if training:
            return reparameterize(mean, log_var, self.generator.normal(tf.shape(mean)))
        return mean


def kl_divergence(mean, log_var):
    return tf.reduce_sum(mean**2 + tf.exp(log_var) - log_var - 1.0, axis=1) / 2


def reconstruction_loss(x, logits):
    return tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(labels=x, logits=logits), axis=1)


def log_normal_pdf(sample, mean, log_var):
    log2pi = tf.cast(tf.math.log(2.0 * np.pi), tf.float32)
    return tf.reduce_sum(-0.5 * ((sample - mean) ** 2.0 * tf.exp(-log_var) + log_var + log2pi), axis=1)


def elbo(log_likelihood, z, mean, log_var):
    return log_likelihood + log_normal_pdf(z, 0.0, tf.zeros_like(z)) - log_normal_pdf(z, mean, log_var)


def vae_loss(x, logits, mean, log_var):
    return tf.reduce_mean(reconstruction_loss(x, logits)) + tf.reduce_mean(kl_divergence(mean, log_var))


class Encoder(keras.Model):
    def __init__(self, latent, hidden):
        super().__init__()
        self.body = keras.layers.Dense(hidden, "relu")
        self.mean, self.log_var = keras.layers.Dense(latent), keras.layers.Dense(latent)

    def call(self, x):
        h = self.body(x)
        return self.mean(h), self.log_var(h)


def build_encoder(n, latent, hidden=128):
    encoder = Encoder(latent, hidden)
    encoder(tf.zeros((1, n)))
    return encoder


def build_decoder(latent, n, hidden=128):
    decoder = Stack([hidden], n)
    decoder(tf.zeros((1, latent)))
    return decoder


class VAE(keras.Model):
    """Trackers of its own names, no `metrics`: Keras finds the attributes by itself."""

    def __init__(self, encoder, decoder, **kwargs):
        super().__init__(**kwargs)
        self.encoder = encoder
        self.decoder = decoder
        self.sampling = Sampling()
        self.total = keras.metrics.Mean(name="loss")
        self.reconstruction = keras.metrics.Mean(name="reconstruction_loss")
        self.divergence = keras.metrics.Mean(name="kl")

    @property
    def metrics(self):
        return [self.total, self.reconstruction, self.divergence]

    def forward(self, data, training=None):
        x = data[0] if isinstance(data, tuple) else data
        mean, log_var = self.encoder(x)
        z = self.sampling(mean, log_var, training=bool(training))
        return self.decoder(z), mean, log_var

    def call(self, data, training=None):
        logits, _, _ = self.forward(data, training)
        return logits

    def train_step(self, data):
        x = data[0] if isinstance(data, tuple) else data
        with tf.GradientTape() as tape:
            logits, mean, log_var = self.forward(data, True)
            reconstruction = tf.reduce_mean(reconstruction_loss(x, logits))
            divergence = tf.reduce_mean(kl_divergence(mean, log_var))
            total = reconstruction + divergence
        weights = self.trainable_weights
        self.optimizer.apply_gradients(zip(tape.gradient(total, weights), weights, strict=True))
        self.total.update_state(total)
        self.reconstruction.update_state(reconstruction)
        self.divergence.update_state(divergence)
        return {metric.name: metric.result() for metric in self.metrics}

    def generate(self, z):
        return tf.math.sigmoid(self.decoder(z))


class ConditionalVAE(VAE):
    def __init__(self, encoder, decoder, num_classes=10, **kwargs):
        super().__init__(encoder, decoder, **kwargs)
        self.num_classes = num_classes

    def encode(self, x, labels):
        return self.encoder(tf.concat([x, tf.one_hot(labels, self.num_classes)], axis=1))

    def decode(self, z, labels):
        return self.decoder(tf.concat([z, tf.one_hot(labels, self.num_classes)], axis=1))

    def forward(self, data, training=None):
        x, labels = data[0], tf.cast(data[1], tf.int32)
        mean, log_var = self.encode(x, labels)
        z = self.sampling(mean, log_var, training=bool(training))
        return self.decode(z, labels), mean, log_var
