import os

import pytest

from autograder.grading.roster import MARK, student_id_problem, students_in, submission_in


@pytest.fixture
def submitted(tmp_path):
    return tmp_path / "submitted" / MARK / "ps1"


def hand_in(submitted, name, *, notebook="ps1.ipynb"):
    folder = os.path.join(str(submitted.parents[1]), name, "ps1")
    os.makedirs(folder)
    if notebook:
        with open(os.path.join(folder, notebook), "w") as file:
            file.write("{}")
    return folder


def take(submitted, name):
    return submission_in(submitted, name, "ps1", "ps1")


def test_students_are_the_folders_that_hold_the_assignment_sorted(submitted):
    hand_in(submitted, "zoe")
    hand_in(submitted, "ada")
    hand_in(submitted, ".hidden")
    (submitted.parents[1] / "idle").mkdir()
    (submitted.parents[1] / "README.txt").write_text("")
    assert students_in(submitted) == ["ada", "zoe"]


def test_a_course_without_submissions_has_no_students(submitted):
    assert students_in(submitted) == []


def test_a_student_can_be_part_of_a_folder_name(tmp_path):
    (tmp_path / "student-ada-x" / "ps1").mkdir(parents=True)
    (tmp_path / "student--x" / "ps1").mkdir(parents=True)
    assert students_in(tmp_path / f"student-{MARK}-x" / "ps1") == ["ada"]


def test_a_submission_with_its_notebook_has_no_problem(submitted):
    folder = hand_in(submitted, "ada")
    found = take(submitted, "ada")
    assert (found.problem, found.row, str(found.folder)) == (None, True, folder)
    assert found.notebook == found.folder / "ps1.ipynb"


@pytest.mark.parametrize("name", ["ada", "Zoë Ångström", "a.b-c_d@e", "李雷", "می‌خواهم", "x" * 128, "o'neil"])
def test_ordinary_names_are_ids(name):
    assert student_id_problem(name) is None


@pytest.mark.parametrize(
    "name",
    ["", " ", "ada ", ".", "..", ".git", "../eve", "a/b", "a\\b", "/etc", "a\0b", "a\nb", "a\tb", "a\x1b[31m", "x" * 129,
     "eve\u202etxt", "a\u200bb", "\udcff", "*", "a?", "[ab]"],
)  # fmt: skip
def test_names_that_could_be_misread_are_no_ids(name):
    assert student_id_problem(name)


@pytest.mark.parametrize("name", ["a\nb", "\udcff", "y" * 200, "a\u202eb"])
def test_a_folder_with_a_hostile_name_stays_in_sight_and_cannot_reach_a_path(submitted, name):
    hand_in(submitted, name)
    (found,) = students_in(submitted)
    submission = take(submitted, found)
    assert "cannot be a student id" in submission.problem
    assert not submission.row
    assert (
        submission.student.isascii() and submission.student.isprintable() and len(submission.student) <= 128
    )
    assert not submission.folder.is_dir()


def test_names_that_are_no_ids_are_told_apart_from_each_other_and_from_ids(submitted):
    names = ["x" * 300 + "a", "x" * 300 + "b", "a\nb", "a\tb", "a\\nb", "\udcff", ".a", "y" * 129]
    shown = [take(submitted, name).student for name in names]
    assert len(set(shown)) == len(names)
    assert all(student_id_problem(name) for name in shown)


def test_a_student_who_is_asked_for_and_handed_nothing_in_has_a_problem(submitted):
    found = take(submitted, "ada")
    assert found.problem == "nothing was handed in"
    assert not found.row


def test_a_notebook_under_another_name_is_named(submitted):
    hand_in(submitted, "ada", notebook="ps1 (1).ipynb")
    assert take(submitted, "ada").problem == "ps1.ipynb is missing: the folder holds 'ps1 (1).ipynb'"
    assert take(submitted, "ada").row


def test_an_empty_folder_is_a_problem(submitted):
    hand_in(submitted, "ada", notebook=None)
    assert take(submitted, "ada").problem == "ps1.ipynb is missing: the folder is empty"


def test_a_linked_notebook_is_not_read(submitted, tmp_path):
    (tmp_path / "solution.ipynb").write_text("{}")
    folder = hand_in(submitted, "eve", notebook=None)
    os.symlink(tmp_path / "solution.ipynb", os.path.join(folder, "ps1.ipynb"))
    assert "is a link" in take(submitted, "eve").problem


def test_a_linked_folder_cannot_lead_out_of_the_submissions(submitted, tmp_path):
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "ps1.ipynb").write_text("{}")
    (submitted.parents[1] / "eve").mkdir(parents=True)
    os.symlink(tmp_path / "source", submitted.parents[1] / "eve" / "ps1")
    assert "leads out" in take(submitted, "eve").problem


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_a_notebook_that_is_no_file_is_a_problem(submitted, make):
    folder = hand_in(submitted, "eve", notebook=None)
    make(os.path.join(folder, "ps1.ipynb"))
    assert take(submitted, "eve").problem == "ps1.ipynb is not a file"
