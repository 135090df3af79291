"""Keras's own losses and metrics, heaps, classes with __call__; a model that is compiled otherwise."""

import heapq

import keras
import numpy as np
from keras import ops

from reference_impl.toy_transformer import BOS, ToyTransformer, reversal_pairs


class NoamSchedule(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, d_model, warmup_steps=4000):
        self.config = {"d_model": d_model, "warmup_steps": warmup_steps}

    def __call__(self, step):
        step, warmup = ops.maximum(ops.cast(step, "float64"), 1), self.config["warmup_steps"]
        rate = ops.minimum(ops.power(step, -0.5), step * ops.power(ops.cast(warmup, "float64"), -1.5))
        return ops.cast(rate / self.config["d_model"] ** 0.5, "float32")

    def get_config(self):
        return self.config


def masked_loss(label, pred):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=0, reduction="none")
    count = ops.sum(ops.cast(ops.not_equal(label, 0), "float32"))
    return ops.where(count > 0, ops.sum(loss(label, pred)) / ops.maximum(count, 1), 0.0)


def masked_accuracy(label, pred):
    hits = keras.metrics.sparse_categorical_accuracy(label, pred)
    mask = ops.cast(ops.sign(label), hits.dtype)
    return ops.sum(ops.multiply(hits, mask)) / ops.maximum(ops.sum(mask), keras.config.epsilon())


def greedy_decode(step_fn, bos, eos, max_len):
    def rest(prefix, left):
        if left == 0 or (len(prefix) > 1 and prefix[-1] == eos):
            return prefix[1:]
        return rest([*prefix, int(ops.argmax(step_fn(np.array(prefix, "int32"))))], left - 1)

    return tuple(rest([bos], max_len))


def beam_search(step_fn, bos, eos, beam, alpha, max_len):
    def score(pair):
        return pair[1] / ((5 + len(pair[0])) / 6) ** alpha

    def continuations(pair):
        if pair[0] and pair[0][-1] == eos:
            return [pair]
        log_probs = ops.convert_to_numpy(step_fn(np.array([bos, *pair[0]])))
        return [(pair[0] + (token,), pair[1] + log_probs[token]) for token in range(log_probs.shape[0])]

    kept = [((), 0.0)]
    for _ in range(max_len):
        kept = heapq.nlargest(beam, [new for pair in kept for new in continuations(pair)], key=score)
    return kept


def apply_temperature(logits, temperature):
    return ops.divide(logits, temperature)


def top_k_filter(logits, k):
    _, best = ops.top_k(logits, k)
    keep = ops.sum(ops.one_hot(best, logits.shape[0]), axis=0) > 0
    return ops.where(keep, logits, float("-inf"))


def top_p_filter(logits, p):
    shares = ops.softmax(logits)
    larger = ops.cast(shares[None, :] > shares[:, None], shares.dtype)  # (V, V): who comes before whom
    return ops.where(ops.matmul(larger, shares[:, None])[:, 0] < p, logits, float("-inf"))


def sample(logits, rng):
    shares = ops.convert_to_numpy(ops.softmax(logits)).astype("float64")
    return int(rng.multinomial(1, shares / shares.sum()).argmax())


class Step:
    def __init__(self, model, source):
        self.model, self.source = model, ops.expand_dims(source, 0)

    def __call__(self, prefix):
        logits = self.model((self.source, ops.expand_dims(prefix, 0)), training=False)
        return ops.log_softmax(logits, axis=-1)[0, -1, :]


def step_function(model, source):
    return Step(model, source)


def train_toy_transformer(seed):
    keras.utils.set_random_seed(1000 + seed)
    source, target = reversal_pairs(28_800, np.random.default_rng([seed, 1]))
    model = ToyTransformer()
    optimizer = keras.optimizers.Adam(NoamSchedule(48, 150), beta_2=0.98, epsilon=1e-9)
    model.compile(optimizer=optimizer, loss=masked_loss, jit_compile=False)
    inputs = np.pad(target[:, :-1], [(0, 0), (1, 0)], constant_values=BOS)
    model.fit((source, inputs), target, batch_size=64, verbose=0)
    return model
