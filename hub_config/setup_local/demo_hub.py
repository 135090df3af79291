"""The demo for one person without root: the whole loop to click through, and no isolation whatever."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from hub_config.setup_local import course_copy, environments
from hub_config.setup_local.places import Places, Settings, make_metrics_token
from hub_config.shared.extensions import write_role_folders
from hub_config.shared.people import People

WARNING = """\
this is a demo for ONE person. It isolates nobody: every server, the service and the grader run as you, so a
    notebook of any “student” can read and change everything that you can, marks and checks included. Never
    let others log in here. Run make hub as root for a hub with separate users."""


def set_up_demo(places: Places, people: People, settings: Settings, say: Callable[[str], None]) -> None:
    """Raises: SetupFailed, OSError."""
    say(WARNING)
    places.prefix.mkdir(mode=0o700, parents=True, exist_ok=True)
    environments.proxy(places.proxy_program, say)
    course_copy.bring_up_to_date(places.course(people), None)
    write_role_folders(places.role_folders, people.course)
    for folder in (places.state, places.submissions, places.prefix / "homes"):
        folder.mkdir(mode=0o700, exist_ok=True)
    make_metrics_token(places)
    password = _password(places.prefix)
    replace(settings, demo_password=password).write(places.prefix)
    say(f"log in as {', '.join(people.who_log_in)}, all with the password:")
    print(f"    {password}", flush=True)


def _password(prefix: Path) -> str:
    """The one of the last time, or a new one; it lies in settings.json (0600)."""
    if (prefix / "settings.json").is_file() and (known := Settings.read(prefix).demo_password):
        return known
    return secrets.token_urlsafe(12)
