"""The minute before a deadline: how fast receipts and pages come, whether anything is lost, when all have marks.

    python -m tests.bench.submissions [--students 200] [--seconds 60] [--database URL] [--no-grading]

Students hand in spread over the time, by what `nbgrader submit` does; meanwhile pages of students and of a
TA are loaded all the time. The service and, unless left out, a worker run as programs of their own. The hub
is a stand-in: what a real one adds is one request for each person a minute. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import statistics
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests

sys.path.insert(0, str(Path(__file__).parents[1] / "service"))

from fake_hub import FakeHub
from processes import Program
from served import RIGHT, WRONG, listed, make_course, notebook_bytes

from autograder.exchange.client import ServiceClient
from autograder.exchange.manifest import file_at


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--students", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--database", help="an SQLAlchemy URL (default: SQLite in a temporary folder)")
    parser.add_argument("--no-grading", action="store_true", help="start no worker")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="autograder-bench-") as folder, FakeHub() as hub:
        print(json.dumps(run(hub, Path(folder), options), indent=1))


def run(hub: FakeHub, folder: Path, options: argparse.Namespace) -> dict:
    root = make_course(folder / "course")
    program = Program(hub, root, folder / "service")
    if options.database:
        program.environment["AUTOGRADER_SERVICE_DATABASE"] = options.database
    tina = hub.add("tina", "formgrade-one")
    ida = hub.add("ida", "formgrade-one", "instructors-one")
    students = {
        f"s{number:03}": hub.add(f"s{number:03}", "nbgrader-one") for number in range(options.students)
    }
    program.start()
    worker = None
    try:
        _release(program, ida)
        worker = None if options.no_grading else program.worker()
        pages, over = Pages(hub, program, [tina, *list(students.values())[:3]]), threading.Event()
        watchers = [threading.Thread(target=pages.watch, args=(token, over)) for token in pages.tokens]
        receipts = Receipts(program, folder)
        chance = random.Random(1)
        threads = [
            threading.Thread(
                target=receipts.hand_in, args=(token, chance.uniform(0, options.seconds), number)
            )
            for number, token in enumerate(students.values())
        ]
        started = time.monotonic()
        for thread in [*watchers, *threads]:
            thread.start()
        for thread in threads:
            thread.join()
        took = time.monotonic() - started
        graded_s = None if options.no_grading else _wait_for_marks(program, tina, options.students, started)
        over.set()
        for watcher in watchers:
            watcher.join()
        kept = _submissions(program, tina)
        lost = set(receipts.ids) - {each["receipt"]["id"] for each in kept}
        return {
            "students": options.students,
            "seconds": round(took, 1),
            "receipted": len(receipts.ids),
            "failed": receipts.failed,
            "lost": len(lost),
            "receipt_s": _spread(receipts.seconds),
            "page_s": _spread(pages.seconds),
            "pages": len(pages.seconds),
            "page_failures": pages.failed,
            "marks": sum(each["report"] is not None and each["report"]["score"] is not None for each in kept),
            "all_marked_after_s": graded_s,
        }
    finally:
        if worker:
            worker.terminate()
            worker.wait(60)
        program.stop()


class Receipts:
    def __init__(self, program: Program, folder: Path):
        self._program, self._folder = program, folder
        self.ids: list[str] = []
        self.seconds: list[float] = []
        self.failed: list[str] = []

    def hand_in(self, token: str, after_s: float, number: int) -> None:
        """What `nbgrader submit` does once it has read the folder."""
        path = self._folder / f"{number}.ipynb"
        path.write_bytes(notebook_bytes((RIGHT if number % 3 else WRONG) + f"\n# {number}"))
        time.sleep(after_s)
        started = time.monotonic()
        client = ServiceClient(self._program.url, token)
        try:
            client.get("courses")
            client.get("courses", "one", "assignments", "ps", "release")
            answer = client.send_listed(
                "one", [(file_at(path, "ps.ipynb"), path)], "courses", "one", "assignments", "ps", "submissions",
                key=hashlib.sha256(path.read_bytes()).hexdigest()[:32],
            )  # fmt: skip
            self.ids.append(answer["receipt"]["id"])
            self.seconds.append(time.monotonic() - started)
        except Exception as error:
            self.failed.append(f"{type(error).__name__}: {error}")
        finally:
            client.close()


class Pages:
    """Browsers that load one page after another."""

    def __init__(self, hub: FakeHub, program: Program, tokens: list[str]):
        self._url, self.tokens = program.url, tokens
        self.seconds: list[float] = []
        self.failed: list[str] = []
        self._sessions = {}
        for token in tokens:
            hub.signed_in = token
            self._sessions[token] = requests.Session()
            self._sessions[token].get(program.url, timeout=60).raise_for_status()

    def watch(self, token: str, over: threading.Event) -> None:
        while not over.is_set():
            for path in ("courses/one", "courses/one/assignments/ps"):
                started = time.monotonic()
                try:
                    self._sessions[token].get(self._url + path, timeout=30).raise_for_status()
                    self.seconds.append(time.monotonic() - started)
                except requests.RequestException as error:
                    self.failed.append(str(error))
            over.wait(2.0)  # what live pages do


def _release(program: Program, token: str) -> None:
    content = notebook_bytes("def double(x):\n    raise NotImplementedError")
    headers = {"Authorization": f"token {token}"}
    sha256 = hashlib.sha256(content).hexdigest()
    url = f"{program.url}api/courses/one"
    requests.put(f"{url}/blobs/{sha256}", data=content, headers=headers, timeout=30).raise_for_status()
    due = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    body = {"files": listed({"ps.ipynb": content}), "due": due}
    requests.put(f"{url}/assignments/ps/release", json=body, headers=headers, timeout=30).raise_for_status()


def _submissions(program: Program, token: str) -> list[dict]:
    url = f"{program.url}api/courses/one/assignments/ps/submissions"
    answer = requests.get(url, headers={"Authorization": f"token {token}"}, timeout=120)
    answer.raise_for_status()
    return answer.json()


def _wait_for_marks(
    program: Program, token: str, count: int, started: float, patience_s: float = 900
) -> float | None:
    while time.monotonic() - started < patience_s:
        text = requests.get(f"{program.url}metrics", timeout=30).text
        marks = sum(
            float(line.rsplit(" ", 1)[1])
            for line in text.splitlines()
            if line.startswith("autograder_marks{")
        )
        if marks >= count:
            return round(time.monotonic() - started, 1)
        time.sleep(1)
    return None


def _spread(values: list[float]) -> dict:
    if not values:
        return {}
    ordered = sorted(values)
    return {
        "median": round(statistics.median(ordered), 3),
        "p95": round(ordered[int(0.95 * (len(ordered) - 1))], 3),
        "max": round(ordered[-1], 3),
    }


if __name__ == "__main__":
    main()
