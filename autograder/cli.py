"""The command line: parse, call one function, print. Results to stdout, progress and logs to stderr.

Exit status 0: every submission has a mark; 1: some could not be graded, or a build is stale; 2: wrong
usage or configuration.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import click

from autograder.errors import AutograderError, BuildStale, ConfigError

ISOLATIONS = ("auto", "namespaces", "landlock", "none")


class _Commands(click.Group):
    """Our errors become one line on stderr and exit status 2; anything else is a bug and shows itself."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BuildStale as error:
            click.secho(f"autograder: {error}", err=True, fg="red")
            sys.exit(1)
        except AutograderError as error:
            click.secho(f"autograder: {error}", err=True, fg="red")
            sys.exit(2)


course_option = click.option(
    "--course",
    "root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=".",
    help="The course's root folder (default: this one).",
)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="autograder")
def main() -> None:
    """Build, release and grade notebook assignments; marks come from outside the student's process."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@main.command()
@click.argument("assignments", nargs=-1)
@click.option("--check", is_flag=True, help="Write nothing; fail if what is built is not up to date.")
@course_option
def build(assignments: tuple[str, ...], check: bool, root: Path) -> None:
    """Make source and release notebooks from authored texts and the reference's own code."""
    from autograder.build import build as build_assignments

    for built in build_assignments(root, list(assignments) or None, check=check):
        state = f"{len(built.changed)} files written" if built.changed else "up to date"
        size = f"{built.questions} questions, {built.points:g} points" if built.questions else "no questions"
        click.echo(f"{built.name}: {size}, {state}")


executor_option = click.option(
    "--executor",
    metavar="URL",
    help="Grade on the workers of a Dask scheduler, tcp://host:8786 or tls://host:8786.",
)


@main.command()
@click.argument("assignment")
@click.option(
    "--submitted", type=click.Path(file_okay=False, path_type=Path), help="Folder of the submissions."
)
@click.option("--student", "students", multiple=True, help="Grade only this student (may be repeated).")
@click.option("--jobs", type=click.IntRange(1), help="Submissions graded at once (default: one a core).")
@click.option("--isolation", type=click.Choice(ISOLATIONS), help="How kernels are confined (default: auto).")
@executor_option
@click.option("--force", is_flag=True, help="Grade again what has not changed.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@course_option
def grade(
    assignment: str,
    submitted: Path | None,
    students: tuple[str, ...],
    jobs: int | None,
    isolation: str | None,
    executor: str | None,
    force: bool,
    as_json: bool,
    root: Path,
) -> None:
    """Grade a class: sandboxed kernels, marks into the gradebook, a receipt for each submission."""
    from autograder.grading.ahead import start_ahead

    launcher = None if executor else start_ahead(root, assignment, isolation)
    from autograder.grading.batch import grade_batch
    from autograder.grading.course import Course
    from autograder.report import terminal
    from autograder.report.progress import progress as show_progress

    course = Course(root)
    with (
        contextlib.closing(launcher or contextlib.ExitStack()),
        show_progress(as_json=as_json) as progress,
    ):
        batch = grade_batch(
            course,
            assignment,
            students=students,
            submitted=submitted,
            jobs=jobs,
            isolation=isolation,
            executor=executor,
            force=force,
            launcher=launcher,
            on_start=progress.start,
            on_result=progress.done,
            tell=progress.tell,
        )
    if as_json:
        click.echo(json.dumps(batch.to_json(), allow_nan=False))
    else:
        terminal.print_batch(batch)
    sys.exit(batch.exit_status)


@main.command()
@click.argument("assignment")
@click.option("--apply", is_flag=True, help="Write the new marks; otherwise they are only shown.")
@click.option("--student", "students", multiple=True, help="Only this student (may be repeated).")
@click.option("--jobs", type=click.IntRange(1), help="Submissions graded at once (default: one a core).")
@click.option("--isolation", type=click.Choice(ISOLATIONS), help="How kernels are confined (default: auto).")
@executor_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@course_option
def regrade(
    assignment: str,
    apply: bool,
    students: tuple[str, ...],
    jobs: int | None,
    isolation: str | None,
    executor: str | None,
    as_json: bool,
    root: Path,
) -> None:
    """Show whose mark would move after a change of checks, from what to what and by which check."""
    from autograder.grading.course import Course
    from autograder.grading.regrade import regrade as regrade_class
    from autograder.report.moves import print_moves
    from autograder.report.progress import progress as show_progress

    with show_progress(as_json=as_json) as progress:
        found = regrade_class(
            Course(root),
            assignment,
            apply=apply,
            students=students,
            jobs=jobs,
            isolation=isolation,
            executor=executor,
            on_start=progress.start,
            on_result=progress.done,
            tell=progress.tell,
        )
    if as_json:
        click.echo(json.dumps(found.to_json(), allow_nan=False))
    else:
        print_moves(found)
    sys.exit(1 if found.failures else 0)


@main.command()
@click.argument("assignment")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Where to write (default: reports/)."
)
@course_option
def report(assignment: str, out: Path | None, root: Path) -> None:
    """Write the class report (HTML) and the marks (CSV) of an assignment."""
    from autograder.grading.course import Course
    from autograder.report.class_report import write_class_report

    click.echo(write_class_report(Course(root), assignment, out))


@main.command()
@click.argument("assignment")
@click.option(
    "--students",
    type=click.IntRange(1),
    multiple=True,
    default=(50, 500, 5_000, 50_000),
    show_default=True,
    help="Size of the course (may be repeated).",
)
@click.option("--within", default=300.0, show_default=True, help="Seconds from a submission to its feedback.")
@click.option("--share", default=0.99, show_default=True, help="Of the submissions, that get it in time.")
@click.option(
    "--last-hour",
    default=0.25,
    show_default=True,
    help="Share that comes in the last hour of a week.",
)
@click.option(
    "--failures", default=0.005, show_default=True, help="Share of gradings in which the worker dies."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@course_option
def plan(
    assignment: str,
    students: tuple[int, ...],
    within: float,
    share: float,
    last_hour: float,
    failures: float,
    as_json: bool,
    root: Path,
) -> None:
    """Say how many workers (and GPUs) feedback in time needs, from the receipts of an assignment."""
    from autograder.grading.course import Course
    from autograder.planning.advice import Wish, advise, service_times
    from autograder.planning.plan_table import print_plan
    from autograder.planning.simulation import Failures
    from autograder.report.class_report import read_receipts

    course = Course(root)
    course.notebook_name(assignment)
    measured = service_times(read_receipts(course.reports_folder(assignment), assignment))
    try:
        wish = Wish(within_s=within, share=share, last_hour=last_hour, failures=Failures(rate=failures))
        advices = [advise(count, measured, wish) for count in students]
    except ValueError as error:
        raise ConfigError(str(error)) from error
    gpu = course.settings(assignment).gpu
    if as_json:
        found = {"assignment": assignment, "gpu": gpu, "measured": len(measured)}
        click.echo(json.dumps(found | {"advice": [advice.to_json() for advice in advices]}))
    else:
        print_plan(assignment, advices, wish, measured, gpu=gpu)


@main.command()
@click.argument("assignments", nargs=-1)
@click.option("--seeds", type=click.IntRange(1), help="Run the right solutions alone, with so many seeds.")
@click.option("--gates", is_flag=True, help="All training gates for all mistakes; with --seeds, gates alone.")
@click.option("--jobs", type=click.IntRange(1), help="Runs at once (default: one a core).")
@course_option
def mutants(
    assignments: tuple[str, ...], seeds: int | None, gates: bool, jobs: int | None, root: Path
) -> None:
    """Prove the checks: every listed mistake is caught by its check, every right variant passes.

    Training gates run for right solutions, and for mistakes that no other check is named for; --gates runs
    them for all mistakes that they depend on. With --seeds the rate at which right solutions lose points is
    printed with its confidence bound: by checks without training, or by the gates (--gates).
    """
    from rich.console import Console

    from autograder.checking.proving import false_alarms, prove
    from autograder.report.proof_table import print_false_alarms, print_proof, print_proofs, proof_progress

    console, names = Console(width=None if sys.stdout.isatty() else 160), assignments or _with_mutants(root)
    jobs = jobs or len(os.sched_getaffinity(0))
    with proof_progress() as told:
        if seeds:
            found = []
            for name in names:
                found.append(false_alarms(root, name, range(seeds), jobs, gates, told))
                print_false_alarms(found[-1], console)
            sys.exit(1 if any(each.alarms for each in found) else 0)
        reports = []
        for report in prove(root, names, jobs, all_gates=gates, on_run=told):
            print_proof(report, console)
            reports.append(report)
    print_proofs(reports, console)
    sys.exit(0 if all(report.sound for report in reports) else 1)


def _with_mutants(root: Path) -> tuple[str, ...]:
    names = {path.stem for place in ("tests/mutants", "mutants") for path in (root / place).glob("[!_]*.py")}
    if not names:
        raise ConfigError(
            f"{root}: neither tests/mutants/ nor mutants/ names a mutant. Run in the course's root."
        )
    return tuple(sorted(names))


@main.command()
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default="demo",
    help="Folder of the demo course.",
)
@course_option
def demo(out: Path, root: Path) -> None:
    """Show the whole loop: build, release, a class of samples, grading, feedback, class report."""
    from autograder.demo.run import run_demo

    run_demo(root.absolute(), out.absolute(), click.echo)


FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


def _with_courses(command: Callable[..., None]) -> Callable[..., None]:
    command = click.option(
        "--courses", "parents", multiple=True, type=FOLDER, help="A folder whose subfolders are courses."
    )(command)
    return click.option("--course", "roots", multiple=True, type=FOLDER, help="A course's root folder.")(
        command
    )


@main.command()
@_with_courses
def serve(roots: tuple[Path, ...], parents: tuple[Path, ...]) -> None:
    """The submission service, which JupyterHub starts: takes submissions in, and shows reports."""
    from autograder.service.__main__ import serve as serve_courses

    serve_courses(roots, parents)


@main.command()
@_with_courses
@click.option("--jobs", type=click.IntRange(1), default=1, help="Submissions graded at once (default: 1).")
@click.option("--once", is_flag=True, help="End when there is nothing to do.")
def work(roots: tuple[Path, ...], parents: tuple[Path, ...], jobs: int, once: bool) -> None:
    """The submission service's worker: grades what came in, and writes the gradebook."""
    from autograder.service.courses import Courses
    from autograder.service.worker.__main__ import work as work_for

    work_for(Courses(roots, parents), jobs, once)


@main.command()
@_with_courses
def audit(roots: tuple[Path, ...], parents: tuple[Path, ...]) -> None:
    """Prove that the submission service still has all that it gave receipts for, unchanged."""
    from autograder.service.audit import audit as audit_stores
    from autograder.service.courses import Courses
    from autograder.service.stores import open_stores

    found = audit_stores(open_stores(Courses(roots, parents).first_root, os.environ))
    for course, count in found.receipts.items():
        click.echo(f"{course}: {count} receipts")
    for problem in found.problems:
        click.secho(problem, fg="red")
    sys.exit(1 if found.problems else 0)


@main.command()
def doctor() -> None:
    """Say what this machine can isolate, and what to do about what it cannot."""
    from autograder.sandbox.doctor import diagnose

    findings = diagnose()
    for finding in findings:
        mark = click.style("ok  ", fg="green") if finding.ok else click.style("no  ", fg="red")
        click.echo(
            f"{mark} {finding.name}: {finding.detail}" + ("" if finding.ok else f"\n     {finding.advice}")
        )
    sys.exit(0 if findings[0].ok else 1)  # the first is whether anything can be graded here


if __name__ == "__main__":
    main()
