"""What a worker does when a client comes, or when it joins a client that is already at work.

It looks whether it may grade (the same environment, the isolation that was asked for, a GPU, data), starts
its launcher, and only then offers slots of a resource that tasks ask for. So the scheduler never gives a
task to a worker that is not ready or was refused, and why it was refused is an event that the client reads.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
from dataclasses import dataclass

from distributed import Worker, get_worker
from distributed.diagnostics.plugin import WorkerPlugin

from autograder.errors import AutograderError, LauncherError
from autograder.grading import fingerprint
from autograder.grading.cluster import gpus
from autograder.grading.cluster.graders import Function, Graders, forget, launcher_for
from autograder.grading.material import Material
from autograder.grading.submission import GradedSubmission, GradeTask

__all__ = ["Answer", "GraderPlugin", "Order", "run_on_worker"]

DATA_VARIABLE = "AUTOGRADER_DATA"
IDLE_S = 600.0  # graders that no client wants end after so long; a client that was killed cannot say so
ABANDONED_S = 3600.0
LOOK_EVERY_S = 30.0

_graders: dict[str, Graders] = {}  # by slot


class WorkerNotReady(AutograderError):
    """A task reached a worker that offers nothing for it: another one has to do it."""


@dataclass(frozen=True)
class Order:
    """What a client asks of every worker.

    Args:
        environment: of the client, as `fingerprint.environment_parts` has it.
        preload: what launchers import.
        gpu: kernels get the worker's GPU.
        data: checks read the folder that AUTOGRADER_DATA names.
        task_timeout_s: a grader that has not answered after so long is replaced.
    """

    material: Material
    environment: dict[str, str]
    isolation: str
    preload: tuple[str, ...]
    gpu: bool
    data: bool
    task_timeout_s: float

    @property
    def slot(self) -> str:
        """The name of the resource that a worker offers which has taken this order."""
        said = [self.material.sha256, *map(repr, sorted(self.environment.items()))]
        said += [self.isolation, *self.preload, repr((self.gpu, self.data, self.task_timeout_s))]
        return f"autograder-{hashlib.sha256(' '.join(said).encode()).hexdigest()[:16]}"


@dataclass(frozen=True)
class Answer:
    """A result and the worker that it comes from."""

    worker: str
    graded: GradedSubmission


class GraderPlugin(WorkerPlugin):
    """Sent to the scheduler, which gives it to every worker, late ones included."""

    def __init__(self, order: Order):
        self.order = order
        self.name = order.slot

    def setup(self, worker: Worker) -> None:
        self._wanted = True
        self._offering = asyncio.get_running_loop().create_task(self._offer(worker))

    def teardown(self, worker: Worker) -> None:
        self._wanted = False

    async def _offer(self, worker: Worker) -> None:
        """Offer slots as soon as this worker can fill them, until nobody has wanted them for long."""
        try:
            await self._take_order(worker)
        except (AutograderError, OSError) as error:
            worker.log_event(self.name, {"worker": worker.address, "refused": str(error)})
            return
        await worker.set_resources(**{self.name: worker.state.nthreads})
        while (graders := _graders.get(self.name)) and graders.idle_s < self._patience_s:
            await asyncio.sleep(LOOK_EVERY_S)
        await self._withdraw(worker)

    @property
    def _patience_s(self) -> float:
        return ABANDONED_S if self._wanted else IDLE_S

    async def _take_order(self, worker: Worker) -> None:
        """Raises: AutograderError with the reason why this worker must not, or cannot."""
        if self.name in _graders:
            return
        order = self.order
        problems = await asyncio.to_thread(fingerprint.differences, order.environment)
        if problems:
            raise LauncherError(f"another environment than the client's: {problems}")
        if order.data and not os.environ.get(DATA_VARIABLE):
            raise LauncherError(f"checks read course data, and {DATA_VARIABLE} is not set for this worker")
        devices = self._devices(worker) if order.gpu else ()
        launcher = launcher_for(order.isolation, order.preload, devices)
        try:
            await asyncio.to_thread(launcher.ready)
        except AutograderError:
            forget(launcher)
            raise
        _graders[self.name] = Graders(order.material, launcher, worker.state.nthreads, order.task_timeout_s)

    def _devices(self, worker: Worker) -> tuple[str, ...]:
        if worker.state.total_resources.get(gpus.RESOURCE, 0) != 1:
            raise LauncherError(
                "the assignment asks for a GPU: start one worker for each, with --resources GPU=1"
            )
        return gpus.device_nodes(os.environ)

    async def lost(self, worker: Worker, error: LauncherError) -> None:
        """The launcher has ended under us: start again, and take no task meanwhile."""
        worker.log_event(self.name, {"worker": worker.address, "restarted": str(error)})
        await self._withdraw(worker)
        launcher = launcher_for(self.order.isolation, self.order.preload, self._present_devices(worker))
        await asyncio.to_thread(forget, launcher)
        self.setup(worker)

    def _present_devices(self, worker: Worker) -> tuple[str, ...]:
        return self._devices(worker) if self.order.gpu else ()

    async def _withdraw(self, worker: Worker) -> None:
        if graders := _graders.pop(self.name, None):
            graders.close()
        with contextlib.suppress(OSError):  # the scheduler has gone
            await worker.set_resources(**{self.name: 0})


def run_on_worker(slot: str, function: Function, task: GradeTask) -> Answer:
    """In a thread of a Dask worker: grade one submission in a grader process of `slot`.

    Raises: WorkerNotReady, LauncherError: another worker should do it. What `function` raises.
    """
    worker = get_worker()
    graders = _graders.get(slot)
    if graders is None:
        raise WorkerNotReady(f"{worker.address} has no graders for {slot}")
    try:
        return Answer(worker.address, graders.grade(function, task))
    except LauncherError as error:
        plugin = worker.plugins.get(slot)
        if isinstance(plugin, GraderPlugin) and _graders.get(slot) is graders:
            worker.loop.add_callback(plugin.lost, worker, error)
        raise
    except AutograderError:
        raise
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
    # One that Dask can send: an exception from elsewhere may hold what cannot be pickled, or not in time.
    raise LauncherError(said)
