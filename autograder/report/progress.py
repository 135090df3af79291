"""Progress of a batch: a bar on a terminal, one JSON object a line elsewhere."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TextColumn
from rich.progress import Progress as RichProgress
from rich.text import Text

from autograder.report.numbers import number, seconds
from autograder.report.plain_text import one_line
from autograder.report.receipt import SubmissionResult

__all__ = ["Pace", "Progress", "progress", "result_line"]


class Progress(Protocol):
    """What a batch tells while it runs."""

    def start(self, total: int) -> None:
        """So many submissions will be graded."""

    def done(self, result: SubmissionResult) -> None:
        """One of them is."""

    def tell(self, line: str) -> None:
        """News that is about no submission: of the cluster."""


class Pace:
    """How far a batch is and how fast: what was unchanged counts as done and says nothing about speed.

    Args:
        clock: in seconds; `time.monotonic` otherwise.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self.start(0)

    def start(self, total: int) -> None:
        self.total, self.done, self.failed, self._run = total, 0, 0, 0
        self._started = self._working = self._clock()
        self.slowest: SubmissionResult | None = None

    def add(self, result: SubmissionResult) -> None:
        self.done += 1
        self.failed += result.status == "failed"
        if result.cached:
            self._working = self._clock()  # those come first, and in no time
            return
        self._run += 1
        if self.slowest is None or result.seconds.total > self.slowest.seconds.total:
            self.slowest = result

    @property
    def elapsed_s(self) -> float:
        return self._clock() - self._started

    @property
    def rate(self) -> float:
        """Submissions a second, of those that were graded in this run; 0 before the first."""
        return self._run / max(self._clock() - self._working, 1e-9) if self._run else 0.0

    @property
    def left_s(self) -> float | None:
        """Seconds to the end at this rate; None before there is one."""
        return (self.total - self.done) / self.rate if self.rate else None


@contextmanager
def progress(stream: TextIO | None = None, *, as_json: bool | None = None) -> Iterator[Progress]:
    """Progress on stderr: a bar on a terminal, one JSON object a line elsewhere.

    Args:
        stream: in place of stderr.
        as_json: lines even on a terminal (True), or a bar if there is one (None, False).
    """
    out = stream or sys.stderr
    if as_json or not out.isatty():
        yield JsonLines(out)
        return
    with _bar(out) as bar:
        yield bar


class JsonLines:
    """One JSON object a line, for logs and programs: `start`, then a `result` each, `news` in between."""

    def __init__(self, stream: TextIO):
        self._stream = stream
        self._pace = Pace()

    def start(self, total: int) -> None:
        self._pace.start(total)
        self._write(event="start", total=total)

    def done(self, result: SubmissionResult) -> None:
        pace = self._pace
        pace.add(result)
        slowest, left = pace.slowest, pace.left_s
        self._write(
            event="result",
            student=result.student,
            status=result.status,
            reason=result.reason,
            score=result.score,
            max_score=result.max_score,
            cached=result.cached,
            seconds=round(result.seconds.total, 3),
            done=pace.done,
            total=pace.total,
            failed=pace.failed,
            elapsed=round(pace.elapsed_s, 3),
            per_second=round(pace.rate, 3),
            left=None if left is None else round(left, 1),
            slowest=slowest and {"student": slowest.student, "seconds": round(slowest.seconds.total, 3)},
        )

    def tell(self, line: str) -> None:
        self._write(event="news", text=line)

    def _write(self, **event: object) -> None:
        self._stream.write(json.dumps(event) + "\n")
        self._stream.flush()


class _Rate(ProgressColumn):
    """`3.2/s, 40 s left`, from the batch's own pace."""

    def __init__(self, pace: Pace):
        super().__init__()
        self._pace = pace

    def render(self, task: Task) -> Text:
        rate, left = self._pace.rate, self._pace.left_s
        if left is None:
            return Text("")
        said = f"{rate:.1f}/s" if rate >= 1 else f"{seconds(1 / rate)} each"
        return Text(f"{said}, {seconds(left)} left", style="progress.data.speed")


class _Bar:
    """A bar with rate, time left, failures so far and the slowest; each failure is named above it."""

    def __init__(self, bar: RichProgress, pace: Pace):
        self._bar = bar
        self._pace = pace
        self._task = bar.add_task("grading", total=None, failures="", slowest="")

    def start(self, total: int) -> None:
        self._pace.start(total)
        self._bar.reset(self._task, total=total, failures="", slowest="")

    def done(self, result: SubmissionResult) -> None:
        pace = self._pace
        pace.add(result)
        if result.status == "failed":
            self._bar.console.print(Text(result_line(result), style="red"))
        failures = f"{pace.failed} not graded" if pace.failed else ""
        slowest = ""
        if pace.slowest and pace.slowest.seconds.total:
            slowest = f"slowest {one_line(pace.slowest.student, 20)} {seconds(pace.slowest.seconds.total)}"
        self._bar.update(self._task, advance=1, failures=failures, slowest=slowest)

    def tell(self, line: str) -> None:
        self._bar.console.print(Text(one_line(line, 600), style="yellow"))


@contextmanager
def _bar(stream: TextIO) -> Iterator[_Bar]:
    pace = Pace()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        _Rate(pace),
        TextColumn("[red]{task.fields[failures]}"),
        TextColumn("{task.fields[slowest]}", style="dim", markup=False),
    )
    with RichProgress(*columns, console=Console(file=stream), transient=True) as bar:
        yield _Bar(bar, pace)


def result_line(result: SubmissionResult) -> str:
    """`ada: 43.5 of 65, 0.9 s` or `eve: not graded: no notebook`."""
    name = one_line(result.student, 60)
    if result.status == "failed":
        return f"{name}: not graded: {one_line(result.reason, 300)}"
    time_taken = "unchanged" if result.cached else seconds(result.seconds.total)
    return f"{name}: {number(result.score)} of {number(result.max_score)}, {time_taken}"
