"""Tasks out to an executor, results back as they come, with few in hand at a time.

A class of 50,000 is never in memory at once: a task is made (its files are read) when a worker is about to be
free for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait

from autograder.errors import NotGradedNow
from autograder.grading.submission import GradedSubmission, GradeTask, grade_in_worker
from autograder.report.receipt import SubmissionResult

__all__ = ["graded", "not_now"]

LOOK_EVERY_S = 1.0  # whether there are more workers than before


def graded(
    executor: Executor, tasks: Iterator[GradeTask], slots: Callable[[], int]
) -> Iterator[GradedSubmission]:
    """Results in the order in which they come. A task that could not be finished is one without a mark.

    Args:
        slots: how many can be graded at once just now; a quarter more are kept waiting for them.
    """
    running: dict[Future[GradedSubmission], GradeTask] = {}
    more = True
    while more or running:
        while more and len(running) < _in_hand(slots()):
            if (task := next(tasks, None)) is None:
                more = False
            else:
                running[executor.submit(grade_in_worker, task)] = task
        done, _ = wait(running, timeout=LOOK_EVERY_S, return_when=FIRST_COMPLETED)
        for future in done:
            yield _result(future, running.pop(future))


def not_now(student: str, assignment: str, reason: str) -> GradedSubmission:
    """A submission that this run did not come to: nothing of it is written anywhere."""
    return GradedSubmission(SubmissionResult.failed(student, assignment, reason), postponed=True)


def _in_hand(slots: int) -> int:
    return slots + max(1, slots // 4)


def _result(future: Future[GradedSubmission], task: GradeTask) -> GradedSubmission:
    try:
        return future.result()
    except NotGradedNow as error:
        return not_now(task.student, task.assignment, str(error))
    except Exception as error:
        reason = f"the grader failed: {type(error).__name__}: {error}"
        return GradedSubmission(SubmissionResult.failed(task.student, task.assignment, reason))
