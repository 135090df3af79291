"""The hub's services as plain dictionaries for `c.JupyterHub.services`.

Each is a program that the hub starts, restarts when it ends, and gives a token of its own with the scopes of
its role (roles.py). `user` needs a hub that runs as root.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hub_config.shared.roles import CULLER, METRICS, STATUS, SUBMISSION_SERVICE

Service = dict[str, object]


def submission_service(
    python: str, course_folder: str, *, port: int, environment: Mapping[str, str], user: str | None = None
) -> Service:
    """Takes submissions in: identity from the hub's token, time from its own clock."""
    return _managed(
        SUBMISSION_SERVICE,
        [python, "-m", "autograder.service", "--course", course_folder],
        environment,
        user,
        url=f"http://127.0.0.1:{port}",
        oauth_no_confirm=True,
        cwd=course_folder,
    )


def grading_worker(
    command: Sequence[str], course_folder: str, *, environment: Mapping[str, str], user: str | None = None
) -> Service:
    """Takes queued jobs and grades them in the sandbox. Has no address and no scope."""
    return _managed("grading-worker", list(command), environment, user, cwd=course_folder, display=False)


def formgrader(
    python: str,
    course: str,
    course_folder: str,
    *,
    port: int,
    environment: Mapping[str, str],
    user: str | None = None,
) -> Service:
    """Formgrader as a service called like its course, which is where nbgrader looks for it.

    It opens at `/services/COURSE/formgrader` by itself: inside JupyterLab it stays blank, because the hub
    forbids frames (`frame-ancestors 'none'`, nbgrader #1870). Terminals are off; whoever may open Formgrader
    still acts as the grader, so the group holds staff only.
    """
    return _managed(
        course,
        [
            python,
            "-m",
            "jupyterhub.singleuser",
            "--ServerApp.terminals_enabled=False",
            "--ServerApp.default_url=/formgrader",
            f"--ServerApp.root_dir={course_folder}",
        ],
        {"JUPYTERHUB_DEFAULT_URL": "/formgrader", **environment},
        user,
        url=f"http://127.0.0.1:{port}",
        oauth_no_confirm=True,
        cwd=course_folder,
        oauth_client_allowed_scopes=[f"access:services!service={course}"],
    )


def idle_culler(python: str, *, idle_s: int, longest_s: int = 0) -> Service:
    """Stops servers that nobody used for `idle_s`, and any after `longest_s` (0: never)."""
    command = [python, "-m", "jupyterhub_idle_culler", f"--timeout={idle_s}", f"--cull-every={idle_s // 4}"]
    if longest_s:
        command.append(f"--max-age={longest_s}")
    return _managed(CULLER, command, {}, None, display=False)


def status_page(
    python: str, *, port: int, watched: Mapping[str, str], folder: str, user: str | None = None
) -> Service:
    """Says to staff whether the hub, the submission service and the sandbox are well.

    Args:
        watched: name to health address.
        folder: where `autograder doctor` runs.
    """
    command = [python, "-m", "hub_config.shared.status_page"]
    for name, url in watched.items():
        command += ["--watch", f"{name}={url}"]
    return _managed(
        STATUS, command, {}, user, url=f"http://127.0.0.1:{port}", oauth_no_confirm=True, cwd=folder
    )


def metrics_reader(token: str) -> Service:
    """Whoever has the token reads `/hub/metrics`, and nothing else; Prometheus sends it."""
    return {"name": METRICS, "api_token": token, "display": False}


def _managed(
    name: str, command: list[str], environment: Mapping[str, str], user: str | None, **more: object
) -> Service:
    service: Service = {"name": name, "command": command, "environment": dict(environment), **more}
    if user:
        service["user"] = user
    return service
