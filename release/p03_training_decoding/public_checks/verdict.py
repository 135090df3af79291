"""From what a check raised to what a report says.

A message is what the check's author wrote, or what the student's own code said; never pytest's or NumPy's
rendering of two values, one of which would be the expected one.
"""

import traceback
from pathlib import Path
from typing import Any

import numpy as np

from .errors import NotFrozen, StudentError, StudentGone, StudentTimeout, clean
from .result import Outcome
from .student import Handle

_MAX_MESSAGE_CHARS = 1000
_OUR_FOLDER = str(Path(__file__).parent)


class CheckTimeout(BaseException):
    """The check's own code, or code in this process that it called, ran over the check's time.

    Not an Exception, so that the code it interrupts does not catch it.
    """


def judge(error: BaseException, check_file: str, check_id: str, seconds: float) -> tuple[Outcome, str] | None:
    """Outcome and message of a check that raised `error`; None if it may be a defect of the check.

    Args:
        check_file: the module of the check, whose own assertions hold messages.
        seconds: what it may take.
    """
    if isinstance(error, AssertionError):
        return "failed", _assertion_message(error, check_file)
    if isinstance(error, StudentError):
        return "failed", clean(error, _MAX_MESSAGE_CHARS)
    if isinstance(error, StudentTimeout | CheckTimeout):
        title = check_id.replace("_", " ")
        told = clean(error, _MAX_MESSAGE_CHARS)
        return "timeout", told or f"no result within {seconds:g} seconds: {title}"
    if isinstance(error, StudentGone | NotFrozen):
        return "error", clean(error, _MAX_MESSAGE_CHARS)
    return None


def unusable(value: Any) -> str:
    """The message for a value that the check could not work with, where the reference's passes."""
    return f"the result has another form than the question asks for: it is {form(value)}"


def defect(error: BaseException) -> str:
    """The message for a check that is wrong itself. Only the kind: its text may hold hidden values."""
    return f"this check could not be carried out ({type(error).__name__}): please tell the staff"


def form(value: Any) -> str:
    """What kind of value it is, without its numbers: "an array of shape (2, 3)"."""
    if value is None:
        return "None"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if isinstance(value, list | tuple):
        kind = type(value).__name__
        items = ", ".join(form(item) for item in value[:4]) + (", …" if len(value) > 4 else "")
        return f"a {kind} of {len(value)}" + (f" ({items})" if value else "")
    if isinstance(value, dict):
        return f"a dict of {len(value)}"
    if isinstance(value, Handle):
        return "an object that is no array"
    return {"int": "an integer"}.get(type(value).__name__, f"a {type(value).__name__}")


def _assertion_message(error: AssertionError, check_file: str) -> str:
    frames = traceback.extract_tb(error.__traceback__, limit=-1)
    raised_in = frames[-1].filename if frames else ""
    ours = raised_in == check_file or str(Path(raised_in).parent) == _OUR_FOLDER
    if ours and error.args and isinstance(error.args[0], str):
        return clean(error.args[0], _MAX_MESSAGE_CHARS)
    return "this does not hold"
