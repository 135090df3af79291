"""The handouts' own cells: figures and examples run with the solutions, and with none of them written."""

import re
import sys
import types
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import pytest

from autograder.build.authored import read_assignment
from autograder.build.solution import find_solution
from autograder.checking.catalogue import check_catalogue

ROOT = Path(__file__).parents[2]
SOLUTION = re.compile(r"^( *)### BEGIN SOLUTION.*?### END SOLUTION$", re.DOTALL | re.MULTILINE)

PARTS = {
    "p01_attention": (
        ("hard_lookup", "soft_lookup"),
        ("scaled_dot_product_attention", "written_attention"),
        ("split_heads", "multi_head_attention"),
        ("self_attention_layers",),
        ("count_parameters",),
        ("submission_contract",),
    ),
    "p08_vae": (
        ("build_autoencoder", "autoencoder_losses", "denoising_and_anomalies"),
        ("reparameterize", "sampling_layer"),
        ("kl_divergence", "evidence_bound"),
        ("vae_networks", "vae", "written_vae"),
        ("conditional_vae",),
    ),
    "p10_gan": (
        ("gan_losses",),
        ("optimal_discriminator",),
        ("gan_train_step",),
        ("toy_gan", "written_gan"),
        ("dcgan",),
        ("wasserstein_1d", "wgan"),
        ("gradient_penalty",),
        ("toy_wgan",),
    ),
}

pytestmark = pytest.mark.filterwarnings("ignore:FigureCanvasAgg is non-interactive:UserWarning")


@pytest.fixture
def run(monkeypatch, capsys):
    """Runs a handout's code cells in one namespace, as a kernel does; gives what they printed and drew."""
    public_checks = types.ModuleType("public_checks")
    public_checks.check = print
    monkeypatch.setitem(sys.modules, "public_checks", public_checks)
    monkeypatch.chdir(ROOT / "source")

    def run_cells(sources):
        namespace = {"__name__": "__main__"}
        for source in sources:
            exec(source, namespace)
        for number in plt.get_fignums():
            plt.figure(number).canvas.draw()
        return capsys.readouterr().out, len(plt.get_fignums())

    matplotlib.use("agg")
    with plt.rc_context():
        yield run_cells
    plt.close("all")


def code_cells(name, written=True):
    """The cells' code, the questions' with the solutions in place or as the stubs that students get."""
    for cell in read_assignment(ROOT / "source" / f"{name}.py", f"source/{name}.py").cells:
        if cell.cell_type != "code":
            continue
        solutions = [find_solution(dotted, ROOT).marked for dotted, _ in cell.solutions]
        source = "\n".join([cell.source, *solutions])
        yield source if written else SOLUTION.sub(r"\1raise NotImplementedError", source)


def test_attention_with_every_question_solved(run):
    printed, figures = run(code_cells("p01_attention"))
    assert figures == 5
    assert "Nothing to see yet" not in printed
    assert "merged: [[0, 1, 2, 3, 4, 5], [10, 11, 12, 13, 14, 15]]" in printed
    assert printed.endswith("Done\n")


def test_attention_with_nothing_written_runs_to_the_end(run):
    printed, figures = run(code_cells("p01_attention", written=False))
    assert figures == 0
    assert printed.count("Nothing to see yet") == 7
    assert printed.endswith("Done\n")


GAN = (ROOT / "source" / "p10_gan.py").read_text(encoding="utf-8")


def test_gan_ships_the_ring_of_the_reference():
    given = (
        (ROOT / "reference_impl" / "ring.py")
        .read_text(encoding="utf-8")
        .partition("import tensorflow as tf\n")[2]
    )
    assert given.strip() in GAN


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_gan_with_every_question_solved(run):
    printed, figures = run(code_cells("p10_gan"))
    assert figures == 6
    assert "Nothing to see" not in printed
    assert printed.endswith("Done\n")
    assert len(re.findall(r"8 of 8 modes", printed)) == 2


def test_gan_with_nothing_written_runs_to_the_end(run):
    printed, figures = run(code_cells("p10_gan", written=False))
    assert figures == 0
    assert printed.count("Nothing to see") == 9
    assert printed.endswith("Done\n")


@pytest.mark.slow
def test_vae_with_every_question_solved(run):
    printed, figures = run(code_cells("p08_vae"))
    assert figures == 10
    assert "Nothing to see yet" not in printed
    assert float(re.search(r"a test digit costs (\S+) nats", printed)[1]) < 24.9
    assert printed.endswith("Done\n")


def test_vae_with_nothing_written_runs_to_the_end(run):
    printed, figures = run(code_cells("p08_vae", written=False))
    assert figures == 0
    assert printed.count("Nothing to see yet") == 9
    assert printed.endswith("Done\n")


def test_transformer_with_every_question_solved(run):
    printed, figures = run(code_cells("p02_transformer"))
    assert figures == 3
    assert "Nothing to see yet" not in printed
    assert "logits: (1, 6, 20)" in printed
    assert "inputs [[1, 7, 4, 9, 5], [1, 8, 3, 2, 0]]" in printed
    assert printed.endswith("Done\n")


def test_transformer_with_nothing_written_runs_to_the_end(run):
    printed, figures = run(code_cells("p02_transformer", written=False))
    assert figures == 0
    assert printed.count("Nothing to see yet") == 4
    assert printed.endswith("Done\n")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_training_and_decoding_with_every_question_solved(run):
    printed, figures = run(code_cells("p03_training_decoding"))
    assert figures == 3
    assert "Nothing to see yet" not in printed
    assert "greedy:  the dog EOS" in printed and "a dog EOS" in printed
    assert "source: 4 5 7 9 0 1 8 9  written: 9 8 1 0 9 7 5 4 EOS" in printed
    assert printed.endswith("Done\n")


def test_training_and_decoding_with_nothing_written_runs_to_the_end(run):
    printed, figures = run(code_cells("p03_training_decoding", written=False))
    assert figures == 0
    assert printed.count("Nothing to see yet") == 7
    assert printed.endswith("Done\n")


def test_the_toy_transformer_of_the_handout_is_that_of_the_reference():
    reference = (ROOT / "reference_impl/toy_transformer.py").read_text(encoding="utf-8")
    given = reference[reference.index("PAD, BOS") :].strip()
    cells = read_assignment(ROOT / "source/p03_training_decoding.py", "source/p03_training_decoding.py").cells
    assert given in [cell.source.strip() for cell in cells]


def test_setup_finds_the_environment_complete_and_shows_its_traps(run):
    printed, figures = run(code_cells("p00_setup"))
    assert figures == 1
    assert "Everything is there" in printed, printed
    for line in (
        "tf.Variable  trainable weights: 0",
        "by position: ValueError",
        "gradient through NumPy: None",
    ):
        assert line in printed
    assert float(re.search(r"without a new compile +the frozen layer moved by (\S+)", printed)[1]) > 0
    assert float(re.search(r"after it +the frozen layer moved by (\S+)", printed)[1]) == 0
    assert printed.endswith("Done\n")


@pytest.mark.parametrize("name", PARTS)
def test_the_table_of_points_is_that_of_the_checks(name):
    """A row of the table for each part with questions, the written one as a second summand of its row."""
    text = (ROOT / "source" / f"{name}.py").read_text(encoding="utf-8")
    table = [
        sum(map(float, row.split("+"))) for row in re.findall(r"^# \|.*\| ([\d+ ]+) \|$", text, re.MULTILINE)
    ]
    points = {question: 0.0 for part in PARTS[name] for question in part}
    cells = read_assignment(ROOT / "source" / f"{name}.py", f"source/{name}.py").cells
    points |= {cell.id: cell.points for cell in cells if cell.role == "written"}
    for check in check_catalogue(ROOT / "autograder" / "checks" / f"{name}.py"):
        points[check.question] += check.points
    assert table == [sum(points[question] for question in part) for part in PARTS[name]]
    assert f"{sum(table):g} points" in text
