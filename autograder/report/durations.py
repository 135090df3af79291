"""How long each cell and each check took, over a class."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from autograder.report.receipt import SubmissionResult

__all__ = ["Duration", "cell_durations", "check_durations"]


@dataclass(frozen=True)
class Duration:
    """Wall-clock seconds of one cell or check.

    Args:
        name: a cell's grade id, or its number counted from 1; a check's id.
        count: submissions in which it ran.
        longest_by: the student with whom it took longest.
    """

    name: str
    count: int
    median_s: float
    longest_s: float
    longest_by: str

    @property
    def weight_s(self) -> float:
        """What it costs the class: its median, as often as it ran."""
        return self.count * self.median_s


def cell_durations(results: Iterable[SubmissionResult]) -> list[Duration]:
    """Of the cells that ran, those that cost the class most first."""
    return _longest_first(
        (cell.grade_id or f"cell {cell.index + 1}", cell.seconds, result.student)
        for result in results
        for cell in result.cells
        if cell.seconds
    )


def check_durations(results: Iterable[SubmissionResult]) -> list[Duration]:
    """Of the checks, those that cost the class most first; what stands from an earlier run took no time."""
    return _longest_first(
        (check.id, check.seconds, result.student)
        for result in results
        for question in result.questions
        for check in question.checks
        if check.seconds and check.id not in result.kept
    )


def _longest_first(measured: Iterable[tuple[str, float, str]]) -> list[Duration]:
    by_name: dict[str, list[tuple[float, str]]] = {}
    for name, seconds, student in measured:
        by_name.setdefault(name, []).append((seconds, student))
    durations = [_duration(name, found) for name, found in by_name.items()]
    return sorted(durations, key=lambda each: (-each.weight_s, each.name))


def _duration(name: str, found: Sequence[tuple[float, str]]) -> Duration:
    longest_s, student = max(found)
    median_s = statistics.median(seconds for seconds, _ in found)
    return Duration(name, len(found), median_s, longest_s, student)
