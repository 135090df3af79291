"""Runs an assignment's checks, in this process, against its solution with mistakes put in."""

import ast
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from autograder.checking.catalogue import CheckInfo, check_catalogue
from autograder.checking.check_module import load_check_module
from autograder.checking.mutants import Mutant, MutantRun, Variant, VariantRun
from autograder.checking.result import CheckResult
from autograder.checking.solved import needed_definitions, replaced, solved_notebook, stubbed
from autograder.checking.student import Student
from autograder.checking.submission_facts import CellFacts, SubmissionFacts
from autograder.checking.suite import run_checks
from autograder.checking.transports import LocalTransport
from autograder.errors import ConfigError
from autograder.sandbox.codec import Ref

__all__ = ["Proof"]

# A notebook that ran: what contract checks see here is not under test.
_RAN = SubmissionFacts((CellFacts(0, 'print("Done")', "code", True, None, 0.0, "Done\n", "done"),))


class Proof:
    """An assignment's checks, its solution, its mutants and its variants, to be run one by one.

    Args:
        course_root: the folder with the checks and the mutants.
        without: ids of checks that are left out, such as those that train for a minute.
    Raises: ConfigError where there are none, or where a mutant names what does not exist.
    """

    def __init__(self, course_root: Path | str, assignment: str, without: Collection[str] = ()):
        root = Path(course_root).resolve()
        self.assignment = assignment
        self._checks_file = _file(root, ("autograder/checks", "checks"), assignment, "checks")
        mutants_file = _file(root, ("tests/mutants", "mutants"), assignment, "mutants")
        data = load_check_module(mutants_file)
        catalogue = check_catalogue(self._checks_file)
        self.checks: list[CheckInfo] = [check for check in catalogue if check.id not in without]
        self.mutants: list[Mutant] = list(getattr(data, "MUTANTS", ()))
        self.variants: list[Variant] = [Variant("the solution itself", ""), *getattr(data, "VARIANTS", ())]
        self.notebook = solved_notebook(getattr(load_check_module(self._checks_file), "REFERENCE", ()))
        self._asked: dict[str, set[str]] | None = None
        known = {check.id for check in catalogue}
        for mutant in self.mutants:
            if strangers := mutant.expected - known:
                raise ConfigError(f"{mutants_file}: no check is called {min(strangers)} ({mutant.wrong})")

    def run_mutant(self, mutant: Mutant, seed: int = 0, own_question_only: bool = False) -> MutantRun:
        """Run the checks that depend on what the mutant changes; the others cannot tell.

        Args:
            own_question_only: leave out the checks of later questions whose solutions use the target, which
                take most of the time.
        """
        only = self._checks_that_need(mutant, own_question_only)
        results = self._run(_defined(replaced(self.notebook, mutant.bodies)), seed, only)
        failed = [result for result in results if result.outcome != "passed"]
        expected = mutant.expected & (only if own_question_only else {check.id for check in self.checks})
        broken = tuple(result.id for result in failed if result.outcome == "error")
        lost = sum(result.points for result in failed)
        messages = {result.id: result.message for result in failed}
        return MutantRun(mutant, seed, expected, messages, broken, lost)

    def run_variant(self, variant: Variant, seed: int = 0) -> tuple[VariantRun, list[CheckResult]]:
        """Run every check; nothing may fail."""
        namespace = _defined(self.notebook)
        exec(compile(variant.source, f"<{variant.name}>", "exec"), namespace)  # noqa: S102
        results = self._run(namespace, seed, {check.id for check in self.checks})
        failed = {result.id: result.message for result in results if result.outcome != "passed"}
        return VariantRun(variant.name, seed, failed), results

    def stub_points(self, seed: int = 0) -> float:
        """What the release earns before anything is written."""
        unconditional = {check.id for check in self.checks if not check.only_with_other_points}
        results = self._run(_defined(stubbed(self.notebook)), seed, unconditional)
        return sum(result.earned for result in results)

    def untested(self) -> tuple[str, ...]:
        """Checks that no mutant names, contract checks aside: those look at the notebook, not at code."""
        named = {name for mutant in self.mutants for name in mutant.expected}
        rest = (check for check in self.checks if not check.only_with_other_points)
        return tuple(check.id for check in rest if check.id not in named)

    def _run(self, namespace: dict[str, Any], seed: int, only: Collection[str] | None = None):
        return run_checks(self._checks_file, Student(LocalTransport(namespace)), seed, _RAN, only=only)

    def _checks_that_need(self, mutant: Mutant, own_question_only: bool) -> set[str]:
        if self._asked is None:
            self._asked = self._names_asked_by_check()
        changed = {target.partition(".")[0] for target in mutant.bodies}
        if not own_question_only:
            needed = needed_definitions(self.notebook)
            users = changed | {name for name, names in needed.items() if names & changed}
            return {check for check, names in self._asked.items() if names & users}
        direct = [check for check in self.checks if self._asked[check.id] & changed]
        return {check.id for check in direct if check.question == direct[0].question}

    def _names_asked_by_check(self) -> dict[str, set[str]]:
        transport = _NamesAsked(_defined(self.notebook))
        asked: dict[str, set[str]] = {}

        def keep(result: CheckResult) -> None:
            asked[result.id], transport.names = transport.names, set()

        only = {check.id for check in self.checks}
        run_checks(self._checks_file, Student(transport), "names", _RAN, only=only, on_check=keep)
        return asked


class _NamesAsked(LocalTransport):
    """Keeps the global names that requests are about, directly or through an object made earlier."""

    def __init__(self, namespace: dict[str, Any]):
        super().__init__(namespace)
        self.names: set[str] = set()
        self._origins: dict[int, set[str]] = {}

    def request(self, request: dict) -> dict:
        names: set[str] = set()
        for ref in _refs(request):
            names |= self._origins.get(ref.number, set()) if ref.number else {str(ref.path[0][1])}
        reply = super().request(request)
        self._origins.update((ref.number, names) for ref in _refs(reply))
        self.names |= names
        return reply


def _refs(value: Any) -> Iterator[Ref]:
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, list | tuple | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _refs(item)


def _defined(notebook: ast.Module) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "notebook"}
    exec(compile(notebook, "<the notebook with a change>", "exec"), namespace)  # noqa: S102
    return namespace


def _file(root: Path, folders: tuple[str, ...], assignment: str, what: str) -> Path:
    paths = [root / folder / f"{assignment}.py" for folder in folders]
    for path in paths:
        if path.is_file():
            return path
    places = " nor ".join(str(path.relative_to(root)) for path in paths)
    raise ConfigError(f"{assignment} has no {what}: there is neither {places} in {root}")
