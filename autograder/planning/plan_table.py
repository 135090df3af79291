"""`autograder plan` on a terminal."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from autograder.planning.advice import Advice, Wish
from autograder.report.numbers import percent, seconds

__all__ = ["print_plan"]


def print_plan(
    assignment: str,
    advices: Sequence[Advice],
    wish: Wish,
    measured: Sequence[float],
    *,
    gpu: bool,
    console: Console | None = None,
) -> None:
    """The table, and what it rests on.

    Args:
        gpu: each worker has one, since kernels of the assignment ask for it.
    """
    console = console or Console(highlight=False)
    table = Table(title=f"{assignment}: workers for feedback in time", title_justify="left", box=SIMPLE_HEAD)
    for name in ("students", "at most at once", "workers", "GPUs", "half within", "late ones", "busy"):
        table.add_column(name, justify="right")
    for advice in advices:
        table.add_row(
            f"{advice.students:,}",
            f"{advice.peak:,}",
            f"{advice.workers:,}",
            f"{advice.workers:,}" if gpu else "0",
            seconds(advice.median_s),
            seconds(advice.late_s),
            percent(advice.busy, 1),
        )
    console.print(table)
    longest = max(measured)
    console.print(
        f"{percent(wish.share, 1)} within {seconds(wish.within_s)}, over {advices[0].deadlines} or fewer "
        "simulated deadlines.\n"
        f"Measured: {len(measured)} gradings, median {seconds(statistics.median(measured))}, longest "
        f"{seconds(longest)}.\n"
        f"Assumed: {percent(wish.last_hour, 1)} of the submissions come in the last of "
        f"{wish.window_h:g} hours; "
        f"in {wish.failures.rate:.1%} of the gradings the worker dies; a worker grades one submission at a "
        "time, as fast as those that were measured.",
        markup=False,
    )
