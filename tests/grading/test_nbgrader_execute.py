"""The engine inside nbgrader: around it with an unprotected engine, and once for real."""

import json
import os
import shutil
from pathlib import Path
from typing import ClassVar

import courses
import nbformat
import pytest
from gradings import comments, rows, score
from nbgrader.apps.api import NbGraderAPI
from nbgrader.converters import Autograde, GenerateAssignment, GenerateFeedback, NbGraderException
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from autograder.grading.course import Course
from autograder.grading.database import Database
from autograder.grading.nbgrader_execute import Execute
from autograder.grading.submission import GradedSubmission
from autograder.report.receipt import SubmissionResult, read_receipt

pytestmark = [
    # nbgrader's own code, called in this process:
    pytest.mark.filterwarnings("ignore:Object of type <Submitted\\w+> not in session"),
    pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning"),
    # student's code, run in this process:
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
]

RIGHT = "def square(x):\n    return x * x"
WRONG = "def square(x):\n    return abs(x) * x"
AROUND = ["IgnorePattern", "LimitOutput", "SaveAutoGrades", "AssignLatePenalties", "CheckCellMetadata"]
SANITIZERS = ["ClearOutput", "DeduplicateIds", "OverwriteKernelspec", "OverwriteCells", "CheckCellMetadata"]
OURS = "autograder.grading.nbgrader_execute"


class Unprotected(Execute):
    """Around an engine that runs cells in this process."""

    calls: ClassVar[list] = []  # (student, limits, kernel_arguments)

    @staticmethod
    def engine(nb, folder, assignment, student, course, limits, *, notebook, kernel_arguments=()):
        Unprotected.calls.append((student, limits, kernel_arguments))
        return courses.grade_unprotected(nb, folder, assignment, student, course, limits, notebook=notebook)


class Failing(Execute):
    """An engine that can grade nobody called eve."""

    @staticmethod
    def engine(nb, folder, assignment, student, course, limits, *, notebook, kernel_arguments=()):
        if student == "eve":
            return GradedSubmission(SubmissionResult.failed(student, assignment, "the kernel died"), nb)
        return courses.grade_unprotected(nb, folder, assignment, student, course, limits, notebook=notebook)


@pytest.fixture(autouse=True)
def no_calls():
    Unprotected.calls.clear()


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A course after `nbgrader generate_assignment`."""
    root = tmp_path_factory.mktemp("template")
    courses.write(root / "source" / "ps1" / "ps1.ipynb", courses.squares())
    generate_assignment(root)
    return root


@pytest.fixture
def released(template, tmp_path):
    return Path(shutil.copytree(template, tmp_path / "released"))


def generate_assignment(root):
    database = Database(Course(root).db_url)  # nbgrader itself takes seconds to make one
    database.transaction(lambda session: None)
    database.close()
    GenerateAssignment(coursedir=coursedir(root)).start()


def coursedir(root, **more):
    return CourseDirectory(root=str(root), assignment_id="ps1", **more)


def configured(execute=Unprotected, restore=False, **sections):
    preprocessors = [execute, *(f"nbgrader.preprocessors.{name}" for name in AROUND)]
    config = Config(sections)
    config.Autograde.autograde_preprocessors = preprocessors
    if restore:
        sanitizers = [f"{OURS}.RestoreCells", *(f"nbgrader.preprocessors.{name}" for name in SANITIZERS)]
        config.Autograde.sanitize_preprocessors = sanitizers
    return config


def autograde(root, config=None, *, student="*", force=False):
    config = config or configured()
    Autograde(coursedir=coursedir(root, student_id=student), config=config, force=force).start()


def autograded(root, student="ada"):
    return nbformat.read(root / "autograded" / student / "ps1" / "ps1.ipynb", 4)


def submit(root, student, body=RIGHT, **answers):
    return courses.submit(root, student, courses.answered(courses.squares(), square=body, **answers))


def test_marks_come_from_the_engine_through_nbgraders_own_saving(released):
    submit(released, "ada", why="Because.")
    submit(released, "bob", WRONG)
    autograde(released)
    assert [call[0] for call in Unprotected.calls] == ["ada", "bob"]
    course = Course(released)
    assert rows(course, "ada") == {
        "square_small": (1.0, None, None, False),
        "square_hidden": (2.0, None, None, False),
        "why": (None, None, None, True),
        "plot": (None, None, None, True),
    }
    assert score(course, "bob")[0] == 1.0
    assert comments(course, "bob")["why"] == "No response."
    assert autograded(released).metadata.autograder == {"engine": "autograder"}


def test_a_warning_in_a_test_cell_costs_nothing(released):
    submit(
        released,
        "ada",
        "import sys\ndef square(x):\n    print('retracing', file=sys.stderr)\n    return x * x",
    )
    autograde(released)
    assert score(Course(released), "ada")[0] == 3.0


def test_formgraders_button_gives_the_same(released):
    submit(released, "ada")
    api = NbGraderAPI(coursedir(released), config=configured())
    answer = api.autograde("ps1", "ada")
    assert answer["success"], answer
    assert [call[0] for call in Unprotected.calls] == ["ada"]
    assert score(Course(released), "ada")[0] == 3.0


def test_feedback_is_generated_from_it(released):
    submit(released, "bob", WRONG)
    autograde(released)
    GenerateFeedback(coursedir=coursedir(released)).start()
    page = (released / "feedback" / "bob" / "ps1" / "ps1.html").read_text()
    assert "Score 0 of 2" in page
    assert "<script>alert" not in page


def test_a_receipt_is_left_for_the_class_report(released):
    submit(released, "ada")
    autograde(released)
    receipt = read_receipt(Course(released).report_file("ps1", "ada"))
    assert (receipt.score, receipt.status) == (3.0, "graded")


def test_files_that_the_notebook_writes_appear_and_no_others(released):
    (released / "source" / "ps1" / "data.csv").write_text("1")
    (released / "release" / "ps1" / "withdrawn.csv").write_text("2")
    folder = submit(released, "ada", f"open('made.txt', 'w').write(open('data.csv').read())\n{RIGHT}")
    (folder / "timestamp.txt").write_text("2015-02-02 15:58:23 UTC")
    courses.write(folder / "other.ipynb", courses.squares())
    autograde(released)
    place = released / "autograded" / "ada" / "ps1"
    assert sorted(os.listdir(place)) == ["data.csv", "made.txt", "ps1.ipynb", "timestamp.txt"]
    assert (place / "made.txt").read_text() == "1"


def test_a_notebook_cannot_change_its_time_of_submission(released):
    folder = submit(released, "eve", f"open('timestamp.txt', 'w').write('2014-01-01 00:00:00 UTC')\n{RIGHT}")
    (folder / "timestamp.txt").write_text("2015-02-02 15:58:23 UTC")
    autograde(released)
    assert (released / "autograded/eve/ps1/timestamp.txt").read_text() == "2015-02-02 15:58:23 UTC"


def test_what_a_link_in_the_submission_led_to_is_not_shown_to_the_notebook(released):
    """nbgrader follows links when it copies a submission."""
    folder = submit(released, "eve", "import os\nopen('seen.txt', 'w').write(' '.join(sorted(os.listdir())))")
    (folder / "honest.txt").write_text("")
    os.symlink(released / "gradebook.db", folder / "stolen.txt")
    autograde(released)
    assert (released / "autograded/eve/ps1/seen.txt").read_text() == "honest.txt seen.txt"


def test_a_notebook_does_not_find_the_hidden_tests_beside_it(released):
    submit(released, "eve", "import os\nopen('seen.txt', 'w').write(' '.join(os.listdir()))")
    autograde(released)
    assert "ipynb" not in (released / "autograded/eve/ps1/seen.txt").read_text()


def test_a_submission_that_fails_fails_alone_and_its_older_mark_goes(released):
    for student in ("ada", "eve", "zoe"):
        submit(released, student)
    autograde(released)
    with pytest.raises(NbGraderException):
        autograde(released, configured(Failing), force=True)
    course = Course(released)
    assert score(course, "eve") == (0.0, 0.0, True)
    assert rows(course, "eve")["square_small"] == (None, None, None, True)
    assert score(course, "ada")[0] == score(course, "zoe")[0] == 3.0
    assert sorted(os.listdir(released / "autograded" / "zoe")) == ["ps1"]
    assert os.listdir(released / "autograded" / "eve") == []  # as nbgrader leaves a failure


def test_the_timeout_of_nbgraders_configuration_is_the_limit_of_a_cell(released):
    submit(released, "ada")
    autograde(released, configured(Execute={"timeout": 7}))
    ((_, limits, _),) = Unprotected.calls
    assert limits.cell_s == 7


def test_no_execute_marks_the_outputs_that_were_submitted(released):
    nb = courses.answered(courses.squares(), square=RIGHT)
    nb.cells[1].outputs = [nbformat.v4.new_output("error", ename="E", evalue="", traceback=[])]
    nb.cells[0].outputs = [nbformat.v4.new_output("stream", text="kept")]
    courses.submit(released, "ada", nb)
    off = {"Execute": {"enabled": False}, "ClearOutput": {"enabled": False}}  # what --no-execute sets
    autograde(released, configured(restore=True, **off))
    assert Unprotected.calls == []
    assert rows(Course(released), "ada")["square_small"][0] == 0.0
    assert autograded(released).cells[0].outputs[0].text == "kept"


def test_an_unknown_kernel_fails_as_in_nbgrader(released):
    submit(released, "ada")
    with pytest.raises(NbGraderException):
        autograde(released, configured(Execute={"kernel_name": "klingon"}))
    assert not (released / "autograded" / "ada" / "ps1").exists()


def test_a_kernel_of_another_environment_is_refused_not_run_unprotected(
    released, tmp_path, monkeypatch, caplog
):
    spec = tmp_path / "data" / "kernels" / "other"
    spec.mkdir(parents=True)
    argv = ["/usr/bin/env", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(
        json.dumps({"argv": argv, "display_name": "other", "language": "python"})
    )
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    submit(released, "ada")
    with pytest.raises(NbGraderException):
        autograde(released, configured(Execute={"kernel_name": "other"}))
    assert "is not this environment's Python" in caplog.text


@pytest.mark.parametrize("name", ["python", "python3"])
def test_the_names_of_this_environments_python_are_accepted(released, name):
    submit(released, "ada")
    autograde(released, configured(Execute={"kernel_name": name}))
    assert score(Course(released), "ada")[0] == 3.0


def test_extra_arguments_reach_the_kernel(released):
    submit(released, "ada")
    autograde(released, configured(Execute={"extra_arguments": ["--InteractiveShell.history_length=7"]}))
    ((_, _, arguments),) = Unprotected.calls
    assert arguments == ("--InteractiveShell.history_length=7",)


def test_settings_without_effect_are_named(released, caplog):
    submit(released, "ada")
    autograde(released, configured(Execute={"interrupt_on_timeout": False, "timeout": 20}))
    (said,) = [r.getMessage() for r in caplog.records if "without effect" in r.getMessage()]
    assert "c.Execute.interrupt_on_timeout" in said
    assert "c.Execute.timeout" not in said


def test_a_kernel_that_somebody_else_started_is_refused():
    with pytest.raises(ValueError, match="not in the sandbox"):
        Execute().preprocess(nbformat.v4.new_notebook(), {}, km=object())


def damage(nb, **nbgrader):
    for cell in nb.cells:
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader.update(nbgrader)
    return nb


@pytest.mark.parametrize(
    "change",
    [
        {"schema_version": 4},
        {"schema_version": 0},
        {"points": "many"},
        {"cell_type": 7},
        {"grade": "yes"},
        {"extra": 1},
    ],
)
def test_one_damaged_notebook_costs_nobody_a_mark(released, change):
    """Several of these make nbgrader give up the whole batch."""
    nb = courses.answered(courses.squares(), square=RIGHT)
    courses.write(released / "submitted" / "bob" / "ps1" / "ps1.ipynb", nb)
    path = released / "submitted" / "ada" / "ps1" / "ps1.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(nbformat.writes(nb))
    data = json.loads(path.read_text())
    for cell in data["cells"]:
        cell["metadata"]["nbgrader"].update(change)
    path.write_text(json.dumps(data))
    autograde(released, configured(restore=True))
    course = Course(released)
    assert score(course, "ada")[0] == score(course, "bob")[0] == 3.0


def test_a_cell_pasted_twice_and_one_deleted_are_put_right(released):
    nb = courses.answered(courses.squares(), square=RIGHT)
    nb.cells = [nb.cells[0], nb.cells[1], nb.cells[1], nb.cells[3]]
    courses.submit(released, "ada", nb)
    autograde(released, configured(restore=True))
    assert score(Course(released), "ada")[0] == 3.0


def test_an_assignment_of_several_notebooks_is_graded_notebook_by_notebook(root):
    for name in ("problem1", "problem2"):
        courses.write(root / "source" / "ps1" / f"{name}.ipynb", courses.squares())
    (root / "source" / "ps1" / "ps1.ipynb").unlink()
    generate_assignment(root)
    for name, body in (("problem1", RIGHT), ("problem2", WRONG)):
        nb = courses.answered(courses.squares(), square=body)
        courses.write(root / "submitted" / "ada" / "ps1" / f"{name}.ipynb", nb)
    autograde(root)
    assert score(Course(root), "ada")[0] == 4.0


# The launcher that programs share outlives the one that started it.
@pytest.mark.filterwarnings("ignore:subprocess \\d+ is still running:ResourceWarning")
def test_for_real_in_the_sandbox(released):
    """Same marks, and the kernel sees neither the gradebook nor the hidden tests."""
    submit(released, "ada", f"open('made.txt', 'w').write('x')\n{RIGHT}")
    submit(released, "bob", WRONG)
    places = [str(released), str(released / "gradebook.db"), str(released / "source")]
    spy = f"import os\nopen('spied.txt', 'w').write(str([*map(os.path.exists, {places}), *os.listdir()]))"
    submit(released, "eve", f"{RIGHT}\n{spy}")
    autograde(released, configured(f"{OURS}.Execute"))
    course = Course(released)
    assert [score(course, student)[0] for student in ("ada", "bob", "eve")] == [3.0, 1.0, 3.0]
    assert (released / "autograded/ada/ps1/made.txt").read_text() == "x"
    spied = (released / "autograded/eve/ps1/spied.txt").read_text()
    assert spied == "[False, False, False, 'spied.txt']"
    assert read_receipt(course.report_file("ps1", "ada")).isolation
