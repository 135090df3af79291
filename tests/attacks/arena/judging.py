"""What the tests look for in what a batch has left."""

from __future__ import annotations

import os

import pytest
from attack import GAINED, Accident, Attack
from cases import ACCIDENTS, ATTACKS
from course import CANARIES, SECRET
from jailer import MODES, USERS

EVERYTHING = tuple(case.name for case in (*ATTACKS, *ACCIDENTS))
OURSELVES = "root" if os.geteuid() == 0 else "ordinary"

# The whole class, as each user and in each mode; by default as who we are, in the mode that `auto` takes.
in_every_way = pytest.mark.parametrize(
    ("user", "mode"),
    [
        pytest.param(user, mode, marks=() if (user, mode) == (OURSELVES, "namespaces") else pytest.mark.slow)
        for user in USERS
        for mode in MODES
    ],
)


def result_of(observed: dict, case: Attack | Accident) -> dict:
    """The receipt of a case's submission; a name that is no student's is shown in another form."""
    results = observed["results"]
    if case.who in results:
        return results[case.who]
    shown = ascii(case.who)[1:-1][:80]
    (found,) = (result for student, result in results.items() if student.startswith(shown))
    return found


def gained(observed: dict, result: dict) -> list[str]:
    """What of that is not its own shows up in what a submission says or leaves."""
    said = observed["said"][result["student"]]
    found = [what for what, canary in CANARIES.items() if canary in said]
    if SECRET.decode() in said:
        found.append("the instructor's secret")
    if result["seed"] is not None and str(result["seed"]) in said:
        found.append("the seed of the hidden inputs")
    if GAINED in said:
        found.append(said[said.index(GAINED) :][:200])
    return found
