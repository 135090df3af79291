"""The hub's status page, for staff: is the hub up, does the service answer, what can the sandbox do.

    python -m hub_config.shared.status_page --watch autograder=http://127.0.0.1:10101/services/autograder/health

A hub-managed service: JUPYTERHUB_SERVICE_URL and _PREFIX say where it listens, and the hub's OAuth who may
look. `PREFIX/health` is open and says only `ok`. What `autograder doctor` finds is kept for `DOCTOR_EVERY_S`,
since each of its findings is tried for real.
"""

from __future__ import annotations

import argparse
import asyncio
import html
import os
import re
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlparse

from jupyterhub.services.auth import HubOAuthCallbackHandler, HubOAuthenticated
from jupyterhub.utils import url_path_join
from tornado import web
from tornado.httpclient import AsyncHTTPClient, HTTPError

DOCTOR_EVERY_S = 600
DOCTOR_TIMEOUT_S = 60
ANSWER_WITHIN_S = 5
REFRESH_S = 30
LEAST_FREE = 0.05  # of the disk
FINDING = re.compile(r"(ok|no)\s+([^:]+): (.*)")


@dataclass(frozen=True)
class Line:
    """One row of the page."""

    name: str
    ok: bool
    detail: str


async def ask(name: str, url: str) -> Line:
    """Whether an address answers with 200, and how fast."""
    started = time.monotonic()
    try:
        await AsyncHTTPClient().fetch(url, request_timeout=ANSWER_WITHIN_S)
    except HTTPError as error:
        body = error.response.body.decode(errors="replace")[:300] if error.response else ""
        return Line(name, False, f"answers {error.code} {body or error.message}")
    except OSError as error:
        return Line(name, False, f"does not answer: {error.strerror or error}")
    return Line(name, True, f"answered in {1000 * (time.monotonic() - started):.0f} ms")


def disk(folder: Path) -> Line:
    """Room where submissions, blobs and the gradebook lie."""
    usage = shutil.disk_usage(folder)
    free = usage.free / usage.total
    return Line("disk", free >= LEAST_FREE, f"{usage.free / 2**30:.0f} GiB free ({free:.0%})")


def findings(output: str) -> list[Line]:
    """The lines of `autograder doctor`, with its advice behind the finding it belongs to."""
    lines: list[Line] = []
    for text in output.splitlines():
        if match := FINDING.fullmatch(text.strip()):
            lines.append(Line(match[2], match[1] == "ok", match[3]))
        elif text.strip() and lines:
            last = lines[-1]
            lines[-1] = Line(last.name, last.ok, f"{last.detail} — {text.strip()}")
    return lines


class Doctor:
    """Runs `autograder doctor` when it was not run for a while; callers at once share one run."""

    def __init__(self, command: list[str]):
        self._command = command
        self._lock = asyncio.Lock()
        self._found: list[Line] = []
        self._at = -float("inf")

    async def lines(self) -> list[Line]:
        async with self._lock:
            if time.monotonic() - self._at > DOCTOR_EVERY_S:
                self._found = await self._run()
                self._at = time.monotonic()
            return self._found

    async def _run(self) -> list[Line]:
        process = await asyncio.create_subprocess_exec(
            *self._command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        try:
            out, err = await asyncio.wait_for(process.communicate(), DOCTOR_TIMEOUT_S)
        except TimeoutError:
            process.kill()
            await process.wait()
            return [Line("doctor", False, f"did not end within {DOCTOR_TIMEOUT_S} s")]
        found = findings(out.decode(errors="replace"))
        return found or [Line("doctor", False, err.decode(errors="replace").strip()[-300:] or "said nothing")]


class Health(web.RequestHandler):
    def get(self) -> None:
        self.finish("ok\n")


class Page(HubOAuthenticated, web.RequestHandler):
    """Who may come here is who holds `access:services!service=status`."""

    @web.authenticated
    async def get(self) -> None:
        settings = self.application.settings
        watched = [ask(name, url) for name, url in settings["watched"].items()]
        services = [*await asyncio.gather(*watched), disk(Path.cwd())]
        doctor = await settings["doctor"].lines()
        well = all(line.ok for line in services) and bool(doctor) and doctor[0].ok
        self.set_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
        self.set_header("Refresh", str(REFRESH_S))
        self.finish(render(services, doctor, well, time.strftime("%H:%M:%S %Z")))


STYLE = """
:root { color-scheme: light dark; --ok: #176b2c; --no: #a3131f; --line: #c9ccd1; }
@media (prefers-color-scheme: dark) { :root { --ok: #6fd08a; --no: #ff8f8f; --line: #4a4f57; } }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; margin-bottom: 2rem; }
caption { text-align: left; font-weight: 600; font-size: 1.2rem; padding: .5rem 0; }
th, td { text-align: left; vertical-align: top; padding: .5rem; border-top: 1px solid var(--line); }
th { width: 30%; } td:nth-child(2) { width: 3rem; } td:last-child { overflow-wrap: anywhere; }
.ok { color: var(--ok); } .no { color: var(--no); font-weight: 600; }
"""


def render(services: list[Line], doctor: list[Line], well: bool, at: str) -> str:
    state = '<p class="ok">All is well.</p>' if well else '<p class="no">Something needs you, see below.</p>'
    return (
        "<!doctype html><html lang=en><head><meta charset=utf-8><title>Status</title>"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style></head><body><main><h1>Status</h1>{state}"
        f"<p>Asked at {html.escape(at)}; this page asks again every {REFRESH_S} seconds.</p>"
        + _table("Services", services)
        + _table("What the sandbox can do here (autograder doctor)", doctor)
        + "</main></body></html>"
    )


def _table(caption: str, lines: list[Line]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{html.escape(line.name)}</th>'
        f'<td class="{"ok" if line.ok else "no"}">{"ok" if line.ok else "no"}</td>'
        f"<td>{html.escape(line.detail)}</td></tr>"
        for line in lines
    )
    return f"<table><caption>{html.escape(caption)}</caption><tbody>{rows}</tbody></table>"


def make_app(prefix: str, watched: dict[str, str], doctor: Doctor) -> web.Application:
    return web.Application(
        [
            (url_path_join(prefix, "health"), Health),
            (url_path_join(prefix, "oauth_callback"), HubOAuthCallbackHandler),
            (prefix.rstrip("/") + "/?", Page),
        ],
        watched=watched,
        doctor=doctor,
        cookie_secret=os.urandom(32),
    )


async def serve(watched: dict[str, str]) -> None:
    address = urlparse(os.environ["JUPYTERHUB_SERVICE_URL"])
    command = [sys.executable, "-m", "autograder.cli", "doctor"]
    app = make_app(os.environ["JUPYTERHUB_SERVICE_PREFIX"], watched, Doctor(command))
    app.listen(address.port or 80, address.hostname or "127.0.0.1")
    await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--watch", action="append", default=[], metavar="NAME=URL", help="ask this address too; repeatable"
    )
    watched = dict(item.split("=", 1) for item in parser.parse_args().watch)
    asyncio.run(serve(watched))


if __name__ == "__main__":
    main()
