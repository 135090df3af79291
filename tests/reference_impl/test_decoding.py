"""Decoding on a language model of four tokens, small enough to write all of its sequences down."""

import itertools

import numpy as np
import pytest

from reference_impl.decoding import (
    apply_temperature,
    beam_search,
    greedy_decode,
    sample,
    top_k_filter,
    top_p_filter,
)

BOS, EOS, MAX_LEN = 0, 1, 4
TOKENS = (1, 2, 3)


def markov(seed):
    """Log-probabilities of the token at a position given the one before it; BOS never comes back."""
    table = np.random.default_rng(seed).dirichlet(np.ones(4), size=(MAX_LEN, 4))
    table[..., BOS] = 1e-12
    return np.log(table)


def step_of(table):
    return lambda prefix: table[len(prefix) - 1, prefix[-1]]


def every_sequence(table):
    """All that ends with EOS or is MAX_LEN long, with its log-probability."""
    for length in range(1, MAX_LEN + 1):
        for sequence in itertools.product(TOKENS, repeat=length):
            ended = sequence[-1] == EOS
            if EOS in sequence[:-1] or (length < MAX_LEN and not ended):
                continue
            yield (
                list(sequence),
                sum(
                    table[t, before, token]
                    for t, (before, token) in enumerate(itertools.pairwise((BOS, *sequence)))
                ),
            )


@pytest.mark.parametrize("alpha", [0.0, 0.6, 2.0])
@pytest.mark.parametrize("seed", range(5))
def test_a_wide_beam_finds_the_best_of_all_sequences(seed, alpha):
    table = markov(seed)
    right = sorted(every_sequence(table), key=lambda s: -s[1] / ((5 + len(s[0])) / 6) ** alpha)
    found = beam_search(step_of(table), BOS, EOS, 4**MAX_LEN, alpha, MAX_LEN)
    assert [sequence for sequence, _ in found[:10]] == [sequence for sequence, _ in right[:10]]
    np.testing.assert_allclose([logp for _, logp in found[:10]], [logp for _, logp in right[:10]])


@pytest.mark.parametrize("seed", range(10))
def test_a_beam_of_one_is_greedy(seed):
    step = step_of(markov(seed))
    [(sequence, _)] = beam_search(step, BOS, EOS, 1, 0.6, MAX_LEN)
    assert sequence == greedy_decode(step, BOS, EOS, MAX_LEN)


def test_greedy_falls_into_the_trap_and_a_beam_of_two_does_not():
    """Token 2 looks better at first; what follows 3 is certain."""
    first = [[0.01, 0.01, 0.5, 0.48], [0.25] * 4, [0.01, 0.33, 0.33, 0.33], [0.01, 0.97, 0.01, 0.01]]
    step = step_of(np.log([first, first]))
    assert greedy_decode(step, BOS, EOS, 2)[0] == 2
    assert beam_search(step, BOS, EOS, 2, 0.0, 2)[0][0] == [3, EOS]


def test_the_end_comes_once_or_never():
    always_end = np.log(np.full((5, 4, 4), 0.01))
    always_end[..., EOS] = 0
    assert greedy_decode(step_of(always_end), BOS, EOS, 5) == [EOS]
    assert greedy_decode(step_of(always_end), BOS, 9, 5) == [EOS] * 5
    assert greedy_decode(step_of(always_end), BOS, EOS, 0) == []


def test_filters_by_hand():
    logits = np.log(np.array([0.1, 0.4, 0.2, 0.3], "float32"))
    assert np.isfinite(top_k_filter(logits, 2)).tolist() == [False, True, False, True]
    assert np.isfinite(top_k_filter(np.array([1.0, 2, 2, 0]), 1)).tolist() == [False, True, True, False]
    for p, kept in ((0.01, 1), (0.39, 1), (0.41, 2), (0.75, 3), (0.95, 4), (1.0, 4)):
        assert np.isfinite(top_p_filter(logits, p)).sum() == kept, p
    np.testing.assert_allclose(apply_temperature(logits, 0.5), 2 * logits)


def test_draws_have_the_probabilities_of_the_softmax():
    logits, rng = np.array([0.0, 1.0, -np.inf, 2.0]), np.random.default_rng(0)
    counts = np.bincount([sample(logits, rng) for _ in range(2000)], minlength=4)
    expected = np.exp(logits) / np.exp(logits).sum() * 2000
    assert counts[2] == 0
    assert np.abs((counts - expected)[[0, 1, 3]] / np.sqrt(expected[[0, 1, 3]])).max() < 4
