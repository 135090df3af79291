"""Public checks of this assignment. At grading they run with other inputs, among others."""


import weakref
import numpy as np
from .vocabulary import array, assign, close, define, deltas, equal, finite, integer, make, outputs, parameter_count, question, set_random_weights, take, variables, weight_shapes


LABELS = ("negative", "neutral", "positive")


NORMALIZED = "def normalized(text):\n    return ' '.join(text.lower().split())"


SENTENCES = ["Profit rose .", "Sales fell .", "profit  ROSE .", "No change .", "SALES fell .", "Sales fell ."]


def same_text(student):
    """A notion of copies that the notebook does not have: case and spaces alone."""
    return define(student, "normalized", NORMALIZED)


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


@question("stage_b", points=3, public=True)
def test_everything_learns(student, rng):
    run = training(student, rng)
    told = "stage B must train the encoder too: unfreeze it, then compile again"
    names = [v.path for v in run.read[0]["encoder"]]
    used = [delta for name, delta in zip(names, run.moved(1, "encoder"), strict=True) if "pooler" not in name]
    assert all(used), told
    assert all(run.moved(1, "head")), "stage B must go on training the head"


def items_of(dataset, count):
    """All elements, of which there are `count` at most, as pairs."""
    items = take(dataset, count + 3)
    message = "an element is a pair: a dict of features, and a label"
    for item in items:
        pair = outputs(item, 2, message)
        assert isinstance(pair[0], dict), message
    return [(item[0], item[1]) for item in items]


def numbered(student, count):
    number = np.arange(count, dtype=np.int32)
    features = {"number": number, "token_ids": np.stack([number, number + 100], axis=1)}
    return student.make_dataset(features, number % 3)


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


@question("example_datasets", points=2, public=True)
def test_no_example_is_lost_in_batches(student):
    for training in (False, True):
        items = items_of(student.batched(numbered(student, 11), 4, training), 11)
        sizes = [len(np.atleast_1d(label)) for _, label in items]
        assert sizes == [4, 4, 3], "batches of batch_size, and what is left in a smaller one"
        found = sorted(int(i) for features, _ in items for i in np.ravel(features["number"]))
        assert found == list(range(11)), "every example comes up once in an iteration"


@question("pooled_head", points=2, public=True)
def test_the_two_layers_have_the_weights_of_two_dense_layers(student, rng):
    encoder = tiny_encoder(student, rng)
    model = student.build_two_layer_classifier(encoder, 3, 5)
    assert weight_shapes(model.get_layer("hidden")) == [(5,), (2 * WIDTH, 5)], "`hidden` sees 2 d features"
    assert weight_shapes(model.get_layer("head")) == [(3,), (5, 3)], "`head` sees the hidden units"
    extra = parameter_count(model) - parameter_count(encoder)
    assert extra == 2 * WIDTH * 5 + 5 + 5 * 3 + 3, "the encoder's weights, those of two layers, no others"


def adapted(student, rng, shape=(5, 7), rank=2, alpha=3, activation=None, use_bias=True):
    """A Dense layer with random weights, and the adapter around it."""
    base = make(student, "keras.layers.Dense", shape[1], activation=activation, use_bias=use_bias)
    base(np.zeros((1, shape[0])))
    set_random_weights(base, rng, 0.5)
    return base, student.LoRADense(base, rank=rank, alpha=alpha)


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
