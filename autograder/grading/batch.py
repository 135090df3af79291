"""Grading a class: tasks out to an executor, results back to one writer.

Workers see one submission each and the trusted side of the course; only this process opens the
gradebook. A receipt whose inputs (files, checks, environment, limits) have not changed is a mark that
stands: a rerun grades what changed, and a run that was killed resumes.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, as_completed
from pathlib import Path

from autograder.errors import GradebookError, ReceiptError
from autograder.grading import fingerprint, worker
from autograder.grading.course import Course, Submission
from autograder.grading.gradebook import GradebookWriter
from autograder.grading.submission import (
    GradedSubmission,
    GradeTask,
    grade_in_worker,
    modules_to_preload,
    read_submission,
    released_files,
    seed_for,
)
from autograder.report.receipt import BatchResult, SubmissionResult, read_receipt, write_receipt
from autograder.sandbox.limits import Limits
from autograder.sandbox.session import GRADER_MODULES, Launcher

# A worker that answers no more, in spite of every limit on kernels and checks, is replaced after this.
STUCK_FACTOR = 4


def grade_batch(
    course: Course,
    assignment: str,
    *,
    students: Sequence[str] = (),
    submitted: Path | None = None,
    jobs: int | None = None,
    isolation: str | None = None,
    force: bool = False,
    keep: bool = True,
    launcher: Launcher | None = None,
    on_start: Callable[[int], None] = lambda total: None,
    on_result: Callable[[SubmissionResult], None] = lambda result: None,
) -> BatchResult:
    """Grade the submissions of an assignment; write marks, marked notebooks and receipts.

    Args:
        students: only these; all that handed in otherwise.
        submitted: another folder in place of the course's `submitted/`.
        jobs: submissions graded at once; one a core otherwise.
        force: grade again what has not changed.
        keep: write marks, notebooks and receipts; otherwise only tell what they would be.
        launcher: started ahead with what the notebooks import; otherwise one is started where it is needed.
        on_start, on_result: told how many there are, and each result as it comes.
    Raises: ConfigError for an unknown assignment; IsolationUnavailable.
    """
    started = time.monotonic()
    batch = _Batch(course, assignment, force, keep)
    submissions = course.submissions(assignment, students, submitted)
    on_start(len(submissions))
    results: dict[str, SubmissionResult] = {}

    def settle(result: SubmissionResult) -> None:
        results[result.student] = result
        on_result(result)

    with GradebookWriter(course) as writer:
        if keep:
            writer.check()
        tasks = []
        for submission in submissions:
            prepared = batch.prepare(submission, writer)
            if isinstance(prepared, GradeTask):
                tasks.append(prepared)
            else:
                settle(prepared)
        if tasks:
            jobs = min(jobs or course.config.jobs or os.cpu_count() or 1, len(tasks))
            launcher = launcher or Launcher.start(
                isolation or course.config.isolation,
                preload=modules_to_preload(tasks) + GRADER_MODULES,
                course=course.root,
            )
            with _workers(launcher, jobs, tasks[0].limits) as executor:
                for graded in _as_graded(executor, tasks):
                    settle(batch.store(graded, writer))
    ordered = tuple(results[submission.student] for submission in submissions)
    return BatchResult(assignment, time.monotonic() - started, ordered)


class _Batch:
    """What the submissions of one run have in common."""

    def __init__(self, course: Course, assignment: str, force: bool, keep: bool):
        self._course = course
        self._assignment = assignment
        self._force = force
        self._keep = keep
        self._trusted = course.trusted_cells(assignment)
        self._released = released_files(course, assignment)
        self._checks = course.checks_file(assignment)
        self._limits = course.limits(assignment)
        self._settings = course.settings(assignment)
        self._secret = course.secret()
        self._folders: dict[str, Path] = {}
        self._checks_sha256 = fingerprint.checks(
            self._checks, self._trusted, self._released, self._limits, self._settings
        )
        self._environment_sha256 = fingerprint.environment()

    def prepare(self, submission: Submission, writer: GradebookWriter) -> GradeTask | SubmissionResult:
        """What is to be done for a submission: a task, or a result that needs no kernel."""
        self._folders[submission.student] = submission.folder
        if submission.problem:
            failed = SubmissionResult.failed(submission.student, self._assignment, submission.problem)
            return self.store(GradedSubmission(failed), writer) if submission.row else failed
        try:
            files, left_out = read_submission(submission.folder, submission.notebook.name)
        except OSError as error:
            reason = f"{submission.notebook.name} cannot be read: {error.strerror}"
            failed = SubmissionResult.failed(submission.student, self._assignment, reason)
            return self.store(GradedSubmission(failed), writer)
        task = GradeTask(
            student=submission.student,
            assignment=self._assignment,
            files=files,
            notebook=submission.notebook.name,
            trusted=self._trusted,
            released=self._released,
            checks=self._checks,
            limits=self._limits,
            seed=seed_for(self._secret, files),
            skipped=self._course.skipped_cells(self._assignment),
            feedback=self._settings.feedback,
            left_out=left_out,
        )
        if not self._force and (standing := self._standing_mark(task, writer)):
            return standing
        return task

    def _standing_mark(self, task: GradeTask, writer: GradebookWriter) -> SubmissionResult | None:
        try:
            receipt = read_receipt(self._course.report_file(self._assignment, task.student))
        except (FileNotFoundError, ReceiptError):
            return None
        same = (
            receipt.status == "graded"
            and receipt.seed == task.seed
            and receipt.checks_sha256 == self._checks_sha256
            and receipt.environment_sha256 == self._environment_sha256
        )
        if not same or not writer.holds(receipt):
            return None
        return dataclasses.replace(receipt, cached=True)

    def store(self, graded: GradedSubmission, writer: GradebookWriter) -> SubmissionResult:
        """The old receipt away, marks to the gradebook, the new receipt: one always has its marks behind it.

        What could not be written has no mark, an older one included.
        """
        if not self._keep:
            return graded.result
        result = dataclasses.replace(
            graded.result, checks_sha256=self._checks_sha256, environment_sha256=self._environment_sha256
        )
        report = self._course.report_file(self._assignment, result.student)
        try:
            report.unlink(missing_ok=True)
            writer.write(result, graded.notebook, graded.files, submitted=self._folders[result.student])
            write_receipt(report, result)
        except (GradebookError, OSError) as error:
            result = SubmissionResult.failed(result.student, self._assignment, f"not written: {error}")
            with contextlib.suppress(GradebookError):
                writer.withdraw(self._assignment, result.student)
            _replace_receipt(report, result)
        return result


def _replace_receipt(report: Path, result: SubmissionResult) -> None:
    """What was not graded must not look as if it had been; removing works on a full disk, too."""
    try:
        write_receipt(report, result)
    except OSError:
        with contextlib.suppress(OSError):
            report.unlink(missing_ok=True)


def _as_graded(executor: Executor, tasks: Sequence[GradeTask]) -> Iterator[GradedSubmission]:
    """Results as they come; a task that its worker could not finish is a submission without a mark."""
    futures = {executor.submit(grade_in_worker, task): task for task in tasks}
    for future in as_completed(futures):
        task = futures[future]
        try:
            yield future.result()
        except Exception as error:
            reason = f"the grader failed: {type(error).__name__}: {error}"
            yield GradedSubmission(SubmissionResult.failed(task.student, task.assignment, reason))


@contextlib.contextmanager
def _workers(launcher: Launcher, jobs: int, limits: Limits) -> Iterator[Executor]:
    stuck_s = STUCK_FACTOR * (limits.notebook_s + limits.check_s) + 60
    with launcher, worker.WorkerPool(launcher, jobs, task_timeout_s=stuck_s) as pool:
        yield pool
