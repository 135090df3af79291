import os
import sys

import courses
import pytest
from nbgrader.api import Gradebook
from nbgrader.converters import GenerateAssignment
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config
from traitlets.config.loader import DeferredConfigString

from autograder.errors import ConfigError
from autograder.grading.course import Course
from autograder.grading.nbgrader_settings import UNLIMITED_CELL_S, NbgraderSettings
from autograder.grading.notebook import TrustedCell

# Where nbgrader adds a submission, SQLAlchemy warns about nbgrader's own order of assignments.
nbgraders_own_warning = pytest.mark.filterwarnings(r"ignore:Object of type <Submitted\w+> not in session")


def configure(root, text):
    (root / "nbgrader_config.py").write_text(f"c = get_config()\n{text}\n")
    return Course(root)


def generate_assignment(root, assignment="ps1"):
    """As `nbgrader generate_assignment`, in this process."""
    coursedir = CourseDirectory(root=str(root), assignment_id=assignment)
    GenerateAssignment(coursedir=coursedir).start()


def test_folders_are_nbgraders(course, root):
    assert course.folder("submitted", "ps1", "ada") == root / "submitted" / "ada" / "ps1"
    assert course.folder("source", "ps1") == root / "source" / "ps1"
    assert course.report_file("ps1", "ada") == root / "reports" / "ps1" / "ada" / "report.json"
    assert course.db_url == f"sqlite:///{root}/gradebook.db"


def test_nbgraders_configuration_moves_folders_and_the_database(root, tmp_path):
    course = configure(
        root,
        f"""
c.CourseDirectory.submitted_directory = "in"
c.CourseDirectory.directory_structure = "{{nbgrader_step}}/{{assignment_id}}/{{student_id}}"
c.CourseDirectory.db_url = "sqlite:///{tmp_path}/elsewhere.db"
c.CourseDirectory.student_id_exclude = "bob,test"
""",
    )
    for student in ("ada", "bob"):
        courses.write(root / "in" / "ps1" / student / "ps1.ipynb", courses.squares())
    courses.write(root / "source" / "ps1" / "." / "ps1.ipynb", courses.squares())
    assert [each.student for each in course.submissions("ps1")] == ["ada"]
    assert course.folder("autograded", "ps1", "ada") == root / "autograded" / "ps1" / "ada"
    course.trusted_cells("ps1")
    assert (tmp_path / "elsewhere.db").exists()


def test_the_root_can_lie_elsewhere(root, tmp_path):
    (tmp_path / "cwd").mkdir()
    course = configure(tmp_path / "cwd", f"c.CourseDirectory.root = {str(root)!r}")
    assert course.root == root
    assert course.assignments() == ["ps1"]


def test_the_folder_that_the_command_was_typed_in_does_not_matter(root, tmp_path, monkeypatch):
    (tmp_path / "nbgrader_config.py").write_text("c.CourseDirectory.submitted_directory = 'wrong'")
    monkeypatch.chdir(tmp_path)
    assert Course(root).folder("submitted", "ps1", "ada").is_relative_to(root / "submitted")
    monkeypatch.chdir(root)
    assert Course(".").root == root


@pytest.mark.parametrize(
    "text", ["1/0", "c.CourseDirectory.source_directory = 3", "import nothing_of_that_name", "x ="]
)
def test_a_configuration_that_cannot_be_run_is_an_error(root, text):
    with pytest.raises(ConfigError, match="nbgrader's configuration cannot be read"):
        configure(root, text)


def test_a_missing_root_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match="no such folder"):
        Course(tmp_path / "nowhere")


def test_an_unknown_assignment_is_an_error_that_names_the_known(course):
    with pytest.raises(ConfigError, match=r"unknown assignment 'ps2'.*ps1"):
        course.submissions("ps2")


@pytest.mark.parametrize("name", ["", "..", "../ps1", "a/b", "/etc", ".hidden", "a\0b"])
def test_an_assignments_name_cannot_lead_elsewhere(course, name):
    with pytest.raises(ConfigError, match="expected the name of an assignment"):
        course.submissions(name)


def test_asking_what_there_is_makes_no_gradebook(course, root, tmp_path):
    assert course.assignments() == ["ps1"]
    course.submissions("ps1")
    (tmp_path / "empty").mkdir()
    assert Course(tmp_path / "empty").assignments() == []
    assert not list(tmp_path.rglob("gradebook.db"))


def test_the_notebook_is_the_one_called_like_the_assignment_or_the_only_one(root):
    course = Course(root)
    assert course.notebook_name("ps1") == "ps1"
    courses.write(root / "source" / "ps1" / "extra.ipynb", courses.squares())
    assert course.notebook_name("ps1") == "ps1"
    (root / "source" / "ps1" / "ps1.ipynb").rename(root / "source" / "ps1" / "problem.ipynb")
    with pytest.raises(ConfigError, match="extra, problem"):
        course.notebook_name("ps1")
    (root / "source" / "ps1" / "extra.ipynb").unlink()
    assert course.notebook_name("ps1") == "problem"


def test_submissions_of_another_folder_and_of_chosen_students(course, root, tmp_path):
    courses.submit(tmp_path, "eve", courses.squares())
    courses.submit(root, "ada", courses.squares())
    assert [each.student for each in course.submissions("ps1")] == ["ada"]
    assert [each.student for each in course.submissions("ps1", submitted=tmp_path / "submitted")] == ["eve"]
    chosen = course.submissions("ps1", ["zoe", "ada", "zoe", "../x"])
    assert [(each.student, each.problem is None) for each in chosen] == [
        ("zoe", False),
        ("ada", True),
        ("../x", False),
    ]


def test_checks_lie_in_the_package_or_beside_the_source(course, root):
    assert course.checks_file("ps1") is None
    for place in ("checks", "autograder/checks"):
        (root / place).mkdir(parents=True)
        (root / place / "ps1.py").write_text("")
        assert course.checks_file("ps1") == root / place / "ps1.py"


def test_limits_of_autograder_toml_override_nbgraders_timeout_and_a_command_line_all(root):
    (root / "autograder.toml").write_text("[assignments.ps1.limits]\ncell_s = 7")
    course = configure(root, "c.Execute.timeout = 50")
    assert course.limits("ps1").cell_s == 7
    typed = Config({"Execute": {"timeout": 2}})
    settings = NbgraderSettings(typed, course.coursedir, command_line=typed)
    assert Course(root, nbgrader=settings).limits("ps1").cell_s == 2


@pytest.mark.parametrize(("typed", "seconds"), [("2", 2), ("None", UNLIMITED_CELL_S)])
def test_a_command_lines_values_are_texts(course, typed, seconds):
    config = Config({"Execute": {"timeout": DeferredConfigString(typed)}})
    settings = NbgraderSettings(config, course.coursedir, command_line=config)
    assert Course(course.root, nbgrader=settings).limits("ps1").cell_s == seconds


def test_a_command_line_that_makes_no_sense_is_an_error(course):
    config = Config({"Execute": {"timeout": DeferredConfigString("soon")}})
    with pytest.raises(ConfigError, match=r"Execute\.timeout.*soon"):
        NbgraderSettings(config, course.coursedir).limits()


def test_a_configuration_that_adds_to_a_default_is_understood(root):
    (root / "source" / "ps1" / "own.py").write_text("")
    course = configure(root, "c.Autograde.exclude_overwriting.update({'ps1': ['own.py']})")
    assert not course.source_files("ps1")


@pytest.mark.parametrize(
    ("timeout", "cell_s", "notebook_s"),
    [
        (5, 5, 300),
        (120, 120, 1200),
        ("None", UNLIMITED_CELL_S, UNLIMITED_CELL_S),
        (-1, UNLIMITED_CELL_S, UNLIMITED_CELL_S),
    ],
)
def test_nbgraders_timeout_is_a_cells_limit_and_leaves_room_for_the_notebook(
    root, timeout, cell_s, notebook_s
):
    limits = configure(root, f"c.Execute.timeout = {timeout}").limits("ps1")
    assert (limits.cell_s, limits.notebook_s) == (cell_s, notebook_s)


def test_a_table_for_an_assignment_that_does_not_exist_is_an_error(root):
    (root / "autograder.toml").write_text("[assignments.ps7]\nfeedback = 'points'")
    with pytest.raises(ConfigError, match="unknown assignment ps7"):
        Course(root).limits("ps1")


def test_the_instructors_files_replace_the_students_but_for_those_left_to_them(root):
    folder = root / "source" / "ps1"
    for name in (
        "data.csv",
        "lib/helper.py",
        "lib/own.py",
        "cache.pyc",
        "__pycache__/x.txt",
        "feedback/a.txt",
    ):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("")
    course = configure(root, "c.Autograde.exclude_overwriting = {'ps1': ['lib/own.py']}")
    assert dict(course.source_files("ps1")) == {
        "data.csv": folder / "data.csv",
        "lib/helper.py": folder / "lib" / "helper.py",
    }
    release = root / "release" / "ps1"
    for name in ("data.csv", "lib/own.py", "checks.py", "ps1.ipynb"):
        (release / name).parent.mkdir(parents=True, exist_ok=True)
        (release / name).write_text("")
    assert dict(course.released_files("ps1")) == {
        **course.source_files("ps1"),
        "checks.py": release / "checks.py",
    }


def test_trusted_cells_are_those_of_generate_assignment(root, monkeypatch):
    programs = os.path.dirname(sys.executable)  # nbgrader calls `alembic` to make a gradebook
    monkeypatch.setenv("PATH", programs + os.pathsep + os.environ["PATH"])
    without = Course(root).trusted_cells("ps1")
    os.remove(root / "gradebook.db")
    generate_assignment(root)
    assert Course(root).trusted_cells("ps1") == without
    hidden = next(cell for cell in without if cell.grade_id == "square_hidden")
    assert "BEGIN HIDDEN TESTS" in hidden.source
    assert hidden.points == 2
    assert without.cells[0] == TrustedCell(
        "square", "code", "# YOUR CODE HERE\nraise NotImplementedError()", solution=True
    )
    assert [cell.grade_id for cell in without] == ["square", "square_small", "square_hidden", "why", "plot"]


def test_the_gradebooks_checksums_are_ours(root):
    trusted = Course(root).trusted_cells("ps1")
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        for cell in trusted:
            assert gradebook.find_source_cell(cell.grade_id, "ps1", "ps1").checksum == cell.checksum


def test_adding_an_assignment_leaves_no_release_and_needs_no_program_on_the_path(root, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")  # nbgrader itself calls `alembic`
    Course(root).trusted_cells("ps1")
    assert sorted(os.listdir(root)) == [".autograder", "gradebook.db", "source"]


@nbgraders_own_warning
def test_the_gradebook_that_was_made_is_one_that_nbgrader_accepts(root):
    Course(root).trusted_cells("ps1")
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        assert gradebook.find_assignment("ps1").max_score == 10
        gradebook.update_or_create_student("ada")
        gradebook.update_or_create_submission("ps1", "ada")


def test_what_the_gradebook_has_is_trusted_not_what_the_source_has_become(root):
    course = Course(root)
    before = course.trusted_cells("ps1")
    changed = courses.squares()
    changed.cells[1].source = "assert True"
    courses.write(root / "source" / "ps1" / "ps1.ipynb", changed)
    assert course.trusted_cells("ps1") == before
    course.register("ps1")
    assert (
        next(c for c in course.trusted_cells("ps1") if c.grade_id == "square_small").source == "assert True"
    )


def test_cells_come_in_the_order_of_the_source(root):
    course = Course(root)
    course.register("ps1")
    source = courses.squares()
    source.cells.reverse()
    courses.write(root / "source" / "ps1" / "ps1.ipynb", source)
    assert next(cell.grade_id for cell in course.trusted_cells("ps1")) == "plot"


def test_without_a_source_the_gradebook_is_enough(root):
    course = Course(root)
    before = course.trusted_cells("ps1")
    (root / "source" / "ps1" / "ps1.ipynb").unlink()
    assert Course(root).assignments() == ["ps1"]
    assert Course(root).trusted_cells("ps1") == before


@pytest.mark.parametrize(
    "cell",
    [
        courses.check_cell("assert True", "square"),  # an id twice
        courses.text("# a test in a text cell", "t", grade=True, points=1),
    ],
)
def test_a_source_that_nbgrader_refuses_is_an_error_of_configuration(root, cell):
    nb = courses.squares()
    nb.cells.append(cell)
    courses.write(root / "source" / "ps1" / "ps1.ipynb", nb)
    with pytest.raises(ConfigError, match=r"ps1\.ipynb: nbgrader refuses it"):
        Course(root).trusted_cells("ps1")


def test_a_source_that_is_no_notebook_is_an_error_of_configuration(root):
    (root / "source" / "ps1" / "ps1.ipynb").write_text("{")
    with pytest.raises(ConfigError, match=r"ps1\.ipynb: cannot be read as a notebook"):
        Course(root).trusted_cells("ps1")


def test_cells_that_the_instructor_tagged_are_skipped_but_never_graded_ones(root):
    nb = courses.squares()
    for cell in nb.cells:
        cell.metadata.tags = ["long"]
    courses.write(root / "source" / "ps1" / "ps1.ipynb", nb)
    assert Course(root).skipped_cells("ps1") == frozenset()
    (root / "autograder.toml").write_text('skip_cells_tagged = ["long"]')
    assert Course(root).skipped_cells("ps1") == {"square", "plot"}


def test_no_student_takes_the_place_of_the_class_report(course):
    folder = course.reports_folder("ps1")
    names = ["index.html", "marks.csv", "checks.csv", "ada"]
    places = {course.report_file("ps1", name).relative_to(folder).parts[0] for name in names}
    assert places == {"student index.html", "student marks.csv", "student checks.csv", "ada"}


def test_the_secret_belongs_to_the_course(course, root):
    assert course.secret() == course.secret()
    assert (root / ".autograder" / "secret").stat().st_mode & 0o777 == 0o600
