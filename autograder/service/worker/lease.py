"""Holding on to a job while it is done."""

from __future__ import annotations

import logging
import threading
from types import TracebackType
from typing import Self

from sqlalchemy.exc import SQLAlchemyError

from autograder.service import queue
from autograder.service.schema import Job
from autograder.service.stores import Stores

__all__ = ["Held"]

_log = logging.getLogger(__name__)


class Held:
    """Extends a lease in the background until the block ends, or the job is another worker's."""

    def __init__(self, stores: Stores, job: Job):
        self._stores, self._job = stores, job
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._extend, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _extend(self) -> None:
        while not self._over.wait(queue.LEASE.total_seconds() / 3):
            try:
                queue.extend(self._stores, self._job)
            except queue.LeaseLost as error:
                _log.warning("%s", error)
                return
            except SQLAlchemyError as error:  # the next time may work; if none does, the lease ends
                _log.warning("job %s: its lease could not be extended: %s", self._job.id, error)
