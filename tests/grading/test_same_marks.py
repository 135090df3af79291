"""`autograder grade`, `nbgrader autograde` and Formgrader's button: one engine, the same marks."""

import shutil
from pathlib import Path

import courses
import nbformat
import pytest
from gradings import comments, rows
from nbgrader.apps.api import NbGraderAPI
from nbgrader.converters import Autograde

from autograder.grading.batch import grade_batch
from autograder.grading.course import Course
from autograder.report.receipt import read_receipt

ROOT = Path(__file__).parents[2]

pytestmark = [
    # nbgrader's own code, called in this process:
    pytest.mark.filterwarnings("ignore:Object of type <Submitted\\w+> not in session"),
    pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning"),
    # the launcher that programs share outlives the one that started it:
    pytest.mark.filterwarnings("ignore:subprocess \\d+ is still running:ResourceWarning"),
]

SQUARES = {
    "right": "def square(x):\n    return x * x",
    "half": "def square(x):\n    return abs(x) * x",
    "noisy": "import warnings\ndef square(x):\n    warnings.warn('careful')\n    return x * x",
    "ends": "def square(x):\n    return x * x\nimport os\nos._exit(3)",
    "forges": "class Full(float):\n    def __repr__(self):\n        return 'full marks'\n"
    "def square(x):\n    return Full(x * x)",
    "empty": courses.STUB,
}


def everything(course, assignment, students):
    """All that nbgrader knows of the submissions, and the seeds of their hidden inputs."""
    return {
        student: (
            rows(course, student, assignment),
            comments(course, student, assignment),
            read_receipt(course.report_file(assignment, student)).seed,
        )
        for student in students
    }


def forget(course, students):
    """Nothing of an earlier way may reach the next."""
    for folder in ("gradebook.db", "autograded", "reports"):
        path = course.root / folder
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    course.register(next(iter(course.assignments())))


def three_ways(course, assignment, students):
    grade_batch(course, assignment)
    yield everything(course, assignment, students)
    forget(course, students)
    course.coursedir.assignment_id = assignment
    Autograde(coursedir=course.coursedir, config=course.nbgrader_config).start()
    yield everything(course, assignment, students)
    forget(course, students)
    api = NbGraderAPI(course.coursedir, config=course.nbgrader_config)
    for student in students:
        answer = api.autograde(assignment, student)
        assert answer["success"], answer
    yield everything(course, assignment, students)


def test_of_a_plain_assignment(root):
    shutil.copy(ROOT / "nbgrader_config.py", root)
    source = courses.squares()
    source.cells.insert(3, courses.check_cell("square(0.5)", "square_graded_by_value", points=0.25))
    courses.write(root / "source" / "ps1" / "ps1.ipynb", source)
    for student, body in SQUARES.items():
        nb = courses.answered(source, square=body, why="Because.")
        courses.submit(root, student, nb, timestamp="2015-02-02 15:58:23 UTC")
    batch, nbgrader, formgrader = three_ways(Course(root), "ps1", SQUARES)
    assert batch == nbgrader == formgrader
    scores = {
        student: sum(row[0] or 0.0 for row in grades.values()) for student, (grades, *_) in batch.items()
    }
    assert scores == {"right": 3.25, "half": 1.25, "noisy": 3.25, "forges": 3.0, "ends": 0.0, "empty": 0.0}
    assert batch["forges"][0]["square_graded_by_value"] == (0.0, None, None, True)


@pytest.mark.slow
def test_of_a_problem_set_with_hidden_checks(tmp_path):
    assignment = "p01_attention"
    for folder in ("source", "release"):
        shutil.copytree(ROOT / folder / assignment, tmp_path / folder / assignment)
    shutil.copytree(ROOT / "autograder" / "checks", tmp_path / "checks")
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    solution = nbformat.read(tmp_path / "source" / assignment / f"{assignment}.ipynb", 4)
    wrong = nbformat.from_dict(solution)
    for cell in wrong.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "hard_lookup-answer":
            cell.source = "def hard_lookup(*args):\n    raise ValueError('not today')"
    release = nbformat.read(tmp_path / "release" / assignment / f"{assignment}.ipynb", 4)
    for student, nb in (("ada", solution), ("bob", wrong), ("eve", release)):
        courses.submit(tmp_path, student, nb, assignment)
    batch, nbgrader, formgrader = three_ways(Course(tmp_path), assignment, ("ada", "bob", "eve"))
    assert batch == nbgrader == formgrader
    ada, bob, eve = (sum(row[0] or 0.0 for row in batch[s][0].values()) for s in ("ada", "bob", "eve"))
    assert eve == 0.0 < bob < ada == 65.0
