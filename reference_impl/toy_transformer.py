"""A Transformer of one encoder and one decoder block, and its task: to write digits backwards."""

import keras
import numpy as np

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
