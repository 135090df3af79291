# ruff: noqa: F821 (the notebook defines the other names)
"""Einsum, and NumPy where nothing is learned; stacks and logits written otherwise."""

import keras
import numpy as np
from keras import ops


def positional_encoding(length, d_model):
    feature = np.arange(d_model)
    angles = np.einsum("t,d->td", np.arange(length), 10000.0 ** -(2 * (feature // 2) / d_model))
    return np.where(feature % 2 == 0, np.sin(angles), np.cos(angles))


def create_padding_mask(ids, pad_id=0):
    ids = np.asarray(ids)
    return np.array([[[[token != pad_id for token in row]]] for row in ids.tolist()])


def create_look_ahead_mask(length):
    return np.array([[column <= row for column in range(length)] for row in range(length)])


def create_combined_mask(ids, pad_id=0):
    return np.einsum("bhit,jt->bhjt", create_padding_mask(ids, pad_id), create_look_ahead_mask(ids.shape[1]))


class point_wise_feed_forward(keras.layers.Layer):
    """A layer of weights of its own."""

    def __init__(self, d_model, dff):
        super().__init__()
        self.sizes = d_model, dff

    def build(self, shape):
        d_model, dff = self.sizes
        self.w1, self.b1 = (
            self.add_weight(shape=(d_model, dff)),
            self.add_weight(shape=(dff,), initializer="zeros"),
        )
        self.w2, self.b2 = (
            self.add_weight(shape=(dff, d_model)),
            self.add_weight(shape=(d_model,), initializer="zeros"),
        )

    def call(self, x):
        hidden = ops.relu(ops.einsum("btd,df->btf", x, self.w1) + self.b1)
        return ops.einsum("btf,fd->btd", hidden, self.w2) + self.b2


class Encoder(keras.Model):
    def __init__(self, num_layers, d_model, num_heads, dff, dropout_rate=0.1, **kwargs):
        super().__init__(**kwargs)
        self.encoder_layers = []
        while len(self.encoder_layers) < num_layers:
            self.encoder_layers.append(EncoderLayer(d_model, num_heads, dff, dropout_rate=dropout_rate))

    def call(self, x, self_mask=None, training=None):
        for number in range(len(self.encoder_layers)):
            x = self.encoder_layers[number](x, self_mask)
        return x


class Transformer(keras.layers.Layer):
    """A layer instead of a model; logits by einsum."""

    def __init__(self, num_layers, d_model, num_heads, dff, vocab_size, dropout_rate=0.1, **kwargs):
        super().__init__(**kwargs)
        self.decoder = Decoder(num_layers, d_model, num_heads, dff, dropout_rate)
        self.encoder = Encoder(num_layers, d_model, num_heads, dff, dropout_rate)
        self.embedding = PositionalEmbedding(vocab_size, d_model, dropout_rate)

    def call(self, inputs, training=None):
        context_mask = ops.not_equal(inputs[0], 0)[:, None, None]
        context = self.encoder(self.embedding(inputs[0]), context_mask)
        x = self.decoder(self.embedding(inputs[1]), context, create_combined_mask(inputs[1]), context_mask)
        return ops.einsum("btd,vd->btv", x, self.embedding.embedding.embeddings)


def make_decoder_inputs_and_labels(ids, bos):
    ids = np.asarray(ids)
    inputs = np.full_like(ids, bos)
    inputs[:, 1:] = ids[:, :-1]
    return inputs.tolist(), ids
