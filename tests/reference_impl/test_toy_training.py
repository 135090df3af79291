"""The toy Transformer: what it sees, how it is asked, and that it learns to write backwards."""

import numpy as np
import pytest

from reference_impl.decoding import greedy_decode
from reference_impl.toy_training import step_function, train_toy_transformer
from reference_impl.toy_transformer import BOS, EOS, LENGTH, VOCAB, ToyTransformer, reversal_pairs


@pytest.fixture(scope="module")
def model():
    return ToyTransformer()


def test_targets_are_sources_backwards():
    source, target = reversal_pairs(5, np.random.default_rng(0))
    np.testing.assert_array_equal(target[:, :LENGTH], np.flip(source, axis=1))
    assert (target[:, LENGTH] == EOS).all()
    assert source.min() > EOS and source.max() < VOCAB


def test_the_decoder_sees_all_of_the_source_and_no_later_input(model):
    source, target = reversal_pairs(1, np.random.default_rng(1))
    logits = np.asarray(model((source, target)))
    changed = target.copy()
    changed[0, 5] = EOS + 1 + (target[0, 5] - EOS) % 10
    moved = np.abs(np.asarray(model((source, changed))) - logits).max(axis=(0, 2)) > 1e-6
    assert moved.tolist() == 5 * [False] + 4 * [True]
    assert np.abs(np.asarray(model((np.roll(source, 1), target))) - logits).max(axis=(0, 2)).min() > 1e-5


def test_attention_is_that_of_the_call(model):
    source, target = reversal_pairs(2, np.random.default_rng(2))
    weights = np.asarray(model.cross_attention(source, target))
    assert weights.shape == (2, 4, LENGTH + 1, LENGTH)
    np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=1e-5)


def test_a_step_gives_the_log_probabilities_after_the_prefix(model):
    [source], [target] = reversal_pairs(1, np.random.default_rng(3))
    prefix = np.array([BOS, *target[:3]])
    log_probs = np.asarray(step_function(model, source)(prefix))
    logits = np.asarray(model((source[None], prefix[None])))[0, -1]
    np.testing.assert_allclose(log_probs, logits - np.log(np.exp(logits).sum()), atol=1e-5)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_it_learns_to_write_backwards():
    model = train_toy_transformer(0)
    sources, targets = reversal_pairs(10, np.random.default_rng(4))
    written = [greedy_decode(step_function(model, source), BOS, EOS, LENGTH + 1) for source in sources]
    assert np.mean(np.array(written) == targets) > 0.97
