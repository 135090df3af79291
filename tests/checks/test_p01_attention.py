"""The checks of problem set 1, proved: every listed mistake is noticed, by name; every right solution passes.

A mistake is looked for in its own question only; `autograder mutants` also runs the later questions, whose
solutions use what is wrong, and the right solutions with many seeds.
"""

from collections import defaultdict
from pathlib import Path

import pytest

from autograder.checking.catalogue import check_catalogue
from autograder.checking.check_module import load_check_module
from autograder.checking.proof import Proof
from autograder.checking.student import Student
from autograder.checking.submission_facts import CellFacts, SubmissionFacts
from autograder.checking.suite import run_checks
from autograder.checking.transports import LocalTransport

ROOT = Path(__file__).parents[2]
CHECKS = ROOT / "autograder/checks/p01_attention.py"
DATA = load_check_module(ROOT / "tests/mutants/p01_attention.py")
POINTS = {
    "hard_lookup": 3,
    "soft_lookup": 5,
    "scaled_dot_product_attention": 18,
    "split_heads": 5,
    "multi_head_attention": 12,
    "self_attention_layers": 8,
    "count_parameters": 4,
    "submission_contract": 10,
}


def title(case):
    return getattr(case, "name", None) or f"{case.target}: {case.wrong}"


@pytest.fixture(scope="module")
def proof():
    return Proof(ROOT, "p01_attention")


@pytest.mark.parametrize("mutant", DATA.MUTANTS, ids=title)
def test_a_mistake_fails_the_checks_named_for_it_and_no_others(proof, mutant):
    run = proof.run_mutant(mutant, own_question_only=True)
    assert run.verdict == "caught", {"missed": run.missed, "strays": run.strays, "telling": run.telling}


@pytest.mark.parametrize("variant", DATA.VARIANTS, ids=title)
def test_a_right_solution_keeps_every_point(proof, variant):
    run, results = proof.run_variant(variant)
    assert not run.failed
    assert sum(result.earned for result in results) == sum(POINTS.values())


def test_the_release_earns_nothing(proof):
    assert proof.stub_points() == 0


def test_every_check_has_a_mistake_to_notice(proof):
    assert proof.untested() == ()


def test_points_of_the_questions():
    points, public = defaultdict(float), defaultdict(float)
    for check in check_catalogue(CHECKS):
        points[check.question] += check.points
        public[check.question] += check.points * check.public
    assert points == POINTS
    for question in POINTS.keys() - {"submission_contract"}:
        assert 0 < public[question] < points[question] / 2, question


def cell(index, source="x = 1", error=None, ran=True, kind="code", grade_id=None):
    return CellFacts(index, source, kind, ran, error, 0.1, "", grade_id)


def contract(*cells):
    """Which of the two contract checks fail."""
    facts = SubmissionFacts(cells)
    results = run_checks(CHECKS, Student(LocalTransport({})), 0, facts, only=["submission_contract"])
    return [result.id for result in results if result.outcome != "passed"]


DONE = 'print("Done")'
RUNS, PATHS = "the_notebook_runs_from_top_to_bottom", "paths_are_relative"


def test_a_notebook_that_ran_keeps_the_contract():
    assert (
        contract(cell(0), cell(1, "# text /home/ada", kind="markdown"), cell(2, DONE, grade_id="done")) == []
    )


def test_what_the_grader_skips_is_no_failure():
    assert contract(cell(0, 'check("hard_lookup")', ran=False), cell(1, DONE, grade_id="done")) == []


def test_a_cell_that_fails_breaks_the_contract():
    assert contract(cell(0, error="NameError: q", ran=False), cell(1, DONE, grade_id="done")) == [RUNS]


def test_cells_after_the_last_do_not_count():
    assert contract(cell(0, DONE, grade_id="done"), cell(1, error="NameError: q", ran=False)) == []


def test_the_last_cell_must_be_there_and_run():
    assert contract(cell(0)) == [RUNS]
    assert contract(cell(0), cell(1, DONE, ran=False, grade_id="done")) == [RUNS]


def test_the_last_cell_is_known_by_its_text_where_its_id_is_lost():
    assert contract(cell(0, "print('Done')\n"), cell(1, error="NameError: q", ran=False)) == []


def test_an_absolute_path_breaks_the_contract():
    paths = 'open("/content/drive/MyDrive/letters.csv")'
    assert contract(cell(0, paths), cell(1, DONE, grade_id="done")) == [PATHS]
    assert contract(cell(0, "x", kind="markdown"), cell(1, DONE, grade_id="done"), cell(2, paths)) == [PATHS]
