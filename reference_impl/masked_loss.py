"""Loss and accuracy of predicted tokens, padding left out."""

from keras import ops


def masked_loss(label, pred):
    """Mean cross-entropy of the labels that are no padding, in nats.

    Every token of the batch counts the same, whatever sentence it stands in. Without any token it is 0.

    Args:
        label: integers `(B, T)`; 0 is padding.
        pred: logits `(B, T, V)`.
    Returns: a scalar.
    Source: Vaswani et al. 2017, section 5; the loss of one token is -log softmax(pred)[label].
    """
    is_token = ops.cast(ops.not_equal(label, 0), pred.dtype)  # (B, T)
    losses = ops.sparse_categorical_crossentropy(label, pred, from_logits=True)  # (B, T)
    return ops.sum(losses * is_token) / ops.maximum(ops.sum(is_token), 1.0)


def masked_accuracy(label, pred):
    """Share of the labels that are no padding and get the largest logit.

    Args:
        label: integers `(B, T)`; 0 is padding.
        pred: logits `(B, T, V)`.
    Returns: a scalar between 0 and 1; without any token it is 0.
    """
    is_token = ops.cast(ops.not_equal(label, 0), pred.dtype)  # (B, T)
    predicted = ops.cast(ops.argmax(pred, axis=-1), label.dtype)  # (B, T)
    is_right = ops.cast(ops.equal(predicted, label), pred.dtype)
    return ops.sum(is_right * is_token) / ops.maximum(ops.sum(is_token), 1.0)
