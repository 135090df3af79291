"""When a server with a time limit ends, told to the person who works on it.

The job that runs the server writes the end into a page configuration of its own before it starts it; the
JupyterLab extension in hub_config/student/labextension shows it and warns half an hour, ten minutes and two
minutes before. (`page_config_hook`, the documented way, is taken: JupyterHub's own extension sets it.)
"""

from __future__ import annotations

import shutil
from pathlib import Path

LABEXTENSION = Path(__file__).resolve().parents[1] / "student" / "labextension"
NAME = "autograder-time-limit"

# In a Slurm job: squeue knows the end in the node's local time. A server whose end cannot be told starts all
# the same.
SLURM_PROLOGUE = """\
config="$HOME/.cache/autograder-server"
mkdir -p "$config/labconfig"
ends="$(squeue --noheader --jobs="$SLURM_JOB_ID" --format=%e || true)"
if [ -n "$ends" ] && ends="$(date -d "$ends" +%s)"; then
    printf '{"serverEndsAt": "%s"}\\n' "$ends" > "$config/labconfig/page_config.json"
    export JUPYTER_CONFIG_PATH="$config:${JUPYTER_CONFIG_PATH:-}"
fi
"""


def install(data_folder: Path) -> None:
    """Put the extension where JUPYTER_PATH=`data_folder` finds it."""
    target = data_folder / "labextensions" / NAME
    shutil.copytree(LABEXTENSION, target, dirs_exist_ok=True)
