"""A plain nbgrader course of one assignment, `ps1`, in a temporary folder."""

import courses
import pytest

from autograder.grading.course import Course


@pytest.fixture
def root(tmp_path):
    """The course's root, with `source/ps1/ps1.ipynb` and nothing else."""
    root = tmp_path / "course"
    courses.write(root / "source" / "ps1" / "ps1.ipynb", courses.squares())
    return root


@pytest.fixture
def course(root):
    return Course(root)
