"""Profiles as Slurm requests, and grading as Slurm jobs."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Mapping

from hub_config.shared import profiles
from hub_config.shared.profiles import Profile

# batchspawner's own, with the server's log in a hidden file and without empty requests.
BATCH_SCRIPT = """#!/bin/bash
#SBATCH --job-name=jupyter
#SBATCH --output=/dev/null
#SBATCH --chdir={{homedir}}
#SBATCH --export={{keepvars}}
{% if partition %}#SBATCH --partition={{partition}}
{% endif %}#SBATCH --time={{runtime}}
#SBATCH --mem={{memory}}
#SBATCH --cpus-per-task={{nprocs}}
{% if gres %}#SBATCH --gres={{gres}}
{% endif %}
set -euo pipefail
exec > "{{homedir}}/.jupyter-server.log" 2>&1
trap 'echo SIGTERM received' TERM
{{prologue}}
{{cmd}}
"""


def requests(profile: Profile) -> dict[str, str]:
    """batchspawner's `req_…` settings for a profile."""
    shards = f"shard:{profile.gpu_shards}" if profile.gpu_shards else ""
    return {
        "req_nprocs": str(profile.cpus),
        "req_memory": f"{profile.memory_gib}G",
        "req_runtime": str(round(profile.hours * 60)),  # minutes
        "req_gres": f"gpu:{profile.gpus}" if profile.gpus else shards,
    }


def pre_spawn_hook(offered: Iterable[Profile], *, then: Callable[..., None]) -> Callable[..., None]:
    """`c.Spawner.pre_spawn_hook`: the chosen profile's requests, if it has a seat left, then `then`.

    batchspawner puts every user option into the job's script, over what the hub has set: with an option
    `gres` a student could ask for all GPUs, with `runtime` for a year. So nothing but the profile's name is
    kept.
    """
    offered = tuple(offered)

    def ask_for_profile(spawner) -> None:
        profile = profiles.chosen(offered, (spawner.user_options or {}).get("profile"))
        spawner.user_options = {"profile": profile.slug}
        profiles.take_seat(offered, profile.slug, profiles.running_profiles(spawner))
        for name, value in requests(profile).items():
            setattr(spawner, name, value)
        then(spawner)

    return ask_for_profile


def reachable(address: str) -> str:
    """The address by which nodes reach what listens on `address`."""
    return socket.getfqdn() if address in ("", "0.0.0.0") else address  # noqa: S104


def grading_as_jobs(services: list[dict], *, metrics_url: str, environment: Mapping[str, str]) -> list[dict]:
    """The services with a grading worker that asks Slurm for jobs in place of grading itself.

    Args:
        environment: what sbatch and squeue need, such as SLURM_CONF.
    """
    return [
        _by_slurm(each, metrics_url, environment) if each["name"] == "grading-worker" else each
        for each in services
    ]


def _by_slurm(worker: dict, metrics_url: str, environment: Mapping[str, str]) -> dict:
    python, *_ = command = worker["command"]
    submitter = [python, "-m", "hub_config.shared.slurm_grading", "--metrics", metrics_url, "--"]
    return {
        **worker,
        "command": [*submitter, *command, "--once"],
        "environment": {**worker["environment"], **environment},
    }
