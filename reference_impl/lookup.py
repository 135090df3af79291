"""Memory lookups: the hard and the soft way to read a table of keys and values."""

from keras import ops


def hard_lookup(query, keys, values):
    """The value whose key matches the query best.

    The match of a key is its dot product with the query. Of equally good keys the first one counts.

    Args:
        query: `(d,)`, float.
        keys: `(T, d)`, one key per row.
        values: `(T, dv)`, `values[t]` belongs to `keys[t]`.
    Returns: `(dv,)`, one row of `values`.
    Source: Graves et al. 2014, Neural Turing Machines, section 3.3 (addressing by content).
    """
    scores = ops.matmul(keys, query)  # (T,)
    return ops.take(values, ops.argmax(scores), axis=0)


def soft_lookup(query, keys, values, scale=1.0):
    """The average of all values, each weighted by how well its key matches the query.

    The weights are the softmax, over the keys, of `scale` times the dot products.

    Args:
        query: `(d,)`, float.
        keys: `(T, d)`, one key per row.
        values: `(T, dv)`, `values[t]` belongs to `keys[t]`.
        scale: a number; 0 gives every value the same weight, infinity is the limit of a hard lookup.
    Returns: a pair `(output, weights)` of shapes `(dv,)` and `(T,)`; the weights sum to 1.
    Source: Bahdanau et al. 2015, equations 5 and 6, with a dot product as the match.
    """
    weights = ops.softmax(scale * ops.matmul(keys, query))  # (T,)
    return ops.matmul(weights, values), weights
