# %% [markdown]
# # Problem set 8: Autoencoders and variational autoencoders
#
# *Week 5 · 60 points · no GPU needed: the whole notebook runs in about a minute on two CPU cores*
#
# Squeeze an image of 64 pixels through two numbers and ask for it back. What comes out is not the image, but
# it is surprisingly like it: the network has found out what images of this kind have in common, and uses its
# two numbers for what they do not. Nobody had to label anything.
#
# An *autoencoder* does this. Ask it for a *new* image, though, and it has no answer: it knows codes of images
# that it was shown and nothing about the gaps between them. The *variational* autoencoder closes the gaps. It
# makes every code a small cloud, pushes all the clouds into one big one whose shape is known, and so can be
# asked for a point of the big cloud, and draws a digit that nobody has written. The price of a cloud, and what
# it buys, come out of one formula. You derive its parts, test them where the truth is known, and then train.
#
# | part | you write | points |
# |---|---|---|
# | 1 | an autoencoder, its losses, and two uses of its errors | 9 |
# | 2 | draws that gradients pass through | 9 |
# | 3 | the divergence and the evidence lower bound | 18 |
# | 4 | a variational autoencoder that trains itself, and an answer in words | 14 + 5 |
# | 5 | one that draws the digit you ask for | 5 |

# %% [markdown]
# ## Before you start
#
# * Write your code where it says `YOUR CODE HERE`, in place of the line that raises `NotImplementedError`.
#   Keep the names and arguments of functions, classes and methods. Helpers of your own are welcome.
# * `check("…")` under a question runs its public checks, which are less than half of those that give points.
#   The others look at the same code with other numbers, and at what training makes of it.
# * A figure that needs something you have not written yet says so and moves on. Figures give no points.
# * Before you submit: **Restart kernel and run all cells.** On a GPU the notebook takes a little less time, by
#   estimate: these networks are too small to keep one busy.
#
# Discuss ideas with whomever you like and name them below. Write the code and the answers yourself.

# %%
NAME = ""
COLLABORATORS = ""

# %% locked="setup"
import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # fewer messages
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")  # take of a shared GPU only what is needed

import math

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from keras import ops
from public_checks import check
from sklearn.datasets import load_digits

keras.utils.set_random_seed(42)
tf.config.experimental.enable_tensor_float_32_execution(False)  # GPUs would keep 3 digits of 7
print(f"TensorFlow {tf.__version__}, Keras {keras.__version__}")

# %% locked="drawing"
from contextlib import contextmanager

plt.rcParams["figure.constrained_layout.use"] = True
plt.rcParams["axes.spines.right"] = plt.rcParams["axes.spines.top"] = False


@contextmanager
def when_written():
    """Run the lines below it; where one meets a function that is still a stub, say so and go on."""
    try:
        yield
    except NotImplementedError:
        plt.close("all")
        print("Nothing to see yet: this figure needs something that is still to be written.")


def tiled(images):
    """Rows of images, `(rows, columns, 64)`, as one picture with white lines in between."""
    rows, columns = np.shape(images)[:2]
    padded = np.pad(np.reshape(images, (rows, columns, 8, 8)), ((0, 0), (0, 0), (0, 1), (0, 1)))
    return padded.transpose(0, 2, 1, 3).reshape(rows * 9, columns * 9)[:-1, :-1]


def show_images(axes, images, title="", rows=()):
    """Draw rows of images, `(rows, columns, 64)`, dark ink on white."""
    axes.imshow(tiled(images), cmap="Greys", vmin=0, vmax=1)
    axes.set_title(title)
    axes.set_xticks([])
    axes.set_yticks([9 * i + 3.5 for i in range(len(rows))], rows)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def show_codes(axes, codes, labels, title=""):
    """Codes `(N, 2)` as dots, one color for each digit."""
    dots = axes.scatter(*np.asarray(codes).T, c=labels, s=7, cmap="tab10", vmin=-0.5, vmax=9.5)
    axes.set_title(title)
    return dots


# %% [markdown]
# ## Conventions
#
# | | |
# |---|---|
# | what your functions get | float32 `tf.Tensor`s |
# | what they may return | tensors or NumPy arrays; tensors where a gradient must pass |
# | images | `x`, `(B, n)`: $B$ examples of $n$ pixels from 0 (paper) to 1 (ink) |
# | what decoders give | *logits*: any real numbers; the probability of ink is their sigmoid |
# | variances | as `log_var`, the natural logarithm of the *variance* $\sigma^2$, so that a network may give any number |
# | losses | one number for each example, `(B,)`, in nats; only `vae_loss` takes the mean over the batch |
# | noise | comes in as an argument (`eps`, `noise`), except where a question says "draws" |
#
# `keras.ops` has what you need: `ops.mean`, `ops.sum`, `ops.square`, `ops.exp`, `ops.softplus`, and so on.
#
# The data are 1,797 handwritten digits of 8 × 8 pixels (Alpaydin & Kaynak 1998), which come with scikit-learn.
# Every fifth is kept for the test.

# %% locked="digits"
digits = load_digits()
images = (digits.data / 16).astype("float32")  # (1797, 64)
labels = digits.target.astype("int32")
in_test = np.arange(len(images)) % 5 == 0
x_train, x_test = images[~in_test], images[in_test]
y_train, y_test = labels[~in_test], labels[in_test]
print(f"{len(x_train)} digits to train on, {len(x_test)} to test with")

figure, axes = plt.subplots(figsize=(9, 1.3))
show_images(axes, x_train[:32].reshape(2, 16, 64))
plt.show()

# %% [markdown]
# ## 1. Autoencoders
#
# ### The bottleneck
#
# $$ x \in \mathbb R^n \;\xrightarrow{\text{encoder}}\; z \in \mathbb R^k \;\xrightarrow{\text{decoder}}\; \hat x \in \mathbb R^n, \qquad k < n . $$
#
# `build_autoencoder(n, latent, hidden)` makes three models that *share* their layers: train the first, and the
# other two are trained. With `hidden`, both halves have one hidden layer of that width with a ReLU; without
# it, each is a single dense layer. Nothing bends the code or the output: no activation after the last layer
# of either half.
#
# Without hidden layers the best that training can find is known. Baldi & Hornik (1989) showed that the smallest
# squared error is that of the first $k$ principal components, and that it has no other minima. Training is not
# told so, and gets there anyway; one check looks whether yours does.
#
# <details><summary>Hint: three models, one set of layers</summary>
#
# `keras.Sequential` and `keras.Model` can be called like layers. Make encoder and decoder first, then
# `keras.Model(x, decoder(encoder(x)))` with `x = keras.Input((n,))`.
# </details>

# %% question="build_autoencoder"
# solution: reference_impl.autoencoder.build_autoencoder

# %% [markdown]
# ### Two losses
#
# One number for each example, the mean over its $n$ features:
#
# $$ \text{mse} = \frac1n \sum_i (\hat x_i - x_i)^2, \qquad
#    \text{bce} = -\frac1n \sum_i \big[ x_i \log p_i + (1 - x_i) \log (1 - p_i) \big], \quad p_i = \frac{1}{1 + e^{-l_i}} . $$
#
# The second takes logits $l$. It must stay right at logits of some thousands, where $p$ is 0 or 1 in float32
# and its logarithm infinite.
#
# <details><summary>Hint: no logarithm of a probability</summary>
#
# $-\log p = \log(1 + e^{-l})$ and $-\log(1 - p) = \log(1 + e^{l})$, which is $\operatorname{softplus}(l)$. Put
# both into the sum and use $\log(1 + e^{-l}) = \log(1 + e^{l}) - l$.
# </details>

# %% question="autoencoder_losses"
# solution: reference_impl.autoencoder.mse_loss
# solution: reference_impl.autoencoder.bce_loss

# %% [markdown]
# ### Two uses
#
# **Denoising** (Vincent et al. 2008). Disturb the input and ask for what it was before. The network cannot
# do it by copying; it has to know what digits look like.
#
# **Anomalies.** An autoencoder is good at what it was trained on and bad at everything else. So an example is
# suspicious if its error is above a threshold, and the threshold is made of errors on the *training* set:
#
# $$ \text{threshold} = \text{mean} + \text{standard deviation (divided by } N) . $$
#
# Whether one example is an anomaly must not depend on which others happen to be asked about.

# %% question="denoising_and_anomalies"
# solution: reference_impl.autoencoder.denoising_pairs
# solution: reference_impl.autoencoder.anomaly_threshold
# solution: reference_impl.autoencoder.find_anomalies

# %% [markdown]
# ### Look at it: sixty-four pixels in two numbers
#
# Left, the two principal components, which is what an autoencoder without hidden layers finds. Right, the codes
# of one with hidden layers: same two numbers, more room between the digits.

# %%
def trained_autoencoder(latent, hidden, inputs, targets, epochs=30):
    """The three models after training on pairs, with your `bce_loss`."""
    models = build_autoencoder(64, latent, hidden)
    models[0].compile(keras.optimizers.Adam(5e-3), bce_loss)
    models[0].fit(inputs, targets, epochs=epochs, batch_size=64, verbose=0)
    return models


with when_written():
    autoencoder, encoder, decoder = trained_autoencoder(2, 128, x_train, x_train)
    center = x_train.mean(axis=0)
    components = np.linalg.svd(x_train - center, full_matrices=False)[2][:2]
    projected = (x_test - center) @ components.T
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.4), width_ratios=(4, 4, 3))
    show_codes(axes[0], projected, y_test, "principal components")
    dots = show_codes(axes[1], encoder(x_test), y_test, "autoencoder")
    figure.colorbar(dots, ax=axes[1], ticks=range(10), label="digit")
    some = slice(8, 14)
    back = [x_test[some], center + projected[some] @ components, ops.sigmoid(autoencoder(x_test[some]))]
    by_column = np.stack([np.asarray(part) for part in back], axis=1)  # (6, 3, 64)
    show_images(axes[2], by_column, "digit, components, autoencoder")
    plt.show()

# %% [markdown]
# ### Look at it: noise taken away, and strangers found
#
# Training pairs are disturbed with $\sigma = 0.4$. Then an autoencoder that was trained on the digits 0 to 8
# meets nines, and digits whose pixels were shuffled. Shuffled ones are far off. Nines are not, for they look much
# like what it knows; most are above the threshold, and so is every fifth of the digits that belong. What would
# another threshold do?

# %%
with when_written():
    rng = np.random.default_rng(0)
    noise_train, noise_test = (rng.normal(size=x.shape).astype("float32") for x in (x_train, x_test))
    denoiser = trained_autoencoder(16, 128, *denoising_pairs(x_train, noise_train, stddev=0.4))[0]
    disturbed, _ = denoising_pairs(x_test, noise_test, stddev=0.4)

    known = y_train < 9
    narrow = trained_autoencoder(8, 128, x_train[known], x_train[known])[0]
    strangers = rng.permuted(x_test[y_test < 9], axis=1)
    groups = {"0 to 8": x_test[y_test < 9], "nines": x_test[y_test == 9], "shuffled": strangers}
    errors = {name: np.asarray(bce_loss(x, narrow(x))) for name, x in groups.items()}
    train_errors = bce_loss(x_train[known], narrow(x_train[known]))
    shares = {name: np.mean(find_anomalies(tf.constant(e), train_errors)) for name, e in errors.items()}

    figure, axes = plt.subplots(1, 2, figsize=(10, 2.8), width_ratios=(5, 4))
    some = slice(8, 20)
    rows = np.stack([np.clip(disturbed[some], 0, 1), ops.sigmoid(denoiser(disturbed[some])), x_test[some]])
    show_images(axes[0], rows, rows=("disturbed", "denoised", "as it was"))
    for name, e in errors.items():
        label = f"{name}: {shares[name]:.0%} above"
        axes[1].hist(e, bins=np.linspace(0.2, 1.5, 80), density=True, alpha=0.6, label=label)
    axes[1].axvline(float(anomaly_threshold(train_errors)), color="black", label="threshold")
    axes[1].set(xlabel="error of an example in nats a pixel", yticks=[])
    axes[1].legend(frameon=False)
    plt.show()

# %% [markdown]
# ## 2. Draws that gradients pass through
#
# From here on the encoder gives two vectors for each example, a mean $\mu$ and a `log_var` $= \log \sigma^2$,
# and the code is a *draw* from $N(\mu, \sigma^2)$, every feature on its own.
#
# How do you differentiate a draw? By writing it as a function of its parameters and of noise that does not
# depend on them (Kingma & Welling 2014, section 2.4):
#
# $$ z = \mu + \sigma \, \varepsilon, \qquad \sigma = e^{\frac12 \log \sigma^2}, \qquad \varepsilon \sim N(0, 1), $$
#
# so that $\partial z / \partial \mu = 1$ and $\partial z / \partial \log \sigma^2 = \frac12 \sigma \varepsilon$.
# The randomness comes in from the side, and the gradient goes straight through.

# %% question="reparameterize"
# solution: reference_impl.reparameterization.reparameterize

# %% [markdown]
# ### The layer
#
# `Sampling` makes the noise itself: anew at each call, for each example and each feature. It draws when it is
# called with `training=True`; otherwise it gives the mean.
#
# <details><summary>Hint: noise that is the same at every step</summary>
#
# `fit` compiles your step. What NumPy draws in there is drawn once, while compiling, and is a constant
# afterwards. `keras.random.normal(shape, seed=self.seed_generator)` with a `keras.random.SeedGenerator` draws
# anew, and repeats a whole sequence if the generator was given a seed. An integer as `seed` of `normal` would
# give the same numbers at each call.
# </details>
#
# <details><summary>Hint: the shape of a batch</summary>
#
# While `fit` compiles, the batch size is unknown: `mean.shape` begins with `None`. `ops.shape(mean)` is what
# `normal` can use.
# </details>

# %% question="sampling_layer"
# solution: reference_impl.reparameterization.Sampling

# %% [markdown]
# ### Look at it: three clouds
#
# Left: three codes and 300 draws of each. Right: what gradient descent does with a single one of them. The loss is
# the mean squared distance of the draws from the star. Both parameters get a gradient: the mean walks to the star,
# and the cloud shrinks, because here nothing pays for being wide. In part 3 something does.

# %%
with when_written():
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.4))
    layer = Sampling(seed=1)
    codes = {"A": ((-2, 0), (-2, -2)), "B": ((1, 1), (0, -4)), "C": ((1, -2), (-1, 0))}
    for name, code in codes.items():
        mean, log_var = (tf.constant([values] * 300, tf.float32) for values in code)
        axes[0].scatter(*np.asarray(layer(mean, log_var, training=True)).T, s=5, label=f"log_var {code[1]}")
    axes[0].legend(frameon=False, fontsize=8, markerscale=3)
    axes[0].set(title="300 draws of three codes", xlim=(-4.5, 4.5), ylim=(-5, 4))

    mean, log_var = tf.Variable([[-3.0, -2.0]]), tf.Variable([[0.0, 0.0]])
    star = tf.constant([[2.0, 1.0]])
    for step in range(31):
        with tf.GradientTape() as tape:
            z = layer(tf.repeat(mean, 200, axis=0), tf.repeat(log_var, 200, axis=0), training=True)
            loss = tf.reduce_mean(tf.reduce_sum(tf.square(z - star), axis=-1))
        if step in (0, 3, 8, 30):
            axes[1].scatter(*z.numpy().T, s=4, label=f"step {step}")
        gradients = tape.gradient(loss, [mean, log_var])
        mean.assign_sub(0.1 * gradients[0])
        log_var.assign_sub(0.3 * gradients[1])
    axes[1].plot(*star.numpy()[0], "*", color="black", markersize=12)
    axes[1].legend(frameon=False, fontsize=8, markerscale=3)
    axes[1].set(title="a cloud that is trained")
    plt.show()

# %% [markdown]
# ## 3. The evidence lower bound
#
# Now turn the picture around. A *model* draws a code $z \sim p(z) = N(0, 1)$, then an image $x \sim p(x|z)$ from
# what the decoder makes of it. A good model gives the images that we have a high probability
#
# $$ p(x) = \int p(x|z) \, p(z) \, dz, $$
#
# the *evidence*. Nobody can compute this integral for a network. But for every distribution $q(z|x)$ of codes, the
# encoder's for example,
#
# $$ \log p(x) \;=\; \underbrace{\mathbb E_{q} \big[ \log p(x|z) + \log p(z) - \log q(z|x) \big]}_{\text{ELBO}}
#    \;+\; \underbrace{\text{KL}\big( q(z|x) \,\|\, p(z|x) \big)}_{\ge\, 0} . $$
#
# So the ELBO is a lower bound, and raising it makes the model better or the bound tighter. It can be written in two ways,
# and you write both: with draws, as above, or with the two densities of codes taken together,
#
# $$ \text{ELBO} = \mathbb E_{q} \big[ \log p(x|z) \big] - \text{KL}\big( q(z|x) \,\|\, p(z) \big), $$
#
# which is what is trained: reconstruct well, from codes that stay close to the prior.
#
# ### The divergence
#
# For normal distributions the second term has a closed form (Kingma & Welling 2014, appendix B), a *sum* over the features:
#
# $$ \text{KL}\big( N(\mu, \sigma^2) \,\|\, N(0, 1) \big) = -\tfrac12 \sum_j \big( 1 + \log \sigma_j^2 - \mu_j^2 - \sigma_j^2 \big) . $$
#
# The order matters: KL$(q \| p)$ is the mean over draws of $q$ of $\log q(z) - \log p(z)$.

# %% question="kl_divergence"
# solution: reference_impl.evidence_bound.kl_divergence

# %% [markdown]
# ### Look at it: what a code costs
#
# A mean far from 0 costs half its square. A cloud may also be too narrow, and pays the logarithm of how much; too
# wide is soon worse. The cheapest code is the prior itself, which says nothing about the image.

# %%
with when_written():
    figure, axes = plt.subplots(1, 2, figsize=(9, 2.8), sharey=True)
    line = np.linspace(-3, 3, 121, dtype="float32")[:, None]
    for sigma in (0.2, 1, 1.5):
        costs = kl_divergence(tf.constant(line), tf.fill(line.shape, 2 * math.log(sigma)))
        axes[0].plot(line, costs, label=rf"$\sigma = {sigma:g}$")
    for mean in (0, 1, 2):
        log_var = tf.constant(2 * np.log(np.linspace(0.05, 2.5, 120, dtype="float32"))[:, None])
        axes[1].plot(np.exp(log_var / 2), kl_divergence(tf.fill(log_var.shape, float(mean)), log_var), label=rf"$\mu = {mean}$")
    axes[0].set(xlabel=r"$\mu$", ylabel="nats", ylim=(0, 6), title="one feature, by its mean")
    axes[1].set(xlabel=r"$\sigma$", title="and by its standard deviation")
    for ax in axes:
        ax.legend(frameon=False)
    plt.show()

# %% [markdown]
# ### The other parts
#
# | function | gives | |
# |---|---|---|
# | `reconstruction_loss(x, logits)` | `(B,)` | $-\log p(x \mid z)$: the cross-entropy of part 1, but *summed* over the pixels |
# | `log_normal_pdf(sample, mean, log_var)` | `(B,)` | $\sum_j \log N(\text{sample}_j; \mu_j, \sigma_j^2) = -\frac12 \sum_j \big( \log 2\pi + \log \sigma_j^2 + (\text{sample}_j - \mu_j)^2 / \sigma_j^2 \big)$ |
# | `elbo(log_likelihood, z, mean, log_var)` | `(B,)` | $\log p(x \mid z) + \log p(z) - \log q(z \mid x)$ for one draw $z$ of each example; the first term comes in as an argument, so that the function serves any decoder |
# | `vae_loss(x, logits, mean, log_var)` | a number | what training minimizes: the mean over the batch of reconstruction loss **plus** divergence, which is $-$ELBO |
#
# Sum over pixels and features, mean over the batch. With a mean over the pixels the reconstruction would weigh 64 times
# less than it should. You will be asked what becomes of the codes then.

# %% question="evidence_bound"
# solution: reference_impl.evidence_bound.reconstruction_loss
# solution: reference_impl.evidence_bound.log_normal_pdf
# solution: reference_impl.evidence_bound.elbo
# solution: reference_impl.evidence_bound.vae_loss

# %% [markdown]
# ### Look at it: a bound that touches
#
# Here the truth is known. One feature, one number to see: $z \sim N(0, 1)$, $x = 1.5 z + 0.5 \, \text{noise}$, and $x = 2$
# was seen. Then $p(x) = N(0, 1.5^2 + 0.5^2)$, and the posterior is normal too. Left: the mean of your `elbo` over 2,000
# draws, for codes of several widths. It touches $\log p(x)$ where the code is the posterior, and is below everywhere else.
# Right: single draws. Away from the posterior they scatter. *At* the posterior every draw gives the same number, the
# evidence itself; can you see why in the formula?

# %%
with when_written():
    seen, weight, noise = 2.0, 1.5, 0.5
    evidence = float(log_normal_pdf(*(tf.constant([[v]]) for v in (seen, 0.0, math.log(weight**2 + noise**2))))[0])
    width = (1 / (1 + weight**2 / noise**2)) ** 0.5  # of the posterior
    middle = seen * weight / noise**2 * width**2

    def bounds(mean, sigma, draws=2000, rng=np.random.default_rng(0)):
        """`elbo` at draws of the code N(mean, sigma^2)."""
        mean, log_var = (tf.fill((draws, 1), float(v)) for v in (mean, 2 * math.log(sigma)))
        z = mean + sigma * rng.normal(size=(draws, 1)).astype("float32")
        likelihood = log_normal_pdf(tf.fill((draws, 1), seen), weight * z, tf.fill((draws, 1), 2 * math.log(noise)))
        return np.asarray(elbo(likelihood, z, mean, log_var))

    figure, axes = plt.subplots(1, 2, figsize=(9, 3), sharey=True)
    means = np.linspace(0.4, 2, 41)
    for sigma in (width / 3, width, 2 * width):
        axes[0].plot(means, [bounds(mean, sigma).mean() for mean in means], label=rf"$\sigma = {sigma:.2f}$")
    codes = {"too narrow": (middle, width / 3), "beside it": (middle + 0.3, width), "posterior": (middle, width)}
    axes[1].boxplot([bounds(*code, draws=300) for code in codes.values()], tick_labels=list(codes), showfliers=False)
    for ax in axes:
        ax.axhline(evidence, color="black", linestyle=":", label=r"$\log p(x)$")
    axes[0].axvline(middle, color="lightgrey", zorder=0)
    axes[0].set(ylim=(evidence - 3, evidence + 1), xlabel="mean of the code", title="mean over draws")
    axes[1].set(title="single draws")
    axes[0].legend(frameon=False, loc="lower center", fontsize=8)
    plt.show()

# %% [markdown]
# ## 4. The variational autoencoder
#
# ### Two networks
#
# The encoder has one hidden layer with a ReLU and, on it, two dense layers side by side: one for the mean and one for
# `log_var`. The decoder is a hidden layer with a ReLU and a dense layer for the logits.

# %% question="vae_networks"
# solution: reference_impl.vae.build_encoder
# solution: reference_impl.vae.build_decoder

# %% [markdown]
# ### A model with a training step of its own
#
# `keras.Model.fit` calls `train_step` for each batch, inside a compiled function, and takes care of the rest: batches,
# epochs, history. One step:
#
# 1. *inside* a `tf.GradientTape`: encode, draw (`training=True`), decode, `vae_loss`;
# 2. gradients by `self.trainable_variables`, not by all weights: what is frozen stays;
# 3. `self.optimizer.apply(gradients, self.trainable_variables)`;
# 4. give the three means `loss`, `reconstruction_loss` and `kl` of this batch (before the step) to their trackers and
#    return a dict of what the trackers say.
#
# `fit` hands over `data`, which is `x` or a tuple that begins with it; `keras.utils.unpack_x_y_sample_weight` takes it apart.
# What `metrics` lists is reset when an epoch begins; without it the numbers of an epoch would be means since the birth of
# the model. The encoder and decoder are made outside and handed in: the checks hand in small ones of their own.
#
# <details><summary>Hint: gradients are None</summary>
#
# What happens outside the tape has no gradient, and neither has what goes through NumPy or `float()`.
# </details>
#
# <details><summary>Hint: trackers</summary>
#
# `tracker.update_state(values)` of a `keras.metrics.Mean` takes the mean of an array by itself; `tracker.result()` is the
# mean over all updates since the last reset.
# </details>

# %% question="vae"
# solution: reference_impl.vae.VAE

# %% [markdown]
# ### Look at it: training
#
# Eight features, 60 epochs, some seconds. A model that ignores its code and gives each pixel its mean over the training
# set pays 27.2 nats for a test digit; yours should pay about 24.5, of which 3 to 4 for the code. Not all eight features
# are used: one that costs more than it brings is given up, and its mean stays at 0 (Burda et al. 2016).

# %%
class Snapshots(keras.callbacks.Callback):
    """Keeps what the model draws for the same codes at some epochs."""

    def __init__(self, z, epochs):
        super().__init__()
        self.z, self.epochs, self.pictures = z, epochs, {}

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 in self.epochs:
            self.pictures[epoch + 1] = np.asarray(self.model.generate(self.z))


def trained_vae(latent, epochs=60, callbacks=()):
    """A VAE after training, and its history."""
    model = VAE(build_encoder(64, latent), build_decoder(latent, 64))
    model.compile(keras.optimizers.Adam(3e-3))
    history = model.fit(x_train, epochs=epochs, batch_size=64, verbose=0, callbacks=list(callbacks))
    return model, history.history


with when_written():
    snapshots = Snapshots(tf.random.normal((14, 8), seed=1), epochs=(1, 3, 10, 30, 60))
    vae, history = trained_vae(8, callbacks=[snapshots])
    mean, log_var = vae.encoder(x_test)
    logits = vae.decoder(Sampling(seed=0)(mean, log_var, training=True))
    total, divergence = float(vae_loss(x_test, logits, mean, log_var)), float(np.mean(kl_divergence(mean, log_var)))
    print(f"a test digit costs {total:.2f} nats, {divergence:.2f} of them for the code")

    figure, axes = plt.subplots(1, 3, figsize=(12, 2.9), width_ratios=(3, 4, 3))
    axes[0].plot(range(1, 61), history["loss"], label="loss")
    axes[0].plot(range(1, 61), history["reconstruction_loss"], label="reconstruction")
    axes[0].plot(range(1, 61), history["kl"], label="divergence")
    axes[0].axhline(27.2, color="grey", linestyle=":", label="mean of each pixel")
    axes[0].set(xlabel="epoch", ylabel="nats", ylim=(0, 34))
    axes[0].legend(frameon=False, fontsize=8)
    show_images(
        axes[1],
        list(snapshots.pictures.values()),
        "drawn from the prior, same codes",
        rows=[f"epoch {epoch}" for epoch in snapshots.pictures],
    )
    by_feature = np.mean([kl_divergence(mean[:, i : i + 1], log_var[:, i : i + 1]) for i in range(8)], axis=1)
    axes[2].bar(range(8), by_feature)
    axes[2].set(title="divergence of each feature", xlabel="feature", ylabel="nats")
    plt.show()

# %% [markdown]
# ### Look at it: reconstructions, and the plane of codes
#
# Above: test digits, what the mean of their code gives back, and what three draws of it give. Then a model with *two* features, so
# that its codes can be drawn. The codes of all test digits lie in one cloud around 0 without large gaps; compare with the
# autoencoder of part 1, whose axes have no scale that anybody knew beforehand. So one can walk through it: the grid shows what the
# decoder makes of codes from $-2$ to $2$.

# %%
with when_written():
    sampler = Sampling(seed=0)
    some = x_test[8:24]
    mean, log_var = vae.encoder(some)
    draws = [vae.generate(sampler(mean, log_var, training=True)) for _ in range(3)]
    rows = np.stack([some, vae.generate(mean), *draws])
    figure, axes = plt.subplots(figsize=(9, 2.8))
    show_images(axes, rows, rows=("digit", "from the mean", "a draw", "another", "another"))
    plt.show()

with when_written():
    plane, _ = trained_vae(2)
    ticks = np.linspace(-2, 2, 13, dtype="float32")
    grid = np.stack(np.meshgrid(ticks, ticks[::-1]), axis=-1)  # (13, 13, 2)
    figure, axes = plt.subplots(1, 2, figsize=(9.5, 4.2))
    dots = show_codes(axes[0], plane.encoder(x_test)[0], y_test, "codes of test digits")
    axes[0].set_aspect("equal")
    figure.colorbar(dots, ax=axes[0], ticks=range(10), label="digit")
    drawn = np.reshape(plane.generate(grid.reshape(-1, 2)), (13, 13, 64))
    show_images(axes[1], drawn, "what the decoder makes of codes from -2 to 2")
    plt.show()

# %% [markdown] written="written_vae" points=5
# ### In your own words
#
# **Question** (5 points, read by a person; ten sentences and a formula or two are plenty)
#
# 1. Derive $\log p(x) = \text{ELBO} + \text{KL}(q(z|x) \,\|\, p(z|x))$ from Bayes' rule. What does it say about the single draws in the figure of
#    part 3?
# 2. A classmate takes the *mean* over the 64 pixels in the reconstruction loss. The codes of all digits become the same, and the
#    model pays 27.2 nats. Explain with the two terms of the loss, and say what happens to $\mu$, $\sigma$ and the decoder.
# 3. Why is the code drawn at all in training? What would the encoder do with $\sigma$ if the mean were decoded instead, and
#    what would draws from the prior look like?
#
# ### BEGIN SOLUTION
# 1. $p(x) = p(x|z) p(z) / p(z|x)$ for every $z$. Take the logarithm, add and subtract $\log q(z|x)$:
#    $\log p(x) = [\log p(x|z) + \log p(z) - \log q(z|x)] + [\log q(z|x) - \log p(z|x)]$. The mean over $z \sim q$ of the first bracket is
#    the ELBO, that of the second KL$(q \| p(z|x)) \ge 0$. If $q$ is the posterior, the second bracket is 0 for *every* $z$, so each single
#    draw gives $\log p(x)$ and nothing scatters; otherwise it varies with $z$ and its mean is the gap.
# 2. The reconstruction weighs 1/64 of what it should, which is as if the divergence counted 64 times. A code that carries information about
#    the digit saves at most a few nats of reconstruction in the sum, a few hundredths in the mean, and costs several nats of divergence. So
#    the cheapest thing is not to encode: $\mu = 0$, $\sigma = 1$ for every digit, divergence 0. The decoder gets noise, learns to ignore it, and gives
#    the mean of each pixel, which costs 27.2 nats. This is posterior collapse.
# 3. Without the draw the reconstruction does not depend on $\sigma$, so the divergence alone decides and sets $\sigma = 1$, while nothing stops the means from
#    moving far apart to be told apart exactly: the code says it has width 1 and the decoder has only ever seen points. It is an autoencoder again:
#    draws from the prior fall where no training code was decoded and look like nothing. The noise is what makes the decoder give
#    sensible images in a whole neighborhood of each code.
#
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
# * 1 point: Bayes' rule, $\log q$ added and subtracted, means taken; the remainder is the KL divergence and not negative.
# * 1 point: at the posterior the remainder is 0 for each draw, hence no scatter (and scatter elsewhere).
# * 1 point: the mean over pixels makes the divergence 64 times as heavy; coding costs more than it saves.
# * 1 point: $\mu \to 0$, $\sigma \to 1$ for all inputs, the decoder ignores $z$ and gives the mean image.
# * 1 point: without noise $\sigma$ has no influence on the reconstruction (goes to 1) and gaps between codes are never decoded in training; samples are poor.
#
# Half points are fine. "Regularization" without saying what is regularized how gets nothing.
#
# === END MARK SCHEME ===

# %% [markdown]
# ## 5. The digit that you ask for
#
# The VAE draws *some* digit. Tell encoder and decoder which digit it is, and it becomes a model of images *given* the label, $p(x \mid y)$
# (Kingma et al. 2014; Sohn et al. 2015). The label is written as a one-hot vector **behind** the features of each network's input:
#
# | | input | shape |
# |---|---|---|
# | encoder | $[x, \text{one-hot}(y)]$ | `(B, n + num_classes)` |
# | decoder | $[z, \text{one-hot}(y)]$ | `(B, latent + num_classes)` |
#
# The code no longer has to say which digit it is; it is left with slant, width and weight of the pen. Everything else
# is inherited: override `forward`, and your `train_step` trains this model too, with `fit(x, labels)`.
#
# <details><summary>Hint: one-hot</summary>
#
# `ops.one_hot(labels, num_classes)` wants integers, and `fit` may hand labels over as another type:
# `ops.cast(labels, "int32")`. Join with `ops.concatenate([...], axis=-1)`; both parts must have one dtype.
# </details>

# %% question="conditional_vae"
# solution: reference_impl.vae.ConditionalVAE

# %% [markdown]
# ### Look at it: ten digits in ten hands
#
# Each row has one label and each column one code. The label decides which digit it is; what do the columns share?

# %%
with when_written():
    conditional = ConditionalVAE(build_encoder(64 + 10, 8), build_decoder(8 + 10, 64))
    conditional.compile(keras.optimizers.Adam(3e-3))
    conditional.fit(x_train, y_train, epochs=30, batch_size=64, verbose=0)
    hands = np.random.default_rng(2).normal(size=(14, 8)).astype("float32")
    rows = [ops.sigmoid(conditional.decode(hands, np.full(14, label))) for label in range(10)]
    figure, axes = plt.subplots(figsize=(6.5, 4.8))
    show_images(axes, np.stack(rows), rows=range(10))
    axes.set(ylabel="label", xlabel="code")
    plt.show()

# %% [markdown]
# ## Hand in
#
# Restart the kernel, run all cells, see that nothing failed, save, submit.

# %% locked="done"
print("Done")

# %% [markdown]
# ## Sources
#
# * P. Baldi, K. Hornik: *Neural networks and principal component analysis*. Neural Networks 2, 1989. Part 1, without hidden layers.
# * G. Hinton, R. Salakhutdinov: *Reducing the dimensionality of data with neural networks*. Science 313, 2006. Part 1, with them.
# * P. Vincent, H. Larochelle, Y. Bengio, P.-A. Manzagol: *Extracting and composing robust features with denoising autoencoders*. ICML 2008.
# * D. Kingma, M. Welling: *Auto-encoding variational Bayes*. ICLR 2014. [arXiv:1312.6114](https://arxiv.org/abs/1312.6114). Parts 2 to 4. D. Rezende, S. Mohamed, D. Wierstra: *Stochastic backpropagation and approximate inference in deep generative models*. ICML 2014. [arXiv:1401.4082](https://arxiv.org/abs/1401.4082). The same idea, found at the same time.
# * Y. Burda, R. Grosse, R. Salakhutdinov: *Importance weighted autoencoders*. ICLR 2016. [arXiv:1509.00519](https://arxiv.org/abs/1509.00519). Features that are used and features that are not, and a tighter bound.
# * D. Kingma, D. Rezende, S. Mohamed, M. Welling: *Semi-supervised learning with deep generative models*. NeurIPS 2014. [arXiv:1406.5298](https://arxiv.org/abs/1406.5298). K. Sohn, H. Lee, X. Yan: *Learning structured output representation using deep conditional generative models*. NeurIPS 2015. Part 5.
# * E. Alpaydin, C. Kaynak: *Optical recognition of handwritten digits*. UCI Machine Learning Repository, 1998. [doi:10.24432/C50P49](https://doi.org/10.24432/C50P49). The data, as scikit-learn's `load_digits`.
# * Larger examples: the TensorFlow tutorials on [autoencoders](https://www.tensorflow.org/tutorials/generative/autoencoder) and on the [convolutional VAE](https://www.tensorflow.org/tutorials/generative/cvae), and Keras's [VAE example](https://keras.io/examples/generative/vae/).
