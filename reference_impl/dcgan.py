"""A generator and a discriminator of convolutions, for images."""

import keras
from keras import layers, ops


def prepare_images(images):
    """Pixels as the generator's tanh gives them: from -1, black, to 1, white.

    Args:
        images: `(N, H, W)`, from 0 to 1.
    Returns: `(N, H, W, 1)`, from -1 to 1.
    """
    return 2 * ops.expand_dims(images, -1) - 1


def make_generator(noise_dim, image_shape, width=32):
    """Noise to images: a dense layer at a quarter of their size, then two transposed convolutions.

    Batch normalization and a leaky ReLU follow each layer but the last, which ends in tanh.

    Args:
        noise_dim: features of the noise.
        image_shape: `(H, W, C)`; 4 divides H and W.
        width: channels at half the size; twice as many at a quarter of it.
    Returns: a `keras.Sequential` that maps `(B, noise_dim)` to `(B, H, W, C)`, within -1 and 1.
    Source: Radford et al. 2016, section 3.
    """
    height, breadth, channels = image_shape
    enlarge = {"kernel_size": 4, "strides": 2, "padding": "same"}
    return keras.Sequential(
        [
            keras.Input((noise_dim,)),
            layers.Dense(height // 4 * (breadth // 4) * 2 * width, use_bias=False),
            layers.Reshape((height // 4, breadth // 4, 2 * width)),
            layers.BatchNormalization(),
            layers.LeakyReLU(0.2),
            layers.Conv2DTranspose(width, **enlarge, use_bias=False),  # (H / 2, W / 2, width)
            layers.BatchNormalization(),
            layers.LeakyReLU(0.2),
            layers.Conv2DTranspose(channels, **enlarge, activation="tanh"),  # (H, W, C)
        ]
    )


def make_discriminator(image_shape, width=32):
    """Images to logits: two convolutions halve the size each, a dense layer decides.

    A leaky ReLU follows each convolution, batch normalization only the second: never the input, whose
    statistics would tell a batch of fakes from a batch of real images at once.

    Args:
        image_shape: `(H, W, C)`; 4 divides H and W.
        width: channels at half the size; twice as many at a quarter of it.
    Returns: a `keras.Sequential` that maps `(B, H, W, C)` to logits `(B, 1)`.
    Source: Radford et al. 2016, section 3.
    """
    halve = {"kernel_size": 4, "strides": 2, "padding": "same"}
    return keras.Sequential(
        [
            keras.Input(image_shape),
            layers.Conv2D(width, **halve),  # (H / 2, W / 2, width)
            layers.LeakyReLU(0.2),
            layers.Conv2D(2 * width, **halve, use_bias=False),  # (H / 4, W / 4, 2 width)
            layers.BatchNormalization(),
            layers.LeakyReLU(0.2),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )
