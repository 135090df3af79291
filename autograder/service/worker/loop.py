"""A worker's life: take a job, do it, and outlive whatever goes wrong with it."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time

from sqlalchemy.exc import SQLAlchemyError

from autograder.errors import AutograderError
from autograder.service import queue, uploads
from autograder.service.courses import Courses
from autograder.service.schema import Job
from autograder.service.stores import Stores
from autograder.service.worker.engine import Engine
from autograder.service.worker.jobs import Jobs
from autograder.service.worker.lease import Held

__all__ = ["Worker"]

IDLE_S = 0.5
AFTER_TROUBLE_S = 5.0
SWEEP_EVERY_S = 3600.0
_log = logging.getLogger(__name__)


class Worker:
    """One thread's worth of work; several may share an engine.

    Args:
        courses: only these are worked for.
    """

    def __init__(self, stores: Stores, courses: Courses, engine: Engine):
        self._stores, self._courses = stores, courses
        self.name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"[:100]
        self._jobs = Jobs(stores, engine, self.name)
        self._swept = 0.0

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set; the job at hand is finished first."""
        while not stop.is_set():
            try:
                worked = self.step()
            except SQLAlchemyError as error:
                _log.error("the database does not answer: %s", error)
                stop.wait(AFTER_TROUBLE_S)
                continue
            if not worked:
                self._sweep()
                stop.wait(IDLE_S)

    def step(self) -> bool:
        """Do the next job. Returns: whether there was one."""
        job = queue.take(self._stores, self.name, [course.id for course in self._courses.all()])
        if job is None:
            return False
        started = time.monotonic()
        said = f"{job.kind} {job.assignment.course_id}/{job.assignment.name} {job.student or ''}".rstrip()
        try:
            with Held(self._stores, job):
                self._do(job)
            _log.info("%s: done in %.1f s", said, time.monotonic() - started)
        except queue.LeaseLost as error:
            _log.warning("%s: %s", said, error)
        except (AutograderError, OSError) as error:
            _log.error("%s: %s", said, error)
            queue.put_back(self._stores, job, str(error))
        except Exception as error:
            _log.exception("%s: a bug of ours", said)
            queue.put_back(self._stores, job, f"{type(error).__name__}: {error}")
        return True

    def _do(self, job: Job) -> None:
        course = self._courses.get(job.assignment.course_id)
        if course is None:
            raise AutograderError(f"the course {job.assignment.course_id} is not here any more")
        self._jobs.do(job, course)

    def _sweep(self) -> None:
        if time.monotonic() - self._swept > SWEEP_EVERY_S:
            self._swept = time.monotonic()
            if removed := uploads.sweep(self._stores):
                _log.info("%d files were sent and never handed in: removed", removed)
