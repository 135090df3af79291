"""Budgets end work early and say so; cells tagged as training are left out, and what was handed in is graded."""

import nbformat
from nbformat.v4 import new_notebook

from autograder.grading.course import Course
from autograder.report.receipt import read_receipt
from tests.grading.test_batch import CHECKS, RIGHT, course, grade, graded, hand_in, no_tensorflow  # noqa: F401


def test_what_the_class_budget_leaves_out_is_said_and_has_no_mark(course):  # noqa: F811
    for name in ("ada", "bob"):
        hand_in(course, name)
    (course / "autograder.toml").write_text("class_s = 1e-6\n")
    batch = grade(course)
    assert batch.exit_status == 1
    for result in batch.submissions:
        assert (result.status, result.score) == ("failed", None)
        assert "class's budget (1e-06 s" in result.reason
        assert "autograder grade ps" in result.reason
        assert not Course(course).report_file("ps", result.student).exists()
    (course / "autograder.toml").unlink()
    assert {result.score for result in grade(course).submissions} == {2}
    (course / "autograder.toml").write_text("class_s = 1e-6\n")
    assert all(result.cached for result in grade(course).submissions), "a budget changes no mark"


def test_a_submission_that_uses_its_budget_up_keeps_what_it_earned_by_then(course):  # noqa: F811
    (course / "autograder.toml").write_text("submission_s = 20\n")
    second = CHECKS.replace("points=2", "points=1") + CHECKS.partition("\n\n\n")[2].replace(
        "points=2", "points=1"
    ).replace("test_doubles", "test_doubles_again")
    (course / "checks" / "ps.py").write_text(second)
    slow = "import time\ncalls = []\ndef double(x):\n    calls.append(1)\n    time.sleep(22 * (len(calls) == 1))\n"
    hand_in(course, "ada", slow + "    return [2 * each for each in x]")
    (result,) = grade(course).submissions
    outcomes = {check.id: (check.outcome, check.message) for check in result.questions[0].checks}
    assert outcomes["doubles"][0] == "passed", "what had begun is finished within its own limit"
    assert outcomes["doubles_again"][0] == "timeout"
    assert "had used their time" in outcomes["doubles_again"][1]
    assert (result.status, result.score, result.limits["submission_s"]) == ("graded", 1, 20)


def test_training_is_left_out_and_the_artefact_that_was_handed_in_is_graded(course):  # noqa: F811
    training = graded("", solution=True, grade_id="training")
    training.metadata["tags"] = ["training"]
    use = graded("", solution=True, grade_id="double-answer")
    nb = new_notebook(cells=[training, use, graded("# checks", grade=True, points=2)])
    nbformat.write(nb, course / "source" / "ps" / "ps.ipynb")
    (course / "autograder.toml").write_text('skip_cells_tagged = ["training"]\n')
    training.source = "open('factor.txt', 'w').write('3')\nraise SystemExit"
    use.source = "factor = int(open('factor.txt').read())\ndef double(x):\n    return [factor * e for e in x]"
    folder = hand_in(course, "ada")
    nbformat.write(nb, folder / "ps.ipynb")
    (folder / "factor.txt").write_text("2")
    (result,) = grade(course).submissions
    assert result.score == 2
    ran = {
        cell.grade_id for cell in read_receipt(Course(course).report_file("ps", "ada")).cells if cell.seconds
    }
    assert ran == {"double-answer"}
