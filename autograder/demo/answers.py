"""Correct answers in other styles than the reference's, for students of the demo class.

tests/mutants/ has the systematic ones; these show that a style costs nothing.
"""

EINSUM = {
    "soft_lookup-answer": """\
def soft_lookup(query, keys, values, scale=1.0):
    scores = scale * tf.einsum("d,td->t", query, keys)
    exponentials = tf.exp(scores - tf.reduce_max(scores))
    weights = exponentials / tf.reduce_sum(exponentials)
    return tf.einsum("t,tv->v", weights, values), weights
""",
    "scaled_dot_product_attention-answer": """\
def scaled_dot_product_attention(query, key, value, attention_mask=None):
    scores = tf.einsum("...qd,...kd->...qk", query, key) / key.shape[-1] ** 0.5
    if attention_mask is not None:
        floor = -1e4 if scores.dtype == tf.float16 else -1e9
        scores = tf.where(attention_mask, scores, tf.cast(floor, scores.dtype))
    scores -= tf.stop_gradient(tf.reduce_max(scores, axis=-1, keepdims=True))
    weights = tf.exp(scores)
    weights /= tf.reduce_sum(weights, axis=-1, keepdims=True)
    return tf.einsum("...qk,...kv->...qv", weights, value), weights
""",
    "split_heads-answer": """\
def split_heads(x, num_heads):
    return ops.stack(ops.split(x, num_heads, axis=-1), axis=1)


def merge_heads(x):
    return ops.concatenate(ops.unstack(x, axis=1), axis=-1)
""",
}

TENSORFLOW = {
    "hard_lookup-answer": """\
def hard_lookup(query, keys, values):
    best = tf.argmax(tf.linalg.matvec(keys, query))
    return tf.gather(values, best)
""",
    "scaled_dot_product_attention-answer": """\
def scaled_dot_product_attention(query, key, value, attention_mask=None):
    depth = tf.cast(tf.shape(key)[-1], query.dtype)
    scores = tf.matmul(query / tf.sqrt(depth), key, transpose_b=True)
    if attention_mask is not None:
        allowed = tf.broadcast_to(attention_mask, tf.shape(scores))
        scores = tf.where(allowed, scores, scores.dtype.min)
    weights = tf.nn.softmax(scores)
    return weights @ value, weights
""",
    "count_parameters-answer": """\
def attention_params(d_model, bias=False):
    return sum(d_model * d_model + bias * d_model for _ in ("query", "key", "value", "output"))


def count_transformer_params(n_layer, d_model, dff, vocab=0, bias=False):
    dense = d_model * dff + dff * bias + dff * d_model + d_model * bias
    norms = 2 * 2 * d_model if bias else 0
    return vocab * d_model + sum(attention_params(d_model, bias) + dense + norms for _ in range(n_layer))
""",
}
