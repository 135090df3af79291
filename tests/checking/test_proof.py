"""The proof of checks, on an assignment of two functions: what it must notice itself."""

import pytest

from autograder.checking.mutants import FalseAlarms, GateTrials
from autograder.checking.proof import Proof
from autograder.checking.proving import false_alarms, prove
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


def proved(course_root, **options):
    (report,) = prove(course_root, ["tiny"], **options)
    return report


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_sound_assignment(course, jobs):
    told = []
    report = proved(course(), jobs=jobs, on_run=lambda *what: told.append(what))
    runs = [run for run, _, _ in told]
    assert len(runs) == 5 and all(run in runs for run in (*report.variants, *report.mutants))
    assert [(number, total) for _, number, total in told] == [(n, 5) for n in range(1, 6)]
    assert report.sound and not report.untested and report.kills == 3
    assert [run.lost for run in report.mutants] == [5, 3, 4]
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
    (run,) = proved(course(text)).mutants
    assert (run.verdict, run.missed, run.strays) == (verdict, missed, strays)


def test_a_check_that_breaks_down_on_a_mutant(course):
    broken = CHECKS.replace('"twice")', '"twice")\n    undefined')
    report = proved(course(checks=broken))
    assert report.mutants[0].verdict == "caught"  # it failed before that line
    assert report.false_alarms and not report.sound
    text = MUTANTS.replace("return 3 * x", "return [2 * each for each in x]")
    broken = CHECKS.replace("close(student.double(x), ", "close(student.double(x) + undefined, ")
    run = proved(course(text, broken)).mutants[0]
    assert (run.verdict, run.broken) == ("broke a check", ("doubles",))


def test_a_false_alarm_is_one(course):
    text = MUTANTS.replace("return x + x", "return x + x + 1e-3")
    report = proved(course(text))
    assert [run.name for run in report.false_alarms] == ["adds"]
    found = false_alarms(course(text), "tiny", range(3))
    assert (found.runs, found.alarms, found.by_check) == (
        6,
        3,
        {"doubles": 3, "quadruples": 3, "keeps_zero": 3},
    )


def test_a_stub_that_earns_points_is_not_sound(course):
    report = proved(course(checks=CHECKS + "    \n@question('double', points=1)\ndef test_free(): pass\n"))
    assert report.stub_points == 1 and not report.sound
    assert report.untested == ("free",)


@pytest.mark.parametrize(
    ("mutants", "error", "says"),
    [
        (MUTANTS.replace("test_quadruples", "test_triples"), ConfigError, "no check is called triples"),
        (MUTANTS + "LEFT_OUT = {'sextuples': ''}", ConfigError, "no check is called sextuples"),
        (MUTANTS.replace('"Scale.times"', '"Scale.time"'), ValueError, "no Scale.time"),
        (MUTANTS.replace("return double(x)", "return double(x"), ValueError, "Scale.times is not Python"),
    ],
)
def test_mistakes_of_the_author(course, mutants, error, says):
    with pytest.raises(error, match=says):
        proved(course(mutants))


def test_an_assignment_without_checks_or_mutants(tmp_path):
    with pytest.raises(ConfigError, match=r"neither autograder/checks/tiny\.py nor checks/tiny\.py"):
        Proof(tmp_path, "tiny")


def test_the_bounds_of_a_rate():
    assert FalseAlarms("tiny", 100, 3, {}).bounds() == pytest.approx((0.006230, 0.085176), abs=2e-6)


def test_checks_can_be_left_out(course):
    proof = Proof(course(), "tiny", without=["quadruples"])
    thrice, once, _ = proof.mutants
    assert set(proof.run_mutant(thrice).failed) == {"doubles"} == proof.run_mutant(thrice).expected
    assert proof.run_mutant(once).verdict == "survived"
    assert [result.id for result in proof.run_variant(proof.variants[0])[1]] == ["doubles", "keeps_zero"]


def test_checks_that_the_assignment_leaves_out(course):
    report = proved(course(MUTANTS + "LEFT_OUT = {'quadruples': 'why not'}\nMUTANTS.pop(1)"))
    assert report.sound and report.left_out == {"quadruples": "why not"}
    assert set(report.seconds) == {"doubles", "keeps_zero"}


def test_a_message_that_tells_what_it_compares_with(course):
    text = MUTANTS.replace("return 3 * x", "return 2.5 * x")
    told = CHECKS.replace('"twice"', 'f"not {x[0] * 2:.1f}"')
    run = proved(course(text, told)).mutants[0]
    assert (run.verdict, run.telling) == ("tells a number", ("doubles",))


GATE = """

from autograder.checking.training_gate import Band, best_of

@question("trained", points=1, seconds=60)
def test_training_doubles(student):
    bands = {"share": Band("the share", floor=0.5)}
    best_of(range(3), lambda seed: {"share": student.train(seed) / 2}, bands)
"""


@pytest.fixture
def gated(course):
    """The same with `train(seed)`, which gives 2 * (seed != 4), and a gate."""

    def write(caught_by=("doubles", "quadruples", "training_doubles")):
        by = repr(caught_by).replace("'", '"')
        checks = CHECKS.replace("tiny_solution", "tiny_trained") + GATE
        root = course(MUTANTS.replace('("test_doubles", "quadruples")', by), checks)
        solution = SOLUTION + "\ndef train(seed):\n    return double(seed != 4)\n"
        (root / "tiny_trained.py").write_text(solution)
        mutants = root / "mutants/tiny.py"
        mutants.write_text(
            mutants.read_text() + "MUTANTS += [Mutant('train', 'nothing', 'return 0', 'training_doubles'),"
            "Mutant('train', 'a little', 'return double(0.4)', 'training_doubles')]"
        )
        return root

    return write


def test_a_gate_runs_where_nothing_else_is_named(gated):
    report = proved(gated())
    assert report.sound and report.kills == 5
    thrice, *_, nothing, _ = report.mutants
    assert thrice.unrun == ("training_doubles",) and "training_doubles" not in thrice.failed
    assert nothing.failed.keys() == {"training_doubles"} and not nothing.unrun


def test_all_gates_run_where_they_are_asked_for(gated):
    thrice = proved(gated(), all_gates=True).mutants[0]
    assert (thrice.verdict, thrice.missed, thrice.unrun) == ("caught otherwise", ("training_doubles",), ())
    assert proved(gated(("doubles", "quadruples")), all_gates=True).sound


def test_trials_of_gates_count_single_runs(gated):
    found = false_alarms(gated(), "tiny", range(6), gates=True)
    assert (found.runs, found.alarms) == (12, 0)
    assert found.gates == (GateTrials("training_doubles", runs=12, missed=2, tries=3),)
    assert found.gates[0].false_failure_rate == pytest.approx(0.4381**3, abs=1e-3)


def test_without_gates_right_solutions_do_not_train(gated):
    found = false_alarms(gated(), "tiny", range(6))
    assert (found.runs, found.alarms, found.gates) == (12, 0, ())


def test_later_questions_are_left_out_where_chance_decides(course):
    text = MUTANTS.replace('"return 3 * x", ("test_doubles", "quadruples")', '"return 3 * x", "doubles"')
    report = proved(course(text.replace('"return 3 * x", "doubles"', '"return 3 * x", "doubles", {}, True')))
    thrice = report.mutants[0]
    assert (thrice.verdict, thrice.run, set(thrice.failed)) == ("caught", 1, {"doubles"})
    assert not proved(course(text)).sound
