"""The Transformer of Vaswani et al. 2017: blocks of attention and feed-forward networks, norms after sums."""

import keras
from keras import ops

from reference_impl.masks import create_combined_mask, create_padding_mask
from reference_impl.positional_encoding import PositionalEmbedding


def point_wise_feed_forward(d_model, dff):
    """A network of two dense layers for each position on its own: d_model -> dff, ReLU -> d_model.

    Returns: a `keras.Sequential`.
    Source: Vaswani et al. 2017, equation 2.
    """
    return keras.Sequential([keras.layers.Dense(dff, activation="relu"), keras.layers.Dense(d_model)])


class EncoderLayer(keras.layers.Layer):
    """Self-attention, then the feed-forward network, each as LayerNorm(x + Dropout(sub-layer(x))).

    Sub-layers `self_attention`, `self_attention_norm`, `feed_forward` and `feed_forward_norm`.

    Args:
        d_model: features of a position.
        num_heads: divides `d_model`; each head has `d_model // num_heads` features.
        dff: units of the feed-forward network's hidden layer.
        dropout_rate: share of a sub-layer's output set to 0 in training.
    Call arguments:
        x: `(B, T, d_model)`.
        self_mask: bool, broadcastable to `(B, num_heads, T, T)`; True = may attend.
        training: whether dropout is active.
    Output: `(B, T, d_model)`.
    Source: Vaswani et al. 2017, sections 3.1 and 5.4.
    """

    def __init__(self, d_model, num_heads, dff, dropout_rate=0.1, **kwargs):
        """Create the sub-layers."""
        super().__init__(**kwargs)
        self.self_attention = keras.layers.MultiHeadAttention(num_heads, key_dim=d_model // num_heads)
        self.self_attention_norm = keras.layers.LayerNormalization(epsilon=1e-6)
        self.feed_forward = point_wise_feed_forward(d_model, dff)
        self.feed_forward_norm = keras.layers.LayerNormalization(epsilon=1e-6)
        self.dropout = keras.layers.Dropout(dropout_rate)

    def call(self, x, self_mask=None, training=None):
        """Look around, then think."""
        attended = self.self_attention(x, x, attention_mask=self_mask)
        x = self.self_attention_norm(x + self.dropout(attended, training=training))
        return self.feed_forward_norm(x + self.dropout(self.feed_forward(x), training=training))


class DecoderLayer(keras.layers.Layer):
    """Self-attention, attention to the context, then the feed-forward network, each with dropout, add, norm.

    Sub-layers `self_attention`, `self_attention_norm`, `cross_attention`, `cross_attention_norm`,
    `feed_forward` and `feed_forward_norm`.

    Args:
        d_model, num_heads, dff, dropout_rate: as for `EncoderLayer`.
    Call arguments:
        x: `(B, T, d_model)`.
        context: `(B, S, d_model)`, what the encoder gives.
        self_mask: bool, broadcastable to `(B, num_heads, T, T)`.
        cross_mask: bool, broadcastable to `(B, num_heads, T, S)`.
        training: whether dropout is active.
    Output: `(B, T, d_model)`.
    Source: Vaswani et al. 2017, sections 3.1 and 5.4.
    """

    def __init__(self, d_model, num_heads, dff, dropout_rate=0.1, **kwargs):
        """Create the sub-layers."""
        super().__init__(**kwargs)
        self.self_attention = keras.layers.MultiHeadAttention(num_heads, key_dim=d_model // num_heads)
        self.self_attention_norm = keras.layers.LayerNormalization(epsilon=1e-6)
        self.cross_attention = keras.layers.MultiHeadAttention(num_heads, key_dim=d_model // num_heads)
        self.cross_attention_norm = keras.layers.LayerNormalization(epsilon=1e-6)
        self.feed_forward = point_wise_feed_forward(d_model, dff)
        self.feed_forward_norm = keras.layers.LayerNormalization(epsilon=1e-6)
        self.dropout = keras.layers.Dropout(dropout_rate)

    def call(self, x, context, self_mask=None, cross_mask=None, training=None):
        """Look back over x, then at the context, then think."""
        attended = self.self_attention(x, x, attention_mask=self_mask)
        x = self.self_attention_norm(x + self.dropout(attended, training=training))
        attended = self.cross_attention(x, context, attention_mask=cross_mask)
        x = self.cross_attention_norm(x + self.dropout(attended, training=training))
        return self.feed_forward_norm(x + self.dropout(self.feed_forward(x), training=training))


class Encoder(keras.layers.Layer):
    """A stack of encoder layers, in the list `encoder_layers`, each reading what the one before gives.

    Args:
        num_layers: number of layers, each with weights of its own.
        d_model, num_heads, dff, dropout_rate: as for `EncoderLayer`.
    Call arguments:
        x, self_mask, training: as for `EncoderLayer`; x is embedded already.
    Output: `(B, T, d_model)`.
    """

    def __init__(self, num_layers, d_model, num_heads, dff, dropout_rate=0.1, **kwargs):
        """Create the layers."""
        super().__init__(**kwargs)
        self.encoder_layers = [EncoderLayer(d_model, num_heads, dff, dropout_rate) for _ in range(num_layers)]

    def call(self, x, self_mask=None, training=None):
        """Go up the stack."""
        for layer in self.encoder_layers:
            x = layer(x, self_mask=self_mask, training=training)
        return x


class Decoder(keras.layers.Layer):
    """A stack of decoder layers, in the list `decoder_layers`; all of them look at the same context.

    Args:
        num_layers: number of layers, each with weights of its own.
        d_model, num_heads, dff, dropout_rate: as for `DecoderLayer`.
    Call arguments:
        x, context, self_mask, cross_mask, training: as for `DecoderLayer`; x is embedded already.
    Output: `(B, T, d_model)`.
    """

    def __init__(self, num_layers, d_model, num_heads, dff, dropout_rate=0.1, **kwargs):
        """Create the layers."""
        super().__init__(**kwargs)
        self.decoder_layers = [DecoderLayer(d_model, num_heads, dff, dropout_rate) for _ in range(num_layers)]

    def call(self, x, context, self_mask=None, cross_mask=None, training=None):
        """Go up the stack."""
        for layer in self.decoder_layers:
            x = layer(x, context, self_mask=self_mask, cross_mask=cross_mask, training=training)
        return x


class Transformer(keras.Model):
    """Read a context, and predict at each position of a target which token comes next.

    Context and target share one vocabulary and one table: `embedding`, a `PositionalEmbedding`. The logits
    are the products of the decoder's output with the rows of that table, unscaled and without a bias.
    Further parts: `encoder` and `decoder`. Padding has the id 0.

    Args:
        num_layers: of the encoder, and of the decoder.
        d_model, num_heads, dff, dropout_rate: as for `EncoderLayer`.
        vocab_size: number of token ids, padding included.
    Call arguments:
        inputs: a pair `(context, x)` of integers, `(B, S)` and `(B, T)`.
        training: whether dropout is active.
    Output: logits `(B, T, vocab_size)`; no softmax.
    Source: Vaswani et al. 2017, figure 1 and section 3.4.
    """

    def __init__(self, num_layers, d_model, num_heads, dff, vocab_size, dropout_rate=0.1, **kwargs):
        """Create the parts."""
        super().__init__(**kwargs)
        self.embedding = PositionalEmbedding(vocab_size, d_model, dropout_rate)
        self.encoder = Encoder(num_layers, d_model, num_heads, dff, dropout_rate)
        self.decoder = Decoder(num_layers, d_model, num_heads, dff, dropout_rate)

    def call(self, inputs, training=None):
        """Encode the context, decode the target with a look at it, compare with every token's vector."""
        context, x = inputs
        context_mask = create_padding_mask(context)  # (B, 1, 1, S)
        combined_mask = create_combined_mask(x)  # (B, 1, T, T)
        context = self.embedding(context, training=training)
        context = self.encoder(context, self_mask=context_mask, training=training)
        x = self.embedding(x, training=training)
        x = self.decoder(
            x, context, self_mask=combined_mask, cross_mask=context_mask, training=training
        )  # (B, T, D)
        return ops.matmul(x, ops.transpose(self.embedding.embedding.embeddings))
