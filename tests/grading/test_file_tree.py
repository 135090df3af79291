"""Paths that make one folder."""

import pytest

from autograder.grading.file_tree import can_be_written, laid_over


@pytest.mark.parametrize(
    ("below", "above", "left"),
    [
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": 1}, {"a": 2}, {"a": 2}),
        ({"data": 1}, {"data/train.csv": 2}, {"data/train.csv": 2}),
        ({"data/train.csv": 1, "data/more/x": 1}, {"data": 2}, {"data": 2}),
        ({"data/train.csv": 1}, {"data/test.csv": 2}, {"data/train.csv": 1, "data/test.csv": 2}),
        ({"database": 1}, {"data/x": 2}, {"database": 1, "data/x": 2}),
    ],
)
def test_of_paths_that_cannot_be_together_the_upper_one_stays(below, above, left):
    assert laid_over(below, above) == left


@pytest.mark.parametrize(
    ("path", "fits"),
    [("a/b.txt", True), ("x" * 256, False), ("ü" * 128, False), ("/".join(["d" * 250] * 10), False)],
)
def test_what_is_too_long_to_be_written_is_known_before(path, fits):
    assert can_be_written(path) is fits
