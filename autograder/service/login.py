"""Browsers: signed in through the hub's OAuth, known by a cookie of ours, and safe from other sites' forms.

The cookie holds the hub's token for this service, signed, as JupyterHub's own services do; it is out of
scripts' reach, and the API does not take it. Forms carry a text that only our pages know.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from tornado.web import create_signed_value, decode_signed_value

from autograder.service.access import Desk, Membership, desk_of
from autograder.service.identity import Person, Role, require
from autograder.service.models import CourseId
from autograder.service.refusals import Forbidden, Invalid, Refused

__all__ = [
    "Fields",
    "FormToken",
    "Guest",
    "InstructorPage",
    "MemberPage",
    "Page",
    "SignIn",
    "StaffPage",
    "Visitor",
    "router",
    "sign_in",
]

STATE_S = 600
DAYS = 14
router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class Visitor:
    """A person in a browser. `form_token` is what their forms must carry."""

    person: Person
    form_token: str


class SignIn(Exception):
    """The browser has to go to the hub first."""


async def _visitor(request: Request) -> Visitor:
    desk = desk_of(request)
    token = _read(desk, request, _cookie(desk))
    session = request.cookies.get("jupyterhub-session-id", "")[:100]
    person = await desk.hub.person(token, session) if token else None
    if person is None:
        raise SignIn
    return Visitor(person, _form_token(desk, token or ""))


Guest = Annotated[Visitor, Depends(_visitor)]


@dataclass(frozen=True)
class Page(Membership):
    """A visitor on a page of a course."""

    form_token: str

    def shown(self) -> dict[str, Any]:
        """What all pages of a course show."""
        return {
            "course": self.course,
            "person": self.person,
            "role": self.role.name.lower(),
            "staff": self.is_staff,
            "instructor": self.role >= Role.INSTRUCTOR,
            "form_token": self.form_token,
            "formgrader": self.course.settings.formgrader.format(course=self.course.id),
        }


def _page_for(least: Role):
    async def page(request: Request, visitor: Guest, course: CourseId) -> Page:
        served = desk_of(request).course(course)
        role = require(visitor.person, served, least)
        return Page(visitor.person, served, role, visitor.form_token)

    return Depends(page)


MemberPage = Annotated[Page, _page_for(Role.STUDENT)]
StaffPage = Annotated[Page, _page_for(Role.GRADER)]
InstructorPage = Annotated[Page, _page_for(Role.INSTRUCTOR)]


async def _fields(request: Request) -> dict[str, str]:
    """Raises: Invalid."""
    try:
        text = (await request.body()).decode()
        return dict(parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), max_num_fields=20))
    except ValueError as error:
        raise Invalid(f"this is not a form: {error}") from error


Fields = Annotated[dict[str, str], Depends(_fields)]


def _checked_form(request: Request, visitor: Guest, fields: Fields) -> None:
    """Raises: Forbidden, unless the form was one of ours, sent from a page of ours, by this visitor."""
    form_token = fields.get("form_token", "").encode()
    site = request.headers.get("sec-fetch-site")
    if site is None:  # an old browser
        origin = request.headers.get("origin")
        same = origin is None or urlsplit(origin).netloc == request.headers.get("host")
        site = "same-origin" if same else "cross-site"
    if site != "same-origin" or not hmac.compare_digest(form_token, visitor.form_token.encode()):
        raise Forbidden("this form does not come from a page of this service: load the page again")


FormToken = Depends(_checked_form)


@router.get("/oauth_callback")
async def oauth_callback(request: Request, code: str = "", state: str = "") -> Response:
    """Where the hub sends browsers back to."""
    desk = desk_of(request)
    kept = json.loads(_read(desk, request, _state_cookie(desk)) or "{}")
    if not code or not state or not hmac.compare_digest(str(kept.get("state", "")), state):
        raise Refused("signing in took too long, or was begun elsewhere: go to the service's page again")
    token = await desk.hub.token_for_code(code, kept["verifier"])
    response = RedirectResponse(kept["next"], status_code=303)
    _write(desk, request, response, _cookie(desk), token, DAYS * 86400)
    response.delete_cookie(_state_cookie(desk), path=request.app.state.base)
    return response


def sign_in(request: Request) -> Response:
    """Send a browser to the hub, and remember what it wanted to see."""
    desk = desk_of(request)
    verifier, challenge, method = desk.hub.auth.generate_pkce_code_challenge()
    state = secrets.token_urlsafe(16)
    query = {
        "client_id": desk.hub.auth.oauth_client_id,
        "redirect_uri": desk.hub.auth.oauth_redirect_uri,
        "response_type": "code",
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": method,
    }
    response = RedirectResponse(
        f"{desk.hub.auth.oauth_authorization_url}?{urlencode(query)}", status_code=302
    )
    wanted = request.url.path if request.method == "GET" else f"{request.app.state.base}/"
    kept = json.dumps({"state": state, "verifier": verifier, "next": wanted})
    _write(desk, request, response, _state_cookie(desk), kept, STATE_S)
    return response


def _form_token(desk: Desk, token: str) -> str:
    session = hashlib.sha256(token.encode()).digest()
    return hmac.digest(desk.stores.secret, b"form " + session, "sha256").hex()


def _cookie(desk: Desk) -> str:
    return desk.hub.auth.cookie_name


def _state_cookie(desk: Desk) -> str:
    return desk.hub.auth.state_cookie_name


def _read(desk: Desk, request: Request, name: str) -> str | None:
    value = decode_signed_value(desk.stores.secret, name, request.cookies.get(name, ""), max_age_days=DAYS)
    return value.decode() if value else None


def _write(desk: Desk, request: Request, response: Response, name: str, value: str, seconds: int) -> None:
    response.set_cookie(
        name,
        create_signed_value(desk.stores.secret, name, value).decode(),
        max_age=seconds,
        path=request.app.state.base,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
