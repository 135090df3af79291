"""Fine-tuning in two stages against gradients and Adam's first step by hand, in float64."""

import keras
import numpy as np
import pytest
from keras import ops

from reference_impl.fine_tuning import build_classifier, fine_tune_all, fine_tune_head_only
from reference_impl.pooled_head import build_two_layer_classifier


def tiny_encoder():
    names = ("token_ids", "segment_ids", "padding_mask")
    inputs = {name: keras.Input((None,), dtype="int32", name=name) for name in names}
    embedded = keras.layers.Embedding(20, 5)(inputs["token_ids"] + inputs["segment_ids"])
    embedded += 0.01 * ops.cast(inputs["padding_mask"], "float32")[..., None]
    tokens = keras.layers.Dense(6, activation="tanh")(embedded)
    return keras.Model(inputs, {"sequence_output": tokens, "pooled_output": tokens[:, 0]})


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    mask = (np.arange(5) < rng.integers(2, 6, (10, 1))).astype("int32")
    x = {"token_ids": rng.integers(1, 20, mask.shape).astype("int32") * mask}
    return x | {"segment_ids": np.zeros_like(mask), "padding_mask": mask}, (np.arange(10) % 3).astype("int32")


def features_by_hand(encoder, x):
    tokens = np.asarray(encoder(x)["sequence_output"], "float64")
    return np.array([row[keep == 1].mean(0) for row, keep in zip(tokens, x["padding_mask"], strict=True)])


def test_the_logits_are_a_dense_layer_of_the_average(data):
    encoder = tiny_encoder()
    model = build_classifier(encoder)
    kernel, bias = model.get_layer("head").get_weights()
    np.testing.assert_allclose(model(data[0]), features_by_hand(encoder, data[0]) @ kernel + bias, atol=1e-6)


def test_stage_a_is_adam_on_the_head_alone(data):
    """Adam's first step is the rate times the gradient's sign, but for its epsilon of 1e-7."""
    encoder, (x, y) = tiny_encoder(), data
    model = build_classifier(encoder, dropout=0.0)
    features, before = features_by_hand(encoder, x), encoder.get_weights()
    kernel, bias = model.get_layer("head").get_weights()
    p = np.exp(features @ kernel + bias)
    error = p / p.sum(axis=1, keepdims=True) - np.eye(3)[y]
    history = fine_tune_head_only(model, encoder, x, y, learning_rate=0.1, batch_size=10)
    assert set(history) == {"accuracy", "loss"}
    moved = [
        new - old for new, old in zip(model.get_layer("head").get_weights(), (kernel, bias), strict=True)
    ]
    for step, gradient in zip(moved, (features.T @ error / 10, error.mean(0)), strict=True):
        np.testing.assert_allclose(
            step, -0.1 * gradient / (np.abs(gradient) + 1e-7 / np.sqrt(1e-3)), atol=1e-4
        )
    assert all(np.array_equal(old, new) for old, new in zip(before, encoder.get_weights(), strict=True))
    assert len(model.trainable_variables) == 2


def test_stage_b_moves_everything_by_steps_that_fall_to_zero(data):
    encoder, (x, y) = tiny_encoder(), data
    model = build_classifier(encoder, dropout=0.0)
    fine_tune_head_only(model, encoder, x, y)
    before = model.get_weights()
    fine_tune_all(model, encoder, x, y, learning_rate=1e-3, epochs=2, batch_size=10)
    moved = [np.abs(new - old).max() for new, old in zip(model.get_weights(), before, strict=True)]
    assert all(0 < delta <= 1.6e-3 for delta in moved[1:])  # 1e-3, then half of it; embeddings move by rows
    assert model.optimizer.learning_rate.numpy() == pytest.approx(0.0, abs=1e-9)


def test_training_finds_what_tells_the_classes_apart(data):
    x, _ = data
    y = (x["token_ids"][:, 0] % 3).astype("int32")
    keras.utils.set_random_seed(0)
    encoder = tiny_encoder()
    model = build_classifier(encoder, dropout=0.0)
    fine_tune_head_only(model, encoder, x, y, epochs=5)
    fine_tune_all(model, encoder, x, y, learning_rate=0.03, epochs=60, batch_size=5)
    assert np.mean(np.argmax(model(x), axis=1) == y) == 1


def test_the_two_layer_head_by_hand(data):
    encoder, (x, _) = tiny_encoder(), data
    model = build_two_layer_classifier(encoder, 3, 7)
    tokens = np.asarray(encoder(x)["sequence_output"], "float64")
    most = [row[keep == 1].max(0) for row, keep in zip(tokens, x["padding_mask"], strict=True)]
    features = np.concatenate([features_by_hand(encoder, x), most], axis=1)
    (w1, b1), (w2, b2) = (model.get_layer(name).get_weights() for name in ("hidden", "head"))
    np.testing.assert_allclose(model(x), np.maximum(features @ w1 + b1, 0) @ w2 + b2, atol=1e-5)
