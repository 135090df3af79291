"""Examples as a `tf.data.Dataset`: made first, then split, shuffled and batched by its operations."""

import tensorflow as tf


def make_dataset(features, labels):
    """One element for each example: its features in a dict, and its label.

    Args:
        features: a dict of arrays `(N, ...)`.
        labels: `(N,)`, integers.
    Returns: a `tf.data.Dataset` of N pairs, in order.
    """
    return tf.data.Dataset.from_tensor_slices((dict(features), labels))


def split_dataset(dataset, test_fraction, seed):
    """Two datasets that share nothing, however often they are iterated.

    Args:
        dataset: of known cardinality.
        test_fraction: of the elements that go to the second one, rounded to whole elements.
        seed: decides which.
    Returns: the rest, and the test part.
    """
    size = int(dataset.cardinality())
    shuffled = dataset.shuffle(size, seed=seed, reshuffle_each_iteration=False)
    test_size = round(test_fraction * size)
    return shuffled.skip(test_size), shuffled.take(test_size)


def batched(dataset, batch_size, training, seed=None):
    """Batches for `fit`: the last may be smaller.

    Args:
        training: whether the elements come in a new random order at every iteration; else in their own.
        seed: of that order.
    """
    if training:
        dataset = dataset.shuffle(int(dataset.cardinality()), seed=seed, reshuffle_each_iteration=True)
    return dataset.batch(batch_size).prefetch(tf.data.AUTOTUNE)
