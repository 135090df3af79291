"""A real Slurm on this machine, with fake GPUs, for the tests: controller, node and munge of their own.

Debian's packages slurmctld, slurmd, slurm-client, munge and sudo; nothing of a Slurm that the machine may have is
touched: another folder, other ports, another munge socket. The devices are clones of /dev/null, so this tests
what is scheduled, not what a job can open.
"""

import os
import shutil
import signal
import socket
import stat
import subprocess
import time
from pathlib import Path

import pytest

PROGRAMS = {
    "slurmctld": "slurmctld",
    "slurmd": "slurmd",
    "sbatch": "slurm-client",
    "munged": "munge",
    "sudo": "sudo",
}
SLURM_CONF = """\
ClusterName=autograder-tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmdPort={node_port}
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
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=2
ReturnToService=2
DefMemPerCPU=500
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs=32 RealMemory=100000 Gres=gpu:2 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=1-0 State=UP
"""


class Cluster:
    """Args: folder: readable by all, since jobs' users read slurm.conf there."""

    def __init__(self, folder: Path, port: int):
        self._folder = folder
        self._started: list[subprocess.Popen] = []
        self.conf = folder / "slurm.conf"
        self.environment = {"SLURM_CONF": str(self.conf)}
        host = socket.gethostname().split(".")[0]
        folder.mkdir(mode=0o755)
        for name in ("state", "spool"):
            (folder / name).mkdir()
        self.conf.write_text(SLURM_CONF.format(host=host, port=port, node_port=port + 1, folder=folder))
        devices = [folder / f"fakegpu{number}" for number in range(2)]
        for device in devices:
            os.mknod(device, stat.S_IFCHR | 0o666, os.makedev(1, 3))
        lines = [f"NodeName={host} Name=gpu File={device}\n" for device in devices]
        (folder / "gres.conf").write_text("".join(lines))

    def start(self) -> None:
        self._start_munge()
        self._run("slurmctld", "-D")
        time.sleep(1)
        self._run("slurmd", "-D")
        for _ in range(60):
            if "idle" in self.ask("sinfo", "--noheader", "--format=%t"):
                return
            time.sleep(0.5)
        logs = "".join((self._folder / f"{name}.log").read_text()[-1500:] for name in ("slurmctld", "slurmd"))
        pytest.fail("the node never became idle: " + logs)

    def ask(self, *command: str) -> str:
        run = subprocess.run(
            command, env={**os.environ, **self.environment}, capture_output=True, text=True, timeout=60
        )
        return run.stdout.strip()

    def jobs(self, name: str) -> dict[str, str]:
        """State by user (for `jupyter`) of the jobs of that name; of several of one user the last."""
        lines = self.ask("squeue", "--noheader", f"--name={name}", "--format=%u %T").splitlines()
        return dict(line.split() for line in lines)

    def stop(self) -> None:
        self.ask("scancel", "--state=PENDING")
        self.ask("scancel", "--signal=KILL", "--full", "--state=RUNNING")
        for _ in range(40):
            if not self.ask("squeue", "--noheader"):
                break
            time.sleep(0.5)
        for process in reversed(self._started):
            process.send_signal(signal.SIGTERM)
        for process in self._started:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start_munge(self) -> None:
        place = self._folder / "munge"
        place.mkdir()
        key = place / "key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o600)
        for path in (place, key):
            shutil.chown(path, "munge", "munge")
        files = [
            f"--{name}={place}/{name.split('-')[0]}"
            for name in ("socket", "key-file", "pid-file", "log-file", "seed-file")
        ]
        process = subprocess.Popen(
            ["munged", "--foreground", *files], user="munge", group="munge", extra_groups=[]
        )
        self._started.append(process)
        for _ in range(50):
            if (place / "socket").exists():
                return
            time.sleep(0.1)
        pytest.fail("munged did not start: " + (place / "log").read_text())

    def _run(self, *command: str) -> None:
        self._started.append(
            subprocess.Popen([*command, "-f", str(self.conf)], env={**os.environ, **self.environment})
        )
