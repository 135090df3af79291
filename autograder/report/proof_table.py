"""What `autograder mutants` prints: what every check catches, what it costs, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress
from rich.table import Table

from autograder.checking.mutants import FalseAlarms, MutantReport, MutantRun, VariantRun
from autograder.report.numbers import number, plural, seconds

__all__ = ["print_false_alarms", "print_proof", "print_proofs", "proof_progress"]


@contextmanager
def proof_progress() -> Iterator[Callable[[MutantRun | VariantRun, int, int], None]]:
    """On stderr, how many runs have ended of all: a bar on a terminal, a line for every fifty elsewhere."""
    console = Console(stderr=True)

    def lines(_run: MutantRun | VariantRun, done: int, total: int) -> None:
        if done % 50 == 0 or done == total:
            console.print(f"{done} of {total} runs", highlight=False)

    if not console.is_terminal:
        yield lines
        return
    columns = TextColumn("proving"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with RichProgress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("proving", total=None)
        yield lambda _run, done, total: bar.update(task, completed=done, total=total)


def print_proof(report: MutantReport, console: Console) -> None:
    table = Table(box=SIMPLE_HEAD, title=f"{report.assignment}: mutants", title_justify="left")
    for name in ("target", "what is wrong", "caught by", "points lost", ""):
        table.add_column(name, justify="right" if name == "points lost" else "left")
    for run in report.mutants:
        style = "green" if run.verdict == "caught" else "red"
        caught = ", ".join(name.replace("_", " ") for name in run.failed) or "nothing"
        table.add_row(run.mutant.target, run.mutant.wrong, caught, f"{run.lost:g}", f"[{style}]{run.verdict}")
    console.print(table)
    costs = Table(box=SIMPLE_HEAD, title="seconds of each check, on right solutions", title_justify="left")
    costs.add_column("check")
    costs.add_column("seconds", justify="right")
    for check, mean in sorted(report.seconds.items(), key=lambda item: -item[1]):
        costs.add_row(check.replace("_", " "), f"{mean:.3f}")
    console.print(costs)
    for run in report.false_alarms:
        for check, message in run.failed.items():
            console.print(f"[red]false alarm[/red]: {escape(f'{run.name} fails {check}: {message}')}")
    for run in report.caught_otherwise:
        missed, strays = ", ".join(run.missed) or "none", ", ".join(run.strays) or "none"
        telling = "".join(f", {name} says {run.failed[name]!r}" for name in run.telling)
        told = f"{run.mutant.target}, {run.mutant.wrong}: missed by {missed}, also failed {strays}{telling}"
        console.print(f"[red]{run.verdict}[/red]: {escape(told)}")
    for check, reason in report.left_out.items():
        console.print(f"left out: {check.replace('_', ' ')}: {reason}")
    if report.untested:
        console.print(f"no mutant is named for: {', '.join(report.untested)}")
    if unrun := sum(bool(run.unrun) for run in report.mutants):
        console.print(
            f"{plural(unrun, 'mutant')} would lose points in a training gate too, which --gates runs"
        )
    console.print(f"{report.assignment}: {_summary([report])}; {seconds(report.wall_s)}")


def print_proofs(reports: Sequence[MutantReport], console: Console) -> None:
    """All assignments in a table, and in a line."""
    table = Table(box=SIMPLE_HEAD, title="all assignments", title_justify="left")
    table.add_column("assignment")
    for name in ("mutants", "caught", "otherwise", "survived", "right solutions", "false alarms"):
        table.add_column(name, justify="right")
    table.add_column("checks, seconds", justify="right")
    for report in sorted(reports, key=lambda report: report.assignment):
        counts = len(report.mutants), report.kills, len(report.caught_otherwise), len(report.survivors)
        rest = len(report.variants), len(report.false_alarms)
        table.add_row(report.assignment, *map(str, (*counts, *rest)), f"{sum(report.seconds.values()):.1f}")
    console.print(table)
    console.print(f"{_summary(reports)}; {seconds(max(report.wall_s for report in reports))}")


def _summary(reports: Sequence[MutantReport]) -> str:
    kills = sum(report.kills for report in reports)
    mutants = sum(len(report.mutants) for report in reports)
    survivors = sum(len(report.survivors) for report in reports)
    alarms = sum(len(report.false_alarms) for report in reports)
    variants = sum(len(report.variants) for report in reports)
    stub_points = sum(report.stub_points for report in reports)
    return (
        f"{kills} of {mutants} mutants caught by the checks named for them, {survivors} survived; "
        f"{alarms} of {variants} right solutions lost points; the release earns {number(stub_points)}"
    )


def print_false_alarms(found: FalseAlarms, console: Console) -> None:
    took = seconds(found.wall_s)
    if not found.gates:
        _, high = found.bounds()
        console.print(
            f"{found.assignment}: {found.alarms} of {found.runs} right solutions lost points in checks that "
            f"do not train: a rate of {found.rate:.4f}, with 95 % confidence at most {high:.4f}; {took}"
        )
        for check, count in sorted(found.by_check.items()):
            console.print(f"  {check}: {count}")
        return
    console.print(f"{found.assignment}: {plural(found.runs, 'run')} of each gate, on right solutions; {took}")
    for gate in found.gates:
        rule = f"after {plural(gate.tries, 'miss', 'misses')} out of {gate.tries}"
        console.print(
            f"  {gate.check}: {gate.missed} missed; it fails {rule}, "
            f"with 95 % confidence at a rate of at most {gate.false_failure_rate:.2g}"
        )
