"""A batch that is killed at its n-th step, for every n: each on a copy of a course, in a fork of its own.

    python -m killed_batch ROOT EVERY OFFSET

A step is whatever the writing process does to files and to the database: opening for writing, renaming,
removing, making, changing modes, beginning and committing. What graders return is known beforehand, so that a
step costs milliseconds; the kill is SIGKILL. Prints one JSON line a step: what was found afterwards.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
import signal
import socket
import sqlite3
import sys
import tempfile
from multiprocessing.connection import Connection
from pathlib import Path

import course as arena
from attack import Attack
from sqlalchemy import Engine, event

from autograder.grading.batch import grade_batch
from autograder.grading.course import Course
from autograder.grading.submission import GradedSubmission
from autograder.report.receipt import read_receipt
from autograder.sandbox.session import GRADER_MODULES, Launcher

STUDENTS = ("ada", "bob")
OLD = {"ada": arena.RIGHT, "bob": arena.RIGHT.replace("% 2 == 0", "% 2 == 1")}
NEW = {"ada": "# nothing any more", "bob": arena.RIGHT}
SCORES = {"old": {"ada": 10.0, "bob": 8.0}, "new": {"ada": 0.0, "bob": 10.0}}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
STEPS = (
    "os.rename",
    "os.remove",
    "os.rmdir",
    "os.mkdir",
    "os.chmod",
    "os.link",
    "os.truncate",
    "shutil.rmtree",
)


class Recording:
    """The real launcher; what its workers answer is kept on the way."""

    def __init__(self, launcher: Launcher):
        self._launcher = launcher
        self._kept = tempfile.TemporaryFile()  # noqa: SIM115  as long as the process

    def fork_worker(self, entry: str) -> socket.socket:
        inner = Connection(self._launcher.fork_worker(entry).detach())
        ours, theirs = socket.socketpair()
        if os.fork() == 0:
            ours.close()
            outer = Connection(theirs.detach())
            try:
                outer.send_bytes(inner.recv_bytes())
                while True:
                    inner.send_bytes(outer.recv_bytes())
                    answer = inner.recv_bytes()
                    self._kept.write(len(answer).to_bytes(8, "big") + answer)
                    self._kept.flush()
                    outer.send_bytes(answer)
            finally:
                os._exit(0)
        theirs.close()
        inner.close()
        return ours

    def answers(self) -> dict[str, GradedSubmission]:
        self._kept.seek(0)
        found = {}
        while size := self._kept.read(8):
            _, graded = pickle.loads(self._kept.read(int.from_bytes(size, "big")))
            found[graded.result.student] = graded
        return found

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._launcher.close()


class Known:
    """A launcher whose workers know what will come out: graders' answers from a run that went well."""

    def __init__(self, answers: dict[str, GradedSubmission]):
        self._answers = answers

    def fork_worker(self, _entry: str) -> socket.socket:
        ours, theirs = socket.socketpair()
        if os.fork() == 0:
            ours.close()
            channel = Connection(theirs.detach())
            channel.send(os.getpid())
            try:
                while True:
                    _, (task,) = pickle.loads(channel.recv_bytes())
                    channel.send((True, self._answers[task.student]))
            finally:
                os._exit(0)
        theirs.close()
        return ours

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def main() -> None:
    root, every, offset = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    answers = _prepare(root)
    step = offset
    while _killed_at(step, root, answers):
        step += every
    print(json.dumps({"steps": step}), flush=True)


def _prepare(root: Path) -> dict[str, GradedSubmission]:
    """A course that has graded the old submissions and has got new ones. Returns: what grading those gives."""
    arena.build(root, "auto")
    _submit(root, OLD)
    launcher = Launcher.start("auto", preload=("numpy", *GRADER_MODULES), course=root)
    grade_batch(Course(root), "ps", jobs=2, launcher=launcher)
    _submit(root, NEW)
    launcher = Recording(Launcher.start("auto", preload=("numpy", *GRADER_MODULES), course=root))
    grade_batch(Course(root), "ps", jobs=1, keep=False, launcher=launcher)
    return launcher.answers()


def _submit(root: Path, answers: dict[str, str]) -> None:
    for student, answer in answers.items():
        shutil.rmtree(root / "submitted" / student, ignore_errors=True)
        arena.hand_in_attack(root, Attack(student, "", "", answer=answer))


def _killed_at(step: int, root: Path, answers: dict[str, GradedSubmission]) -> bool:
    """Kill a batch at this step and tell what is there. Returns: False if it ended before."""
    copy = root.with_name("copy")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(root, copy)
    pid = os.fork()
    if pid == 0:
        _count_down(step, copy)
        grade_batch(Course(copy), "ps", jobs=1, launcher=Known(answers))
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    found = {"step": step, "killed": os.WIFSIGNALED(status), "after": _states(copy)}
    pid = os.fork()
    if pid == 0:
        try:
            batch = grade_batch(Course(copy), "ps", jobs=1, launcher=Known(answers))
            os._exit(batch.exit_status)
        except BaseException as error:
            print(repr(error), file=sys.stderr)
            os._exit(70)
    _, status = os.waitpid(pid, 0)
    found |= {"rerun": os.waitstatus_to_exitcode(status), "finally": _states(copy)}
    print(json.dumps(found), flush=True)
    return found["killed"]


def _count_down(step: int, root: Path) -> None:
    left = step

    def one_step() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def hook(name: str, arguments: tuple) -> None:
        opened = name == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING
        if (opened or name in STEPS) and str(root) in str(arguments[0]):
            one_step()

    sys.addaudithook(hook)
    for name in ("begin", "commit"):
        event.listen(Engine, name, lambda *_: one_step())


def _states(root: Path) -> dict[str, dict]:
    """Of each student: the marks in the gradebook, what the receipt says, whether the marked notebook is there."""
    with sqlite3.connect(root / "gradebook.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = database.execute(
            "SELECT s.student_id, sum(g.auto_score), count(*), count(g.auto_score) FROM grade g "
            "JOIN submitted_notebook n ON n.id = g.notebook_id "
            "JOIN submitted_assignment s ON s.id = n.assignment_id GROUP BY s.student_id"
        ).fetchall()
    database.close()
    marks = {student: (score, graded == all_) for student, score, all_, graded in rows}
    course = Course(root)
    states = {}
    for student in STUDENTS:
        folder = course.folder("autograded", "ps", student)
        report = course.report_file("ps", student)
        receipt = read_receipt(report) if report.exists() else None
        states[student] = {
            "gradebook": marks[student],
            "receipt": receipt and receipt.score,
            "notebook": (folder / "ps.ipynb").is_file(),
        }
    return states


if __name__ == "__main__":
    main()
