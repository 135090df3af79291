"""Wrong and right solutions of problem set 8, for the proof of its checks."""

from pathlib import Path

from autograder.checking.mutants import Mutant, Variant

CHECKS = {
    "compose": "the_autoencoder_is_its_decoder_after_its_encoder",
    "params": "the_autoencoder_has_the_parameters_of_its_dense_layers",
    "affine": "without_hidden_layers_the_output_is_affine",
    "bend": "hidden_layers_bend_and_codes_and_outputs_do_not",
    "trained": "training_without_hidden_layers_finds_the_principal_components",
    "one": "a_loss_is_one_number_for_each_example",
    "mse": "mse_agrees_with_the_reference",
    "bce": "bce_is_the_cross_entropy_of_logits",
    "bce_large": "bce_of_large_logits_is_finite_and_grows_with_them",
    "loss_grads": "gradients_of_the_losses_reach_the_output",
    "clean": "the_target_of_denoising_is_clean",
    "stddev": "the_disturbance_is_the_noise_times_its_standard_deviation",
    "threshold": "the_threshold_is_a_standard_deviation_above_the_mean",
    "scales": "the_threshold_scales_and_shifts_with_the_errors",
    "anomalies": "anomalies_are_told_by_the_training_errors_alone",
    "draw": "a_draw_is_the_mean_plus_standard_deviations_of_noise",
    "extreme": "large_and_small_variances_are_drawn_from_too",
    "own_noise": "each_feature_moves_with_its_own_noise",
    "draw_grads": "gradients_pass_through_the_draw",
    "eval": "outside_training_the_layer_gives_the_mean",
    "anew": "every_call_in_training_draws_anew",
    "moments": "draws_have_the_mean_and_the_variance_asked_for",
    "apart": "examples_and_features_have_noise_of_their_own",
    "layer_grads": "gradients_pass_through_the_layer",
    "compiled": "compiled_functions_draw_anew_and_a_seed_repeats_the_draws",
    "kl": "divergence_agrees_with_the_reference",
    "prior": "divergence_is_zero_where_code_and_prior_agree",
    "positive": "divergence_is_never_negative",
    "adds": "divergence_adds_up_over_the_features",
    "ratio": "divergence_is_the_mean_of_a_ratio_of_densities",
    "kl_large": "divergence_of_extreme_variances_is_right",
    "square": "the_square_of_the_mean_counts_half_whatever_the_variance",
    "kl_grads": "gradients_of_the_divergence_pull_to_the_prior",
    "recon": "reconstruction_agrees_with_the_reference",
    "pixels": "reconstruction_adds_up_over_the_pixels",
    "recon_large": "reconstruction_of_large_logits_is_finite",
    "recon_grads": "gradients_of_the_reconstruction_reach_the_logits",
    "density": "log_density_agrees_with_the_reference",
    "integral": "the_density_integrates_to_one",
    "bound": "the_bound_is_likelihood_and_prior_over_code",
    "evidence": "at_the_posterior_the_bound_is_the_evidence_for_every_draw",
    "below": "away_from_the_posterior_the_bound_is_lower_by_the_divergence",
    "loss": "the_loss_is_the_mean_over_the_batch_of_both_parts",
    "agree": "the_loss_agrees_with_draws_of_the_bound",
    "net_shape": "the_encoder_gives_two_codes_and_the_decoder_logits",
    "net_params": "the_networks_have_one_hidden_layer_each",
    "net_any": "means_variances_and_logits_may_be_any_number",
    "call": "a_call_reconstructs_from_the_mean",
    "moves": "a_training_step_moves_encoder_and_decoder",
    "sgd": "one_step_of_sgd_is_weights_minus_rate_times_gradient",
    "frozen": "a_frozen_decoder_stays_as_it_is",
    "reports": "the_step_reports_the_parts_of_the_loss",
    "epoch": "metrics_are_means_over_an_epoch_and_begin_anew",
    "vae_noise": "training_draws_noise_for_every_example",
    "generate": "generated_pixels_are_probabilities",
    "digits": "training_on_digits_reaches_a_good_bound",
    "label_out": "the_output_of_the_decoder_changes_with_the_label",
    "label_in": "the_code_changes_with_the_label",
    "one_hot": "labels_stand_as_one_hot_vectors_behind_the_features",
    "samples": "digits_that_are_drawn_for_a_label_show_it",
}
GROUPS = {
    "ALL_DRAW": "draw extreme own_noise draw_grads",
    "ALL_LAYER": "eval anew moments apart layer_grads compiled",
    "ALL_KL": "kl prior positive adds ratio kl_large square kl_grads",
    "NUMBERS": "kl ratio kl_large kl_grads",
    "ALL_NETWORKS": "net_shape net_params net_any",
    "ALL_STEP": "moves sgd frozen reports epoch vae_noise",
}


def checks(labels):
    """The ids of the checks and groups of checks with these labels."""
    expanded = " ".join(GROUPS.get(label, label) for label in labels.split())
    return tuple(CHECKS[label] for label in expanded.split())


def edited(text, *edits):
    """`text` with other words; each edit is a pair of what stands there once and what takes its place."""
    for old, new in edits:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the text to be edited"
        text = text.replace(old, new)
    return text


def maker(target, right):
    """Makes mutants of one target: its right body with edits."""

    def mutant(wrong, *edits, first="", by):
        return Mutant(target, wrong, first + edited(right, *edits), checks(by))

    return mutant


# 1. Autoencoders

AUTOENCODER = """
widths = [hidden] if hidden else []
def stack(name, size_in, size_out):
    layers = [keras.layers.Dense(width, activation="relu") for width in widths]
    last = keras.layers.Dense(size_out)
    return keras.Sequential([keras.Input((size_in,)), *layers, last], name=name)
encoder, decoder = stack("encoder", n, latent), stack("decoder", latent, n)
x = keras.Input((n,))
return keras.Model(x, decoder(encoder(x))), encoder, decoder
"""
autoencoder = maker("build_autoencoder", AUTOENCODER)
LAST = "keras.layers.Dense(size_out)"

AUTOENCODER_MUTANTS = [
    autoencoder(
        "a sigmoid at the end of the decoder",
        (LAST, "keras.layers.Dense(size_out, activation='sigmoid' if name == 'decoder' else None)"),
        by="affine bend trained",
    ),
    autoencoder(
        "ReLU on the code",
        (LAST, "keras.layers.Dense(size_out, activation='relu' if name == 'encoder' else None)"),
        by="affine bend trained",
    ),
    autoencoder("hidden layers without ReLU", ('activation="relu"', "activation=None"), by="bend"),
    autoencoder("tanh for ReLU", ('"relu"', '"tanh"'), by="bend"),
    autoencoder("no biases", (LAST, "keras.layers.Dense(size_out, use_bias=False)"), by="params trained"),
    autoencoder(
        "no bottleneck: a code as wide as the input",
        first="latent = n\n",
        by="compose params affine trained bend",
    ),
    autoencoder(
        "a code that is one feature too wide",
        first="latent = latent + 1\n",
        by="compose params affine trained bend",
    ),
    autoencoder(
        "an autoencoder with layers of its own",
        ("decoder(encoder(x))", "stack('d', latent, n)(stack('e', n, latent)(x))"),
        by="compose trained",
    ),
    autoencoder(
        "the three in another order",
        (
            "keras.Model(x, decoder(encoder(x))), encoder, decoder",
            "encoder, decoder, keras.Model(x, decoder(encoder(x)))",
        ),
        by="compose params affine bend trained",
    ),
    autoencoder(
        "the autoencoder alone", (", encoder, decoder\n", "\n"), by="compose params affine bend trained"
    ),
    autoencoder(
        "the input is added to the output",
        ("decoder(encoder(x))", "decoder(encoder(x)) + x"),
        by="compose affine trained",
    ),
    autoencoder("the hidden layer is left out", first="hidden = None\n", by="params bend"),
    autoencoder("two hidden layers", ("[hidden] if", "[hidden, hidden] if"), by="params"),
    autoencoder(
        "the output has the size of the code",
        ('stack("decoder", latent, n)', "stack('decoder', latent, latent)"),
        by="compose params affine trained",
    ),
    autoencoder(
        "the decoder is frozen",
        ("x = keras.Input((n,))", "decoder.trainable = False\nx = keras.Input((n,))"),
        by="params trained",
    ),
]

mse = maker("mse_loss", "return ops.mean(ops.square(output - x), axis=-1)")
bce = maker("bce_loss", "return ops.mean(ops.softplus(logits) - x * logits, axis=-1)")
TERMS = "ops.softplus(logits) - x * logits"
P = "p = ops.sigmoid(logits)\n"
LIKELIHOOD = "-x * ops.log(p) - (1 - x) * ops.log(1 - p)"

LOSS_MUTANTS = [
    mse("a sum over the features", ("ops.mean", "ops.sum"), by="mse loss_grads"),
    mse("a mean over the batch too", (", axis=-1", ""), by="one mse loss_grads"),
    mse("a mean over the batch alone", ("axis=-1", "axis=0"), by="one mse loss_grads"),
    mse("the absolute error", ("ops.square", "ops.abs"), by="mse loss_grads"),
    mse(
        "the root of it",
        ("ops.mean(ops.square(output - x), axis=-1)", "ops.sqrt(ops.mean(ops.square(output - x), axis=-1))"),
        by="mse loss_grads",
    ),
    mse("half of it", ("ops.mean", "0.5 * ops.mean"), by="mse loss_grads"),
    mse("not squared", ("ops.square(output - x)", "(output - x)"), by="mse loss_grads"),
    mse("a sigmoid of the output", ("output - x", "ops.sigmoid(output) - x"), by="mse loss_grads"),
    mse("no gradient", first="output = ops.stop_gradient(output)\n", by="loss_grads"),
    mse("NumPy", first="import numpy as np\nx, output = np.array(x), np.array(output)\n", by="loss_grads"),
    bce("the sign", ("ops.mean", "-ops.mean"), by="bce bce_large loss_grads"),
    bce("a sum over the features", ("ops.mean", "ops.sum"), by="bce bce_large loss_grads"),
    bce("a mean over the batch too", (", axis=-1", ""), by="one bce bce_large loss_grads"),
    bce(
        "logits taken for probabilities",
        (TERMS, "-x * ops.log(ops.abs(logits)) - (1 - x) * ops.log(ops.abs(1 - logits))"),
        by="bce bce_large loss_grads",
    ),
    bce("log of a sigmoid", (TERMS, LIKELIHOOD), first=P, by="bce_large"),
    bce(
        "log of a clipped sigmoid",
        (TERMS, LIKELIHOOD),
        first="p = ops.clip(ops.sigmoid(logits), 1e-7, 1 - 1e-7)\n",
        by="bce_large",
    ),
    bce("a sigmoid too many", first="logits = ops.sigmoid(logits)\n", by="bce bce_large loss_grads"),
    bce("what is dark does not count", (TERMS, "x * ops.softplus(-logits)"), by="bce bce_large loss_grads"),
    bce("in bits", ("ops.mean", "1.442695 * ops.mean"), by="bce bce_large loss_grads"),
    bce("x is rounded", first="x = ops.cast(x > 0.5, logits.dtype)\n", by="bce bce_large loss_grads"),
    bce("no gradient", first="logits = ops.stop_gradient(logits)\n", by="loss_grads"),
    bce("the squared error", (TERMS, "ops.square(ops.sigmoid(logits) - x)"), by="bce bce_large loss_grads"),
]

denoising = maker("denoising_pairs", "return x + stddev * noise, x")
threshold = maker("anomaly_threshold", "return ops.mean(train_errors) + ops.std(train_errors)")
anomalies = maker("find_anomalies", "return errors > anomaly_threshold(train_errors)")
STD = "ops.std(train_errors)"

DENOISING_MUTANTS = [
    denoising("a noisy target", ("noise, x", "noise, x + stddev * noise"), by="clean stddev"),
    denoising("target first", ("x + stddev * noise, x", "x, x + stddev * noise"), by="clean stddev"),
    denoising("no noise", ("x + stddev * noise, x", "x, x"), by="clean stddev"),
    denoising("the target is the noise", ("noise, x", "noise, noise"), by="clean stddev"),
    denoising("the standard deviation is not used", ("stddev * ", ""), by="clean stddev"),
    denoising("always the same standard deviation", first="stddev = 0.3\n", by="stddev"),
    denoising("stddev is taken for a variance", ("stddev * ", "stddev**0.5 * "), by="clean stddev"),
    denoising("its square", ("stddev * ", "stddev**2 * "), by="clean stddev"),
    denoising(
        "clipped to 0 and 1", ("x + stddev * noise", "ops.clip(x + stddev * noise, 0, 1)"), by="clean stddev"
    ),
    denoising("the noise multiplies", ("x + stddev * noise", "x * (1 + stddev * noise)"), by="clean stddev"),
    denoising("the input alone", (", x", ""), by="clean stddev"),
    threshold("the mean alone", (f" + {STD}", ""), by="threshold"),
    threshold("the variance", ("ops.std", "ops.var"), by="threshold scales"),
    threshold("two standard deviations", (STD, f"2 * {STD}"), by="threshold"),
    threshold("the standard deviation below", ("+", "-"), by="threshold"),
    threshold(
        "the largest error", (f"ops.mean(train_errors) + {STD}", "ops.max(train_errors)"), by="threshold"
    ),
    threshold("median for mean", ("ops.mean", "ops.median"), by="threshold"),
    threshold(
        "divided by N - 1",
        (STD, f"{STD} * (len(train_errors) / (len(train_errors) - 1)) ** 0.5"),
        by="threshold scales",
    ),
    threshold(
        "a number from a paper",
        (f"ops.mean(train_errors) + {STD}", "ops.convert_to_tensor(0.03)"),
        by="threshold scales",
    ),
    anomalies("the threshold of what is in question", ("train_errors", "errors"), by="anomalies"),
    anomalies(
        "the threshold of both", ("train_errors", "ops.concatenate([train_errors, errors])"), by="anomalies"
    ),
    anomalies("the other way round", (">", "<"), by="anomalies"),
    anomalies(
        "numbers, not truth values",
        (
            "errors > anomaly_threshold(train_errors)",
            "ops.cast(errors > anomaly_threshold(train_errors), 'float32')",
        ),
        by="anomalies",
    ),
    anomalies(
        "the largest training error",
        ("anomaly_threshold(train_errors)", "ops.max(train_errors)"),
        by="anomalies",
    ),
    anomalies("one verdict for all", ("errors > anomaly", "ops.mean(errors) > anomaly"), by="anomalies"),
]

# 2. Draws

draw = maker("reparameterize", "return mean + ops.exp(0.5 * log_var) * eps")
SIGMA = "ops.exp(0.5 * log_var)"

DRAW_MUTANTS = [
    draw(
        "the variance for the standard deviation",
        ("0.5 * ", ""),
        by="draw extreme draw_grads moments layer_grads digits",
    ),
    draw(
        "log_var taken for the standard deviation",
        (SIGMA, "log_var"),
        by="draw extreme draw_grads moments apart layer_grads compiled sgd reports epoch vae_noise digits samples",
    ),
    draw(
        "log_var taken for the log of the standard deviation, squared",
        ("0.5", "2.0"),
        by="draw extreme draw_grads moments layer_grads digits",
    ),
    draw(
        "log_var taken for the variance",
        (SIGMA, "ops.sqrt(ops.abs(log_var))"),
        by="draw extreme draw_grads moments apart layer_grads compiled sgd reports epoch vae_noise digits samples",
    ),
    draw(
        "the precision",
        ("0.5", "-0.5"),
        by="draw extreme draw_grads moments layer_grads sgd reports epoch digits",
    ),
    draw(
        "no standard deviation",
        (f"{SIGMA} * ", ""),
        by="draw extreme draw_grads moments layer_grads sgd reports epoch digits",
    ),
    draw(
        "the noise is not used",
        (f" + {SIGMA} * eps", ""),
        by="draw extreme own_noise draw_grads anew moments apart compiled vae_noise digits samples",
    ),
    draw("one noise for the batch", ("eps", "eps[:1]"), by="ALL_DRAW moments apart vae_noise digits"),
    draw("one noise for all features", ("eps", "eps[:, :1]"), by="ALL_DRAW apart digits samples"),
    draw(
        "noise of its own",
        first="eps = keras.random.normal(ops.shape(mean))\n",
        by="draw extreme own_noise draw_grads compiled",
    ),
    draw(
        "the sum of all noise", ("eps", "ops.sum(eps)"), by="ALL_DRAW moments apart vae_noise digits samples"
    ),
    draw("the size of the noise", ("eps", "ops.abs(eps)"), by="ALL_DRAW moments vae_noise digits samples"),
    draw(
        "log_var is clipped", first="log_var = ops.clip(log_var, -4.0, 4.0)\n", by="extreme sgd reports epoch"
    ),
    draw(
        "no gradient to the mean",
        ("mean +", "ops.stop_gradient(mean) +"),
        by="draw_grads layer_grads sgd digits samples",
    ),
    draw(
        "no gradient to the variance",
        (SIGMA, f"ops.stop_gradient({SIGMA})"),
        by="draw_grads layer_grads digits",
    ),
    draw(
        "no gradient at all",
        (f"mean + {SIGMA} * eps", f"ops.stop_gradient(mean + {SIGMA} * eps)"),
        by="draw_grads layer_grads sgd digits samples",
    ),
    draw("the noise is taken off", ("mean +", "mean -"), by="draw extreme draw_grads"),
    draw(
        "the mean is left out",
        ("mean + ", ""),
        by="ALL_DRAW moments layer_grads sgd reports vae_noise digits samples",
    ),
]

SAMPLING = """
if not training:
    return mean
eps = keras.random.normal(ops.shape(mean), seed=self.seed_generator)
return reparameterize(mean, log_var, eps)
"""
layer = maker("Sampling.call", SAMPLING)
NORMAL = "keras.random.normal(ops.shape(mean), seed=self.seed_generator)"
ALWAYS_MEAN = ("if not training:\n    return mean\n", "")

LAYER_MUTANTS = [
    layer("draws outside training too", ALWAYS_MEAN, by="eval call"),
    layer(
        "never draws",
        ("if not training", "if True"),
        by="anew moments apart compiled vae_noise digits samples",
    ),
    layer(
        "draws outside training alone",
        ("if not training", "if training"),
        by="eval anew moments apart compiled call vae_noise digits samples",
    ),
    layer(
        "one noise for the batch",
        (NORMAL, "keras.random.normal((1, mean.shape[-1]), seed=self.seed_generator)"),
        by="moments apart vae_noise digits",
    ),
    layer(
        "one noise for all features",
        (NORMAL, "keras.random.normal((ops.shape(mean)[0], 1), seed=self.seed_generator)"),
        by="apart digits samples",
    ),
    layer(
        "a single number of noise",
        (NORMAL, "keras.random.normal((), seed=self.seed_generator)"),
        by="moments apart vae_noise digits samples",
    ),
    layer("one seed, one draw", ("seed=self.seed_generator", "seed=1"), by="anew compiled vae_noise digits"),
    layer(
        "noise of NumPy",
        (NORMAL, "__import__('numpy').random.normal(size=mean.shape).astype('float32')"),
        by="compiled digits",
    ),
    layer(
        "uniform noise",
        (NORMAL, "keras.random.uniform(ops.shape(mean), seed=self.seed_generator)"),
        by="moments vae_noise digits samples",
    ),
    layer("noise with a standard deviation of 0.9", (NORMAL, NORMAL[:-1] + ", stddev=0.9)"), by="moments"),
    layer(
        "truncated noise",
        (NORMAL, "keras.random.truncated_normal(ops.shape(mean), seed=self.seed_generator)"),
        by="moments",
    ),
    layer(
        "noise cut off from the gradient",
        ("reparameterize(mean", "ops.stop_gradient(reparameterize(mean"),
        ("eps)\n", "eps))\n"),
        by="layer_grads sgd digits samples",
    ),
    layer(
        "the prior is drawn from",
        ("return reparameterize(mean, log_var, eps)", "return eps"),
        by="moments layer_grads sgd reports epoch vae_noise digits samples",
    ),
    layer("the seed is not used", ("seed=self.seed_generator", "seed=None"), by="compiled"),
    Mutant(
        "Sampling.__init__",
        "the seed is ignored",
        "super().__init__(**kwargs)\nself.seed_generator = keras.random.SeedGenerator()",
        checks("compiled"),
    ),
    Mutant(
        "Sampling.__init__",
        "always the same seed",
        "super().__init__(**kwargs)\nself.seed_generator = keras.random.SeedGenerator(0)",
        checks("compiled"),
    ),
    Mutant(
        "Sampling.__init__",
        "a seed that does not move on",
        "super().__init__(**kwargs)\nself.seed_generator = seed if seed is not None else 3",
        checks("anew compiled vae_noise digits"),
    ),
]

# 3. The evidence bound

KL = "return -0.5 * ops.sum(1 + log_var - ops.square(mean) - ops.exp(log_var), axis=-1)"
kl = maker("kl_divergence", KL)
REVERSED = "return 0.5 * ops.sum(log_var - 1 + (1 + ops.square(mean)) * ops.exp(-log_var), axis=-1)"

KL_MUTANTS = [
    kl("the sign", ("-0.5", "0.5"), by="NUMBERS positive square digits samples"),
    kl("a mean over the features", ("ops.sum", "ops.mean"), by="NUMBERS adds square digits samples"),
    kl("without 1/2", ("-0.5 * ops", "-ops"), by="NUMBERS square digits samples"),
    kl("a quarter", ("-0.5", "-0.25"), by="NUMBERS square digits"),
    kl(
        "log_var taken for the log of the standard deviation",
        ("1 + log_var", "1 + 2 * log_var"),
        ("exp(log_var)", "exp(2 * log_var)"),
        by="NUMBERS digits",
    ),
    kl(
        "standard deviation for variance",
        ("exp(log_var)", "exp(0.5 * log_var)"),
        by="NUMBERS positive digits samples",
    ),
    kl("standard deviation for log_var", ("1 + log_var", "1 + 0.5 * log_var"), by="NUMBERS positive digits"),
    Mutant("kl_divergence", "reversed", REVERSED, checks("NUMBERS square digits")),
    kl("a mean over the batch too", (", axis=-1", ""), by="ALL_KL digits samples loss"),
    kl("a sum over the batch", ("axis=-1", "axis=0"), by="ALL_KL digits samples loss agree ALL_STEP"),
    kl("without the 1", ("1 + log_var", "log_var"), by="kl prior adds ratio kl_large"),
    kl("without the mean", (" - ops.square(mean)", ""), by="NUMBERS square digits samples"),
    kl("the mean is not squared", ("ops.square(mean)", "mean"), by="NUMBERS positive square digits samples"),
    kl("without the variance", (" - ops.exp(log_var)", ""), by="NUMBERS prior positive adds digits samples"),
    kl("without the logarithm", ("1 + log_var", "1"), by="NUMBERS positive digits samples"),
    kl("the sign of the logarithm", ("1 + log_var", "1 - log_var"), by="NUMBERS positive digits"),
    kl("the logarithm of a variance", ("1 + log_var", "1 + ops.log(ops.exp(log_var))"), by="kl_large"),
    kl("log_var is clipped", first="log_var = ops.clip(log_var, -10.0, 10.0)\n", by="kl_large"),
    kl(
        "a small number in the logarithm",
        ("1 + log_var", "1 + ops.log(ops.exp(log_var) + 1e-7)"),
        by="kl_large",
    ),
    kl(
        "no gradient",
        first="mean, log_var = ops.stop_gradient(mean), ops.stop_gradient(log_var)\n",
        by="kl_grads digits samples",
    ),
    kl(
        "no gradient to log_var", first="log_var = ops.stop_gradient(log_var)\n", by="kl_grads digits samples"
    ),
    kl("never 0: a small number is added", ("-0.5 * ", "1e-3 - 0.5 * "), by="kl prior adds"),
    kl("zeros", ("-0.5 *", "0 *"), by="NUMBERS positive adds square digits samples"),
]

recon = maker("reconstruction_loss", "return ops.sum(ops.softplus(logits) - x * logits, axis=-1)")
RECON_MUTANTS = [
    recon(
        "a mean over the pixels",
        ("ops.sum", "ops.mean"),
        by="recon pixels recon_large recon_grads digits samples",
    ),
    recon(
        "a sum over the batch too",
        (", axis=-1", ""),
        by="recon pixels recon_large recon_grads loss digits samples vae_noise",
    ),
    recon("the sign", ("ops.sum", "-ops.sum"), by="recon recon_large recon_grads digits samples"),
    recon(
        "cross-entropy of logits taken for probabilities",
        (TERMS, "-x * ops.log(ops.abs(logits)) - (1 - x) * ops.log(ops.abs(1 - logits))"),
        by="recon recon_large recon_grads digits samples",
    ),
    recon("log of a sigmoid", (TERMS, LIKELIHOOD), first=P, by="recon_large"),
    recon(
        "log of a clipped sigmoid",
        (TERMS, LIKELIHOOD),
        first="p = ops.clip(ops.sigmoid(logits), 1e-7, 1 - 1e-7)\n",
        by="recon_large",
    ),
    recon(
        "the squared error",
        (TERMS, "ops.square(ops.sigmoid(logits) - x)"),
        by="recon recon_large recon_grads digits samples",
    ),
    recon(
        "what is dark does not count",
        (TERMS, "x * ops.softplus(-logits)"),
        by="recon recon_large recon_grads digits samples",
    ),
    recon("x is rounded", first="x = ops.cast(x > 0.5, logits.dtype)\n", by="recon recon_grads digits"),
    recon(
        "a sigmoid too many",
        first="logits = ops.sigmoid(logits)\n",
        by="recon recon_large recon_grads digits samples",
    ),
    recon("in bits", ("ops.sum", "1.442695 * ops.sum"), by="recon recon_large recon_grads"),
    recon("no gradient", first="logits = ops.stop_gradient(logits)\n", by="recon_grads digits samples moves"),
]

DENSITY = """
squared = ops.square(sample - mean) * ops.exp(-log_var)
return -0.5 * ops.sum(math.log(2 * math.pi) + log_var + squared, axis=-1)
"""
density = maker("log_normal_pdf", DENSITY)
DENSITY_MUTANTS = [
    density("without log(2 pi)", ("math.log(2 * math.pi) + ", ""), by="density integral"),
    density("log(pi)", ("2 * math.pi", "math.pi"), by="density integral"),
    density(
        "the constant once, not for each feature",
        (
            "ops.sum(math.log(2 * math.pi) + log_var + squared, axis=-1)",
            "(math.log(2 * math.pi) + ops.sum(log_var + squared, axis=-1))",
        ),
        by="density",
    ),
    density("the sign of log_var", ("+ log_var", "- log_var"), by="density integral evidence below agree"),
    density("without log_var", ("+ log_var", "+ 0 * log_var"), by="density integral evidence below agree"),
    density(
        "the standard deviation", ("-log_var", "-0.5 * log_var"), by="density integral evidence below agree"
    ),
    density(
        "multiplied by the variance", ("-log_var", "log_var"), by="density integral evidence below agree"
    ),
    density("without 1/2", ("-0.5 *", "-"), by="density integral evidence below agree"),
    density("the sign", ("-0.5", "0.5"), by="density integral evidence below agree"),
    density("a mean over the features", ("ops.sum", "ops.mean"), by="density evidence below agree"),
    density("over the batch too", (", axis=-1", ""), by="density integral bound evidence below agree"),
    density(
        "the density, not its logarithm",
        (
            "return -0.5 * ops.sum(math.log(2 * math.pi) + log_var + squared, axis=-1)",
            "return ops.exp(-0.5 * ops.sum(math.log(2 * math.pi) + log_var + squared, axis=-1))",
        ),
        by="density integral evidence below agree",
    ),
    density(
        "the distance is not squared", ("ops.square", "ops.abs"), by="density integral evidence below agree"
    ),
]

BOUND = """
zeros = ops.zeros_like(z)
return log_likelihood + log_normal_pdf(z, zeros, zeros) - log_normal_pdf(z, mean, log_var)
"""
bound = maker("elbo", BOUND)
PRIOR, CODE = "+ log_normal_pdf(z, zeros, zeros)", "- log_normal_pdf(z, mean, log_var)"
ALL_BOUND = "bound evidence below agree"
BOUND_MUTANTS = [
    bound(
        "-ELBO",
        (
            "log_likelihood + log_normal_pdf(z, zeros, zeros)",
            "-log_likelihood - log_normal_pdf(z, zeros, zeros)",
        ),
        (CODE, "+ log_normal_pdf(z, mean, log_var)"),
        by=ALL_BOUND,
    ),
    bound("the sign of the prior", (PRIOR, PRIOR.replace("+", "-")), by=ALL_BOUND),
    bound("the sign of the code", (CODE, CODE.replace("-", "+")), by=ALL_BOUND),
    bound(
        "both signs: the divergence is added",
        (PRIOR, PRIOR.replace("+", "-")),
        (CODE, CODE.replace("-", "+")),
        by=ALL_BOUND,
    ),
    bound("without the prior", (PRIOR, ""), by=ALL_BOUND),
    bound("without the code", (CODE, ""), by=ALL_BOUND),
    bound("without the likelihood", ("log_likelihood + ", ""), by=ALL_BOUND),
    bound(
        "the likelihood is taken for a loss",
        ("return log_likelihood", "return -log_likelihood"),
        by=ALL_BOUND,
    ),
    bound("the prior at the mean", ("log_normal_pdf(z, zeros", "log_normal_pdf(mean, zeros"), by=ALL_BOUND),
    bound("the prior has the code's mean", ("z, zeros, zeros", "z, mean, zeros"), by=ALL_BOUND),
    bound(
        "the divergence twice",
        (PRIOR, PRIOR.replace("+", "+ 2 *")),
        (CODE, CODE.replace("-", "- 2 *")),
        by=ALL_BOUND,
    ),
    bound(
        "a mean over the batch",
        ("return log_likelihood", "return 0 * ops.mean(log_likelihood) + ops.mean(log_likelihood"),
        (CODE, CODE + ")"),
        by=ALL_BOUND,
    ),
    bound(
        "the divergence in closed form",
        (PRIOR, "- kl_divergence(mean, log_var)"),
        (CODE, ""),
        by="bound evidence",
    ),
]

loss = maker("vae_loss", "return ops.mean(reconstruction_loss(x, logits) + kl_divergence(mean, log_var))")
SUM = "reconstruction_loss(x, logits) + kl_divergence(mean, log_var)"
LOSS_OF_VAE_MUTANTS = [
    loss("ELBO, which would become small", ("ops.mean", "-ops.mean"), by="loss agree digits samples"),
    loss("the divergence is taken off", ("+ kl", "- kl"), by="loss agree digits samples"),
    loss("the divergence twice", ("+ kl", "+ 2 * kl"), by="loss agree digits samples"),
    loss("half of the divergence", ("+ kl", "+ 0.5 * kl"), by="loss agree digits"),
    loss("without the divergence", (" + kl_divergence(mean, log_var)", ""), by="loss agree digits samples"),
    loss(
        "without the reconstruction",
        ("reconstruction_loss(x, logits) + ", ""),
        by="loss agree digits samples moves",
    ),
    loss("a sum over the batch", ("ops.mean", "ops.sum"), by="loss agree"),
    loss("one loss for each example", (f"ops.mean({SUM})", SUM), by="loss agree sgd"),
    loss(
        "a mean over the pixels",
        ("reconstruction_loss(x, logits)", "reconstruction_loss(x, logits) / x.shape[-1]"),
        by="loss agree digits samples",
    ),
    loss(
        "the divergence of each feature's mean",
        ("kl_divergence(mean, log_var)", "kl_divergence(mean, log_var) / mean.shape[-1]"),
        by="loss agree digits samples",
    ),
    loss(
        "mean and log_var change places",
        ("kl_divergence(mean, log_var)", "kl_divergence(log_var, mean)"),
        by="loss agree digits",
    ),
]

# 4. The variational autoencoder

ENCODER = """
x = keras.Input((n,))
h = keras.layers.Dense(hidden, activation="relu")(x)
mean, log_var = (keras.layers.Dense(latent, name=name)(h) for name in ("mean", "log_var"))
return keras.Model(x, (mean, log_var), name="encoder")
"""
encoder = maker("build_encoder", ENCODER)
DECODER = """
layers = [keras.layers.Dense(hidden, activation="relu"), keras.layers.Dense(n)]
return keras.Sequential([keras.Input((latent,)), *layers], name="decoder")
"""
decoder = maker("build_decoder", DECODER)
NETWORK_MUTANTS = [
    encoder("one layer for both", ("(mean, log_var), name", "(mean, mean), name"), by="net_params net_any"),
    encoder(
        "the mean is never negative",
        ("Dense(latent, name=name)", "Dense(latent, activation='relu', name=name)"),
        by="net_any",
    ),
    encoder(
        "log_var is never negative",
        ("(mean, log_var), name", "(mean, ops.softplus(log_var)), name"),
        by="net_any",
    ),
    encoder(
        "codes between -1 and 1",
        ("Dense(latent, name=name)", "Dense(latent, activation='tanh', name=name)"),
        by="net_any",
    ),
    encoder("no ReLU", (', activation="relu"', ""), by="net_any"),
    encoder(
        "no hidden layer",
        ('h = keras.layers.Dense(hidden, activation="relu")(x)', "h = x"),
        by="net_params net_any",
    ),
    encoder("always 128 wide", first="hidden = 128\n", by="net_params"),
    encoder(
        "one output of twice the size",
        ("(mean, log_var), name", "ops.concatenate([mean, log_var], axis=-1), name"),
        by="net_shape net_any",
    ),
    encoder(
        "a layer on the input for log_var",
        ("return", "log_var = keras.layers.Dense(latent)(x)\nreturn"),
        by="net_params",
    ),
    decoder("a sigmoid at the end", ("Dense(n)", "Dense(n, activation='sigmoid')"), by="net_any"),
    decoder("no ReLU", (', activation="relu"', ""), by="net_any"),
    decoder(
        "two hidden layers",
        ("[keras.layers.Dense(hidden", "[keras.layers.Dense(hidden), keras.layers.Dense(hidden"),
        by="net_params",
    ),
    decoder("gives codes again", ("Dense(n)", "Dense(latent)"), by="net_shape net_params"),
    decoder("no bias", ("Dense(n)", "Dense(n, use_bias=False)"), by="net_params"),
]

STEP = """
x, _, _ = keras.utils.unpack_x_y_sample_weight(data)
with tf.GradientTape() as tape:
    logits, mean, log_var = self.forward(data, training=True)
    loss = vae_loss(x, logits, mean, log_var)
gradients = tape.gradient(loss, self.trainable_variables)
self.optimizer.apply(gradients, self.trainable_variables)
values = (loss, reconstruction_loss(x, logits), kl_divergence(mean, log_var))
for tracker, value in zip(self.trackers, values):
    tracker.update_state(value)
return {tracker.name: tracker.result() for tracker in self.trackers}
"""
step = maker("VAE.train_step", STEP)
LOSS_LINE = "loss = vae_loss(x, logits, mean, log_var)"
FORWARD = "logits, mean, log_var = self.forward(data, training=True)"
TAPE = "with tf.GradientTape() as tape:\n    " + FORWARD
APPLY = "self.optimizer.apply(gradients, self.trainable_variables)"
REPORT = "{tracker.name: tracker.result() for tracker in self.trackers}"

STEP_MUTANTS = [
    step(
        "the forward pass is outside the tape",
        (TAPE, FORWARD + "\nwith tf.GradientTape() as tape:"),
        by="ALL_STEP digits samples",
    ),
    step(
        "the loss is computed with NumPy",
        (LOSS_LINE, "loss = tf.constant(float(vae_loss(x, logits, mean, log_var)))"),
        by="ALL_STEP digits samples",
    ),
    step("no noise in training", ("training=True", "training=False"), by="vae_noise digits samples"),
    step("training is not told", (", training=True", ""), by="vae_noise digits samples"),
    step(
        "one noise for the batch",
        (
            FORWARD,
            "mean, log_var = self.encoder(x)\n    logits = self.decoder(mean + self.sampling(0 * mean[:1], log_var[:1], training=True))",
        ),
        by="vae_noise digits samples",
    ),
    step("nothing is applied", (APPLY, ""), by="moves sgd frozen digits samples"),
    step(
        "up the gradient",
        (APPLY, "self.optimizer.apply([-g for g in gradients], self.trainable_variables)"),
        by="sgd digits samples",
    ),
    step("applied twice", (APPLY, APPLY + "\n" + APPLY), by="sgd"),
    step(
        "the decoder alone is trained",
        ("loss, self.trainable_variables)", "loss, self.decoder.trainable_variables)"),
        (APPLY, "self.optimizer.apply(gradients, self.decoder.trainable_variables)"),
        by="moves sgd frozen digits samples",
    ),
    step(
        "the encoder alone is trained",
        ("loss, self.trainable_variables)", "loss, self.encoder.trainable_variables)"),
        (APPLY, "self.optimizer.apply(gradients, self.encoder.trainable_variables)"),
        by="moves sgd digits samples",
    ),
    step(
        "what is frozen is trained too",
        ("loss, self.trainable_variables)", "loss, [w.value for w in self.weights])"),
        (APPLY, "self.optimizer.apply(gradients, self.weights)"),
        by="frozen",
    ),
    step(
        "gradients are cut to length 1",
        (APPLY, "gradients, _ = tf.clip_by_global_norm(gradients, 1.0)\n" + APPLY),
        by="sgd",
    ),
    step(
        "a sum over the batch",
        (LOSS_LINE, "loss = tf.reduce_sum(reconstruction_loss(x, logits) + kl_divergence(mean, log_var))"),
        by="sgd reports",
    ),
    step(
        "the divergence twice",
        (LOSS_LINE, LOSS_LINE + " + tf.reduce_mean(kl_divergence(mean, log_var))"),
        by="sgd reports digits samples",
    ),
    step(
        "without the divergence",
        (LOSS_LINE, "loss = tf.reduce_mean(reconstruction_loss(x, logits))"),
        by="sgd reports digits samples",
    ),
    step(
        "without the reconstruction",
        (LOSS_LINE, "loss = tf.reduce_mean(kl_divergence(mean, log_var))"),
        by="moves sgd reports digits samples",
    ),
    step(
        "a mean over the pixels",
        (
            LOSS_LINE,
            "loss = tf.reduce_mean(reconstruction_loss(x, logits) / 64 + kl_divergence(mean, log_var))",
        ),
        by="sgd reports digits samples",
    ),
    step(
        "the code is cut off",
        (
            FORWARD,
            "mean, log_var = self.encoder(x)\n    logits = self.decoder(tf.stop_gradient(self.sampling(mean, log_var, training=True)))",
        ),
        by="sgd digits",
    ),
    step(
        "the divergence is cut off from the gradient",
        (FORWARD, FORWARD + "\n    still = tf.stop_gradient(mean), tf.stop_gradient(log_var)"),
        ("logits, mean, log_var)\ngrad", "logits, *still)\ngrad"),
        by="sgd digits",
    ),
    step(
        "the last batch is reported",
        (
            f"return {REPORT}",
            "return {'loss': loss, 'reconstruction_loss': tf.reduce_mean(values[1]), 'kl': tf.reduce_mean(values[2])}",
        ),
        by="epoch",
    ),
    step(
        "the loss alone is reported",
        (f"return {REPORT}", "return {'loss': self.trackers[0].result()}"),
        by="moves reports epoch vae_noise",
    ),
    step(
        "numbers without names",
        (f"return {REPORT}", "return [tracker.result() for tracker in self.trackers]"),
        by="moves reports epoch vae_noise digits samples",
    ),
    step(
        "loss and divergence change places",
        (
            "(loss, reconstruction_loss(x, logits), kl_divergence(mean, log_var))",
            "(kl_divergence(mean, log_var), reconstruction_loss(x, logits), loss)",
        ),
        by="reports",
    ),
    step(
        "the reconstruction is a mean over pixels in the report",
        ("(loss, reconstruction_loss(x, logits),", "(loss, reconstruction_loss(x, logits) / x.shape[-1],"),
        by="reports vae_noise",
    ),
    step(
        "reported after the step",
        ("values = (loss,", "logits, mean, log_var = self.forward(data)\nvalues = (loss,"),
        by="vae_noise",
    ),
    step(
        "the loss is not added to its mean",
        ("tracker.update_state(value)", "tracker.update_state(value) if tracker.name != 'loss' else None"),
        by="reports epoch",
    ),
    Mutant("VAE.metrics", "metrics go on through all epochs", "return []", checks("epoch")),
    Mutant("VAE.metrics", "the loss alone begins anew", "return self.trackers[:1]", checks("epoch")),
    Mutant(
        "VAE.__init__",
        "sums, not means",
        "super().__init__(**kwargs)\nself.encoder, self.decoder, self.sampling = encoder, decoder, Sampling()\nself.trackers = [keras.metrics.Sum(name) for name in ('loss', 'reconstruction_loss', 'kl')]",
        checks("reports epoch vae_noise"),
    ),
    Mutant(
        "VAE.call",
        "a call draws outside training too",
        "return self.forward(data, training=True)[0]",
        checks("call"),
    ),
    Mutant(
        "VAE.call",
        "a call gives probabilities",
        "return ops.sigmoid(self.forward(data, training=training)[0])",
        checks("call"),
    ),
    Mutant(
        "VAE.call", "a call gives the code", "return self.forward(data, training=training)[1]", checks("call")
    ),
    Mutant("VAE.generate", "logits", "return self.decoder(z)", checks("generate")),
    Mutant(
        "VAE.generate", "two sigmoids", "return ops.sigmoid(ops.sigmoid(self.decoder(z)))", checks("generate")
    ),
    Mutant("VAE.generate", "shares of all light", "return ops.softmax(self.decoder(z))", checks("generate")),
    Mutant(
        "VAE.generate",
        "black and white",
        "return ops.cast(self.decoder(z) > 0, 'float32')",
        checks("generate"),
    ),
    Mutant(
        "VAE.forward",
        "the mean is decoded, in training too",
        "x, _, _ = keras.utils.unpack_x_y_sample_weight(data)\nmean, log_var = self.encoder(x)\nreturn self.decoder(mean), mean, log_var",
        checks("vae_noise digits"),
    ),
]

# 5. With a label

LABELLED = """
one_hot = ops.one_hot(ops.cast(labels, "int32"), self.num_classes, dtype=features.dtype)
return ops.concatenate([features, one_hot], axis=-1)
"""
labelled = maker("ConditionalVAE.labelled", LABELLED)
WITHOUT = "ops.concatenate([{0}, ops.zeros((ops.shape({0})[0], self.num_classes))], axis=-1)"
FORWARD_WITH_LABELS = """
x, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
mean, log_var = self.encode(x, labels)
return self.decode(self.sampling(mean, log_var, training=training), labels), mean, log_var
"""
forward = maker("ConditionalVAE.forward", FORWARD_WITH_LABELS)
LABEL_MUTANTS = [
    Mutant(
        "ConditionalVAE.decode",
        "the label only in the encoder",
        f"return self.decoder({WITHOUT.format('z')})",
        checks("label_out one_hot samples"),
    ),
    Mutant(
        "ConditionalVAE.encode",
        "the label only in the decoder",
        f"return self.encoder({WITHOUT.format('x')})",
        checks("label_in one_hot"),
    ),
    labelled(
        "the first label for all",
        ("one_hot], axis", "0 * one_hot + one_hot[:1]], axis"),
        by="label_out label_in one_hot samples",
    ),
    labelled("the label in front", ("[features, one_hot]", "[one_hot, features]"), by="one_hot samples"),
    labelled(
        "labels count from 1",
        ('ops.cast(labels, "int32")', 'ops.cast(labels, "int32") - 1'),
        by="one_hot samples",
    ),
    labelled(
        "no label",
        ("[features, one_hot]", "[features, 0 * one_hot]"),
        by="label_out label_in one_hot samples",
    ),
    labelled(
        "the number of the label in every place",
        ("one_hot], axis", "0 * one_hot + ops.cast(labels, features.dtype)[:, None]], axis"),
        by="one_hot samples",
    ),
    labelled(
        "labels of the batch in reverse", ("one_hot], axis", "one_hot[::-1]], axis"), by="one_hot samples"
    ),
    labelled(
        "the average of all labels",
        ("one_hot], axis", "0 * one_hot + ops.mean(one_hot, axis=0)], axis"),
        by="label_out label_in one_hot samples",
    ),
    forward(
        "labels are shuffled in training",
        ("mean, log_var =", "labels = tf.random.shuffle(labels)\nmean, log_var ="),
        by="samples",
    ),
    forward(
        "labels are not used in training",
        ("mean, log_var =", "labels = 0 * labels\nmean, log_var ="),
        by="samples",
    ),
    forward(
        "the decoder sees no label in training",
        ("training=training), labels)", "training=training), 0 * labels)"),
        by="samples",
    ),
]

MUTANTS = [
    *AUTOENCODER_MUTANTS,
    *LOSS_MUTANTS,
    *DENOISING_MUTANTS,
    *DRAW_MUTANTS,
    *LAYER_MUTANTS,
    *KL_MUTANTS,
    *RECON_MUTANTS,
    *DENSITY_MUTANTS,
    *BOUND_MUTANTS,
    *LOSS_OF_VAE_MUTANTS,
    *NETWORK_MUTANTS,
    *STEP_MUTANTS,
    *LABEL_MUTANTS,
]

# Right solutions that look different: one a file, in the folder beside this one

VARIANTS = [
    Variant(path.stem, path.read_text(encoding="utf-8"))
    for path in sorted(Path(__file__).with_suffix("").glob("*.py"))
]
