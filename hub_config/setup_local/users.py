"""Unix users of a class: made with homes of mode 0700 and passwords that are printed once and kept nowhere.

Only users with our mark in their GECOS field are ever changed or removed. A name that somebody else has is an
error, never a user taken over.
"""

from __future__ import annotations

import pwd
import secrets
import subprocess
from collections.abc import Iterable
from pathlib import Path

MARK = "made by autograder make hub"
PASSWORD_BYTES = 12  # 96 bits
HOME_MODE = 0o700


class NameTaken(Exception):
    """A user of that name exists and is not ours."""


def find(name: str) -> pwd.struct_passwd | None:
    """Our user of that name, or None.

    Raises: NameTaken.
    """
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    if entry.pw_gecos.split(",")[0] != MARK:
        raise NameTaken(
            f"there is a user {name!r} on this machine that make hub did not make. Put other names into the "
            "class file."
        )
    return entry


def add_missing(names: Iterable[str], *, may_log_in: bool = True) -> dict[str, str]:
    """Make who is not there yet, and close every home to others.

    Returns: a new password for each user that was made and may log in.
    Raises: NameTaken, before anything is changed; CalledProcessError.
    """
    names = list(names)
    missing = [name for name in names if find(name) is None]
    made = {}
    for name in missing:
        shell = "/bin/bash" if may_log_in else "/usr/sbin/nologin"
        _run("useradd", "--create-home", "--user-group", "--shell", shell, "--comment", MARK, name)
        if may_log_in:
            made[name] = set_password(name)
    for name in names:
        Path(pwd.getpwnam(name).pw_dir).chmod(HOME_MODE)
    return made


def set_password(name: str) -> str:
    """A new random password; it goes to chpasswd by a pipe, so that no list of processes shows it."""
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    subprocess.run(["chpasswd"], input=f"{name}:{password}\n", text=True, check=True)
    return password


def ours() -> list[str]:
    """Every user with our mark."""
    return sorted(entry.pw_name for entry in pwd.getpwall() if entry.pw_gecos.split(",")[0] == MARK)


def remove(name: str) -> None:
    """Remove one of our users with its home.

    Raises: NameTaken; CalledProcessError, for instance while a process of the user runs.
    """
    if find(name) is not None:
        _run("userdel", "--remove", name)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)
