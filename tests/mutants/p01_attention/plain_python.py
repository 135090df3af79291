"""Plain Python, sums instead of products, one projection for key and value."""

import math

import keras
from keras import ops


def hard_lookup(query, keys, values):
    query, keys, values = (ops.convert_to_numpy(x).tolist() for x in (query, keys, values))
    matches = [sum(a * b for a, b in zip(query, key, strict=True)) for key in keys]
    return values[matches.index(max(matches))]


def soft_lookup(query, keys, values, scale=1.0):
    query, keys, values = (ops.convert_to_numpy(x).tolist() for x in (query, keys, values))
    matches = [scale * sum(a * b for a, b in zip(query, key, strict=True)) for key in keys]
    odds = [math.exp(match - max(matches)) for match in matches]
    weights = [odd / sum(odds) for odd in odds]
    output = [
        sum(w * v for w, v in zip(weights, column, strict=True)) for column in zip(*values, strict=True)
    ]
    return [output, weights]


def scaled_dot_product_attention(query, key, value, *, attention_mask=None):
    """The scale shared out between query and key; the mask added as a number."""
    root = key.shape[-1] ** 0.25
    scores = ops.einsum("...id,...jd->...ij", query / root, key / root)
    if attention_mask is not None:
        lowest = -6e4 if scores.dtype == "float16" else -1e38
        scores = ops.maximum(
            scores + ops.cast(ops.logical_not(attention_mask), scores.dtype) * lowest, lowest
        )
    odds = ops.exp(scores - ops.max(scores, axis=-1, keepdims=True))
    weights = odds / ops.sum(odds, axis=-1, keepdims=True)
    return ops.sum(weights[..., None] * value[..., None, :, :], axis=-2), weights


def split_heads(x, num_heads):
    return ops.stack(list(ops.split(x, num_heads, axis=-1)), axis=1)


def merge_heads(x):
    return ops.concatenate([x[:, head] for head in range(x.shape[1])], axis=-1)


class MultiHeadAttention(keras.layers.Layer):
    """One product for the projections of a self-attention, from the four sub-layers' kernels."""

    def __init__(self, d_model, num_heads, **kwargs):
        super().__init__(**kwargs)
        if d_model % num_heads != 0:
            raise ValueError("heads")
        self.heads, self.size = num_heads, d_model
        names = ("query_dense", "key_dense", "value_dense", "output_dense")
        self.query_dense, self.key_dense, self.value_dense, self.output_dense = (
            keras.layers.Dense(d_model, name=name) for name in names
        )

    def build(self, *shapes, **named_shapes):
        for dense in (self.query_dense, self.key_dense, self.value_dense, self.output_dense):
            dense.build((None, None, self.size))

    def call(self, query, value, key=None, attention_mask=None, return_attention_scores=False):
        if key is None:
            kernel = ops.concatenate([self.key_dense.kernel, self.value_dense.kernel], axis=1)
            bias = ops.concatenate([self.key_dense.bias, self.value_dense.bias], axis=0)
            key, value = ops.split(ops.matmul(value, kernel) + bias, 2, axis=-1)
        else:
            key, value = self.key_dense(key), self.value_dense(value)
        if attention_mask is not None and len(attention_mask.shape) == 3:
            attention_mask = ops.repeat(attention_mask[:, None], self.heads, axis=1)
        parts = (split_heads(x, self.heads) for x in (self.query_dense(query), key, value))
        output, weights = scaled_dot_product_attention(*parts, attention_mask=attention_mask)
        output = self.output_dense(merge_heads(output))
        return [output, weights] if return_attention_scores else output


class GlobalSelfAttention(keras.Model):
    def __init__(self, d_model, num_heads):
        super().__init__()
        self.attention = MultiHeadAttention(num_heads=num_heads, d_model=d_model)
        self.layer_norm = keras.layers.LayerNormalization()

    def call(self, x):
        return self.layer_norm(x + self.attention(x, x))


class CrossAttention(GlobalSelfAttention):
    def call(self, x, context):
        return self.layer_norm(x + self.attention(value=context, query=x))


class CausalSelfAttention(GlobalSelfAttention):
    def call(self, x):
        length = ops.shape(x)[1]
        later = ops.triu(ops.ones((length, length)), 1)
        return self.layer_norm(x + self.attention(x, x, attention_mask=later == 0))


def attention_params(d_model, bias=False):
    return 4.0 * d_model * (d_model + (1 if bias else 0))


def count_transformer_params(n_layer, d_model, dff, vocab=0, bias=False):
    attention = (d_model + (1 if bias else 0)) * d_model * 4
    feed_forward = (d_model + (1 if bias else 0)) * dff + (dff + (1 if bias else 0)) * d_model
    return n_layer * (attention + feed_forward + (4 * d_model if bias else 0)) + vocab * d_model
