"""The variational autoencoder as a Keras model with a training step of its own, and one that knows labels."""

import keras
import tensorflow as tf
from keras import ops

from reference_impl.evidence_bound import kl_divergence, reconstruction_loss, vae_loss
from reference_impl.reparameterization import Sampling


def build_encoder(n, latent, hidden=128):
    """`n -> hidden -> (mean, log_var)`: a dense layer with ReLU, then one dense layer for each of the two.

    Args:
        n, latent, hidden: widths.
    Returns: a model that maps `(B, n)` to a pair of `(B, latent)`.
    """
    x = keras.Input((n,))
    h = keras.layers.Dense(hidden, activation="relu")(x)
    mean, log_var = (keras.layers.Dense(latent, name=name)(h) for name in ("mean", "log_var"))
    return keras.Model(x, (mean, log_var), name="encoder")


def build_decoder(latent, n, hidden=128):
    """`latent -> hidden -> n` logits: a dense layer with ReLU, then a dense layer.

    Args:
        latent, n, hidden: widths.
    Returns: a model that maps `(B, latent)` to `(B, n)`.
    """
    layers = [keras.layers.Dense(hidden, activation="relu"), keras.layers.Dense(n)]
    return keras.Sequential([keras.Input((latent,)), *layers], name="decoder")


class VAE(keras.Model):
    """A variational autoencoder that trains itself: `compile(optimizer)`, then `fit(x)`.

    Args:
        encoder: maps `(B, n)` to the pair `(mean, log_var)`; kept as the attribute `encoder`.
        decoder: maps `(B, latent)` to logits `(B, n)`; kept as the attribute `decoder`.
    Call arguments:
        data: `(B, n)`.
        training: whether the code is drawn; otherwise it is the mean.
    Output: logits `(B, n)`.
    """

    def __init__(self, encoder, decoder, **kwargs):
        """Keep the networks, a `Sampling` layer, and three means that are followed through an epoch."""
        super().__init__(**kwargs)
        self.encoder, self.decoder, self.sampling = encoder, decoder, Sampling()
        self.trackers = [keras.metrics.Mean(name) for name in ("loss", "reconstruction_loss", "kl")]

    @property
    def metrics(self):
        """The three means. Keras resets what is listed here when an epoch begins."""
        return self.trackers

    def forward(self, data, training=None):
        """Logits, mean and log_var for a batch as `fit` hands it over: x, or a tuple that x begins."""
        x, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        mean, log_var = self.encoder(x)
        return self.decoder(self.sampling(mean, log_var, training=training)), mean, log_var

    def call(self, data, training=None):
        """Logits alone."""
        return self.forward(data, training=training)[0]

    def train_step(self, data):
        """One step of the optimizer down the gradient of `vae_loss`, with a drawn code.

        Returns: a dict with `loss`, `reconstruction_loss` and `kl`, each the mean over the batches of this
            epoch so far of the batch's mean, before the step.
        """
        x, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            logits, mean, log_var = self.forward(data, training=True)
            loss = vae_loss(x, logits, mean, log_var)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        values = (loss, reconstruction_loss(x, logits), kl_divergence(mean, log_var))
        for tracker, value in zip(self.trackers, values, strict=True):
            tracker.update_state(value)
        return {tracker.name: tracker.result() for tracker in self.trackers}

    def generate(self, z):
        """Pixels from 0 to 1, `(B, n)`, for codes `(B, latent)`: the probabilities, not the logits."""
        return ops.sigmoid(self.decoder(z))


class ConditionalVAE(VAE):
    """A VAE whose encoder and decoder are both told the label: `fit(x, labels)`.

    The label, as a one-hot vector, stands behind the features that each network gets.

    Args:
        encoder: maps `(B, n + num_classes)` to the pair `(mean, log_var)`.
        decoder: maps `(B, latent + num_classes)` to logits `(B, n)`.
        num_classes: labels are integers from 0 to num_classes - 1.
    Call arguments:
        data: a pair of x `(B, n)` and labels `(B,)`.
        training: whether the code is drawn.
    Output: logits `(B, n)`.
    Source: Sohn et al. 2015; Kingma et al. 2014.
    """

    def __init__(self, encoder, decoder, num_classes=10, **kwargs):
        """Keep the networks and the number of labels."""
        super().__init__(encoder, decoder, **kwargs)
        self.num_classes = num_classes

    def encode(self, x, labels):
        """Mean and log_var, each `(B, latent)`, of x `(B, n)` with labels `(B,)`."""
        return self.encoder(self.labelled(x, labels))

    def decode(self, z, labels):
        """Logits `(B, n)` for codes `(B, latent)` with labels `(B,)`."""
        return self.decoder(self.labelled(z, labels))

    def forward(self, data, training=None):
        """Logits, mean and log_var for a batch `(x, labels)`, as `fit` hands it over."""
        x, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
        mean, log_var = self.encode(x, labels)
        return self.decode(self.sampling(mean, log_var, training=training), labels), mean, log_var

    def labelled(self, features, labels):
        """Features `(B, k)` and, behind them, one-hot labels: `(B, k + num_classes)`."""
        one_hot = ops.one_hot(ops.cast(labels, "int32"), self.num_classes, dtype=features.dtype)
        return ops.concatenate([features, one_hot], axis=-1)
