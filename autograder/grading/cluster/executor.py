"""The client's side: an `Executor` whose work is done by the workers of a Dask scheduler.

A future of it has exactly one result, whatever happens to workers. Dask gives the tasks of a worker that
has died to another one. Beyond that: a result that contradicts its task is refused and asked for elsewhere;
a task that takes far longer than others gets a second copy on another worker while slots are free (the
"backup tasks" of Dean & Ghemawat, MapReduce, 2004, §3.6), and what comes second is dropped.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Any

import dask.config
import distributed
from distributed import Client
from distributed.scheduler import KilledWorker

from autograder.errors import AutograderError, ConfigError, LauncherError, NotGradedNow
from autograder.grading import fingerprint
from autograder.grading.cluster import gpus
from autograder.grading.cluster.plugin import Answer, GraderPlugin, Order, WorkerNotReady, run_on_worker
from autograder.grading.cluster.verify import disagreement
from autograder.grading.submission import GradeTask

__all__ = ["ClusterExecutor"]

CONNECT_S = 30.0
LOOK_EVERY_S = 1.0
WORKERS_WAIT_S = 900.0  # a queue of Slurm, an autoscaler: a first worker may take minutes
REFUSED_WAIT_S = 10.0  # another worker may be on its way
MAX_REPEATS = 3  # of a task whose results were refused or whose workers could not do it
BACKUP_AFTER_S = 30.0  # a second copy of a task starts at the earliest after so long …
BACKUP_FACTOR = 3.0  # … and so many times the longest that any has taken


class ClusterUnavailable(NotGradedNow):
    """The scheduler, or every worker, has gone: what was not graded is still to be graded."""


@dataclass(eq=False)
class _Attempt:
    """One copy of a task. `worker` and `since` are known once the scheduler has chosen one."""

    answer: distributed.Future
    worker: str | None = None
    since: float = 0.0


@dataclass(eq=False)
class _Job:
    function: Callable[[GradeTask], Any]
    task: GradeTask
    outcome: Future = field(default_factory=Future)
    attempts: list[_Attempt] = field(default_factory=list)
    repeats: int = 0
    avoid: set[str] = field(default_factory=set)


class ClusterExecutor(Executor):
    """Args:
        address: of the scheduler: tcp://host:8786, or tls://host:8786 with Dask's TLS settings.
        tell: where news for the operator goes (workers that were refused, work that is repeated).
        backup_after_s: see BACKUP_AFTER_S.

    Raises: ConfigError if no scheduler answers, or if no worker may or can do the work.
    """

    def __init__(
        self,
        address: str,
        order: Order,
        *,
        tell: Callable[[str], None] = lambda line: None,
        backup_after_s: float | None = None,
        workers_wait_s: float = WORKERS_WAIT_S,
    ):
        self._order, self._tell = order, tell
        self._backup_after_s = BACKUP_AFTER_S if backup_after_s is None else backup_after_s
        self._lock = threading.RLock()
        self._jobs: dict[str, _Job] = {}  # by the key of each attempt
        self._longest_s = 0.0
        self._told: set[tuple] = set()
        self._offers: dict[str, int] = {}  # slots, by worker
        self._closing = threading.Event()
        self._lost = ""  # why the cluster cannot be used any more
        self._workers_wait_s = workers_wait_s
        # A task is a submission, which may be large: Dask's advice on large graphs is about something else.
        dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GiB"})
        try:
            self._client = Client(address, timeout=CONNECT_S, set_as_default=False, name="autograder")
        except (OSError, TimeoutError, ValueError) as error:
            raise ConfigError(
                f"no scheduler answers at {address} ({error}). Start one with `dask scheduler`, and workers "
                f"with `dask worker {address} --nthreads 1`; for tls:// set Dask's TLS certificates."
            ) from error
        self._plugin = GraderPlugin(order)
        threading.Thread(target=self._send_order, daemon=True).start()
        try:
            self._wait_for_offers()
        except BaseException:
            self._hang_up()
            raise
        self._watch = threading.Thread(target=self._look_after, daemon=True)
        self._watch.start()

    @property
    def slots(self) -> int:
        """Submissions that can be graded at once by the workers that are there."""
        return max(1, sum(self._offers.values()))

    def submit(self, fn: Callable, /, task: GradeTask) -> Future:  # pyright: ignore
        """Run `fn(task)` in a grader process of a worker, with the order's material."""
        job = _Job(fn, task)
        job.outcome.set_running_or_notify_cancel()
        if self._lost or self._client.status != "running":
            self._lose("the scheduler has gone")
            job.outcome.set_exception(self._unavailable())
        else:
            self._start(job)
        return job.outcome

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._closing.set()
        if wait:
            self._watch.join(2 * LOOK_EVERY_S)
        with self._lock:
            left = set(self._jobs.values())
            self._jobs.clear()
        for job in left:
            for attempt in job.attempts:
                attempt.answer.cancel()
            self._settle(job, NotGradedNow("not graded: the run was ended"))
        self._hang_up()

    def _hang_up(self) -> None:
        """A worker that does not answer must not hold us up, so this waits for a while only."""

        def part() -> None:
            with contextlib.suppress(Exception):  # whoever hears it no more has no need to
                self._client.unregister_worker_plugin(self._order.slot)

        parting = threading.Thread(target=part, daemon=True)
        parting.start()
        parting.join(3.0)
        self._client.close(timeout=5)

    def _send_order(self) -> None:
        try:
            self._client.register_plugin(self._plugin, name=self._order.slot)
        except Exception as error:
            if not self._closing.is_set():
                self._tell(
                    f"a worker did not take its order: {type(error).__name__}: {error}. "
                    "Is the same version of autograder installed there?"
                )

    def _wait_for_offers(self) -> None:
        """Until a worker offers slots. Raises: ConfigError."""
        deadline, said = time.monotonic() + self._workers_wait_s, False
        accepted = time.monotonic()  # or nobody there: the last time that not every worker was refused
        while True:
            workers = self._read_offers()
            refusals = self._read_events()
            if self._offers:
                return
            if not workers or not workers <= refusals.keys():
                accepted = time.monotonic()
            elif time.monotonic() > accepted + REFUSED_WAIT_S:
                reasons = "; ".join(f"{address}: {reason}" for address, reason in sorted(refusals.items()))
                raise ConfigError(f"every worker of the cluster was refused. {reasons}")
            if time.monotonic() > deadline:
                raise ConfigError(f"no worker of the cluster was ready within {self._workers_wait_s:.0f} s")
            if not workers and not said:
                self._tell("waiting for a first worker to join the scheduler")
                said = True
            time.sleep(0.1)

    def _read_offers(self) -> set[str]:
        """Take down who offers slots; returns all workers."""
        workers = self._client.scheduler_info(n_workers=-1)["workers"]
        slot = self._order.slot
        self._offers = {
            address: int(worker["resources"][slot])
            for address, worker in workers.items()
            if worker["resources"].get(slot)
        }
        return set(workers)

    def _read_events(self) -> dict[str, str]:
        """Tell what workers say about the order; returns who refused it last, and why."""
        refusals: dict[str, str] = {}
        events: Any = self._client.get_events(self._order.slot)
        for stamp, event in events:
            if not isinstance(event, dict) or "worker" not in event:
                continue
            if "refused" in event:
                refusals[event["worker"]] = event["refused"]
            if (mark := (stamp, event["worker"])) not in self._told:
                self._told.add(mark)
                said = event.get("refused") or f"its launcher ended and starts again ({event['restarted']})"
                self._tell(f"worker {event['worker']}: {said}")
        return refusals

    def _start(self, job: _Job) -> None:
        """Send one more copy of a task, to workers that have not failed with it where there are others."""
        resources: dict[str, float] = {self._order.slot: 1}
        if self._order.gpu:
            resources[gpus.RESOURCE] = 1
        others = [address for address in self._offers if address not in job.avoid]
        with self._lock:
            answer = self._client.submit(
                run_on_worker,
                self._order.slot,
                job.function,
                self._order.material.without(job.task),
                key=f"grade-{uuid.uuid4().hex}",
                pure=False,
                resources=resources,
                workers=others if job.avoid and others else None,
                allow_other_workers=False,
            )
            job.attempts.append(_Attempt(answer))
            self._jobs[str(answer.key)] = job
        answer.add_done_callback(self._answered)

    def _answered(self, answer: distributed.Future) -> None:
        """In Dask's thread for callbacks: the first good answer settles the job."""
        with self._lock:
            job = self._jobs.pop(str(answer.key), None)
            if job is None or job.outcome.done():
                return
            attempt = next(each for each in job.attempts if each.answer.key == answer.key)
            job.attempts.remove(attempt)
        try:
            reply: Answer = answer.result()
        except Exception as error:
            self._failed(job, attempt, error)
            return
        except asyncio.CancelledError:  # no Exception; what we cancel ourselves has no job any more
            self._lose("the scheduler has let go of the work")
            self._settle(job, self._unavailable())
            return
        problem = disagreement(job.task, reply.graded, self._order.material, fingerprint.environment())
        if problem:
            self._tell(f"worker {reply.worker}: its result for {job.task.student} is refused: {problem}")
            job.avoid.add(reply.worker)
            self._repeat(job, LauncherError(f"a result was refused {MAX_REPEATS + 1} times: {problem}"))
            return
        with self._lock:
            self._longest_s = max(self._longest_s, reply.graded.result.seconds.total)
            late = list(job.attempts)
        self._settle(job, reply.graded)
        for other in late:
            self._jobs.pop(str(other.answer.key), None)
            other.answer.cancel()

    def _failed(self, job: _Job, attempt: _Attempt, error: Exception) -> None:
        if "cancelled" in type(error).__name__.lower() or self._client.status != "running":
            self._lose("the scheduler has gone")
        if self._lost:
            self._give_up(job, self._unavailable())
        elif isinstance(error, KilledWorker):
            self._give_up(job, LauncherError(f"every worker that had it has died ({error.last_worker})"))
        elif isinstance(error, WorkerNotReady | LauncherError | OSError):
            if attempt.worker:
                job.avoid.add(attempt.worker)
            self._repeat(job, error)
        else:
            self._give_up(job, error)

    def _repeat(self, job: _Job, error: Exception) -> None:
        if job.attempts:
            return  # another copy is on its way
        job.repeats += 1
        if job.repeats > MAX_REPEATS or self._closing.is_set():
            self._give_up(job, error)
        else:
            self._start(job)

    def _lose(self, why: str) -> None:
        """The cluster is of no more use: every job that waits for it ends, and so does every new one.

        A scheduler that is started again knows nothing of the order, so coming back is for the next run.
        """
        with self._lock:
            if self._lost:
                return
            self._lost = why
            left = set(self._jobs.values())
            self._jobs.clear()
        self._tell(f"{why}: what has been graded stands, the rest is left for another run")
        for job in left:
            self._settle(job, self._unavailable())

    def _unavailable(self) -> ClusterUnavailable:
        return ClusterUnavailable(f"not graded: {self._lost}. Run again to go on.")

    def _give_up(self, job: _Job, error: Exception) -> None:
        if not job.attempts:
            self._settle(job, error)

    def _settle(self, job: _Job, outcome: object) -> None:
        """Once: what comes second is dropped."""
        with self._lock:
            if job.outcome.done():
                return
            if isinstance(outcome, Exception):
                job.outcome.set_exception(outcome)
            else:
                job.outcome.set_result(outcome)

    def _look_after(self) -> None:
        """Once a second: who offers slots, what runs where, what takes too long."""
        offered = time.monotonic()
        while not self._closing.wait(LOOK_EVERY_S) and not self._lost:
            try:
                self._read_offers()
                self._read_events()
                if self._offers:
                    offered = time.monotonic()
                elif time.monotonic() > offered + self._workers_wait_s:
                    self._lose(f"no worker has been there for {self._workers_wait_s:.0f} s")
                self._place_attempts()
                self._start_backups()
            except (OSError, TimeoutError, AutograderError, ValueError) as error:
                if self._closing.is_set():
                    return
                if self._client.status != "running":
                    self._lose("the scheduler has gone")
                    return
                self._tell(f"the scheduler did not answer ({type(error).__name__}: {error})")

    def _place_attempts(self) -> None:
        """Take down which worker each attempt has been given to, and since when."""
        processing: Any = self._client.processing()
        places = {key: worker for worker, keys in processing.items() for key in keys}
        with self._lock:
            for job in set(self._jobs.values()):
                for attempt in job.attempts:
                    worker = places.get(attempt.answer.key)
                    if worker != attempt.worker:
                        attempt.worker, attempt.since = worker, time.monotonic()

    def _start_backups(self) -> None:
        patience_s = max(self._backup_after_s, BACKUP_FACTOR * self._longest_s)
        with self._lock:
            jobs = set(self._jobs.values())
            waiting = [job for job in jobs if len(job.attempts) == 1 and job.attempts[0].worker]
        for job in waiting:
            attempt = job.attempts[0]
            others = self._offers.keys() - {attempt.worker}
            if time.monotonic() - attempt.since < patience_s or not others:
                continue
            if len(self._jobs) >= sum(self._offers[address] for address in others) + 1:
                continue  # no slot is free for it
            job.avoid.add(attempt.worker or "")
            self._tell(f"worker {attempt.worker} is slow with {job.task.student}: repeated elsewhere")
            self._start(job)
