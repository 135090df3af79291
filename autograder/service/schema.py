"""The tables. Times are UTC; sizes are bytes; a person is their name on the hub.

courses ─< assignments ─< releases ─< release_files
                       ─< submissions ─< submission_files       (never changed, never deleted)
                                      ─  marks                  (one; a regrade raises its revision)
                                      ─  feedback ─< feedback_files    (released to the student)
uploads     which blob was sent by whom: only its sender can put it into a submission
jobs        the queue
events      who released and regraded what, and when
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    DDL,
    JSON,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    event,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import BigInteger

VERSION = 1  # of these tables; raise it with every change to them

__all__ = [
    "VERSION",
    "Assignment",
    "Base",
    "Course",
    "Event",
    "Feedback",
    "FeedbackFile",
    "Job",
    "Mark",
    "Release",
    "ReleaseFile",
    "Schema",
    "Submission",
    "SubmissionFile",
    "Upload",
]


class Utc(TypeDecorator[datetime]):
    """A point in time, aware on our side, kept as UTC without a zone, which every database can."""

    impl = DateTime(timezone=False)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    type_annotation_map = {datetime: Utc, str: Text, dict[str, Any]: JSON}  # noqa: RUF012


Name = String(128)
Sha256 = String(64)
Size = BigInteger()


class Schema(Base):
    """One row: which version of the tables this database has."""

    __tablename__ = "schema_version"
    version: Mapped[int] = mapped_column(primary_key=True)


class Course(Base):
    """A course that took something in. `head` is the newest receipt, which the next one is chained to."""

    __tablename__ = "courses"
    id: Mapped[str] = mapped_column(Name, primary_key=True)
    head: Mapped[str] = mapped_column(Sha256, default="")


class Assignment(Base):
    """Args: release_id: what students get now; None once it was taken back."""

    __tablename__ = "assignments"
    __table_args__ = (UniqueConstraint("course_id", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[str] = mapped_column(ForeignKey("courses.id"))
    name: Mapped[str] = mapped_column(Name)
    due: Mapped[datetime | None]
    release_id: Mapped[int | None]


class Release(Base):
    __tablename__ = "releases"
    id: Mapped[int] = mapped_column(primary_key=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignments.id"), index=True)
    time: Mapped[datetime]
    by: Mapped[str] = mapped_column(Name)
    files: Mapped[list[ReleaseFile]] = relationship(order_by="ReleaseFile.path")


class ReleaseFile(Base):
    __tablename__ = "release_files"
    release_id: Mapped[int] = mapped_column(ForeignKey("releases.id"), primary_key=True)
    path: Mapped[str] = mapped_column(String(500), primary_key=True)
    sha256: Mapped[str] = mapped_column(Sha256, index=True)
    size: Mapped[int] = mapped_column(Size)


class Upload(Base):
    """A blob that a person has sent to a course; it counts towards their quota."""

    __tablename__ = "uploads"
    course_id: Mapped[str] = mapped_column(Name, primary_key=True)
    person: Mapped[str] = mapped_column(Name, primary_key=True)
    sha256: Mapped[str] = mapped_column(Sha256, primary_key=True, index=True)
    size: Mapped[int] = mapped_column(Size)
    time: Mapped[datetime]


class Submission(Base):
    """What was handed in, by whom and when.

    Args:
        number: 1, 2, … of this student for this assignment.
        key: the client's own for this act, so that sending it twice hands in once.
        receipt, previous, signature: see `receipts`.
        disclosed: whether hidden results may show before feedback is released.
    """

    __tablename__ = "submissions"
    __table_args__ = (
        UniqueConstraint("assignment_id", "student", "number"),
        UniqueConstraint("assignment_id", "student", "key"),
        Index("submissions_by_student", "student", "assignment_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignments.id"))
    student: Mapped[str] = mapped_column(Name)
    number: Mapped[int]
    key: Mapped[str] = mapped_column(String(64))
    time: Mapped[datetime]
    disclosed: Mapped[bool]
    manifest_sha256: Mapped[str] = mapped_column(Sha256)
    size: Mapped[int] = mapped_column(Size)
    receipt: Mapped[str] = mapped_column(Sha256, unique=True)
    previous: Mapped[str] = mapped_column(Sha256)
    signature: Mapped[str] = mapped_column(Sha256)
    assignment: Mapped[Assignment] = relationship(lazy="joined")
    files: Mapped[list[SubmissionFile]] = relationship(order_by="SubmissionFile.path")
    mark: Mapped[Mark | None] = relationship(back_populates="submission")
    feedback: Mapped[Feedback | None] = relationship()

    @property
    def late(self) -> bool:
        """By the due date as it is now: one that was moved back makes work timely."""
        due = self.assignment.due
        return due is not None and self.time > due


class SubmissionFile(Base):
    __tablename__ = "submission_files"
    submission_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"), primary_key=True)
    path: Mapped[str] = mapped_column(String(500), primary_key=True)
    sha256: Mapped[str] = mapped_column(Sha256, index=True)
    size: Mapped[int] = mapped_column(Size)


class Mark(Base):
    """What grading said. `report` is `report.json` as it stands (`report.receipt.SubmissionResult`)."""

    __tablename__ = "marks"
    submission_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"), primary_key=True)
    status: Mapped[str] = mapped_column(String(16))
    score: Mapped[float | None]
    max_score: Mapped[float]
    report: Mapped[dict[str, Any]] = mapped_column(deferred=True)
    time: Mapped[datetime]
    revision: Mapped[int] = mapped_column(default=1)
    submission: Mapped[Submission] = relationship(back_populates="mark")


class Feedback(Base):
    """What was released to the student of a submission. `score` counts manual points and penalties too."""

    __tablename__ = "feedback"
    submission_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"), primary_key=True)
    time: Mapped[datetime]
    by: Mapped[str] = mapped_column(Name)
    score: Mapped[float | None]
    max_score: Mapped[float | None]
    files: Mapped[list[FeedbackFile]] = relationship(
        order_by="FeedbackFile.path", cascade="all, delete-orphan"
    )


class FeedbackFile(Base):
    __tablename__ = "feedback_files"
    submission_id: Mapped[int] = mapped_column(ForeignKey("feedback.submission_id"), primary_key=True)
    path: Mapped[str] = mapped_column(String(500), primary_key=True)
    sha256: Mapped[str] = mapped_column(Sha256, index=True)
    size: Mapped[int] = mapped_column(Size)


class Job(Base):
    """Work for a worker; see `queue`.

    Args:
        kind: grade | record | regrade | apply | feedback | due.
        state: queued | running | done | failed.
        exclusive: of jobs with the same text one runs at a time.
        reserved_for, reserved_until: the worker that may take it before all others do.
    """

    __tablename__ = "jobs"
    __table_args__ = (Index("jobs_to_do", "state", "priority", "id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignments.id"), index=True)
    submission_id: Mapped[int | None] = mapped_column(ForeignKey("submissions.id"), index=True)
    student: Mapped[str | None] = mapped_column(Name)
    requested_by: Mapped[str] = mapped_column(Name)
    priority: Mapped[int] = mapped_column(default=0)
    exclusive: Mapped[str | None] = mapped_column(Name)
    reserved_for: Mapped[str | None] = mapped_column(Name)
    reserved_until: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(String(16), default="queued")
    attempts: Mapped[int] = mapped_column(default=0)
    worker: Mapped[str | None] = mapped_column(Name)
    lease: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[datetime | None]
    created: Mapped[datetime]
    started: Mapped[datetime | None]
    ended: Mapped[datetime | None]
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None]
    result: Mapped[dict[str, Any] | None]
    assignment: Mapped[Assignment] = relationship(lazy="joined")


class Event(Base):
    __tablename__ = "events"
    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[str] = mapped_column(Name, index=True)
    time: Mapped[datetime]
    by: Mapped[str] = mapped_column(Name)
    what: Mapped[str]


# The database itself refuses what would change a submission: no path through our code, or around it, can.
_SQLITE = """
CREATE TRIGGER {table}_never_{change} BEFORE {change} ON {table}
BEGIN SELECT RAISE(ABORT, '{table} are never changed'); END
"""
_POSTGRESQL = """
CREATE OR REPLACE FUNCTION {table}_never_{change}() RETURNS trigger AS
$$ BEGIN RAISE EXCEPTION '{table} are never changed'; END; $$ LANGUAGE plpgsql;
CREATE TRIGGER {table}_never_{change} BEFORE {change} ON {table}
FOR EACH ROW EXECUTE FUNCTION {table}_never_{change}()
"""
for _table in (Base.metadata.tables[each.__tablename__] for each in (Submission, SubmissionFile)):
    for _change in ("UPDATE", "DELETE"):
        for _dialect, _text in (("sqlite", _SQLITE), ("postgresql", _POSTGRESQL)):
            _ddl = DDL(_text.format(table=_table.name, change=_change).replace("%", "%%"))
            event.listen(_table, "after_create", _ddl.execute_if(dialect=_dialect))
