import numpy as np
import pytest

from reference_impl.masks import create_combined_mask, create_look_ahead_mask, create_padding_mask
from reference_impl.positional_encoding import PositionalEmbedding, positional_encoding
from reference_impl.teacher_forcing import make_decoder_inputs_and_labels
from reference_impl.transformer import DecoderLayer, EncoderLayer, Transformer, point_wise_feed_forward

IDS = np.array([[3, 4, 0, 0], [5, 6, 7, 0]], "int32")


def test_positional_encoding_is_that_of_the_paper_number_by_number():
    encoding = positional_encoding(7, 6)
    for position in range(7):
        for i in range(3):
            angle = position / 10_000 ** (2 * i / 6)
            assert encoding[position, 2 * i] == pytest.approx(np.sin(angle), abs=1e-6)
            assert encoding[position, 2 * i + 1] == pytest.approx(np.cos(angle), abs=1e-6)


def test_an_embedding_is_the_scaled_row_plus_the_position():
    layer = PositionalEmbedding(9, 4)
    table = layer.embedding(np.arange(9)).numpy()
    np.testing.assert_allclose(layer(IDS), 2 * table[IDS] + positional_encoding(4, 4), atol=1e-6)


def test_masks_written_out():
    assert create_padding_mask(IDS).numpy().tolist() == [
        [[[True, True, False, False]]],
        [[[True] * 3 + [False]]],
    ]
    np.testing.assert_array_equal(create_look_ahead_mask(5), np.tri(5, dtype=bool))
    combined = create_combined_mask(IDS).numpy()
    for sample, i, j in np.ndindex(2, 4, 4):
        assert combined[sample, 0, i, j] == (j <= i and IDS[sample, j] != 0)


def test_decoder_inputs_are_the_labels_one_step_late():
    inputs, labels = make_decoder_inputs_and_labels(IDS, 1)
    np.testing.assert_array_equal(inputs, [[1, 3, 4, 0], [1, 5, 6, 7]])
    np.testing.assert_array_equal(labels, IDS)


def test_the_feed_forward_network_in_float64():
    network = point_wise_feed_forward(4, 9)
    x = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")
    found = network(x).numpy()
    kernel, bias, out_kernel, out_bias = (w.numpy().astype(float) for w in network.weights)
    np.testing.assert_allclose(found, np.maximum(x @ kernel + bias, 0) @ out_kernel + out_bias, atol=1e-5)


def normalized(x):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-6)


def test_layers_are_sums_and_norms_of_their_parts():
    x, context = (np.random.default_rng(1).normal(size=(2, n, 8)).astype("float32") for n in (3, 5))
    layer = EncoderLayer(8, 2, 20)
    found = layer(x).numpy()
    first = normalized(x + layer.self_attention(x, x).numpy())
    np.testing.assert_allclose(found, normalized(first + layer.feed_forward(first).numpy()), atol=1e-4)
    layer = DecoderLayer(8, 2, 20)
    found = layer(x, context).numpy()
    first = normalized(x + layer.self_attention(x, x).numpy())
    second = normalized(first + layer.cross_attention(first, context).numpy())
    np.testing.assert_allclose(found, normalized(second + layer.feed_forward(second).numpy()), atol=1e-4)


def closed_form(n, d, dff, vocab):
    attention, feed_forward = 4 * (d * d + d), 2 * d * dff + dff + d
    return n * (attention + feed_forward + 4 * d + 2 * attention + feed_forward + 6 * d) + vocab * d


def test_parameters_and_padding():
    model = Transformer(2, 8, 2, 20, 11)
    context, x = np.array([[3, 4, 5], [6, 7, 8]]), np.array([[1, 4], [1, 5]])
    before = model((context, x)).numpy()
    assert before.shape == (2, 2, 11)
    assert model.count_params() == closed_form(2, 8, 20, 11)
    assert closed_form(6, 512, 2048, 37_000) == 63_082_496
    after = model((np.pad(context, ((0, 0), (0, 2))), np.pad(x, ((0, 0), (0, 3))))).numpy()
    np.testing.assert_allclose(after[:, :2], before, atol=1e-5)


@pytest.mark.slow
def test_the_base_model_has_63_million_parameters():
    model = Transformer(6, 512, 8, 2048, 37_000)
    model((np.ones((1, 2), "int32"), np.ones((1, 2), "int32")))
    assert model.count_params() == 63_082_496
