"""What of a check module is released."""

from pathlib import Path

import pytest

from autograder.checking.public_source import public_source, shipped_modules, shipped_text

TINY = Path(__file__).with_name("tiny_checks.py")
MODULE = '''"""Everything about the hidden checks."""

import math
import os as system

import numpy as np
import pytest

from autograder.checking import close, question, vjp
from autograder.checking.leak import influence, moved
from hidden_package import oracle

REFERENCE = ("secret_reference",)
SCALE, OTHER = 2.0, 3.0
HIDDEN_LIMIT = 0.25


# a remark about the hidden checks
@pytest.fixture
def noise(rng):
    # the noise
    return rng.normal(scale=SCALE)


def unused_helper():
    return HIDDEN_LIMIT


class Table:
    size: int = math.floor(2.5)


@question("q", points=1, public=True)
@pytest.mark.parametrize("n", [1, Table.size])
def test_open(student, noise, n):
    """The docstring stays."""
    assert moved, "words"  # a comment inside


@question("q", points=2)
def test_hidden(student):
    close(student.f(HIDDEN_LIMIT), oracle(), "hidden words")
'''


def released(tmp_path, text):
    path = tmp_path / "p.py"
    path.write_text(text)
    return public_source(path)


def test_public_checks_and_what_they_need_and_nothing_else(tmp_path):
    text = released(tmp_path, MODULE)
    assert (
        text.split('"""\n', 1)[1]
        == '''

import math
import pytest
from .vocabulary import question
from .leak import moved


SCALE, OTHER = 2.0, 3.0


@pytest.fixture
def noise(rng):
    # the noise
    return rng.normal(scale=SCALE)


class Table:
    size: int = math.floor(2.5)


@question("q", points=1, public=True)
@pytest.mark.parametrize("n", [1, Table.size])
def test_open(student, noise, n):
    """The docstring stays."""
    assert moved, "words"  # a comment inside
'''
    )


def test_nothing_hidden_is_in_the_text(tmp_path):
    text = released(tmp_path, MODULE).lower()
    assert not [word for word in ("hidden", "secret", "oracle", "autograder", "unused") if word in text]


OPEN = """
from autograder.checking import question
@question('q', points=1, public=True)
def test_a(student): {}
"""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import reference_impl.attention as answer\n" + OPEN.format("answer.f"), "reference_impl"),
        ("from scipy import stats\n" + OPEN.format("stats.f"), "scipy, which students may not have"),
        ("from autograder.checking.suite import run_checks\n" + OPEN.format("run_checks"), "not released"),
        ("from autograder.grading import batch\n" + OPEN.format("batch"), "autograder.grading"),
        ("if True:\n    x = 1\n" + OPEN.format("x"), "need x, defined by no plain statement"),
        ("from numpy import *\n" + OPEN.format("zeros(1)"), "need zeros"),
    ],
)
def test_public_checks_that_cannot_be_released_are_refused(tmp_path, text, words):
    with pytest.raises(ValueError, match=words):
        released(tmp_path, text)


def test_hidden_checks_may_need_anything(tmp_path):
    assert "scipy" not in released(tmp_path, "from scipy import stats\n" + OPEN.format("pass"))


def test_released_modules_are_complete_and_name_nothing_of_ours():
    modules = shipped_modules()
    names = {path.stem for path in modules}
    assert {"codec", "probe", "remote_variables", "runner", "public_check", "vocabulary"} <= names
    assert not {"suite", "freeze", "public_source", "check_module"} & names
    for path in modules:
        text = shipped_text(path)
        assert "import autograder" not in text and "from autograder" not in text
        assert "reference_impl" not in text
        assert len(text.splitlines()) < 300
