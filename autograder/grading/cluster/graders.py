"""A worker's grader processes: warm forks of one launcher, which grade by material that was sent.

The worker process itself (Dask's) imports no TensorFlow and runs no check: signals, time limits and crashes
of checks stay in forks, which a `WorkerPool` replaces.
"""

from __future__ import annotations

import contextlib
import dataclasses
import pickle
import shutil
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from autograder.grading import fingerprint
from autograder.grading.material import Material
from autograder.grading.reference import PACKAGE
from autograder.grading.submission import GradedSubmission, GradeTask
from autograder.grading.worker import WorkerPool
from autograder.sandbox.session import Launcher

__all__ = ["Graders", "launcher_for"]

MATERIAL_FILE = "material.pickle"
Function = Callable[[GradeTask], GradedSubmission]

_launchers: dict[tuple, Launcher] = {}


def launcher_for(isolation: str, preload: Sequence[str], devices: Sequence[str]) -> Launcher:
    """This process's launcher, started on first use; not waited for."""
    key = (isolation, tuple(preload), tuple(devices))
    if key not in _launchers:
        _launchers[key] = Launcher.start(isolation, preload=preload, devices=devices)
    return _launchers[key]


def forget(launcher: Launcher) -> None:
    """A launcher that has ended: the next one that is asked for is a new one."""
    for key in [key for key, known in _launchers.items() if known is launcher]:
        del _launchers[key]
    launcher.close()


class Graders:
    """Grader processes of one material, at most `count`, forked when they are needed."""

    def __init__(self, material: Material, launcher: Launcher, count: int, task_timeout_s: float):
        self._launcher = launcher
        self._root = Path(tempfile.mkdtemp(prefix="autograder-material-"))  # 0700
        material.unpack(self._root)
        (self._root / MATERIAL_FILE).write_bytes(pickle.dumps(material))
        self._pool = WorkerPool(launcher, count, task_timeout_s)
        self._lock = threading.Lock()
        self._running = 0
        self._last_used = time.monotonic()

    @property
    def idle_s(self) -> float:
        """Seconds without a task."""
        return 0.0 if self._running else time.monotonic() - self._last_used

    def grade(self, function: Function, task: GradeTask) -> GradedSubmission:
        """Run `function` on the task in one of the processes.

        Raises: LauncherError where the launcher has ended, so that no result of it can be relied on; what
            `function` raises.
        """
        with self._counted():
            graded = self._pool.submit(grade_here, function, str(self._root), task).result()
        if graded.result.status == "failed":
            self._launcher.fork_worker(f"{__name__}:answer_nothing").close()
        return graded

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
        shutil.rmtree(self._root, ignore_errors=True)

    @contextlib.contextmanager
    def _counted(self):
        with self._lock:
            self._running += 1
        try:
            yield
        finally:
            with self._lock:
                self._running -= 1
                self._last_used = time.monotonic()


def grade_here(function: Function, root: str, task: GradeTask) -> GradedSubmission:
    """In a grader process: the result says by what it was made, as it is found here and now."""
    material = _material(root)
    graded = function(material.within(task, Path(root)))
    made_by = dataclasses.replace(
        graded.result, checks_sha256=material.sha256, environment_sha256=fingerprint.environment()
    )
    return dataclasses.replace(graded, result=made_by)


def answer_nothing(_channel_fd: int, _control: socket.socket) -> None:
    """What a process does that is forked to see whether its launcher is still there."""


@cache
def _material(root: str) -> Material:
    """The material below `root`, whose reference this process imports from now on."""
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]
    sys.path.insert(0, root)
    material: Material = pickle.loads(Path(root, MATERIAL_FILE).read_bytes())  # noqa: S301  the client's
    return material.packed_again(Path(root))
