"""What of an earlier grading stands after a change of checks.

Sound, and done:

* A check whose own text, helpers, constants, fixtures and reference modules are what they were, on the same
  submission, seed, environment, released files, limits and settings, keeps its result. It is the statement of
  the grader about values that it received, and nothing that led to it has changed.
* If no check is to be run, no kernel is started: the marked notebook gets its new table, and points may have
  moved. The notebook must be, byte for byte, what the grader wrote.
* If some are, the cells run again, since a check needs a live kernel; then those checks alone are run. What
  checks say about the cells themselves is asked again too, for it has to fit the run that is kept.

Not sound, and so not done:

* To keep the kernel, or its memory, between two gradings: that would be an answer which the student's code
can
  prepare. Outputs of an earlier run are never shown to a check in place of a run.
* To keep what was no verdict (an error, no answer in time) or hung on other questions ("counts once another
  question has earned points").
* To keep anything after a change of what the notebook finds beside it. Public checks are among that: changing
  one means running all.

Assumed, as everywhere: a check does not depend on which checks ran before it. A kernel that dies is replaced
between two checks anyway. `autograder grade --force` runs everything.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path

import nbformat

from autograder.checking.catalogue import CheckInfo
from autograder.checking.result import CheckResult
from autograder.grading import marking
from autograder.grading.checked import settle_conditional
from autograder.grading.config import FeedbackPolicy
from autograder.grading.dependencies import CheckTexts, depends_on
from autograder.grading.notebook import TrustedCells
from autograder.grading.submission import GradedSubmission, read_folder, total_points
from autograder.report.receipt import SubmissionResult

__all__ = ["remark", "standing_results"]


def standing_results(
    receipt: SubmissionResult, catalogue: Sequence[CheckInfo], texts: CheckTexts
) -> tuple[CheckResult, ...]:
    """The results of a receipt that stand, at the points that their checks have now.

    If they are not all, those about the executed cells are left out: the cells will run again.

    Args:
        receipt: of a run with the same submission, seed, environment and `run_sha256`.
    """
    before = {check.id: check for question in receipt.questions for check in question.checks}
    standing = []
    for info in catalogue:
        result = before.get(info.id)
        if (
            result is not None
            and result.outcome in ("passed", "failed")
            and not info.only_with_other_points
            and receipt.check_sha256.get(info.id) == depends_on(texts, info.id, result.outcome)
        ):
            standing.append(
                dataclasses.replace(result, question=info.question, points=info.points, public=info.public)
            )
    if len(standing) < len(catalogue):
        standing = [result for result in standing if result.id not in texts.of_cells]
    return tuple(standing)


def remark(
    receipt: SubmissionResult,
    folder: Path,
    notebook: str,
    trusted: TrustedCells,
    catalogue: list[CheckInfo],
    results: Sequence[CheckResult],
    feedback: FeedbackPolicy,
) -> GradedSubmission | None:
    """The submission with other points or fewer checks, without running anything; None if that cannot be
    done.

    Args:
        folder: in `autograded/`, as it was left. notebook: its file name there.
        results: of all checks.
    """
    files = read_folder(folder) if folder.is_dir() else {}
    written = files.pop(notebook, b"")
    if not written or hashlib.sha256(written).hexdigest() != receipt.marked_sha256:
        return None
    nb = nbformat.reads(written.decode(), as_version=4)
    questions = marking.remarked(trusted, receipt.questions, settle_conditional(catalogue, list(results)))
    if questions is None:
        return None
    score, max_score, manual_max = total_points(questions)
    result = dataclasses.replace(
        receipt,
        questions=tuple(questions),
        score=score,
        max_score=max_score,
        manual_max=manual_max,
        kept=tuple(check.id for check in results),
    )
    return GradedSubmission(result, marking.mark_again(nb, questions, feedback=feedback), files)
