"""Public checks of this assignment. At grading they run with other inputs, among others."""


import numpy as np
from .vocabulary import array, assign, close, define, finite, make, outputs, parameter_count, question, set_random_weights, variables


WIDTHS = [(7, 3, None), (6, 2, 5), (5, 1, 4)]  # n, latent, hidden


SIZES = [(3, 5), (1, 4), (6, 1), (5, 7)]  # B, features


def draw(rng, *shapes, scale=1.0) -> list:
    return [scale * rng.normal(size=shape) for shape in shapes]


def single(array):
    """As the student gets it: rounding a large logit to float32 is no mistake of theirs."""
    return array.astype(np.float32).astype(np.float64)


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


@question("denoising_and_anomalies", points=0.5, public=True)
def test_the_threshold_is_a_standard_deviation_above_the_mean(student, reference, rng):
    for count in (5, 40):
        errors = rng.gamma(2, size=count)
        message = "the threshold is mean + standard deviation of the training errors, divided by N"
        close(student.anomaly_threshold(errors), reference.anomaly_threshold(errors), message)


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


@question("evidence_bound", points=1, public=True)
def test_log_density_agrees_with_the_reference(student, reference, rng):
    for size in SIZES:
        sample, mean, log_var = draw_normal(rng, size)
        message = (
            "the log density sums -1/2 (log(2 pi) + log_var + (sample - mean)^2 / variance) over the features"
        )
        right = reference.log_normal_pdf(sample, mean, log_var)
        close(student.log_normal_pdf(sample, mean, log_var), right, message, atol=1e-4)


@question("evidence_bound", points=1, public=True)
def test_the_bound_is_likelihood_and_prior_over_code(student, rng):
    message = "the bound is log p(x|z) + log p(z) - log q(z|x), of one draw z, for each example"
    for size in SIZES:
        z, mean, log_var = draw_normal(rng, size)
        likelihood = -rng.gamma(3, size=size[0])
        own = [student.log_normal_pdf(z, 0 * z, 0 * z), student.log_normal_pdf(z, mean, log_var)]
        prior, code = (array(part, "one density for each example", size[:1]) for part in own)
        close(student.elbo(likelihood, z, mean, log_var), likelihood + prior - code, message, atol=1e-4)


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
