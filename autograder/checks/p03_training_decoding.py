"""Checks of problem set 3: learning-rate schedule, masked loss, decoding, a toy Transformer that is trained.

Decoding is compared with what every sequence of a small table-driven language model costs. The trained
model's accuracies are the grader's own: it decodes sequences that it drew, by forward calls.
"""

import itertools

import numpy as np

from autograder.checking import (
    Handle,
    array,
    as_numpy,
    close,
    confirm_gradient,
    define,
    defined,
    finite,
    integer,
    make,
    outputs,
    question,
    shared,
    vjp,
)
from autograder.checking.statistics import chi_square
from autograder.checking.training_gate import Band, best_of

REFERENCE = (
    "reference_impl.noam_schedule",
    "reference_impl.masked_loss",
    "reference_impl.decoding",
    "reference_impl.toy_transformer",
    "reference_impl.toy_training",
)
SCHEDULES = [(64, 10), (30, 7), (512, 100), (9, 1)]  # d_model, warmup_steps
BATCHES = [(2, 5, 7), (1, 6, 3), (4, 3, 11)]  # B, T, V
MAX_LEN = 4
SEEDS = range(3)


# 1. The learning rate


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


@question("noam_schedule", points=1)
def test_the_base_model_has_the_published_rates(student):
    message = "with 512 features and the default warm-up the rates are those of the paper's base model"
    found = rates(student.NoamSchedule(512), [1, 3999, 4000, 4001, 16000])
    right = [1.7469e-7, 6.98597e-4, 6.98771e-4, 6.98684e-4, 3.49386e-4]
    same_rates(found, right, message, rtol=1e-4)


@question("noam_schedule", points=1)
def test_the_rate_is_highest_where_the_warmup_ends(student):
    for d_model, warmup in [(64, 10), (30, 7), (8, 40)]:
        found = rates(student.NoamSchedule(d_model, warmup), np.arange(1, 3 * warmup))
        message = "the two branches meet at step warmup_steps, where the rate is highest"
        assert found.argmax() + 1 == warmup, message


@question("noam_schedule", points=1)
def test_the_rate_falls_with_the_root_of_the_step(student):
    for d_model, warmup in SCHEDULES:
        found = rates(student.NoamSchedule(d_model, warmup), warmup * np.array([1, 4, 9, 100]))
        message = "after the warm-up a step four times as late has half the rate"
        same_rates(found, found[0] / np.array([1, 2, 3, 10]), message)


@question("noam_schedule", points=1)
def test_step_zero_is_taken_as_step_one(student):
    for d_model, warmup in SCHEDULES:
        schedule = student.NoamSchedule(d_model, warmup)
        at_zero, at_one = finite(rates(schedule, [0, 1]), "the rate at step 0")
        assert at_zero > 0, "Keras counts updates from 0: with a rate of 0 the first one does nothing"
        same_rates([at_zero], [at_one], "step 0 has the rate of step 1, whatever the warm-up")


MOVES = """
import keras
import numpy as np

def moves(schedule, count):
    optimizer, variable = keras.optimizers.Adam(schedule, epsilon=1e-9), keras.Variable(np.zeros(1))
    values = [float(variable[0])]
    for _ in range(count):
        optimizer.apply([np.ones(1, "float32")], [variable])
        values.append(float(variable[0]))
    return values
"""


@question("noam_schedule", points=1)
def test_adam_moves_with_the_schedule_from_the_first_update(student):
    move = define(student, "moves", MOVES)
    for sizes in [(16, 3), (25, 6)]:
        schedule = student.NoamSchedule(*sizes)
        message = "with a gradient of 1, Adam moves by the rate: of step 1, step 1 again, step 2, …"
        moved = -np.diff(array(move(schedule, 7), message, shape=(8,)))
        assert np.all(moved > 0), "every update of Adam must move the weights, the first one too"
        same_rates(moved, rates(schedule, [1, 1, 2, 3, 4, 5, 6]), message, rtol=1e-2)


@question("noam_schedule", points=0.5)
def test_its_config_makes_an_equal_schedule(student, rng):
    for d_model, warmup in SCHEDULES:
        schedule = student.NoamSchedule(d_model=d_model, warmup_steps=warmup)
        config = schedule.get_config()
        message = "get_config gives the arguments by name, so that Keras can save and load the optimizer"
        assert isinstance(config, dict) and set(config) == {"d_model", "warmup_steps"}, message
        steps = rng.integers(1, 4 * warmup + 9, 6)
        same_rates(rates(student.NoamSchedule(**config), steps), rates(schedule, steps), message)


# 2. Loss and accuracy without padding


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


def losses_in_float64(label, pred):
    """The loss of each token, `(number of tokens,)`."""
    where = label != 0
    logits = pred[where]
    top = logits.max(axis=-1, keepdims=True)
    log_z = top[:, 0] + np.log(np.exp(logits - top).sum(axis=-1))
    return log_z - np.take_along_axis(logits, label[where][:, None], axis=-1)[:, 0]


def both(student, label, pred):
    """Loss and accuracy."""
    return (
        scalar(student.masked_loss(label, pred), "the loss"),
        scalar(student.masked_accuracy(label, pred), "the accuracy"),
    )


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


@question("masked_loss", points=1.5)
def test_the_loss_is_right_for_small_and_huge_logits(student, rng):
    for size, scale in [(BATCHES[0], 1), (BATCHES[2], 1e-2), (BATCHES[1], 1e3), (BATCHES[0], 1e4)]:
        label, pred = draw_batch(rng, size)
        pred = (scale * pred).astype(np.float32).astype(np.float64)
        message = "the loss of a token is logsumexp(logits) - logits[label]; exp of a large logit is infinite"
        right = losses_in_float64(label, pred).mean()
        close(student.masked_loss(label, pred), right, message, atol=1e-5, rtol=1e-5)


@question("masked_loss", points=1)
def test_logits_at_padding_do_not_matter(student, rng):
    for size in BATCHES:
        label, pred = draw_predicted(rng, size)
        other = np.where((label == 0)[..., None], 5 * rng.normal(size=pred.shape), pred)
        message = "what is predicted where the label is padding must change neither loss nor accuracy"
        close(both(student, label, other), both(student, label, pred), message)
        changed = np.where((label == 0)[..., None], pred, -pred)
        moved = abs(both(student, label, changed)[0] - both(student, label, pred)[0])
        assert moved > 1e-3, "the mask is made of the labels: what is predicted at tokens makes the loss"


@question("masked_loss", points=1)
def test_more_padding_changes_nothing(student, rng):
    for size in BATCHES:
        label, pred = draw_predicted(rng, size)
        longer = np.pad(label, [(0, 0), (0, 3)])
        noise = rng.normal(size=(size[0], 3, size[2]))
        message = "columns of padding must change nothing: divide by the number of tokens, not of places"
        close(
            both(student, longer, np.concatenate([pred, noise], axis=1)), both(student, label, pred), message
        )


@question("masked_loss", points=1)
def test_every_token_counts_the_same_in_whatever_sentence(student, rng):
    for size in [(2, 5, 7), (3, 6, 4), (4, 3, 11)]:
        label, pred = draw_predicted(rng, size)
        counts = (label != 0).sum(axis=1)
        apart = np.array([both(student, label[[b]], pred[[b]]) for b in range(size[0])])  # (B, 2)
        message = "a short sentence's tokens count no more than a long one's: no mean of means"
        close(both(student, label, pred), counts @ apart / counts.sum(), message, atol=2e-5)


@question("masked_loss", points=1)
def test_the_gradient_is_that_of_the_loss_and_zero_at_padding(student, rng):
    for size in [(2, 4, 5), (1, 5, 3)]:
        label, pred = draw_batch(rng, size)
        arguments = {"label": label, "pred": pred}
        [gradient] = vjp(student.masked_loss, **arguments, cotangent=1.0, wrt="inputs").inputs
        message = "the loss must let gradients through: are there NumPy or an argmax in it?"
        assert gradient is not None, message
        assert np.all(np.abs(gradient[label == 0]) < 1e-8), "padding must have no gradient"
        assert np.abs(gradient[label != 0]).max() > 1e-4, message
        call = lambda x, label=label: student.masked_loss(label, x)  # noqa: E731
        confirm_gradient(call, pred, gradient, 1.0, rng, message, rtol=5e-2)


@question("masked_loss", points=1)
def test_padding_that_is_predicted_is_no_hit(student, rng):
    for size in BATCHES:
        label, pred = draw_batch(rng, size)
        wrong = label % (size[2] - 1) + 1  # a token that is not the label
        pred += 30 * np.eye(size[2])[np.where(label == 0, 0, wrong)]
        message = "all tokens are wrong and all padding is right: that is an accuracy of nothing"
        close(student.masked_accuracy(label, pred), 0.0, message)
        pred = 30 * np.eye(size[2])[label]
        close(student.masked_accuracy(label, pred), 1.0, "all tokens are right: that is an accuracy of 1")


@question("masked_loss", points=0.5)
def test_a_batch_of_padding_alone_gives_zero(student, rng):
    for batch, length, vocab in BATCHES:
        label, pred = np.zeros((batch, length), np.int32), rng.normal(size=(batch, length, vocab))
        message = "without any token there is nothing to divide by: loss and accuracy are 0, not NaN"
        close(both(student, label, pred), (0.0, 0.0), message)


# 3. Greedy decoding and beam search

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
WHOLE = (
    STEP
    + """
def log_probs(prefix):
    return table[int(prefix @ (1 + np.arange(len(prefix)) ** 2)) % len(table)]
"""
)


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


@question("greedy_decode", points=1)
def test_greedy_decoding_stops_at_the_end_and_keeps_it_once(student, rng):
    for length in (1, 2, 3, 5):
        bos, eos, first, second = draw_tokens(rng)
        table = np.full((10, 4, 4), -5.0)
        table[:, :, first], table[1::2, :, second] = -1.0, -0.5
        table[length - 1, :, eos] = -0.1
        found = greedy(student, given(student, TIMED, table, bos), bos, eos, 10)
        message = "EOS ends the sequence and stands in it once, at the end; nothing comes after it"
        assert found.count(eos) == 1 and found[-1] == eos, message
        assert len(found) == length and bos not in found, message


@question("greedy_decode", points=0.5)
def test_greedy_decoding_stops_after_max_len_tokens(student, rng):
    for max_len in (1, 3, 7):
        bos, eos, first, _ = draw_tokens(rng)
        table = np.full((4, 4), -5.0)
        table[:, first] = -0.1
        found = greedy(student, given(student, MARKOV, table, bos), bos, eos, max_len)
        assert found == [first] * max_len, "a sequence without EOS ends after max_len tokens, BOS not counted"


@question("greedy_decode", points=1)
def test_the_step_function_gets_the_whole_prefix(student, rng):
    for _ in range(6):
        bos, eos, *_ = draw_tokens(rng)
        table = draw_table(rng, 31)
        table[:, eos] = -9
        right = greedy_here(language_model(WHOLE, table, bos), bos, eos, 8)
        found = greedy(student, given(student, WHOLE, table, bos), bos, eos, 8)
        message = "step_fn is asked with all tokens so far: BOS first, then the sequence in its order"
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


def every_sequence(step, bos, eos, max_len=MAX_LEN):
    """All that end with EOS or are max_len long, with their log-probabilities."""
    for length in range(1, max_len + 1):
        for sequence in itertools.product(range(4), repeat=length):
            if eos not in sequence[:-1] and (length == max_len or sequence[-1] == eos):
                yield list(sequence), logp_of(step, bos, list(sequence))


def best_sequences(step, bos, eos, alpha, count):
    everything = every_sequence(step, bos, eos)
    ranked = sorted(everything, key=lambda pair: pair[1] / ((5 + len(pair[0])) / 6) ** alpha, reverse=True)
    return [sequence for sequence, _ in ranked[:count]]


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


@question("beam_search", points=1.5)
def test_a_wide_beam_finds_the_best_of_all_sequences(student, rng):
    for _ in range(2):
        bos, eos, *_ = draw_tokens(rng)
        table = draw_table(rng, MAX_LEN, 4)
        right = best_sequences(language_model(TIMED, table, bos), bos, eos, 0.0, 8)
        found = hypotheses(student, given(student, TIMED, table, bos), bos, eos, beam=4**MAX_LEN)
        message = "a beam as wide as there are sequences loses none: the most probable of all come first"
        assert [sequence for sequence, _ in found[:8]] == right, message


@question("beam_search", points=1)
def test_a_beam_of_two_finds_what_greedy_decoding_misses(student, rng):
    for _ in range(3):
        bos, eos, bait, right = draw_tokens(rng)
        shares = np.full((3, 4, 4), 0.01)
        shares[0, bos, [bait, right]] = 0.52, 0.46
        shares[1:, bait] = [0.23, 0.24, 0.26, 0.27]  # after the bait nothing is probable
        shares[1, right, right], shares[2, right, eos] = 0.97, 0.97
        step = given(student, TIMED, np.log(shares), bos)
        found = hypotheses(student, step, bos, eos, beam=2, max_len=3)
        message = "a second-best first token may begin the best sequence: keep `beam` beginnings at each step"
        assert found[0][0] == [right, right, eos], message


@question("beam_search", points=1)
def test_sequences_that_have_ended_are_not_continued(student, rng):
    for alpha in (0.0, 0.5, 2.0):
        bos, eos, *_ = draw_tokens(rng)
        table = draw_table(rng, 6, 4)
        table[:, :, eos] = np.log(rng.uniform(0.55, 0.65, table.shape[:2]))
        step = given(student, TIMED, table, bos)
        found = hypotheses(student, step, bos, eos, beam=5, alpha=alpha, max_len=6)
        message = "a sequence that has reached EOS stays as it is, beside those that go on"
        for sequence, _ in found:
            assert eos not in sequence[:-1], message
            assert sequence[-1] == eos or len(sequence) == 6, "a sequence goes on to EOS or to max_len tokens"
        assert len({tuple(sequence) for sequence, _ in found}) == len(found), "no sequence stands there twice"


@question("beam_search", points=1)
def test_the_length_penalty_ranks_the_sequences(student, rng):
    for alpha in (0.6, 1.5, 3.0):
        bos, eos, *_ = draw_tokens(rng)
        table = draw_table(rng, MAX_LEN, 4)
        table[:, :, eos] = np.log(0.3)
        right = best_sequences(language_model(TIMED, table, bos), bos, eos, alpha, 8)
        step = given(student, TIMED, table, bos)
        found = hypotheses(student, step, bos, eos, beam=4**MAX_LEN, alpha=alpha)
        message = (
            "sequences rank by logp divided by ((5 + length) / 6)^alpha: logp is negative, so longer gains"
        )
        assert [sequence for sequence, _ in found[:8]] == right, message


@question("beam_search", points=1)
def test_the_beam_keeps_the_best_at_each_step(student, reference, rng):
    for beam, alpha in ((2, 0.0), (3, 0.0), (3, 0.6), (5, 1.0)):
        bos, eos, *_ = draw_tokens(rng)
        table = draw_table(rng, 6, 4)
        found, right = (
            hypotheses(side, given(side, TIMED, table, bos), bos, eos, beam=beam, alpha=alpha, max_len=6)
            for side in (student, reference)
        )
        message = "at each step the `beam` best remain, of all continuations and of those that have ended"
        assert [sequence for sequence, _ in found] == [sequence for sequence, _ in right], message


# 4. Sampling


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


@question("sampling", points=0.5)
def test_temperatures_reach_from_greedy_to_uniform(student, rng):
    for vocab in (4, 7):
        logits = draw_logits(rng, vocab)
        cold = finite(student.apply_temperature(logits, 1e-3), "logits at a low temperature")
        hot = finite(student.apply_temperature(logits, 1e4), "logits at a high temperature")
        message = "a low temperature leaves the most probable token alone"
        close(softmax(cold), np.eye(vocab)[logits.argmax()], message)
        message = "a high temperature makes all tokens equally probable"
        close(softmax(hot), np.full(vocab, 1 / vocab), message, atol=1e-3)


@question("sampling", points=1)
def test_ties_at_the_last_place_are_kept_or_cut(student, rng):
    for k, tied in ((1, 2), (2, 3), (3, 2)):
        logits = np.concatenate([3 + np.arange(k - 1.0), np.full(tied, 2.0), [-1.0, -2.0]])
        logits = rng.permutation(logits).astype(np.float32)
        left = kept(student.top_k_filter(logits, k), logits, "top_k_filter gives logits (V,)")
        message = "of logits that tie for the last place all stay, or as many as make k; larger ones all stay"
        assert left[logits > 2].all() and not left[logits < 2].any(), message
        assert left.sum() in (k, k - 1 + tied), message


@question("sampling", points=1)
def test_the_token_that_crosses_the_line_stays(student, rng):
    shares = np.array([0.4, 0.3, 0.2, 0.1])
    for p, count in ((0.05, 1), (0.39, 1), (0.41, 2), (0.69, 2), (0.71, 3), (0.91, 4), (1.0, 4)):
        order = rng.permutation(4)
        logits = (np.log(shares[order]) + rng.normal()).astype(np.float32)
        left = kept(student.top_p_filter(logits, p), logits, "top_p_filter gives logits (V,)")
        message = "the token with which the mass reaches p stays too, and at least one token always does"
        assert np.array_equal(left, order < count), message


DRAWS = """
import numpy as np

def draws(logits, count, seed):
    rng = np.random.default_rng(seed)
    return np.array([int(sample(logits, rng)) for _ in range(count)])
"""


def draws(student, logits, count, seed):
    """So many tokens, drawn there one after the other with one generator."""
    draw = define(student, "draws", DRAWS, sample=student.sample)
    found = array(draw(logits, count, int(seed)), "sample gives one token, an int", shape=(count,))
    assert found.min() >= 0 and found.max() < len(logits), "sample gives a token, from 0 to V - 1"
    return found


@question("sampling", points=1.5)
def test_draws_have_the_probabilities_of_the_softmax(student, rng):
    logits = draw_logits(rng, 6)
    counts = np.bincount(draws(student, logits, 20_000, rng.integers(2**31)), minlength=6)
    message = "tokens are drawn with the probabilities softmax(logits), each draw anew"
    chi_square(counts, softmax(logits), message)


@question("sampling", points=0.5)
def test_what_is_filtered_out_is_never_drawn(student, rng):
    logits = draw_logits(rng, 7)
    logits[rng.permutation(7)[:4]] = -np.inf
    drawn = draws(student, logits, 2_000, rng.integers(2**31))
    assert np.isfinite(logits[drawn]).all(), (
        "a logit of -inf is a probability of 0: normalize after the filter"
    )
    message = "what a filter keeps is drawn with probabilities that sum to 1 again"
    chi_square(np.bincount(drawn, minlength=7), softmax(logits), message)


@question("sampling", points=0.5)
def test_chance_comes_from_the_generator(student, rng):
    logits, (first, second) = draw_logits(rng, 8) / 4, rng.integers(2**31, size=2)
    once, again, other = (draws(student, logits, 60, seed) for seed in (first, first, second))
    message = "all chance comes from `rng`: the same seed gives the same tokens, another seed others"
    assert np.array_equal(once, again) and not np.array_equal(once, other), message
    generator = make(student, "numpy.random.default_rng", int(first))
    one_by_one = [integer(student.sample(logits, generator), "sample gives an int") for _ in range(20)]
    assert one_by_one == once[:20].tolist(), "a draw moves the generator on; nothing else is remembered"


# 5. A Transformer that writes backwards

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


@question("step_function", points=3)
def test_a_step_is_the_log_softmax_after_the_last_token(student, rng):
    for found, right in steps_of_a_table(student, rng):
        message = (
            "a step asks the model with this source and this prefix; its last position says what follows"
        )
        close(found, right, message, atol=2e-5)


@question("toy_transformer", points=1, public=True)
def test_a_model_that_has_learned_nothing_guesses(student, rng):
    source, target = reversal_pairs(rng, 50)
    model = shared(student, "ToyTransformer")
    loss = scalar(student.masked_loss(target, model((source, shifted(target)))), "the loss")
    message = "with its first weights the model guesses among V tokens: the loss is about ln V"
    assert abs(loss - np.log(VOCAB)) < 0.7, message


def trained_model(student, seed):
    """The notebook's own model stands for seed 0: training takes most of the time of grading."""
    if seed == 0 and defined(student, "toy"):
        return student.toy
    model = shared(student, "train_toy_transformer", seed=seed)
    assert isinstance(model, Handle), "train_toy_transformer gives the trained model"
    return model


def predictions(model, source, inputs):
    """The most probable token at each position, `(B, T)`."""
    message = "the trained model takes (source, inputs) and gives logits (B, T, V)"
    logits = finite(model((source, inputs)), message)
    return array(logits, message, shape=(*inputs.shape, VOCAB)).argmax(axis=-1)


@question("toy_transformer", points=3, seconds=180)
def test_the_trained_model_knows_the_next_token(student, rng):
    source, target = reversal_pairs(rng, 200)

    def measure(seed):
        predicted = predictions(trained_model(student, seed), source, shifted(target))
        return {"accuracy": np.mean(predicted == target)}

    name = "the accuracy of the next token, given the right ones before it,"
    best_of(SEEDS, measure, {"accuracy": Band(name, floor=0.99, baseline=0.2)})


@question("toy_transformer", points=4, seconds=180)
def test_the_trained_model_writes_backwards_on_its_own(student, rng):
    source, target = reversal_pairs(rng, 200)

    def measure(seed):
        model, written = trained_model(student, seed), np.full((200, 1), BOS)
        for _ in range(LENGTH + 1):
            following = predictions(model, source, written)[:, -1:]
            written = np.concatenate([written, following], axis=1)
        return {"accuracy": np.mean(written[:, 1:] == target)}

    worse = "was each input the token before its label, so that there was nothing to copy?"
    band = Band("the accuracy of greedy decoding", floor=0.97, baseline=0.2, worse=worse)
    best_of(SEEDS, measure, {"accuracy": band})


@question("toy_transformer", points=2, seconds=180)
def test_the_trained_model_does_not_read_the_answer(student, rng):
    source, target = reversal_pairs(rng, 200)
    other = np.roll(target, 1, axis=0)  # the answers to other questions: nobody can know them

    def measure(seed):
        predicted = predictions(trained_model(student, seed), source, shifted(other))
        guesses = predicted[:, :LENGTH] == other[:, :LENGTH]
        return {"foreign": np.mean(guesses), "digits": np.mean(predicted[:, :LENGTH] > EOS)}

    bands = {
        "foreign": Band("the accuracy on answers that do not belong to the source", ceiling=0.35),
        "digits": Band("the share of digits among the first tokens", floor=0.9, baseline=0.5),
    }
    best_of(SEEDS, measure, bands)
