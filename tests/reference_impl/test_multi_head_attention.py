"""Multi-head attention against keras.layers.MultiHeadAttention with the same weights."""

import keras
import numpy as np
import pytest

from reference_impl.attention import scaled_dot_product_attention
from reference_impl.multi_head_attention import MultiHeadAttention, merge_heads, split_heads

SUBLAYERS = ("query_dense", "key_dense", "value_dense", "output_dense")


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def with_random_weights(layer, *inputs):
    """Build the layer and give it weights of N(0, 1), biases too: Keras starts those at 0."""
    layer(*inputs)
    layer.set_weights([normal(i, *w.shape) for i, w in enumerate(layer.get_weights())])
    return layer


def keras_twin(ours, query, value, d_model, num_heads):
    """Keras's own layer with our weights: its kernels are (d_model, h, d) and (h, d, d_model)."""
    twin = keras.layers.MultiHeadAttention(num_heads, key_dim=d_model // num_heads)
    twin(query, value)
    pairs = [(getattr(ours, name).kernel, getattr(ours, name).bias) for name in SUBLAYERS]
    flat = [w for pair in pairs for w in pair]
    twin.set_weights([np.reshape(w, t.shape) for w, t in zip(flat, twin.get_weights(), strict=True)])
    return twin


def test_split_heads_by_hand():
    """Two positions of four features, two heads: head 0 has the first two features."""
    x = np.array([[[0, 1, 2, 3], [4, 5, 6, 7]]])
    np.testing.assert_array_equal(split_heads(x, 2), [[[[0, 1], [4, 5]], [[2, 3], [6, 7]]]])


@pytest.mark.parametrize(
    ("batch", "length", "d_model", "num_heads"), [(2, 5, 12, 3), (1, 4, 4, 4), (3, 1, 6, 1)]
)
def test_merge_undoes_split(batch, length, d_model, num_heads):
    x = normal(0, batch, length, d_model)
    heads = split_heads(x, num_heads)
    assert heads.shape == (batch, num_heads, length, d_model // num_heads)
    np.testing.assert_array_equal(merge_heads(heads), x)


@pytest.mark.parametrize(
    ("batch", "tq", "tk", "d_model", "num_heads"), [(2, 3, 5, 8, 2), (1, 6, 4, 9, 3), (3, 2, 2, 4, 1)]
)
@pytest.mark.parametrize("masked", [False, True])
def test_against_keras(batch, tq, tk, d_model, num_heads, masked):
    query, value, key = (
        normal(1, batch, tq, d_model),
        normal(2, batch, tk, d_model),
        normal(3, batch, tk, d_model),
    )
    mask = (
        np.random.default_rng(4).random((batch, tq, tk)) < 0.6 if masked else np.ones((batch, tq, tk), bool)
    )
    mask[..., 0] = True
    ours = with_random_weights(MultiHeadAttention(d_model, num_heads), query, value)
    twin = keras_twin(ours, query, value, d_model, num_heads)
    arguments = {"attention_mask": mask if masked else None, "return_attention_scores": True}
    for extra in ({}, {"key": key}):
        output, scores = ours(query, value, **extra, **arguments)
        expected, expected_scores = twin(query, value, **extra, **arguments)
        assert scores.shape == (batch, num_heads, tq, tk)
        np.testing.assert_allclose(scores, expected_scores, atol=1e-5)
        np.testing.assert_allclose(output, expected, atol=1e-4)


def test_masks_of_two_three_and_four_axes_agree():
    x = normal(5, 2, 4, 6)
    layer = with_random_weights(MultiHeadAttention(6, 3), x, x)
    causal = np.tri(4, dtype=bool)
    outputs = [layer(x, x, attention_mask=m) for m in (causal, np.stack([causal] * 2), causal[None, None])]
    np.testing.assert_array_equal(outputs[0], outputs[1])
    np.testing.assert_array_equal(outputs[0], outputs[2])
    assert np.abs(outputs[0] - layer(x, x)).max() > 0.1


def test_one_head_is_attention_between_projections():
    x = normal(6, 2, 5, 4)
    layer = with_random_weights(MultiHeadAttention(4, 1), x, x)
    projected = [x @ getattr(layer, name).kernel + getattr(layer, name).bias for name in SUBLAYERS[:3]]
    output, _ = scaled_dot_product_attention(*projected)
    np.testing.assert_allclose(
        layer(x, x), output @ layer.output_dense.kernel + layer.output_dense.bias, atol=1e-5
    )


@pytest.mark.parametrize(("d_model", "num_heads"), [(8, 1), (8, 4), (512, 8)])
def test_parameters_do_not_depend_on_the_heads(d_model, num_heads):
    """At d = 512, h = 8 one attention layer has 1,050,624."""
    layer = MultiHeadAttention(d_model, num_heads)
    layer(normal(7, 1, 2, d_model), normal(8, 1, 2, d_model))
    assert len(layer.trainable_variables) == 8
    assert layer.count_params() == {8: 288, 512: 1_050_624}[d_model]


def test_heads_must_divide_the_features():
    with pytest.raises(ValueError, match="num_heads must divide d_model"):
        MultiHeadAttention(10, 3)


def test_a_model_of_any_length_trains():
    inputs = keras.Input((None, 6))
    model = keras.Model(inputs, MultiHeadAttention(6, 2)(inputs, inputs))
    model.compile(keras.optimizers.Adam(0.01), "mse")
    x = normal(9, 16, 5, 6)
    before = model.evaluate(x, x, verbose=0)
    model.fit(x, x, epochs=20, verbose=0)
    assert model.evaluate(x, x, verbose=0) < 0.8 * before
    assert model(normal(10, 1, 3, 6)).shape == (1, 3, 6)
