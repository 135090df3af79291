"""One submission through sandbox, checks and marks, without a gradebook."""

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from autograder.grading.notebook import TrustedCell, TrustedCells
from autograder.grading.submission import GradeTask, files_sha256, grade, seed_for
from autograder.sandbox.limits import Limits

LIMITS = Limits(cell_s=5, check_s=5)

CHECKS = """
import numpy as np
from autograder.checking import close, question


@question("double", points=2)
def test_doubles(student, rng):
    x = rng.normal(size=3)
    close(student.double(x), 2 * x, "double gives twice its argument")


@question("double", points=1)
def test_keeps_the_shape(student, rng):
    assert student.double(rng.normal(size=(2, 3))).shape == (2, 3), "the shape changes"


@question("triple", points=3)
def test_triples(student, rng):
    x = rng.normal(size=3)
    close(student.triple(x), 3 * x, "triple gives three times its argument")


@question("contract", points=4, only_with_other_points=True)
def test_every_cell_ran(student, submission):
    assert all(cell.ran for cell in submission.cells if cell.source.startswith("#")), "a cell failed"
"""
ANSWERS = {
    "double-answer": "# a\ndef double(x):\n    return 2 * x",
    "triple-answer": "# b\ndef triple(x):\n    return 3 * x",
}


def cell(grade_id, source, **marks):
    metadata = {"grade_id": grade_id, "schema_version": 3, "locked": True, "grade": False, "solution": False}
    return new_code_cell(source, metadata={"nbgrader": metadata | marks})


def trusted_cells():
    cells = []
    for grade_id, points in (("double", 3.0), ("triple", 3.0), ("contract", 4.0)):
        if grade_id != "contract":
            cells.append(
                TrustedCell(
                    f"{grade_id}-answer", "code", "raise NotImplementedError", None, False, True, False
                )
            )
        cells.append(TrustedCell(grade_id, "code", "assert False, 'never run'", points, True, False, True))
    return TrustedCells(tuple(cells))


@pytest.fixture
def graded(launcher, tmp_path):
    """Grade cells that a student handed in, by grade id."""

    def run(answers=ANSWERS, extra=(), limits=LIMITS, files=None, seed=7):
        checks = tmp_path / "checks.py"
        checks.write_text(CHECKS)
        cells = [cell(grade_id, source, solution=True, locked=False) for grade_id, source in answers.items()]
        nb = new_notebook(cells=[*map(new_code_cell, extra), *cells])
        files = {"nb.ipynb": nbformat.writes(nb).encode(), **(files or {})}
        task = GradeTask("ada", "nb", files, "nb.ipynb", trusted_cells(), {}, Path(checks), limits, seed)
        return grade(task, launcher).result

    return run


def scores(result):
    return {question.id: question.score for question in result.questions}


def test_a_right_answer_gets_all_points(graded):
    result = graded()
    assert result.status == "graded"
    assert scores(result) == {"double": 3, "triple": 3, "contract": 4}
    assert (result.score, result.max_score) == (10, 10)
    assert result.isolation


def test_a_wrong_answer_loses_the_points_of_its_check(graded):
    result = graded({**ANSWERS, "double-answer": "# a\ndouble = lambda x: x"})
    assert scores(result) == {"double": 1, "triple": 3, "contract": 4}
    (failed,) = [check for check in result.questions[0].checks if check.outcome != "passed"]
    assert "twice" in failed.message


def test_an_empty_notebook_earns_nothing_for_running(graded):
    result = graded({})
    assert scores(result) == {"double": 0, "triple": 0, "contract": 0}


def test_a_function_that_hangs_costs_its_question(graded):
    result = graded({**ANSWERS, "double-answer": "# a\ndef double(x):\n    while True: pass"})
    assert scores(result) == {"double": 0, "triple": 3, "contract": 4}
    assert [check.outcome for check in result.questions[0].checks] == ["timeout", "timeout"]


def test_the_layers_are_told_of_a_kernel_that_died(graded):
    assert graded({"double-answer": "# a\nimport os\nos._exit(0)"}).isolation == graded().isolation != ()


def test_a_function_that_ends_the_kernel_costs_its_question(graded):
    result = graded({**ANSWERS, "double-answer": "# a\nimport os\ndef double(x):\n    os._exit(0)"})
    assert scores(result) == {"double": 0, "triple": 3, "contract": 4}


def test_the_same_files_get_the_same_marks(graded):
    first, second = graded(), graded()
    assert scores(first) == scores(second)
    assert first.seed == second.seed


def test_the_seed_depends_on_the_secret_and_the_files():
    files = {"nb.ipynb": b"1"}
    seeds = {
        seed_for(b"a", files),
        seed_for(b"b", files),
        seed_for(b"a", {"nb.ipynb": b"2"}),
        seed_for(b"a", {"x": b"1"}),
    }
    assert len(seeds) == 4
    assert seed_for(b"a", files) == seed_for(b"a", dict(files))
    assert files_sha256({"a": b"bc"}) != files_sha256({"ab": b"c"})


def test_files_beside_the_notebook_are_there(graded):
    result = graded(extra=["# c\nassert open('data.txt').read() == 'hello'"], files={"data.txt": b"hello"})
    assert scores(result)["contract"] == 4


FORGERIES = {
    "equal to everything": "class Right:\n    def __eq__(self, o): return True\n    __array_priority__ = 1e9\ndouble = triple = lambda x: Right()",
    "array protocol": "import numpy as np\nclass A(np.ndarray): pass\ndouble = triple = lambda x: np.zeros(3).view(A)",
    "nan": "import numpy as np\ndouble = triple = lambda x: np.full(np.shape(x), np.nan)",
    "infinite": "import numpy as np\ndouble = triple = lambda x: np.full(np.shape(x), np.inf)",
    "objects": "import numpy as np\ndouble = triple = lambda x: np.array([object()] * 3)",
    "pickle": "class P:\n    def __reduce__(self): return (print, ('owned',))\ndouble = triple = lambda x: P()",
    "ragged": "double = triple = lambda x: [[1], [1, 2]]",
    "huge": "import numpy as np\ndouble = triple = lambda x: np.zeros(1 << 28)",
    "deep": "def double(x):\n    y = []\n    for _ in range(10**5): y = [y]\n    return y\ntriple = double",
    "broadcast": "double = triple = lambda x: 0.0",
    "patched numpy": "import numpy as np\nnp.allclose = np.isclose = lambda *a, **k: True\ndouble = triple = lambda x: x",
    "no execution": "from IPython import get_ipython\nasync def nothing(*a, **k): return {'status': 'ok'}\nget_ipython().kernel.do_execute = nothing\ndouble = triple = lambda x: x",
    "printed score": "print('10.0')\nfrom IPython.display import display\ndisplay({'text/plain': '10.0'}, raw=True)\ndouble = triple = lambda x: x",
    "answers on the probe": """
import os, socket, stat
double = triple = lambda x: x
for fd in map(int, os.listdir('/proc/self/fd')):
    try:
        if stat.S_ISSOCK(os.fstat(fd).st_mode):
            os.write(fd, b'\\x00' * 7 + b'\\x09' + b'null frame'[:9])
    except OSError:
        pass
""",
    "probe replaced": """
import gc
double = triple = lambda x: x
for thing in gc.get_objects():
    if type(thing).__name__ == 'Probe':
        type(thing).answer = lambda self, request: {'value': True, 'outcome': 'passed', 'score': 10}
""",
}


@pytest.mark.parametrize("name", FORGERIES)
def test_no_point_is_forged(graded, name):
    result = graded({"double-answer": "# a\n" + FORGERIES[name]}, limits=Limits(cell_s=5, check_s=5))
    assert result.status == "graded"
    allowed = (
        1.0 if name in ("nan", "infinite", "patched numpy", "printed score", "no execution") else 0.0
    )  # the shape is right
    assert (scores(result)["double"] or 0) <= allowed, result.questions
    assert scores(result)["triple"] == 0
