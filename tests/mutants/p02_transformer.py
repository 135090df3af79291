"""Wrong and right solutions of problem set 2, for the proof of its checks."""

from pathlib import Path

from autograder.checking.mutants import Mutant, Variant

CHECKS = {
    "pe": "the_encoding_is_that_of_the_paper",
    "pe_far": "the_encoding_is_right_far_from_the_beginning",
    "pe_norm": "all_positions_are_equally_long_vectors",
    "pe_distance": "products_of_positions_depend_on_their_distance_alone",
    "pe_linear": "a_later_position_is_a_linear_function_of_an_earlier_one",
    "pe_zero": "positions_count_from_zero",
    "emb_shape": "each_token_becomes_a_vector",
    "emb_root": "token_vectors_are_scaled_by_the_root_of_d_model",
    "emb_sum": "your_positions_are_added_to_the_tokens",
    "emb_drop": "dropout_falls_on_the_sum_in_training_alone",
    "pad": "tokens_may_be_attended_to_and_padding_may_not",
    "pad_id": "padding_may_have_another_id",
    "pad_weight": "padding_gets_no_weight_in_an_attention",
    "self": "each_position_sees_itself",
    "later": "no_position_sees_a_later_one",
    "earlier": "each_position_sees_all_earlier_ones",
    "triangle": "the_triangle_counts_its_positions",
    "both": "the_combined_mask_is_both_of_your_masks",
    "both_ref": "the_combined_mask_agrees_with_the_reference",
    "both_weight": "no_weight_falls_on_padding_or_on_the_future",
    "both_sample": "each_sample_has_a_mask_of_its_own",
    "ff_count": "the_feed_forward_network_has_two_dense_layers",
    "ff": "the_activation_stands_between_the_dense_layers",
    "ff_apart": "the_feed_forward_network_treats_positions_one_by_one",
    "enc_count": "the_encoder_layer_has_the_parameters_of_its_parts",
    "enc_norm": "the_encoder_layer_ends_with_a_norm_over_the_features",
    "enc": "the_encoder_layer_adds_and_normalizes_twice",
    "enc_mask": "the_encoder_layer_sees_what_the_mask_permits_and_nothing_else",
    "enc_drop": "dropout_falls_on_both_parts_of_the_encoder_layer_in_training",
    "enc_ref": "the_encoder_layer_agrees_with_the_reference",
    "dec_count": "the_decoder_layer_has_the_parameters_of_its_parts",
    "dec_context": "the_decoder_layer_reads_all_of_the_context",
    "dec": "the_decoder_layer_adds_and_normalizes_three_times",
    "dec_mask": "each_mask_of_the_decoder_layer_is_for_its_own_attention",
    "dec_drop": "dropout_falls_on_the_three_parts_of_the_decoder_layer_in_training",
    "dec_ref": "the_decoder_layer_agrees_with_the_reference",
    "stack_own": "each_layer_of_a_stack_has_weights_of_its_own",
    "stack_enc": "the_encoder_calls_its_layers_one_after_the_other",
    "stack_dec": "the_decoder_calls_its_layers_one_after_the_other",
    "stack_drop": "the_rate_of_dropout_reaches_every_layer",
    "tr_shape": "there_is_a_logit_for_each_position_and_token",
    "tr_table": "one_table_embeds_context_and_target_and_gives_the_logits",
    "tr": "the_transformer_joins_your_own_parts",
    "tr_later": "no_logit_sees_a_later_token",
    "tr_pad": "padding_changes_no_logit",
    "tr_logits": "the_outputs_are_logits_not_probabilities",
    "tr_train": "gradients_reach_every_part_and_dropout_works_in_training_alone",
    "tr_ref": "the_transformer_agrees_with_the_reference",
    "tf": "the_decoder_reads_what_came_before",
    "tf_labels": "the_labels_are_the_ids",
    "tf_bos": "every_sequence_begins_with_bos",
    "tf_next": "each_label_is_the_next_input",
    "tf_copy": "no_input_knows_its_label",
}


def checks(labels):
    """The ids of the checks with these labels."""
    return tuple(CHECKS[label] for label in labels.split())


def edited(text, *edits):
    """`text` with other words; each edit is a pair of what stands there once and what takes its place."""
    for old, new in edits:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the text to be edited"
        text = text.replace(old, new)
    return text


def family(target, right):
    """Makes mutants of one target: what is wrong, edits of the right body, labels of what must notice.

    `by` are labels of the target's own question, `later` those of questions that use the target; with `chance`
    it is chance that decides which of them notice.
    """

    def mutant(wrong, *edits, by, later="", chance=False):
        body = edited(right, *edits)
        return Mutant(target, wrong, body, checks(f"{by} {later}"), later_by_chance=chance)

    return mutant


# 1. Positions

ENCODING = """
position = np.arange(length)[:, None]
angles = position / 10000 ** (np.arange(0, d_model, 2) / d_model)
return np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(length, d_model).astype("float32")
"""
encoding = family("positional_encoding", ENCODING)
OWN_WAVELENGTHS = """
angles = np.arange(length)[:, None] / 10000 ** (np.arange(d_model) / d_model)
return np.where(np.arange(d_model) % 2 == 0, np.sin(angles), np.cos(angles)).astype("float32")
"""
ENCODING_MUTANTS = [
    Mutant(
        "positional_encoding",
        "every feature has its own wavelength: i/d instead of 2⌊i/2⌋/d",
        OWN_WAVELENGTHS,
        checks("pe pe_far pe_norm pe_distance pe_linear tr_ref"),
    ),
    encoding("sine and cosine are swapped", ("[np.sin(angles), np.cos(angles)]", "[np.cos(angles), np.sin(angles)]"), by="pe pe_far", later="tr_ref"),
    encoding("positions from 1", ("np.arange(length)", "np.arange(1, length + 1)"), by="pe pe_far pe_zero", later="tr_ref"),
    encoding("1000 instead of 10000", ("10000", "1000"), by="pe pe_far", later="tr_ref"),
    encoding("all sines, then all cosines", ("np.stack([np.sin(angles), np.cos(angles)], axis=-1)", "np.concatenate([np.sin(angles), np.cos(angles)], axis=-1)"), by="pe pe_far", later="tr_ref"),
    encoding("the exponent is twice as large", ("np.arange(0, d_model, 2) /", "2 * np.arange(0, d_model, 2) /"), by="pe pe_far", later="tr_ref"),
    encoding("sines alone", ("np.cos(angles)]", "np.sin(angles)]"), by="pe pe_far pe_norm pe_distance pe_linear pe_zero", later="tr_ref"),
    encoding("positions are not turned into angles", ("position / 10000", "0 * position / 10000"), by="pe pe_far pe_distance", later="tr_ref"),
]  # fmt: skip

EMBEDDING = """
x = self.embedding(ids) * self.d_model**0.5
x = x + positional_encoding(ops.shape(ids)[1], self.d_model)
return self.dropout(x, training=training)
"""
embedding = family("PositionalEmbedding.call", EMBEDDING)
ADDED = "x = x + positional_encoding(ops.shape(ids)[1], self.d_model)"
EMBEDDING_MUTANTS = [
    embedding("no scale", (" * self.d_model**0.5", ""), by="emb_root emb_sum", later="tr_ref"),
    embedding("scaled by d", ("**0.5", ""), by="emb_root emb_sum", later="tr_ref"),
    embedding("divided by the root", ("* self", "/ self"), by="emb_root emb_sum", later="tr_ref"),
    embedding("no positions", (ADDED, ""), by="emb_sum", later="tr_ref"),
    embedding("the sum is scaled", (" * self.d_model**0.5", ""), ("x = x + positional_encoding(ops.shape(ids)[1], self.d_model)", "x = (x + positional_encoding(ops.shape(ids)[1], self.d_model)) * self.d_model**0.5"), by="emb_sum", later="tr_ref"),
    embedding("positions after dropout", (ADDED, ""), ("return self.dropout(x, training=training)", "return self.dropout(x, training=training) + positional_encoding(ops.shape(ids)[1], self.d_model)"), by="emb_drop"),
    embedding("positions side by side with the token", (ADDED, "p = ops.broadcast_to(positional_encoding(ops.shape(ids)[1], self.d_model), ops.shape(x))\nx = ops.concatenate([x, p], axis=-1)"), by="emb_shape emb_root emb_sum", later="tr_shape tr_table tr tr_later tr_pad tr_logits tr_train tr_ref"),
    embedding("always training", ("training=training", "training=True"), by="emb_root emb_sum emb_drop", chance=True),
    embedding("never training", ("training=training", "training=False"), by="emb_drop"),
]  # fmt: skip

# 2. Masks

PADDING = "return ops.not_equal(ids, pad_id)[:, None, None, :]"
padding = family("create_padding_mask", PADDING)
PADDING_MUTANTS = [
    padding("inverted", ("not_equal", "equal"), by="pad pad_id pad_weight", later="both_ref tr_later tr_pad tr_ref"),
    padding("padding on the query axis", ("[:, None, None, :]", "[:, None, :, None]"), by="pad pad_id pad_weight", later="both both_ref both_weight tr_shape tr_table tr tr_later tr_pad tr_logits tr_train tr_ref"),
    padding("axes are missing", ("[:, None, None, :]", ""), by="pad pad_id pad_weight", later="both both_ref both_weight both_sample tr_shape tr tr_later tr_pad tr_logits tr_train tr_ref"),
    padding("pad_id is not used", ("pad_id)", "0)"), by="pad_id"),
    padding("ids above pad_id", ("not_equal", "greater"), by="pad_id"),
    padding("numbers instead of truth values", ("return ops.not_equal(ids, pad_id)", "return ops.cast(ops.not_equal(ids, pad_id), 'float32')"), by="pad pad_id pad_weight", later="both both_weight"),
    padding("the first sample's padding for all", ("(ids, pad_id)", "(ids[:1] + 0 * ids, pad_id)"), by="pad pad_id pad_weight", later="both_ref both_sample tr_ref"),
]  # fmt: skip

LOOK_AHEAD = """
position = ops.arange(length)
return position[:, None] >= position
"""
look_ahead = family("create_look_ahead_mask", LOOK_AHEAD)
LOOK_AHEAD_MUTANTS = [
    look_ahead("strict lower triangle: the diagonal is lost", (">=", ">"), by="self triangle", later="both_ref tr_later tr_pad tr_ref"),
    look_ahead("upper triangle", (">=", "<="), by="later earlier triangle", later="both_ref tr_later tr_ref"),
    look_ahead("inverted: what may not be seen", (">=", "<"), by="self later earlier triangle", later="both_ref tr_later tr_pad tr_ref"),
    look_ahead("nothing is forbidden", (">= position", ">= 0 * position"), by="later triangle", later="both_ref tr_later tr_ref"),
    look_ahead("one step ahead", (">= position", ">= position - 1"), by="later triangle", later="both_ref tr_later tr_ref"),
    look_ahead("itself alone", (">=", "=="), by="earlier triangle", later="both_ref tr_later tr_ref"),
    look_ahead("numbers instead of truth values", ("return position[:, None] >= position", "return ops.cast(position[:, None] >= position, 'float32')"), by="self later earlier triangle", later="both both_weight"),
]  # fmt: skip

COMBINED = (
    "return ops.logical_and(create_padding_mask(ids, pad_id), create_look_ahead_mask(ops.shape(ids)[1]))"
)
combined = family("create_combined_mask", COMBINED)
COMBINED_MUTANTS = [
    combined("OR instead of AND", ("logical_and", "logical_or"), by="both both_ref both_weight", later="tr_later tr_ref"),
    combined("the triangle alone", ("create_padding_mask(ids, pad_id)", "create_padding_mask(ids, -7)"), by="both both_ref both_weight both_sample", later="tr_ref"),
    combined("padding alone", ("create_look_ahead_mask(ops.shape(ids)[1])", "ops.ones((ids.shape[1], ids.shape[1]), 'bool')"), by="both both_ref both_weight", later="tr_later tr_ref"),
    combined("padded queries see nothing", ("create_padding_mask(ids, pad_id)", "create_padding_mask(ids, pad_id) & ops.swapaxes(create_padding_mask(ids, pad_id), 2, 3)"), by="both both_ref both_weight", later="tr_ref"),
    combined("the first sample's padding for all", ("(ids, pad_id)", "(ids[:1] + 0 * ids, pad_id)"), by="both both_ref both_weight both_sample", later="tr_ref"),
    combined("no axis for the heads", ("create_padding_mask(ids, pad_id)", "create_padding_mask(ids, pad_id)[:, 0]"), by="both both_ref both_weight both_sample"),
]  # fmt: skip

# 3. Layers

FEED_FORWARD = (
    "return keras.Sequential([keras.layers.Dense(dff, activation='relu'), keras.layers.Dense(d_model)])"
)
feed_forward = family("point_wise_feed_forward", FEED_FORWARD)
FEED_FORWARD_MUTANTS = [
    feed_forward("no ReLU", (", activation='relu'", ""), by="ff", later="enc_ref dec_ref tr_ref"),
    feed_forward("ReLU after the second layer", ("(d_model)", "(d_model, activation='relu')"), (", activation='relu'), keras", "), keras"), by="ff", later="enc_ref dec_ref tr_ref"),
    feed_forward("ReLU after both layers", ("(d_model)", "(d_model, activation='relu')"), by="ff", later="enc_ref dec_ref tr_ref"),
    feed_forward("GELU", ("'relu'", "'gelu'"), by="ff", later="enc_ref dec_ref tr_ref"),
    feed_forward("the sizes are swapped", ("(dff,", "(d_model,"), ("(d_model)]", "(dff)]"), by="ff_count ff", later="enc_count enc_norm enc enc_mask enc_drop enc_ref dec_count dec_context dec dec_mask dec_drop dec_ref stack_own stack_enc stack_dec stack_drop tr_shape tr_table tr tr_later tr_pad tr_logits tr_train tr_ref"),
    feed_forward("no biases", ("'relu'", "'relu', use_bias=False"), ("(d_model)", "(d_model, use_bias=False)"), by="ff_count ff", later="enc_count enc_ref dec_count dec_ref tr_ref"),
    feed_forward("a third layer", ("(d_model)]", "(d_model), keras.layers.Dense(d_model)]"), by="ff_count ff", later="enc_count enc_ref dec_count dec_ref tr_ref"),
    feed_forward("mixes positions", ("keras.layers.Dense(d_model)]", "keras.layers.Dense(d_model), keras.layers.Lambda(lambda x: x + ops.mean(x, axis=1, keepdims=True))]"), by="ff ff_apart", later="enc_mask enc_ref dec_mask dec_ref tr_later tr_pad tr_ref"),
]  # fmt: skip

ENCODER_CALL = """
attended = self.self_attention(x, x, attention_mask=self_mask)
x = self.self_attention_norm(x + self.dropout(attended, training=training))
return self.feed_forward_norm(x + self.dropout(self.feed_forward(x), training=training))
"""
ENCODER_INIT = """
super().__init__(**kwargs)
self.self_attention = keras.layers.MultiHeadAttention(num_heads, key_dim=d_model // num_heads)
self.self_attention_norm = keras.layers.LayerNormalization(epsilon=1e-6)
self.feed_forward = point_wise_feed_forward(d_model, dff)
self.feed_forward_norm = keras.layers.LayerNormalization(axis=-1, epsilon=1e-6)
self.dropout = keras.layers.Dropout(dropout_rate)
"""
encoder, encoder_init = (
    family("EncoderLayer.call", ENCODER_CALL),
    family("EncoderLayer.__init__", ENCODER_INIT),
)
ENCODER_MUTANTS = [
    encoder("no residual around the attention", ("x + self.dropout(attended", "self.dropout(attended"), by="enc enc_drop enc_ref", later="tr_ref"),
    encoder("no residual around the feed-forward network", ("x + self.dropout(self.feed", "self.dropout(self.feed"), by="enc enc_drop enc_ref", later="tr_ref"),
    encoder("the mask is not passed on", ("attention_mask=self_mask", "attention_mask=None"), by="enc enc_mask enc_ref", later="tr_pad tr_ref"),
    encoder("the mask is inverted", ("attention_mask=self_mask", "attention_mask=None if self_mask is None else ops.logical_not(self_mask)"), by="enc enc_mask enc_ref", later="tr_pad tr_ref"),
    encoder("training flag lost", ("x + self.dropout(attended, training=training)", "x + self.dropout(attended, training=False)"), ("self.feed_forward(x), training=training", "self.feed_forward(x), training=False"), by="enc_drop", later="stack_drop"),
    encoder("always training", ("x + self.dropout(attended, training=training)", "x + self.dropout(attended, training=True)"), by="enc enc_mask enc_drop enc_ref", chance=True),
    encoder("always training, after the feed-forward network", ("self.feed_forward(x), training=training", "self.feed_forward(x), training=True"), by="enc enc_mask enc_drop enc_ref", chance=True),
    encoder("dropout on the sum", ("x + self.dropout(self.feed_forward(x), training=training)", "self.dropout(x + self.feed_forward(x), training=training)"), by="enc_drop"),
    encoder("no dropout on the attention", ("self.dropout(attended, training=training)", "attended"), by="enc_drop"),
    encoder("one norm for both sums", ("self.feed_forward_norm(", "self.self_attention_norm("), by="enc_count enc_norm enc enc_drop enc_ref", later="stack_own tr_ref"),
    encoder("no norm at the end", ("return self.feed_forward_norm(x + self.dropout(self.feed_forward(x), training=training))", "return x + self.dropout(self.feed_forward(x), training=training)"), by="enc_count enc_norm enc enc_drop enc_ref", later="stack_own tr_ref"),
    encoder("pre-norm", ("attended = self.self_attention(x, x, ", "y = self.self_attention_norm(x)\nattended = self.self_attention(y, y, "), ("self.self_attention_norm(x + self.dropout(attended, training=training))", "x + self.dropout(attended, training=training)"), ("return self.feed_forward_norm(x + self.dropout(self.feed_forward(x), training=training))", "return x + self.dropout(self.feed_forward(self.feed_forward_norm(x)), training=training)"), by="enc_norm enc enc_drop enc_ref", later="tr_ref"),
    encoder_init("the norm runs over the positions", ("axis=-1", "axis=1"), by="enc_count enc_norm enc enc_mask enc_drop enc_ref", later="stack_enc stack_drop tr_shape tr_table tr tr_later tr_pad tr_logits tr_train tr_ref"),
    encoder_init("each head has d_model features", ("key_dim=d_model // num_heads", "key_dim=d_model"), by="enc_count enc_ref", later="tr_ref"),
    encoder_init("dff is not used", ("(d_model, dff)", "(d_model, d_model)"), by="enc_count enc_ref", later="tr_ref"),
]  # fmt: skip

DECODER_CALL = """
attended = self.self_attention(x, x, attention_mask=self_mask)
x = self.self_attention_norm(x + self.dropout(attended, training=training))
crossed = self.cross_attention(x, context, attention_mask=cross_mask)
x = self.cross_attention_norm(x + self.dropout(crossed, training=training))
return self.feed_forward_norm(x + self.dropout(self.feed_forward(x), training=training))
"""
decoder = family("DecoderLayer.call", DECODER_CALL)
SELF_STEP = """attended = self.self_attention(x, x, attention_mask=self_mask)
x = self.self_attention_norm(x + self.dropout(attended, training=training))
"""
CROSS_STEP = """crossed = self.cross_attention(x, context, attention_mask=cross_mask)
x = self.cross_attention_norm(x + self.dropout(crossed, training=training))
"""
DECODER_MUTANTS = [
    decoder("no residual around the self-attention", ("x + self.dropout(attended", "self.dropout(attended"), by="dec dec_drop dec_ref", later="tr_ref"),
    decoder("no residual around the cross-attention", ("x + self.dropout(crossed", "self.dropout(crossed"), by="dec dec_drop dec_ref", later="tr_ref"),
    decoder("no residual around the feed-forward network", ("x + self.dropout(self.feed", "self.dropout(self.feed"), by="dec dec_drop dec_ref", later="tr_ref"),
    decoder("the context before the self-attention", (SELF_STEP + CROSS_STEP, CROSS_STEP + SELF_STEP), by="dec dec_ref", later="tr_ref"),
    decoder("the context's mask is not passed on", ("attention_mask=cross_mask", "attention_mask=None"), by="dec dec_mask dec_ref", later="tr_pad tr_ref"),
    decoder("the target's mask is not passed on", ("attention_mask=self_mask", "attention_mask=None"), by="dec dec_mask dec_ref", later="tr_later tr_pad tr_ref"),
    decoder("the context is not looked at", ("(x, context, attention_mask=cross_mask", "(x, x, attention_mask=self_mask"), by="dec_context dec dec_mask dec_ref", later="tr_pad tr_train tr_ref"),
    decoder("the context is the query", ("(x, context, attention_mask=cross_mask)", "(context, x)[:, :1] + 0 * x"), by="dec_context dec dec_mask dec_ref", later="tr_later tr_pad tr_ref"),
    decoder("one attention for both", ("self.cross_attention(", "self.self_attention("), by="dec_count dec dec_ref", later="stack_own tr_ref"),
    decoder("training flag lost", ("crossed, training=training", "crossed, training=False"), by="dec_drop"),
    decoder("always training", ("crossed, training=training", "crossed, training=True"), by="dec dec_mask dec_drop dec_ref", chance=True),
    decoder("dropout on the sum", ("x + self.dropout(crossed, training=training)", "self.dropout(x + crossed, training=training)"), by="dec_drop"),
]  # fmt: skip

# 4. Stacks and the Transformer

STACK_INIT = """
super().__init__(**kwargs)
self.LAYERS = [LAYER(d_model, num_heads, dff, dropout_rate) for _ in range(num_layers)]
"""
ENCODER_STACK_INIT = STACK_INIT.replace("LAYERS", "encoder_layers").replace("LAYER", "EncoderLayer")
DECODER_STACK_INIT = STACK_INIT.replace("LAYERS", "decoder_layers").replace("LAYER", "DecoderLayer")
ENCODER_STACK = """
for layer in self.encoder_layers:
    x = layer(x, self_mask=self_mask, training=training)
return x
"""
DECODER_STACK = """
for layer in self.decoder_layers:
    x = layer(x, context, self_mask=self_mask, cross_mask=cross_mask, training=training)
return x
"""
encoder_stack, decoder_stack = family("Encoder.call", ENCODER_STACK), family("Decoder.call", DECODER_STACK)
encoder_stack_init = family("Encoder.__init__", ENCODER_STACK_INIT)
decoder_stack_init = family("Decoder.__init__", DECODER_STACK_INIT)
ONE_LAYER = "[{0}(d_model, num_heads, dff, dropout_rate) for _ in range(num_layers)]"
ONE_FOR_ALL = "[{0}(d_model, num_heads, dff, dropout_rate)] * num_layers"
STACK_MUTANTS = [
    encoder_stack_init("the same encoder layer over and over", (ONE_LAYER.format("EncoderLayer"), ONE_FOR_ALL.format("EncoderLayer")), by="stack_own", later="tr_ref"),
    decoder_stack_init("the same decoder layer over and over", (ONE_LAYER.format("DecoderLayer"), ONE_FOR_ALL.format("DecoderLayer")), by="stack_own", later="tr_ref"),
    encoder_stack_init("the encoder's rate is not passed on", (", dropout_rate) for", ") for"), by="stack_drop"),
    decoder_stack_init("the decoder's rate is not passed on", (", dropout_rate) for", ") for"), by="stack_drop"),
    encoder_stack("only the last layer's look at the input", ("x = layer(x", "y = layer(x"), ("return x", "return y"), by="stack_enc", later="tr_ref"),
    encoder_stack("no mask", ("self_mask=self_mask", "self_mask=None"), by="stack_enc", later="tr_pad tr_ref"),
    encoder_stack("last layer first", ("in self.encoder_layers", "in self.encoder_layers[::-1]"), by="stack_enc", later="tr_ref"),
    encoder_stack("training flag lost", ("training=training", "training=False"), by="stack_drop"),
    decoder_stack("no mask of the context", ("cross_mask=cross_mask", "cross_mask=None"), by="stack_dec", later="tr_pad tr_ref"),
    decoder_stack("no mask of the target", ("self_mask=self_mask", "self_mask=None"), by="stack_dec", later="tr_later tr_pad tr_ref"),
    decoder_stack("the context is replaced by what a layer gives", ("    x = layer", "    context = x = layer"), ("cross_mask=cross_mask", "cross_mask=cross_mask if context.shape[1] != x.shape[1] else None"), by="stack_dec", later="tr_later tr_pad tr_ref"),
    decoder_stack("training flag lost", ("training=training", "training=False"), by="stack_drop"),
]  # fmt: skip

TRANSFORMER = """
context, x = inputs
context_mask = create_padding_mask(context)
combined_mask = create_combined_mask(x)
context = self.embedding(context, training=training)
context = self.encoder(context, self_mask=context_mask, training=training)
x = self.embedding(x, training=training)
x = self.decoder(x, context, self_mask=combined_mask, cross_mask=context_mask, training=training)
return ops.matmul(x, ops.transpose(self.embedding.embedding.embeddings))
"""
TRANSFORMER_INIT = """
super().__init__(**kwargs)
self.embedding = PositionalEmbedding(vocab_size, d_model, dropout_rate)
self.encoder = Encoder(num_layers, d_model, num_heads, dff, dropout_rate)
self.decoder = Decoder(num_layers, d_model, num_heads, dff, dropout_rate)
"""
LOGITS = "ops.matmul(x, ops.transpose(self.embedding.embedding.embeddings))"
transformer = family("Transformer.call", TRANSFORMER)


def of_transformer(wrong, init, *edits, by):
    """Another `__init__` and another `call`."""
    also = {"Transformer.__init__": TRANSFORMER_INIT + init}
    return Mutant("Transformer.call", wrong, edited(TRANSFORMER, *edits), checks(by), also)


TRANSFORMER_MUTANTS = [
    transformer("softmax, for a loss with from_logits", (f"return {LOGITS}", f"return ops.softmax({LOGITS})"), by="tr tr_logits tr_ref"),
    transformer("log-softmax", (f"return {LOGITS}", f"return ops.log_softmax({LOGITS})"), by="tr tr_logits tr_ref"),
    transformer("the context's mask is not passed to the cross-attention", ("cross_mask=context_mask", "cross_mask=None"), by="tr tr_pad tr_ref"),
    transformer("the context's mask is not passed to the encoder", ("self_mask=context_mask", "self_mask=None"), by="tr tr_pad tr_ref"),
    transformer("the decoder sees the future", ("create_combined_mask(x)", "create_padding_mask(x)"), by="tr tr_later tr_ref"),
    transformer("padding of the target is seen", ("create_combined_mask(x)", "create_look_ahead_mask(x.shape[1])"), by="tr tr_ref"),
    transformer("the pair is the wrong way round", ("context, x = inputs", "x, context = inputs"), by="tr_shape tr tr_later tr_pad tr_train tr_ref tr_logits"),
    transformer("the decoder reads the embedded context, not the encoded", ("context = self.encoder(context,", "self.encoder(context,"), by="tr tr_train tr_ref"),
    transformer("training flag lost", ("(context, training=training)", "(context, training=False)"), ("self_mask=context_mask, training=training", "self_mask=context_mask, training=False"), ("(x, training=training)", "(x, training=False)"), ("cross_mask=context_mask, training=training", "cross_mask=context_mask, training=False"), by="tr_train"),
    transformer("always training", ("self_mask=context_mask, training=training", "self_mask=context_mask, training=True"), by="tr tr_later tr_pad tr_train tr_ref"),
    transformer("the logits are scaled", (f"return {LOGITS}", f"return {LOGITS} * 8**0.5"), by="tr tr_ref"),
    of_transformer("an output layer of its own", "self.out = keras.layers.Dense(vocab_size)", (LOGITS, "self.out(x)"), by="tr_table tr tr_ref"),
    of_transformer("a bias of the logits", "self.b = self.add_weight(shape=(vocab_size,))", (f"return {LOGITS}", f"return {LOGITS} + self.b"), by="tr_table tr tr_ref"),
    of_transformer("a second table for the target", "self.second = PositionalEmbedding(vocab_size, d_model, dropout_rate)", ("x = self.embedding(x", "x = self.second(x"), by="tr_table tr tr_ref"),
]  # fmt: skip

# 5. Teacher forcing

FORCING = """
begin = ops.full_like(ids[:, :1], bos)
return ops.concatenate([begin, ids[:, :-1]], axis=1), ids
"""
forcing = family("make_decoder_inputs_and_labels", FORCING)
SHIFTED = "ops.concatenate([begin, ids[:, :-1]], axis=1), ids"
FORCING_MUTANTS = [
    forcing("no shift", (SHIFTED, "ids, ids"), by="tf tf_bos tf_next tf_copy"),
    forcing("shifted the wrong way", (SHIFTED, "ops.concatenate([ids[:, 1:], begin], axis=1), ids"), by="tf tf_bos tf_next tf_copy"),
    forcing("the labels are shifted, the inputs are the ids", (SHIFTED, "ids, ops.concatenate([begin, ids[:, :-1]], axis=1)"), by="tf tf_labels tf_bos tf_next tf_copy"),
    forcing("the pair is the wrong way round", (SHIFTED, "ids, ops.concatenate([ids[:, 1:], begin], axis=1)"), by="tf tf_labels tf_bos tf_copy"),
    forcing("the end is kept in the input only", (SHIFTED, "ops.concatenate([begin, ids], axis=1), ids"), by="tf tf_labels tf_bos tf_next tf_copy"),
    forcing("rolled: the end comes first", ("begin = ops.full_like(ids[:, :1], bos)", "begin = ids[:, -1:]"), by="tf tf_bos tf_copy"),
    forcing("bos is taken to be 1", (", bos)", ", 1)"), by="tf_bos"),
    forcing("labels without the last id", (SHIFTED, "ops.concatenate([begin, ids[:, :-1]], axis=1), ids[:, :-1]"), by="tf tf_labels tf_bos tf_next tf_copy"),
    forcing("inputs and labels in one array", (SHIFTED, "ops.concatenate([begin, ids], axis=1)"), by="tf tf_labels tf_bos tf_next tf_copy"),
]  # fmt: skip

MUTANTS = [
    *ENCODING_MUTANTS,
    *EMBEDDING_MUTANTS,
    *PADDING_MUTANTS,
    *LOOK_AHEAD_MUTANTS,
    *COMBINED_MUTANTS,
    *FEED_FORWARD_MUTANTS,
    *ENCODER_MUTANTS,
    *DECODER_MUTANTS,
    *STACK_MUTANTS,
    *TRANSFORMER_MUTANTS,
    *FORCING_MUTANTS,
]

# Right solutions that look different: one a file, in the folder beside this one

VARIANTS = [
    Variant(path.stem, path.read_text(encoding="utf-8"))
    for path in sorted(Path(__file__).with_suffix("").glob("*.py"))
]
