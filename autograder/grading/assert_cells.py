"""Marks of plain nbgrader test cells: asserts that ran inside the student's process.

As nbgrader's `determine_grade`: an error gives nothing, a number that the cell ends with is the mark, all
else gives full marks. But what nbgrader gets wrong is put right:

* a warning on stderr is no failure;
* a result counts only where the instructor's text ends with an expression; anything else was forged;
* `np.float64(0.5)` is a number and `False` is no pass (to nbgrader both are full marks);
* NaN, a negative number and one above the maximum earn nothing;
* a value that is no mark at all earns nothing until a person has looked.

The verdict stays the student's process's word, and is reported as such (`trusted=False`).
"""

from __future__ import annotations

import ast
import io
import re
import tokenize

from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

from autograder.checking.result import CheckResult, Outcome
from autograder.grading.notebook import TrustedCell
from autograder.report.receipt import QuestionResult

__all__ = ["judge"]

_NUMBER = r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|nan|inf)"
_FORMS = [
    re.compile(form.replace("NUMBER", _NUMBER), re.ASCII)
    for form in (
        r"(NUMBER)",
        r"(?:np|numpy)\.(?:float|int|uint)\d*\((NUMBER)\)",
        r"array\((NUMBER)(?:, dtype=\w+)?\)",
        r"tensor\((NUMBER)(?:, \w+=[^()]*)?\)",
        r"<tf\.Tensor: shape=\(\), dtype=\w+, numpy=(NUMBER)>",
    )
]
_BOOLEANS = {"True": True, "np.True_": True, "False": False, "np.False_": False}
_SHOWN = 80


def judge(trusted: TrustedCell, cell: NotebookNode) -> QuestionResult:
    """The mark of a test cell that has run.

    Args:
        trusted: the cell as the instructor wrote it.
        cell: the same cell with its outputs; one that failed or could not run has an `error` among them.
    """
    maximum = float(trusted.points or 0.0)
    score, outcome, message = _verdict(trusted.source, maximum, cell.get("outputs", []))
    check = CheckResult(
        id=trusted.grade_id,
        question=trusted.grade_id,
        points=maximum,
        outcome=outcome,
        message=message,
        seconds=0.0,
        public=True,
    )
    return QuestionResult(trusted.grade_id, score, maximum, checks=(check,), trusted=False)


def _verdict(source: str, maximum: float, outputs: list[NotebookNode]) -> tuple[float, Outcome, str]:
    errors = [output for output in outputs if output.output_type == "error"]
    if errors:
        return 0.0, "failed", f"{errors[0].ename}: {errors[0].evalue}".rstrip(": ")
    shown = [
        output.data.get("text/plain", "") for output in outputs if output.output_type == "execute_result"
    ]
    if not shown or not _may_end_with_a_mark(source):
        return maximum, "passed", ""
    if len(shown) > 1:
        return 0.0, "error", "the test cell ended with more than one result; a person has to look at it"
    return _read_mark(shown[0], maximum)


def _read_mark(shown: object, maximum: float) -> tuple[float, Outcome, str]:
    text = "".join(shown) if isinstance(shown, list) else str(shown)
    received = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
    if text in _BOOLEANS:
        passed = _BOOLEANS[text]
        return (maximum, "passed", "") if passed else (0.0, "failed", "the test cell ended with False")
    value = _number(text)
    if value is None:
        why = f"the test cell ended with {received}, which is no mark between 0 and {maximum:g}"
        return 0.0, "error", f"{why}; a person has to look at it"
    if not 0.0 <= value <= maximum:  # false for NaN too
        return (
            0.0,
            "failed",
            f"the test cell ended with {received}, not with a mark between 0 and {maximum:g}",
        )
    if value == maximum:
        return maximum, "passed", ""
    return value, "failed", f"the test cell gave {value:g} of {maximum:g} points"


def _number(text: str) -> float | None:
    for form in _FORMS:
        if len(text) <= 200 and (found := form.fullmatch(text)):
            return float(found.group(1))
    return None


def _may_end_with_a_mark(source: str) -> bool:
    """Whether a cell's last statement is an expression that Jupyter shows and that is no mere text."""
    try:
        body = ast.parse(TransformerManager().transform_cell(source)).body
    except (SyntaxError, ValueError):
        return True  # not Python: nothing can be said
    if not body or not isinstance(body[-1], ast.Expr) or _ends_with_semicolon(source):
        return False
    value = body[-1].value
    return not (isinstance(value, ast.Constant) and isinstance(value.value, str)) and not isinstance(
        value, ast.JoinedStr
    )


def _ends_with_semicolon(source: str) -> bool:
    """As IPython's displayhook: the last token that is no comment."""
    passed_over = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENDMARKER, tokenize.DEDENT)
    last = ""
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type not in passed_over:
                last = token.string
    except (tokenize.TokenError, IndentationError):
        pass
    return last == ";"
