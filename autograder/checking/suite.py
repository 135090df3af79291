"""The checks of an assignment, run against one student's notebook at grading."""

import contextlib
import hashlib
import importlib
import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import numpy as np

from autograder.checking.check_module import load_check_module
from autograder.checking.result import CheckResult
from autograder.checking.runner import run
from autograder.checking.student import Student, begin_check
from autograder.checking.submission_facts import SubmissionFacts
from autograder.checking.transports import LocalTransport

_reference_namespaces: dict[tuple[str, ...], dict[str, Any]] = {}
_references: dict[tuple[str, ...], Student] = {}


def run_checks(
    path: str | os.PathLike,
    student: Student,
    seed: int | str,
    submission: SubmissionFacts | None = None,
    check_s: float = 30.0,
    public_only: bool = False,
    only: Collection[str] | None = None,
    on_check: Callable[[CheckResult], None] | None = None,
) -> list[CheckResult]:
    """Run the checks of the module at `path` and give a result for each, in the order of the module.

    Args:
        student: the notebook.
        seed: hidden inputs are drawn from it; it must not be guessable from the submission.
        check_s: seconds for one check with all its parameters.
        only: ids of questions or of checks to run.
        on_check: called with each result as it becomes known.
    Raises: what importing the module raises, and TypeError for a test without `@question`. What the
        student's code does is never raised.
    """
    module = load_check_module(Path(path))
    bench = _GradingBench(student, getattr(module, "REFERENCE", ()), seed, submission, check_s)

    def select(check_id: str, mark) -> bool:
        wanted = only is None or check_id in only or mark.id in only
        return wanted and (mark.public or not public_only)

    with open(os.devnull, "w") as null, contextlib.redirect_stdout(null):  # noqa: PTH123
        return run(module, bench, select, on_check)


def reference_student(modules: tuple[str, ...]) -> Student:
    """The public names of the reference's modules, with the same interface as a student's notebook."""
    return Student(LocalTransport(reference_namespace(modules)), trusted=True)


def _lasting_reference(modules: tuple[str, ...]) -> Student:
    """One reference for all submissions that this process grades: its `shared` layers are built once."""
    modules = tuple(modules)
    if modules not in _references:
        _references[modules] = reference_student(modules)
    return _references[modules]


def derived_seed(*parts: object) -> int:
    """A 64-bit seed that tells nothing of the parts it is made of."""
    return int.from_bytes(hashlib.sha256("/".join(map(str, parts)).encode()).digest()[:8], "big")


class _GradingBench:
    def __init__(self, student, reference_modules, seed, submission, check_s):
        self.check_s = check_s
        self._student = student
        self._modules = reference_modules
        self._seed = seed
        self._submission = submission or SubmissionFacts()

    def begin(self, case: str, seconds: float) -> None:
        # The kernel's seed is derived apart: from it the inputs cannot be told.
        begin_check(self._student, seconds, derived_seed("kernel", self._seed, case))

    def fixture(self, name: str, case: str) -> Any:
        if name == "student":
            return self._student
        if name == "reference":
            return _lasting_reference(self._modules)
        if name == "rng":
            return np.random.default_rng(derived_seed("inputs", self._seed, case))
        return self._submission

    def is_sound(self, case: str, repeat: Callable[[dict[str, Any]], None]) -> bool:
        if not self._modules:
            return False
        fixtures = {name: self.fixture(name, case) for name in ("reference", "rng")}
        try:
            repeat({**fixtures, "student": reference_student(self._modules)})
        except KeyboardInterrupt:
            raise
        except BaseException:  # CheckTimeout and what pytest.fail raises, too
            return False
        return True


def reference_namespace(modules: tuple[str, ...]) -> dict[str, Any]:
    """The public names of the reference's modules, later ones first."""
    modules = tuple(modules)
    if modules not in _reference_namespaces:
        namespace: dict[str, Any] = {}
        for name in modules:
            members = vars(importlib.import_module(name))
            namespace.update({key: value for key, value in members.items() if not key.startswith("_")})
        _reference_namespaces[modules] = namespace
    return _reference_namespaces[modules]
