"""The gradient penalty: a critic whose slope is 1 between the real samples and the fakes."""

import tensorflow as tf
from keras import ops


def draw_alpha(samples):
    """A share for each sample, drawn uniformly between 0 and 1.

    Args:
        samples: `(B, ...)`.
    Returns: `(B, 1, ..., 1)`, float32, with as many axes as `samples`: one number a sample.
    Source: Gulrajani et al. 2017, algorithm 1, line 4.
    """
    return tf.random.uniform(samples.shape[:1] + [1] * (samples.ndim - 1))


def interpolate(real, fake, alpha):
    """Points on the lines between real samples and fakes.

    Args:
        real, fake: `(B, ...)`.
        alpha: `(B, 1, ..., 1)`, the share of the real sample.
    Returns: `(B, ...)`.
    Source: Gulrajani et al. 2017, algorithm 1, line 6.
    """
    return alpha * real + (1 - alpha) * fake


def gradient_penalty(critic, real, fake, alpha):
    """How far the critic's slope is from 1, squared, on average over the interpolated points.

    The slope at a point is the Euclidean norm of the gradient of its score by all of its features. The
    penalty can be differentiated by the weights of the critic. It does not contain the factor lambda.

    Args:
        critic: maps samples `(B, ...)` to scores `(B, 1)`, each sample on its own.
        real, fake: `(B, ...)`.
        alpha: `(B, 1, ..., 1)`.
    Returns: a scalar, at least 0.
    Source: Gulrajani et al. 2017, equation 3.
    """
    points = interpolate(real, fake, alpha)
    with tf.GradientTape() as tape:
        tape.watch(points)
        scores = critic(points)
    gradients = tape.gradient(scores, points)  # (B, ...): a score depends on its own point alone
    features = tuple(range(1, gradients.ndim))
    squares = ops.sum(ops.square(gradients), axis=features)  # (B,)
    slopes = ops.sqrt(squares + 1e-12)  # the root of 0 has no derivative
    return ops.mean(ops.square(slopes - 1))
