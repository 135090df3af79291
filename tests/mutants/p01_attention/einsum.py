"""Einsum, kernels (D, h, D / h)."""

import keras
import tensorflow as tf
from keras import ops


def hard_lookup(query, keys, values):
    best = tf.argmax(tf.einsum("td,d->t", keys, query))
    return tf.einsum("t,tv->v", tf.one_hot(best, tf.shape(keys)[0]), values)


def soft_lookup(query, keys, values, scale=1.0):
    weights = tf.nn.softmax(tf.einsum("d,td->t", scale * query, keys))
    return tf.einsum("t,tv->v", weights, values), weights


def scaled_dot_product_attention(query, key, value, attention_mask=None):
    scores = tf.einsum("...qd,...kd->...qk", query, key) * tf.cast(query.shape[-1], query.dtype) ** -0.5
    if attention_mask is not None:
        scores = tf.where(attention_mask, scores, scores.dtype.min)
    weights = tf.nn.softmax(scores)
    return tf.einsum("...qk,...kv->...qv", weights, value), weights


def split_heads(x, num_heads):
    return tf.stack(tf.split(x, num_heads, axis=-1), axis=1)


def merge_heads(x):
    return tf.concat(tf.unstack(x, axis=1), axis=-1)


class MultiHeadAttention(keras.layers.Layer):
    """Kernels (D, h, D / h), as in Keras."""

    def __init__(self, d_model, num_heads, **kwargs):
        super().__init__(**kwargs)
        if d_model % num_heads != 0:
            raise ValueError("heads")
        depth = d_model // num_heads
        for name in ("query_dense", "key_dense", "value_dense"):
            dense = keras.layers.EinsumDense("btd,dhe->bthe", (None, num_heads, depth), bias_axes="he")
            setattr(self, name, dense)
        self.output_dense = keras.layers.EinsumDense("bthe,hed->btd", (None, d_model), bias_axes="d")

    def call(self, query, value, key=None, attention_mask=None, return_attention_scores=False):
        query, key, value = (
            self.query_dense(query),
            self.key_dense(value if key is None else key),
            self.value_dense(value),
        )
        scores = ops.einsum("bqhe,bkhe->bhqk", query, key) / query.shape[-1] ** 0.5
        if attention_mask is not None:
            if len(attention_mask.shape) == 3:
                attention_mask = attention_mask[:, None]
            scores = ops.where(attention_mask, scores, -1e9)
        weights = ops.softmax(scores)
        output = self.output_dense(ops.einsum("bhqk,bkhe->bqhe", weights, value))
        return [output, weights] if return_attention_scores else output


class GlobalSelfAttention(keras.layers.Layer):
    def __init__(self, d_model, num_heads, **kwargs):
        super().__init__(**kwargs)
        self.layer_norm = keras.layers.LayerNormalization()
        self.attention = MultiHeadAttention(d_model, num_heads)
        self.add = keras.layers.Add()

    def call(self, x):
        return self.layer_norm(self.add([x, self.attention(query=x, value=x, key=x)]))


class CrossAttention(GlobalSelfAttention):
    def call(self, x, context):
        return self.layer_norm(self.add([x, self.attention(query=x, value=context)]))


class CausalSelfAttention(GlobalSelfAttention):
    def call(self, x):
        positions = ops.arange(ops.shape(x)[1])
        mask = positions[:, None] >= positions[None, :]
        return self.layer_norm(self.add([x, self.attention(query=x, value=x, attention_mask=mask[None])]))


def attention_params(d_model, bias=False):
    return sum(rows * columns for rows, columns in [(d_model + bool(bias), d_model)] * 4)


def count_transformer_params(n_layer, d_model, dff, vocab=0, bias=False):
    one = int(bool(bias))
    block = (
        attention_params(d_model, bias) + (d_model + one) * dff + (dff + one) * d_model + 4 * one * d_model
    )
    return sum([block] * n_layer) + vocab * d_model
