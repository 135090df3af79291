"""Keras's own layers for sums and look-ups, the Functional API, look-ahead by tril."""

import keras
import numpy as np
from keras import ops


def positional_encoding(length, d_model):
    encoding = np.zeros((length, d_model))
    for i in range(0, d_model, 2):
        angles = np.arange(length) * np.exp(-np.log(10000.0) * i / d_model)
        encoding[:, i], encoding[:, i + 1] = np.sin(angles), np.cos(angles)
    return encoding


class PositionalEmbedding(keras.layers.Layer):
    def __init__(self, vocab_size, d_model, dropout_rate=0.1, **kwargs):
        super().__init__(**kwargs)
        self.embedding = keras.layers.Embedding(vocab_size, d_model)
        self.drop = keras.layers.Dropout(dropout_rate)
        self.width = d_model

    def call(self, ids, training=None):
        tokens = ops.sqrt(float(self.width)) * self.embedding(ids)
        positions = ops.cast(positional_encoding(ids.shape[1], self.width), tokens.dtype)
        return self.drop(
            keras.layers.Add()([tokens, ops.broadcast_to(positions, tokens.shape)]), training=training
        )


def create_padding_mask(ids, pad_id=0):
    return ops.expand_dims(ops.logical_not(ops.equal(ids, pad_id)), (1, 2))


def create_look_ahead_mask(length):
    return ops.tril(ops.ones((length, length), dtype="bool"))


def create_combined_mask(ids, pad_id=0):
    return create_padding_mask(ids, pad_id) & create_look_ahead_mask(ids.shape[1])[None, None]


def point_wise_feed_forward(d_model, dff):
    inputs = keras.Input((None, d_model))
    hidden = keras.layers.ReLU()(keras.layers.Dense(dff)(inputs))
    return keras.Model(inputs, keras.layers.Dense(d_model)(hidden))


class DecoderLayer(keras.layers.Layer):
    """A dropout for each part; sub-layers in another order; the flag left to Keras."""

    def __init__(self, d_model, num_heads, dff, dropout_rate=0.1, **kwargs):
        super().__init__(**kwargs)
        norm = lambda: keras.layers.LayerNormalization(epsilon=1e-6)  # noqa: E731
        self.feed_forward = point_wise_feed_forward(d_model, dff)
        self.self_attention_norm, self.cross_attention_norm, self.feed_forward_norm = norm(), norm(), norm()
        self.cross_attention = keras.layers.MultiHeadAttention(num_heads, d_model // num_heads)
        self.self_attention = keras.layers.MultiHeadAttention(num_heads, d_model // num_heads)
        self.drops = [keras.layers.Dropout(dropout_rate) for _ in range(3)]

    def call(self, x, context, self_mask=None, cross_mask=None, training=None):
        parts = (
            (
                lambda x: self.self_attention(query=x, key=x, value=x, attention_mask=self_mask),
                self.self_attention_norm,
            ),
            (
                lambda x: self.cross_attention(x, context, attention_mask=cross_mask),
                self.cross_attention_norm,
            ),
            (self.feed_forward, self.feed_forward_norm),
        )
        for (part, norm), drop in zip(parts, self.drops, strict=True):
            x = norm(drop(part(x)) + x)
        return x


def make_decoder_inputs_and_labels(ids, bos):
    return ops.pad(ids[:, :-1], ((0, 0), (1, 0)), constant_values=bos), ids
