"""What `autograder mutants` prints: what every check catches, what it costs, and what is wrong with it."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from autograder.checking.mutants import FalseAlarms, MutantReport

__all__ = ["print_false_alarms", "print_proof"]


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
    for check, seconds in sorted(report.seconds.items(), key=lambda item: -item[1]):
        costs.add_row(check.replace("_", " "), f"{seconds:.3f}")
    console.print(costs)
    for run in report.false_alarms:
        for check, message in run.failed.items():
            console.print(f"[red]false alarm[/red]: {run.name} fails {check}: {message}", markup=True)
    for run in report.caught_otherwise:
        missed, strays = ", ".join(run.missed) or "none", ", ".join(run.strays) or "none"
        console.print(
            f"[red]{run.verdict}[/red]: {run.mutant.wrong}: missed by {missed}, also failed {strays}"
        )
    if report.untested:
        console.print(f"no mutant is named for: {', '.join(report.untested)}")
    kills = sum(run.verdict == "caught" for run in report.mutants)
    console.print(
        f"{report.assignment}: {kills} of {len(report.mutants)} mutants caught by the checks named for them, "
        f"{len(report.survivors)} survived; {len(report.false_alarms)} of {len(report.variants)} right "
        f"solutions lost points; the release earns {report.stub_points:g}"
    )


def print_false_alarms(found: FalseAlarms, console: Console) -> None:
    _, high = found.bounds()
    console.print(
        f"{found.assignment}: {found.alarms} of {found.runs} right solutions lost points: "
        f"a rate of {found.rate:.4f}, with 95 % confidence at most {high:.4f}"
    )
    for check, count in sorted(found.by_check.items()):
        console.print(f"  {check}: {count}")
