"""The mark of a check: which question it belongs to and how many points it gives."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

Function = TypeVar("Function", bound=Callable)


@dataclass(frozen=True)
class Question:
    """What `@question` says of a check.

    Args:
        id: the question, which is the grade id of nbgrader's locked test cell.
        points: earned if the check passes.
        public: whether students get it with the released notebook.
        only_with_other_points: paid only where another question earned points.
        seconds: its time with all its parameters; None is the assignment's limit for a check.
    """

    id: str
    points: float
    public: bool = False
    only_with_other_points: bool = False
    seconds: float | None = None


def question(
    id: str,
    *,
    points: float,
    public: bool = False,
    only_with_other_points: bool = False,
    seconds: float | None = None,
) -> Callable[[Function], Function]:
    """Mark a test function as a check. The arguments are literals: `check_catalogue` reads them unrun."""
    mark = Question(id, points, public, only_with_other_points, seconds)

    def decorate(function: Function) -> Function:
        function.__question__ = mark
        return function

    return decorate


def question_of(function: Callable) -> Question | None:
    """The mark of a function, or None."""
    return getattr(function, "__question__", None)


def marked(function: Callable) -> Question:
    """The mark of a check."""
    mark = question_of(function)
    assert mark is not None
    return mark
