"""Notebooks that misbehave cost the cell that did, and nothing else."""

import time

import nbformat
import pytest

from autograder.grading.execute import NotebookRun
from autograder.sandbox.limits import Limits

QUICK = Limits(cell_s=1.5, notebook_s=60)


@pytest.fixture
def run(bare_launcher):
    """Run cells; the run's kernel is closed after the test."""
    runs = []

    def run_cells(*sources, limits=QUICK, skip=()):
        nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
        runs.append(NotebookRun(nb, lambda: bare_launcher.launch(limits, seed=1), limits, frozenset(skip)))
        runs[-1].run()
        return runs[-1]

    yield run_cells
    for each in runs:
        each.drop_kernel()


def outcomes(done):
    return [fact.error for fact in done.facts()]


def text(done, index):
    return "".join(output.get("text", "") for output in done.nb.cells[index].outputs)


def test_outputs_are_kept_as_jupyter_has_them(run):
    done = run("print('a')\n1 + 1", "import sys; print('b', file=sys.stderr)", "")
    kinds = [[output.output_type for output in cell.outputs] for cell in done.nb.cells]
    assert kinds == [["stream", "execute_result"], ["stream"], []]
    assert done.facts()[0].stdout == "a\n"
    nbformat.validate(done.nb)


def test_figures_are_kept_as_pictures(run):
    """Shown, or left open at the end of a cell, as in any notebook."""
    plots = "plt.plot([1, 2])\nplt.show()", "plt.plot([2, 1]);"
    done = run("import matplotlib.pyplot as plt", *plots, limits=Limits())
    for cell in done.nb.cells[1:]:
        assert [output.output_type for output in cell.outputs if "data" in output] == ["display_data"]
        assert cell.outputs[-1].data["image/png"].startswith("iVBOR")


def test_a_failing_cell_costs_itself(run):
    done = run("a = 1", "1 / 0", "print(a)")
    assert outcomes(done) == [None, "ZeroDivisionError: division by zero", None]
    assert text(done, 2) == "1\n"


def test_skipped_cells_do_not_run(run):
    done = run("a = 1", "a = 2", "print(a)", skip=[1])
    assert text(done, 2) == "1\n"
    assert [fact.ran for fact in done.facts()] == [True, False, True]


def test_an_infinite_loop_is_interrupted_and_its_kernel_lives(run):
    done = run("a = 1", "while True: pass", "print(a)")
    assert outcomes(done)[1].startswith("stopped after")
    assert text(done, 2) == "1\n"
    assert done.relaunches == 1


def test_a_loop_that_ignores_interrupts_costs_its_kernel_and_earlier_cells_run_again(run):
    stubborn = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass"
    done = run("a = 1", stubborn, "print(a)")
    assert "could not be interrupted" in outcomes(done)[1]
    assert text(done, 2) == "1\n"


@pytest.mark.parametrize("leave", ["exit()", "quit()", "import sys; sys.exit(0)", "raise SystemExit"])
def test_leaving_ends_the_cell_alone(run, leave):
    done = run("a = 1", leave, "print(a)")
    assert outcomes(done)[1].startswith("SystemExit")
    assert text(done, 2) == "1\n"


def test_a_kernel_that_ends_itself_costs_the_cell(run):
    done = run("a = 1", "import os; os._exit(3)", "print(a)")
    assert outcomes(done)[1] == "the kernel ended itself (exit status 3)"
    assert text(done, 2) == "1\n"
    assert done.warnings == ["cell 2: the kernel ended itself (exit status 3)"]


def test_kernels_that_die_again_and_again_are_not_replaced_for_ever(run):
    done = run(*["import os; os._exit(0)"] * 5)
    assert outcomes(done)[-1].startswith("not run")


def test_output_is_cut_and_a_flood_stopped(run):
    done = run(
        "while True: print('x' * 1000)", "print('after')", limits=Limits(cell_s=30, output_bytes=50_000)
    )
    assert "prints more than" in outcomes(done)[0]
    assert 10_000 < len(text(done, 0)) < 200_000
    assert text(done, 1) == "after\n"


def test_a_message_that_is_too_large_is_not_taken_in(run):
    huge = "from IPython.display import display\ndisplay({'text/plain': 'x' * (40 << 20)}, raw=True)"
    done = run(huge, "print('after')", limits=Limits(cell_s=20))
    assert done.nb.cells[0].outputs == [] or "MiB" in outcomes(done)[0]
    assert text(done, 1) == "after\n"


def test_the_notebooks_time_is_limited(run):
    started = time.monotonic()
    done = run(*["import time; time.sleep(1)"] * 6, limits=Limits(cell_s=5, notebook_s=2.5))
    assert time.monotonic() - started < 6
    assert sum("not run" in (error or "") for error in outcomes(done)) >= 3


def test_what_a_kernel_forges_is_no_output(run):
    forge = """
from IPython import get_ipython
kernel = get_ipython().kernel
for content in ({"output_type": 5}, {"data": 7, "metadata": None}, {"data": {"text/plain": {"a": 1}}}, {}):
    kernel.session.send(kernel.iopub_socket, "display_data", content, parent=kernel.get_parent())
kernel.session.send(kernel.iopub_socket, "stream", {"name": "x", "text": None}, parent=kernel.get_parent())
"""
    done = run(forge, "print('after')")
    nbformat.validate(done.nb)
    assert text(done, 1) == "after\n"


def test_memory_beyond_the_limit_ends_the_kernel_and_says_so(run):
    limits = Limits(cell_s=20, memory_mb=600)
    done = run("a = 1", "b = [b'x' * (50 << 20) for _ in range(100)]", "print(a)", limits=limits)
    assert "memory" in outcomes(done)[1].lower()
    assert text(done, 2) == "1\n"
