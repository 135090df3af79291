"""Checks are tested too: wrong solutions that named checks must catch, right ones that must pass them all.

    MUTANTS = [
        Mutant("create_look_ahead_mask", wrong="strict lower triangle",
               body="return ops.tril(ops.ones((length, length)), -1) > 0",
               caught_by="test_each_position_sees_itself"),
    ]
    VARIANTS = [Variant("compares positions", "def create_look_ahead_mask(length): ...")]

stand in `tests/mutants/<assignment>.py` of this project, `mutants/<assignment>.py` of any other course.
Checks that cannot be proved there are listed beside them, each with the reason:

    LEFT_OUT = {"the_saved_model_labels_sentences": "there is no saved model"}
"""

import re
from dataclasses import dataclass, field

from autograder.checking.intervals import clopper_pearson, false_failure_rate

__all__ = ["FalseAlarms", "GateTrials", "Mutant", "MutantReport", "MutantRun", "Variant", "VariantRun"]


@dataclass(frozen=True)
class Mutant:
    """The solution with one mistake.

    Args:
        target: `function`, `Class.method`, or `Class` for all that stands in it.
        wrong: what is wrong, in a line.
        body: the statements that take the place of the target's.
        caught_by: every check that must fail, no others; with or without `test_`.
        also: bodies of other targets, where the mistake takes several.
        later_by_chance: True where chance decides which checks of later questions fail too, as with dropout
            that never ends: those are not run.
    """

    target: str
    wrong: str
    body: str
    caught_by: str | tuple[str, ...]
    also: dict[str, str] = field(default_factory=dict)
    later_by_chance: bool = False

    @property
    def expected(self) -> frozenset[str]:
        names = (self.caught_by,) if isinstance(self.caught_by, str) else self.caught_by
        return frozenset(name.removeprefix("test_") for name in names)

    @property
    def bodies(self) -> dict[str, str]:
        return {self.target: self.body, **self.also}


@dataclass(frozen=True)
class Variant:
    """Another right solution: `source` is run after the notebook and defines some of its names anew."""

    name: str
    source: str


# What a message may show: how far the student's own value is off, what training was measured to reach, and
# what the student's own exception says.
_SHOWN = re.compile(r"\((?:max\. difference|measured).*?\)|your code raised .*", re.DOTALL)
_NUMBER = re.compile(r"\d\.\d")


@dataclass(frozen=True)
class MutantRun:
    """What one mutant did at one seed.

    Args:
        expected: the checks among those that were run that must fail.
        failed: those that did, in their order, with their messages.
        broken: those of them that broke down instead of failing: defects of the checks.
        lost: the points of what failed.
        unrun: checks that the mutant names and that were not run: they train, and others notice it.
        run: how many checks were.
    """

    mutant: Mutant
    seed: int
    expected: frozenset[str]
    failed: dict[str, str]
    broken: tuple[str, ...]
    lost: float
    unrun: tuple[str, ...] = ()
    run: int = 0

    @property
    def missed(self) -> tuple[str, ...]:
        """Checks that should have failed."""
        return tuple(sorted(self.expected - set(self.failed)))

    @property
    def strays(self) -> tuple[str, ...]:
        """Checks that should have passed."""
        return tuple(name for name in self.failed if name not in self.expected)

    @property
    def telling(self) -> tuple[str, ...]:
        """Checks whose message shows a number that they compare with."""
        return tuple(name for name, message in self.failed.items() if _NUMBER.search(_SHOWN.sub("", message)))

    @property
    def verdict(self) -> str:
        if not self.failed:
            return "survived"
        if self.broken:
            return "broke a check"
        if self.missed or self.strays:
            return "caught otherwise"
        return "tells a number" if self.telling else "caught"


@dataclass(frozen=True)
class VariantRun:
    """What one right solution did at one seed. `failed` are messages by check."""

    name: str
    seed: int
    failed: dict[str, str]


@dataclass(frozen=True)
class MutantReport:
    """The proof of an assignment's checks.

    Args:
        seconds: the mean of each check on right solutions.
        stub_points: what the release earns as it is; must be 0.
        untested: checks that no mutant names.
        left_out: checks that were not proved, with the reasons.
        wall_s: how long it all took, beside other assignments.
    """

    assignment: str
    mutants: tuple[MutantRun, ...]
    variants: tuple[VariantRun, ...]
    seconds: dict[str, float]
    stub_points: float
    untested: tuple[str, ...]
    left_out: dict[str, str] = field(default_factory=dict)
    wall_s: float = 0.0

    @property
    def kills(self) -> int:
        """Mutants that were caught by the checks named for them, and by no others."""
        return sum(run.verdict == "caught" for run in self.mutants)

    @property
    def survivors(self) -> tuple[MutantRun, ...]:
        return tuple(run for run in self.mutants if run.verdict == "survived")

    @property
    def caught_otherwise(self) -> tuple[MutantRun, ...]:
        """Not by the checks that were named, or by others as well."""
        return tuple(run for run in self.mutants if run.verdict not in ("survived", "caught"))

    @property
    def false_alarms(self) -> tuple[VariantRun, ...]:
        return tuple(run for run in self.variants if run.failed)

    @property
    def sound(self) -> bool:
        return not (self.survivors or self.caught_otherwise or self.false_alarms or self.stub_points)


@dataclass(frozen=True)
class GateTrials:
    """Single trainings of right solutions, each with a seed of its own.

    Args:
        missed: how many runs were outside of the gate's bands.
        tries: how many seeds the gate tries at grading, before it fails.
    """

    check: str
    runs: int
    missed: int
    tries: int

    @property
    def false_failure_rate(self) -> float:
        """Upper bound, with 95 % confidence, for the probability that a right solution fails the gate."""
        return false_failure_rate(self.runs - self.missed, self.runs, self.tries)


@dataclass(frozen=True)
class FalseAlarms:
    """How often right solutions lost points.

    Args:
        runs: right solutions graded, each with inputs of its own; alarms: those that lost points in a check
            that is no gate.
        by_check: the number of alarms of each check that gave any.
        gates: trials of the training gates, where they were asked for.
    """

    assignment: str
    runs: int
    alarms: int
    by_check: dict[str, int]
    gates: tuple[GateTrials, ...] = ()
    wall_s: float = 0.0

    @property
    def rate(self) -> float:
        return self.alarms / self.runs

    def bounds(self, confidence: float = 0.95) -> tuple[float, float]:
        return clopper_pearson(self.alarms, self.runs, confidence)
