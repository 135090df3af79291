"""A preview says what would change and changes nothing; --apply does what the preview said."""

import json

from autograder.grading.course import Course
from autograder.grading.gradebook import GradebookWriter
from autograder.grading.regrade import regrade
from autograder.report.receipt import read_receipt
from tests.grading.test_batch import (  # noqa: F401
    CHECKS,
    course,
    grade,
    hand_in,
    no_tensorflow,
)

WRONG = "def double(x):\n    return x"
# Another check of the same question, for one of its two points.
CHANGED = (
    CHECKS.replace("points=2", "points=1")
    + """

@question("double", points=1)
def test_gives_something(student):
    assert student.double([1.0]) is not None, "there must be a result"
"""
)


def state(root):
    """Everything that grading writes, by path."""
    folders = [root / name for name in ("autograded", "reports")]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return {path: path.read_bytes() for path in [*files, root / "gradebook.db"]}


def test_nothing_moves_where_nothing_changed(course):  # noqa: F811
    hand_in(course, "ada")
    grade(course)
    found = regrade(Course(course), "ps")
    assert (found.moves, found.total) == ((), 1)


def test_a_preview_names_the_check_and_writes_nothing(course):  # noqa: F811
    hand_in(course, "ada")
    hand_in(course, "bob", WRONG)
    grade(course)
    before = state(course)
    (course / "checks" / "ps.py").write_text(CHANGED)
    (move,) = regrade(Course(course), "ps").moves
    assert (move.student, move.before.score, move.after.score) == ("bob", 0, 1)
    assert [(part.id, part.before, part.after) for part in move.parts] == [("gives_something", None, 1)]
    assert state(course) == before
    json.dumps(move.to_json())


def test_apply_writes_what_the_preview_said(course):  # noqa: F811
    hand_in(course, "bob", WRONG)
    grade(course)
    (course / "checks" / "ps.py").write_text(CHANGED)
    preview = regrade(Course(course), "ps")
    applied = regrade(Course(course), "ps", apply=True)
    assert [m.to_json() for m in applied.moves] == [m.to_json() for m in preview.moves]
    receipt = read_receipt(Course(course).report_file("ps", "bob"))
    assert receipt.score == 1
    with GradebookWriter(Course(course)) as writer:
        assert writer.holds(receipt)
    assert regrade(Course(course), "ps").moves == ()


def test_a_notebook_that_can_no_longer_be_graded_is_a_move(course):  # noqa: F811
    (hand_in(course, "ada") / "ps.ipynb").touch()
    grade(course)
    (course / "submitted" / "ada" / "ps" / "ps.ipynb").write_text("{")
    found = regrade(Course(course), "ps")
    assert [move.student for move in found.failures] == ["ada"]
    assert read_receipt(Course(course).report_file("ps", "ada")).score == 2


def test_who_was_never_graded_moves_from_no_mark(course):  # noqa: F811
    hand_in(course, "zoe")
    (move,) = regrade(Course(course), "ps").moves
    assert move.before is None
    assert not Course(course).report_file("ps", "zoe").exists()
