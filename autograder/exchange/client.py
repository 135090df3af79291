"""The submission service over HTTP, as nbgrader's commands need it.

What fails for a moment (no connection, the hub or the service restarting) is tried again; every request can
be sent twice without happening twice.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import requests

from autograder.errors import ServiceError
from autograder.exchange.manifest import File, path_problem

__all__ = ["ServiceClient", "client_of", "files_of", "service_url"]

TIMEOUT_S = 60.0
TRIES = 4
MOMENTARY = frozenset((502, 503, 504))


def service_url(environment: Mapping[str, str]) -> str:
    """Where the service is. Raises: ServiceError that says what to set."""
    if url := environment.get("AUTOGRADER_SERVICE_URL"):
        return url.rstrip("/")
    if hub := environment.get("JUPYTERHUB_PUBLIC_HUB_URL"):
        return hub.rstrip("/").removesuffix("/hub") + "/services/autograder"
    raise ServiceError(
        "where is the submission service? AUTOGRADER_SERVICE_URL is not set: on JupyterHub, the hub's "
        "configuration sets it for every server (c.Spawner.environment)"
    )


def client_of(environment: Mapping[str, str] = os.environ) -> ServiceClient:
    """A client for whoever runs this. Raises: ServiceError."""
    token = environment.get("JUPYTERHUB_API_TOKEN")
    if not token:
        raise ServiceError(
            "who are you? JUPYTERHUB_API_TOKEN is not set: run this in a server of JupyterHub, or put a "
            "token of yours there (from the hub's page, Token)"
        )
    return ServiceClient(service_url(environment), token)


class ServiceClient:
    """Args:
    url: up to and including the service's prefix. token: the hub's, of whoever speaks.
    """

    def __init__(self, url: str, token: str):
        self._url = url.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False  # ~/.netrc would replace our token
        self._session.headers["Authorization"] = f"token {token}"

    def close(self) -> None:
        self._session.close()

    def get(self, *parts: str, **query: str) -> Any:
        return self._send("GET", parts, params=query).json()

    def put(self, *parts: str, body: Any) -> Any:
        answer = self._send("PUT", parts, json=body)
        return answer.json() if answer.content else None

    def post(self, *parts: str, body: Any) -> Any:
        return self._send("POST", parts, json=body).json()

    def delete(self, *parts: str) -> None:
        self._send("DELETE", parts)

    def content(self, file: File, *parts: str) -> bytes:
        """The content of a file that the service listed. Raises: ServiceError if it is another."""
        content = self._send("GET", (*parts, *file.path.split("/"))).content
        if hashlib.sha256(content).hexdigest() != file.sha256:
            raise ServiceError(f"{file.path} did not arrive as it was sent: try again")
        return content

    def send_blobs(self, course: str, files: Iterable[tuple[File, Path]], hashes: Iterable[str]) -> None:
        """Send the contents among `files` that have one of these hashes."""
        wanted = set(hashes)
        for file, path in files:
            if file.sha256 in wanted:
                wanted.discard(file.sha256)
                with path.open("rb") as content:
                    self._send("PUT", ("courses", course, "blobs", file.sha256), data=content)

    def send_listed(
        self, course: str, files: list[tuple[File, Path]], *parts: str, method: str = "POST", **fields: Any
    ) -> Any:
        """Send a list of files as JSON, first without and then with those contents that the service lacks."""
        body = {**fields, "files": [vars(file) for file, _ in files]}
        for _ in range(2):
            try:
                return self._send(method, parts, json=body).json()
            except ServiceError as error:
                missing = (error.detail or {}).get("missing")
                if not missing:
                    raise
                self.send_blobs(course, files, missing)
        return self._send(method, parts, json=body).json()

    def _send(self, method: str, parts: Iterable[str], **arguments: Any) -> requests.Response:
        url = "/".join([self._url, "api", *(quote(part, safe="") for part in parts)])
        problem = ServiceError("not tried")
        for attempt in range(TRIES):
            if attempt:
                time.sleep(2.0**attempt / 4)
            if hasattr(arguments.get("data"), "seek"):
                arguments["data"].seek(0)
            try:
                answer = self._session.request(
                    method, url, timeout=TIMEOUT_S, allow_redirects=False, **arguments
                )
            except requests.RequestException as error:
                problem = ServiceError(
                    f"the submission service at {urlsplit(url).netloc} does not answer "
                    f"({type(error).__name__}): try again, or tell your instructor"
                )
                continue
            if answer.ok and answer.status_code < 300:
                return answer
            problem = _problem(answer)
            if answer.status_code not in MOMENTARY:
                break
        raise problem


def files_of(model: Mapping[str, Any]) -> list[File]:
    """The files that the service listed. Raises: ServiceError for a path that could lead elsewhere."""
    files = [File(file["path"], file["sha256"], file["size"]) for file in model["files"]]
    for file in files:
        if why := path_problem(file.path):
            raise ServiceError(f"the service lists a file {file.path!r}: {why}")
    return files


def _problem(answer: requests.Response) -> ServiceError:
    try:
        detail = answer.json()
        said = detail["detail"]
    except (ValueError, KeyError, TypeError):
        detail, said = None, f"the submission service answered {answer.status_code} {answer.reason}"
    return ServiceError(str(said), answer.status_code, detail if isinstance(detail, dict) else None)
