"""Parameter counts against published sizes and against models that Keras counts."""

import keras
import numpy as np
import pytest

from reference_impl.attention_layers import GlobalSelfAttention
from reference_impl.multi_head_attention import MultiHeadAttention
from reference_impl.parameter_counts import attention_params, count_transformer_params

GPT3 = {"n_layer": 96, "d_model": 12288, "dff": 4 * 12288}


class Block(keras.layers.Layer):
    """One encoder block, built of the reference attention and Keras layers."""

    def __init__(self, d_model, num_heads, dff):
        super().__init__()
        self.attention = GlobalSelfAttention(d_model, num_heads)
        self.hidden = keras.layers.Dense(dff, "relu")
        self.out = keras.layers.Dense(d_model)
        self.norm = keras.layers.LayerNormalization()

    def call(self, x):
        x = self.attention(x)
        return self.norm(x + self.out(self.hidden(x)))


def toy(n_layer, d_model, dff, vocab):
    ids = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(vocab, d_model)(ids)
    for _ in range(n_layer):
        x = Block(d_model, 2, dff)(x)
    return keras.Model(ids, x)


def test_gpt3_attention():
    """4 * 96 * 12288^2 = 57.98 billion."""
    assert 96 * attention_params(12288) == 57_982_058_496


def test_gpt3_blocks():
    """96 * 12 * 12288^2 = 173.9 billion, since dff = 4 d."""
    assert count_transformer_params(**GPT3) == 173_946_175_488


def test_gpt3_as_published():
    """174,600 million (Brown et al. 2020, table D.1), with 50,257 tokens and 2,048 learned positions."""
    total = count_transformer_params(**GPT3, vocab=50_257, bias=True) + 2_048 * 12_288
    assert round(total / 1e6, -2) == 174_600


def test_bert_base_blocks_as_published():
    """110 million (Devlin et al. 2019): 30,522 tokens, 512 positions, 2 segments, one norm, a pooler."""
    total = count_transformer_params(12, 768, 3072, vocab=30_522, bias=True)
    total += (512 + 2) * 768 + 2 * 768 + (768 * 768 + 768)
    assert total == 109_482_240


@pytest.mark.parametrize("d_model", [4, 10])
def test_attention_as_keras_counts_it(d_model):
    x = np.zeros((1, 3, d_model), "float32")
    for layer in (MultiHeadAttention(d_model, 2), keras.layers.MultiHeadAttention(2, d_model // 2)):
        layer(x, x)
        kernels = sum(int(np.prod(w.shape)) for w in layer.weights if "kernel" in w.path)
        assert layer.count_params() == attention_params(d_model, bias=True)
        assert kernels == attention_params(d_model)


@pytest.mark.parametrize(("n_layer", "d_model", "dff", "vocab"), [(1, 4, 6, 3), (3, 8, 20, 11)])
def test_a_model_as_keras_counts_it(n_layer, d_model, dff, vocab):
    model = toy(n_layer, d_model, dff, vocab)
    matrices = sum(int(np.prod(w.shape)) for w in model.weights if len(w.shape) == 2)
    assert model.count_params() == count_transformer_params(n_layer, d_model, dff, vocab, bias=True)
    assert matrices == count_transformer_params(n_layer, d_model, dff, vocab)


def test_the_embedding_is_extra():
    assert count_transformer_params(2, 8, 16, vocab=5) - count_transformer_params(2, 8, 16) == 40
