"""Checks of problem set 2: positions, masks, teacher forcing, and the Transformer from its layers up.

Layers are held to their own parts and to the student's own earlier functions; only the checks whose names
speak of the reference see an earlier error again.
"""

from typing import Any

import numpy as np

from autograder.checking import (
    array,
    assign,
    boolean,
    by_group,
    close,
    equal,
    finite,
    influence,
    is_zero,
    outputs,
    parameter_count,
    question,
    set_random_weights,
    shared,
    transplant,
    variables,
)

REFERENCE = (
    "reference_impl.positional_encoding",
    "reference_impl.masks",
    "reference_impl.teacher_forcing",
    "reference_impl.transformer",
)
LAYER: dict[str, Any] = {"d_model": 8, "num_heads": 2, "dff": 20}
STACK: dict[str, Any] = {"num_layers": 2, **LAYER}
MODEL: dict[str, Any] = {**STACK, "vocab_size": 11}
NEARLY_ALL = 1 - 2.0**-22  # a rate of dropout that leaves one entry in four million
ENCODER_PARTS = ("self_attention", "self_attention_norm", "feed_forward", "feed_forward_norm")
DECODER_PARTS = (*ENCODER_PARTS[:2], "cross_attention", "cross_attention_norm", *ENCODER_PARTS[2:])


def draw_ids(rng, *shape, vocab=11):
    """Token ids, none of them padding."""
    return rng.integers(3, vocab, size=shape)


def draw_padded(rng, batch, length, pad_id=0):
    """Token ids, each sample with another amount of padding, also in the middle; first tokens are real."""
    ids = draw_ids(rng, batch, length)
    ids[:, 1:][rng.random((batch, length - 1)) < 0.4] = pad_id
    ids[0, 1:3] = pad_id, 3
    ids[-1, 1:3] = 3, pad_id
    return ids


def attention_weights(rng, mask):
    """Weights `(B, Tq, Tk)` of an attention with random scores under a mask `(B, 1, 1 or Tq, Tk)`."""
    scores = rng.normal(size=(mask.shape[0], mask.shape[-1], mask.shape[-1]))
    odds = np.exp(scores) * mask[:, 0]
    return odds / np.maximum(odds.sum(axis=-1, keepdims=True), 1e-30)


# 1. Positions


@question("positional_encoding", points=2, public=True)
def test_the_encoding_is_that_of_the_paper(student, reference):
    message = "features 2i and 2i+1 are sin and cos of t / 10000^(2i/d), side by side, t from 0"
    for length, d_model in [(5, 4), (1, 6), (9, 16)]:
        close(
            student.positional_encoding(length, d_model),
            reference.positional_encoding(length, d_model),
            message,
        )


@question("positional_encoding", points=1)
def test_the_encoding_is_right_far_from_the_beginning(student, rng):
    length, half = int(rng.integers(150, 250)), int(rng.integers(5, 20))
    angle = np.arange(length)[:, None] / 10_000 ** (2 * np.arange(half) / (2 * half))
    encoding = array(
        student.positional_encoding(length, 2 * half), "one row per position", (length, 2 * half)
    )
    close(encoding[:, ::2], np.sin(angle), "even features are sines of t / 10000^(2i/d)", atol=2e-4)
    close(encoding[:, 1::2], np.cos(angle), "odd features are cosines, of the sines' angles", atol=2e-4)


@question("positional_encoding", points=1)
def test_all_positions_are_equally_long_vectors(student, rng):
    for length, d_model in [(20, 8), (7, 2 * int(rng.integers(5, 30)))]:
        encoding = array(
            student.positional_encoding(length, d_model), "one row per position", (length, d_model)
        )
        message = "sin² + cos² of one angle is 1: a sine and its cosine share their wavelength"
        close(np.sum(np.square(encoding), axis=1), np.full(length, d_model / 2), message, atol=1e-3)


@question("positional_encoding", points=1)
def test_products_of_positions_depend_on_their_distance_alone(student):
    encoding = array(student.positional_encoding(24, 12), "one row per position", (24, 12)).astype(float)
    products = encoding @ encoding.T
    message = "the product of two positions depends on how far apart they are, not on where they stand"
    close(products[1:, 1:], products[:-1, :-1], message, atol=1e-3)
    assert np.ptp(products) > 0.1, message


@question("positional_encoding", points=0.5)
def test_a_later_position_is_a_linear_function_of_an_earlier_one(student, rng):
    encoding = array(student.positional_encoding(60, 4), "one row per position", (60, 4)).astype(float)
    step = int(rng.integers(2, 9))
    now, later = encoding[:-step], encoding[step:]
    rotation = np.linalg.lstsq(now, later, rcond=1e-5)[0]
    message = "sine and cosine of one angle turn together: one matrix takes every position k steps on"
    close(now @ rotation, later, message, atol=1e-2)


@question("positional_encoding", points=0.5)
def test_positions_count_from_zero(student):
    for length, d_model in [(3, 8), (1, 4)]:
        encoding = array(
            student.positional_encoding(length, d_model), "one row per position", (length, d_model)
        )
        message = "the first position is 0: all its sines are 0, all its cosines 1"
        close(np.sort(encoding[0]), np.repeat([0.0, 1.0], d_model // 2), message)


def embedding_with_table(student, rng, **rate):
    """A PositionalEmbedding of 11 tokens and 6 features, and its table."""
    layer = shared(student, "PositionalEmbedding", vocab_size=11, d_model=6, **rate)
    layer(np.ones((1, 2), int))
    table = rng.normal(size=(11, 6))
    assign(layer.embedding, [table])
    return layer, table


@question("positional_embedding", points=0.5, public=True)
def test_each_token_becomes_a_vector(student, rng):
    layer = shared(student, "PositionalEmbedding", vocab_size=11, d_model=6)
    for shape in [(2, 3), (1, 5), (3, 1)]:
        array(layer(draw_ids(rng, *shape)), "each id becomes d_model features", shape=(*shape, 6))


@question("positional_embedding", points=1, public=True)
def test_token_vectors_are_scaled_by_the_root_of_d_model(student, rng):
    layer, table = embedding_with_table(student, rng)
    first, second = draw_ids(rng, 2, 2, 4)
    difference = np.subtract(*(finite(layer(ids), "the embedding") for ids in (first, second)))
    message = "a token's vector is its row of `embedding`, times sqrt(d_model)"
    close(difference, 6**0.5 * (table[first] - table[second]), message, atol=1e-4)


@question("positional_embedding", points=1.5)
def test_your_positions_are_added_to_the_tokens(student, rng):
    layer, table = embedding_with_table(student, rng)
    for shape in [(2, 5), (1, 3), (3, 1)]:
        ids = draw_ids(rng, *shape)
        positions = array(student.positional_encoding(shape[1], 6), "your positions", (shape[1], 6))
        message = "the output is sqrt(d_model) * token + position, with your positional_encoding"
        close(layer(ids), 6**0.5 * table[ids] + positions, message, atol=1e-4)


@question("positional_embedding", points=1)
def test_dropout_falls_on_the_sum_in_training_alone(student, rng):
    layer, _ = embedding_with_table(student, rng, dropout_rate=0.5)
    ids = draw_ids(rng, 4, 9)
    whole = finite(layer(ids), "the embedding")
    close(layer(ids, training=False), whole, "without training nothing is dropped")
    dropped = array(layer(ids, training=True), "the embedding in training", shape=whole.shape)
    gone = np.abs(dropped) < 1e-7
    assert 0.2 < gone.mean() < 0.8, "in training dropout sets features of the sum to 0: positions too"
    close(
        dropped[~gone], 2 * whole[~gone], "what dropout leaves of the sum is scaled by 1 / (1 - rate)", 1e-4
    )


# 2. Masks


@question("padding_mask", points=1.5, public=True)
def test_tokens_may_be_attended_to_and_padding_may_not(student, reference, rng):
    for batch, length in [(2, 5), (1, 4), (3, 7)]:
        ids = draw_padded(rng, batch, length)
        message = "the padding mask is bool (B, 1, 1, T), True where the id is not 0"
        close(student.create_padding_mask(ids), reference.create_padding_mask(ids), message)


@question("padding_mask", points=1)
def test_padding_may_have_another_id(student, rng):
    for pad_id in (10, 1, -1):
        ids = draw_padded(rng, 3, 6, pad_id)
        ids[:, -1] = 0
        message = "padding is what equals pad_id: then 0 is a token like others"
        close(student.create_padding_mask(ids, pad_id=pad_id), (ids != pad_id)[:, None, None], message)


@question("padding_mask", points=1.5)
def test_padding_gets_no_weight_in_an_attention(student, rng):
    ids = draw_padded(rng, 3, 6)
    mask = boolean(student.create_padding_mask(ids), "the padding mask", shape=(3, 1, 1, 6))
    weights = attention_weights(rng, mask)
    message = "the mask stands on the keys' axis, the last: no query of its sample attends to padding"
    assert not weights.transpose(0, 2, 1)[ids == 0].any(), message
    assert (weights.transpose(0, 2, 1)[ids != 0] > 0).all(), "every query may attend to every token"


@question("look_ahead_mask", points=1, public=True)
def test_each_position_sees_itself(student):
    for length in (1, 4, 7):
        mask = boolean(student.create_look_ahead_mask(length), "the look-ahead mask", (length, length))
        assert mask.diagonal().all(), "a token may attend to itself: is the triangle strict?"


@question("look_ahead_mask", points=1)
def test_no_position_sees_a_later_one(student):
    for length in (2, 5, 8):
        mask = boolean(student.create_look_ahead_mask(length), "the look-ahead mask", (length, length))
        message = "entry (i, j) with j > i is False: rows are queries, columns keys, True = may attend"
        assert not np.triu(mask, 1).any(), message


@question("look_ahead_mask", points=1)
def test_each_position_sees_all_earlier_ones(student):
    for length in (2, 5, 8):
        mask = boolean(student.create_look_ahead_mask(length), "the look-ahead mask", (length, length))
        earlier = np.tri(length, k=-1, dtype=bool)
        assert mask[earlier].all(), "entry (i, j) with j < i is True: the whole past may be attended to"


@question("look_ahead_mask", points=1)
def test_the_triangle_counts_its_positions(student, rng):
    for length in rng.integers(3, 40, 3).tolist():
        mask = boolean(student.create_look_ahead_mask(length), "the look-ahead mask", (length, length))
        message = "query i may attend to i + 1 keys, T(T + 1)/2 pairs in all"
        equal(mask.sum(axis=1).tolist(), list(range(1, length + 1)), message)


@question("combined_mask", points=2, public=True)
def test_the_combined_mask_is_both_of_your_masks(student, rng):
    for batch, length in [(2, 5), (1, 4), (3, 7)]:
        ids = draw_padded(rng, batch, length)
        pad = boolean(student.create_padding_mask(ids), "the padding mask", shape=(batch, 1, 1, length))
        triangle = boolean(student.create_look_ahead_mask(length), "the look-ahead mask", (length, length))
        message = "a pair is permitted where both masks permit it: AND"
        close(student.create_combined_mask(ids), pad & triangle, message)


@question("combined_mask", points=1)
def test_the_combined_mask_agrees_with_the_reference(student, reference, rng):
    for batch, length in [(2, 6), (1, 3), (3, 5)]:
        ids = draw_padded(rng, batch, length)
        message = "bool (B, 1, T, T): True where the key is no padding and not later than the query"
        close(student.create_combined_mask(ids), reference.create_combined_mask(ids), message)


@question("combined_mask", points=2)
def test_no_weight_falls_on_padding_or_on_the_future(student, rng):
    ids = draw_padded(rng, 3, 6)
    pad = boolean(student.create_padding_mask(ids), "the padding mask", shape=(3, 1, 1, 6))
    triangle = boolean(student.create_look_ahead_mask(6), "the look-ahead mask", shape=(6, 6))
    mask = boolean(student.create_combined_mask(ids), "the combined mask", shape=(3, 1, 6, 6))
    weights = attention_weights(rng, mask)
    allowed = np.broadcast_to(pad & triangle, mask.shape)[:, 0]
    assert not weights[~allowed].any(), "a query attends to padding or to a later key: AND, not OR"
    assert (weights[allowed] > 0).all(), "a query may attend to every earlier token and to itself"


@question("combined_mask", points=1)
def test_each_sample_has_a_mask_of_its_own(student, rng):
    ids = draw_padded(rng, 3, 6)
    together = boolean(student.create_combined_mask(ids), "the combined mask", shape=(3, 1, 6, 6))
    message = "a sample's mask comes from its own padding, whatever else is in the batch"
    for sample in range(3):
        close(student.create_combined_mask(ids[[sample]]), together[[sample]], message)
    changed = boolean(student.create_combined_mask(ids[::-1]), message, shape=(3, 1, 6, 6))
    close(changed, together[::-1], message)
    assert (together[0] != together[-1]).any(), message


# 3. Layers


@question("feed_forward", points=0.5, public=True)
def test_the_feed_forward_network_has_two_dense_layers(student, rng):
    for d_model, dff in [(6, 20), (5, 3)]:
        network = student.point_wise_feed_forward(d_model, dff)
        array(network(rng.normal(size=(2, 3, d_model))), "d_model features come out", (2, 3, d_model))
        message = "a kernel and a bias each: d_model -> dff -> d_model"
        equal(parameter_count(network), 2 * d_model * dff + dff + d_model, message)


@question("feed_forward", points=1)
def test_the_activation_stands_between_the_dense_layers(student, rng):
    network = student.point_wise_feed_forward(6, 20)
    network(np.zeros((1, 2, 6)))
    set_random_weights(network, rng, scale=0.5)
    by_shape = {variable.shape: variable.value.astype(float) for variable in variables(network)}
    message = "the weights are (d_model, dff), (dff,), (dff, d_model) and (d_model,)"
    assert set(by_shape) == {(6, 20), (20,), (20, 6), (6,)}, message
    x = rng.normal(size=(2, 3, 6))
    hidden = np.maximum(x @ by_shape[6, 20] + by_shape[(20,)], 0)
    message = "relu(x W1 + b1) W2 + b2: one ReLU, after the first dense layer alone"
    close(network(x), hidden @ by_shape[20, 6] + by_shape[(6,)], message, atol=1e-4)


@question("feed_forward", points=0.5)
def test_the_feed_forward_network_treats_positions_one_by_one(student, rng):
    network = student.point_wise_feed_forward(6, 20)
    network(np.zeros((1, 2, 6)))
    set_random_weights(network, rng)
    sees = influence(network, rng.normal(size=(2, 4, 6)), rng, batched=True)
    equal(sees, np.eye(4, dtype=bool), "each position goes through the network on its own, and each counts")


def encoder_layer(student, rng, **rate):
    layer = shared(student, "EncoderLayer", [(1, 2, 8)], **LAYER, **rate)
    set_random_weights(layer, rng, scale=0.7)
    return layer


def decoder_layer(student, rng, **rate):
    layer = shared(student, "DecoderLayer", [(1, 2, 8), (1, 3, 8)], **LAYER, **rate)
    set_random_weights(layer, rng, scale=0.7)
    return layer


def add_and_norm(layer, part, x, *others, **mask):
    """The norm of x and what the layer's own part makes of it."""
    change = array(getattr(layer, part)(x, *others, **mask), f"`{part}` keeps the shape", shape=x.shape)
    return array(getattr(layer, f"{part}_norm")(x + change), f"`{part}_norm` keeps the shape", shape=x.shape)


def encoder_layer_by_parts(layer, x, mask):
    x = add_and_norm(layer, "self_attention", x, x, attention_mask=mask)
    return add_and_norm(layer, "feed_forward", x)


def decoder_layer_by_parts(layer, x, context, self_mask, cross_mask):
    x = add_and_norm(layer, "self_attention", x, x, attention_mask=self_mask)
    x = add_and_norm(layer, "cross_attention", x, context, attention_mask=cross_mask)
    return add_and_norm(layer, "feed_forward", x)


def draw_mask(rng, batch, rows, columns):
    """bool `(B, 1, rows, columns)`: some keys are forbidden, the first never is."""
    mask = rng.random((batch, 1, rows, columns)) < 0.6
    mask[..., 0], mask[..., 1] = True, False
    return mask


def normalized(x):
    return (x - x.mean(axis=-1, keepdims=True)) / np.sqrt(x.var(axis=-1, keepdims=True) + 1e-6)


def weights_of_layer(attentions, norms):
    d, dff = LAYER["d_model"], LAYER["dff"]
    return attentions * 4 * (d * d + d) + 2 * d * dff + dff + d + norms * 2 * d


def plain_norm(norm, message):
    """Give a norm the gain 1 and the shift 0."""
    shapes = [variable.shape for variable in variables(norm)]
    assert shapes == [(8,), (8,)], f"{message}: the norm has a gain and a shift per feature"
    assign(norm, [np.ones(8), np.zeros(8)])


@question("encoder_layer", points=1, public=True)
def test_the_encoder_layer_has_the_parameters_of_its_parts(student):
    layer = shared(student, "EncoderLayer", [(1, 2, 8)], **LAYER)
    message = "4(d² + d) of the attention, 2 d dff + dff + d of the feed-forward network, 4 d of two norms"
    equal(parameter_count(layer), weights_of_layer(attentions=1, norms=2), message)


@question("encoder_layer", points=1, public=True)
def test_the_encoder_layer_ends_with_a_norm_over_the_features(student, rng):
    layer = encoder_layer(student, rng)
    message = "with gain 1 and shift 0 the features of each position have mean 0 and variance 1"
    plain_norm(layer.feed_forward_norm, message)
    for shape in [(2, 5, 8), (1, 3, 8)]:
        output = array(layer(3 * rng.normal(size=shape)), message, shape=shape).astype(float)
        close(output.mean(axis=-1), np.zeros(shape[:2]), message, atol=1e-3)
        close(output.var(axis=-1), np.ones(shape[:2]), message, atol=2e-2)


@question("encoder_layer", points=1.5)
def test_the_encoder_layer_adds_and_normalizes_twice(student, rng):
    layer = encoder_layer(student, rng)
    for batch, length in [(2, 5), (1, 3), (3, 4)]:
        x, mask = 2 * rng.normal(size=(batch, length, 8)), draw_mask(rng, batch, length, length)
        message = "each part as norm(x + part(x)): attention under the mask first, then feed_forward"
        close(layer(x, self_mask=mask), encoder_layer_by_parts(layer, x, mask), message, atol=1e-3, rtol=1e-3)


@question("encoder_layer", points=1)
def test_the_encoder_layer_sees_what_the_mask_permits_and_nothing_else(student, rng):
    layer = encoder_layer(student, rng)
    mask = np.array([True, False, True, False, True])
    sees = influence(
        lambda x: layer(x, self_mask=mask[None, None, None]), rng.normal(size=(2, 5, 8)), rng, batched=True
    )
    message = "self_mask must reach the attention: forbidden positions move themselves alone"
    equal(sees, mask | np.eye(5, dtype=bool), message)


@question("encoder_layer", points=1)
def test_dropout_falls_on_both_parts_of_the_encoder_layer_in_training(student, rng):
    x = 2 * rng.normal(size=(2, 3, 8))
    layer = encoder_layer(student, rng, dropout_rate=0.5)
    close(layer(x, training=False), layer(x), "without training nothing is dropped: no output is random")
    layer = encoder_layer(student, rng, dropout_rate=NEARLY_ALL)
    for norm in (layer.self_attention_norm, layer.feed_forward_norm):
        plain_norm(norm, "each part has a norm")
    message = "dropout falls on what a part gives, before the sum, in training: x itself is never dropped"
    close(layer(x, training=True), normalized(normalized(x)), message, atol=2e-2)
    assert np.abs(finite(layer(x), "the output") - normalized(x)).max() > 1e-2, (
        "without training nothing is dropped"
    )


@question("encoder_layer", points=0.5)
def test_the_encoder_layer_agrees_with_the_reference(student, reference, rng):
    ours, theirs = encoder_layer(reference, rng), encoder_layer(student, rng)
    transplant(ours, theirs, "the encoder layer's parts have other weights", ENCODER_PARTS)
    for batch, length in [(2, 5), (1, 3), (3, 4)]:
        x, mask = 2 * rng.normal(size=(batch, length, 8)), draw_mask(rng, batch, length, length)
        message = "with the same weights the encoder layer gives another output"
        close(theirs(x, self_mask=mask), ours(x, self_mask=mask), message, atol=5e-3, rtol=1e-3)


@question("decoder_layer", points=1, public=True)
def test_the_decoder_layer_has_the_parameters_of_its_parts(student):
    layer = shared(student, "DecoderLayer", [(1, 2, 8), (1, 3, 8)], **LAYER)
    message = "two attentions with weights of their own, one feed-forward network, three norms"
    equal(parameter_count(layer), weights_of_layer(attentions=2, norms=3), message)


@question("decoder_layer", points=1, public=True)
def test_the_decoder_layer_reads_all_of_the_context(student, rng):
    layer = decoder_layer(student, rng)
    x, context = rng.normal(size=(2, 4, 8)), rng.normal(size=(2, 5, 8))
    copies = np.tile(x, (6, 1, 1))
    sees = influence(lambda changed: layer(copies, changed), context, rng, batched=True)
    message = "every row of the output sees every row of the context: its keys and values come from there"
    assert sees.shape == (4, 5) and sees.all(), message


@question("decoder_layer", points=1.5)
def test_the_decoder_layer_adds_and_normalizes_three_times(student, rng):
    layer = decoder_layer(student, rng)
    for batch, length, context_length in [(2, 4, 5), (1, 5, 3), (3, 3, 3)]:
        x, context = 2 * rng.normal(size=(batch, length, 8)), rng.normal(size=(batch, context_length, 8))
        masks = draw_mask(rng, batch, length, length), draw_mask(rng, batch, length, context_length)
        message = "self-attention, then cross-attention, then feed_forward, each as norm(x + part(x, …))"
        found = layer(x, context, self_mask=masks[0], cross_mask=masks[1])
        close(found, decoder_layer_by_parts(layer, x, context, *masks), message, atol=1e-3, rtol=1e-3)


@question("decoder_layer", points=1)
def test_each_mask_of_the_decoder_layer_is_for_its_own_attention(student, rng):
    layer = decoder_layer(student, rng)
    x, context, triangle = rng.normal(size=(2, 4, 8)), rng.normal(size=(2, 4, 8)), np.tri(4, dtype=bool)
    keys = np.array([True, False, True, False])[None, None, None]
    masks = {"self_mask": triangle[None, None], "cross_mask": keys}
    copies = [np.tile(each, (5, 1, 1)) for each in (x, context)]
    sees = influence(lambda changed: layer(changed, copies[1], **masks), x, rng, batched=True)
    equal(sees, triangle, "self_mask says which rows of x a row sees: the past and itself under a triangle")
    sees = influence(lambda changed: layer(copies[0], changed, **masks), context, rng, batched=True)
    message = "cross_mask says which rows of the context are seen: padding of the context is not"
    equal(sees, np.broadcast_to(keys[0, 0], (4, 4)), message)


@question("decoder_layer", points=1)
def test_dropout_falls_on_the_three_parts_of_the_decoder_layer_in_training(student, rng):
    x, context = 2 * rng.normal(size=(2, 3, 8)), rng.normal(size=(2, 4, 8))
    layer, message = decoder_layer(student, rng, dropout_rate=0.5), "without training no output is random"
    close(layer(x, context, training=False), layer(x, context), message)
    layer = decoder_layer(student, rng, dropout_rate=NEARLY_ALL)
    for norm in (layer.self_attention_norm, layer.cross_attention_norm, layer.feed_forward_norm):
        plain_norm(norm, "each part has a norm")
    message = "dropout falls on what a part gives, before the sum, in training: x itself is never dropped"
    close(layer(x, context, training=True), normalized(x), message, atol=2e-2)
    still = finite(layer(x, context), "the output")
    assert np.abs(still - normalized(x)).max() > 1e-2, "without training nothing is dropped"


@question("decoder_layer", points=0.5)
def test_the_decoder_layer_agrees_with_the_reference(student, reference, rng):
    ours, theirs = decoder_layer(reference, rng), decoder_layer(student, rng)
    transplant(ours, theirs, "the decoder layer's parts have other weights", DECODER_PARTS)
    for batch, length, context_length in [(2, 4, 5), (1, 5, 3), (3, 3, 3)]:
        x, context = 2 * rng.normal(size=(batch, length, 8)), rng.normal(size=(batch, context_length, 8))
        masks = {
            "self_mask": draw_mask(rng, batch, length, length),
            "cross_mask": draw_mask(rng, batch, length, context_length),
        }
        message = "with the same weights the decoder layer gives another output"
        close(theirs(x, context, **masks), ours(x, context, **masks), message, atol=5e-3, rtol=1e-3)


# 4. Stacks


def set_lively_weights(target, rng):
    """Random weights under which differences survive many layers: norms with small gains would hide them."""
    values = []
    for variable in variables(target):
        noise = rng.normal(size=variable.shape)
        if variable.name == "gamma":
            values.append(1 + 0.2 * noise)
        else:
            values.append((0.2 if noise.ndim == 1 else 0.7) * noise)
    assign(target, values)


def encoder(student, rng, **rate):
    stack = shared(student, "Encoder", [(1, 2, 8)], **STACK, **rate)
    set_lively_weights(stack, rng)
    return stack


def decoder(student, rng, **rate):
    stack = shared(student, "Decoder", [(1, 2, 8), (1, 3, 8)], **STACK, **rate)
    set_lively_weights(stack, rng)
    return stack


@question("encoder_decoder", points=1, public=True)
def test_each_layer_of_a_stack_has_weights_of_its_own(student):
    for stack, layer, shapes in [
        ("Encoder", "EncoderLayer", [(1, 2, 8)]),
        ("Decoder", "DecoderLayer", [(1, 2, 8), (1, 3, 8)]),
    ]:
        one = parameter_count(shared(student, layer, shapes, **LAYER))
        both = parameter_count(shared(student, stack, shapes, **STACK))
        message = (
            f"a {stack} of two layers has twice the weights of one: is a single layer used over and over?"
        )
        assert one and both == 2 * one, message


@question("encoder_decoder", points=1)
def test_the_encoder_calls_its_layers_one_after_the_other(student, rng):
    stack = encoder(student, rng)
    for batch, length in [(2, 5), (1, 3), (3, 4)]:
        x, mask = 2 * rng.normal(size=(batch, length, 8)), draw_mask(rng, batch, length, length)
        by_layers = x
        for number in range(2):
            by_layers = array(stack.encoder_layers[number](by_layers, self_mask=mask), "a layer", x.shape)
        message = "each of encoder_layers reads what the one before gives, under the same mask"
        close(stack(x, self_mask=mask), by_layers, message, atol=1e-3, rtol=1e-3)


@question("encoder_decoder", points=1)
def test_the_decoder_calls_its_layers_one_after_the_other(student, rng):
    stack = decoder(student, rng)
    for batch, length, context_length in [(2, 4, 5), (1, 5, 3), (3, 3, 3)]:
        x, context = 2 * rng.normal(size=(batch, length, 8)), rng.normal(size=(batch, context_length, 8))
        masks = {
            "self_mask": draw_mask(rng, batch, length, length),
            "cross_mask": draw_mask(rng, batch, length, context_length),
        }
        by_layers = x
        for number in range(2):
            by_layers = array(stack.decoder_layers[number](by_layers, context, **masks), "a layer", x.shape)
        message = (
            "each of decoder_layers reads what the one before gives; context and masks are the same for all"
        )
        close(stack(x, context, **masks), by_layers, message, atol=1e-3, rtol=1e-3)


@question("encoder_decoder", points=1)
def test_the_rate_of_dropout_reaches_every_layer(student, rng):
    x, context = rng.normal(size=(2, 3, 8)), rng.normal(size=(2, 4, 8))
    for make_stack, inputs in [(encoder, [x]), (decoder, [x, context])]:
        stack = make_stack(student, rng, dropout_rate=NEARLY_ALL)
        still, trained, again = (
            finite(stack(*inputs, training=flag), "the output") for flag in (False, True, True)
        )
        message = "dropout_rate is for the layers: with a rate of nearly 1 nothing random is left"
        close(trained, again, message, atol=1e-4)
        assert np.abs(still - trained).max() > 1e-2, "the flag `training` reaches the layers' dropout"


# 5. The Transformer


def transformer(student, rng):
    model = shared(student, "Transformer", **MODEL)
    model((np.ones((1, 2), int), np.ones((1, 3), int)))
    set_lively_weights(model, rng)
    return model


def logits(model, context, x, **training):
    return array(model((context, x), **training), "the logits", shape=(*x.shape, MODEL["vocab_size"]))


@question("transformer", points=1, public=True)
def test_there_is_a_logit_for_each_position_and_token(student, rng):
    model = shared(student, "Transformer", **MODEL)
    for batch, context_length, length in [(2, 5, 3), (1, 2, 4)]:
        found = model((draw_ids(rng, batch, context_length), draw_ids(rng, batch, length)))
        array(found, "logits (B, T, vocab_size), T that of the target", shape=(batch, length, 11))


@question("transformer", points=1, public=True)
def test_one_table_embeds_context_and_target_and_gives_the_logits(student):
    model = shared(student, "Transformer", **MODEL)
    model((np.ones((1, 2), int), np.ones((1, 3), int)))
    parts = parameter_count(model.encoder) + parameter_count(model.decoder)
    message = "beside encoder and decoder there is one table (vocab_size, d_model), and no bias of the logits"
    equal(parameter_count(model), parts + MODEL["vocab_size"] * MODEL["d_model"], message)


@question("transformer", points=1.5)
def test_the_transformer_joins_your_own_parts(student, rng):
    model = transformer(student, rng)
    table = variables(model.embedding.embedding)[0].value
    for batch, context_length, length in [(2, 5, 4), (3, 4, 6)]:
        source, target = draw_padded(rng, batch, context_length), draw_padded(rng, batch, length)
        context_mask, combined = student.create_padding_mask(source), student.create_combined_mask(target)
        context = model.encoder(model.embedding(source), self_mask=context_mask)
        x = model.decoder(model.embedding(target), context, self_mask=combined, cross_mask=context_mask)
        message = "embed, encode under the padding mask, decode under both masks, times the table: no softmax"
        x = array(x, message, shape=(batch, length, 8))
        close(logits(model, source, target), x @ table.T, message, atol=1e-3, rtol=1e-3)


@question("transformer", points=1)
def test_no_logit_sees_a_later_token(student, rng):
    model = transformer(student, rng)
    source, target = draw_ids(rng, 2, 5), draw_ids(rng, 2, 6)
    before = finite(logits(model, source, target), "the logits")
    copies = np.repeat(target[None], 6, axis=0)
    for position in range(6):
        copies[position, :, position] = 3 + (target[:, position] - 2) % 8
    after = logits(model, np.tile(source, (6, 1)), copies.reshape(12, 6)).reshape(6, 2, 6, 11)
    moves = np.abs(after - before).max(axis=(1, 3)) > 1e-5  # (token that changed, logits that moved)
    message = "the logits at t depend on tokens 0 to t of the target: all of them, and no later one"
    equal(moves.T, np.tri(6, dtype=bool), message)


@question("transformer", points=1)
def test_padding_changes_no_logit(student, rng):
    model = transformer(student, rng)
    source, target = draw_ids(rng, 2, 4), draw_ids(rng, 2, 3)
    before = finite(logits(model, source, target), "the logits")
    columns = [(0, 0), (0, 3)]
    message = "padding after the context must change nothing: its mask is for encoder and cross-attention"
    close(logits(model, np.pad(source, columns), target), before, message, atol=1e-4)
    message = "padding after the target must not change the logits before it"
    close(logits(model, source, np.pad(target, columns))[:, :3], before, message, atol=1e-4)
    other = logits(model, draw_ids(rng, 2, 4), target)
    assert np.abs(other - before).max() > 1e-3, "the logits depend on the context"


@question("transformer", points=0.5)
def test_the_outputs_are_logits_not_probabilities(student, rng):
    model = transformer(student, rng)
    ids = draw_ids(rng, 2, 4), draw_ids(rng, 2, 3)
    found = finite(logits(model, *ids), "the logits").astype(float)
    message = "no softmax: the loss has from_logits=True and would apply a second one"
    assert np.abs(np.exp(found).sum(axis=-1) - 1).max() > 0.1, message
    assert np.abs(found.sum(axis=-1) - 1).max() > 0.1, message


@question("transformer", points=0.5)
def test_gradients_reach_every_part_and_dropout_works_in_training_alone(student, rng):
    model = transformer(student, rng)
    ids = draw_ids(rng, 2, 4), draw_ids(rng, 2, 3)
    still = finite(logits(model, *ids), "the logits")
    close(logits(model, *ids, training=False), still, "without training nothing is dropped", atol=1e-4)
    noisy = logits(model, *ids, training=True)
    assert np.abs(noisy - still).max() > 1e-2, "the flag `training` must reach every dropout"
    groups = {name: getattr(model, name) for name in ("embedding", "encoder", "decoder")}
    gradients = by_group(model, ids, groups=groups, cotangent=rng.normal(size=still.shape))
    for name, group in gradients.items():
        assert any(not is_zero(gradient, 1e-6) for gradient in group), f"`{name}` is not trained"


@question("transformer", points=0.5)
def test_the_transformer_agrees_with_the_reference(student, reference, rng):
    ours, theirs = transformer(reference, rng), transformer(student, rng)
    message = "the Transformer's parts have other weights"
    transplant(ours.embedding.embedding, theirs.embedding.embedding, message)
    for number in range(2):
        mine, yours = (model.encoder.encoder_layers[number] for model in (ours, theirs))
        transplant(mine, yours, message, ENCODER_PARTS)
        mine, yours = (model.decoder.decoder_layers[number] for model in (ours, theirs))
        transplant(mine, yours, message, DECODER_PARTS)
    for batch, context_length, length in [(2, 5, 4), (3, 4, 6)]:
        ids = draw_padded(rng, batch, context_length), draw_padded(rng, batch, length)
        message = "with the same weights the Transformer gives other logits"
        close(logits(theirs, *ids), logits(ours, *ids), message, atol=1e-3, rtol=1e-3)


# 6. Teacher forcing


def shift(student, ids, bos=1):
    result = student.make_decoder_inputs_and_labels(ids, bos)
    inputs, labels = outputs(result, 2, "a pair: the decoder's inputs, then the labels")
    return (
        array(each, message, ids.shape) for each, message in ((inputs, "the inputs"), (labels, "the labels"))
    )


@question("teacher_forcing", points=1.5, public=True)
def test_the_decoder_reads_what_came_before(student, rng):
    for shape in [(2, 5), (1, 4), (3, 1)]:
        ids = draw_ids(rng, *shape)
        inputs, _ = shift(student, ids)
        message = "the inputs are BOS and then the ids, the last one left out"
        close(inputs, np.concatenate([np.ones((shape[0], 1)), ids[:, :-1]], axis=1), message)


@question("teacher_forcing", points=1, public=True)
def test_the_labels_are_the_ids(student, rng):
    for shape in [(2, 5), (1, 4), (3, 1)]:
        ids = draw_ids(rng, *shape)
        _, labels = shift(student, ids)
        close(labels, ids, "each position is to predict the id that stands there, EOS included")


@question("teacher_forcing", points=1)
def test_every_sequence_begins_with_bos(student, rng):
    for bos in rng.permutation([1, 2, 29]).tolist():
        inputs, _ = shift(student, draw_ids(rng, 3, 4), bos)
        close(inputs[:, 0], np.full(3, bos), "the first input of every sample is `bos`, whatever its id is")


@question("teacher_forcing", points=1.5)
def test_each_label_is_the_next_input(student, rng):
    ids = draw_padded(rng, 3, 7)
    inputs, labels = shift(student, ids)
    close(inputs[:, 1:], labels[:, :-1], "inputs[:, 1:] is labels[:, :-1]: the same sequence, one step late")
    assert np.ptp(labels) > 0, "the labels come from the ids"


@question("teacher_forcing", points=1)
def test_no_input_knows_its_label(student, rng):
    ids = draw_ids(rng, 2, 6)
    before, _ = shift(student, ids)
    message = "the input at t must not change with the id at t or later: it would tell the answer"
    for position in range(6):
        changed = np.array(ids)
        changed[:, position:] = 3 + (ids[:, position:] - 2) % 8
        after, _ = shift(student, changed)
        close(after[:, : position + 1], before[:, : position + 1], message)
