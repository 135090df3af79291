"""Comparisons: any value is survived, and no message tells what is expected."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.checking.compare import array, boolean, close, equal, finite, integer, outputs
from autograder.checking.student import Student
from autograder.checking.transports import LocalTransport

SECRET = np.array([[0.123456, 7.654321], [3.14159, 2.71828]])
HANDLE = Student(LocalTransport({})).anything


@pytest.mark.parametrize(
    "actual",
    [
        SECRET,
        SECRET.astype(np.float32),
        SECRET + 1e-6,
        SECRET.tolist(),
        [SECRET[0], SECRET[1]],
        tuple(map(tuple, SECRET)),
    ],
)
def test_close_values_pass(actual):
    close(actual, SECRET, "m")


BAD = [
    (None, "None"),
    (HANDLE, "an object that is no array"),
    ("text", "a str"),
    ({}, "a dict of 0"),
    ([], r"the shape is \(0,\); \(2, 2\) is expected"),
    ([[1, 2], [3]], "a list of 2"),
    ([[1, 2], None], "a list of 2"),
    (SECRET.ravel(), r"the shape is \(4,\); \(2, 2\) is expected"),
    (SECRET[0], "shape"),
    (np.full((2, 2), np.nan), "NaN"),
    (np.full((2, 2), np.inf), "infinite"),
    (SECRET > 1, "truth values, not real numbers"),
    (SECRET + 0j, "complex numbers, not real numbers"),
    (SECRET + 0.31, "max. difference 0.31 at tolerance 1e-05"),
    (np.full((2, 2), 6e4, np.float16), "max. difference"),
    (np.full((2, 2), 1.7e308), "max. difference"),
    (np.full((2, 2), -1.7e308), "max. difference"),
    ([[10**400, 1], [1, 1]], "."),
]


@pytest.mark.parametrize(("actual", "words"), BAD)
def test_other_values_fail_without_telling_what_is_expected(actual, words):
    with pytest.raises(AssertionError, match=words) as caught:
        close(actual, SECRET, "the misconception")
    message = str(caught.value)
    assert message.startswith("the misconception (")
    assert not any(str(number)[:4] in message for number in SECRET.ravel())


def test_the_tolerance_is_absolute_plus_relative():
    close(np.array([1000.009]), np.array([1000.0]), "m")
    with pytest.raises(AssertionError):
        close(np.array([1000.02]), np.array([1000.0]), "m")
    close(np.array([0.4]), np.array([0.0]), "m", atol=0.5)


def test_expected_infinities_are_required():
    close(np.array([-np.inf, 1]), np.array([-np.inf, 1]), "m")
    for wrong in ([np.inf, 1], [0, 1], [np.nan, 1], [-1e300, 1]):
        with pytest.raises(AssertionError):
            close(np.array(wrong), np.array([-np.inf, 1]), "m")


def test_nan_is_close_to_nothing():
    for pair in (([1, np.nan], [1, np.nan]), ([1, 2], [1, np.nan]), ([1, np.nan], [1, 2])):
        with pytest.raises(AssertionError, match="NaN"):
            close(*map(np.array, pair), "m")


@pytest.mark.parametrize("hollow", [np.zeros((0, 3)), np.zeros(0, bool), np.full(3, np.inf), np.full(3, np.nan)])
def test_where_nothing_finite_is_expected_nothing_has_been_shown(hollow):
    with pytest.raises(AssertionError):
        close(hollow, hollow, "m")


def test_truth_values_compare_exactly():
    close(np.array([True, False]), [True, False], "m")
    with pytest.raises(AssertionError, match="1 of 2 entries differ"):
        close(np.array([True, True]), [True, False], "m")
    with pytest.raises(AssertionError, match="integers, not truth values"):
        close(np.array([1, 0]), [True, False], "m")


def test_integers_compare_with_real_numbers():
    close(np.array([1, 2]), np.array([1.0, 2.0]), "m")
    close(3, 3.0, "m")


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (3, 3),
        (3.0, 3),
        (np.array(3), 3),
        ("a", "a"),
        (None, None),
        ((1, "a"), [1, "a"]),
        (np.array([1, 2]), [1, 2]),
        ({"a": np.array([1])}, {"a": np.array([1])}),
        (np.array([True]), np.array([True])),
    ],
)
def test_equal_values(actual, expected):
    equal(actual, expected, "m")


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (3.1, 3),
        ("3", 3),
        (None, 3),
        (3, None),
        (True, 1),
        (1, True),
        ([1], [1, 2]),
        ({"a": 1}, {"b": 1}),
        ([[1], [1, 2]], np.array([1, 2])),
        (HANDLE, 3),
        (float("nan"), 3),
        (np.array([[1, 2]]), np.array([1, 2])),
        ([1, [2]], np.array([1, 2])),
    ],
)
def test_unequal_values(actual, expected):
    with pytest.raises(AssertionError, match=r"^the words$"):
        equal(actual, expected, "the words")


def test_outputs_are_counted():
    assert outputs([1, 2], 2, "m") == (1, 2)
    for wrong in (None, np.zeros((2, 3)), (1,), (1, 2, 3)):
        with pytest.raises(AssertionError, match=r"return \(output, weights\)"):
            outputs(wrong, 2, "return (output, weights)")


def test_shapes_with_any_length():
    assert array(np.zeros((2, 3)), "m", shape=(None, 3)).shape == (2, 3)
    with pytest.raises(AssertionError, match=r"\(any, 4\) is expected"):
        array(np.zeros((2, 3)), "m", shape=(None, 4))


def test_finite_boolean_and_integer():
    assert finite([1, 2.0], "m").shape == (2,)
    assert boolean([True], "m").dtype == bool
    assert [integer(value, "m") for value in (3, 3.0, np.array(3), np.array([3.0]))] == [3, 3, 3, 3]
    for function, wrong in (
        (finite, [np.nan]),
        (boolean, [1]),
        (integer, 2.5),
        (integer, [1, 2]),
        (integer, True),
    ):
        with pytest.raises(AssertionError):
            function(wrong, "m")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner),
    max_leaves=8,
)


@settings(deadline=None)
@given(VALUES, VALUES)
def test_nothing_but_assertion_errors_come_out(actual, other):
    for function in (
        lambda: close(actual, SECRET, "m"),
        lambda: equal(actual, other, "m"),
        lambda: integer(actual, "m"),
        lambda: outputs(actual, 2, "m"),
    ):
        try:
            function()
        except AssertionError:
            continue
