# %% [markdown]
# # Problem set 3: Training and decoding
#
# *Weeks 4 and 5 · 60 points · no GPU needed: the whole notebook runs in about half a minute on two CPU
# cores, most of it training; on a GPU in about 15 seconds (an estimate)*
#
# A Transformer is a function: tokens in, one distribution over the next token out. Two things stand between
# this function and a translation. It must be *trained*: with which learning rate, and on which loss, when
# sentences have different lengths? And it must be *decoded*: how do you get from the probabilities of one
# next token to a whole sentence? In this problem set you write both, and use them on a Transformer that is
# small enough to be trained while you wait. It learns to write digits backwards.
#
# | part | you write | points |
# |---|---|---|
# | 1 | the learning-rate schedule of the Transformer | 9 |
# | 2 | loss and accuracy without padding | 11 |
# | 3 | greedy decoding and beam search | 12 |
# | 4 | sampling: temperature, top-k, top-p | 9 |
# | 5 | training and use of a toy Transformer, and an answer in words | 14 + 5 |

# %% [markdown]
# ## Before you start
#
# Write your code where it says `YOUR CODE HERE`, keep names and arguments, and use `check("…")` as in
# problem set 1: public checks are a part of those that give points. Figures give no points, and one that
# needs a function you have not written yet says so. Before you submit: **Restart kernel and run all cells.**
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

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from keras import ops
from public_checks import check

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
        print("Nothing to see yet: this needs a function that is still to be written.")


# %% [markdown]
# ## Conventions
#
# | | |
# |---|---|
# | what your functions get | float32 and int32 `tf.Tensor`s; numbers as Python numbers; a `step_fn` gives NumPy arrays or tensors |
# | what they may return | tensors, NumPy arrays, lists or tuples of them |
# | tokens | integers; 0 is padding (PAD), BOS begins a sequence, EOS ends it |
# | predictions | *logits*, never probabilities; log-probabilities where it says so, in natural logarithms |
# | shapes | $B$ batch, $T$ positions, $V$ tokens in the vocabulary, $D$ or `d_model` features |
#
# ## 1. The learning rate
#
# Adam divides each gradient by a running mean of its size. In the first updates this mean is a mean of very
# few numbers, and a Transformer that starts at full speed often does not recover. So Vaswani et al. (2017,
# equation 3) let the rate rise first, in a straight line, and fall afterwards:
#
# $$ \text{rate}(s) = D^{-1/2} \cdot \min\left( s^{-1/2}, \; s \cdot w^{-3/2} \right), $$
#
# with $s$ the number of the update and $w$ that of warm-up updates. People call it the *Noam* schedule, after
# the paper's third author. The base model ($D = 512$, $w = 4000$) starts at $1.75 \cdot 10^{-7}$, reaches
# $6.99 \cdot 10^{-4}$ at update 4000, and is back at half of that at update 16,000.
#
# Updates count from 1 here. Keras counts from 0: its optimizer asks for the rate of step 0 first. The formula
# gives 0 there, and an update that does nothing. **Step 0 is to be taken as step 1.**
#
# <details><summary>Hint: types</summary>
#
# The step comes as an integer or as a tensor of integers, of any shape, and an integer tensor has no power
# of $-1/2$: `ops.cast`. Python's `min` compares single numbers; `ops.minimum` works entry by entry.
# </details>

# %% question="noam_schedule"
# solution: reference_impl.noam_schedule.NoamSchedule

# %% [markdown]
# ### Look at it: warm-up
#
# What does a longer warm-up do to the highest rate? And a wider model?

# %%
with when_written():
    figure, axes = plt.subplots(1, 2, figsize=(9.5, 3), sharey=True)
    updates = np.arange(1, 20_001)
    for warmup in (1000, 4000, 8000):
        axes[0].plot(updates, NoamSchedule(512, warmup)(updates), label=f"{warmup:,} updates")
    for width in (256, 512, 1024):
        axes[1].plot(updates, NoamSchedule(width)(updates), label=f"{width:,} features")
    axes[0].set(title="warm-up", xlabel="update", ylabel="learning rate")
    axes[1].set(title="width", xlabel="update")
    for ax in axes:
        ax.legend(frameon=False)
    plt.show()

# %% [markdown]
# ## 2. Loss and accuracy without padding
#
# Sentences of a batch have different lengths, so short ones are filled up with PAD, token 0. Nobody wants a
# model that is good at predicting padding. Let $m_{bt}$ be 1 where the label $y_{bt}$ is a token, and 0 where
# it is padding. The loss is the mean over *all tokens of the batch*,
#
# $$ \text{loss} = \frac{\sum_{b,t} m_{bt} \, \big( - \log \text{softmax}(\text{pred}_{bt})[y_{bt}] \big)}{\sum_{b,t} m_{bt}}, $$
#
# and the accuracy is the mean, over the same tokens, of whether the largest logit is that of the label. A
# token counts the same in a long sentence and in a short one, so this is no mean of means. In a batch of
# padding alone there is nothing to divide by: loss and accuracy are 0.
#
# `label` is $(B, T)$, of integers; `pred` is $(B, T, V)$, of logits. Keras knows the loss of a single token:
# `ops.sparse_categorical_crossentropy(label, pred, from_logits=True)`. What happens if you forget the last
# argument?
#
# Write both with `ops` or `tf`, not NumPy: in part 5 `model.fit` runs them inside a graph, and hands the labels
# over as float32. If a function insists on integers, `ops.cast(label, "int32")` first.

# %% question="masked_loss"
# solution: reference_impl.masked_loss.masked_loss
# solution: reference_impl.masked_loss.masked_accuracy

# %% [markdown]
# One sentence of two tokens and one of one. Who takes all three tokens for equally probable pays
# $\ln 3 = 1.0986$ for each; longer padding must not change it:

# %%
with when_written():
    label = tf.constant([[1, 2, 0, 0], [2, 0, 0, 0]])
    print("loss:", round(float(masked_loss(label, tf.zeros((2, 4, 3)))), 4))
    always_two = tf.one_hot(2 * tf.ones_like(label), 3)
    print("accuracy of always token 2:", round(float(masked_accuracy(label, always_two)), 4))

# %% [markdown]
# ## 3. From one token to a sequence
#
# From here on the model is a function. `step_fn(prefix)` takes a 1-D integer array that begins with BOS, and
# returns the log-probabilities $(V,)$ of the token after it. What is inside, a table or a large network, is
# of no concern to a decoder.
#
# *A decoded sequence carries no BOS. EOS, when it is reached, stands in it once, at the end. `max_len` is the
# largest number of tokens in the sequence, EOS counted.*
#
# ### Greedy
#
# Take the most probable token, append it, ask again.

# %% question="greedy_decode"
# solution: reference_impl.decoding.greedy_decode

# %% [markdown]
# ### Beam search
#
# The most probable first token need not begin the most probable sequence. Beam search keeps the `beam` best
# beginnings instead of one. To make your results comparable, do it like this:
#
# 1. Begin with one empty sequence of log-probability 0.
# 2. Continue every kept sequence that has not ended with *every* token. Its continuations take its place.
#    Sequences that have ended stay as they are.
# 3. Of all these keep the `beam` with the highest score, and go on with 2, at most `max_len` times.
# 4. Return what is kept, the best first: a list of pairs `(sequence, logp)`.
#
# `logp` is the sum of the log-probabilities of all tokens of the sequence. Log-probabilities are negative, so
# with `logp` as score each further token costs, and short sequences win. The score therefore divides by a
# *length penalty* (Wu et al. 2016, equation 14):
#
# $$ \text{score} = \frac{\text{logp}}{\left( (5 + \text{length}) / 6 \right)^{\alpha}}, $$
#
# where the length counts EOS and not BOS. With $\alpha = 0$ the score is `logp`. Vaswani et al. (2017) took a
# beam of 4 and $\alpha = 0.6$. The `logp` that you return is always the sum itself, without the penalty.
#
# <details><summary>Hint: how to keep the best</summary>
#
# `sorted(candidates, key=score, reverse=True)[:beam]`, with `score` a function of one pair.
# </details>

# %% question="beam_search"
# solution: reference_impl.decoding.beam_search

# %% [markdown]
# ### Look at it: a trap
#
# A language model as a table: "the" is the better beginning, but nothing probable follows it.

# %%
WORDS = ["BOS", "EOS", "the", "a", "dog", "cat"]
NEXT = {
    "BOS": {"the": 0.55, "a": 0.45},
    "the": {"dog": 0.35, "cat": 0.35, "EOS": 0.3},
    "a": {"dog": 0.9, "cat": 0.1},
    "dog": {"EOS": 0.9, "the": 0.1},
    "cat": {"EOS": 1.0},
    "EOS": {"EOS": 1.0},
}
TABLE = np.log([[NEXT[word].get(after, 1e-9) for after in WORDS] for word in WORDS])


def words_step(prefix):
    """Log-probabilities of the word after the last one."""
    return TABLE[prefix[-1]]


with when_written():
    bos, eos = WORDS.index("BOS"), WORDS.index("EOS")
    print("greedy: ", *(WORDS[token] for token in greedy_decode(words_step, bos, eos, 5)))
    for beam in (1, 2, 4):
        print(f"a beam of {beam}:")
        for sequence, logp in beam_search(words_step, bos, eos, beam, 0.6, 5):
            print(f"   probability {np.exp(logp):.3f}  ", *(WORDS[token] for token in sequence))

# %% [markdown]
# ## 4. Sampling
#
# Translation wants the best sequence. A story wants one that nobody has told yet: draw each token, with the
# probabilities of the model. The tail of the distribution, thousands of tokens with hardly any probability
# each, is drawn rather often altogether, and one absurd word spoils a story. Three ways to tame it, all of
# them on the logits $(V,)$ of one step:
#
# | | |
# |---|---|
# | `apply_temperature(logits, temperature)` | divides the logits by $T > 0$ |
# | `top_k_filter(logits, k)` | keeps the $k$ largest logits |
# | `top_p_filter(logits, p)` | keeps the most probable tokens, as few as have a mass of at least $p$ together |
# | `sample(logits, rng)` | draws one token (an int) with the probabilities softmax(logits) |
#
# Filters return logits of the same shape, what is dropped being $-\infty$ and what is kept unchanged. Logits
# that tie for the $k$-th place may all be kept, or be cut to $k$. With top-p the token that *crosses* the
# line stays, so one token always does. `rng` is a `numpy.random.Generator`, and the only source of chance.
#
# <details><summary>Hint: top-p</summary>
#
# Sort the probabilities, the largest first. A token stays if the sum of those *before* it is below $p$. Then
# put the answer back into the order of the vocabulary: `np.argsort` tells where each one came from.
# </details>
#
# <details><summary>Hint: drawing</summary>
#
# `rng.choice` takes probabilities `p`, as a NumPy array that sums to 1. Or add Gumbel noise to the logits and
# take the largest: it is $i$ with probability softmax(logits)$_i$.
# </details>

# %% question="sampling"
# solution: reference_impl.decoding.apply_temperature
# solution: reference_impl.decoding.top_k_filter
# solution: reference_impl.decoding.top_p_filter
# solution: reference_impl.decoding.sample

# %% [markdown]
# ### Look at it: what is left of a distribution
#
# Twelve tokens, the probabilities before (grey) and after (blue), and dots for how often each was drawn among
# 500.

# %%
with when_written():
    rng = np.random.default_rng(3)
    logits = tf.constant(-0.3 * np.arange(12), "float32")
    cases = {
        "temperature 0.5": apply_temperature(logits, 0.5),
        "temperature 2": apply_temperature(logits, 2.0),
        "top-k, k = 4": top_k_filter(logits, 4),
        "top-p, p = 0.8": top_p_filter(logits, 0.8),
    }
    figure, axes = plt.subplots(1, 4, figsize=(11, 2.8), sharey=True)
    for ax, (title, changed) in zip(axes, cases.items()):
        drawn = [sample(changed, rng) for _ in range(500)]
        ax.bar(range(12), ops.softmax(logits), color="lightgrey", width=0.9)
        ax.bar(range(12), ops.softmax(changed), color="C0", width=0.5)
        ax.plot(range(12), np.bincount(drawn, minlength=12) / 500, "o", color="C1", markersize=4)
        ax.set(title=title, xlabel="token", xticks=range(0, 12, 3))
    axes[0].set(ylabel="probability")
    plt.show()

# %% [markdown]
# ## 5. A Transformer that writes backwards
#
# The task: eight random digits come in, the same digits come out, the last one first, and then EOS. It is
# translation on a small scale, with a grammar that is known. The next cell has the task and the model, one
# encoder and one decoder block of Keras's layers. Read it: `model((source, inputs))` gives the logits
# $(B, T, V)$, and those at position $t$ are for the token *after* `inputs[:, t]`.

# %% locked="toy_task"
PAD, BOS, EOS = 0, 1, 2  # then the ten digits, 3 to 12
VOCAB = 13
LENGTH = 8


def reversal_pairs(count, rng):
    """Sequences of random digits, and the same backwards with EOS at the end.

    Args:
        rng: `numpy.random.Generator`.
    Returns: a pair `(source, target)` of int32, `(count, LENGTH)` and `(count, LENGTH + 1)`.
    """
    source = rng.integers(EOS + 1, VOCAB, size=(count, LENGTH))
    target = np.concatenate([source[:, ::-1], np.full((count, 1), EOS)], axis=1)
    return source.astype("int32"), target.astype("int32")


def sinusoids(length, d_model):
    """Positional encoding `(length, d_model)` of Vaswani et al. 2017, section 3.5."""
    angles = np.arange(length)[:, None] / 10_000 ** (np.arange(0, d_model, 2) / d_model)
    return np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(length, d_model).astype("float32")


class Block(keras.layers.Layer):
    """A block of the encoder or, with a look at a context, of the decoder: each sub-layer with Add & Norm."""

    def __init__(self, d_model, num_heads, is_decoder=False, **kwargs):
        """Create the sub-layers."""
        super().__init__(**kwargs)
        self.is_decoder = is_decoder
        self.self_attention = keras.layers.MultiHeadAttention(num_heads, key_dim=d_model // num_heads)
        self.norm_1 = keras.layers.LayerNormalization()
        if is_decoder:
            self.cross_attention = keras.layers.MultiHeadAttention(num_heads, key_dim=d_model // num_heads)
            self.norm_2 = keras.layers.LayerNormalization()
        self.hidden = keras.layers.Dense(4 * d_model, activation="relu")
        self.output_dense = keras.layers.Dense(d_model)
        self.norm_3 = keras.layers.LayerNormalization()

    def call(self, x, context=None):
        """`(B, T, d_model)` to the same; the context is `(B, S, d_model)`."""
        x = self.norm_1(x + self.self_attention(x, x, use_causal_mask=self.is_decoder))
        if self.is_decoder:
            x = self.norm_2(x + self.cross_attention(x, context))
        return self.norm_3(x + self.output_dense(self.hidden(x)))


class ToyTransformer(keras.Model):
    """Call it with a pair `(source, inputs)` of integers, `(B, S)` and `(B, T)`: logits `(B, T, VOCAB)`.

    The logits at position t are those of the token after inputs[:, t].
    """

    d_model = 48

    def __init__(self, **kwargs):
        """Create the layers."""
        super().__init__(**kwargs)
        self.embedding = keras.layers.Embedding(VOCAB, self.d_model)
        self.encoder = Block(self.d_model, num_heads=4)
        self.decoder = Block(self.d_model, num_heads=4, is_decoder=True)
        small = keras.initializers.RandomNormal(stddev=0.02)  # at first all tokens are equally probable
        self.logits = keras.layers.Dense(VOCAB, kernel_initializer=small)

    def embed(self, tokens):
        """`(B, T)` to `(B, T, d_model)`: what a token is, and where it stands."""
        return self.embedding(tokens) * self.d_model**0.5 + sinusoids(tokens.shape[1], self.d_model)

    def call(self, pair):
        """Read the source, then predict the token after each of the inputs."""
        source, inputs = pair
        return self.logits(self.decoder(self.embed(inputs), self.encoder(self.embed(source))))

    def cross_attention(self, source, inputs):
        """Weights `(B, heads, T, S)`: where in the source the decoder looks at each of its positions."""
        decoder, context, x = self.decoder, self.encoder(self.embed(source)), self.embed(inputs)
        x = decoder.norm_1(x + decoder.self_attention(x, x, use_causal_mask=True))
        return decoder.cross_attention(x, context, return_attention_scores=True)[1]

# %% [markdown]
# ### Asking the model for the next token
#
# `step_function(model, source)` makes the bridge to part 3. `source` is one sequence $(S,)$; what comes back
# is a function from a prefix $(T,)$ to the log-probabilities $(V,)$ of the next token. Call the model with a
# batch of one, `model((source, inputs))`, of shapes $(1, S)$ and $(1, T)$. (`model.predict` does the same and
# takes a hundred times as long for one sequence.) Logits are no log-probabilities.

# %% question="step_function"
# solution: reference_impl.toy_training.step_function

# %% [markdown]
# ### Training
#
# With *teacher forcing* all positions are trained at once: the decoder gets the right tokens as inputs,
# shifted by one, $[\text{BOS}, y_1, \dots, y_{T-1}]$, and its labels are $[y_1, \dots, y_T]$. At each position it
# has to predict what it has not been given yet.
#
# `train_toy_transformer(seed)` makes a `ToyTransformer()`, trains it, and returns it. Seed the weights and the
# examples with `seed`. Use your `NoamSchedule`, `masked_loss` and `masked_accuracy`. What is enough: 2,880
# pairs, batches of 64, 10 epochs, Adam with `beta_2=0.98`, `epsilon=1e-9` and a warm-up of 150 updates. Pass
# `jit_compile=False` to `compile`: compiling takes longer than these 450 updates.
#
# It is graded by what the model can do, on digits of the grader's own: at least 99 % of the tokens right when
# the right ones before them are given, at least 97 % when it has to write alone (greedily), and no better
# than chance on answers that belong to another source. If the model of the cell below falls short, other
# seeds are tried, three in all. The grader may wait three minutes for each.

# %% question="toy_transformer"
# solution: reference_impl.toy_training.train_toy_transformer

# %% [markdown]
# The next cell trains the model that is graded, `toy`: some ten seconds on two cores.

# %% locked="training"
with when_written():
    toy = train_toy_transformer(seed=0)

# %% [markdown]
# ### Look at it: does it write backwards?

# %%
with when_written():
    if "toy" not in globals():
        raise NotImplementedError
    for source in reversal_pairs(3, np.random.default_rng(1))[0]:
        written = greedy_decode(step_function(toy, source), BOS, EOS, LENGTH + 1)
        print("source:", *(source - 3), " written:", *(t - 3 if t > EOS else "EOS" for t in written))

# %% [markdown]
# ### Look at it: training, and where the decoder looks
#
# Left, the loss of each epoch; the dotted line is $\ln V$, the loss of who knows nothing. Right, the
# cross-attention: to write its first digit the decoder must look at the last one of the source. Which head
# does it?

# %%
with when_written():
    if "toy" not in globals():
        raise NotImplementedError
    figure, axes = plt.subplots(1, 5, figsize=(12, 2.8), width_ratios=(1.5, 1, 1, 1, 1))
    losses = toy.history.history["loss"]
    axes[0].semilogy(range(1, len(losses) + 1), losses, "o-")
    axes[0].axhline(np.log(VOCAB), linestyle=":", color="grey")
    axes[0].set(title="training", xlabel="epoch", ylabel="loss")
    source, target = reversal_pairs(1, np.random.default_rng(2))
    inputs = np.concatenate([[[BOS]], target[:, :-1]], axis=1)
    for head, weights in enumerate(np.asarray(toy.cross_attention(source, inputs))[0]):
        ax = axes[head + 1]
        ax.imshow(weights, cmap="Blues", vmin=0, vmax=1)
        ax.set_xticks(range(LENGTH), source[0] - 3)
        ax.set_yticks(range(LENGTH + 1), [*(target[0, :-1] - 3), "EOS"])
        ax.set(title=f"head {head}", xlabel="source")
    axes[1].set(ylabel="token to write")
    plt.show()

# %% [markdown] written="written_decoding" points=5
# ### In your own words
#
# **Question** (5 points, read by a person; eight sentences are plenty)
#
# 1. A classmate gives the decoder the labels themselves as inputs, without the shift. The loss goes to 0. What
#    has the model learned, and what does greedy decoding give?
# 2. Without a length penalty, a wider beam finds sequences of higher probability, and translations often get
#    worse. How can both be true?
# 3. You sample a story at top-k with $k = 40$. At some steps the model is almost certain of the next word, at
#    others hundreds of words are fine. What goes wrong in each case, and what does top-p do about it?
#
# ### BEGIN SOLUTION
# 1. It has learned to copy: the label stands at the same position of the input, and a causal mask does not
#    hide it, since a position sees itself. When it has to write alone there is no label to copy; it repeats
#    what it was given, BOS, and decoding gives nothing of the target.
# 2. The probability of a sequence is a product of numbers below 1, so each further token makes it smaller:
#    short sequences, in the limit the empty one, have an advantage that has nothing to do with the source. A
#    narrow beam does not find them, its error hides the model's. The search is better, and what it searches
#    for is the wrong thing; dividing by a power of the length corrects it.
# 3. Where the model is certain, 39 of the 40 words are noise of the tail and are drawn now and then; where
#    hundreds are fine, 40 cut good ones off, and the story gets dull. Top-p keeps a mass and not a number:
#    one word in the first case, hundreds in the second.
#
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
# * 1 point: the model copies its input; the mask lets a position see itself.
# * 1 point: in decoding the input is not the label, so it repeats BOS or other nonsense: loss 0 says nothing.
# * 1 point: every token multiplies by a number below 1, so short sequences are favoured.
# * 1 point: the search got better at a wrong objective (model error, not search error); the penalty mends it.
# * 1 point: fixed k is too many for sharp and too few for flat distributions; top-p adapts the number.
#
# Half points are fine.
#
# === END MARK SCHEME ===

# %% [markdown]
# ## Hand in
#
# Restart the kernel, run all cells, see that nothing failed, save, submit.

# %% locked="done"
print("Done")

# %% [markdown]
# ## Sources
#
# * A. Vaswani et al.: *Attention is all you need*. NeurIPS 2017. [arXiv:1706.03762](https://arxiv.org/abs/1706.03762). Sections 5.3 (the schedule) and 6.1 (the beam).
# * Y. Wu et al.: *Google's neural machine translation system*. 2016. [arXiv:1609.08144](https://arxiv.org/abs/1609.08144). Section 7, the length penalty.
# * R. J. Williams, D. Zipser: *A learning algorithm for continually running fully recurrent neural networks*. Neural Computation 1989. Teacher forcing.
# * F. Stahlberg, B. Byrne: *On NMT search errors and model errors: cat got your tongue?* EMNLP 2019. [arXiv:1908.10090](https://arxiv.org/abs/1908.10090). What exact search finds: often nothing.
# * A. Fan, M. Lewis, Y. Dauphin: *Hierarchical neural story generation*. ACL 2018. [arXiv:1805.04833](https://arxiv.org/abs/1805.04833). Top-k.
# * A. Holtzman et al.: *The curious case of neural text degeneration*. ICLR 2020. [arXiv:1904.09751](https://arxiv.org/abs/1904.09751). Top-p.
