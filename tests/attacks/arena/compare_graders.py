"""The forging attacks against three graders: who gives points for nothing. Minutes; not a test.

    python tests/attacks/arena/compare_graders.py [--otter PYTHON] [--write]

Ours grades them by checks and, as an nbgrader course without checks, by asserts; `nbgrader autograde` runs with its
own configuration; otter is a Python that has otter-grader installed (a virtual environment of its own). Stock
graders run what they are given: start this as root, and it runs them as an ordinary user.
"""

from __future__ import annotations

import argparse
import copy
import datetime
import importlib.metadata
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import cases_forging  # noqa: E402
import course as arena  # noqa: E402
import nbformat  # noqa: E402
from attack import Attack  # noqa: E402
from nbformat.v4 import new_code_cell  # noqa: E402
from world import World  # noqa: E402

DOCUMENT = HERE.parents[2] / "SECURITY.md"
BEGIN, END = "<!-- who forges what: begin -->", "<!-- who forges what: end -->"
HONEST = Attack("a right answer", "nothing: all is as it should be", "", answer=arena.RIGHT)
EMPTY = Attack("no answer", "nothing at all", "", answer="pass")
ATTACKS = (HONEST, EMPTY, *cases_forging.CASES)
WAIT_S = 120
BY_RIGHT = arena.POINTS[
    "submission_contract"
]  # its assert asks that `affine` can be called: hollow answers' can


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--otter", help="a Python with otter-grader")
    parser.add_argument("--write", action="store_true", help="put the table into SECURITY.md")
    parser.add_argument("--as-user", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.as_user:
        _grade_stock(Path(options.as_user), options.otter)
        return
    world = World()
    try:
        table = _table(world, options.otter)
    finally:
        world.remove()
    print(table)
    if options.write:
        text = DOCUMENT.read_text()
        before, after = text[: text.index(BEGIN) + len(BEGIN)], text[text.index(END) :]
        DOCUMENT.write_text(f"{before}\n{table}\n{after}")


def _table(world: World, otter: str | None) -> str:
    names = tuple(attack.name for attack in cases_forging.CASES)
    ours = {
        assignment: world.run("ordinary", "namespaces", names, assignment=assignment, honest=0)["results"]
        for assignment in ("ps", "plain")
    }
    stock = world.script(
        "ordinary", "compare_graders", "--as-user", "{place}", *(["--otter", otter] if otter else [])
    )
    versions = [f"nbgrader {importlib.metadata.version('nbgrader')}", f"otter-grader {stock['version']}"]
    heads = ["attack", "autograder, checks", "autograder, plain asserts (flagged)", *versions]
    rows = []
    forged = dict.fromkeys(heads[1:], 0)
    for attack in ATTACKS:
        cells = []
        for head, scores in zip(
            heads[1:], (ours["ps"], ours["plain"], stock["nbgrader"], stock["otter"]), strict=True
        ):
            score = scores.get(attack.who)
            score = score["score"] if isinstance(score, dict) else score
            won = attack is not HONEST and isinstance(score, int | float) and score > BY_RIGHT
            forged[head] += won
            cells.append(
                f"**{score:g} of 10**" if won else score if isinstance(score, str) else _shown(score)
            )
        rows.append(f"| {attack.name}: {attack.tries} | {' | '.join(cells)} |")
    counts = " | ".join(f"**{count} forged**" for count in forged.values())
    today = datetime.date.today().isoformat()
    note = (
        f"{BY_RIGHT:g} points of the assert courses ask only that a function can be called; whoever defines it has "
        "them by right, so that much is not counted."
    )
    lines = [f"Measured on {today}, {len(ATTACKS) - 2} attacks, Python {sys.version.split()[0]}. {note}", ""]
    lines += [f"| {' | '.join(heads)} |", "|---|" + "---|" * (len(heads) - 1)]
    return "\n".join([*lines, *rows, f"| together | {counts} |"])


def _shown(score: float | None) -> str:
    return "–" if score is None else f"{score:g}"


def _grade_stock(place: Path, otter: str | None) -> None:
    """As the ordinary user: both stock graders, each submission by itself, so that none ends the others'."""
    os.environ["HOME"] = str(place / "home")
    observed = {
        "nbgrader": _by_nbgrader(place / "nbgrader"),
        "otter": _by_otter(place / "otter", otter) if otter else {},
        "version": _version(otter) if otter else "(not measured)",
    }
    (place / "observed.json").write_text(json.dumps(observed))


def _by_nbgrader(root: Path) -> dict[str, float | str]:
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # of alembic
    arena.build(root, "none")
    (root / "nbgrader_config.py").write_text("c = get_config()\nc.CourseDirectory.course_id = 'arena'\n")
    nbgrader = [sys.executable, "-m", "nbgrader"]
    quiet = {"cwd": root, "capture_output": True, "text": True, "timeout": WAIT_S}
    made = subprocess.run([*nbgrader, "generate_assignment", "plain", "--force"], **quiet)
    assert made.returncode == 0, made.stderr
    scores: dict[str, float | str] = {}
    for attack in ATTACKS:
        arena.hand_in_attack(root, attack, "plain")
        try:
            subprocess.run([*nbgrader, "autograde", "plain", "--student", attack.who], **quiet)
        except subprocess.TimeoutExpired:
            scores[attack.who] = "hangs"
            continue
        scores[attack.who] = _score_of(root, attack.who)
    return scores


def _score_of(root: Path, student: str) -> float | str:
    from nbgrader.api import Gradebook, MissingEntry

    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        try:
            submission = gradebook.find_submission("plain", student)
        except MissingEntry:
            return "not graded"
        marked = root / "autograded" / student / "plain" / "plain.ipynb"
        return submission.score if marked.exists() else "not graded"


def _version(otter: str) -> str:
    said = "import importlib.metadata as m; print(m.version('otter-grader'))"
    return subprocess.run([otter, "-c", said], capture_output=True, text=True, check=True).stdout.strip()


def _by_otter(root: Path, otter: str) -> dict[str, float | str]:
    """`otter run`, with a test file for each question, hidden from the submission but there when it runs."""
    root.mkdir()
    with zipfile.ZipFile(root / "autograder.zip", "w") as archive:
        archive.writestr("otter_config.json", json.dumps({"zips": False, "seed_variable": None}))
        archive.writestr("requirements.txt", "")
        for question, points in arena.POINTS.items():
            code = "\n".join(f">>> {line}" for line in arena.ASSERTS[question].splitlines())
            case = {"code": code, "hidden": True, "locked": False, "points": points}
            suites = [{"cases": [case], "scored": True, "setup": "", "teardown": "", "type": "doctest"}]
            test = {"name": question, "points": None, "suites": suites}
            archive.writestr(f"tests/{question}.py", f"OK_FORMAT = True\ntest = {test!r}\n")
    scores: dict[str, float | str] = {}
    for attack in ATTACKS:
        folder = root / attack.who
        folder.mkdir()
        nb = _for_otter(attack)
        (folder / "plain.ipynb").write_text(json.dumps(nb))
        command = [
            otter,
            "-m",
            "otter",
            "run",
            "-a",
            "../autograder.zip",
            "-o",
            ".",
            "--no-logo",
            "plain.ipynb",
        ]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=WAIT_S)
        except subprocess.TimeoutExpired:
            scores[attack.who] = "hangs"
            continue
        results = folder / "results.json"
        if not results.exists():
            print(attack.name, done.stderr[-300:], file=sys.stderr)
            scores[attack.who] = "not graded"
            continue
        said = json.loads(results.read_text())
        scores[attack.who] = round(sum(test.get("score") or 0 for test in said["tests"]), 2)
    return scores


def _for_otter(attack: Attack):
    nb = arena.answered(attack.answer, attack.before, attack.after, "plain")
    for cell in nb.cells:
        marks = cell.metadata.get("nbgrader", {})
        if marks.get("grade"):
            cell.source = f"grader.check({marks.grade_id!r})"
    nb.cells.insert(0, new_code_cell("import otter\ngrader = otter.Notebook()"))
    nb = nbformat.from_dict(copy.deepcopy(nb))
    if attack.edit:
        attack.edit(nb)
    return nb


if __name__ == "__main__":
    main()
