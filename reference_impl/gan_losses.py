"""The losses of a generative adversarial network, on logits: real = 1, fake = 0."""

from keras import ops


def discriminator_loss(real_logits, fake_logits):
    """The discriminator's cross-entropy: real samples have the label 1, fakes the label 0.

    The mean over the real samples of -log σ(logit), plus the mean over the fakes of -log(1 - σ(logit)).

    Args:
        real_logits, fake_logits: `(B,)` or `(B, 1)` each; the two B may differ.
    Returns: a scalar, in nats.
    Source: Goodfellow et al. 2014, equation 1, with its sign changed so that it is minimized.
    """
    return ops.mean(ops.softplus(-real_logits)) + ops.mean(ops.softplus(fake_logits))


def generator_loss_nonsaturating(fake_logits):
    """The generator's loss in practice: the cross-entropy of its fakes with the label 1.

    The mean of -log σ(logit).

    Args:
        fake_logits: `(B,)` or `(B, 1)`.
    Returns: a scalar, in nats.
    Source: Goodfellow et al. 2014, end of section 3.
    """
    return ops.mean(ops.softplus(-fake_logits))


def generator_loss_minimax(fake_logits):
    """The generator's loss in the game as it is stated: what the discriminator gains from the fakes.

    The mean of log(1 - σ(logit)), which the generator minimizes.

    Args:
        fake_logits: `(B,)` or `(B, 1)`.
    Returns: a scalar, in nats, at most 0.
    Source: Goodfellow et al. 2014, equation 1.
    """
    return -ops.mean(ops.softplus(fake_logits))
