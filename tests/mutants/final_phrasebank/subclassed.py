"""Subclassed models, RMSprop-free Adam by schedule, pandas for the data."""

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from keras import ops


def deduplicate(sentences, labels, normalized):
    frame = pd.DataFrame({"sentence": sentences, "label": labels})
    frame["text"] = frame["sentence"].map(normalized)
    frame = frame[frame.groupby("text")["label"].transform("nunique") == 1].drop_duplicates("text")
    return frame["sentence"].tolist(), frame["label"].tolist()


def stratified_split(labels, fraction, rng):
    series = pd.Series(list(labels)).sample(frac=1, random_state=rng)
    sizes = series.value_counts()
    rank = series.groupby(series).cumcount()
    in_test = rank < series.map(lambda label: round(fraction * sizes[label]))
    return series.index[~in_test].to_numpy(), series.index[in_test].to_numpy()


def find_leaks(train_sentences, test_sentences, normalized):
    train = {normalized(s): True for s in train_sentences}
    return sorted(i for i, s in enumerate(test_sentences) if train.get(normalized(s)))


def predict_labels(model, encode_texts, texts, label_names, batch_size=32):
    rows = []
    for batch in np.array_split(np.arange(len(texts)), max(1, -(-len(texts) // batch_size))):
        if len(batch):
            rows.extend(ops.convert_to_numpy(model(encode_texts([texts[i] for i in batch]), training=False)))
    order = [np.argsort(row)[-1] for row in rows]
    return [label_names[int(i)] for i in order]


class Classifier(keras.Model):
    def __init__(self, encoder, num_classes, dropout):
        super().__init__()
        self.encoder, self.dropout = encoder, keras.layers.Dropout(dropout)
        self.head_layer = keras.layers.Dense(num_classes, name="head")
        self.head_layer.build((None, encoder.output["sequence_output"].shape[-1]))
        self.built = True

    def call(self, x, training=False):
        tokens = self.encoder(x, training=training)["sequence_output"]
        mask = ops.cast(x["padding_mask"], tokens.dtype)
        mean = ops.einsum("btd,bt->bd", tokens, mask) / ops.maximum(ops.sum(mask, axis=1, keepdims=True), 1)
        return self.head_layer(self.dropout(mean, training=training))

    def get_layer(self, name=None, index=None):
        return self.head_layer if name == "head" else super().get_layer(name, index)


def build_classifier(encoder, num_classes=3, dropout=0.1):
    return Classifier(encoder, num_classes, dropout)


def _fit(model, x, y, learning_rate, epochs, batch_size, validation_data):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(loss=loss, optimizer=keras.optimizers.Adam(learning_rate, clipnorm=1.0))
    return model.fit(
        x, y, epochs=epochs, batch_size=batch_size, validation_data=validation_data, verbose=0
    ).history


def fine_tune_head_only(
    model, encoder, x, y, learning_rate=1e-3, epochs=1, batch_size=32, validation_data=None
):
    encoder.trainable = False
    return _fit(model, x, y, learning_rate, epochs, batch_size, validation_data)


def fine_tune_all(model, encoder, x, y, learning_rate=1e-4, epochs=1, batch_size=32, validation_data=None):
    encoder.trainable = True
    return _fit(model, x, y, learning_rate, epochs, batch_size, validation_data)


def make_dataset(features, labels):
    rows = {name: np.asarray(values) for name, values in features.items()}
    signature = (
        {name: tf.TensorSpec(value.shape[1:], value.dtype) for name, value in rows.items()},
        tf.TensorSpec((), "int64"),
    )

    def examples():
        for i, label in enumerate(np.asarray(labels)):
            yield {name: value[i] for name, value in rows.items()}, label

    dataset = tf.data.Dataset.from_generator(examples, output_signature=signature)
    return dataset.apply(tf.data.experimental.assert_cardinality(len(np.asarray(labels))))


def split_dataset(dataset, test_fraction, seed):
    size = int(dataset.cardinality())
    test, train = keras.utils.split_dataset(dataset, round(test_fraction * size), shuffle=True, seed=seed)
    return train, test


def batched(dataset, batch_size, training, seed=None):
    if not training:
        return dataset.batch(batch_size).cache()
    return dataset.cache().shuffle(1000, seed=seed).batch(batch_size)


def build_two_layer_classifier(encoder, num_classes, hidden_units, dropout=0.1):
    class Pool(keras.layers.Layer):
        def call(self, tokens, mask):
            mask = ops.cast(mask, tokens.dtype)[..., None]
            mean = ops.sum(mask * tokens, 1) / ops.maximum(ops.sum(mask, 1), 1)
            return ops.concatenate([mean, ops.max(mask * tokens + (1 - mask) * -1e4, axis=1)], -1)

    pooled = Pool()(encoder(encoder.input)["sequence_output"], encoder.input["padding_mask"])
    stack = [
        keras.layers.Dense(hidden_units, "relu", name="hidden"),
        keras.layers.Dropout(dropout),
        keras.layers.Dense(num_classes, name="head"),
    ]
    for layer in stack:
        pooled = layer(pooled)
    return keras.Model(encoder.input, pooled)


class LoRADense(keras.layers.Layer):
    def __init__(self, base, rank=8, alpha=16, **kwargs):
        super().__init__(**kwargs)
        base.trainable = False
        self.base, self.rank, self.alpha = base, rank, alpha
        self.lora_a = self.add_weight(shape=(base.kernel.shape[0], rank), initializer="glorot_uniform")
        self.lora_b = self.add_weight(shape=(rank, base.units), initializer=keras.initializers.Zeros())

    def call(self, x):
        update = ops.dot(ops.dot(x, self.lora_a), self.lora_b) * self.alpha / self.rank
        linear = keras.ops.matmul(x, self.base.kernel) + update
        return self.base.activation(linear + self.base.bias if self.base.use_bias else linear)

    def merge(self):
        weights = self.base.get_weights()
        a, b = ops.convert_to_numpy(self.lora_a), ops.convert_to_numpy(self.lora_b)
        weights[0] = weights[0] + self.alpha / self.rank * a @ b
        merged = keras.layers.Dense.from_config(self.base.get_config())
        merged(np.zeros((1, len(weights[0])), "float32"))
        merged.set_weights(weights)
        return merged


def lora_parameter_count(shapes, rank):
    total = 0
    for inputs, outputs in shapes:
        total += inputs * rank + rank * outputs
    return total
