"""Checks of problem set 8: autoencoders, draws, the evidence bound, variational autoencoders, labels.

Later questions hold the code to the student's own earlier functions, or accept what these lead to, so that
an error is paid for once. The networks of the last two parts are handed in by the checks, and what training
makes of them is computed here from the weights it leaves: no number that the notebook reports is believed.
"""

import contextlib
from functools import cache

import numpy as np

from autograder.checking import (
    StudentError,
    array,
    assign,
    boolean,
    close,
    confirm_gradient,
    define,
    finite,
    make,
    outputs,
    parameter_count,
    question,
    set_random_weights,
    variables,
    vjp,
)
from autograder.checking.statistics import has_mean, has_variance
from autograder.checking.training_gate import Band, best_of
from autograder.checking.training_step import StepSpy

REFERENCE = (
    "reference_impl.autoencoder",
    "reference_impl.reparameterization",
    "reference_impl.evidence_bound",
    "reference_impl.vae",
)
WIDTHS = [(7, 3, None), (6, 2, 5), (5, 1, 4)]  # n, latent, hidden
SIZES = [(3, 5), (1, 4), (6, 1), (5, 7)]  # B, features


def draw(rng, *shapes, scale=1.0) -> list:
    return [scale * rng.normal(size=shape) for shape in shapes]


def sigmoid(logits):
    return np.exp(-np.logaddexp(0, -logits))


def cross_entropy(x, logits):
    """Of every pixel, in float64."""
    return np.logaddexp(0, logits) - x * logits


def log_density(sample, mean, log_var):
    """Of every feature, in float64."""
    return -0.5 * (np.log(2 * np.pi) + log_var + (sample - mean) ** 2 * np.exp(-log_var))


def divergence(mean, log_var):
    """Of every feature, in float64."""
    return 0.5 * (mean**2 + np.exp(log_var) - 1 - log_var)


def single(array):
    """As the student gets it: rounding a large logit to float32 is no mistake of theirs."""
    return array.astype(np.float32).astype(np.float64)


# 1. Autoencoders


def autoencoder_of(student, n, latent, hidden=None):
    result = student.build_autoencoder(n, latent, hidden)
    return outputs(result, 3, "build_autoencoder gives three models: autoencoder, encoder, decoder")


@question("build_autoencoder", points=1, public=True)
def test_the_autoencoder_is_its_decoder_after_its_encoder(student, rng):
    for n, latent, hidden in WIDTHS:
        autoencoder, encoder, decoder = autoencoder_of(student, n, latent, hidden)
        x = rng.normal(size=(20, n))
        code = array(encoder(x), "the code has `latent` features for each example", shape=(20, latent))
        array(decoder(code), "the decoder gives n features again", shape=(20, n))
        set_random_weights([encoder, decoder], rng)
        output = finite(decoder(finite(encoder(x), "the code")), "the output")
        message = "the three models share their layers: autoencoder(x) is decoder(encoder(x))"
        close(autoencoder(x), output, message)
        different = np.ptp(output, axis=0).max() > 1e-3
        assert hidden is not None or different, "different examples have different reconstructions"


@question("build_autoencoder", points=0.5, public=True)
def test_the_autoencoder_has_the_parameters_of_its_dense_layers(student):
    for n, latent, hidden in WIDTHS:
        autoencoder, encoder, decoder = autoencoder_of(student, n, latent, hidden)
        if hidden is None:
            sizes = (n + 1) * latent, (latent + 1) * n
        else:
            sizes = (n + 1) * hidden + (hidden + 1) * latent, (latent + 1) * hidden + (hidden + 1) * n
        message = "dense layers with biases: n -> latent -> n, or n -> hidden -> latent -> hidden -> n"
        assert (parameter_count(encoder), parameter_count(decoder)) == sizes, message
        assert parameter_count(autoencoder, trainable=True) == sum(sizes), f"{message}, all trainable"


@question("build_autoencoder", points=1)
def test_without_hidden_layers_the_output_is_affine(student, rng):
    autoencoder, encoder, decoder = autoencoder_of(student, 6, 2)
    set_random_weights([encoder, decoder], rng)
    a, b = draw(rng, (5, 6), (5, 6), scale=10)
    message = "without hidden layers nothing bends the output: no activation in the code, none at the end"
    at_zero = finite(autoencoder(np.zeros((5, 6))), message)
    apart = finite(autoencoder(a), message) + finite(autoencoder(b), message) - at_zero
    close(autoencoder(a + b), apart, message, atol=1e-3)
    spread = np.linalg.svd(finite(autoencoder(a), message) - at_zero, compute_uv=False)
    message = "everything goes through the code: with two features in it the outputs fill a plane, no more"
    assert spread[1] > 1e-2 and spread[2] < 1e-3, message


@question("build_autoencoder", points=0.5)
def test_hidden_layers_bend_and_codes_and_outputs_do_not(student, rng):
    _, encoder, decoder = autoencoder_of(student, 6, 2, 30)
    set_random_weights([encoder, decoder], rng)
    a, b = draw(rng, (200, 6), (200, 6), scale=10)
    zero = np.zeros((200, 6))
    for model, inputs in ((encoder, (a, b, zero)), (decoder, (a[:, :2], b[:, :2], zero[:, :2]))):
        at_a, at_b, at_zero = (finite(model(part), "the output") for part in inputs)
        bent = finite(model(inputs[0] + inputs[1]), "the output") - at_a - at_b + at_zero
        message = "hidden layers have a ReLU: without one the whole is affine"
        assert np.abs(bent).max() > 0.1, message
        message = "a code and an output may be any number: no activation after the last layers"
        assert at_a.min() < -1.5 and at_a.max() > 1.5, message
        far, twice_as_far = (finite(model(size * inputs[0]), message) for size in (1e4, 2e4))
        unit = np.abs(far).max()
        close(
            twice_as_far / unit, 2 * far / unit, "the activation is a ReLU, which has no upper end", atol=1e-2
        )


def components_of(x, count):
    """Mean of the rows of x and its first principal components, `(count, n)`."""
    center = x.mean(axis=0)
    return center, np.linalg.svd(x - center, full_matrices=False)[2][:count]


def flat_data(rng, n=10, latent=3):
    """512 examples that lie near a subspace of `latent` dimensions, somewhere beside the origin."""
    deviations = np.r_[np.linspace(2, 1.2, latent), np.full(n - latent, 0.5)]
    turn, _ = np.linalg.qr(rng.normal(size=(n, n)))
    return (rng.normal(size=(512, n)) * deviations @ turn + 0.5 * rng.normal(size=n)).astype(np.float32)


COMPONENTS = {
    "error": Band(
        "the squared error, in units of that of the principal components,",
        floor=0.99,
        ceiling=1.05,
        lower_is_better=True,
        worse="without hidden layers training finds the principal components: is the whole affine?",
        too_good="nothing that passes through so few features can be better: is there a way around the code?",
    ),
    "angle": Band(
        "the angle in degrees between the decoder's plane and that of the principal components",
        ceiling=10,
        lower_is_better=True,
        worse="is the decoder that of the autoencoder, and the whole affine?",
    ),
}


@question("build_autoencoder", points=1, seconds=60)
def test_training_without_hidden_layers_finds_the_principal_components(student, rng):
    x, latent = flat_data(rng), 3
    center, components = components_of(x.astype(np.float64), latent)
    best = np.mean((x - center - (x - center) @ components.T @ components) ** 2)

    def trained(_seed):
        autoencoder, _, decoder = autoencoder_of(student, x.shape[1], latent)
        autoencoder.compile(optimizer=make(student, "keras.optimizers.Adam", 0.03), loss="mse")
        autoencoder.fit(x, x, epochs=25, batch_size=64, verbose=0)
        error = np.mean((finite(autoencoder(x), "the output") - x) ** 2)
        codes = np.concatenate([np.zeros((1, latent)), np.eye(latent)])
        origin, *points = finite(decoder(codes), "the output").reshape(latent + 1, -1)
        directions = np.linalg.svd(np.stack(points) - origin, full_matrices=False)[2]
        cosines = np.linalg.svd(directions @ components.T, compute_uv=False)
        return {"error": error / best, "angle": np.degrees(np.arccos(min(cosines.min(), 1)))}

    best_of(range(3), trained, COMPONENTS)


@question("autoencoder_losses", points=0.5, public=True)
def test_a_loss_is_one_number_for_each_example(student, rng):
    for size in SIZES:
        x, output = rng.uniform(size=size), rng.normal(size=size)
        for loss in (student.mse_loss, student.bce_loss):
            array(
                loss(x, output), "a loss is the mean over the features alone: one number an example", size[:1]
            )


@question("autoencoder_losses", points=0.5, public=True)
def test_mse_agrees_with_the_reference(student, reference, rng):
    for size in SIZES:
        x, output = draw(rng, size, size)
        message = "mse_loss is the mean over the features of (output - x) squared"
        close(student.mse_loss(x, output), reference.mse_loss(x, output), message)


@question("autoencoder_losses", points=0.5)
def test_bce_is_the_cross_entropy_of_logits(student, rng):
    message = "bce_loss is the mean over the features of -x log p - (1 - x) log(1 - p), p = sigmoid(logit)"
    for size in SIZES:
        x, logits = rng.uniform(size=size), 3 * rng.normal(size=size)
        close(student.bce_loss(x, logits), cross_entropy(x, logits).mean(axis=-1), message)


@question("autoencoder_losses", points=0.5)
def test_bce_of_large_logits_is_finite_and_grows_with_them(student, rng):
    sign = rng.choice([-1.0, 1.0], (4, 6))
    logits = sign * rng.uniform(200, 5000, (4, 6))
    message = (
        "log of a probability that is 0 is infinite, and clipping it forgets how wrong it is: use logits"
    )
    for x in (sign > 0, sign < 0, np.full((4, 6), 0.5)):
        right = cross_entropy(x.astype(float), logits).mean(axis=-1)
        close(student.bce_loss(x.astype(float), logits), right, message, atol=1e-3)


@question("autoencoder_losses", points=0.5)
def test_gradients_of_the_losses_reach_the_output(student, rng):
    x, output, cotangent = rng.uniform(size=(3, 5)), 2 * rng.normal(size=(3, 5)), rng.normal(size=3)
    slopes = {"mse_loss": 2 * (output - x) / 5, "bce_loss": (sigmoid(output) - x) / 5}
    for name, slope in slopes.items():
        loss = getattr(student, name)
        message = f"the gradient of {name} is not that of its value: do NumPy or stop_gradient cut it off?"
        gradient = vjp(loss, x, output, cotangent=cotangent, wrt="inputs").inputs[1]
        close(0 if gradient is None else gradient, cotangent[:, None] * slope, message)


def pair_of(student, *arguments, **keywords):
    result = student.denoising_pairs(*arguments, **keywords)
    return outputs(result, 2, "denoising_pairs gives a pair: the inputs, then the targets")


@question("denoising_and_anomalies", points=0.5, public=True)
def test_the_target_of_denoising_is_clean(student, reference, rng):
    x, noise = rng.uniform(size=(4, 6)), rng.normal(size=(4, 6))
    inputs, targets = pair_of(student, x, noise)
    right_inputs, right_targets = pair_of(reference, x, noise)
    close(targets, right_targets, "the network must learn to give x as it was: the target has no noise")
    close(inputs, right_inputs, "the input is x + stddev * noise")


@question("denoising_and_anomalies", points=0.5)
def test_the_disturbance_is_the_noise_times_its_standard_deviation(student, rng):
    for size in SIZES:
        x, noise, stddev = *draw(rng, size, size, scale=3), rng.uniform(0.5, 2)
        inputs, targets = pair_of(student, x, noise, stddev=stddev)
        message = "the input is x + stddev * noise, without clipping"
        close(inputs, x + stddev * noise, message)
        close(targets, x, "the target is x, whatever the disturbance")


@question("denoising_and_anomalies", points=0.5, public=True)
def test_the_threshold_is_a_standard_deviation_above_the_mean(student, reference, rng):
    for count in (5, 40):
        errors = rng.gamma(2, size=count)
        message = "the threshold is mean + standard deviation of the training errors, divided by N"
        close(student.anomaly_threshold(errors), reference.anomaly_threshold(errors), message)


@question("denoising_and_anomalies", points=0.5)
def test_the_threshold_scales_and_shifts_with_the_errors(student, rng):
    errors, scale, shift = rng.gamma(2, size=30), rng.uniform(2, 3), rng.uniform(1, 2)
    threshold = finite(student.anomaly_threshold(errors), "the threshold")
    message = "errors in other units have a threshold in those units: mean + standard deviation, not variance"
    close(student.anomaly_threshold(scale * errors + shift), scale * threshold + shift, message, atol=1e-4)
    close(
        student.anomaly_threshold(np.full(7, shift)), shift, "equal errors are their own threshold", atol=1e-3
    )
    close(student.anomaly_threshold(np.tile(errors, 2)), threshold, "the deviation is divided by N")


@question("denoising_and_anomalies", points=0.5)
def test_anomalies_are_told_by_the_training_errors_alone(student, rng):
    train, errors = rng.gamma(2, size=50), rng.gamma(3, size=30)
    threshold = float(train.mean() + train.std())
    with contextlib.suppress(StudentError, AssertionError):
        threshold = float(finite(student.anomaly_threshold(train), "the threshold"))
    errors = errors[np.abs(errors - threshold) > 1e-3]
    message = "an anomaly is what has a larger error than the threshold: True for it, False for the rest"
    found = boolean(student.find_anomalies(errors, train), message, errors.shape)
    close(found, errors > threshold, message)
    message = "what else is in question must not change a verdict: the threshold comes from training errors"
    for others in (errors[:3], np.concatenate([errors, 100 + errors])):
        close(student.find_anomalies(others, train), others > threshold, message)


# 2. Draws that gradients pass through


def draw_normal(rng, size):
    """Mean, logarithm of the variance, and noise."""
    return draw(rng, size, size, size)


@question("reparameterize", points=1.5, public=True)
def test_a_draw_is_the_mean_plus_standard_deviations_of_noise(student, reference, rng):
    for size in SIZES:
        mean, log_var, eps = draw_normal(rng, size)
        message = "z is mean + exp(log_var / 2) * eps: log_var is the logarithm of the variance"
        close(
            student.reparameterize(mean, log_var, eps), reference.reparameterize(mean, log_var, eps), message
        )


@question("reparameterize", points=1)
def test_large_and_small_variances_are_drawn_from_too(student, rng):
    for size in SIZES:
        mean, _, eps = draw_normal(rng, size)
        for log_var in (rng.uniform(5, 10, size), rng.uniform(-60, -40, size)):
            message = "the standard deviation is exp(log_var / 2), however large or small: nothing is clipped"
            close(
                student.reparameterize(mean, log_var, eps),
                mean + np.exp(log_var / 2) * eps,
                message,
                rtol=1e-4,
            )


@question("reparameterize", points=1)
def test_each_feature_moves_with_its_own_noise(student, rng):
    for size in ((3, 5), (4, 2)):
        mean, log_var, eps = draw_normal(rng, size)
        before = finite(student.reparameterize(mean, log_var, eps), "the draw")
        close(student.reparameterize(mean, log_var, 0 * eps), mean, "without noise the draw is the mean")
        mirrored = student.reparameterize(mean, log_var, -eps)
        close(
            mirrored,
            2 * mean - before,
            "noise of the other sign gives the draw on the other side of the mean",
        )
        row, column = rng.integers(size[0]), rng.integers(size[1])
        eps[row, column] += 1
        after = array(student.reparameterize(mean, log_var, eps), "the draw", before.shape)
        moved = np.abs(after - before) > 1e-4
        message = "one number of the noise belongs to one number of the draw, and moves no other"
        assert moved[row, column] and moved.sum() == 1, message


@question("reparameterize", points=1.5)
def test_gradients_pass_through_the_draw(student, rng):
    message = "the derivative of z is 1 by the mean and sigma * eps / 2 by log_var: nothing may stop it"
    for size in ((3, 5), (1, 4)):
        mean, log_var, eps = draw_normal(rng, size)
        cotangent = rng.normal(size=size)
        arguments = mean, log_var, eps
        gradients = vjp(student.reparameterize, *arguments, cotangent=cotangent, wrt="inputs").inputs
        by_mean, by_log_var = (np.zeros(size) if g is None else g for g in gradients[:2])
        close(by_mean, cotangent, message)
        close(by_log_var, cotangent * np.exp(log_var / 2) * eps / 2, message)
        call = lambda v, m=mean, e=eps: student.reparameterize(m, v, e)  # noqa: E731
        confirm_gradient(call, log_var, by_log_var, cotangent, rng, message)


@question("sampling_layer", points=1, public=True)
def test_outside_training_the_layer_gives_the_mean(student, rng):
    layer = student.Sampling()
    for size in SIZES:
        mean, log_var = draw(rng, size, size)
        message = "the layer draws in training only; otherwise the code is its mean, without noise"
        close(layer(mean, log_var), mean, message)
        close(layer(mean, log_var, training=False), mean, message)


@question("sampling_layer", points=0.5, public=True)
def test_every_call_in_training_draws_anew(student, rng):
    layer = student.Sampling()
    for size in SIZES:
        mean, log_var = draw(rng, size, size)
        first, second = (finite(layer(mean, log_var, training=True), "the draw") for _ in range(2))
        array(first, "a draw has the shape of the mean", size)
        assert (np.abs(first - second) > 0).all(), "two calls draw two times: the noise is made in `call`"


@question("sampling_layer", points=1)
def test_draws_have_the_mean_and_the_variance_asked_for(student, rng):
    layer = student.Sampling()
    for mean, variance in zip(rng.uniform(-3, 3, 2), (rng.uniform(0.2, 0.5), rng.uniform(3, 6)), strict=True):
        draws = layer(np.full((50_000, 1), mean), np.full((50_000, 1), np.log(variance)), training=True)
        draws = array(draws, "a draw has the shape of the mean", (50_000, 1)).ravel().astype(np.float64)
        finite(draws, "the draws")
        has_mean(draws, mean, np.sqrt(variance), "the draws of N(mean, exp(log_var)) have another mean", 1e-6)
        has_variance(draws, variance, "the draws of N(mean, exp(log_var)) have another variance", 1e-6)


@question("sampling_layer", points=0.5)
def test_examples_and_features_have_noise_of_their_own(student, rng):
    layer = student.Sampling()
    draws = layer(np.zeros((4000, 4)), np.zeros((4000, 4)), training=True)
    draws = array(draws, "a draw has the shape of the mean", (4000, 4)).astype(np.float64)
    message = "the noise is drawn for every example and every feature: one draw must not tell of another"
    assert (draws.std(axis=0) > 0.1).all() and (draws.std(axis=1) > 0).all(), message
    columns = np.concatenate(
        [draws[:2000], draws[2000:]], axis=1
    )  # (2000, 8): features, and halves of the batch
    related = np.corrcoef(columns.T) - np.eye(8)
    assert np.abs(related).max() < 6 / np.sqrt(2000), message


@question("sampling_layer", points=0.5)
def test_gradients_pass_through_the_layer(student, rng):
    layer = student.Sampling()
    mean, log_var = draw(rng, (4, 3), (4, 3))
    cotangent = rng.normal(size=(4, 3))
    found = vjp(layer, mean, log_var, training=True, cotangent=cotangent, wrt="inputs")
    z = array(found.output, "a draw has the shape of the mean", (4, 3))
    by_mean, by_log_var = (np.zeros((4, 3)) if g is None else g for g in found.inputs)
    message = "encoder and decoder train together: the gradient must pass through the draw to both parameters"
    close(by_mean, cotangent, message)
    close(by_log_var, cotangent * (z - mean) / 2, message, atol=1e-4)


DRAWS = """
import tensorflow as tf


def draws(layer):
    compiled = tf.function(lambda mean: layer(mean, tf.zeros_like(mean), training=True), autograph=False)
    return [compiled(tf.zeros((3, 2))) for _ in range(3)]
"""


@question("sampling_layer", points=0.5)
def test_compiled_functions_draw_anew_and_a_seed_repeats_the_draws(student):
    draws = define(student, "draws", DRAWS)
    first, second, third = outputs(draws(student.Sampling()), 3, "the layer works inside tf.function")
    message = (
        "`fit` compiles the step: noise of NumPy or Python is drawn once there and is a constant after it"
    )
    assert np.abs(first - second).min() > 0 and np.abs(second - third).min() > 0, message
    zeros, seed = np.zeros((3, 2)), 7
    runs = []
    for layer in (student.Sampling(seed=seed), student.Sampling(seed=seed), student.Sampling(seed=seed + 1)):
        runs.append([finite(layer(zeros, zeros, training=True), "the draw") for _ in range(2)])
    close(runs[1], runs[0], "two layers with one seed draw the same numbers, call after call")
    assert np.abs(runs[0][0] - runs[0][1]).min() > 0, "a seed repeats the sequence, not the draw"
    assert np.abs(runs[0][0] - runs[2][0]).min() > 0, "another seed gives other draws"


# 3. The evidence bound


@question("kl_divergence", points=1.5, public=True)
def test_divergence_agrees_with_the_reference(student, reference, rng):
    for size in SIZES:
        mean, log_var = draw(rng, size, size)
        message = "the divergence is -1/2 of the sum over the features of 1 + log_var - mean^2 - exp(log_var)"
        close(student.kl_divergence(mean, log_var), reference.kl_divergence(mean, log_var), message)


@question("kl_divergence", points=1, public=True)
def test_divergence_is_zero_where_code_and_prior_agree(student):
    for size in SIZES:
        message = (
            "one number for each example, and 0 where mean and log_var are 0: N(0, 1) is the prior itself"
        )
        close(student.kl_divergence(np.zeros(size), np.zeros(size)), np.zeros(size[0]), message)


@question("kl_divergence", points=1, public=True)
def test_divergence_is_never_negative(student, rng):
    for scale in (0.1, 1, 3):
        mean, log_var = draw(rng, (50, 2), (50, 2), scale=scale)
        found = array(student.kl_divergence(mean, log_var), "one divergence for each example", (50,))
        assert (found > 1e-5 * scale**2).all(), (
            "no divergence is negative, and 0 only at the prior: is the sign right?"
        )


@question("kl_divergence", points=1)
def test_divergence_adds_up_over_the_features(student, rng):
    mean, log_var, other_mean, other_log_var = draw(rng, (4, 3), (4, 3), (4, 2), (4, 2))
    parts = [
        array(student.kl_divergence(mean, log_var), "one divergence for each example", (4,)),
        array(student.kl_divergence(other_mean, other_log_var), "one divergence for each example", (4,)),
    ]
    together = np.concatenate([mean, other_mean], axis=1), np.concatenate([log_var, other_log_var], axis=1)
    message = "independent features add up: a sum over the features, not their mean"
    close(student.kl_divergence(*together), parts[0] + parts[1], message, atol=1e-4)
    padded = np.pad(mean, ((0, 0), (0, 4))), np.pad(log_var, ((0, 0), (0, 4)))
    close(student.kl_divergence(*padded), parts[0], "features that agree with the prior add nothing")
    assert np.ptp(parts[0]) > 1e-3, "each example has a divergence of its own"


@question("kl_divergence", points=1.5)
def test_divergence_is_the_mean_of_a_ratio_of_densities(student, rng):
    mean, log_var = draw(rng, (6, 3), (6, 3))
    found = array(student.kl_divergence(mean, log_var), "one divergence for each example", (6,))
    finite(found, "the divergence")
    z = mean + np.exp(log_var / 2) * rng.normal(size=(20_000, 6, 3))
    ratio = (log_density(z, mean, log_var) - log_density(z, 0, 0)).sum(axis=-1)  # (20_000, 6)
    message = (
        "the divergence is the mean of log q(z) - log p(z) over draws z of q: the code's, not the prior's"
    )
    for draws, claimed in zip(ratio.T, found, strict=True):
        has_mean(draws, float(claimed), draws.std(), message, 1e-7)


@question("kl_divergence", points=1)
def test_divergence_of_extreme_variances_is_right(student, rng):
    for low, high in ((20, 60), (-60, -20), (-200, -100)):
        mean, log_var = rng.normal(size=(3, 4)), single(rng.uniform(low, high, (3, 4)))
        message = "log_var of any size: divide by no variance and take no logarithm of one"
        right = divergence(mean, log_var).sum(axis=-1)
        close(finite(student.kl_divergence(mean, log_var), message) / right, np.ones(3), message, atol=1e-4)


@question("kl_divergence", points=1)
def test_the_square_of_the_mean_counts_half_whatever_the_variance(student, rng):
    for size in SIZES:
        mean, log_var = draw(rng, size, size)
        centered = array(
            student.kl_divergence(0 * mean, log_var), "one divergence for each example", size[:1]
        )
        message = "the mean is measured against the variance of the prior, which is 1: is the order reversed?"
        right = centered + (mean**2).sum(axis=-1) / 2
        close(student.kl_divergence(mean, log_var), right, message, atol=1e-4)
        close(
            student.kl_divergence(-mean, log_var),
            right,
            "the prior has no side: -mean costs what mean costs",
            atol=1e-4,
        )


@question("kl_divergence", points=1)
def test_gradients_of_the_divergence_pull_to_the_prior(student, rng):
    mean, log_var, cotangent = *draw(rng, (4, 3), (4, 3)), rng.normal(size=4)
    message = "the derivative is mean by the mean, (exp(log_var) - 1) / 2 by log_var: nothing may stop it"
    gradients = vjp(student.kl_divergence, mean, log_var, cotangent=cotangent, wrt="inputs").inputs
    by_mean, by_log_var = (np.zeros((4, 3)) if g is None else g for g in gradients)
    close(by_mean, cotangent[:, None] * mean, message)
    close(by_log_var, cotangent[:, None] * np.expm1(log_var) / 2, message)
    confirm_gradient(lambda v: student.kl_divergence(mean, v), log_var, by_log_var, cotangent, rng, message)


@question("evidence_bound", points=1, public=True)
def test_reconstruction_agrees_with_the_reference(student, reference, rng):
    for size in SIZES:
        x, logits = rng.uniform(size=size), 3 * rng.normal(size=size)
        message = (
            "the reconstruction loss is the cross-entropy of x and sigmoid(logits), summed over the pixels"
        )
        close(
            student.reconstruction_loss(x, logits),
            reference.reconstruction_loss(x, logits),
            message,
            atol=1e-4,
        )


@question("evidence_bound", points=0.5)
def test_reconstruction_adds_up_over_the_pixels(student, rng):
    x, logits = rng.uniform(size=(3, 5)), rng.normal(size=(3, 5))
    alone = array(student.reconstruction_loss(x, logits), "one loss for each example", (3,))
    twice = student.reconstruction_loss(np.tile(x, 2), np.tile(logits, 2))
    message = (
        "log p(x|z) is a sum over pixels: with their mean the divergence outweighs it, and the code collapses"
    )
    close(twice, 2 * alone, message, atol=1e-4)
    close(student.reconstruction_loss(x[::-1], logits[::-1]), alone[::-1], "each example has its own loss")
    assert np.ptp(alone) > 1e-3, "each example has its own loss"


@question("evidence_bound", points=0.5)
def test_reconstruction_of_large_logits_is_finite(student, rng):
    sign = rng.choice([-1.0, 1.0], (3, 5))
    logits = single(sign * rng.uniform(200, 5000, (3, 5)))
    message = (
        "log of a probability that is 0 is infinite, and clipping it forgets how wrong it is: use logits"
    )
    for x in (sign > 0, sign < 0):
        right = cross_entropy(x.astype(float), logits).sum(axis=-1)
        close(student.reconstruction_loss(x.astype(float), logits), right, message, atol=1e-3)


@question("evidence_bound", points=0.5)
def test_gradients_of_the_reconstruction_reach_the_logits(student, rng):
    x, logits, cotangent = rng.uniform(size=(3, 5)), 2 * rng.normal(size=(3, 5)), rng.normal(size=3)
    message = "the derivative by a logit is sigmoid(logit) - x: nothing may stop it"
    found = vjp(student.reconstruction_loss, x, logits, cotangent=cotangent, wrt="inputs").inputs[1]
    close(0 if found is None else found, cotangent[:, None] * (sigmoid(logits) - x), message)


@question("evidence_bound", points=1, public=True)
def test_log_density_agrees_with_the_reference(student, reference, rng):
    for size in SIZES:
        sample, mean, log_var = draw_normal(rng, size)
        message = (
            "the log density sums -1/2 (log(2 pi) + log_var + (sample - mean)^2 / variance) over the features"
        )
        right = reference.log_normal_pdf(sample, mean, log_var)
        close(student.log_normal_pdf(sample, mean, log_var), right, message, atol=1e-4)


@question("evidence_bound", points=0.5)
def test_the_density_integrates_to_one(student, rng):
    mean, variance = rng.normal(), rng.uniform(0.3, 3)
    grid = np.linspace(-14, 14, 4001)[:, None]
    message = "a density integrates to 1: is log(2 pi) there, and log_var with the right sign?"
    shape = np.full(grid.shape, mean), np.full(grid.shape, np.log(variance))
    logs = array(student.log_normal_pdf(grid, *shape), "one density for each example", (4001,))
    density = np.exp(np.minimum(logs.astype(np.float64), 50)) * (grid[1, 0] - grid[0, 0])
    close(density.sum(), 1, message, atol=1e-3)
    close(density @ grid[:, 0], mean, "the density is centered at the mean", atol=1e-2)
    close(density @ (grid[:, 0] - mean) ** 2, variance, "its variance is exp(log_var)", atol=1e-2)


@question("evidence_bound", points=1, public=True)
def test_the_bound_is_likelihood_and_prior_over_code(student, rng):
    message = "the bound is log p(x|z) + log p(z) - log q(z|x), of one draw z, for each example"
    for size in SIZES:
        z, mean, log_var = draw_normal(rng, size)
        likelihood = -rng.gamma(3, size=size[0])
        own = [student.log_normal_pdf(z, 0 * z, 0 * z), student.log_normal_pdf(z, mean, log_var)]
        prior, code = (array(part, "one density for each example", size[:1]) for part in own)
        close(student.elbo(likelihood, z, mean, log_var), likelihood + prior - code, message, atol=1e-4)


def linear_gaussian(rng, n=5, latent=2, count=4):
    """A decoder whose evidence is known: x = W z + shift + noise, the columns of W at right angles.

    Returns: x, W, shift, standard deviation of the noise, log p(x), and mean and variance of the posterior,
    whose features are independent.
    """
    directions, _ = np.linalg.qr(rng.normal(size=(n, latent)))
    weights, shift, noise = directions * rng.uniform(0.5, 2, latent), rng.normal(size=n), rng.uniform(0.5, 1)
    x = rng.normal(size=(count, latent)) @ weights.T + shift + noise * rng.normal(size=(count, n))
    covariance = weights @ weights.T + noise**2 * np.eye(n)
    distance = ((x - shift) @ np.linalg.inv(covariance) * (x - shift)).sum(axis=-1)
    evidence = -0.5 * (n * np.log(2 * np.pi) + np.linalg.slogdet(covariance)[1] + distance)
    variance = 1 / (1 + (weights**2).sum(axis=0) / noise**2)
    return x, weights, shift, noise, evidence, (x - shift) @ weights / noise**2 * variance, variance


@question("evidence_bound", points=1.5)
def test_at_the_posterior_the_bound_is_the_evidence_for_every_draw(student, rng):
    message = "log p(x|z) + log p(z) - log p(z|x) is log p(x), by Bayes, whatever z: the bound misses it"
    for _ in range(3):
        x, weights, shift, noise, evidence, mean, variance = linear_gaussian(rng)
        z = mean + np.sqrt(variance) * rng.normal(size=mean.shape)
        likelihood = log_density(x, z @ weights.T + shift, 2 * np.log(noise)).sum(axis=-1)
        log_var = np.broadcast_to(np.log(variance), mean.shape)
        close(student.elbo(likelihood, z, mean, log_var), evidence, message, atol=1e-3)


@question("evidence_bound", points=1)
def test_away_from_the_posterior_the_bound_is_lower_by_the_divergence(student, rng):
    x, weights, shift, noise, evidence, mean, variance = linear_gaussian(rng, count=1)
    other_mean, other_variance = mean + rng.uniform(0.3, 0.6, mean.shape), variance * rng.uniform(0.4, 0.6, 2)
    z = other_mean + np.sqrt(other_variance) * rng.normal(size=(10_000, 2))
    likelihood = log_density(x, z @ weights.T + shift, 2 * np.log(noise)).sum(axis=-1)
    code = [np.broadcast_to(part, z.shape) for part in (other_mean, np.log(other_variance))]
    found = array(student.elbo(likelihood, z, *code), "one bound for each example", (10_000,))
    found = finite(found, "the bound").astype(np.float64)
    ratio = other_variance / variance
    gap = 0.5 * (ratio + (other_mean - mean) ** 2 / variance - 1 - np.log(ratio)).sum()
    assert found.mean() < evidence[0], "the mean of the bound is at most log p(x)"
    message = "the mean of the bound is log p(x) less the divergence of the code from the posterior"
    has_mean(found, float(evidence[0] - gap), max(found.std(), 1e-3), message, 1e-7)


def draw_vae(rng, batch=4, n=5, latent=3):
    """x, logits, mean, log_var."""
    return [rng.uniform(size=(batch, n)), *draw(rng, (batch, n), (batch, latent), (batch, latent))]


@question("evidence_bound", points=1)
def test_the_loss_is_the_mean_over_the_batch_of_both_parts(student, rng):
    message = "vae_loss is one number: the mean over the batch of reconstruction loss + divergence"
    for batch in (4, 1, 7):
        x, logits, mean, log_var = draw_vae(rng, batch)
        parts = student.reconstruction_loss(x, logits), student.kl_divergence(mean, log_var)
        own = [array(part, "one number for each example", (batch,)).astype(np.float64) for part in parts]
        close(student.vae_loss(x, logits, mean, log_var), np.mean(own[0] + own[1]), message, atol=1e-4)


@question("evidence_bound", points=0.5)
def test_the_loss_agrees_with_draws_of_the_bound(student, rng):
    x, _, mean, _ = draw_vae(rng, batch=1)
    log_var = rng.choice([-1, 1]) * rng.uniform(0.7, 1.3, size=(1, 3))  # none makes up for another
    count, weights = 10_000, rng.normal(size=(3, 5))
    z = mean + np.exp(log_var / 2) * rng.normal(size=(count, 3))
    x, mean, log_var = (np.repeat(part, count, axis=0) for part in (x, mean, log_var))
    logits, message = z @ weights, "the closed form and the mean over draws estimate one thing: -ELBO"
    reconstruction, kl = cross_entropy(x, logits).sum(axis=-1), divergence(mean, log_var).sum(axis=-1)
    by_draws = array(student.elbo(-reconstruction, z, mean, log_var), "one bound for each example", (count,))
    by_draws = -finite(by_draws, "the bound").astype(np.float64)
    loss = float(array(finite(student.vae_loss(x, logits, mean, log_var), "the loss"), message, ()))
    errors = [0.0]  # of the loss, by what its parts are wrong
    with contextlib.suppress(StudentError, AssertionError):
        own = student.reconstruction_loss(x, logits), student.kl_divergence(mean, log_var)
        own_mean = np.mean(finite(own[0], "the loss")) + np.mean(finite(own[1], "the divergence"))
        errors.append(float(own_mean - np.mean(reconstruction + kl)))
    nearest = min((loss - error for error in errors), key=lambda value: abs(value - by_draws.mean()))
    has_mean(by_draws, nearest, max(by_draws.std(), 1e-3), message, 1e-7)


# 4. The variational autoencoder


@question("vae_networks", points=0.5, public=True)
def test_the_encoder_gives_two_codes_and_the_decoder_logits(student, rng):
    for n, latent, hidden in ((7, 3, 4), (5, 1, 6)):
        encoder = student.build_encoder(n, latent, hidden=hidden)
        decoder = student.build_decoder(latent, n, hidden=hidden)
        for batch in (4, 1):
            pair = outputs(encoder(rng.normal(size=(batch, n))), 2, "the encoder gives a pair: mean, log_var")
            for part in pair:
                array(part, "mean and log_var have `latent` features", (batch, latent))
            array(decoder(rng.normal(size=(batch, latent))), "the decoder gives n logits", (batch, n))


@question("vae_networks", points=1)
def test_the_networks_have_one_hidden_layer_each(student):
    for n, latent, hidden in ((7, 3, 4), (5, 1, 6)):
        encoder = student.build_encoder(n, latent, hidden=hidden)
        decoder = student.build_decoder(latent, n, hidden=hidden)
        message = "the encoder has a hidden layer and, on it, a dense layer for the mean and one for log_var"
        assert parameter_count(encoder) == (n + 1) * hidden + 2 * (hidden + 1) * latent, message
        message = "the decoder has a hidden layer and a dense layer for the logits"
        assert parameter_count(decoder) == (latent + 1) * hidden + (hidden + 1) * n, message


@question("vae_networks", points=0.5)
def test_means_variances_and_logits_may_be_any_number(student, rng):
    encoder, decoder = student.build_encoder(6, 2, hidden=20), student.build_decoder(2, 6, hidden=20)
    set_random_weights([encoder, decoder], rng)
    mean, log_var = (finite(part, "the code") for part in encoder(20 * rng.normal(size=(200, 6))))
    logits = finite(decoder(20 * rng.normal(size=(200, 2))), "the logits")
    for part in (mean, log_var, logits):
        message = "mean, log_var and logits may be any number: no activation after the last layers"
        assert part.min() < -1.5 and part.max() > 1.5, message
    assert np.abs(mean - log_var).max() > 0.1, "mean and log_var come from layers of their own"
    bent = 0
    for model, width in ((lambda x: encoder(x)[0], 6), (decoder, 2)):
        a, b = draw(rng, (100, width), (100, width), scale=10)
        values = [array(model(part), "the output") for part in (a + b, a, b, 0 * a)]
        bent = np.abs(values[0] - values[1] - values[2] + values[3]).max()
        assert bent > 0.1, "the hidden layer has a ReLU: without one the network is affine"


NETWORKS = """
import keras


def networks(n, latent, hidden=None, labels=0, frozen=False):
    x = keras.Input((n + labels,))
    h = keras.layers.Dense(hidden, activation="relu")(x) if hidden else x
    encoder = keras.Model(x, (keras.layers.Dense(latent)(h), keras.layers.Dense(latent)(h)))
    layers = [keras.layers.Dense(hidden, activation="relu")] if hidden else []
    decoder = keras.Sequential([keras.Input((latent + labels,)), *layers, keras.layers.Dense(n)])
    decoder.trainable = not frozen
    return encoder, decoder
"""


def networks(student, *sizes, **options):
    """Encoder and decoder for a student's model: without a hidden layer both are affine."""
    return define(student, "networks", NETWORKS)(*sizes, **options)


def compiled_vae(student, rng, log_var, rate=0.05, optimizer="SGD", frozen=False):
    """A model of 6 pixels and 2 features with affine networks.

    Args:
        log_var: what the encoder gives as log_var; -40 makes every draw the mean.
    Returns: the model, encoder, decoder, and the values of their weights.
    """
    encoder, decoder = networks(student, 6, 2, frozen=frozen)
    model = student.VAE(encoder, decoder)
    model.compile(optimizer=make(student, f"keras.optimizers.{optimizer}", rate))
    shapes = [v.shape for v in variables([encoder, decoder])]
    values = [single(value) for value in draw(rng, *shapes, scale=0.7)]
    values[2], values[3] = np.zeros(shapes[2]), np.full(shapes[3], float(log_var))
    assign([encoder, decoder], values)
    return model, encoder, decoder, values


def affine_forward(x, values):
    """Mean, log_var and logits of affine networks without noise."""
    mean, log_var = x @ values[0] + values[1], x @ values[2] + values[3]
    return mean, log_var, mean @ values[4] + values[5]


def reported(result, names=("loss", "reconstruction_loss", "kl")):
    """The numbers that a training step gave, by name."""
    message = "train_step gives a dict with the numbers `loss`, `reconstruction_loss` and `kl`"
    assert isinstance(result, dict) and set(names) <= set(result), message
    return {name: float(array(finite(result[name], message), message, ())) for name in names}


@question("vae", points=1, public=True)
def test_a_call_reconstructs_from_the_mean(student, rng):
    model, encoder, decoder, _ = compiled_vae(student, rng, log_var=0)
    for batch in (5, 1):
        x = rng.uniform(size=(batch, 6))
        mean, _ = encoder(x)
        message = "outside training the model gives decoder(mean): logits, without noise"
        close(model(x), decoder(mean), message)
        close(model(x, training=False), decoder(mean), message)


@question("vae", points=1.5, public=True)
def test_a_training_step_moves_encoder_and_decoder(student, rng):
    model, encoder, decoder, _ = compiled_vae(student, rng, log_var=-1)
    before = [v.value for v in variables([encoder, decoder])]
    reported(model.train_step(rng.uniform(size=(5, 6))))
    after = [v.value for v in variables([encoder, decoder])]
    message = "one step must change every weight of encoder and decoder: compute the loss inside the tape"
    for old, new in zip(before, after, strict=True):
        finite(new, "a weight after one step")
        assert np.abs(new - old).max() > 0, message


def candidate_gradients(student, x, values):
    """Gradients by the six weights, without noise: of the right loss, then of the student's own."""
    mean, log_var, logits = affine_forward(x, values)
    count = len(x)
    slopes = [[(sigmoid(logits) - x) / count, mean / count, np.expm1(log_var) / 2 / count]]
    with contextlib.suppress(StudentError):
        found = vjp(student.vae_loss, x, logits, mean, log_var, cotangent=np.array(1.0), wrt="inputs").inputs
        parts = zip(found[1:], (logits, mean, log_var), strict=True)
        slopes.append([np.zeros(part.shape) if slope is None else slope for slope, part in parts])
    for by_logits, by_mean, by_log_var in slopes:
        by_mean = by_mean + by_logits @ values[4].T
        yield [
            *(x.T @ by_mean, by_mean.sum(axis=0), x.T @ by_log_var, by_log_var.sum(axis=0)),
            *(mean.T @ by_logits, by_logits.sum(axis=0)),
        ]


@question("vae", points=3)
def test_one_step_of_sgd_is_weights_minus_rate_times_gradient(student, rng):
    rate = 0.05
    model, encoder, decoder, values = compiled_vae(student, rng, log_var=-40, rate=rate)
    spy = StepSpy(encoder=encoder, decoder=decoder)
    for batch in (5, 3):
        x = single(rng.uniform(size=(batch, 6)))
        spy.watch(lambda x=x: model.train_step(x))
        failures = []
        for gradients in candidate_gradients(student, x, values):
            try:
                message = "one step of SGD moves the {} by -rate times the gradient of vae_loss"
                spy.require_descent("encoder", gradients[:4], rate, message.format("encoder"))
                spy.require_descent("decoder", gradients[4:], rate, message.format("decoder"))
                break
            except AssertionError as failure:
                failures.append(failure)
        else:
            raise failures[0]
        spy.put_back()


@question("vae", points=0.5)
def test_a_frozen_decoder_stays_as_it_is(student, rng):
    model, encoder, decoder, _ = compiled_vae(student, rng, log_var=-1, frozen=True)
    spy = StepSpy(encoder=encoder, decoder=decoder)
    spy.watch(lambda: model.train_step(rng.uniform(size=(5, 6))))
    spy.require_unmoved("decoder", "what is not trainable is not trained: use self.trainable_variables")
    spy.require_moved("encoder", "a frozen decoder must not keep the encoder from training")


@question("vae", points=1)
def test_the_step_reports_the_parts_of_the_loss(student, rng):
    model, _, _, values = compiled_vae(student, rng, log_var=-40, rate=0.0)
    x = rng.uniform(size=(5, 6))
    mean, log_var, logits = affine_forward(x, values)
    parts = {"reconstruction_loss": (x, logits), "kl": (mean, log_var)}
    right = {"reconstruction_loss": cross_entropy(x, logits), "kl": divergence(mean, log_var)}
    found, accepted = reported(model.train_step(x)), {}
    for name, arguments in parts.items():
        accepted[name] = [right[name].sum(axis=-1).mean()]
        with contextlib.suppress(StudentError, AssertionError):
            own = getattr(student, "kl_divergence" if name == "kl" else name)(*arguments)
            accepted[name].append(float(np.mean(finite(own, "the loss"))))
    accepted["loss"] = [a + b for a in accepted["reconstruction_loss"] for b in accepted["kl"]]
    with contextlib.suppress(StudentError, AssertionError):
        accepted["loss"].append(
            float(np.mean(finite(student.vae_loss(x, logits, mean, log_var), "the loss")))
        )
    for name, values_of in accepted.items():
        message = f"`{name}` is the mean over the batch of your own function's values, before the step"
        assert any(np.isclose(found[name], value, rtol=1e-3) for value in values_of), message


@question("vae", points=1)
def test_metrics_are_means_over_an_epoch_and_begin_anew(student, rng):
    model, _, _, _ = compiled_vae(student, rng, log_var=-40, rate=0.0)
    batches = rng.uniform(size=(4, 6)), rng.uniform(size=(4, 6)) > 0.5
    alone = []
    for x in batches:
        model.reset_metrics()
        alone.append(reported(model.train_step(x.astype(float))))
    model.reset_metrics()
    for x in batches:
        together = reported(model.train_step(x.astype(float)))
    for name, mean in together.items():
        first, second = (each[name] for each in alone)
        message = f"`{name}` is the mean over the batches since the epoch began: not the last, not the sum"
        close(mean, (first + second) / 2, message, atol=1e-4, rtol=1e-4)
    assert abs(alone[0]["loss"] - alone[1]["loss"]) > 1e-3, "each batch has a loss of its own"


@question("vae", points=1.5)
def test_training_draws_noise_for_every_example(student, rng):
    model, _, _, values = compiled_vae(student, rng, log_var=0, rate=0.0)
    x = np.repeat(rng.uniform(size=(1, 6)), 2000, axis=0)
    mean, _, _ = affine_forward(x[:1], values)
    logits = (mean + rng.normal(size=(20_000, 2))) @ values[4] + values[5]
    x_of_draws = np.repeat(x[:1], 20_000, axis=0)
    candidates = [cross_entropy(x_of_draws, logits).sum(axis=-1)]
    with contextlib.suppress(StudentError, AssertionError):
        own = student.reconstruction_loss(x_of_draws, logits)
        candidates.append(array(own, "the loss", (20_000,)).astype(np.float64))
    found = []
    for _ in range(3):
        model.reset_metrics()
        found.append(reported(model.train_step(x))["reconstruction_loss"])
    message = "in training each example is decoded from a draw of its own, anew at each step"
    assert len(set(found)) == 3, message
    allowed = 5 * np.sqrt(1 / 2000 + 1 / 20_000)
    fits = any(
        all(abs(each - draws.mean()) < allowed * draws.std() for each in found) for draws in candidates
    )
    assert fits, message


@question("vae", points=0.5)
def test_generated_pixels_are_probabilities(student, rng):
    model, _, decoder, _ = compiled_vae(student, rng, log_var=0)
    z = 3 * rng.normal(size=(5, 2))
    logits = array(decoder(z), "the decoder gives n logits", (5, 6)).astype(np.float64)
    close(model.generate(z), sigmoid(logits), "pixels are probabilities: the sigmoid of the decoder's logits")


@cache
def digits():
    """Images `(N, 64)` and labels for training, then for the test: every fifth digit of scikit-learn's."""
    from sklearn.datasets import load_digits

    pixels, labels = (np.asarray(part) for part in load_digits(return_X_y=True))
    x, labels = (pixels / 16).astype(np.float32), labels.astype(np.int32)
    test = np.arange(len(x)) % 5 == 0
    return x[~test], labels[~test], x[test], labels[test]


def apply_dense(x, weights):
    """Dense layers with ReLU between them, in float64: kernel, bias, kernel, bias."""
    hidden = np.maximum(x @ weights[0] + weights[1], 0)
    return hidden @ weights[2] + weights[3]


def weights_of(model):
    return [finite(v.value, "a weight after training").astype(np.float64) for v in variables(model)]


def bound_on(x, encoder, decoder, rng):
    """-ELBO in nats, divergence and active features, from the weights of a trained encoder and decoder."""
    encode, decode = weights_of(encoder), weights_of(decoder)
    mean, log_var = (apply_dense(x, [*encode[:2], *head]) for head in (encode[2:4], encode[4:]))
    kl = divergence(mean, log_var).sum(axis=-1).mean()
    losses = []
    for _ in range(4):
        z = mean + np.exp(log_var / 2) * rng.normal(size=mean.shape)
        losses.append(cross_entropy(x, apply_dense(z, decode)).sum(axis=-1).mean())
    active = np.count_nonzero(mean.var(axis=0) > 0.01)  # Burda et al. 2016, section 5.2
    return {"-ELBO": np.mean(losses) + kl, "divergence": kl, "active features": active}


# Right solutions reach 24.5 to 24.6, with 3 to 3.5 for the code in 5 to 7 features; the mean of each pixel
# costs 27.18.
DIGITS = {
    "-ELBO": Band(
        "-ELBO in nats on digits that training has not seen",
        floor=18,
        ceiling=24.9,
        baseline=27.1,
        lower_is_better=True,
        worse="sum over the pixels, draw in training, add the divergence once",
        too_good="no code of eight features is that good",
    ),
    "divergence": Band(
        "the divergence of the codes in nats",
        floor=1.5,
        ceiling=6,
        lower_is_better=True,
        worse="is the divergence part of the loss, with the right sign?",
        too_good="the codes say next to nothing about the digits: does the divergence outweigh the pixels?",
    ),
    "active features": Band(
        "the number of features that the codes use",
        floor=4,
        worse="the codes say too little: is the gradient stopped, or the divergence too heavy?",
    ),
}


@question("vae", points=2, seconds=120)
def test_training_on_digits_reaches_a_good_bound(student, rng):
    train, _, test, _ = digits()

    def trained(_seed):
        encoder, decoder = networks(student, 64, 8, hidden=128)
        model = student.VAE(encoder, decoder)
        model.compile(optimizer=make(student, "keras.optimizers.Adam", 3e-3))
        model.fit(train, epochs=60, batch_size=64, verbose=0)
        return bound_on(test, encoder, decoder, rng)

    best_of(range(3), trained, DIGITS)


# 5. With a label


def conditional_vae(student, rng):
    """A model of 6 pixels, 2 features and 3 labels with affine networks and random weights."""
    encoder, decoder = networks(student, 6, 2, labels=3)
    set_random_weights([encoder, decoder], rng, scale=0.7)
    model = student.ConditionalVAE(encoder, decoder, num_classes=3)
    return model, encoder, decoder


@question("conditional_vae", points=1, public=True)
def test_the_output_of_the_decoder_changes_with_the_label(student, rng):
    model, _, _ = conditional_vae(student, rng)
    z = np.repeat(rng.normal(size=(1, 2)), 3, axis=0)
    logits = array(model.decode(z, np.arange(3)), "decode gives n logits for each code", (3, 6))
    for first, second in ((0, 1), (1, 2), (0, 2)):
        message = "one code with two labels must give two images: the decoder has to see the label too"
        assert np.abs(logits[first] - logits[second]).max() > 1e-3, message


@question("conditional_vae", points=1, public=True)
def test_the_code_changes_with_the_label(student, rng):
    model, _, _ = conditional_vae(student, rng)
    x = np.repeat(rng.uniform(size=(1, 6)), 3, axis=0)
    pair = outputs(model.encode(x, np.arange(3)), 2, "encode gives a pair: mean, log_var")
    for part in pair:
        code = array(part, "mean and log_var have `latent` features", (3, 2))
        message = "the encoder must see the label, so that the code need not say it again"
        assert min(np.abs(code[0] - code[1]).max(), np.abs(code[1] - code[2]).max()) > 1e-3, message


@question("conditional_vae", points=1)
def test_labels_stand_as_one_hot_vectors_behind_the_features(student, rng):
    model, encoder, decoder = conditional_vae(student, rng)
    for batch in (5, 1):
        labels = (np.arange(batch) + rng.integers(3)) % 3
        x, z = rng.uniform(size=(batch, 6)), rng.normal(size=(batch, 2))
        one_hot = np.eye(3)[labels]
        message = "each example has its own label: the decoder gets [z, one-hot label]"
        close(model.decode(z, labels), decoder(np.concatenate([z, one_hot], axis=-1)), message)
        message = "each example has its own label: the encoder gets [x, one-hot label]"
        right = encoder(np.concatenate([x, one_hot], axis=-1))
        for part, wanted in zip(outputs(model.encode(x, labels), 2, message), right, strict=True):
            close(part, wanted, message)


# Right solutions reach 1.0 and 0.045 to 0.06; a decoder that gives one picture for each label has no variety.
SAMPLES = {
    "accuracy": Band(
        "the share of drawn digits that look like their label",
        floor=0.8,
        baseline=0.1,
        worse="is the label joined to the code in training too, each to its own example?",
    ),
    "variety": Band(
        "the deviation of a pixel among drawn digits of one label",
        floor=0.03,
        ceiling=0.12,
        baseline=0,
        worse="all digits of a label look alike: does the decoder use the code?",
        too_good="what is drawn is noise: are codes kept close to the prior?",
    ),
}


@question("conditional_vae", points=2, seconds=90)
def test_digits_that_are_drawn_for_a_label_show_it(student, rng):
    (train, labels, _, _), classify = digits(), classifier()

    def trained(_seed):
        encoder, decoder = networks(student, 64, 8, hidden=128, labels=10)
        model = student.ConditionalVAE(encoder, decoder)
        model.compile(optimizer=make(student, "keras.optimizers.Adam", 3e-3))
        model.fit(train, labels, epochs=20, batch_size=64, verbose=0)
        wanted = np.repeat(np.arange(10), 50)
        z = np.concatenate([rng.normal(size=(500, 8)), np.eye(10)[wanted]], axis=-1)
        images = sigmoid(apply_dense(z, weights_of(decoder)))
        spread = images.reshape(10, 50, 64).std(axis=1).mean()
        return {"accuracy": np.mean(classify(images) == wanted), "variety": spread}

    best_of(range(3), trained, SAMPLES)


@cache
def classifier():
    """Labels of images `(N, 64)`, by logistic regression on real digits."""
    from sklearn.linear_model import LogisticRegression

    train, labels, _, _ = digits()
    return LogisticRegression(max_iter=2000).fit(train, labels).predict
