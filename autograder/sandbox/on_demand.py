"""A launcher that outlives the command that started it.

`nbgrader autograde` and Formgrader grade one submission and end, or grade inside a notebook server. They
share a launcher: whoever comes first starts it, others connect to its socket, and it ends after idling.
It is keyed by the environment and by what it imports ahead, so an upgrade never meets an old one.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import socket
import stat
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from autograder.errors import LauncherError
from autograder.sandbox.launcher_environment import launcher_environment
from autograder.sandbox.session import COURSE_MODULES, LAUNCHER, START_TIMEOUT_S, Launcher

IDLE_S = 300.0
_started: list[subprocess.Popen] = []  # they outlive us: nobody waits for them
MAX_FOLDER_BYTES = 60  # a socket's path has at most 107


def connect(
    isolation: str = "auto",
    *,
    preload: Sequence[str] = COURSE_MODULES,
    idle_s: float = IDLE_S,
    course: str | os.PathLike[str] | None = None,
) -> Launcher:
    """A connection to the shared launcher, which is started if there is none.

    Args:
        course: as `Launcher.start`; courses do not share a launcher.
    Raises: LauncherError when it does not come up; IsolationUnavailable as `Launcher.start` does.
    """
    folder = runtime_folder()
    options = [f"--isolation={isolation}", f"--preload={','.join(preload)}"]
    options += [f"--course={os.fspath(course)}"] if course else []
    stem = f"launcher-{_key(options)}"
    path = folder / f"{stem}.sock"
    with _locked(folder / f"{stem}.lock"):
        control = _try_connect(path)
        if control is None:
            log = folder / f"{stem}.log"
            process = _start(path, log, [*options, f"--idle-s={idle_s}"])
            control = _wait_for(path, process, log)
    launcher = Launcher(control)
    launcher.ready()
    return launcher


def runtime_folder() -> Path:
    """The folder of the sockets: ours alone, 0700.

    Raises: LauncherError when somebody else made it.
    """
    base = os.environ.get("XDG_RUNTIME_DIR")
    folder = Path(base, "autograder") if base else Path(tempfile.gettempdir(), f"autograder-{os.geteuid()}")
    if len(os.fsencode(folder)) > MAX_FOLDER_BYTES:
        raise LauncherError(
            f"the path {folder} is too long for a socket in it: set XDG_RUNTIME_DIR to a shorter one"
        )
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700, parents=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
        raise LauncherError(
            f"{folder} is not a private folder of this user: remove it, or set XDG_RUNTIME_DIR"
        )
    return folder


def _key(options: Sequence[str]) -> str:
    """Changes with the interpreter, what is installed, our own code, and what is asked for."""
    said = [sys.version, sys.prefix, *options]
    ours = Path(__file__).parent
    for path in (Path(sysconfig.get_path("purelib")), *sorted(ours.glob("*.py"))):
        said.append(f"{path} {path.stat().st_mtime_ns}")
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:16]


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _try_connect(path: Path) -> socket.socket | None:
    control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        control.connect(str(path))
    except OSError:
        control.close()
        path.unlink(missing_ok=True)
        return None
    return control


def _start(path: Path, log: Path, options: Sequence[str]) -> subprocess.Popen:
    command = [*LAUNCHER, f"--socket={path}", *options]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=launcher_environment(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            start_new_session=True,
        )
    _started.append(process)
    return process


def _wait_for(path: Path, process: subprocess.Popen, log: Path) -> socket.socket:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        if path.exists() and (control := _try_connect(path)):
            return control
        time.sleep(0.02)
    said = log.read_text(errors="replace").strip()
    raise LauncherError(
        f"the launcher of sandboxed kernels did not start: {said[-500:] or 'it said nothing'}"
    )
