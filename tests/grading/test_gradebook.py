import os
import sqlite3
import stat
import sys
import threading
import time
from dataclasses import replace
from datetime import timedelta

import courses
import nbformat
import pytest
from gradings import comments, graded, rows, score
from nbgrader.api import Gradebook
from nbgrader.preprocessors import SaveAutoGrades

from autograder.errors import ConfigError, GradebookError
from autograder.grading.course import Course
from autograder.grading.gradebook import GradebookWriter
from autograder.grading.roster import Submission
from autograder.report.receipt import SubmissionResult

RIGHT = {"square": "def square(x):\n    return x * x"}


@pytest.fixture
def nb():
    """A student's notebook that answers the code and one text question."""
    return courses.answered(courses.squares(), **RIGHT, why="Because.")


def write(course, result, marked=None, files=None, **options):
    with GradebookWriter(course) as gradebook:
        gradebook.write(result, marked, files, **options)


def edit(course, work, student="ada"):
    """A person at work in Formgrader."""
    with Gradebook(course.db_url) as gradebook:
        work(gradebook, lambda grade_id: gradebook.find_grade(grade_id, "ps1", "ps1", student))
        gradebook.db.commit()


def test_marks_go_in_and_what_a_person_marks_is_left_to_one(course, root, nb):
    courses.submit(root, "ada", nb)
    write(course, *graded(course, "ada", nb, failing=("square_hidden",)))
    assert rows(course, "ada") == {
        "square_small": (1.0, None, None, False),
        "square_hidden": (0.0, None, None, False),
        "why": (None, None, None, True),
        "plot": (None, None, None, True),
    }
    assert score(course, "ada") == (1.0, 0.0, True)


def test_rows_are_those_that_nbgraders_own_saving_makes(course, root, nb, monkeypatch):
    """The same marked notebook through nbgrader's SaveAutoGrades and through the writer."""
    for student, submitted in (("ada", nb), ("eve", courses.answered(courses.squares()))):
        result, marked = graded(course, student, submitted)
        write(course, result, marked)
        ours = rows(course, student), comments(course, student)
        edit(course, lambda gradebook, _, student=student: gradebook.remove_submission("ps1", student))
        with Gradebook(course.db_url) as gradebook, pytest.warns(match="not in session"):  # nbgrader's own
            gradebook.update_or_create_submission("ps1", student)
        place = {"notebook": "ps1", "assignment": "ps1", "student": student, "db_url": course.db_url}
        SaveAutoGrades().preprocess(marked, {"nbgrader": place})
        assert ours == (rows(course, student), comments(course, student))


def test_an_answer_that_was_left_as_it_was_gets_nbgraders_comment_and_a_zero(course):
    nb = courses.answered(courses.squares())
    write(course, *graded(course, "eve", nb, failing=("square_small", "square_hidden")))
    assert comments(course, "eve") == {"square": "No response.", "why": "No response.", "plot": None}
    assert rows(course, "eve")["why"] == (0.0, None, None, False)


def test_a_persons_marks_extra_credit_and_comments_stay(course, nb):
    write(course, *graded(course, "ada", nb))

    def mark(gradebook, grade):
        grade("why").manual_score = 3.5
        grade("square_hidden").manual_score = 1.0
        grade("square_small").extra_credit = 0.5
        gradebook.find_comment("why", "ps1", "ps1", "ada").manual_comment = "well put"

    edit(course, mark)
    write(course, *graded(course, "ada", nb, failing=("square_small",)))
    assert rows(course, "ada") == {
        "square_small": (0.0, None, 0.5, False),
        "square_hidden": (2.0, 1.0, None, True),  # as nbgrader: a person's mark beside a new automatic one
        "why": (None, 3.5, None, True),
        "plot": (None, None, None, True),
    }
    assert comments(course, "ada")["why"] == "well put"
    assert score(course, "ada")[0] == 5.0


def test_the_marks_in_force_are_a_persons_or_else_the_machines(course, nb):
    write(course, *graded(course, "ada", nb))
    assert course.marks_in_force("ps1") == {"ada": {"square_small": 1.0, "square_hidden": 2.0}}

    def mark(gradebook, grade):
        grade("why").manual_score = 3.5
        grade("square_hidden").manual_score = 1.0
        grade("square_small").extra_credit = 0.5

    edit(course, mark)
    assert course.marks_in_force("ps1") == {"ada": {"square_small": 1.5, "square_hidden": 1.0, "why": 3.5}}
    write(course, *graded(course, "eve", courses.answered(courses.squares())))
    assert course.marks_in_force("ps1")["eve"]["why"] == 0.0, "an answer left as it was has nbgrader's zero"


def test_a_question_that_the_grader_could_not_decide_needs_a_person(root):
    nb = courses.squares()
    nb.cells[1].source = "score"
    courses.write(root / "source" / "ps1" / "ps1.ipynb", nb)
    course = Course(root)
    result, marked = graded(course, "ada", courses.answered(nb), showing={"square_small": "'full marks'"})
    write(course, result, marked)
    assert result.score == 2.0
    assert rows(course, "ada")["square_small"] == (0.0, None, None, True)
    assert rows(course, "ada")["square_hidden"] == (2.0, None, None, False)


def test_a_submission_that_cannot_be_graded_leaves_no_mark_in_force(course, root, nb):
    courses.submit(root, "ada", nb, timestamp="2015-02-02 15:58:23 UTC")
    write(course, *graded(course, "ada", nb))
    edit(course, lambda gradebook, grade: setattr(grade("why"), "manual_score", 2.0))
    assert score(course, "ada")[0] == 5.0
    write(course, SubmissionResult.failed("ada", "ps1", "the kernel died"))
    assert rows(course, "ada") == {
        "square_small": (None, None, None, True),
        "square_hidden": (None, None, None, True),
        "why": (None, 2.0, None, True),
        "plot": (None, None, None, True),
    }
    assert comments(course, "ada") == {"square": None, "why": None, "plot": None}
    assert score(course, "ada") == (2.0, 0.0, True)


def test_an_automatic_comment_goes_with_the_mark(course):
    write(course, *graded(course, "eve", courses.answered(courses.squares())))
    assert comments(course, "eve")["square"] == "No response."
    write(course, SubmissionResult.failed("eve", "ps1", "the kernel died"))
    assert comments(course, "eve") == {"square": None, "why": None, "plot": None}


def test_a_cell_that_the_notebook_lacks_keeps_no_older_mark(course):
    result, marked = graded(course, "eve", courses.answered(courses.squares()))
    write(course, result, marked)
    assert rows(course, "eve")["why"] == (0.0, None, None, False)
    marked.cells = [cell for cell in marked.cells if cell.metadata.nbgrader.grade_id != "why"]
    write(course, result, marked)
    assert rows(course, "eve")["why"] == (None, None, None, True)


def test_what_could_not_be_graded_can_be_read_and_marked_by_a_person(course, root, nb):
    folder = courses.submit(root, "ada", nb)
    (folder / "essay.txt").write_text("mine")
    reason = "stopped: <script>alert(1)</script>\n![x](http://evil)"
    write(course, SubmissionResult.failed("ada", "ps1", reason), graded(course, "ada", nb)[1])
    kept = nbformat.read(root / "autograded" / "ada" / "ps1" / "ps1.ipynb", 4)
    notice, *cells = kept.cells
    assert "could not be graded" in notice.source
    # an indented block: neither markup nor HTML of a reason that quotes a student takes effect
    assert "    stopped: <script>alert(1)</script>\n    ![x](http://evil)" in notice.source
    assert cells[0].source == RIGHT["square"]
    assert (root / "autograded" / "ada" / "ps1" / "essay.txt").read_text() == "mine"


def test_of_what_cannot_even_be_read_there_is_an_empty_copy_to_mark_on(course, root):
    (root / "submitted" / "ada" / "ps1").mkdir(parents=True)
    (root / "submitted" / "ada" / "ps1" / "ps1.ipynb").write_text("not JSON")
    write(course, SubmissionResult.failed("ada", "ps1", "not a notebook"))
    kept = nbformat.read(root / "autograded" / "ada" / "ps1" / "ps1.ipynb", 4)
    assert [cell.metadata.nbgrader.grade_id for cell in kept.cells[1:]] == [
        "square", "square_small", "square_hidden", "why", "plot",
    ]  # fmt: skip
    assert score(course, "ada") == (0.0, 0.0, True)


def test_a_mark_comes_back_into_force_when_grading_works_again(course, nb):
    write(course, SubmissionResult.failed("ada", "ps1", "no kernel"))
    write(course, *graded(course, "ada", nb))
    assert rows(course, "ada")["square_small"] == (1.0, None, None, False)


def test_withdrawing_changes_marks_alone(course, root, nb):
    write(course, *graded(course, "ada", nb))
    with GradebookWriter(course) as gradebook:
        gradebook.withdraw("ps1", "ada")
    assert rows(course, "ada")["square_small"] == (None, None, None, True)
    assert (root / "autograded" / "ada" / "ps1" / "ps1.ipynb").exists()


def test_it_knows_whether_a_receipts_marks_are_still_there(course, root, nb):
    result, marked = graded(course, "ada", nb)
    with GradebookWriter(course) as gradebook:
        assert not gradebook.holds(result)
        gradebook.write(result, marked)
        assert gradebook.holds(result)
        edit(course, lambda gradebook, grade: setattr(grade("why"), "manual_score", 2.0))
        assert gradebook.holds(result)
        edit(course, lambda gradebook, grade: setattr(grade("square_small"), "auto_score", 0.0))
        assert not gradebook.holds(result)
        gradebook.write(result, marked)
        os.remove(root / "autograded" / "ada" / "ps1" / "ps1.ipynb")
        assert not gradebook.holds(result)


LATE = "c.LateSubmissionPlugin.penalty_method = 'zero'"
HOURLY = "c.AssignLatePenalties.plugin_class = 'late_plugin.Hourly'"
PLUGIN = """
from nbgrader.plugins import BasePlugin
class Hourly(BasePlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return {body}
"""


def late_course(root, text, duedate="2015-02-02 12:00:00 UTC", body="total_seconds_late / 3600"):
    (root / "nbgrader_config.py").write_text(f"c = get_config()\n{text}\n")
    (root / "late_plugin.py").write_text(PLUGIN.format(body=body))
    course = Course(root)
    course.trusted_cells("ps1")
    with Gradebook(course.db_url) as gradebook:
        gradebook.update_or_create_assignment("ps1", duedate=duedate)
    return course


@pytest.fixture(autouse=True)
def forget_plugin(monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    sys.modules.pop("late_plugin", None)


@pytest.mark.parametrize(
    ("config", "timestamp", "penalty"),
    [
        ("", "2015-02-02 15:00:00 UTC", 0.0),
        (LATE, "2015-02-02 15:00:00 UTC", 3.0),
        (LATE, "2015-02-02 12:00:00 UTC", 0.0),
        (LATE, None, 0.0),
        (LATE, "", 0.0),
        (LATE, "But I want to be a timestamp string :(", 0.0),
        (HOURLY, "2015-02-02 14:00:00 UTC", 2.0),
        (HOURLY, "2015-02-02 10:00:00 America/New_York", 3.0),  # capped at the score
        (HOURLY, "2015-02-02T14:30:00+01:00", 1.5),
    ],
)
def test_lateness_costs_what_nbgraders_plugin_says(root, nb, config, timestamp, penalty):
    course = late_course(root, config)
    courses.submit(root, "ada", nb, timestamp=timestamp)
    write(course, *graded(course, "ada", nb))
    assert score(course, "ada")[:2] == (3.0, pytest.approx(penalty))


def test_an_extension_moves_the_due_date(root, nb):
    course = late_course(root, HOURLY)
    courses.submit(root, "ada", nb, timestamp="2015-02-02 14:00:00 UTC")
    write(course, *graded(course, "ada", nb))
    edit(course, lambda gradebook, _: gradebook.grant_extension("ps1", "ada", hours=1.5))
    write(course, *graded(course, "ada", nb))
    assert score(course, "ada")[1] == pytest.approx(0.5)


def test_an_extension_without_a_due_date_is_no_error(root, nb):
    course = late_course(root, HOURLY, duedate=None)
    courses.submit(root, "ada", nb, timestamp="2015-02-02 14:00:00 UTC")
    write(course, *graded(course, "ada", nb))
    with Gradebook(course.db_url) as gradebook:
        gradebook.find_submission("ps1", "ada").extension = timedelta(hours=1)
        gradebook.db.commit()
    write(course, *graded(course, "ada", nb))
    assert score(course, "ada")[1] == 0.0


def test_a_penalty_goes_when_the_submission_is_in_time_after_all(root, nb):
    course = late_course(root, LATE)
    courses.submit(root, "ada", nb, timestamp="2015-02-02 15:00:00 UTC")
    write(course, *graded(course, "ada", nb))
    courses.submit(root, "ada", nb, timestamp="2015-02-02 11:00:00 UTC")
    write(course, *graded(course, "ada", nb))
    assert score(course, "ada")[1] == 0.0


def test_the_notebook_cannot_change_its_own_time_of_submission(root, nb):
    course = late_course(root, LATE)
    courses.submit(root, "eve", nb, timestamp="2015-02-02 15:00:00 UTC")
    write(course, *graded(course, "eve", nb), {"timestamp.txt": b"2015-02-02 11:00:00 UTC"})
    assert score(course, "eve")[1] == 3.0
    assert (root / "autograded/eve/ps1/timestamp.txt").read_text() == "2015-02-02 15:00:00 UTC"


def test_the_notebook_cannot_invent_a_time_of_submission(course, root, nb):
    write(course, *graded(course, "eve", nb), {"timestamp.txt": b"2015-02-02 11:00:00 UTC"})
    assert os.listdir(root / "autograded" / "eve" / "ps1") == ["ps1.ipynb"]


def test_without_marks_there_is_no_penalty(root, nb):
    course = late_course(root, LATE)
    courses.submit(root, "ada", nb, timestamp="2015-02-02 15:00:00 UTC")
    write(course, *graded(course, "ada", nb))
    write(course, SubmissionResult.failed("ada", "ps1", "the kernel died"))
    assert score(course, "ada")[:2] == (0.0, 0.0)


def test_a_plugin_that_fails_is_an_error_of_configuration_and_changes_nothing(root, nb):
    course = late_course(root, HOURLY, body="1 / 0")
    courses.submit(root, "ada", nb, timestamp="2015-02-02 15:00:00 UTC")
    with pytest.raises(ConfigError, match=r"plug-in Hourly failed for ada: ZeroDivisionError"):
        write(course, *graded(course, "ada", nb))
    assert not (root / "autograded" / "ada" / "ps1").exists()
    assert os.listdir(root / "autograded" / "ada") == []


def test_files_are_what_was_handed_in_under_the_instructors_under_what_the_run_left(course, root, nb):
    source = root / "source" / "ps1"
    (source / "data.csv").write_text("instructor")
    folder = courses.submit(root, "ada", nb, timestamp="2015-02-02 15:00:00 UTC")
    for name in ("data.csv", "own.py", "x.pyc", "other.ipynb", "sub/a.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("student")
    os.symlink(root / "gradebook.db", folder / "link.txt")
    os.mkfifo(folder / "pipe")
    left = {
        "sub/made.txt": b"made",
        "own.py": b"changed",
        "../escaped": b"x",
        "/tmp/escaped": b"x",
        "a/../../b": b"x",
    }
    write(course, *graded(course, "ada", nb), left)
    place = root / "autograded" / "ada" / "ps1"
    found = {
        str(p.relative_to(place)): p.read_text()
        for p in place.rglob("*")
        if p.is_file() and p.suffix != ".ipynb"
    }
    assert found == {
        "data.csv": "instructor",
        "own.py": "changed",
        "sub/a.txt": "student",
        "sub/made.txt": "made",
        "timestamp.txt": "2015-02-02 15:00:00 UTC",
    }
    assert [p.name for p in place.rglob("*.ipynb")] == ["ps1.ipynb"]
    assert sorted(os.listdir(root / "autograded" / "ada")) == ["ps1"]


def test_files_of_an_earlier_attempt_are_gone(course, root, nb):
    write(course, *graded(course, "ada", nb), {"old.txt": b""})
    write(course, *graded(course, "ada", nb), {"new.txt": b""})
    assert sorted(os.listdir(root / "autograded" / "ada" / "ps1")) == ["new.txt", "ps1.ipynb"]


@pytest.mark.parametrize(
    ("config", "mode"),
    [("", 0o444), ("c.CourseDirectory.groupshared = True", 0o664), ("c.Autograde.permissions = 640", 0o640)],
)
def test_permissions_are_nbgraders(root, nb, config, mode):
    (root / "nbgrader_config.py").write_text(f"c = get_config()\n{config}\n")
    course = Course(root)
    write(course, *graded(course, "ada", nb), {"sub/a.txt": b""})
    place = root / "autograded" / "ada" / "ps1"
    assert {stat.S_IMODE(p.stat().st_mode) for p in place.rglob("*") if p.is_file()} == {mode}
    if "groupshared" in config:
        assert {stat.S_IMODE(p.stat().st_mode) & 0o2770 for p in (place, place / "sub")} == {0o2770}


def test_a_folder_in_place_is_exchanged_in_one_step_and_leftovers_go(course, root, nb):
    place = root / "autograded" / "ada" / "ps1"
    place.mkdir(parents=True)
    (place / "ps1.ipynb").write_text("old")
    for name, age_s in (
        (".ps1.new-0123", 7200),
        (".ps1.old-0123", 7200),
        (".ps1.new-4567", 5),
        (".ps2.new-0123", 7200),
    ):
        (place.parent / name / "sub").mkdir(parents=True)
        os.utime(place.parent / name, (time.time() - age_s,) * 2)
    write(course, *graded(course, "ada", nb))
    assert sorted(os.listdir(place.parent)) == [".ps1.new-4567", ".ps2.new-0123", "ps1"]


def test_marks_that_the_database_refuses_leave_the_folder_as_it_was(course, root, nb):
    write(course, *graded(course, "ada", nb), {"first.txt": b""})
    result, marked = graded(course, "ada", nb, failing=("square_small",))
    other = sqlite3.connect(root / "gradebook.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with (
        pytest.raises(GradebookError, match="another program"),
        GradebookWriter(course, lock_wait_s=0.3) as writer,
    ):
        writer.write(result, marked, {"second.txt": b""})
    other.close()
    assert sorted(os.listdir(root / "autograded" / "ada" / "ps1")) == ["first.txt", "ps1.ipynb"]
    assert rows(course, "ada")["square_small"][0] == 1.0


def test_a_commit_that_fails_takes_the_folder_back(course, root, nb):
    """A reader lets the transaction begin, and the folder be exchanged, but not the commit."""
    write(course, *graded(course, "ada", nb), {"first.txt": b""})
    result, marked = graded(course, "ada", nb, failing=("square_small",))
    reader = sqlite3.connect(root / "gradebook.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("select * from student").fetchall()
    with (
        pytest.raises(GradebookError, match="another program"),
        GradebookWriter(course, lock_wait_s=0.3) as writer,
    ):
        writer.write(result, marked, {"second.txt": b""})
    reader.close()
    assert sorted(os.listdir(root / "autograded" / "ada")) == ["ps1"]
    assert sorted(os.listdir(root / "autograded" / "ada" / "ps1")) == ["first.txt", "ps1.ipynb"]
    assert rows(course, "ada")["square_small"][0] == 1.0


def test_a_commit_that_had_to_be_repeated_exchanges_the_folder_once(course, root, nb):
    write(course, *graded(course, "ada", nb), {"first.txt": b""})
    reader = sqlite3.connect(root / "gradebook.db", isolation_level=None, check_same_thread=False)
    reader.execute("BEGIN")
    reader.execute("select * from student").fetchall()
    timer = threading.Timer(6.0, reader.rollback)  # longer than one attempt
    timer.start()
    with GradebookWriter(course, lock_wait_s=20) as writer:
        writer.write(*graded(course, "ada", nb, failing=("square_small",)), {"second.txt": b""})
    timer.join()
    reader.close()
    assert sorted(os.listdir(root / "autograded" / "ada" / "ps1")) == ["ps1.ipynb", "second.txt"]
    assert rows(course, "ada")["square_small"][0] == 0.0


@pytest.mark.parametrize("student", ["../eve", "a/b", "", "a\nb", "x" * 129])
def test_a_name_that_is_no_id_reaches_neither_the_database_nor_a_path(course, root, nb, student):
    result, marked = graded(course, student, nb)
    with pytest.raises(GradebookError, match="cannot be a student"):
        write(course, result, marked)
    assert not (root / "autograded").exists()


def test_marks_for_another_version_of_the_assignment_are_refused(course, nb):
    result, marked = graded(course, "ada", nb)
    cell = next(c for c in marked.cells if c.metadata.get("nbgrader", {}).get("grade_id") == "square_small")
    cell.metadata.nbgrader.grade_id = "renamed"
    with pytest.raises(GradebookError, match=r"no cell 'renamed'.*generate_assignment"):
        write(course, result, marked)


def test_a_score_that_the_marked_notebook_does_not_hold_is_refused(course, nb):
    result, marked = graded(course, "ada", nb)
    with pytest.raises(GradebookError, match=r"holds 3\.0 points, the result 2\.0"):
        write(course, replace(result, score=2.0), marked)


def test_an_assignment_that_the_gradebook_lacks_is_refused(course, nb):
    result, marked = graded(course, "ada", nb)
    edit_all = Gradebook(course.db_url)
    edit_all.remove_assignment("ps1")
    edit_all.close()
    with pytest.raises(GradebookError, match="no assignment 'ps1'"):
        write(course, result, marked)


def test_submissions_of_another_folder_bring_their_files_and_time(course, root, nb, tmp_path):
    folder = courses.submit(tmp_path, "ada", nb, timestamp="2015-02-02 15:00:00 UTC")
    submission = Submission("ada", "ps1", folder, folder / "ps1.ipynb")
    write(course, *graded(course, "ada", nb), submitted=submission.folder)
    assert (root / "autograded" / "ada" / "ps1" / "timestamp.txt").exists()
    with Gradebook(course.db_url) as gradebook:
        assert str(gradebook.find_submission("ps1", "ada").timestamp) == "2015-02-02 15:00:00"


def test_a_missing_notebook_of_several_gets_nbgraders_zero(root, nb):
    courses.write(root / "source" / "ps1" / "other.ipynb", courses.squares())
    course = Course(root)
    result, marked = graded(course, "ada", nb)
    write(course, result, {"ps1": marked})
    with Gradebook(course.db_url) as gradebook:
        submission = gradebook.find_submission("ps1", "ada")
        scores = {row.name: (row.score, row.needs_manual_grade) for row in submission.notebooks}
    assert scores == {"ps1": (3.0, True), "other": (0.0, False)}


def test_two_hundred_submissions_are_a_matter_of_seconds(course, nb):
    result, marked = graded(course, "ada", nb)
    began = time.monotonic()
    with GradebookWriter(course) as gradebook:
        for i in range(200):
            gradebook.write(replace(result, student=f"student{i:03}"), marked)
    assert time.monotonic() - began < 20  # 3 s when nothing else runs
