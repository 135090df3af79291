"""What `autograder grade` prints at the end: marks, questions, and who could not be graded."""

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from autograder.report.numbers import number, percent, plural, seconds
from autograder.report.plain_text import check_name, one_line
from autograder.report.receipt import BatchResult, SubmissionResult
from autograder.report.summary import ClassSummary, QuestionSummary, summarize

__all__ = ["print_batch", "summary_line"]

MAX_ROWS = 60


def summary_line(batch: BatchResult) -> str:
    """`p01_attention: 28 submissions graded in 12 s (3 unchanged), 2 could not be graded`."""
    graded = len(batch.submissions) - len(batch.failures)
    unchanged = sum(result.cached for result in batch.submissions)
    line = f"{batch.assignment}: {plural(graded, 'submission')} graded in {seconds(batch.wall_seconds)}"
    line += f" ({unchanged} unchanged)" if unchanged else ""
    return line + (f", {len(batch.failures)} could not be graded" if batch.failures else "")


def print_batch(batch: BatchResult, console: Console | None = None) -> None:
    """Marks, questions, who could not be graded and why, and where to look next; to stdout."""
    console = console or Console(highlight=False)
    summary = summarize(batch.assignment, batch.submissions)
    if summary.graded:
        console.print(_marks(summary))
        console.print(_questions(summary))
    console.print(Text(summary_line(batch), style="bold"))
    if summary.graded:
        layers = ", ".join(batch.isolation)
        console.print(
            Text(f"isolation: {layers}")
            if layers
            else Text("isolation: NONE, the code ran unconfined", style="red")
        )
    if summary.failed:
        console.print(Text("\nCould not be graded; these have no mark:", style="bold red"))
        for result in summary.failed:
            console.print(Text(f"  {one_line(result.student, 60)}: {one_line(result.reason, 400)}"))
    if summary.manual_max:
        points = number(summary.manual_max)
        console.print(f"\n{points} points of each submission wait for a person: nbgrader formgrader")
    console.print(f"\nclass report: autograder report {batch.assignment}", markup=False)
    console.print(f"feedback:     nbgrader generate_feedback {batch.assignment}", markup=False)


def _table(title: str, **columns: int) -> Table:
    """A table without frames; `columns` are headings and widths, 0 for text that gives way to figures."""
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for name, width in columns.items():
        table.add_column(name.replace("_", " "), justify="right" if width else "left", width=width or None)
    return table


def _short(text: str) -> Text:
    return Text(text, no_wrap=True, overflow="ellipsis")


def _marks(summary: ClassSummary) -> Table:
    title = f"{summary.assignment}: marks"
    table = _table(title, student=0, score=11, _=8, lost_most_in=0, time=9)
    for result in summary.graded[:MAX_ROWS]:
        share = (result.score or 0.0) / result.max_score if result.max_score else 0.0
        table.add_row(
            _short(one_line(result.student, 40)),
            f"{number(result.score)} / {number(result.max_score)}",
            Text("━" * round(8 * share), style="green" if share >= 0.5 else "yellow", justify="left"),
            _short(_weakest(result)),
            "unchanged" if result.cached else seconds(result.seconds.total),
        )
    if (more := len(summary.graded) - MAX_ROWS) > 0:
        table.caption = f"and {more} more: marks.csv of the class report has all"
    return table


def _weakest(result: SubmissionResult) -> str:
    lost = {
        question.id: question.max_score - question.score
        for question in result.questions
        if question.score is not None
    }
    worst = max(lost, key=lambda name: lost[name], default="")
    return f"{worst} ({number(lost[worst])})" if worst and lost[worst] > 0 else ""


def _questions(summary: ClassSummary) -> Table:
    table = _table("questions", question=0, mean=11, full_marks=10, most_often_failed=0)
    for question in summary.questions:
        if question.manual:
            table.add_row(_short(question.id), f"by hand / {number(question.max_score)}", "", "", style="dim")
            continue
        table.add_row(
            _short(question.id),
            f"{number(question.mean)} / {number(question.max_score)}",
            percent(question.full_marks, len(question.scores)),
            _short(_most_failed(question)),
        )
    return table


def _most_failed(question: QuestionSummary) -> str:
    worst = min(question.checks, key=lambda check: check.pass_rate, default=None)
    if worst is None or worst.pass_rate == 1:
        return ""
    return f"{check_name(worst.id)} ({worst.total - worst.passed})"
