"""What the game of a GAN measures: its best discriminator, and the divergence at which that one plays."""

from keras import ops


def optimal_discriminator(p_data, p_model):
    """The probability "real" that the best discriminator gives to each point.

    Args:
        p_data, p_model: probabilities or densities of the points under the data and under the model, of one
            shape, at least 0.
    Returns: the same shape, within 0 and 1; 1/2 where both are 0.
    Source: Goodfellow et al. 2014, proposition 1.
    """
    total = p_data + p_model
    nowhere = total == 0
    return ops.where(nowhere, 0.5, p_data / ops.where(nowhere, 1.0, total))


def kl(p, q):
    """The Kullback-Leibler divergence of q from p, in nats: the sum of p log(p / q).

    A point with p = 0 adds nothing; one with q = 0 < p makes it infinite.

    Args:
        p, q: probabilities of the same points, `(n,)` each; both sum to 1.
    Returns: a scalar, at least 0.
    """
    seen = p > 0
    ratio = ops.where(seen, p, 1.0) / ops.where(seen, q, 1.0)  # 1 where p is 0
    return ops.sum(p * ops.log(ratio))


def js_divergence(p, q):
    """The Jensen-Shannon divergence, in nats: the mean of the divergences of their mixture from p and from q.

    Args:
        p, q: probabilities of the same points, `(n,)` each; both sum to 1.
    Returns: a scalar, from 0 to ln 2.
    Source: Goodfellow et al. 2014, theorem 1.
    """
    mixture = (p + q) / 2
    return (kl(p, mixture) + kl(q, mixture)) / 2
