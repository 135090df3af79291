"""Handles, weights and gradients through the proxy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from autograder.checking import (
    Handle,
    as_numpy,
    assign,
    attribute,
    define,
    defined,
    make,
    take,
    variables,
    vjp,
)
from autograder.checking.errors import BadReply, NotDefined, ReferenceFailed, StudentError
from autograder.checking.student import Student
from autograder.checking.transports import LocalTransport


class Scale(keras.layers.Layer):
    def __init__(self, factor):
        super().__init__()
        self.factor, self._hidden, self.get = factor, "private", "an attribute called get"
        self.w = self.add_weight(shape=(2,), initializer="ones", name="w")

    def call(self, x, add=0.0):
        return x * self.w * self.factor + add


@pytest.fixture
def student():
    return Student(
        LocalTransport({"Scale": Scale, "PI": 3.0, "table": {"a": [10, 20]}, "pair": lambda: (Scale(1), 2)})
    )


def test_objects_are_called_and_read(student):
    layer = student.Scale(factor=3)
    assert isinstance(layer, Handle)
    np.testing.assert_array_equal(layer(np.ones(2), add=1.0), [4, 4])
    assert layer.factor.get() == 3 and student.PI.get() == 3.0
    assert student.table["a"][1].get() == 20
    assert attribute(layer, "get").get() == "an attribute called get"
    assert attribute(layer, "_hidden").get() == "private"


def test_objects_in_results_are_handles(student):
    layer, number = student.pair()
    assert isinstance(layer, Handle) and number == 2
    assert layer.factor.get() == 1


def test_an_object_outlives_the_handle_that_it_came_by(student):
    factor = student.Scale(5).factor
    assert student.PI.get() == 3.0
    assert factor.get() == 5


@pytest.mark.parametrize("use", [bool, list, np.asarray, lambda handle: handle == 3])
def test_a_handle_is_not_mistaken_for_its_value(student, use):
    with pytest.raises(TypeError, match="on the student's side"):
        use(student.PI)


def test_names_that_python_looks_for_are_not_asked_for(student):
    assert not hasattr(student.PI, "__array_interface__") and not hasattr(student, "__wrapped__")


def test_what_is_missing_is_told(student):
    assert defined(student, "PI") and not defined(student, "TAU")
    with pytest.raises(NotDefined):
        student.TAU.get()
    with pytest.raises(StudentError, match="no attribute 'nothing'"):
        student.Scale(1).nothing.get()


def test_errors_of_the_reference_are_not_the_students():
    reference = Student(LocalTransport({}), trusted=True)
    with pytest.raises(ReferenceFailed):
        reference.anything()


def test_weights_are_read_and_set(student):
    layer = student.Scale(1)
    [w] = variables(layer)
    assert (w.name, w.shape, w.trainable) == ("w", (2,), True) and w.path.endswith("/w")
    assign(layer, [[2, 3]])
    assign(layer, {0: [4, 5]})
    np.testing.assert_array_equal(variables(layer.w)[0].value, [4, 5])
    other = student.Scale(1)
    assert [v.value.tolist() for v in variables([layer, other])] == [[4, 5], [1, 1]]


def test_gradients(student):
    layer = student.Scale(2)
    gradients = vjp(layer, np.array([1.0, 3.0]), cotangent=np.array([1.0, 10.0]), wrt="both")
    np.testing.assert_array_equal(gradients.output, [2, 6])
    np.testing.assert_array_equal(gradients.variables[0], [2, 60])
    np.testing.assert_array_equal(gradients.inputs[0], [2, 20])
    assert vjp(layer, np.ones(2), cotangent=np.ones(2)).inputs == []
    with pytest.raises(ValueError, match="wrt"):
        vjp(layer, np.ones(2), cotangent=np.ones(2), wrt="weights")


def test_objects_and_functions_are_made_there(student):
    dense = make(student, "keras.layers.Dense", 3, use_bias=False)
    assert dense(np.ones((1, 2))).shape == (1, 3)
    shifted = define(student, "f", "def f(x):\n    return layer(x) + c", layer=dense, c=np.ones(3))
    np.testing.assert_allclose(shifted(np.zeros((1, 2))), [[1, 1, 1]])
    assert take(define(student, "numbers", "numbers = iter(range(10**9))"), 2) == [0, 1]


def test_numbers_of_numpy_arrive_as_numbers():
    seen = []
    Student(LocalTransport({"f": seen.append})).f(np.int64(3))
    assert type(seen[0]) is int


def test_arrays_arrive_as_tensors_or_as_numpy():
    seen = []
    student = Student(LocalTransport({"f": lambda *x: seen.extend(x)}))
    student.f(np.ones(1), as_numpy([1, 2]))
    assert tf.is_tensor(seen[0]) and type(seen[1]) is np.ndarray


@pytest.mark.parametrize(
    ("ask", "value"),
    [
        (variables, "none"),
        (variables, [1]),
        (variables, [{"path": "p", "name": "n", "trainable": True, "value": 3}]),
        (variables, [{"path": "p", "name": "n", "trainable": 1, "value": np.ones(1)}]),
        (lambda handle: take(handle, 1), [1, 2]),
        (lambda handle: take(handle, 1), None),
        (lambda handle: vjp(handle, cotangent=1.0), {"output": 1, "variables": [1], "inputs": []}),
        (lambda handle: vjp(handle, cotangent=1.0), {"variables": [], "inputs": []}),
        (lambda handle: vjp(handle, cotangent=1.0), []),
    ],
)
def test_replies_of_another_form_are_refused(ask, value):
    class Lying:
        def begin(self, seconds): ...

        def request(self, request):
            return {"value": value}

    with pytest.raises(BadReply):
        ask(Student(Lying()).x)
