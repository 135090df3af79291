"""What can go wrong when a check asks a student's notebook for a value.

CheckingError
├── StudentError           the notebook's code raised, or gave what cannot be used: the check fails
│   ├── NotDefined         the name is not in the notebook
│   ├── NotImplementedYet  the stub's NotImplementedError is still there
│   └── BadReply           the reply is malformed or over the caps
├── StudentTimeout         no answer within the check's time
├── StudentGone            the process that ran the notebook has ended
├── ReferenceFailed        the reference raised: a defect of the check or of the reference
└── NotFrozen              a public check asked the frozen reference for what was not recorded
"""

import re

__all__ = [
    "BadReply",
    "CheckingError",
    "NotDefined",
    "NotFrozen",
    "NotImplementedYet",
    "ReferenceFailed",
    "StudentError",
    "StudentGone",
    "StudentTimeout",
    "clean",
]

_MAX_CHARS = 500
# CSI and OSC sequences, then every other control character but newline, and what reorders text.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)?", re.DOTALL)
_CONTROLS = re.compile(
    r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


def clean(text: object, max_chars: int = _MAX_CHARS) -> str:
    """`text` from the student's side without terminal codes and control characters, cut to length."""
    plain = _CONTROLS.sub(" ", _ESCAPES.sub("", str(text)[: 4 * max_chars]))
    plain = plain.strip()
    return plain if len(plain) <= max_chars else plain[: max_chars - 1] + "…"


class CheckingError(Exception):
    """Base of the tree."""


class StudentError(CheckingError):
    """An exception in the student's code, as their process described it.

    Args:
        type_name: the exception's class.
        message: its text.
        where: line and function in the notebook; empty if unknown.
    """

    def __init__(self, type_name: str, message: str, where: str = ""):
        self.type_name = clean(type_name, 80)
        self.message = clean(message)
        self.where = clean(where, 200)
        super().__init__(self.sentence())

    def sentence(self) -> str:
        """What a report shows."""
        place = f" ({self.where})" if self.where else ""
        return f"your code raised {self.type_name}: {self.message}{place}"


class NotDefined(StudentError):
    def sentence(self) -> str:
        return f"`{self.message}` is not defined in the notebook"


class NotImplementedYet(StudentError):
    def sentence(self) -> str:
        return f"not implemented yet{f' ({self.where})' if self.where else ''}"


class BadReply(StudentError):
    def sentence(self) -> str:
        return f"what came back cannot be used: {self.message}"


class StudentTimeout(CheckingError):
    """No answer within the check's time."""


class StudentGone(CheckingError):
    """The process that ran the notebook has ended, or its channel cannot be used any more."""


class ReferenceFailed(CheckingError):
    """The reference raised: the check or the reference is wrong, not the student."""


class NotFrozen(CheckingError):
    """The frozen answers do not hold what a public check asked the reference for."""
