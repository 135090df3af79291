"""Asks Slurm for grading jobs while there is something to grade, and for none while there is not.

    python -m hub_config.shared.slurm_grading --metrics URL -- PYTHON -m autograder.service.worker …

Runs as the grader on the hub's machine. What is to grade it learns from the service's metrics; the rest is
sbatch and squeue. A worker started with `--once` ends when the queue is empty, and gives its processors back.
Should this program end, jobs go on; should a job be killed, its lease runs out and another takes the work.
"""

from __future__ import annotations

import argparse
import logging
import os
import re
import shlex
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

JOB_NAME = "autograder-grading"
WAITING = re.compile(r'^autograder_jobs\{(?=[^}]*state="(queued|running)")[^}]*\} ([0-9.e+]+)$', re.MULTILINE)
LOGS = ".autograder/logs"  # below the course, where sbatch is called
# Of this program's environment; the hub's token is not among it.
FOR_JOBS = re.compile(r"PATH|HOME|LANG|LC_ALL|AUTOGRADER_.*|SLURM_CONF")
log = logging.getLogger("slurm_grading")


@dataclass(frozen=True)
class Request:
    """What one grading job asks Slurm for.

    Args:
        submissions_per_job: how much waiting work calls for one more job.
    """

    cpus: int = 2
    memory_gib: int = 8
    minutes: int = 240
    partition: str = ""
    gres: str = ""
    most_jobs: int = 4
    submissions_per_job: int = 10

    def sbatch(self, command: list[str]) -> list[str]:
        """The call; the job's script is one line, so nothing is left behind on disk."""
        arguments = [
            "sbatch",
            "--parsable",
            f"--job-name={JOB_NAME}",
            f"--cpus-per-task={self.cpus}",
            f"--mem={self.memory_gib}G",
            f"--time={self.minutes}",
            f"--output={LOGS}/slurm-%j.log",
            f"--export={','.join(name for name in os.environ if FOR_JOBS.fullmatch(name))}",
        ]
        arguments += [f"--partition={self.partition}"] if self.partition else []
        arguments += [f"--gres={self.gres}"] if self.gres else []
        return [*arguments, f"--wrap=exec {shlex.join(command)}"]


def unfinished(metrics: str) -> int:
    """How many jobs of the submission service wait or are being done."""
    return sum(int(float(count)) for _, count in WAITING.findall(metrics))


def wanted(unfinished_jobs: int, request: Request) -> int:
    """How many Slurm jobs that much work calls for."""
    return min(-(-unfinished_jobs // request.submissions_per_job), request.most_jobs)


def jobs_here() -> int:
    """Our jobs that wait or run.

    Raises: CalledProcessError.
    """
    squeue = ["squeue", "--noheader", "--me", f"--name={JOB_NAME}", "--format=%i"]
    return len(subprocess.run(squeue, capture_output=True, text=True, check=True).stdout.split())


def step(metrics_url: str, request: Request, command: list[str]) -> int:
    """Look once. Returns: how many jobs were asked for.

    Raises: OSError, CalledProcessError.
    """
    with urllib.request.urlopen(metrics_url, timeout=10) as answer:  # noqa: S310  # the hub's own address
        work = unfinished(answer.read().decode())
    missing = wanted(work, request) - jobs_here() if work else 0
    for _ in range(missing):
        job = subprocess.run(request.sbatch(command), capture_output=True, text=True, check=True).stdout
        log.info("asked Slurm for job %s: %d to grade", job.strip(), work)
    return max(missing, 0)


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s slurm_grading: %(message)s")
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--metrics", required=True, help="address of the submission service's metrics")
    parser.add_argument("--every", type=float, default=5, metavar="SECONDS")
    parser.add_argument("command", nargs="+", help="the worker")
    given = parser.parse_args()
    request = Request(
        partition=os.environ.get("AUTOGRADER_SLURM_PARTITION", ""),
        gres=os.environ.get("AUTOGRADER_SLURM_GRADING_GRES", ""),
    )
    Path(LOGS).mkdir(mode=0o700, parents=True, exist_ok=True)
    while True:
        try:
            step(given.metrics, request, given.command)
        except (OSError, subprocess.CalledProcessError) as error:
            # The service restarts, Slurm's controller is busy: both come back.
            log.warning("%s", getattr(error, "stderr", "") or error)
        time.sleep(given.every)


if __name__ == "__main__":
    main()
