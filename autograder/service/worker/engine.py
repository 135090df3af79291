"""The grading engine for submissions that lie in the store: one at a time, by a warm launcher."""

from __future__ import annotations

import dataclasses
import tempfile
import threading
from pathlib import Path

from sqlalchemy.orm import Session

from autograder.errors import LauncherError
from autograder.exchange.base import TIMESTAMP_FORMAT
from autograder.exchange.folders import write_folder
from autograder.grading import fingerprint
from autograder.grading.ahead import modules_to_preload
from autograder.grading.course import Course
from autograder.grading.material import Material
from autograder.grading.submission import (
    GradedSubmission,
    GradeTask,
    grade_in_worker,
    read_submission,
    released_files,
    seed_for,
)
from autograder.grading.worker import WorkerPool
from autograder.report.receipt import SubmissionResult
from autograder.sandbox import on_demand
from autograder.sandbox.session import Launcher
from autograder.service.schema import Submission
from autograder.service.stores import Stores

__all__ = ["Engine", "HandedIn", "handed_in"]

STUCK_S = 3600.0
Key = tuple[str, tuple[str, ...], Path]  # of a launcher: isolation, what it imports ahead, the course


@dataclasses.dataclass(frozen=True)
class HandedIn:
    """A submission out of the store, `timestamp.txt` among its files."""

    id: int
    student: str
    assignment: str
    files: dict[str, bytes]

    def write(self, folder: Path) -> None:
        """Put it where nbgrader expects submissions, in place of what is there."""
        write_folder(folder, self.files, mode=0o700)


def handed_in(session: Session, stores: Stores, submission: Submission) -> HandedIn:
    """Raises: StoreError if a file is missing or damaged."""
    files = {file.path: stores.blobs.read(file.sha256) for file in submission.files}
    files["timestamp.txt"] = submission.time.strftime(TIMESTAMP_FORMAT).encode()
    return HandedIn(submission.id, submission.student, submission.assignment.name, files)


class Engine:
    """Args:
    jobs: how many submissions are graded at once.
    preload: modules that the launcher imports ahead; what the notebooks use otherwise.
    """

    def __init__(self, jobs: int = 1, preload: tuple[str, ...] | None = None):
        self.preload = preload
        self._jobs = jobs
        self._pools: dict[Key, tuple[WorkerPool, Launcher]] = {}
        self._lock = threading.Lock()

    def grade(self, root: Path, submission: HandedIn) -> GradedSubmission:
        """What a submission is worth; a student's failure is data.

        Raises: ConfigError, GradebookError, IsolationUnavailable, LauncherError: ours, not the student's.
        """
        course = Course(root)
        with tempfile.TemporaryDirectory(prefix="autograder-submission-") as temporary:
            folder = Path(course.coursedir.format_path(temporary, submission.student, submission.assignment))
            submission.write(folder)
            [found] = course.submissions(submission.assignment, [submission.student], Path(temporary))
            if found.problem:
                failed = SubmissionResult.failed(submission.student, submission.assignment, found.problem)
                return GradedSubmission(failed)
            files, left_out = read_submission(folder, found.notebook.name)
        task = dataclasses.replace(_task(course, submission, files, found.notebook.name), left_out=left_out)
        graded = self._run(course, task)
        settings = course.settings(submission.assignment)
        material = Material.of(task.trusted, task.released, task.checks)
        result = dataclasses.replace(
            graded.result,
            checks_sha256=fingerprint.checks(material, task.limits, settings),
            run_sha256=fingerprint.run(material, task.limits, settings, task.skipped),
            environment_sha256=fingerprint.environment(),
        )
        return dataclasses.replace(graded, result=result)

    def close(self) -> None:
        """Hang up; launchers that programs share end by themselves."""
        for pool, launcher in self._pools.values():
            pool.shutdown()
            launcher.close()
        self._pools.clear()

    def _run(self, course: Course, task: GradeTask) -> GradedSubmission:
        key = (course.config.isolation, self._preload(task), Path(course.root))
        for attempt in range(2):
            pool = self._pool(*key)
            try:
                return pool.submit(grade_in_worker, task).result()
            except LauncherError:
                # The launcher that we knew has ended, after idling for instance.
                self._forget(key, pool)
                if attempt:
                    raise
            except Exception as error:
                reason = f"the grader failed: {type(error).__name__}: {error}"
                return GradedSubmission(SubmissionResult.failed(task.student, task.assignment, reason))
        raise AssertionError("unreachable")

    def _preload(self, task: GradeTask) -> tuple[str, ...]:
        if self.preload is not None:
            return self.preload
        checks = [task.checks.read_bytes()] if task.checks else []
        return modules_to_preload([task.files[task.notebook], *checks])

    def _pool(self, isolation: str, preload: tuple[str, ...], root: Path) -> WorkerPool:
        key = (isolation, preload, root)
        with self._lock:
            if key not in self._pools:
                launcher = on_demand.connect(isolation, preload=preload, course=root)
                self._pools[key] = WorkerPool(launcher, self._jobs, task_timeout_s=STUCK_S), launcher
            return self._pools[key][0]

    def _forget(self, key: Key, pool: WorkerPool) -> None:
        with self._lock:
            if key in self._pools and self._pools[key][0] is pool:
                _, launcher = self._pools.pop(key)
                launcher.close()


def _task(course: Course, submission: HandedIn, files: dict[str, bytes], notebook: str) -> GradeTask:
    name = submission.assignment
    return GradeTask(
        student=submission.student,
        assignment=name,
        files=files,
        notebook=notebook,
        trusted=course.trusted_cells(name),
        released=released_files(course, name),
        checks=course.checks_file(name),
        limits=course.limits(name),
        seed=seed_for(course.secret(), files),
        skipped=course.skipped_cells(name),
        feedback=course.settings(name).feedback,
    )
