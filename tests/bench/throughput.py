"""`make bench`: a class of solved notebooks graded by `autograder grade` and by `nbgrader autograde`.

Both run on this machine one after the other, on the same solutions of problem set 1: ours with its checks,
nbgrader with a few cheap asserts in place of them. Ratios come first, since absolute times depend on the
machine. Nothing here is a test.

    python -m tests.bench.throughput [--submissions 40] [--nbgrader-submissions 6] [--jobs 2]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat

from tests.bench.plain_asserts import ASSERTS

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
ASSIGNMENT = "p01_attention"
PLAIN_CONFIG = 'c = get_config()\nc.CourseDirectory.course_id = "plain"\n'


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--submissions", type=int, default=40)
    parser.add_argument("--nbgrader-submissions", type=int, default=6)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ours = grade_with_us(Path(folder, "ours"), options.submissions, options.jobs)
        theirs = grade_with_nbgrader(Path(folder, "theirs"), options.nbgrader_submissions)
        report(ours, theirs, options)
        memory()


def solved_notebook(assignment: str = ASSIGNMENT) -> nbformat.NotebookNode:
    """The source notebook: the release with the reference's solutions."""
    return nbformat.read(ROOT / "source" / assignment / f"{assignment}.ipynb", as_version=4)


def hand_in(course: Path, nb: nbformat.NotebookNode, count: int, assignment: str = ASSIGNMENT) -> None:
    for number in range(count):
        folder = course / "submitted" / f"student{number:03}" / assignment
        folder.mkdir(parents=True)
        nb.metadata["copy"] = number  # no two files are the same, so that nothing is graded once for all
        nbformat.write(nb, folder / f"{assignment}.ipynb")


def make_course(course: Path, nb: nbformat.NotebookNode, count: int, assignment: str = ASSIGNMENT) -> None:
    """A copy of this course in which `count` students handed `nb` in."""
    for name in ("source", "release"):
        shutil.copytree(ROOT / name, course / name)
    shutil.copytree(ROOT / "autograder" / "checks", course / "checks")
    for name in ("nbgrader_config.py", "autograder.toml"):
        shutil.copy(ROOT / name, course)
    hand_in(course, nb, count, assignment)


def grade_with_us(course: Path, count: int, jobs: int) -> dict:
    make_course(course, solved_notebook(), count)
    command = [BIN / "autograder", "grade", ASSIGNMENT, "--jobs", str(jobs), "--json", "--course", course]
    seconds, output = timed(command, course)
    batch = json.loads(output)
    scores = {each["score"] for each in batch["submissions"]}
    full = {each["max_score"] for each in batch["submissions"]}
    if scores != full:
        raise SystemExit(f"the solved notebook did not get full marks: {scores} of {full}")
    return {"count": count, "seconds": seconds, "batch": batch}


def grade_with_nbgrader(course: Path, count: int) -> dict:
    """The same solutions as a plain assignment: the test cells hold asserts."""
    nb = solved_notebook()
    for cell in nb.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        if cell.source.startswith("check("):
            cell.source = ASSERTS[grade_id]
        cell.source = cell.source.replace("from public_checks import check\n", "")
    folder = course / "source" / ASSIGNMENT
    folder.mkdir(parents=True)
    nbformat.write(nb, folder / f"{ASSIGNMENT}.ipynb")
    (course / "nbgrader_config.py").write_text(PLAIN_CONFIG)
    timed([BIN / "nbgrader", "generate_assignment", ASSIGNMENT], course)
    hand_in(course, nb, count)
    seconds, _ = timed([BIN / "nbgrader", "autograde", ASSIGNMENT], course)
    return {"count": count, "seconds": seconds}


def timed(command: list, cwd: Path) -> tuple[float, str]:
    environment = os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "TF_CPP_MIN_LOG_LEVEL": "3"}
    began = time.monotonic()
    done = subprocess.run(list(map(str, command)), cwd=cwd, env=environment, capture_output=True, text=True)
    seconds = time.monotonic() - began
    if done.returncode:
        raise SystemExit(f"{command} failed:\n{done.stderr[-3000:]}")
    return seconds, done.stdout


def report(ours: dict, theirs: dict, options: argparse.Namespace) -> None:
    rate_ours = 60 * ours["count"] / ours["seconds"]
    rate_theirs = 60 * theirs["count"] / theirs["seconds"]
    stages = [each["seconds"] for each in ours["batch"]["submissions"]]
    print(f"{rate_ours / rate_theirs:.1f} times the submissions per minute of nbgrader autograde")
    print(f"machine: {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"autograder grade --jobs {options.jobs}: {ours['count']} submissions in {ours['seconds']:.1f} s")
    print(f"  {rate_ours:.1f} a minute, start of the launcher included")
    print(
        f"nbgrader autograde: {theirs['count']} submissions in {theirs['seconds']:.1f} s, {rate_theirs:.1f} a minute"
    )
    for stage in ("launch", "execute", "check", "total"):
        print(f"  {stage}: {statistics.median(each[stage] for each in stages):.3f} s a submission (median)")


def memory() -> None:
    """Start-up of the launcher, and what a kernel and its notebook add to the memory in use."""
    from autograder.grading.execute import NotebookRun
    from autograder.sandbox.limits import Limits
    from autograder.sandbox.session import Launcher

    began = time.monotonic()
    with Launcher.start("auto") as launcher:
        print(f"start of the launcher: {time.monotonic() - began:.1f} s")
        nb = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell("import tensorflow as tf\ntf.ones(3) + 1")]
        )
        run = NotebookRun(nb, lambda: launcher.launch(Limits(), seed=1), Limits())
        run.run()
        assert run.kernel
        print(f"memory of a kernel (PSS): {pss_mb(run.kernel.pid):.0f} MB")
        run.drop_kernel()


def pss_mb(pid: int) -> float:
    """Proportional set size: shared pages are counted by share. Source: proc(5), smaps_rollup."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise ValueError(f"no Pss of {pid}")


if __name__ == "__main__":
    main()
