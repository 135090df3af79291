"""TensorFlow functions, AdamW with a decaying rate, a mask by multiplication."""

import keras
import numpy as np
import tensorflow as tf

plain = tf.autograph.experimental.do_not_convert


def deduplicate(sentences, labels, normalized):
    groups = {}
    for place, sentence in enumerate(sentences):
        groups.setdefault(normalized(sentence), []).append(place)
    places = sorted(g[0] for g in groups.values() if all(labels[i] == labels[g[0]] for i in g))
    return tuple(sentences[i] for i in places), tuple(labels[i] for i in places)


def stratified_split(labels, fraction, rng):
    labels = [str(label) for label in labels]
    quota = {label: round(fraction * labels.count(label)) for label in set(labels)}
    train, test = [], []
    for place in rng.permutation(len(labels)):
        taken = quota[labels[place]] > 0
        quota[labels[place]] -= taken
        (test if taken else train).append(int(place))
    return train, test


def find_leaks(train_sentences, test_sentences, normalized):
    known = frozenset(map(normalized, train_sentences))
    return np.flatnonzero([normalized(sentence) in known for sentence in test_sentences])


def predict_labels(model, encode_texts, texts, label_names, batch_size=32):
    if not texts:
        return []
    batches = [texts[i : i + batch_size] for i in range(0, len(texts), batch_size)]
    logits = tf.concat([model(encode_texts(batch)) for batch in batches], axis=0)
    return [label_names[int(i)] for i in tf.argmax(tf.nn.softmax(logits), axis=1)]


class MaskedMean(keras.layers.Layer):
    def call(self, tokens, mask):
        weights = tf.cast(mask, tokens.dtype)
        weights /= tf.maximum(tf.reduce_sum(weights, axis=1, keepdims=True), 1.0)
        return tf.einsum("btd,bt->bd", tokens, weights)


def build_classifier(encoder, num_classes=3, dropout=0.1):
    x = MaskedMean()(encoder(encoder.input)["sequence_output"], encoder.input["padding_mask"])
    x = keras.layers.Dropout(dropout)(x)
    return keras.Model(inputs=encoder.input, outputs=keras.layers.Dense(num_classes, name="head")(x))


def _train(model, x, y, learning_rate, epochs, batch_size, validation_data):
    steps = epochs * -(-len(y) // batch_size)
    schedule = keras.optimizers.schedules.PolynomialDecay(learning_rate, steps, 0.1 * learning_rate)
    model.compile(
        optimizer=keras.optimizers.AdamW(schedule, weight_decay=0.01),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    return model.fit(
        x, y, batch_size=batch_size, epochs=epochs, verbose=0, validation_data=validation_data
    ).history


def fine_tune_head_only(
    model, encoder, x, y, learning_rate=3e-3, epochs=1, batch_size=32, validation_data=None
):
    for layer in model.layers:
        layer.trainable = layer.name == "head"
    return _train(model, x, y, learning_rate, epochs, batch_size, validation_data)


def fine_tune_all(model, encoder, x, y, learning_rate=2e-5, epochs=1, batch_size=32, validation_data=None):
    model.trainable = True
    for layer in model.layers:
        layer.trainable = True
    return _train(model, x, y, learning_rate, epochs, batch_size, validation_data)


def make_dataset(features, labels):
    names = list(features)
    columns = tf.data.Dataset.from_tensor_slices(tuple(features[name] for name in names))
    columns = columns.map(plain(lambda *values: dict(zip(names, values, strict=True))))
    return tf.data.Dataset.zip((columns, tf.data.Dataset.from_tensor_slices(labels)))


def split_dataset(dataset, test_fraction, seed):
    size = int(dataset.cardinality())
    test_size = round(test_fraction * size)
    order = dataset.shuffle(size, seed=seed, reshuffle_each_iteration=False).enumerate()

    without_number = plain(lambda _, example: example)
    train = order.filter(plain(lambda number, _: number >= test_size)).map(without_number)
    test = order.filter(plain(lambda number, _: number < test_size)).map(without_number)
    return (
        train.apply(tf.data.experimental.assert_cardinality(size - test_size)),
        test.apply(tf.data.experimental.assert_cardinality(test_size)),
    )


def batched(dataset, batch_size, training, seed=None):
    if training:
        dataset = dataset.cache().shuffle(10_000, seed)
    return dataset.batch(batch_size)


def build_two_layer_classifier(encoder, num_classes, hidden_units, dropout=0.1):
    tokens = encoder(encoder.input)["sequence_output"]
    mask = encoder.input["padding_mask"]
    lowest = keras.layers.Lambda(
        lambda pair: tf.reduce_max(pair[0] + 1e9 * (tf.cast(pair[1], "float32")[..., None] - 1), 1)
    )
    features = keras.layers.Concatenate()([MaskedMean()(tokens, mask), lowest([tokens, mask])])
    hidden = keras.layers.Dense(hidden_units, name="hidden", activation="relu")(features)
    hidden = keras.layers.Dropout(dropout)(hidden)
    return keras.Model(encoder.input, keras.layers.Dense(num_classes, name="head")(hidden))


class LoRADense(keras.layers.Layer):
    def __init__(self, base, rank=8, alpha=16):
        super().__init__()
        self.base, self.scale = base, alpha / rank
        self.base.trainable = False
        width, units = base.kernel.shape
        self.lora_a = self.add_weight(
            shape=(width, rank), initializer=keras.initializers.RandomNormal(stddev=0.02)
        )
        self.lora_b = self.add_weight(shape=(rank, units), initializer="zeros")

    def call(self, x):
        kernel = self.base.kernel + self.scale * tf.matmul(self.lora_a, self.lora_b)
        y = tf.einsum("...i,io->...o", x, kernel)
        return self.base.activation(y if self.base.bias is None else y + self.base.bias)

    def merge(self):
        dense = keras.layers.Dense(self.base.units, self.base.activation, self.base.use_bias)
        dense.build(self.base.kernel.shape[:1])
        dense.kernel.assign(self.base.kernel + self.scale * (self.lora_a @ self.lora_b))
        if self.base.use_bias:
            dense.bias.assign(self.base.bias)
        return dense


def lora_parameter_count(shapes, rank):
    return rank * int(np.sum(shapes))
