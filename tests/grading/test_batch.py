"""A class graded from files to gradebook, by the real launcher, workers and writer."""

import json
import shutil

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from autograder.grading.batch import grade_batch
from autograder.grading.course import Course
from autograder.report.class_report import write_class_report
from autograder.report.receipt import read_receipt

CHECKS = """
from autograder.checking import close, question


@question("double", points=2)
def test_doubles(student, rng):
    x = rng.normal(size=3).tolist()
    close(student.double(x), [2 * each for each in x], "double gives twice its argument")
"""
RIGHT = "def double(x):\n    return [2 * each for each in x]"


def graded(source="", grade=False, solution=False, grade_id="double", **more):
    marks = {"grade_id": grade_id, "schema_version": 3, "grade": grade, "solution": solution, "locked": grade}
    return new_code_cell(source, metadata={"nbgrader": {**marks, **more}})


@pytest.fixture
def course(tmp_path):
    """A course of one question, without TensorFlow."""
    (tmp_path / "nbgrader_config.py").write_text("c = get_config()\nc.CourseDirectory.course_id = 'one'\n")
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks" / "ps.py").write_text(CHECKS)
    (tmp_path / "source" / "ps").mkdir(parents=True)
    cells = [graded(RIGHT, solution=True, grade_id="double-answer"), graded("# checks", grade=True, points=2)]
    nbformat.write(new_notebook(cells=cells), tmp_path / "source" / "ps" / "ps.ipynb")
    return tmp_path


def hand_in(course, student, answer=RIGHT, name="ps.ipynb"):
    folder = course / "submitted" / student / "ps"
    folder.mkdir(parents=True, exist_ok=True)
    cells = [
        graded(answer, solution=True, grade_id="double-answer"),
        graded("# checks", grade=True, points=2),
    ]
    nbformat.write(new_notebook(cells=cells), folder / name)
    return folder


@pytest.fixture(autouse=True)
def no_tensorflow(monkeypatch):
    """These notebooks need none, and its import would be most of the test."""
    monkeypatch.setattr("autograder.grading.batch.modules_to_preload", lambda tasks: ())


def grade(course, **options):
    return grade_batch(Course(course), "ps", jobs=2, **options)


def by_student(batch):
    return {result.student: result for result in batch.submissions}


def test_a_class_is_graded_and_every_failure_stays_its_own(course):
    hand_in(course, "ada")
    hand_in(course, "bob", "def double(x):\n    return x")
    hand_in(course, "eve", "import os\nos.kill(os.getppid(), 9)\nos._exit(1)")
    (hand_in(course, "tim") / "ps.ipynb").write_text("not a notebook")
    (hand_in(course, "mia", name="other.ipynb")).touch()
    batch = grade(course)
    results = by_student(batch)
    assert [result.student for result in batch.submissions] == ["ada", "bob", "eve", "mia", "tim"]
    assert results["ada"].score == 2
    assert results["bob"].score == results["eve"].score == 0
    assert results["tim"].status == results["mia"].status == "failed"
    assert "other.ipynb" in results["mia"].reason
    assert batch.exit_status == 1
    assert batch.isolation


def test_what_has_not_changed_is_not_graded_again(course):
    hand_in(course, "ada")
    hand_in(course, "bob")
    assert not any(result.cached for result in grade(course).submissions)
    assert all(result.cached for result in grade(course).submissions)
    hand_in(course, "bob", "def double(x):\n    return x")
    results = by_student(grade(course))
    assert results["ada"].cached
    assert not results["bob"].cached
    assert results["bob"].score == 0
    assert not any(result.cached for result in grade(course, force=True).submissions)


def test_changed_checks_are_run_again(course):
    hand_in(course, "ada")
    grade(course)
    (course / "checks" / "ps.py").write_text(CHECKS.replace("2 * each", "3 * each"))
    (result,) = grade(course).submissions
    assert not result.cached
    assert result.score == 0


def test_a_lost_gradebook_is_filled_again(course):
    hand_in(course, "ada")
    grade(course)
    (course / "gradebook.db").unlink()
    (result,) = grade(course).submissions
    assert not result.cached


def test_a_damaged_receipt_is_graded_again(course):
    hand_in(course, "ada")
    grade(course)
    report = Course(course).report_file("ps", "ada")
    report.write_text('{"schema": 1')
    (result,) = grade(course).submissions
    assert not result.cached
    assert read_receipt(report).score == 2


def test_a_submission_that_fails_later_leaves_no_old_mark(course):
    hand_in(course, "ada")
    grade(course)
    (course / "submitted" / "ada" / "ps" / "ps.ipynb").write_text("{")
    (result,) = grade(course).submissions
    assert result.status == "failed"
    data = json.loads(Course(course).report_file("ps", "ada").read_text())
    assert data["score"] is None


def test_students_can_be_named_and_submissions_be_elsewhere(course, tmp_path):
    hand_in(course, "ada")
    hand_in(course, "bob")
    batch = grade(course, students=["bob", "zoe"])
    assert [result.student for result in batch.submissions] == ["bob", "zoe"]
    assert by_student(batch)["zoe"].reason == "nothing was handed in"
    shutil.move(course / "submitted", tmp_path / "elsewhere")
    batch = grade(course, submitted=tmp_path / "elsewhere")
    assert [result.score for result in batch.submissions] == [2, 2]


def test_files_that_the_notebook_writes_are_kept(course):
    hand_in(course, "ada", RIGHT + "\nopen('result.txt', 'w').write('made')")
    grade(course)
    kept = Course(course).folder("autograded", "ps", "ada") / "result.txt"
    assert kept.read_text() == "made"


def test_a_submission_of_thousands_of_files_is_graded_and_told_what_is_missing(course):
    folder = hand_in(course, "eve")
    for number in range(2100):
        (folder / f"a{number:04}").touch()
    hand_in(course, "ada")
    results = by_student(grade(course))
    assert results["eve"].score == results["ada"].score == 2
    assert "not taken from what was handed in: 'a2000'" in results["eve"].warnings[0]


@pytest.mark.parametrize("name", ["index.html", "marks.csv", "checks.csv"])
def test_a_student_called_like_a_file_of_the_reports_ends_nobodys_grading(course, name):
    hand_in(course, "ada")
    hand_in(course, name)
    grade(course)
    write_class_report(Course(course), "ps")
    results = by_student(grade(course))
    assert results["ada"].score == 2
    assert "file of the class report" in results[name].reason


@pytest.mark.parametrize(
    "answer",
    [
        "import os\nfor _ in range(20):\n    os.mkdir('d' * 250)\n    os.chdir('d' * 250)\n    open('f' * 250, 'w').close()",
        "import os, shutil\nos.makedirs('a/b')\nopen('a/b/c', 'w').close()",
        "import os\nos.remove('kept.txt')\nos.mkdir('kept.txt')\nopen('kept.txt/x', 'w').close()",
    ],
)
def test_whatever_a_notebook_leaves_its_marks_are_written(course, answer):
    folder = hand_in(course, "ada", f"{answer}\n{RIGHT}")
    (folder / "kept.txt").write_text("x")
    (folder / "a").write_text("x") if "makedirs" not in answer else None
    (result,) = grade(course).submissions
    assert (result.status, result.score) == ("graded", 2)


def test_the_seed_of_the_hidden_inputs_never_enters_a_kernel(course):
    look = """
import gc
orders = [thing for thing in gc.get_objects() if type(thing).__name__ == "KernelOrder"]
open("seen.txt", "w").write(" ".join(str(order.seed) for order in orders))
"""
    hand_in(course, "eve", look)
    (result,) = grade(course).submissions
    seen = (Course(course).folder("autograded", "ps", "eve") / "seen.txt").read_text()
    assert seen, "a seed is there: the kernel's own"
    assert str(result.seed) not in seen
