"""A job tells its server when it ends, and a server whose end cannot be told starts all the same."""

import json
import os
import subprocess
import sys

import pytest

from hub_config.shared import extensions, time_limit


def run_prologue(tmp_path, squeue):
    """As the batch script of batchspawner runs it. Returns: what JUPYTER_CONFIG_PATH is then."""
    program = tmp_path / "bin" / "squeue"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{squeue}\n")
    program.chmod(0o755)
    run = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", time_limit.SLURM_PROLOGUE + 'printf "%s" "$JUPYTER_CONFIG_PATH"'],
        env={
            "HOME": str(tmp_path),
            "PATH": f"{program.parent}:/usr/bin:/bin",
            "SLURM_JOB_ID": "7",
            "JUPYTER_CONFIG_PATH": "/etc/student",
            "TZ": "UTC",
        },
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_the_end_is_put_before_the_roles_configuration(tmp_path):
    first, second = run_prologue(
        tmp_path, 'test "$*" = "--noheader --jobs=7 --format=%e" && echo 2026-11-25T13:44:23'
    ).split(":")
    assert second == "/etc/student"
    page = json.loads(
        (tmp_path / ".cache" / "autograder-server" / "labconfig" / "page_config.json").read_text()
    )
    assert first == str(tmp_path / ".cache" / "autograder-server") and page == {"serverEndsAt": "1795614263"}


@pytest.mark.parametrize("squeue", ["exit 1", "echo N/A"])
def test_a_server_without_a_known_end_starts_all_the_same(tmp_path, squeue):
    assert run_prologue(tmp_path, squeue) == "/etc/student"


def test_the_jobs_end_and_the_roles_extensions_come_together(tmp_path):
    extensions.write_role_folders(tmp_path / "etc", "dl")
    own = tmp_path / "own"
    (own / "labconfig").mkdir(parents=True)
    (own / "labconfig" / "page_config.json").write_text('{"serverEndsAt": "5"}')
    code = (
        "import json; from jupyterlab_server.config import get_page_config; from jupyter_core.paths import jupyter_path;"
        "page = get_page_config(jupyter_path('labextensions')); print(json.dumps(page))"
    )
    environment = extensions.spawn_environment(tmp_path / "etc", "student")
    environment["JUPYTER_CONFIG_PATH"] = f"{own}:{environment['JUPYTER_CONFIG_PATH']}"
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    page = json.loads(run.stdout.splitlines()[-1])
    assert page["serverEndsAt"] == "5"
    assert "@jupyter/nbgrader:formgrader" in page["disabledExtensions"]
