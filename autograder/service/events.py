"""The course's log of what its staff did: released, took back, regraded."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from autograder.service.schema import Event
from autograder.service.stores import Stores

__all__ = ["latest", "note"]


def note(session: Session, stores: Stores, course: str, by: str, what: str) -> None:
    """Write it down, in the transaction that does it."""
    session.add(Event(course_id=course, time=stores.now(), by=by, what=what))


def latest(session: Session, course: str, count: int = 20) -> list[Event]:
    found = select(Event).where(Event.course_id == course).order_by(Event.id.desc()).limit(count)
    return list(session.scalars(found))
