"""Keras's own layers."""

import keras
from keras import ops


def hard_lookup(query, keys, values):
    return values[int(ops.argmax(ops.dot(keys, query)))]


def soft_lookup(query, keys, values, scale=1.0):
    scores = ops.multiply(ops.sum(ops.multiply(keys, query), axis=1), scale)
    weights = keras.activations.softmax(scores[None])[0]
    return ops.sum(weights[:, None] * values, axis=0), weights


def scaled_dot_product_attention(query, key, value, attention_mask=None):
    scores = ops.divide(
        ops.matmul(query, ops.moveaxis(key, -1, -2)), ops.sqrt(ops.cast(ops.shape(key)[-1], query.dtype))
    )
    if attention_mask is not None:
        scores = ops.where(
            attention_mask, scores, ops.full_like(scores, -3e4 if scores.dtype == "float16" else -1e30)
        )
    weights = ops.softmax(scores, -1)
    return ops.matmul(weights, value), weights


def split_heads(x, num_heads):
    x = keras.layers.Reshape((-1, num_heads, x.shape[-1] // num_heads))(x)
    return keras.layers.Permute((2, 1, 3))(x)


def merge_heads(x):
    return keras.layers.Reshape((-1, x.shape[1] * x.shape[3]))(keras.layers.Permute((2, 1, 3))(x))


class MultiHeadAttention(keras.layers.Layer):
    """Keras's own layer under the names of the handout."""

    def __init__(self, d_model, num_heads, **kwargs):
        super().__init__(**kwargs)
        if d_model % num_heads != 0:
            raise ValueError("heads")
        self.inner = keras.layers.MultiHeadAttention(num_heads, d_model // num_heads)

    query_dense = property(lambda self: self.inner.query_dense)
    key_dense = property(lambda self: self.inner.key_dense)
    value_dense = property(lambda self: self.inner.value_dense)
    output_dense = property(lambda self: self.inner.output_dense)

    def call(self, query, value, key=None, attention_mask=None, return_attention_scores=False):
        return self.inner(
            query,
            value,
            key=key,
            attention_mask=attention_mask,
            return_attention_scores=return_attention_scores,
        )


class GlobalSelfAttention(keras.layers.Layer):
    def __init__(self, d_model, num_heads, **kwargs):
        super().__init__(**kwargs)
        self.attention = MultiHeadAttention(d_model, num_heads, name="attention")
        self.layer_norm = keras.layers.LayerNormalization(epsilon=1e-6)

    def call(self, x):
        return self.layer_norm(keras.layers.add([x, self.attention(x, x)]))


class CrossAttention(keras.layers.Layer):
    def __init__(self, d_model, num_heads, **kwargs):
        super().__init__(**kwargs)
        self.layer_norm = keras.layers.LayerNormalization(epsilon=1e-6)
        self.attention = MultiHeadAttention(d_model, num_heads, name="attention")

    def call(self, x, context):
        attended, self.last_scores = self.attention(x, context, return_attention_scores=True)
        return self.layer_norm(x + attended)


class CausalSelfAttention(keras.layers.Layer):
    def __init__(self, d_model, num_heads, **kwargs):
        super().__init__(**kwargs)
        self.attention = MultiHeadAttention(d_model, num_heads)
        self.layer_norm = keras.layers.LayerNormalization()

    def call(self, x):
        attended = self.attention.inner(x, x, use_causal_mask=True)
        return self.layer_norm(x + attended)


def attention_params(d_model, bias=False):
    layer = keras.layers.Dense(d_model, use_bias=bias)
    layer.build((None, d_model)) if d_model < 1000 else None
    return 4 * layer.count_params() if layer.built else 4 * d_model * (d_model + int(bias))


def count_transformer_params(n_layer, d_model, dff, vocab=0, bias=False):
    matrices = 4 * d_model**2 + 2 * d_model * dff
    vectors = (4 * d_model + dff + d_model + 2 * 2 * d_model) if bias else 0
    return float(n_layer * (matrices + vectors) + vocab * d_model)
