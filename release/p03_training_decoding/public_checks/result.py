"""What became of a check."""

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["passed", "failed", "error", "timeout"]


@dataclass(frozen=True)
class CheckResult:
    """One check of one submission.

    Args:
        id: the function's name without `test_`.
        points: at most; earned if and only if it passed.
        outcome: "failed" is the student's; "error" is a check that could not be carried out; "timeout" had
            no answer in time.
        message: what is wrong, for the student. Never a hidden value.
    """

    id: str
    question: str
    points: float
    outcome: Outcome
    message: str
    seconds: float
    public: bool

    @property
    def earned(self) -> float:
        return self.points if self.outcome == "passed" else 0.0
