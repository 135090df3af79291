"""Stand-in for `autograder.checking.result` until it exists; same fields."""

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["passed", "failed", "error", "timeout"]


@dataclass(frozen=True)
class CheckResult:
    id: str
    question: str
    points: float
    outcome: Outcome
    message: str
    seconds: float
    public: bool
