"""Where a token stands: sinusoids added to the embedding of what it is."""

import keras
import numpy as np
from keras import ops


def positional_encoding(length, d_model):
    """One vector per position: sines and cosines of ever longer wavelengths.

    Features 2i and 2i + 1 are sin(t / 10000^(2i / d_model)) and cos of the same angle, for position t.

    Args:
        length: number of positions, counted from 0.
        d_model: number of features, even.
    Returns: float32 `(length, d_model)`.
    Source: Vaswani et al. 2017, section 3.5.
    """
    position = np.arange(length)[:, None]
    wavelength = 10000 ** (np.arange(0, d_model, 2) / d_model)
    angles = position / wavelength  # (length, d_model / 2)
    pairs = np.stack([np.sin(angles), np.cos(angles)], axis=-1)  # (length, d_model / 2, 2)
    return pairs.reshape(length, d_model).astype("float32")


class PositionalEmbedding(keras.layers.Layer):
    """Look up each token's vector, times sqrt(d_model), add that of its position, then dropout on the sum.

    The table of vectors is the attribute `embedding`, a `keras.layers.Embedding(vocab_size, d_model)`.

    Args:
        vocab_size: number of token ids, padding included.
        d_model: features of a token, even.
        dropout_rate: share of the features set to 0 in training.
    Call arguments:
        ids: integers `(B, T)`.
        training: whether dropout is active.
    Output: `(B, T, d_model)`.
    Source: Vaswani et al. 2017, sections 3.4, 3.5 and 5.4.
    """

    def __init__(self, vocab_size, d_model, dropout_rate=0.1, **kwargs):
        """Create the table and the dropout."""
        super().__init__(**kwargs)
        self.d_model = d_model
        self.embedding = keras.layers.Embedding(vocab_size, d_model)
        self.dropout = keras.layers.Dropout(dropout_rate)

    def call(self, ids, training=None):
        """Say what stands where."""
        x = self.embedding(ids) * self.d_model**0.5
        x = x + positional_encoding(ops.shape(ids)[1], self.d_model)  # (B, T, D) + (T, D)
        return self.dropout(x, training=training)
