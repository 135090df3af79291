"""The steps of a hub for several people, done as root; and taking all of it away again."""

from __future__ import annotations

import os
import pwd
import shutil
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from hub_config.setup_local import course_copy, environments
from hub_config.setup_local.places import CHECKOUT, Places, Settings, make_metrics_token
from hub_config.setup_local.users import Users, set_password
from hub_config.shared.extensions import write_role_folders
from hub_config.shared.people import People
from hub_config.shared.roles import groups

Say = Callable[[str], None]


def set_up(
    places: Places, people: People, settings: Settings, say: Say, *, new_passwords: bool = False
) -> None:
    """Every step looks first whether it is done.

    Raises: SetupFailed, NameTaken, CopyFailed, CalledProcessError.
    """
    close_checkout(CHECKOUT, say)
    places.prefix.mkdir(parents=True, exist_ok=True)
    places.prefix.chmod(0o755)
    users = Users(places.prefix)
    users.check(people.grader, *people.who_log_in)
    users.add_missing([people.grader], may_log_in=False)
    made = users.add_missing(people.who_log_in)
    if new_passwords:
        made = {name: set_password(name) for name in people.who_log_in}
    _tell_passwords(made, people, say)
    grader = pwd.getpwnam(people.grader)
    owner = grader.pw_uid, grader.pw_gid
    environments.proxy(places.proxy_program, say)
    environments.students(places.students_environment, say)
    course = places.course(people)
    course_copy.bring_up_to_date(course, owner)
    environments.grader(places.graders_environment, course, grader.pw_gid, say)
    write_role_folders(places.role_folders, people.course)
    _private(places.state, 0, 0)
    _private(places.submissions, *owner)
    make_metrics_token(places)
    forget_who_left(places.state / "jupyterhub.sqlite", people)
    settings.write(places.prefix)


def close_checkout(checkout: Path, say: Say) -> None:
    """The checkout holds the reference and the hidden checks: nobody but its owner and group may enter it."""
    mode = stat.S_IMODE(checkout.stat().st_mode)
    if mode & 0o007 and _reachable(checkout.parent):
        say(f"chmod o-rwx {checkout}: it holds the hidden checks, and students have accounts here")
        checkout.chmod(mode & ~0o007)


def _reachable(folder: Path) -> bool:
    """Whether any user of the machine can come there."""
    return all(stat.S_IMODE(path.stat().st_mode) & 0o001 for path in (folder, *folder.parents))


def forget_who_left(database: Path, people: People) -> None:
    """Take whom the class file names no more out of the hub's groups; the hub itself only ever adds."""
    if not database.exists():
        return
    with closing(sqlite3.connect(database)) as connection, connection:
        for group, members in groups(people).items():
            marks = ",".join("?" * len(members["users"]))
            statement = f"""DELETE FROM user_group_map
                WHERE group_id = (SELECT id FROM groups WHERE name = ?)
                AND user_id NOT IN (SELECT id FROM users WHERE name IN ({marks}))"""  # noqa: S608  # ? alone
            connection.execute(statement, (group, *members["users"]))


def _private(folder: Path, uid: int, gid: int) -> None:
    """Raises: SetupFailed if the folder holds what another grader has."""
    if folder.exists() and folder.stat().st_uid != uid and any(folder.iterdir()):
        raise environments.SetupFailed(
            f"{folder} belongs to another grader. Give it to the new one (chown -R), or run `make hub "
            "HUB=--remove` first, which deletes what was handed in."
        )
    folder.mkdir(mode=0o700, exist_ok=True)
    os.chown(folder, uid, gid)
    folder.chmod(0o700)


def _tell_passwords(made: dict[str, str], people: People, say: Say) -> None:
    if not made:
        return
    role = dict.fromkeys(people.students, "student") | dict.fromkeys(people.assistants, "TA")
    role |= dict.fromkeys(people.instructors, "instructor")
    say("passwords, shown this once and kept nowhere (--new-passwords makes new ones):")
    for name, password in made.items():
        print(f"    {role[name]:<11} {name:<16} {password}", flush=True)


def remove(places: Places, say: Say, *, asked: bool, keep_environments: bool = False) -> int:
    """Remove what set_up made. Debian's packages stay. Returns: an exit status."""
    users = Users(places.prefix)
    names = [] if places.demo else users.all()
    what = [f"the user {name} with the home {pwd.getpwnam(name).pw_dir}" for name in names]
    folders = _folders(places, keep_environments) if places.prefix.exists() else []
    what += [f"the folder {folder}" for folder in folders]
    if not what:
        say("nothing to remove")
        return 0
    say("this removes:\n    " + "\n    ".join(what))
    if not asked and input("Submissions and marks go with it. Type yes: ").strip() != "yes":
        say("nothing was removed")
        return 1
    for name in names:
        users.remove(name)
    for folder in folders:
        shutil.rmtree(folder)
    return 0


def _folders(places: Places, keep_environments: bool) -> list[Path]:
    """Raises: SetupFailed for a folder that is not a hub's."""
    if not (places.prefix / "settings.json").is_file():
        raise environments.SetupFailed(
            f"{places.prefix}: this is not a folder that make hub made; nothing was removed"
        )
    if not keep_environments:
        return [places.prefix]
    return [each for each in (places.state, places.submissions, places.role_folders) if each.exists()]
