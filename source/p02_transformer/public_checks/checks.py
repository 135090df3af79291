"""Public checks of this assignment. At grading they run with other inputs, among others."""


from typing import Any
import numpy as np
from .vocabulary import array, assign, boolean, close, equal, finite, influence, outputs, parameter_count, question, set_random_weights, shared, variables


LAYER: dict[str, Any] = {"d_model": 8, "num_heads": 2, "dff": 20}


STACK: dict[str, Any] = {"num_layers": 2, **LAYER}


MODEL: dict[str, Any] = {**STACK, "vocab_size": 11}


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


@question("positional_encoding", points=2, public=True)
def test_the_encoding_is_that_of_the_paper(student, reference):
    message = "features 2i and 2i+1 are sin and cos of t / 10000^(2i/d), side by side, t from 0"
    for length, d_model in [(5, 4), (1, 6), (9, 16)]:
        close(
            student.positional_encoding(length, d_model),
            reference.positional_encoding(length, d_model),
            message,
        )


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


@question("padding_mask", points=1.5, public=True)
def test_tokens_may_be_attended_to_and_padding_may_not(student, reference, rng):
    for batch, length in [(2, 5), (1, 4), (3, 7)]:
        ids = draw_padded(rng, batch, length)
        message = "the padding mask is bool (B, 1, 1, T), True where the id is not 0"
        close(student.create_padding_mask(ids), reference.create_padding_mask(ids), message)


@question("look_ahead_mask", points=1, public=True)
def test_each_position_sees_itself(student):
    for length in (1, 4, 7):
        mask = boolean(student.create_look_ahead_mask(length), "the look-ahead mask", (length, length))
        assert mask.diagonal().all(), "a token may attend to itself: is the triangle strict?"


@question("combined_mask", points=2, public=True)
def test_the_combined_mask_is_both_of_your_masks(student, rng):
    for batch, length in [(2, 5), (1, 4), (3, 7)]:
        ids = draw_padded(rng, batch, length)
        pad = boolean(student.create_padding_mask(ids), "the padding mask", shape=(batch, 1, 1, length))
        triangle = boolean(student.create_look_ahead_mask(length), "the look-ahead mask", (length, length))
        message = "a pair is permitted where both masks permit it: AND"
        close(student.create_combined_mask(ids), pad & triangle, message)


@question("feed_forward", points=0.5, public=True)
def test_the_feed_forward_network_has_two_dense_layers(student, rng):
    for d_model, dff in [(6, 20), (5, 3)]:
        network = student.point_wise_feed_forward(d_model, dff)
        array(network(rng.normal(size=(2, 3, d_model))), "d_model features come out", (2, 3, d_model))
        message = "a kernel and a bias each: d_model -> dff -> d_model"
        equal(parameter_count(network), 2 * d_model * dff + dff + d_model, message)


def encoder_layer(student, rng, **rate):
    layer = shared(student, "EncoderLayer", [(1, 2, 8)], **LAYER, **rate)
    set_random_weights(layer, rng, scale=0.7)
    return layer


def decoder_layer(student, rng, **rate):
    layer = shared(student, "DecoderLayer", [(1, 2, 8), (1, 3, 8)], **LAYER, **rate)
    set_random_weights(layer, rng, scale=0.7)
    return layer


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
