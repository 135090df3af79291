# %% [markdown]
# # Problem set 10: Generative adversarial networks
#
# *Weeks 5 and 6 · 65 points · no GPU needed: the whole notebook runs in about a minute on two CPU cores (on a
# GPU in less than one, which is an estimate)*
#
# A forger paints, an expert judges. The expert sees real paintings and forgeries and learns what gives the
# forgeries away; the forger never sees a real painting, hears only what the expert thinks, and learns from
# that. If both keep learning and neither wins, in the end the forgeries *are* like the real ones.
#
# That is a generative adversarial network (Goodfellow et al. 2014). It has no likelihood to maximize and no
# pixels to compare; its loss is another network, which changes while you look. That makes it powerful, and
# hard to get right: a mistake in it seldom raises an error, and often trains. In this problem set
# you write the game, watch it on data simple enough to *see* what goes wrong, and then repair its weakest part.
#
# | part | you write | points |
# |---|---|---|
# | 1 | the losses of the game | 9 |
# | 2 | what the game measures | 5 |
# | 3 | one round of training | 11 |
# | 4 | a GAN that learns eight Gaussians | 7 + 5 |
# | 5 | convolutions, and faces | 7 |
# | 6 | the distance that earth is moved, and a critic | 2 + 6 |
# | 7 | the gradient penalty | 9 |
# | 8 | a Wasserstein GAN that learns them too | 4 |

# %% [markdown]
# ## Before you start
#
# * Write your code where it says `YOUR CODE HERE`, in place of the line that raises `NotImplementedError`.
#   Keep the names and arguments of functions. Helpers and cells of your own are welcome.
# * Under each question `check("…")` tells you which properties of your code hold and which don't. These
#   public checks are a part of those that give points; the others look at the same code with other
#   shapes and numbers. Each check gives its own points, so half an answer is worth handing in.
# * A figure that needs a function you have not written yet says so and moves on. Figures give no points.
# * Before you submit: **Restart kernel and run all cells.** Relative paths only, nothing installed from
#   within the notebook. The last cell prints `Done`.
#
# Discuss ideas with whomever you like and name them below. Write the code and the answers yourself.

# %%
NAME = ""
COLLABORATORS = ""

# %% locked="setup"
import os
import warnings

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # fewer messages
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")  # take of a shared GPU only what is needed

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from keras import layers, ops
from public_checks import check

keras.utils.set_random_seed(42)
tf.config.experimental.enable_tensor_float_32_execution(False)  # GPUs would keep 3 digits of 7
print(f"TensorFlow {tf.__version__}, Keras {keras.__version__}")

# %% locked="drawing"
from contextlib import contextmanager

plt.rcParams["figure.constrained_layout.use"] = True
plt.rcParams["axes.spines.top"] = plt.rcParams["axes.spines.right"] = False
REAL_COLOR, FAKE_COLOR = "0.55", "C3"


@contextmanager
def when_written():
    """Run the lines below it; where one meets a stub, or a package is missing, say so and go on."""
    try:
        yield
    except NotImplementedError:
        plt.close("all")
        print("Nothing to see yet: this figure needs a function that is still to be written.")
    except ModuleNotFoundError as error:
        print(f"Nothing to see here: {error}")


def smoothed(losses, width=50):
    """Each column's running mean over `width` steps."""
    kernel = np.ones(width) / width
    return np.stack([np.convolve(column, kernel, mode="valid") for column in np.transpose(losses)], axis=1)


def show_plane(axes, points, real, title=""):
    """Draw what a generator makes over what it should make."""
    axes.scatter(*np.transpose(real), s=1, color=REAL_COLOR, alpha=0.5, linewidths=0)
    axes.scatter(*np.transpose(points), s=2, color=FAKE_COLOR, alpha=0.6, linewidths=0)
    axes.set(title=title, xlim=(-3, 3), ylim=(-3, 3), aspect="equal", xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


# %% [markdown]
# ## Conventions
#
# | | |
# |---|---|
# | what your functions get | float32 `tf.Tensor`s, Keras models, Keras optimizers |
# | what they may return | tensors, NumPy arrays, lists or tuples of them |
# | labels | **real = 1, fake = 0** |
# | a discriminator gives | **logits** $\ell$, any real number; its probability of "real" is $\sigma(\ell) = 1 / (1 + e^{-\ell})$ |
# | a critic gives | scores, any real number; **higher = more real** |
# | losses | are *minimized*, are means over the batch, and use natural logarithms |
# | order | generator before discriminator, in arguments (`G, D`), in `opts`, in the losses that come back |
# | shapes | $B$ batch; `(B, …)` where a sample may have any axes |
#
# Papers and slides differ in signs and labels, and some slides print $1 - \log D$ where $\log(1 - D)$ is meant.
# The table and the formulas below are what counts here.
#
# Write with `keras.ops` or `tf`, both let gradients through. NumPy does not.

# %% [markdown]
# ## 1. The losses
#
# With $D(x) = \sigma(\ell(x))$ the game is about one number (Goodfellow et al. 2014, equation 1)
#
# $$ V(D, G) = \mathbb{E}_{x \sim \text{data}} \log D(x) + \mathbb{E}_{z} \log\bigl(1 - D(G(z))\bigr), $$
#
# which the discriminator makes as large as it can and the generator as small as it can. As things to be
# minimized:
#
# | | loss |
# |---|---|
# | `discriminator_loss` | $-\text{mean} \log \sigma(\ell_\text{real}) - \text{mean} \log (1 - \sigma(\ell_\text{fake}))$, the sum, not half of it |
# | `generator_loss_minimax` | $\text{mean} \log (1 - \sigma(\ell_\text{fake}))$, its part of $V$; a negative number |
# | `generator_loss_nonsaturating` | $-\text{mean} \log \sigma(\ell_\text{fake})$ |
#
# The third is what everyone trains with. It is least where the second is least, but pulls when it is needed. The
# figure below the question shows it.
#
# Each mean is over its own batch: there may be more fakes than real samples.
#
# <details><summary>Hint: large logits give <code>inf</code> or <code>nan</code></summary>
#
# In float32 $\sigma(20)$ is 1, and $\log(1 - 1)$ is $-\infty$. Simplify first: $-\log \sigma(\ell) = \log(1 +
# e^{-\ell})$, which is `ops.softplus(-ell)`. The losses of Keras and TensorFlow do the same when they are told that they
# get logits.
# </details>

# %% question="gan_losses"
# solution: reference_impl.gan_losses.discriminator_loss
# solution: reference_impl.gan_losses.generator_loss_nonsaturating
# solution: reference_impl.gan_losses.generator_loss_minimax

# %% [markdown]
# ### Look at it: which loss pulls?
#
# Early in training every forgery is found out: its logit is far below 0, at the left of the figure. Where
# is the slope that a bad generator needs?

# %%
with when_written():
    logits = np.linspace(-8, 8, 65, dtype="float32")
    figure, axes = plt.subplots(1, 2, figsize=(9, 3))
    for label, loss in (("non-saturating", generator_loss_nonsaturating), ("minimax", generator_loss_minimax)):
        ells = tf.constant(logits)
        with tf.GradientTape() as tape:
            tape.watch(ells)
            values = tf.stack([loss(ell[None]) for ell in tf.unstack(ells)])
        axes[0].plot(logits, values, label=label)
        axes[1].plot(logits, -tape.gradient(values, ells), label=label)
    axes[0].set(title="loss of the generator", xlabel="logit of its fake")
    axes[1].set(title="pull towards more real", xlabel="logit of its fake", ylim=(0, 1.05))
    axes[0].legend(frameon=False)
    plt.show()

# %% [markdown]
# ## 2. What the game measures
#
# Say that the generator stays as it is, with the density $q$, and the data has the density $p$. Then the best
# discriminator is known (proposition 1 of the paper), and with it the value of the game (theorem 1):
#
# $$ D^*(x) = \frac{p(x)}{p(x) + q(x)}, \qquad V(D^*, G) = -\log 4 + 2 \, \text{JS}(p, q), $$
#
# $$ \text{JS}(p, q) = \tfrac{1}{2} \text{KL}\bigl(p \,\|\, m\bigr) + \tfrac{1}{2} \text{KL}\bigl(q \,\|\, m\bigr),
# \quad m = \tfrac{p + q}{2}, \qquad \text{KL}(p \,\|\, q) = \sum_x p(x) \log \frac{p(x)}{q(x)} . $$
#
# So the discriminator's loss is at best $\log 4 - 2 \, \text{JS}$: it is $2 \ln 2 = 1.386$ when the forgeries are
# perfect. *A discriminator's loss that goes down to 0 is bad news.*
#
# Here $p$ and $q$ are probabilities of $n$ points, arrays `(n,)`. Three conventions: $0 \log 0 = 0$, also where both are 0; $\text{KL}$ is
# infinite where $q = 0 < p$; and $D^* = \frac{1}{2}$ where there is neither $p$ nor $q$. (`optimal_discriminator` takes
# densities too, of any shape.)

# %% question="optimal_discriminator"
# solution: reference_impl.gan_divergences.optimal_discriminator
# solution: reference_impl.gan_divergences.kl
# solution: reference_impl.gan_divergences.js_divergence

# %% [markdown]
# ### Look at it: when do the forgeries touch the data?
#
# Two bell curves at a distance. On the left the best discriminator at one distance; on the right the divergence at all
# of them. Far apart it is $\ln 2$, whatever the distance: it does not tell the generator which way to go.
# Keep this figure in mind until part 6.

# %%
with when_written():
    x = np.linspace(-12, 12, 1001, dtype="float32")
    bell = lambda mean: np.exp(-((x - mean) ** 2) / 2) / np.exp(-(x**2) / 2).sum()
    figure, axes = plt.subplots(1, 2, figsize=(9, 3))
    axes[0].fill_between(x, bell(-1) / bell(-1).max(), color=REAL_COLOR, alpha=0.5, label="data")
    axes[0].fill_between(x, bell(2) / bell(2).max(), color=FAKE_COLOR, alpha=0.5, label="model")
    axes[0].plot(x, optimal_discriminator(bell(-1), bell(2)), "k", label="$D^*$")
    axes[0].set(title="the best discriminator", xlim=(-6, 6))
    axes[0].legend(frameon=False)
    distances = np.linspace(0, 8, 33)
    axes[1].plot(distances, [js_divergence(bell(-d / 2), bell(d / 2)) for d in distances], "k")
    axes[1].axhline(np.log(2), color="0.7", linestyle=":")
    axes[1].annotate("ln 2", (0, np.log(2)), (0.1, np.log(2) - 0.05))
    axes[1].set(title="JS divergence", xlabel="distance of the bells", ylim=(0, 0.75))
    plt.show()

# %% [markdown]
# ## 3. One round
#
# A round is two steps (algorithm 1 of the paper, with $k = 1$):
#
# 1. **Discriminator.** Fakes of `noise[0]`; `discriminator_loss` of `real` and the fakes; its gradient by the weights of
#    `D`; the optimizer of `D` applies it. The generator does not move.
# 2. **Generator.** *New* fakes, of `noise[1]`; `generator_loss_nonsaturating` of what `D`, with its new weights, says of
#    them; its gradient by the weights of `G`, through `D`; the optimizer of `G` applies it. The discriminator does not
#    move.
#
# | argument | |
# |---|---|
# | `G` | a Keras model, noise `(B, noise_dim)` to samples `(B, …)` |
# | `D` | a Keras model, samples `(B, …)` to logits `(B, 1)` |
# | `real` | samples `(B, …)`; this B may be another than that of the noise |
# | `opts` | a pair: the optimizer of `G`, the optimizer of `D` |
# | `noise` | `(2, B, noise_dim)`: all chance comes from outside, draw none yourself |
#
# Call both networks with `training=True` in both steps: batch normalization and dropout need to know. Give back the two
# losses as you minimized them, the generator's first.
#
# <details><summary>Hint: gradients without <code>fit</code></summary>
#
# `with tf.GradientTape() as tape:` around the forward calls; `gradients = tape.gradient(loss, model.trainable_variables)`
# after it; `optimizer.apply(gradients, model.trainable_variables)`. A tape for each step keeps them apart.
# </details>
#
# <details><summary>Hint: "No gradients provided for any variable"</summary>
#
# The path from the loss to the weights is broken: by `.numpy()`, by `tf.stop_gradient`, by `G` having been called before the
# tape began. In the discriminator's step it does no harm if the generator's path is cut. In the generator's step everything depends on it.
# </details>

# %% question="gan_train_step"
# solution: reference_impl.gan_training.gan_train_step

# %% [markdown]
# ## 4. Eight Gaussians
#
# Whether a generator of images is any good is hard to say. So first a distribution that can be looked at: eight small
# Gaussians on a circle. A generator that forgets some of them has *mode collapse*, the usual illness of GANs; one that
# puts points between them has learned a blur. `ring_quality` counts both. The networks are small and given.

# %% locked="ring"
RING_MODES = 8
RING_RADIUS = 2.0
RING_STD = 0.15
RING_NOISE_DIM = 8
RING_BATCH = 256


def ring_centers():
    """The means of the Gaussians, `(8, 2)`."""
    angles = 2 * np.pi * np.arange(RING_MODES) / RING_MODES
    return RING_RADIUS * np.stack([np.cos(angles), np.sin(angles)], axis=1).astype("float32")


def sample_ring(count):
    """Points of the ring, `(count, 2)`: each of a Gaussian drawn at random."""
    modes = tf.random.uniform((count,), maxval=RING_MODES, dtype=tf.int32)
    return tf.gather(ring_centers(), modes) + RING_STD * tf.random.normal((count, 2))


def ring_quality(points):
    """How many of the eight modes have at least 1 % of the points, and the share of high-quality points.

    A point is of high quality if it lies within three standard deviations of a mode.
    """
    distances = np.linalg.norm(np.asarray(points)[:, None] - ring_centers(), axis=-1)  # (N, 8)
    near = distances.min(axis=1) < 3 * RING_STD
    counts = np.bincount(distances.argmin(axis=1)[near], minlength=RING_MODES)
    return int((counts >= 0.01 * len(distances)).sum()), float(near.mean())


def make_ring_generator():
    """Noise `(B, 8)` to points `(B, 2)`."""
    return keras.Sequential([keras.Input((RING_NOISE_DIM,)), *_hidden_layers(), keras.layers.Dense(2)])


def make_ring_discriminator():
    """Points `(B, 2)` to a logit, or to a critic's score, `(B, 1)`."""
    return keras.Sequential([keras.Input((2,)), *_hidden_layers(), keras.layers.Dense(1)])


def make_ring_optimizer(steps):
    """Adam, whose rate sinks to 0 within `steps` steps: late steps polish."""
    return keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, steps), beta_1=0.5)


def _hidden_layers():
    return [keras.layers.Dense(128, activation="leaky_relu") for _ in range(2)]

# %% [markdown]
# Write the training: seed, networks, **two** optimizers, then `steps` rounds of your `gan_train_step`.
#
# * First of all `keras.utils.set_random_seed(seed)`: one seed, one result.
# * `make_ring_generator()`, `make_ring_discriminator()`, and `make_ring_optimizer(steps)` once for each of them. Adam remembers the
#   gradients of the weights that it trains; who shares it between two networks mixes them up.
# * Each round gets `RING_BATCH` real points from `sample_ring`, and standard normal noise of shape `(2, RING_BATCH, RING_NOISE_DIM)`,
#   all drawn anew.
# * Give back the generator, the discriminator, and the losses as an array `(steps, 2)`.
#
# <details><summary>Hint: it takes minutes</summary>
#
# Put one round, the drawing included, into an inner function without arguments and decorate it with `@tf.function`. TensorFlow then compiles it once; 2,000
# rounds take some seconds. Draw with `tf.random` in there: what NumPy draws while TensorFlow compiles is a constant
# forever after, and all rounds get the same noise.
# </details>

# %% question="toy_gan"
# solution: reference_impl.ring_gan.train_ring_gan

# %% [markdown]
# The next cell trains for real, and keeps the result. The checks look at what is in `ring_run`: at least 6 of the 8 modes, 80 % of the points at one
# of them, losses near those of a draw. (If this run falls short, two other seeds are tried at grading.)

# %% locked="train_ring_gan"
with when_written():
    ring_run = train_ring_gan(seed=0)
    modes, quality = ring_quality(ring_run[0](tf.random.normal((2000, RING_NOISE_DIM))))
    print(f"{modes} of 8 modes, {quality:.0%} of the points at a mode")

# %% [markdown]
# ### Look at it: the game on the plane
#
# The generator's points (red) over the ring (grey) after more and more rounds, and the losses of the long run. The dotted lines are those
# of a draw: $2 \ln 2$ for the discriminator, $\ln 2$ for the generator. Compare the end of the curves with part 2.

# %%
with when_written():
    real = sample_ring(1500)
    noise = tf.random.normal((1500, RING_NOISE_DIM))
    stages = {steps: train_ring_gan(seed=0, steps=steps)[0] for steps in (1, 200)} | {2000: ring_run[0]}
    figure, axes = plt.subplots(1, 4, figsize=(11, 2.9), width_ratios=(1, 1, 1, 1.6))
    for ax, (steps, generator) in zip(axes, stages.items()):
        show_plane(ax, generator(noise), real, f"{steps} round{'s' * (steps > 1)}")
    for curve, level, label in zip(smoothed(ring_run[2]).T, (np.log(2), 2 * np.log(2)), ("generator", "discriminator")):
        line = axes[3].plot(curve, label=label)[0]
        axes[3].axhline(level, color=line.get_color(), linestyle=":")
    axes[3].set(title="losses", xlabel="round", ylim=(0, 2.2))
    axes[3].legend(frameon=False, ncols=2, loc="upper right")
    plt.show()

# %% [markdown] written="written_gan" points=5
# ### In your own words
#
# **Question** (5 points, read by a person; eight sentences and a formula or two are plenty)
#
# 1. Derive the best discriminator: for one point $x$ with densities $p$ and $q$, which $D$ makes
#    $p \log D + q \log(1 - D)$ largest? Which loss does the discriminator have when $p = q$ everywhere?
# 2. A classmate swaps the labels of real and fake in `discriminator_loss`, and only there. Both losses of the training go to 0 within seconds. What has happened, and
#    why is it no success?
# 3. When the discriminator is nearly perfect, the gradient of one of the two generator losses vanishes. Of which, and why? Use the derivative by the logit.
#
# ### BEGIN SOLUTION
# 1. The derivative is $p / D - q / (1 - D)$; it is 0 at $D = p / (p + q)$, where the function, which is concave, has its
#    maximum. With $p = q$ the answer is $1/2$ everywhere and the loss is $-\log \frac12 - \log \frac12 = 2 \ln 2 \approx 1.386$.
# 2. With the labels swapped the discriminator learns high logits for fakes, which is just what the generator
#    wants: the players work together instead of against each other. Each makes the other's loss smaller, and nothing pulls the fakes towards
#    the data (no modes are found). In a game small losses say that someone has won or that nobody plays; the draw has $2 \ln 2$ and $\ln 2$.
# 3. Of the minimax loss. By the logit, $\log(1 - \sigma(\ell))$ has the derivative $-\sigma(\ell)$, which goes to 0 as
#    $\ell \to -\infty$, where a sure discriminator puts the fakes; $-\log \sigma(\ell)$ has $-(1 - \sigma(\ell))$, which goes to $-1$ there.
#
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
# * 1 point: sets the derivative to 0 and finds $p / (p + q)$ (or argues with the Bernoulli cross-entropy).
# * 1 point: $2 \ln 2$ at $p = q$, with the reason $D = 1/2$.
# * 1 point: swapped labels make the players cooperate, so that both losses can be small.
# * 1 point: small losses are no sign of good samples; names what would be (modes, samples, losses near the draw).
# * 1 point: the minimax loss, with both derivatives, or with one and the limit.
#
# Half points are fine.
#
# === END MARK SCHEME ===

# %% [markdown]
# ## 5. Faces
#
# For images Radford et al. (2016) found an architecture that trains, the DCGAN. Its rules:
#
# * no pooling: the discriminator shrinks by strided convolutions, the generator grows by transposed ones (upsampling followed by a convolution is
#   as good);
# * batch normalization in both, but neither at the generator's output nor at the discriminator's input;
# * leaky ReLUs in the discriminator; in the generator, leaky or plain ones;
# * the generator ends in tanh, so images are scaled to the interval from $-1$ to $1$ first; the discriminator ends in nothing, as it gives logits.
#
# | | generator | | discriminator |
# |---|---|---|---|
# | in | noise $(B, \text{noise\_dim})$ | in | images $(B, H, W, C)$ |
# | dense, reshape | $(H/4, W/4, 2 \cdot \text{width})$ | convolution, stride 2 | $(H/2, W/2, \text{width})$ |
# | transposed convolution, stride 2 | $(H/2, W/2, \text{width})$ | convolution, stride 2 | $(H/4, W/4, 2 \cdot \text{width})$ |
# | transposed convolution, stride 2, tanh | $(H, W, C)$ | flatten, dense | logit $(B, 1)$ |
#
# Sizes of kernels are yours to choose; a multiple of the stride avoids checkerboards. Return a `keras.Sequential` or a functional `keras.Model`. The images come as `(N, H, W)` with pixels from 0 to
# 1; `prepare_images` gives `(N, H, W, 1)` with pixels from $-1$ to $1$.

# %% question="dcgan"
# solution: reference_impl.dcgan.prepare_images
# solution: reference_impl.dcgan.make_generator
# solution: reference_impl.dcgan.make_discriminator

# %% [markdown]
# ### Look at it: a hundred faces
#
# The faces are 100 small pictures from *Labeled Faces in the Wild* (Huang et al. 2007) that come with scikit-image. A hundred pictures and half a minute are
# far too little for good faces. What can you see nevertheless, after 100 rounds, after 400? Multiply `ROUNDS` by ten on a GPU.

# %% locked="faces"
def load_faces():
    """100 grey faces, `(100, 24, 24)`, pixels from 0 to 1."""
    try:
        from skimage.data import lfw_subset
    except ModuleNotFoundError:
        raise ModuleNotFoundError("the faces come with scikit-image: pip install scikit-image") from None
    return lfw_subset()[:100, :24, :24].astype("float32")


# %%
ROUNDS = (100, 400)


def show_faces(axes, images, title):
    """Draw 18 images `(N, 24, 24, 1)` from -1 to 1 as a grid."""
    rows = np.asarray(images)[:18].reshape(3, 6, 24, 24)
    axes.imshow(np.concatenate(np.concatenate(rows, axis=1), axis=1), cmap="gray", vmin=-1, vmax=1)
    axes.set_title(title)
    axes.axis("off")


with when_written():
    keras.utils.set_random_seed(0)
    faces = prepare_images(load_faces())
    G, D = make_generator(32, (24, 24, 1)), make_discriminator((24, 24, 1), width=16)
    opts = [keras.optimizers.Adam(rate, beta_1=0.5) for rate in (1e-3, 4e-4)]

    @tf.function
    def face_round():
        real = tf.gather(faces, tf.random.uniform((50,), maxval=100, dtype=tf.int32))
        return gan_train_step(G, D, real, opts, tf.random.normal((2, 50, 32)))

    noise = tf.random.normal((18, 32))
    figure, axes = plt.subplots(1, 1 + len(ROUNDS), figsize=(12, 2.4))
    show_faces(axes[0], faces, "real")
    for ax, rounds, more in zip(axes[1:], ROUNDS, np.diff([0, *ROUNDS])):
        for _ in range(more):
            face_round()
        show_faces(ax, G(noise, training=True), f"after {rounds} rounds")
    plt.show()

# %% [markdown]
# ## 6. Moving earth
#
# In part 2 two bells far apart had the divergence $\ln 2$, at any distance. The *Wasserstein distance* knows how far: it is the least work, mass times way, that turns one heap of
# earth into the other. On a line with places 0, 1, 2, … it is easily found. What is too much to the left of a gap has to cross it:
#
# $$ W(p, q) = \sum_{i} \Bigl| \sum_{j \le i} (p_j - q_j) \Bigr| . $$
#
# With $p = (3, 2, 1, 4)$ and $q = (1, 2, 4, 3)$: two have to cross the first gap, two the second, one the third, backwards; together 5.

# %% question="wasserstein_1d"
# solution: reference_impl.wasserstein.wasserstein_1d

# %% [markdown]
# ### A critic
#
# For images nobody can solve the transport. But the distance has a second face (Kantorovich and Rubinstein):
#
# $$ W(p, q) = \sup_{\|f\|_L \le 1} \; \mathbb{E}_{x \sim p} f(x) - \mathbb{E}_{x \sim q} f(x), $$
#
# over all functions $f$ that nowhere are steeper than 1. Let a network be $f$: the *critic*. It takes the discriminator's place, gives scores instead of logits, and is
# trained *well*, several steps for each one of the generator (Arjovsky et al. 2017, algorithm 1).
#
# | | |
# |---|---|
# | `critic_loss` | mean score of the fakes minus mean score of the real samples; no sigmoid, no logarithm |
# | `generator_loss` | minus the mean score of the fakes |
# | `clip_weights(critic, c)` | every trainable weight, in place, to the interval $[-c, c]$: a rough way to keep the critic from being steep |
# | `wgan_train_step` | for each `i` in `range(n_critic)`: one step of the critic on `real[i]` and the fakes of `noise[i]`, *then* clip; after them, one step of the generator on the fakes of `noise[n_critic]` |
#
# `real` is `(n_critic, B, …)` and `noise` is `(n_critic + 1, B, noise_dim)`, so `n_critic` is what is in `real`. As before: `opts` is the pair of optimizers of generator and critic,
# networks are called with `training=True`, and the pair of losses comes back, the generator's and the last one of the critic.

# %% question="wgan"
# solution: reference_impl.wasserstein.critic_loss
# solution: reference_impl.wasserstein.generator_loss
# solution: reference_impl.wasserstein.clip_weights
# solution: reference_impl.wasserstein.wgan_train_step

# %% [markdown]
# ### Look at it: the same two bells
#
# The two bells of part 2 again, further and further apart. One of these curves has a slope everywhere.

# %%
with when_written():
    grid = np.linspace(-12, 12, 241, dtype="float32")  # places are 0.1 apart
    bell_on_grid = lambda mean: np.exp(-((grid - mean) ** 2) / 2) / np.exp(-(grid**2) / 2).sum()
    distances = np.linspace(0, 8, 33)
    pairs = [(bell_on_grid(-d / 2), bell_on_grid(d / 2)) for d in distances]
    figure, ax = plt.subplots(figsize=(4.5, 3))
    ax.plot(distances, [0.1 * wasserstein_1d(p, q) for p, q in pairs], label="Wasserstein")
    ax.plot(distances, [js_divergence(p, q) for p, q in pairs], "k", label="JS")
    ax.set(xlabel="distance of the bells", title="two ways to measure it")
    ax.legend(frameon=False)
    plt.show()

# %% [markdown]
# ## 7. The gradient penalty
#
# Clipped weights make poor critics: most of them end at a bound. Gulrajani et al. (2017) ask for the slope itself. The best critic has slope 1 almost everywhere on the lines from fakes to real
# samples, so draw points there and fine every deviation:
#
# $$ \hat{x} = \alpha \, x_\text{real} + (1 - \alpha) \, x_\text{fake}, \quad \alpha \sim U[0, 1], \qquad
#    \text{GP} = \text{mean} \bigl( \| \nabla_{\hat{x}} f(\hat{x}) \|_2 - 1 \bigr)^2 . $$
#
# * `draw_alpha(samples)`: one number *for each sample*, uniform between 0 and 1, of shape `(B, 1, …, 1)` with as many axes as the samples, float32. (Some code on the
#   web draws a normal number here.)
# * `interpolate(real, fake, alpha)`: the points.
# * `gradient_penalty(critic, real, fake, alpha)`: the formula, *without* the factor $\lambda$. `critic` is any function of samples `(B, …)` to scores `(B, 1)`. The norm of a sample's gradient is over
#   all of its features, whatever axes they have. Both too steep and too flat are fined.
#
# The penalty is a function of the critic's weights, and the critic learns from it: a gradient of a gradient. TensorFlow does that by itself, as long as everything between stays within it. (A critic with batch normalization has no gradient
# of its own for each sample. Leave it out.)
#
# <details><summary>Hint: gradient by the points</summary>
#
# The points are no variables, so the tape must be told to `watch` them. The gradient of the *sum* of all scores by the points has in row $i$
# the gradient of score $i$, as a score depends on its own point alone; `tape.gradient` sums by itself.
# </details>
#
# <details><summary>Hint: NaN after some steps</summary>
#
# $\sqrt{s}$ has the derivative $1 / (2 \sqrt{s})$: infinite at 0, where a critic is flat. $\sqrt{s + 10^{-12}}$ has a finite one.
# </details>

# %% question="gradient_penalty"
# solution: reference_impl.gradient_penalty.draw_alpha
# solution: reference_impl.gradient_penalty.interpolate
# solution: reference_impl.gradient_penalty.gradient_penalty

# %% [markdown]
# Half the squared length of a point has the point itself as its gradient, so you can check your penalty with a pencil. Here
# the fakes lie around $(5, 5)$ and the real points around $(0, 0)$. A penalty at the wrong points is far off:

# %%
with when_written():
    rng = np.random.default_rng(0)
    real = tf.constant(rng.normal(size=(1000, 2)), "float32")
    half_square = lambda x: ops.sum(x**2, axis=1, keepdims=True) / 2
    for where, share in (("between", draw_alpha(real)), ("at the real points", tf.ones((1000, 1))), ("at the fakes", tf.zeros((1000, 1)))):
        print(f"{where:20}{float(gradient_penalty(half_square, real, real + 5, share)):6.1f}")

# %% [markdown]
# ## 8. A Wasserstein GAN with gradient penalty
#
# A round is that of part 6 without the clipping; instead the critic minimizes
# `critic_loss + penalty_weight * gradient_penalty`, with `alpha[i]` of shape `(B, 1, …, 1)` in its step `i`. The paper's $\lambda$ is 10; in the plane 1 will do.
#
# `train_ring_wgan` is `train_ring_gan` with other rounds: each gets `n_critic` batches of real points, `n_critic + 1` batches of noise of shape `(RING_BATCH, RING_NOISE_DIM)`, an alpha from `draw_alpha` for each
# batch of real points, and `penalty_weight=1.0`. The critic is a `make_ring_discriminator()`; the optimizers are `make_ring_optimizer(steps)` and, for the critic,
# `make_ring_optimizer(steps * n_critic)`.

# %% question="toy_wgan"
# solution: reference_impl.ring_wgan.wgan_gp_train_step
# solution: reference_impl.ring_wgan.train_ring_wgan

# %% [markdown]
# The checks look at what is in `ring_wgan_run`: no NaN, and a critic whose slope between ring and fakes is near 1. How many modes it finds in this short time is a matter of
# luck, and gives no points.

# %% locked="train_ring_wgan"
with when_written():
    ring_wgan_run = train_ring_wgan(seed=0)
    modes, quality = ring_quality(ring_wgan_run[0](tf.random.normal((2000, RING_NOISE_DIM))))
    print(f"{modes} of 8 modes, {quality:.0%} of the points at a mode")

# %% [markdown]
# ### Look at it: two landscapes
#
# What the discriminator of part 4 and the critic say of each place in the plane, from blue (fake) to red (real), and their slopes on the way
# from fakes to real points. Which of the two would you rather climb?

# %%
def landscape(axes, model, title):
    """Draw what a model of points says of each place."""
    line = np.linspace(-3, 3, 81, dtype="float32")
    plane = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    scores = np.asarray(model(plane)).reshape(81, 81)
    limit = np.quantile(np.abs(scores - np.median(scores)), 0.98)
    axes.contourf(line, line, scores - np.median(scores), np.linspace(-limit, limit, 21), cmap="coolwarm", extend="both")
    axes.scatter(*sample_ring(400).numpy().T, s=1, color="k")
    axes.set(title=title, aspect="equal", xticks=[], yticks=[])


def slopes_between(run, count=1000):
    """The slope of a model at points between its generator's fakes and the ring."""
    generator, model, _ = run
    points = interpolate(sample_ring(count), generator(tf.random.normal((count, RING_NOISE_DIM))), draw_alpha(tf.zeros((count, 2))))
    with tf.GradientTape() as tape:
        tape.watch(points)
        scores = model(points)
    return np.linalg.norm(tape.gradient(scores, points), axis=1)


with when_written():
    if not {"ring_run", "ring_wgan_run"} <= globals().keys():
        raise NotImplementedError("both networks are trained first")
    figure, axes = plt.subplots(1, 4, figsize=(13, 3.1), width_ratios=(1, 1, 1, 1.3))
    landscape(axes[0], ring_run[1], "discriminator")
    landscape(axes[1], ring_wgan_run[1], "critic")
    show_plane(axes[2], ring_wgan_run[0](tf.random.normal((1500, RING_NOISE_DIM))), sample_ring(1500), "points of the Wasserstein GAN")
    for run, label in ((ring_run, "discriminator"), (ring_wgan_run, "critic")):
        axes[3].hist(slopes_between(run), np.linspace(0, 6, 61), density=True, alpha=0.6, label=label)
    axes[3].set(title="slope between fakes and ring", xlabel="slope", yticks=[])
    axes[3].legend(frameon=False)
    plt.show()

# %% [markdown]
# Try: `penalty_weight` 0. How steep does the critic get? Then take the slope at the real points instead of between, or draw alpha from a normal distribution. These mistakes train as well as the right code, or better: only
# a test of the function itself, like the one with the pencil above, finds them.
#
# ## Hand in
#
# Restart the kernel, run all cells, see that nothing failed, save, submit.

# %% locked="done"
print("Done")

# %% [markdown]
# ## Sources
#
# * I. Goodfellow et al.: *Generative adversarial nets*. NeurIPS 2014. [arXiv:1406.2661](https://arxiv.org/abs/1406.2661). Parts 1 to 3: equation 1, proposition 1, theorem 1, algorithm 1.
# * A. Radford, L. Metz, S. Chintala: *Unsupervised representation learning with deep convolutional generative adversarial networks*. ICLR 2016. [arXiv:1511.06434](https://arxiv.org/abs/1511.06434). Part 5.
# * M. Arjovsky, S. Chintala, L. Bottou: *Wasserstein GAN*. ICML 2017. [arXiv:1701.07875](https://arxiv.org/abs/1701.07875). Part 6.
# * I. Gulrajani et al.: *Improved training of Wasserstein GANs*. NeurIPS 2017. [arXiv:1704.00028](https://arxiv.org/abs/1704.00028). Parts 7 and 8.
# * L. Metz et al.: *Unrolled generative adversarial networks*. ICLR 2017. [arXiv:1611.02163](https://arxiv.org/abs/1611.02163). The ring of Gaussians.
# * G. Huang et al.: *Labeled faces in the wild*. University of Massachusetts, Amherst, technical report 07-49, 2007. The faces.
# * The TensorFlow tutorial [*Deep convolutional generative adversarial network*](https://www.tensorflow.org/tutorials/generative/dcgan) and the Keras example [*WGAN-GP*](https://keras.io/examples/generative/wgan_gp/), which draws its alpha from a normal distribution.
