"""Mistakes that the checks of problem set 3 must notice, each by the checks named for it, and right solutions.

Labels stand for names of checks. Mistakes that only a training run can show are few, at the end.
"""

from pathlib import Path

from autograder.checking.mutants import Mutant, Variant

CHECKS = {
    "formula": "the_rate_follows_the_formula",
    "line": "the_rate_rises_in_a_straight_line_during_the_warmup",
    "published": "the_base_model_has_the_published_rates",
    "peak": "the_rate_is_highest_where_the_warmup_ends",
    "root": "the_rate_falls_with_the_root_of_the_step",
    "zero": "step_zero_is_taken_as_step_one",
    "adam": "adam_moves_with_the_schedule_from_the_first_update",
    "config": "its_config_makes_an_equal_schedule",
    "loss": "the_loss_is_the_mean_over_the_tokens",
    "log_v": "equal_logits_cost_the_logarithm_of_the_vocabulary",
    "accuracy": "the_accuracy_is_the_share_of_the_tokens_that_are_right",
    "huge": "the_loss_is_right_for_small_and_huge_logits",
    "at_pad": "logits_at_padding_do_not_matter",
    "more_pad": "more_padding_changes_nothing",
    "sentence": "every_token_counts_the_same_in_whatever_sentence",
    "gradient": "the_gradient_is_that_of_the_loss_and_zero_at_padding",
    "no_hit": "padding_that_is_predicted_is_no_hit",
    "empty": "a_batch_of_padding_alone_gives_zero",
    "greedy": "greedy_decoding_takes_the_most_probable_token_each_time",
    "end": "greedy_decoding_stops_at_the_end_and_keeps_it_once",
    "max_len": "greedy_decoding_stops_after_max_len_tokens",
    "prefix": "the_step_function_gets_the_whole_prefix",
    "beam_one": "a_beam_of_one_is_greedy",
    "summed": "the_log_probabilities_of_a_sequence_are_summed",
    "wide": "a_wide_beam_finds_the_best_of_all_sequences",
    "trap": "a_beam_of_two_finds_what_greedy_decoding_misses",
    "ended": "sequences_that_have_ended_are_not_continued",
    "penalty": "the_length_penalty_ranks_the_sequences",
    "kept": "the_beam_keeps_the_best_at_each_step",
    "temperature": "the_temperature_divides_the_logits",
    "top_k": "top_k_keeps_the_k_largest",
    "top_p": "top_p_keeps_the_fewest_tokens_of_mass_p",
    "extremes": "temperatures_reach_from_greedy_to_uniform",
    "ties": "ties_at_the_last_place_are_kept_or_cut",
    "crossing": "the_token_that_crosses_the_line_stays",
    "draws": "draws_have_the_probabilities_of_the_softmax",
    "never": "what_is_filtered_out_is_never_drawn",
    "chance": "chance_comes_from_the_generator",
    "log_probs": "a_step_gives_log_probabilities",
    "step": "a_step_is_the_log_softmax_after_the_last_token",
    "guesses": "a_model_that_has_learned_nothing_guesses",
    "next": "the_trained_model_knows_the_next_token",
    "backwards": "the_trained_model_writes_backwards_on_its_own",
    "answer": "the_trained_model_does_not_read_the_answer",
}
ALL_BEAM = "beam_one summed wide trap ended penalty kept"


def checks(labels):
    """The ids of the checks with these labels."""
    return tuple(CHECKS[label] for label in labels.split())


def edited(text, *edits):
    """`text` with other words; each edit is a pair of what stands there once and what takes its place."""
    for old, new in edits:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the text to be edited"
        text = text.replace(old, new)
    return text


def mutants_of(target, text):
    """Makes mutants of a function whose right body is `text`."""

    def make(wrong, *edits, by):
        return Mutant(target, wrong, edited(text, *edits), checks(by))

    return make


# 1. The learning rate

rate = mutants_of(
    "NoamSchedule.__call__",
    """
step = ops.maximum(ops.cast(step, "float32"), 1.0)
return self.d_model**-0.5 * ops.minimum(step**-0.5, step * self.warmup_steps**-1.5)
""",
)
schedule = mutants_of(
    "NoamSchedule.get_config", 'return {"d_model": self.d_model, "warmup_steps": self.warmup_steps}'
)
FLOOR = 'ops.maximum(ops.cast(step, "float32"), 1.0)'
NOAM = [
    rate(
        "counts from 0: step + 1",
        (FLOOR, 'ops.cast(step, "float32") + 1'),
        by="formula line published peak root zero adam",
    ),
    rate("rate 0 at step 0", (FLOOR, 'ops.cast(step, "float32")'), by="zero adam"),
    rate("max for min", ("ops.minimum", "ops.maximum"), by="formula line published peak root"),
    rate("warmup^-0.5", ("warmup_steps**-1.5", "warmup_steps**-0.5"), by="formula line published peak"),
    rate("d_model^+0.5", ("d_model**-0.5", "d_model**0.5"), by="formula published"),
    rate("d_model^-1", ("d_model**-0.5", "d_model**-1"), by="formula published"),
    rate("no d_model", ("self.d_model**-0.5 * ", ""), by="formula published"),
    rate(
        "whole numbers of warm-ups",
        ("step * self.warmup_steps**-1.5", "(step // self.warmup_steps) * self.warmup_steps**-0.5"),
        by="formula line published zero adam config",
    ),
    rate(
        "falls as 1 / step",
        ("ops.minimum(step**-0.5,", "ops.minimum(self.warmup_steps**0.5 / step,"),
        by="formula published root",
    ),
    rate(
        "constant after the warm-up",
        ("ops.minimum(step**-0.5,", "ops.minimum(self.warmup_steps**-0.5,"),
        by="formula published peak root",
    ),
    rate(
        "no warm-up",
        ("ops.minimum(step**-0.5, step * self.warmup_steps**-1.5)", "step**-0.5"),
        by="formula line published peak",
    ),
    rate("step 0 is taken as 1e-9", ("1.0)", "1e-9)"), by="zero adam"),
    Mutant(
        "NoamSchedule.__init__",
        "the warm-up is always 4,000",
        "self.d_model = d_model\nself.warmup_steps = 4000",
        checks("formula peak root"),
    ),
    schedule("the config forgets the warm-up", (', "warmup_steps": self.warmup_steps', ""), by="config"),
    schedule("names of its own in the config", ('"warmup_steps"', '"warmup"'), by="config"),
    schedule("the default in the config", ("self.warmup_steps", "4000"), by="config"),
]

# 2. Loss and accuracy without padding

LOSS = """
is_token = ops.cast(ops.not_equal(label, 0), pred.dtype)
losses = ops.sparse_categorical_crossentropy(label, pred, from_logits=True)
return ops.sum(losses * is_token) / ops.maximum(ops.sum(is_token), 1.0)
"""
loss = mutants_of("masked_loss", LOSS)
COUNT = "ops.maximum(ops.sum(is_token), 1.0)"
LOSSES = [
    loss(
        "mean over all places",
        (COUNT, "ops.cast(ops.size(label), pred.dtype)"),
        by="loss log_v huge more_pad sentence",
    ),
    loss(
        "padding counts too",
        ("ops.not_equal(label, 0)", "ops.not_equal(label, -1)"),
        by="loss huge at_pad more_pad sentence gradient empty",
    ),
    loss(
        "the mask of the predictions",
        ("ops.not_equal(label, 0)", "ops.not_equal(ops.argmax(pred, axis=-1), 0)"),
        by="loss log_v huge at_pad more_pad sentence gradient empty",
    ),
    loss(
        "the mean of the sentences' means",
        (
            "ops.sum(losses * is_token) / ops.maximum(ops.sum(is_token), 1.0)",
            "ops.mean(ops.sum(losses * is_token, axis=1) / ops.maximum(ops.sum(is_token, axis=1), 1.0))",
        ),
        by="loss huge sentence",
    ),
    loss(
        "logits taken for probabilities",
        ("from_logits=True", "from_logits=False"),
        by="loss huge gradient guesses",
    ),
    loss(
        "softmax twice", ("label, pred, from", "label, ops.exp(ops.log_softmax(pred)), from"), by="loss huge"
    ),
    loss("the sum", (" / " + COUNT, ""), by="loss log_v huge sentence guesses"),
    loss("the sign", ("return ops", "return -ops"), by="loss log_v huge guesses"),
    loss("in bits", (COUNT, f"({COUNT} * 0.6931472)"), by="loss log_v huge guesses"),
    loss("no guard for an empty batch", (COUNT, "ops.sum(is_token)"), by="empty"),
    loss(
        "no gradient",
        ("return ops.sum(losses * is_token)", "return ops.stop_gradient(ops.sum(losses * is_token))"),
        by="gradient",
    ),
    Mutant(
        "masked_loss",
        "exp without the maximum taken off",
        """
is_token = ops.cast(ops.not_equal(label, 0), pred.dtype)
odds = ops.exp(pred)
picked = ops.take_along_axis(odds, ops.cast(label, "int32")[..., None], axis=-1)[..., 0]
losses = -ops.log(picked / ops.sum(odds, axis=-1))
return ops.sum(losses * is_token) / ops.maximum(ops.sum(is_token), 1.0)
""",
        checks("huge"),
    ),
]
accuracy = mutants_of(
    "masked_accuracy",
    """
is_token = ops.cast(ops.not_equal(label, 0), pred.dtype)
predicted = ops.cast(ops.argmax(pred, axis=-1), label.dtype)
is_right = ops.cast(ops.equal(predicted, label), pred.dtype)
return ops.sum(is_right * is_token) / ops.maximum(ops.sum(is_token), 1.0)
""",
)
ACCURACIES = [
    accuracy(
        "over all places",
        (COUNT, "ops.cast(ops.size(label), pred.dtype)"),
        by="accuracy more_pad sentence no_hit",
    ),
    accuracy(
        "padding counts as right",
        (
            "is_right * is_token) / " + COUNT,
            "ops.maximum(is_right, 1 - is_token)) / ops.cast(ops.size(label), pred.dtype)",
        ),
        by="accuracy more_pad sentence no_hit empty",
    ),
    accuracy(
        "padding that is predicted counts as right",
        ("ops.sum(is_right * is_token)", "ops.sum(is_right)"),
        by="accuracy at_pad more_pad no_hit empty",
    ),
    accuracy(
        "argmax over the positions",
        ("pred, axis=-1), label.dtype)", "pred, axis=1), label.dtype)[:, :1]"),
        by="accuracy at_pad no_hit",
    ),
    accuracy(
        "the mean of the sentences' means",
        (
            "ops.sum(is_right * is_token) / ops.maximum(ops.sum(is_token), 1.0)",
            "ops.mean(ops.sum(is_right * is_token, axis=1) / ops.maximum(ops.sum(is_token, axis=1), 1.0))",
        ),
        by="accuracy sentence",
    ),
    accuracy("the number of right tokens", (" / " + COUNT, ""), by="accuracy sentence no_hit"),
    accuracy("the share of errors", ("ops.equal(pred", "ops.not_equal(pred"), by="accuracy no_hit"),
    accuracy("no guard for an empty batch", (COUNT, "ops.sum(is_token)"), by="empty"),
    accuracy(
        "the mask of the predictions",
        ("ops.not_equal(label, 0)", "ops.not_equal(ops.argmax(pred, axis=-1), 0)"),
        by="accuracy at_pad more_pad sentence",
    ),
]

# 3. Greedy decoding and beam search

greedy = mutants_of(
    "greedy_decode",
    """
sequence = []
while len(sequence) < max_len and sequence[-1:] != [eos]:
    log_probs = step_fn(np.array([bos, *sequence]))
    sequence.append(int(np.argmax(log_probs)))
return sequence
""",
)
GREEDY = [
    greedy("the least probable token", ("argmax", "argmin"), by="greedy end max_len prefix"),
    greedy(
        "BOS in the sequence", ("return sequence", "return [bos, *sequence]"), by="greedy end max_len prefix"
    ),
    greedy("EOS dropped", ("return sequence", "return [t for t in sequence if t != eos]"), by="end"),
    greedy("never stops at EOS", (" and sequence[-1:] != [eos]", ""), by="end"),
    greedy(
        "EOS twice",
        ("return sequence", "return sequence + [eos] if sequence[-1] == eos else sequence"),
        by="end",
    ),
    greedy(
        "EOS appended to every sequence",
        ("return sequence", "return sequence if sequence[-1] == eos else [*sequence, eos]"),
        by="greedy max_len prefix",
    ),
    greedy("one token too many", ("< max_len", "<= max_len"), by="greedy max_len prefix"),
    greedy("one token too few", ("< max_len", "< max_len - 1"), by="greedy max_len prefix"),
    greedy(
        "only the last token is fed back",
        ("[bos, *sequence])", "[bos, *sequence][-1:])"),
        by="greedy end max_len prefix",
    ),
    greedy("BOS is not fed", ("[bos, *sequence])", "sequence or [bos])"), by="greedy end max_len prefix"),
    greedy(
        "BOS and the last token alone are fed",
        ("[bos, *sequence])", "[bos, *sequence[-1:]])"),
        by="end prefix",
    ),
    greedy(
        "the prefix reversed after BOS", ("[bos, *sequence])", "[bos, *sequence[::-1]])"), by="greedy prefix"
    ),
    greedy("always the same first prediction", ("[bos, *sequence])", "[bos])"), by="greedy end prefix"),
    greedy(
        "the whole distribution is fed back",
        ("int(np.argmax(log_probs))", "np.asarray(log_probs)"),
        by="greedy end max_len prefix",
    ),
    greedy(
        "a batch of one prefix",
        ("np.array([bos, *sequence])", "np.array([[bos, *sequence]])"),
        by="greedy end max_len prefix",
    ),
]
BEAM = """
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
        log_probs = np.asarray(step_fn(np.array([bos, *sequence])))
        candidates += [([*sequence, token], logp + float(lp)) for token, lp in enumerate(log_probs)]
    kept = sorted(candidates, key=score, reverse=True)[:beam]
return kept
"""
beam = mutants_of("beam_search", BEAM)
PENALTY = "logp / ((5 + len(sequence)) / 6) ** alpha"
BEAMS = [
    beam(
        "log-probabilities are not summed",
        ("logp + float(lp)", "float(lp)"),
        by="summed wide penalty kept",
    ),
    beam(
        "probabilities are summed",
        ("logp + float(lp)", "logp + float(np.exp(lp))"),
        by="summed wide penalty kept",
    ),
    beam(
        "probabilities are multiplied and returned",
        ("return kept", "return [(s, float(np.exp(logp))) for s, logp in kept]"),
        by="summed",
    ),
    beam(
        "sequences that have ended are continued",
        ("if sequence[-1:] == [eos]:", "if False:"),
        by="beam_one wide ended penalty kept",
    ),
    beam("the penalty inverted", (PENALTY, "logp * ((5 + len(sequence)) / 6) ** alpha"), by="penalty kept"),
    beam("no penalty", (PENALTY, "logp"), by="penalty kept"),
    beam(
        "the mean in place of the penalty",
        (PENALTY, "logp / max(len(sequence), 1) ** alpha"),
        by="penalty kept",
    ),
    beam("the penalty without its 5", ("(5 + len(sequence)) / 6", "len(sequence) / 6"), by="penalty kept"),
    beam("the penalty in logp", ("return kept", "return [(h[0], score(h)) for h in kept]"), by="summed"),
    beam("the worst remain", (", reverse=True", ""), by="beam_one wide trap penalty kept"),
    beam("the worst of the best first", ("return kept", "return kept[::-1]"), by="wide trap penalty kept"),
    beam("a greedy search, whatever the beam", ("[:beam]", "[:1]"), by="wide trap penalty kept"),
    beam(
        "the best continuation of each alone",
        (
            "for token, lp in enumerate(log_probs)",
            "for token, lp in enumerate(log_probs) if lp == max(log_probs)",
        ),
        by="wide trap penalty kept",
    ),
    beam("the best alone is returned", ("return kept", "return kept[:1]"), by="wide penalty kept"),
    beam(
        "BOS in the sequences",
        ("return kept", "return [([bos, *s], logp) for s, logp in kept]"),
        by="beam_one summed wide trap penalty kept",
    ),
    beam(
        "one token too many",
        ("range(max_len)", "range(max_len + 1)"),
        by="beam_one summed wide trap penalty kept",
    ),
    beam(
        "only the last token is fed back",
        ("[bos, *sequence])", "[bos, *sequence[-1:]])"),
        by="beam_one summed wide trap penalty kept",
    ),
    beam("sequences alone, without logp", ("return kept", "return [s for s, _ in kept]"), by=ALL_BEAM),
]

# 4. Sampling

temperature = mutants_of("apply_temperature", "return np.asarray(logits) / temperature")
top_k = mutants_of(
    "top_k_filter",
    """
logits = np.asarray(logits)
kth_largest = np.sort(logits)[-k]
return np.where(logits >= kth_largest, logits, -np.inf)
""",
)
top_p = mutants_of(
    "top_p_filter",
    """
logits = np.asarray(logits)
order = np.argsort(-logits)
probabilities = np.asarray(ops.softmax(logits[order]))
mass_before = np.cumsum(probabilities) - probabilities
kept = order[mass_before < p]
filtered = np.full_like(logits, -np.inf)
filtered[kept] = logits[kept]
return filtered
""",
)
sample = mutants_of("sample", "return int(np.argmax(np.asarray(logits) + rng.gumbel(size=len(logits))))")
DRAW = "np.argmax(np.asarray(logits) + rng.gumbel(size=len(logits)))"
SAMPLING = [
    temperature("multiplied", (" / ", " * "), by="temperature extremes"),
    temperature("ignored", (" / temperature", ""), by="temperature extremes"),
    temperature(
        "probabilities in place of logits",
        ("np.asarray(logits) / temperature", "np.asarray(ops.softmax(np.asarray(logits) / temperature))"),
        by="temperature extremes",
    ),
    temperature("the root of it", ("/ temperature", "/ temperature**0.5"), by="temperature extremes"),
    top_k("one too many", ("[-k]", "[-min(k + 1, len(logits))]"), by="top_k"),
    top_k("the k smallest", ("logits >= kth_largest", "logits <= np.sort(logits)[k - 1]"), by="top_k ties"),
    top_k("zeros in place of -inf", ("-np.inf", "0.0"), by="top_k ties"),
    top_k("the first k", ("logits >= kth_largest", "np.arange(len(logits)) < k"), by="top_k ties"),
    top_k(
        "ties are cut altogether",
        (">= kth_largest", "> np.sort(logits)[-k - 1] if k < len(logits) else logits > -np.inf"),
        by="ties",
    ),
    top_k(
        "sorted",
        (
            "return np.where(logits >= kth_largest, logits, -np.inf)",
            "return np.where(np.arange(len(logits)) < k, np.sort(logits)[::-1], -np.inf)",
        ),
        by="top_k ties",
    ),
    top_k(
        "probabilities in place of logits",
        ("kth_largest, logits, -np.inf)", "kth_largest, np.asarray(ops.softmax(logits)), -np.inf)"),
        by="top_k ties",
    ),
    top_p(
        "the token that crosses the line is dropped",
        ("mass_before < p", "mass_before + probabilities <= p"),
        by="top_p crossing",
    ),
    top_p(
        "dropped, but one always stays",
        (
            "order[mass_before < p]",
            "order[(mass_before + probabilities <= p) | (np.arange(len(order)) == 0)]",
        ),
        by="top_p crossing",
    ),
    top_p("the least probable first", ("np.argsort(-logits)", "np.argsort(logits)"), by="top_p crossing"),
    top_p(
        "every token of probability p",
        ("mass_before < p", "probabilities >= p * probabilities[0]"),
        by="top_p crossing",
    ),
    top_p(
        "not put back in its order",
        ("filtered[kept] = logits[kept]", "filtered[: len(kept)] = logits[kept]"),
        by="top_p crossing",
    ),
    top_p(
        "logits summed, not probabilities",
        ("np.asarray(ops.softmax(logits[order]))", "logits[order]"),
        by="top_p crossing",
    ),
    top_p("zeros in place of -inf", ("-np.inf", "0.0"), by="top_p crossing"),
    sample("the most probable token", (DRAW, "np.argmax(logits)"), by="draws never chance"),
    sample("all tokens equally", (DRAW, "rng.integers(len(logits))"), by="draws never"),
    sample("softmax twice", ("np.asarray(logits) +", "np.asarray(ops.softmax(logits)) +"), by="draws never"),
    sample("Gaussian noise", ("gumbel", "normal"), by="draws never"),
    sample("the global generator", ("rng.gumbel", "np.random.gumbel"), by="chance"),
    sample(
        "a new generator at each draw",
        ("rng.gumbel", "np.random.default_rng(0).gumbel"),
        by="draws never chance",
    ),
    sample(
        "logits that are filtered out count as 0",
        ("np.asarray(logits) +", "np.nan_to_num(np.asarray(logits), neginf=0.0) +"),
        by="never",
    ),
]

# 5. The toy Transformer

STEP = """
source = np.asarray(source)[None]

def step(prefix):
    logits = model((source, np.asarray(prefix)[None]))
    return ops.log_softmax(logits[0, -1])

return step
"""
step = mutants_of("step_function", STEP)
TRAIN = """
keras.utils.set_random_seed(seed)
source, target = reversal_pairs(2_880, np.random.default_rng(seed))
inputs = np.concatenate([np.full_like(target[:, :1], BOS), target[:, :-1]], axis=1)
model = ToyTransformer()
model.compile(
    optimizer=keras.optimizers.Adam(NoamSchedule(model.d_model, warmup_steps=150), 0.9, 0.98, 1e-9),
    loss=masked_loss,
    jit_compile=False,
)
model.fit((source, inputs), target, batch_size=64, epochs=10, verbose=0)
return model
"""
train = mutants_of("train_toy_transformer", TRAIN)
STEPS = [
    step("the logits of position 0", ("[0, -1]", "[0, 0]"), by="step"),
    step(
        "logits in place of log-probabilities",
        ("ops.log_softmax(logits[0, -1])", "logits[0, -1]"),
        by="log_probs step",
    ),
    step("probabilities in place of their logarithms", ("log_softmax", "softmax"), by="log_probs step"),
    step(
        "the softmax over the positions",
        ("ops.log_softmax(logits[0, -1])", "ops.log_softmax(logits[0], axis=0)[-1]"),
        by="log_probs step",
    ),
    step(
        "BOS is taken off the prefix",
        ("np.asarray(prefix)[None]", "np.asarray(prefix)[None, -max(len(prefix) - 1, 1) :]"),
        by="step",
    ),
    step(
        "only the last token of the prefix",
        ("np.asarray(prefix)[None]", "np.asarray(prefix)[None, -1:]"),
        by="step",
    ),
    step(
        "source and prefix swapped",
        ("(source, np.asarray(prefix)[None])", "(np.asarray(prefix)[None], source)"),
        by="step",
    ),
    step("the source backwards", ("np.asarray(source)[None]", "np.asarray(source)[None, ::-1]"), by="step"),
    step("all positions", ("logits[0, -1]", "logits[0]"), by="log_probs step"),
    step("no batch axis", ("np.asarray(source)[None]", "np.asarray(source)"), by="log_probs step"),
]
TRAINED = [
    train(
        "not trained",
        (
            "model.fit((source, inputs), target, batch_size=64, epochs=10, verbose=0)",
            "model((source[:1], inputs[:1]))",
        ),
        by="next backwards",
    ),
    train(
        "no shift: each label is its own input",
        (
            "inputs = np.concatenate([np.full_like(target[:, :1], BOS), target[:, :-1]], axis=1)",
            "inputs = target",
        ),
        by="next backwards",
    ),
    train(
        "the history in place of the model",
        ("return model", "return model.history"),
        by="next backwards answer",
    ),
]

MUTANTS = [*NOAM, *LOSSES, *ACCURACIES, *GREEDY, *BEAMS, *SAMPLING, *STEPS, *TRAINED]

# Right solutions that look different: one a file, in the folder beside this one

VARIANTS = [
    Variant(path.stem, path.read_text(encoding="utf-8"))
    for path in sorted(Path(__file__).with_suffix("").glob("*.py"))
]
