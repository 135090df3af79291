"""How many numbers a Transformer learns, by counting its matrices."""


def attention_params(d_model, bias=False):
    """Parameters of one multi-head attention: the projections of query, key, value and output.

    Args:
        d_model: features of input and output; the heads share them out, so their number does not matter.
        bias: whether each projection also has a bias vector.
    Returns: int.
    Source: Vaswani et al. 2017, section 3.2.2.
    """
    matrix = d_model * d_model + (d_model if bias else 0)
    return 4 * matrix


def count_transformer_params(n_layer, d_model, dff, vocab=0, bias=False):
    """Parameters of a stack of Transformer blocks and the token embedding under it.

    A block is one self-attention and one feed-forward network d_model -> dff -> d_model. Not counted:
    learned positions, cross-attention, a norm after the last block, and an output layer of its own (it
    shares the embedding's matrix).

    Args:
        n_layer: number of blocks.
        d_model: features of every position.
        dff: units of the feed-forward network's hidden layer.
        vocab: number of tokens in the embedding; 0 counts the blocks alone.
        bias: False counts the weight matrices only; True adds the biases of all six dense layers of a
            block and its two layer norms, each of which has a gain and a shift per feature.
    Returns: int.
    Source: Vaswani et al. 2017, section 3; Brown et al. 2020, table 2.1, for the sizes of GPT-3.
    """
    feed_forward = 2 * d_model * dff
    if bias:
        feed_forward += dff + d_model
    layer_norms = 2 * 2 * d_model if bias else 0
    return n_layer * (attention_params(d_model, bias) + feed_forward + layer_norms) + vocab * d_model
