"""A Slurm of one node with fake GPUs, in a folder and on ports of its own; Debian's packages, as root.

The GPUs are clones of /dev/null: this tests what is scheduled, not what a job can open.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.grading.cluster.clusters import free_port, wait_until

PROGRAMS = {"slurmctld": "slurmctld", "slurmd": "slurmd", "sbatch": "slurm-client", "munged": "munge"}
CONFIGURATION = """\
ClusterName=graders
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
ReturnToService=2
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs=8 RealMemory=64000 Gres=gpu:2 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=1-0 State=UP
"""


def missing() -> str:
    """What this machine lacks for it, in words; "" if nothing."""
    packages = [package for program, package in PROGRAMS.items() if not shutil.which(program)]
    if packages:
        return f"Slurm is not installed: apt-get install {' '.join(packages)}"
    return "" if os.geteuid() == 0 else "Slurm's daemons need root"


@contextlib.contextmanager
def running(folder: Path) -> Iterator[dict[str, str]]:
    """Controller, node and munge. Yields the environment in which Slurm's commands find them."""
    folder.mkdir(mode=0o755)
    for name in ("state", "spool", "munge"):
        (folder / name).mkdir()
    host = socket.gethostname().split(".")[0]
    configuration = folder / "slurm.conf"
    configuration.write_text(CONFIGURATION.format(host=host, ports=(free_port(), free_port()), folder=folder))
    lines = []
    for number in range(2):
        device = folder / f"fakegpu{number}"
        os.mknod(device, stat.S_IFCHR | 0o666, os.makedev(1, 3))
        lines.append(f"NodeName={host} Name=gpu File={device}\n")
    (folder / "gres.conf").write_text("".join(lines))
    environment = {"SLURM_CONF": str(configuration)}
    started: list[subprocess.Popen] = []
    try:
        started.append(_munge(folder / "munge"))
        for daemon in ("slurmctld", "slurmd"):
            command = ["nice", "-n", "10", daemon, "-D", "-f", str(configuration)]
            started.append(subprocess.Popen(command, env=os.environ | environment))
        wait_until(
            lambda: "idle" in ask(environment, "sinfo", "--noheader", "--format=%t"), what="an idle node"
        )
        yield environment
    finally:
        ask(environment, "scancel", "--user=root")
        time.sleep(1)
        for process in reversed(started):
            process.terminate()
        for process in started:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def ask(environment: dict[str, str], *command: str) -> str:
    run = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, timeout=60, check=False
    )
    return run.stdout.strip()


def _munge(place: Path) -> subprocess.Popen:
    key = place / "key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o600)
    for path in (place, key):
        shutil.chown(path, "munge", "munge")
    names = ("socket", "key-file", "pid-file", "log-file", "seed-file")
    files = [f"--{name}={place}/{name.split('-')[0]}" for name in names]
    process = subprocess.Popen(
        ["munged", "--foreground", *files], user="munge", group="munge", extra_groups=[]
    )
    wait_until((place / "socket").exists, what="munge's socket")
    return process
