"""What a worker does for each kind of job."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

from sqlalchemy.orm import Session

from autograder.errors import ReceiptError
from autograder.grading.course import Course
from autograder.grading.regrade import regrade
from autograder.grading.submission import GradedSubmission
from autograder.report.receipt import read_receipt
from autograder.sandbox.session import Launcher
from autograder.service import marks, queue
from autograder.service.courses import ServedCourse
from autograder.service.marks import counted, counted_by_student, submissions_of
from autograder.service.schema import Job, Submission
from autograder.service.stores import Stores
from autograder.service.worker import feedback, gradebook
from autograder.service.worker.engine import Engine, handed_in

__all__ = ["Jobs"]

REMEMBERED = 8  # graded submissions on their way into the gradebook


class Jobs:
    """Args:
    name: this worker's, unique among all.
    """

    def __init__(self, stores: Stores, engine: Engine, name: str):
        self._stores, self._engine, self._name = stores, engine, name
        self._graded: OrderedDict[int, GradedSubmission] = OrderedDict()

    def do(self, job: Job, course: ServedCourse) -> None:
        """Do a job and end it. Raises: AutograderError, OSError, LeaseLost; it is then still to be done."""
        kinds = {
            "grade": self._grade,
            "record": self._record,
            "regrade": self._regrade,
            "apply": self._regrade,
            "feedback": self._feedback,
            "due": self._due,
        }
        kinds[job.kind](job, course)

    def _grade(self, job: Job, course: ServedCourse) -> None:
        with self._stores.database.read() as session:
            submission = handed_in(session, self._stores, session.get_one(Submission, job.submission_id))
        graded = self._engine.grade(course.root, submission)
        if marks.finish_grading(self._stores, course, job, graded.result, self._name):
            self._graded[submission.id] = graded
            while len(self._graded) > REMEMBERED:
                self._graded.popitem(last=False)

    def _record(self, job: Job, course: ServedCourse) -> None:
        """Write what counts now, which may be another submission than when the job was queued."""
        policy = course.settings.policy_of(job.assignment.name)
        with self._stores.database.read() as session:
            standing = counted(submissions_of(session, job.assignment, job.student), policy)
            if standing is None or standing.mark is None:
                queue.finish(self._stores, job)
                return
            submission = handed_in(session, self._stores, standing)
        graded = self._graded.pop(submission.id, None) or self._engine.grade(course.root, submission)
        gradebook.record(course.root, submission, graded)

        def keep(session: Session) -> None:
            row = session.get_one(Submission, submission.id)
            if row.mark and row.mark.score != graded.result.score:
                marks.renew(session, self._stores, row, graded.result)

        queue.finish(self._stores, job, also=keep)

    def _regrade(self, job: Job, course: ServedCourse) -> None:
        name, apply = job.assignment.name, job.kind == "apply"
        options = {}
        if self._engine.preload is not None:
            isolation = Course(course.root).config.isolation
            options["launcher"] = Launcher.start(isolation, preload=self._engine.preload)
        total = done = 0

        def on_start(count: int) -> None:
            nonlocal total
            total = count
            queue.report_progress(self._stores, job, 0, total)

        def on_result(result: object) -> None:
            nonlocal done
            done += 1
            queue.report_progress(self._stores, job, done, total)

        found = regrade(
            Course(course.root), name, apply=apply, on_start=on_start, on_result=on_result, **options
        )
        policy = course.settings.policy_of(name)

        def keep(session: Session) -> None:
            if apply:
                for submission in counted_by_student(session, job.assignment, policy).values():
                    self._renew(session, Course(course.root), submission)

        queue.finish(self._stores, job, result=found.to_json(), also=keep)

    def _renew(self, session: Session, course: Course, submission: Submission) -> None:
        """Take over the course's new mark, if it is one of this very submission."""
        name = submission.assignment.name
        try:
            result = read_receipt(course.report_file(name, submission.student))
        except (FileNotFoundError, ReceiptError):
            return
        notebook = f"{course.notebook_name(name)}.ipynb"
        handed = next((file.sha256 for file in submission.files if file.path == notebook), None)
        if result.notebook_sha256 == handed and submission.mark:
            marks.renew(session, self._stores, submission, result)

    def _feedback(self, job: Job, course: ServedCourse) -> None:
        name = job.assignment.name
        policy = course.settings.policy_of(name)
        with self._stores.database.read() as session:
            standing = counted_by_student(session, job.assignment, policy)
        feedback.generate_pages(course.root, name)
        result = feedback.release_pages(
            self._stores, Course(course.root), name, standing, job.requested_by,
            lambda done, total: queue.report_progress(self._stores, job, done, total),
        )  # fmt: skip
        queue.finish(self._stores, job, result=result)

    def _due(self, job: Job, course: ServedCourse) -> None:
        gradebook.set_due(Path(course.root), job.assignment.name, job.assignment.due)
        queue.finish(self._stores, job)
