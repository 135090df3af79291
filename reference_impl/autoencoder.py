"""Autoencoders: a network that repeats its input through a bottleneck, and two uses of its error."""

import keras
from keras import ops


def build_autoencoder(n, latent, hidden=None):
    """Three models that share their layers: `autoencoder(x)` is `decoder(encoder(x))`.

    The encoder is `n -> hidden -> latent`, the decoder `latent -> hidden -> n`: dense layers with biases,
    ReLU after the hidden ones, nothing after the last of each. Without `hidden` both are a single dense
    layer, so that the whole is affine.

    Args:
        n: features of an example.
        latent: features of its code.
        hidden: width of the hidden layers, or None.
    Returns: `(autoencoder, encoder, decoder)`, mapping `(B, n)` to `(B, n)`, `(B, n)` to `(B, latent)` and
        `(B, latent)` to `(B, n)`.
    Source: Baldi & Hornik 1989 (the affine case is PCA); Hinton & Salakhutdinov 2006.
    """
    widths = [hidden] if hidden else []

    def stack(name, size_in, size_out):
        layers = [keras.layers.Dense(width, activation="relu") for width in widths]
        return keras.Sequential([keras.Input((size_in,)), *layers, keras.layers.Dense(size_out)], name=name)

    encoder, decoder = stack("encoder", n, latent), stack("decoder", latent, n)
    x = keras.Input((n,))
    return keras.Model(x, decoder(encoder(x)), name="autoencoder"), encoder, decoder


def mse_loss(x, output):
    """Mean squared error of each example: the mean over its features, and over nothing else.

    Args:
        x, output: `(B, n)`.
    Returns: `(B,)`.
    """
    return ops.mean(ops.square(output - x), axis=-1)


def bce_loss(x, logits):
    """Binary cross-entropy of each example in nats: the mean over its features, and over nothing else.

    A feature costs -x log p - (1 - x) log(1 - p) with p = sigmoid(logit). Logits of any size are fine.

    Args:
        x: `(B, n)`, from 0 to 1.
        logits: `(B, n)`.
    Returns: `(B,)`, at least 0.
    """
    return ops.mean(
        ops.softplus(logits) - x * logits, axis=-1
    )  # log(1 + e^l) - x l, and no log of a p that is 0


def denoising_pairs(x, noise, stddev=0.3):
    """What a denoising autoencoder is trained on: disturbed inputs and what they should become.

    Args:
        x: `(B, n)`.
        noise: `(B, n)`, draws from N(0, 1).
        stddev: of the disturbance. Nothing is clipped.
    Returns: `(inputs, targets)`, both `(B, n)`.
    Source: Vincent et al. 2008.
    """
    return x + stddev * noise, x


def anomaly_threshold(train_errors):
    """The error above which an example counts as an anomaly: mean + standard deviation, of training errors.

    Args:
        train_errors: `(N,)`; the standard deviation is that of these numbers (divided by N).
    Returns: a number.
    """
    return ops.mean(train_errors) + ops.std(train_errors)


def find_anomalies(errors, train_errors):
    """Which examples are reconstructed worse than the threshold of the training set allows.

    Args:
        errors: `(B,)`, of the examples in question.
        train_errors: `(N,)`.
    Returns: booleans `(B,)`, True = anomaly.
    """
    return errors > anomaly_threshold(train_errors)
