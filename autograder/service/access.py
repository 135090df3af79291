"""What every request goes through: whose token, which course, which role."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import APIKeyHeader

from autograder.service.courses import Courses, ServedCourse
from autograder.service.identity import Hub, Person, Role, require
from autograder.service.models import CourseId, Problem
from autograder.service.refusals import NotFound, Refused
from autograder.service.stores import Stores

__all__ = [
    "Caller",
    "Desk",
    "Grader",
    "Instructor",
    "Member",
    "Membership",
    "NotSignedIn",
    "desk_of",
    "problems",
]

_TOKEN = re.compile(r"(?:token|bearer)\s+(\S+)", re.IGNORECASE)
_scheme = APIKeyHeader(
    name="Authorization", auto_error=False, description="`token <token of the hub>`", scheme_name="hub token"
)


class NotSignedIn(Refused):
    status = 401


@dataclass(frozen=True)
class Desk:
    """What the service works with."""

    stores: Stores
    courses: Courses
    hub: Hub

    def course(self, id: str) -> ServedCourse:
        """Raises: NotFound."""
        found = self.courses.get(id)
        if found is None:
            raise NotFound(f"there is no course {id!r} here")
        return found


@dataclass(frozen=True)
class Membership:
    """One caller in one course."""

    person: Person
    course: ServedCourse
    role: Role

    @property
    def is_staff(self) -> bool:
        return self.role >= Role.GRADER


def desk_of(request: Request) -> Desk:
    return request.app.state.desk


async def _caller(request: Request, header: Annotated[str | None, Depends(_scheme)]) -> Person:
    """The API takes tokens, never cookies: no page elsewhere can make a browser speak for its user."""
    found = _TOKEN.fullmatch(header or "")
    person = await desk_of(request).hub.person(found[1]) if found else None
    if person is None:
        raise NotSignedIn(
            "this needs a token of the hub that may use this service, as `Authorization: token …`: in a "
            "server of the hub it is $JUPYTERHUB_API_TOKEN"
        )
    return person


Caller = Annotated[Person, Depends(_caller)]


def _member_of_at_least(least: Role) -> Any:
    async def member(request: Request, person: Caller, course: CourseId) -> Membership:
        served = desk_of(request).course(course)
        return Membership(person, served, require(person, served, least))

    return Depends(member)


Member = Annotated[Membership, _member_of_at_least(Role.STUDENT)]
Grader = Annotated[Membership, _member_of_at_least(Role.GRADER)]
Instructor = Annotated[Membership, _member_of_at_least(Role.INSTRUCTOR)]


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The refusals of an operation, for its description; those that all have are among them."""
    said = {
        400: "not a request",
        401: "no token that may use this service",
        403: "not this person, or not in this role",
        404: "there is nothing of that name",
        409: "not now, or not after what was done before",
        410: "closed",
        413: "too large",
        422: "not what the description says",
        429: "too often",
        503: "the hub does not answer",
        507: "the disk is full",
    }
    return {
        status: {"model": Problem, "description": said[status]}
        for status in sorted({400, 401, 403, 404, 422, 503, *statuses})
    }
