"""Eight Gaussians on a ring: a distribution in the plane whose modes can be counted.

Training it takes seconds, and shows at a glance what goes wrong with generative adversarial networks.
"""

import keras
import numpy as np
import tensorflow as tf

RING_MODES = 8
RING_RADIUS = 2.0
RING_STD = 0.15
RING_NOISE_DIM = 8
RING_BATCH = 256


def ring_centers():
    """The means of the Gaussians, `(8, 2)`."""
    angles = 2 * np.pi * np.arange(RING_MODES) / RING_MODES
    return RING_RADIUS * np.stack([np.cos(angles), np.sin(angles)], axis=1).astype("float32")


def sample_ring(count):
    """Points of the ring, `(count, 2)`: each of a Gaussian drawn at random."""
    modes = tf.random.uniform((count,), maxval=RING_MODES, dtype=tf.int32)
    return tf.gather(ring_centers(), modes) + RING_STD * tf.random.normal((count, 2))


def ring_quality(points):
    """How many of the eight modes have at least 1 % of the points, and the share of high-quality points.

    A point is of high quality if it lies within three standard deviations of a mode.
    """
    distances = np.linalg.norm(np.asarray(points)[:, None] - ring_centers(), axis=-1)  # (N, 8)
    near = distances.min(axis=1) < 3 * RING_STD
    counts = np.bincount(distances.argmin(axis=1)[near], minlength=RING_MODES)
    return int((counts >= 0.01 * len(distances)).sum()), float(near.mean())


def make_ring_generator():
    """Noise `(B, 8)` to points `(B, 2)`."""
    return keras.Sequential([keras.Input((RING_NOISE_DIM,)), *_hidden_layers(), keras.layers.Dense(2)])


def make_ring_discriminator():
    """Points `(B, 2)` to a logit, or to a critic's score, `(B, 1)`."""
    return keras.Sequential([keras.Input((2,)), *_hidden_layers(), keras.layers.Dense(1)])


def make_ring_optimizer(steps):
    """Adam, whose rate sinks to 0 within `steps` steps: late steps polish."""
    return keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, steps), beta_1=0.5)


def _hidden_layers():
    return [keras.layers.Dense(128, activation="leaky_relu") for _ in range(2)]
