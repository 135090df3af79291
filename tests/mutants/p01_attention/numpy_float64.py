"""NumPy, float64, sub-layers made in build."""

import keras
import numpy as np
from keras import ops


def hard_lookup(query, keys, values):
    query, keys, values = (np.array(x, dtype=np.float64) for x in (query, keys, values))
    return values[np.argmax(keys @ query)]


def soft_lookup(query, keys, values, scale=1.0):
    query, keys, values = (np.array(x, dtype=np.float64) for x in (query, keys, values))
    odds = np.exp(scale * (keys @ query - np.max(keys @ query)))
    weights = odds / odds.sum()
    return weights @ values, weights


def scaled_dot_product_attention(query, key, value, attention_mask=None):
    """In float64; a query that may attend to nothing has no weights at all."""
    query, key, value = (np.array(x, dtype=np.float64) for x in (query, key, value))
    scores = query @ np.swapaxes(key, -1, -2) / np.sqrt(query.shape[-1])
    mask = (
        np.ones(scores.shape, bool)
        if attention_mask is None
        else np.broadcast_to(attention_mask, scores.shape)
    )
    scores = np.where(mask, scores, -np.inf)
    largest = np.where(mask.any(-1, keepdims=True), scores.max(-1, keepdims=True), 0)
    odds = np.exp(scores - largest)
    weights = odds / np.maximum(odds.sum(-1, keepdims=True), 1e-300)
    return (weights @ value).tolist(), weights.tolist()


def split_heads(x, num_heads):
    x = np.asarray(x)
    return np.array(np.split(x, num_heads, axis=2)).swapaxes(0, 1)


def merge_heads(x):
    return np.concatenate(list(np.asarray(x).swapaxes(0, 1)), axis=-1)


class MultiHeadAttention(keras.layers.Layer):
    """Head by head, in float64; sub-layers made in build."""

    def __init__(self, d_model, num_heads, **kwargs):
        super().__init__(**kwargs)
        if d_model % num_heads != 0:
            raise ValueError("heads")
        self.d_model, self.num_heads = d_model, num_heads

    def build(self, query_shape, value_shape=None, key_shape=None):
        for name in ("query", "key", "value", "output"):
            dense = keras.layers.Dense(self.d_model, name=f"{name}_dense")
            dense.build((None, None, self.d_model))
            setattr(self, f"{name}_dense", dense)

    def call(self, query, value, key=None, attention_mask=None, return_attention_scores=False):
        key = value if key is None else key
        projected = self.query_dense(query), self.key_dense(key), self.value_dense(value)
        depth = self.d_model // self.num_heads
        outputs, weights = [], []
        for head in range(self.num_heads):
            q, k, v = (ops.cast(x[..., head * depth : (head + 1) * depth], "float64") for x in projected)
            scores = ops.matmul(q, ops.transpose(k, (0, 2, 1))) / depth**0.5
            if attention_mask is not None:
                mask = attention_mask[:, 0] if len(attention_mask.shape) == 4 else attention_mask
                scores = scores - 1e30 * (1.0 - ops.cast(mask, "float64"))
            weights.append(ops.exp(ops.log_softmax(scores, axis=-1)))
            outputs.append(ops.matmul(weights[-1], v))
        output = self.output_dense(ops.cast(ops.concatenate(outputs, axis=-1), "float32"))
        return (output, ops.stack(weights, axis=1)) if return_attention_scores else output


class GlobalSelfAttention(keras.layers.Layer):
    """Sub-layers made in build, the norm written out."""

    def __init__(self, d_model, num_heads, **kwargs):
        super().__init__(**kwargs)
        self.sizes = d_model, num_heads

    def build(self, *shapes):
        self.attention = MultiHeadAttention(*self.sizes)
        self.layer_norm = keras.layers.LayerNormalization(axis=-1)

    def call(self, x):
        return self.layer_norm(self.attention(x, x) + x)


class CrossAttention(GlobalSelfAttention):
    def call(self, x, context):
        return self.layer_norm(self.attention(x, context) + x)


class CausalSelfAttention(GlobalSelfAttention):
    def call(self, x):
        length = x.shape[1]
        mask = np.tri(length, dtype=bool)[None].repeat(1, axis=0)
        return self.layer_norm(self.attention(x, x, attention_mask=ops.convert_to_tensor(mask)) + x)


def attention_params(d_model, bias=False):
    return np.int64(4) * d_model * (d_model + 1 if bias else d_model)


def count_transformer_params(n_layer, d_model, dff, vocab=0, bias=False):
    shapes = [(d_model, d_model)] * 4 + [(d_model, dff), (dff, d_model)]
    if bias:
        shapes += [(d_model,)] * 4 + [(dff,), (d_model,)] + [(d_model,)] * 4
    return np.array(n_layer * sum(int(np.prod(shape, dtype=np.int64)) for shape in shapes) + vocab * d_model)
