"""Copies of sentences, and a split that keeps the share of every class."""

import numpy as np


def deduplicate(sentences, labels, normalized):
    """Sentences without copies: of equal ones the first stays.

    Where copies have different labels, nobody knows which is right, and all of them go.

    Args:
        sentences, labels: two lists of the same length.
        normalized: gives the same text for sentences that count as copies of each other.
    Returns: the sentences and the labels that stay, two lists in the old order.
    """
    seen = {}
    for sentence, label in zip(sentences, labels, strict=True):
        seen.setdefault(normalized(sentence), []).append((sentence, label))
    kept = [copies[0] for copies in seen.values() if len({label for _, label in copies}) == 1]
    return [sentence for sentence, _ in kept], [label for _, label in kept]


def stratified_split(labels, fraction, rng):
    """Positions of two parts in which every class has the same share.

    Args:
        labels: one for each example.
        fraction: of each class that goes to the second part, rounded to whole examples.
        rng: a `np.random.Generator`; it alone decides which examples go where.
    Returns: positions of the first part and of the second, two integer arrays, each in random order.
    """
    labels = np.asarray(labels)
    first, second = [], []
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        count = round(fraction * len(members))
        second.append(members[:count])
        first.append(members[count:])
    return rng.permutation(np.concatenate(first)), rng.permutation(np.concatenate(second))


def find_leaks(train_sentences, test_sentences, normalized):
    """Positions in `test_sentences` of those with a copy in `train_sentences`, as an increasing list.

    Args:
        normalized: as in `deduplicate`.
    """
    seen = {normalized(sentence) for sentence in train_sentences}
    return [i for i, sentence in enumerate(test_sentences) if normalized(sentence) in seen]
