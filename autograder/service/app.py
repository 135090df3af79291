"""The web application: its routes, what becomes of errors, and what every answer says."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import PlainTextResponse, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from autograder.errors import StoreError
from autograder.service import api, api_staff, login, metrics, pages, staff_pages
from autograder.service.access import Desk, desk_of
from autograder.service.identity import HubUnavailable, Person
from autograder.service.models import Health
from autograder.service.refusals import Refused
from autograder.service.templating import page

__all__ = ["create_app"]

MAX_JSON_BYTES = 4 << 20
_log = logging.getLogger(__name__)
_EVERY_ANSWER = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def create_app(desk: Desk, prefix: str) -> FastAPI:
    """Args:
    prefix: under which the hub's proxy passes requests on, `/services/autograder/`.
    """
    base = prefix.rstrip("/")
    app = FastAPI(
        title="autograder submission service",
        version=version("autograder"),
        openapi_url=f"{base}/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.desk = desk
    app.state.base = base
    app.include_router(api.router, prefix=base)
    app.include_router(api_staff.router, prefix=base)
    for router in (login.router, pages.router, staff_pages.router):
        app.include_router(router, prefix=base)
    app.add_api_route(f"{base}/health", health, response_model=Health, responses={503: {"model": Health}})
    app.add_api_route(
        f"{base}/metrics", metrics_page, response_class=PlainTextResponse, include_in_schema=False
    )
    for kind, handler in _HANDLERS.items():
        app.add_exception_handler(kind, handler)
    app.add_middleware(_LimitBodies)
    app.middleware("http")(_say_on_every_answer)
    app.middleware("http")(metrics.measure)
    return app


def health(request: Request, response: Response) -> Health:
    """Whether submissions can be taken in: the database answers, and the store can be written."""
    stores = desk_of(request).stores
    found = []
    for part in (stores.database, stores.blobs):
        try:
            part.check()
        except StoreError as error:
            found.append(str(error))
    response.status_code = 503 if found else 200
    return Health(status="failing" if found else "ok", problems=found, version=version("autograder"))


def metrics_page(request: Request) -> Response:
    return Response(metrics.exposition(desk_of(request).stores), media_type=metrics.CONTENT_TYPE)


async def _sign_in(request: Request, error: Any) -> Response:
    return login.sign_in(request)


async def _refused(request: Request, error: Any) -> Response:
    headers = {"WWW-Authenticate": "token"} if error.status == 401 else {}
    if error.status == 429:
        headers["Retry-After"] = "3600"
    if _is_page(request):
        return _message(request, error.status, str(error))
    return _answer(error.status, str(error), headers=headers, **error.detail)


async def _not_valid(request: Request, error: Any) -> Response:
    found = [{"where": ".".join(map(str, each["loc"])), "what": each["msg"]} for each in error.errors()[:20]]
    said = "; ".join(f"{each['where']}: {each['what']}" for each in found[:3])
    return _answer(422, f"not what the description says: {said}", errors=found)


async def _http(request: Request, error: Any) -> Response:
    return _answer(error.status_code, str(error.detail), headers=dict(error.headers or {}))


async def _no_hub(request: Request, error: Any) -> Response:
    _log.error("the hub does not answer: %s", error)
    said = "the hub does not say who you are just now: try again in a minute"
    return _message(request, 503, said) if _is_page(request) else _answer(503, said)


async def _store(request: Request, error: Any) -> Response:
    _log.error("%s", error)
    return _answer(500, "the service's store has a problem: tell your instructor. Nothing new was promised.")


async def _nested(request: Request, error: Any) -> Response:
    return _answer(400, "this JSON is nested too deep")


_HANDLERS: dict[Any, Callable[[Request, Any], Awaitable[Response]]] = {
    login.SignIn: _sign_in,
    Refused: _refused,
    RequestValidationError: _not_valid,
    HTTPException: _http,
    HubUnavailable: _no_hub,
    StoreError: _store,
    RecursionError: _nested,
}


def _is_page(request: Request) -> bool:
    at = request.url.path.removeprefix(request.app.state.base)
    return not at.startswith(("/api/", "/health", "/metrics"))


def _message(request: Request, status: int, text: str) -> Response:
    """The same for people."""
    titles = {403: "Not for you", 404: "Not here", 503: "In a minute"}
    return page(
        request,
        "message.html",
        every=0,
        status=status,
        title=titles.get(status, "That did not work"),
        text=text[:1].upper() + text[1:],
        person=Person("", frozenset()),
        role=None,
    )


def _answer(status: int, detail: str, headers: dict[str, str] | None = None, **more: Any) -> Response:
    content = {"detail": detail, **more}
    # ASCII: what a request held may not be text that UTF-8 can carry.
    body = json.dumps(content).encode("ascii")
    return Response(body, status_code=status, headers=headers, media_type="application/json")


async def _say_on_every_answer(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    response = await call_next(request)
    for name, value in _EVERY_ANSWER.items():
        response.headers.setdefault(name, value)
    return response


class _LimitBodies:
    """Bodies but those of files are small; what is larger is cut off while it arrives."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or "/blobs/" in scope["path"]:
            await self._app(scope, receive, send)
            return
        arrived = 0

        async def limited() -> Message:
            nonlocal arrived
            message = await receive()
            arrived += len(message.get("body", b""))
            if arrived > MAX_JSON_BYTES:
                raise HTTPException(413, f"a request may have {MAX_JSON_BYTES >> 20} MB")
            return message

        await self._app(scope, limited, send)
