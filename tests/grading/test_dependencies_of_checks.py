"""What a check's result depends on: its own text and all it can reach; what cannot be followed counts for all."""

import pytest

from autograder.grading.dependencies import CheckTexts, depends_on

REFERENCE = {"reference_impl/__init__.py": b"", "reference_impl/a.py": b"def f(x):\n    return x\n"}
MODULE = '''
"""Checks."""
import math
from fractions import Fraction, gcd_of

import pytest

from autograder.checking import close, question

REFERENCE = ("reference_impl.a",)
SIZES = [1, 2]
UNUSED = 3


def draw(rng):
    return inner(rng)


def inner(rng):
    return rng.normal(size=SIZES[0])


@pytest.fixture
def memory(reference):
    return reference.f(1)


@question("q", points=1)
def test_one(student, rng):
    # a comment
    close(student.f(draw(rng)), 1, "one")


@question("q", points=2)
def test_two(student):
    assert student.g(2) == Fraction(1, 2), "two"


@question("q", points=1)
def test_three(student, memory):
    assert student.g(2) == memory, "three"


@question("q", points=1)
def test_cells(submission):
    assert submission.cells, "cells"
'''


def changed(old, new, reference=None, module=MODULE):
    """Ids of the checks whose hash moves when `old` becomes `new`."""
    assert old in module
    before = CheckTexts.read(module.encode(), REFERENCE).own
    after = CheckTexts.read(module.replace(old, new).encode(), reference or REFERENCE).own
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


@pytest.mark.parametrize(
    ("old", "new", "moved"),
    [
        ("# a comment", "# another", set()),
        ('"""Checks."""', '"""The checks."""', set()),
        ("points=2", "points=5", set()),
        ("UNUSED = 3", "UNUSED = 4", set()),
        ('1, "one"', '2, "one"', {"one"}),
        ("student.g(2) == Fraction", "student.g(3) == Fraction", {"two"}),
        ("SIZES[0]", "SIZES[1]", {"one"}),  # through two helpers
        ("SIZES = [1, 2]", "SIZES = [3, 2]", {"one"}),
        ("reference.f(1)", "reference.f(2)", {"three"}),  # through a fixture
        ("Fraction, gcd_of", "Fraction, lcm_of", set()),
        ("from fractions import Fraction, gcd_of", "from numbers import Fraction, gcd_of", {"two"}),
        ("UNUSED = 3", "UNUSED = 3\nSIZES.append(4)", {"one", "two", "three", "cells"}),  # does something
        ("def test_two(student):", "def test_two(student, seed=1):", {"two"}),
        ('"q", points=2', '"q", points=2, seconds=90', {"two"}),
        ("def test_two", "def test_other", {"two", "other"}),
    ],
)
def test_only_what_can_reach_a_change_is_moved_by_it(old, new, moved):
    assert changed(old, new) == moved


@pytest.mark.parametrize("opaque", ["globals()['draw']", "eval('draw')", "__import__('math')", "vars()"])
def test_a_module_that_looks_names_up_by_itself_has_no_parts(opaque):
    module = MODULE.replace("return inner(rng)", f"return {opaque}")
    assert changed("UNUSED = 3", "UNUSED = 4", module=module) == {"one", "two", "three", "cells"}


def test_the_reference_moves_those_that_use_it():
    reference = {**REFERENCE, "reference_impl/a.py": b"def f(x):\n    return 2 * x\n"}
    assert changed("# a comment", "# a comment", reference) == {"three"}


def test_a_check_that_did_not_pass_may_have_been_tried_with_the_reference():
    before = CheckTexts.read(MODULE.encode(), REFERENCE)
    after = CheckTexts.read(
        MODULE.encode(), {**REFERENCE, "reference_impl/a.py": b"def f(x):\n    return 0\n"}
    )
    assert depends_on(before, "one", "passed") == depends_on(after, "one", "passed")
    assert depends_on(before, "one", "failed") != depends_on(after, "one", "failed")


def test_checks_of_the_cells_are_known():
    assert CheckTexts.read(MODULE.encode(), REFERENCE).of_cells == {"cells"}


def test_every_problem_set_can_be_read():
    from pathlib import Path

    from autograder.checking.catalogue import check_catalogue
    from autograder.grading.material import Material
    from autograder.grading.notebook import TrustedCells

    for path in sorted(Path("autograder/checks").glob("[!_]*.py")):
        material = Material.of(TrustedCells(()), {}, path)
        texts = CheckTexts.read(path.read_bytes(), material.reference)
        assert set(texts.own) == {info.id for info in check_catalogue(path)}
        apart = 1 if b"exec(" in path.read_bytes() else len(texts.own)
        assert len(set(texts.own.values())) == apart, f"{path}: every check has its own hash"
        assert "reference_impl/__init__.py" in material.modules
