"""nbgrader's part: the release, and what the gradebook knows afterwards."""

import os
import subprocess
import sysconfig
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook

from autograder.build.authored import read_assignment
from autograder.build.notebook import source_notebook
from autograder.build.release import check_gradebook, generate_release
from autograder.checking.catalogue import check_catalogue
from autograder.errors import BuildError, GradebookError
from autograder.grading.course import Course

NAME = "p01_tiny"

# nbgrader 0.9.6's own add_submission, on SQLAlchemy 2.1
pytestmark = pytest.mark.filterwarnings("ignore:Object of type <Submitted:sqlalchemy.exc.SAWarning")


@pytest.fixture
def stage(course, tmp_path):
    """Stages the source notebook of the course's text as it is now and returns it with the staging folder."""

    def stage():
        text = read_assignment(course / "source" / f"{NAME}.py", f"source/{NAME}.py")
        source = source_notebook(text, check_catalogue(course / "checks" / f"{NAME}.py"), "checks", course)
        staging = Path(tmp_path / "staging")
        folder = staging / "source" / NAME
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "data.csv").write_text("1,2\n")
        nbformat.write(source.notebook, folder / f"{NAME}.ipynb")
        return source, staging

    return stage


@pytest.fixture
def gradebook(course):
    def open_it():
        return Gradebook(f"sqlite:///{course / 'gradebook.db'}", "tiny")

    return open_it


def released(staging):
    return nbformat.read(staging / "release" / NAME / f"{NAME}.ipynb", as_version=4)


def change(path, before, after):
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def test_the_release_has_stubs_and_the_files_beside_the_notebook(course, stage):
    _, staging = stage()
    generate_release(Course(course), staging, NAME)
    cells = {cell.id: cell.source for cell in released(staging).cells}
    assert cells["total-answer"] == (
        '# Hint: do not lose digits.\ndef total(values):\n    """The sum of all values."""\n'
        "    raise NotImplementedError"
    )
    assert cells["why"] == "Why does the order matter?\n\nYOUR ANSWER HERE"
    assert (staging / "release" / NAME / "data.csv").read_text() == "1,2\n"


def test_without_the_gradebook_none_is_made(course, stage):
    _, staging = stage()
    generate_release(Course(course), staging, NAME)
    assert not (course / "gradebook.db").exists()


def test_the_gradebook_gets_the_assignment_though_no_alembic_is_on_the_path(
    course, stage, gradebook, monkeypatch
):
    monkeypatch.setenv("PATH", "/nowhere")
    source, staging = stage()
    generate_release(Course(course), staging, NAME, in_gradebook=True)
    with gradebook() as book:
        notebook = book.find_notebook(NAME, NAME)
        assert {cell.name: cell.max_score for cell in notebook.grade_cells} == source.points
        assert notebook.max_score == 21.5
        assert notebook.max_written_score == 5


def test_the_release_is_the_same_with_and_without_gradebook(course, stage):
    _, staging = stage()
    outputs = []
    for in_gradebook in (False, True, True):
        generate_release(Course(course), staging, NAME, in_gradebook=in_gradebook)
        outputs.append((staging / "release" / NAME / f"{NAME}.ipynb").read_bytes())
    assert outputs[0] == outputs[1] == outputs[2]


@pytest.fixture
def submitted(course, stage, gradebook):
    """The assignment is in the gradebook and one student has submitted."""
    source, staging = stage()
    generate_release(Course(course), staging, NAME, in_gradebook=True)
    with gradebook() as book:
        book.add_student("ada")
        book.add_submission(NAME, "ada")
    return source


def test_new_points_and_texts_go_in_though_there_are_submissions(
    course, stage, submitted, gradebook, tmp_path
):
    change(course / "checks" / f"{NAME}.py", "points=1.5", "points=4")
    source, staging = stage()
    check_gradebook(Course(course), NAME, source.cells)
    generate_release(Course(course), staging, NAME, in_gradebook=True)
    with gradebook() as book:
        assert book.find_grade_cell("counter", NAME, NAME).max_score == 4
        assert len(book.find_notebook(NAME, NAME).submissions) == 1


def test_other_cells_are_refused_once_there_are_submissions(course, stage, submitted):
    change(course / "source" / f"{NAME}.py", 'locked="done"', 'locked="the_end"')
    source, _ = stage()
    with pytest.raises(
        BuildError, match=r"submissions of p01_tiny \(1\).*New: the_end; gone: done.*db assignment remove"
    ):
        check_gradebook(Course(course), NAME, source.cells)


def test_the_same_cells_are_accepted(course, submitted):
    check_gradebook(Course(course), NAME, submitted.cells)


def test_other_cells_are_accepted_without_submissions(course, stage):
    source, staging = stage()
    generate_release(Course(course), staging, NAME, in_gradebook=True)
    check_gradebook(Course(course), NAME, source.cells[:-1])


def test_no_gradebook_is_made_by_looking(course, stage):
    check_gradebook(Course(course), NAME, stage()[0].cells)
    assert not (course / "gradebook.db").exists()


def test_a_gradebook_that_cannot_be_written_is_an_error_that_says_why(course, stage):
    (course / "gradebook.db").write_text("this is no database")
    source, staging = stage()
    with pytest.raises(GradebookError, match="file is not a database"):
        check_gradebook(Course(course), NAME, source.cells)
    with pytest.raises(GradebookError, match="file is not a database"):
        generate_release(Course(course), staging, NAME, in_gradebook=True)


def test_the_nbgrader_command_gives_the_same_release(course, stage):
    _, staging = stage()
    generate_release(Course(course), staging, NAME)
    (course / "source" / NAME).mkdir()
    for path in (staging / "source" / NAME).iterdir():
        (course / "source" / NAME / path.name).write_bytes(path.read_bytes())
    scripts = sysconfig.get_path("scripts")
    environment = os.environ | {"PATH": f"{scripts}:{os.environ['PATH']}"}
    command = [f"{scripts}/nbgrader", "generate_assignment", NAME]
    subprocess.run(command, cwd=course, env=environment, check=True, capture_output=True)
    by_hand = course / "release" / NAME
    ours = staging / "release" / NAME
    assert sorted(path.name for path in by_hand.iterdir()) == ["data.csv", f"{NAME}.ipynb"]
    for path in by_hand.iterdir():
        assert path.read_bytes() == (ours / path.name).read_bytes()
