"""The simulation of `autograder plan` against the real engine: the same arrivals, on the same number of workers.

Submissions that sleep for a drawn time and compute for a moment are handed to warm graders when their time comes.
What each took is measured; the simulation is then given arrivals and these times, and has to tell the latencies.

    python -m tests.bench.plan [--submissions 40] [--jobs 2] [--load 0.9]
"""

from __future__ import annotations

import argparse
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from autograder.grading.notebook import TrustedCells
from autograder.grading.submission import GradeTask, grade_in_worker
from autograder.grading.worker import WorkerPool
from autograder.planning.arrivals import rush
from autograder.planning.simulation import Outcome, simulate
from autograder.sandbox.limits import Limits
from autograder.sandbox.session import GRADER_MODULES, Launcher


@dataclass(frozen=True)
class Replay:
    """Args: arrivals, services (what the engine said that each took), latencies: in seconds, by submission."""

    arrivals: list[float]
    services: list[float]
    latencies: list[float]


def task(number: int, sleep_s: float) -> GradeTask:
    source = f"import time\ntime.sleep({sleep_s:.3f})\nsum(range(200_000))"
    nb = nbformat.writes(new_notebook(cells=[new_code_cell(source)])).encode()
    files = {"nb.ipynb": nb}
    return GradeTask(f"s{number}", "nb", files, "nb.ipynb", TrustedCells(()), {}, None, Limits(), seed=number)


def replay(launcher: Launcher, arrivals: Sequence[float], sleeps: Sequence[float], jobs: int) -> Replay:
    """Hand the submissions to `jobs` warm graders when their time comes."""
    services, latencies = [0.0] * len(arrivals), [0.0] * len(arrivals)
    lock = threading.Lock()
    with WorkerPool(launcher, jobs) as pool:
        for future in [pool.submit(grade_in_worker, task(-n, 0.0)) for n in range(1, 2 * jobs + 1)]:
            future.result()  # graders are up
        began = time.monotonic()
        futures = []
        for number, (arrival, sleep_s) in enumerate(zip(arrivals, sleeps, strict=True)):
            time.sleep(max(0.0, began + arrival - time.monotonic()))

            def settle(future, number=number, arrival=arrival) -> None:
                with lock:
                    latencies[number] = time.monotonic() - began - arrival
                    services[number] = future.result().result.seconds.total

            futures.append(pool.submit(grade_in_worker, task(number, sleep_s)))
            futures[-1].add_done_callback(settle)
        for future in futures:
            future.result()
    return Replay(list(arrivals), services, latencies)


def before_a_deadline(
    count: int, jobs: int, load: float, rng: random.Random
) -> tuple[list[float], list[float]]:
    """Arrivals of a rush squeezed into seconds, and how long each sleeps: at the end more comes than can be done."""
    sleeps = [rng.choice((0.2, 0.4, 0.6, 1.5)) for _ in range(count)]
    seconds = sum(sleeps) / jobs / load
    arrivals = rush(count, rng, window_h=168, last_hour=0.25)
    return [seconds * arrival / (168 * 3600) for arrival in arrivals], sleeps


def compared(measured: Replay, simulated: Outcome) -> dict[str, tuple[float, float]]:
    """By name: measured and simulated, in seconds."""
    real = Outcome(measured.latencies, 0.0, 0, 0.0)
    figures = {"mean": (sum(real.latencies), sum(simulated.latencies))}
    figures = {name: (a / len(real.latencies), b / len(real.latencies)) for name, (a, b) in figures.items()}
    for share in (0.5, 0.9, 1.0):
        figures[f"{share:.0%}"] = (real.quantile(share), simulated.quantile(share))
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--submissions", type=int, default=40)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--load", type=float, default=0.6)
    options = parser.parse_args()
    arrivals, sleeps = before_a_deadline(options.submissions, options.jobs, options.load, random.Random(1))
    with Launcher.start("auto", preload=GRADER_MODULES) as launcher:
        measured = replay(launcher, arrivals, sleeps, options.jobs)
    for name, (real, simulated) in compared(
        measured, simulate(measured.arrivals, measured.services, options.jobs)
    ).items():
        print(f"latency, {name}: measured {real:.2f} s, simulated {simulated:.2f} s")


if __name__ == "__main__":
    main()
