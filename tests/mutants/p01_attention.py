"""Wrong and right solutions of problem set 1, for the proof of its checks."""

from pathlib import Path

from autograder.checking.mutants import Mutant, Variant

CHECKS = {
    "hard_best": "hard_lookup_gives_the_value_of_the_best_match",
    "hard_long": "a_long_key_matches_better_than_a_parallel_one",
    "hard_order": "hard_lookup_does_not_depend_on_the_order_of_the_memory",
    "hard_equal": "of_equal_matches_the_first_counts",
    "soft_average": "soft_lookup_averages_by_the_softmax_of_the_matches",
    "soft_shares": "soft_lookup_weights_are_shares",
    "soft_scale": "the_scale_multiplies_the_matches",
    "soft_order": "soft_lookup_does_not_depend_on_the_order_of_the_memory",
    "soft_hard": "a_huge_scale_makes_it_a_hard_lookup",
    "soft_mean": "equal_keys_give_the_mean_of_the_values",
    "soft_large": "large_matches_do_not_overflow",
    "shape": "there_is_an_output_for_each_query_and_a_weight_for_each_pair",
    "shares": "weights_of_a_query_are_shares",
    "formula": "attention_follows_the_formula",
    "forbidden": "forbidden_keys_get_no_weight_and_the_others_share_it",
    "right": "attention_is_right_to_five_digits",
    "masked": "masking_keys_is_leaving_them_out",
    "variance": "scores_of_random_vectors_have_variance_one",
    "order": "the_order_of_keys_and_values_does_not_matter",
    "alone": "each_query_is_answered_on_its_own",
    "constant": "a_constant_added_to_all_scores_changes_nothing",
    "leak": "nothing_leaks_from_forbidden_keys",
    "large": "scores_of_ten_thousand_choose_one_key",
    "nothing": "a_query_that_may_attend_to_nothing_gets_finite_numbers",
    "half": "half_precision_works_too",
    "head_slice": "every_head_has_a_slice_of_every_position",
    "undo": "merging_undoes_splitting",
    "merge": "merging_puts_the_heads_side_by_side",
    "apart": "splitting_keeps_positions_apart",
    "layer_shape": "the_layer_gives_an_output_and_if_asked_the_weights_of_each_head",
    "layer_weights": "the_layer_has_the_weights_of_four_dense_layers",
    "layer": "the_layer_agrees_with_the_reference",
    "layer_keys": "keys_are_made_of_the_key_and_values_of_the_value",
    "layer_keras": "the_layer_agrees_with_that_of_keras",
    "divide": "the_heads_must_divide_the_features",
    "one_head": "one_head_is_your_attention_between_the_projections",
    "layer_mask": "the_mask_is_the_same_for_all_heads",
    "gradients": "gradients_reach_all_eight_weights",
    "three_shape": "the_three_layers_keep_the_shape_of_x",
    "global": "global_self_attention_agrees_with_the_reference",
    "no_future": "causal_self_attention_sees_nothing_that_comes_later",
    "past": "causal_self_attention_sees_itself_and_what_came_before",
    "trim": "trimming_before_a_causal_layer_is_trimming_after_it",
    "context": "cross_attention_reads_all_of_the_context_in_any_order",
    "add_norm": "each_layer_normalizes_the_sum_of_x_and_its_attention",
    "cross": "cross_attention_agrees_with_the_formula",
    "causal": "causal_self_attention_agrees_with_the_formula",
    "count_square": "attention_has_four_square_matrices",
    "count_block": "a_block_has_attention_and_two_feed_forward_matrices",
    "count_bias": "attention_with_biases_counts_like_keras",
    "count_stack": "a_transformer_has_n_layer_blocks_and_one_embedding",
    "count_all": "a_transformer_with_biases_counts_like_keras",
}
GROUPS = {
    "ALL_HARD": "hard_best hard_long hard_order hard_equal",
    "ALL_SOFT": "soft_average soft_shares soft_scale soft_order soft_hard soft_mean soft_large",
    "ALL_ATTENTION": "shape shares formula forbidden right masked variance order alone constant leak large nothing half",
    "ALL_LAYER": "layer_shape layer_weights layer layer_keys layer_keras one_head layer_mask gradients",
    "ALL_THREE": "three_shape global no_future past trim context add_norm cross causal",
    "NUMBERS": "layer layer_keras global cross causal",
}


def checks(labels):
    """The ids of the checks and groups of checks with these labels. NUMBERS: those of later questions that
    compare numbers with the reference's, in which an earlier mistake shows."""
    expanded = " ".join(GROUPS.get(label, label) for label in labels.split())
    return tuple(CHECKS[label] for label in expanded.split())


def edited(text, *edits):
    """`text` with other words; each edit is a pair of what stands there once and what takes its place."""
    for old, new in edits:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the text to be edited"
        text = text.replace(old, new)
    return text


# 1. A lookup

HARD = "return ops.take(values, ops.argmax(ops.matmul(keys, query)), axis=0)"
MATCHES = "ops.matmul(keys, query)"
NEAREST = "ops.argmin(ops.sum(ops.square(keys - query), axis=-1))"
UNIT_KEYS = "keys = keys / ops.norm(keys, axis=-1, keepdims=True)\n"
UNIT_QUERY = "query = query / ops.norm(query)\n"
LAST_OF_EQUALS = f"keys.shape[0] - 1 - int(ops.argmax(ops.flip({MATCHES})))"
MEAN_OF_EQUALS = f"""
best = ops.cast({MATCHES} == ops.max({MATCHES}), values.dtype)
return ops.matmul(best, values) / ops.sum(best)
"""


def hard(wrong, body, by):
    return Mutant("hard_lookup", wrong, body, checks(by))


HARD_MUTANTS = [
    hard("the worst match: argmin", edited(HARD, ("argmax", "argmin")), by="hard_best hard_long hard_equal"),
    hard("the cosine", UNIT_KEYS + HARD, by="hard_best hard_long"),
    hard("the nearest key", f"return ops.take(values, {NEAREST}, axis=0)", by="hard_best hard_long"),
    hard(
        "the size of the match",
        edited(HARD, (MATCHES, f"ops.abs({MATCHES})")),
        by="hard_best hard_long hard_equal",
    ),
    hard("the key instead of its value", edited(HARD, ("values", "keys")), by="ALL_HARD"),
    hard("the index instead of the value", f"return ops.argmax({MATCHES})", by="ALL_HARD"),
    hard("the first value, whatever the query", "return values[0]", by="ALL_HARD"),
    hard("zeros", "return ops.zeros_like(values[0])", by="ALL_HARD"),
    hard(
        "a soft lookup",
        f"return ops.matmul(ops.softmax({MATCHES}), values)",
        by="hard_best hard_long hard_equal",
    ),
    hard("the mean of equally good values", MEAN_OF_EQUALS, by="hard_equal"),
    hard("the last of equally good values", f"return values[{LAST_OF_EQUALS}]", by="hard_equal"),
]

SOFT = f"""
weights = ops.softmax(scale * {MATCHES})
return ops.matmul(weights, values), weights
"""
WEIGHTS = f"ops.softmax(scale * {MATCHES})"
SHARED = "\nweights = weights / ops.sum(weights)"


def soft(wrong, *edits, first="", by):
    return Mutant("soft_lookup", wrong, first + edited(SOFT, *edits), checks(by))


SOFT_MUTANTS = [
    soft(
        "no softmax",
        ("ops.softmax", ""),
        by="soft_average soft_shares soft_scale soft_hard soft_mean soft_large",
    ),
    soft(
        "no softmax, divided by the sum",
        (WEIGHTS, MATCHES + SHARED),
        by="soft_average soft_shares soft_scale soft_hard soft_mean soft_large",
    ),
    soft(
        "softmax over the features of each key",
        (WEIGHTS, "ops.matmul(ops.softmax(scale * keys, axis=-1), query)"),
        by="soft_average soft_shares soft_scale soft_hard soft_mean soft_large",
    ),
    soft("the cosine", first=UNIT_KEYS + UNIT_QUERY, by="soft_average soft_scale soft_hard soft_large"),
    soft(
        "an average of keys",
        ("weights, values", "weights, keys"),
        by="soft_average soft_scale soft_order soft_hard soft_mean",
    ),
    soft("the scale is not used", ("scale * ", ""), by="soft_scale soft_hard soft_mean"),
    soft(
        "the scale divides", (f"scale * {MATCHES}", f"{MATCHES} / scale"), by="soft_scale soft_hard soft_mean"
    ),
    soft(
        "the scale after the softmax",
        (WEIGHTS, f"scale * ops.softmax({MATCHES})"),
        by="soft_scale soft_hard soft_mean",
    ),
    soft(
        "divided by sqrt(d) as in part 2",
        ("query)", "query) / query.shape[0] ** 0.5"),
        by="soft_average soft_scale soft_hard",
    ),
    soft(
        "exp without the largest taken off", (WEIGHTS, f"ops.exp(scale * {MATCHES}){SHARED}"), by="soft_large"
    ),
    soft(
        "powers of two instead of e",
        ("scale *", "0.6931472 * scale *"),
        by="soft_average soft_scale soft_hard",
    ),
    soft("a hard lookup", ("scale *", "1e9 * scale *"), by="soft_average soft_scale"),
    soft(
        "weights first, output second",
        ("ops.matmul(weights, values), weights", "weights, ops.matmul(weights, values)"),
        by="ALL_SOFT",
    ),
    soft("the output alone", ("values), weights", "values)"), by="ALL_SOFT"),
    soft("a scale of 0 counts as none", first="scale = scale or 1.0\n", by="soft_mean"),
    soft(
        "equal weights, whatever the query",
        ("scale *", "0.0 *"),
        by="soft_average soft_scale soft_order soft_hard soft_large",
    ),
    soft("zeros", (WEIGHTS, f"0 * {WEIGHTS}"), by="ALL_SOFT"),
]

# 2. Scaled dot-product attention

ATTENTION = """
scores = ops.matmul(query, ops.swapaxes(key, -2, -1)) / query.shape[-1] ** 0.5
if attention_mask is not None:
    scores = ops.where(attention_mask, scores, tf.as_dtype(scores.dtype).min)
weights = ops.softmax(scores, axis=-1)
return ops.matmul(weights, value), weights
"""
SQRT_D = " / query.shape[-1] ** 0.5"
WHERE = "ops.where(attention_mask, scores, tf.as_dtype(scores.dtype).min)"
SOFTMAX = "ops.softmax(scores, axis=-1)"
KEY_T = "ops.swapaxes(key, -2, -1)"
OUTPUT_AND_WEIGHTS = "ops.matmul(weights, value), weights"
AS_NUMBERS = "ops.cast(attention_mask, weights.dtype)"
THIRD_LAST = "len(scores.shape) - 3 if len(scores.shape) > 2 else -1"
PAIRS = "ops.reshape(scores, (*scores.shape[:-2], -1))"
NORMALIZED = "\nweights = weights / ops.sum(weights, axis=-1, keepdims=True)"
WITHOUT = f"{SOFTMAX}\nif attention_mask is not None:\n    weights = weights * {AS_NUMBERS}"
SOME = f"weights if attention_mask is None else weights * {AS_NUMBERS}"
NOT_AHEAD = "ops.where(ops.tril(ops.ones(scores.shape[-2:])) > 0, scores, -6e4)"
INVERTED = "ops.where(attention_mask, tf.as_dtype(scores.dtype).min, scores)"
RESHAPED = "ops.reshape(key, (*key.shape[:-2], key.shape[-1], key.shape[-2]))"
ADDED = "scores + (1 - ops.cast(attention_mask, scores.dtype)) * ops.cast(-1e9, scores.dtype)"
UNIT = "query, key = ops.normalize(query), ops.normalize(key)\nscores = ops.matmul(query,"


def attention(wrong, *edits, by):
    return Mutant("scaled_dot_product_attention", wrong, edited(ATTENTION, *edits), checks(by))


ATTENTION_MUTANTS = [
    attention("no division by sqrt(d)", (SQRT_D, ""), by="formula right variance NUMBERS"),
    attention("divided by d", (SQRT_D, " / query.shape[-1]"), by="formula right variance NUMBERS"),
    attention(
        "multiplied by sqrt(d)", (SQRT_D, " * query.shape[-1] ** 0.5"), by="formula right variance NUMBERS"
    ),
    attention(
        "divided by the square root of the number of keys",
        (SQRT_D, " / key.shape[-2] ** 0.5"),
        by="formula right variance NUMBERS trim",
    ),
    attention(
        "divided by the square root of the value's features",
        (SQRT_D, " / value.shape[-1] ** 0.5"),
        by="formula right variance",
    ),
    attention(
        "divided by 8, the square root of the usual 64",
        (SQRT_D, " / 8.0"),
        by="formula right variance NUMBERS",
    ),
    attention(
        "sqrt(d) after the softmax",
        (SQRT_D, ""),
        (SOFTMAX, SOFTMAX + SQRT_D),
        by="shares formula forbidden right masked variance leak large NUMBERS layer_keys",
    ),
    attention(
        "softmax over the queries",
        ("axis=-1", "axis=-2"),
        by="shares formula forbidden right masked alone constant leak large nothing NUMBERS layer_keys no_future trim",
    ),
    attention(
        "softmax over the batch or the heads",
        (SOFTMAX, f"ops.softmax(scores, axis={THIRD_LAST})"),
        by="shares formula forbidden right masked variance order alone constant leak large NUMBERS layer_keys one_head no_future trim",
    ),
    attention(
        "softmax over all pairs",
        (SOFTMAX, f"ops.reshape(ops.softmax({PAIRS}), scores.shape)"),
        by="shares formula forbidden right masked alone constant leak large nothing NUMBERS layer_keys no_future trim",
    ),
    attention(
        "no softmax",
        (SOFTMAX, "scores"),
        by="shares formula forbidden right masked variance order constant leak large nothing half NUMBERS layer_keys layer_mask no_future past trim",
    ),
    attention(
        "a sigmoid",
        (SOFTMAX, "ops.sigmoid(scores)"),
        by="shares formula forbidden right masked variance constant leak large NUMBERS layer_keys",
    ),
    attention(
        "exp without the largest taken off",
        (SOFTMAX, f"ops.exp(scores){NORMALIZED}"),
        by="large nothing half",
    ),
    attention(
        "the largest of all scores taken off, not of each query's",
        (SOFTMAX, f"ops.exp(scores - ops.max(scores)){NORMALIZED}"),
        by="large nothing half",
    ),
    attention(
        "the mask is not used",
        (WHERE, "scores"),
        by="forbidden masked leak layer_keras layer_mask no_future trim causal",
    ),
    attention(
        "the mask the wrong way round",
        (WHERE, INVERTED),
        by="forbidden masked leak nothing layer_keras no_future past trim causal",
    ),
    attention(
        "scores times mask",
        (WHERE, "scores * ops.cast(attention_mask, scores.dtype)"),
        by="forbidden masked leak layer_keras no_future trim causal",
    ),
    attention(
        "forbidden scores less 1",
        (WHERE, "ops.where(attention_mask, scores, scores - 1.0)"),
        by="forbidden masked leak layer_keras no_future trim causal",
    ),
    attention(
        "forbidden scores less 10,000", (WHERE, "ops.where(attention_mask, scores, scores - 1e4)"), by="leak"
    ),
    attention(
        "minus infinity", (WHERE, "ops.where(attention_mask, scores, float('-inf'))"), by="nothing half"
    ),
    attention(
        "-1e9 in float16 too",
        (WHERE, "ops.where(attention_mask, scores, ops.cast(-1e9, scores.dtype))"),
        by="half",
    ),
    attention("(1 - mask) * -1e9 in float16 too", (WHERE, ADDED), by="half"),
    attention("float32 only", ("ops.matmul(query,", "ops.matmul(tf.constant(1.0) * query,"), by="half"),
    attention(
        "the mask after the softmax",
        (WHERE, "scores"),
        (SOFTMAX, WITHOUT),
        by="forbidden masked leak layer_keras no_future trim causal",
    ),
    attention(
        "forbidden values set to 0, their weights kept",
        (WHERE, "scores"),
        ("ops.matmul(weights, value)", f"ops.matmul({SOME}, value)"),
        by="forbidden masked leak layer_keras no_future trim causal",
    ),
    attention(
        "a mask of its own: nobody looks ahead",
        (SOFTMAX, f"ops.softmax({NOT_AHEAD})"),
        by="formula forbidden right masked variance order alone leak large layer layer_keys layer_keras global context cross",
    ),
    attention(
        "the key reshaped instead of transposed",
        (KEY_T, RESHAPED),
        by="formula right order constant leak large NUMBERS layer_keys no_future trim context",
    ),
    attention("the key not transposed", (KEY_T, "key"), by="ALL_ATTENTION ALL_LAYER ALL_THREE"),
    attention(
        "all axes of the key transposed",
        (KEY_T, "ops.transpose(key)"),
        by="ALL_ATTENTION ALL_LAYER ALL_THREE",
    ),
    attention(
        "an average of keys",
        ("ops.matmul(weights, value)", "ops.matmul(weights, key)"),
        by="shape formula right masked order constant leak NUMBERS layer_keys gradients",
    ),
    attention(
        "the cosine of query and key",
        ("ops.matmul(query,", UNIT),
        ("scores = query", "query"),
        by="formula right variance constant large NUMBERS layer_keys",
    ),
    attention(
        "equal weights",
        (SOFTMAX, "ops.softmax(scores * 0.0)"),
        by="formula forbidden right masked variance order alone constant leak large nothing NUMBERS layer_keys layer_mask gradients no_future trim",
    ),
    attention(
        "weights first, output second",
        (OUTPUT_AND_WEIGHTS, "weights, ops.matmul(weights, value)"),
        by="shape shares formula forbidden right masked variance order leak large ALL_LAYER ALL_THREE",
    ),
    attention("the output alone", ("value), weights", "value)"), by="ALL_ATTENTION ALL_LAYER ALL_THREE"),
    attention(
        "the scores instead of the weights",
        ("value), weights", "value), scores"),
        by="shares formula forbidden right masked variance large half layer_keras",
    ),
    attention(
        "zeros",
        (SOFTMAX, "ops.zeros_like(scores)"),
        by="shares formula forbidden right masked variance order alone constant leak large nothing NUMBERS layer_keys layer_mask gradients past context",
    ),
]

# 3. Multi-head attention

SPLIT = """
B, T, D = x.shape
return ops.transpose(ops.reshape(x, (B, T, num_heads, D // num_heads)), (0, 2, 1, 3))
"""
MERGE_HEADS = """
B, h, T, d = x.shape
return ops.reshape(ops.transpose(x, (0, 2, 1, 3)), (B, T, h * d))
"""
RESHAPE_ONLY = "B, T, D = x.shape\nreturn ops.reshape(x, (B, num_heads, T, D // num_heads))"
RESHAPE_BACK = "B, h, T, d = x.shape\nreturn ops.reshape(x, (B, T, h * d))"
INTERLEAVED = """
B, T, D = x.shape
return ops.transpose(ops.reshape(x, (B, T, D // num_heads, num_heads)), (0, 3, 1, 2))
"""
INTERLEAVED_BACK = "B, h, T, d = x.shape\nreturn ops.reshape(ops.transpose(x, (0, 2, 3, 1)), (B, T, h * d))"
FIRST_SLICE = "return ops.repeat(x[:, None, :, : x.shape[-1] // num_heads], num_heads, axis=1)"


def split(wrong, body, merge=None, *, by):
    return Mutant("split_heads", wrong, body, checks(by), {} if merge is None else {"merge_heads": merge})


def merge(wrong, body, by):
    return Mutant("merge_heads", wrong, body, checks(by))


HEADS_MUTANTS = [
    split(
        "a reshape without a transpose",
        RESHAPE_ONLY,
        by="head_slice undo apart NUMBERS layer_keys no_future past trim context",
    ),
    split(
        "reshapes alone, there and back",
        RESHAPE_ONLY,
        RESHAPE_BACK,
        by="head_slice merge apart NUMBERS layer_keys past trim context",
    ),
    split("every h-th feature to a head", INTERLEAVED, by="head_slice undo NUMBERS layer_keys"),
    split("every h-th feature, there and back", INTERLEAVED, INTERLEAVED_BACK, by="head_slice merge NUMBERS"),
    split(
        "not transposed: (B, T, h, d)",
        edited(SPLIT, ("(0, 2, 1, 3)", "(0, 1, 2, 3)")),
        by="head_slice undo apart ALL_LAYER ALL_THREE",
    ),
    split(
        "the heads' axis before the batch",
        edited(SPLIT, ("(0, 2, 1, 3)", "(2, 0, 1, 3)")),
        by="head_slice undo apart ALL_LAYER ALL_THREE",
    ),
    split(
        "heads in reverse order",
        edited(SPLIT, ("3))", "3))[:, ::-1]")),
        by="head_slice undo NUMBERS layer_keys",
    ),
    split("every head gets the first slice", FIRST_SLICE, by="head_slice undo apart NUMBERS layer_keys"),
    split(
        "zeros",
        edited(SPLIT, ("reshape(x", "reshape(0 * x")),
        by="head_slice undo apart NUMBERS layer_keys one_head layer_mask gradients past context",
    ),
    merge(
        "a reshape without a transpose back",
        RESHAPE_BACK,
        by="undo merge NUMBERS layer_keys no_future past trim",
    ),
    merge("features before heads", INTERLEAVED_BACK, by="undo merge NUMBERS layer_keys"),
    merge(
        "the mean of the heads",
        "return ops.tile(ops.mean(x, axis=1), (1, 1, x.shape[1]))",
        by="undo merge NUMBERS layer_keys",
    ),
    merge(
        "all zeros",
        edited(MERGE_HEADS, ("transpose(x", "transpose(0 * x")),
        by="undo merge NUMBERS layer_keys one_head layer_mask gradients past context",
    ),
]

DENSE = "keras.layers.Dense(d_model)"
INIT = f"""
super().__init__(**kwargs)
if d_model % num_heads:
    raise ValueError("num_heads must divide d_model")
self.num_heads = num_heads
self.query_dense = {DENSE}
self.key_dense = {DENSE}
self.value_dense = {DENSE}
self.output_dense = {DENSE}
"""
CALL = """
key = value if key is None else key
if attention_mask is not None and len(attention_mask.shape) == 3:
    attention_mask = ops.expand_dims(attention_mask, 1)
q = split_heads(self.query_dense(query), self.num_heads)
k = split_heads(self.key_dense(key), self.num_heads)
v = split_heads(self.value_dense(value), self.num_heads)
output, weights = scaled_dot_product_attention(q, k, v, attention_mask)
output = self.output_dense(merge_heads(output))
return (output, weights) if return_attention_scores else output
"""
DEFAULT_KEY = "key = value if key is None else key"
UNSQUEEZE = "ops.expand_dims(attention_mask, 1)"
QUERY, KEY, VALUE = "self.query_dense(query)", "self.key_dense(key)", "self.value_dense(value)"
SPLIT_QUERY = f"split_heads({QUERY}, self.num_heads)"
OUTPUT = "self.output_dense(merge_heads(output))"
ATTEND = "output, weights = scaled"
ARGUMENTS = "(q, k, v, attention_mask)"
FIRST_HEADS = "q, k = (ops.repeat(x[:, :1], self.num_heads, axis=1) for x in (q, k))\n"
AS_NUMPY = f"({VALUE} if tf.is_symbolic_tensor(value) else {VALUE}.numpy())"
SET_HEADS = "self.num_heads = num_heads"


def layer(wrong, *edits, by):
    return Mutant("MultiHeadAttention.call", wrong, edited(CALL, *edits), checks(by))


def layer_made(wrong, *edits, call=(), by):
    also = {"MultiHeadAttention.call": edited(CALL, *call)}
    return Mutant("MultiHeadAttention.__init__", wrong, edited(INIT, *edits), checks(by), also)


def dense(part, new=DENSE):
    """An edit of INIT: another layer for this part."""
    return f"self.{part}_dense = {DENSE}", f"self.{part}_dense = {new}"


WIDE = "keras.layers.Dense(d_model * num_heads)"

LAYER_MUTANTS = [
    layer(
        "scaled with sqrt(D), not sqrt(D/h)",
        (SPLIT_QUERY, f"{SPLIT_QUERY} / self.num_heads**0.5"),
        by="NUMBERS",
    ),
    layer(
        "no output projection",
        (OUTPUT, "merge_heads(output)"),
        by="NUMBERS layer_keys one_head gradients",
    ),
    layer(
        "the output projection is not used",
        (OUTPUT, f"merge_heads(output) + 0 * {OUTPUT}"),
        by="NUMBERS layer_keys one_head gradients",
    ),
    layer(
        "key and value change places",
        (DEFAULT_KEY, "key, value = value, value if key is None else key"),
        by="layer_keys layer_keras one_head",
    ),
    layer("the key is not used", (DEFAULT_KEY, "key = value"), by="layer_keys layer_keras one_head"),
    layer(
        "the query is the key where none is given",
        (DEFAULT_KEY, "key = query if key is None else key"),
        by="layer_shape layer layer_keys three_shape context add_norm cross",
    ),
    layer(
        "one projection for query and key",
        (KEY, "self.query_dense(key)"),
        by="NUMBERS one_head gradients",
    ),
    layer(
        "the value is not projected",
        (VALUE, "value"),
        by="NUMBERS layer_keys one_head gradients",
    ),
    layer(
        "the value's projection is the key's",
        (VALUE, f"self.key_dense(value) + 0 * {VALUE}"),
        by="NUMBERS layer_keys one_head gradients",
    ),
    layer("a tanh after the query's projection", (QUERY, f"ops.tanh({QUERY})"), by="NUMBERS one_head"),
    layer("the query is added to the output", (OUTPUT, f"{OUTPUT} + query"), by="NUMBERS one_head"),
    layer(
        "the mask is not used at all",
        (ARGUMENTS, "(q, k, v)"),
        by="layer_keras layer_mask no_future trim causal",
    ),
    layer(
        "a mask of three axes gets none for the heads",
        (UNSQUEEZE, "attention_mask"),
        by="layer_keras layer_mask",
    ),
    layer(
        "the heads' axis before the batch", (UNSQUEEZE, "attention_mask[None]"), by="layer_keras layer_mask"
    ),
    layer(
        "every mask gets an axis for the heads",
        (" and len(attention_mask.shape) == 3", ""),
        by="layer_mask three_shape no_future past trim causal",
    ),
    layer(
        "the first sample's mask for all",
        (UNSQUEEZE, "attention_mask[:1, None]"),
        by="layer_keras layer_mask",
    ),
    layer(
        "a mask of two axes is taken for one of a batch",
        ("len(attention_mask.shape) == 3", "len(attention_mask.shape) < 4"),
        by="layer_mask three_shape no_future past trim causal",
    ),
    layer("the mask is inverted", (UNSQUEEZE, f"ops.logical_not({UNSQUEEZE})"), by="layer_keras layer_mask"),
    layer(
        "the weights are always returned",
        ("if return_attention_scores else output", ""),
        by="layer_shape layer layer_keys one_head layer_mask gradients ALL_THREE",
    ),
    layer(
        "the weights are never returned",
        ("(output, weights) if return_attention_scores else ", ""),
        by="layer_shape layer_keras",
    ),
    layer(
        "the mean of the heads' weights",
        ("(output, weights)", "(output, ops.mean(weights, axis=1))"),
        by="layer_shape layer_keras",
    ),
    layer("one head attends for all", (ATTEND, f"{FIRST_HEADS}{ATTEND}"), by="NUMBERS"),
    layer("no gradient to the query's weights", (QUERY, f"tf.stop_gradient({QUERY})"), by="gradients"),
    layer(
        "no gradient through the weights",
        ("output = self", "output = tf.stop_gradient(weights) @ v\noutput = self"),
        by="gradients",
    ),
    layer("the gradient ends in NumPy", (VALUE, AS_NUMPY), by="gradients"),
    layer(
        "twice the gradient",
        (OUTPUT, f"{OUTPUT}\noutput = 2 * output - tf.stop_gradient(output)"),
        by="gradients",
    ),
    layer(
        "the last key is forgotten",
        (ARGUMENTS, "(q, k[:, :, :-1], v[:, :, :-1])"),
        by="layer_shape NUMBERS one_head layer_mask no_future trim context",
    ),
    layer(
        "an output of zeros",
        (OUTPUT, f"0 * {OUTPUT}"),
        by="NUMBERS layer_keys one_head layer_mask gradients past context",
    ),
    layer_made(
        "a projection without bias",
        dense("query", "keras.layers.Dense(d_model, use_bias=False)"),
        by="layer_weights NUMBERS layer_keys one_head gradients",
    ),
    layer_made(
        "D features for each head",
        dense("query", WIDE),
        dense("key", WIDE),
        dense("value", WIDE),
        by="layer_weights NUMBERS layer_keys gradients",
    ),
    layer_made(
        "the heads share their weights",
        dense("query", "keras.layers.Dense(d_model // num_heads)"),
        call=[(SPLIT_QUERY, f"ops.repeat({QUERY}[:, None], self.num_heads, axis=1)")],
        by="layer_weights NUMBERS layer_keys gradients",
    ),
    layer_made(
        "one projection for all three",
        dense("key", "self.query_dense"),
        dense("value", "self.query_dense"),
        by="layer_weights NUMBERS layer_keys one_head gradients",
    ),
    layer_made(
        "a sub-layer made in each call",
        dense("value", "None\nself.d_model = d_model"),
        call=[("q = split", "self.value_dense = keras.layers.Dense(self.d_model)\nq = split")],
        by="ALL_LAYER ALL_THREE",
    ),
    layer_made(
        "a sub-layer that each call forgets",
        dense("value", f"{DENSE}\nself.d_model = d_model"),
        call=[(VALUE, "keras.layers.Dense(self.d_model)(value)")],
        by="layer_weights NUMBERS layer_keys one_head layer_mask gradients trim add_norm",
    ),
    layer_made(
        "sub-layers of other names",
        ("self.output_dense", "self.final_dense"),
        call=[("self.output_dense", "self.final_dense")],
        by="layer_weights NUMBERS layer_keys one_head gradients",
    ),
    layer_made(
        "a weight too many",
        (SET_HEADS, f"{SET_HEADS}\nself.add_weight(shape=(), initializer='ones')"),
        by="layer_weights",
    ),
    layer_made("any number of heads", ("if d_model % num_heads:", "if False:"), by="divide"),
    layer_made(
        "an assertion about the heads",
        ("if d_model % num_heads:", "assert d_model % num_heads == 0\nif False:"),
        by="divide",
    ),
    layer_made(
        "two heads, whatever is asked",
        (SET_HEADS, "self.num_heads = 2"),
        by="layer_shape layer_weights layer_keras one_head layer_mask",
    ),
    layer_made(
        "dropout at all times",
        (SET_HEADS, f"{SET_HEADS}\nself.dropout = keras.layers.Dropout(0.1)"),
        call=[(OUTPUT, f"self.dropout({OUTPUT}, training=True)")],
        by="NUMBERS layer_keys one_head layer_mask gradients no_future trim context add_norm",
    ),
    layer_made("frozen weights", (SET_HEADS, f"{SET_HEADS}\nself.trainable = False"), by="layer_weights"),
]

# 4. Three layers

GLOBAL_CALL = "return self.layer_norm(x + self.attention(x, x))"
CROSS_CALL = "return self.layer_norm(x + self.attention(x, context))"
CAUSAL_CALL = """
T = x.shape[1]
mask = ops.tril(ops.ones((T, T), dtype="bool"))
return self.layer_norm(x + self.attention(x, x, attention_mask=mask))
"""
THREE_INIT = """
super().__init__(**kwargs)
self.attention = MultiHeadAttention(d_model, num_heads)
self.layer_norm = keras.layers.LayerNormalization()
"""
TRIANGLE = 'ops.tril(ops.ones((T, T), dtype="bool"))'
STRICT_BUT_FIRST = "ops.arange(T)[None] < ops.maximum(ops.arange(T), 1)[:, None]"


def of_global(wrong, *edits, by):
    return Mutant("GlobalSelfAttention.call", wrong, edited(GLOBAL_CALL, *edits), checks(by))


def of_cross(wrong, *edits, by):
    return Mutant("CrossAttention.call", wrong, edited(CROSS_CALL, *edits), checks(by))


def of_causal(wrong, *edits, by):
    return Mutant("CausalSelfAttention.call", wrong, edited(CAUSAL_CALL, *edits), checks(by))


def global_made(wrong, *edits, by):
    return Mutant("GlobalSelfAttention.__init__", wrong, edited(THREE_INIT, *edits), checks(by))


NORM = "self.layer_norm("
CROSS_TRIANGLE = "attention_mask=ops.tril(ops.ones((x.shape[1], context.shape[1]), dtype='bool'))"
SELF_TRIANGLE = "attention_mask=ops.tril(ops.ones((x.shape[1], x.shape[1]), dtype='bool'))"
NORM_INSIDE = (f"{NORM}x + ", f"x + {NORM}")

THREE_MUTANTS = [
    of_global("no residual", ("x + ", ""), by="global add_norm"),
    of_global("normalized before the sum", NORM_INSIDE, by="global add_norm"),
    of_global(
        "normalized before the attention",
        (f"{NORM}x + self.attention(x, x))", f"x + self.attention({NORM}x), {NORM}x))"),
        by="global add_norm",
    ),
    of_global(
        "no norm",
        (f"{NORM}x + self.attention(x, x))", f"x + self.attention(x, x) + 0 * {NORM}x)"),
        by="global add_norm",
    ),
    of_global("the residual twice", ("x + ", "2 * x + "), by="global add_norm"),
    of_global("the attention is not added", ("self.attention", "0 * self.attention"), by="global add_norm"),
    of_global("nobody looks ahead", ("(x, x)", f"(x, x, {SELF_TRIANGLE})"), by="global add_norm"),
    of_global("all look at the first position", ("(x, x)", "(x, x[:, :1])"), by="global add_norm"),
    global_made(
        "normalized over the positions",
        ("LayerNormalization()", "LayerNormalization(axis=1)"),
        by="three_shape global add_norm",
    ),
    global_made(
        "normalized over the batch", ("LayerNormalization", "BatchNormalization"), by="global add_norm"
    ),
    global_made("one head only", ("d_model, num_heads)", "d_model, 1)"), by="global"),
    of_cross("keys and values from x", ("(x, context)", "(x, x)"), by="context add_norm cross"),
    of_cross(
        "values from x, keys from the context",
        ("(x, context)", "(x, x, context)"),
        by="three_shape context add_norm cross",
    ),
    of_cross(
        "queries from the context", ("(x, context)", "(context, x)"), by="three_shape context add_norm cross"
    ),
    of_cross("the residual is the context", ("x + ", "context + "), by="three_shape context add_norm cross"),
    of_cross(
        "the residual is the context's mean",
        ("x + ", "ops.mean(context, axis=1, keepdims=True) + "),
        by="add_norm cross",
    ),
    of_cross("no residual over the context", ("x + ", ""), by="add_norm cross"),
    of_cross("the norm is inside the sum", NORM_INSIDE, by="add_norm cross"),
    of_cross(
        "the context's first position is left out",
        ("(x, context)", "(x, context[:, 1:])"),
        by="context add_norm cross",
    ),
    of_cross(
        "a causal mask over the context",
        ("(x, context)", f"(x, context, {CROSS_TRIANGLE})"),
        by="context add_norm cross",
    ),
    of_causal("no mask", (", attention_mask=mask", ""), by="no_future trim causal"),
    of_causal(
        "the diagonal is masked too",
        (TRIANGLE, f"ops.logical_not({TRIANGLE.replace('tril', 'triu')})"),
        by="no_future trim causal",
    ),
    of_causal("the diagonal is masked, but for the first", (TRIANGLE, STRICT_BUT_FIRST), by="causal"),
    of_causal("the upper triangle", ("ops.tril", "ops.triu"), by="no_future past trim causal"),
    of_causal("one position ahead is seen", ('"bool"))', '"bool"), 1)'), by="no_future trim causal"),
    of_causal(
        "only itself and the position before",
        (TRIANGLE, f"{TRIANGLE}\nmask = ops.triu(mask, -1)"),
        by="past causal",
    ),
    of_causal("only itself", (TRIANGLE, "ops.eye(T, dtype='bool')"), by="past causal"),
    of_causal("no residual under the mask", ("x + ", ""), by="add_norm causal"),
    of_causal("the norm is within the sum", NORM_INSIDE, by="add_norm causal"),
    of_causal(
        "the mean of x is added",
        ("x + ", "ops.mean(x, axis=1, keepdims=True) + "),
        by="no_future trim causal",
    ),
    of_causal(
        "the attention does not count", ("self.attention", "0 * self.attention"), by="past add_norm causal"
    ),
]

# 5. Parameter counts

ATTENTION_COUNT = "return 4 * (d_model * d_model + (d_model if bias else 0))"
STACK_COUNT = """
feed_forward = 2 * d_model * dff + (dff + d_model if bias else 0)
norms = 4 * d_model if bias else 0
return n_layer * (attention_params(d_model, bias) + feed_forward + norms) + vocab * d_model
"""
FEED_FORWARD_BIAS, NORMS = "(dff + d_model if bias else 0)", "4 * d_model if bias else 0"


def of_attention(wrong, *edits, by):
    return Mutant("attention_params", wrong, edited(ATTENTION_COUNT, *edits), checks(by))


def of_stack(wrong, *edits, by):
    return Mutant("count_transformer_params", wrong, edited(STACK_COUNT, *edits), checks(by))


COUNT_MUTANTS = [
    of_attention("the factor 4 is missing", ("4 * ", ""), by="count_square count_bias"),
    of_attention("no output projection counted", ("4 * ", "3 * "), by="count_square count_bias"),
    of_attention("biases always", ("d_model if bias else 0", "d_model"), by="count_square"),
    of_attention("biases never", ("d_model if bias else 0", "0"), by="count_bias"),
    of_attention(
        "one bias for all",
        ("4 * (d_model * d_model + (d_model if bias else 0))", "4 * d_model**2 + d_model * bias"),
        by="count_bias",
    ),
    of_stack(
        "dff is taken to be d_model",
        ("2 * d_model * dff", "2 * d_model * d_model"),
        by="count_block count_stack count_all",
    ),
    of_stack(
        "dff is taken to be 4 d_model",
        ("2 * d_model * dff", "8 * d_model * d_model"),
        by="count_block count_stack count_all",
    ),
    of_stack(
        "one feed-forward matrix",
        ("2 * d_model * dff", "d_model * dff"),
        by="count_block count_stack count_all",
    ),
    of_stack(
        "no attention", ("attention_params(d_model, bias) + ", ""), by="count_block count_stack count_all"
    ),
    of_stack("one block, however many there are", ("n_layer * (", "("), by="count_stack count_all"),
    of_stack(
        "the embedding in each block",
        ("norms) + vocab * d_model", "norms + vocab * d_model)"),
        by="count_stack count_all",
    ),
    of_stack("no embedding", (" + vocab * d_model", ""), by="count_stack count_all"),
    of_stack(
        "an output matrix beside the embedding",
        ("vocab * d_model", "2 * vocab * d_model"),
        by="count_stack count_all",
    ),
    of_stack(
        "biases nowhere",
        ("(d_model, bias)", "(d_model)"),
        (FEED_FORWARD_BIAS, "0"),
        (NORMS, "0"),
        by="count_all",
    ),
    of_stack(
        "biases everywhere",
        ("feed_forward = 2", "bias = True\nfeed_forward = 2"),
        by="count_block count_stack",
    ),
    of_stack("the feed-forward biases are missing", (FEED_FORWARD_BIAS, "0"), by="count_all"),
    of_stack("the norms are missing", (NORMS, "0"), by="count_all"),
    of_stack("norms with a gain alone", (NORMS, "2 * d_model if bias else 0"), by="count_all"),
    of_stack("norms in the count of matrices", (NORMS, "4 * d_model"), by="count_block count_stack"),
    of_stack("feed-forward biases of one size", ("dff + d_model if", "2 * dff if"), by="count_all"),
    of_stack(
        "float32 arithmetic",
        (
            "return n_layer",
            "import numpy as np\nn_layer, d_model = np.float32(n_layer), np.float32(d_model)\nreturn n_layer",
        ),
        by="count_stack",
    ),
]

MUTANTS = [
    *HARD_MUTANTS,
    *SOFT_MUTANTS,
    *ATTENTION_MUTANTS,
    *HEADS_MUTANTS,
    *LAYER_MUTANTS,
    *THREE_MUTANTS,
    *COUNT_MUTANTS,
]

# Right solutions that look different: one a file, in the folder beside this one

VARIANTS = [
    Variant(path.stem, path.read_text(encoding="utf-8"))
    for path in sorted(Path(__file__).with_suffix("").glob("*.py"))
]
