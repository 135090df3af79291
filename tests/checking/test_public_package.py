"""The released package: made reproducibly, and working where nothing of ours is installed."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from autograder.checking.freeze import FreezeError, record_answers, write_public_package

TINY = Path(__file__).with_name("tiny_checks.py")
HEADER = """
import numpy as np
from autograder.checking import close, question, variables
REFERENCE = ("toy_reference",)
"""
FAILING = """
@question("q", points=1, public=PUBLIC)
def test_a(student):
    assert student.double(1) == 3, "m"
"""


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """A release folder with the package."""
    folder = tmp_path_factory.mktemp("release")
    write_public_package(TINY, folder / "public_checks")
    return folder


def run_cells(folder, *cells):
    """What a notebook prints that runs these cells in `folder`, without anything of ours to import."""
    script = f"""
import sys
sys.modules["autograder"] = None
sys.path[:] = [p for p in sys.path if not p.endswith("checking")]
sys.path.insert(0, "")
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
for number, cell in enumerate({cells!r}):
    result = shell.run_cell(cell, store_history=True)
    result.raise_error()
"""
    environment = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LD_LIBRARY_PATH")}
    environment |= {
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "",
        "IPYTHONDIR": str(folder / ".ipython"),
    }
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


NOTEBOOK = [
    "from public_checks import check\nimport sys\nprint('pytest' in sys.modules)",
    "check('double')",
    "def double(x):\n    raise NotImplementedError\ndef split(x):\n    return None",
    "check('double')\ncheck('split')",
    "def double(x):\n    half = x\n    return half + missing",
    "check('double')",
    "def double(x):\n    print('looking')\n    return 2.5 * x\ndef split(x):\n    return x[:3], x[3:]",
    "check()",
    "def double(x):\n    return x + x",
    "check('double')\ncheck('double')\ncheck('no such question')",
]
PRINTED = """\
False
double
  ✗ doubles every entry
      `double` is not defined in the notebook: run the cell that defines it first
0 of 1 public check holds; more checks run at grading.
double
  ✗ doubles every entry
      not implemented yet
0 of 1 public check holds; more checks run at grading.
split
  ✗ halves add up
      the result has another form than the question asks for: it is None
0 of 1 public check holds.
double
  ✗ doubles every entry
      your code raised NameError: name 'missing' is not defined
      line 3 of the cell, in double: return half + missing
0 of 1 public check holds; more checks run at grading.
looking
double
  ✗ doubles every entry
      every entry is multiplied by 2 (max. difference DIFFERENCE at tolerance 1e-05)
0 of 1 public check holds; more checks run at grading.
split
  ✓ halves add up
1 of 1 public check holds.
double
  ✓ doubles every entry
1 of 1 public check holds; more checks run at grading.
double
  ✓ doubles every entry
1 of 1 public check holds; more checks run at grading.
There are no public checks of 'no such question'. Some have: double, split.
"""


def test_a_student_sees_what_holds_and_why_the_rest_does_not(released, tmp_path):
    shutil.copytree(released, tmp_path, dirs_exist_ok=True)
    (tmp_path / "conftest.py").write_text("raise RuntimeError('read')")
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\naddopts = '--no-such-option'")
    printed = run_cells(tmp_path, *NOTEBOOK)
    before, after = PRINTED.split("DIFFERENCE")
    assert printed.startswith(before) and printed.endswith(after)


def test_the_same_bytes_every_time(released, tmp_path):
    write_public_package(TINY, tmp_path / "again")
    (tmp_path / "again" / "stale.py").write_text("")
    write_public_package(TINY, tmp_path / "again")
    first, second = (
        {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "__pycache__"}
        for folder in (released / "public_checks", tmp_path / "again")
    )
    assert first == second and "answers.npz" in first


def test_names_and_first_weights_of_layers_do_not_depend_on_what_ran_before(tmp_path):
    body = """
@question("q", points=1, public=True)
def test_a(student, reference):
    layer = reference.Projection(2)
    layer(np.ones((1, 3)))
    assert len(variables(layer)) == 2, "m"
    assert student is not None, "m"
"""
    path = module(tmp_path, body)
    path.write_text(path.read_text().replace("toy_reference", "tiny_layers"))
    assert record_answers(path) == record_answers(path)


def test_nothing_hidden_and_nothing_of_the_reference_is_released(released):
    for path in (released / "public_checks").glob("*.*"):
        content = path.read_bytes()
        for secret in (b"keeps_the_shape", b"toy_reference", b"REFERENCE =", b"submission_contract"):
            assert secret not in content, path


def test_the_answers_are_the_references(released):
    with np.load(released / "public_checks" / "answers.npz", allow_pickle=False) as archive:
        draw, answer, *_ = (archive[name] for name in sorted(archive.files))
    np.testing.assert_allclose(answer, 2 * draw, rtol=1e-6)
    assert (released / "public_checks" / "answers.json").read_text().endswith("\n")


def module(tmp_path, body):
    path = tmp_path / "some_checks.py"
    path.write_text(
        HEADER.replace("from autograder.checking import *\n", "") + 'REFERENCE = ("toy_reference",)\n' + body
    )
    return path


def test_draws_of_every_kind_are_frozen(tmp_path):
    body = """
@question("q", points=1, public=True)
def test_a(student, rng):
    order = np.arange(4)
    rng.shuffle(order)
    x = rng.normal(), rng.integers(5), rng.permutation(4), order, rng.uniform(size=(2, 2))
    assert x, "m"
"""
    folder = tmp_path / "release"
    write_public_package(module(tmp_path, body), folder / "public_checks")
    checks = folder / "public_checks" / "checks.py"
    checks.write_text(checks.read_text().replace("assert x", "print(*x, sep='|')"))
    cells = ["from public_checks import check", "check()"]
    printed = run_cells(folder, *cells)
    assert printed.count("|") == 4
    # As on another version of NumPy, whose own draws differ:
    other = "import numpy as np\nown = np.random.default_rng\nnp.random.default_rng = lambda seed: own(99)"
    assert run_cells(folder, other, *cells) == printed


def test_a_public_check_that_fails_on_the_reference_is_refused(tmp_path):
    with pytest.raises(FreezeError, match=r"some_checks.py: the public check a fails on the reference: m"):
        record_answers(module(tmp_path, FAILING.replace("PUBLIC", "True")))


def test_a_public_check_of_the_submission_is_refused(tmp_path):
    body = '@question("q", points=1, public=True)\ndef test_a(submission): pass\n'
    with pytest.raises(FreezeError, match="cannot look at the submission"):
        record_answers(module(tmp_path, body))


def test_a_public_check_that_sends_the_students_values_to_the_reference_is_refused(tmp_path):
    body = """
@question("q", points=1, public=True)
def test_a(student, reference, rng):
    x = student.double(rng.normal(size=3))
    close(student.double(x), reference.double(x), "m")
"""
    with pytest.raises(FreezeError, match="test_a sends the reference what came from the student"):
        record_answers(module(tmp_path, body))


def test_hidden_checks_are_not_run_by_the_build(tmp_path):
    _, index = record_answers(module(tmp_path, FAILING.replace("PUBLIC", "False")))
    assert json.loads(index) == {"dict": [["cases", {"dict": []}], ["hidden", []]]}


def test_what_was_not_frozen_is_said_and_not_guessed(tmp_path):
    body = """
@question("q", points=1, public=True)
def test_a(student, reference):
    if student.double(1) != 2:
        reference.split([1, 2])
"""
    folder = tmp_path / "release"
    write_public_package(module(tmp_path, body), folder / "public_checks")
    printed = run_cells(folder, "from public_checks import check\ndef double(x): return 3", "check()")
    assert "this check can only be run at grading" in printed
