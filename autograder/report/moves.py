"""What grading again changes: whose mark moves, from what to what, and by which check."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from autograder.report.numbers import number, plural
from autograder.report.plain_text import check_name, one_line
from autograder.report.receipt import QuestionResult, SubmissionResult

__all__ = ["Move", "Moves", "Part", "moves_between", "print_moves"]

MAX_ROWS = 200


@dataclass(frozen=True)
class Part:
    """A check whose points differ, or a question without checks; None where it did not exist."""

    id: str
    question: str
    before: float | None
    after: float | None

    @property
    def change(self) -> float:
        return (self.after or 0.0) - (self.before or 0.0)


@dataclass(frozen=True)
class Move:
    """One student whose mark differs. `before` is None where there was no receipt."""

    student: str
    before: SubmissionResult | None
    after: SubmissionResult
    parts: tuple[Part, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "student": self.student,
            "before": _mark(self.before),
            "after": _mark(self.after),
            "parts": [vars(part) for part in self.parts],
        }


@dataclass(frozen=True)
class Moves:
    """A class graded again. `applied` tells whether the new marks were written."""

    assignment: str
    moves: tuple[Move, ...]
    total: int
    applied: bool

    @property
    def failures(self) -> tuple[Move, ...]:
        return tuple(move for move in self.moves if move.after.status == "failed")

    def to_json(self) -> dict[str, Any]:
        return {
            "assignment": self.assignment,
            "applied": self.applied,
            "total": self.total,
            "moves": [move.to_json() for move in self.moves],
        }


def moves_between(
    before: Mapping[str, SubmissionResult], after: Iterable[SubmissionResult]
) -> tuple[Move, ...]:
    """The students of `after` whose mark is another than it was `before`, by student."""
    return tuple(
        Move(new.student, old, new, _parts(old, new))
        for new in after
        if _differs(old := before.get(new.student), new)
    )


def _differs(old: SubmissionResult | None, new: SubmissionResult) -> bool:
    return old is None or (old.score, old.max_score) != (new.score, new.max_score)


def _parts(old: SubmissionResult | None, new: SubmissionResult) -> tuple[Part, ...]:
    points_before, points_after = _points(old), _points(new)
    names = dict.fromkeys([*points_before, *points_after])
    parts = (Part(id, question, points_before.get((question, id)), points_after.get((question, id)))
             for question, id in names)  # fmt: skip
    return tuple(sorted((part for part in parts if part.change), key=lambda part: -abs(part.change)))


def _points(result: SubmissionResult | None) -> dict[tuple[str, str], float]:
    points: dict[tuple[str, str], float] = {}
    for question in result.questions if result else ():
        points |= {(question.id, id): earned for id, earned in _earned(question)}
    return points


def _earned(question: QuestionResult) -> list[tuple[str, float]]:
    if question.checks:
        return [(check.id, check.earned) for check in question.checks]
    return [(question.id, question.score)] if question.score is not None else []


def _mark(result: SubmissionResult | None) -> dict[str, Any] | None:
    if result is None:
        return None
    return {
        "status": result.status,
        "reason": result.reason,
        "score": result.score,
        "max_score": result.max_score,
    }


def print_moves(found: Moves, console: Console | None = None) -> None:
    """The table of moves and what follows from it; to stdout."""
    console = console or Console(highlight=False)
    if found.moves:
        table = Table(title=f"{found.assignment}: marks that move", title_justify="left", box=SIMPLE_HEAD)
        for name in ("student", "from", "to", "by"):
            table.add_column(name, justify="right" if name in ("from", "to") else "left")
        for move in found.moves[:MAX_ROWS]:
            table.add_row(one_line(move.student, 40), _said(move.before), _said(move.after), _because(move))
        if (more := len(found.moves) - MAX_ROWS) > 0:
            table.caption = f"and {more} more: --json has all"
        console.print(table)
    stay = found.total - len(found.moves)
    did = "moved" if found.applied else "would move"
    console.print(Text(f"{found.assignment}: {plural(len(found.moves), 'mark')} {did}, {stay} stay", "bold"))
    if found.moves and not found.applied:
        console.print(
            f"Nothing was written. To write them: autograder regrade {found.assignment} --apply", markup=False
        )


def _said(result: SubmissionResult | None) -> str:
    if result is None:
        return "no mark"
    return "not graded" if result.score is None else f"{number(result.score)} / {number(result.max_score)}"


def _because(move: Move) -> Text:
    if move.after.status == "failed":
        return Text(one_line(move.after.reason, 300), style="red")
    said = [f"{check_name(part.id)} {_signed(part.change)}" for part in move.parts]
    return Text(", ".join(said))


def _signed(change: float) -> str:
    return ("+" if change > 0 else "−") + number(abs(change))
