"""Public checks of this assignment. At grading they run with other inputs, among others."""


import numpy as np
from .vocabulary import Handle, array, as_numpy, close, define, finite, outputs, question, shared


SCHEDULES = [(64, 10), (30, 7), (512, 100), (9, 1)]  # d_model, warmup_steps


BATCHES = [(2, 5, 7), (1, 6, 3), (4, 3, 11)]  # B, T, V


MAX_LEN = 4


def rates(schedule, steps):
    """The rates at these steps, `(len(steps),)`."""
    steps = np.asarray(steps, np.int32)
    return array(
        schedule(steps), "the schedule takes a tensor of steps, and gives as many rates", steps.shape
    )


def same_rates(found, right, message, rtol=1e-3):
    """Equal up to a thousandth: rates are far below the absolute tolerance of other checks."""
    right = np.asarray(right, np.float64)
    close(np.asarray(found, np.float64) / right, np.ones(right.shape), message, atol=rtol)


@question("noam_schedule", points=2, public=True)
def test_the_rate_follows_the_formula(student, reference, rng):
    for sizes in SCHEDULES:
        steps = rng.integers(1, 5 * sizes[1] + 20, 12)
        theirs, ours = student.NoamSchedule(*sizes), reference.NoamSchedule(*sizes)
        message = "the smaller of 1/sqrt(step) and step / sqrt(warmup_steps)^3, divided by sqrt(d_model)"
        same_rates(rates(theirs, steps), rates(ours, steps), message)


@question("noam_schedule", points=1.5, public=True)
def test_the_rate_rises_in_a_straight_line_during_the_warmup(student):
    for d_model, warmup in [(64, 10), (30, 7), (8, 300)]:
        steps = np.unique(np.linspace(1, warmup, 7).astype(int))
        found = rates(student.NoamSchedule(d_model, warmup), steps)
        assert found[0] > 0, "the first update has a rate above 0"
        same_rates(found / found[0], steps, "during the warm-up the rate is proportional to the step")


def draw_batch(rng, size):
    """Labels `(B, T)` that end in padding, each sentence with another length, and logits `(B, T, V)`."""
    batch, length, vocab = size
    label = rng.integers(1, vocab, (batch, length))
    lengths = 1 + (rng.integers(length) + np.arange(batch)) % (length - 1)
    label = np.where(np.arange(length) < lengths[:, None], label, 0)
    return label.astype(np.int32), 2 * rng.normal(size=(batch, length, vocab))


def draw_predicted(rng, size):
    """Labels, and logits whose largest is the label's in about half of the places."""
    label, pred = draw_batch(rng, size)
    batch, length, vocab = size
    hit = rng.random((batch, length)) < 0.5
    hit[0, 0] = True
    pred[hit] += 20 * np.eye(vocab)[label[hit]]
    return label, pred


def scalar(value, message):
    return float(array(value, f"{message}: one number", shape=()))


@question("masked_loss", points=1.5, public=True)
def test_the_loss_is_the_mean_over_the_tokens(student, reference, rng):
    for size in BATCHES:
        label, pred = draw_batch(rng, size)
        message = "the loss is the mean cross-entropy of the labels that are not 0, from logits"
        close(student.masked_loss(label, pred), reference.masked_loss(label, pred), message)


@question("masked_loss", points=1, public=True)
def test_equal_logits_cost_the_logarithm_of_the_vocabulary(student, rng):
    for size in BATCHES:
        label, pred = draw_batch(rng, size)
        message = "who thinks all V tokens equally probable pays ln V for each: are these logits?"
        close(student.masked_loss(label, np.full(pred.shape, rng.normal())), np.log(size[2]), message)


@question("masked_loss", points=1.5, public=True)
def test_the_accuracy_is_the_share_of_the_tokens_that_are_right(student, reference, rng):
    for size in BATCHES:
        label, pred = draw_predicted(rng, size)
        message = "the accuracy is the share of right tokens among the labels that are not 0"
        close(student.masked_accuracy(label, pred), reference.masked_accuracy(label, pred), message)


STEP = """
import numpy as np

def step(prefix):
    prefix = np.asarray(prefix)
    if prefix.ndim != 1 or prefix.dtype.kind not in "iu" or len(prefix) == 0 or prefix[0] != bos:
        raise ValueError("step_fn takes a 1-D integer array that begins with BOS")
    return log_probs(prefix)
"""


MARKOV = STEP + "\ndef log_probs(prefix):\n    return table[prefix[-1]]\n"


TIMED = STEP + "\ndef log_probs(prefix):\n    return table[len(prefix) - 1, prefix[-1]]\n"


def draw_tokens(rng):
    """BOS, EOS and two other tokens: the numbers 0 to 3 in any order."""
    return [int(token) for token in rng.permutation(4)]


def draw_table(rng, *rows):
    """Log-probabilities `(*rows, 4)` of the next token, no two of them close to each other."""
    shares = rng.permuted(np.tile([0.05, 0.15, 0.29, 0.51], (*rows, 1)), axis=-1)
    return np.log(shares * rng.uniform(0.93, 1.07, shares.shape))


def language_model(source, table, bos):
    """The model's step function here, as the student gets it there."""
    scope = {"table": table, "bos": bos}
    exec(source, scope)  # noqa: S102
    return scope["step"]


def given(student, source, table, bos):
    return define(student, "step", source, table=as_numpy(table), bos=bos)


def tokens(value, message):
    """A sequence of tokens as a list of int."""
    found = array(value, message)
    whole = found.ndim == 1 and (found.size == 0 or found.dtype.kind in "iuf")
    assert whole and np.all(found == np.round(found)), f"{message}: a list of whole numbers"
    return [int(token) for token in found]


def greedy(student, step, bos, eos, max_len):
    return tokens(student.greedy_decode(step, bos, eos, max_len), "greedy_decode gives the sequence")


def greedy_here(step, bos, eos, max_len):
    sequence: list[int] = []
    while eos not in sequence and len(sequence) < max_len:
        sequence.append(int(np.argmax(step(np.array([bos, *sequence])))))
    return sequence


@question("greedy_decode", points=1.5, public=True)
def test_greedy_decoding_takes_the_most_probable_token_each_time(student, rng):
    for _ in range(6):
        bos, eos, *_ = draw_tokens(rng)
        table = draw_table(rng, 4)
        table[:, eos] = -9  # it never ends early
        right = greedy_here(language_model(MARKOV, table, bos), bos, eos, 6)
        found = greedy(student, given(student, MARKOV, table, bos), bos, eos, 6)
        message = "each token is the most probable one after those before it; BOS is not in the sequence"
        assert found == right, message


def hypotheses(student, step, bos, eos, *, beam, alpha=0.0, max_len=MAX_LEN):
    """What beam_search gives: pairs of a list of int and a float."""
    found = student.beam_search(step, bos, eos, beam, alpha, max_len)
    message = "beam_search gives a list of pairs (sequence, logp), the best first"
    assert isinstance(found, list | tuple) and found, message
    pairs = [outputs(pair, 2, message) for pair in found]
    return [(tokens(sequence, message), scalar(logp, message)) for sequence, logp in pairs]


def logp_of(step, bos, sequence):
    prefixes = (np.array([bos, *sequence[:t]]) for t in range(len(sequence)))
    return sum(float(step(prefix)[token]) for prefix, token in zip(prefixes, sequence, strict=True))


@question("beam_search", points=1, public=True)
def test_a_beam_of_one_is_greedy(student, rng):
    for alpha in (0.0, 0.6, 0.0, 1.0):
        bos, eos, *_ = draw_tokens(rng)
        table = draw_table(rng, 5, 4)
        right = greedy_here(language_model(TIMED, table, bos), bos, eos, 5)
        step = given(student, TIMED, table, bos)
        found = hypotheses(student, step, bos, eos, beam=1, alpha=alpha, max_len=5)
        message = "a beam of one keeps one sequence: the most probable token each time, until EOS"
        assert [sequence for sequence, _ in found] == [right], message


@question("beam_search", points=1.5, public=True)
def test_the_log_probabilities_of_a_sequence_are_summed(student, rng):
    for beam, alpha in ((1, 0.0), (3, 0.0), (4, 0.8)):
        bos, eos, *_ = draw_tokens(rng)
        table = draw_table(rng, MAX_LEN, 4)
        here, step = language_model(TIMED, table, bos), given(student, TIMED, table, bos)
        message = "logp is the sum of the log-probabilities of the tokens, EOS among them, without penalty"
        for sequence, logp in hypotheses(student, step, bos, eos, beam=beam, alpha=alpha):
            assert 0 < len(sequence) <= MAX_LEN and set(sequence) <= set(range(4)), message
            close(logp, logp_of(here, bos, sequence), message, atol=1e-4)


def draw_logits(rng, vocab):
    """Logits of clearly different sizes, in any order."""
    return rng.permutation(np.linspace(-2.5, 2.5, vocab) + rng.uniform(-0.1, 0.1, vocab)).astype(np.float32)


def softmax(logits):
    shares = np.exp(np.asarray(logits, np.float64) - np.max(logits))
    return shares / shares.sum()


def kept(filtered, logits, message):
    """Which tokens a filter leaves in; their logits must be what they were."""
    found = array(filtered, message, shape=logits.shape)
    left = np.isfinite(found)
    assert np.all(found[~left] == -np.inf), "logits that are filtered out become -inf"
    close(found[left], logits[left], "a filter leaves the logits that it keeps as they are")
    return left


@question("sampling", points=1, public=True)
def test_the_temperature_divides_the_logits(student, reference, rng):
    for temperature in (0.25, 0.7, 1.0, 3.0):
        logits = draw_logits(rng, 6)
        message = "logits are divided by the temperature: below 1 it sharpens, above 1 it flattens"
        right = reference.apply_temperature(logits, temperature)
        close(student.apply_temperature(logits, temperature), right, message)


@question("sampling", points=1.5, public=True)
def test_top_k_keeps_the_k_largest(student, rng):
    for vocab, k in ((6, 1), (6, 3), (9, 5), (5, 5)):
        logits = draw_logits(rng, vocab)
        left = kept(student.top_k_filter(logits, k), logits, "top_k_filter gives logits (V,)")
        right = logits >= np.sort(logits)[-k]
        assert np.array_equal(left, right), "the k largest logits stay, wherever they stand"


@question("sampling", points=1.5, public=True)
def test_top_p_keeps_the_fewest_tokens_of_mass_p(student, rng):
    for vocab, p in ((6, 0.5), (8, 0.8), (10, 0.95)):
        logits = draw_logits(rng, vocab)
        left = kept(student.top_p_filter(logits, p), logits, "top_p_filter gives logits (V,)")
        shares = np.sort(softmax(logits))[::-1]
        count = int((np.cumsum(shares) < p).sum()) + 1
        right = logits >= np.sort(logits)[-count]
        assert np.array_equal(left, right), (
            "as few tokens as have a mass of p together stay: the most probable"
        )


PAD, BOS, EOS, VOCAB, LENGTH = 0, 1, 2, 13, 8


MODEL = """
import numpy as np
import tensorflow as tf

class Model:
    def __call__(self, pair, training=None, mask=None):
        source, inputs = (np.asarray(part) for part in pair)
        if source.ndim != 2 or inputs.ndim != 2 or len(source) != len(inputs):
            raise ValueError("the model takes a pair (source, inputs) of shapes (1, S) and (1, T)")
        read = source @ (1 + np.arange(source.shape[1]) ** 2)
        written = np.cumsum(inputs * (1 + np.arange(inputs.shape[1]) ** 2), axis=1)
        return tf.constant(table[(read[:, None] + 7 * written) % len(table)])

model = Model()
"""


def reversal_pairs(rng, count):
    source = rng.integers(EOS + 1, VOCAB, (count, LENGTH))
    return source, np.concatenate([source[:, ::-1], np.full((count, 1), EOS)], axis=1)


def shifted(target):
    """What a decoder is given: BOS and all but the last token."""
    return np.concatenate([np.full((len(target), 1), BOS), target[:, :-1]], axis=1)


def steps_of_a_table(student, rng):
    """Sources, prefixes, what the student's step function gives, and the right log-probabilities."""
    table = (3 * rng.normal(size=(97, VOCAB))).astype(np.float32)
    scope = {"table": table}
    exec(MODEL, scope)  # noqa: S102
    model = define(student, "model", MODEL, table=as_numpy(table))
    for length in (1, 2, 5, 9):
        [source], [target] = reversal_pairs(rng, 1)
        prefix = np.array([BOS, *target])[:length]
        step = student.step_function(model, source)
        assert isinstance(step, Handle), "step_function gives a function"
        found = array(step(prefix), "a step gives log-probabilities (V,)", shape=(VOCAB,))
        logits = np.asarray(scope["model"]((source[None], prefix[None])))[0, -1].astype(np.float64)
        yield found, logits - np.log(np.exp(logits).sum())


@question("step_function", points=1, public=True)
def test_a_step_gives_log_probabilities(student, rng):
    for found, _ in steps_of_a_table(student, rng):
        shares = np.exp(finite(found, "the log-probabilities").astype(np.float64))
        assert (found <= 1e-6).all(), "a log-probability is not above 0"
        close(shares.sum(), 1, "the exponentials of log-probabilities sum to 1: log_softmax, not logits")


@question("toy_transformer", points=1, public=True)
def test_a_model_that_has_learned_nothing_guesses(student, rng):
    source, target = reversal_pairs(rng, 50)
    model = shared(student, "ToyTransformer")
    loss = scalar(student.masked_loss(target, model((source, shifted(target)))), "the loss")
    message = "with its first weights the model guesses among V tokens: the loss is about ln V"
    assert abs(loss - np.log(VOCAB)) < 0.7, message
