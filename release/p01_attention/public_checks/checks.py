"""Public checks of this assignment. At grading they run with other inputs, among others."""


import contextlib
import numpy as np
from .vocabulary import StudentError, array, close, finite, influence, integer, outputs, parameter_count, question, set_random_weights, shared, transplant


MEMORIES = [(5, 3, 2), (1, 4, 6), (7, 1, 3), (12, 6, 1)]  # T, d, dv


SHAPES = [  # leading axes, Tq, Tk, d, dv
    ((2,), 3, 5, 4, 7),
    ((1,), 6, 2, 9, 3),
    ((), 4, 7, 2, 1),
    ((2, 3), 1, 6, 8, 5),
]


SOME_SHAPES = SHAPES[:2]


SPLITS = [(2, 5, 12, 3), (1, 4, 6, 6), (3, 1, 8, 2), (2, 3, 5, 1)]  # B, T, D, h


LENGTHS = [(2, 3, 5), (1, 6, 4), (3, 1, 7)]  # B, Tq, Tk


SOME_LENGTHS = LENGTHS[:2]


PARTS = ("query_dense", "key_dense", "value_dense", "output_dense")


def draw(rng, *shapes, scale=1.0) -> list:
    return [scale * rng.normal(size=shape) for shape in shapes]


def draw_memory(rng, size):
    """A query, keys and values."""
    length, d, dv = size
    return draw(rng, d, (length, d), (length, dv))


def look_up(student, *memory, **scale):
    result = student.soft_lookup(*memory, **scale)
    return outputs(result, 2, "soft_lookup gives a pair: the output, then the weights")


@question("hard_lookup", points=1, public=True)
def test_hard_lookup_gives_the_value_of_the_best_match(student, reference, rng):
    for size in MEMORIES:
        query, keys, values = draw_memory(rng, size)
        matches = keys @ query
        largest = np.abs(matches).argmax()
        keys[largest] *= -np.sign(matches[largest])  # so the match of the largest size is the worst
        message = "the output is the row of values, not of keys, whose key has the largest dot product"
        close(student.hard_lookup(query, keys, values), reference.hard_lookup(query, keys, values), message)


@question("soft_lookup", points=1, public=True)
def test_soft_lookup_averages_by_the_softmax_of_the_matches(student, reference, rng):
    for size in MEMORIES:
        memory = draw_memory(rng, size)
        output, weights = look_up(student, *memory)
        right_output, right_weights = reference.soft_lookup(*memory)
        close(weights, right_weights, "the weights are the softmax of the dot products of query and keys")
        close(output, right_output, "the output is the sum of the values, each times its weight")


@question("soft_lookup", points=0.5, public=True)
def test_soft_lookup_weights_are_shares(student, rng):
    for size in MEMORIES:
        _, weights = look_up(student, *draw_memory(rng, size))
        weights = array(weights, "there is one weight for each key", shape=(size[0],))
        assert (weights >= 0).all(), "no weight is negative: is there a softmax?"
        close(weights.sum(), 1, "the weights sum to 1: does the softmax run over the keys?")


def draw_attention(rng, shape) -> list:
    """A query, a key and a value."""
    lead, tq, tk, d, dv = shape
    return draw(rng, (*lead, tq, d), (*lead, tk, d), (*lead, tk, dv))


def draw_mask(rng, *shape):
    """A mask in which every query may attend to one key at least, and not to all."""
    mask = rng.random(shape) < 0.6
    first = rng.integers(shape[-1], size=(*shape[:-1], 1))
    mask |= np.arange(shape[-1]) == first
    return mask & (np.arange(shape[-1]) != (first + 1) % shape[-1])


def attend(student, *arrays, mask=None):
    """Output and weights of the student's attention of query, key and value."""
    result = student.scaled_dot_product_attention(*arrays, attention_mask=mask)
    return outputs(result, 2, "scaled_dot_product_attention gives a pair: the output, then the weights")


@question("scaled_dot_product_attention", points=1, public=True)
def test_there_is_an_output_for_each_query_and_a_weight_for_each_pair(student, rng):
    for shape in SHAPES:
        lead, tq, tk, _, dv = shape
        output, weights = attend(student, *draw_attention(rng, shape))
        array(output, "the output has a row for each query and the features of the values", (*lead, tq, dv))
        array(weights, "the weights have a row for each query, a column for each key", (*lead, tq, tk))


@question("scaled_dot_product_attention", points=1, public=True)
def test_weights_of_a_query_are_shares(student, rng):
    for shape in SOME_SHAPES:
        _, weights = attend(student, *draw_attention(rng, shape))
        weights = finite(weights, "the weights")
        assert (weights >= 0).all(), "no weight is negative: is there a softmax?"
        message = "the weights of one query sum to 1: the softmax runs over the keys, the last axis"
        close(weights.sum(axis=-1), np.ones((*shape[0], shape[1])), message)


@question("scaled_dot_product_attention", points=1, public=True)
def test_attention_follows_the_formula(student, reference, rng):
    arrays = draw_attention(rng, ((2,), 3, 5, 4, 6))
    output, weights = attend(student, *arrays)
    right_output, right_weights = attend(reference, *arrays)
    close(weights, right_weights, "the weights are softmax(query key^T / sqrt(d)), d features of a query")
    close(output, right_output, "the output is the product of weights and value")


@question("scaled_dot_product_attention", points=2, public=True)
def test_forbidden_keys_get_no_weight_and_the_others_share_it(student, rng):
    for shape in SHAPES:
        lead, tq, tk, _, _ = shape
        mask = draw_mask(rng, *lead, tq, tk)
        _, weights = attend(student, *draw_attention(rng, shape), mask=mask)
        weights = array(weights, "the weights have the shape of the mask", shape=mask.shape)
        message = "a key has weight 0 where the mask is False: True = may attend"
        assert np.all(np.abs(weights[~mask]) < 1e-8), message
        message = "the permitted keys share a weight of 1: mask the scores, before the softmax"
        close(weights.sum(axis=-1), np.ones((*lead, tq)), message)


@question("split_heads", points=1, public=True)
def test_every_head_has_a_slice_of_every_position(student, reference, rng):
    for size in SPLITS:
        batch, length, d_model, num_heads = size
        x = rng.normal(size=(batch, length, d_model))
        message = "head i has features i*D/h to (i+1)*D/h of every position: reshape to (B, T, h, D/h) first"
        close(student.split_heads(x, num_heads), reference.split_heads(x, num_heads), message)


@question("split_heads", points=1, public=True)
def test_merging_undoes_splitting(student, rng):
    for size in SPLITS:
        batch, length, d_model, num_heads = size
        x = rng.normal(size=(batch, length, d_model))
        heads = array(student.split_heads(x, num_heads), "the heads")
        close(student.merge_heads(heads), x, "merge_heads puts back what split_heads has cut")


def called_layer(student, d_model, num_heads):
    """A multi-head attention that has been called, and so has its weights."""
    shapes = (1, 2, d_model), (1, 3, d_model), (1, 3, d_model)
    return shared(student, "MultiHeadAttention", shapes, d_model=d_model, num_heads=num_heads)


def layer_twins(student, reference, rng, d_model, num_heads):
    """The student's and the reference's multi-head attention with the same random weights."""
    theirs, ours = (called_layer(each, d_model, num_heads) for each in (student, reference))
    set_random_weights(ours, rng)
    transplant(ours, theirs, "the weights are those of four dense layers D -> D", PARTS)
    return theirs, ours


def draw_inputs(rng, size, d_model) -> list:
    """Query, value and key of a layer."""
    batch, tq, tk = size
    return draw(rng, (batch, tq, d_model), (batch, tk, d_model), (batch, tk, d_model))


def attend_in_heads(layer, *inputs, **mask):
    result = layer(*inputs, return_attention_scores=True, **mask)
    return outputs(result, 2, "with return_attention_scores the layer gives a pair: output, weights")


@question("multi_head_attention", points=1, public=True)
def test_the_layer_gives_an_output_and_if_asked_the_weights_of_each_head(student, rng):
    layer = shared(student, "MultiHeadAttention", d_model=9, num_heads=3)
    message = "there is a row of D features for each query, and no weights unless they are asked for"
    query, value, _ = draw_inputs(rng, (2, 4, 3), 9)
    array(layer(query, value), message, shape=query.shape)
    for batch, tq, tk in LENGTHS[1:]:
        query, value, key = draw_inputs(rng, (batch, tq, tk), 9)
        output, weights = attend_in_heads(layer, query, value, key)
        array(output, message, shape=(batch, tq, 9))
        array(weights, "every head has its own weights", shape=(batch, 3, tq, tk))


@question("multi_head_attention", points=1, public=True)
def test_the_layer_has_the_weights_of_four_dense_layers(student):
    for d_model, num_heads in ((9, 3), (5, 1)):
        size = d_model**2 + d_model
        layer = called_layer(student, d_model, num_heads)
        for part in PARTS:
            message = f"`{part}` has a kernel (D, D) and a bias (D,), whatever the number of heads"
            assert parameter_count(getattr(layer, part)) == size, message
        message = "the layer has these 4 (D^2 + D) weights and no others, all trainable"
        assert parameter_count(layer) == parameter_count(layer, trainable=True) == 4 * size, message


@question("multi_head_attention", points=2, public=True)
def test_the_layer_agrees_with_the_reference(student, reference, rng):
    theirs, ours = layer_twins(student, reference, rng, 8, 2)
    message = "with the same weights the output is another: project, split, attend, merge, project"
    for size in SOME_LENGTHS:
        query, value, _ = draw_inputs(rng, size, 8)
        close(theirs(query, value), ours(query, value), message, atol=5e-5)


def called_attention(student, name):
    """One of the three layers, for 8 features, that has been called, and so has its weights."""
    shapes = [(1, 2, 8), (1, 3, 8)] if name == "CrossAttention" else [(1, 2, 8)]
    return shared(student, name, shapes, d_model=8, num_heads=2)


@question("self_attention_layers", points=1, public=True)
def test_the_three_layers_keep_the_shape_of_x(student, rng):
    for name in ("GlobalSelfAttention", "CrossAttention", "CausalSelfAttention"):
        layer = called_attention(student, name)
        x, context = draw(rng, (2, 4, 8), (2, 5, 8))
        output = layer(x, context) if name == "CrossAttention" else layer(x)
        message = f"{name} gives one row for each row of x"
        array(finite(output, message), message, shape=x.shape)


@question("self_attention_layers", points=1, public=True)
def test_global_self_attention_agrees_with_the_reference(student, reference, rng):
    theirs, ours = (called_attention(each, "GlobalSelfAttention") for each in (student, reference))
    set_random_weights(ours, rng)
    transplant(ours.attention, theirs.attention, "`attention` is your MultiHeadAttention", PARTS)
    transplant(ours.layer_norm, theirs.layer_norm, "`layer_norm` is a LayerNormalization")
    message = "with the same weights the output is another than layer_norm(x + attention)"
    for length in ((2, 5), (1, 6)):
        x = 2 * rng.normal(size=(*length, 8))
        close(theirs(x), ours(x), message, atol=2e-3, rtol=1e-3)  # room for another epsilon of the norm


@question("self_attention_layers", points=1, public=True)
def test_causal_self_attention_sees_nothing_that_comes_later(student, rng):
    layer = called_attention(student, "CausalSelfAttention")
    message = "a row of the output moves with a later row of x: the model can copy what it shall predict"
    x = rng.normal(size=(2, 6, 8))
    sees = influence(layer, x, rng, batched=True)  # (rows of the output, rows of x)
    assert not np.triu(sees, 1).any(), message


def count(number, expected, message):
    assert integer(number, message) == expected, message


def count_stack(student, right, right_attention, message, *, n_layer, d_model, bias=False, **sizes):
    """The right number, or the one that the student's own count of an attention leads to."""
    found = student.count_transformer_params(n_layer=n_layer, d_model=d_model, bias=bias, **sizes)
    accepted = {right}
    with contextlib.suppress(StudentError, AssertionError):
        own = integer(student.attention_params(d_model, bias=bias), message)
        accepted.add(right + n_layer * (own - right_attention))
    assert integer(found, message) in accepted, message


@question("count_parameters", points=0.5, public=True)
def test_attention_has_four_square_matrices(student, reference, rng):
    for d_model in rng.integers(4, 200, 3).tolist():
        message = "query, key, value and output have a matrix of d_model x d_model each"
        count(student.attention_params(d_model), reference.attention_params(d_model), message)


@question("count_parameters", points=0.5, public=True)
def test_a_block_has_attention_and_two_feed_forward_matrices(student, reference, rng):
    d_model, dff = rng.integers([4, 30], [20, 90]).tolist()
    sizes = {"n_layer": 1, "d_model": d_model, "dff": dff}
    right, right_attention = reference.count_transformer_params(**sizes), reference.attention_params(d_model)
    message = "a block has one attention, a matrix d_model x dff and one dff x d_model; no biases by default"
    count_stack(student, right, right_attention, message, **sizes)
