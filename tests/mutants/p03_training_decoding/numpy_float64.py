"""NumPy in float64 where no gradients are needed; ties cut to k; a schedule of Python numbers and arrays."""

import keras
import numpy as np
from keras import ops


class NoamSchedule(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, d_model, warmup_steps=4000):
        self.d_model = d_model
        self.warmup_steps = warmup_steps

    def __call__(self, step):
        step = ops.cast(step, "float32")
        step = ops.where(step < 1, ops.ones_like(step), step)
        highest = (self.d_model * self.warmup_steps) ** -0.5
        relative = step / self.warmup_steps
        return highest * ops.minimum(relative, ops.rsqrt(relative))

    def get_config(self):
        return {"warmup_steps": self.warmup_steps, "d_model": self.d_model}


def masked_loss(label, pred):
    mask = ops.cast(label != 0, "float32")
    picked = ops.sum(ops.one_hot(label, pred.shape[-1]) * ops.log_softmax(pred, axis=-1), axis=-1)
    return -ops.sum(picked * mask / (ops.sum(mask) + ops.cast(ops.sum(mask) == 0, "float32")))


def masked_accuracy(label, pred):
    right = ops.cast(label, "int32") == ops.cast(ops.argmax(pred, -1), "int32")  # `fit` calls it in a graph
    mask = ops.cast(label != 0, "float64")
    return ops.sum(ops.cast(right, "float64") * mask) / ops.maximum(ops.sum(mask), 1)


def greedy_decode(step_fn, bos, eos, max_len):
    prefix = np.array([bos], dtype=np.int64)
    while len(prefix) <= max_len:
        prefix = np.append(prefix, np.argsort(np.asarray(step_fn(prefix)))[-1])
        if prefix[-1] == eos:
            return prefix[1:].tolist()
    return prefix[1:].tolist()


def beam_search(step_fn, bos, eos, beam, alpha, max_len):
    sequences, logps, ended = [[]], np.zeros(1), np.array([False])
    for _ in range(max_len):
        if ended.all():
            break
        grown, scores = [], []
        for sequence, logp, over in zip(sequences, logps, ended, strict=False):
            if over:
                grown.append(sequence)
                scores.append(logp)
            else:
                following = np.asarray(step_fn(np.array([bos, *sequence])), "float64")
                grown += [[*sequence, token] for token in range(len(following))]
                scores += list(logp + following)
        penalty = np.array([((5 + len(s)) / 6) ** alpha for s in grown])
        best = np.argsort(-np.array(scores) / penalty)[:beam]
        sequences, logps = [grown[i] for i in best], np.array(scores)[best]
        ended = np.array([s[-1] == eos for s in sequences])
    return [[sequence, logp] for sequence, logp in zip(sequences, logps, strict=False)]


def apply_temperature(logits, temperature):
    return np.asarray(logits, "float64") / temperature


def top_k_filter(logits, k):
    logits = np.array(logits, "float64")
    logits[np.argsort(logits)[: len(logits) - k]] = -np.inf
    return logits


def top_p_filter(logits, p):
    logits = np.array(logits, "float64")
    shares, mass = np.exp(logits - logits.max()), 0.0
    shares /= shares.sum()
    filtered = [-np.inf] * len(logits)
    for token in sorted(range(len(logits)), key=lambda t: -shares[t]):
        filtered[token] = logits[token]
        mass += shares[token]
        if mass >= p:
            break
    return filtered


def sample(logits, rng):
    shares = np.exp(np.asarray(logits, "float64"))
    return rng.choice(len(shares), p=shares / shares.sum())


def step_function(model, source):
    def log_probs(prefix):
        logits = np.asarray(model([np.array([source]), np.array([prefix])]), "float64")[0, len(prefix) - 1]
        return logits - logits.max() - np.log(np.exp(logits - logits.max()).sum())

    return log_probs
