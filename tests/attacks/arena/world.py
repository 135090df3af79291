"""Running arena_run.py as root or as an ordinary user, in either mode of isolation.

An interpreter below /root is out of an ordinary user's reach, and of a kernel's own uid in landlock mode. As
root that is mended for the run alone: in a mount namespace of its own, in which the folders on the way are
empty but for the interpreter.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from course import CANARIES
from jailer import ORDINARY_UID, REPOSITORY, need

HERE = Path(__file__).parent
TIMEOUT_S = 900


class World:
    """One temporary folder for all batches of a test run."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="arena-"))
        self.folder.chmod(0o755)
        self._runs: dict[tuple, dict | Exception] = {}
        self._count = 0

    def remove(self) -> None:
        subprocess.run(["chmod", "-R", "u+rwX", self.folder], check=False, stderr=subprocess.DEVNULL)
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.folder.exists():  # paths longer than Python's rmtree takes
            subprocess.run(["rm", "-rf", self.folder], check=True)

    def run(self, user: str, mode: str, cases: tuple[str, ...], **more) -> dict:
        """What arena_run observed; a batch is run once, and what went wrong with it is raised for all who ask.

        Skips where this machine has not the user or the mode.
        """
        asked = (user, mode, cases, *sorted(more.items()))
        if asked not in self._runs:
            try:
                self._runs[asked] = self._run(user, mode, cases, **more)
            except Exception as error:
                self._runs[asked] = error
        found = self._runs[asked]
        if isinstance(found, Exception):
            raise found
        return found

    def _run(self, user: str, mode: str, cases: tuple[str, ...], **more) -> dict:
        if mode != "none":
            need(user, mode)
        self._count += 1
        place = self.folder / f"{self._count}-{user}-{mode}"
        for name in ("tmp", "home"):
            (place / name).mkdir(parents=True)
        order = {"isolation": mode, "cases": cases, "root": f"{place}/course", **more}
        order |= {"observed": f"{place}/observed.json", "home": f"{place}/home"}
        (place / "order.json").write_text(json.dumps(order))
        if os.geteuid() == 0 and user == "ordinary":
            subprocess.run(["chown", "-R", f"{ORDINARY_UID}:{ORDINARY_UID}", place], check=True)
        done = subprocess.run(
            [sys.executable, "-B", __file__, user, "arena_run", f"{place}/order.json"],
            env=_environment(place),
            cwd="/",
            timeout=TIMEOUT_S,
            capture_output=True,
            text=True,
        )
        told = f"ended with {done.returncode}: {done.stdout[-2000:]}{done.stderr[-4000:]}"
        assert (place / "observed.json").exists(), told
        observed = json.loads((place / "observed.json").read_text())
        assert "error" not in observed, observed["error"] + done.stderr[-4000:]
        observed["stderr"] = done.stderr
        observed["root"] = f"{place}/course"
        return observed

    def script(self, user: str, module: str, *arguments: str, timeout_s: float = 3600.0) -> dict:
        """What a module of this folder has written to `{place}/observed.json`, run as this user."""
        self._count += 1
        place = self.folder / f"{self._count}-{module}"
        for name in ("tmp", "home"):
            (place / name).mkdir(parents=True)
        if os.geteuid() == 0 and user == "ordinary":
            subprocess.run(["chown", "-R", f"{ORDINARY_UID}:{ORDINARY_UID}", place], check=True)
        command = [module, *(argument.format(place=place) for argument in arguments)]
        done = subprocess.run(
            [sys.executable, "-B", __file__, user, *command],
            env=_environment(place),
            cwd="/",
            timeout=timeout_s,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert (place / "observed.json").exists(), done.stderr[-4000:]
        print(done.stderr[-4000:], file=sys.stderr)
        return json.loads((place / "observed.json").read_text())


def _environment(place: Path) -> dict[str, str]:
    paths = [HERE, HERE.parent, REPOSITORY]
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "TMPDIR": f"{place}/tmp",
        "LANG": "C.UTF-8",
        "PYTHONWARNINGS": "ignore",
        "ARENA_CANARY": CANARIES["the environment of the grader"],
    }


def main() -> None:
    """In the child: get out of the way what is in the way, become the user, and run."""
    user, *command = sys.argv[1:]
    if os.geteuid() == 0:
        _open_the_way([Path(sys.base_prefix), Path(sys.prefix), REPOSITORY])
        if user == "ordinary":
            os.setgroups([])
            os.setresgid(*[ORDINARY_UID] * 3)
            os.setresuid(*[ORDINARY_UID] * 3)
    os.execv(sys.executable, [sys.executable, "-B", "-m", *command])


def _open_the_way(needed: list[Path]) -> None:
    """Make `needed` reachable for everybody, in a mount namespace of our own."""
    from autograder.sandbox import libc

    blocked = {top for path in needed for top in path.parents if not os.stat(top).st_mode & 0o001}
    tops = [top for top in blocked if not set(top.parents) & blocked]
    if not tops:
        return
    libc.unshare(libc.CLONE_NEWNS)
    libc.mount(None, "/", None, libc.MS_REC | libc.MS_PRIVATE)
    for top in tops:
        inside = [path for path in needed if top in path.parents]
        stashes = [tempfile.mkdtemp(prefix="arena-stash-") for _ in inside]
        for path, stash in zip(inside, stashes, strict=True):
            libc.mount(str(path), stash, None, libc.MS_BIND | libc.MS_REC)
        libc.mount("open", str(top), "tmpfs", 0, "mode=0755")
        for path, stash in zip(inside, stashes, strict=True):
            path.mkdir(parents=True)
            libc.mount(stash, str(path), None, libc.MS_BIND | libc.MS_REC)
            libc.detach(stash)
            os.rmdir(stash)


if __name__ == "__main__":
    main()
