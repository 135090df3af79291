"""One batch with everything in it, in a process of its own: hostile submissions beside honest ones.

    python -m arena_run ORDER.json

grades as this user and writes to the order's `observed` what came of every submission and what was left over.
"""

from __future__ import annotations

import dataclasses
import json
import os
import resource
import sys
import time
import traceback
from pathlib import Path

import course
from cases import all_cases
from leftovers import Snapshot

HONEST = 20


def main() -> None:
    order = json.loads(Path(sys.argv[1]).read_text())
    observed = Path(order["observed"])
    try:
        said = run(order)
    except BaseException:
        said = {"error": traceback.format_exc()}
    observed.write_text(json.dumps(said, default=repr))


def run(order: dict) -> dict:
    os.environ["HOME"] = order["home"]
    root = Path(order["root"])
    isolation = order["isolation"]
    course.build(root, isolation)
    if not order.get("hide", True):
        os.environ["PYTHONPATH"] = os.pathsep.join([os.environ.get("PYTHONPATH", ""), str(root)])
    expected = {f"honest-{n:02}": 0.0 for n in range(order.get("honest", HONEST))}
    for student in expected:
        expected[student] = course.hand_in_honest(root, student)
    cases = all_cases()
    for name in order["cases"]:
        case = cases[name]
        if isinstance(case, course.Attack):
            course.hand_in_attack(root, case, order.get("assignment", "ps"))
        else:
            course.hand_in_accident(root, case)
    before = Snapshot.take(root, Path(os.environ["TMPDIR"]))
    batch, seconds = _grade(root, order, isolation)
    after = Snapshot.take(root, Path(os.environ["TMPDIR"]), patience_s=5.0)
    pages = _pages(root, batch) if order.get("pages") else {}
    return {
        "pages": pages,
        "seconds": seconds,
        "isolation": list(batch.isolation),
        "expected": expected,
        "results": {result.student: result.to_json() for result in batch.submissions},
        "said": {result.student: _everything_said(root, order, result) for result in batch.submissions},
        "leftovers": before.compared_with(after),
        "peak_mb": {
            "this process": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "its children": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
        },
    }


def _grade(root: Path, order: dict, isolation: str):
    from autograder.grading.batch import grade_batch
    from autograder.grading.course import Course
    from autograder.sandbox.session import GRADER_MODULES, Launcher

    started = time.monotonic()
    launcher = Launcher.start(
        isolation, preload=("numpy", *GRADER_MODULES), course=root if order.get("hide", True) else None
    )
    batch = grade_batch(
        Course(root),
        order.get("assignment", "ps"),
        jobs=order.get("jobs", 2),
        isolation=isolation,
        launcher=launcher,
        on_result=lambda result: print(
            f"{time.monotonic() - started:.1f}", ascii(result.student), file=sys.stderr, flush=True
        ),
    )
    return batch, time.monotonic() - started


def _pages(root: Path, batch) -> dict[str, str]:
    """The class report, and the feedback pages that nbgrader makes of what we have marked."""
    from nbgrader.apps.api import NbGraderAPI
    from nbgrader.coursedir import CourseDirectory
    from traitlets.config import Config

    from autograder.grading.course import Course
    from autograder.report.class_report import write_class_report

    pages = {"the class report": write_class_report(Course(root), "ps").read_text()}
    config = Config({"CourseDirectory": {"root": str(root), "course_id": "arena"}})
    api = NbGraderAPI(CourseDirectory(config=config), config=config)
    for result in batch.submissions:
        if result.status == "graded":
            api.generate_feedback("ps", result.student)
            page = root / "feedback" / result.student / "ps" / "ps.html"
            pages[result.student] = page.read_text() if page.exists() else ""
    return pages


def _everything_said(root: Path, order: dict, result) -> str:
    """All that a submission shows or leaves: outputs, files, messages, warnings."""
    said = [json.dumps(dataclasses.replace(result, seed=None).to_json())]
    folder = root / "autograded" / result.student / order.get("assignment", "ps")
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if path.is_symlink():
            said.append(f"GAINED a link {path.name}")
        elif path.suffix == ".ipynb":
            nb = json.loads(path.read_text())
            said += [json.dumps(cell.get("outputs", ()), ensure_ascii=False) for cell in nb["cells"]]
        elif path.is_file():
            said.append(f"{path.name}: {path.read_bytes()[: 4 << 20].decode('utf-8', 'replace')}")
    return "\n".join(said)


if __name__ == "__main__":
    main()
