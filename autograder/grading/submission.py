"""One submission, from the files that came in to marks that the grader stands behind.

`grade(task)` runs in a worker. The task carries everything, so the worker may be on another machine:
the submission's files, the trusted cells, where the checks are, limits and seed.
"""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder.checking.catalogue import check_catalogue
from autograder.checking.result import CheckResult
from autograder.checking.suite import derived_seed
from autograder.errors import IsolationUnavailable, LauncherError, NotebookError
from autograder.grading import marking, shared_worker, worker
from autograder.grading.ahead import modules_to_preload
from autograder.grading.checked import check_notebook
from autograder.grading.config import FeedbackPolicy
from autograder.grading.course import Course
from autograder.grading.execute import KernelLost, NotebookRun
from autograder.grading.file_tree import laid_over
from autograder.grading.notebook import TrustedCells, intake
from autograder.grading.notebook_file import MAX_BYTES as MAX_NOTEBOOK_BYTES
from autograder.report.receipt import CellTiming, QuestionResult, Seconds, SubmissionResult
from autograder.report.safe_notebook import safe_to_show
from autograder.sandbox.limits import Limits
from autograder.sandbox.session import Launcher, SandboxedKernel
from autograder.sandbox.work_folder import FOLDER, WorkFolder

MAX_SUBMISSION_MB = 512


@dataclass(frozen=True)
class GradeTask:
    """Everything that grading one submission needs.

    Attributes:
        files: the submission's folder, path to content, its notebook included.
        notebook: the path of the notebook in `files`.
        released: files of the release (public checks, data): they replace the student's copies.
        checks: the check module; None for a plain nbgrader assignment.
        seed: of the hidden inputs and of the kernel.
        skipped: grade ids of cells that are not run.
        threads: per kernel.
        feedback: what the student sees of checks.
        kernel_arguments: for IPython.
        left_out: what was handed in and not taken into `files`.
        kept: results of checks that stand, so that these are not run.
        budget_s: wall-clock seconds for all of it; without end if None.
    """

    student: str
    assignment: str
    files: dict[str, bytes]
    notebook: str
    trusted: TrustedCells
    released: dict[str, bytes]
    checks: Path | None
    limits: Limits
    seed: int
    skipped: frozenset[str] = frozenset()
    threads: int = 1
    feedback: FeedbackPolicy = "all"
    kernel_arguments: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    kept: tuple[CheckResult, ...] = ()
    budget_s: float | None = None


@dataclass(frozen=True)
class GradedSubmission:
    """The receipt, the marked notebook (None where nothing could be run) and the files that it wrote.

    `postponed`: this run did not come to it; there is nothing to write down.
    """

    result: SubmissionResult
    notebook: NotebookNode | None = None
    files: dict[str, bytes] = dataclasses.field(default_factory=dict)
    postponed: bool = False


def seed_for(secret: bytes, files: dict[str, bytes]) -> int:
    """A seed that a student cannot foresee, the same whenever the same files are graded again."""
    return int.from_bytes(hmac.digest(secret, files_sha256(files), "sha256")[:8], "big") >> 1


def files_sha256(files: dict[str, bytes]) -> bytes:
    digest = hashlib.sha256()
    for path, content in sorted(files.items()):
        digest.update(f"{len(path)} {path} {len(content)} ".encode("utf-8", "surrogateescape"))
        digest.update(content)
    return digest.digest()


def grade(task: GradeTask, launcher: Launcher) -> GradedSubmission:
    """Grade one submission. A student's failure is data; whatever cannot be graded says why."""
    started = time.monotonic()
    try:
        restored = intake(task.files[task.notebook], task.trusted)
    except NotebookError as error:
        return GradedSubmission(_failed(task, str(error), started))
    try:
        return _grade_restored(task, restored.nb, list(restored.warnings), launcher, started)
    except (LauncherError, IsolationUnavailable, KernelLost) as error:
        return GradedSubmission(_failed(task, str(error), started), safe_to_show(restored.nb))


def grade_in_worker(task: GradeTask) -> GradedSubmission:
    """`grade`, for a process that a launcher has forked."""
    return grade(task, worker.launcher())


def grade_notebook(
    nb: NotebookNode,
    folder: Path,
    assignment: str,
    student: str,
    course: Course,
    limits: Limits,
    *,
    notebook: str,
    kernel_arguments: tuple[str, ...] = (),
) -> GradedSubmission:
    """Grade one notebook for a program that is not a batch, in a warm worker that programs share.

    Args:
        nb: as handed in, or with the instructor's cells already in it.
        folder: the files beside it; it is not changed.
        notebook: its name. Checks belong to assignments of a single notebook.
    Raises: ConfigError, GradebookError, IsolationUnavailable.
    """
    name = f"{notebook}.ipynb"
    files = read_folder(folder) | {name: nbformat.writes(nb).encode("utf-8", "surrogatepass")}
    whole = course.notebooks(assignment) == [notebook]
    handed_in = course.folder("submitted", assignment, student)  # as in a batch, so that the seed is the same
    task = GradeTask(
        student=student,
        assignment=assignment,
        files=files,
        notebook=name,
        trusted=course.trusted_cells(assignment, notebook),
        released=released_files(course, assignment),
        checks=course.checks_file(assignment) if whole else None,
        limits=limits,
        seed=seed_for(course.secret(), read_folder(handed_in) if handed_in.is_dir() else files),
        skipped=course.skipped_cells(assignment, notebook),
        feedback=course.settings(assignment).feedback,
        kernel_arguments=kernel_arguments,
    )
    preload = modules_to_preload([nbformat.writes(nb).encode("utf-8", "surrogatepass"), *_texts(task.checks)])
    return shared_worker.run(
        grade_in_worker, task, isolation=course.config.isolation, preload=preload, course=course.root
    )


def read_folder(folder: Path) -> dict[str, bytes]:
    """The regular files of a submission's folder; links are not followed."""
    return _read(folder)[0]


def read_submission(folder: Path, notebook: str) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """`read_folder`, the notebook among them whatever else is there, and what was left out.

    Raises: OSError if there is no reading the notebook.
    """
    files, left_out = _read(folder)
    if notebook not in files:
        descriptor = os.open(folder / notebook, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            files[notebook] = file.read(MAX_NOTEBOOK_BYTES + 1)  # one that is larger is refused as too large
    return files, tuple(path for path in left_out if path != notebook)


def _read(folder: Path) -> tuple[dict[str, bytes], list[str]]:
    source = WorkFolder(os.open(folder, FOLDER), None)
    try:
        return source.read(MAX_SUBMISSION_MB << 20)
    finally:
        source.close()


def released_files(course: Course, assignment: str) -> dict[str, bytes]:
    """What students got beside the notebook (public checks, data): trusted copies replace theirs."""
    return {name: path.read_bytes() for name, path in course.released_files(assignment).items()}


def _texts(checks: Path | None) -> list[bytes]:
    return [checks.read_bytes()] if checks else []


def notebook_sha256(task: GradeTask) -> str:
    return hashlib.sha256(task.files[task.notebook]).hexdigest()


def _grade_restored(
    task: GradeTask, nb: NotebookNode, warnings: list[str], launcher: Launcher, started: float
) -> GradedSubmission:
    checked = {info.question for info in check_catalogue(task.checks)} if task.checks else set()
    not_run = checked | task.skipped
    deadline = started + (math.inf if task.budget_s is None else task.budget_s)
    run = NotebookRun(
        nb,
        open_kernel=lambda: _open_kernel(task, launcher),
        limits=_within_budget(task.limits, deadline),
        skip=frozenset(index for index, cell in enumerate(nb.cells) if _grade_id(cell) in not_run),
    )
    try:
        run.run()
        written, left_out = _collect(run)
        began = time.monotonic()
        results: list[CheckResult] = []
        if task.checks:
            results = check_notebook(
                task.checks,
                run,
                task.limits,
                task.seed,
                tuple(task.files),
                kept=task.kept,
                deadline=deadline,
            )
        checking_s = time.monotonic() - began
    finally:
        run.drop_kernel()
    if task.left_out:
        warnings.append(_not_taken("not taken from what was handed in", task.left_out))
    warnings += run.warnings
    if left_out:
        warnings.append(_not_taken("not copied back from the work folder", left_out))
    questions = marking.questions(nb, task.trusted, results)
    marked = marking.mark(nb, questions, feedback=task.feedback)
    score, max_score, manual_max = total_points(questions)
    result = SubmissionResult(
        student=task.student,
        assignment=task.assignment,
        status="graded",
        score=score,
        max_score=max_score,
        manual_max=manual_max,
        questions=tuple(questions),
        seconds=Seconds(run.launch_s, run.execute_s, checking_s, time.monotonic() - started),
        isolation=run.layers,
        limits=_limits_of(task) | {"held_by": run.limits_by},
        seed=task.seed,
        notebook_sha256=notebook_sha256(task),
        kept=tuple(check.id for check in task.kept),
        cells=tuple(
            CellTiming(fact.index, fact.grade_id, fact.seconds, fact.error)
            for fact in run.facts()
            if fact.cell_type == "code"
        ),
        warnings=tuple(warnings),
    )
    return GradedSubmission(result, marked, written)


def total_points(questions: Sequence[QuestionResult]) -> tuple[float, float, float]:
    """Automatic points earned and possible, and those that a person gives."""
    automatic = [question for question in questions if not question.manual]
    return (
        sum(question.score or 0.0 for question in automatic),
        sum(question.max_score for question in automatic),
        sum(question.max_score for question in questions if question.manual),
    )


def _within_budget(limits: Limits, deadline: float) -> Limits:
    """The limits of the cells: at least a moment, so that what is not run says that it was not."""
    left = max(deadline - time.monotonic(), 0.001)
    return dataclasses.replace(limits, notebook_s=min(limits.notebook_s, left))


def _limits_of(task: GradeTask) -> dict[str, Any]:
    budget = {} if task.budget_s is None else {"submission_s": task.budget_s}
    return dataclasses.asdict(task.limits) | budget


def _open_kernel(task: GradeTask, launcher: Launcher) -> SandboxedKernel:
    """A kernel with the submission's files in its work folder, the instructor's over them.

    The task's seed never enters a kernel: the inputs of hidden checks could be told from it.
    """
    seed = derived_seed("kernel", task.seed) >> 1
    kernel = launcher.launch(task.limits, seed=seed, threads=task.threads, arguments=task.kernel_arguments)
    try:
        own = {path: content for path, content in task.files.items() if path != task.notebook}
        kernel.work.write(laid_over(own, task.released))
    except OSError as error:
        kernel.close()
        raise LauncherError(f"the files do not fit into the work folder: {error.strerror}") from error
    except BaseException:
        kernel.close()
        raise
    return kernel


def _collect(run: NotebookRun) -> tuple[dict[str, bytes], list[str]]:
    if run.kernel is None:
        return {}, []
    return run.kernel.work.read(run.limits.work_mb << 20)


def _not_taken(what: str, paths: Sequence[str]) -> str:
    """Links, special files, and what is beyond the caps on numbers and sizes of files."""
    shown = ", ".join(ascii(path)[:80] for path in paths[:5])
    return f"{what}: {shown}" + (f" and {len(paths) - 5} more" if len(paths) > 5 else "")


def _grade_id(cell: NotebookNode) -> str | None:
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def _failed(task: GradeTask, reason: str, started: float) -> SubmissionResult:
    total = time.monotonic() - started
    return SubmissionResult.failed(task.student, task.assignment, reason, seconds=Seconds(total=total))
