"""A classifier on a pretrained encoder, trained in two stages: the head alone, then everything."""

import math

import keras
from keras import ops


def build_classifier(encoder, num_classes=3, dropout=0.1):
    """A model from the encoder's inputs to the logits of `num_classes` classes.

    Tokens are averaged, padding left out, and one dense layer named `head` gives the logits.

    Args:
        encoder: takes `token_ids`, `segment_ids`, `padding_mask`, each `(B, T)`, in a dict; gives a dict with
            `sequence_output` `(B, T, d)`.
        dropout: share of the averaged features that is dropped in training.
    Returns: a `keras.Model` that gives `(B, num_classes)`.
    Source: Reimers and Gurevych 2019 for the average.
    """
    tokens = encoder(encoder.input)["sequence_output"]  # (B, T, d)
    is_real = ops.cast(encoder.input["padding_mask"], tokens.dtype)[..., None]  # (B, T, 1)
    features = ops.sum(tokens * is_real, axis=1) / ops.maximum(ops.sum(is_real, axis=1), 1)  # (B, d)
    features = keras.layers.Dropout(dropout)(features)
    return keras.Model(encoder.input, keras.layers.Dense(num_classes, name="head")(features))


def fine_tune_head_only(
    model, encoder, x, y, learning_rate=1e-2, epochs=1, batch_size=32, validation_data=None
):
    """Stage A: train the head; the encoder stays as it is, and stays frozen afterwards.

    Args:
        model: of `build_classifier`; it is trained in place.
        encoder: the encoder within it.
        x, y: a dict of arrays `(N, T)`, and the classes `(N,)` as integers.
        validation_data: another `(x, y)`, or None.
    Returns: the history, a dict of lists with a number for each epoch.
    """
    encoder.trainable = False
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.Adam(learning_rate), loss=loss, metrics=["accuracy"])
    fitted = model.fit(x, y, batch_size=batch_size, epochs=epochs, validation_data=validation_data, verbose=0)
    return fitted.history


def fine_tune_all(model, encoder, x, y, learning_rate=5e-5, epochs=1, batch_size=32, validation_data=None):
    """Stage B: go on from the head that stage A left, with every weight, in small steps.

    Arguments and result are those of `fine_tune_head_only`. The rate falls linearly from `learning_rate`
    to 0.
    Source: Howard and Ruder 2018, section 3.3; Devlin et al. 2019, appendix A, for rate and decay.
    """
    encoder.trainable = True
    steps = epochs * math.ceil(len(y) / batch_size)
    rate = keras.optimizers.schedules.PolynomialDecay(learning_rate, steps, end_learning_rate=0.0)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    # Keras keeps the compiled step, and with it what was trainable then: compile again.
    model.compile(optimizer=keras.optimizers.Adam(rate), loss=loss, metrics=["accuracy"])
    fitted = model.fit(x, y, batch_size=batch_size, epochs=epochs, validation_data=validation_data, verbose=0)
    return fitted.history
