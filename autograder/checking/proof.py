"""Runs an assignment's checks, in this process, against its solution with mistakes put in."""

import ast
from collections.abc import Collection, Iterator, Mapping
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
from autograder.checking.training_gate import single_runs
from autograder.checking.transports import LocalTransport
from autograder.errors import ConfigError
from autograder.sandbox.codec import Ref

__all__ = ["Proof"]

_CHECK_S = 300.0  # how long a check takes is told, not judged: the machine may be busy with other proofs
# A notebook that ran: what contract checks see here is not under test.
_RAN = SubmissionFacts((CellFacts(0, 'print("Done")', "code", True, None, 0.0, "Done\n", "done"),))


class Proof:
    """An assignment's checks, its solution, its mutants and its variants, to be run one by one.

    Checks that ask for time of their own are the gates: they train. A mutant runs them where no other check
    is named for it, or where all gates are asked for; each trains once, with its first seed.

    Args:
        course_root: the folder with the checks and the mutants.
        without: ids of checks that are left out, besides the assignment's own LEFT_OUT.
    Raises: ConfigError where there are none, or where a mutant names what does not exist.
    """

    def __init__(self, course_root: Path | str, assignment: str, without: Collection[str] = ()):
        root = Path(course_root).resolve()
        self.assignment = assignment
        self._checks_file = _file(root, ("autograder/checks", "checks"), assignment, "checks")
        mutants_file = _file(root, ("tests/mutants", "mutants"), assignment, "mutants")
        data = load_check_module(mutants_file)
        catalogue = check_catalogue(self._checks_file)
        self.left_out: dict[str, str] = dict(getattr(data, "LEFT_OUT", {}))
        self.checks: list[CheckInfo] = [c for c in catalogue if c.id not in {*without, *self.left_out}]
        self.gates = frozenset(check.id for check in self.checks if check.seconds is not None)
        self.mutants: list[Mutant] = list(getattr(data, "MUTANTS", ()))
        self.variants: list[Variant] = [Variant("the solution itself", ""), *getattr(data, "VARIANTS", ())]
        self.notebook = solved_notebook(getattr(load_check_module(self._checks_file), "REFERENCE", ()))
        self._needed = needed_definitions(self.notebook)
        self.asked: Mapping[str, frozenset[str]] | None = None  # by another Proof, or when it is needed
        _require_known({check.id for check in catalogue}, self.left_out, self.mutants, mutants_file)

    def run_mutant(
        self, mutant: Mutant, seed: int = 0, own_question_only: bool = False, all_gates: bool = False
    ) -> MutantRun:
        """Run the checks that depend on what the mutant changes; the others cannot tell.

        Args:
            own_question_only: leave out the checks of later questions whose solutions use the target.
            all_gates: run the gates that depend on it too; else those that it names, if it names no others.
        """
        own_question_only = own_question_only or mutant.later_by_chance
        named = mutant.expected & {check.id for check in self.checks}
        only = self._dependent(mutant, own_question_only, all_gates)
        if not all_gates and named <= self.gates:
            only |= named
        with single_runs():
            results = self._run(_defined(replaced(self.notebook, mutant.bodies)), seed, only)
        failed = [result for result in results if result.outcome != "passed"]
        unrun = named - only if own_question_only else (named & self.gates) - only
        return MutantRun(
            mutant,
            seed,
            expected=named - unrun,
            failed={result.id: result.message for result in failed},
            broken=tuple(result.id for result in failed if result.outcome == "error"),
            lost=sum(result.points for result in failed),
            unrun=tuple(sorted(unrun)),
            run=len(results),
        )

    def run_variant(
        self, variant: Variant, seed: int = 0, gates: bool = True
    ) -> tuple[VariantRun, list[CheckResult]]:
        """Run every check, or every one but the gates; nothing may fail."""
        only = {check.id for check in self.checks} - (frozenset() if gates else self.gates)
        results = self._run(self._with_variant(variant), seed, only)
        failed = {result.id: result.message for result in results if result.outcome != "passed"}
        return VariantRun(variant.name, seed, failed), results

    def try_gates(self, variant: Variant, number: int) -> dict[str, tuple[CheckResult, int]]:
        """Every gate with one run of its training, that of the seed `number`; and how many it may have."""
        found: dict[str, tuple[CheckResult, int]] = {}
        with single_runs(number) as tries:

            def keep(result: CheckResult) -> None:
                found[result.id] = result, tries.pop() if tries else 1

            self._run(self._with_variant(variant), number, self.gates, keep)
        return found

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

    def names_asked(self, gates: bool = False) -> dict[str, frozenset[str]]:
        """For each check, or each but the gates: the names of the notebook that it asks the solution for."""
        transport = _NamesAsked(_defined(self.notebook))
        asked: dict[str, frozenset[str]] = {}

        def keep(result: CheckResult) -> None:
            asked[result.id], transport.names = frozenset(transport.names), set()

        only = {check.id for check in self.checks} - (frozenset() if gates else self.gates)
        with single_runs():
            run_checks(self._checks_file, Student(transport), "names", _RAN, only=only, on_check=keep)
        return asked

    def _run(self, namespace: dict[str, Any], seed: int, only: Collection[str], on_check=None):
        student = Student(LocalTransport(namespace))
        return run_checks(
            self._checks_file, student, seed, _RAN, check_s=_CHECK_S, only=only, on_check=on_check
        )

    def _with_variant(self, variant: Variant) -> dict[str, Any]:
        namespace = _defined(self.notebook)
        exec(compile(variant.source, f"<{variant.name}>", "exec"), namespace)  # noqa: S102
        return namespace

    def _dependent(self, mutant: Mutant, own_question_only: bool, gates: bool) -> set[str]:
        """Checks that can tell."""
        if self.asked is None or (gates and not self.asked.keys() >= self.gates):
            self.asked = self.names_asked(gates)
        changed = {target.partition(".")[0] for target in mutant.bodies}
        users = changed | {name for name, names in self._needed.items() if names & changed}
        needing = {check for check, names in self.asked.items() if names & users}
        needing -= frozenset() if gates else self.gates
        if not own_question_only:
            return needing
        own = next((c.question for c in self.checks if self.asked.get(c.id, frozenset()) & changed), None)
        return {check.id for check in self.checks if check.id in needing and check.question == own}


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


def _require_known(
    known: set[str], left_out: Mapping[str, str], mutants: list[Mutant], mutants_file: Path
) -> None:
    if strangers := left_out.keys() - known:
        raise ConfigError(f"{mutants_file}: no check is called {min(strangers)} (LEFT_OUT)")
    for mutant in mutants:
        if strangers := mutant.expected - known:
            raise ConfigError(f"{mutants_file}: no check is called {min(strangers)} ({mutant.wrong})")


def _file(root: Path, folders: tuple[str, ...], assignment: str, what: str) -> Path:
    paths = [root / folder / f"{assignment}.py" for folder in folders]
    for path in paths:
        if path.is_file():
            return path
    places = " nor ".join(str(path.relative_to(root)) for path in paths)
    raise ConfigError(f"{assignment} has no {what}: there is neither {places} in {root}")
