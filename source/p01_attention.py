# %% [markdown]
# # Problem set 1: Attention
#
# *Weeks 1, 2 and 4 · 70 points · no GPU needed: the whole notebook runs in some seconds on two CPU cores*
#
# > *The dog chased the ball until it was tired.*
#
# Who was tired? You looked back over the sentence, asked "which of these words can be tired?", and took
# the answer from **dog**. You did it in one glance, whatever the distance. A recurrent network cannot: it
# carries everything that it may need later through every word in between. *Attention* gives a network your
# glance. Each position asks a question, every position offers an answer, and the best offers are mixed.
#
# All of today's language models are built of this one operation. In this problem set you build it from
# the bottom up, in about fifty lines, and end by counting the 175 billion parameters of GPT-3.
#
# | part | you write | points |
# |---|---|---|
# | 1 | a lookup: hard, then soft | 8 |
# | 2 | scaled dot-product attention, and an answer in words | 18 + 5 |
# | 3 | multi-head attention | 17 |
# | 4 | the three attention layers of a Transformer | 8 |
# | 5 | parameter counts | 4 |
# | | a notebook that runs from top to bottom, in any folder | 10 |

# %% [markdown]
# ## Before you start
#
# * Write your code where it says `YOUR CODE HERE`, in place of the line that raises `NotImplementedError`.
#   Keep the names and arguments of functions and layers. Helpers and cells of your own are welcome.
# * Under each question `check("…")` tells you which properties of your code hold and which don't. These
#   public checks are a part of those that give points; the others look at the same code with other
#   shapes, masks and numbers. Each check gives its own points, so half an answer is worth handing in.
# * A figure that needs a function you have not written yet says so and moves on. Figures give no points.
# * Before you submit: **Restart kernel and run all cells.** Relative paths only, nothing installed from
#   within the notebook. The last cell prints `Done`. A cell that fails costs 5 points, an absolute path 5
#   more, however many there are; functions that work keep theirs.
#
# Discuss ideas with whomever you like and name them below. Write the code and the answers yourself.

# %%
NAME = ""
COLLABORATORS = ""

# %% [markdown]
# If the next cell finds no module `public_checks`, the folder of that name is not beside this notebook:
# problem set 0 shows how to get it there, on Colab too. What TensorFlow has to say about oneDNN and CUDA
# when it is imported, on a red ground, is information and no error.

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
from keras import ops
from public_checks import check

keras.utils.set_random_seed(42)
warnings.filterwarnings("ignore", "You are using a softmax over axis")  # one key is a fair choice too
tf.config.experimental.enable_tensor_float_32_execution(False)  # GPUs would keep 3 digits of 7
print(f"TensorFlow {tf.__version__}, Keras {keras.__version__}")

# %% locked="drawing"
from contextlib import contextmanager



@contextmanager
def when_written():
    """Run the lines below it; where one meets a function that is still a stub, say so and go on."""
    try:
        yield
    except NotImplementedError:
        plt.close("all")
        print("Nothing to see yet: this figure needs a function that is still to be written.")


def show_weights(matrices, rows=(), columns=(), ylabel="query", xlabel="key"):
    """Draw matrices of attention weights, `{title: (Tq, Tk)}`, side by side: the darker, the more attention."""
    figure, axes = plt.subplots(figsize=(12, 3.6 if columns else 2.4))
    left, middles = 0, []
    for title, weights in matrices.items():
        height, width = np.shape(weights)
        x, y = np.arange(left, left + width + 1), np.arange(height + 1)
        axes.pcolormesh(x, y, np.asarray(weights), cmap="Blues", vmin=0, vmax=1, edgecolors="white", linewidth=1)
        axes.text(left + width / 2, -0.5, title, ha="center")
        middles += list(x[:-1] + 0.5)
        left += width + 1
    axes.set_yticks(np.arange(len(rows)) + 0.5, rows)
    axes.set_xticks(middles if columns else [], len(matrices) * list(columns), rotation=90)
    axes.set(ylabel=ylabel, xlabel=xlabel, aspect="equal")
    axes.invert_yaxis()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    plt.show()


# %% [markdown]
# ## Conventions
#
# They hold in every problem set of this course.
#
# | | |
# |---|---|
# | what your functions get | float32 `tf.Tensor`s (the two lookups also NumPy arrays) |
# | what they may return | tensors, NumPy arrays, lists or tuples of them |
# | masks | boolean, **True = may attend**, as in Keras |
# | order of arguments | `query, value, key` in layers, as in Keras; `query, key, value` in functions, as in the paper |
# | shapes | $B$ batch, $T$ positions ($T_q$ of queries, $T_k$ of keys), $D$ or `d_model` features, $h$ heads |
# | `...` in a shape | any number of leading axes, none included |
#
# `keras.ops` has what you need: `ops.matmul`, `ops.softmax`, `ops.where`, `ops.reshape`, `ops.transpose`
# and others work like NumPy's and let gradients through. Compare your results with
# `keras.layers.MultiHeadAttention` as often as you like, but build yours from matrix products: you will
# change it in problem set 2.

# %% [markdown]
# ## 1. A lookup
#
# ### Hard
#
# A Python dictionary finds the value of a key that *equals* the query. With vectors, equality is too much
# to ask. Take the key that *matches* the query best, where the match is the dot product:
#
# $$ t^* = \arg\max_t \; q \cdot k_t, \qquad \text{output} = v_{t^*}. $$
#
# With the query $q = (1, 1)$ and this memory
#
# | $t$ | key $k_t$ | value $v_t$ | match $q \cdot k_t$ |
# |---|---|---|---|
# | 0 | $(1, 0)$ | $10$ | $1$ |
# | 1 | $(0, 1)$ | $20$ | $1$ |
# | 2 | $(1, 1)$ | $40$ | $2$ |
#
# the answer is 40.

# %% question="hard_lookup"
# solution: reference_impl.lookup.hard_lookup

# %% [markdown]
# ### Soft
#
# A hard lookup cannot be trained: move the query a little and the answer stays, or jumps. Its gradient is
# zero or does not exist. So take *all* values, in proportion to how well their keys match:
#
# $$ w_t = \frac{\exp(s \; q \cdot k_t)}{\sum_u \exp(s \; q \cdot k_u)}, \qquad \text{output} = \sum_t w_t \, v_t . $$
#
# The scale $s$ says how picky the lookup is. In the example above with $s = 1$ the weights are
# $(0.21, 0.21, 0.58)$ and the answer is $29.4$.
#
# <details><summary>Hint: the weights come out as <code>nan</code></summary>
#
# `exp(100)` is too large for float32. Numerator and denominator may be divided by the same number, so the
# largest score can be taken from all of them first. `ops.softmax` does that.
# </details>

# %% question="soft_lookup"
# solution: reference_impl.lookup.soft_lookup

# %% [markdown]
# ### Look at it: a memory that recognizes letters
#
# Eight letters of 5 × 7 pixels are stored, as keys and as values at once. The query is one of them with a
# quarter of its pixels flipped. Your lookup gives the letter back. Change `letter`, and `share_flipped`:
# how far can you go? What does the answer look like when it fails? Ramsauer et al. (2021) show that this
# memory, a Hopfield network, and attention are the same thing.

# %%
FONT = {
    "A": "01110100011000111111100011000110001",
    "E": "11111100001000011110100001000011111",
    "K": "10001100101010011000101001001010001",
    "N": "10001110011010110011100011000110001",
    "O": "01110100011000110001100011000101110",
    "S": "01111100001000001110000010000111110",
    "T": "11111001000010000100001000010000100",
    "X": "10001100010101000100010101000110001",
}
LETTERS = np.array([[2 * int(pixel) - 1 for pixel in letter] for letter in FONT.values()], "float32")

# %%
def draw_lookup(letter, share_flipped, scales, seed=0):
    """The disturbed letter, then for each scale what comes back and with which weights."""
    flip = np.random.default_rng(seed).random(LETTERS.shape[1]) < share_flipped
    query = np.where(flip, -1, 1).astype("float32") * LETTERS[list(FONT).index(letter)]
    lookups = [soft_lookup(query, LETTERS, LETTERS, scale) for scale in scales]
    letters = [np.pad(np.reshape(letter, (7, 5)), ((0, 0), (1, 1)), constant_values=-1)
               for letter in [query, *(output for output, _ in lookups)]]
    names = [f"scale {scale:g}" for scale in scales]
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 2), width_ratios=(3, 1))
    left.imshow(np.hstack(letters), cmap="Greys", vmin=-1, vmax=1)
    left.set_xticks(7 * np.arange(len(letters)) + 3, ["query", *names])
    left.set_yticks([])
    right.imshow([np.asarray(weights) for _, weights in lookups], cmap="Blues", vmin=0, vmax=1)
    right.set_xticks(range(len(FONT)), list(FONT))
    right.set_yticks(range(len(names)), names)
    right.set_title("weights")
    for axes in (left, right):
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
    plt.show()


with when_written():
    draw_lookup(letter="S", share_flipped=0.25, scales=(0, 0.05, 0.1, 0.2, 1))

# %% [markdown]
# ## 2. Scaled dot-product attention
#
# A sequence has many queries, one per position. Stack them as rows of a matrix $Q$, the keys as rows of
# $K$, the values as rows of $V$, and all lookups are two matrix products (Vaswani et al. 2017, equation 1):
#
# $$ \text{Attention}(Q, K, V) = \underbrace{\text{softmax}\!\left(\frac{Q K^\top}{\sqrt{d}}\right)}_{\text{weights, } T_q \times T_k} V . $$
#
# | | shape | |
# |---|---|---|
# | `query` | $(\dots, T_q, d)$ | what each position asks |
# | `key` | $(\dots, T_k, d)$ | what each position can be asked for |
# | `value` | $(\dots, T_k, d_v)$ | what it answers |
# | `weights` | $(\dots, T_q, T_k)$ | row $i$ is the $w$ of query $i$: not negative, sum 1 |
# | output | $(\dots, T_q, d_v)$ | one mixture of values for each query |
#
# The scale is $1/\sqrt{d}$, $d$ being the number of features of a query. You will find out why.
#
# **The mask.** Sometimes a query must not see a key: a padding token, or a word that is still to be
# written. `attention_mask[..., i, j]` is True where query $i$ may attend to key $j$. A forbidden key gets
# the weight 0 and the others share the 1 among them, so the mask must act *before* the softmax. A query
# that may attend to nothing has no right answer; yours must be finite, because a single `nan` spreads
# through the network to everything.
#
# <details><summary>Hint: which number is "minus infinity"?</summary>
#
# $\exp(-\infty) = 0$ is what you want of one forbidden key. But in a row of only forbidden keys a softmax
# subtracts the maximum, and $-\infty - (-\infty)$ is `nan`. A very negative *finite* number does both. Which
# one depends on the type: float32 goes down to $-3.4 \cdot 10^{38}$, float16 only to $-65504$, so $-10^9$ is
# minus infinity there.
# </details>
#
# <details><summary>Hint: more than two axes</summary>
#
# `ops.matmul` multiplies the last two axes and treats the others as a batch. Transpose the last two axes of
# the key only: `ops.swapaxes`. `.T` turns all of them around.
# </details>

# %% question="scaled_dot_product_attention"
# solution: reference_impl.attention.scaled_dot_product_attention

# %% [markdown]
# ### Look at it: who was tired?
#
# Here the queries and keys are made by hand, of four features that words can have or look for. (A trained
# model finds features of its own.) Each row shows where one word looks. On the right
# nobody looks ahead: the triangle above the diagonal stays empty and the rows still sum to 1. A word that
# finds nothing it seeks looks a little at everything.

# %%
WORDS = "the dog chased the ball until it was tired".split()
FEATURES = ["noun", "animate", "verb", "state"]
IS = {"dog": "noun animate", "ball": "noun", "chased": "verb", "was": "verb", "tired": "state"}
SEEKS = {"the": "noun", "chased": "noun", "it": "noun animate", "was": "state", "tired": "animate"}


def features(table):
    """`(9, 4)`: 1 where the table gives the word the feature."""
    return tf.constant([[float(f in table.get(word, "")) for f in FEATURES] for word in WORDS])


with when_written():
    queries, keys = 6 * features(SEEKS), features(IS)
    triangle = tf.constant(np.tri(len(WORDS), dtype=bool))
    masks = {"every word sees every word": None, "no word sees a later one": triangle}
    seen = {title: scaled_dot_product_attention(queries, keys, keys, mask)[1] for title, mask in masks.items()}
    show_weights(seen, WORDS, WORDS)

# %% [markdown]
# ### Look at it: why $\sqrt{d}$?
#
# Random queries and keys, every feature drawn from $N(0, 1)$, with more and more features $d$. The left
# panel shows how large the largest of 32 weights is on average; a fair share would be $1/32$. The right
# panel shows how much of a gradient the softmax lets through, $\sum_i w_i (1 - w_i)$, the sum of its
# derivatives $\partial w_i / \partial s_i$. To see the lookup without the scale, the query is multiplied by
# $\sqrt{d}$ beforehand.

# %%
with when_written():
    rng = np.random.default_rng(0)
    sizes = 8 ** np.arange(5)
    figure, axes = plt.subplots(1, 2, figsize=(9.5, 3), sharey=True)
    for label, exponent in (("as in the formula", 0), ("without the division by √d", 0.5)):
        largest, passed = [], []
        for d in sizes:
            q, k = tf.constant(rng.normal(size=(2, 32, d)), "float32")
            _, weights = scaled_dot_product_attention(q * float(d) ** exponent, k, k)
            largest.append(np.max(weights, axis=-1).mean())
            passed.append(1 - np.sum(np.square(weights), axis=-1).mean())
        axes[0].plot(largest, "o-", label=label)
        axes[1].plot(passed, "o-", label=label)
    axes[0].legend(frameon=False, loc=(0.4, 0.32))
    axes[0].set_yticks([0, 0.5, 1])
    for ax, title in zip(axes, ("largest weight", "gradient through the softmax")):
        ax.set(title=title, xlabel="features d", ylim=(0, 1.02))
        ax.set_xticks(range(len(sizes)), sizes)
        ax.spines[["right", "top"]].set_visible(False)
    plt.show()

# %% [markdown] written="written_attention" points=5
# ### In your own words
#
# **Question** (5 points, read by a person; eight sentences and a formula or two are plenty)
#
# 1. Let the features of $q$ and $k$ be independent with mean 0 and variance 1. What are mean and variance
#    of $q \cdot k$, and why? What would go wrong with a division by $d$ in place of $\sqrt{d}$?
# 2. What do unscaled scores do to training? Argue with the derivative of the softmax and with the figure
#    above.
# 3. A classmate forgets the scale, trains a small Transformer on a toy task, and reaches the same
#    accuracy as you. How can that be, and what does it say about testing such code?
#
# ### BEGIN SOLUTION
# 1. $q \cdot k = \sum_i q_i k_i$ is a sum of $d$ independent products with mean $0 \cdot 0 = 0$ and
#    variance $E[q_i^2] E[k_i^2] = 1$, so its mean is 0 and its variance $d$: scores are typically of size
#    $\sqrt d$. Dividing by $\sqrt d$ brings the variance back to 1 whatever $d$ is. Dividing by $d$ leaves
#    a variance of $1/d$: for large $d$ all scores are nearly 0, every weight is nearly $1/T_k$, and the
#    lookup is a plain mean.
# 2. With scores of size $\sqrt d$ one weight is nearly 1 and the others nearly 0 (left panel). The
#    derivatives are $\partial w_i / \partial s_j = w_i (\delta_{ij} - w_j)$: all of them go to 0 when $w$
#    is one-hot (right panel), so queries and keys get almost no gradient and learn slowly or not at all.
# 3. The projections of query and key are learned and can shrink by a factor $\sqrt[4]{d}$ each: at a small
#    $d$ the optimizer makes up for the missing scale, and the layer can express the same functions. A
#    training run that succeeds is weak evidence for correct code; compare the function with numbers that
#    are known, property by property.
#
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
# * 1 point: variance $d$ from a sum of $d$ independent terms (mean 0 stated or used).
# * 1 point: $\sqrt d$ restores variance 1; $d$ over-corrects, and the weights become uniform.
# * 1 point: large scores saturate the softmax (one-hot), read off the left panel.
# * 1 point: the derivative $w_i(\delta_{ij} - w_j)$, or an equivalent argument, vanishes there; right panel.
# * 1 point: learned weights can absorb the scale, so training hides the error; test the function itself.
#
# Half points are fine. An answer that only says "for stability" gets nothing for it.
#
# === END MARK SCHEME ===

# %% [markdown]
# ## 3. Multi-head attention
#
# One lookup gives one mixture per position. But *it* may want to know several things at once: which noun it
# stands for, and what is being said about it. So give every position $h$ queries, in $h$ smaller spaces of
# $D/h$ features, and let each *head* look where it likes (Vaswani et al. 2017, section 3.2.2):
#
# $$ \text{head}_i = \text{Attention}(Q W^Q_i, \; K W^K_i, \; V W^V_i), \qquad
#    \text{MultiHead}(Q, K, V) = [\text{head}_1, \dots, \text{head}_h] \, W^O. $$
#
# ### Splitting and merging
#
# Nobody multiplies with $h$ small matrices. One dense layer $D \to D$ computes the queries of all heads
# side by side, in one row; then the row is cut into $h$ pieces, and the heads move to an axis of their own,
# beside the batch, so that part 2 works on all of them at once:
#
# $$ (B, T, D) \;\longrightarrow\; (B, T, h, D/h) \;\longrightarrow\; (B, h, T, D/h). $$
#
# Why can't a single `reshape` do it? Try it on the example below. Nothing fails; the numbers are
# in the wrong places, which is worse.

# %% question="split_heads"
# solution: reference_impl.multi_head_attention.split_heads
# solution: reference_impl.multi_head_attention.merge_heads

# %% [markdown]
# Two positions of six features, 0 to 5 and 10 to 15. Every head should get a slice of *both*:

# %%
with when_written():
    x = tf.constant([[[0, 1, 2, 3, 4, 5], [10, 11, 12, 13, 14, 15]]])  # (1, 2, 6)
    heads = split_heads(x, num_heads=3)
    for i, head in enumerate(np.asarray(heads)[0]):
        print(f"head {i}:", head.tolist())
    print("merged:", np.asarray(merge_heads(heads))[0].tolist())

# %% [markdown]
# ### The layer
#
# | step | shape |
# |---|---|
# | `query_dense(query)`, `key_dense(key)`, `value_dense(value)` | $(B, T_q, D)$, $(B, T_k, D)$, $(B, T_k, D)$ |
# | split | $(B, h, T_q, D/h)$ and so on |
# | attention: output and weights | $(B, h, T_q, D/h)$ and $(B, h, T_q, T_k)$ |
# | merge | $(B, T_q, D)$ |
# | `output_dense` | $(B, T_q, D)$ |
#
# The names of the four sub-layers are part of the question: the checks give them weights of their own, and
# compare with Keras's layer.
#
# <details><summary>Hint: the mask has no heads</summary>
#
# A mask $(B, T_q, T_k)$ does not broadcast against scores $(B, h, T_q, T_k)$: axes are lined up from the
# right, so its $B$ would meet $h$. Give it an axis of length 1 in between. A mask of two axes, or of four,
# fits as it is.
# </details>
#
# <details><summary>Hint: my layer has no weights, or new ones at each call</summary>
#
# Make the sub-layers in `__init__` and keep them as attributes, after `super().__init__(**kwargs)`. What
# `call` makes, the next call makes again, untrained.
# </details>

# %% question="multi_head_attention"
# solution: reference_impl.multi_head_attention.MultiHeadAttention

# %% [markdown]
# ### Look at it: a layer that looks things up
#
# Six cards lie face down, in any order. Each has a name (one of eight) and a content (random numbers). You
# get a list of names and shall say what is on each card. A network without attention would have to learn
# every order by heart; yours has to learn only to *compare names*, which is what the product of queries and
# keys does. Four matrices of zeros and a few ones are enough, so here they are written down by hand:
#
# * queries and keys read the name (features 0 to 7) and nothing else; `sharpness` is how loud they say it;
# * values read the content (features 8 to 15);
# * the output puts what head 0 has found into features 8 to 15 of the answer.
#
# Head 1 compares the same names more softly, and nobody listens to it.

# %%
def deal_cards(games, cards=6, seed=0):
    """Questions and cards `(games, cards, 16)`, contents asked for `(games, cards, 8)`, their places."""
    rng = np.random.default_rng(seed)
    names = rng.permuted(np.tile(np.arange(8), (games, 1)), axis=1)[:, :cards]
    names = np.eye(8, dtype="float32")[names]  # (games, cards, 8)
    contents = rng.normal(size=(games, cards, 8)).astype("float32")
    place = rng.permuted(np.tile(np.arange(cards), (games, 1)), axis=1)  # (games, cards)
    asked, wanted = (np.take_along_axis(a, place[..., None], axis=1) for a in (names, contents))
    questions = np.concatenate([asked, np.zeros_like(contents)], axis=-1)
    return questions, np.concatenate([names, contents], axis=-1), wanted, place


def write_weights(layer, sharpness):
    """Make a layer of 16 features and 2 heads find the card with the name that is asked for."""
    name, content = np.split(np.eye(16, dtype="float32"), 2)  # each (8, 16): features 0-7, features 8-15
    compare = name.T @ (sharpness * name + 0.3 * sharpness * content)  # both heads read the name
    for dense, kernel in (
        (layer.query_dense, compare),
        (layer.key_dense, compare),
        (layer.value_dense, content.T @ name),  # head 0 gets the content
        (layer.output_dense, name.T @ content),  # and head 0 is what comes out
    ):
        dense.kernel.assign(kernel)


with when_written():
    questions, cards, wanted, place = deal_cards(games=64)
    layer = MultiHeadAttention(d_model=16, num_heads=2)
    answer, before = layer(questions, cards, return_attention_scores=True)
    print("mean squared error with random weights:", round(float(np.mean((answer[..., 8:] - wanted) ** 2)), 3))
    write_weights(layer, sharpness=4)
    answer, after = layer(questions, cards, return_attention_scores=True)
    print("with the weights written by hand:      ", round(float(np.mean((answer[..., 8:] - wanted) ** 2)), 3))

    titles = ["head 0, random", "head 1, random", "head 0, by hand", "head 1, by hand", "the right card"]
    matrices = [*before[0], *after[0], np.eye(6)[place[0]]]
    show_weights(dict(zip(titles, matrices)), ylabel="question", xlabel="card")

# %% [markdown]
# With random weights each question looks a little at all cards; with these, at one. Which `sharpness` is
# enough? Training finds such weights by itself (`keras.Model`, `compile` with `"mse"`, `fit` on 4,000 games:
# try it). Take the $\sqrt d$ out of your function then, and train again: does the loss notice?

# %% [markdown]
# ## 4. Three layers, three ways to look
#
# A Transformer uses the same attention in three places. All three add the input again (the *residual*, which
# lets the layer say "nothing to add") and normalize the sum:
#
# $$ \text{output} = \text{LayerNorm}(x + \text{MultiHead}(\dots)). $$
#
# | layer | queries from | keys and values from | each position sees |
# |---|---|---|---|
# | `GlobalSelfAttention` | $x$ | $x$ | all positions: to *read* a text |
# | `CrossAttention` | $x$ | the context | all of the context: to *translate* it |
# | `CausalSelfAttention` | $x$ | $x$ | itself and those before: to *write* one |
#
# Use your own `MultiHeadAttention`, as the attribute `attention`, and `keras.layers.LayerNormalization()`
# with its default settings, as the attribute `layer_norm`.
#
# ### Global self-attention

# %% question="self_attention_layers"
# solution: reference_impl.attention_layers.GlobalSelfAttention

# %% [markdown]
# ### Cross-attention
#
# The output has one row for each row of $x$, however long the context is.

# %% question="self_attention_layers"
# solution: reference_impl.attention_layers.CrossAttention

# %% [markdown]
# ### Causal self-attention
#
# A model that writes must not read what it has not written. If row $t$ of the output depends on a later row
# of $x$, the training loss looks marvellous and the model is useless: it has learned to copy the answer.
#
# <details><summary>Hint: a triangle</summary>
#
# The mask is $(T, T)$ and its True entries form a lower triangle, *with* the diagonal: a position may see
# itself. `ops.tril`, or compare `ops.arange(T)[:, None]` with `ops.arange(T)`. $T$ is that of the input at
# hand, so it belongs in `call`: `ops.shape(x)[1]`.
# </details>

# %% question="self_attention_layers"
# solution: reference_impl.attention_layers.CausalSelfAttention

# %% [markdown]
# ### Look at it: who sees whom, measured
#
# The test that finds every leak: change one row of the input and see which rows of the output move. Blue
# means "moves".

# %%
def who_sees_whom(layer, changed, *others):
    """`(rows of the output, rows of the changed input)`: 1 where a change there moves the output here."""
    length, features = changed.shape[1:]
    again = np.repeat(changed, length + 1, axis=0)  # (T + 1, T, D): one copy for each row to change, one as it was
    for j in range(length):
        again[j, j] += np.linspace(-1, 1, features)
    outputs = np.asarray(layer(*(np.repeat(other, length + 1, axis=0) for other in others), again))
    moved = np.abs(outputs[:-1] - outputs[-1]).max(axis=-1) > 1e-5  # (row that changed, row of the output)
    return moved.T.astype("float32")


with when_written():
    rng = np.random.default_rng(1)
    x, context = (rng.normal(size=(1, length, 8)).astype("float32") for length in (6, 9))
    seen = {
        "global: x": who_sees_whom(GlobalSelfAttention(8, 2), x),
        "cross: the context": who_sees_whom(CrossAttention(8, 2), context, x),
        "causal: x": who_sees_whom(CausalSelfAttention(8, 2), x),
    }
    show_weights(seen, ylabel="row of the output", xlabel="changed row of …")

# %% [markdown]
# ## 5. How large is it?
#
# A block of a Transformer is one self-attention and one small network, applied to each position:
# $D \to d_\text{ff} \to D$, most often with $d_\text{ff} = 4D$. Sum up the matrices, first of one
# attention, then of a stack of blocks with a token embedding below it. Say exactly what is counted: the
# docstrings do.
#
# With `bias=True` your numbers are those of `count_params()`; without, those of papers, which count
# matrices only.
#
# <details><summary>Hint: which matrices?</summary>
#
# A block has six dense layers: $W^Q, W^K, W^V, W^O$ and the two of the small network. All heads together have
# $D$ features, so a matrix of all heads is as large as that of one head alone would be.
# </details>

# %% question="count_parameters"
# solution: reference_impl.parameter_counts.attention_params
# solution: reference_impl.parameter_counts.count_transformer_params

# %% [markdown]
# ### Look at it: where do the parameters sit?
#
# The names promise attention. Most of the numbers are elsewhere.

# %%
#                 blocks, d_model, dff, vocabulary, parameters as published
MODELS = {
    "GPT-2 small": (12, 768, 3072, 50_257, "124 million"),
    "BERT base": (12, 768, 3072, 30_522, "110 million"),
    "GPT-2 XL": (48, 1600, 6400, 50_257, "1.5 billion"),
    "GPT-3": (96, 12_288, 49_152, 50_257, "175 billion"),
}

with when_written():
    print("attention █  feed-forward ▒  embedding ░\n")
    for name, (n_layer, d_model, dff, vocab, published) in MODELS.items():
        total = count_transformer_params(n_layer, d_model, dff, vocab)
        attention = n_layer * attention_params(d_model)
        feed_forward = count_transformer_params(n_layer, d_model, dff) - attention
        bar = "".join(mark * round(60 * count / total)
                      for mark, count in zip("█▒░", (attention, feed_forward, vocab * d_model)))
        print(f"{name:12} {bar}\n{'':12} {total / 1e6:,.0f} million, published: {published}\n")

# %% [markdown]
# What is missing to the published numbers? Learned positions, biases and norms, which you can now
# count yourself.
#
# ## Hand in
#
# Restart the kernel, run all cells, see that nothing failed, save, submit.

# %% checks="submission_contract"
# It runs from top to bottom (5 points) with relative paths only (5 points), and one more question works.

# %% locked="done"
print("Done")

# %% [markdown]
# ## Sources
#
# * D. Bahdanau, K. Cho, Y. Bengio: *Neural machine translation by jointly learning to align and translate*. ICLR 2015. [arXiv:1409.0473](https://arxiv.org/abs/1409.0473). The first attention in a network that translates.
# * A. Vaswani et al.: *Attention is all you need*. NeurIPS 2017. [arXiv:1706.03762](https://arxiv.org/abs/1706.03762). Section 3.2 is this problem set; its footnote 4 is the written question.
# * A. Graves, G. Wayne, I. Danihelka: *Neural Turing machines*. 2014. [arXiv:1410.5401](https://arxiv.org/abs/1410.5401). Memories addressed by content.
# * H. Ramsauer et al.: *Hopfield networks is all you need*. ICLR 2021. [arXiv:2008.02217](https://arxiv.org/abs/2008.02217). The letters.
# * J. Devlin et al.: *BERT*. NAACL 2019. [arXiv:1810.04805](https://arxiv.org/abs/1810.04805). A. Radford et al.: *Language models are unsupervised multitask learners*. 2019. T. Brown et al.: *Language models are few-shot learners*. NeurIPS 2020. [arXiv:2005.14165](https://arxiv.org/abs/2005.14165). The sizes in part 5.
# * The TensorFlow tutorial [*Neural machine translation with a Transformer and Keras*](https://www.tensorflow.org/text/tutorials/transformer) has the same three layers and goes on to translate.
