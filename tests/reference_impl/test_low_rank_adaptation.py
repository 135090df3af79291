"""LoRA against Keras's own (`Dense.enable_lora`), and the published count."""

import keras
import numpy as np
import pytest

from reference_impl.low_rank_adaptation import LoRADense, lora_parameter_count


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def dense(units, inputs, **settings):
    layer = keras.layers.Dense(units, **settings)
    layer.build((None, inputs))
    layer.set_weights([normal(i, *w.shape) for i, w in enumerate(layer.get_weights())])
    return layer


@pytest.mark.parametrize("settings", [{}, {"use_bias": False}, {"activation": "gelu"}])
@pytest.mark.parametrize(("rank", "alpha"), [(1, 1), (4, 2), (3, 16)])
def test_it_agrees_with_keras(settings, rank, alpha):
    ours = LoRADense(dense(6, 5, **settings), rank, alpha)
    theirs = dense(6, 5, **settings)
    theirs.enable_lora(rank, lora_alpha=alpha)
    x, factors = normal(7, 2, 3, 5), (normal(8, 5, rank), normal(9, rank, 6))
    np.testing.assert_allclose(ours(x), ours.base(x), atol=1e-5)
    ours.lora_a.assign(factors[0])
    ours.lora_b.assign(factors[1])
    theirs.lora_kernel_a.assign(factors[0])
    theirs.lora_kernel_b.assign(factors[1])
    np.testing.assert_allclose(ours(x), theirs(x), atol=1e-4)
    np.testing.assert_allclose(ours.merge()(x), theirs(x), atol=1e-4)


def test_training_moves_the_factors_alone():
    layer = LoRADense(dense(4, 3), rank=2)
    model = keras.Sequential([layer])
    before = layer.base.get_weights()
    model.compile(keras.optimizers.SGD(0.1), "mse")
    model.fit(normal(0, 20, 3), normal(1, 20, 4), epochs=2, verbose=0)
    assert all(np.array_equal(old, new) for old, new in zip(before, layer.base.get_weights(), strict=True))
    assert np.abs(layer.lora_b).max() > 0
    assert [weight.name for weight in layer.trainable_weights] == ["lora_a", "lora_b"]


def test_distilbert_gets_368640_parameters():
    assert lora_parameter_count([(768, 3072), (3072, 768)] * 6, rank=8) == 368_640
    counted = sum(int(np.size(w)) for w in LoRADense(dense(7, 4), rank=3).trainable_weights)
    assert lora_parameter_count([(4, 7)], rank=3) == counted
