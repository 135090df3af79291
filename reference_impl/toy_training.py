"""Training and using the toy Transformer: teacher forcing to learn, a step function to decode."""

import keras
import numpy as np
from keras import ops

from reference_impl.masked_loss import masked_accuracy, masked_loss
from reference_impl.noam_schedule import NoamSchedule
from reference_impl.toy_transformer import BOS, ToyTransformer, reversal_pairs


def step_function(model, source):
    """A function that `greedy_decode` and `beam_search` can ask for the next token.

    Args:
        model: called with a pair `(source, inputs)` of integers, `(1, S)` and `(1, T)`, it gives logits
            `(1, T, V)`.
        source: integers `(S,)`, one sequence.
    Returns: a function from a prefix, integers `(T,)` that begin with BOS, to the log-probabilities `(V,)` of
        the token after it.
    """
    source = np.asarray(source)[None]  # (1, S)

    def step(prefix):
        logits = model((source, np.asarray(prefix)[None]))  # (1, T, V)
        return ops.log_softmax(logits[0, -1])

    return step


def train_toy_transformer(seed):
    """Train a `ToyTransformer` to write digits backwards, with teacher forcing.

    Args:
        seed: of the weights and of the examples.
    Returns: the trained model.
    Source: Vaswani et al. 2017, section 5, on a small scale.
    """
    keras.utils.set_random_seed(seed)
    source, target = reversal_pairs(2_880, np.random.default_rng(seed))
    inputs = np.concatenate([np.full_like(target[:, :1], BOS), target[:, :-1]], axis=1)
    model = ToyTransformer()
    model.compile(
        optimizer=keras.optimizers.Adam(NoamSchedule(model.d_model, warmup_steps=150), 0.9, 0.98, 1e-9),
        loss=masked_loss,
        metrics=[masked_accuracy],
        jit_compile=False,  # compiling takes longer than these 450 steps
    )
    model.fit((source, inputs), target, batch_size=64, epochs=10, verbose=0)
    return model
