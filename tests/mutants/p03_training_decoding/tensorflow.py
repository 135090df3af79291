"""TensorFlow's operations, the rate by cases, inverse transform sampling, a subclass of the toy."""

import keras
import numpy as np
import tensorflow as tf


class NoamSchedule(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, d_model, warmup_steps=4000):
        super().__init__()
        self.d_model, self.warmup_steps = d_model, warmup_steps

    def __call__(self, step):
        step = tf.maximum(tf.cast(step, tf.float32), 1.0)
        rising = step / self.warmup_steps**1.5
        return tf.where(step < self.warmup_steps, rising, tf.math.rsqrt(step)) / self.d_model**0.5

    def get_config(self):
        return {"d_model": self.d_model, "warmup_steps": self.warmup_steps}


def masked_loss(label, pred):
    label = tf.cast(label, tf.int32)  # `fit` hands labels over as float32
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
        tf.boolean_mask(label, label != 0), pred[label != 0]
    )
    return tf.math.divide_no_nan(tf.reduce_sum(losses), tf.cast(tf.size(losses), losses.dtype))


def masked_accuracy(label, pred):
    right = tf.cast(tf.argmax(pred, -1, tf.int32) == tf.cast(label, tf.int32), tf.float32)
    mask = tf.cast(label != 0, tf.float32)
    return tf.math.divide_no_nan(tf.reduce_sum(right * mask), tf.reduce_sum(mask))


def greedy_decode(step_fn, bos, eos, max_len):
    prefix = tf.constant([bos], tf.int32)
    for _ in range(max_len):
        following = tf.argmax(tf.convert_to_tensor(step_fn(prefix)), output_type=tf.int32)
        prefix = tf.concat([prefix, [following]], 0)
        if following == eos:
            break
    return prefix[1:]


def beam_search(step_fn, bos, eos, beam, alpha, max_len):
    live, done = [(0.0, (bos,))], []

    def rank(pair):
        return -pair[0] / ((4 + len(pair[1])) / 6) ** alpha

    while live and len(live[0][1]) <= max_len:
        grown = []
        for logp, prefix in live:
            for token, gain in enumerate(np.asarray(step_fn(np.array(prefix, "int32")))):
                grown.append((logp + gain, (*prefix, token)))
        best = sorted(done + grown, key=rank)[:beam]
        done = [pair for pair in best if pair[1][-1] == eos]
        live = [pair for pair in best if pair[1][-1] != eos]
    return [(np.array(prefix[1:]), logp) for logp, prefix in sorted(done + live, key=rank)]


def apply_temperature(logits, temperature):
    return tf.convert_to_tensor(logits) * (1.0 / temperature)


def top_k_filter(logits, k):
    values, _ = tf.math.top_k(logits, k)
    return tf.where(logits < values[-1], tf.fill(tf.shape(logits), -np.inf), logits)


def top_p_filter(logits, p):
    order = tf.argsort(logits, direction="DESCENDING")
    before = tf.cumsum(tf.nn.softmax(tf.gather(logits, order)), exclusive=True)
    keep = tf.gather(before < p, tf.argsort(order))
    return tf.where(keep, logits, -np.inf)


def sample(logits, rng):
    shares = np.exp(np.asarray(logits, "float64") - np.max(logits))
    return int(np.searchsorted(np.cumsum(shares) / shares.sum(), rng.random(), side="right"))


def step_function(model, source):
    source = tf.convert_to_tensor(source)[tf.newaxis]

    def ask(prefix):
        logits = model((source, tf.convert_to_tensor(prefix)[tf.newaxis]))[:, -1, :]
        return tf.squeeze(logits - tf.reduce_logsumexp(logits, axis=-1, keepdims=True), 0)

    return ask
