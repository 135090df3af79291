"""Unix users of a class: made with homes of mode 0700 and passwords that are printed once and kept nowhere.

Only users that this hub made, by a mark in their GECOS field, are ever changed or removed. A name that
somebody else has is an error, never a user taken over.
"""

from __future__ import annotations

import pwd
import secrets
import subprocess
from collections.abc import Iterable
from pathlib import Path

PASSWORD_BYTES = 12  # 96 bits
HOME_MODE = 0o700


class NameTaken(Exception):
    """A user of that name exists and is not ours."""


class Users:
    """The users of one hub.

    Args:
        prefix: the hub's folder; it is the mark, so that two hubs leave each other's users alone.
    """

    def __init__(self, prefix: Path):
        self._mark = f"autograder hub {prefix}"

    def find(self, name: str) -> pwd.struct_passwd | None:
        """Our user of that name, or None.

        Raises: NameTaken.
        """
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            return None
        if not self._is_ours(entry):
            raise NameTaken(
                f"there is a user {name!r} on this machine that this hub did not make. Put other names into "
                "the class file."
            )
        return entry

    def check(self, *names: str) -> None:
        """Raises: NameTaken."""
        for name in names:
            self.find(name)

    def add_missing(self, names: Iterable[str], *, may_log_in: bool = True) -> dict[str, str]:
        """Make who is not there yet, and close every home to others.

        Returns: a new password for each user that was made and may log in.
        Raises: NameTaken, before anything is changed; CalledProcessError.
        """
        names = list(names)
        missing = [name for name in names if self.find(name) is None]
        shell = "/bin/bash" if may_log_in else "/usr/sbin/nologin"
        made = {}
        for name in missing:
            _run("useradd", "--create-home", "--user-group", "--shell", shell, "--comment", self._mark, name)
            if may_log_in:
                made[name] = set_password(name)
        for name in names:
            Path(pwd.getpwnam(name).pw_dir).chmod(HOME_MODE)
        return made

    def all(self) -> list[str]:
        return sorted(entry.pw_name for entry in pwd.getpwall() if self._is_ours(entry))

    def remove(self, name: str) -> None:
        """Remove one of our users with its home and whatever it left running.

        Raises: NameTaken; CalledProcessError.
        """
        if self.find(name) is not None:
            subprocess.run(["pkill", "-KILL", "-U", name], check=False)
            _run("userdel", "--remove", name)

    def _is_ours(self, entry: pwd.struct_passwd) -> bool:
        return entry.pw_gecos.split(",")[0] == self._mark


def set_password(name: str) -> str:
    """A new random password; it goes to chpasswd by a pipe, so that no list of processes shows it."""
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    subprocess.run(["chpasswd"], input=f"{name}:{password}\n", text=True, check=True)
    return password


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)
