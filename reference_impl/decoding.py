"""Decoding: from the probabilities of one next token to a whole sequence."""

import numpy as np
from keras import ops


def greedy_decode(step_fn, bos, eos, max_len):
    """Take the most probable token, again and again.

    Args:
        step_fn: takes the prefix, a 1-D integer array that begins with `bos`, and gives the log-probabilities
            `(V,)` of the token after it.
        bos, eos: the tokens that begin and end a sequence.
        max_len: at most so many tokens, `eos` among them.
    Returns: list of int, without `bos`; `eos`, where it was reached, stands once, at the end.
    """
    sequence = []
    while len(sequence) < max_len and sequence[-1:] != [eos]:
        log_probs = step_fn(np.array([bos, *sequence]))
        sequence.append(int(np.argmax(log_probs)))
    return sequence


def beam_search(step_fn, bos, eos, beam, alpha, max_len):
    """Keep the `beam` best beginnings, instead of the best one.

    At each step every beginning that has not ended is continued with every token, and stands back for its
    continuations; those that have ended stay as they are. The `beam` best of all remain, by
    logp / ((5 + length) / 6)^alpha, where the length counts `eos` and not `bos`. The search stops when all
    that remain have ended, or after `max_len` steps.

    Args:
        step_fn, bos, eos, max_len: as for `greedy_decode`.
        beam: how many to keep.
        alpha: 0 compares plain log-probabilities; larger values favour longer sequences.
    Returns: list of at most `beam` pairs `(sequence, logp)`, the best first: a list of int as that of
        `greedy_decode`, and the sum of the log-probabilities of its tokens, a float without the penalty.
    Source: Wu et al. 2016, equation 14 (the penalty); Vaswani et al. 2017, section 6.1 (beam 4, alpha 0.6).
    """

    def score(hypothesis):
        sequence, logp = hypothesis
        return logp / ((5 + len(sequence)) / 6) ** alpha

    kept = [([], 0.0)]
    for _ in range(max_len):
        candidates = []
        for sequence, logp in kept:
            if sequence[-1:] == [eos]:
                candidates.append((sequence, logp))
                continue
            log_probs = np.asarray(step_fn(np.array([bos, *sequence])))  # (V,)
            candidates += [([*sequence, token], logp + float(lp)) for token, lp in enumerate(log_probs)]
        kept = sorted(candidates, key=score, reverse=True)[:beam]
    return kept


def apply_temperature(logits, temperature):
    """Logits of a sharper (temperature < 1) or flatter (> 1) distribution.

    Args:
        logits: `(V,)`.
        temperature: more than 0.
    Returns: `(V,)`.
    Source: Ackley, Hinton & Sejnowski 1985, equation 2.
    """
    return np.asarray(logits) / temperature


def top_k_filter(logits, k):
    """Keep the k largest logits, and set the others to -inf.

    Args:
        logits: `(V,)`.
        k: from 1 to V.
    Returns: `(V,)`. Logits that equal the k-th largest are all kept.
    Source: Fan et al. 2018, section 5.
    """
    logits = np.asarray(logits)
    kth_largest = np.sort(logits)[-k]
    return np.where(logits >= kth_largest, logits, -np.inf)


def top_p_filter(logits, p):
    """Keep the most probable tokens, as few as have a probability of p together; the others get -inf.

    A token stays if those before it, in the order of probability, do not reach p yet. So the token that
    crosses the line stays, and at least one does.

    Args:
        logits: `(V,)`.
        p: more than 0, at most 1.
    Returns: `(V,)`.
    Source: Holtzman et al. 2020, section 3.1 (nucleus sampling).
    """
    logits = np.asarray(logits)
    order = np.argsort(-logits)  # the most probable first
    probabilities = np.asarray(ops.softmax(logits[order]))
    mass_before = np.cumsum(probabilities) - probabilities
    kept = order[mass_before < p]
    filtered = np.full_like(logits, -np.inf)
    filtered[kept] = logits[kept]
    return filtered


def sample(logits, rng):
    """Draw one token with the probabilities softmax(logits).

    Args:
        logits: `(V,)`; -inf is never drawn.
        rng: `numpy.random.Generator`, the only source of chance.
    Returns: int.
    Source: Gumbel 1954; the largest of logit + Gumbel noise is token i with probability softmax(logits)[i].
    """
    return int(np.argmax(np.asarray(logits) + rng.gumbel(size=len(logits))))
