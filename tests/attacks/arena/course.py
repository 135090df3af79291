"""A small course without TensorFlow, full of secrets, and what its students hand in.

Two assignments ask for the same functions. In `ps` they are judged by checks, outside the student's process;
in `plain` by asserts in locked cells, as any nbgrader course does: what can be forged can be forged there.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

import nbformat
from attack import Accident, Attack, Link
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

FULL = 10.0
POINTS = {"affine": 2.0, "labels": 2.0, "counter": 2.0, "describe": 2.0, "submission_contract": 2.0}
LIMITS = "cell_s = 5\nnotebook_s = 20\ncheck_s = 3\nmemory_mb = 512\ntasks = 64\nwork_mb = 64\nfile_mb = 32"

RIGHT = """\
def affine(x, scale, shift):
    return [[scale * entry + shift for entry in row] for row in x]


def labels(points, centers):
    nearest = []
    for point in points:
        distances = [sum((a - b) ** 2 for a, b in zip(point, center)) for center in centers]
        nearest.append(distances.index(min(distances)))
    return nearest


class Counter:
    def __init__(self):
        self.total = 0

    def add(self, number):
        self.total += number
        return self.total


def describe(number):
    return f"{number} is {'even' if number % 2 == 0 else 'odd'}"
"""
STUB = "# YOUR CODE HERE\nraise NotImplementedError()"

# Canaries: whatever of these shows up in what a submission says or leaves has been read where it must not be.
CANARIES = {
    "the hidden checks": "canary-5b1f-checks",
    "the reference": "canary-77c0-reference",
    "another submission": "canary-a3d9-honest",
    "the gradebook": "canary-e812-gradebook",
    "the environment of the grader": "canary-04aa-environment",
    "a file of the instructor's": "canary-91be-notes",
}
SECRET = b"canary-secret-of-the-instructor!"  # 32 bytes

REFERENCE = f'# {CANARIES["the reference"]}\nTOLD = "{CANARIES["the reference"]}"\n\n\n' + RIGHT
CHECKS = f'''\
"""{CANARIES["the hidden checks"]}"""
import numpy as np

from autograder.checking import as_numpy, close, equal, question

REFERENCE = ("reference_of_ps",)


@question("affine", points=1, public=True)
def test_scales_and_shifts(student, reference, rng):
    x = rng.normal(size=(3, 4)).tolist()
    scale, shift = float(rng.normal()), float(rng.normal())
    close(student.affine(x, scale, shift), reference.affine(x, scale, shift), "each entry is scaled and shifted")


@question("affine", points=1)
def test_of_zero_is_the_shift(student, rng):
    shift = float(rng.normal())
    close(student.affine([[0.0]], 3.0, shift), [[shift]], "zero gives the shift")


@question("labels", points=2)
def test_finds_the_hidden_labels(student, rng):
    centers = 10 * rng.normal(size=(4, 2))
    hidden = rng.integers(0, 4, size=20)
    points = centers[hidden] + 0.01 * rng.normal(size=(20, 2))
    equal(student.labels(points.tolist(), centers.tolist()), hidden.tolist(), "each point has its center's label")


@question("counter", points=2)
def test_counts(student, rng):
    first, second = map(int, rng.integers(1, 1000, size=2))
    counter = student.Counter()
    counter.add(first)
    equal(counter.add(second), first + second, "the total is returned")
    equal(counter.total.get(), first + second, "the total is kept")


@question("describe", points=2)
def test_describes(student, rng):
    number = int(rng.integers(1000))
    word = "odd" if number % 2 else "even"
    equal(student.describe(number), f"{{number}} is {{word}}", "the sentence says which")


@question("submission_contract", points=2, only_with_other_points=True)
def test_the_notebook_ran(submission):
    assert all(cell.error is None for cell in submission.cells), "a cell raised"
'''
ASSERTS = {
    "affine": "assert affine([[1, 2]], 3, 4) == [[7, 10]]",
    "labels": "assert labels([[0, 0], [9, 9]], [[9, 8], [0, 1]]) == [1, 0]",
    "counter": "c = Counter()\nfirst = c.add(1)\nassert c.add(2) == 3",
    "describe": "assert describe(3) == '3 is odd'",
    "submission_contract": "assert callable(affine)",
}


def build(root: Path, isolation: str) -> None:
    """The instructor's side."""
    root.mkdir()
    _put(root / "nbgrader_config.py", "c = get_config()\nc.CourseDirectory.course_id = 'arena'\n")
    _put(root / "autograder.toml", f'isolation = "{isolation}"\n\n[limits]\n{LIMITS}\n')
    _put(root / "checks" / "ps.py", CHECKS)
    _put(root / "reference_of_ps.py", REFERENCE)
    _put(root / "notes.txt", CANARIES["a file of the instructor's"])
    _put(root / ".autograder" / "secret", SECRET)
    (root / ".autograder" / "secret").chmod(0o600)
    for assignment in ("ps", "plain"):
        source = new_notebook(cells=[_with_solution(cell) for cell in template(assignment).cells])
        _put(root / "source" / assignment / f"{assignment}.ipynb", nbformat.writes(source))
        _put(root / "source" / assignment / "data.csv", "1,2,3\n")
        _put(root / "source" / assignment / "public" / "hints.txt", "think\n")


def template(assignment: str = "ps") -> NotebookNode:
    """The released notebook."""
    cells = [new_markdown_cell("# Functions"), _labeled(new_code_cell(STUB), "answer", solution=True)]
    for question, points in POINTS.items():
        source = f"# checks of {question}" if assignment == "ps" else ASSERTS[question]
        cells.append(_labeled(new_code_cell(source), question, grade=True, locked=True, points=points))
    spec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return new_notebook(cells=cells, metadata={"kernelspec": spec})


def answered(answer: str, before: Iterable[str] = (), after: Iterable[str] = (), assignment: str = "ps"):
    """A student's notebook: own cells, the answer, own cells, then the instructor's test cells."""
    nb = template(assignment)
    title, answers, *tests = nb.cells
    answers.source = answer
    own = [[new_code_cell(source) for source in sources] for sources in (before, after)]
    nb.cells = [title, *own[0], answers, *own[1], *tests]
    return nb


def hand_in_attack(root: Path, attack: Attack, assignment: str = "ps") -> Path:
    nb = answered(attack.answer, attack.before, attack.after, assignment)
    if attack.edit:
        attack.edit(nb)
    for cell in nb.cells:
        if isinstance(cell.get("source"), str):
            cell.source = _unspoken(cell.source)
    content = attack.raw if attack.raw is not None else _dumped(nb)
    files = {name: _unspoken(file) if isinstance(file, str) else file for name, file in attack.files.items()}
    return _hand_in(root, attack.who, content, files, assignment, attack.prepare)


def hand_in_accident(root: Path, accident: Accident) -> Path:
    nb = answered(RIGHT, accident.before, accident.after)
    if accident.edit:
        accident.edit(nb)
    content = accident.rewrite(_dumped(nb).decode()) if accident.rewrite else _dumped(nb)
    return _hand_in(root, accident.who, content, accident.files, "ps", None)


def hand_in_honest(root: Path, student: str) -> float:
    """Every second one has a mistake. Returns: the mark that it must get."""
    wrong = int(hashlib.sha256(student.encode()).hexdigest(), 16) % 2
    answer = RIGHT.replace("% 2 == 0", "% 2 == 1") if wrong else RIGHT
    nb = answered(f"# {CANARIES['another submission']} {student}\n{answer}")
    _hand_in(root, student, _dumped(nb), {"notes.txt": CANARIES["another submission"]}, "ps", None)
    return FULL - POINTS["describe"] * wrong


def _unspoken(source: str) -> str:
    """The same code without the words that the arena looks for: what holds them then was run, or read."""
    return source.replace("GAINED", r"GAI\x4eED").replace("canary-", r"can\x61ry-")


def _hand_in(root, student, content, files, assignment, prepare) -> Path:
    folder = root / "submitted" / student / assignment
    _put(folder / f"{assignment}.ipynb", content)
    for name, file in files.items():
        if isinstance(file, Link):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            os.symlink(file.target.format(course=root), folder / name)
        else:
            _put(folder / name, file)
    if prepare:
        prepare(folder)
    return folder


def _dumped(nb: NotebookNode) -> bytes:
    """As Jupyter writes it, but for what an attack has made of it."""
    return json.dumps(nb, indent=1, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _put(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def _labeled(cell: NotebookNode, grade_id: str, **fields) -> NotebookNode:
    flags = {"grade": False, "solution": False, "locked": False, "task": False, **fields}
    cell.metadata.nbgrader = NotebookNode(schema_version=3, grade_id=grade_id, **flags)
    return cell


def _with_solution(cell: NotebookNode) -> NotebookNode:
    if cell.metadata.get("nbgrader", {}).get("solution"):
        cell.source = f"### BEGIN SOLUTION\n{RIGHT}### END SOLUTION"
    return cell
