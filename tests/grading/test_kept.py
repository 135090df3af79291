"""After a change of checks only what depends on it is run, and the marks are those of a full run."""

import json

import nbformat
import pytest

from autograder.grading.course import Course
from autograder.grading.gradebook import GradebookWriter
from autograder.grading.regrade import regrade
from autograder.report.receipt import read_receipt
from tests.grading.test_batch import RIGHT, course, grade, graded, hand_in, no_tensorflow  # noqa: F401

# The student's function counts its calls, so that a check can tell whether the others were run before it.
CHECKS = """
from autograder.checking import close, question


def helper(rng):
    return rng.normal(size=3).tolist()


@question("double", points=1)
def test_doubles(student, rng):
    x = helper(rng)
    close(student.double(x), [2 * each for each in x], "double gives twice its argument")


@question("double", points=0.5)
def test_doubles_nothing(student):
    close(student.double([0.0]), [0.0], "twice nothing is nothing")


@question("double", points=0.5)
def test_the_notebook_runs(submission):
    assert all(cell.error is None for cell in submission.cells), "the notebook runs"
"""
COUNTED = RIGHT.replace("    return", "    print('called')\n    return")


@pytest.fixture
def graded_once(course):  # noqa: F811
    """ada is right, bob is wrong; both have been graded."""
    (course / "checks" / "ps.py").write_text(CHECKS)
    hand_in(course, "ada")
    hand_in(course, "bob", "def double(x):\n    return x")
    grade(course)
    return course


def change(course, old, new):  # noqa: F811
    path = course / "checks" / "ps.py"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def receipt(course, student="ada"):  # noqa: F811
    return read_receipt(Course(course).report_file("ps", student))


def marks(course):  # noqa: F811
    return {
        student: (receipt(course, student).score, receipt(course, student).max_score)
        for student in ("ada", "bob")
    }


def assert_written(course):  # noqa: F811
    """The gradebook and the marked notebook say what the receipts say."""
    with GradebookWriter(Course(course)) as writer:
        for student in ("ada", "bob"):
            assert writer.holds(receipt(course, student))
            path = course / "autograded" / student / "ps" / "ps.ipynb"
            (cell,) = [c for c in nbformat.read(path, as_version=4).cells if c.source == "# checks"]
            assert float(cell.outputs[0].data["text/plain"]) == receipt(course, student).score


def test_one_changed_check_is_the_only_one_that_runs(graded_once):
    change(graded_once, "close(student.double([0.0]), [0.0]", "close(student.double([1.0]), [2.0]")
    grade(graded_once)
    assert set(receipt(graded_once).kept) == {
        "doubles"
    }  # the cells ran again, so what is said of them is new
    assert marks(graded_once) == {"ada": (2, 2), "bob": (0.5, 2)}
    assert_written(graded_once)


def test_a_changed_helper_runs_what_uses_it(graded_once):
    change(graded_once, "size=3", "size=4")
    grade(graded_once)
    assert set(receipt(graded_once).kept) == {"doubles_nothing"}
    assert_written(graded_once)


def test_a_comment_or_moved_points_run_nothing(graded_once, monkeypatch):
    monkeypatch.setattr("autograder.grading.engine.open_engine", None)  # whatever needs a kernel fails here
    before = marks(graded_once)
    change(graded_once, "    x = helper(rng)", "    # on fresh numbers\n    x = helper(rng)")
    grade(graded_once)
    assert marks(graded_once) == before
    change(graded_once, "points=1)\ndef test_doubles(", "points=0.5)\ndef test_doubles(")
    change(graded_once, "points=0.5)\ndef test_doubles_nothing(", "points=1)\ndef test_doubles_nothing(")
    moves = regrade(Course(graded_once), "ps").moves
    assert [(move.student, move.before.score, move.after.score) for move in moves] == [("bob", 1, 1.5)]
    grade(graded_once)
    assert marks(graded_once) == {"ada": (2, 2), "bob": (1.5, 2)}
    assert set(receipt(graded_once).kept) == {"doubles", "doubles_nothing", "the_notebook_runs"}
    assert_written(graded_once)
    assert all(result.cached for result in grade(graded_once).submissions)


def test_a_marked_notebook_that_somebody_has_touched_is_made_again(graded_once):
    path = graded_once / "autograded" / "ada" / "ps" / "ps.ipynb"
    nb = json.loads(path.read_text())
    nb["cells"].append({"cell_type": "markdown", "id": "new", "metadata": {}, "source": "hello"})
    path.write_text(json.dumps(nb))
    change(graded_once, "    x = helper(rng)", "    # on fresh numbers\n    x = helper(rng)")
    grade(graded_once)
    assert "hello" not in path.read_text()
    assert set(receipt(graded_once).kept) == {"doubles", "doubles_nothing"}
    assert set(receipt(graded_once, "bob").kept) == {"doubles", "doubles_nothing", "the_notebook_runs"}


def test_nothing_is_kept_of_another_submission_or_when_all_is_asked_for(graded_once):
    change(graded_once, "[0.0]), [0.0]", "[1.0]), [2.0]")
    hand_in(graded_once, "ada", RIGHT + "\n")
    grade(graded_once, force=False)
    assert receipt(graded_once).kept == ()
    grade(graded_once, force=True)
    assert receipt(graded_once, "bob").kept == ()
