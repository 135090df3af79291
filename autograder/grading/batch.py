"""Grading a class: tasks out to an executor, results back to one writer.

Workers see one submission each and the trusted side of the course; only this process opens the
gradebook. A receipt whose inputs (files, checks, environment, limits) have not changed is a mark that
stands: a rerun grades what changed, and a run that was killed resumes.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

from autograder.checking.catalogue import CheckInfo, check_catalogue
from autograder.checking.result import CheckResult
from autograder.errors import GradebookError, ReceiptError
from autograder.grading import dispatch, engine, fingerprint, kept
from autograder.grading.ahead import modules_to_preload
from autograder.grading.config import FILE_NAME
from autograder.grading.course import Course, Submission
from autograder.grading.dependencies import CheckTexts, depends_on
from autograder.grading.gradebook import GradebookWriter
from autograder.grading.material import Material
from autograder.grading.submission import (
    GradedSubmission,
    GradeTask,
    read_submission,
    released_files,
    seed_for,
)
from autograder.report.receipt import BatchResult, SubmissionResult, read_receipt, write_receipt
from autograder.sandbox.session import Launcher


def grade_batch(
    course: Course,
    assignment: str,
    *,
    students: Sequence[str] = (),
    submitted: Path | None = None,
    jobs: int | None = None,
    isolation: str | None = None,
    executor: str | None = None,
    force: bool = False,
    keep: bool = True,
    launcher: Launcher | None = None,
    on_start: Callable[[int], None] = lambda total: None,
    on_result: Callable[[SubmissionResult], None] = lambda result: None,
    tell: Callable[[str], None] = lambda line: None,
) -> BatchResult:
    """Grade the submissions of an assignment; write marks, marked notebooks and receipts.

    Args:
        students: only these; all that handed in otherwise.
        submitted: another folder in place of the course's `submitted/`.
        jobs: submissions graded at once; one a core otherwise.
        executor: the address of a Dask scheduler whose workers grade; this machine otherwise.
        force: grade again what has not changed.
        keep: write marks, notebooks and receipts; otherwise only tell what they would be.
        launcher: started ahead with what the notebooks import; otherwise one is started where it is needed.
        on_start, on_result: told how many there are, and each result as it comes.
        tell: news of the cluster, for the operator.
    Raises: ConfigError for an unknown assignment, or a cluster that cannot be used; IsolationUnavailable.
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
        waiting = []
        for submission in submissions:
            if settled := batch.settled(submission, writer):
                settle(settled)
            else:
                waiting.append(submission)
        if waiting:
            plan = engine.Plan(
                material=batch.material,
                limits=course.limits(assignment),
                isolation=isolation or course.config.isolation,
                preload=batch.preload(waiting),
                gpu=course.settings(assignment).gpu,
                course=course.root,
                jobs=min(jobs or course.config.jobs or engine.default_jobs(), len(waiting)),
            )
            with engine.open_engine(plan, executor, launcher, tell) as (pool, slots):
                for graded in dispatch.graded(pool, batch.tasks(waiting, started), slots):
                    settle(batch.store(graded, writer))
        for submission in waiting:
            if submission.student not in results:
                settle(batch.store(batch.left_out(submission), writer))
    ordered = tuple(results[submission.student] for submission in submissions)
    return BatchResult(assignment, time.monotonic() - started, ordered)


class _Batch:
    """What the submissions of one run have in common."""

    def __init__(self, course: Course, assignment: str, force: bool, keep: bool):
        self._course = course
        self._assignment = assignment
        self._force = force
        self._keep = keep
        self._checks = course.checks_file(assignment)
        self.material = Material.of(
            course.trusted_cells(assignment), released_files(course, assignment), self._checks
        )
        self._limits = course.limits(assignment)
        self._settings = course.settings(assignment)
        self._skipped = course.skipped_cells(assignment)
        self._secret = course.secret()
        self._folders: dict[str, Path] = {}
        self._kept: dict[str, tuple[CheckResult, ...]] = {}  # by student: results of checks that stand
        self._unreadable: dict[str, str] = {}
        self._checks_sha256 = fingerprint.checks(self.material, self._limits, self._settings)
        self._run_sha256 = fingerprint.run(self.material, self._limits, self._settings, self._skipped)
        self._environment_sha256 = fingerprint.environment()

    def settled(self, submission: Submission, writer: GradebookWriter) -> SubmissionResult | None:
        """The result of a submission that needs no grader: its mark stands, or it cannot be graded."""
        self._folders[submission.student] = submission.folder
        if submission.problem:
            failed = SubmissionResult.failed(submission.student, self._assignment, submission.problem)
            return self.store(GradedSubmission(failed), writer) if submission.row else failed
        return None if self._force else self._what_stands(submission, writer)

    def tasks(self, submissions: Sequence[Submission], started: float) -> Iterator[GradeTask]:
        """Each is made when it is asked for, until the class's budget is used up."""
        for submission in submissions:
            if self._settings.class_s is not None and time.monotonic() - started > self._settings.class_s:
                return
            try:
                yield self._task(submission)
            except OSError as error:
                self._unreadable[submission.student] = f"its files cannot be read: {error.strerror}"

    def left_out(self, submission: Submission) -> GradedSubmission:
        """What is to be said of one that no task was made for."""
        if reason := self._unreadable.get(submission.student):
            failed = SubmissionResult.failed(submission.student, self._assignment, reason)
            return GradedSubmission(failed)
        reason = (
            f"not graded yet: this run had used the class's budget ({self._settings.class_s:g} s, class_s in "
            f"{FILE_NAME}). `autograder grade {self._assignment}` goes on from here."
        )
        return dispatch.not_now(submission.student, self._assignment, reason)

    def preload(self, submissions: Sequence[Submission]) -> tuple[str, ...]:
        """What a launcher should import for these notebooks and their checks."""
        if self._checks and (modules := modules_to_preload([self._checks.read_bytes()])):
            return modules
        return modules_to_preload(submission.notebook.read_bytes() for submission in submissions)

    def _task(self, submission: Submission) -> GradeTask:
        files, left_out = read_submission(submission.folder, submission.notebook.name)
        return GradeTask(
            student=submission.student,
            assignment=self._assignment,
            files=files,
            notebook=submission.notebook.name,
            trusted=self.material.trusted,
            released=dict(self.material.released),
            checks=self._checks,
            limits=self._limits,
            seed=seed_for(self._secret, files),
            skipped=self._skipped,
            feedback=self._settings.feedback,
            left_out=left_out,
            kept=self._kept.get(submission.student, ()),
            budget_s=self._settings.submission_s,
        )

    def _what_stands(self, submission: Submission, writer: GradebookWriter) -> SubmissionResult | None:
        """The mark of an earlier run, or one made of its results, if nothing has to be run for it."""
        try:
            receipt = read_receipt(self._course.report_file(self._assignment, submission.student))
            files, _ = read_submission(submission.folder, submission.notebook.name)
        except (OSError, ReceiptError):
            return None  # no receipt, or a submission that cannot be read: `tasks` says so
        same = (
            receipt.status == "graded"
            and receipt.environment_sha256 == self._environment_sha256
            and receipt.run_sha256 == self._run_sha256
            and receipt.seed == seed_for(self._secret, files)
        )
        if not same or not writer.holds(receipt):
            return None
        if receipt.checks_sha256 == self._checks_sha256:
            return dataclasses.replace(receipt, cached=True)
        return self._with_changed_checks(receipt, writer) if self._checks else None

    def _with_changed_checks(
        self, receipt: SubmissionResult, writer: GradebookWriter
    ) -> SubmissionResult | None:
        standing = kept.standing_results(receipt, self._catalogue, self._texts)
        if len(standing) == len(self._catalogue):
            notebook = self._course.notebook_name(self._assignment)
            graded = kept.remark(
                receipt,
                self._course.folder("autograded", self._assignment, receipt.student),
                f"{notebook}.ipynb",
                self.material.trusted,
                self._catalogue,
                standing,
                self._settings.feedback,
            )
            if graded:
                return self.store(graded, writer)
            standing = tuple(result for result in standing if result.id not in self._texts.of_cells)
        self._kept[receipt.student] = standing
        return None

    @cached_property
    def _catalogue(self) -> list[CheckInfo]:
        return check_catalogue(self._checks) if self._checks else []

    @cached_property
    def _texts(self) -> CheckTexts:
        return CheckTexts.read(self._checks.read_bytes() if self._checks else b"", self.material.reference)

    def store(self, graded: GradedSubmission, writer: GradebookWriter) -> SubmissionResult:
        """The old receipt away, marks to the gradebook, the new receipt: one always has its marks behind it.

        What could not be written has no mark, an older one included.
        """
        if not self._keep or graded.postponed:
            return graded.result
        result = dataclasses.replace(
            graded.result,
            checks_sha256=self._checks_sha256,
            environment_sha256=self._environment_sha256,
            run_sha256=self._run_sha256,
            check_sha256={
                check.id: depends_on(self._texts, check.id, check.outcome)
                for question in graded.result.questions
                for check in question.checks
                if check.id in self._texts.own
            },
        )
        report = self._course.report_file(self._assignment, result.student)
        try:
            report.unlink(missing_ok=True)
            writer.write(result, graded.notebook, graded.files, submitted=self._folders[result.student])
            result = dataclasses.replace(result, marked_sha256=self._marked_sha256(result))
            write_receipt(report, result)
        except (GradebookError, OSError) as error:
            result = SubmissionResult.failed(result.student, self._assignment, f"not written: {error}")
            with contextlib.suppress(GradebookError):
                writer.withdraw(self._assignment, result.student)
            _replace_receipt(report, result)
        return result

    def _marked_sha256(self, result: SubmissionResult) -> str | None:
        if result.status == "failed":
            return None
        folder = self._course.folder("autograded", self._assignment, result.student)
        notebook = folder / f"{self._course.notebook_name(self._assignment)}.ipynb"
        return hashlib.sha256(notebook.read_bytes()).hexdigest()


def _replace_receipt(report: Path, result: SubmissionResult) -> None:
    """What was not graded must not look as if it had been; removing works on a full disk, too."""
    try:
        write_receipt(report, result)
    except OSError:
        with contextlib.suppress(OSError):
            report.unlink(missing_ok=True)
