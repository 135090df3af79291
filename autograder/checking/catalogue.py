"""What a check module offers, read from its text: nothing is imported or run."""

import ast
import os
from dataclasses import dataclass
from pathlib import Path

from autograder.checking.question import Question


@dataclass(frozen=True)
class CheckInfo:
    """One check.

    Args:
        id: the function's name without `test_`.
        title: the id as people read it.
        seconds: the time that it asks for; None where the assignment's limit is enough.
    """

    id: str
    question: str
    points: float
    public: bool
    title: str
    only_with_other_points: bool
    seconds: float | None = None


def check_catalogue(path: str | os.PathLike) -> list[CheckInfo]:
    """The checks of the module at `path`, in its order.

    Raises: ValueError for a test without `@question`, an argument of it that is no literal, or a name that
        is defined twice, which would silently lose the first.
    """
    text = Path(path).read_text(encoding="utf-8")
    checks = []
    for node in ast.parse(text, str(path)).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            checks.append(_check_info(node, path))
    ids = [check.id for check in checks]
    if repeated := {check_id for check_id in ids if ids.count(check_id) > 1}:
        raise ValueError(f"{path} defines test_{min(repeated)} twice")
    return checks


def is_public_check(node: ast.stmt) -> bool:
    """Whether a statement defines a check with `public=True`."""
    if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test_"):
        return False
    return _mark(node).public


def question_call(node: ast.FunctionDef) -> ast.Call | None:
    """The call of `@question` that marks a function, or None."""
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "question":
            return decorator
    return None


def _mark(node: ast.FunctionDef) -> Question:
    call = question_call(node)
    if call is None:
        raise ValueError(f"line {node.lineno}: {node.name} has no @question")
    try:
        positional = [ast.literal_eval(argument) for argument in call.args]
        named = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}
        return Question(*positional, **named)
    except (ValueError, TypeError) as error:
        raise ValueError(f"line {call.lineno}: @question takes an id and literals ({error})") from None


def _check_info(node: ast.FunctionDef, path: str | os.PathLike) -> CheckInfo:
    try:
        mark = _mark(node)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    check_id = node.name.removeprefix("test_")
    return CheckInfo(
        check_id,
        mark.id,
        mark.points,
        mark.public,
        check_id.replace("_", " "),
        mark.only_with_other_points,
        mark.seconds,
    )
