"""Teacher forcing: the decoder reads the right beginning, whatever it has predicted."""

from keras import ops


def make_decoder_inputs_and_labels(ids, bos):
    """What the decoder reads, and what it shall say at each position: the token after those read so far.

    Args:
        ids: integers `(B, T)`, target sequences that end with EOS and padding and do not begin with BOS.
        bos: the id that stands for "begin".
    Returns: a pair `(inputs, labels)` of integers, `(B, T)` each: `[bos, ids[:, :-1]]` and `ids`.
    Source: Williams & Zipser 1989; Vaswani et al. 2017, section 3.1 ("shifted right").
    """
    begin = ops.full_like(ids[:, :1], bos)
    return ops.concatenate([begin, ids[:, :-1]], axis=1), ids
