"""The course as the grader has it: a copy of this checkout's files in the grader's home.

The checkout is where a course is written and the copy follows it, so that what somebody edits in the checkout
is live after the next `make hub`. What grading makes (gradebook, submissions, reports, feedback, the secret)
is the copy's own and never touched.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from hub_config.setup_local.places import CHECKOUT

FOLDERS = ("autograder", "reference_impl", "hub_config", "source", "release")
FILES = ("autograder.toml", "nbgrader_config.py", "pyproject.toml", "uv.lock", "README.md", "LICENSE")
LEFT_OUT = {"__pycache__", ".ipynb_checkpoints"}


class CopyFailed(Exception):
    """The course could not be written; the reason was printed where it arose."""


def bring_up_to_date(course: Path, owner: tuple[int, int] | None) -> None:
    """Write what differs and delete what the checkout has no more.

    Args:
        owner: uid and gid of the grader. The copy is written under them, not by root and given away: a link
            that somebody with the grader's rights left in the course leads nowhere that they could not go.
    Raises: CopyFailed, OSError.
    """
    wanted = {str(path.relative_to(CHECKOUT)): path.read_bytes() for path in _files(CHECKOUT)}
    if owner is None:
        _write(course, wanted)
    else:
        _as_user(*owner, lambda: _write(course, wanted))


def _write(course: Path, wanted: Mapping[str, bytes]) -> None:
    course.mkdir(mode=0o700, exist_ok=True)
    course.chmod(0o700)
    for name, content in wanted.items():
        target = course / name
        if target.is_file() and target.read_bytes() == content:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    for path in list(_files(course)):
        if str(path.relative_to(course)) not in wanted:
            path.unlink()


def _files(root: Path) -> Iterator[Path]:
    yield from (root / name for name in FILES if (root / name).is_file())
    for name in FOLDERS:
        for folder, folders, files in os.walk(root / name):
            folders[:] = [each for each in folders if each not in LEFT_OUT]
            yield from (Path(folder, file) for file in files if not file.endswith(".pyc"))


def _as_user(uid: int, gid: int, work: Callable[[], None]) -> None:
    """Do it in a child without root's rights."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.setgroups([])
            os.setgid(gid)
            os.setuid(uid)
            os.umask(0o077)
            work()
            status = 0
        except Exception:
            traceback.print_exc(file=sys.stderr)
        finally:
            os._exit(status)
    if os.waitpid(pid, 0)[1] != 0:
        raise CopyFailed(f"the course could not be copied as user {uid}; see above")
