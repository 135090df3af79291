"""The gradient-flow matrix and gradients confirmed by differences, on a small quantised autoencoder."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from autograder.checking import (
    EVERY_NON_ZERO,
    NON_ZERO,
    ZERO,
    by_group,
    confirm_gradient,
    confirm_variable_gradient,
    directional_derivative,
    flow_matrix,
    variables,
    vjp,
)
from autograder.checking.student import Student
from autograder.checking.transports import LocalTransport

encoder, codebook = keras.layers.Dense(2), keras.layers.Dense(2, use_bias=False)


def codebook_loss(x):
    return tf.reduce_mean((tf.stop_gradient(encoder(x)) - codebook(x)) ** 2)


def commitment_loss(x):
    return tf.reduce_mean((encoder(x) - tf.stop_gradient(codebook(x))) ** 2)


NAMES = {"codebook_loss": codebook_loss, "commitment_loss": commitment_loss, "enc": encoder, "book": codebook}


@pytest.fixture
def student():
    return Student(LocalTransport(dict(NAMES)))


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def gradients(student, x):
    groups = {"encoder": student.enc, "codebook": [student.book]}
    codebook_loss(x.astype("float32"))
    return {
        "codebook loss": by_group(student.codebook_loss, x, groups=groups, cotangent=1.0),
        "commitment loss": by_group(student.commitment_loss, x, groups=groups, cotangent=1.0),
    }


def test_gradients_are_split_by_group(student, rng):
    by_term = gradients(student, rng.normal(size=(4, 3)))
    assert [len(group) for group in by_term["codebook loss"].values()] == [2, 1]


def test_a_right_matrix_passes(student, rng):
    by_term = gradients(student, rng.normal(size=(4, 3)))
    own = by_term["codebook loss"]["codebook"]
    flow_matrix(
        by_term,
        {
            "codebook loss": {"encoder": ZERO, "codebook": own},
            "commitment loss": {"encoder": EVERY_NON_ZERO, "codebook": ZERO},
        },
    )


@pytest.mark.parametrize(
    ("group", "wanted", "words"),
    [
        ("encoder", NON_ZERO, "the gradient of the codebook loss by the encoder must not be zero"),
        ("encoder", EVERY_NON_ZERO, "must reach every one"),
        ("codebook", ZERO, "the gradient of the codebook loss by the codebook must be zero: stop it there"),
        ("codebook", [np.zeros((3, 2))], "max. difference"),
        ("codebook", [None], "another value"),
        ("codebook", [], "it has 1 weights, not 0"),
        ("encoder", [np.ones((3, 2)), None], "another value"),
    ],
)
def test_wrong_flows_are_named(student, rng, group, wanted, words):
    by_term = gradients(student, rng.normal(size=(4, 3)))
    with pytest.raises(AssertionError, match=words):
        flow_matrix(by_term, {"codebook loss": {group: wanted}})


def test_own_words_replace_the_general_ones():
    with pytest.raises(AssertionError, match=r"^sg\[\] is on the wrong side$"):
        flow_matrix({"a": {"b": np.ones(2)}}, {"a": {"b": ZERO}}, {("a", "b"): "sg[] is on the wrong side"})


@pytest.mark.parametrize("wanted", [ZERO, NON_ZERO, EVERY_NON_ZERO])
def test_gradients_that_are_not_finite_never_pass(wanted):
    with pytest.raises(AssertionError, match="NaN"):
        flow_matrix({"a": {"b": [np.array([np.nan])]}}, {"a": {"b": wanted}})


def test_every_weight_is_more_than_one():
    some = {"a": {"b": [np.ones(2), None]}}
    flow_matrix(some, {"a": {"b": NON_ZERO}})
    with pytest.raises(AssertionError, match="must reach every one"):
        flow_matrix(some, {"a": {"b": EVERY_NON_ZERO}})


def test_no_weights_are_no_flow():
    with pytest.raises(AssertionError):
        flow_matrix({"a": {"b": []}}, {"a": {"b": EVERY_NON_ZERO}})


def test_a_directional_derivative(rng):
    x, direction = rng.normal(size=3), rng.normal(size=3)
    measured = directional_derivative(lambda x: x**2, x, direction, np.ones(3))
    assert measured == pytest.approx(2 * x @ direction, rel=1e-6)


def test_claimed_gradients_are_confirmed_or_refuted(rng):
    student = Student(LocalTransport({"f": lambda x: tf.nn.softmax(x)}))
    x, cotangent = rng.normal(size=(3, 4)), rng.normal(size=(3, 4))
    [claim] = vjp(student.f, x, cotangent=cotangent, wrt="inputs").inputs
    confirm_gradient(student.f, x, claim, cotangent, rng, "m")
    for lie in (1.1 * claim, -claim, None, claim + 0.1):
        with pytest.raises(AssertionError, match="m"):
            confirm_gradient(student.f, x, lie, cotangent, rng, "m")


def test_gradients_by_variables_are_confirmed_and_weights_put_back(rng):
    student = Student(LocalTransport({"layer": keras.layers.Dense(2, activation="tanh")}))
    x, cotangent = rng.normal(size=(3, 4)), rng.normal(size=(3, 2))
    claims = vjp(student.layer, x, cotangent=cotangent).variables
    before = variables(student.layer)

    def confirm(claims):
        confirm_variable_gradient(student.layer, lambda: student.layer(x), claims, cotangent, rng, "m")

    confirm(claims)
    with pytest.raises(AssertionError):
        confirm([claims[0], None])
    for old, new in zip(before, variables(student.layer), strict=True):
        np.testing.assert_array_equal(old.value, new.value)
