"""A course with its service: the real one, over HTTP, in a thread of the test."""

from __future__ import annotations

import hashlib
import json
import threading
import time
import uuid
from pathlib import Path

import nbformat
import requests
import uvicorn
from fake_hub import FakeHub
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder.service.access import Desk
from autograder.service.app import create_app
from autograder.service.courses import Courses
from autograder.service.identity import Hub
from autograder.service.stores import Stores

PREFIX = "/services/autograder/"
RIGHT = "def double(x):\n    return [2 * each for each in x]"
WRONG = "def double(x):\n    return x"
HALF = "def double(x):\n    return [2 * abs(each) for each in x]"
CHECKS = """
from autograder.checking import close, question


@question("double", points=1, public=True)
def test_doubles_small_numbers(student):
    close(student.double([1.0, 2.0]), [2.0, 4.0], "double gives twice its argument")


@question("double", points=2)
def test_doubles_negative_numbers(student, rng):
    x = (-rng.uniform(1, 2, size=3)).tolist()
    close(student.double(x), [2 * each for each in x], "negative numbers double too")
"""


def graded(source="", grade=False, solution=False, grade_id="double", **more):
    marks = {"grade_id": grade_id, "schema_version": 3, "grade": grade, "solution": solution, "locked": grade}
    return new_code_cell(source, metadata={"nbgrader": {**marks, **more}})


def notebook(answer: str = RIGHT):
    """The course's assignment with this answer. Ids are fixed: the same answer is the same file."""
    essay = {
        "grade_id": "why",
        "schema_version": 3,
        "grade": True,
        "solution": True,
        "locked": False,
        "points": 4,
    }
    cells = [
        graded(answer, solution=True, grade_id="double-answer"),
        graded("# checks", grade=True, points=3),
        new_markdown_cell("Because.", metadata={"nbgrader": essay}),
    ]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    return new_notebook(
        cells=cells,
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )


def notebook_bytes(answer: str = RIGHT) -> bytes:
    return nbformat.writes(notebook(answer)).encode()


def make_course(root: Path, id: str = "one", toml: str = "", config: str = "") -> Path:
    """A course of one question of 3 points and an essay, without TensorFlow."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "nbgrader_config.py").write_text(
        f"c = get_config()\nc.CourseDirectory.course_id = {id!r}\n{config}\n"
        "from autograder.exchange import configure\nconfigure(c)\n"
    )
    (root / "autograder.toml").write_text(toml)
    (root / "checks").mkdir(exist_ok=True)
    (root / "checks" / "ps.py").write_text(CHECKS)
    for step in ("source", "release"):
        (root / step / "ps").mkdir(parents=True, exist_ok=True)
        nbformat.write(
            notebook(RIGHT if step == "source" else "def double(x):\n    raise NotImplementedError"),
            root / step / "ps" / "ps.ipynb",
        )
    return root


class Served:
    """The service of some courses, running; requests to it as different people."""

    def __init__(self, hub: FakeHub, stores: Stores, *roots: Path, parents: tuple[Path, ...] = ()):
        self.hub, self.stores = hub, stores
        environment = {
            "JUPYTERHUB_API_TOKEN": "the-service's-own",
            "JUPYTERHUB_API_URL": f"{hub.url}/hub/api",
            "JUPYTERHUB_SERVICE_PREFIX": PREFIX,
            "JUPYTERHUB_SERVICE_NAME": "autograder",
            "JUPYTERHUB_CLIENT_ID": "service-autograder",
            "JUPYTERHUB_HOST": hub.url,
        }
        self.courses = Courses(roots, parents)
        self.app = create_app(Desk(stores, self.courses, Hub(environment)), PREFIX)

    def __enter__(self):
        config = uvicorn.Config(self.app, host="127.0.0.1", port=0, log_level="warning", access_log=False)
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        while not self.server.started:
            assert self.thread.is_alive(), "the service did not start"
            time.sleep(0.01)
        self.port = self.server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}{PREFIX}"
        self.hub.service = f"http://127.0.0.1:{self.port}"
        return self

    def __exit__(self, *error):
        self.server.should_exit = True
        self.thread.join(10)

    def request(self, method: str, path: str, token: str | None = None, **arguments) -> requests.Response:
        headers = {"Authorization": f"token {token}"} if token else {}
        headers.update(arguments.pop("headers", {}))
        return requests.request(method, self.url + path, headers=headers, timeout=90, **arguments)

    def get(self, path: str, token: str) -> requests.Response:
        return self.request("GET", path, token)

    def send(self, token: str, content: bytes, course: str = "one") -> requests.Response:
        sha256 = hashlib.sha256(content).hexdigest()
        return self.request("PUT", f"api/courses/{course}/blobs/{sha256}", token, data=content)

    def release(self, token: str, files: dict[str, bytes] | None = None, name="ps", course="one", **more):
        files = files or {f"{name}.ipynb": notebook_bytes("def double(x):\n    raise NotImplementedError")}
        for content in files.values():
            assert self.send(token, content, course).status_code in (200, 201)
        body = {"files": listed(files), **more}
        return self.request("PUT", f"api/courses/{course}/assignments/{name}/release", token, json=body)

    def submit(self, token: str, files: dict[str, bytes] | None = None, name="ps", course="one", key=None):
        files = {f"{name}.ipynb": notebook_bytes()} if files is None else files
        for content in files.values():
            sent = self.send(token, content, course)
            if not sent.ok:
                return sent
        return self.submit_listed(token, listed(files), name, course, key)

    def submit_listed(self, token: str, files: list[dict], name="ps", course="one", key=None):
        body = {"key": key or uuid.uuid4().hex, "files": files}
        return self.request("POST", f"api/courses/{course}/assignments/{name}/submissions", token, json=body)


def listed(files: dict[str, bytes]) -> list[dict]:
    return [
        {"path": path, "sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        for path, content in files.items()
    ]


def everything_in(stores: Stores) -> str:
    """All rows of all tables, to see that nothing changed."""
    from sqlalchemy import select

    from autograder.service.schema import Base

    with stores.database.read() as session:
        rows = {
            table.name: [
                list(map(str, row)) for row in session.execute(select(table).order_by(*table.primary_key))
            ]
            for table in Base.metadata.sorted_tables
        }
    return json.dumps(rows, indent=1)
