"""The whole build: what it makes, that it makes the same again, and what it refuses."""

import re
import shutil

import nbformat
import pytest
from built_files import BUILT, NAME, built_files, change, contents, read
from nbclient import NotebookClient
from nbgrader.api import Gradebook
from nbgrader.nbgraderformat import MetadataValidator

from autograder.build import build
from autograder.errors import BuildError

# nbgrader 0.9.6's own add_submission, on SQLAlchemy 2.1
pytestmark = pytest.mark.filterwarnings("ignore:Object of type <Submitted:sqlalchemy.exc.SAWarning")


def add_second_assignment(course):
    """p02_tiny: the same, with a text, a check and a seed of answers of its own."""
    for folder in ("source", "checks"):
        text = (course / folder / f"{NAME}.py").read_text()
        (course / folder / "p02_tiny.py").write_text(text.replace("size=5", "size=6"))


def test_a_build_makes_source_release_and_gradebook_entry(course):
    (built,) = build(course)
    assert (built.name, built.questions, built.points, built.written) == (NAME, 4, 21.5, 5)
    assert set(built.changed) == set(built_files(course)) > set(BUILT)
    for step in ("source", "release"):
        assert (course / step / NAME / "public_checks" / "__init__.py").is_file()
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "tiny") as book:
        assert book.find_notebook(NAME, NAME).max_score == 21.5


def test_both_notebooks_are_valid_for_jupyter_and_nbgrader(course):
    build(course)
    for step in ("source", "release"):
        notebook = read(course, step)
        nbformat.validate(notebook)
        MetadataValidator().validate_nb(notebook)
        assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
        assert not any(cell.get("outputs") for cell in notebook.cells)
    assert [cell.id for cell in read(course, "source").cells] == [
        cell.id for cell in read(course, "release").cells
    ]


def test_a_second_build_writes_nothing(course):
    build(course)
    before = {path: (course / path).stat().st_mtime_ns for path in built_files(course)}
    (again,) = build(course)
    assert again.changed == ()
    assert {path: (course / path).stat().st_mtime_ns for path in built_files(course)} == before


def test_place_order_and_gradebook_make_no_difference(course, tmp_path):
    add_second_assignment(course)
    elsewhere = tmp_path / "another place"
    shutil.copytree(course, elsewhere)
    build(course, [NAME, "p02_tiny"])
    build(elsewhere, ["p02_tiny"])
    (elsewhere / "gradebook.db").unlink()
    with_submission(course)
    build(elsewhere, ["p02_tiny", NAME])
    shutil.rmtree(course / "source" / NAME)
    shutil.rmtree(course / "release" / NAME)
    build(course)
    assert contents(course, "source", "release") == contents(elsewhere, "source", "release")


def with_submission(course):
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "tiny") as book:
        book.add_student("ada")
        book.add_submission(NAME, "ada")


def test_cells_cannot_change_under_submissions_and_nothing_is_written(course):
    build(course)
    with_submission(course)
    before = built_files(course)
    change(course / "source" / f"{NAME}.py", 'locked="done"', 'locked="the_end"')
    with pytest.raises(BuildError, match="the gradebook holds submissions of p01_tiny"):
        build(course)
    assert built_files(course) == before


# as students use it


@pytest.mark.parametrize(
    ("step", "shown"),
    [
        ("source", ["✓ adds up", "1 of 1 public check holds; more checks run at grading."]),
        ("release", ["✗ adds up", "not implemented yet", "0 of 1 public check"]),
    ],
)
def test_the_notebooks_run_from_top_to_bottom_and_show_what_holds(course, step, shown):
    build(course)
    notebook = read(course, step)
    NotebookClient(notebook, resources={"metadata": {"path": str(course / step / NAME)}}).execute()
    printed = {
        cell.id: "".join(out.text for out in cell.outputs) for cell in notebook.cells if "outputs" in cell
    }
    assert [text for text in shown if text not in printed["total"]] == [], printed["total"]
    assert printed["done"] == "Done\n"


# the course's own files, and wrong ones


def test_the_courses_own_reference_counts_whatever_is_installed(course, tmp_path, monkeypatch):
    (course / "tiny_reference").rename(course / "own_reference")
    for folder in ("source", "checks"):
        change(course / folder / f"{NAME}.py", "tiny_reference", "own_reference")
    (tmp_path / "installed" / "own_reference").mkdir(parents=True)
    (tmp_path / "installed" / "own_reference" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path / "installed")
    assert build(course)


def test_without_questions_there_are_no_public_checks(course):
    build(course)
    (course / "checks" / f"{NAME}.py").unlink()
    (course / "source" / f"{NAME}.py").write_text("# %% [markdown]\n# # Only to read\n")
    (built,) = build(course)
    assert (built.questions, built.points) == (0, 0)
    assert set(built_files(course)) == set(BUILT)


def test_files_beside_the_source_notebook_are_released(course):
    (course / "source" / NAME / "data").mkdir(parents=True)
    (course / "source" / NAME / "data" / "prices.csv").write_text("1,2\n")
    (built,) = build(course)
    assert f"release/{NAME}/data/prices.csv" in built.changed
    assert (course / "source" / NAME / "data" / "prices.csv").exists()


def test_another_notebook_beside_it_is_refused(course):
    (course / "source" / NAME).mkdir()
    (course / "source" / NAME / "Untitled.ipynb").write_text("{}")
    with pytest.raises(BuildError, match=re.escape(f"source/{NAME}/Untitled.ipynb: nbgrader would release")):
        build(course)


def test_an_unknown_assignment_is_refused_before_anything_is_built(course):
    with pytest.raises(BuildError, match=r"no authored text source/p1_tiny.py. There is: p01_tiny"):
        build(course, [NAME, "p1_tiny"])
    assert built_files(course) == {}


def test_a_folder_without_texts_is_no_course(tmp_path):
    with pytest.raises(BuildError, match="no authored text in"):
        build(tmp_path)


def test_an_error_in_one_assignment_stops_before_any_is_written(course):
    add_second_assignment(course)
    change(course / "source" / "p02_tiny.py", "sums.Counter", "sums.Contuer")
    with pytest.raises(
        BuildError, match=r"source/p02_tiny.py:15: sums.py has no function or class 'Contuer'"
    ):
        build(course)
    assert built_files(course) == {}


def test_an_error_in_the_checks_names_their_file(course):
    change(course / "checks" / f"{NAME}.py", '@question("counter", points=1.5)\n', "")
    with pytest.raises(BuildError, match=r"^checks/p01_tiny.py: .*test_counts has no @question"):
        build(course)


def test_a_reference_that_cannot_be_imported_is_named(course):
    change(course / "checks" / f"{NAME}.py", '("tiny_reference.sums",)', '("tiny_reference.sms",)')
    with pytest.raises(BuildError, match=r"^checks/p01_tiny.py: No module named 'tiny_reference.sms'"):
        build(course)
