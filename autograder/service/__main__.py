"""`python -m autograder.service`: the service, as the hub starts it."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import click
import uvicorn

from autograder.errors import AutograderError, ConfigError
from autograder.service.access import Desk
from autograder.service.app import create_app
from autograder.service.courses import Courses
from autograder.service.identity import Hub
from autograder.service.stores import open_stores

__all__ = ["course_options", "main", "serve"]

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


def course_options(command):
    command = click.option("--course", "courses", multiple=True, type=FOLDER, help="A course's root.")(
        command
    )
    return click.option(
        "--courses", "parents", multiple=True, type=FOLDER, help="A folder whose subfolders are courses."
    )(command)


@click.command()
@course_options
def main(courses: tuple[Path, ...], parents: tuple[Path, ...]) -> None:
    """The submission service. JupyterHub starts it, and says by JUPYTERHUB_… where it listens."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        serve(courses, parents)
    except AutograderError as error:
        click.secho(f"autograder: {error}", err=True, fg="red")
        sys.exit(2)


def serve(courses: Sequence[Path], parents: Sequence[Path]) -> None:
    """Listen until told to stop. Raises: ConfigError, StoreError."""
    for name in ("JUPYTERHUB_API_TOKEN", "JUPYTERHUB_SERVICE_URL"):
        if not os.environ.get(name):
            raise ConfigError(
                f"{name} is not set: JupyterHub sets it for services of c.JupyterHub.services that have "
                "a `url` and a `command`"
            )
    found = Courses(courses, parents)
    desk = Desk(open_stores(found.first_root, os.environ), found, Hub(os.environ))
    address = urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
    if address.scheme != "http" or not address.hostname or not address.port:
        raise ConfigError(f"JUPYTERHUB_SERVICE_URL: expected http://HOST:PORT. Received: {address.geturl()}")
    app = create_app(desk, os.environ.get("JUPYTERHUB_SERVICE_PREFIX", "/"))
    # The proxy in front says by X-Forwarded-Proto whether the browser came by https.
    uvicorn.run(
        app, host=address.hostname, port=address.port, log_level="warning", access_log=False,
        forwarded_allow_ips="*", server_header=False,
    )  # fmt: skip


if __name__ == "__main__":
    main()
