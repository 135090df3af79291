"""When a server with a time limit ends, told to the person who works on it.

The job that runs the server sets AUTOGRADER_SERVER_ENDS (seconds since 1970); `SERVER_CONFIG`, which stands
in every role's folder, hands it to the page; the JupyterLab extension in hub_config/student/labextension
shows it and warns half an hour, ten minutes and two minutes before.
"""

from __future__ import annotations

import shutil
from pathlib import Path

VARIABLE = "AUTOGRADER_SERVER_ENDS"
LABEXTENSION = Path(__file__).resolve().parents[1] / "student" / "labextension"
NAME = "autograder-time-limit"

SERVER_CONFIG = f'''\
"""Puts the end of this server into JupyterLab's page, where it has one."""

import os


def tell_the_end(handler, page_config):
    if ends := os.environ.get("{VARIABLE}"):
        page_config["serverEndsAt"] = ends
    return page_config


c = get_config()
c.ServerApp.tornado_settings = {{"page_config_hook": tell_the_end}}
'''

# In a Slurm job: squeue knows the end in the node's local time.
SLURM_PROLOGUE = (
    f'export {VARIABLE}="$(date -d "$(squeue --noheader --jobs="$SLURM_JOB_ID" --format=%e)" +%s || true)"'
)


def install(data_folder: Path) -> None:
    """Put the extension where JUPYTER_PATH=`data_folder` finds it."""
    target = data_folder / "labextensions" / NAME
    shutil.copytree(LABEXTENSION, target, dirs_exist_ok=True)
