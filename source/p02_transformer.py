# %% [markdown]
# # Problem set 2: The Transformer
#
# *Week 4 · 60 points · no GPU needed*
#
# Attention has no idea of order. Shuffle the words of a sentence, and problem set 1 gives you the same
# answers, shuffled. It has no idea of the future either: it reads whatever it is shown. In this problem set
# you give it both, positions and masks, and then put the pieces together: the network of *Attention is all
# you need*, whole, in about a hundred lines.
#
# Building it wrongly is easy and goes unnoticed: a Transformer without residuals, or with a mask that hides
# a token from itself, still learns a toy task to perfection. So you will not train here. You will look at
# each part, measure who sees whom, and count parameters up to the 63 million of the published model.
#
# | part | you write | points |
# |---|---|---|
# | 1 | positions | 10 |
# | 2 | masks | 14 |
# | 3 | one layer of the encoder, one of the decoder | 14 |
# | 4 | stacks, the Transformer, and an answer in words | 11 + 5 |
# | 5 | teacher forcing | 6 |

# %% [markdown]
# ## Before you start
#
# * Write your code where it says `YOUR CODE HERE`, in place of the line that raises `NotImplementedError`.
#   Keep the names and arguments of functions and layers, and the names of the parts that a docstring names:
#   the checks give those parts weights. Helpers and cells of your own are welcome.
# * Under each question `check("…")` runs the public checks. The others look at the same code with other
#   shapes and numbers. Later questions are held to your own earlier functions where that is possible, so
#   that a mistake is paid for once.
# * A figure that needs a function you have not written yet says so and moves on. Figures give no points.
# * Before you submit: **Restart kernel and run all cells.** On two CPU cores the notebook takes a few
#   seconds after TensorFlow's import; on a GPU about as long (an estimate): nothing here is large.
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


def show_matrix(axes, matrix, title="", ylabel="query", xlabel="key", cmap="Blues", **limits):
    """Draw a matrix, its first row on top."""
    axes.imshow(np.asarray(matrix), cmap=cmap, interpolation="nearest", aspect="auto", **limits)
    axes.set(title=title, ylabel=ylabel, xlabel=xlabel)
    axes.spines[:].set_visible(False)


# %% [markdown]
# ## Conventions
#
# | | |
# |---|---|
# | what your functions get | tensors: ids are integers, features float32 |
# | masks | boolean, **True = may attend**, as in Keras; they travel as arguments, not hidden in tensors |
# | padding | the id 0 |
# | shapes | $B$ batch, $S$ positions of the context, $T$ of the target, $D$ or `d_model` features, $h$ heads |
# | attention | `keras.layers.MultiHeadAttention(num_heads, key_dim=d_model // num_heads)`, other settings as they are; called as `attention(query, value, attention_mask=mask)` |
# | norm | after the sum (post-norm, as in the paper): $\text{LayerNorm}(x + \text{Dropout}(f(x)))$, with `keras.layers.LayerNormalization(epsilon=1e-6)` |
# | dropout | on the sum of token and position, and on what each part of a layer gives, before it is added. Nowhere else: not on attention weights, not within the feed-forward network |
# | `training` | an argument of `call`; True switches dropout on |
# | output | logits: no softmax; the loss will have `from_logits=True` |
#
# Make sub-layers in `__init__`, after `super().__init__(**kwargs)`. Names not given in a docstring are up
# to you.

# %% [markdown]
# ## 1. Where a token stands
#
# Give each position $t = 0, 1, 2, \dots$ a vector of its own, and add it to the token's. The paper
# (Vaswani et al. 2017, section 3.5) takes sines and cosines, for $i = 0, \dots, D/2 - 1$:
#
# $$ \text{PE}_{t,\,2i} = \sin\!\left(\frac{t}{10000^{2i/D}}\right), \qquad
#    \text{PE}_{t,\,2i+1} = \cos\!\left(\frac{t}{10000^{2i/D}}\right). $$
#
# Read the indices closely. The sine in feature $2i$ and the cosine in feature $2i + 1$ share *one*
# wavelength, so a pair is a clock hand, and $D/2$ hands turn at different speeds. They stand side by side:
# sin, cos, sin, cos. (Some tutorials put all sines first. A network cannot tell the difference; the
# checks of this course can.)
#
# <details><summary>Hint: side by side</summary>
#
# Stack two arrays of shape $(T, D/2)$ along a new last axis, and reshape to $(T, D)$. Or fill an array of
# zeros: `encoding[:, ::2] = …`. NumPy is fine, as nothing here is learned.
# </details>

# %% question="positional_encoding"
# solution: reference_impl.positional_encoding.positional_encoding

# %% [markdown]
# ### Look at it: clock hands
#
# Left, the matrix. Middle, the product of each two positions: the same along every diagonal, because
# $\sin a \sin b + \cos a \cos b = \cos(a - b)$. Right, one row of it: near is similar, far is not. A query
# that looks for "three words back" needs only this product.

# %%
with when_written():
    encoding = np.asarray(positional_encoding(96, 64))
    products = encoding @ encoding.T
    figure, axes = plt.subplots(1, 3, figsize=(12, 3.3), gridspec_kw={"wspace": 0.3})
    show_matrix(axes[0], encoding, "PE", "position", "feature", cmap="RdBu", vmin=-1, vmax=1)
    show_matrix(axes[1], products, r"PE $\cdot$ PE$^\top$", "position", "position")
    axes[2].plot(np.arange(96) - 48, products[48])
    axes[2].set(title="row 48 of the product", xlabel="distance", ylim=(0, 34))
    axes[2].spines[["right", "top"]].set_visible(False)
    plt.show()

# %% [markdown]
# ### What, and where
#
# The table starts with small numbers, and positions are vectors of length $\sqrt{D/2}$. So the paper
# multiplies the token's vector by $\sqrt{D}$ before it adds the position (section 3.4):
#
# $$ \text{Dropout}(\sqrt{D} \, E_{\text{id}_t} + \text{PE}_t). $$

# %% question="positional_embedding"
# solution: reference_impl.positional_encoding.PositionalEmbedding

# %% [markdown]
# ## 2. Who may look at whom
#
# **Padding.** Sentences of a batch have different lengths; short ones are filled up with zeros. Nobody may
# attend to those. The mask belongs to the *keys*, the last axis; the axes of length 1 are for heads and
# queries. (What a padded *query* finds does not matter: the loss ignores it.)

# %% question="padding_mask"
# solution: reference_impl.masks.create_padding_mask

# %% [markdown]
# **The future.** A model that writes must not read what it has not written. Row $i$ of the mask is query
# $i$, column $j$ is key $j$, and $j \le i$ is permitted: the diagonal too, a token may look at itself.

# %% question="look_ahead_mask"
# solution: reference_impl.masks.create_look_ahead_mask

# %% [markdown]
# **Both**, for the decoder, which reads padded targets and must not look ahead.

# %% question="combined_mask"
# solution: reference_impl.masks.create_combined_mask

# %% [markdown]
# ### Look at it: three masks
#
# Dark means "may attend". The sentence has five tokens and two of padding.

# %%
with when_written():
    ids = tf.constant([[7, 4, 9, 5, 2, 0, 0]])
    masks = {
        "padding": tf.broadcast_to(create_padding_mask(ids)[0, 0], (7, 7)),
        "look-ahead": create_look_ahead_mask(7),
        "combined": create_combined_mask(ids)[0, 0],
    }
    figure, axes = plt.subplots(1, 3, figsize=(9, 3), gridspec_kw={"wspace": 0.35})
    for ax, (title, mask) in zip(axes, masks.items()):
        show_matrix(ax, mask, title, vmin=0, vmax=1.4)
        ax.set_xticks(range(7), np.asarray(ids)[0])
        ax.set_yticks(range(7), np.asarray(ids)[0])
        ax.set_xticks(np.arange(1, 7) - 0.5, minor=True)
        ax.set_yticks(np.arange(1, 7) - 0.5, minor=True)
        ax.grid(which="minor", color="white")
        ax.tick_params(which="both", length=0)
    plt.show()

# %% [markdown]
# ## 3. Two layers
#
# ### A network for each position
#
# Attention moves information between positions; this network works on it, at each position alone and with
# the same weights everywhere (equation 2). It holds two thirds of an encoder layer's parameters.
#
# $$ \text{FFN}(x) = \max(0, \, x W_1 + b_1) \, W_2 + b_2 $$

# %% question="feed_forward"
# solution: reference_impl.transformer.point_wise_feed_forward

# %% [markdown]
# ### The encoder's layer
#
# | part | queries | keys and values | mask |
# |---|---|---|---|
# | `self_attention`, then `self_attention_norm` | $x$ | $x$ | `self_mask` |
# | `feed_forward` (your network), then `feed_forward_norm` | | | |
#
# Its parameters: $4(D^2 + D)$ of the attention, $2 D d_\text{ff} + d_\text{ff} + D$ of the network, $4D$ of
# the two norms.

# %% question="encoder_layer"
# solution: reference_impl.transformer.EncoderLayer

# %% [markdown]
# ### The decoder's layer
#
# First it looks back over what has been written, then at the context, then it thinks. The order counts.
#
# | part | queries | keys and values | mask |
# |---|---|---|---|
# | `self_attention`, then `self_attention_norm` | $x$ | $x$ | `self_mask` |
# | `cross_attention`, then `cross_attention_norm` | what the first part gave | the context | `cross_mask` |
# | `feed_forward`, then `feed_forward_norm` | | | |

# %% question="decoder_layer"
# solution: reference_impl.transformer.DecoderLayer

# %% [markdown]
# ## 4. The Transformer
#
# ### Stacks
#
# $N$ layers, one after the other, in the lists `encoder_layers` and `decoder_layers`. They are $N$ *different*
# layers. Every layer of the decoder looks at the same context: the output of the last layer of the encoder.

# %% question="encoder_decoder"
# solution: reference_impl.transformer.Encoder
# solution: reference_impl.transformer.Decoder

# %% [markdown]
# ### All of it
#
# | step | shape |
# |---|---|
# | the context's ids through `embedding` and `encoder`, under the padding mask of the context | $(B, S, D)$ |
# | the target's ids through the *same* `embedding`, then `decoder`, under the combined mask of the target; its cross-attention under the padding mask of the context | $(B, T, D)$ |
# | products with all rows of the table `embedding.embedding.embeddings` | $(B, T, V)$ |
#
# One table serves three times, as in section 3.4 of the paper. The table's rows in the last step are as they
# are: no $\sqrt{D}$, no bias. Dropout on both embeddings is that of `PositionalEmbedding`, at the same rate.
#
# With $N = 6$, $D = 512$, $d_\text{ff} = 2048$ and a shared vocabulary of 37,000 this is the paper's base model: it
# has 63,082,496 parameters ("65 million", says the paper). Use your formulas of problem set 1 to see why.
#
# <details><summary>Hint: the padding of the context is seen after all</summary>
#
# Two attentions read the context: the encoder's, and the decoder's second one. Both need the mask.
# </details>

# %% question="transformer"
# solution: reference_impl.transformer.Transformer

# %% [markdown]
# ### Look at it: where a tiny Transformer looks
#
# Random weights, two layers of two heads, a context with two tokens of padding. Above, the decoder's
# self-attention: a triangle. Below, its look at the context: two empty columns. Nothing is trained, so
# within what is permitted the weights are nearly even.

# %%
with when_written():
    keras.utils.set_random_seed(3)
    model = Transformer(num_layers=2, d_model=16, num_heads=2, dff=32, vocab_size=20)
    source, target = tf.constant([[5, 9, 4, 8, 6, 2, 0, 0]]), tf.constant([[1, 7, 3, 9, 4, 6]])
    scores = model((source, target))
    print("logits:", tuple(scores.shape), " parameters:", model.count_params())
    mask, context_mask = create_combined_mask(target), create_padding_mask(source)
    x, context = model.embedding(target), model.encoder(model.embedding(source), self_mask=context_mask)
    figure, axes = plt.subplots(2, 4, figsize=(11, 5), gridspec_kw={"hspace": 0.35, "wspace": 0.35})
    for number, layer in enumerate(model.decoder.decoder_layers):
        attended, own = layer.self_attention(x, x, attention_mask=mask, return_attention_scores=True)
        asks = layer.self_attention_norm(x + attended)
        _, cross = layer.cross_attention(
            asks, context, attention_mask=context_mask, return_attention_scores=True
        )
        for head in range(2):
            column = 2 * number + head
            title = f"layer {number}, head {head}"
            show_matrix(axes[0, column], own[0, head], title, "target", "target", vmin=0, vmax=1)
            show_matrix(axes[1, column], cross[0, head], "", "target", "context", vmin=0, vmax=0.4)
        x = layer(x, context, self_mask=mask, cross_mask=context_mask)
    plt.show()

# %% [markdown] written="written_transformer" points=5
# ### In your own words
#
# **Question** (5 points, read by a person; ten sentences are plenty)
#
# 1. A classmate's mask is a *strict* lower triangle: no token sees itself. Training goes as well as ever.
#    Why does the decoder hardly miss the diagonal? (Where else does a token's own vector get through?) What
#    happens to the first position?
# 2. Another forgets the residuals. On a toy task with one layer nothing is lost. What would you expect of six
#    layers, and why? Argue with the gradient of $x + f(x)$.
# 3. A third passes no padding mask to the cross-attention. Name an experiment of two forward calls, without
#    any training, that shows it, and say what a right model does in it.
#
# ### BEGIN SOLUTION
# 1. The residual $x + f(x)$ carries a token's own vector past the attention, so the layer still knows it, and
#    in later layers its neighbours hold it too. The first position may attend to nothing: its row has no True,
#    the softmax of equal very negative scores spreads evenly over *all* keys, so it sees the future.
# 2. The derivative of $x + f(x)$ is $I + f'(x)$: through six layers it keeps a path of identity,
#    whatever the $f'$ are. Without residuals it is a product of six (with two or three parts each) Jacobians,
#    which shrinks or blows up, and positions and tokens must survive every attention's average. One layer
#    has too few factors for that to show.
# 3. Call the model once with a context and once with the same context and columns of padding appended. A right
#    model gives the same logits, up to rounding; that one's logits move.
#
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
# * 1 point: the residual carries the token's own vector around the attention.
# * 1 point: the first row is all forbidden; evenly spread weights (leak of the future), or NaN with -inf.
# * 1 point: the derivative $I + f'$ and an identity path through the depth.
# * 1 point: without it a product of many Jacobians; depth makes it visible, one layer does not.
# * 1 point: same context with and without extra padding (or other ids there, were they masked): equal logits.
#
# Half points are fine. "It trains better" without a reason gets nothing.
#
# === END MARK SCHEME ===

# %% [markdown]
# ## 5. Teacher forcing
#
# In training the decoder reads the *right* beginning, whatever it would have said itself, and predicts at
# every position the next token, all in one call (Williams and Zipser 1989). The target $a\,b\,c\,$EOS makes
#
# | | | | | |
# |---|---|---|---|---|
# | inputs | BOS | $a$ | $b$ | $c$ |
# | labels | $a$ | $b$ | $c$ | EOS |
#
# Inputs and labels both have the target's shape $(B, T)$; the last id of a row is never an input. Shifted the
# wrong way, or not at all, the model only has to copy.

# %% question="teacher_forcing"
# solution: reference_impl.teacher_forcing.make_decoder_inputs_and_labels

# %% [markdown]
# ### Look at it: what is read, what is to be said
#
# `BOS` is 1, `EOS` is 2, padding 0.

# %%
with when_written():
    targets = tf.constant([[7, 4, 9, 5, 2], [8, 3, 2, 0, 0]])
    for name, rows in zip(("inputs", "labels"), make_decoder_inputs_and_labels(targets, bos=1)):
        print(name, np.asarray(rows).tolist())

# %% [markdown]
# In problem set 3 you train this model, and let it write by itself.
#
# ## Hand in
#
# Restart the kernel, run all cells, see that nothing failed, save, submit.

# %% locked="done"
print("Done")

# %% [markdown]
# ## Sources
#
# * A. Vaswani et al.: *Attention is all you need*. NeurIPS 2017. [arXiv:1706.03762](https://arxiv.org/abs/1706.03762). Sections 3 and 5.4 are this problem set.
# * J. L. Ba, J. R. Kiros, G. E. Hinton: *Layer normalization*. 2016. [arXiv:1607.06450](https://arxiv.org/abs/1607.06450).
# * K. He et al.: *Deep residual learning for image recognition*. CVPR 2016. [arXiv:1512.03385](https://arxiv.org/abs/1512.03385). The sums.
# * O. Press, L. Wolf: *Using the output embedding to improve language models*. EACL 2017. [arXiv:1608.05859](https://arxiv.org/abs/1608.05859). The shared table.
# * R. J. Williams, D. Zipser: *A learning algorithm for continually running fully recurrent neural networks*. Neural Computation 1989. Teacher forcing.
# * The TensorFlow tutorial [*Neural machine translation with a Transformer and Keras*](https://www.tensorflow.org/text/tutorials/transformer).
