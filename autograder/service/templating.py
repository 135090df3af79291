"""The pages' templates: every value cleaned and escaped, times and sizes as people write them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import Response
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from autograder.report.cell_feedback import RESULTS
from autograder.report.numbers import number, plural
from autograder.report.plain_text import check_name, one_line, plain

__all__ = ["JOB_NAMES", "page", "static"]

MAX_TEXT = 20_000
JOB_NAMES = {
    "grade": "grading",
    "record": "into the gradebook",
    "regrade": "regrade preview",
    "apply": "regrade",
    "feedback": "feedback release",
    "due": "due date into the gradebook",
}
CSP = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; connect-src 'self'; "
    "img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def page(request: Request, name: str, *, every: int, status: int = 200, **values: Any) -> Response:
    """A page, or 304 if the browser has it.

    Args:
        every: seconds after which a browser asks again; 0 for never.
    """
    text = (
        _environment()
        .get_template(name)
        .render(base=request.app.state.base, every=every, result_of=RESULTS, job_names=JOB_NAMES, **values)
    )
    etag = f'"{hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Content-Security-Policy": CSP, "Cache-Control": "no-store"}
    if status == 200 and request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    return Response(text.encode("utf-8", "replace"), status, headers, media_type="text/html; charset=utf-8")


@cache
def static(name: str) -> bytes:
    """A file that pages load: the style or the script."""
    return (files("autograder.service") / "templates" / name).read_bytes()


@cache
def _environment() -> Environment:
    loaders = [PackageLoader("autograder.service"), PackageLoader("autograder.report")]
    environment = Environment(
        loader=ChoiceLoader(loaders),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_clean,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "check": check_name,
        "field": lambda time: f"{time.astimezone(UTC):%Y-%m-%dT%H:%M}",
        "iso": lambda time: f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "message": plain,
        "name": one_line,
        "number": number,
        "path": lambda path: quote(path, safe="/"),
        "plural": plural,
        "relative": _relative,
        "size": _size,
        "utc": _utc,
    }
    return environment


def _clean(value: object) -> object:
    return plain(value, MAX_TEXT) if isinstance(value, str) and not isinstance(value, Markup) else value


def _utc(time: datetime, seconds: bool = False) -> str:
    """What readers without scripts see; others see their own zone."""
    return f"{time.astimezone(UTC):{'%-d %B %Y, %H:%M:%S' if seconds else '%-d %B %Y, %H:%M'}} UTC"


def _relative(time: datetime, now: datetime) -> str:
    """`in 3 days`, `2 hours ago`."""
    seconds = (time - now).total_seconds()
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if abs(seconds) >= 2 * length or unit == "minute":
            count = round(abs(seconds) / length)
            return f"in {plural(count, unit)}" if seconds > 0 else f"{plural(count, unit)} ago"
    raise AssertionError("unreachable")


def _size(size: int) -> str:
    for unit, length in (("MB", 1 << 20), ("kB", 1 << 10)):
        if size >= length:
            return f"{number(round(size / length, 1))} {unit}"
    return plural(size, "byte")
