"""Where a batch is graded: warm processes of this machine, or the workers of a cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from autograder.errors import ConfigError
from autograder.grading import fingerprint, worker
from autograder.grading.material import Material
from autograder.sandbox.limits import Limits
from autograder.sandbox.session import GRADER_MODULES, Launcher

__all__ = ["Plan", "default_jobs", "open_engine"]

# A worker that answers no more, in spite of every limit on kernels and checks, is replaced after this.
STUCK_FACTOR = 4
DATA_VARIABLE = b"AUTOGRADER_DATA"

Engine = tuple[Executor, Callable[[], int]]


@dataclass(frozen=True)
class Plan:
    """What a batch needs of an engine.

    Args:
        preload: what notebooks and checks import. jobs: at once, on this machine.
        gpu: kernels get a GPU.
        course: the folder that kernels of this machine never see.
    """

    material: Material
    limits: Limits
    isolation: str
    preload: tuple[str, ...]
    gpu: bool
    jobs: int
    course: Path

    @property
    def stuck_s(self) -> float:
        return STUCK_FACTOR * (self.limits.notebook_s + self.limits.check_s) + 60


def default_jobs() -> int:
    return os.cpu_count() or 1


@contextmanager
def open_engine(
    plan: Plan, address: str | None, launcher: Launcher | None, tell: Callable[[str], None]
) -> Iterator[Engine]:
    """An executor, and how many submissions it can grade at once just now.

    Args:
        address: of a Dask scheduler; this machine otherwise.
        launcher: one that was started ahead, for this machine.
        tell: news of the cluster.
    Raises: ConfigError, IsolationUnavailable, LauncherError.
    """
    if address:
        with _cluster(plan, address, tell) as engine:
            yield engine
        return
    jobs = 1 if plan.gpu else plan.jobs  # this machine's first GPU, one submission at a time
    launcher = launcher or Launcher.start(
        plan.isolation,
        preload=plan.preload + GRADER_MODULES,
        devices=_devices() if plan.gpu else (),
        course=plan.course,
    )
    with launcher, worker.WorkerPool(launcher, jobs, task_timeout_s=plan.stuck_s) as pool:
        yield pool, lambda: jobs


def _devices() -> tuple[str, ...]:
    from autograder.grading.cluster import gpus

    return gpus.device_nodes(os.environ)


@contextmanager
def _cluster(plan: Plan, address: str, tell: Callable[[str], None]) -> Iterator[Engine]:
    try:
        from autograder.grading.cluster.executor import ClusterExecutor
        from autograder.grading.cluster.plugin import Order
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"--executor needs {error.name}: install autograder with its extra, `autograder[cluster]`"
        ) from error
    order = Order(
        material=plan.material,
        environment=fingerprint.environment_parts(),
        isolation=plan.isolation,
        preload=plan.preload + GRADER_MODULES,
        gpu=plan.gpu,
        data=plan.material.mentions(DATA_VARIABLE),
        task_timeout_s=plan.stuck_s,
    )
    with ClusterExecutor(address, order, tell=tell) as executor:
        yield executor, lambda: executor.slots
