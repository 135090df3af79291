"""The final project's own cells, without training: with nothing written, and with everything but a saved model."""

import re
import sys
from pathlib import Path

import pytest
from test_handouts import code_cells, run  # noqa: F401  a fixture

from autograder.build.authored import read_assignment
from autograder.checking.catalogue import check_catalogue

ROOT = Path(__file__).parents[2]
TEXT = ROOT / "source/final_phrasebank.py"

pytestmark = pytest.mark.filterwarnings("ignore:FigureCanvasAgg is non-interactive:UserWarning")


@pytest.fixture
def cells(monkeypatch, tmp_path, run):  # noqa: F811
    """Runs the handout as the grader does: the cell that turns training on is left out."""
    monkeypatch.syspath_prepend(str(ROOT / "source/final_phrasebank"))
    monkeypatch.chdir(tmp_path)

    def run_cells(**written):
        sources = [source for source in code_cells("final_phrasebank", **written) if source != "TRAIN = True"]
        return run(sources)

    yield run_cells
    for name in ("phrasebank_data", "saved_classifier"):
        sys.modules.pop(name, None)


def test_with_nothing_written_it_runs_to_the_end(cells):
    printed, figures = cells(written=False)
    assert figures == 0
    assert printed.endswith("Done\n")


def test_written_but_not_trained_it_runs_to_the_end(cells):
    printed, figures = cells()
    assert figures == 1
    assert printed.count("a model that is trained and saved") == 2
    assert printed.endswith("Done\n")


def test_the_table_of_points_is_that_of_the_questions():
    text = TEXT.read_text(encoding="utf-8")
    rows = re.findall(r"^# \| *(\d*) *\|[^|]*\| ([\d +]+) \|$", text, re.MULTILINE)
    table = {part: sum(map(float, points.split("+"))) for part, points in rows}
    points = {
        cell.id: cell.points for cell in read_assignment(TEXT, TEXT.name).cells if cell.role == "written"
    }
    for check in check_catalogue(ROOT / "autograder/checks/final_phrasebank.py"):
        points[check.question] = points.get(check.question, 0) + check.points
    written = ("flavours", "imbalance", "error_analysis", "other_models", "learning_curve", "in_context")
    parts = {
        "1": ("sentence_split",),
        "2": ("stage_a",),
        "3": ("stage_b",),
        "4": ("predict",),
        "5": ("hidden_accuracy", "discussion"),
        "6": ("example_datasets",),
        "7": ("pooled_head", "written_head"),
        "8": ("lora",),
        "9": written,
        "": ("submission_contract",),
    }
    assert table == {part: sum(points[question] for question in parts[part]) for part in parts}
    assert sum(points.values()) == 200
