"""One submission, from the files that came in to marks that the grader stands behind.

`grade(task)` runs in a worker. The task carries everything, so the worker may be on another machine:
the submission's files, the trusted cells, where the checks are, limits and seed.
"""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import time
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from autograder.checking.catalogue import check_catalogue
from autograder.checking.result import CheckResult
from autograder.errors import IsolationUnavailable, LauncherError, NotebookError
from autograder.grading import marking
from autograder.grading.checked import check_notebook
from autograder.grading.execute import KernelLost, NotebookRun
from autograder.grading.notebook import TrustedCells, read_notebook, restore
from autograder.report.receipt import CellTiming, Seconds, SubmissionResult
from autograder.sandbox.limits import Limits
from autograder.sandbox.session import Launcher, SandboxedKernel


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
        feedback: what the student sees of checks: "all", "public" or "points".
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
    feedback: str = "all"


@dataclass(frozen=True)
class GradedSubmission:
    """The receipt, the marked notebook (None where nothing could be run) and the files that it wrote."""

    result: SubmissionResult
    notebook: NotebookNode | None = None
    files: dict[str, bytes] = dataclasses.field(default_factory=dict)


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
        restored = restore(read_notebook(task.files[task.notebook]), task.trusted)
    except NotebookError as error:
        return GradedSubmission(_failed(task, str(error), started))
    try:
        return _grade_restored(task, restored.nb, list(restored.warnings), launcher, started)
    except (LauncherError, IsolationUnavailable, KernelLost) as error:
        return GradedSubmission(_failed(task, str(error), started), restored.nb)


def _grade_restored(
    task: GradeTask, nb: NotebookNode, warnings: list[str], launcher: Launcher, started: float
) -> GradedSubmission:
    checked = {info.question for info in check_catalogue(task.checks)} if task.checks else set()
    not_run = checked | task.skipped
    run = NotebookRun(
        nb,
        open_kernel=lambda: _open_kernel(task, launcher),
        limits=task.limits,
        skip=frozenset(index for index, cell in enumerate(nb.cells) if _grade_id(cell) in not_run),
    )
    try:
        run.run()
        layers, limits_by = (run.kernel.layers, run.kernel.limits_by) if run.kernel else ((), {})
        written, left_out = _collect(run)
        began = time.monotonic()
        results: list[CheckResult] = []
        if task.checks:
            results = check_notebook(task.checks, run, task.limits, task.seed, tuple(task.files))
        checking_s = time.monotonic() - began
    finally:
        run.drop_kernel()
    warnings += run.warnings
    if left_out:
        warnings.append(f"not copied back from the work folder: {', '.join(map(repr, left_out[:5]))}")
    questions = marking.questions(nb, task.trusted, results)
    marked = marking.mark(nb, questions, feedback=task.feedback)
    automatic = [question for question in questions if not question.manual]
    result = SubmissionResult(
        student=task.student,
        assignment=task.assignment,
        status="graded",
        score=sum(question.score or 0.0 for question in automatic),
        max_score=sum(question.max_score for question in automatic),
        manual_max=sum(question.max_score for question in questions if question.manual),
        questions=tuple(questions),
        seconds=Seconds(run.launch_s, run.execute_s, checking_s, time.monotonic() - started),
        isolation=layers,
        limits=dataclasses.asdict(task.limits) | {"held_by": limits_by},
        seed=task.seed,
        notebook_sha256=hashlib.sha256(task.files[task.notebook]).hexdigest(),
        cells=tuple(
            CellTiming(fact.index, fact.grade_id, fact.seconds, fact.error)
            for fact in run.facts()
            if fact.cell_type == "code"
        ),
        warnings=tuple(warnings),
    )
    return GradedSubmission(result, marked, written)


def _open_kernel(task: GradeTask, launcher: Launcher) -> SandboxedKernel:
    kernel = launcher.launch(task.limits, seed=task.seed, threads=task.threads)
    try:
        own = {path: content for path, content in task.files.items() if path != task.notebook}
        kernel.work.write(own | task.released)
    except BaseException:
        kernel.close()
        raise
    return kernel


def _collect(run: NotebookRun) -> tuple[dict[str, bytes], list[str]]:
    if run.kernel is None:
        return {}, []
    return run.kernel.work.read(run.limits.work_mb << 20)


def _grade_id(cell: NotebookNode) -> str | None:
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def _failed(task: GradeTask, reason: str, started: float) -> SubmissionResult:
    total = time.monotonic() - started
    return SubmissionResult.failed(task.student, task.assignment, reason, seconds=Seconds(total=total))
