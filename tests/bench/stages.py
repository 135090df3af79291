"""Where the CPU seconds of one submission go: by process (kernel, grader) and by stage.

Solved submissions of problem set 1 are graded one after the other in one warm worker, as `autograder grade`
does it, and the processor time of kernel and grader is read at the end of each stage.

    python -m tests.bench.stages [--submissions 6] [--assignment p01_attention] [--cells]
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from autograder.grading import submission, worker
from autograder.grading.course import Course
from autograder.grading.execute import NotebookRun
from autograder.sandbox.session import COURSE_MODULES, GRADER_MODULES, Launcher
from tests.bench.throughput import ASSIGNMENT, make_course, solved_notebook

TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--submissions", type=int, default=6)
    parser.add_argument("--assignment", default=ASSIGNMENT)
    parser.add_argument("--cells", action="store_true", help="also the wall seconds of slow cells and checks")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make_course(root, solved_notebook(options.assignment), options.submissions, options.assignment)
        tasks = tasks_of(Course(root), options.assignment)
        with (
            Launcher.start("auto", preload=COURSE_MODULES + GRADER_MODULES) as launcher,
            worker.WorkerPool(launcher, 1) as pool,
        ):
            stages, graded = [], None
            for task in tasks:
                measured, graded = pool.submit(grade_measured, task).result()
                stages.append(measured)
    assert graded is not None
    print(
        f"{graded.result.score:g} of {graded.result.max_score:g} points; medians of {len(stages) - 1} submissions"
    )
    for name in stages[0]:
        print(f"{name:>30}: {statistics.median(each[name] for each in stages[1:]):7.3f}")
    if options.cells:
        for cell in graded.result.cells:
            if cell.seconds > 0.01:
                print(f"  cell {cell.index + 1:3} {cell.grade_id or '':50} {cell.seconds:.3f} s")
        checks = [check for question in graded.result.questions for check in question.checks]
        for check in sorted(checks, key=lambda each: -each.seconds)[:25]:
            print(f"  check {check.id:75} {check.seconds:.3f} s")


def tasks_of(course: Course, assignment: str) -> list[submission.GradeTask]:
    """What `autograder grade` would hand to its workers."""
    from autograder.grading.batch import _Batch

    batch = _Batch(course, assignment, force=True, keep=False)
    return list(batch.tasks(course.submissions(assignment), time.monotonic()))


def grade_measured(task: submission.GradeTask) -> tuple[dict[str, float], submission.GradedSubmission]:
    """Grade in this worker; the processor seconds (`cpu`) and wall seconds of each stage."""
    measured: dict[str, float] = {}
    seen: dict[str, float] = {"grader": cpu_s(os.getpid()), "kernel": 0.0, "wall": time.monotonic()}

    def stage(name: str, run: NotebookRun | None) -> None:
        now = {"grader": cpu_s(os.getpid()), "wall": time.monotonic(), "kernel": seen["kernel"]}
        if run is not None and run.kernel is not None:
            now["kernel"] = cpu_s(run.kernel.pid)
        for what, value in now.items():
            unit = "wall" if what == "wall" else f"{what} cpu"
            measured[f"{name}, {unit}"] = measured.get(f"{name}, {unit}", 0.0) + value - seen[what]
            seen[what] = value

    def staged(method: str, name: str) -> Callable:
        original = getattr(NotebookRun, method)

        def wrapper(self: NotebookRun, *args: object) -> object:
            result = original(self, *args)
            if name != "launch" or not self._runs:  # each cell makes sure of its kernel
                stage(name, self)
            return result

        setattr(NotebookRun, method, wrapper)
        return original

    began = time.monotonic()
    originals = {
        name: staged(name, stage_) for name, stage_ in (("_ensure_kernel", "launch"), ("run", "cells"))
    }
    dropped = NotebookRun.drop_kernel

    def drop(self: NotebookRun) -> None:
        stage("checks", self)
        dropped(self)
        stage("burial", None)

    NotebookRun.drop_kernel = drop
    try:
        graded = submission.grade(task, worker.launcher())
    finally:
        for name, original in originals.items():
            setattr(NotebookRun, name, original)
        NotebookRun.drop_kernel = dropped
    stage("marking", None)
    measured["all, cpu"] = sum(value for name, value in measured.items() if name.endswith("cpu"))
    measured["all, wall"] = time.monotonic() - began
    return measured, graded


def cpu_s(pid: int) -> float:
    """Processor seconds of a process and its threads, user and system. Source: proc(5), stat."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


if __name__ == "__main__":
    from tests.bench import stages

    stages.main()  # of the module by its name: a worker has to find `grade_measured` there
