"""Checks of problem set 10: losses of GANs, their training, convolutions, Wasserstein distance and penalty.

Training steps are judged on small networks with weights of the grader's: how far a step moves them is
compared with the gradient of the student's own losses, so that an error in a loss is paid for once; one
check of each question compares with the reference. What training leads to is judged from samples.
"""

import contextlib
import itertools

import numpy as np

from autograder.checking import (
    Handle,
    StudentError,
    array,
    assign,
    close,
    confirm_gradient,
    confirm_variable_gradient,
    define,
    defined,
    deltas,
    finite,
    make,
    outputs,
    question,
    set_random_weights,
    shared,
    variables,
    vjp,
)
from autograder.checking.training_gate import Band, best_of
from autograder.checking.training_step import StepSpy

REFERENCE = (
    "reference_impl.ring",
    "reference_impl.gan_losses",
    "reference_impl.gan_divergences",
    "reference_impl.gan_training",
    "reference_impl.ring_gan",
    "reference_impl.dcgan",
    "reference_impl.wasserstein",
    "reference_impl.gradient_penalty",
    "reference_impl.ring_wgan",
)
BATCHES = [((5,), (5,)), ((4, 1), (7, 1)), ((1, 1), (1, 1)), ((9, 1), (2, 1))]  # of real, of fake
NETWORKS = """
import keras

class Loud(keras.layers.Layer):
    def call(self, x, training=False):
        return 3 * x if training else x

def make_networks(loud):
    'A generator of 3 numbers to 4, a discriminator of 4 to 1; when `loud`, louder while they are trained.'
    def network(inputs, hidden, outputs):
        layers = [keras.layers.Dense(hidden, "tanh"), *[Loud()] * loud, keras.layers.Dense(outputs)]
        return keras.Sequential([keras.Input((inputs,)), *layers])
    return network(3, 5, 4), network(4, 6, 1)
"""
RATE = 0.1


def logistic(x):
    return 1 / (1 + np.exp(-x))


def cross_entropy(logits, label):
    """The mean of -log p of the label, in float64, without overflow."""
    return np.logaddexp(0, -logits if label else logits).mean()


# 1. The losses of the game


@question("gan_losses", points=1, public=True)
def test_a_discriminator_that_knows_nothing_pays_for_two_coins(student):
    for (real, fake), level in zip(BATCHES, (np.log(2), np.log(2), np.log(2), np.log(2)), strict=True):
        loss = student.discriminator_loss(np.zeros(real), np.zeros(fake))
        message = "at logits of 0 the discriminator pays ln 2 for a real sample and as much for a fake one"
        close(loss, 2 * level, message)
        message = "at logits of 0 the non-saturating loss is that of a coin: logits go in, not probabilities"
        close(student.generator_loss_nonsaturating(np.zeros(fake)), level, message)
        message = "at logits of 0 the minimax loss is the log of one half: it is negative"
        close(student.generator_loss_minimax(np.zeros(fake)), -level, message)


@question("gan_losses", points=1, public=True)
def test_the_discriminator_calls_real_samples_1_and_fakes_0(student, reference, rng):
    for real, fake in BATCHES:
        logits = 2 * rng.normal(size=real) + 1, 2 * rng.normal(size=fake) - 1
        message = "the loss is the mean of -log σ(real) plus the mean of -log(1 - σ(fake)), of logits"
        close(student.discriminator_loss(*logits), reference.discriminator_loss(*logits), message)


@question("gan_losses", points=1, public=True)
def test_the_generator_losses_follow_their_formulas(student, reference, rng):
    for _, fake in BATCHES:
        logits = 2 * rng.normal(size=fake)
        message = "the non-saturating loss is the mean of -log σ(fake)"
        close(
            student.generator_loss_nonsaturating(logits),
            reference.generator_loss_nonsaturating(logits),
            message,
        )
        message = "the minimax loss is the mean of log(1 - σ(fake))"
        close(student.generator_loss_minimax(logits), reference.generator_loss_minimax(logits), message)


@question("gan_losses", points=1)
def test_real_and_fake_samples_are_averaged_apart(student, rng):
    for few, many in ((2, 30), (30, 2), (1, 11)):
        real, fake = 3 * rng.normal(size=(few, 1)), 3 * rng.normal(size=(many, 1))
        expected = cross_entropy(real, 1) + cross_entropy(fake, 0)
        message = (
            "the mean over the real samples plus the mean over the fakes, however many there are of each"
        )
        close(student.discriminator_loss(real, fake), expected, message)


@question("gan_losses", points=1)
def test_a_better_judgement_costs_less(student, rng):
    real, fake = rng.normal(size=(2, 6, 1))
    before = finite(student.discriminator_loss(real, fake), "the loss")
    message = "the loss falls when a real sample looks more real: real = 1"
    assert finite(student.discriminator_loss(real + 0.5, fake), message) < before - 1e-3, message
    message = "the loss rises when a fake looks more real: fake = 0"
    assert finite(student.discriminator_loss(real, fake + 0.5), message) > before + 1e-3, message
    for name in ("generator_loss_nonsaturating", "generator_loss_minimax"):
        message = f"{name} falls when the fakes look more real"
        before = finite(getattr(student, name)(fake), message)
        assert finite(getattr(student, name)(fake + 0.5), message) < before - 1e-3, message


@question("gan_losses", points=1)
def test_fooling_is_being_taken_for_real(student, rng):
    logits, nothing = 2 * rng.normal(size=(8, 1)), np.full((3, 1), -60.0)
    taken_for_real = finite(student.discriminator_loss(logits, nothing), "the discriminator's loss")
    message = "the non-saturating loss is what the discriminator would pay if the fakes were real samples"
    close(student.generator_loss_nonsaturating(logits), taken_for_real, message)


@question("gan_losses", points=1)
def test_the_minimax_game_is_zero_sum(student, rng):
    real, fake, other = 2 * rng.normal(size=(3, 8, 1))
    paid = [
        finite(student.discriminator_loss(real, each), "the discriminator's loss") for each in (fake, other)
    ]
    won = [finite(student.generator_loss_minimax(each), "the minimax loss") for each in (fake, other)]
    message = "what other fakes cost the discriminator more, the minimax loss of the generator sinks by"
    close(paid[0] - paid[1], won[1] - won[0], message)


@question("gan_losses", points=1)
def test_only_the_nonsaturating_loss_pulls_when_the_fakes_are_found_out(student):
    slopes = {}
    for name in ("generator_loss_nonsaturating", "generator_loss_minimax"):
        ahead, behind = (
            finite(getattr(student, name)(np.full((4, 1), x)), "the loss").astype(float) for x in (-4.9, -5.1)
        )
        slopes[name] = (ahead - behind) / 0.2
    message = "at a logit of -5 the gradient of the non-saturating loss is nearly as steep as it gets"
    close(slopes["generator_loss_nonsaturating"], -logistic(5), message, atol=0.01)
    message = "at a logit of -5 the minimax loss is nearly flat: it saturates"
    close(slopes["generator_loss_minimax"], -logistic(-5), message, atol=2e-3)


@question("gan_losses", points=1)
def test_sure_judgements_cost_finite_numbers_and_have_gradients(student):
    sure = np.array([[-2000.0], [-80], [80], [2000]])
    message = "logits of any size give finite losses: take log σ of the logits in one step, not in two"
    close(student.discriminator_loss(sure, sure), cross_entropy(sure, 1) + cross_entropy(sure, 0), message)
    close(student.generator_loss_nonsaturating(sure), cross_entropy(sure, 1), message)
    close(student.generator_loss_minimax(sure), -cross_entropy(sure, 0), message)
    found_out = np.array([[-80.0]])
    pull = vjp(student.generator_loss_nonsaturating, found_out, cotangent=1.0, wrt="inputs").inputs[0]
    message = "a fake that is found out for sure still pulls with a gradient of full size"
    close(np.zeros((1, 1)) if pull is None else pull, [[-1.0]], message)


# 2. What the game measures


def draw_distribution(rng, size):
    """Probabilities of `size` points, none of them tiny."""
    return rng.dirichlet(np.full(size, 3.0)) * 0.9 + 0.1 / size


@question("optimal_discriminator", points=1, public=True)
def test_the_best_discriminator_says_how_much_of_the_mass_is_real(student, reference, rng):
    for size in (4, 9, 1):
        p, q = (draw_distribution(rng, size) for _ in range(2))
        message = "at each point the answer is the share of the data in the mass of both: p / (p + q)"
        close(student.optimal_discriminator(p, q), reference.optimal_discriminator(p, q), message)
    message = "it is 1 where only the data is, 0 where only the model is, one half where neither is"
    close(student.optimal_discriminator(np.array([0.5, 0, 0]), np.array([0, 2.0, 0])), [1, 0, 0.5], message)


@question("optimal_discriminator", points=1, public=True)
def test_divergences_follow_their_formulas(student, reference, rng):
    for size in (2, 5, 12):
        p, q = (draw_distribution(rng, size) for _ in range(2))
        close(student.kl(p, q), reference.kl(p, q), "kl(p, q) is the sum of p log(p / q), in nats")
        message = "the JS divergence is the mean of the two divergences from the mixture (p + q) / 2"
        close(student.js_divergence(p, q), reference.js_divergence(p, q), message)


@question("optimal_discriminator", points=1)
def test_against_its_best_opponent_the_generator_plays_for_the_js_divergence(student, rng):
    for size in (3, 8):
        p, q = (draw_distribution(rng, size) for _ in range(2))
        best = finite(student.optimal_discriminator(p, q), "the best discriminator").astype(float)
        divergence = finite(student.js_divergence(p, q), "the JS divergence").astype(float)
        value = np.sum(p * np.log(best)) + np.sum(q * np.log(1 - best))
        message = "the value of the game at the best discriminator is -log 4 plus twice the JS divergence"
        close(value, 2 * divergence - np.log(4), message, atol=1e-4)
        other = np.clip(best + 0.05 * rng.normal(size=size), 0.01, 0.99)
        message = "no discriminator gets a higher value of the game than the best one"
        assert np.sum(p * np.log(other)) + np.sum(q * np.log(1 - other)) <= value + 1e-6, message


@question("optimal_discriminator", points=1)
def test_the_js_divergence_is_symmetric_and_at_most_ln_2(student, rng):
    p, q = (draw_distribution(rng, 6) for _ in range(2))
    forth = finite(student.js_divergence(p, q), "the JS divergence")
    close(student.js_divergence(q, p), forth, "the JS divergence of p and q is that of q and p")
    close(student.js_divergence(p, p), 0.0, "a distribution has no divergence from itself")
    half = np.repeat([0.0, 1.0], 3)
    apart = p * half / (p @ half), q * (1 - half) / (q @ (1 - half))
    message = "distributions that share no point are ln 2 apart, wherever they are; 0 log 0 is 0"
    close(student.js_divergence(*apart), np.log(2), message)


@question("optimal_discriminator", points=1)
def test_kl_is_one_sided(student):
    sure, fair = np.array([1.0, 0, 0, 0]), np.full(4, 0.25)
    message = "a point that p never shows adds nothing: 0 log 0 is 0"
    close(student.kl(sure, fair), np.log(4), message)
    message = "a point that p shows and q does not makes the divergence infinite"
    assert array(student.kl(fair, sure), message, shape=()) == np.inf, message


# 3. One round of the game


class Game:
    """Two small networks with random weights over there, and an optimizer for each."""

    def __init__(self, student, rng, rates=(RATE, RATE), loud=False, optimizer="SGD"):
        self.student, made = student, define(student, "make_networks", NETWORKS)(loud)
        self.generator, self.judge = outputs(made, 2, "two networks")
        for network in (self.generator, self.judge):
            set_random_weights(network, rng, 0.7)
        self.opts = [make(student, f"keras.optimizers.{optimizer}", rate) for rate in rates]

    def draw(self, rng, rounds=2, same=False) -> tuple:
        """Real samples, and noise for `rounds` steps, the same for all of them where `same`."""
        noise = rng.normal(size=(1 if same else rounds, 6, 3))
        return rng.normal(size=(5, 4)) + 1, np.repeat(noise, rounds, axis=0) if same else noise

    def play(self, real, noise):
        result = self.student.gan_train_step(self.generator, self.judge, real, self.opts, noise)
        return outputs(
            result, 2, "gan_train_step gives a pair: the generator's loss, the discriminator's loss"
        )

    def loss(self, text, **names) -> Handle:
        """A function over there of the two networks G and D, and of what `names` adds."""
        values = {"G": self.generator, "D": self.judge, **names}
        return define(self.student, "loss", f"def loss(*args):\n    return {text}", **values)

    def judge_loss(self):
        """The student's own loss of the discriminator, of `(real, noise)`."""
        return self.loss(
            "own(D(args[0], training=True), D(G(args[1], training=True), training=True))",
            own=self.student.discriminator_loss,
        )

    def generator_loss(self):
        """The student's own loss of the generator, of `(noise,)`."""
        return self.loss(
            "own(D(G(args[0], training=True), training=True))",
            own=self.student.generator_loss_nonsaturating,
        )


def spy_on(game):
    return StepSpy(generator=game.generator, discriminator=game.judge)


def gradient_of(loss, *args, by):
    return vjp(loss, *args, cotangent=1.0, of=by).variables


@question("gan_train_step", points=2, public=True)
def test_a_round_trains_both_networks(student, rng):
    game = Game(student, rng)
    before = variables(game.generator), variables(game.judge)
    for loss in game.play(*game.draw(rng)):
        assert finite(loss, "both losses are numbers").size == 1, "both losses are one number"
    for network, name, old in zip(
        (game.generator, game.judge), ("generator", "discriminator"), before, strict=True
    ):
        message = f"every weight of the {name} moves: do its gradients reach its own optimizer?"
        assert all(0 < change < 100 for change in deltas(old, variables(network))), message


@question("gan_train_step", points=1, public=True)
def test_a_round_gives_the_losses_that_it_minimized(student, rng):
    game = Game(student, rng, rates=(0.0, 0.0))
    real, noise = game.draw(rng, same=True)
    losses = game.play(real, noise)
    message = "first comes the generator's loss, the non-saturating one, on its fakes"
    close(losses[0], finite(game.generator_loss()(noise[1]), "your generator_loss_nonsaturating"), message)
    message = "second comes the discriminator's loss, on the real samples and its fakes"
    close(losses[1], finite(game.judge_loss()(real, noise[0]), "your discriminator_loss"), message)


@question("gan_train_step", points=2)
def test_the_discriminator_goes_down_its_own_loss_and_the_generator_stays(student, rng):
    game = Game(student, rng, rates=(0.0, RATE))
    real, noise = game.draw(rng, same=True)
    loss, spy = game.judge_loss(), spy_on(game)
    gradients = gradient_of(loss, real, noise[0], by=game.judge)
    confirm_variable_gradient(
        game.judge, lambda: loss(real, noise[0]), gradients, 1.0, rng, "the gradient is that of your loss"
    )
    spy.watch(lambda: game.play(real, noise))
    spy.require_unmoved("generator", "the discriminator's optimizer moves weights of the generator")
    message = "with the rate r the discriminator moves by -r times the gradient of discriminator_loss"
    spy.require_descent("discriminator", gradients, RATE, message)


@question("gan_train_step", points=2)
def test_the_generator_goes_down_its_own_loss_and_the_discriminator_stays(student, rng):
    game = Game(student, rng, rates=(RATE, 0.0))
    real, noise = game.draw(rng, same=True)
    loss, spy = game.generator_loss(), spy_on(game)
    gradients = gradient_of(loss, noise[1], by=game.generator)
    confirm_variable_gradient(
        game.generator, lambda: loss(noise[1]), gradients, 1.0, rng, "the gradient is that of your loss"
    )
    spy.watch(lambda: game.play(real, noise))
    spy.require_unmoved("discriminator", "the generator's optimizer moves weights of the discriminator")
    message = "with the rate r the generator moves by -r times the gradient of generator_loss_nonsaturating"
    spy.require_descent("generator", gradients, RATE, message)


@question("gan_train_step", points=1)
def test_the_generator_learns_against_the_new_discriminator(student, rng):
    game = Game(student, rng, rates=(RATE, 5 * RATE))
    real, noise = game.draw(rng, same=True)
    before, spy = variables(game.generator), spy_on(game)
    spy.watch(lambda: game.play(real, noise))
    after = variables(game.generator)
    assign(game.generator, [variable.value for variable in before])
    gradients = gradient_of(game.generator_loss(), noise[1], by=game.generator)
    assign(game.generator, [variable.value for variable in after])
    message = "the generator's step follows the discriminator's and sees its new weights"
    spy.require_descent("generator", gradients, RATE, message)


@question("gan_train_step", points=1)
def test_each_step_has_noise_of_its_own(student, rng):
    for group, rates, own in (("discriminator", (0.0, RATE), 0), ("generator", (RATE, 0.0), 1)):
        game = Game(student, rng, rates=rates)
        real, noise = game.draw(rng)
        changes = []
        for changed in (None, 1 - own, own):
            drawn = noise.copy()
            if changed is not None:
                drawn[changed] = rng.normal(size=noise.shape[1:])
            spy = spy_on(game)
            spy.watch(lambda game=game, drawn=drawn, real=real: game.play(real, drawn))
            changes.append(np.concatenate([change.ravel() for change in spy.changes(group)]))
            spy.put_back()
        message = f"the {group}'s step takes the fakes of noise[{own}], and of nothing else"
        close(changes[1], changes[0], message, atol=1e-6)
        assert np.abs(changes[2] - changes[0]).max() > 1e-5, message


@question("gan_train_step", points=1)
def test_networks_know_that_they_are_trained(student, rng):
    message = "both networks are called with training=True: batch normalization and dropout depend on it"
    for group, rates in (("discriminator", (0.0, RATE)), ("generator", (RATE, 0.0))):
        game = Game(student, rng, rates=rates, loud=True)
        real, noise = game.draw(rng, same=True)
        if group == "discriminator":
            gradients = gradient_of(game.judge_loss(), real, noise[0], by=game.judge)
        else:
            gradients = gradient_of(game.generator_loss(), noise[1], by=game.generator)
        spy = spy_on(game)
        spy.watch(lambda game=game, real=real, noise=noise: game.play(real, noise))
        spy.require_descent(group, gradients, RATE, message)


def same_as_reference(theirs, ours, rounds, message, atol=2e-4):
    """Two games with the weights of `ours`, played in the same rounds, end with the same weights."""
    for mine, yours in ((ours.generator, theirs.generator), (ours.judge, theirs.judge)):
        assign(yours, [variable.value for variable in variables(mine)])
    for arguments in rounds:
        for game in (theirs, ours):
            game.play(*arguments)
    for mine, yours in ((ours.generator, theirs.generator), (ours.judge, theirs.judge)):
        for expected, got in zip(variables(mine), variables(yours), strict=True):
            close(got.value, expected.value, message, atol=atol, rtol=1e-3)


@question("gan_train_step", points=1)
def test_three_rounds_agree_with_the_reference(student, reference, rng):
    games = [Game(each, rng, rates=(0.02, 0.05), optimizer="Adam") for each in (student, reference)]
    rounds = [games[0].draw(rng) for _ in range(3)]
    message = "after three rounds with Adam the weights are others: has each network an optimizer of its own?"
    same_as_reference(games[0], games[1], rounds, message, atol=1e-3)


# 4. The ring

WATCH = """
import inspect
import tensorflow as tf

def watch(train, seed, steps):
    'Train for some steps; give the real samples and the noise of each, and whether the optimizers differ.'
    names = inspect.unwrap(train).__globals__
    step, reals, noises, apart = names["gan_train_step"], [], [], []

    def keep(real, noise):
        reals.append(real.numpy())
        noises.append(noise.numpy())

    def watched(G, D, real, opts, noise):
        tf.py_function(keep, [tf.convert_to_tensor(real), tf.convert_to_tensor(noise)], [])
        apart.append(opts[0] is not opts[1])
        return step(G, D, real, opts, noise)

    names["gan_train_step"] = watched
    try:
        train(seed=seed, steps=steps)
    finally:
        names["gan_train_step"] = step
    return reals, noises, bool(apart) and all(apart)
"""
RING = 2 * np.stack([np.cos(np.pi / 4 * np.arange(8)), np.sin(np.pi / 4 * np.arange(8))], axis=1)
RING_STD = 0.15


def draw_ring(rng, count):
    return RING[rng.integers(8, size=count)] + RING_STD * rng.normal(size=(count, 2))


def ring_distances(points):
    """Of each point the nearest mode, and the distance to it in standard deviations."""
    distances = np.linalg.norm(points[:, None] - RING, axis=-1) / RING_STD
    return distances.argmin(axis=1), distances.min(axis=1)


def trained(student, name, kept, seed):
    """Generator, discriminator and losses: what the notebook kept of seed 0, else trained now, once a run."""
    if seed == 0 and defined(student, kept):
        with contextlib.suppress(StudentError):
            return outputs(getattr(student, kept).get(), 3, f"`{kept}` is what {name} gives")
    message = f"{name} gives generator, discriminator and losses"
    return outputs(shared(student, name, seed=seed), 3, message)


def generated(generator, rng, count=2000):
    """Points that the generator makes of the grader's noise."""
    message = "the generator maps (B, 8) to points (B, 2)"
    return array(generator(rng.normal(size=(count, 8))), message, shape=(count, 2))


@question("toy_gan", points=1, public=True, seconds=90)
def test_training_gives_two_networks_and_two_losses_a_step(student, rng):
    result = shared(student, "train_ring_gan", seed=5, steps=3)
    generator, judge, losses = outputs(result, 3, "it gives generator, discriminator and losses")
    array(losses, "the losses have a row for each step: the generator's, the discriminator's", shape=(3, 2))
    finite(losses, "the losses")
    points = array(
        generator(rng.normal(size=(7, 8))), "the generator comes first: noise to points", shape=(7, 2)
    )
    array(judge(points), "the discriminator comes second: points to logits", shape=(7, 1))


@question("toy_gan", points=0.5, seconds=90)
def test_a_seed_stands_for_one_training(student, rng):
    noise = rng.normal(size=(5, 8))
    message = "one seed, one result: call keras.utils.set_random_seed(seed) before anything is drawn"
    runs = [shared(student, "train_ring_gan", seed=5, steps=3)]
    runs += [student.train_ring_gan(seed=seed, steps=3) for seed in (5, 6)]
    first, again, other = (finite(outputs(run, 3, message)[0](noise), message) for run in runs)
    close(again, first, message)
    assert np.abs(other - first).max() > 1e-3, "another seed gives another generator"


@question("toy_gan", points=2, seconds=90)
def test_every_step_has_fresh_samples_and_fresh_noise(student):
    seen = define(student, "watch", WATCH)(student.train_ring_gan, 3, 4)
    reals, noises, apart = outputs(seen, 3, "what the steps were given")
    message = "train_ring_gan trains by your gan_train_step, once a step"
    assert isinstance(reals, list) and isinstance(noises, list) and len(reals) == len(noises) == 4, message
    reals = [array(real, "real samples are points", shape=(None, 2)) for real in reals]
    noises = [array(noise, "noise is (2, B, 8)", shape=(2, None, 8)) for noise in noises]
    for one, other in itertools.combinations(reals, 2):
        assert one.shape != other.shape or np.abs(one - other).max() > 1e-3, (
            "each step has real samples of its own"
        )
    for one, other in itertools.combinations([half for noise in noises for half in noise], 2):
        assert np.abs(one - other).max() > 1e-3, (
            "noise is drawn anew: for each step, and for both halves of it"
        )
    assert np.quantile(ring_distances(np.concatenate(reals))[1], 0.9) < 4, (
        "the real samples come from the ring"
    )
    everything = np.concatenate([noise.ravel() for noise in noises])
    message = "noise is standard normal"
    assert abs(everything.mean()) < 0.2 and 0.8 < everything.std() < 1.2, message
    assert apart is True, "generator and discriminator have an optimizer each: Adam remembers gradients"


@question("toy_gan", points=2.5, seconds=150)
def test_the_generator_covers_the_ring(student, rng):
    def measure(seed):
        generator, _, losses = trained(student, "train_ring_gan", "ring_run", seed)
        finite(losses, "training went to NaN")
        points = finite(generated(generator, rng), "the generator's points")
        mode, distance = ring_distances(points)
        counts = np.bincount(mode[distance < 3], minlength=8)
        before = [variable.value for variable in variables(generator)]
        try:
            set_random_weights(generator, rng)
            others = finite(generated(generator, rng), "the generator's points")
        finally:
            assign(generator, before)
        return {
            "modes": (counts >= 0.01 * len(points)).sum(),
            "quality": (distance < 3).mean(),
            "untrained": (ring_distances(others)[1] < 3).mean(),
        }

    bands = {
        "modes": Band("the number of modes with points", floor=6, ceiling=8, baseline=1),
        # uniform on the disc of the ring: 0.28; the ring itself: 0.989
        "quality": Band("the share of points at a mode", floor=0.8, ceiling=0.999, baseline=0.28),
        "untrained": Band(
            "the share of points at a mode with other weights",
            ceiling=0.6,
            lower_is_better=True,
            worse="the points must come from the generator's weights",
        ),
    }
    best_of(range(3), measure, bands)


@question("toy_gan", points=1, seconds=150)
def test_generator_and_discriminator_end_in_a_draw(student, rng):
    def measure(seed):
        generator, judge, losses = trained(student, "train_ring_gan", "ring_run", seed)
        losses = array(finite(losses, "the losses"), "the losses are (steps, 2)", shape=(None, 2))
        ends = losses[-max(len(losses) // 4, 1) :].mean(axis=0)
        real = array(judge(draw_ring(rng, 2000)), "logits", shape=(2000, 1))
        fake = array(judge(generated(generator, rng)), "logits", shape=(2000, 1))
        accuracy = ((real > 0).mean() + (fake < 0).mean()) / 2
        return {"generator": ends[0], "discriminator": ends[1], "accuracy": accuracy}

    won = "one player has won, or nobody plays: near ln 2 and 2 ln 2 is a draw"
    bands = {
        "generator": Band(
            "the generator's loss at the end", 0.5, 1.3, lower_is_better=True, worse=won, too_good=won
        ),
        "discriminator": Band(
            "the discriminator's loss at the end", 0.9, 1.6, lower_is_better=True, worse=won, too_good=won
        ),
        "accuracy": Band(
            "the share that the discriminator tells right",
            ceiling=0.9,
            too_good="it tells fakes from real points, so the generator has lost",
        ),
    }
    best_of(range(3), measure, bands)


# 5. Faces

DESCRIBE = """
def describe(model):
    'What the layers are, in order, those of models inside it too.'
    return [
        {
            "kinds": [kind.__name__ for kind in type(layer).__mro__],
            "activation": getattr(getattr(layer, "activation", None), "__name__", ""),
            "shape": tuple(layer.output.shape),
            "weights": len(layer.weights),
        }
        for layer in model._flatten_layers(include_self=False)
        if not hasattr(layer, "layers")
    ]
"""
IMAGES = [(24, 24, 1), (8, 12, 3)]


def image_networks(student, shape):
    """A small generator and a small discriminator for images of this shape."""
    return (
        shared(student, "make_generator", noise_dim=5, image_shape=shape, width=4),
        shared(student, "make_discriminator", image_shape=shape, width=4),
    )


def described(student, model):
    """Layers as dicts with the names of their classes, activation, output shape and number of weights."""
    message = "return a keras.Sequential, or a keras.Model of inputs and outputs"
    try:
        layers = define(student, "describe", DESCRIBE)(model)
    except StudentError as error:
        raise AssertionError(message) from error
    keys = {"kinds", "activation", "shape", "weights"}
    assert isinstance(layers, list) and all(set(layer) == keys for layer in layers), message
    return layers


def kind(layer, *names):
    return any(name in layer["kinds"] for name in names)


@question("dcgan", points=1, public=True)
def test_noise_becomes_images_between_minus_1_and_1(student, rng):
    for shape in IMAGES:
        generator, _ = image_networks(student, shape)
        images = finite(generator(rng.normal(size=(6, 5))), "the images")
        array(images, "noise (B, noise_dim) becomes images (B, H, W, C)", shape=(6, *shape))
        assert np.abs(images).max() <= 1, "pixels lie between -1 and 1: the last layer ends in tanh"


@question("dcgan", points=1, public=True)
def test_an_image_becomes_one_logit(student, rng):
    for shape in IMAGES:
        _, judge = image_networks(student, shape)
        logits = judge(rng.uniform(-1, 1, size=(3, *shape)))
        array(logits, "images (B, H, W, C) become logits (B, 1)", shape=(3, 1))


@question("dcgan", points=1)
def test_pixels_are_scaled_to_what_tanh_gives(student, rng):
    for shape in ((3, 4, 6), (1, 2, 2)):
        images = rng.random(shape)
        images[0, 0, :2] = 0, 1
        message = "pixels from 0 to 1 become pixels from -1 to 1, with an axis for the channel: (N, H, W, 1)"
        close(student.prepare_images(images), 2 * images[..., None] - 1, message)


@question("dcgan", points=1)
def test_pixels_reach_from_black_to_white(student, rng):
    generator, _ = image_networks(student, IMAGES[0])
    weights = [variable.value for variable in variables(generator)]
    random = [rng.normal(0, 0.5, value.shape) for value in weights]
    try:
        assign(
            generator,
            [
                np.abs(r) + 0.5 if v.min() >= 0 and v.ndim == 1 else r
                for r, v in zip(random, weights, strict=True)
            ],
        )
        images = finite(generator(rng.normal(size=(20, 5))), "the images")
    finally:
        assign(generator, weights)
    message = (
        "with large weights pixels come near -1 and near 1: tanh, and neither a sigmoid nor a norm after it"
    )
    assert images.min() < -0.9 and images.max() > 0.9, message
    assert np.abs(images).max() <= 1, message


@question("dcgan", points=1)
def test_sizes_halve_and_double_by_strides(student):
    for shape in IMAGES:
        height, breadth, _ = shape
        for network, name in zip(image_networks(student, shape), ("generator", "discriminator"), strict=True):
            layers = described(student, network)
            pools = [layer for layer in layers if any("Pool" in each for each in layer["kinds"])]
            assert not pools, f"the {name} has a pooling layer: strides do better, they can learn"
            sizes = [tuple(layer["shape"][1:]) for layer in layers]
            for part, width in ((2, 4), (4, 8)):
                wanted = (height // part, breadth // part, width)
                message = (
                    f"the {name} has `width` channels at half the size, twice as many at a quarter of it"
                )
                assert wanted in sizes, message


@question("dcgan", points=1)
def test_batch_normalization_is_where_it_belongs(student):
    generator, judge = (described(student, each) for each in image_networks(student, IMAGES[0]))
    assert sum(kind(layer, "BatchNormalization") for layer in generator) >= 2, (
        "the generator normalizes its batches after each layer but the last"
    )
    weighty = [layer for layer in generator if layer["weights"]]
    message = "no normalization at the generator's output: it would take contrast and brightness from it"
    assert not kind(weighty[-1], "BatchNormalization"), message
    weighty = [layer for layer in judge if layer["weights"]]
    message = (
        "no normalization at the discriminator's input: a batch of fakes would be told by its statistics"
    )
    assert kind(weighty[0], "BaseConv"), message


@question("dcgan", points=1)
def test_the_discriminator_leaks_and_gives_logits(student, rng):
    _, judge = image_networks(student, IMAGES[1])
    layers = described(student, judge)
    leaky = [each for each in layers if kind(each, "LeakyReLU") or each["activation"] == "leaky_relu"]
    rectified = [each for each in layers if kind(each, "ReLU") or each["activation"] == "relu"]
    message = "leaky ReLUs follow the discriminator's convolutions: plain ones pass nothing on to many fakes"
    assert len(leaky) >= 2 and not rectified, message
    before = [variable.value for variable in variables(judge)]
    try:
        large = [np.abs(v) + 0.5 if v.ndim == 1 else 30 * rng.normal(size=v.shape) for v in before]
        images = rng.uniform(-1, 1, size=(30, *IMAGES[1]))
        assign(judge, large)
        logits = finite(judge(images), "the logits")
        last = next(layer["weights"] for layer in reversed(layers) if layer["weights"])
        assign(judge, [*large[:-last], *(-value for value in large[-last:])])
        negated = judge(images)
    finally:
        assign(judge, before)
    message = "logits are any numbers: neither a sigmoid nor another activation at the end"
    assert np.abs(logits).max() > 1.5, message
    close(negated, -logits, message, atol=1e-3, rtol=1e-3)


# 6. Moving earth


def heaps(rng, size, mass=30):
    """Two heaps of whole numbers with one sum, and earth that has to go right as well as left."""
    p, q = (np.bincount(rng.integers(size, size=mass), minlength=size).astype(float) for _ in range(2))
    p[[0, -1]] += rng.integers(1, 9, size=2)
    q[0] = q[-1] = 0
    q[size // 2] += p.sum() - q.sum()
    return p, q


@question("wasserstein_1d", points=0.5, public=True)
def test_the_least_work_is_that_of_what_crosses_each_gap(student, reference, rng):
    for size in (4, 7, 3):
        p, q = heaps(rng, size)
        message = "across each gap goes what is too much on one side, and all that crosses a gap is work"
        close(student.wasserstein_1d(p, q), reference.wasserstein_1d(p, q), message)


@question("wasserstein_1d", points=0.5)
def test_moving_everything_by_k_places_costs_k(student, rng):
    heap = rng.dirichlet(np.ones(4))
    for k in (1, 3, 6):
        p, q = (np.concatenate([np.zeros(before), heap, np.zeros(6 - before)]) for before in (0, k))
        message = "a heap that moves as a whole costs its mass times the way, in either direction"
        close(student.wasserstein_1d(p, q), k, message)
        close(student.wasserstein_1d(q, p), k, message)


@question("wasserstein_1d", points=1)
def test_each_grain_goes_to_the_place_of_its_rank(student, rng):
    for size, mass in ((5, 9), (8, 40), (3, 1)):
        p, q = heaps(rng, size, mass)
        grains = [np.repeat(np.arange(size), heap.astype(int)) for heap in (p, q)]
        message = "on a line the least work moves the grains in order: |position - position| summed over them"
        close(student.wasserstein_1d(p, q), np.abs(grains[0] - grains[1]).sum(), message)


@question("wgan", points=1, public=True)
def test_the_critic_scores_real_samples_higher(student, reference, rng):
    for real, fake in BATCHES:
        scores = 4 * rng.normal(size=real), 4 * rng.normal(size=fake) + 1
        message = (
            "the critic's loss is the mean score of the fakes minus that of the real samples, of plain scores"
        )
        close(student.critic_loss(*scores), reference.critic_loss(*scores), message)
        message = "the generator's loss is minus the mean score of its fakes"
        close(student.generator_loss(scores[1]), reference.generator_loss(scores[1]), message)


def random_critic(student, rng, scale=0.5):
    """A small critic of 4 numbers."""
    _, critic = outputs(define(student, "make_networks", NETWORKS)(False), 2, "two networks")
    return critic, set_random_weights(critic, rng, scale)


@question("wgan", points=1, public=True)
def test_clipping_keeps_weights_between_minus_c_and_c(student, rng):
    for bound in (0.01, 0.3):
        critic, before = random_critic(student, rng)
        if bound == 0.01:
            student.clip_weights(critic)
        else:
            student.clip_weights(critic, c=bound)
        message = "weights beyond the bound c become c or -c, the others stay"
        for variable, value in zip(variables(critic), before, strict=True):
            close(variable.value, np.clip(value, -bound, bound), message)


@question("wgan", points=0.5)
def test_only_the_difference_of_scores_counts(student, rng):
    real, fake = rng.normal(size=(2, 6, 1))
    before = finite(student.critic_loss(real, fake), "the critic's loss")
    message = "a constant added to all scores changes nothing: scores are no logits, so no log and no sigmoid"
    close(student.critic_loss(real + 3, fake + 3), before, message)
    close(student.critic_loss(real + 30, fake), before - 30, "the loss falls by as much as real scores rise")
    lower = finite(student.generator_loss(fake + 30), "the generator's loss")
    close(
        lower,
        finite(student.generator_loss(fake), "the loss") - 30,
        "a fake is the better the higher its score",
    )


class Duel(Game):
    """A game in which the critic takes several steps, clipped or with a penalty."""

    def __init__(self, student, rng, rates=(RATE, RATE), optimizer="SGD", clip=0.4, penalty_weight=None):
        super().__init__(student, rng, rates, optimizer=optimizer)
        self.clip, self.penalty_weight = clip, penalty_weight

    def draw(self, rng, rounds=3, same=False) -> tuple:
        """Real samples and noise for `rounds` steps of the critic, and alpha where there is a penalty."""
        shape = (1 if same else rounds, 5)
        noise = rng.normal(size=(*shape, 3))
        last = noise[:1] if same else rng.normal(size=(1, 5, 3))
        drawn = [rng.normal(size=(*shape, 4)) + 1, noise, rng.random((*shape, 1))]
        real, noise, alpha = (np.repeat(part, rounds, axis=0) if same else part for part in drawn)
        noise = np.concatenate([noise, last])
        return (real, noise) if self.penalty_weight is None else (real, noise, alpha)

    def play(self, real, noise, alpha=None):
        message = "a round gives a pair: the generator's loss, the critic's loss"
        arguments = (self.generator, self.judge, real, self.opts, noise)
        if alpha is None:
            return outputs(self.student.wgan_train_step(*arguments, c=self.clip), 2, message)
        step = self.student.wgan_gp_train_step
        return outputs(step(*arguments, alpha, penalty_weight=self.penalty_weight), 2, message)

    def judge_loss(self):
        """The student's own loss of the critic, of `(real, noise)` or of `(real, noise, alpha)`."""
        scores = "own(D(args[0], training=True), D(G(args[1], training=True), training=True))"
        own = {"own": self.student.critic_loss}
        if self.penalty_weight is None:
            return self.loss(scores, **own)
        penalty = f" + {self.penalty_weight} * penalty(D, args[0], G(args[1], training=True), args[2])"
        return self.loss(scores + penalty, **own, penalty=self.student.gradient_penalty)

    def generator_loss(self):
        return self.loss("own(D(G(args[0], training=True), training=True))", own=self.student.generator_loss)


@question("wgan", points=1)
def test_the_critic_is_clipped_after_each_step_and_the_generator_never(student, rng):
    game = Duel(student, rng, rates=(RATE, 2.0), clip=0.2)
    set_random_weights(game.generator, rng, 2.0)
    game.play(*game.draw(rng))
    weights = np.concatenate([variable.value.ravel() for variable in variables(game.judge)])
    message = "after a round all of the critic's weights lie within c: clip after the optimizer's step"
    assert np.abs(finite(weights, message)).max() <= 0.2 + 1e-6, message
    others = np.concatenate([variable.value.ravel() for variable in variables(game.generator)])
    assert np.abs(finite(others, "weights")).max() > 1, "the generator's weights are free"


@question("wgan", points=1)
def test_the_critic_goes_down_its_own_loss_between_the_bounds(student, rng):
    game = Duel(student, rng, rates=(0.0, 0.3), clip=0.4)
    real, noise = game.draw(rng, rounds=1, same=True)
    gradients = gradient_of(game.judge_loss(), real[0], noise[0], by=game.judge)
    spy = spy_on(game)
    before = variables(game.judge)
    spy.watch(lambda: game.play(real, noise))
    spy.require_unmoved("generator", "the critic's optimizer moves weights of the generator")
    message = "the critic moves by -rate times the gradient of critic_loss, and then its weights are clipped"
    for old, new, gradient in zip(before, variables(game.judge), gradients, strict=True):
        slope = np.zeros(old.shape) if gradient is None else gradient
        close(new.value, np.clip(old.value - 0.3 * slope, -0.4, 0.4), message, atol=1e-4)


@question("wgan", points=1)
def test_the_critic_takes_a_step_for_each_batch_and_the_generator_one(student, rng):
    for rounds in (1, 4):
        game = Duel(student, rng)
        game.play(*game.draw(rng, rounds))
        generator, critic = (int(opt.iterations.get()) for opt in game.opts)
        message = "the critic takes a step for each batch of real samples: n_critic = len(real)"
        assert critic == rounds, message
        assert generator == 1, "after the critic's steps the generator takes one"


@question("wgan", points=0.5)
def test_a_round_of_wgan_agrees_with_the_reference(student, reference, rng):
    games = [Duel(each, rng, rates=(0.05, 0.1)) for each in (student, reference)]
    rounds = [games[0].draw(rng) for _ in range(2)]
    message = (
        "after two rounds the weights are others: real[i] and noise[i] for the critic, noise[-1] at the end"
    )
    same_as_reference(games[0], games[1], rounds, message)


# 7. The penalty

CRITICS = """
import tensorflow as tf

def quadratic(x):
    'Half the squared length of each sample: its gradient is the sample.'
    return tf.reduce_sum(x * x, axis=list(range(1, len(x.shape))))[:, None] / 2

def linear(weights):
    return lambda x: tf.reshape(x, (len(x), -1)) @ weights

class Plane(tf.Module):
    'A linear critic whose slope can be trained.'
    def __init__(self, weights):
        self.slope = tf.Variable(weights)
    def __call__(self, x):
        return tf.reshape(x, (len(x), -1)) @ self.slope
"""


def draw_pairs(rng, shape):
    """Real samples, fakes far from them, and a share for each sample."""
    alpha = rng.random((shape[0],) + (1,) * (len(shape) - 1))
    return rng.normal(size=shape), rng.normal(size=shape) + 2, alpha


def lengths(x):
    return np.linalg.norm(x.reshape(len(x), -1), axis=1)


SAMPLES = [(6, 2), (3, 4, 5, 2), (1, 3), (9, 7)]


@question("gradient_penalty", points=1, public=True)
def test_alpha_is_the_share_of_the_real_sample(student, reference, rng):
    for shape in SAMPLES:
        real, fake, alpha = draw_pairs(rng, shape)
        message = "the points are alpha * real + (1 - alpha) * fake"
        close(student.interpolate(real, fake, alpha), reference.interpolate(real, fake, alpha), message)


@question("gradient_penalty", points=1, public=True)
def test_there_is_one_alpha_for_each_sample(student, rng):
    for shape in SAMPLES:
        message = "alpha is (B, 1, ..., 1): one number for each sample, with as many axes as the samples"
        alpha = array(
            student.draw_alpha(rng.normal(size=shape)), message, (shape[0],) + (1,) * (len(shape) - 1)
        )
        message = "alpha lies between 0 and 1"
        assert (finite(alpha, message) >= 0).all() and (alpha <= 1).all(), message


@question("gradient_penalty", points=1, public=True)
def test_the_penalty_of_a_curved_critic_follows_the_formula(student, reference, rng):
    critics = [define(each, "quadratic", CRITICS) for each in (student, reference)]
    for shape in SAMPLES:
        pairs = draw_pairs(rng, shape)
        message = "the penalty is the mean of (slope - 1) squared, the slope that of the critic at each point"
        right = reference.gradient_penalty(critics[1], *pairs)
        close(student.gradient_penalty(critics[0], *pairs), right, message, rtol=1e-4)


@question("gradient_penalty", points=1)
def test_alpha_is_uniform(student, rng):
    alpha = finite(student.draw_alpha(rng.normal(size=(4000, 2))), "alpha").ravel()
    message = "each sample has an alpha of its own, all values between 0 and 1 equally likely"
    assert len(np.unique(alpha)) > 3900, message
    deviation = np.abs(np.sort(alpha) - (np.arange(len(alpha)) + 0.5) / len(alpha)).max()
    # Kolmogorov and Smirnov: chance exceeds it less often than once in 10,000 times
    assert deviation < np.sqrt(np.log(2 / 1e-4) / 2 / len(alpha)) + 0.5 / len(alpha), message


@question("gradient_penalty", points=1)
def test_a_straight_critic_pays_for_its_slope(student, rng):
    for shape in SAMPLES:
        weights = rng.normal(size=(int(np.prod(shape[1:])), 1))
        for slope in (0.2, 0.9, 3.0):
            critic = define(student, "linear", CRITICS)(weights / np.linalg.norm(weights) * slope)
            message = "a linear critic w x pays (|w| - 1) squared, whether it is too steep or too flat"
            penalty = student.gradient_penalty(critic, *draw_pairs(rng, shape))
            close(penalty, (slope - 1) ** 2, message, atol=1e-4, rtol=1e-4)


@question("gradient_penalty", points=1)
def test_the_slope_is_taken_between_real_and_fake(student, rng):
    critic = define(student, "quadratic", CRITICS)
    for share in (0.0, 0.3, 1.0):
        real, fake = rng.normal(size=(8, 2)), rng.normal(size=(8, 2)) + 5
        expected = np.square(lengths(share * real + (1 - share) * fake) - 1).mean()
        penalty = student.gradient_penalty(critic, real, fake, np.full((8, 1), share))
        message = "the slope is that at the points of alpha: not at the real samples, not at the fakes"
        close(penalty, expected, message, rtol=1e-4)


@question("gradient_penalty", points=1)
def test_each_sample_has_a_slope_of_its_own(student, rng):
    critic, shape = define(student, "quadratic", CRITICS), (4, 3, 2, 1)
    pairs = draw_pairs(rng, shape)
    together = finite(student.gradient_penalty(critic, *pairs), "the penalty")
    alone = [
        finite(student.gradient_penalty(critic, *(part[[i]] for part in pairs)), "the penalty")
        for i in range(4)
    ]
    message = (
        "the penalty of a batch is the mean of those of its samples, whose norms run over all their features"
    )
    close(together, np.mean(alone), message, rtol=1e-4)
    copies = [np.repeat(part, 3, axis=0) for part in pairs]
    close(student.gradient_penalty(critic, *copies), together, message, rtol=1e-4)


@question("gradient_penalty", points=1.5)
def test_the_penalty_trains_the_critic(student, rng):
    message = "the penalty has a gradient by the critic's weights: nothing may cut it off, NumPy neither"
    for slope in (0.5, 2.0):
        weights = rng.normal(size=(3, 1))
        weights *= slope / np.linalg.norm(weights)
        critic, pairs = define(student, "Plane", CRITICS)(weights), draw_pairs(rng, (5, 3))
        gradient = vjp(student.gradient_penalty, critic, *pairs, cotangent=1.0, of=critic).variables[0]
        assert gradient is not None, message
        close(gradient, 2 * (slope - 1) * weights / slope, message, atol=1e-4)
        confirm_gradient(
            lambda w, critic=critic, pairs=pairs: (
                assign(critic, [w]),
                student.gradient_penalty(critic, *pairs),
            )[1],
            weights,
            gradient,
            1.0,
            rng,
            message,
        )


@question("gradient_penalty", points=0.5)
def test_a_flat_critic_is_no_accident(student, rng):
    critic, pairs = define(student, "Plane", CRITICS)(np.zeros((3, 1))), draw_pairs(rng, (5, 3))
    result = vjp(student.gradient_penalty, critic, *pairs, cotangent=1.0, of=critic)
    close(result.output, 1.0, "a critic without slope pays 1", atol=1e-4)
    gradient = result.variables[0]
    message = "the square root has no derivative at 0: add a little below it, or training ends in NaN"
    finite(np.zeros(3) if gradient is None else gradient, message)


# 8. A Wasserstein GAN on the ring


@question("toy_wgan", points=1, public=True)
def test_a_round_with_penalty_trains_both_networks(student, rng):
    game = Duel(student, rng, penalty_weight=2.0)
    before = variables(game.generator), variables(game.judge)
    for loss in game.play(*game.draw(rng)):
        assert finite(loss, "both losses are numbers").size == 1, "both losses are one number"
    for network, old in zip((game.generator, game.judge), before, strict=True):
        message = "weights of both networks move"
        assert max(deltas(old, variables(network))) > 0, message


@question("toy_wgan", points=0.5)
def test_the_critic_minimizes_loss_and_penalty(student, rng):
    for weight in (0.5, 10.0):
        game = Duel(student, rng, rates=(0.0, 0.01), penalty_weight=weight)
        real, noise, alpha = game.draw(rng, rounds=1, same=True)
        gradients = gradient_of(game.judge_loss(), real[0], noise[0], alpha[0], by=game.judge)
        spy = spy_on(game)
        spy.watch(lambda game=game, drawn=(real, noise, alpha): game.play(*drawn))
        spy.require_unmoved("generator", "the critic's optimizer moves weights of the generator")
        message = "the critic goes down critic_loss + penalty_weight * gradient_penalty, and is not clipped"
        spy.require_descent("discriminator", gradients, 0.01, message)


@question("toy_wgan", points=0.5)
def test_two_rounds_with_penalty_agree_with_the_reference(student, reference, rng):
    games = [Duel(each, rng, rates=(0.05, 0.02), penalty_weight=3.0) for each in (student, reference)]
    rounds = [games[0].draw(rng) for _ in range(2)]
    message = (
        "after two rounds the weights are others: real[i], noise[i] and alpha[i] for the critic's step i"
    )
    same_as_reference(games[0], games[1], rounds, message)


@question("toy_wgan", points=2, seconds=150)
def test_the_critic_has_a_slope_near_1_between_ring_and_fakes(student, rng):
    def measure(seed):
        generator, critic, losses = trained(student, "train_ring_wgan", "ring_wgan_run", seed)
        losses = array(finite(losses, "the losses"), "the losses are (steps, 2)", shape=(None, 2))
        points, fakes = draw_ring(rng, 1000), finite(generated(generator, rng, 1000), "points")
        share, step = rng.random((1000, 1)), 1e-2
        between = share * points + (1 - share) * fakes
        shifted = [between + sign * step * axis for axis in np.eye(2) for sign in (1, -1)]
        scores = np.split(array(critic(np.concatenate(shifted)), "scores", shape=(4000, 1)), 4)
        slopes = np.hypot(scores[0] - scores[1], scores[2] - scores[3]) / (2 * step)
        distance = finite(critic(points), "scores").mean() - finite(critic(fakes), "scores").mean()
        last = losses[-max(len(losses) // 4, 1) :, 1]
        return {"slope": np.median(slopes), "distance": abs(distance), "loss": np.abs(last).mean()}

    held = "does the penalty reach the critic's weights?"
    bands = {
        "slope": Band("the median slope of the critic", 0.5, 2, worse=held, too_good=held),
        # an untrained generator is 1.9 away
        "distance": Band("the distance that the critic sees", ceiling=1, baseline=1.9, lower_is_better=True),
        "loss": Band("the size of the critic's loss at the end", ceiling=5, lower_is_better=True, worse=held),
    }
    best_of(range(3), measure, bands)
