"""The public checks in a student's own notebook: run there, and printed with what holds and what doesn't.

These are the functions that also run at grading, there with fresh inputs. Nothing here gives marks.
"""

import textwrap
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from .errors import NotDefined, NotFrozen, NotImplementedYet, StudentError
from .frozen import ReplayRng, ReplayTransport, load_frozen
from .question import question_of
from .runner import run
from .student import Student
from .transports import LocalTransport

_WIDTH = 88
_INDENT = " " * 6


def show(question: str | None, namespace: dict[str, Any]) -> None:
    """Run the public checks of one question, or of all, on the names of a notebook, and print the outcome."""
    checks = import_module(f"{__package__}.checks")
    marks = [question_of(member) for member in vars(checks).values()]
    questions = list(dict.fromkeys(mark.id for mark in marks if mark is not None))
    if question is not None and question not in questions:
        print(f"There are no public checks of {question!r}. Some have: {', '.join(questions) or 'none'}.")
        return
    frozen = load_frozen(Path(__file__).parent)
    for each in questions if question is None else [question]:
        _show_question(each, checks, frozen, namespace)


def _show_question(
    question: str, checks: ModuleType, frozen: dict[str, Any], namespace: dict[str, Any]
) -> None:
    errors: dict[str, BaseException] = {}
    bench = _FrozenBench(frozen["cases"], namespace)
    results = run(checks, bench, lambda _, mark: mark.id == question, on_error=errors.__setitem__)
    print(question)
    for result in results:
        print(f"  {'✓' if result.outcome == 'passed' else '✗'} {result.id.replace('_', ' ')}")
        if result.outcome != "passed":
            _explain(result.message, errors[result.id])
    holding = sum(result.outcome == "passed" for result in results)
    verb = "check holds" if len(results) == 1 else "checks hold"
    more = "; more checks run at grading" if question in frozen["hidden"] else ""
    print(f"{holding} of {len(results)} public {verb}{more}.")


def _explain(message: str, error: BaseException) -> None:
    lines = [message]
    if isinstance(error, NotDefined):
        lines = [f"{error}: run the cell that defines it first"]
    elif isinstance(error, NotImplementedYet):
        lines = ["not implemented yet"]
    elif isinstance(error, StudentError) and error.where:
        lines = [f"your code raised {error.type_name}: {error.message}", error.where]
    for line in "\n".join(lines).splitlines():
        print(textwrap.fill(line, _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT))


class _FrozenBench:
    check_s = 60.0

    def __init__(self, cases: dict[str, Any], namespace: dict[str, Any]):
        self._cases = cases
        self._student = Student(LocalTransport(namespace))

    def begin(self, case: str, seconds: float) -> None:
        pass  # the notebook's random generators are the student's own: they are not seeded here

    def fixture(self, name: str, case: str) -> Any:
        if name == "submission":
            raise NotFrozen("this check can only be run at grading")
        if name == "student":
            return self._student
        frozen = self._cases[case]
        return ReplayRng(frozen) if name == "rng" else Student(ReplayTransport(frozen), trusted=True)

    def is_sound(self, case: str, repeat: Callable[[dict[str, Any]], None]) -> bool:
        return True  # the build ran it against the reference
