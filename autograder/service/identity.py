"""Who speaks: the hub says so, of the token that came with the request. Nothing else is believed."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any
from urllib.parse import quote

from jupyterhub.services.auth import HubOAuth
from tornado.web import HTTPError

from autograder.service.courses import ServedCourse
from autograder.service.refusals import Forbidden

__all__ = ["Hub", "HubUnavailable", "Person", "Role", "require", "role_in"]

HUB_TIMEOUT_S = 10.0
REMEMBERED_S = 60  # a person who left a group, or a revoked token, is known that long at most
MAX_TOKEN = 200


class Role(IntEnum):
    """In one course; each may do what those before it may."""

    STUDENT = 1
    GRADER = 2
    INSTRUCTOR = 3


@dataclass(frozen=True)
class Person:
    """A user of the hub, or a service of it (`is_service`)."""

    name: str
    groups: frozenset[str]
    is_service: bool = False


class HubUnavailable(Exception):
    """The hub did not say who it is: nobody is let in, and nobody is sent away for good."""


class Hub:
    """The hub, asked over its API.

    Args:
        environment: the JUPYTERHUB_… variables that the hub gives to a managed service.
    """

    def __init__(self, environment: Mapping[str, str]):
        prefix = environment.get("JUPYTERHUB_SERVICE_PREFIX", "/")
        name = environment.get("JUPYTERHUB_SERVICE_NAME", "autograder")
        self.auth = HubOAuth(
            api_token=environment["JUPYTERHUB_API_TOKEN"],
            api_url=environment.get("JUPYTERHUB_API_URL", "http://127.0.0.1:8081/hub/api"),
            base_url=prefix,
            hub_host=environment.get("JUPYTERHUB_HOST", ""),
            hub_prefix=environment.get("JUPYTERHUB_BASE_URL", "/").rstrip("/") + "/hub/",
            oauth_redirect_uri=environment.get("JUPYTERHUB_OAUTH_CALLBACK_URL")
            or f"{prefix.rstrip('/')}/oauth_callback",
            oauth_client_id=environment.get("JUPYTERHUB_CLIENT_ID", f"service-{name}"),
            cache_max_age=REMEMBERED_S,
            access_scopes=_access_scopes(environment, name),
        )
        self._members: dict[str, tuple[float, list[str] | None]] = {}

    async def person(self, token: str, session_id: str = "") -> Person | None:
        """Whose token it is, if it is one that may use this service; None otherwise.

        Raises: HubUnavailable.
        """
        if not token or len(token) > MAX_TOKEN or not token.isascii() or not token.isprintable():
            return None
        model = await self._ask(self.auth.user_for_token(token, session_id=session_id, sync=False))
        if not model or not self.auth.check_scopes(self.auth.access_scopes, model):
            return None
        return Person(model["name"], frozenset(model.get("groups", ())), model.get("kind") == "service")

    async def token_for_code(self, code: str, code_verifier: str) -> str:
        """The end of a login. Raises: HubUnavailable, also for a code that the hub does not know."""
        return await self._ask(self.auth.token_for_code(code, code_verifier=code_verifier, sync=False))

    async def members(self, group: str) -> list[str] | None:
        """The users of a group, of this minute; None where this service may not know them."""
        known = self._members.get(group)
        if known and time.monotonic() - known[0] < REMEMBERED_S:
            return known[1]
        try:
            url = f"{self.auth.api_url}/groups/{quote(group, safe='')}"
            model = await self._ask(self.auth._api_request("GET", url, allow_403=True))
        except HubUnavailable:
            model = None
        names = sorted(model.get("users", ())) if model else None
        self._members[group] = time.monotonic(), names
        return names

    async def _ask(self, answer: Any) -> Any:
        try:
            async with asyncio.timeout(HUB_TIMEOUT_S):
                return await answer
        except (HTTPError, TimeoutError) as error:
            raise HubUnavailable(str(error)) from error


def _access_scopes(environment: Mapping[str, str], name: str) -> set[str]:
    """One of these a token must have; the hub says which."""
    said = environment.get("JUPYTERHUB_OAUTH_ACCESS_SCOPES")
    return set(json.loads(said)) if said else {f"access:services!service={name}"}


def role_in(person: Person, course: ServedCourse) -> Role | None:
    """What a person is in a course; None for a stranger."""
    settings = course.settings
    if person.is_service:
        return Role.INSTRUCTOR if person.name in settings.staff_services else None
    ranks = {
        Role.INSTRUCTOR: settings.instructors,
        Role.GRADER: settings.graders,
        Role.STUDENT: settings.students,
    }
    return next(
        (role for role, group in ranks.items() if group.format(course=course.id) in person.groups), None
    )


def require(person: Person, course: ServedCourse, least: Role) -> Role:
    """The person's role. Raises: Forbidden if it is less than `least`."""
    role = role_in(person, course)
    if role is None:
        raise Forbidden(f"you are not in the course {course.id}")
    if role < least:
        raise Forbidden(
            f"this takes the role of {least.name.lower()}, and you are a {role.name.lower()} here"
        )
    return role
