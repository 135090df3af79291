"""Weights handed from one layer to another, counted and watched."""

import keras
import numpy as np
import pytest

from autograder.checking import (
    assign,
    deltas,
    parameter_count,
    set_random_weights,
    transplant,
    variables,
    weight_shapes,
)
from autograder.checking.student import Student
from autograder.checking.transports import LocalTransport


class Two(keras.layers.Layer):
    def __init__(self, first, second):
        super().__init__()
        self.first, self.second = first, second

    def call(self, x):
        return self.second(self.first(x))


def fused(**options):
    return keras.layers.EinsumDense("btd,dhk->bthk", (None, 2, 3), bias_axes="hk", **options)


class Backwards(keras.layers.Layer):
    """A dense layer that makes its bias first."""

    def build(self, shape):
        self.b = self.add_weight(shape=(6,), name="bias")
        self.w = self.add_weight(shape=(shape[-1], 6), name="kernel")

    def call(self, x):
        return x @ self.w + self.b


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def handle(layer, x=None):
    found = Student(LocalTransport({"layer": layer})).layer
    if x is not None:
        found(x)
    return found


@pytest.mark.parametrize("other", [lambda: keras.layers.Dense(6), fused, Backwards])
def test_layers_agree_after_a_transplant(other, rng):
    x = rng.normal(size=(2, 4, 6))
    source, target = handle(keras.layers.Dense(6), x), handle(other(), x)
    set_random_weights(source, rng)
    transplant(source, target, "m")
    np.testing.assert_allclose(target(x).reshape(2, 4, 6), source(x), atol=1e-5)


def test_parts_are_taken_by_name(rng):
    x = rng.normal(size=(2, 4, 6))
    source = handle(Two(keras.layers.Dense(6), keras.layers.Dense(6)), x)
    target = handle(Two(keras.layers.Dense(6), Backwards()), x)
    set_random_weights(source, rng)
    transplant(source, target, "m", parts=("first", "second"))
    np.testing.assert_allclose(target(x), source(x), atol=1e-5)


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (keras.layers.Dense(6, use_bias=False), r"it has weights of the shapes \(6, 6\)"),
        (keras.layers.Dense(5), r"\(6, 5\), \(5,\)"),
        (keras.layers.ReLU(), "it has no weights"),
    ],
)
def test_weights_that_do_not_match_are_described(layer, words, rng):
    x = rng.normal(size=(2, 4, 6))
    source = handle(keras.layers.Dense(6), x)
    with pytest.raises(AssertionError, match=words):
        transplant(source, handle(layer, x), "m")


def test_random_weights_leave_nothing_at_zero(rng):
    layer = handle(keras.layers.Dense(6), np.ones((1, 3)))
    values = set_random_weights(layer, rng)
    for value, variable in zip(values, variables(layer), strict=True):
        np.testing.assert_array_equal(value, variable.value)
        assert (variable.value != 0).all()


def test_parameters_are_counted_whatever_they_are_called():
    model = keras.Sequential([keras.layers.Dense(4, name="a"), keras.layers.BatchNormalization()])
    found = handle(model, np.ones((2, 3)))
    assert parameter_count(found) == 3 * 4 + 4 + 4 * 4
    assert (parameter_count(found, trainable=True), parameter_count(found, trainable=False)) == (24, 8)
    assert weight_shapes(found) == [(3, 4), (4,), (4,), (4,), (4,), (4,)]


def test_deltas_say_which_weights_moved():
    layer = handle(keras.layers.Dense(2), np.ones((1, 3)))
    before = variables(layer)
    assign(layer, {1: [0.0, 0.5]})
    assert deltas(before, variables(layer)) == [0.0, 0.5]
    assert deltas(before, variables(layer)[:1]) == [float("inf")]
