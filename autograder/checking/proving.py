"""Whole proofs: every mutant and every right solution of some assignments, spread over processes."""

import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, as_completed, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.checking.mutants import FalseAlarms, GateTrials, MutantReport, MutantRun, VariantRun
from autograder.checking.proof import Proof
from autograder.checking.result import CheckResult

__all__ = ["false_alarms", "prove"]

Told = Callable[[MutantRun | VariantRun, int, int], None]


def prove(
    course_root: Path | str,
    assignments: Sequence[str],
    jobs: int = 1,
    seed: int = 0,
    all_gates: bool = False,
    on_run: Told | None = None,
) -> Iterator[MutantReport]:
    """Run every mutant and every variant, and give each assignment's report as it is complete.

    Args:
        jobs: processes that work at once; 1 is this one.
        all_gates: mutants run every training gate that depends on them; else only where they name no other
            check.
        on_run: called with each run as it ends, how many have ended, and how many there are.
    Raises: ConfigError where there are no checks or no mutants, or the mutants name what does not exist.
    """
    started = time.monotonic()
    root = str(Path(course_root).resolve())
    proofs = [_Progress(Proof(root, assignment)) for assignment in assignments]
    total = sum(len(each.proof.mutants) + len(each.proof.variants) for each in proofs)
    told = 0
    with _workers(jobs) as workers:
        pending: dict[Future, _Progress] = {}

        def submit(progress: _Progress, kind: str, *arguments: object) -> None:
            future = workers.submit(_work, kind, root, progress.proof.assignment, *arguments)
            pending[future] = progress
            progress.waiting += 1

        for progress in proofs:
            submit(progress, "asked", all_gates)
        for progress in proofs:
            submit(progress, "stub", seed)
            for i in range(len(progress.proof.variants)):
                submit(progress, "variant", i, seed)
        while pending:
            for future in wait(pending, return_when=FIRST_COMPLETED).done:
                progress = pending.pop(future)
                progress.waiting -= 1
                kind, value = future.result()
                if kind == "asked":
                    for i in range(len(progress.proof.mutants)):
                        submit(progress, "mutant", i, seed, value, all_gates)
                progress.keep(kind, value)
                if on_run and kind in ("mutant", "variant"):
                    told += 1
                    on_run(value[1] if kind == "mutant" else value[1][0], told, total)
                if not progress.waiting:
                    yield progress.report(time.monotonic() - started)


def false_alarms(
    course_root: Path | str,
    assignment: str,
    seeds: Sequence[int] = range(50),
    jobs: int = 1,
    gates: bool = False,
    on_run: Told | None = None,
) -> FalseAlarms:
    """Run the right solutions alone, at many seeds.

    Args:
        gates: run the training gates in the place of all other checks, each with one seed of its training a
            run. Otherwise they are left out.
    Raises: ConfigError where there are no checks or no mutants.
    """
    started, root = time.monotonic(), str(Path(course_root).resolve())
    proof = Proof(root, assignment)
    cases = [(i, seed) for seed in seeds for i in range(len(proof.variants))]
    lost = 0
    by_check: Counter[str] = Counter()
    tries: dict[str, int] = {}
    with _workers(jobs) as workers:
        futures = {workers.submit(_work, "trial", root, assignment, *case, gates) for case in cases}
        for number, future in enumerate(as_completed(futures), 1):
            run, found = future.result()[1]
            lost += bool(run.failed) and not gates
            by_check.update(run.failed.keys())
            tries.update(found)
            if on_run:
                on_run(run, number, len(cases))
    trials = tuple(GateTrials(check, len(cases), by_check[check], tries[check]) for check in sorted(tries))
    return FalseAlarms(assignment, len(cases), lost, dict(by_check), trials, time.monotonic() - started)


@dataclass
class _Progress:
    """What has come in for one assignment."""

    proof: Proof
    waiting: int = 0
    stub_points: float = 0.0
    variants: dict[int, tuple[VariantRun, list[CheckResult]]] = field(default_factory=dict)
    mutants: dict[int, MutantRun] = field(default_factory=dict)

    def keep(self, kind: str, value: Any) -> None:
        if kind == "stub":
            self.stub_points = value
        elif kind == "variant":
            self.variants[value[0]] = value[1]
        elif kind == "mutant":
            self.mutants[value[0]] = value[1]

    def report(self, wall_s: float) -> MutantReport:
        variants = [self.variants[i] for i in sorted(self.variants)]
        seconds = dict.fromkeys((check.id for check in self.proof.checks), 0.0)
        for _, results in variants:
            for result in results:
                seconds[result.id] += result.seconds / len(variants)
        return MutantReport(
            self.proof.assignment,
            tuple(self.mutants[i] for i in sorted(self.mutants)),
            tuple(run for run, _ in variants),
            seconds,
            self.stub_points,
            self.proof.untested(),
            self.proof.left_out,
            wall_s,
        )


# In the workers

_proofs: dict[tuple[str, str], Proof] = {}


def _work(kind: str, root: str, assignment: str, *arguments: Any) -> tuple[str, Any]:
    """One run; proofs last from one to the next. Gives the kind and what came of it."""
    if (root, assignment) not in _proofs:
        _proofs[root, assignment] = Proof(root, assignment)
    return kind, _RUNS[kind](_proofs[root, assignment], *arguments)


def _mutant(proof: Proof, index: int, seed: int, asked: dict[str, frozenset[str]], all_gates: bool):
    proof.asked = asked
    return index, proof.run_mutant(proof.mutants[index], seed, all_gates=all_gates)


def _variant(proof: Proof, index: int, seed: int):
    return index, proof.run_variant(proof.variants[index], seed)


def _trial(proof: Proof, index: int, seed: int, gates: bool) -> tuple[VariantRun, dict[str, int]]:
    """A right solution without its gates, or in its gates, each trained once; and the tries of gates."""
    variant = proof.variants[index]
    if not gates:
        return proof.run_variant(variant, seed, gates=False)[0], {}
    found = proof.try_gates(variant, seed)
    failed = {check: result.message for check, (result, _) in found.items() if result.outcome != "passed"}
    return VariantRun(variant.name, seed, failed), {check: tries for check, (_, tries) in found.items()}


_RUNS: dict[str, Callable] = {
    "asked": lambda proof, gates: proof.names_asked(gates),
    "stub": lambda proof, seed: proof.stub_points(seed),
    "variant": _variant,
    "mutant": _mutant,
    "trial": _trial,
}


def _workers(jobs: int) -> Executor:
    """Processes that begin anew: what TensorFlow has started in this one would not survive a fork."""
    if jobs == 1:
        _proofs.clear()  # files may have changed since
        return _Here()
    return ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _share_cores)


def _share_cores() -> None:
    """Numeric libraries, imported later, start one thread each: the other cores have runs of their own."""
    os.environ.update(dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1"))
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


class _Here(Executor):
    """Runs what it is given at once, in this process."""

    def submit(self, fn: Callable, /, *args: Any, **kwargs: Any) -> Future:
        future: Future = Future()
        future.set_result(fn(*args, **kwargs))
        return future
