"""The learning-rate schedule of the Transformer: up in a straight line, then down with the root of time."""

import keras
from keras import ops


class NoamSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """d_model^-0.5 * min(step^-0.5, step * warmup_steps^-1.5).

    Rises linearly for `warmup_steps` updates and falls with the inverse square root of the step after them.
    Updates count from 1; Keras counts from 0, so step 0 is taken as step 1.

    Args:
        d_model: features of the model.
        warmup_steps: updates until the rate is highest.
    Call arguments:
        step: an integer, or a tensor of any shape and any integer or float type.
    Output: float32, of the shape of `step`.
    Source: Vaswani et al. 2017, equation 3.
    """

    def __init__(self, d_model, warmup_steps=4000):
        """Keep the two numbers."""
        self.d_model = d_model
        self.warmup_steps = warmup_steps

    def __call__(self, step):
        """The rate of update number `step`."""
        step = ops.maximum(ops.cast(step, "float32"), 1.0)
        return self.d_model**-0.5 * ops.minimum(step**-0.5, step * self.warmup_steps**-1.5)

    def get_config(self):
        """The arguments that make an equal schedule: Keras saves them with the optimizer."""
        return {"d_model": self.d_model, "warmup_steps": self.warmup_steps}
