"""Wrong and right solutions of the final project, for the proof of its checks.

What a submitted model does on hidden sentences is not here: the solution's own model would have to be trained
for ten minutes, and wrong ones too. tests/checks/test_final_phrasebank.py proves these checks with models of
known accuracy in its place.
"""

import textwrap
from pathlib import Path

from autograder.checking.mutants import Mutant, Variant

CHECKS = {
    "first": "of_copies_the_first_stays",
    "given": "copies_are_told_by_the_function_that_is_given",
    "doubtful": "copies_with_different_labels_go_altogether",
    "partition": "every_example_is_in_exactly_one_part",
    "share": "every_class_has_its_share_in_both_parts",
    "generator": "the_generator_decides_the_split",
    "leaks": "leaks_are_found_whatever_their_spelling",
    "trained_on": "no_hidden_sentence_was_trained_on",
    "largest": "each_text_gets_the_name_of_its_largest_logit",
    "batches": "texts_are_predicted_batch_by_batch",
    "saved": "the_saved_model_labels_sentences",
    "logits": "the_classifier_gives_logits",
    "one_dense": "the_head_is_one_dense_layer",
    "padding": "padding_does_not_change_the_logits",
    "every_token": "every_real_token_reaches_the_logits",
    "head_alone": "the_head_alone_learns",
    "head_counts": "only_the_head_counts_as_trainable",
    "a_lower": "stage_a_lowers_the_cross_entropy",
    "everything": "everything_learns",
    "goes_on": "stage_b_goes_on_from_the_trained_head",
    "b_lower": "stage_b_lowers_the_cross_entropy",
    "small": "by_default_stage_b_takes_small_steps",
    "rate": "the_learning_rate_is_that_of_the_argument",
    "tier_85": "it_is_far_better_than_saying_neutral",
    "tier_90": "it_is_better_than_counting_words",
    "tier_94": "it_is_as_good_as_a_fine_tuned_encoder",
    "macro": "it_is_good_at_every_class",
    "opening": "labels_survive_another_opening",
    "element": "each_example_is_one_element",
    "disjoint": "the_two_parts_share_nothing_however_often_they_are_read",
    "test_share": "the_test_part_has_its_share",
    "seed": "the_seed_decides_the_split",
    "no_loss": "no_example_is_lost_in_batches",
    "anew": "training_batches_are_drawn_anew_at_every_iteration",
    "order": "batches_for_testing_keep_their_order",
    "two_dense": "the_two_layers_have_the_weights_of_two_dense_layers",
    "average_max": "the_head_sees_average_and_maximum_of_the_real_tokens",
    "dropout": "dropout_acts_in_training_alone",
    "nothing": "an_untrained_adapter_changes_nothing",
    "scaled": "the_update_is_scaled_by_alpha_over_rank",
    "factors": "gradients_reach_the_two_factors_alone",
    "merging": "merging_gives_one_dense_layer_with_the_same_outputs",
    "count": "adapters_count_rank_times_in_plus_out",
}

SAVED_MODEL = (
    "it asks a submission's saved model, and the solution alone has none; "
    "proved in tests/checks/test_final_phrasebank.py"
)
LEFT_OUT = {
    CHECKS[label]: SAVED_MODEL
    for label in ("trained_on", "saved", "tier_85", "tier_90", "tier_94", "macro", "opening")
}


def of(target, body):
    """Makes mutants of one function or method: the right body with parts of it exchanged."""
    body = textwrap.dedent(body).strip("\n") + "\n"

    def mutant(wrong, *changes, by, also=None):
        changed = body
        for old, new in changes:
            assert old in changed, f"{target}: {wrong}: {old}"
            changed = changed.replace(old, new)
        names = tuple(CHECKS[name] for name in by.split())
        return Mutant(target, wrong=wrong, body=changed, caught_by=names, also=also or {})

    return mutant


deduplicate = of(
    "deduplicate",
    """
    seen = {}
    for sentence, label in zip(sentences, labels, strict=True):
        seen.setdefault(normalized(sentence), []).append((sentence, label))
    kept = [copies[0] for copies in seen.values() if len({label for _, label in copies}) == 1]
    return [sentence for sentence, _ in kept], [label for _, label in kept]
    """,
)
stratified_split = of(
    "stratified_split",
    """
    labels = np.asarray(labels)
    first, second = [], []
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        count = round(fraction * len(members))
        second.append(members[:count])
        first.append(members[count:])
    return rng.permutation(np.concatenate(first)), rng.permutation(np.concatenate(second))
    """,
)
find_leaks = of(
    "find_leaks",
    """
    seen = {normalized(sentence) for sentence in train_sentences}
    return [i for i, sentence in enumerate(test_sentences) if normalized(sentence) in seen]
    """,
)
SPLIT_MUTANTS = [
    deduplicate("the last copy stays", ("copies[0]", "copies[-1]"), by="first given"),
    deduplicate("exact copies alone", ("normalized(sentence)", "sentence"), by="first given doubtful"),
    deduplicate(
        "lower case in place of the given function",
        ("normalized(sentence)", "sentence.lower()"),
        by="first given doubtful",
    ),
    deduplicate(
        "the first of contradicting copies stays",
        (" if len({label for _, label in copies}) == 1", ""),
        by="doubtful",
    ),
    deduplicate(
        "every sentence that has copies goes",
        ("len({label for _, label in copies}) == 1", "len(copies) == 1"),
        by="first given doubtful",
    ),
    deduplicate(
        "normalized texts come back",
        ("copies[0]", "(normalized(copies[0][0]), copies[0][1])"),
        by="first given",
    ),
    deduplicate(
        "labels of all copies", ("[label for _, label in kept]", "list(labels)"), by="first given doubtful"
    ),
    deduplicate("in alphabetical order", ("seen.values()", "[seen[k] for k in sorted(seen)]"), by="first"),
    stratified_split(
        "of all classes together",
        ("np.unique(labels)", "[0]"),
        ("np.flatnonzero(labels == label)", "np.arange(len(labels))"),
        by="share",
    ),
    stratified_split(
        "the same number of each class",
        ("round(fraction * len(members))", "round(fraction * len(labels) / len(np.unique(labels)))"),
        by="share",
    ),
    stratified_split(
        "parts changed over",
        (
            "return rng.permutation(np.concatenate(first)), rng.permutation(np.concatenate(second))",
            "return rng.permutation(np.concatenate(second)), rng.permutation(np.concatenate(first))",
        ),
        by="share",
    ),
    stratified_split(
        "the test part is in the training part too", ("members[count:]", "members"), by="partition"
    ),
    stratified_split(
        "one example of each class is lost", ("members[count:]", "members[count + 1 :]"), by="partition"
    ),
    stratified_split(
        "no shuffle",
        ("rng.permutation(np.flatnonzero(labels == label))", "np.flatnonzero(labels == label)"),
        by="generator",
    ),
    stratified_split(
        "a seed of its own",
        ("labels = np.asarray(labels)", "labels, rng = np.asarray(labels), np.random.default_rng(42)"),
        by="generator",
    ),
    stratified_split(
        "NumPy's global generator",
        ("labels = np.asarray(labels)", "labels, rng = np.asarray(labels), np.random"),
        by="generator",
    ),
    stratified_split(
        "classes one after the other",
        (
            "rng.permutation(np.concatenate(first)), rng.permutation(np.concatenate(second))",
            "np.sort(np.concatenate(first)), np.sort(np.concatenate(second))",
        ),
        by="generator",
    ),
    find_leaks("exact copies alone", ("normalized(sentence)", "sentence"), by="leaks"),
    find_leaks(
        "positions in the training part",
        ("enumerate(test_sentences)", "enumerate(train_sentences)"),
        ("for sentence in train_sentences}", "for sentence in test_sentences}"),
        by="leaks",
    ),
    find_leaks("the sentences in place of their positions", ("[i for", "[sentence for"), by="leaks"),
    find_leaks(
        "test sentences that are repeated",
        ("return [", "seen = {normalized(s) for s in test_sentences}\nreturn ["),
        by="leaks",
    ),
    find_leaks("those without a copy", ("in seen]", "not in seen]"), by="leaks"),
]

predict_labels = of(
    "predict_labels",
    """
    labels = []
    for start in range(0, len(texts), batch_size):
        logits = model(encode_texts(texts[start : start + batch_size]), training=False)  # (B, C)
        labels += [label_names[i] for i in np.argmax(logits, axis=-1)]
    return labels
    """,
)
PREDICT_MUTANTS = [
    predict_labels("argmax over the texts", ("axis=-1", "axis=0"), by="largest batches"),
    predict_labels("the smallest logit", ("np.argmax", "np.argmin"), by="largest batches"),
    predict_labels("dropout acts", ("training=False", "training=True"), by="largest batches"),
    predict_labels("class numbers", ("label_names[i] for i", "int(i) for i"), by="largest batches"),
    predict_labels(
        "names in alphabetical order",
        ("label_names[i]", "sorted(label_names, reverse=True)[i]"),
        by="largest batches",
    ),
    predict_labels(
        "names of the course in place of those given",
        ("label_names[i]", "['negative', 'neutral', 'positive', 'neutral'][i]"),
        by="largest batches",
    ),
    predict_labels(
        "the last batch is dropped",
        ("len(texts), batch_size)", "len(texts) - batch_size + 1, batch_size)"),
        by="batches",
    ),
    predict_labels("the first batch alone", ("return labels", "return labels[:batch_size]"), by="batches"),
    predict_labels(
        "batches in reverse",
        (
            "labels += [label_names[i] for i in np.argmax(logits, axis=-1)]",
            "labels = [label_names[i] for i in np.argmax(logits, axis=-1)] + labels",
        ),
        by="batches",
    ),
    predict_labels("no text is an error", ("labels = []", "labels = []\nencode_texts(texts)"), by="batches"),
]

build_classifier = of(
    "build_classifier",
    """
    tokens = encoder(encoder.input)["sequence_output"]  # (B, T, d)
    is_real = ops.cast(encoder.input["padding_mask"], tokens.dtype)[..., None]  # (B, T, 1)
    features = ops.sum(tokens * is_real, axis=1) / ops.maximum(ops.sum(is_real, axis=1), 1)  # (B, d)
    features = keras.layers.Dropout(dropout)(features)
    return keras.Model(encoder.input, keras.layers.Dense(num_classes, name="head")(features))
    """,
)
STAGE = """
    encoder.trainable = {trainable}
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.Adam(learning_rate), loss=loss, metrics=["accuracy"])
    fitted = model.fit(
        x, y, batch_size=batch_size, epochs=epochs, validation_data=validation_data, verbose=0
    )
    return fitted.history
    """
stage_a = of("fine_tune_head_only", STAGE.format(trainable=False))
stage_b = of("fine_tune_all", STAGE.format(trainable=True))
MEAN = "ops.sum(tokens * is_real, axis=1) / ops.maximum(ops.sum(is_real, axis=1), 1)"
ADAM = "keras.optimizers.Adam(learning_rate)"
STAGE_MUTANTS = [
    build_classifier(
        "a softmax at the end",
        ('name="head"', 'activation="softmax", name="head"'),
        by="logits",
    ),
    build_classifier(
        "a sigmoid at the end",
        ('name="head"', 'activation="sigmoid", name="head"'),
        by="logits a_lower b_lower",
    ),
    build_classifier("padding enters the average", (MEAN, "ops.mean(tokens, axis=1)"), by="padding"),
    build_classifier(
        "divided by the padded length",
        ("ops.maximum(ops.sum(is_real, axis=1), 1)", "ops.sum(ops.ones_like(is_real), axis=1)"),
        by="padding",
    ),
    build_classifier(
        "the mask is turned around",
        ("tokens.dtype)[..., None]", "tokens.dtype)[..., None]\nis_real = 1 - is_real"),
        by="padding every_token",
    ),
    build_classifier(
        "a hidden layer below the head",
        (MEAN, f'keras.layers.Dense(8, name="extra")({MEAN})'),
        by="one_dense head_counts",
    ),
    build_classifier("no bias", ('name="head"', 'use_bias=False, name="head"'), by="one_dense"),
    build_classifier(
        "a copy of the encoder",
        (
            "tokens = encoder(encoder.input)",
            "own = keras.models.clone_model(encoder)\ntokens = own(encoder.input)",
        ),
        by="head_counts everything",
    ),
    build_classifier(
        "always three classes",
        ("Dense(num_classes", "Dense(3"),
        by="logits one_dense",
    ),
    stage_a("nothing is frozen", ("encoder.trainable = False", "pass"), by="head_alone head_counts"),
    stage_a(
        "the head is frozen in place of the encoder",
        ("encoder.trainable = False", 'model.get_layer("head").trainable = False'),
        by="head_alone head_counts everything rate",
    ),
    stage_a(
        "everything is frozen",
        ("encoder.trainable = False", "model.trainable = False"),
        by="head_alone head_counts a_lower everything b_lower small rate",
    ),
    stage_a(
        "the loss takes logits for probabilities",
        ("from_logits=True", "from_logits=False"),
        by="head_alone a_lower rate",
    ),
    stage_a(
        "the loss by name",
        ("loss=loss", 'loss="sparse_categorical_crossentropy"'),
        by="head_alone a_lower rate",
    ),
    stage_a("Adam's own learning rate", (ADAM, '"adam"'), by="rate"),
    stage_a(
        "no training", ("fitted = model.fit(", "return {}\nfitted = model.fit("), by="head_alone a_lower rate"
    ),
    stage_a("one epoch whatever is asked for", ("epochs=epochs", "epochs=0"), by="head_alone a_lower rate"),
    stage_b("the encoder stays frozen", ("encoder.trainable = True", "pass"), by="everything"),
    stage_b(
        "unfrozen without a new compile",
        (
            'model.compile(optimizer=keras.optimizers.Adam(learning_rate), loss=loss, metrics=["accuracy"])',
            "pass",
        ),
        by="everything goes_on small rate",
    ),
    stage_b(
        "the head is frozen",
        ("encoder.trainable = True", 'encoder.trainable = True\nmodel.get_layer("head").trainable = False'),
        by="everything rate",
    ),
    stage_b(
        "starts from a new head",
        (
            "encoder.trainable = True",
            'encoder.trainable = True\nmodel.get_layer("head").set_weights([np.random.default_rng(0).normal(0, 1, w.shape) for w in model.get_layer("head").get_weights()])',
        ),
        by="goes_on b_lower small rate",
    ),
    stage_b(
        "the loss takes logits for probabilities",
        ("from_logits=True", "from_logits=False"),
        by="everything b_lower small rate",
    ),
    stage_b(
        "Adam's default of 1e-3 by default",
        (
            "encoder.trainable = True",
            "encoder.trainable = True\nlearning_rate = 1e-3 if learning_rate == 5e-5 else learning_rate",
        ),
        by="small",
    ),
    stage_b("Adam's own learning rate", (ADAM, '"adam"'), by="small rate"),
    stage_b(
        "gradient ascent",
        ("from_logits=True)", "from_logits=True)\nright = loss\nloss = lambda y, z: -right(y, z)"),
        by="b_lower",
    ),
    stage_b(
        "no training",
        ("fitted = model.fit(", "return {}\nfitted = model.fit("),
        by="everything b_lower small rate",
    ),
]

make_dataset = of("make_dataset", "return tf.data.Dataset.from_tensor_slices((dict(features), labels))")
split_dataset = of(
    "split_dataset",
    """
    size = int(dataset.cardinality())
    shuffled = dataset.shuffle(size, seed=seed, reshuffle_each_iteration=False)
    test_size = round(test_fraction * size)
    return shuffled.skip(test_size), shuffled.take(test_size)
    """,
)
batched = of(
    "batched",
    """
    if training:
        dataset = dataset.shuffle(int(dataset.cardinality()), seed=seed, reshuffle_each_iteration=True)
    return dataset.batch(batch_size).prefetch(tf.data.AUTOTUNE)
    """,
)
SHUFFLE = "dataset.shuffle(int(dataset.cardinality()), seed=seed, reshuffle_each_iteration=True)"
DATASET_MUTANTS = [
    make_dataset(
        "everything is one element",
        ("from_tensor_slices", "from_tensors"),
        by="element test_share seed no_loss anew",
    ),
    make_dataset(
        "labels among the features",
        ("(dict(features), labels)", "dict(features, label=labels)"),
        by="element disjoint test_share seed no_loss anew order",
    ),
    make_dataset(
        "the label first",
        ("(dict(features), labels)", "(labels, dict(features))"),
        by="element disjoint test_share seed no_loss anew order",
    ),
    make_dataset("labels in reverse", ("labels)", "labels[::-1])"), by="element"),
    make_dataset("a batch of one", ("labels))", "labels)).batch(1)"), by="element"),
    split_dataset("a new split at every iteration", ("False", "True"), by="disjoint"),
    split_dataset(
        "no shuffle",
        ("dataset.shuffle(size, seed=seed, reshuffle_each_iteration=False)", "dataset"),
        by="seed",
    ),
    split_dataset("the seed is not used", ("seed=seed", "seed=7"), by="seed"),
    split_dataset(
        "the parts overlap",
        ("shuffled.skip(test_size)", "shuffled.skip(test_size - 1)"),
        by="disjoint test_share",
    ),
    split_dataset(
        "the training part is everything", ("shuffled.skip(test_size)", "shuffled"), by="disjoint test_share"
    ),
    split_dataset(
        "parts changed over",
        (
            "return shuffled.skip(test_size), shuffled.take(test_size)",
            "return shuffled.take(test_size), shuffled.skip(test_size)",
        ),
        by="test_share",
    ),
    split_dataset("always a fifth", ("test_fraction", "0.2"), by="test_share"),
    batched(
        "the last batch is dropped",
        ("batch(batch_size)", "batch(batch_size, drop_remainder=True)"),
        by="no_loss order",
    ),
    batched(
        "batched, then shuffled", (SHUFFLE, "dataset.batch(batch_size).shuffle(100).unbatch()"), by="anew"
    ),
    batched(
        "the same order at every iteration",
        ("reshuffle_each_iteration=True", "reshuffle_each_iteration=False"),
        by="anew",
    ),
    batched("a small buffer", ("int(dataset.cardinality())", "3"), by="anew"),
    batched("never shuffled", ("if training:", "if False:"), by="anew"),
    batched("always shuffled", ("if training:", "if True:"), by="order"),
    batched("repeated", (".prefetch", ".repeat(2).prefetch"), by="no_loss order"),
    batched("batches of one size", ("batch(batch_size)", "batch(8)"), by="no_loss"),
]

two_layer = of(
    "build_two_layer_classifier",
    """
    tokens = encoder(encoder.input)["sequence_output"]  # (B, T, d)
    is_real = ops.cast(encoder.input["padding_mask"], tokens.dtype)[..., None]  # (B, T, 1)
    mean = ops.sum(tokens * is_real, axis=1) / ops.maximum(ops.sum(is_real, axis=1), 1)
    maximum = ops.max(ops.where(is_real > 0, tokens, -1e9), axis=1)
    features = ops.concatenate([mean, maximum], axis=-1)  # (B, 2 d)
    features = keras.layers.Dense(hidden_units, activation="relu", name="hidden")(features)
    features = keras.layers.Dropout(dropout)(features)
    return keras.Model(encoder.input, keras.layers.Dense(num_classes, name="head")(features))
    """,
)
HEAD_MUTANTS = [
    two_layer(
        "the maximum sees padding", ("ops.where(is_real > 0, tokens, -1e9)", "tokens"), by="average_max"
    ),
    two_layer("padding is 0 in the maximum", ("-1e9", "0.0"), by="average_max"),
    two_layer("the average sees padding", (MEAN, "ops.mean(tokens, axis=1)"), by="average_max"),
    two_layer("maximum first", ("[mean, maximum]", "[maximum, mean]"), by="average_max"),
    two_layer(
        "average alone", ("ops.concatenate([mean, maximum], axis=-1)", "mean"), by="two_dense average_max"
    ),
    two_layer("average twice", ("[mean, maximum]", "[mean, mean]"), by="average_max"),
    two_layer("no activation", ('activation="relu", ', ""), by="average_max"),
    two_layer("a ReLU on the logits", ('name="head"', 'activation="relu", name="head"'), by="average_max"),
    two_layer(
        "dropout of the logits",
        ("features = keras.layers.Dropout(dropout)(features)", "pass"),
        ('name="head")(features)', 'name="head")(features) * 1.0'),
        by="dropout",
    ),
    two_layer(
        "dropout that always acts",
        (
            "keras.layers.Dropout(dropout)(features)",
            "keras.layers.Lambda(lambda t: ops.where(keras.random.uniform(ops.shape(t)) < dropout, 0.0, t))(features)",
        ),
        by="dropout",
    ),
    two_layer(
        "a third layer",
        (
            'name="hidden")(features)',
            'name="hidden")(features)\nfeatures = keras.layers.Dense(hidden_units)(features)',
        ),
        by="two_dense average_max",
    ),
]

lora_init = of(
    "LoRADense.__init__",
    """
    super().__init__(**kwargs)
    self.base, self.rank, self.alpha = base, rank, alpha
    base.trainable = False
    inputs, outputs = base.kernel.shape
    self.lora_a = self.add_weight(shape=(inputs, rank), initializer="he_uniform", name="lora_a")
    self.lora_b = self.add_weight(shape=(rank, outputs), initializer="zeros", name="lora_b")
    """,
)
lora_call = of(
    "LoRADense.call",
    """
    scale = self.alpha / self.rank
    output = ops.matmul(x, self.base.kernel) + scale * ops.matmul(ops.matmul(x, self.lora_a), self.lora_b)
    if self.base.use_bias:
        output += self.base.bias
    return self.base.activation(output)
    """,
)
lora_merge = of(
    "LoRADense.merge",
    """
    merged = keras.layers.Dense.from_config(self.base.get_config())
    merged.build((None, self.base.kernel.shape[0]))
    kernel = self.base.kernel + self.alpha / self.rank * ops.matmul(self.lora_a, self.lora_b)
    merged.set_weights([kernel, *self.base.get_weights()[1:]])
    return merged
    """,
)
lora_count = of("lora_parameter_count", "return sum(rank * (inputs + outputs) for inputs, outputs in shapes)")
LORA_MUTANTS = [
    lora_init("B is random", ('"zeros"', '"he_uniform"'), by="nothing"),
    lora_init("A is 0 too", ('"he_uniform"', '"zeros"'), by="nothing"),
    lora_init("the base is trained", ("base.trainable = False", "pass"), by="factors"),
    lora_init(
        "B is a bare variable",
        (
            'self.lora_b = self.add_weight(shape=(rank, outputs), initializer="zeros", name="lora_b")',
            "import tensorflow as tf\nself.lora_b = tf.Variable(tf.zeros((rank, outputs)))",
        ),
        by="factors",
    ),
    lora_call(
        "scaled by rank over alpha", ("self.alpha / self.rank", "self.rank / self.alpha"), by="scaled merging"
    ),
    lora_call("not scaled", ("self.alpha / self.rank", "1.0"), by="scaled merging"),
    lora_call("scaled by alpha", ("self.alpha / self.rank", "self.alpha"), by="scaled merging"),
    lora_call(
        "the update behind the activation",
        (
            "return self.base.activation(output)",
            "update = scale * ops.matmul(ops.matmul(x, self.lora_a), self.lora_b)\nreturn self.base.activation(output - update) + update",
        ),
        by="scaled merging",
    ),
    lora_call("no activation", ("self.base.activation(output)", "output"), by="scaled merging"),
    lora_call("the bias is left out", ("output += self.base.bias", "pass"), by="nothing scaled merging"),
    lora_call("the update alone", ("ops.matmul(x, self.base.kernel) + ", ""), by="nothing scaled merging"),
    lora_call("no gradient to A", ("self.lora_a)", "ops.stop_gradient(self.lora_a))"), by="factors"),
    lora_merge("without the scale", ("self.alpha / self.rank * ", ""), by="merging"),
    lora_merge(
        "the base alone",
        (" + self.alpha / self.rank * ops.matmul(self.lora_a, self.lora_b)", " * 1.0"),
        by="merging",
    ),
    lora_merge(
        "merges into the base",
        ("return merged", "self.base.set_weights(merged.get_weights())\nreturn self.base"),
        by="merging",
    ),
    lora_merge(
        "merges twice: the adapter stays and the base has moved",
        ("return merged", "self.base.kernel.assign(kernel)\nreturn merged"),
        by="merging",
    ),
    lora_merge(
        "the bias is lost",
        ("*self.base.get_weights()[1:]", "*[0 * w for w in self.base.get_weights()[1:]]"),
        by="merging",
    ),
    lora_merge(
        "the activation is lost",
        ("return merged", "merged.activation = keras.activations.linear\nreturn merged"),
        by="merging",
    ),
    lora_count("the product of in and out", ("inputs + outputs", "inputs * outputs"), by="count"),
    lora_count(
        "once for all layers",
        (
            "sum(rank * (inputs + outputs) for inputs, outputs in shapes)",
            "rank * (shapes[0][0] + shapes[0][1])",
        ),
        by="count",
    ),
    lora_count("rank squared", ("rank * (", "rank * rank * ("), by="count"),
]

MUTANTS = [*SPLIT_MUTANTS, *PREDICT_MUTANTS, *STAGE_MUTANTS, *DATASET_MUTANTS, *HEAD_MUTANTS, *LORA_MUTANTS]

VARIANTS = [
    Variant(path.stem, path.read_text(encoding="utf-8"))
    for path in sorted(Path(__file__).with_suffix("").glob("*.py"))
]
