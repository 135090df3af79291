"""Checks are tested too: wrong solutions that named checks must catch, right ones that must pass them all.

    MUTANTS = [
        Mutant("create_look_ahead_mask", wrong="strict lower triangle",
               body="return ops.tril(ops.ones((length, length)), -1) > 0",
               caught_by="test_each_position_sees_itself"),
    ]
    VARIANTS = [Variant("compares positions", "def create_look_ahead_mask(length): ...")]

stand in `tests/mutants/<assignment>.py` of this project, `mutants/<assignment>.py` of any other course.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

__all__ = [
    "FalseAlarms",
    "Mutant",
    "MutantReport",
    "MutantRun",
    "Variant",
    "VariantRun",
    "false_alarms",
    "mutant_table",
]


@dataclass(frozen=True)
class Mutant:
    """The solution with one mistake.

    Args:
        target: `function`, `Class.method`, or `Class` for all that stands in it.
        wrong: what is wrong, in a line.
        body: the statements that take the place of the target's.
        caught_by: every check that must fail, no others; with or without `test_`.
        also: bodies of other targets, where the mistake takes several.
    """

    target: str
    wrong: str
    body: str
    caught_by: str | tuple[str, ...]
    also: dict[str, str] = field(default_factory=dict)

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


@dataclass(frozen=True)
class MutantRun:
    """What one mutant did at one seed.

    Args:
        expected: the checks among those that were run that must fail.
        failed: those that did, in their order, with their messages.
        broken: those of them that broke down instead of failing: defects of the checks.
        lost: the points of what failed.
    """

    mutant: Mutant
    seed: int
    expected: frozenset[str]
    failed: dict[str, str]
    broken: tuple[str, ...]
    lost: float

    @property
    def missed(self) -> tuple[str, ...]:
        """Checks that should have failed."""
        return tuple(sorted(self.expected - set(self.failed)))

    @property
    def strays(self) -> tuple[str, ...]:
        """Checks that should have passed."""
        return tuple(name for name in self.failed if name not in self.expected)

    @property
    def verdict(self) -> str:
        if not self.failed:
            return "survived"
        if self.broken:
            return "broke a check"
        return "caught otherwise" if self.missed or self.strays else "caught"


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
    """

    assignment: str
    mutants: tuple[MutantRun, ...]
    variants: tuple[VariantRun, ...]
    seconds: dict[str, float]
    stub_points: float
    untested: tuple[str, ...]

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
class FalseAlarms:
    """How often right solutions lost points.

    Args:
        runs: right solutions graded, each with inputs of its own; alarms: those that lost points.
        by_check: the number of alarms of each check that gave any.
    """

    assignment: str
    runs: int
    alarms: int
    by_check: dict[str, int]

    @property
    def rate(self) -> float:
        return self.alarms / self.runs

    def bounds(self, confidence: float = 0.95) -> tuple[float, float]:
        """Clopper and Pearson's interval of the rate, by bisection."""
        tail = (1 - confidence) / 2
        n, k = self.runs, self.alarms
        low = 0.0 if k == 0 else _root(lambda p: 1 - _at_most(k - 1, n, p) - tail)
        high = 1.0 if k == n else _root(lambda p: tail - _at_most(k, n, p))
        return low, high


def mutant_table(
    course_root: Path | str,
    assignment: str,
    seeds: Iterable[int] = (0,),
    on_run: Callable[[MutantRun | VariantRun], None] | None = None,
) -> MutantReport:
    """Run every mutant and every variant of an assignment at every seed.

    Args:
        on_run: called with each run as it ends: all together take minutes.
    Raises: ConfigError where there are no checks or no mutants.
    """
    from autograder.checking.proof import Proof

    proof, seeds, tell = Proof(course_root, assignment), list(seeds), on_run or (lambda run: None)
    mutants, variants = [], []
    times = dict.fromkeys((check.id for check in proof.checks), 0.0)
    for variant in proof.variants:
        for seed in seeds:
            run, results = proof.run_variant(variant, seed)
            variants.append(run)
            tell(run)
            for result in results:
                times[result.id] += result.seconds
    for mutant in proof.mutants:
        for seed in seeds:
            mutants.append(proof.run_mutant(mutant, seed))
            tell(mutants[-1])
    return MutantReport(
        assignment,
        tuple(mutants),
        tuple(variants),
        {check: seconds / max(len(variants), 1) for check, seconds in times.items()},
        max((proof.stub_points(seed) for seed in seeds[:1]), default=0.0),
        proof.untested(),
    )


def false_alarms(
    course_root: Path | str,
    assignment: str,
    seeds: Iterable[int] = range(50),
    on_run: Callable[[VariantRun], None] | None = None,
) -> FalseAlarms:
    """Run the variants alone, at many seeds.

    Args:
        on_run: called with each run as it ends.
    Raises: ConfigError where there are no checks or no mutants.
    """
    from autograder.checking.proof import Proof

    proof, runs = Proof(course_root, assignment), []
    for seed in seeds:
        for variant in proof.variants:
            runs.append(proof.run_variant(variant, seed)[0])
            if on_run is not None:
                on_run(runs[-1])
    by_check = Counter(check for run in runs for check in run.failed)
    return FalseAlarms(assignment, len(runs), sum(bool(run.failed) for run in runs), dict(by_check))


def _at_most(k: int, n: int, p: float) -> float:
    """P(X <= k) of a binomial X."""
    return sum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k + 1))


def _root(rising) -> float:
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if rising(middle) > 0 else (middle, high)
    return high
