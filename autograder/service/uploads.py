"""Blobs that people send, before and after they are part of a submission.

A person can only hand in, or release, what they have sent themself: knowing a hash gives nobody the content.
What was sent and never used is swept away after a day.
"""

from __future__ import annotations

import errno
import hashlib
import tempfile
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from autograder.exchange.manifest import File
from autograder.service.refusals import Conflict, Invalid, OutOfSpace, TooLarge
from autograder.service.schema import FeedbackFile, ReleaseFile, SubmissionFile, Upload
from autograder.service.stores import Stores

__all__ = ["Incoming", "check_sent", "keep", "lock_blobs", "missing", "sweep"]

UNUSED = timedelta(days=1)
OVERHEAD = 1 << 16  # bytes that each counts on top of its own, so that many small ones are no way around
BLOBS = "blobs"  # the lock under which blobs are declared to be there, or removed


class Incoming:
    """A body while it arrives: hashed, capped, in a temporary file.

    Args:
        max_bytes: as soon as there are more, TooLarge is raised.
    """

    def __init__(self, max_bytes: int):
        self._max = max_bytes
        self._digest = hashlib.sha256()
        self._file: IO[bytes] = tempfile.NamedTemporaryFile(prefix="autograder-upload-")  # noqa: SIM115
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()

    def write(self, chunk: bytes) -> None:
        self.size += len(chunk)
        if self.size > self._max:
            raise TooLarge(f"a file may have {self._max >> 20} MB here: leave it out, or make it smaller")
        self._digest.update(chunk)
        try:
            self._file.write(chunk)
        except OSError as error:
            raise _no_space(error) from error

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def path(self) -> Path:
        self._file.flush()
        return Path(self._file.name)


def keep(stores: Stores, course: str, person: str, sha256: str, incoming: Incoming, quota_bytes: int) -> bool:
    """Keep a blob that has arrived whole; sending it again changes nothing.

    Args:
        sha256: what the sender says that it is.
        quota_bytes: of all that this person has sent to the course.
    Returns: whether it is new from this person.
    """
    if incoming.sha256 != sha256:
        raise Invalid(
            f"what arrived has the sha256 {incoming.sha256}, not {sha256}: has the file changed? Try again."
        )
    with stores.database.read() as session:
        _check_quota(session, course, person, sha256, incoming.size, quota_bytes)
    try:
        stores.blobs.put_file(incoming.path(), sha256)
        with lock_blobs(stores) as session:
            if session.get(Upload, (course, person, sha256)):
                return False
            _check_quota(session, course, person, sha256, incoming.size, quota_bytes)
            if not stores.blobs.has(sha256):  # swept away in between
                stores.blobs.put_file(incoming.path(), sha256)
            session.add(
                Upload(course_id=course, person=person, sha256=sha256, size=incoming.size, time=stores.now())
            )
    except OSError as error:
        raise _no_space(error) from error
    return True


def lock_blobs(stores: Stores) -> Any:
    """A transaction in which blobs that are there stay there."""
    return stores.database.locked(BLOBS)


def missing(session: Session, course: str, person: str, files: Iterable[File]) -> list[str]:
    """The hashes that this person has yet to send."""
    wanted = {file.sha256 for file in files}
    sent = session.scalars(
        select(Upload.sha256).where(
            Upload.course_id == course, Upload.person == person, Upload.sha256.in_(wanted)
        )
    )
    return sorted(wanted - set(sent))


def check_sent(session: Session, course: str, person: str, files: Iterable[File]) -> None:
    """Raises: Conflict that lists what is missing; Invalid if a size is not what was sent."""
    files = list(files)
    if unsent := missing(session, course, person, files):
        raise Conflict(f"{len(unsent)} files have not been sent: send them, then ask again", missing=unsent)
    sent = select(Upload).where(Upload.course_id == course, Upload.person == person)
    sizes = {upload.sha256: upload.size for upload in session.scalars(sent)}
    for file in files:
        if sizes[file.sha256] != file.size:
            raise Invalid(f"{file.path!r} has {sizes[file.sha256]} bytes, not {file.size}")


def sweep(stores: Stores) -> int:
    """Remove what was sent more than a day ago and is part of nothing. Returns: how many blobs went."""
    oldest = stores.now() - UNUSED
    unused = [
        Upload.time < oldest,
        *(
            ~exists().where(table.sha256 == Upload.sha256)
            for table in (SubmissionFile, ReleaseFile, FeedbackFile)
        ),
    ]
    with stores.database.read() as session:
        candidates = set(session.scalars(select(Upload.sha256).where(*unused)))
    removed = 0
    for sha256 in candidates:
        with lock_blobs(stores) as session:
            for upload in session.scalars(select(Upload).where(Upload.sha256 == sha256, *unused)):
                session.delete(upload)
            session.flush()
            if session.scalar(select(func.count()).where(Upload.sha256 == sha256)):
                continue
            stores.blobs.remove(sha256)
            removed += 1
    return removed


def _check_quota(session: Session, course: str, person: str, sha256: str, size: int, quota: int) -> None:
    used = session.scalar(
        select(func.coalesce(func.sum(Upload.size + OVERHEAD), 0)).where(
            Upload.course_id == course, Upload.person == person, Upload.sha256 != sha256
        )
    )
    if (used or 0) + size + OVERHEAD > quota:
        raise TooLarge(
            f"your quota in this course is {quota >> 20} MB, and {(used or 0) >> 20} MB of it are used: "
            "hand in smaller files, or ask your instructor"
        )


def _no_space(error: OSError) -> Exception:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return OutOfSpace(
            "the service's disk is full: nothing was taken in. Tell your instructor, and keep your files."
        )
    return error
