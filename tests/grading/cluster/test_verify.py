"""A result counts only if everything that can be compared with its task fits."""

import dataclasses

import pytest

from autograder.grading.cluster.verify import disagreement
from autograder.grading.material import Material
from autograder.grading.notebook import TrustedCell, TrustedCells
from autograder.grading.submission import GradedSubmission, GradeTask, notebook_sha256
from autograder.report.receipt import QuestionResult, SubmissionResult
from autograder.sandbox.limits import Limits

CELLS = TrustedCells(
    (
        TrustedCell("a", "code", "", points=2.0, grade=True),
        TrustedCell("by_hand", "markdown", "", points=3.0, grade=True, solution=True),
    )
)
MATERIAL = Material(CELLS, {})
TASK = GradeTask("ada", "ps", {"ps.ipynb": b"{}"}, "ps.ipynb", CELLS, {}, None, Limits(), seed=7)
RESULT = SubmissionResult(
    "ada",
    "ps",
    "graded",
    score=1.5,
    max_score=2.0,
    manual_max=3.0,
    questions=(QuestionResult("a", 1.5, 2.0), QuestionResult("by_hand", None, 3.0, manual=True)),
    seed=7,
    notebook_sha256=notebook_sha256(TASK),
    checks_sha256=MATERIAL.sha256,
    environment_sha256="e",
)


def said(**changes):
    return disagreement(TASK, GradedSubmission(dataclasses.replace(RESULT, **changes)), MATERIAL, "e")


def test_an_answer_to_what_was_asked_is_taken():
    assert said() is None


@pytest.mark.parametrize(
    "changes",
    [
        {"student": "bob"},
        {"assignment": "other"},
        {"seed": 8},
        {"notebook_sha256": "0" * 64},
        {"checks_sha256": "of last week"},
        {"environment_sha256": "of last week"},
        {"score": 2.0},
        {"questions": RESULT.questions[:1]},
        {"questions": (QuestionResult("a", 1.5, 5.0), RESULT.questions[1])},
        {"questions": (QuestionResult("a", 2.5, 2.0), RESULT.questions[1]), "score": 2.5},
        {"questions": (QuestionResult("a", -1.0, 2.0), RESULT.questions[1]), "score": -1.0},
    ],
    ids=lambda changes: "+".join(changes),
)
def test_anything_else_is_refused_and_named(changes):
    assert said(**changes).startswith(next(iter(changes)).removesuffix("s").replace("_sha256", ""))


def test_a_failure_is_verified_too():
    failed = SubmissionResult.failed(
        "ada", "ps", "why", checks_sha256=MATERIAL.sha256, environment_sha256="x"
    )
    assert "environment" in disagreement(TASK, GradedSubmission(failed), MATERIAL, "e")


def test_material_travels_once_and_is_put_together_again(tmp_path):
    material = Material(CELLS, {"data.csv": b"1"}, {"checks/ps.py": b"X = 1\n"}, "checks/ps.py")
    task = dataclasses.replace(TASK, released={"data.csv": b"1"})
    travelling = material.without(task)
    assert (len(travelling.trusted), travelling.released, travelling.checks) == (0, {}, None)
    material.unpack(tmp_path)
    whole = material.within(travelling, tmp_path)
    assert whole == dataclasses.replace(task, checks=tmp_path / "checks" / "ps.py")
    assert material.packed_again(tmp_path).sha256 == material.sha256
    (tmp_path / "checks" / "ps.py").write_text("X = 2\n")
    assert material.packed_again(tmp_path).sha256 != material.sha256
