"""A class of small submissions over Dask workers: throughput by the number of workers, and a run that is disturbed.

Everything is a process of its own and the command is the real one. The disturbed run kills workers, and the command
itself, which is client and writer of marks in one, at moments that are drawn; it is started again until it ends, and
its gradebook is compared with that of a run that nobody disturbed.

    python -m tests.bench.cluster [--submissions 1000] [--workers 1 2 4] [--kills 6]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader.api import Gradebook

from autograder.grading.course import Course
from tests.grading.cluster import clusters

CHECKS = """
from autograder.checking import close, question


@question("double", points=2)
def test_doubles(student, rng):
    x = rng.normal(size=3).tolist()
    close(student.double(x), [2 * each for each in x], "double gives twice its argument")
"""
ANSWERS = (
    "def double(x):\n    return [2 * each for each in x]",
    "def double(x):\n    return x",
    "def double(x):\n    raise ValueError(x)",
    "import os\nos._exit(1)",
)
COMMAND = str(Path(sys.executable).with_name("autograder"))
MAX_STARTS = 60


def make_course(root: Path, submissions: int) -> Path:
    """A plain course of one question, without TensorFlow. One in four answers is right."""
    (root / "checks").mkdir(parents=True)
    (root / "checks" / "ps.py").write_text(CHECKS)
    (root / "nbgrader_config.py").write_text("c = get_config()\nc.CourseDirectory.course_id = 'one'\n")
    _write(root / "source" / "ps" / "ps.ipynb", ANSWERS[0])
    for number in range(submissions):
        answer = f"{ANSWERS[number % len(ANSWERS)]}\n# {number}"
        _write(root / "submitted" / f"s{number:05}" / "ps" / "ps.ipynb", answer)
    return root


def _write(path: Path, answer: str) -> None:
    path.parent.mkdir(parents=True)
    cells = [_cell(answer, "answer", solution=True), _cell("# checks", "double", grade=True, points=2)]
    nbformat.write(new_notebook(cells=cells), path)


def _cell(source: str, grade_id: str, *, grade: bool = False, solution: bool = False, **more: object):
    marks = {"grade_id": grade_id, "schema_version": 3, "grade": grade, "solution": solution, "locked": grade}
    return new_code_cell(source, metadata={"nbgrader": {**marks, **more}})


@dataclass
class Run:
    """One start of the command: its events so far, and how it ended (None if it was killed)."""

    process: subprocess.Popen
    events: list[dict]
    reader: threading.Thread

    def wait(self, timeout_s: float) -> dict:
        out, _ = self.process.communicate(timeout=timeout_s)
        self.reader.join()
        if self.process.returncode not in (0, 1):
            raise RuntimeError(f"exit {self.process.returncode}: {self.events[-5:]}")
        return json.loads(out)

    def results(self) -> list[dict]:
        return [event for event in self.events if event.get("event") == "result"]


def start(course: Path, *options: str) -> Run:
    """`autograder grade ps --json`, with its lines of progress read as they come."""
    errors_read, errors_write = os.pipe()
    process = subprocess.Popen(
        [COMMAND, "grade", "ps", "--json", "--course", str(course), *options],
        stdout=subprocess.PIPE,
        stderr=errors_write,
        text=True,
    )
    os.close(errors_write)
    events: list[dict] = []

    def read() -> None:
        with os.fdopen(errors_read) as lines:
            for line in lines:
                with contextlib.suppress(ValueError):
                    events.append(json.loads(line))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    return Run(process, events, reader)


def grade(course: Path, *options: str, timeout_s: float = 7200) -> dict:
    return start(course, *options).wait(timeout_s)


def rows(course: Path) -> dict[tuple[str, str], tuple]:
    """What the gradebook says of each question of each submission."""
    with Gradebook(Course(course).db_url) as gradebook:
        return {
            (submission.student.id, mark.name): (mark.auto_score, mark.manual_score, mark.needs_manual_grade)
            for submission in gradebook.assignment_submissions("ps")
            for notebook in submission.notebooks
            for mark in notebook.grades
        }


def submissions_in(course: Path) -> Counter[str]:
    with Gradebook(Course(course).db_url) as gradebook:
        return Counter(submission.student.id for submission in gradebook.assignment_submissions("ps"))


def disturbed(
    course: Path,
    cluster: clusters.Cluster,
    *,
    workers: int,
    kills: int,
    rng: random.Random,
    tell: Callable[[str], None] = print,
) -> dict:
    """Grade with `kills` killings of the command and as many of workers, then to the end; the last run's batch."""
    alive = [cluster.worker() for _ in range(workers)]
    total = len(list(course.glob("submitted/*")))
    for kill in range(MAX_STARTS):
        run = start(course, "--executor", cluster.address)
        if kill >= kills:
            return run.wait(7200)
        fresh = rng.randint(1, max(2, total // (2 * kills)))  # results that this start lives to see
        while run.process.poll() is None and sum(not e["cached"] for e in run.results()) < fresh:
            time.sleep(0.02)
        time.sleep(rng.random() * 0.3)  # somewhere between two results, or within the writing of one
        victim = rng.randrange(len(alive))
        alive[victim].kill()
        time.sleep(rng.random() * 0.5)
        run.process.kill()
        run.process.wait()
        alive[victim] = cluster.worker()
        tell(f"kill {kill + 1}: a worker, and the command after {len(run.results())} results")
    raise RuntimeError("it does not come to an end")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--submissions", type=int, default=1000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--kills", type=int, default=6)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="autograder-cluster-") as folder:
        original = make_course(Path(folder, "course"), options.submissions)
        undisturbed = None
        for count in options.workers:
            course = Path(shutil.copytree(original, Path(folder, f"with{count}")))
            with clusters.running(Path(folder), workers=count) as cluster:
                grade(course, "--executor", cluster.address, "--student", "s00000")  # launchers are up
                began = time.monotonic()
                batch = grade(course, "--executor", cluster.address)
                seconds = time.monotonic() - began
            graded = sum(not each["cached"] for each in batch["submissions"])
            print(
                f"{count} workers: {graded} submissions in {seconds:.1f} s, {graded / seconds:.2f}/s",
                flush=True,
            )
            undisturbed = rows(course)
        if options.kills:
            course = Path(shutil.copytree(original, Path(folder, "disturbed")))
            with clusters.running(Path(folder)) as cluster:
                began = time.monotonic()
                disturbed(
                    course, cluster, workers=max(options.workers), kills=options.kills, rng=random.Random(1)
                )
            once = (
                set(submissions_in(course).values()) == {1}
                and len(submissions_in(course)) == options.submissions
            )
            print(f"disturbed: {time.monotonic() - began:.1f} s, every submission once: {once}")
            print(f"its gradebook is that of the undisturbed run: {rows(course) == undisturbed}")
    print(f"cores: {os.cpu_count()}")


if __name__ == "__main__":
    main()
