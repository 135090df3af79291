"""Scaled dot-product attention: a soft lookup for many queries at once."""

import tensorflow as tf
from keras import ops


def scaled_dot_product_attention(query, key, value, attention_mask=None):
    """Average the values, for each query, by how well their keys match it.

    Works in the dtype of its inputs, float16 included. A query that may attend to nothing gets
    finite numbers, of no particular value.

    Args:
        query: `(..., Tq, d)`.
        key: `(..., Tk, d)`.
        value: `(..., Tk, dv)`.
        attention_mask: boolean, broadcastable to `(..., Tq, Tk)`; True = this query may attend to this key.
    Returns: a pair `(output, weights)` of shapes `(..., Tq, dv)` and `(..., Tq, Tk)`.
    Source: Vaswani et al. 2017, equation 1.
    """
    query = query / query.shape[-1] ** 0.5  # before the product: float16 overflows at 65,504
    scores = ops.matmul(query, ops.swapaxes(key, -2, -1))  # (..., Tq, Tk)
    if attention_mask is not None:
        lowest = tf.as_dtype(scores.dtype).min  # finite, so a row without any True has no inf - inf
        scores = ops.where(attention_mask, scores, lowest)
    weights = ops.softmax(scores, axis=-1)
    return ops.matmul(weights, value), weights
