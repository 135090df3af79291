"""Running an assignment's checks against a finished notebook, whatever its kernel does meanwhile.

A check that hangs or kills the kernel costs its own points. A kernel that is lost is replaced, the cells
that had worked are run again, and the next check finds it as it was. A question that has cost so twice
is not asked any more, and all checks together have a budget, so that grading ends.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from autograder.checking.catalogue import CheckInfo, check_catalogue
from autograder.checking.errors import StudentGone, StudentTimeout
from autograder.checking.result import CheckResult
from autograder.checking.student import Student
from autograder.checking.submission_facts import SubmissionFacts
from autograder.checking.suite import run_checks
from autograder.checking.transports import SocketTransport
from autograder.errors import LauncherError
from autograder.grading.execute import KernelLost, NotebookRun
from autograder.sandbox.limits import Limits

MAX_LOST = 2  # checks of one question that hang or end the kernel; the rest of it is not run
BUDGET_FACTOR = 10  # all checks together: so many times one check, and what single ones ask for beyond


class CheckTransport:
    """Requests to the kernel's probe, for checks that run in the order of `catalogue`."""

    def __init__(
        self, notebook: NotebookRun, limits: Limits, catalogue: list[CheckInfo], deadline: float = math.inf
    ):
        self._notebook = notebook
        self._limits = limits
        self._questions = [info.question for info in catalogue]
        self._finished = 0
        self.generation = 0  # of the kernel: objects on the student's side end with it
        self._lost: Counter[str] = Counter()
        extra_s = sum(max((info.seconds or 0.0) - limits.check_s, 0.0) for info in catalogue)
        self._deadline = min(time.monotonic() + BUDGET_FACTOR * limits.check_s + extra_s, deadline)
        self._inner: SocketTransport | None = None
        self._refusal: StudentTimeout | StudentGone | None = None

    def finished(self, result: CheckResult) -> None:
        """A check has its result."""
        self._finished += 1
        if result.outcome in ("timeout", "error"):
            self._lost[result.question] += 1

    def begin(self, seconds: float) -> None:
        question = self._questions[min(self._finished, len(self._questions) - 1)]
        self._refusal = None
        if self._lost[question] >= MAX_LOST:
            self._refusal = StudentTimeout("not run: two checks of this question hung or ended the kernel")
        elif time.monotonic() > self._deadline:
            self._refusal = StudentTimeout("not run: the checks of this submission had used their time")
        else:
            self._connect(seconds)

    def request(self, request: dict) -> dict:
        if self._refusal is not None:
            raise self._refusal
        assert self._inner is not None
        return self._inner.request(request)

    def _connect(self, seconds: float) -> None:
        try:
            if self._inner is not None and self._inner.closed:
                self._notebook.drop_kernel()
            if self._inner is None or self._inner.closed:
                kernel = self._notebook.revive(self._limits.notebook_s)
                self.generation += 1
                self._inner = SocketTransport(
                    kernel.probe, timeout_s=self._limits.check_s, interrupt=kernel.interrupt
                )
            self._inner.begin(seconds)
        except (KernelLost, LauncherError) as error:
            self._refusal = StudentGone(f"the notebook could not be run again: {error}")


def check_notebook(
    checks: Path,
    notebook: NotebookRun,
    limits: Limits,
    seed: int,
    files: tuple[str, ...],
    *,
    kept: Sequence[CheckResult] = (),
    deadline: float = math.inf,
) -> list[CheckResult]:
    """Run the check module against the notebook's kernel.

    A check that counts only beside others is failed here if no other question earned points.

    Args:
        kept: results that stand; their checks are not run.
        deadline: by the monotonic clock; what has not begun by then is not run.
    """
    catalogue = check_catalogue(checks)
    results = {result.id: result for result in kept}
    left = [info for info in catalogue if info.id not in results]
    if left:
        transport = CheckTransport(notebook, limits, left, deadline)
        facts = SubmissionFacts(cells=notebook.facts(), files=files)
        new = run_checks(
            checks,
            Student(transport),
            seed,
            facts,
            check_s=limits.check_s,
            only={info.id for info in left} if kept else None,
            on_check=transport.finished,
        )
        results |= {result.id: result for result in new}
    return settle_conditional(catalogue, [results[info.id] for info in catalogue])


def settle_conditional(catalogue: list[CheckInfo], results: list[CheckResult]) -> list[CheckResult]:
    """Fail what is paid only beside other points, where there are none: an empty notebook runs to its end."""
    conditional = {info.id for info in catalogue if info.only_with_other_points}
    if any(
        result.outcome == "passed" and result.points for result in results if result.id not in conditional
    ):
        return results
    message = "this counts once another question has earned points"
    return [
        dataclasses.replace(result, outcome="failed", message=message)
        if result.id in conditional and result.outcome == "passed"
        else result
        for result in results
    ]
