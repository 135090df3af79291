"""The whole loop on a class of samples, in a folder of its own: build, release, hand in, grade, report."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import nbformat

from autograder.demo.classroom import CLASS, submission
from autograder.errors import ConfigError
from autograder.grading.batch import grade_batch
from autograder.grading.course import Course
from autograder.report import terminal
from autograder.report.class_report import write_class_report
from autograder.report.progress import progress as show_progress
from autograder.report.receipt import BatchResult

ASSIGNMENT = "p01_attention"
COURSE_FILES = ("nbgrader_config.py", "source", "release", "reference_impl", "autograder/checks")
# A sample loops for ever: the demo does not wait a minute for it.
SETTINGS = f"[assignments.{ASSIGNMENT}]\nlimits = {{ cell_s = 15 }}\n"


def run_demo(root: Path, folder: Path, say: Callable[[str], None]) -> BatchResult:
    """Copy the course at `root` to `folder`, let the class hand in, and grade it.

    Raises: ConfigError when `root` is not this project, or `folder` holds something else.
    """
    _copy_course(root, folder)
    say(f"course: {folder}")
    _timed(say, "build and release", lambda: _build(folder))
    _hand_in(folder)
    say(f"handed in: {len(CLASS)} submissions")
    for student in CLASS:
        say(f"  {student.name:10} {student.about}")
    course = Course(folder)
    with show_progress() as progress:
        batch = grade_batch(course, ASSIGNMENT, on_start=progress.start, on_result=progress.done)
    _timed(say, "feedback pages", lambda: _generate_feedback(folder))
    report = write_class_report(course, ASSIGNMENT)
    terminal.print_batch(batch)
    say("\nWhere to look:")
    say(f"  class report     {report}")
    say(f"  one student's    {course.folder('feedback', ASSIGNMENT, 'alan') / ASSIGNMENT}.html")
    say(f"  a receipt        {course.report_file(ASSIGNMENT, 'alan')}")
    say(f"  as released      {course.folder('release', ASSIGNMENT) / ASSIGNMENT}.ipynb")
    return batch


def _copy_course(root: Path, folder: Path) -> None:
    marker = folder / ".demo"
    if folder.exists() and not marker.exists():
        raise ConfigError(f"{folder} exists and is not a demo's: name another with --out")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    marker.touch()
    for name in COURSE_FILES:
        origin = root / name
        if not origin.exists():
            raise ConfigError(f"{origin} is missing: run the demo in the project's root")
        copy = shutil.copytree if origin.is_dir() else shutil.copy
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        copy(origin, folder / name)
    (folder / "autograder.toml").write_text(SETTINGS)


def _build(folder: Path) -> None:
    _command(
        [sys.executable, "-m", "autograder.cli", "build", ASSIGNMENT, "--course", str(folder)], Path.cwd()
    )


def _hand_in(folder: Path) -> None:
    course = Course(folder)
    name = f"{ASSIGNMENT}.ipynb"
    source = nbformat.read(course.folder("source", ASSIGNMENT) / name, as_version=4)
    released = nbformat.read(course.folder("release", ASSIGNMENT) / name, as_version=4)
    for student in CLASS:
        place = course.folder("submitted", ASSIGNMENT, student.name)
        place.mkdir(parents=True)
        (place / name).write_bytes(submission(student, released, source))


def _generate_feedback(folder: Path) -> None:
    program = Path(sys.executable).with_name("nbgrader")
    _command([str(program), "generate_feedback", ASSIGNMENT, "--force"], folder)


def _command(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, env=os.environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ConfigError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")


def _timed(say: Callable[[str], None], what: str, work: Callable[[], None]) -> None:
    began = time.monotonic()
    work()
    say(f"{what}: {time.monotonic() - began:.1f} s")
