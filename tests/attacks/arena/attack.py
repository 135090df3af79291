"""What an attack is, as data. The cases are in `cases_*.py`, one module for each thing that is attacked."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from nbformat import NotebookNode

__all__ = ["GAINED", "Accident", "Attack", "Link"]

GAINED = "GAINED"  # what an attack prints, followed by what it has got hold of

# What is left out to show that an attack would work without it: `test_defences.py`.
Without = Literal["outside verdicts", "isolation"]


@dataclass(frozen=True)
class Link:
    """A symbolic link in the folder that is handed in; `{course}` stands for the course's folder."""

    target: str


@dataclass(frozen=True)
class Attack:
    """A submission that tries to gain something.

    Args:
        name: also the student's, unless `student` says otherwise.
        tries: what it goes for, and how; a sentence for people.
        answer: source of the answer cell. before, after: cells of its own around the instructor's.
        files: what is handed in beside the notebook.
        edit: changes the notebook (a node) before it is written. raw: the whole file in its place.
        prepare: makes what files alone cannot say, given the folder that is handed in.
        defence: what stops it, in the words of SECURITY.md.
        without: the defence left out, with which it gains something (`test_defences.py`).
        status: "failed" where it cannot be graded, and a person sees why; "either" where that depends on who
            grades: root can read everything.
        score: points that it earns by right; nothing, usually.
    """

    name: str
    tries: str
    defence: str
    answer: str = ""
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    files: Mapping[str, bytes | str | Link] = field(default_factory=dict)
    edit: Callable[[NotebookNode], object] | None = None
    raw: bytes | None = None
    prepare: Callable[[object], object] | None = None
    without: Without | None = None
    status: Literal["graded", "failed", "either"] = "graded"
    score: float = 0.0
    student: str | None = None

    @property
    def who(self) -> str:
        return self.student or _student(self.name)


@dataclass(frozen=True)
class Accident:
    """What happens to honest students. All that was earned is kept.

    Args:
        loses: points that the accident itself costs, by question; all others are full.
        status: "failed" where there is nothing to grade, and a person sees why.
        warns: words that the receipt's warnings hold.
    """

    name: str
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    files: Mapping[str, bytes | str] = field(default_factory=dict)
    edit: Callable[[NotebookNode], object] | None = None
    rewrite: Callable[[str], bytes] | None = None  # the notebook's JSON text -> the file
    loses: Mapping[str, float] = field(default_factory=dict)
    status: Literal["graded", "failed"] = "graded"
    warns: str = ""

    @property
    def who(self) -> str:
        return _student(self.name)


def _student(name: str) -> str:
    return re.sub("[^A-Za-z0-9]+", "-", name)
