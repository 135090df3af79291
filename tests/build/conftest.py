"""A whole course in a temporary folder: reference, authored text, checks, configuration."""

import importlib
import sys
from textwrap import dedent

import pytest

REFERENCE = '''
"""Sums."""

import math


def total(values):
    """The sum of all values."""
    running_sum_of_everything = math.fsum(values)  # exact
    return running_sum_of_everything


class Counter:
    """Counts how often it was asked."""

    def __init__(self, start=0):
        """Begin at start."""
        self.number_of_steps = int(start)

    def step(self):
        """One further."""
        self.number_of_steps += 1
        return self.number_of_steps
'''

TEXT = """
# %% [markdown]
# # Tiny

# %% locked="setup"
import math

import numpy as np
from public_checks import check

# %% question="total"
# Hint: do not lose digits.
# solution: tiny_reference.sums.total

# %% question="counter"
# solution: tiny_reference.sums.Counter

# %% [markdown] written="why" points=5
# Why does the order matter?
#
# ### BEGIN SOLUTION
# Because rounding is not associative.
# ### END SOLUTION
#
# ### BEGIN MARK SCHEME
# Two points for rounding.
# ### END MARK SCHEME

# %% checks="submission_contract"

# %% locked="done"
print("Done")
"""

CHECKS = '''
"""Checks of the tiny assignment."""

import numpy as np

from autograder.checking import as_numpy, close, question

REFERENCE = ("tiny_reference.sums",)
SECRET_TOLERANCE = 1e-7


@question("total", points=2, public=True)
def test_adds_up(student, reference, rng):
    """The public one."""
    values = as_numpy(rng.normal(size=5))
    close(student.total(values), reference.total(values), "the sum is wrong")


@question("total", points=3)
def test_loses_no_digits(student):
    values = as_numpy(np.array([1e16, 1.0, -1e16]))
    close(student.total(values), 1.0, "digits are lost", atol=SECRET_TOLERANCE)


@question("counter", points=1.5)
def test_counts(student):
    assert student.Counter(3).step() == 4


@question("submission_contract", points=10, only_with_other_points=True)
def test_done(submission):
    assert submission.cells
'''

CONFIG = """
c = get_config()
c.CourseDirectory.course_id = "tiny"
c.ClearSolutions.code_stub = {"python": "raise NotImplementedError"}
"""


@pytest.fixture
def course(tmp_path, monkeypatch):
    """The course's root. Its reference is importable as long as the test runs."""
    root = tmp_path / "course"
    files = {
        "tiny_reference/__init__.py": "",
        "tiny_reference/sums.py": REFERENCE,
        "source/p01_tiny.py": TEXT,
        "checks/p01_tiny.py": CHECKS,
        "nbgrader_config.py": CONFIG,
    }
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(dedent(text).lstrip())
    monkeypatch.syspath_prepend(root)
    importlib.invalidate_caches()
    yield root
    for name in [name for name in sys.modules if name.split(".")[0] == "tiny_reference"]:
        del sys.modules[name]
