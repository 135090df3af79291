"""The checks of problem set 10, proved: every listed mistake is noticed, by name; every right solution passes.

A mistake of each kind is looked for in its own question, and nothing is trained to the end. `autograder mutants`
takes all mistakes, and trains: right solutions, and the mistakes that only a training run shows.
"""

from collections import defaultdict
from pathlib import Path

import pytest

from autograder.checking.catalogue import check_catalogue
from autograder.checking.check_module import load_check_module
from autograder.checking.proof import Proof

ROOT = Path(__file__).parents[2]
CHECKS = ROOT / "autograder/checks/p10_gan.py"
DATA = load_check_module(ROOT / "tests/mutants/p10_gan.py")
POINTS = {
    "gan_losses": 9,
    "optimal_discriminator": 5,
    "gan_train_step": 11,
    "toy_gan": 7,
    "dcgan": 7,
    "wasserstein_1d": 2,
    "wgan": 6,
    "gradient_penalty": 9,
    "toy_wgan": 4,
}
TYPICAL = (
    "labels flipped: real = 0, fake = 1",
    "minus the minimax loss",
    "0 log 0 is nan",
    "the discriminator's step moves the generator too",
    "fakes are detached in the generator's step",
    "both against the old networks: one tape for both",
    "a sigmoid, for a loss of logits",
    "no running sum",
    "clipped before the step",
    "normal, as in the Keras example",
    "the slope at the real samples",
    "cut off from the critic",
)


def title(case):
    return getattr(case, "name", None) or f"{case.target}: {case.wrong}"


@pytest.fixture(scope="module")
def proof():
    return Proof(ROOT, "p10_gan")


@pytest.mark.parametrize("mutant", [m for m in DATA.MUTANTS if m.wrong in TYPICAL], ids=title)
def test_a_typical_mistake_fails_the_checks_named_for_it_and_no_others(proof, mutant):
    run = proof.run_mutant(mutant, own_question_only=True)
    assert run.verdict == "caught", {"missed": run.missed, "strays": run.strays, "telling": run.telling}


def test_the_typical_mistakes_are_among_the_mutants():
    assert set(TYPICAL) <= {mutant.wrong for mutant in DATA.MUTANTS}


@pytest.mark.parametrize("variant", DATA.VARIANTS, ids=title)
def test_a_right_solution_keeps_every_point_that_needs_no_training(proof, variant):
    run, _ = proof.run_variant(variant, gates=False)
    assert not run.failed


def test_the_release_earns_nothing(proof):
    assert proof.stub_points() == 0


def test_every_check_has_a_mistake_to_notice():
    named = {name for mutant in DATA.MUTANTS for name in mutant.expected}
    assert {check.id for check in check_catalogue(CHECKS)} <= named


def test_points_of_the_questions():
    points, public = defaultdict(float), defaultdict(float)
    for check in check_catalogue(CHECKS):
        points[check.question] += check.points
        public[check.question] += check.points * check.public
    assert points == POINTS
    for question in POINTS:
        assert 0 < public[question] < points[question] / 2, question
