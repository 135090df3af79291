"""Multi-head attention: several attentions in subspaces of their own, side by side."""

import keras
from keras import ops

from reference_impl.attention import scaled_dot_product_attention


def split_heads(x, num_heads):
    """Cut the features of every position into equal, adjacent slices, one per head.

    Head i gets the features `i * D // num_heads` up to `(i + 1) * D // num_heads`.

    Args:
        x: `(B, T, D)`.
        num_heads: divides D.
    Returns: `(B, num_heads, T, D // num_heads)`.
    """
    batch, length, d_model = ops.shape(x)
    x = ops.reshape(x, (batch, length, num_heads, d_model // num_heads))
    return ops.transpose(x, (0, 2, 1, 3))  # (B, h, T, D / h)


def merge_heads(x):
    """Put the heads' slices side by side again: the inverse of `split_heads`.

    Args:
        x: `(B, num_heads, T, d)`.
    Returns: `(B, T, num_heads * d)`.
    """
    batch, num_heads, length, depth = ops.shape(x)
    x = ops.transpose(x, (0, 2, 1, 3))  # (B, T, h, d)
    return ops.reshape(x, (batch, length, num_heads * depth))


class MultiHeadAttention(keras.layers.Layer):
    """Project query, key and value, attend in every head, join the heads and project once more.

    Its only weights are those of four `keras.layers.Dense(d_model)`, with biases and without activation,
    in the attributes `query_dense`, `key_dense`, `value_dense` and `output_dense`, all made in `__init__`.

    Args:
        d_model: features of the input, of the output, and of all heads together.
        num_heads: divides `d_model`, else ValueError.
    Call arguments:
        query: `(B, Tq, d_model)`.
        value: `(B, Tk, d_model)`.
        key: `(B, Tk, d_model)`; the value where it is None.
        attention_mask: boolean `(B, Tq, Tk)` or broadcastable `(Tq, Tk)`, the same for every head, or with
            the heads as axis 1, `(B, 1, Tq, Tk)`; True = may attend.
        return_attention_scores: whether to return the softmax weights too.
    Output: `(B, Tq, d_model)`, or a pair of it and the weights `(B, num_heads, Tq, Tk)`.
    Source: Vaswani et al. 2017, section 3.2.2.
    """

    def __init__(self, d_model, num_heads, **kwargs):
        """Create the sub-layers. Keyword arguments, such as `name`, go to `keras.layers.Layer`."""
        super().__init__(**kwargs)
        if d_model % num_heads:
            raise ValueError(f"num_heads must divide d_model. Received: {d_model=}, {num_heads=}")
        self.num_heads = num_heads
        self.query_dense = keras.layers.Dense(d_model, name="query_dense")
        self.key_dense = keras.layers.Dense(d_model, name="key_dense")
        self.value_dense = keras.layers.Dense(d_model, name="value_dense")
        self.output_dense = keras.layers.Dense(d_model, name="output_dense")
        for dense in (self.query_dense, self.key_dense, self.value_dense, self.output_dense):
            dense.build((None, None, d_model))  # the sizes are known: weights need not wait for a call
        self.build((None, None, d_model))

    def call(self, query, value, key=None, attention_mask=None, return_attention_scores=False):
        """Attend from every query position to the key and value positions."""
        key = value if key is None else key
        if attention_mask is not None and len(attention_mask.shape) == 3:
            attention_mask = ops.expand_dims(attention_mask, 1)  # (B, 1, Tq, Tk): the same for every head
        output, weights = scaled_dot_product_attention(
            split_heads(self.query_dense(query), self.num_heads),  # (B, h, Tq, d_model / h)
            split_heads(self.key_dense(key), self.num_heads),
            split_heads(self.value_dense(value), self.num_heads),
            attention_mask,
        )
        output = self.output_dense(merge_heads(output))  # (B, Tq, d_model)
        return (output, weights) if return_attention_scores else output
