"""The environments of a root's hub: one for people's servers, one for the grader, and the proxy's packages.

All belong to root, so that nobody who uses them can change them, and are compiled, since their users could
not write the compiled files. Versions are those of the project's lock file.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from hub_config.setup_local.places import CHECKOUT

SYSTEM_PYTHON = "/usr/bin/python3"
STUDENT = CHECKOUT / "hub_config" / "student"
# The last series that runs on the node of Debian 12, and the one for node 20 and later.
PROXIES = {20: "5.3.0", 10: "4.6.3"}


class SetupFailed(Exception):
    """A step of the set-up cannot be done; the message says what to do."""


def uv() -> str:
    """The uv that `make setup` used.

    Raises: SetupFailed.
    """
    found = shutil.which("uv") or shutil.which("uv", path=str(CHECKOUT / ".uv" / "bin"))
    if not found:
        raise SetupFailed("uv is not here: run `make setup` first")
    return found


def students(environment: Path, say: Callable[[str], None]) -> None:
    """What people's servers run from: packages as the lock file has them, the plug-in as its sources are."""
    packages = [CHECKOUT / "uv.lock", STUDENT / "requirements.in", STUDENT / "install.sh"]
    ours = CHECKOUT / "autograder"
    plug_in = [
        STUDENT / "pyproject.toml",
        ours / "__init__.py",
        ours / "errors.py",
        *(ours / "exchange").glob("*"),
    ]
    with _unless_current(environment / "made-from", packages) as stale:
        if stale:
            say(f"environment for people's servers: {environment} (minutes the first time)")
            install = ["sh", str(STUDENT / "install.sh"), str(environment)]
            _run(install, env={**_inherited(), "UV": uv(), "PYTHON": SYSTEM_PYTHON})
    with _unless_current(environment / "plug-in-made-from", plug_in) as stale:
        if stale:
            into = ["--python", str(environment), "--no-deps", "--reinstall", "--compile-bytecode", "--quiet"]
            _uv("pip", "install", *into, str(STUDENT))
    (environment / ".lock").unlink(missing_ok=True)  # uv's, which everybody may write


def grader(environment: Path, course: Path, group: int, say: Callable[[str], None]) -> None:
    """The whole project as it stands in the grader's course; closed to all but the grader's group."""
    environment.parent.mkdir(mode=0o750, exist_ok=True)
    os.chown(environment.parent, 0, group)
    locked = [CHECKOUT / "uv.lock", CHECKOUT / "pyproject.toml"]
    with _unless_current(environment / "made-from", locked, where=course) as stale:
        if not stale:
            return
        say(f"environment for grading: {environment} (minutes the first time)")
        sync = ["sync", "--quiet", "--locked", "--no-dev", "--all-extras", "--compile-bytecode"]
        _uv(
            *sync,
            "--python",
            SYSTEM_PYTHON,
            "--project",
            str(course),
            UV_PROJECT_ENVIRONMENT=str(environment),
        )


def proxy(program: Path, say: Callable[[str], None]) -> None:
    """configurable-http-proxy from npm; the PyPI package of that name refuses what a hub needs.

    Raises: SetupFailed.
    """
    if program.exists():
        return
    version = PROXIES[20 if _node_major() >= 20 else 10]
    say(f"npm package configurable-http-proxy {version}: {program.parents[2]}")
    folder = program.parents[2]
    folder.mkdir(parents=True, exist_ok=True)
    npm = ["npm", "install", "--no-fund", "--no-audit", "--loglevel=error", "--prefix", str(folder)]
    _run([*npm, f"configurable-http-proxy@{version}"])


def _node_major() -> int:
    try:
        found = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise SetupFailed("node does not run: install Debian's packages nodejs and npm") from error
    return int(found.strip().lstrip("v").split(".")[0])


class _unless_current:  # noqa: N801  # reads as a statement
    """Tells whether something is older than its sources; marks it current when the block succeeds."""

    def __init__(self, stamp: Path, sources: Iterable[Path], where: Path | str = ""):
        self._stamp = stamp
        digest = hashlib.sha256(f"{Path(SYSTEM_PYTHON).resolve().name} {where}".encode())
        for source in sorted(path for path in sources if path.is_file()):
            digest.update(source.read_bytes())
        self._wanted = digest.hexdigest()

    def __enter__(self) -> bool:
        return not self._stamp.is_file() or self._stamp.read_text() != self._wanted

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._stamp.write_text(self._wanted)


def _uv(*arguments: str, **environment: str) -> None:
    _run([uv(), *arguments], cwd=CHECKOUT, env={**_inherited(), **environment})


def _inherited() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}


def _run(command: list[str], **options: object) -> None:
    try:
        subprocess.run(command, check=True, stdout=sys.stderr, **options)  # type: ignore[call-overload]
    except (OSError, subprocess.CalledProcessError) as error:
        raise SetupFailed(f"{' '.join(command[:3])} … failed: {error}") from error
