"""Wrong and right solutions of problem set 10, for the proof of its checks.

A mutant is the reference's own text with edits. Training is run for no mutant of an earlier question by
default; what a run of all checks shows of it in the two gates is listed with it.
"""

import ast
import textwrap
from pathlib import Path

from autograder.checking.mutants import Mutant, Variant

REFERENCE = Path(__file__).parents[2] / "reference_impl"
CHECKS = {
    "coins": "a_discriminator_that_knows_nothing_pays_for_two_coins",
    "labels": "the_discriminator_calls_real_samples_1_and_fakes_0",
    "formulas": "the_generator_losses_follow_their_formulas",
    "apart": "real_and_fake_samples_are_averaged_apart",
    "better": "a_better_judgement_costs_less",
    "fooling": "fooling_is_being_taken_for_real",
    "zero_sum": "the_minimax_game_is_zero_sum",
    "saturates": "only_the_nonsaturating_loss_pulls_when_the_fakes_are_found_out",
    "sure": "sure_judgements_cost_finite_numbers_and_have_gradients",
    "best": "the_best_discriminator_says_how_much_of_the_mass_is_real",
    "divergences": "divergences_follow_their_formulas",
    "theorem": "against_its_best_opponent_the_generator_plays_for_the_js_divergence",
    "symmetric": "the_js_divergence_is_symmetric_and_at_most_ln_2",
    "one_sided": "kl_is_one_sided",
    "trains": "a_round_trains_both_networks",
    "losses": "a_round_gives_the_losses_that_it_minimized",
    "judge_step": "the_discriminator_goes_down_its_own_loss_and_the_generator_stays",
    "generator_step": "the_generator_goes_down_its_own_loss_and_the_discriminator_stays",
    "new_judge": "the_generator_learns_against_the_new_discriminator",
    "noise": "each_step_has_noise_of_its_own",
    "training": "networks_know_that_they_are_trained",
    "rounds": "three_rounds_agree_with_the_reference",
    "run": "training_gives_two_networks_and_two_losses_a_step",
    "seed": "a_seed_stands_for_one_training",
    "fresh": "every_step_has_fresh_samples_and_fresh_noise",
    "covers": "the_generator_covers_the_ring",
    "draw": "generator_and_discriminator_end_in_a_draw",
    "images": "noise_becomes_images_between_minus_1_and_1",
    "logit": "an_image_becomes_one_logit",
    "pixels": "pixels_are_scaled_to_what_tanh_gives",
    "reach": "pixels_reach_from_black_to_white",
    "strides": "sizes_halve_and_double_by_strides",
    "norms": "batch_normalization_is_where_it_belongs",
    "leaks": "the_discriminator_leaks_and_gives_logits",
    "crosses": "the_least_work_is_that_of_what_crosses_each_gap",
    "places": "moving_everything_by_k_places_costs_k",
    "grains": "each_grain_goes_to_the_place_of_its_rank",
    "scores": "the_critic_scores_real_samples_higher",
    "clip": "clipping_keeps_weights_between_minus_c_and_c",
    "difference": "only_the_difference_of_scores_counts",
    "clipped": "the_critic_is_clipped_after_each_step_and_the_generator_never",
    "critic_step": "the_critic_goes_down_its_own_loss_between_the_bounds",
    "n_critic": "the_critic_takes_a_step_for_each_batch_and_the_generator_one",
    "wgan_round": "a_round_of_wgan_agrees_with_the_reference",
    "share": "alpha_is_the_share_of_the_real_sample",
    "one_alpha": "there_is_one_alpha_for_each_sample",
    "curved": "the_penalty_of_a_curved_critic_follows_the_formula",
    "uniform": "alpha_is_uniform",
    "straight": "a_straight_critic_pays_for_its_slope",
    "between": "the_slope_is_taken_between_real_and_fake",
    "own_slope": "each_sample_has_a_slope_of_its_own",
    "second": "the_penalty_trains_the_critic",
    "flat": "a_flat_critic_is_no_accident",
    "gp_trains": "a_round_with_penalty_trains_both_networks",
    "gp_step": "the_critic_minimizes_loss_and_penalty",
    "gp_round": "two_rounds_with_penalty_agree_with_the_reference",
    "slope": "the_critic_has_a_slope_near_1_between_ring_and_fakes",
}
GATES = "covers draw"
ALL_GAME = "trains losses judge_step generator_step new_judge noise training rounds"


def checks(labels):
    """The ids of the checks with these labels."""
    return tuple(CHECKS[label] for label in labels.split())


def body(module, name):
    """The statements of a function of the reference, without its docstring."""
    text = (REFERENCE / f"{module}.py").read_text(encoding="utf-8")
    (function,) = (n for n in ast.parse(text).body if isinstance(n, ast.FunctionDef) and n.name == name)
    first, last = function.body[1].lineno, function.end_lineno
    return textwrap.dedent("\n".join(text.splitlines()[first - 1 : last]))


def edited(text, *edits):
    """`text` with other words; each edit is a pair of what stands there once and what takes its place."""
    for old, new in edits:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the text to be edited"
        text = text.replace(old, new)
    return text


def of(module, name):
    """What makes mutants of one function of the reference: by edits, or by another body."""

    def mutant(wrong, *edits, by, instead=None, **also):
        text = instead or edited(body(module, name), *edits)
        return Mutant(name, wrong, text, checks(by), also=also)

    return mutant


# 1. The losses of the game

d_loss = of("gan_losses", "discriminator_loss")
nonsaturating = of("gan_losses", "generator_loss_nonsaturating")
minimax = of("gan_losses", "generator_loss_minimax")
SIGMA = "ops.sigmoid({})".format
BY_PARTS = """
real, fake = ops.sigmoid(real_logits), ops.sigmoid(fake_logits)
return -ops.mean(ops.log(real)) - ops.mean(ops.log(1 - fake))
"""
TOGETHER = """
logits = ops.concatenate([ops.reshape(real_logits, (-1,)), ops.reshape(fake_logits, (-1,))])
signs = ops.concatenate([ops.reshape(-ops.ones_like(real_logits), (-1,)), ops.reshape(ops.ones_like(fake_logits), (-1,))])
return 2 * ops.mean(ops.softplus(signs * logits))
"""
LOSS_MUTANTS = [
    d_loss(
        "labels flipped: real = 0, fake = 1",
        ("-real_logits", "real_logits"),
        ("(fake_logits", "(-fake_logits"),
        by=f"labels apart better fooling zero_sum rounds {GATES}",
    ),
    d_loss(
        "half of the sum",
        instead="return (" + body("gan_losses", "discriminator_loss")[7:] + ") / 2",
        by="coins labels apart fooling zero_sum sure draw",
    ),
    d_loss(
        "fakes count as real",
        ("(fake_logits", "(-fake_logits"),
        by=f"labels apart better fooling zero_sum rounds {GATES}",
    ),
    d_loss(
        "fakes are left out",
        (" + ops.mean(ops.softplus(fake_logits))", ""),
        by=f"coins labels apart better zero_sum sure noise rounds {GATES}",
    ),
    d_loss(
        "real samples are left out",
        ("ops.mean(ops.softplus(-real_logits)) + ", ""),
        by=f"coins labels apart better fooling sure rounds {GATES}",
    ),
    d_loss(
        "1 - log D of the fakes",
        ("ops.mean(ops.softplus(fake_logits))", "1 - ops.mean(-ops.softplus(-fake_logits))"),
        by=f"coins labels apart better fooling zero_sum sure rounds {GATES}",
    ),
    d_loss(
        "no sigmoid: logits as probabilities",
        instead="return -ops.mean(ops.log(ops.clip(real_logits, 1e-7, 1))) - ops.mean(ops.log(1 - ops.clip(fake_logits, 0, 1 - 1e-7)))",
        by=f"coins labels apart fooling zero_sum sure rounds {GATES}",
    ),
    d_loss(
        "a sigmoid too many",
        ("-real_logits", "-ops.sigmoid(real_logits)"),
        ("(fake_logits", "(ops.sigmoid(fake_logits)"),
        by=f"coins labels apart fooling zero_sum sure rounds {GATES}",
    ),
    d_loss("log of a sigmoid, which underflows", instead=BY_PARTS, by="sure"),
    d_loss("the mean over all samples together", instead=TOGETHER, by="labels apart fooling rounds"),
    d_loss(
        "summed over the batch",
        ("ops.mean(ops.softplus(-", "ops.sum(ops.softplus(-"),
        ("ops.mean(ops.softplus(f", "ops.sum(ops.softplus(f"),
        by="coins labels apart fooling zero_sum sure rounds draw",
    ),
    d_loss(
        "to be maximized",
        instead="return -(" + body("gan_losses", "discriminator_loss")[7:] + ")",
        by=f"coins labels apart better fooling zero_sum sure rounds {GATES}",
    ),
    d_loss(
        "zero",
        instead="return 0.0 * ops.sum(real_logits)",
        by=f"coins labels apart better fooling zero_sum sure trains noise rounds {GATES}",
    ),
    nonsaturating(
        "the label of a fake",
        ("-fake_logits", "fake_logits"),
        by=f"formulas better fooling saturates sure rounds {GATES}",
    ),
    nonsaturating(
        "minus the minimax loss",
        instead="return ops.mean(ops.softplus(fake_logits))",
        by=f"formulas better fooling saturates sure rounds {GATES}",
    ),
    nonsaturating(
        "the minimax loss",
        instead="return -ops.mean(ops.softplus(fake_logits))",
        by="coins formulas fooling saturates sure rounds draw",
    ),
    nonsaturating(
        "1 - log D",
        instead="return 1 + ops.mean(ops.softplus(-fake_logits))",
        by="coins formulas fooling sure draw",
    ),
    nonsaturating(
        "log of a sigmoid, which underflows",
        instead="return -ops.mean(ops.log(ops.sigmoid(fake_logits)))",
        by="sure",
    ),
    nonsaturating(
        "probabilities are expected",
        instead="return -ops.mean(ops.log(ops.abs(fake_logits) + 1e-7))",
        by=f"coins formulas fooling saturates sure rounds {GATES}",
    ),
    nonsaturating("summed over the batch", ("mean", "sum"), by="coins formulas fooling saturates sure draw"),
    nonsaturating("log2", ("ops.mean(", "1.442695 * ops.mean("), by="coins formulas fooling saturates sure"),
    minimax(
        "the sign of the discriminator", ("-ops", "ops"), by="coins formulas better zero_sum saturates sure"
    ),
    minimax(
        "the non-saturating loss",
        instead="return ops.mean(ops.softplus(-fake_logits))",
        by="coins formulas zero_sum saturates sure",
    ),
    minimax(
        "1 - log D",
        instead="return 1 + ops.mean(ops.softplus(-fake_logits))",
        by="coins formulas zero_sum saturates sure",
    ),
    minimax(
        "log of 1 - a sigmoid", instead="return ops.mean(ops.log(1 - ops.sigmoid(fake_logits)))", by="sure"
    ),
    minimax("half of it", ("-ops", "-0.5 * ops"), by="coins formulas zero_sum saturates sure"),
    minimax("log of D", ("(fake", "(-fake"), by="formulas better zero_sum saturates"),
]

# 2. What the game measures

best = of("gan_divergences", "optimal_discriminator")
kl = of("gan_divergences", "kl")
js = of("gan_divergences", "js_divergence")
DIVERGENCE_MUTANTS = [
    best("the model's share", ("p_data / ", "p_model / "), by="best theorem"),
    best("the ratio of the densities", ("total = p_data + p_model", "total = p_model"), by="best theorem"),
    best("the data's density", instead="return p_data", by="best theorem"),
    best(
        "a logit, not a probability", instead="return ops.log(p_data) - ops.log(p_model)", by="best theorem"
    ),
    best("nan where there is nothing", instead="return p_data / (p_data + p_model)", by="best"),
    best("a half everywhere", instead="return 0.5 * ops.ones_like(p_data)", by="best theorem"),
    kl("base 2", ("ops.log(ratio)", "ops.log2(ratio)"), by="divergences theorem symmetric one_sided"),
    kl(
        "turned around",
        ("return ops.sum(p *", "return ops.sum(q * -1 *"),
        by="divergences theorem symmetric one_sided",
    ),
    kl(
        "the sign of the errata: negative",
        ("return ops", "return -ops"),
        by="divergences theorem symmetric one_sided",
    ),
    kl("the mean over the points", ("ops.sum", "ops.mean"), by="divergences theorem symmetric one_sided"),
    kl(
        "log p / log q",
        ("ops.log(ratio)", "ops.log(ops.where(seen, p, 1.0)) / ops.log(ops.where(seen, q, 2.0))"),
        by="divergences theorem symmetric one_sided",
    ),
    kl("0 log 0 is nan", instead="return ops.sum(p * ops.log(p / q))", by="symmetric one_sided"),
    kl(
        "a little added to q",
        ("ops.where(seen, q, 1.0)", "(ops.where(seen, q, 1.0) + 1e-3)"),
        by="divergences theorem symmetric one_sided",
    ),
    kl("infinity is clipped", ("ops.log(ratio)", "ops.clip(ops.log(ratio), -20, 20)"), by="one_sided"),
    js(
        "the sum of both",
        ("(kl(p, mixture) + kl(q, mixture)) / 2", "kl(p, mixture) + kl(q, mixture)"),
        by="divergences theorem symmetric",
    ),
    js(
        "the mean of kl(p, q) and kl(q, p)",
        instead="return (kl(p, q) + kl(q, p)) / 2",
        by="divergences theorem symmetric",
    ),
    js("the mixture is not halved", ("(p + q) / 2", "p + q"), by="divergences theorem symmetric"),
    js(
        "seen from p alone",
        ("(kl(p, mixture) + kl(q, mixture)) / 2", "kl(p, mixture)"),
        by="divergences theorem symmetric",
    ),
    js(
        "seen from the mixture",
        ("kl(p, mixture) + kl(q, mixture)", "kl(mixture, p) + kl(mixture, q)"),
        by="divergences theorem symmetric",
    ),
    js(
        "its square root",
        instead="mixture = (p + q) / 2\nreturn ops.sqrt((kl(p, mixture) + kl(q, mixture)) / 2 + 1e-20)",
        by="divergences theorem symmetric",
    ),
]

# 3. One round of the game

game = of("gan_training", "gan_train_step")
D_TAPE = "d_loss = discriminator_loss(D(real, training=True), D(fake, training=True))"
G_TAPE = "g_loss = generator_loss_nonsaturating(D(G(noise[1], training=True), training=True))"
D_APPLY = "discriminator_optimizer.apply(gradients, D.trainable_variables)"
G_APPLY = "generator_optimizer.apply(gradients, G.trainable_variables)"
D_GRADIENT = "gradients = tape.gradient(d_loss, D.trainable_variables)"
G_GRADIENT = "gradients = tape.gradient(g_loss, G.trainable_variables)"
BOTH = "D.trainable_variables + G.trainable_variables"
ONE_TAPE = """
generator_optimizer, discriminator_optimizer = opts
with tf.GradientTape(persistent=True) as tape:
    d_loss = discriminator_loss(D(real, training=True), D(G(noise[0], training=True), training=True))
    g_loss = generator_loss_nonsaturating(D(G(noise[1], training=True), training=True))
discriminator_optimizer.apply(tape.gradient(d_loss, D.trainable_variables), D.trainable_variables)
generator_optimizer.apply(tape.gradient(g_loss, G.trainable_variables), G.trainable_variables)
return g_loss, d_loss
"""
GENERATOR_FIRST = """
generator_optimizer, discriminator_optimizer = opts
with tf.GradientTape() as tape:
    g_loss = generator_loss_nonsaturating(D(G(noise[1], training=True), training=True))
generator_optimizer.apply(tape.gradient(g_loss, G.trainable_variables), G.trainable_variables)
with tf.GradientTape() as tape:
    d_loss = discriminator_loss(D(real, training=True), D(G(noise[0], training=True), training=True))
discriminator_optimizer.apply(tape.gradient(d_loss, D.trainable_variables), D.trainable_variables)
return g_loss, d_loss
"""
GENERATOR_TOO = (
    ("fake = G(noise[0], training=True)  # outside the tape: this step does not train the generator\n", ""),
    ("D(fake, training=True)", "D(G(noise[0], training=True), training=True)"),
    (D_GRADIENT, f"gradients = tape.gradient(d_loss, {BOTH})"),
    (D_APPLY, f"discriminator_optimizer.build({BOTH})\ndiscriminator_optimizer.apply(gradients, {BOTH})"),
)
DISCRIMINATOR_TOO = (
    (G_GRADIENT, f"gradients = tape.gradient(g_loss, {BOTH})"),
    (G_APPLY, f"generator_optimizer.build({BOTH})\ngenerator_optimizer.apply(gradients, {BOTH})"),
)
STEP_MUTANTS = [
    game(
        "the discriminator's step moves the generator too",
        *GENERATOR_TOO,
        by=f"judge_step new_judge rounds {GATES}",
    ),
    game(
        "the generator's step moves the discriminator too",
        *DISCRIMINATOR_TOO,
        by=f"generator_step new_judge rounds {GATES}",
    ),
    game(
        "one tape, the wrong variables",
        (D_GRADIENT, D_GRADIENT.replace("D.t", "G.t")),
        by=ALL_GAME + " run seed fresh covers draw",
    ),
    game(
        "the discriminator learns that fakes are real",
        ("D(real, training=True), D(fake, training=True)", "D(fake, training=True), D(real, training=True)"),
        by="losses judge_step training rounds covers draw",
    ),
    game(
        "the same optimizer for both",
        ("= opts", "= opts[0], opts[0]"),
        by=ALL_GAME + " run seed fresh covers draw",
    ),
    game(
        "the optimizers the wrong way around",
        (
            "generator_optimizer, discriminator_optimizer = opts",
            "discriminator_optimizer, generator_optimizer = opts",
        ),
        by="judge_step generator_step new_judge noise training rounds",
    ),
    game(
        "fakes are detached in the generator's step",
        (
            "D(G(noise[1], training=True), training=True)",
            "D(tf.stop_gradient(G(noise[1], training=True)), training=True)",
        ),
        by=ALL_GAME + " run seed fresh covers draw",
    ),
    game(
        "the generator's step goes through NumPy",
        (
            "D(G(noise[1], training=True), training=True)",
            "D(G(noise[1], training=True).numpy(), training=True)",
        ),
        by=ALL_GAME + " run seed fresh covers draw",
    ),
    game(
        "the minimax loss",
        ("generator_loss_nonsaturating", "generator_loss_minimax"),
        by="losses generator_step new_judge training rounds draw",
    ),
    game(
        "the generator goes uphill",
        (G_GRADIENT, G_GRADIENT + "\ngradients = [-g for g in gradients]"),
        by=f"generator_step new_judge training rounds {GATES}",
    ),
    game("both against the old networks: one tape for both", instead=ONE_TAPE, by="new_judge rounds"),
    game("the generator first", instead=GENERATOR_FIRST, by="new_judge rounds"),
    game("one noise for both steps", ("noise[1]", "noise[0]"), by="noise rounds"),
    game(
        "the noise the wrong way around",
        ("noise[0]", "noise[-1]"),
        ("noise[1]", "noise[0]"),
        by="noise rounds",
    ),
    game(
        "noise of its own making",
        ("fake = G(noise[0]", "noise = tf.random.normal(noise.shape)\nfake = G(noise[0]"),
        by="losses judge_step generator_step new_judge noise training rounds",
    ),
    game(
        "the discriminator is not told that it is trained",
        ("D(real, training=True), D(fake, training=True)", "D(real), D(fake)"),
        by="training",
    ),
    game(
        "the generator is not told that it is trained",
        ("D(G(noise[1], training=True), training=True)", "D(G(noise[1]), training=True)"),
        by="training",
    ),
    game(
        "fakes made in inference mode",
        ("fake = G(noise[0], training=True)", "fake = G(noise[0])"),
        by="training",
    ),
    game(
        "the generator's step asks the discriminator in inference mode",
        ("training=True), training=True))", "training=True)))"),
        by="training",
    ),
    game(
        "no step of the generator",
        (G_APPLY, "pass"),
        by="trains generator_step new_judge noise training rounds covers draw",
    ),
    game(
        "no step of the discriminator",
        (D_APPLY, "pass"),
        by="trains judge_step noise training rounds covers draw",
    ),
    game(
        "two steps of the discriminator", (D_APPLY, f"{D_APPLY}\n{D_APPLY}"), by="judge_step training rounds"
    ),
    game(
        "the losses the wrong way around",
        ("return g_loss, d_loss", "return d_loss, g_loss"),
        by="losses draw",
    ),
    game(
        "the losses' sum alone",
        ("return g_loss, d_loss", "return g_loss + d_loss"),
        by=ALL_GAME + " run draw",
    ),
    game(
        "the mean of both losses for the generator",
        (
            G_TAPE,
            G_TAPE
            + "\n    g_loss = g_loss + discriminator_loss(D(real, training=True), D(fake, training=True))",
        ),
        by="losses draw",
    ),
    game(
        "weight decay",
        (D_APPLY, f"{D_APPLY}\nfor v in D.trainable_variables: v.assign(0.99 * v)"),
        by="losses judge_step generator_step training rounds covers",
    ),
]

# 4. The ring

ring = of("ring_gan", "train_ring_gan")
OPTS = "opts = make_ring_optimizer(steps), make_ring_optimizer(steps)  # each with moments of its own"
FRESH = "noise = tf.random.normal((2, RING_BATCH, RING_NOISE_DIM))"
REAL = "sample_ring(RING_BATCH)"
BEFORE_STEP = "@tf.function(autograph=False)"
SEED = "keras.utils.set_random_seed(seed)"
RESULT = "return G, D, losses"
RING_MUTANTS = [
    ring(
        "one optimizer for both",
        (OPTS, "one = make_ring_optimizer(steps)\nopts = one, one"),
        by=f"run seed fresh {GATES}",
    ),
    ring(
        "one optimizer for both, built for the weights of both",
        (
            OPTS,
            "one = make_ring_optimizer(2 * steps)\none.build(G.trainable_variables + D.trainable_variables)\nopts = one, one",
        ),
        by="fresh",
    ),
    ring(
        "one batch of real samples for all steps",
        (REAL + ", opts", "real, opts"),
        (BEFORE_STEP, f"real = {REAL}\n\n{BEFORE_STEP}"),
        by="fresh",
    ),
    ring(
        "one noise for all steps",
        ("    " + FRESH + "\n", ""),
        (BEFORE_STEP, f"{FRESH}\n\n{BEFORE_STEP}"),
        by="fresh covers draw",
    ),
    ring(
        "one noise for both halves of a step",
        (FRESH, FRESH.replace("(2", "(1") + "\n    noise = tf.repeat(noise, 2, axis=0)"),
        by="fresh",
    ),
    ring(
        "noise made by NumPy while the step is traced",
        (FRESH, "noise = tf.constant(np.random.normal(size=(2, RING_BATCH, RING_NOISE_DIM)), tf.float32)"),
        by="fresh covers draw",
    ),
    ring("uniform noise", (FRESH, FRESH.replace("normal", "uniform")), by="fresh"),
    ring(
        "the real samples are noise",
        (REAL + ", opts", "tf.random.normal((RING_BATCH, 2)), opts"),
        by="fresh covers",
    ),
    ring("the seed is forgotten", (SEED + "\n", ""), by="seed"),
    ring("one seed for all", (SEED, "keras.utils.set_random_seed(0)"), by="seed"),
    ring(
        "one step, whatever is asked", ("for _ in range(steps)", "for _ in range(1)"), by="run fresh covers"
    ),
    ring(
        "fakes are shown as real",
        (
            "gan_train_step(G, D, sample_ring(RING_BATCH), opts, noise)",
            "gan_train_step(G, D, G(noise[0]), opts, noise)",
        ),
        by="fresh covers",
    ),
    ring("the discriminator first", (RESULT, "return D, G, losses"), by=f"run seed {GATES}"),
    ring("no losses", (RESULT, "return G, D"), by=f"run seed {GATES}"),
    ring("the last losses alone", (RESULT, "return G, D, losses[-1]"), by="run draw"),
    ring(
        "a generator that was not trained",
        (RESULT, "return make_ring_generator(), D, losses"),
        by="covers",
    ),
    ring(
        "it trains by a step of its own",
        instead=body("ring_gan", "train_ring_gan")
        .replace("return gan_train_step(", "return own(")
        .replace(BEFORE_STEP, "own = gan_train_step\n\n" + BEFORE_STEP)
        .replace(
            "own = gan_train_step",
            "import types\nown = types.FunctionType(gan_train_step.__code__, globals())",
        ),
        by="fresh",
    ),
]

# 5. Faces

prepare = of("dcgan", "prepare_images")
maker = of("dcgan", "make_generator")
teller = of("dcgan", "make_discriminator")
TANH = 'layers.Conv2DTranspose(channels, **enlarge, activation="tanh"),  # (H, W, C)'
FIRST_CONV = "layers.Conv2D(width, **halve),  # (H / 2, W / 2, width)"
SECOND_CONV = "layers.Conv2D(2 * width, **halve, use_bias=False),  # (H / 4, W / 4, 2 width)"
HALF = "layers.Conv2DTranspose(width, **enlarge, use_bias=False),  # (H / 2, W / 2, width)\n"
FACE_MUTANTS = [
    prepare("pixels stay between 0 and 1", instead="return ops.expand_dims(images, -1)", by="pixels"),
    prepare("no axis for the channel", instead="return 2 * images - 1", by="pixels"),
    prepare("the channel comes first", ("-1) - 1", "1) - 1"), by="pixels"),
    prepare(
        "pixels of 0 to 255 are expected",
        ("2 * ops.expand_dims(images, -1)", "ops.expand_dims(images, -1) / 127.5"),
        by="pixels",
    ),
    prepare(
        "standardized",
        instead="x = ops.expand_dims(images, -1)\nreturn (x - ops.mean(x)) / ops.std(x)",
        by="pixels",
    ),
    prepare("the negative", instead="return 1 - 2 * ops.expand_dims(images, -1)", by="pixels"),
    maker("a sigmoid at the end", ('"tanh"', '"sigmoid"'), by="reach"),
    maker("nothing at the end", ('"tanh"', "None"), by="reach"),
    maker("normalized at the end", (TANH, TANH + "\n        layers.BatchNormalization(),"), by="reach norms"),
    maker(
        "normalized before the tanh",
        (
            TANH,
            "layers.Conv2DTranspose(channels, **enlarge),\nlayers.BatchNormalization(),\nlayers.Activation('tanh'),",
        ),
        by="norms",
    ),
    maker(
        "no normalization",
        instead=body("dcgan", "make_generator").replace("layers.BatchNormalization(),", ""),
        by="norms",
    ),
    maker(
        "noise with axes of an image",
        ("keras.Input((noise_dim,)),", "keras.Input((1, 1, noise_dim)),\nlayers.Flatten(),"),
        by="images reach",
    ),
    maker(
        "one channel, whatever is asked",
        ("ConvTranspose(channels" if False else "Conv2DTranspose(channels", "Conv2DTranspose(1"),
        by="images",
    ),
    maker(
        "square images",
        ("height, breadth, channels = image_shape", "height, _, channels = image_shape\nbreadth = height"),
        by="images strides",
    ),
    maker(
        "one enlargement by 4",
        (HALF, ""),
        (
            "layers.Conv2DTranspose(channels, **enlarge",
            "layers.Conv2DTranspose(channels, 4, strides=4, padding='same'",
        ),
        by="strides",
    ),
    maker("width is ignored", ("image_shape", "image_shape\nwidth = 32"), by="strides"),
    maker(
        "twice the size",
        ("height // 4 * (breadth // 4)", "height // 2 * (breadth // 2)"),
        ("(height // 4, breadth // 4, 2", "(height // 2, breadth // 2, 2"),
        by="images strides",
    ),
    teller(
        "a sigmoid, for a loss of logits",
        ("layers.Dense(1)", 'layers.Dense(1, activation="sigmoid")'),
        by="leaks",
    ),
    teller("a tanh at the end", ("layers.Dense(1)", 'layers.Dense(1, activation="tanh")'), by="leaks"),
    teller(
        "normalized at the input", (FIRST_CONV, "layers.BatchNormalization(),\n" + FIRST_CONV), by="norms"
    ),
    teller(
        "plain ReLUs",
        instead=body("dcgan", "make_discriminator").replace("LeakyReLU(0.2)", "ReLU()"),
        by="leaks",
    ),
    teller(
        "no activations",
        instead=body("dcgan", "make_discriminator").replace("layers.LeakyReLU(0.2),", ""),
        by="leaks",
    ),
    teller(
        "pooling",
        (FIRST_CONV, "layers.Conv2D(width, 3, padding='same'),\nlayers.MaxPooling2D(),"),
        by="strides",
    ),
    teller("global pooling", ("layers.Flatten()", "layers.GlobalAveragePooling2D()"), by="strides"),
    teller("two logits", ("layers.Dense(1)", "layers.Dense(2)"), by="logit"),
    teller("a map of logits", ("layers.Flatten(),", ""), by="logit"),
    teller("one convolution alone", (SECOND_CONV, ""), by="strides"),
    teller(
        "no strides",
        instead=body("dcgan", "make_discriminator").replace('"strides": 2', '"strides": 1'),
        by="strides",
    ),
    teller(
        "dense layers alone",
        instead="return keras.Sequential([keras.Input(image_shape), layers.Flatten(), layers.Dense(width), layers.LeakyReLU(0.2), layers.Dense(width), layers.LeakyReLU(0.2), layers.Dense(1)])",
        by="strides norms",
    ),
]

# 6. Moving earth

emd = of("wasserstein", "wasserstein_1d")
c_loss = of("wasserstein", "critic_loss")
g_loss = of("wasserstein", "generator_loss")
clip = of("wasserstein", "clip_weights")
wgan = of("wasserstein", "wgan_train_step")
C_APPLY = "critic_optimizer.apply(gradients, critic.trainable_variables)"
C_GRADIENT = "gradients = tape.gradient(c_loss, critic.trainable_variables)"
C_TAPE = "c_loss = critic_loss(critic(real_batch, training=True), critic(fake, training=True))"
CLIP = "    clip_weights(critic, c)\n"
ALL_WGAN = "clipped critic_step n_critic wgan_round"
EARTH_MUTANTS = [
    emd("no running sum", ("ops.cumsum(p - q)", "p - q"), by="crosses places grains"),
    emd("no absolute values", ("ops.sum(ops.abs(carried))", "ops.sum(carried)"), by="crosses places grains"),
    emd(
        "the absolute value of the sum",
        ("ops.sum(ops.abs(carried))", "ops.abs(ops.sum(carried))"),
        by="crosses grains",
    ),
    emd("squares", ("ops.abs(", "ops.square("), by="crosses places grains"),
    emd("the mean over the gaps", ("ops.sum(", "ops.mean("), by="crosses places grains"),
    emd("the largest of them", ("ops.sum(", "ops.max("), by="crosses places grains"),
    emd("normalized to mass 1", ("p - q", "(p - q) / ops.sum(p)"), by="crosses grains"),
    emd("half of it", ("return ops", "return 0.5 * ops"), by="crosses places grains"),
    emd("total variation", instead="return 0.5 * ops.sum(ops.abs(p - q))", by="crosses places grains"),
    emd(
        "the difference of the means",
        instead="x = ops.arange(p.shape[0], dtype='float32')\nreturn ops.abs(ops.sum(x * p) - ops.sum(x * q))",
        by="crosses grains",
    ),
    c_loss(
        "real samples score low, as in the course's slides",
        instead="return ops.mean(real_scores) - ops.mean(fake_scores)",
        by="scores difference wgan_round gp_round slope",
    ),
    c_loss(
        "a sigmoid on the scores",
        ("ops.mean(fake", "ops.mean(ops.sigmoid(fake"),
        ("fake_scores)", "fake_scores))"),
        ("ops.mean(real_scores", "ops.mean(ops.sigmoid(real_scores)"),
        by="scores difference wgan_round gp_round",
    ),
    c_loss(
        "cross-entropy left in",
        instead="return ops.mean(ops.softplus(fake_scores)) + ops.mean(ops.softplus(-real_scores))",
        by="scores difference wgan_round gp_round",
    ),
    c_loss(
        "sums",
        instead="return ops.sum(fake_scores) - ops.sum(real_scores)",
        by="scores difference wgan_round gp_round",
    ),
    c_loss(
        "squares",
        instead="return ops.mean(ops.square(fake_scores)) - ops.mean(ops.square(real_scores))",
        by="scores difference wgan_round gp_round slope",
    ),
    c_loss("the fakes alone", (" - ops.mean(real_scores)", ""), by="scores difference wgan_round gp_round"),
    g_loss(
        "the sign", instead="return ops.mean(fake_scores)", by="scores difference wgan_round gp_round slope"
    ),
    g_loss(
        "cross-entropy",
        instead="return ops.mean(ops.softplus(-fake_scores))",
        by="scores difference wgan_round gp_round",
    ),
    g_loss("the sum", ("mean", "sum"), by="scores difference wgan_round gp_round"),
    clip(
        "only from above",
        ("ops.clip(variable, -c, c)", "ops.minimum(variable, c)"),
        by="clip clipped critic_step wgan_round",
    ),
    clip("to 0 and c", ("-c, c", "0, c"), by="clip critic_step wgan_round"),
    clip("one hundredth, whatever c is", ("-c, c", "-0.01, 0.01"), by="clip critic_step wgan_round"),
    clip(
        "every weight becomes c or -c",
        ("ops.clip(variable, -c, c)", "c * ops.sign(variable)"),
        by="clip critic_step wgan_round",
    ),
    clip(
        "the kernels alone",
        ("variable.assign", "if len(variable.shape) > 1: variable.assign"),
        by="clip clipped critic_step wgan_round",
    ),
    clip(
        "scaled to a norm of c",
        ("ops.clip(variable, -c, c)", "variable * c / ops.norm(variable)"),
        by="clip critic_step wgan_round",
    ),
    clip(
        "clipped copies",
        ("variable.assign(ops.clip(variable, -c, c))", "ops.clip(variable, -c, c)"),
        by="clip clipped critic_step wgan_round",
    ),
    wgan("never clipped", (CLIP, ""), by="clipped critic_step wgan_round"),
    wgan(
        "clipped before the step",
        (CLIP, ""),
        (f"    {C_APPLY}", f"    clip_weights(critic, c)\n    {C_APPLY}"),
        by="clipped critic_step wgan_round",
    ),
    wgan(
        "the generator is clipped", (CLIP, CLIP.replace("critic", "G")), by="clipped critic_step wgan_round"
    ),
    wgan("both are clipped", (CLIP, CLIP + CLIP.replace("critic", "G")), by="clipped critic_step wgan_round"),
    wgan(
        "gradients are clipped instead",
        (CLIP, ""),
        (C_GRADIENT, C_GRADIENT + "\n    gradients = [ops.clip(g, -c, c) for g in gradients]"),
        by="clipped critic_step wgan_round",
    ),
    wgan(
        "clipped at the default bound",
        ("clip_weights(critic, c)", "clip_weights(critic)"),
        by="critic_step wgan_round",
    ),
    wgan(
        "one step of the critic",
        ("tf.unstack(real), tf.unstack(noise[:-1])", "tf.unstack(real[:1]), tf.unstack(noise[:1])"),
        by="n_critic wgan_round",
    ),
    wgan(
        "five steps, whatever there are",
        (
            "zip(tf.unstack(real), tf.unstack(noise[:-1]), strict=True)",
            "zip(5 * tf.unstack(real), 5 * tf.unstack(noise[:-1])[:5])",
        ),
        by="critic_step n_critic wgan_round",
    ),
    wgan(
        "a step of the generator after each of the critic",
        (
            CLIP,
            CLIP
            + "    with tf.GradientTape() as tape: extra = generator_loss(critic(G(noise[-1], training=True), training=True))\n    generator_optimizer.apply(tape.gradient(extra, G.trainable_variables), G.trainable_variables)\n",
        ),
        by="n_critic wgan_round",
    ),
    wgan(
        "the loss of the first set: cross-entropy left in",
        (
            C_TAPE,
            "c_loss = discriminator_loss(critic(real_batch, training=True), critic(fake, training=True))",
        ),
        by="critic_step wgan_round",
    ),
    wgan("one batch of real samples for all steps", ("critic(real_batch", "critic(real[0]"), by="wgan_round"),
    wgan("the first noise for the generator", ("noise[-1]", "noise[0]"), by="wgan_round"),
    wgan(
        "the optimizers the wrong way around",
        ("generator_optimizer, critic_optimizer = opts", "critic_optimizer, generator_optimizer = opts"),
        by="critic_step n_critic wgan_round",
    ),
    wgan(
        "the critic goes uphill",
        (C_GRADIENT, C_GRADIENT + "\n    gradients = [-g for g in gradients]"),
        by="critic_step wgan_round",
    ),
    wgan(
        "the generator minimizes the critic's loss",
        ("g_loss = generator_loss(", "g_loss = ops.mean("),
        by="wgan_round",
    ),
]

# 7. The penalty

alpha = of("gradient_penalty", "draw_alpha")
mix = of("gradient_penalty", "interpolate")
penalty = of("gradient_penalty", "gradient_penalty")
UNIFORM = "tf.random.uniform(samples.shape[:1] + [1] * (samples.ndim - 1))"
SLOPES = "slopes = ops.sqrt(squares + 1e-12)  # the root of 0 has no derivative"
POINTS = "points = interpolate(real, fake, alpha)"
MEAN = "ops.mean(ops.square(slopes - 1))"
GRADIENT = "gradients = tape.gradient(scores, points)  # (B, ...): a score depends on its own point alone"
GP = "gp_step gp_round"
PENALTY_MUTANTS = [
    alpha("normal, as in the Keras example", ("uniform", "normal"), by="one_alpha uniform"),
    alpha(
        "one number for the batch",
        instead="return tf.random.uniform([1] * samples.ndim)",
        by="one_alpha uniform",
    ),
    alpha(
        "one number for the batch, repeated",
        instead="return tf.ones(samples.shape[:1] + [1] * (samples.ndim - 1)) * tf.random.uniform(())",
        by="uniform",
    ),
    alpha("a number for each feature", instead="return tf.random.uniform(samples.shape)", by="one_alpha"),
    alpha(
        "without axes for the features",
        instead="return tf.random.uniform(samples.shape[:1])",
        by="one_alpha slope",
    ),
    alpha("a half for all", instead=f"return 0.5 + 0 * {UNIFORM}", by="uniform"),
    alpha("0 or 1", instead=f"return tf.round({UNIFORM})", by="uniform"),
    alpha("from -1 to 1", instead=f"return 2 * {UNIFORM} - 1", by="one_alpha uniform"),
    alpha("mostly near 0", instead=f"return {UNIFORM} ** 2", by="uniform"),
    alpha(
        "two axes, whatever the samples have",
        instead="return tf.random.uniform((samples.shape[0], 1))",
        by="one_alpha",
    ),
    mix(
        "the share of the fake",
        instead="return alpha * fake + (1 - alpha) * real",
        by="share curved between gp_round",
    ),
    mix("the sum", ("(1 - alpha) * fake", "alpha * fake"), by="share curved between gp_round"),
    mix(
        "the real samples",
        instead="return alpha * real + (1 - alpha) * real",
        by="share curved between gp_round",
    ),
    mix("the fakes", instead="return alpha * fake + (1 - alpha) * fake", by="share curved between gp_round"),
    mix(
        "one alpha for all samples",
        ("return alpha", "alpha = alpha[:1]\nreturn alpha"),
        by="share curved own_slope gp_round",
    ),
    penalty(
        "the slope at the real samples",
        (POINTS, "points = real + 0 * fake"),
        by="curved between gp_round",
    ),
    penalty("the slope at the fakes", (POINTS, "points = fake + 0 * real"), by="curved between gp_round"),
    penalty(
        "the norm over the batch",
        instead="points = interpolate(real, fake, alpha)\nwith tf.GradientTape() as tape:\n    tape.watch(points)\n    scores = critic(points)\ngradient = tape.gradient(scores, points)\nreturn ops.square(ops.sqrt(ops.sum(ops.square(gradient)) + 1e-12) - 1)",
        by="curved straight between own_slope second gp_round",
    ),
    penalty(
        "no square root: |g|^2 - 1",
        (SLOPES, "slopes = squares"),
        by="curved straight between second gp_round",
    ),
    penalty(
        "the square of |g|^2 - 1 without the square",
        (MEAN, "ops.mean(squares - 1)"),
        by="curved straight between second flat gp_round",
    ),
    penalty(
        "not squared", (MEAN, "ops.mean(ops.abs(slopes - 1))"), by="curved straight between second gp_round"
    ),
    penalty(
        "one-sided",
        (MEAN, "ops.mean(ops.square(ops.maximum(slopes - 1, 0)))"),
        by="curved straight between second flat gp_round",
    ),
    penalty(
        "the slope should be 0", ("slopes - 1", "slopes"), by="curved straight between second flat gp_round"
    ),
    penalty(
        "the sum over the batch",
        ("ops.mean(", "ops.sum("),
        by="curved straight between own_slope second flat gp_round",
    ),
    penalty(
        "the mean squared, not the squares' mean",
        (MEAN, "ops.square(ops.mean(slopes) - 1)"),
        by="curved between own_slope gp_round",
    ),
    penalty(
        "lambda inside", ("return ops", "return 10 * ops"), by="curved straight between second flat gp_round"
    ),
    penalty(
        "the norm over the last axis alone",
        ("features = tuple(range(1, gradients.ndim))", "features = -1"),
        by="curved straight",
    ),
    penalty(
        "the largest component",
        ("ops.sum(ops.square(gradients), axis=features)", "ops.max(ops.square(gradients), axis=features)"),
        by="curved straight between second gp_round",
    ),
    penalty(
        "cut off from the critic",
        (GRADIENT, "gradients = tf.stop_gradient(tape.gradient(scores, points))"),
        by="second gp_round",
    ),
    penalty(
        "through NumPy",
        (GRADIENT, "gradients = tf.constant(tape.gradient(scores, points).numpy())"),
        by="second gp_round",
    ),
    penalty(
        "the inner tape does not record its own gradient",
        (
            GRADIENT,
            "with tape.stop_recording() if False else tf.init_scope(): gradients = tape.gradient(scores, points)",
        ),
        by="second gp_round",
    ),
    penalty("the bare root", (SLOPES, "slopes = ops.sqrt(squares)"), by="flat"),
    penalty(
        "the slope of the mean score",
        ("scores = critic(points)", "scores = ops.mean(critic(points))"),
        by="curved straight between own_slope second gp_round",
    ),
]

# 8. A Wasserstein GAN on the ring

gp_step = of("ring_wgan", "wgan_gp_train_step")
ring_wgan = of("ring_wgan", "train_ring_wgan")
WEIGHTED = "    c_loss += penalty_weight * gradient_penalty(critic, real[i], fake, alpha[i])\n"
WGAN_MUTANTS = [
    gp_step("no penalty", ("        " + WEIGHTED.strip() + "\n", ""), by=f"{GP} slope"),
    gp_step("lambda is 10 at all times", ("penalty_weight *", "10.0 *"), by=GP),
    gp_step("lambda is 1 at all times", ("penalty_weight *", "1.0 *"), by=GP),
    gp_step("the penalty is taken off", ("c_loss +=", "c_loss -="), by=f"{GP} slope"),
    gp_step(
        "the penalty outside the tape",
        (WEIGHTED.strip(), "pass"),
        (C_GRADIENT, f"{C_GRADIENT}\n    {WEIGHTED.strip()}"),
        by=f"{GP} slope",
    ),
    gp_step("one alpha for all steps", ("alpha[i]", "alpha[0]"), by="gp_round"),
    gp_step("one noise for all steps", ("noise[i]", "noise[0]"), by="gp_round"),
    gp_step("one batch for all steps", ("critic(real[i]", "critic(real[0]"), by="gp_round"),
    gp_step(
        "clipped as well",
        (
            "critic_optimizer.apply(gradients, critic.trainable_variables)",
            "critic_optimizer.apply(gradients, critic.trainable_variables)\n    clip_weights(critic, 0.1)",
        ),
        by=GP,
    ),
    gp_step("one step of the critic", ("range(real.shape[0])", "range(1)"), by="gp_round"),
    gp_step(
        "the generator is not trained",
        ("generator_optimizer.apply(gradients, G.trainable_variables)", "pass"),
        by="gp_trains gp_round slope",
    ),
    gp_step(
        "the critic goes uphill",
        (
            "gradients = tape.gradient(c_loss, critic.trainable_variables)",
            "gradients = [-g for g in tape.gradient(c_loss, critic.trainable_variables)]",
        ),
        by=f"{GP} slope",
    ),
    gp_step(
        "the generator's loss alone", ("return g_loss, c_loss", "return g_loss"), by=f"gp_trains {GP} slope"
    ),
    ring_wgan("the critic first", ("return G, critic, losses", "return critic, G, losses"), by="slope"),
    ring_wgan(
        "a critic that was not trained",
        ("return G, critic, losses", "return G, make_ring_discriminator(), losses"),
        by="slope",
    ),
]

MUTANTS = [
    *LOSS_MUTANTS,
    *DIVERGENCE_MUTANTS,
    *STEP_MUTANTS,
    *RING_MUTANTS,
    *FACE_MUTANTS,
    *EARTH_MUTANTS,
    *PENALTY_MUTANTS,
    *WGAN_MUTANTS,
]

# Right solutions that look different: one a file, in the folder beside this one

VARIANTS = [
    Variant(path.stem, path.read_text(encoding="utf-8"))
    for path in sorted(Path(__file__).with_suffix("").glob("*.py"))
]
