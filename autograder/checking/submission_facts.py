"""What checks of the submission itself see: the contract that a notebook runs from top to bottom."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CellFacts:
    """One cell as it was submitted, and what became of it.

    Args:
        cell_type: "code", "markdown" or "raw".
        ran: whether it was executed to its end, with or without an error.
        error: type and message of the exception that ended it.
        stdout: what it printed, capped.
        grade_id: nbgrader's id, if it has one.
    """

    index: int
    source: str
    cell_type: str
    ran: bool
    error: str | None
    seconds: float
    stdout: str
    grade_id: str | None


@dataclass(frozen=True)
class SubmissionFacts:
    """The notebook's cells in order, and the paths of the files handed in beside it."""

    cells: tuple[CellFacts, ...] = ()
    files: tuple[str, ...] = ()
