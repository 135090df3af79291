"""TensorFlow's functions."""

import tensorflow as tf


def hard_lookup(query, keys, values):
    scores = tf.linalg.matvec(keys, query)
    return tf.gather(values, tf.math.top_k(scores, k=1).indices[0])


def soft_lookup(query, keys, values, scale=1.0):
    scores = tf.tensordot(keys, query, axes=1) * tf.constant(scale, tf.float32)
    weights = tf.exp(scores - tf.reduce_logsumexp(scores))
    return tf.tensordot(weights, values, axes=1), weights


def scaled_dot_product_attention(query, key, value, attention_mask=None):
    """The TensorFlow tutorial's way, in float32."""
    query, key, value = (tf.cast(x, tf.float32) for x in (query, key, value))
    logits = tf.matmul(query, key, transpose_b=True) / tf.math.sqrt(tf.cast(tf.shape(key)[-1], tf.float32))
    if attention_mask is not None:
        logits += (1.0 - tf.cast(attention_mask, tf.float32)) * -1e9
    weights = tf.nn.softmax(logits, axis=-1)
    return tf.matmul(weights, value), weights


def split_heads(x, num_heads):
    batch, length = tf.shape(x)[0], tf.shape(x)[1]
    x = tf.reshape(x, (batch, length, num_heads, x.shape[2] // num_heads))
    return tf.transpose(x, perm=[0, 2, 1, 3])


def merge_heads(x):
    x = tf.transpose(x, perm=[0, 2, 1, 3])
    return tf.reshape(x, (tf.shape(x)[0], -1, x.shape[2] * x.shape[3]))


class MultiHeadAttention(tf.keras.layers.Layer):
    def __init__(self, d_model, num_heads, **kwargs):
        super().__init__(**kwargs)
        if d_model % num_heads != 0:
            raise ValueError("heads")
        self.num_heads = num_heads
        self.output_dense = tf.keras.layers.Dense(d_model)
        self.value_dense, self.key_dense, self.query_dense = (
            tf.keras.layers.Dense(d_model) for _ in range(3)
        )

    def call(self, query, value, key=None, attention_mask=None, return_attention_scores=False):
        if key is None:
            key = value
        q, k, v = self.query_dense(query), self.key_dense(key), self.value_dense(value)
        q, k, v = (
            split_heads(q, self.num_heads),
            split_heads(k, self.num_heads),
            split_heads(v, self.num_heads),
        )
        if attention_mask is not None and attention_mask.shape.rank == 3:
            attention_mask = attention_mask[:, tf.newaxis, :, :]
        attended, weights = scaled_dot_product_attention(q, k, v, attention_mask)
        output = self.output_dense(merge_heads(attended))
        if return_attention_scores:
            return output, weights
        return output


class BaseAttention(tf.keras.layers.Layer):
    def __init__(self, d_model, num_heads):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads)
        self.layer_norm = tf.keras.layers.LayerNormalization()


class GlobalSelfAttention(BaseAttention):
    def call(self, x):
        return self.layer_norm(x + self.attention(x, x, x))


class CrossAttention(BaseAttention):
    def call(self, x, context):
        attended = self.attention(x, context, key=context)
        return self.layer_norm(attended + x)


class CausalSelfAttention(BaseAttention):
    def call(self, x):
        length = tf.shape(x)[1]
        mask = tf.cast(tf.linalg.band_part(tf.ones((length, length)), -1, 0), tf.bool)
        return self.layer_norm(x + self.attention(x, x, attention_mask=mask))


def attention_params(d_model, bias=False):
    return 4 * d_model**2 + 4 * d_model * bias


def count_transformer_params(n_layer, d_model, dff, vocab=0, bias=False):
    total = vocab * d_model
    for _ in range(n_layer):
        total += attention_params(d_model, bias) + 2 * d_model * dff
        if bias:
            total += dff + 5 * d_model
    return total
