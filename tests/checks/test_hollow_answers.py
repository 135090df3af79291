"""Answers with nothing in them earn nothing: NaN, empty arrays, None and text pass no check of any problem set.

`all` of nothing is true, and no number is above NaN: a check that forgets it pays for an answer of that kind.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograder.checking.catalogue import check_catalogue
from autograder.checking.student import Student
from autograder.checking.suite import run_checks
from autograder.checking.transports import LocalTransport
from autograder.grading.checked import settle_conditional

CHECKS = Path(__file__).parents[2] / "autograder" / "checks"
SETS = ("p01_attention", "p02_transformer", "p03_training_decoding", "p08_vae", "p10_gan")


def of_the_first_argument(fill: float) -> Callable[..., Any]:
    """An array of one number, with the shape of the first array that came in."""

    def answer(*arguments: Any, **named: Any) -> Any:
        for argument in (*arguments, *named.values()):
            if hasattr(argument, "shape") and argument.shape is not None:
                return np.full(tuple(argument.shape), fill, np.float32)
        return fill

    return answer


HOLLOW: dict[str, Callable[..., Any]] = {
    "nan": of_the_first_argument(np.nan),
    "infinity": of_the_first_argument(np.inf),
    "empty array": lambda *a, **k: np.zeros((0,), np.float32),
    "empty batch": lambda *a, **k: np.zeros((0, 4, 8), np.float32),
    "empty list": lambda *a, **k: [],
    "none": lambda *a, **k: None,
    "text": lambda *a, **k: "0.5",
    "pairs of nothing": lambda *a, **k: (np.zeros((0, 3)), np.zeros((0, 3))),
}


class Thing:
    """An object whose every method gives the hollow answer."""

    def __init__(self, answer: Callable[..., Any]):
        self._answer = answer
        self.weights: list = []

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self._answer(*arguments, **named)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._answer


class Everything(dict):
    """A notebook that defines every name: functions give the answer, classes make things that do."""

    def __init__(self, answer: Callable[..., Any]):
        super().__init__()
        self._answer = answer

    def __contains__(self, name: object) -> bool:
        return True

    def __getitem__(self, name: str) -> Any:
        if name[:1].isupper() and not name.isupper():
            return lambda *arguments, **named: Thing(self._answer)
        return self._answer


@pytest.mark.slow
@pytest.mark.parametrize("answer", HOLLOW)
@pytest.mark.parametrize("problem_set", SETS)
def test_an_answer_with_nothing_in_it_passes_no_check(problem_set, answer):
    student = Student(LocalTransport(Everything(HOLLOW[answer])))
    checks = CHECKS / f"{problem_set}.py"
    results = settle_conditional(check_catalogue(checks), run_checks(checks, student, seed=1, check_s=20.0))
    assert len(results) > 10
    passed = {result.id: result.points for result in results if result.outcome == "passed" and result.points}
    assert passed == {}
