"""Scaled dot-product attention against float64 loops in NumPy, Keras's layer and its edge cases."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from reference_impl.attention import scaled_dot_product_attention


def attention_by_loops(query, key, value, mask):
    """One query of one batch at a time, in float64; shapes `(B, T, d)`, the mask `(B, Tq, Tk)`."""
    output = np.zeros((*query.shape[:2], value.shape[-1]))
    weights = np.zeros((*query.shape[:2], key.shape[1]))
    for b, t in np.ndindex(query.shape[:2]):
        odds = [np.exp(np.dot(query[b, t], k) / np.sqrt(len(k))) for k in key[b]]
        odds = np.where(mask[b, t], odds, 0)
        weights[b, t] = odds / odds.sum()
        output[b, t] = sum(w * v for w, v in zip(weights[b, t], value[b], strict=True))
    return output, weights


@pytest.mark.parametrize(
    ("batch", "tq", "tk", "d", "dv"), [(2, 3, 5, 4, 7), (1, 6, 2, 9, 3), (3, 1, 8, 1, 2)]
)
@pytest.mark.parametrize("masked", [False, True])
def test_against_loops(batch, tq, tk, d, dv, masked):
    rng = np.random.default_rng(0)
    query, key, value = (rng.normal(size=(batch, t, n)) for t, n in ((tq, d), (tk, d), (tk, dv)))
    mask = rng.random((batch, tq, tk)) < 0.6 if masked else np.ones((batch, tq, tk), bool)
    mask[..., 0] = True
    expected_output, expected_weights = attention_by_loops(query, key, value, mask)
    as_float32 = [x.astype("float32") for x in (query, key, value)]
    output, weights = scaled_dot_product_attention(*as_float32, mask if masked else None)
    np.testing.assert_allclose(output, expected_output, atol=1e-6)
    np.testing.assert_allclose(weights, expected_weights, atol=1e-6)


def test_against_keras():
    """keras.layers.Attention takes [query, value, key] and a scale-free dot product."""
    rng = np.random.default_rng(1)
    query, key, value = (rng.normal(size=(2, t, 4)).astype("float32") for t in (3, 5, 5))
    expected, expected_weights = keras.layers.Attention()(
        [query / np.sqrt(np.float32(4)), value, key], return_attention_scores=True
    )
    output, weights = scaled_dot_product_attention(query, key, value)
    np.testing.assert_allclose(output, expected, atol=1e-6)
    np.testing.assert_allclose(weights, expected_weights, atol=1e-6)


def test_a_mask_of_two_axes_serves_batch_and_heads():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(2, 3, 4, 5)).astype("float32")  # (B, h, T, d)
    causal = np.tri(4, dtype=bool)
    _, weights = scaled_dot_product_attention(x, x, x, causal)
    assert weights.shape == (2, 3, 4, 4)
    assert np.all(weights.numpy()[..., ~causal] == 0)
    np.testing.assert_allclose(weights.numpy().sum(-1), 1, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_a_row_without_keys_is_finite_and_harms_no_other(dtype):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(4, 5)).astype(dtype)
    mask = np.ones((4, 4), bool)
    mask[2] = False
    output, weights = (t.numpy() for t in scaled_dot_product_attention(x, x, x, mask))
    assert output.dtype == weights.dtype == dtype
    assert np.isfinite(output).all() and np.isfinite(weights).all()
    unmasked, _ = scaled_dot_product_attention(x, x, x)
    np.testing.assert_array_equal(np.delete(output, 2, 0), np.delete(unmasked.numpy(), 2, 0))


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_huge_scores_choose_without_nan(dtype):
    """50 x 25 x 64 = 80,000 is infinite in float16; divided by sqrt(64) it is 10,000."""
    query = np.full((2, 64), 50, dtype) * np.array([[1], [-1]], dtype)
    key = np.full((3, 64), 25, dtype) * np.array([[1], [-1], [0]], dtype)
    output, _ = scaled_dot_product_attention(query, key, np.eye(3, dtype=dtype))
    np.testing.assert_array_equal(output, [[1, 0, 0], [0, 1, 0]])


def test_scores_of_unit_variance():
    """With N(0, 1) features the scores have variance d; divided by sqrt(d) they have variance 1."""
    rng = np.random.default_rng(4)
    query, key = rng.normal(size=(2, 64, 512)).astype("float32")
    _, weights = scaled_dot_product_attention(query, key, key)
    scores = np.log(weights.numpy())  # up to a constant per row
    assert 0.9 < scores.var(axis=-1, ddof=1).mean() < 1.1


def test_no_gradient_reaches_a_masked_value():
    x = tf.constant(np.random.default_rng(5).normal(size=(4, 3)), "float32")
    with tf.GradientTape() as tape:
        tape.watch(x)
        output, _ = scaled_dot_product_attention(
            tf.stop_gradient(x), tf.stop_gradient(x), x, np.tri(4, dtype=bool)
        )
        past = output[:2]
    gradient = tape.gradient(past, x).numpy()
    assert np.all(gradient[2:] == 0) and np.all(gradient[:2] != 0)


def test_gradients_are_finite_in_a_fully_masked_row():
    x = tf.constant(np.random.default_rng(6).normal(size=(4, 3)), "float32")
    with tf.GradientTape() as tape:
        tape.watch(x)
        output, _ = scaled_dot_product_attention(x, x, x, np.zeros((4, 4), bool))
    assert np.isfinite(tape.gradient(output, x).numpy()).all()
