"""The whole build: what it makes, that it makes the same again, and that it notices what is stale."""

import re
import shutil
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from nbgrader.api import Gradebook
from nbgrader.nbgraderformat import MetadataValidator

from autograder.build import build
from autograder.build.authored import read_assignment
from autograder.build.folders import files_in
from autograder.build.solution import find_solution
from autograder.errors import BuildError, BuildStale

# nbgrader 0.9.6's own add_submission, on SQLAlchemy 2.1
pytestmark = pytest.mark.filterwarnings("ignore:Object of type <Submitted:sqlalchemy.exc.SAWarning")

PROJECT = Path(__file__).parents[2]
NAME = "p01_tiny"
BUILT = [
    f"source/{NAME}/{NAME}.ipynb",
    f"release/{NAME}/{NAME}.ipynb",
]


@pytest.fixture
def course(course, empty_gradebook):
    shutil.copy(empty_gradebook, course / "gradebook.db")
    return course


def change(path, before, after):
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def contents(course, *steps):
    """Path -> bytes of all files below the given folders."""
    return {
        f"{step}/{path}": (course / step / path).read_bytes()
        for step in steps
        for path in files_in(course / step)
    }


def built_files(course):
    return contents(course, f"source/{NAME}", f"release/{NAME}")


def read(course, step):
    return nbformat.read(course / step / NAME / f"{NAME}.ipynb", as_version=4)


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


# --check


def stale(course):
    with pytest.raises(BuildStale) as caught:
        build(course, check=True)
    return caught.value.files


def test_check_accepts_what_a_build_made(course):
    build(course)
    (course / "source" / NAME / "public_checks" / "__pycache__").mkdir()
    (course / "source" / NAME / "public_checks" / "__pycache__" / "x.pyc").write_text("")
    assert [built.changed for built in build(course, check=True)] == [()]


def test_check_writes_nothing(course):
    everything = contents(course, "")
    assert set(BUILT) <= {file.removesuffix(" (missing)") for file in stale(course)}
    assert contents(course, "") == everything
    (course / "gradebook.db").unlink()
    stale(course)
    assert not (course / "gradebook.db").exists()


@pytest.mark.parametrize(
    ("file", "before", "after", "files"),
    [
        ("source/p01_tiny.py", "# # Tiny", "# # Small", BUILT),
        ("source/p01_tiny.py", "not associative", "not commutative", BUILT[:1]),
        ("tiny_reference/sums.py", "math.fsum(values)", "math.fsum(tuple(values))", BUILT[:1]),
        ("tiny_reference/sums.py", "The sum of all", "The total of all", BUILT),
        ("checks/p01_tiny.py", "points=1.5", "points=2", BUILT),
        ("nbgrader_config.py", '"raise NotImplementedError"', '"..."', BUILT[1:]),
        (
            "checks/p01_tiny.py",
            "the sum is wrong",
            "the sum is not right",
            [f"{step}/{NAME}/public_checks/checks.py" for step in ("source", "release")],
        ),
    ],
)
def test_check_names_what_a_change_makes_stale(course, file, before, after, files):
    build(course)
    change(course / file, before, after)
    assert stale(course) == [f"{file} (out of date)" for file in files]


def test_answers_that_differ_in_rounding_only_stay_as_they_are_committed(course):
    build(course)
    for step in ("source", "release"):
        file = course / step / NAME / "public_checks" / "answers.npz"
        with np.load(file) as archive:
            rounded = {name: np.nextafter(archive[name], 9) for name in archive.files}
        np.savez(file, **rounded)
    before = built_files(course)
    build(course, check=True)
    build(course)
    assert built_files(course) == before


def test_check_notices_missing_and_added_files(course):
    build(course)
    (course / "release" / NAME / "notes.txt").write_text("not built")
    (course / "release" / NAME / f"{NAME}.ipynb").unlink()
    assert stale(course) == [
        f"release/{NAME}/notes.txt (not made by the build)",
        f"release/{NAME}/{NAME}.ipynb (missing)",
    ]


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


# what must not get out


def test_nothing_of_solutions_schemes_and_hidden_checks_is_released(course):
    build(course)
    secrets = [
        "running_sum_of_everything",
        "number_of_steps",
        "tiny_reference",
        "BEGIN SOLUTION",
        "rounding",
        "MARK SCHEME",
        "loses_no_digits",
        "digits are lost",
        "SECRET_TOLERANCE",
        "test_counts",
    ]
    in_source = b"".join(contents(course, "source", "checks").values())
    assert all(secret.encode() in in_source for secret in secrets)
    for path, content in contents(course, "release").items():
        assert not [secret for secret in secrets if secret.encode() in content], path


@pytest.mark.parametrize(
    ("file", "text", "secret"),
    [
        ("source/p01_tiny.py", "\n# %% [markdown]\n# See tiny_reference.\n", "tiny_reference"),
        ("source/p01_tiny/hints.txt", "test_loses_no_digits", "test_loses_no_digits"),
        ("source/p01_tiny/lib/a.py", "### BEGIN SOLUTION", "BEGIN SOLUTION"),
    ],
)
def test_a_release_that_would_tell_is_refused_and_not_written(course, file, text, secret):
    (course / file).parent.mkdir(parents=True, exist_ok=True)
    with (course / file).open("a") as opened:
        opened.write(text)
    with pytest.raises(BuildError, match=f"release/p01_tiny/.*: the release would contain {secret!r}"):
        build(course)
    assert not (course / "release").exists()


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


# this project's own


def test_the_projects_assignments_are_up_to_date():
    build(PROJECT, check=True)


@pytest.mark.parametrize("name", sorted(path.stem for path in (PROJECT / "source").glob("*.py")))
def test_no_line_of_a_solution_of_the_project_is_released(name):
    assignment = read_assignment(PROJECT / "source" / f"{name}.py", name)
    solutions = [find_solution(dotted, PROJECT) for cell in assignment.cells for dotted, _ in cell.solutions]
    secrets = {line for solution in solutions for line in solution.hidden if len(line) > 20}
    assert secrets or name == "p00_setup"
    for path, content in contents(PROJECT, f"release/{name}").items():
        text = content.decode("utf-8", "replace")
        if path.endswith(".ipynb"):
            text = "\n".join(cell.source for cell in nbformat.reads(text, as_version=4).cells)
        assert secrets.isdisjoint(line.strip() for line in text.splitlines()), path
