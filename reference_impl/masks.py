"""Attention masks, boolean: True = may attend."""

from keras import ops


def create_padding_mask(ids, pad_id=0):
    """Nobody attends to padding.

    Args:
        ids: integers `(B, T)`.
        pad_id: the id of padding.
    Returns: bool `(B, 1, 1, T)`, True at the keys that are tokens; for all heads and all queries.
    """
    return ops.not_equal(ids, pad_id)[:, None, None, :]


def create_look_ahead_mask(length):
    """Nobody attends to what comes later; everybody attends to itself.

    Args:
        length: number of positions T.
    Returns: bool `(T, T)`; entry (i, j) is True where query i may attend to key j, j <= i.
    Source: Vaswani et al. 2017, section 3.2.3.
    """
    position = ops.arange(length)
    return position[:, None] >= position


def create_combined_mask(ids, pad_id=0):
    """Nobody attends to padding nor to what comes later: what the decoder's self-attention needs.

    Args:
        ids: integers `(B, T)`.
        pad_id: the id of padding.
    Returns: bool `(B, 1, T, T)`.
    """
    not_later = create_look_ahead_mask(ops.shape(ids)[1])  # (T, T)
    return ops.logical_and(create_padding_mask(ids, pad_id), not_later)
