"""Low-rank adaptation: a frozen dense layer plus a trainable product of two thin matrices."""

import keras
from keras import ops


class LoRADense(keras.layers.Layer):
    """activation(x W + b + (alpha / rank) x A B) on a `keras.layers.Dense` that stays as it is.

    Args:
        base: a built `keras.layers.Dense` of `in` features to `out`; it is frozen.
        rank: columns of `lora_a` `(in, rank)` and rows of `lora_b` `(rank, out)`.
        alpha: the scale's numerator.
    Call arguments:
        x: `(..., in)`.
    Output: `(..., out)`. Until it is trained, that of `base`, because `lora_b` begins at 0.
    Source: Hu et al. 2022, section 4.1.
    """

    def __init__(self, base, rank=8, alpha=16, **kwargs):
        super().__init__(**kwargs)
        self.base, self.rank, self.alpha = base, rank, alpha
        base.trainable = False
        inputs, outputs = base.kernel.shape
        self.lora_a = self.add_weight(shape=(inputs, rank), initializer="he_uniform", name="lora_a")
        self.lora_b = self.add_weight(shape=(rank, outputs), initializer="zeros", name="lora_b")

    def call(self, x):
        scale = self.alpha / self.rank
        output = ops.matmul(x, self.base.kernel) + scale * ops.matmul(ops.matmul(x, self.lora_a), self.lora_b)
        if self.base.use_bias:
            output += self.base.bias
        return self.base.activation(output)

    def merge(self):
        """A new `keras.layers.Dense` with the same outputs; this layer and `base` stay as they are."""
        merged = keras.layers.Dense.from_config(self.base.get_config())
        merged.build((None, self.base.kernel.shape[0]))
        kernel = self.base.kernel + self.alpha / self.rank * ops.matmul(self.lora_a, self.lora_b)
        merged.set_weights([kernel, *self.base.get_weights()[1:]])
        return merged


def lora_parameter_count(shapes, rank):
    """Trainable parameters that adapters of `rank` add to dense layers.

    Args:
        shapes: a list of `(in, out)`, one for each adapted layer.
    """
    return sum(rank * (inputs + outputs) for inputs, outputs in shapes)
