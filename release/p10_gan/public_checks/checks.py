"""Public checks of this assignment. At grading they run with other inputs, among others."""


import numpy as np
from .vocabulary import Handle, array, close, define, deltas, finite, make, outputs, question, set_random_weights, shared, variables


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


IMAGES = [(24, 24, 1), (8, 12, 3)]


def image_networks(student, shape):
    """A small generator and a small discriminator for images of this shape."""
    return (
        shared(student, "make_generator", noise_dim=5, image_shape=shape, width=4),
        shared(student, "make_discriminator", image_shape=shape, width=4),
    )


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


@question("toy_wgan", points=1, public=True)
def test_a_round_with_penalty_trains_both_networks(student, rng):
    game = Duel(student, rng, penalty_weight=2.0)
    before = variables(game.generator), variables(game.judge)
    for loss in game.play(*game.draw(rng)):
        assert finite(loss, "both losses are numbers").size == 1, "both losses are one number"
    for network, old in zip((game.generator, game.judge), before, strict=True):
        message = "weights of both networks move"
        assert max(deltas(old, variables(network))) > 0, message
