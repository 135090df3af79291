"""The proof of checks, on an assignment of two functions: what it must notice itself."""

import pytest

from autograder.checking.mutants import FalseAlarms, false_alarms, mutant_table
from autograder.checking.proof import Proof
from autograder.errors import ConfigError

CHECKS = """
from autograder.checking import close, question
REFERENCE = ("tiny_solution",)

@question("double", points=2, public=True)
def test_doubles(student, reference, rng):
    x = rng.normal(size=3)
    close(student.double(x), reference.double(x), "twice")

@question("quadruple", points=3)
def test_quadruples(student, rng):
    x = rng.normal(size=3)
    close(student.Scale(2).times(x), 4 * x, "four times")

@question("quadruple", points=1)
def test_keeps_zero(student):
    assert student.Scale(2).times(0) == 0, "zero stays"
"""
SOLUTION = """
import math

def double(x):
    return 2 * x

class Scale:
    def __init__(self, times):
        self.count = times
    def times(self, x):
        for _ in range(self.count):
            x = double(x)
        return x
"""
MUTANTS = """
from autograder.checking.mutants import Mutant, Variant
MUTANTS = [
    Mutant("double", "thrice", "return 3 * x", ("test_doubles", "quadruples")),
    Mutant("Scale.times", "once", "return double(x)", "test_quadruples"),
    Mutant("Scale", "adds", '''
        def __init__(self, times):
            pass
        def times(self, x):
            return x + 1
    ''', ("quadruples", "keeps_zero")),
]
VARIANTS = [Variant("adds", "def double(x):\\n    return x + x")]
"""


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course outside this project: `checks/`, `mutants/` and a module of solutions."""

    def write(mutants=MUTANTS, checks=CHECKS):
        for folder, text in (("checks", checks), ("mutants", mutants)):
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / folder / "tiny.py").write_text(text)
        (tmp_path / "tiny_solution.py").write_text(SOLUTION)
        return tmp_path

    monkeypatch.syspath_prepend(str(tmp_path))
    return write


def test_a_sound_assignment(course):
    told = []
    report = mutant_table(course(), "tiny", seeds=[0, 1], on_run=told.append)
    assert told == [*report.variants, *report.mutants]
    assert report.sound and not report.untested
    assert [run.lost for run in report.mutants] == [5, 5, 3, 3, 4, 4]
    assert {run.name for run in report.variants} == {"the solution itself", "adds"}
    assert set(report.seconds) == {"doubles", "quadruples", "keeps_zero"}


def test_only_the_question_of_the_mistake(course):
    proof = Proof(course(), "tiny")
    run = proof.run_mutant(proof.mutants[0], own_question_only=True)
    assert (run.verdict, set(run.failed), run.expected) == ("caught", {"doubles"}, {"doubles"})


@pytest.mark.parametrize(
    ("body", "caught_by", "verdict", "missed", "strays"),
    [
        ("return 2 * x", "doubles", "survived", ("doubles",), ()),
        ("return 3 * x", "doubles", "caught otherwise", (), ("quadruples",)),
        ("return 3 * x", ("doubles", "quadruples", "keeps_zero"), "caught otherwise", ("keeps_zero",), ()),
        ("return 2 * x if x is not None else 0", "keeps_zero", "survived", ("keeps_zero",), ()),
    ],
)
def test_mutants_that_are_not_caught_as_named(course, body, caught_by, verdict, missed, strays):
    text = f"from autograder.checking.mutants import Mutant\nMUTANTS = [Mutant('double', '', {body!r}, {caught_by!r})]"
    (run,) = mutant_table(course(text), "tiny").mutants
    assert (run.verdict, run.missed, run.strays) == (verdict, missed, strays)


def test_a_check_that_breaks_down_on_a_mutant(course):
    broken = CHECKS.replace('"twice")', '"twice")\n    undefined')
    report = mutant_table(course(checks=broken), "tiny")
    assert report.mutants[0].verdict == "caught"  # it failed before that line
    assert report.false_alarms and not report.sound
    text = MUTANTS.replace("return 3 * x", "return [2 * each for each in x]")
    broken = CHECKS.replace("close(student.double(x), ", "close(student.double(x) + undefined, ")
    run = mutant_table(course(text, broken), "tiny").mutants[0]
    assert (run.verdict, run.broken) == ("broke a check", ("doubles",))


def test_a_false_alarm_is_one(course):
    text = MUTANTS.replace("return x + x", "return x + x + 1e-3")
    report = mutant_table(course(text), "tiny")
    assert [run.name for run in report.false_alarms] == ["adds"]
    found = false_alarms(course(text), "tiny", range(3))
    assert (found.runs, found.alarms, found.by_check) == (
        6,
        3,
        {"doubles": 3, "quadruples": 3, "keeps_zero": 3},
    )


def test_a_stub_that_earns_points_is_not_sound(course):
    report = mutant_table(
        course(checks=CHECKS + "    \n@question('double', points=1)\ndef test_free(): pass\n"), "tiny"
    )
    assert report.stub_points == 1 and not report.sound
    assert report.untested == ("free",)


@pytest.mark.parametrize(
    ("mutants", "error", "says"),
    [
        (MUTANTS.replace("test_quadruples", "test_triples"), ConfigError, "no check is called triples"),
        (MUTANTS.replace('"Scale.times"', '"Scale.time"'), ValueError, "no Scale.time"),
        (MUTANTS.replace("return double(x)", "return double(x"), ValueError, "Scale.times is not Python"),
    ],
)
def test_mistakes_of_the_author(course, mutants, error, says):
    with pytest.raises(error, match=says):
        mutant_table(course(mutants), "tiny")


def test_an_assignment_without_checks_or_mutants(tmp_path):
    with pytest.raises(ConfigError, match=r"neither autograder/checks/tiny\.py nor checks/tiny\.py"):
        Proof(tmp_path, "tiny")


@pytest.mark.parametrize(
    ("alarms", "runs", "low", "high"),
    [(0, 300, 0, 0.012221), (3, 100, 0.006230, 0.085176), (10, 10, 0.691503, 1)],
)
def test_bounds_are_those_of_clopper_and_pearson(alarms, runs, low, high):
    """Numbers of a table of exact binomial intervals, 95 %."""
    assert FalseAlarms("tiny", runs, alarms, {}).bounds() == pytest.approx((low, high), abs=2e-6)


def test_checks_can_be_left_out(course):
    proof = Proof(course(), "tiny", without=["quadruples"])
    thrice, once, _ = proof.mutants
    assert set(proof.run_mutant(thrice).failed) == {"doubles"} == proof.run_mutant(thrice).expected
    assert proof.run_mutant(once).verdict == "survived"
    assert [result.id for result in proof.run_variant(proof.variants[0])[1]] == ["doubles", "keeps_zero"]
