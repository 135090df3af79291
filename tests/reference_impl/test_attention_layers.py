"""The three attention layers against Keras's attention and against who may look at whom."""

import keras
import numpy as np
import pytest

from reference_impl.attention_layers import CausalSelfAttention, CrossAttention, GlobalSelfAttention

D_MODEL, NUM_HEADS = 6, 2


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def built(kind, *inputs):
    layer = kind(D_MODEL, NUM_HEADS)
    layer(*inputs)
    layer.set_weights([normal(i, *w.shape) for i, w in enumerate(layer.get_weights())])
    return layer


def add_and_norm(layer, x, *, value, **how):
    """The layer again, with Keras's attention and the norm written out in NumPy."""
    twin = keras.layers.MultiHeadAttention(NUM_HEADS, key_dim=D_MODEL // NUM_HEADS)
    twin(x, value)
    twin.set_weights(
        [
            np.reshape(w, t.shape)
            for w, t in zip(layer.attention.get_weights(), twin.get_weights(), strict=True)
        ]
    )
    total = (x + twin(x, value, **how)).numpy().astype("float64")
    centred = total - total.mean(-1, keepdims=True)
    norm = layer.layer_norm
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + norm.epsilon) * norm.gamma + norm.beta


def test_global_self_attention_against_keras():
    x = normal(0, 2, 5, D_MODEL)
    layer = built(GlobalSelfAttention, x)
    np.testing.assert_allclose(layer(x), add_and_norm(layer, x, value=x), atol=1e-4)


def test_cross_attention_against_keras():
    x, context = normal(1, 2, 3, D_MODEL), normal(2, 2, 7, D_MODEL)
    layer = built(CrossAttention, x, context)
    np.testing.assert_allclose(layer(x, context), add_and_norm(layer, x, value=context), atol=1e-4)


def test_causal_self_attention_against_keras():
    x = normal(3, 2, 5, D_MODEL)
    layer = built(CausalSelfAttention, x)
    np.testing.assert_allclose(layer(x), add_and_norm(layer, x, value=x, use_causal_mask=True), atol=1e-4)


@pytest.mark.parametrize("j", [0, 2, 4])
def test_only_the_present_and_the_future_see_a_change(j):
    x = normal(4, 1, 5, D_MODEL)
    layer = built(CausalSelfAttention, x)
    changed = x.copy()
    changed[0, j] += 1
    moved = np.abs(layer(changed) - layer(x)).max(axis=(0, 2)) > 1e-5
    np.testing.assert_array_equal(moved, np.arange(5) >= j)


def test_a_prefix_gives_the_prefix_of_the_output():
    x = normal(5, 2, 6, D_MODEL)
    layer = built(CausalSelfAttention, x)
    np.testing.assert_allclose(layer(x[:, :3]), layer(x)[:, :3], atol=1e-5)


def test_the_context_is_a_set():
    x, context = normal(6, 1, 3, D_MODEL), normal(7, 1, 4, D_MODEL)
    layer = built(CrossAttention, x, context)
    np.testing.assert_allclose(layer(x, context[:, [2, 0, 3, 1]]), layer(x, context), atol=1e-4)


@pytest.mark.parametrize("kind", [GlobalSelfAttention, CrossAttention, CausalSelfAttention])
def test_parameters_are_those_of_attention_and_norm(kind):
    """4 (36 + 6) of the projections and 2 x 6 of the norm."""
    inputs = [normal(8, 1, 2, D_MODEL)] * (2 if kind is CrossAttention else 1)
    assert built(kind, *inputs).count_params() == 180
