"""A training loop of one's own, Keras layers for pooling, generators for data."""

import keras
import numpy as np
import tensorflow as tf
from keras import ops


def deduplicate(sentences, labels, normalized):
    of_text, kept, kept_labels = {}, [], []
    for sentence, label in zip(sentences, labels, strict=True):
        of_text.setdefault(normalized(sentence), set()).add(label)
    for sentence, label in zip(sentences, labels, strict=True):
        if len(of_text.pop(normalized(sentence), ())) == 1:
            kept.append(sentence)
            kept_labels.append(label)
    return kept, kept_labels


def stratified_split(labels, fraction, rng):
    labels = np.array(labels)
    order = rng.permutation(len(labels))
    rank = np.empty(len(labels), int)
    for label in set(labels.tolist()):
        own = order[labels[order] == label]
        rank[own] = np.arange(len(own)) - round(fraction * len(own))
    return order[rank[order] >= 0], order[rank[order] < 0]


def find_leaks(train_sentences, test_sentences, normalized):
    train = [normalized(sentence) for sentence in train_sentences]
    return [i for i in range(len(test_sentences)) if train.count(normalized(test_sentences[i]))]


def predict_labels(model, encode_texts, texts, label_names, batch_size=32):
    found, left = [], list(texts)
    while left:
        batch, left = left[:batch_size], left[batch_size:]
        for row in model.predict(encode_texts(batch), verbose=0):
            found.append(label_names[max(range(len(row)), key=row.__getitem__)])
    return found


def build_classifier(encoder, num_classes=3, dropout=0.1):
    """The features of the first token, as BERT's own classifier has them."""
    first = encoder(encoder.input)["sequence_output"][:, 0]
    head = keras.layers.Dense(num_classes, name="head")
    return keras.Model(encoder.input, head(keras.layers.Dropout(dropout)(first)))


def _loop(model, weights, x, y, optimizer, epochs, batch_size):
    history = []
    for _ in range(epochs):
        for start in range(0, len(y), batch_size):
            part = slice(start, start + batch_size)
            with tf.GradientTape() as tape:
                logits = model({name: value[part] for name, value in x.items()}, training=True)
                loss = ops.mean(
                    keras.losses.sparse_categorical_crossentropy(y[part], logits, from_logits=True)
                )
            gradients = tape.gradient(loss, [w.value for w in weights])
            optimizer.apply_gradients(
                [(g, w) for g, w in zip(gradients, weights, strict=True) if g is not None]
            )
        history.append(float(loss))
    return {"loss": history}


def fine_tune_head_only(
    model, encoder, x, y, learning_rate=1e-2, epochs=1, batch_size=32, validation_data=None
):
    encoder.trainable = False
    head = model.get_layer("head").trainable_weights
    return _loop(model, head, x, y, keras.optimizers.Adam(learning_rate), epochs, batch_size)


def fine_tune_all(model, encoder, x, y, learning_rate=5e-5, epochs=1, batch_size=32, validation_data=None):
    encoder.trainable = True
    optimizer = keras.optimizers.Adam(learning_rate)
    used = [w for w in model.trainable_weights if "pooler" not in w.path]
    return _loop(model, used, x, y, optimizer, epochs, batch_size)


def make_dataset(features, labels):
    return tf.data.Dataset.zip(
        (
            {k: tf.data.Dataset.from_tensor_slices(v) for k, v in features.items()},
            tf.data.Dataset.from_tensor_slices(labels),
        )
    )


def split_dataset(dataset, test_fraction, seed):
    size = int(dataset.cardinality())
    test_size = round(test_fraction * size)
    order = np.random.default_rng(seed).permutation(size)
    examples = list(dataset)

    def part(places):
        columns = tf.nest.map_structure(lambda *values: tf.stack(values), *[examples[i] for i in places])
        return tf.data.Dataset.from_tensor_slices(columns)

    return part(order[test_size:]), part(order[:test_size])


def batched(dataset, batch_size, training, seed=None):
    size = max(int(dataset.cardinality()), 1)
    dataset = dataset.shuffle(size, seed) if training else dataset
    return dataset.batch(batch_size, drop_remainder=False)


def build_two_layer_classifier(encoder, num_classes, hidden_units, dropout=0.1):
    tokens = encoder(encoder.input)["sequence_output"]
    mask = ops.cast(encoder.input["padding_mask"], "bool")
    mean = keras.layers.GlobalAveragePooling1D()(tokens, mask=mask)
    most = ops.max(ops.where(mask[..., None], tokens, -float("inf")), axis=1)
    hidden = ops.relu(keras.layers.Dense(hidden_units, name="hidden")(ops.concatenate([mean, most], axis=-1)))
    return keras.Model(
        encoder.input, keras.layers.Dense(num_classes, name="head")(keras.layers.Dropout(dropout)(hidden))
    )


class LoRADense(keras.layers.Layer):
    def __init__(self, base, rank=8, alpha=16):
        super().__init__()
        self.base, self.rank, self.alpha = base, rank, alpha
        for weight in base.weights:
            weight.trainable = False
        glorot = keras.initializers.GlorotNormal()
        self.lora_a = keras.Variable(glorot((base.kernel.shape[0], rank)), name="lora_a")
        self.lora_b = keras.Variable(np.zeros((rank, base.kernel.shape[1])), dtype="float32", name="lora_b")

    def _kernel(self):
        return self.base.kernel + (self.lora_a * (self.alpha / self.rank)) @ self.lora_b

    def call(self, x):
        y = ops.dot(x, self._kernel())
        if self.base.bias is not None:
            y = y + self.base.bias
        return self.base.activation(y)

    def merge(self):
        config = {**self.base.get_config(), "name": f"{self.base.name}_merged"}
        dense = keras.layers.Dense(**{k: config[k] for k in ("units", "activation", "use_bias", "name")})
        dense.build((None, self.base.kernel.shape[0]))
        dense.set_weights(
            [ops.convert_to_numpy(self._kernel()), *map(np.asarray, self.base.get_weights()[1:])]
        )
        return dense


def lora_parameter_count(shapes, rank):
    return sum(i * rank + rank * o for i, o in shapes)
