"""A classification head of one's own on an encoder that has none."""

import keras
from keras import ops


def build_two_layer_classifier(encoder, num_classes, hidden_units, dropout=0.1):
    """The logits of a two-layer network on the average and the maximum of the real tokens.

    Average and maximum, `d` features each, side by side in this order; a dense layer `hidden` with ReLU;
    dropout; a dense layer `head` without activation.

    Args:
        encoder: as in `build_classifier`; it is used, not copied.
        hidden_units: features of the layer `hidden`.
        dropout: of its output, in training.
    Returns: a `keras.Model` from the encoder's inputs to `(B, num_classes)`.
    """
    tokens = encoder(encoder.input)["sequence_output"]  # (B, T, d)
    is_real = ops.cast(encoder.input["padding_mask"], tokens.dtype)[..., None]  # (B, T, 1)
    mean = ops.sum(tokens * is_real, axis=1) / ops.maximum(ops.sum(is_real, axis=1), 1)
    maximum = ops.max(ops.where(is_real > 0, tokens, -1e9), axis=1)
    features = ops.concatenate([mean, maximum], axis=-1)  # (B, 2 d)
    features = keras.layers.Dense(hidden_units, activation="relu", name="hidden")(features)
    features = keras.layers.Dropout(dropout)(features)
    return keras.Model(encoder.input, keras.layers.Dense(num_classes, name="head")(features))
