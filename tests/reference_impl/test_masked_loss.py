"""Loss and accuracy against a loop in float64 and against Keras's own weighting of tokens."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from reference_impl.masked_loss import masked_accuracy, masked_loss

LABEL = np.array([[4, 2, 1, 0, 0], [3, 0, 0, 0, 0], [1, 1, 4, 2, 3]])


@pytest.fixture
def pred():
    return np.random.default_rng(0).normal(size=(3, 5, 6)).astype("float32") * 3


def test_the_loss_is_the_mean_over_the_tokens(pred):
    losses = [
        np.log(np.exp(pred[b, t].astype("float64")).sum()) - pred[b, t, LABEL[b, t]]
        for b, t in zip(*np.nonzero(LABEL), strict=True)
    ]
    assert float(masked_loss(LABEL, pred)) == pytest.approx(np.mean(losses), rel=1e-6)


def test_the_loss_is_keras_weighted_mean(pred):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="mean_with_sample_weight")
    right = loss(LABEL, pred, sample_weight=(LABEL != 0).astype("float32"))
    assert float(masked_loss(LABEL, pred)) == pytest.approx(float(right), rel=1e-6)


def test_equal_logits_cost_log_v():
    assert float(masked_loss(LABEL, np.zeros((3, 5, 6), "float32"))) == pytest.approx(np.log(6), rel=1e-6)


def test_padding_has_no_gradient(pred):
    pred = tf.constant(pred)
    with tf.GradientTape() as tape:
        tape.watch(pred)
        loss = masked_loss(tf.constant(LABEL), pred)
    moved = np.abs(tape.gradient(loss, pred)).max(axis=-1) > 0
    np.testing.assert_array_equal(moved, LABEL != 0)


def test_the_accuracy_counts_tokens_alone():
    pred = np.eye(6, dtype="float32")[[[4, 2, 2, 0, 0], [0, 0, 0, 0, 0], [1, 1, 4, 2, 0]]]
    assert float(masked_accuracy(LABEL, pred)) == pytest.approx(6 / 9)


def test_nothing_but_padding_gives_zero():
    empty = np.zeros((2, 3), "int32")
    pred = np.ones((2, 3, 4), "float32")
    assert float(masked_loss(empty, pred)) == float(masked_accuracy(empty, pred)) == 0
