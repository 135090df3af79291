"""A small check module for the tests of `autograder.checking`; the reference is `toy_reference.py`."""

import numpy as np
import pytest

from autograder.checking import as_numpy, close, question

REFERENCE = ("toy_reference",)
SHAPES = [(2, 3), (1, 5)]


def draw(rng, shape):
    return rng.normal(size=shape)


@question("double", points=2, public=True)
def test_doubles_every_entry(student, reference, rng):
    x = draw(rng, (3, 4))
    close(student.double(x), reference.double(x), "every entry is multiplied by 2")


@question("double", points=1)
@pytest.mark.parametrize("shape", SHAPES)
def test_keeps_the_shape(student, rng, shape):
    assert student.double(draw(rng, shape)).shape == shape, "the shape of the input is kept"


@question("split", points=3, public=True)
def test_halves_add_up(student, rng):
    x = rng.normal(size=6)
    first, second = student.split(as_numpy(x))
    close(np.concatenate([first, second]), x, "the halves, joined, are the input")


@question("submission_contract", points=5, only_with_other_points=True)
def test_the_notebook_ran(submission):
    assert all(cell.error is None for cell in submission.cells), "a cell raised"
