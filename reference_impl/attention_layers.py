"""The three attention layers of a Transformer: who may look at whom, then Add & Norm."""

import keras
from keras import ops

from reference_impl.multi_head_attention import MultiHeadAttention


class GlobalSelfAttention(keras.layers.Layer):
    """Every position of a sequence attends to every position of it, then Add & Norm.

    Returns LayerNorm(x + attention), the attention being the attribute `attention`, your
    `MultiHeadAttention(d_model, num_heads)`, and the norm `layer_norm`, a plain `LayerNormalization()`.

    Args:
        d_model, num_heads: as for `MultiHeadAttention`.
    Call arguments:
        x: `(B, T, d_model)`.
    Output: `(B, T, d_model)`.
    Source: Vaswani et al. 2017, section 3.2.3 (the encoder).
    """

    def __init__(self, d_model, num_heads, **kwargs):
        """Create the two sub-layers."""
        super().__init__(**kwargs)
        self.attention = MultiHeadAttention(d_model, num_heads)
        self.layer_norm = keras.layers.LayerNormalization()
        self.layer_norm.build((None, None, d_model))

    def call(self, x):
        """Look everywhere in x."""
        return self.layer_norm(x + self.attention(x, x))


class CrossAttention(keras.layers.Layer):
    """Every position of one sequence attends to every position of another, then Add & Norm.

    The context is what is looked at; the sum is with x. Sub-layers `attention` and `layer_norm`.

    Args:
        d_model, num_heads: as for `MultiHeadAttention`.
    Call arguments:
        x: `(B, Tx, d_model)`.
        context: `(B, Tc, d_model)`.
    Output: `(B, Tx, d_model)`.
    Source: Vaswani et al. 2017, section 3.2.3 (the decoder's look at the encoder).
    """

    def __init__(self, d_model, num_heads, **kwargs):
        """Create the two sub-layers."""
        super().__init__(**kwargs)
        self.attention = MultiHeadAttention(d_model, num_heads)
        self.layer_norm = keras.layers.LayerNormalization()
        self.layer_norm.build((None, None, d_model))

    def call(self, x, context):
        """Look everywhere in the context, from each position of x."""
        return self.layer_norm(x + self.attention(x, context))


class CausalSelfAttention(keras.layers.Layer):
    """Every position attends to itself and to what came before it, then Add & Norm.

    Sub-layers `attention` and `layer_norm`.

    Args:
        d_model, num_heads: as for `MultiHeadAttention`.
    Call arguments:
        x: `(B, T, d_model)`.
    Output: `(B, T, d_model)`; row t depends on rows 0 to t of x only.
    Source: Vaswani et al. 2017, section 3.2.3 (the decoder's look at itself).
    """

    def __init__(self, d_model, num_heads, **kwargs):
        """Create the two sub-layers."""
        super().__init__(**kwargs)
        self.attention = MultiHeadAttention(d_model, num_heads)
        self.layer_norm = keras.layers.LayerNormalization()
        self.layer_norm.build((None, None, d_model))

    def call(self, x):
        """Look at the present and the past."""
        length = ops.shape(x)[1]
        present_or_past = ops.tril(ops.ones((length, length), dtype="bool"))  # (T, T)
        return self.layer_norm(x + self.attention(x, x, attention_mask=present_or_past))
