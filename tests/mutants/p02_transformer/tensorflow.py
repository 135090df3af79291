# ruff: noqa: F821 (the notebook defines the other names)
"""TensorFlow's functions, attention written out with the four matrices of problem set 1."""

import tensorflow as tf


def positional_encoding(length, d_model):
    rates = tf.pow(10000.0, -tf.range(0, d_model, 2, dtype=tf.float32) / d_model)
    angles = tf.range(length, dtype=tf.float32)[:, tf.newaxis] * rates[tf.newaxis]
    return tf.reshape(tf.stack([tf.sin(angles), tf.cos(angles)], axis=2), (length, d_model))


def create_padding_mask(ids, pad_id=0):
    return tf.cast(ids - pad_id, tf.bool)[:, tf.newaxis, tf.newaxis]


def create_look_ahead_mask(length):
    return tf.cast(tf.linalg.band_part(tf.ones((length, length)), -1, 0), tf.bool)


def create_combined_mask(ids, pad_id=0):
    weights = tf.cast(create_padding_mask(ids, pad_id), tf.int32)
    return tf.minimum(weights, tf.cast(create_look_ahead_mask(tf.shape(ids)[1]), tf.int32)) > 0


class Attention(tf.keras.layers.Layer):
    def __init__(self, d_model, num_heads):
        super().__init__()
        self.heads, self.depth = num_heads, d_model // num_heads
        self.query_dense, self.key_dense, self.value_dense, self.output_dense = (
            tf.keras.layers.Dense(d_model) for _ in range(4)
        )

    def split(self, x):
        return tf.transpose(tf.reshape(x, (tf.shape(x)[0], -1, self.heads, self.depth)), (0, 2, 1, 3))

    def call(self, query, value, attention_mask=None):
        q, k, v = (
            self.split(self.query_dense(query)),
            self.split(self.key_dense(value)),
            self.split(self.value_dense(value)),
        )
        scores = tf.matmul(q, k, transpose_b=True) / self.depth**0.5
        if attention_mask is not None:
            scores = tf.where(attention_mask, scores, -1e9)
        attended = tf.transpose(tf.matmul(tf.nn.softmax(scores), v), (0, 2, 1, 3))
        return self.output_dense(tf.reshape(attended, (tf.shape(query)[0], -1, self.heads * self.depth)))


class EncoderLayer(tf.keras.layers.Layer):
    def __init__(self, d_model, num_heads, dff, dropout_rate=0.1, **kwargs):
        super().__init__(**kwargs)
        self.rate = dropout_rate
        self.self_attention = Attention(d_model, num_heads)
        self.feed_forward = point_wise_feed_forward(d_model, dff)
        self.self_attention_norm = tf.keras.layers.LayerNormalization(epsilon=1e-6)
        self.feed_forward_norm = tf.keras.layers.LayerNormalization(epsilon=1e-6)

    def call(self, x, self_mask=None, training=None):
        drop = (lambda x: tf.nn.dropout(x, self.rate)) if training else tf.identity
        x = self.self_attention_norm(x + drop(self.self_attention(x, x, self_mask)))
        return self.feed_forward_norm(x + drop(self.feed_forward(x)))


def make_decoder_inputs_and_labels(ids, bos):
    inputs = tf.roll(ids, shift=1, axis=1)
    first = tf.range(tf.shape(ids)[1]) == 0
    return [tf.where(first, tf.cast(bos, ids.dtype), inputs), tf.identity(ids)]
