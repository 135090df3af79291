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


SEND = """
from IPython import get_ipython
kernel = get_ipython().kernel
def send(kind, **content):
    kernel.session.send(kernel.iopub_socket, kind, content, parent=kernel.get_parent("shell"))
"""
ENDLESS = """
import os, socket, struct, threading, time
frame = bytes([3]) + struct.pack(">Q", 1 << 20) + bytes(1 << 20)  # of ZMTP: a long frame, more will follow
def flood(number):
    while True:
        view = memoryview(frame)
        while view:
            view = view[os.write(number, view):]
for number in range(3, 200):
    try:
        own = socket.socket(fileno=os.dup(number))
        listening, name = own.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN), own.getsockname()
        own.detach()
    except OSError:
        continue
    if not listening and "k-2" in str(name):
        os.set_blocking(number, True)
        threading.Thread(target=flood, args=(number,), daemon=True).start()
        break
time.sleep(20)
"""


def test_a_message_of_frames_without_end_is_not_taken_in(run):
    """ZeroMQ limits a frame and counts messages, but collects the frames of one without bound."""
    done = run(ENDLESS, "print('after')", limits=Limits(cell_s=20))
    assert outcomes(done)[0] == "stopped: it sent a message of more than 256 MiB"
    assert done.facts()[0].seconds < 15
    assert text(done, 1) == "after\n"


def test_a_cells_number_is_one(run):
    """Pages show it as it is."""
    done = run(
        SEND
        + "for count in ('<script>', -1, [1], None, 10**400):\n    send('execute_input', execution_count=count)"
    )
    assert type(done.nb.cells[0].execution_count) is int
    nbformat.validate(done.nb)


def test_a_display_is_updated_where_it_is(run):
    done = run("print('first')", "h = display('old', display_id=True)\nprint('second')", "h.update('new')")
    assert text(done, 0) == "first\n"
    assert [output.get("data", {}).get("text/plain") for output in done.nb.cells[1].outputs] == [
        "'new'",
        None,
    ]
    assert outcomes(done) == [None, None, None]


@pytest.mark.parametrize(
    "update", ["'a', data=5, metadata={}", "'b', data={}, metadata={}", "['a'], data={}, metadata={}"]
)
def test_an_update_that_makes_no_sense_is_not_kept(run, update):
    display_id, rest = update.split(",", 1)
    forged = f"send('update_display_data', transient={{'display_id': {display_id}}}, {rest})"
    done = run("display('old', display_id='a')", SEND + forged + "\nprint('after')")
    assert done.nb.cells[0].outputs[0].data["text/plain"] == "'old'"
    assert text(done, 1) == "after\n"


def test_what_all_cells_show_is_capped(run):
    done = run(*["print('x' * 999)"] * 100, limits=Limits(output_bytes=2000))
    kept = sum("x" in text(done, index) for index in range(100))
    assert 50 < kept < 100
    assert "output cut" in text(done, 99)
    assert not any(outcomes(done))


def test_cells_are_not_run_again_when_the_notebook_has_no_time_left(run):
    limits = Limits(cell_s=3, notebook_s=4)
    began = time.monotonic()
    done = run(*["import time; time.sleep(1)"] * 3, "import os; os._exit(1)", *["pass"] * 300, limits=limits)
    assert time.monotonic() - began < 15
    assert all(outcomes(done)[4:])
    began = time.monotonic()
    done.revive(60)  # for the checks: what has run runs again, what was never run does not
    assert time.monotonic() - began < 15
