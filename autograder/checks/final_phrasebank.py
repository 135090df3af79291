"""Checks of the final project: a sentiment classifier for financial news, fine-tuned in two stages.

Nothing is trained on real data here. What fine-tuning does is seen on an encoder of 400 weights; how good the
submitted model is, on sentences that never were on the students' side, whose labels stay in this process.
"""

import os
import weakref
from pathlib import Path

import numpy as np

from autograder.checking import (
    array,
    assign,
    close,
    define,
    deltas,
    equal,
    finite,
    integer,
    is_zero,
    make,
    outputs,
    parameter_count,
    question,
    set_random_weights,
    shared,
    take,
    variables,
    vjp,
    weight_shapes,
)
from autograder.checking.contract import absolute_paths, cells_until_done, done_cell
from reference_impl.phrasebank_data import is_held_out, normalized, read_sentences, sentence_hash

REFERENCE = (
    "reference_impl.sentence_split",
    "reference_impl.fine_tuning",
    "reference_impl.phrasebank_prediction",
    "reference_impl.example_datasets",
    "reference_impl.pooled_head",
    "reference_impl.low_rank_adaptation",
)

LABELS = ("negative", "neutral", "positive")

# 1. Data without copies and leaks

NORMALIZED = "def normalized(text):\n    return ' '.join(text.lower().split())"
SENTENCES = ["Profit rose .", "Sales fell .", "profit  ROSE .", "No change .", "SALES fell .", "Sales fell ."]


def same_text(student):
    """A notion of copies that the notebook does not have: case and spaces alone."""
    return define(student, "normalized", NORMALIZED)


def draw_copies(rng, count=12):
    """Sentences of which each has one to three copies, that differ in case and spaces, shuffled."""
    words = ["alpha", "beta", "gamma", "delta", "sales", "profit", "loss", "margin"]
    plain = [f"{words[i % 8]} {words[(i * 3 + 1) % 8]} number{i}" for i in range(count)]
    forms = [lambda s: s, str.upper, lambda s: s.replace(" ", "   ")]
    copies = [form(s) for s in plain for form in forms[: rng.integers(1, 4)]]
    return [copies[i] for i in rng.permutation(len(copies))]


def own(text):
    return " ".join(text.lower().split())


def texts(value, message, allowed=None):
    """A list of texts."""
    fine = isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)
    assert fine, f"{message}: a list of texts"
    assert allowed is None or set(value) <= set(allowed), f"{message}: of {', '.join(allowed)}"
    return list(value)


def without_copies(student, sentences, labels):
    result = student.deduplicate(sentences, labels, same_text(student))
    message = "deduplicate gives a pair: the sentences that stay, and their labels"
    kept, kept_labels = outputs(result, 2, message)
    kept, kept_labels = texts(kept, message), texts(kept_labels, message)
    assert len(kept) == len(kept_labels), "every sentence that stays keeps its label"
    return kept, kept_labels


@question("sentence_split", points=1, public=True)
def test_of_copies_the_first_stays(student):
    labels = ["positive", "negative", "positive", "neutral", "negative", "negative"]
    kept, kept_labels = without_copies(student, SENTENCES, labels)
    assert kept == ["Profit rose .", "Sales fell .", "No change ."], "the first copy stays, in the old order"
    assert kept_labels == ["positive", "negative", "neutral"], "a label stays with its own sentence"


@question("sentence_split", points=1.5)
def test_copies_are_told_by_the_function_that_is_given(student, rng):
    sentences = draw_copies(rng)
    of_text = {own(s): LABELS[rng.integers(3)] for s in sentences}
    kept, labels = without_copies(student, sentences, [of_text[own(s)] for s in sentences])
    first = list({own(s): s for s in reversed(sentences)}.values())[::-1]
    assert sorted(kept) == sorted(first), "one sentence of each group of copies stays, and it is the first"
    assert labels == [of_text[own(s)] for s in kept], "a label stays with its own sentence"


@question("sentence_split", points=1.5)
def test_copies_with_different_labels_go_altogether(student, rng):
    sentences = draw_copies(rng)
    doubtful = sorted({own(s) for s in sentences if sum(own(s) == own(t) for t in sentences) > 1})[:2]
    labels = ["neutral"] * len(sentences)
    for text in doubtful:
        labels[max(i for i, s in enumerate(sentences) if own(s) == text)] = "positive"
    kept, _ = without_copies(student, sentences, labels)
    message = "where copies disagree nobody knows the label: none of them stays, and all others do"
    assert {own(s) for s in kept} == {own(s) for s in sentences} - set(doubtful), message


def split(student, labels, fraction, seed):
    rng = make(student, "numpy.random.default_rng", seed)
    result = student.stratified_split(labels, fraction, rng)
    message = "stratified_split gives a pair: positions of the first part, positions of the second"
    parts = [array(part, message) for part in outputs(result, 2, message)]
    assert all(part.ndim == 1 and part.dtype.kind in "iu" for part in parts), f"{message}, as integers"
    return parts


def draw_labels(rng, sizes=(40, 25, 10)):
    classes = np.repeat(np.arange(3), sizes)
    return [LABELS[i] for i in rng.permutation(classes)]


@question("sentence_split", points=1.5, public=True)
def test_every_example_is_in_exactly_one_part(student, rng):
    for fraction in (0.2, 0.4):
        labels = draw_labels(rng)
        parts = split(student, labels, fraction, int(rng.integers(1000)))
        message = "together the two parts have every position once: none is lost, none is in both"
        equal(np.sort(np.concatenate(parts)), np.arange(len(labels)), message)


@question("sentence_split", points=2)
def test_every_class_has_its_share_in_both_parts(student, rng):
    for fraction, sizes in ((0.2, (40, 25, 10)), (0.4, (15, 5, 50))):
        labels = draw_labels(rng, sizes)
        _, second = split(student, labels, fraction, int(rng.integers(1000)))
        found = [sum(labels[i] == label for i in second) for label in LABELS]
        message = "of each class the same share goes to the second part (stratified), not of all together"
        equal(np.array(found), np.array([round(fraction * size) for size in sizes]), message)


@question("sentence_split", points=1.5)
def test_the_generator_decides_the_split(student, rng):
    labels, seed = draw_labels(rng), int(rng.integers(1000))
    first, again, other = (np.sort(split(student, labels, 0.2, s)[1]) for s in (seed, seed, seed + 1))
    equal(first, again, "the same generator gives the same split: draw from `rng` alone")
    assert not np.array_equal(first, other), "another generator gives another split: draw from `rng`"
    ordered = sorted(labels)
    parts = split(student, ordered, 0.4, seed)
    assert all((np.diff(part) < 0).any() for part in parts), "both parts are in random order"


@question("sentence_split", points=3)
def test_leaks_are_found_whatever_their_spelling(student, rng):
    sentences = list(dict.fromkeys(map(own, draw_copies(rng))))
    train, test = sentences[:8], sentences[8:]
    places = sorted(int(i) for i in rng.choice(9, 3, replace=False))
    forms = [str.upper, lambda s: s.replace(" ", "  "), str]
    for form, place in zip(forms, places, strict=True):
        test.insert(place, form(train[place % len(train)]))
    right = [i for i, s in enumerate(test) if own(s) in set(train)]
    found = student.find_leaks(train, test, same_text(student))
    message = "the positions of the test sentences with a copy in the training part, in order"
    assert isinstance(found, list | tuple | np.ndarray), message
    assert [integer(i, message) for i in found] == right, message


def hidden_rows(agreement="AllAgree"):
    """Sentences and labels that students do not get: the fifth that `is_held_out` keeps back.

    An instructor's own `Sentences_*.txt` in `financial_phrasebank_hidden/` of the data folder, sentences that
    no student can find, take its place. Copies count once; those with contradicting labels not at all.
    """
    root = os.environ.get("AUTOGRADER_DATA")
    if not root:
        raise FileNotFoundError("AUTOGRADER_DATA is not set: the hidden sentences are there")
    folder, own_files = Path(root, "financial_phrasebank"), Path(root, "financial_phrasebank_hidden")
    name = f"Sentences_{agreement}.txt"
    if (own_files / name).is_file():
        rows = read_sentences(own_files / name)
    else:
        rows = [row for row in read_sentences(folder / name) if is_held_out(row[0])]
    labels: dict[str, set[str]] = {}
    for sentence, label in rows:
        labels.setdefault(normalized(sentence), set()).add(label)
    first = {normalized(sentence): (sentence, label) for sentence, label in reversed(rows)}
    return [first[text] for text in sorted(first) if len(labels[text]) == 1]


@question("sentence_split", points=3)
def test_no_hidden_sentence_was_trained_on(student):
    hidden = {sentence_hash(sentence) for sentence, _ in hidden_rows("50Agree")}
    hidden |= {sentence_hash(sentence) for sentence, _ in hidden_rows()}
    message = "training_hashes gives the hashes of the sentences that the saved model was trained on"
    hashes = set(texts(student.training_hashes(), message))
    assert len(hashes) >= 100 and all(len(value) == 16 for value in hashes), f"{message}: all of them"
    leaked = "sentences that are held out, or copies of them, are among those that the model was trained on"
    assert not hashes & hidden, leaked


# 2. A saved model that predicts

# Logits are rows of an embedding, chosen by the text's first character; dropout would disturb them.
STUB = """
import keras, numpy as np

def stub(table):
    ids = keras.Input((None,), dtype="int32", name="token_ids")
    rows = keras.layers.Embedding(*table.shape, weights=[np.asarray(table)])(ids)
    return keras.Model({"token_ids": ids}, keras.layers.Dropout(0.9)(rows[:, 0]))

def encode(texts):
    assert len(texts) > 0, "asked to encode no text"
    return {"token_ids": np.array([[ord(text[0]) - 97] for text in texts], "int32")}
"""
NAMES = ["down", "flat", "up", "unclear"]


def predicted(student, rng, count, batch_size):
    """The names that came back and the right ones."""
    table = rng.normal(size=(26, len(NAMES))).astype(np.float32)
    model = define(student, "stub", STUB)(table)
    letters = rng.integers(26, size=count)
    sentences = [f"{chr(97 + letter)} went its way" for letter in letters]
    encode = define(student, "encode", STUB)
    found = student.predict_labels(model, encode, sentences, NAMES, batch_size=batch_size)
    return found, [NAMES[i] for i in table[letters].argmax(axis=1)]


@question("predict", points=1, public=True)
def test_each_text_gets_the_name_of_its_largest_logit(student, rng):
    found, right = predicted(student, rng, count=9, batch_size=9)
    message = "predict_labels gives a list with a name for each text"
    assert len(texts(found, message, NAMES)) == 9, f"{message}: does argmax run over the classes?"
    assert found == right, "the name belongs to the largest logit of the text's own row, without dropout"


@question("predict", points=1)
def test_texts_are_predicted_batch_by_batch(student, rng):
    for count, batch_size in ((10, 4), (3, 8), (8, 2)):
        found, right = predicted(student, rng, count, batch_size)
        message = "the last batch may be smaller than the others; order stays that of the texts"
        assert texts(found, message, NAMES) == right, message
    found, _ = predicted(student, rng, 0, 4)
    assert found in ([], ()), "no texts, no labels: an empty list"


MADE_UP = [  # of nobody's corpus
    "Operating profit tripled to a record and orders surged .",
    "The firm slid to a heavy loss and will cut half of its staff .",
    "The annual meeting takes place in the large hall on Tuesday .",
    "Earnings per share rose far above last year 's .",
    "The office is next to the station .",
]


@question("predict", points=3)
def test_the_saved_model_labels_sentences(student):
    message = "predict gives a list with negative, neutral or positive for each sentence"
    found = texts(student.predict(MADE_UP), message, LABELS)
    assert len(found) == len(MADE_UP), message
    again = texts(student.predict(MADE_UP[::-1]), message, LABELS)
    assert again[::-1] == found, "a label must not depend on the order or on what else is asked for"
    assert len(set(found)) > 1, "good, bad and plain news all get the same label: is the saved model trained?"


# 3. Stage A: the head alone. 4. Stage B: everything

# Real encoders mix the real tokens, and leave something at padded places: so does this one.
TINY_ENCODER = """
import keras
from keras import ops

def tiny_encoder():
    names = "token_ids", "segment_ids", "padding_mask"
    inputs = {name: keras.Input((None,), dtype="int32", name=name) for name in names}
    x = keras.layers.Embedding(30, 6, name="tokens")(inputs["token_ids"])
    x = x + keras.layers.Embedding(2, 6, name="segments")(inputs["segment_ids"])
    mask = ops.cast(inputs["padding_mask"], "float32")[..., None]
    mean = ops.sum(x * mask, axis=1, keepdims=True) / ops.maximum(ops.sum(mask, axis=1, keepdims=True), 1)
    tokens = keras.layers.Dense(8, activation="tanh", name="mix")(ops.concatenate([x, x - mean], axis=-1))
    pooled = keras.layers.Dense(8, activation="tanh", name="pooler")(tokens[:, 0])
    return keras.Model(inputs, {"sequence_output": tokens, "pooled_output": pooled}, name="tiny")
"""
WIDTH, CLASSES = 8, 3


def tiny_encoder(student, rng):
    encoder = define(student, "tiny_encoder", TINY_ENCODER)()
    set_random_weights(encoder, rng, 0.6)
    return encoder


def draw_tokens(rng, lengths, total):
    """Token ids with padding behind `lengths` tokens each."""
    mask = (np.arange(total) < np.array(lengths)[:, None]).astype(np.int32)
    token_ids = rng.integers(1, 30, mask.shape).astype(np.int32) * mask
    return {"token_ids": token_ids, "segment_ids": np.zeros_like(token_ids), "padding_mask": mask}


def head_of(model):
    return model.get_layer("head")


def cross_entropy(logits, labels):
    logits = np.asarray(logits, np.float64)
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -log_p[np.arange(len(labels)), labels].mean()


class Training:
    """Both stages on the tiny encoder, and the weights read between them, each reading a call of its own."""

    def __init__(self, student, rng):
        self.x = draw_tokens(rng, rng.integers(2, 7, 12), 6)
        self.y = np.arange(12, dtype=np.int32) % CLASSES
        self.encoder = tiny_encoder(student, rng)
        self.model = student.build_classifier(self.encoder, CLASSES, dropout=0.0)
        head = variables(head_of(self.model))  # negative biases make negative logits: no probabilities
        draws = [
            rng.normal(0, 0.3, v.shape) if len(v.shape) == 2 else rng.uniform(-4, -3, v.shape) for v in head
        ]
        assign(head_of(self.model), draws)
        self.read = [self.reading()]
        arguments = {"epochs": 3, "batch_size": 12}
        student.fine_tune_head_only(self.model, self.encoder, self.x, self.y, learning_rate=0.02, **arguments)
        self.read.append(self.reading())
        self.trainable_in_a = parameter_count(self.model, trainable=True)
        self.of_head = parameter_count(head_of(self.model))
        student.fine_tune_all(self.model, self.encoder, self.x, self.y, learning_rate=0.01, **arguments)
        self.read.append(self.reading())

    def reading(self):
        logits = array(self.model(self.x), "the logits", shape=(12, CLASSES))
        loss = cross_entropy(logits, self.y)
        return {"encoder": variables(self.encoder), "head": variables(head_of(self.model)), "loss": loss}

    def moved(self, stage, part):
        """By how much each weight moved at most in stage 0 (A) or 1 (B)."""
        return deltas(self.read[stage][part], self.read[stage + 1][part])


_trained: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def training(student, rng):
    """One training for all checks of a run: Keras traces it for a second."""
    if student not in _trained:
        _trained[student] = Training(student, rng)
    # Every check asks for what it is about, so that the proof of checks knows.
    for function in (student.build_classifier, student.fine_tune_head_only, student.fine_tune_all):
        function.get()
    return _trained[student]


@question("stage_a", points=2, public=True)
def test_the_classifier_gives_logits(student, rng):
    encoder = tiny_encoder(student, rng)
    model = student.build_classifier(encoder, 5)
    set_random_weights(head_of(model), rng, 2.0)
    for lengths in ((3, 5, 2), (4,)):
        message = "the model gives a row of num_classes logits for each text"
        logits = array(model(draw_tokens(rng, lengths, 6)), message, shape=(len(lengths), 5))
        told = "the model ends in logits: no softmax, no other activation"
        assert logits.min() < 0 and np.abs(logits.sum(axis=1) - 1).max() > 0.01, told


@question("stage_a", points=3, public=True)
def test_the_head_is_one_dense_layer(student, rng):
    encoder = tiny_encoder(student, rng)
    for classes in (3, 5):
        model = student.build_classifier(encoder, classes)
        message = "the layer named `head` has a kernel (d, C) and a bias (C,)"
        assert weight_shapes(head_of(model)) == [(classes,), (WIDTH, classes)], message
        expected = parameter_count(encoder) + WIDTH * classes + classes
        message = "the model has the encoder's weights, the head's d C + C, and no others"
        assert parameter_count(model) == expected, message


@question("stage_a", points=3)
def test_padding_does_not_change_the_logits(student, rng):
    encoder = tiny_encoder(student, rng)
    model = student.build_classifier(encoder, CLASSES)
    set_random_weights(head_of(model), rng, 1.0)
    x = draw_tokens(rng, (2, 4, 3), 4)
    longer = {name: np.pad(value, ((0, 0), (0, 3))) for name, value in x.items()}
    message = "more padding changes the logits: padded places must not enter the average"
    before = finite(model(x), "the logits")
    close(model(longer), before, message, atol=1e-4)
    noise = {**longer, "token_ids": longer["token_ids"] + 7 * (1 - longer["padding_mask"])}
    close(model(noise), before, message, atol=1e-4)


@question("stage_a", points=2)
def test_every_real_token_reaches_the_logits(student, rng):
    encoder = tiny_encoder(student, rng)
    model = student.build_classifier(encoder, CLASSES)
    set_random_weights(head_of(model), rng, 1.0)
    x = draw_tokens(rng, (5,), 5)
    before = finite(model(x), "the logits")
    for place in range(5):
        token_ids = x["token_ids"].copy()
        token_ids[0, place] = token_ids[0, place] % 29 + 1
        changed = finite(model({**x, "token_ids": token_ids}), "the logits")
        assert np.abs(changed - before).max() > 1e-4, "a token of the text has no influence on the logits"


@question("stage_a", points=4)
def test_the_head_alone_learns(student, rng):
    run = training(student, rng)
    message = "stage A must leave the encoder exactly as it was: freeze it before you compile"
    assert not any(run.moved(0, "encoder")), message
    message = "stage A must train the head, kernel and bias: is it frozen, or has the loss no gradient?"
    assert all(run.moved(0, "head")), message


@question("stage_a", points=3)
def test_only_the_head_counts_as_trainable(student, rng):
    run = training(student, rng)
    message = "in stage A the trainable parameters are those of the head, d C + C, and no others"
    assert run.trainable_in_a == run.of_head, message


@question("stage_a", points=3)
def test_stage_a_lowers_the_cross_entropy(student, rng):
    run = training(student, rng)
    message = "stage A must lower the cross-entropy of the logits: does the loss know that they are logits?"
    assert run.read[1]["loss"] < run.read[0]["loss"] - 1e-3, message


@question("stage_b", points=3, public=True)
def test_everything_learns(student, rng):
    run = training(student, rng)
    told = "stage B must train the encoder too: unfreeze it, then compile again"
    names = [v.path for v in run.read[0]["encoder"]]
    used = [delta for name, delta in zip(names, run.moved(1, "encoder"), strict=True) if "pooler" not in name]
    assert all(used), told
    assert all(run.moved(1, "head")), "stage B must go on training the head"


@question("stage_b", points=4)
def test_stage_b_goes_on_from_the_trained_head(student, rng):
    run = training(student, rng)
    message = "stage B starts from the head of stage A and takes steps of the size of learning_rate"
    assert max(run.moved(1, "head")) < 0.05, message  # three steps of Adam at 0.01


@question("stage_b", points=3)
def test_stage_b_lowers_the_cross_entropy(student, rng):
    run = training(student, rng)
    message = "stage B must lower the cross-entropy of the logits: does the loss know that they are logits?"
    assert run.read[2]["loss"] < run.read[1]["loss"] - 1e-3, message


@question("stage_b", points=3)
def test_by_default_stage_b_takes_small_steps(student, rng):
    run = training(student, rng)
    before = run.reading()
    student.fine_tune_all(run.model, run.encoder, run.x, run.y, epochs=2, batch_size=12)
    after = run.reading()
    old, new = (reading["encoder"] + reading["head"] for reading in (before, after))
    # Rows of embeddings have sparse gradients, which Adam turns into larger steps.
    largest = max(d for v, d in zip(old, deltas(old, new), strict=True) if "embeddings" not in v.path)
    assert largest > 0, "stage B must train with its default learning rate too"
    message = "pretrained weights want a learning rate of 1e-4 or less; Adam's own default destroys them"
    assert largest < 2.5e-4, message  # two steps


@question("stage_b", points=2)
def test_the_learning_rate_is_that_of_the_argument(student, rng):
    run = training(student, rng)
    for stage, rate in ((0, 0.02), (1, 0.01)):
        message = "the steps are not of the size of learning_rate: does the optimizer get it?"
        assert 0.6 * rate < max(run.moved(stage, "head")) < 4.5 * rate, message


# 5. Hidden sentences


def hidden_predictions(student, agreement="AllAgree"):
    """Predicted and true classes of the hidden sentences, as integers."""
    rows = hidden_rows(agreement)
    message = "predict gives a list with negative, neutral or positive for each sentence"
    found = texts(shared(student, "predict", texts=tuple(s for s, _ in rows)), message, LABELS)
    assert len(found) == len(rows), message
    return np.array([LABELS.index(p) for p in found]), np.array([LABELS.index(label) for _, label in rows])


def accuracy_reaches(student, floor):
    """Whether the accuracy is at least `floor`, give or take one standard error of so few sentences."""
    found, right = hidden_predictions(student)
    slack = np.sqrt(floor * (1 - floor) / len(right))
    assert (found == right).mean() >= floor - slack, f"the accuracy on hidden sentences is below {floor:.0%}"


def macro_f1(found, right):
    scores = []
    for label in range(len(LABELS)):
        hits = ((found == label) & (right == label)).sum()
        scores.append(2 * hits / max((found == label).sum() + (right == label).sum(), 1))
    return float(np.mean(scores))


@question("hidden_accuracy", points=10)
def test_it_is_far_better_than_saying_neutral(student):
    accuracy_reaches(student, 0.85)


@question("hidden_accuracy", points=10)
def test_it_is_better_than_counting_words(student):
    accuracy_reaches(student, 0.90)


@question("hidden_accuracy", points=7)
def test_it_is_as_good_as_a_fine_tuned_encoder(student):
    accuracy_reaches(student, 0.94)


@question("hidden_accuracy", points=4)
def test_it_is_good_at_every_class(student):
    found, right = hidden_predictions(student)
    assert macro_f1(found, right) >= 0.88, "the macro-F1 on hidden sentences is too low: see the rare class"


PREFIXES = ("According to the company , ", "As was reported today , ", "In its statement it said that ")


@question("hidden_accuracy", points=4)
def test_labels_survive_another_opening(student):
    rows = hidden_rows()[::3]
    told = [f"{PREFIXES[i % 3]}{s[:1].lower()}{s[1:]}" for i, (s, _) in enumerate(rows)]
    message = "predict gives a list with negative, neutral or positive for each sentence"
    found = texts(student.predict(told), message, LABELS)
    assert len(found) == len(rows), message
    right = np.array([label for _, label in rows])
    message = "with a harmless opening before them the hidden sentences get other labels: is it a table?"
    assert (np.array(found) == right).mean() >= 0.75, message


# Extra: a tf.data pipeline


def items_of(dataset, count):
    """All elements, of which there are `count` at most, as pairs."""
    items = take(dataset, count + 3)
    message = "an element is a pair: a dict of features, and a label"
    for item in items:
        pair = outputs(item, 2, message)
        assert isinstance(pair[0], dict), message
    return [(item[0], item[1]) for item in items]


def numbers(dataset, count):
    """The examples' numbers, batches of them laid end to end."""
    return [int(i) for features, _ in items_of(dataset, count) for i in np.ravel(features["number"])]


def numbered(student, count):
    number = np.arange(count, dtype=np.int32)
    features = {"number": number, "token_ids": np.stack([number, number + 100], axis=1)}
    return student.make_dataset(features, number % 3)


def parts_of(student, count, fraction, seed):
    parts = student.split_dataset(numbered(student, count), fraction, seed)
    return outputs(parts, 2, "split_dataset gives a pair: the rest, then the test part")


@question("example_datasets", points=2, public=True)
def test_each_example_is_one_element(student):
    items = items_of(numbered(student, 7), 7)
    assert len(items) == 7, "one element for each example"
    for i, (features, label) in enumerate(items):
        assert set(features) == {"number", "token_ids"}, (
            "features are a dict, under the names that were given"
        )
        message = "features and label of an example belong together, in the order of the arrays"
        equal(array(features["token_ids"], message), np.array([i, i + 100]), message)
        assert integer(label, message) == i % 3, message


@question("example_datasets", points=3)
def test_the_two_parts_share_nothing_however_often_they_are_read(student, rng):
    train, test = outputs(
        student.split_dataset(numbered(student, 20), 0.3, int(rng.integers(1000))), 2, "a pair"
    )
    seen_in_test = [set(numbers(test, 20)) for _ in range(3)]
    seen_in_train = [set(numbers(train, 20)) for _ in range(3)]
    message = "every iteration splits anew, so that test examples come up in training: fix the order"
    assert all(part == seen_in_test[0] for part in seen_in_test), message
    assert not set.union(*seen_in_test) & set.union(*seen_in_train), message
    whole = set.union(*seen_in_test) | set.union(*seen_in_train)
    assert whole == set(range(20)), "together the two parts have every example"


@question("example_datasets", points=2)
def test_the_test_part_has_its_share(student, rng):
    for count, fraction in ((20, 0.3), (15, 0.2)):
        sizes = [len(numbers(part, count)) for part in parts_of(student, count, fraction, 5)]
        wanted = round(fraction * count)
        assert sizes == [count - wanted, wanted], "the pair is the rest, then the test part with its share"


@question("example_datasets", points=2)
def test_the_seed_decides_the_split(student, rng):
    seed = int(rng.integers(1000))
    first, again, *others = (
        sorted(numbers(parts_of(student, 20, 0.5, s)[1], 20)) for s in (seed, seed, seed + 1, seed + 2)
    )
    assert first == again, "the same seed gives the same parts"
    assert any(other != first for other in others), "another seed gives other parts"
    message = "the test part is drawn from everywhere, not cut from one end"
    assert first not in (list(range(10)), list(range(10, 20))), message


@question("example_datasets", points=2, public=True)
def test_no_example_is_lost_in_batches(student):
    for training in (False, True):
        items = items_of(student.batched(numbered(student, 11), 4, training), 11)
        sizes = [len(np.atleast_1d(label)) for _, label in items]
        assert sizes == [4, 4, 3], "batches of batch_size, and what is left in a smaller one"
        found = sorted(int(i) for features, _ in items for i in np.ravel(features["number"]))
        assert found == list(range(11)), "every example comes up once in an iteration"


@question("example_datasets", points=2)
def test_training_batches_are_drawn_anew_at_every_iteration(student):
    dataset = student.batched(numbered(student, 40), 4, True, seed=3)
    rounds = [numbers(dataset, 40) for _ in range(2)]
    assert rounds[0] != list(range(40)), "training examples come in random order"
    assert rounds[0] != rounds[1], "every iteration has a new order"
    batches = [rounds[0][i : i + 4] for i in range(0, 40, 4)]
    message = "shuffle examples, then batch them: neighbours of the data must not stay in one batch"
    assert not all(max(batch) - min(batch) == 3 for batch in batches), message
    spread = np.mean([abs(i - place) for place, i in enumerate(rounds[0])])
    assert spread > 6, "the buffer is too small: examples hardly leave their place"


@question("example_datasets", points=2)
def test_batches_for_testing_keep_their_order(student):
    dataset = student.batched(numbered(student, 13), 5, False)
    for _ in range(2):
        assert numbers(dataset, 13) == list(range(13)), "without training the order is that of the dataset"


# Extra: a head of one's own


def two_layers(student, rng, hidden_units=5, dropout=0.0):
    encoder = tiny_encoder(student, rng)
    model = student.build_two_layer_classifier(encoder, 3, hidden_units, dropout=dropout)
    for name in ("hidden", "head"):
        set_random_weights(model.get_layer(name), rng, 0.8)
    return encoder, model


@question("pooled_head", points=2, public=True)
def test_the_two_layers_have_the_weights_of_two_dense_layers(student, rng):
    encoder = tiny_encoder(student, rng)
    model = student.build_two_layer_classifier(encoder, 3, 5)
    assert weight_shapes(model.get_layer("hidden")) == [(5,), (2 * WIDTH, 5)], "`hidden` sees 2 d features"
    assert weight_shapes(model.get_layer("head")) == [(3,), (5, 3)], "`head` sees the hidden units"
    extra = parameter_count(model) - parameter_count(encoder)
    assert extra == 2 * WIDTH * 5 + 5 + 5 * 3 + 3, "the encoder's weights, those of two layers, no others"


@question("pooled_head", points=2.5)
def test_the_head_sees_average_and_maximum_of_the_real_tokens(student, rng):
    encoder, model = two_layers(student, rng)
    for lengths in ((2, 4, 3), (1, 5)):
        x = draw_tokens(rng, lengths, 5)
        tokens = finite(encoder(x)["sequence_output"], "the encoder's output")
        real = [row[:length] for row, length in zip(tokens, lengths, strict=True)]
        features = np.stack([np.concatenate([row.mean(0), row.max(0)]) for row in real])
        (w1, b1), (w2, b2) = (
            [v.value for v in variables(model.get_layer(name))] for name in ("hidden", "head")
        )
        message = "the logits are head(relu(hidden([average, maximum]))), of the tokens that are no padding"
        close(model(x), np.maximum(features @ w1 + b1, 0) @ w2 + b2, message, atol=1e-4)


@question("pooled_head", points=1.5)
def test_dropout_acts_in_training_alone(student, rng):
    _, model = two_layers(student, rng, hidden_units=40, dropout=0.5)
    x = draw_tokens(rng, (3, 4), 4)
    quiet = [finite(model(x, training=False), "the logits") for _ in range(2)]
    close(quiet[0], quiet[1], "outside of training the logits are always the same", atol=0)
    loud = [finite(model(x, training=True), "the logits") for _ in range(2)]
    assert np.abs(loud[0] - loud[1]).max() > 1e-3, "in training hidden units are dropped, at random"


# Extra: LoRA


def adapted(student, rng, shape=(5, 7), rank=2, alpha=3, activation=None, use_bias=True):
    """A Dense layer with random weights, and the adapter around it."""
    base = make(student, "keras.layers.Dense", shape[1], activation=activation, use_bias=use_bias)
    base(np.zeros((1, shape[0])))
    set_random_weights(base, rng, 0.5)
    return base, student.LoRADense(base, rank=rank, alpha=alpha)


def give_factors(layer, rng, shape, rank):
    a, b = rng.normal(0, 0.5, (shape[0], rank)), rng.normal(0, 0.5, (rank, shape[1]))
    for name, value in (("lora_a", a), ("lora_b", b)):
        message = f"`{name}` has the shape {value.shape}"
        array(getattr(layer, name).get(), message, shape=value.shape)
        assign(getattr(layer, name), [value])
    return a, b


@question("lora", points=1.5, public=True)
def test_an_untrained_adapter_changes_nothing(student, rng):
    for shape in ((5, 7), (6, 3)):
        base, layer = adapted(student, rng, shape)
        x = rng.normal(size=(4, shape[0]))
        close(
            layer(x),
            finite(base(x), "the base"),
            "before training the output is the base layer's: B begins at 0",
        )
        a = array(layer.lora_a.get(), "`lora_a`", shape=(shape[0], 2))
        assert np.abs(a).max() > 0, "A must not be 0 as well: then neither would ever get a gradient"


@question("lora", points=2)
def test_the_update_is_scaled_by_alpha_over_rank(student, rng):
    for shape, rank, alpha, activation in (((5, 7), 2, 3, None), ((6, 4), 4, 2, "tanh")):
        base, layer = adapted(student, rng, shape, rank, alpha, activation)
        a, b = give_factors(layer, rng, shape, rank)
        kernel, bias = (v.value for v in variables(base))
        x = rng.normal(size=(2, 3, shape[0]))
        right = x @ kernel + bias + alpha / rank * x @ a @ b
        right = np.tanh(right) if activation else right
        message = "the output is activation(x W + b + (alpha / rank) x A B)"
        close(layer(x), right, message, atol=1e-4)


@question("lora", points=2)
def test_gradients_reach_the_two_factors_alone(student, rng):
    _, layer = adapted(student, rng)
    give_factors(layer, rng, (5, 7), 2)
    trainable = [v for v in variables(layer) if v.trainable]
    message = "only A and B are trainable, rank (in + out) numbers: the base is frozen"
    assert sum(v.value.size for v in trainable) == 2 * (5 + 7), message
    assert parameter_count(layer) in (24, 24 + 5 * 7 + 7), "A, B and the base's weights, no others"
    gradients = vjp(layer, rng.normal(size=(3, 5)), cotangent=rng.normal(size=(3, 7)))
    pairs = list(zip(variables(layer), gradients.variables, strict=True))
    factors = [g for v, g in pairs if v.shape in ((5, 2), (2, 7))]
    assert factors and not any(is_zero(g) for g in factors), "the loss must reach A and B"


@question("lora", points=2.5)
def test_merging_gives_one_dense_layer_with_the_same_outputs(student, rng):
    for use_bias, activation in ((True, "tanh"), (False, None)):
        base, layer = adapted(student, rng, activation=activation, use_bias=use_bias)
        give_factors(layer, rng, (5, 7), 2)
        x = rng.normal(size=(4, 5))
        before, base_before = finite(layer(x), "the output"), variables(base)
        merged, again = layer.merge(), layer.merge()
        count = 5 * 7 + 7 * use_bias
        assert parameter_count(merged) == count, "what is merged has the weights of one Dense layer"
        message = "the merged layer gives the adapter's outputs, however often one merges"
        for dense in (merged, again):
            close(dense(x), before, message, atol=1e-4)
        close(layer(x), before, "merging must leave the adapter as it is", atol=1e-5)
        assert not any(deltas(base_before, variables(base))), "merging must leave the base as it is"


@question("lora", points=1)
def test_adapters_count_rank_times_in_plus_out(student, rng):
    drawn = [tuple(int(n) for n in rng.integers(3, 90, 2)) for _ in range(3)]
    distilbert = [(768, 3072), (3072, 768)] * 6
    for shapes, rank in ((drawn, 3), (drawn[:1], 1), (distilbert, 8)):
        right = sum(rank * (inputs + outputs) for inputs, outputs in shapes)
        message = "A has in x rank numbers and B rank x out, for each layer"
        assert integer(student.lora_parameter_count(shapes, rank), message) == right, message


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
