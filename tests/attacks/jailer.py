"""The tests' side of jail.py: which interpreter and user to run it with, and what the machine allows.

Our modules are copied to a folder that everybody can read, next to the attacks and without this project's
dependencies, so that they run for an ordinary user too, under the system's Python.
"""

import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
ORDINARY_UID = 54321
USERS = ("root", "ordinary")
MODES = ("namespaces", "landlock")
TIMEOUT_S = 60


class Jailer:
    """Runs jail.py as root or as an ordinary user; one folder a test run."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="jailer-"))
        self.folder.chmod(0o755)
        (self.folder / "tmp").mkdir()
        (self.folder / "tmp").chmod(0o1777)
        copy_sources(self.folder / "autograder")
        for name in ("jail.py", "isolation_attacks.py", "honest_work.py"):
            shutil.copy(REPOSITORY / "tests/attacks" / name, self.folder)
        self.setuid = self._setuid_program() if os.geteuid() == 0 else None
        self.run_all = functools.cache(self._run_all)

    def run(self, user, mode, *attacks, python=None, path=True, **order):
        """What each attack gained, in order. Skips where this machine has not the mode, or not the user."""
        need(user, mode)
        order = {"mode": mode, "attacks": attacks, **order}
        output = {"capture_output": True, "text": True}
        done = self._start(user, order, python or interpreter(user), path, **output)
        said = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(said) == len(attacks), done.stderr
        for each in said:
            assert "error" not in each, each["error"]
        return said

    def run_and_kill_launcher(self, user, mode, attack, hold):
        """Returns when the launcher has been killed; `hold` is a descriptor that the kernel keeps open."""
        need(user, mode)
        order = {"mode": mode, "attacks": [attack], "then": "kill launcher", "hold": hold}
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "pass_fds": [hold]}
        done = self._start(user, order, interpreter(user), True, **silent)
        assert done.returncode == -signal.SIGKILL

    def _start(self, user, order, python, path, **streams):
        command = [python, "-B", "-m", "jail", json.dumps(order)]
        how = {"env": self._environment(path), "cwd": "/", "timeout": TIMEOUT_S}
        return subprocess.run(command, **how, **streams, **credentials(user))

    def _run_all(self, user, mode, attacks, omit=()):
        return {said["attack"]: said for said in self.run(user, mode, *attacks, omit=omit)}

    def remove(self):
        shutil.rmtree(self.folder)

    def _environment(self, path):
        said = {"PLANTED": "hunter2-of-the-launcher", "PATH": os.environ["PATH"]}
        said["TMPDIR"] = str(self.folder / "tmp")
        said |= {"PYTHONPATH": str(self.folder)} if path else {}
        return said | ({"SETUID_ID": str(self.setuid)} if self.setuid else {})

    def _setuid_program(self):
        path = self.folder / "setuid" / "id"
        path.parent.mkdir()
        shutil.copy("/usr/bin/id", path)
        path.chmod(0o4755)
        return path


def copy_sources(target):
    """The part of the package that confines; it must need nothing but the standard library."""
    sandbox = target / "sandbox"
    sandbox.mkdir(parents=True)
    for name in ("__init__.py", "errors.py"):
        shutil.copy(REPOSITORY / "autograder" / name, target)
    for source in (REPOSITORY / "autograder/sandbox").glob("*.py"):
        shutil.copy(source, sandbox)


def credentials(user):
    """Arguments of subprocess.run that make it run as this user."""
    if user == "ordinary" and os.geteuid() == 0:
        return {"user": ORDINARY_UID, "group": ORDINARY_UID, "extra_groups": []}
    return {}


@functools.cache
def interpreter(user):
    """A Python that this user, and in landlock mode any user, can run."""
    candidates = [sys.executable] if os.geteuid() != 0 else []
    candidates += [f"/usr/bin/python3.{minor}" for minor in (13, 12, 11)]
    for python in candidates:
        if os.path.exists(python):
            return python
    pytest.skip("no Python 3.11 or later that an ordinary user can run")


def need(user, mode):
    """Skip, with the reason, what this machine itself has not: asked without any of our own code."""
    if user == "root" and os.geteuid() != 0:
        pytest.skip("only root can start a launcher as root")
    if mode == "namespaces" and not namespaces_allowed(user):
        pytest.skip(f"this machine does not let {user} make namespaces (unshare failed)")
    if mode == "landlock" and not landlock_compiled_in():
        pytest.skip("this machine's Linux has no Landlock")


@functools.cache
def namespaces_allowed(user):
    flags = ["--mount", "--pid", "--net", "--fork", "--mount-proc"]
    flags += [] if user == "root" else ["--user", "--map-root-user"]
    return (
        subprocess.run(["unshare", *flags, "true"], capture_output=True, **credentials(user)).returncode == 0
    )


@functools.cache
def landlock_compiled_in():
    asked = "import ctypes; print(ctypes.CDLL(None).syscall(444, None, 0, 1))"
    return int(subprocess.run([sys.executable, "-c", asked], capture_output=True, check=True).stdout) > 0
