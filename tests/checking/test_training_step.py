"""What a training step did to which weights, told from readings before and after it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from autograder.checking.student import Student
from autograder.checking.training_step import StepSpy
from autograder.checking.transports import LocalTransport

RATE = 0.05
MESSAGE = "one step of SGD"


class TwoParts:
    """A linear model of two layers and a step that can be told to go wrong."""

    def __init__(self, trained=("first", "second"), rate=RATE, power=1.0):
        self.first, self.second = keras.layers.Dense(4), keras.layers.Dense(2)
        self.second(self.first(tf.zeros((1, 3))))
        self.trained, self.rate, self.power = trained, rate, power

    def gradients(self, x, y):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.square(self.second(self.first(x)) - y))
        layers = [self.first, self.second]
        return tape.gradient(loss, [[v.value for v in layer.trainable_variables] for layer in layers])

    def step(self, x, y):
        for name, gradients in zip(("first", "second"), self.gradients(x, y), strict=True):
            if name in self.trained:
                for variable, gradient in zip(
                    getattr(self, name).trainable_variables, gradients, strict=True
                ):
                    variable.assign_sub(self.rate * self.power * gradient)
        return "stepped"

    def rebuild(self):
        self.first = keras.layers.Dense(5)
        self.first(tf.zeros((1, 3)))


def watched(model, step=None):
    """The spy after one step, and the right gradients of each layer."""
    rng = np.random.default_rng(0)
    x, y = (tf.constant(rng.normal(size=(5, width)), tf.float32) for width in (3, 2))
    gradients = [[g.numpy() for g in layer] for layer in model.gradients(x, y)]
    handle = Student(LocalTransport({"model": model})).model
    spy = StepSpy(first=handle.first, second=handle.second)
    assert spy.watch(step or (lambda: handle.step(x.numpy(), y.numpy()))) in ("stepped", None)
    return spy, gradients


def test_a_step_of_sgd_is_recognized():
    spy, gradients = watched(TwoParts())
    for group, right in zip(("first", "second"), gradients, strict=True):
        assert spy.moved(group) == [True, True]
        spy.require_moved(group, MESSAGE)
        spy.require_descent(group, right, RATE, MESSAGE)


def test_a_group_that_stays_is_unmoved():
    spy, _ = watched(TwoParts(trained=("second",)))
    spy.require_unmoved("first", MESSAGE)
    spy.require_moved("second", MESSAGE)
    with pytest.raises(AssertionError, match=r"2 of 2 weights stay"):
        spy.require_moved("first", MESSAGE)
    with pytest.raises(AssertionError, match=MESSAGE):
        spy.require_unmoved("second", MESSAGE)


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (TwoParts(power=-1), "goes up the gradient"),
        (TwoParts(power=2), "the direction is right, the length is not"),
        (TwoParts(power=1.01), "the direction is right, the length is not"),
        (TwoParts(trained=()), "nothing moved"),
    ],
    ids=["ascent", "twice", "one per cent more", "no step"],
)
def test_another_step_is_told_apart(model, told):
    spy, gradients = watched(model)
    with pytest.raises(AssertionError, match=f"{MESSAGE} \\(.*{told}"):
        spy.require_descent("first", gradients[0], RATE, MESSAGE)


def test_a_step_in_another_direction_is_told_apart():
    spy, gradients = watched(TwoParts())
    with pytest.raises(AssertionError, match="the direction differs"):
        spy.require_descent("first", [gradients[0][0][::-1], None], RATE, MESSAGE)


def test_zero_gradients_want_no_movement():
    spy, _ = watched(TwoParts(trained=()))
    spy.require_descent("first", [None, None], RATE, MESSAGE)
    spy, _ = watched(TwoParts())
    with pytest.raises(AssertionError, match="the gradient is zero"):
        spy.require_descent("first", [None, None], RATE, MESSAGE)


def test_a_step_to_nan_is_no_training():
    spy, gradients = watched(TwoParts(rate=float("nan")))
    with pytest.raises(AssertionError, match="NaN"):
        spy.require_moved("first", MESSAGE)
    with pytest.raises(AssertionError, match="NaN"):
        spy.require_descent("first", gradients[0], RATE, MESSAGE)


def test_new_weights_in_a_step_are_noticed():
    model = TwoParts()
    spy, _ = watched(model, model.rebuild)
    with pytest.raises(AssertionError, match="makes new weights in the first"):
        spy.moved("first")


def test_the_weights_can_be_put_back():
    model = TwoParts()
    before = [variable.numpy() for variable in model.first.weights]
    spy, _ = watched(model)
    assert all(spy.moved("first"))
    spy.put_back()
    for variable, value in zip(model.first.weights, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)
