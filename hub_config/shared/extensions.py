"""Which nbgrader and JupyterLab extensions a person's server loads: by role, without touching homes.

Each role has a folder of Jupyter configuration, made once by `write_role_folders`. A server gets it through
JUPYTER_CONFIG_PATH, which Jupyter reads before the person's own and the environment's folders; what stands
there wins. It says what is offered, and is not a wall: what a person may do is decided by the hub's roles and
the submission service, whatever their server loads.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from hub_config.shared import time_limit

DATA = "share"  # what JUPYTER_PATH names, beside the roles' folders
SERVER_EXTENSIONS = {
    "assignment-list": "nbgrader.server_extensions.assignment_list",
    "validate-assignment": "nbgrader.server_extensions.validate_assignment",
    "course-list": "nbgrader.server_extensions.course_list",
    "formgrader": "nbgrader.server_extensions.formgrader",
    "create-assignment": None,  # lives in the browser alone
}
# nbgrader's course list opens Formgrader inside JupyterLab, where it stays blank (#1870): the hub's menu of
# services links to it instead, so no role has the list.
ROLES: Mapping[str, tuple[str, ...]] = {
    "student": ("assignment-list", "validate-assignment"),
    "assistant": ("assignment-list", "validate-assignment"),
    "instructor": ("assignment-list", "validate-assignment", "create-assignment"),
    "grader": ("formgrader", "validate-assignment", "create-assignment"),
}

NBGRADER_CONFIG = '''\
"""nbgrader for whoever uses this hub: assignments come from and go to the submission service."""

from autograder.exchange import configure

c = get_config()
c.CourseDirectory.course_id = {course!r}
configure(c)
'''


def role_of(groups: Iterable[str], course: str) -> str:
    """The role of a person in these of the hub's groups; a student where nothing else is known."""
    groups = set(groups)
    if f"instructors-{course}" in groups:
        return "instructor"
    return "assistant" if f"formgrade-{course}" in groups else "student"


def write_role_folders(folder: Path, course: str) -> None:
    """One folder a role below `folder`; what is there already is written anew."""
    for role, wanted in ROLES.items():
        place = folder / role
        _write(place / "jupyter_server_config.d" / "nbgrader.json", _server(wanted))
        _write(place / "labconfig" / "page_config.json", _lab(wanted))
        _write(place / "nbgrader_config.py", NBGRADER_CONFIG.format(course=course))
    time_limit.install(folder / DATA)


def spawn_environment(folder: Path | str, role: str) -> dict[str, str]:
    """What a server of that role gets. PREFER_ENV keeps a home's settings from coming first."""
    return {
        "JUPYTER_CONFIG_PATH": str(Path(folder) / role),
        "JUPYTER_PATH": str(Path(folder) / DATA),
        "JUPYTER_PREFER_ENV_PATH": "1",
    }


def pre_spawn_hook(folder: Path | str, course: str):
    """`c.Spawner.pre_spawn_hook`: the extensions of the role that the person has now."""

    def choose_extensions(spawner) -> None:
        role = role_of((group.name for group in spawner.user.groups), course)
        spawner.environment = {**spawner.environment, **spawn_environment(folder, role)}

    return choose_extensions


def _server(wanted: Iterable[str]) -> str:
    loaded = {module: name in wanted for name, module in SERVER_EXTENSIONS.items() if module}
    return json.dumps({"ServerApp": {"jpserver_extensions": loaded}}, indent=2) + "\n"


def _lab(wanted: Iterable[str]) -> str:
    disabled = {f"@jupyter/nbgrader:{name}": name not in wanted for name in SERVER_EXTENSIONS}
    # Students cannot install extensions into an environment that is not theirs, and need no news.
    disabled["@jupyterlab/extensionmanager-extension:plugin"] = True
    disabled["@jupyterlab/apputils-extension:announcements"] = True
    return json.dumps({"disabledExtensions": disabled}, indent=2) + "\n"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
