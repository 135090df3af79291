"""Checks of problem set 1: lookups, attention, multi-head attention, attention layers, parameter counts.

Of a later question, what compares numbers with the reference fails with an error of an earlier one; the
other checks hold the code to the student's own attention, so that an error is paid for once.
"""

import contextlib
import functools
from typing import Any

import keras
import numpy as np

from autograder.checking import (
    NotImplementedYet,
    StudentError,
    array,
    as_numpy,
    assign,
    by_group,
    close,
    confirm_variable_gradient,
    finite,
    influence,
    integer,
    is_zero,
    moved,
    outputs,
    parameter_count,
    question,
    same_when_trimmed,
    set_random_weights,
    shared,
    transplant,
    variables,
)
from autograder.checking.contract import absolute_paths, cells_until_done, done_cell

REFERENCE = (
    "reference_impl.lookup",
    "reference_impl.attention",
    "reference_impl.multi_head_attention",
    "reference_impl.attention_layers",
    "reference_impl.parameter_counts",
)
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


# 1. A lookup


def draw_memory(rng, size):
    """A query, keys and values."""
    length, d, dv = size
    return draw(rng, d, (length, d), (length, dv))


def look_up(student, *memory, **scale):
    result = student.soft_lookup(*memory, **scale)
    return outputs(result, 2, "soft_lookup gives a pair: the output, then the weights")


def softmax_in_float64(scores):
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def as_arrays(memory):
    return [as_numpy(part.astype(np.float32)) for part in memory]


@question("hard_lookup", points=1, public=True)
def test_hard_lookup_gives_the_value_of_the_best_match(student, reference, rng):
    for size in MEMORIES:
        query, keys, values = draw_memory(rng, size)
        matches = keys @ query
        largest = np.abs(matches).argmax()
        keys[largest] *= -np.sign(matches[largest])  # so the match of the largest size is the worst
        message = "the output is the row of values, not of keys, whose key has the largest dot product"
        close(student.hard_lookup(query, keys, values), reference.hard_lookup(query, keys, values), message)


@question("hard_lookup", points=1)
def test_a_long_key_matches_better_than_a_parallel_one(student, rng):
    query, aside = draw(rng, 6, 6)
    query /= np.linalg.norm(query)
    aside -= query * (aside @ query)
    keys = np.stack([-2 * query, 0.5 * query, 1.5 * query + 4 * aside, aside])
    values = rng.normal(size=(4, 3))
    message = "the match is the plain dot product: neither the cosine nor the distance"
    close(student.hard_lookup(*as_arrays([query, keys, values])), values[2], message)


@question("hard_lookup", points=0.5)
def test_hard_lookup_does_not_depend_on_the_order_of_the_memory(student, rng):
    query, keys, values = draw_memory(rng, (9, 4, 3))
    before = finite(student.hard_lookup(query, keys, values), "the output")
    order = np.roll(np.arange(9), rng.integers(1, 9))
    message = "rows of the memory that change places together must not change the output"
    close(student.hard_lookup(query, keys[order], values[order]), before, message)
    changed = array(student.hard_lookup(query, keys, values + 1), "the output", shape=before.shape)
    assert np.abs(changed - before).max() > 0.1, "the output must come from the values"


@question("hard_lookup", points=0.5)
def test_of_equal_matches_the_first_counts(student, rng):
    best = rng.integers(1, 5, 3).astype(float)
    keys = np.stack([-best, best, best - 1, best])  # whole numbers: their dot products are exact
    values = rng.normal(size=(4, 2))
    message = "of equally good keys the first one counts, and its value is given alone"
    close(student.hard_lookup(best, keys, values), values[1], message)


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


@question("soft_lookup", points=1.5)
def test_the_scale_multiplies_the_matches(student, rng):
    for size, scale in zip(MEMORIES, rng.uniform([0.1, 0.1, 1.5, 1.5], [0.5, 0.5, 3, 3]), strict=True):
        query, keys, values = memory = draw_memory(rng, size)
        output, weights = look_up(student, *as_arrays(memory), scale=scale)
        right_weights = softmax_in_float64(scale * keys @ query)
        message = "the dot products are multiplied by `scale` before the softmax, and by nothing else"
        close(weights, right_weights, message)
        close(output, right_weights @ values, message)


@question("soft_lookup", points=0.5)
def test_soft_lookup_does_not_depend_on_the_order_of_the_memory(student, rng):
    query, keys, values = draw_memory(rng, (9, 4, 3))
    order = np.roll(np.arange(9), rng.integers(1, 9))
    before, weights = (finite(part, "the result") for part in look_up(student, query, keys, values))
    after, weights_after = look_up(student, query, keys[order], values[order])
    message = "rows of the memory that change places together must not change the output"
    close(after, before, message)
    close(weights_after, weights[order], "a key keeps its weight wherever it stands")
    changed, _ = look_up(student, query, keys, values[order])
    changed = array(changed, "the output", shape=before.shape)
    assert np.abs(changed - before).max() > 1e-3, "a value counts by the weight of its own key"


@question("soft_lookup", points=0.5)
def test_a_huge_scale_makes_it_a_hard_lookup(student, rng):
    query = rng.normal(size=5)
    matches = rng.permutation(np.linspace(-1, 0.8, 10))
    keys = matches[:, None] * query / (query @ query)
    values = rng.normal(size=(10, 3))
    message = "the larger the scale, the more the best match counts: in the limit it counts alone"
    close(look_up(student, query, keys, values, scale=80.0)[0], values[matches.argmax()], message)


@question("soft_lookup", points=0.5)
def test_equal_keys_give_the_mean_of_the_values(student, rng):
    query, key, values = draw(rng, 4, 4, (7, 3))
    message = "keys that match equally well have equal weights: the output is the mean of the values"
    close(look_up(student, query, np.tile(key, (7, 1)), values)[0], values.mean(axis=0), message)
    output, _ = look_up(student, query, rng.normal(size=(7, 4)), values, scale=0.0)
    close(output, values.mean(axis=0), "with a scale of 0 every key has the same weight")


@question("soft_lookup", points=0.5)
def test_large_matches_do_not_overflow(student, rng):
    query = rng.normal(size=5)
    matches = rng.permutation(np.linspace(-900, 900, 6))
    keys = matches[:, None] * query / (query @ query)
    output, weights = look_up(student, query, keys, rng.normal(size=(6, 2)))
    message = "exp of a large match is infinite: take the largest match from all of them first"
    finite(output, message)
    close(weights, np.eye(6)[matches.argmax()], message)


# 2. Scaled dot-product attention


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


def attend_in_each(student, *cases):
    """Outputs for several `(query, key, value)` or `(query, key, value, mask)` of the same shapes.

    Samples do not meet, so that all cases go through one call, one below the other.
    """
    join = np.concatenate if cases[0][0].ndim > 2 else np.stack
    arrays: list[Any] = [join(parts) for parts in zip(*cases, strict=True)]
    mask = arrays.pop() if len(arrays) == 4 else None
    output = array(attend(student, *arrays, mask=mask)[0], "the output")
    each = len(output) // len(cases)
    assert output.ndim == arrays[0].ndim and len(output) == each * len(cases), (
        "there is an output for each query"
    )
    return [part.reshape(*cases[0][0].shape[:-1], -1) for part in np.split(output, len(cases))]


def attention_in_float64(query, key, value, *, mask: Any = True):
    scores = query @ np.swapaxes(key, -2, -1) / np.sqrt(query.shape[-1])
    weights = softmax_in_float64(np.where(mask, scores, -np.inf))
    return weights @ value, weights


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


@question("scaled_dot_product_attention", points=2)
def test_attention_is_right_to_five_digits(student, rng):
    for shape in [*SHAPES, ((3,), 5, 5, 96, 5)]:
        arrays = draw_attention(rng, shape)
        output, weights = attend(student, *arrays)
        right_output, right_weights = attention_in_float64(*arrays)
        close(weights, right_weights, "the weights are softmax(query key^T / sqrt(d)), d features of a query")
        close(output, right_output, "the output is the product of weights and value")


@question("scaled_dot_product_attention", points=2)
def test_masking_keys_is_leaving_them_out(student, rng):
    for shape in SOME_SHAPES:
        lead, tq, tk, _, _ = shape
        arrays = draw_attention(rng, shape)
        _, shares = attend(student, *arrays)
        shares = array(shares, "the weights have one row for each query", shape=(*lead, tq, tk))
        for axes in (lead, ()):
            mask = draw_mask(rng, *axes, tq, tk)
            left = shares * mask
            right = left / np.maximum(left.sum(axis=-1, keepdims=True), 1e-30)
            output, weights = attend(student, *arrays, mask=mask)
            message = "permitted keys share as if they were alone; a mask (Tq, Tk) is for all samples"
            assert (left.sum(axis=-1) > 0).all(), message
            close(weights, right, message, atol=2e-5)
            message = "the output is the product of the masked weights and value"
            close(output, right @ arrays[2], message, atol=5e-5)


@question("scaled_dot_product_attention", points=2)
def test_scores_of_random_vectors_have_variance_one(student, rng):
    for d in [16, 512]:
        _, weights = attend(student, *draw(rng, (2, 64, d), (2, 64, d), (2, 64, 1)))
        weights = array(weights, "the weights have one row for each query", shape=(2, 64, 64))
        # The logarithm of a weight is its score, up to a constant for each query.
        variance = np.log(np.maximum(weights, 1e-37)).var(axis=-1).mean()
        message = "independent features give scores of variance d: which division makes it 1, for any d?"
        assert 0.75 < variance < 1.25, message


@question("scaled_dot_product_attention", points=1)
def test_the_order_of_keys_and_values_does_not_matter(student, rng):
    for shape in SOME_SHAPES:
        lead, tq, tk, _, _ = shape
        query, key, value = draw_attention(rng, shape)
        mask, order = draw_mask(rng, *lead, tq, tk), np.roll(np.arange(tk), rng.integers(1, tk))
        moved_key, moved_mask = key[..., order, :], mask[..., order]
        before, after, changed = attend_in_each(
            student,
            (query, key, value, mask),
            (query, moved_key, value[..., order, :], moved_mask),
            (query, moved_key, value, moved_mask),
        )
        finite(before, "the output")
        close(after, before, "keys that change places together with their values must not change the output")
        assert np.abs(changed - before).max() > 1e-4, "a value counts by the weight of its own key"


@question("scaled_dot_product_attention", points=1)
def test_each_query_is_answered_on_its_own(student, rng):
    for shape in [((2,), 5, 4, 3, 6), ((1,), 6, 2, 9, 3)]:
        query, key, value = draw_attention(rng, shape)
        order = np.roll(np.arange(shape[1]), rng.integers(1, shape[1]))
        before, after = attend_in_each(student, (query, key, value), (query[..., order, :], key, value))
        finite(before, "the output")
        close(after, before[..., order, :], "queries that change places take their answers with them")
        assert np.ptp(before, axis=-2).max() > 1e-3, "different queries have different answers"
        alone, _ = attend(student, query[..., :1, :], key, value)
        close(alone, before[..., :1, :], "the answer to a query does not depend on what else is asked")


@question("scaled_dot_product_attention", points=1)
def test_a_constant_added_to_all_scores_changes_nothing(student, rng):
    for shape in SOME_SHAPES:
        query, key, value = draw_attention(rng, shape)
        constant = rng.normal(size=shape[3])
        other = key.copy()
        other[..., 0, :] += constant
        before, after, changed = attend_in_each(
            student, (query, key, value), (query, key + constant, value), (query, other, value)
        )
        finite(before, "the output")
        close(after, before, "a vector added to every key adds one number to all scores of a query")
        assert np.abs(changed - before).max() > 1e-4, "another key has another weight"


@question("scaled_dot_product_attention", points=1)
def test_nothing_leaks_from_forbidden_keys(student, rng):
    for shape in SHAPES:
        lead, tq, tk, d, dv = shape
        query, key, value = draw_attention(rng, shape)
        allowed = np.arange(tk) % 2 == 1  # not the first: it is what a causal mask leaves to query 0
        mask = np.broadcast_to(allowed, (*lead, tq, tk))
        forbidden = ~allowed[:, None]
        changes = [(size, *draw(rng, (*lead, tk, d), (*lead, tk, dv))) for size in (1, 1e4)]
        before, seen, *others = attend_in_each(
            student,
            (query, key, value, mask),
            (query, key, value + allowed[:, None], mask),
            *((query, key + forbidden * size * a, value + forbidden * b, mask) for size, a, b in changes),
        )
        finite(before, "the output")
        for after in others:
            close(after, before, "what is at a forbidden position, however large, must not move the output")
        close(seen, before + 1, "what is at the permitted positions makes the output")


@question("scaled_dot_product_attention", points=1)
def test_scores_of_ten_thousand_choose_one_key(student, rng):
    for shape in SOME_SHAPES:
        lead, tq, tk, d, dv = shape
        direction = rng.normal(size=d)
        direction *= 100 * d**0.25 / np.linalg.norm(direction)
        sign = rng.choice([-1, 1]) * (-1.0) ** np.arange(np.prod([*lead, tq])).reshape(*lead, tq, 1)
        size = rng.permutation(np.linspace(-1, 0.5, tk))
        key = np.broadcast_to(size[:, None] * direction, (*lead, tk, d))
        output, weights = attend(student, sign * direction, key, rng.normal(size=(*lead, tk, dv)))
        message = "exp of a large score is infinite: take a query's largest score from all its scores first"
        finite(output, message)
        chosen = np.where(sign > 0, size.argmax(), size.argmin())
        close(weights, (np.arange(tk) == chosen).astype(float), message)


@question("scaled_dot_product_attention", points=1)
def test_a_query_that_may_attend_to_nothing_gets_finite_numbers(student, rng):
    for shape in [((2,), 3, 5, 4, 7), ((2, 3), 4, 6, 8, 5)]:
        lead, tq, tk, _, _ = shape
        arrays, everything = draw_attention(rng, shape), np.ones((*lead, tq, tk), dtype=bool)
        before = finite(attend(student, *arrays, mask=everything)[0], "the output")
        mask = everything & (np.arange(tq) != 1)[:, None]
        message = "for a row without True use a finite, very negative number: -inf minus -inf is NaN"
        output, _ = (finite(part, message) for part in attend(student, *arrays, mask=mask))
        others = np.arange(tq) != 1
        message = "such a query must not change the others' answers"
        close(output[..., others, :], before[..., others, :], message)
        message = "different queries have different answers"
        assert np.ptp(output[..., others, :], axis=-2).max() > 1e-3, message


@question("scaled_dot_product_attention", points=1)
def test_half_precision_works_too(student, rng):
    message = "float16 ends at 65504: -1e9 is minus infinity there, and 0 * -inf is NaN"
    for shape in SOME_SHAPES:
        lead, tq, tk, _, _ = shape
        half = [part.astype(np.float16) for part in draw_attention(rng, shape)]
        mask = draw_mask(rng, *lead, tq, tk)
        single = attend(student, *(part.astype(np.float32) for part in half), mask=mask)
        for part, right in zip(attend(student, *half, mask=mask), single, strict=True):
            close(part, finite(right, "the result in float32"), message, atol=3e-2, rtol=1e-2)
        mask[..., 0, :] = False
        for part in attend(student, *half, mask=mask):
            finite(part, message)


# 3. Multi-head attention


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


@question("split_heads", points=1.5)
def test_merging_puts_the_heads_side_by_side(student, rng):
    for size in SPLITS:
        batch, length, d_model, num_heads = size
        heads = rng.normal(size=(batch, num_heads, length, d_model // num_heads))
        message = "a position gets the features of head 0, then those of head 1: transpose back, then reshape"
        close(student.merge_heads(heads), np.concatenate(np.moveaxis(heads, 1, 0), axis=-1), message)


@question("split_heads", points=1.5)
def test_splitting_keeps_positions_apart(student, rng):
    for batch, length, d_model, num_heads in [(2, 5, 12, 3), (1, 4, 6, 6), (3, 2, 8, 2)]:
        x = rng.normal(size=(batch, length, d_model)).astype(np.float32)
        position = rng.integers(length)
        split = lambda x, h=num_heads: student.split_heads(x, h)  # noqa: E731
        apart = moved(split, x, position, rng, output_axis=2) == (np.arange(length) == position)
        assert apart.all(), "what is at one position stays at that position: a reshape alone mixes them"
        before = array(split(x), "the heads", shape=(batch, num_heads, length, d_model // num_heads))
        close(np.sort(before.ravel()), np.sort(x.ravel()), "every feature goes to one head")


def draw_dense(rng, d_model):
    """Kernel and bias of each sub-layer. Biases too: those that start at 0 hide mistakes."""
    return {part: draw(rng, (d_model, d_model), d_model, scale=0.3) for part in PARTS}


def give_dense(layer, dense):
    """Set the four sub-layers' weights."""
    parts = [getattr(layer, part) for part in dense]
    values = [value for part in dense.values() for value in part]
    wanted = variables(parts)
    fits = [value.size for value in values] == [variable.value.size for variable in wanted]
    assert fits, (
        f"each of {', '.join(dense)} has a kernel (D, D) and a bias (D,), made in `__init__` or `build`"
    )
    assign(parts, [value.reshape(variable.shape) for value, variable in zip(values, wanted, strict=True)])


def called_layer(student, d_model, num_heads):
    """A multi-head attention that has been called, and so has its weights."""
    shapes = (1, 2, d_model), (1, 3, d_model), (1, 3, d_model)
    return shared(student, "MultiHeadAttention", shapes, d_model=d_model, num_heads=num_heads)


def layer_with(student, dense, num_heads):
    """The student's multi-head attention with these weights."""
    layer = called_layer(student, len(dense["query_dense"][0]), num_heads)
    give_dense(layer, dense)
    return layer


def project(x, dense, part):
    kernel, bias = dense[part]
    return x @ kernel + bias


def attend_in_heads_in_float64(dense, num_heads, query, value, key=None, mask: Any = True):
    """Output and weights of the right layer, one head at a time."""
    inputs = zip((query, value if key is None else key, value), PARTS, strict=False)
    heads = zip(*(np.split(project(x, dense, part), num_heads, axis=-1) for x, part in inputs), strict=True)
    outputs, weights = zip(*(attention_in_float64(*head, mask=mask) for head in heads), strict=True)
    return project(np.concatenate(outputs, axis=-1), dense, "output_dense"), np.stack(weights, axis=1)


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


@question("multi_head_attention", points=0.5)
def test_the_heads_must_divide_the_features(student):
    raised = ""
    try:
        student.MultiHeadAttention(d_model=10, num_heads=3)
    except NotImplementedYet:
        raise
    except StudentError as error:
        raised = error.type_name
    assert raised == "ValueError", "a number of heads that does not divide d_model must raise ValueError"


@question("multi_head_attention", points=1)
def test_keys_are_made_of_the_key_and_values_of_the_value(student, rng):
    dense = draw_dense(rng, 8)
    layer = layer_with(student, dense, num_heads=2)
    for size in LENGTHS:
        query, value, key = draw_inputs(rng, size, 8)
        constant = rng.normal(size=8)
        cases = [  # values and keys; samples do not meet, so that all cases go through one call
            (value, key),
            (value, value),
            (value, key + constant),
            (value + constant, key),
            (value, key[:, ::-1]),
        ]
        values, keys = map(np.concatenate, zip(*cases, strict=True))
        together = finite(layer(np.concatenate([query] * len(cases)), values, keys), "the output")
        before, same, other_key, other_value, other = np.split(together, len(cases))
        close(layer(query, value), same, "the value is the key where none is given", atol=5e-5)
        message = "the order is query, value, key: a vector added to all keys does not move the output"
        close(other_key, before, message, atol=5e-5)
        shift = constant @ dense["value_dense"][0] @ dense["output_dense"][0]
        message = (
            "the order is query, value, key: a vector added to all values moves the output like one value"
        )
        close(other_value, before + shift, message, atol=1e-4)
        assert np.abs(other - before).max() > 1e-3, "the key must be used where it is given"


@functools.cache
def keras_attention(d_model, num_heads):
    model = keras.layers.MultiHeadAttention(num_heads, key_dim=d_model // num_heads)
    model.build((None, None, d_model), (None, None, d_model))
    return model


@question("multi_head_attention", points=2)
def test_the_layer_agrees_with_that_of_keras(student, rng):
    for d_model, num_heads, size in ((8, 2, (2, 3, 5)), (9, 3, (3, 4, 7))):
        dense = draw_dense(rng, d_model)
        layer = layer_with(student, dense, num_heads)
        model = keras_attention(d_model, num_heads)
        values = [value for part in PARTS for value in dense[part]]
        model.set_weights([v.reshape(w.shape) for v, w in zip(values, model.get_weights(), strict=True)])
        inputs, mask = draw_inputs(rng, size, d_model), draw_mask(rng, *size)
        output, weights = attend_in_heads(layer, *inputs, attention_mask=mask)
        inputs = [part.astype(np.float32) for part in inputs]
        right = model(*inputs, attention_mask=mask, return_attention_scores=True)
        message = "each head attends within its own D/h features, scaled by their number, under the mask"
        close(weights, np.asarray(right[1]), message, atol=5e-5)
        close(output, np.asarray(right[0]), "the heads, side by side, go through output_dense", atol=5e-5)


@question("multi_head_attention", points=1)
def test_one_head_is_your_attention_between_the_projections(student, rng):
    dense = draw_dense(rng, 5)
    layer = layer_with(student, dense, num_heads=1)
    for size in SOME_LENGTHS:
        query, value, key = draw_inputs(rng, size, 5)
        projected = [project(x, dense, part) for x, part in zip((query, key, value), PARTS, strict=False)]
        answers = [attention_in_float64(*projected)[0]]
        with contextlib.suppress(StudentError, AssertionError):  # the layer may do without that function
            answers.append(array(attend(student, *projected)[0], "", shape=query.shape))
        got = array(layer(query, value, key), "the output", shape=query.shape)
        right = (project(answer, dense, "output_dense") for answer in answers)
        fits = any(np.allclose(got, answer, rtol=1e-4, atol=1e-4) for answer in right)
        assert fits, "one head is output_dense(your attention(query_dense(query), key_dense(key), …))"


@question("multi_head_attention", points=1.5)
def test_the_mask_is_the_same_for_all_heads(student, rng):
    layer = called_layer(student, 9, 3)
    set_random_weights(layer, rng)
    size = batch, _, _ = (3, 4, 4)  # three samples and three heads are easy to mix up
    query, value, _ = draw_inputs(rng, size, 9)
    masks, one = draw_mask(rng, *size), rng.integers(batch)
    message = "a mask (B, Tq, Tk) holds for its sample and for every head: it needs an axis for the heads"
    together = finite(layer(query, value, attention_mask=masks), message)
    alone = finite(layer(query[[one]], value[[one]], attention_mask=masks[[one]]), message)
    close(together[[one]], alone, message, atol=5e-5)
    four_axes = layer(query, value, attention_mask=masks[:, None])
    close(four_axes, together, "a mask (B, 1, Tq, Tk) fits as it is", atol=5e-5)
    copies = [np.repeat(part[[one]], batch, axis=0) for part in (query, value)]
    two_axes = layer(*copies, attention_mask=masks[one])
    repeated = np.repeat(alone, batch, axis=0)
    close(two_axes, repeated, "a mask (Tq, Tk) is for all samples", atol=5e-5)
    free = array(layer(*copies), message, shape=together.shape)
    assert np.abs(free - repeated).max() > 1e-3, "the mask must reach the attention"


@question("multi_head_attention", points=2)
def test_gradients_reach_all_eight_weights(student, rng):
    dense = draw_dense(rng, 8)
    layer = layer_with(student, dense, num_heads=2)
    inputs, cotangent = draw_inputs(rng, (2, 3, 5), 8), rng.normal(size=(2, 3, 8))
    groups = {part: getattr(layer, part) for part in PARTS}
    gradients = by_group(layer, *inputs, groups=groups, cotangent=cotangent)
    for part in PARTS:
        assert not is_zero(gradients[part][0], 1e-5), f"`{part}` is not trained: its gradient is zero"
    together = [gradient for part in PARTS for gradient in gradients[part]]
    message = "a gradient is not that of the output: do NumPy or stop_gradient cut it off?"
    confirm_variable_gradient(
        list(groups.values()), lambda: layer(*inputs), together, cotangent, rng, message
    )


# 4. Three layers


def called_attention(student, name):
    """One of the three layers, for 8 features, that has been called, and so has its weights."""
    shapes = [(1, 2, 8), (1, 3, 8)] if name == "CrossAttention" else [(1, 2, 8)]
    return shared(student, name, shapes, d_model=8, num_heads=2)


def random_layer(student, rng, name):
    """The same with random weights."""
    layer = called_attention(student, name)
    set_random_weights(layer, rng)
    return layer


def normalized(x, scale, shift):
    centered = x - x.mean(axis=-1, keepdims=True)
    return centered / np.sqrt((centered**2).mean(axis=-1, keepdims=True) + 1e-3) * scale + shift


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


@question("self_attention_layers", points=1)
def test_causal_self_attention_sees_itself_and_what_came_before(student, rng):
    layer = random_layer(student, rng, "CausalSelfAttention")
    message = "a row of the output depends on its own row of x and on every one before it"
    sees = influence(layer, rng.normal(size=(2, 6, 8)), rng, batched=True)
    assert sees[np.tri(6, dtype=bool)].all(), message


@question("self_attention_layers", points=1)
def test_trimming_before_a_causal_layer_is_trimming_after_it(student, rng):
    layer = random_layer(student, rng, "CausalSelfAttention")
    message = "the first rows of the output are those of the first rows of x, however long x is"
    same_when_trimmed(layer, rng.normal(size=(2, 6, 8)), (1, 5), message, atol=5e-5)


@question("self_attention_layers", points=1)
def test_cross_attention_reads_all_of_the_context_in_any_order(student, rng):
    layer = random_layer(student, rng, "CrossAttention")
    x, context = draw(rng, (2, 4, 8), (2, 5, 8))
    copies = np.tile(x, (6, 1, 1))
    sees = influence(lambda changed: layer(copies, changed), context, rng, batched=True)
    message = "keys and values come from the context: every row of the output sees all of it"
    assert sees.shape == (4, 5) and sees.all(), message
    orders = np.concatenate([context, np.roll(context, 1, axis=1)])
    before, after = np.split(finite(layer(np.tile(x, (2, 1, 1)), orders), "the output"), 2)
    message = "rows of the context that change places must not change the output"
    close(after, before, message, atol=5e-5)


@question("self_attention_layers", points=1)
def test_each_layer_normalizes_the_sum_of_x_and_its_attention(student, rng):
    x, context, alone = draw(rng, (2, 4, 8), (2, 5, 8), (5, 1, 8), scale=2)
    cases = {
        "GlobalSelfAttention": (x, x),
        "CrossAttention": (x, context),
        "CausalSelfAttention": (alone, alone),  # with one position the mask makes no difference
    }
    for name, (own, seen) in cases.items():
        inputs = [own] if own is seen else [own, seen]
        layer = random_layer(student, rng, name)
        scale, shift = set_random_weights(layer.layer_norm, rng)
        message = f"{name} is layer_norm(x + attention): the residual is x, and the norm comes last"
        attended = array(layer.attention(own, seen), message, shape=own.shape)
        close(layer(*inputs), normalized(own + attended, scale, shift), message, atol=2e-3, rtol=1e-3)


@question("self_attention_layers", points=0.5)
def test_cross_attention_agrees_with_the_formula(student, rng):
    dense, (scale, shift) = draw_dense(rng, 8), draw(rng, 8, 8)
    layer = random_layer(student, rng, "CrossAttention")
    give_dense(layer.attention, dense)
    assign(layer.layer_norm, [scale, shift])
    for batch, length, context_length in SOME_LENGTHS:
        x, context = 2 * rng.normal(size=(batch, length, 8)), rng.normal(size=(batch, context_length, 8))
        attended, _ = attend_in_heads_in_float64(dense, 2, x, context)
        message = "with the same weights the output is another than layer_norm(x + attention(x, context))"
        close(layer(x, context), normalized(x + attended, scale, shift), message, atol=5e-3, rtol=1e-3)


@question("self_attention_layers", points=0.5)
def test_causal_self_attention_agrees_with_the_formula(student, rng):
    dense, (scale, shift) = draw_dense(rng, 8), draw(rng, 8, 8)
    layer = random_layer(student, rng, "CausalSelfAttention")
    give_dense(layer.attention, dense)
    assign(layer.layer_norm, [scale, shift])
    for batch, length in ((2, 5), (1, 6)):
        x = 2 * rng.normal(size=(batch, length, 8))
        attended, _ = attend_in_heads_in_float64(dense, 2, x, x, mask=np.tri(length, dtype=bool))
        message = "with the same weights the output is another: does a row see itself, and the past alone?"
        close(layer(x), normalized(x + attended, scale, shift), message, atol=5e-3, rtol=1e-3)


# 5. Parameter counts


def draw_sizes(rng) -> dict[str, Any]:
    """Keyword arguments of count_transformer_params; dff is no multiple of d_model."""
    n_layer, width, dff, vocab = rng.integers([2, 3, 5, 50], [9, 20, 40, 500]).tolist()
    return {"n_layer": n_layer, "d_model": 8 * width, "dff": 8 * width * 3 + dff, "vocab": vocab}


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


@functools.cache  # over submissions: building a layer takes longer than a check
def keras_attention_parameters(num_heads, depth):
    shape = (None, None, num_heads * depth)
    layer = keras.layers.MultiHeadAttention(num_heads, key_dim=depth, kernel_initializer="zeros")
    layer.build(shape, shape)
    return layer.count_params()


@functools.cache
def keras_block_parameters(d_model, dff):
    """Of attention, feed-forward network and two normalizations, as Keras counts them."""
    feed_forward = [keras.layers.Dense(dff, kernel_initializer="zeros"), keras.layers.Dense(d_model)]
    norm = keras.layers.LayerNormalization()
    for layer, features in zip([*feed_forward, norm], (d_model, dff, d_model), strict=True):
        layer.build((None, None, features))
    small = sum(layer.count_params() for layer in [*feed_forward, norm, norm])
    return keras_attention_parameters(8, d_model // 8) + small


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


@question("count_parameters", points=1)
def test_attention_with_biases_counts_like_keras(student, rng):
    num_heads, depth = rng.integers(2, 6, 2).tolist()
    right = keras_attention_parameters(num_heads, depth)
    message = "with biases each of the four projections has d_model more"
    count(student.attention_params(num_heads * depth, bias=True), right, message)


@question("count_parameters", points=1)
def test_a_transformer_has_n_layer_blocks_and_one_embedding(student, reference, rng):
    gpt_3 = {"n_layer": 96, "d_model": 12288, "dff": 49152, "vocab": 50257}
    listed: list[dict[str, Any]] = [draw_sizes(rng), draw_sizes(rng), gpt_3, gpt_3 | {"vocab": 0}]
    for sizes in listed:
        right = reference.count_transformer_params(**sizes)
        right_attention = reference.attention_params(sizes["d_model"])
        message = "blocks times (attention + feed-forward), plus vocab x d_model once"
        count_stack(student, right, right_attention, message, **sizes)


@question("count_parameters", points=1)
def test_a_transformer_with_biases_counts_like_keras(student, rng):
    sizes = draw_sizes(rng)
    sizes |= {"d_model": (d_model := 8 * int(rng.integers(3, 7))), "dff": (dff := 3 * d_model + 5)}
    right = sizes["n_layer"] * keras_block_parameters(d_model, dff) + sizes["vocab"] * d_model
    attention = keras_attention_parameters(8, d_model // 8)
    message = "bias=True adds the biases of six dense layers a block, and gain and shift of its two norms"
    count_stack(student, right, attention, message, bias=True, **sizes)


# The notebook itself


@question("submission_contract", points=5, only_with_other_points=True)
def test_the_notebook_runs_from_top_to_bottom(submission):
    for cell in cells_until_done(submission):
        assert cell.error is None, f"run all cells from the top: cell {cell.index + 1} fails ({cell.error})"
    done = done_cell(submission)
    assert done is not None and done.ran, 'the last cell, print("Done"), must be there and run'


@question("submission_contract", points=5, only_with_other_points=True)
def test_paths_are_relative(submission):
    for cell in submission.cells:
        found = absolute_paths(cell.source) if cell.cell_type == "code" else []
        found = [f"cell {cell.index + 1} has the path {path[:80]!r} of one machine" for path in found]
        assert not found, f"{found[0]}: use one that is relative to the notebook"
