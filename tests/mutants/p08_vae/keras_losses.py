"""Keras's losses and its own bookkeeping, networks as layers of the functional interface."""

import math

import keras
import numpy as np
import tensorflow as tf
from keras import layers, losses, ops


def build_autoencoder(n, latent, hidden=None):
    """One graph; encoder and decoder are cut out of it."""
    image = keras.Input((n,))
    h = layers.Dense(hidden, activation="relu")(image) if hidden else image
    code = layers.Dense(latent)(h)
    tail = [layers.Dense(hidden, activation="relu")] if hidden else []
    tail.append(layers.Dense(n))
    given = keras.Input((latent,))
    output, decoded = code, given
    for layer in tail:
        output, decoded = layer(output), layer(decoded)
    return keras.Model(image, output), keras.Model(image, code), keras.Model(given, decoded)


def mse_loss(x, output):
    return losses.mean_squared_error(x, output)


def bce_loss(x, logits):
    return losses.binary_crossentropy(x, logits, from_logits=True)


def denoising_pairs(x, noise, stddev=0.3):
    """NumPy is fine where no gradient passes."""
    return np.array(x) + stddev * np.array(noise), x


def anomaly_threshold(train_errors):
    errors = np.asarray(train_errors, dtype=np.float64)
    return float(errors.mean() + np.sqrt(((errors - errors.mean()) ** 2).mean()))


def find_anomalies(errors, train_errors):
    limit = anomaly_threshold(train_errors)
    return [bool(error > limit) for error in np.asarray(errors)]


def reparameterize(mean, log_var, eps):
    sigma = ops.sqrt(ops.exp(log_var))
    return ops.add(ops.multiply(sigma, eps), mean)


class Sampling(layers.Layer):
    """Standard normal draws of Keras, scaled in the layer."""

    def __init__(self, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.noise = keras.random.SeedGenerator(seed=seed)

    def call(self, mean, log_var, training=None):
        if training:
            return mean + ops.exp(log_var / 2) * keras.random.normal(ops.shape(log_var), seed=self.noise)
        return mean


def kl_divergence(mean, log_var):
    def one(j):
        return 0.5 * (ops.exp(log_var[:, j]) + mean[:, j] ** 2 - 1 - log_var[:, j])

    return sum(one(j) for j in range(mean.shape[-1]))


def reconstruction_loss(x, logits):
    return x.shape[-1] * losses.binary_crossentropy(x, logits, from_logits=True)


def log_normal_pdf(sample, mean, log_var):
    sample, mean, log_var = (np.asarray(part, dtype=np.float64) for part in (sample, mean, log_var))
    deviation = np.exp(log_var / 2)
    density = -((sample - mean) ** 2) / (2 * deviation**2) - np.log(deviation) - math.log(2 * math.pi) / 2
    return density.sum(axis=-1)


def elbo(log_likelihood, z, mean, log_var):
    zeros = np.zeros(z.shape)
    return np.asarray(log_likelihood) + log_normal_pdf(z, zeros, zeros) - log_normal_pdf(z, mean, log_var)


def vae_loss(x, logits, mean, log_var):
    return ops.average(ops.add(kl_divergence(mean, log_var), reconstruction_loss(x, logits)))


def build_encoder(n, latent, hidden=128):
    image = keras.Input((n,))
    h = layers.Activation("relu")(layers.Dense(hidden)(image))
    return keras.Model(image, [layers.Dense(latent)(h), layers.Dense(latent)(h)])


def build_decoder(latent, n, hidden=128):
    code = keras.Input((latent,))
    return keras.Model(code, layers.Dense(n)(layers.ReLU()(layers.Dense(hidden)(code))))


class VAE(keras.Model):
    """Keras's `compute_loss` in the place of the method, its metrics found by attribute."""

    def __init__(self, encoder, decoder, **kwargs):
        super().__init__(**kwargs)
        self.encoder, self.decoder, self.sampling = encoder, decoder, Sampling()
        self.means = {name: keras.metrics.Mean(name=name) for name in ("loss", "reconstruction_loss", "kl")}

    @property
    def metrics(self):
        return list(self.means.values())

    def forward(self, data, training=None):
        x = keras.utils.unpack_x_y_sample_weight(data)[0]
        mean, log_var = self.encoder(x, training=training)
        return self.decoder(self.sampling(mean, log_var, training=training), training=training), mean, log_var

    def call(self, data, training=None):
        return self.forward(data, training=training)[0]

    def train_step(self, data):
        x = keras.utils.unpack_x_y_sample_weight(data)[0]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([v.value for v in self.trainable_variables])
            logits, mean, log_var = self.forward(data, training=True)
            loss = vae_loss(x, logits, mean, log_var)
        gradients = tape.gradient(loss, [v.value for v in self.trainable_variables])
        self.optimizer.apply(gradients, self.trainable_variables)
        self.means["loss"].update_state(loss)
        self.means["reconstruction_loss"].update_state(ops.mean(reconstruction_loss(x, logits)))
        self.means["kl"].update_state(loss - ops.mean(reconstruction_loss(x, logits)))
        return {name: mean.result() for name, mean in self.means.items()}

    def generate(self, z):
        return keras.activations.sigmoid(self.decoder(z))


class ConditionalVAE(VAE):
    def __init__(self, encoder, decoder, num_classes=10, **kwargs):
        super().__init__(encoder, decoder, **kwargs)
        self.one_hot = layers.CategoryEncoding(num_classes, output_mode="one_hot")

    def encode(self, x, labels):
        return self.encoder(layers.concatenate([x, self.one_hot(labels)]))

    def decode(self, z, labels):
        return self.decoder(layers.concatenate([z, self.one_hot(labels)]))

    def forward(self, data, training=None):
        x, labels = data
        mean, log_var = self.encode(x, labels)
        return self.decode(self.sampling(mean, log_var, training=training), labels), mean, log_var
